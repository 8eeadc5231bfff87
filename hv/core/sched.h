/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduler: per-CPU queues, classes, budgets.
 *
 * Classes: heartbeat above drivers above guests; a driver task past its budget of the period runs
 * at guest level; among guests the task with the least vruntime runs. Idle CPUs steal, then halt.
 * The core is not preemptible: a thread leaves the CPU when it blocks, or on its way out to ring 3
 * or guest when cpu->resched is set.
 */
#ifndef CORE_SCHED_H
#define CORE_SCHED_H

#include <stdbool.h>
#include <stdint.h>

struct thread;

/* Give the CPU away if cpu->resched is set, and end the thread if its task has ended. Called on every way
 * out to ring 3, and by the engine before every VMRUN. May return on another CPU. */
void sched_check(void);
/* Would sched_check do anything? One load; for the engine's fast loop. */
bool sched_pending(void);
/* Block the current thread until sched_wake or the deadline (CLOCK ns, WAIT_FOREVER). The caller set its wait
 * condition under `l`, which is dropped once the thread counts as blocked, so that no wake-up is lost.
 * 0, -ETIMEDOUT, or -EINTR when the task ends. */
struct spinlock;
int sched_block(struct spinlock *l, uint64_t deadline);
/* Make a blocked thread ready (no-op else); safe from interrupt paths. */
void sched_wake(struct thread *t);
void sched_yield(void);
uint64_t clock_ns(void); /* CLOCK: ns since boot, TSC based */
uint64_t clock_from_tsc(uint64_t tsc);
uint64_t clock_to_tsc(uint64_t ns);

/* One-shot timers on the CPU that arms them; fn runs there with interrupts off. Arm again to move. */
struct timer {
	struct timer *next;
	uint64_t expiry; /* CLOCK ns; 0: not armed */
	void (*fn)(struct timer *);
	uint32_t cpu;
};
void timer_arm(struct timer *t, uint64_t expiry);
void timer_cancel(struct timer *t); /* also on another CPU; does not wait for a running fn */

#endif
