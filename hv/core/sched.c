// SPDX-License-Identifier: GPL-2.0-only
// The scheduler: which thread a CPU runs, and for how long.
//
// Time is charged to tasks, so all threads of a guest, its virtual processors and its VMM, share
// one budget. A thread competes at one of three levels: heartbeat tasks and drivers above guests
// while they are within their budget of the period, and while the CPU has not given drivers too
// much of it; everybody else by the least virtual runtime. A timer interrupts a turn only when
// somebody waits for this CPU.
//
// A thread that is woken before it has left its CPU (on_cpu) stays in that CPU's queue, and nobody
// steals it: its registers are still there.
#include "core/sched.h"
#include "core/frame.h"
#include "core/lock.h"
#include "core/log.h"
#include "core/sched_choice.h"
#include "core/task.h"
#include "core/unit.h"
#include "x86/machine.h"
#include <postern/errno.h>

#define FLOOR_NS 1000000ull /* so old may vruntime_min be */
/* So far apart must two CPUs be before a waiting thread moves between them. */
#define MIGRATE_NS 8000000ull

struct sched_queue {
	struct spinlock lock;
	struct thread *head, *tail;
	uint32_t count;
	struct thread *prev; /* who was switched away from */
	struct timer slice;
	struct above above;
	/* A picture of the current thread for other CPUs, which must not look into it: it may be
	 * freed. */
	uint32_t level;
	const struct task *task;
	uint64_t vruntime, since;
	uint64_t switches, idle_ns;
	uint32_t last_guest; /* id of the guest task that ran here last */
	struct thread idle;
};

void context_switch(uint64_t *save_rsp, uint64_t rsp);
void cpu_wait(void);

static uint64_t idle_cpus; /* halted, or about to */
/* Follows the least vruntime that runs at guests' level; only grows. */
static uint64_t vruntime_min;
static uint64_t vruntime_min_at;

static bool is_idle(const struct thread *t)
{
	return !t->task;
}

static uint64_t bit(unsigned cpu)
{
	return 1ull << cpu;
}

static void notify(unsigned cpu)
{
	struct cpu *c = cpus[cpu];

	// Who set it before has kicked, too.
	if (!__atomic_exchange_n(&c->resched, 1, __ATOMIC_SEQ_CST) && c != this_cpu())
		cpu_kick(cpu);
}

// --- the queue; its lock held ---

static void append(struct sched_queue *q, struct thread *t)
{
	t->queue_next = NULL;
	if (q->tail)
		q->tail->queue_next = t;
	else
		q->head = t;
	q->tail = t;
	q->count++;
}

static void take(struct sched_queue *q, struct thread *t)
{
	struct thread **at = &q->head, *before = NULL;

	while (*at != t) {
		before = *at;
		at = &before->queue_next;
	}
	*at = t->queue_next;
	if (q->tail == t)
		q->tail = before;
	q->count--;
}

static struct thread *best_of(struct sched_queue *q, uint64_t now, bool foreign)
{
	struct thread *best = NULL;

	for (struct thread *t = q->head; t; t = t->queue_next)
		if (!(foreign && t->on_cpu) &&
		    (!best || sched_better(&q->above, t->task, best->task, now)))
			best = t;
	return best;
}

// --- time ---

// The queue's lock held: t runs on its CPU.
static void charge(struct sched_queue *q, struct thread *t, uint64_t now)
{
	uint64_t ns = now - t->started;

	if (now < t->started)
		return; /* another CPU was here first, by a clock that is a little ahead */
	t->started = now;
	if (is_idle(t)) {
		q->idle_ns += ns;
		return;
	}
	sched_charge(&q->above, t->task, now, ns);
	q->vruntime = t->task->vruntime;
	q->since = now;
}

// A CPU where nobody waits does not look at the clock. Charge what runs on the others before tasks
// are compared.
static void charge_others(struct cpu *self, uint64_t now)
{
	for (unsigned i = 0; i < cpu_count; i++) {
		struct sched_queue *q = cpus[i]->sched;

		if (i == self->id || !spin_try(&q->lock))
			continue;
		charge(q, cpus[i]->current, now);
		spin_unlock(&q->lock);
	}
}

void sched_charge_all(void)
{
	struct cpu *c = this_cpu();
	uint64_t now = clock_ns();

	charge_others(c, now);
	spin_lock(&c->sched->lock);
	charge(c->sched, c->current, now);
	spin_unlock(&c->sched->lock);
}

