/* SPDX-License-Identifier: GPL-2.0-only */
/* The scheduler's choice: pure functions over tasks, threads and the time. */
#ifndef CORE_SCHED_CHOICE_H
#define CORE_SCHED_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

struct task;
struct thread;

#define PERIOD_NS 10000000ull	    /* budgets are per 10 ms */
#define DRIVER_BUDGET_NS 3000000ull /* of a driver task, on all CPUs together */
#define HEART_BUDGET_NS 2000000ull  /* of a heartbeat task */
/* Of all of them together on one CPU: guests keep the other half. */
#define ABOVE_BUDGET_NS 5000000ull
#define SLICE_NS 4000000ull /* a turn while somebody of the same level waits */
#define SLICE_MIN_NS 100000ull
/* Who is behind by more than this does not wait for the end of a turn. */
#define GRAIN_NS 1000000ull
#define CALM_NS 4000000ull /* who was woken calmly goes before others when it is behind by more than this */
#define DEBT_NS 16000000ull /* for each CPU, who had more than others is this far behind them at most */
#define BONUS_NS 3000000ull /* who slept starts this far before the others at most */

enum sched_level { LEVEL_HEARTBEAT, LEVEL_DRIVER, LEVEL_GUEST, LEVEL_IDLE };

/* What one CPU gave to tasks above guests in its present period. */
struct above {
	uint64_t start, used;
};

/* Where task competes now. */
unsigned sched_level(const struct above *above, const struct task *t, uint64_t now);
/* Is a a better choice than b? Ties go to who stands first in the queue. */
bool sched_better(const struct above *above, const struct thread *a, const struct thread *b,
		  uint64_t now);
/* Does waiting take over from running, which would go on? */
bool sched_preempts(const struct above *above, const struct thread *running,
		    const struct thread *waiting, uint64_t now);
/* Where a task that comes into a queue stands: `least` is the least vruntime that runs. With so many CPUs it
 * may be ahead of that, as long as it has more than its share of them; 0: no matter how far. */
uint64_t sched_bounded(uint64_t vruntime, uint64_t least, unsigned cpus);
/* How long a thread of t may run now while somebody waits. t NULL: idle. */
uint64_t sched_slice(const struct above *above, const struct task *t, uint64_t now);
/* ns of processor time, ending at now, used by a thread of t. */
void sched_charge(struct above *above, struct task *t, uint64_t now, uint64_t ns);

#endif
