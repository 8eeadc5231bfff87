/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine for tests of hv/core: two processors that exist in a table only, memory from the host's
 * heap, frames that are numbers, page tables that are a list, a clock that the test moves.
 * Everything is weak, so a test that lists a shipped file among its sources gets that instead.
 *
 * The linker tables of the core (system calls, object types) begin in the object that includes this
 * header, which is linked first, and end in core_machine.c, which must be the last source.
 */
#ifndef CORE_MACHINE_H
#define CORE_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <postern/errno.h>
#include <postern/syscall.h>
#include "core/object.h"
#include "core/task.h"

#define TABLE_BEGIN(name)                                                              \
	__asm__(".pushsection " #name ",\"aw\"\n.balign 8\n.globl _" #name "\n_" #name \
		":\n.popsection")
#ifndef MACHINE_ITSELF
TABLE_BEGIN(syscalls);
TABLE_BEGIN(object_types);
TABLE_BEGIN(units);
#endif

extern const struct syscall_entry _syscalls[], _syscalls_end[];

extern unsigned machine_cpu;	     /* which one runs the test now */
extern uint64_t machine_now;	     /* CLOCK */
extern int64_t machine_core_objects; /* core_alloc and core_page(s)_alloc not yet freed */
extern int64_t machine_alloc_left;   /* so many allocations succeed; -1: all */
extern uint64_t machine_frames, machine_frames_max,
	machine_reserved;	    /* allocated, there are, set aside */
extern unsigned machine_large_left; /* so many 2 MiB frames are to be had */
extern unsigned machine_flushes, machine_kicks, machine_panics;
extern jmp_buf machine_panic; /* set it and set machine_panic_expected */
extern int machine_panic_expected;
extern char machine_log[256]; /* the last line */

/* What is mapped at va in t's tables, or 0; its attributes. */
uint64_t machine_mapped(const struct page_tables *pt, uint64_t va, unsigned *attrs);

void machine_init(void);
struct task *machine_task(unsigned class_);
/* A thread of t becomes the current one of this CPU; not from thread_create. */
struct thread *machine_run_as(struct task *t);
int64_t machine_syscall(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
			uint64_t f);
/* All threads of t come to their way out, the last one reaps t; its reference is dropped. */
static inline void machine_end(struct task *t)
{
	task_end(t, TASK_KILLED, 0, 0, 0);
	while (t->threads) {
		struct thread *thread = t->threads;

		this_cpu()->current = thread;
		machine_panic_expected = 1;
		if (!setjmp(machine_panic))
			thread_finish(0); /* ends in sched_leave */
		machine_panic_expected = 0;
		this_cpu()->current = &(struct thread){0};
		thread_free(thread);
	}
	object_put_unlocked(&t->object);
}
#define U(p) ((uint64_t)(uintptr_t)(p))

#endif
