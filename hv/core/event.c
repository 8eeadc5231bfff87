// SPDX-License-Identifier: GPL-2.0-only
// Events: pending bits, and threads that wait for some of them.
#include "core/event.h"
#include "core/frame.h"
#include "core/list.h"
#include "core/task.h"
#include <postern/errno.h>

/* The result of a call is negative when it is an error, so bit 63 is never delivered. */
#define EVENT_BITS (~0ull >> 1)

struct event *event_create(void)
{
	struct event *e = core_alloc(sizeof(*e));

	if (e)
		object_init(&e->object, OBJ_EVENT);
	return e;
}

static void event_destroy(struct object *o)
{
	core_free(o, sizeof(struct event));
}
OBJECT_TYPE(OBJ_EVENT, event_destroy);

static void signal(struct event *e, uint64_t bits, bool calm)
{
	spin_lock(&e->lock);
	e->pending |= bits & EVENT_BITS;
	for (struct thread *t = e->waiters; t; t = t->wait_next)
		if (t->wait_mask & e->pending) {
			t->calm = calm && (t->calm || t->state == THREAD_BLOCKED);
			sched_wake(t);
		}
	spin_unlock(&e->lock);
}

void event_signal(struct event *e, uint64_t bits)
{
	signal(e, bits, false);
}

struct event *event_get(uint32_t handle, uint64_t *bits, int *error)
{
	struct handle h;
	struct event *e =
		(struct event *)handle_get_all(handle, OBJ_EVENT, RIGHT_SIGNAL, &h, error);

	*bits &= h.badge;
	return e;
}

static int64_t event_wait(struct event *e, uint64_t mask, uint64_t deadline)
{
	struct thread *self = current_thread();
	uint64_t got;
	int end = 0;

	spin_lock(&e->lock);
	while (!(got = e->pending & mask) && !end && deadline) {
		self->wait_mask = mask;
		self->wait_next = e->waiters;
		e->waiters = self;
		end = sched_block(&e->lock, deadline);
		spin_lock(&e->lock);
		list_unlink(e->waiters, self, wait_next);
	}
	e->pending &= ~got;
	spin_unlock(&e->lock);
	return got ? (int64_t)got : end == -EINTR ? end : 0;
}

static int64_t sys_event_create(struct syscall_args *a)
{
	struct event *e = event_create();

	return e ? handle_new(&e->object, EVENT_RIGHTS, ~0ull) : -ENOMEM;
}
SYSCALL(SYS_EVENT_CREATE, sys_event_create);

static int64_t sys_event_signal(struct syscall_args *a)
{
	uint64_t bits = ~0ull;
	int error = 0;
	struct event *e = event_get(a->a, &bits, &error);

	if (!e)
		return error;
	signal(e, bits, a->b & SIGNAL_CALM);
	object_put_unlocked(&e->object);
	return 0;
}
SYSCALL(SYS_EVENT_SIGNAL, sys_event_signal);

static int64_t sys_event_wait(void *e, struct syscall_args *a)
{
	return event_wait(e, a->b & EVENT_BITS, a->c);
}
SYSCALL_ON(SYS_EVENT_WAIT, OBJ_EVENT, RIGHT_WAIT, sys_event_wait);
