// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/core/sched.c hv/core/sched_choice.c hv/core/timer.c hv/core/task.c hv/core/mapping.c hv/core/task_map.c hv/core/memory.c hv/core/object.c hv/core/thread.c hv/core/event.c tests/unit/core_machine.c */
// The scheduler on a simulated machine: threads are coroutines on stacks of the host, time moves in
// steps, both CPUs run a step each before it moves on.
#include <ucontext.h>
#include "core_machine.h"
#include "core/event.h"
#include "core/frame.h"
#include "core/sched_choice.h"
#include "core/unit.h"

extern const struct unit _units[], _units_end[];

#define STEP_NS 20000ull
#define MS 1000000ull
#define COROUTINES 64
#define STACK 65536

struct coroutine {
	ucontext_t context;
	char stack[STACK];
};

static struct coroutine *coroutines;
static unsigned coroutine_count;
static ucontext_t conductor;
static uint64_t programmed[2], programs, barriers;
static int64_t objects_before;
static struct task *tasks[8];
static unsigned task_count;

void timer_interrupt(void);
void context_switch(uint64_t *save_rsp, uint64_t rsp);
void cpu_wait(void);

void timer_program(uint64_t tsc)
{
	programmed[machine_cpu] = tsc;
	programs += tsc != 0;
}

void mitigation_barrier(void)
{
	barriers++;
}

static struct coroutine *of(uint64_t *kernel_rsp)
{
	return (struct coroutine *)*kernel_rsp;
}

// kernel_rsp always names the thread's coroutine here.
void context_switch(uint64_t *save_rsp, uint64_t rsp)
{
	assert_int_equal(swapcontext(&of(save_rsp)->context, &((struct coroutine *)rsp)->context),
			 0);
}

// The current thread's time goes by: one step, then what has come in meanwhile.
static void step(void)
{
	assert_int_equal(swapcontext(&of(&current_thread()->kernel_rsp)->context, &conductor), 0);
	if (programmed[machine_cpu] && programmed[machine_cpu] <= machine_now) {
		programmed[machine_cpu] = 0;
		timer_interrupt();
	}
}

void cpu_wait(void)
{
	step();
}

void enter_user(uint64_t entry, uint64_t stack, uint64_t argument)
{
	thread_finish(0);
}

static struct coroutine *coroutine(void (*start)(void))
{
	struct coroutine *c = &coroutines[coroutine_count++];

	assert_true(coroutine_count <= COROUTINES);
	getcontext(&c->context);
	c->context.uc_stack.ss_sp = c->stack;
	c->context.uc_stack.ss_size = STACK;
	makecontext(&c->context, start, 0);
	return c;
}

static void simulate(uint64_t ns)
{
	for (uint64_t end = machine_now + ns; machine_now < end; machine_now += STEP_NS)
		for (machine_cpu = 0; machine_cpu < cpu_count; machine_cpu++)
			swapcontext(&conductor, &of(&current_thread()->kernel_rsp)->context);
	machine_cpu = 0;
	sched_charge_all();
}

static void begin(unsigned cpus_online)
{
	machine_init();
	task_count = 0;
	objects_before = machine_core_objects;
	coroutines = calloc(COROUTINES, sizeof(*coroutines));
	coroutine_count = 0;
	machine_now = 1000 * MS;
	programs = barriers = programmed[0] = programmed[1] = 0;
	cpu_count = cpus_online;
	for (const struct unit *u = _units; u < _units_end; u++) {
		if (u->init)
			u->init();
		for (machine_cpu = 0; u->cpu_init && machine_cpu < 2; machine_cpu++)
			u->cpu_init();
	}
	for (machine_cpu = 0; machine_cpu < 2; machine_cpu++)
		current_thread()->kernel_rsp = U(coroutine(sched_idle));
	machine_cpu = 0;
}

static struct task *task(unsigned class_)
{
	return tasks[task_count++] = machine_task(class_);
}

static struct thread *thread(struct task *t, void (*body)(void))
{
	assert_true(thread_create(t, body, 0, 0, 0) > 0);
	t->threads->kernel_rsp = U(coroutine(thread_first));
	return t->threads;
}