// No queue locked.
static void find_vruntime_min(uint64_t now)
{
	uint64_t least = ~0ull;

	for (unsigned i = 0; i < cpu_count && now - vruntime_min_at >= FLOOR_NS; i++) {
		struct sched_queue *q = cpus[i]->sched;
		struct thread *t;

		if (!spin_try(&q->lock))
			continue;
		t = cpus[i]->current;
		charge(q, t, now);
		if (!is_idle(t) && sched_level(&q->above, t->task, now) == LEVEL_GUEST &&
		    t->task->vruntime < least)
			least = t->task->vruntime;
		spin_unlock(&q->lock);
	}
	if (least != ~0ull) {
		vruntime_min_at = now;
		vruntime_min = least > vruntime_min ? least : vruntime_min;
	}
}

static void slice_over(struct timer *timer)
{
	find_vruntime_min(clock_ns());
	this_cpu()->resched = 1;
}

// Into a queue: who slept collects no claim for the time, and who had a CPU to itself, where drivers
// took less than from others, no debt.
static void join(struct sched_queue *q, struct thread *t, uint64_t now)
{
	t->task->vruntime = sched_bounded(t->task->vruntime, vruntime_min,
					  now - vruntime_min_at < FLOOR_NS ? cpu_count : 0);
	append(q, t);
}

// --- moving threads between CPUs ---

static struct thread *steal_from(struct sched_queue *from, uint64_t now)
{
	struct thread *t;

	if (!__atomic_load_n(&from->count, __ATOMIC_RELAXED) || !spin_try(&from->lock))
		return NULL;
	t = best_of(from, now, true);
	if (t)
		take(from, t);
	spin_unlock(&from->lock);
	return t;
}

// For a CPU with nothing to run. Its own queue is locked, others are only tried, so nobody waits in
// a circle; a queue that is missed belongs to a CPU that looks for idle ones itself.
static struct thread *steal(struct cpu *c, uint64_t now)
{
	for (unsigned i = 1; i < cpu_count; i++) {
		struct thread *t = steal_from(cpus[(c->id + i) % cpu_count]->sched, now);

		if (t)
			return t;
	}
	return NULL;
}

// A CPU that runs something which deserves it clearly less than t; -1: none.
static int lesser_cpu(struct cpu *c, const struct thread *t, unsigned level, uint64_t now)
{
	for (unsigned i = 1; i < cpu_count; i++) {
		unsigned id = (c->id + i) % cpu_count;
		const struct sched_queue *q = cpus[id]->sched;

		if (q->level > level)
			return id;
		if (q->level == level && level == LEVEL_GUEST &&
		    q->vruntime + (now - q->since) > t->task->vruntime + MIGRATE_NS)
			return id;
	}
	return -1;
}

// Where a virtual processor of t's own guest runs, of whose turn t takes a part; -1: nowhere, or t is
// one itself.
static int own_cpu(const struct thread *t)
{
	for (unsigned i = 0; i < cpu_count && !t->vcpu; i++)
		if (cpus[i]->sched->task == t->task && cpus[i]->sched->level == LEVEL_GUEST)
			return i;
	return -1;
}

// Somebody still waits here: perhaps another CPU is the better place.
static void spread(struct cpu *c, struct sched_queue *q)
{
	uint64_t now = clock_ns();
	struct sched_queue *to;
	struct thread *t;
	int id;

	spin_lock(&q->lock);
	t = best_of(q, now, true);
	id = t ? lesser_cpu(c, t, sched_level(&q->above, t->task, now), now) : -1;
	for (struct thread *o = q->head; o && id < 0; o = o->queue_next) {
		id = o->on_cpu || q->task == o->task ? -1 : own_cpu(o);
		t = o;
	}
	to = id < 0 ? NULL : cpus[id]->sched;
	if (to && spin_try(&to->lock)) {
		take(q, t);
		t->cpu = id;
		append(to, t);
		spin_unlock(&to->lock);
		notify(id);
	}
	spin_unlock(&q->lock);
}

// --- the switch ---

static void load_task(struct cpu *c, struct task *t)
{
	struct task *old = c->task;

	if (t->class_ == CLASS_GUEST && c->sched->last_guest != t->id) {
		mitigation_barrier();
		c->sched->last_guest = t->id;
	}
	if (old == t)
		return;
	// In this order: whoever changes these tables from now on flushes this CPU, too.
	__atomic_fetch_or(&t->loaded_on, bit(c->id), __ATOMIC_SEQ_CST);
	paging_switch(&t->tables);
	c->task = t;
	if (old)
		__atomic_fetch_and(&old->loaded_on, ~bit(c->id), __ATOMIC_SEQ_CST);
	cpu_set_ports(t->ports);
}

