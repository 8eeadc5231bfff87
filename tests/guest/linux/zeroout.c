// SPDX-License-Identifier: GPL-2.0-only
/*
 * zeroout OFFSET BYTES: zeros to a part of the block device that is standard input, by BLKZEROOUT, which is a command to the
 * device where it has one. Free of any C library, as hvid.
 */
#include "sys.h"
#define BLKZEROOUT 0x127f

static unsigned long long number(const char *s)
{
	unsigned long long n = 0;

	for (; *s >= '0' && *s <= '9'; s++)
		n = n * 10 + *s - '0';
	return n;
}

/* STACK is what lies at the stack pointer at the start (System V ABI): argc, argv. */
__attribute__((used)) static void zeroout(const long *stack)
{
	unsigned long long range[2];
	long ret = 1;

	if (*stack == 3) {
		range[0] = number((const char *)stack[2]);
		range[1] = number((const char *)stack[3]);
		ret = sys(nr_ioctl, 0, BLKZEROOUT, (long)range);
	}
	sys(nr_exit, ret != 0, 0, 0);
}

START(zeroout);