static void end(void)
{
	for (unsigned i = 0; i < task_count; i++)
		task_end(tasks[i], TASK_KILLED, 0, 0, 0);
	simulate(200 * MS);
	for (unsigned i = 0; i < task_count; i++) {
		assert_int_equal(tasks[i]->thread_count, 0);
		assert_true(tasks[i]->reaped);
		object_put_unlocked(&tasks[i]->object);
	}
	task_count = 0;
	for (machine_cpu = 0; machine_cpu < 2; machine_cpu++) {
		core_free(this_cpu()->timers, 1);
		core_free((char *)this_cpu()->sched, 1);
	}
	cpu_count = 2;
	machine_cpu = 0;
	free(coroutines);
	assert_int_equal(machine_core_objects, objects_before);
}

static void spin(void)
{
	for (;;) {
		step();
		sched_check();
	}
}

#define SHARE(t, total) ((double)(t)->cpu_ns / (double)(total))
#define ASSERT_SHARE(t, total, low, high)                                                    \
	do {                                                                                 \
		double share_ = SHARE(t, total);                                             \
		if (share_ < (low) || share_ > (high))                                       \
			fail_msg("share is %.3f, not within %.3f..%.3f", share_, low, high); \
	} while (0)

static void guests_share_equally(void **state)
{
	struct task *a, *b;

	begin(1);
	a = task(CLASS_GUEST);
	b = task(CLASS_GUEST);
	thread(a, spin);
	thread(b, spin);
	simulate(1000 * MS);
	ASSERT_SHARE(a, 1000 * MS, 0.48, 0.52);
	ASSERT_SHARE(b, 1000 * MS, 0.48, 0.52);
	assert_in_range(barriers, 50, 600);
	end();
}

static void threads_share_their_tasks_budget(void **state)
{
	struct task *a, *b;

	begin(1);
	a = task(CLASS_GUEST);
	b = task(CLASS_GUEST);
	for (int i = 0; i < 7; i++)
		thread(a, spin);
	thread(b, spin);
	simulate(1000 * MS);
	ASSERT_SHARE(a, 1000 * MS, 0.47, 0.53);
	ASSERT_SHARE(b, 1000 * MS, 0.47, 0.53);
	end();
}

static void three_guests_on_two_cpus(void **state)
{
	struct task *t[3];

	begin(2);
	for (int i = 0; i < 3; i++)
		thread(t[i] = task(CLASS_GUEST), spin);
	simulate(2000 * MS);
	for (int i = 0; i < 3; i++)
		ASSERT_SHARE(t[i], 2000 * MS, 0.60, 0.74);
	end();
}

static void two_processors_against_one(void **state)
{
	struct task *a, *b;

	begin(2);
	a = task(CLASS_GUEST);
	b = task(CLASS_GUEST);
	thread(a, spin);
	thread(a, spin);
	thread(b, spin);
	simulate(2000 * MS);
	ASSERT_SHARE(a, 2000 * MS, 0.94, 1.06);
	ASSERT_SHARE(b, 2000 * MS, 0.94, 1.06);
	end();
}

static void a_spinning_driver_starves_nobody(void **state)
{
	struct task *driver, *guest;

	begin(1);
	driver = task(CLASS_DRIVER);
	guest = task(CLASS_GUEST);
	thread(driver, spin);
	thread(guest, spin);
	simulate(1000 * MS);
	ASSERT_SHARE(guest, 1000 * MS, 0.45, 0.60);
	end();
}

static void nor_do_several(void **state)
{
	struct task *guest, *heart;

	begin(1);
	guest = task(CLASS_GUEST);
	thread(guest, spin);
	for (int i = 0; i < 4; i++)
		thread(task(CLASS_DRIVER), spin);
	heart = task(CLASS_HEARTBEAT);
	thread(heart, spin);
	simulate(2000 * MS);
	ASSERT_SHARE(guest, 2000 * MS, 0.12, 0.5);
	ASSERT_SHARE(heart, 2000 * MS, 0.12, 0.5);
	end();
}

