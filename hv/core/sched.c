// SPDX-License-Identifier: GPL-2.0-only
// The scheduler: which thread a CPU runs, and for how long.
//
// Time is charged to tasks, so all threads of a guest, its virtual processors and its VMM, share
// one budget. A thread competes at one of three levels: heartbeat tasks and drivers above guests
// while they are within their budget of the period, and while the CPU has not given drivers too
// much of it; everybody else by the least virtual runtime. A timer interrupts a turn only when
// somebody waits.
//
// All who wait stand in one queue. A thread is at home on the CPU where it ran last: there it takes
// its turn as soon as it deserves it more; others take it when they have nothing better to do, or
// run something that deserves it clearly less. A thread that is woken before it has left its CPU
// (on_cpu) can only go on there: its registers are still there.
#include "core/sched.h"
#include "core/frame.h"
#include "core/lock.h"
#include "core/log.h"
#include "core/sched_choice.h"
#include "core/task.h"
#include "core/unit.h"
#include "x86/machine.h"
#include <postern/errno.h>

/* So far apart must two guests be before one takes over a CPU where it is not at home. */
#define MIGRATE_NS 8000000ull

struct sched_cpu {
	struct thread *prev; /* who was switched away from */
	struct timer slice;
	struct above above;
	uint64_t switches, idle_ns;
	uint32_t last_guest; /* id of the guest task that ran here last */
	struct thread idle;
};

void context_switch(uint64_t *save_rsp, uint64_t rsp);
void cpu_wait(void);

static struct spinlock sched_lock; /* all below, and of each CPU: `current` and the charge for it */
static struct thread *waiting, **waiting_end = &waiting;
/* Follows the least vruntime that runs at guests' level; only grows. */
static uint64_t vruntime_min;

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

// --- the queue; sched_lock held ---

static void append(struct thread *t)
{
	t->queue_next = NULL;
	*waiting_end = t;
	waiting_end = &t->queue_next;
}

static void take(struct thread *t)
{
	struct thread **at = &waiting;

	while (*at != t)
		at = &(*at)->queue_next;
	*at = t->queue_next;
	if (!*at)
		waiting_end = at;
	t->calm = false;
}

static void charge(struct cpu *c, uint64_t now)
{
	struct thread *t = c->current;
	uint64_t ns = now - t->started;

	if (now < t->started)
		return; /* another CPU was here first, by a clock that is a little ahead */
	t->started = now;
	if (is_idle(t))
		c->sched->idle_ns += ns;
	else
		sched_charge(&c->sched->above, t->task, now, ns);
}

// A CPU where nobody waits does not look at the clock. Charge what runs before tasks are compared.
static void charge_all(uint64_t now)
{
	for (unsigned i = 0; i < cpu_count; i++)
		charge(cpus[i], now);
}

void sched_charge_all(void)
{
	spin_lock(&sched_lock);
	charge_all(clock_ns());
	spin_unlock(&sched_lock);
}

static unsigned level_on(const struct cpu *c, uint64_t now)
{
	return is_idle(c->current) ? LEVEL_IDLE
				   : sched_level(&c->sched->above, c->current->task, now);
}

// Into the queue: who slept collects no claim for the time, and who had a CPU to itself, where
// drivers took less than from others, no debt.
static void join(struct thread *t, uint64_t now)
{
	uint64_t least = ~0ull;

	for (unsigned i = 0; i < cpu_count; i++)
		if (level_on(cpus[i], now) == LEVEL_GUEST &&
		    cpus[i]->current->task->vruntime < least)
			least = cpus[i]->current->task->vruntime;
	if (least != ~0ull && least > vruntime_min)
		vruntime_min = least;
	t->task->vruntime =
		sched_bounded(t->task->vruntime, vruntime_min, least == ~0ull ? 0 : cpu_count);
	append(t);
}

// How much t should run on c, in the place of who runs there: 0 not at all.
static unsigned claim(const struct thread *t, const struct cpu *c, uint64_t now)
{
	const struct thread *running = c->current;
	unsigned level = level_on(c, now), own = sched_level(&c->sched->above, t->task, now);
	bool takes;

	if (level == LEVEL_IDLE)
		takes = true;
	else if (c->id == t->cpu || running->yields)
		takes = sched_preempts(&c->sched->above, running, t, now);
	else if (level != LEVEL_GUEST || own != LEVEL_GUEST)
		takes = level > own;
	else if (running->task ==
		 t->task) /* a VMM's thread takes its turn from its own processors */
		takes = running->vcpu && !t->vcpu;
	else
		takes = running->task->vruntime > t->task->vruntime + MIGRATE_NS;
	return takes ? 1 + level : 0;
}

// Make a CPU look that t should run on; its own if that is as good as others. False: there is none.
static bool place(const struct thread *t, uint64_t now)
{
	unsigned best = 0, best_claim = 0;

	for (unsigned n = 0; n < cpu_count; n++) {
		unsigned cpu = (t->cpu + n) % cpu_count, c = claim(t, cpus[cpu], now);

		if (c > best_claim && (!t->on_cpu || cpu == t->cpu)) {
			best = cpu;
			best_claim = c;
		}
	}
	if (best_claim)
		notify(best);
	return best_claim;
}

