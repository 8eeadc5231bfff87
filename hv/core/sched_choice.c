// SPDX-License-Identifier: GPL-2.0-only
// The scheduler's choice: levels, budgets, virtual runtime.
#include "core/sched_choice.h"
#include "core/task.h"

static bool within(uint64_t start, uint64_t used, uint64_t budget, uint64_t now)
{
	return now - start >= PERIOD_NS || used < budget;
}

static uint64_t budget_of(const struct task *t)
{
	return t->class_ == CLASS_HEARTBEAT ? HEART_BUDGET_NS : DRIVER_BUDGET_NS;
}

unsigned sched_level(const struct above *above, const struct task *t, uint64_t now)
{
	if (t->class_ == CLASS_GUEST || !within(t->period_start, t->period_used, budget_of(t), now))
		return LEVEL_GUEST;
	if (t->class_ == CLASS_HEARTBEAT)
		return LEVEL_HEARTBEAT;
	return within(above->start, above->used, ABOVE_BUDGET_NS, now) ? LEVEL_DRIVER : LEVEL_GUEST;
}

bool sched_better(const struct above *above, const struct thread *a, const struct thread *b,
		  uint64_t now)
{
	unsigned level_a = sched_level(above, a->task, now), level_b = sched_level(above, b->task, now);

	if (level_a != level_b)
		return level_a < level_b;
	return level_a == LEVEL_GUEST && a->task->vruntime + a->calm * CALM_NS < b->task->vruntime + b->calm * CALM_NS;
}

bool sched_preempts(const struct above *above, const struct thread *running,
		    const struct thread *waiting, uint64_t now)
{
	unsigned level_r = sched_level(above, running->task, now),
		 level_w = sched_level(above, waiting->task, now);
	bool over = now - running->turn >= SLICE_NS;
	uint64_t vruntime;

	if (running->yields)
		return level_w <= level_r;
	if (level_w != level_r)
		return level_w < level_r;
	if (level_r != LEVEL_GUEST)
		return over;
	// A VMM's own threads do short work for the guest that runs: devices do not wait for its
	// turn's end.
	if (running->task == waiting->task)
		return over || (running->vcpu && !waiting->vcpu);
	vruntime = running->task->vruntime + (now - running->started);
	if (over)
		return waiting->task->vruntime <= vruntime;
	return waiting->task->vruntime + GRAIN_NS < vruntime;
}

uint64_t sched_bounded(uint64_t vruntime, uint64_t least, unsigned cpus)
{
	uint64_t low = least > BONUS_NS ? least - BONUS_NS : 0, high = least + cpus * DEBT_NS;

	return vruntime < low ? low : cpus && vruntime > high ? high : vruntime;
}

static uint64_t left(uint64_t start, uint64_t used, uint64_t budget, uint64_t now)
{
	return now - start >= PERIOD_NS ? budget : used < budget ? budget - used : 0;
}

uint64_t sched_slice(const struct above *above, const struct task *t, uint64_t now)
{
	uint64_t ns = SLICE_NS, own, shared;

	if (t && sched_level(above, t, now) != LEVEL_GUEST) {
		own = left(t->period_start, t->period_used, budget_of(t), now);
		shared = t->class_ == CLASS_DRIVER
				 ? left(above->start, above->used, ABOVE_BUDGET_NS, now)
				 : own;
		ns = own < shared ? own : shared;
	}
	return ns < SLICE_MIN_NS ? SLICE_MIN_NS : ns;
}

void sched_charge(struct above *above, struct task *t, uint64_t now, uint64_t ns)
{
	__atomic_fetch_add(&t->cpu_ns, ns, __ATOMIC_RELAXED);
	__atomic_fetch_add(&t->vruntime, ns, __ATOMIC_RELAXED);
	if (t->class_ == CLASS_GUEST)
		return;
	if (now - t->period_start >= PERIOD_NS) {
		t->period_start = now;
		t->period_used = 0;
	}
	__atomic_fetch_add(&t->period_used, ns, __ATOMIC_RELAXED);
	if (now - above->start >= PERIOD_NS) {
		above->start = now;
		above->used = 0;
	}
	above->used += ns;
}