/* A thread that sleeps 5 ms and notes how late it came. */
static struct spinlock nap_lock;
static uint64_t worst_late, naps;

static void napper(void)
{
	for (;;) {
		uint64_t wanted = machine_now + 5 * MS;
		int result;

		spin_lock(&nap_lock);
		result = sched_block(&nap_lock, wanted);
		if (result == -ETIMEDOUT) {
			worst_late = machine_now - wanted > worst_late ? machine_now - wanted
								       : worst_late;
			naps++;
		}
		step();
		sched_check();
	}
}

static void drivers_come_in_time(void **state)
{
	begin(1);
	thread(task(CLASS_GUEST), spin);
	thread(task(CLASS_GUEST), spin);
	thread(task(CLASS_DRIVER), napper);
	worst_late = naps = 0;
	simulate(500 * MS);
	assert_in_range(naps, 90, 100);
	assert_in_range(worst_late, 0, 3 * STEP_NS);
	end();
}

static void the_heartbeat_comes_over_spinning_drivers(void **state)
{
	begin(2);
	for (int i = 0; i < 4; i++)
		thread(task(CLASS_DRIVER), spin);
	thread(task(CLASS_HEARTBEAT), napper);
	worst_late = naps = 0;
	simulate(500 * MS);
	assert_in_range(naps, 90, 100);
	assert_in_range(worst_late, 0, 3 * STEP_NS);
	end();
}

static void sleepers_collect_no_claim(void **state)
{
	struct task *a, *b;
	uint64_t before;

	begin(1);
	a = task(CLASS_GUEST);
	thread(a, spin);
	simulate(1000 * MS);
	b = task(CLASS_GUEST); /* as if it had slept since the beginning */
	thread(b, spin);
	before = a->cpu_ns;
	simulate(100 * MS);
	assert_in_range(a->cpu_ns - before, 44 * MS, 53 * MS);
	end();
}

/* A guest with many processors is far ahead; who sleeps now and then competes with who never does.
 */
static void short_sleeps_cost_nothing(void **state)
{
	struct task *hog, *steady, *napping;

	begin(2);
	hog = task(CLASS_GUEST);
	for (int i = 0; i < 4; i++)
		thread(hog, spin);
	simulate(300 * MS);
	steady = task(CLASS_GUEST);
	napping = task(CLASS_GUEST);
	thread(steady, spin);
	thread(napping, spin);
	thread(napping, napper);
	simulate(600 * MS);
	ASSERT_SHARE(steady, 600 * MS, 0.58, 0.74);
	ASSERT_SHARE(napping, 600 * MS, 0.58, 0.74);
	end();
}

static void nobody_waits_no_timer(void **state)
{
	begin(2);
	thread(task(CLASS_GUEST), spin);
	thread(task(CLASS_GUEST), spin);
	simulate(50 * MS);
	programs = 0;
	simulate(500 * MS);
	assert_int_equal(programs, 0);
	end();
}

static void idle_cpus_take_work(void **state)
{
	struct task *a;

	begin(2);
	a = task(CLASS_GUEST);
	thread(a, spin);
	thread(a, spin); /* both begin on this CPU */
	simulate(100 * MS);
	ASSERT_SHARE(a, 100 * MS, 1.9, 2.01);
	end();
}

static struct spinlock wait_lock;
static unsigned wakes;

static void waiter(void)
{
	for (;;) {
		spin_lock(&wait_lock);
		if (sched_block(&wait_lock, WAIT_FOREVER) != -EINTR)
			wakes++;
		sched_check();
	}
}

static void waking_and_ending(void **state)
{
	struct thread *w, *t;

	begin(2);
	t = w = thread(task(CLASS_GUEST), waiter);
	wakes = 0;
	for (int i = 1; i < 50; i++) {
		simulate(MS);
		assert_int_equal(t->state, THREAD_BLOCKED);
		machine_cpu = i & 1;
		sched_wake(w);
		sched_wake(w); /* once is enough */
		simulate(MS);
		assert_int_equal(wakes, i);
	}
	thread(tasks[0], spin);
	thread(tasks[0], napper);
	simulate(3 * MS);
	end(); /* blocked, running and napping: all come out */
}

