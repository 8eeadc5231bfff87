// SPDX-License-Identifier: GPL-2.0-only
// Threads: a kernel stack, a place in the queue of those who wait to run, and a way into ring 3.
#include "core/frame.h"
#include "core/task.h"
#include <postern/errno.h>

#define THREADS_MAX 128 /* of one task */
#define STACK_ORDER 1

_Static_assert(CORE_STACK_BYTES == PAGE_SIZE << STACK_ORDER, "kernel stack");
_Static_assert(offsetof(struct thread, kernel_rsp) == 0, "hv/x86/switch.S");

extern char thread_trampoline[];
_Noreturn void enter_user(uint64_t entry, uint64_t stack, uint64_t argument);

// At the top of its stack: a switch touches one page of each thread.
static struct thread *thread_new(struct task *t)
{
	char *stack = core_pages_alloc(STACK_ORDER);
	struct thread *new = (struct thread *)(stack + CORE_STACK_BYTES) - 1;
	uint64_t *top;

	if (!stack)
		return NULL;
	// What context_switch pops: six registers and where to return to. Above it a word that
	// keeps the ABI's alignment, a return address that is never used.
	top = (uint64_t *)new - 2;
	top[-1] = (uint64_t)thread_trampoline;
	new->kernel_rsp = (uint64_t)(top - 7);
	new->task = t;
	new->state = THREAD_READY;
	new->cpu = this_cpu()->id;
	object_get(&t->object);
	__atomic_add_fetch(&t->core_memory, CORE_STACK_BYTES, __ATOMIC_RELAXED);
	return new;
}

void thread_free(struct thread *t)
{
	struct task *task = t->task;

	core_pages_free((char *)(t + 1) - CORE_STACK_BYTES, STACK_ORDER);
	__atomic_sub_fetch(&task->core_memory, CORE_STACK_BYTES, __ATOMIC_RELAXED);
	object_put_unlocked(&task->object);
}

int thread_create(struct task *t, void (*body)(void), uint64_t entry, uint64_t stack,
		  uint64_t argument)
{
	struct thread *new;
	int result = -ESRCH;

	if (entry >= USER_TOP || stack > USER_TOP)
		return -EINVAL;
	new = thread_new(t);
	if (!new)
		return -ENOMEM;
	new->body = body;
	new->user_entry = entry;
	new->user_stack = stack;
	new->user_argument = argument;
	spin_lock(&t->lock);
	if (t->end == TASK_ALIVE && !t->reaped) {
		result = t->thread_count < THREADS_MAX ? 0 : -ENOSPC;
		if (!result) {
			result = new->number = ++t->thread_numbers & 0x7fffffff;
			new->task_next = t->threads;
			t->threads = new;
			t->thread_count++;
			sched_start(new);
		}
	}
	spin_unlock(&t->lock);
	if (result < 0)
		thread_free(new);
	return result;
}

void thread_first(void)
{
	struct thread *t = current_thread();

	sched_switched();
	if (t->body)
		t->body();
	sched_check();
	enter_user(t->user_entry, t->user_stack, t->user_argument);
}

static int64_t sys_thread_create(void *t, struct syscall_args *a)
{
	return thread_create(t, NULL, a->b, a->c, a->d);
}
SYSCALL_ON(SYS_THREAD_CREATE, OBJ_TASK, RIGHT_CONTROL, sys_thread_create);

static int64_t sys_thread_exit(struct syscall_args *a)
{
	thread_finish(a->a);
}
SYSCALL(SYS_THREAD_EXIT, sys_thread_exit);

static int64_t sys_yield(struct syscall_args *a)
{
	sched_give_way();
	return 0;
}
SYSCALL(SYS_YIELD, sys_yield);