static void drop_tables(void *arg)
{
	struct cpu *c = this_cpu();

	if (c->task != arg)
		return;
	paging_switch(&core_tables);
	c->task = NULL;
	cpu_set_ports(NULL);
}

void sched_drop_tables(struct task *t)
{
	uint64_t others = t->loaded_on & ~bit(this_cpu()->id);

	drop_tables(t);
	if (others)
		cpu_call(others, drop_tables, t);
	t->loaded_on = 0;
}

// On the new thread's stack: the one before it is off its own now.
void sched_switched(void)
{
	struct cpu *c = this_cpu();
	struct sched_queue *q = c->sched;
	struct thread *prev = q->prev, *self = c->current;

	if (prev->state == THREAD_DEAD)
		thread_free(prev);
	else
		__atomic_store_n(&prev->on_cpu, false, __ATOMIC_RELEASE);
	// Its task may have ended while it stood in the queue.
	if (self->task && __atomic_load_n(&self->task->end, __ATOMIC_SEQ_CST) != TASK_ALIVE)
		c->resched = 1;
	if (q->count)
		spread(c, q);
}

static void picture(struct sched_queue *q, struct thread *t, uint64_t now)
{
	q->task = t->task;
	q->level = is_idle(t) ? LEVEL_IDLE : sched_level(&q->above, t->task, now);
	q->vruntime = is_idle(t) ? 0 : t->task->vruntime;
	q->since = now;
}

// c's queue locked. Whom to run: prev itself, somebody out of a queue, or the idle thread.
static struct thread *choose(struct cpu *c, struct sched_queue *q, struct thread *prev,
			     uint64_t now)
{
	struct thread *best = best_of(q, now, false);
	bool runs = prev->state == THREAD_RUNNING && !is_idle(prev);

	if (runs && (!best || !sched_preempts(&q->above, prev, best, now)))
		return prev;
	if (best)
		take(q, best);
	else
		best = steal(c, now);
	if (runs) {
		prev->state = THREAD_READY;
		join(q, prev, now);
	}
	return best ? best : &q->idle;
}

static void switch_to(struct cpu *c, struct sched_queue *q, struct thread *prev,
		      struct thread *next)
{
	if (prev->switched_out)
		prev->switched_out(prev);
	q->switches++;
	q->prev = prev;
	if (!is_idle(next)) {
		load_task(c, next->task);
		cpu_set_kernel_stack((uint64_t)next->kernel_stack + CORE_STACK_BYTES);
	}
	context_switch(&prev->kernel_rsp, next->kernel_rsp);
	sched_switched();
}

static void schedule(void)
{
	struct cpu *c = this_cpu();
	struct sched_queue *q = c->sched;
	struct thread *prev = c->current, *next;
	uint64_t now = clock_ns();

	spin_lock(&q->lock);
	charge(q, prev, now);
	if (q->count)
		charge_others(c, now);
	next = choose(c, q, prev, now);
	prev->yields = false;
	if (next != prev)
		next->turn = next->started = now;
	else if (now - prev->turn >= SLICE_NS)
		prev->turn = now; /* nobody else deserves it more: another turn */
	next->state = THREAD_RUNNING;
	next->on_cpu = true;
	next->cpu = c->id;
	c->current = next;
	picture(q, next, now);
	if (q->count)
		timer_arm(&q->slice, now + sched_slice(&q->above, next->task, now));
	if (is_idle(prev) && !is_idle(next))
		__atomic_fetch_and(&idle_cpus, ~bit(c->id), __ATOMIC_SEQ_CST);
	spin_unlock(&q->lock);
	if (next != prev)
		switch_to(c, q, prev, next);
	else if (q->count)
		spread(c, q);
}

// --- blocking and waking ---

int sched_block(struct spinlock *l, uint64_t deadline)
{
	struct thread *self = current_thread();
	struct task *task = self->task;

	self->timed_out = false;
	__atomic_store_n(&self->state, THREAD_BLOCKED, __ATOMIC_SEQ_CST);
	spin_unlock(l);
	if (deadline != WAIT_FOREVER)
		timer_arm(&self->timer, deadline);
	// task_end wakes whom it finds blocked; it has not found us if it came before.
	if (__atomic_load_n(&task->end, __ATOMIC_SEQ_CST) != TASK_ALIVE)
		sched_wake(self);
	schedule();
	if (deadline != WAIT_FOREVER)
		timer_cancel_sync(&self->timer);
	if (task->end != TASK_ALIVE) {
		this_cpu()->resched = 1;
		return -EINTR;
	}
	return self->timed_out ? -ETIMEDOUT : 0;
}

