/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduler: classes, budgets, one queue.
 *
 * Classes: heartbeat above drivers above guests; a driver task past its budget of the period runs
 * at guest level; among guests the task with the least vruntime runs. CPUs with nobody to run halt.
 * The core is not preemptible: a thread leaves the CPU when it blocks, or on its way out to ring 3
 * or guest when cpu->resched is set.
 */
#ifndef CORE_SCHED_H
#define CORE_SCHED_H

#include <stdint.h>

struct thread;
struct task;
struct info_cpu;

/* Give the CPU away if cpu->resched is set, and end the thread if its task has ended. Called on
 * every way out to ring 3, and by the engine before every VMRUN. May return on another CPU. 0; or,
 * for a thread whose `vcpu` is set, -EINTR when the task has ended: then the engine clears `vcpu`,
 * drops what it holds and returns from its system call, whose way out ends the thread. */
int sched_check(void);
/* The same without the end of the thread: between the steps of long work in the core, no locks
 * held. */
void sched_relax(void);
/* Block the current thread until sched_wake or the deadline (CLOCK ns, WAIT_FOREVER). The caller
 * set its wait condition under `l`, which is dropped once the thread counts as blocked, so that no
 * wake-up is lost. 0, -ETIMEDOUT, or -EINTR when the task ends. */
struct spinlock;
int sched_block(struct spinlock *l, uint64_t deadline);
/* Make a blocked thread ready (no-op else); safe from interrupt paths. */
void sched_wake(struct thread *t);
void sched_give_way(void);
/* A new thread's first step on to the queue; an ended task's thread out of its block or off its CPU.
 */
void sched_start(struct thread *t);
void sched_interrupt(struct thread *t);
/* The current thread is over: never returns, its stack is freed by whoever runs next. */
_Noreturn void sched_leave(void);
/* A new thread has come on to its stack. */
void sched_switched(void);
/* The boot stack becomes this CPU's idle loop. */
_Noreturn void sched_idle(void);
/* Make this CPU's current context its idle thread; the first thing of a CPU that concerns the
 * scheduler. */
void sched_cpu_init(void);
/* Bring the accounts of all running tasks up to now. No lock held but core_lock. */
void sched_charge_all(void);
void sched_cpu_info(unsigned cpu, struct info_cpu *out);
/* The tables of a task that is over: off every CPU that still has them loaded. core_lock held. */
void sched_drop_tables(struct task *t);
uint64_t clock_ns(void); /* CLOCK: ns since boot, TSC based */
uint64_t clock_from_tsc(uint64_t tsc);
uint64_t clock_to_tsc(uint64_t ns); /* saturates */
extern uint64_t clock_mult;	    /* ns = (tsc - entry_tsc) * clock_mult >> 32 */

/* One-shot timers on the CPU that arms them; fn runs there with interrupts off. Arm again to move.
 */
struct timer {
	struct timer *next;
	uint64_t expiry; /* CLOCK ns; 0: not armed */
	void (*fn)(struct timer *);
	uint32_t cpu;
};
void timer_arm(struct timer *t, uint64_t expiry);
void timer_cancel(struct timer *t); /* also on another CPU; does not wait for a running fn */
/* The same, and afterwards fn does not run anywhere: before its memory goes. Hold no lock that fn
 * takes. */
void timer_cancel_sync(struct timer *t);
void timer_cpu_init(void);

#endif