// Some still wait here: perhaps another CPU is the better place for one.
static void offer(void)
{
	uint64_t now;

	if (cpu_count == 1 || !__atomic_load_n(&waiting, __ATOMIC_RELAXED))
		return;
	now = clock_ns();
	spin_lock(&sched_lock);
	charge_all(now);
	for (struct thread *t = waiting; t; t = t->queue_next)
		if (!t->on_cpu && place(t, now))
			break;
	spin_unlock(&sched_lock);
}

static void slice_over(struct timer *timer)
{
	this_cpu()->resched = 1;
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
	struct thread *prev = c->sched->prev, *self = c->current;

	if (prev->state == THREAD_DEAD)
		thread_free(prev);
	else
		__atomic_store_n(&prev->on_cpu, false, __ATOMIC_RELEASE);
	// Its task may have ended while it stood in the queue.
	if (self->task && __atomic_load_n(&self->task->end, __ATOMIC_SEQ_CST) != TASK_ALIVE)
		c->resched = 1;
	offer();
}

// sched_lock held. Whom to run: prev itself, somebody out of the queue, or the idle thread. Of a guest's
// threads a device's goes first: what it has for the guest comes in with one entry then.
static struct thread *choose(struct cpu *c, struct thread *prev, uint64_t now)
{
	bool runs = prev->state == THREAD_RUNNING && !is_idle(prev);
	struct thread *best = NULL;

	for (struct thread *t = waiting; t; t = t->queue_next)
		if ((!t->on_cpu || t->cpu == c->id) && (!runs || claim(t, c, now)) &&
		    (!best || (t->task == best->task ? best->vcpu && !t->vcpu
						     : sched_better(&c->sched->above, t, best, now))))
			best = t;
	if (best)
		take(best);
	else
		best = runs ? prev : &c->sched->idle;
	if (runs && best != prev) {
		prev->state = THREAD_READY;
		join(prev, now);
	}
	return best;
}

static void switch_to(struct cpu *c, struct thread *prev, struct thread *next)
{
	if (prev->switched_out)
		prev->switched_out(prev);
	c->sched->switches++;
	c->sched->prev = prev;
	if (!is_idle(next)) {
		load_task(c, next->task);
		cpu_set_kernel_stack((uint64_t)next);
	}
	context_switch(&prev->kernel_rsp, next->kernel_rsp);
	sched_switched();
}

static void schedule(void)
{
	struct cpu *c = this_cpu();
	struct thread *prev = c->current, *next;
	uint64_t now = clock_ns(), end;

	spin_lock(&sched_lock);
	if (waiting)
		charge_all(now);
	else
		charge(c, now);
	next = choose(c, prev, now);
	prev->yields = false;
	if (next != prev)
		next->turn = next->started = now;
	else if (now - prev->turn >= SLICE_NS)
		prev->turn = now; /* nobody else deserves it more: another turn */
	next->state = THREAD_RUNNING;
	next->on_cpu = true;
	next->cpu = c->id;
	c->current = next;
	if (waiting) {
		end = now + sched_slice(&c->sched->above, next->task, now);
		if (c->sched->slice.expiry - 1 >= end) // or off; what comes too early only looks again
			timer_arm(&c->sched->slice, end);
	}
	spin_unlock(&sched_lock);
	if (next != prev)
		switch_to(c, prev, next);
	else
		offer();
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

// A thread that is in no queue, READY.
static void enqueue(struct thread *t)
{
	uint64_t now = clock_ns();
	bool first;

	spin_lock(&sched_lock);
	charge_all(now);
	first = !waiting;
	join(t, now);
	// Where nobody waited no timer ends the turn.
	if (!place(t, now) && first)
		notify(t->cpu);
	spin_unlock(&sched_lock);
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
		c->resched = 0;
		schedule();
		if (!__atomic_load_n(&c->resched, __ATOMIC_SEQ_CST))
			cpu_wait();
	}
}

void sched_cpu_init(void)
{
	struct cpu *c = this_cpu();
	struct sched_cpu *s = core_alloc(sizeof(*s));

	if (!s)
		panic("no memory for the scheduler of cpu %u", c->id);
	s->idle.state = THREAD_RUNNING;
	s->idle.cpu = c->id;
	s->idle.on_cpu = true;
	s->idle.started = clock_ns();
	s->slice.fn = slice_over;
	c->sched = s;
	c->current = &s->idle;
}
UNIT(core_sched, UNIT_CORE, NULL, sched_cpu_init, NULL);

void sched_cpu_info(unsigned cpu, struct info_cpu *out)
{
	const struct sched_cpu *s = cpus[cpu]->sched;

	sched_charge_all();
	out->idle_ns = s->idle_ns;
	out->switches = s->switches;
}