static void deadline_passed(struct timer *timer)
{
	struct thread *t = (struct thread *)((char *)timer - offsetof(struct thread, timer));

	t->timed_out = true;
	sched_wake(t);
}

static unsigned place(struct thread *t, unsigned level)
{
	uint64_t idle = __atomic_load_n(&idle_cpus, __ATOMIC_SEQ_CST);
	unsigned best = t->cpu;
	int own;

	if (t->on_cpu || idle & bit(t->cpu))
		return t->cpu;
	if (idle)
		return __builtin_ctzll(idle);
	for (unsigned i = 0; i < cpu_count; i++)
		if (cpus[i]->sched->level > cpus[best]->sched->level)
			best = i;
	if (cpus[best]->sched->level > level)
		return best;
	own = level == LEVEL_GUEST ? own_cpu(t) : -1;
	return own < 0 ? t->cpu : (unsigned)own;
}

// A thread in nobody's queue, READY.
static void enqueue(struct thread *t)
{
	uint64_t now = clock_ns();
	struct sched_queue *q;
	struct thread *running;
	unsigned cpu;
	bool tell;

	find_vruntime_min(now);
	cpu = place(t, sched_level(&this_cpu()->sched->above, t->task, now));
	q = cpus[cpu]->sched;
	spin_lock(&q->lock);
	t->cpu = cpu;
	join(q, t, now);
	running = cpus[cpu]->current;
	tell = is_idle(running) || q->count == 1 || sched_preempts(&q->above, running, t, now);
	spin_unlock(&q->lock);
	if (tell)
		notify(cpu);
}

void sched_wake(struct thread *t)
{
	uint32_t blocked = THREAD_BLOCKED;

	if (__atomic_compare_exchange_n(&t->state, &blocked, THREAD_READY, false, __ATOMIC_SEQ_CST,
					__ATOMIC_RELAXED))
		enqueue(t);
}

void sched_start(struct thread *t)
{
	t->timer.fn = deadline_passed;
	enqueue(t);
}

void sched_interrupt(struct thread *t)
{
	sched_wake(t);
	if (t->on_cpu)
		notify(t->cpu);
}

void sched_give_way(void)
{
	current_thread()->yields = true;
	this_cpu()->resched = 1; /* on the way out */
}

void sched_relax(void)
{
	struct thread *self = current_thread();

	if (!this_cpu()->resched)
		return;
	this_cpu()->resched = 0;
	schedule();
	if (self->task->end != TASK_ALIVE)
		this_cpu()->resched = 1;
}

int sched_check(void)
{
	while (__atomic_exchange_n(&this_cpu()->resched, 0, __ATOMIC_SEQ_CST)) {
		struct thread *self = current_thread();

		if (self->task->end != TASK_ALIVE && self->vcpu) {
			this_cpu()->resched = 1;
			return -EINTR;
		}
		if (self->task->end != TASK_ALIVE)
			thread_finish(0);
		schedule();
	}
	return 0;
}

void sched_leave(void)
{
	current_thread()->state = THREAD_DEAD;
	schedule();
	panic("a dead thread runs");
}

void sched_idle(void)
{
	struct cpu *c = this_cpu();

	for (;;) {
		__atomic_fetch_or(&idle_cpus, bit(c->id), __ATOMIC_SEQ_CST);
		c->resched = 0;
		schedule();
		__atomic_fetch_or(&idle_cpus, bit(c->id), __ATOMIC_SEQ_CST);
		if (!__atomic_load_n(&c->resched, __ATOMIC_SEQ_CST))
			cpu_wait();
	}
}

void sched_cpu_init(void)
{
	struct cpu *c = this_cpu();
	struct sched_queue *q = core_alloc(sizeof(*q));

	if (!q)
		panic("no memory for the run queue of cpu %u", c->id);
	q->idle.state = THREAD_RUNNING;
	q->idle.cpu = c->id;
	q->idle.on_cpu = true;
	q->idle.started = clock_ns();
	q->slice.fn = slice_over;
	q->level = LEVEL_IDLE;
	c->sched = q;
	c->current = &q->idle;
	__atomic_fetch_and(&idle_cpus, ~bit(c->id), __ATOMIC_SEQ_CST);
}
UNIT(core_sched, UNIT_CORE, true, NULL, sched_cpu_init, NULL);

void sched_cpu_info(unsigned cpu, struct info_cpu *out)
{
	const struct sched_queue *q = cpus[cpu]->sched;

	out->idle_ns = q->idle_ns + (q->level == LEVEL_IDLE ? clock_ns() - q->idle.started : 0);
	out->switches = q->switches;
}
