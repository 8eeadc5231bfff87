// SPDX-License-Identifier: GPL-2.0-only
// CLOCK and the timers of each CPU: a list sorted by expiry, whose head is in the timer hardware.
#include "core/sched.h"
#include "core/frame.h"
#include "core/list.h"
#include "core/lock.h"
#include "core/log.h"
#include "core/unit.h"
#include "x86/trap.h"

struct timer_queue {
	struct spinlock lock;
	struct timer *head;
	struct timer *running;
	uint64_t programmed; /* CLOCK ns that the hardware has, at or before the head; 0: off */
};

/* Timers that re-arm themselves into the past do not hold the CPU for ever. */
#define FIRED_AT_ONCE 64

#define CLOCK_FAR (~0ull >> 1) /* a TSC value that never comes */

uint64_t clock_mult;
static uint64_t tsc_mult; /* TSC ticks = ns * tsc_mult >> 32 */

static uint64_t scale(uint64_t value, uint64_t mult)
{
	unsigned __int128 wide = (unsigned __int128)value * mult >> 32;

	return wide >> 64 ? ~0ull : (uint64_t)wide;
}

uint64_t clock_from_tsc(uint64_t tsc)
{
	return tsc > entry_tsc ? scale(tsc - entry_tsc, clock_mult) : 0;
}

uint64_t clock_to_tsc(uint64_t ns)
{
	uint64_t ticks = scale(ns, tsc_mult);

	return ticks < CLOCK_FAR - entry_tsc ? entry_tsc + ticks : CLOCK_FAR;
}

uint64_t clock_ns(void)
{
	return clock_from_tsc(rdtsc());
}

static void clock_init(void)
{
	clock_mult = (1000000ull << 32) / tsc_khz;
	tsc_mult = (tsc_khz << 32) / 1000000;
}

void timer_cpu_init(void)
{
	this_cpu()->timers = core_alloc(sizeof(struct timer_queue));
	if (!this_cpu()->timers)
		panic("no memory for the timers of cpu %u", this_cpu()->id);
}
UNIT(core_clock, UNIT_CORE, clock_init, timer_cpu_init, NULL);

// The head goes into the hardware; q is this CPU's, its lock held. What comes too early looks again, once: that is
// cheaper than telling a device of each timer that moves away or is cancelled.
static void program(struct timer_queue *q)
{
	uint64_t expiry = q->head ? q->head->expiry : 0;

	if (!expiry || (q->programmed && q->programmed <= expiry))
		return;
	q->programmed = expiry;
	timer_program(clock_to_tsc(expiry) + 1);
}

static void insert(struct timer_queue *q, struct timer *t)
{
	struct timer **at = &q->head;

	while (*at && (*at)->expiry <= t->expiry)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

static void unlink(struct timer_queue *q, struct timer *t)
{
	list_unlink(q->head, t, next);
	t->expiry = 0;
}

void timer_cancel(struct timer *t)
{
	uint64_t expiry;

	// Another CPU may fire it, but only its owner arms it anew: a moved timer is looked for
	// again.
	while ((expiry = __atomic_load_n(&t->expiry, __ATOMIC_ACQUIRE))) {
		unsigned cpu = __atomic_load_n(&t->cpu, __ATOMIC_RELAXED);
		struct timer_queue *q = cpus[cpu]->timers;

		spin_lock(&q->lock);
		if (t->expiry && t->cpu == cpu)
			unlink(q, t);
		spin_unlock(&q->lock);
	}
}

void timer_cancel_sync(struct timer *t)
{
	struct timer_queue *q = cpus[t->cpu]->timers;

	timer_cancel(t);
	while (__atomic_load_n(&q->running, __ATOMIC_ACQUIRE) == t && q != this_cpu()->timers) {
		__builtin_ia32_pause();
		cpu_poll();
	}
}

void timer_arm(struct timer *t, uint64_t expiry)
{
	struct timer_queue *q = this_cpu()->timers;

	timer_cancel(t);
	spin_lock(&q->lock);
	t->cpu = this_cpu()->id;
	t->expiry = expiry ? expiry : 1;
	insert(q, t);
	program(q);
	spin_unlock(&q->lock);
}

void timer_interrupt(void)
{
	struct timer_queue *q = this_cpu()->timers;
	uint64_t now = clock_ns();
	struct timer *t;

	spin_lock(&q->lock);
	q->programmed = 0; /* one-shot */
	for (unsigned i = 0; i < FIRED_AT_ONCE && (t = q->head) && t->expiry <= now; i++) {
		q->head = t->next;
		q->running = t;
		__atomic_store_n(&t->expiry, 0, __ATOMIC_RELEASE);
		spin_unlock(&q->lock);
		t->fn(t);
		spin_lock(&q->lock);
		__atomic_store_n(&q->running, NULL, __ATOMIC_RELEASE);
	}
	program(q);
	spin_unlock(&q->lock);
}
