// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/core/event.c hv/core/object.c hv/core/task.c hv/core/mapping.c hv/core/task_map.c hv/core/memory.c hv/core/thread.c tests/unit/core_machine.c */
// Events: bits arrive once, waiters wake for theirs, deadlines and the end of a task get them out.
#include "core_machine.h"
#include "core/event.h"

static struct task *self;
static int64_t e;
static struct event *event;
static int64_t objects_before;

/* What happens while the thread is blocked. */
static void (*meanwhile)(void);
static int block_result;
static unsigned blocks;

int sched_block(struct spinlock *l, uint64_t deadline)
{
	current_thread()->state = THREAD_BLOCKED;
	spin_unlock(l);
	assert_true(++blocks < 10);
	if (meanwhile)
		meanwhile();
	current_thread()->state = THREAD_RUNNING;
	return block_result;
}

static int setup(void **state)
{
	int error = 0;

	machine_init();
	objects_before = machine_core_objects;
	self = machine_task(CLASS_DRIVER);
	machine_run_as(self);
	e = machine_syscall(SYS_EVENT_CREATE, 0, 0, 0, 0, 0, 0);
	event = (struct event *)handle_get(e, OBJ_EVENT, 0, &error);
	meanwhile = NULL;
	block_result = 0;
	blocks = 0;
	return 0;
}

static int teardown(void **state)
{
	assert_null(event->waiters);
	object_put_unlocked(&event->object);
	machine_end(self);
	assert_int_equal(machine_core_objects, objects_before);
	return 0;
}

static int64_t wait(uint64_t mask, uint64_t deadline)
{
	return machine_syscall(SYS_EVENT_WAIT, e, mask, deadline, 0, 0, 0);
}

static void bits_are_taken_once(void **state)
{
	int64_t narrow =
		machine_syscall(SYS_HANDLE_GRANT, HANDLE_SELF, e, RIGHT_SIGNAL, 0x30, 0, 0);

	assert_int_equal(wait(~0ull, 0), 0);
	assert_int_equal(machine_syscall(SYS_EVENT_SIGNAL, narrow, 0, 0, 0, 0, 0), 0);
	assert_int_equal(wait(0xf, 0), 0);
	assert_int_equal(wait(0x1f, WAIT_FOREVER), 0x10);
	assert_int_equal(wait(~0ull, WAIT_FOREVER), 0x20);
	assert_int_equal(wait(~0ull, 0), 0);
	assert_int_equal(machine_syscall(SYS_EVENT_WAIT, narrow, 1, 0, 0, 0, 0), -EPERM);
	assert_int_equal(machine_syscall(SYS_EVENT_SIGNAL, 99, 0, 0, 0, 0, 0), -EBADF);
	assert_int_equal(blocks, 0);
}

static void results_are_never_errors(void **state)
{
	assert_int_equal(machine_syscall(SYS_EVENT_SIGNAL, e, 0, 0, 0, 0, 0), 0); /* badge ~0 */
	assert_int_equal(wait(1ull << 63, 0), 0);
	assert_int_equal(wait(~0ull, 0), ~0ull >> 1);
}

static void wrong_then_right(void)
{
	event_signal(event, blocks == 1 ? 1 : 6);
	assert_int_equal(current_thread()->state, blocks == 1 ? THREAD_BLOCKED : THREAD_READY);
}

static void only_its_bits_wake_it(void **state)
{
	meanwhile = wrong_then_right;
	assert_int_equal(wait(2, WAIT_FOREVER), 2);
	assert_int_equal(blocks, 2);
	assert_int_equal(event->pending, 5);
}

static void deadlines_pass(void **state)
{
	block_result = -ETIMEDOUT;
	assert_int_equal(wait(2, 5000), 0);
	assert_int_equal(blocks, 1);
}

static void late_signal(void)
{
	event_signal(event, 2);
}

static void a_signal_beats_its_deadline(void **state)
{
	block_result = -ETIMEDOUT;
	meanwhile = late_signal;
	assert_int_equal(wait(2, 5000), 2);
}

static void the_end_gets_it_out(void **state)
{
	block_result = -EINTR;
	assert_int_equal(wait(2, WAIT_FOREVER), -EINTR);
}

static void nobody_names_it_any_more(void)
{
	if (blocks == 1)
		assert_int_equal(machine_syscall(SYS_HANDLE_CLOSE, e, 0, 0, 0, 0, 0), 0);
	else
		event_signal(event, 2);
}

static void it_lives_while_somebody_waits(void **state)
{
	meanwhile = nobody_names_it_any_more;
	assert_int_equal(wait(2, WAIT_FOREVER), 2);
}

static void several_wait(void **state)
{
	struct thread a = {.state = THREAD_BLOCKED, .wait_mask = 1},
		      b = {.state = THREAD_BLOCKED, .wait_mask = 3};
	struct thread c = {.state = THREAD_BLOCKED, .wait_mask = 4};

	a.wait_next = &b;
	b.wait_next = &c;
	event->waiters = &a;
	event_signal(event, 3);
	assert_int_equal(a.state, THREAD_READY);
	assert_int_equal(b.state, THREAD_READY);
	assert_int_equal(c.state, THREAD_BLOCKED);
	event->waiters = NULL;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bits_are_taken_once),	     TEST(results_are_never_errors),
		TEST(only_its_bits_wake_it),	     TEST(deadlines_pass),
		TEST(a_signal_beats_its_deadline),   TEST(the_end_gets_it_out),
		TEST(it_lives_while_somebody_waits), TEST(several_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