/* A VMM's device thread beside its own virtual processor, which never blocks. */
static void devices_preempt_their_own_processor(void **state)
{
	struct task *guest;
	struct thread *vcpu;

	begin(1);
	guest = task(CLASS_GUEST);
	vcpu = thread(guest, spin);
	vcpu->vcpu = (struct vcpu *)1;
	thread(guest, napper);
	worst_late = naps = 0;
	simulate(500 * MS);
	assert_in_range(naps, 90, 100);
	assert_in_range(worst_late, 0, 3 * STEP_NS);
	vcpu->vcpu = NULL;
	end();
}

/* A driver takes the CPU from the device's thread while the guest's processor waits, too: after it the device goes on. */
static void devices_go_before_their_own_processor(void **state)
{
	struct task *guest;
	struct thread *vcpu;
	struct info_cpu before, after;

	begin(1);
	guest = task(CLASS_GUEST);
	vcpu = thread(guest, spin);
	vcpu->vcpu = (struct vcpu *)1;
	thread(guest, spin);
	simulate(SLICE_NS / 4);
	thread(task(CLASS_DRIVER), napper);
	naps = 0;
	sched_cpu_info(0, &before);
	simulate(500 * MS);
	sched_cpu_info(0, &after);
	/* To the driver, back to the device; and when a slice ends, to the processor and back. */
	assert_in_range(naps, 90, 100);
	assert_in_range(after.switches - before.switches, 2 * naps, 2 * naps + 2 * 500 * MS / SLICE_NS + 8);
	vcpu->vcpu = NULL;
	end();
}

/* Two guests, each on a CPU of its own, are apart by what drivers took from one of them: seconds, after a
 * while. When they meet that is nobody's debt. */
static void old_leads_are_forgotten(void **state)
{
	struct task *t[3];

	begin(2);
	thread(t[0] = task(CLASS_GUEST), spin);
	thread(t[1] = task(CLASS_GUEST), spin);
	simulate(100 * MS);
	t[0]->vruntime += 3000 * MS;
	thread(t[2] = task(CLASS_GUEST), spin);
	t[0]->cpu_ns = t[1]->cpu_ns = 0;
	simulate(600 * MS);
	for (int i = 0; i < 3; i++)
		ASSERT_SHARE(t[i], 600 * MS, 0.58, 0.74);
	end();
}

/* A VMM's thread in another guest's queue takes its turn from its own processor. */
static void devices_find_their_own_processor(void **state)
{
	struct task *a, *b;
	struct thread *vcpu;

	begin(2);
	a = task(CLASS_GUEST);
	b = task(CLASS_GUEST);
	vcpu = thread(a, spin);
	vcpu->vcpu = (struct vcpu *)1;
	thread(b, spin);
	simulate(100 * MS);
	a->vruntime += 3000 * MS;
	machine_cpu = 1 - vcpu->cpu;
	thread(a, napper);
	machine_cpu = 0;
	worst_late = naps = 0;
	simulate(500 * MS);
	assert_in_range(naps, 90, 100);
	assert_in_range(worst_late, 0, 2 * MS);
	vcpu->vcpu = NULL;
	end();
}

static unsigned yields;

static void yielder(void)
{
	for (;;) {
		yields++;
		sched_give_way();
		sched_check();
		step();
	}
}

static void yield_lets_others_run(void **state)
{
	struct task *a, *b;

	begin(1);
	a = task(CLASS_GUEST);
	b = task(CLASS_GUEST);
	thread(a, yielder);
	thread(b, spin);
	yields = 0;
	simulate(200 * MS);
	assert_true(yields > 20);
	assert_true(a->cpu_ns < b->cpu_ns);
	end();
}

static void running_out(void)
{
	step();
}

static void ends_free_everything(void **state)
{
	struct task *a;

	begin(2);
	a = task(CLASS_DRIVER);
	for (int i = 0; i < 20; i++)
		thread(a, running_out);
	simulate(50 * MS);
	assert_int_equal(a->thread_count, 0);
	assert_int_equal(a->end, TASK_EXITED);
	end();
}

