// SPDX-License-Identifier: GPL-2.0-only
/*
 * Meter: measures what a system call costs, for `make bench`. Started from the shell (`module start
 * meter`), asked by `send meter null`; answers in the log.
 */
#include <string.h>
#include <postern/manifest.h>
#include "log.h"
#include "module.h"
#include "syscalls.h"

MODULE_MANIFEST("name = meter\n"
		"version = 1.0\n"
		"licence = GPL-2.0-only\n"
		"about = measures system calls\n"
		"provides = meter\n"
		"start = never\n");

#define LOOPS 1000
#define REPEATS 5

static uint64_t ticks(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* Ticks of LOOPS turns around CALL, the best of REPEATS. */
static uint64_t best_of(void (*call)(void))
{
	uint64_t best = UINT64_MAX;

	for (int repeat = 0; repeat < REPEATS; repeat++) {
		uint64_t start = ticks();

		for (int i = 0; i < LOOPS; i++)
			call();
		start = ticks() - start;
		if (start < best)
			best = start;
	}
	return best;
}

static void nothing(void)
{
	__asm__ volatile("");
}

static void null_call(void)
{
	sys_null();
}

static void meter_control(const struct message *m)
{
	uint64_t with, without;

	if (m->kind != MSG_COMMAND || strncmp(m->text, "null", sizeof(m->text)))
		return;
	without = best_of(nothing);
	with = best_of(null_call);
	log_line("null system call: %u ticks", (unsigned)((with - without + LOOPS / 2) / LOOPS));
}

static int meter_probe(void)
{
	module_status("waits for commands");
	return 0;
}

const struct module_ops module = {
	.probe = meter_probe,
	.control = meter_control,
};
