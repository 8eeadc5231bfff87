// SPDX-License-Identifier: GPL-2.0-only
/*
 * zeroout OFFSET BYTES: zeros to a part of the block device that is standard input, by BLKZEROOUT, which is a command to the
 * device where it has one. Free of any C library, as hvid.
 */
#define BLKZEROOUT 0x127f

static long sys(long nr, long a, long b, long c)
{
	long ret;
#ifdef __x86_64__
	__asm__ volatile("syscall" : "=a"(ret) : "a"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
#else
	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
#endif
	return ret;
}

#ifdef __x86_64__
enum { nr_ioctl = 16, nr_exit = 60 };
#else
enum { nr_ioctl = 54, nr_exit = 1 };
#endif

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

#ifdef __x86_64__
__asm__(".globl _start\n_start:\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall zeroout\n");
#else
__asm__(".globl _start\n_start:\tmov %esp, %eax\n\tpush %eax\n\tcall zeroout\n");
#endif