static void levels(void **state)
{
	struct above above = {0};
	struct task driver = {.class_ = CLASS_DRIVER}, heart = {.class_ = CLASS_HEARTBEAT},
		    guest = {.class_ = CLASS_GUEST};
	struct thread of_driver = {.task = &driver}, of_heart = {.task = &heart}, of_guest = {.task = &guest};
	uint64_t now = 100 * MS;

	assert_int_equal(sched_level(&above, &heart, now), LEVEL_HEARTBEAT);
	assert_int_equal(sched_level(&above, &driver, now), LEVEL_DRIVER);
	assert_int_equal(sched_level(&above, &guest, now), LEVEL_GUEST);
	sched_charge(&above, &driver, now, DRIVER_BUDGET_NS - 1);
	assert_int_equal(sched_level(&above, &driver, now), LEVEL_DRIVER);
	assert_int_equal(sched_slice(&above, &driver, now), SLICE_MIN_NS);
	sched_charge(&above, &driver, now, 1);
	assert_int_equal(sched_level(&above, &driver, now), LEVEL_GUEST);
	assert_int_equal(sched_level(&above, &driver, now + PERIOD_NS), LEVEL_DRIVER);
	/* What the CPU gave to all drivers counts, too. */
	driver.period_used = 0;
	above.used = ABOVE_BUDGET_NS;
	assert_int_equal(sched_level(&above, &driver, now + 1), LEVEL_GUEST);
	assert_int_equal(sched_level(&above, &heart, now + 1), LEVEL_HEARTBEAT);
	driver.vruntime = 5;
	guest.vruntime = 6;
	assert_true(sched_better(&above, &of_driver, &of_guest, now + 1));
	assert_false(sched_better(&above, &of_guest, &of_driver, now + 1));
	assert_false(sched_better(&above, &of_guest, &of_guest, now + 1));
	assert_true(sched_better(&above, &of_heart, &of_guest, now + 1));
	assert_int_equal(sched_slice(&above, NULL, now), SLICE_NS);
}

/* Whom a stream's frames woke does not go first for being a little behind. */
static void calm_waits(void **state)
{
	struct above above = {0};
	struct task here = {.class_ = CLASS_GUEST, .vruntime = CALM_NS}, other = {.class_ = CLASS_GUEST};
	struct thread runs = {.task = &here}, woken = {.task = &other, .calm = true};

	assert_false(sched_better(&above, &woken, &runs, 0)); /* equal: who stands first */
	assert_false(sched_better(&above, &runs, &woken, 0));
	here.vruntime--;
	assert_true(sched_better(&above, &runs, &woken, 0));
	here.vruntime += 2;
	assert_true(sched_better(&above, &woken, &runs, 0));
	here.vruntime = 1;
	woken.calm = false;
	assert_true(sched_better(&above, &woken, &runs, 0));
	woken.calm = true;
	other.class_ = CLASS_DRIVER;
	assert_true(sched_better(&above, &woken, &runs, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels),
		cmocka_unit_test(guests_share_equally),
		cmocka_unit_test(threads_share_their_tasks_budget),
		cmocka_unit_test(three_guests_on_two_cpus),
		cmocka_unit_test(two_processors_against_one),
		cmocka_unit_test(a_spinning_driver_starves_nobody),
		cmocka_unit_test(nor_do_several),
		cmocka_unit_test(drivers_come_in_time),
		cmocka_unit_test(the_heartbeat_comes_over_spinning_drivers),
		cmocka_unit_test(sleepers_collect_no_claim),
		cmocka_unit_test(short_sleeps_cost_nothing),
		cmocka_unit_test(nobody_waits_no_timer),
		cmocka_unit_test(idle_cpus_take_work),
		cmocka_unit_test(waking_and_ending),
		cmocka_unit_test(devices_preempt_their_own_processor),
		cmocka_unit_test(devices_go_before_their_own_processor),
		cmocka_unit_test(old_leads_are_forgotten),
		cmocka_unit_test(devices_find_their_own_processor),
		cmocka_unit_test(yield_lets_others_run),
		cmocka_unit_test(calm_waits),
		cmocka_unit_test(ends_free_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
