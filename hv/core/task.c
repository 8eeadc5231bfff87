// SPDX-License-Identifier: GPL-2.0-only
// Tasks: what a ring-3 program is to the core, from creation to the last frame given back.
//
//	alive --(kill, fault, misuse, last thread gone)--> ended --(last thread gone)--> reaped -->
// freed
//
// An ended task's threads stop at their next way out of the core. The last of them reaps it, in the
// order that keeps its devices from writing where they must not: interrupts off and bus mastering
// off, then the mappings and handles, and with them the memory. Then who watches is told. The
// structure lives on for its handles.
#include "core/task.h"
#include "core/event.h"
#include "core/frame.h"
#include "core/list.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/string.h"
#include "x86/serial.h"
#include <postern/errno.h>

#define KEEPER_ID 1 /* the first task: it ends when it gives the manager up */
#define WATCHERS_MAX 32

struct death_watch {
	struct death_watch *next;
	struct event *event;
	uint64_t bits;
};

static struct task *tasks; /* core_lock */
static uint32_t task_ids;

struct task *task_first(void)
{
	return tasks;
}

struct task *task_create(const char *name, unsigned class_, int *error)
{
	struct task *t = core_alloc(sizeof(*t));

	*error = -ENOMEM;
	if (!t)
		return NULL;
	object_init(&t->object, OBJ_TASK);
	if (paging_task_init(&t->tables, &t->core_memory)) {
		core_free(t, sizeof(*t));
		return NULL;
	}
	for (unsigned i = 0; i < sizeof(t->name) - 1 && name[i]; i++)
		t->name[i] = name[i] > ' ' && name[i] <= '~' ? name[i] : '?';
	t->class_ = class_;
	spin_lock(&core_lock);
	t->id = ++task_ids;
	t->next = tasks;
	tasks = t;
	spin_unlock(&core_lock);
	*error = 0;
	return t;
}

static void tell_watchers(struct task *t)
{
	struct death_watch *w, *list;

	spin_lock(&t->lock);
	list = t->watchers;
	t->watchers = NULL;
	t->reaped = true;
	spin_unlock(&t->lock);
	while ((w = list)) {
		list = w->next;
		event_signal(w->event, w->bits);
		object_put(&w->event->object);
		core_free(w, sizeof(*w));
	}
}

// No thread is left. core_lock held.
static void task_reap(struct task *t)
{
	irq_task_ended(t);
	device_task_ended(t);
	sched_drop_tables(t);
	task_unmap_all(t);
	if (!t->keeps)
		handle_close_all(t);
	core_free(t->ports, PORTS_BYTES);
	t->ports = NULL;
	tell_watchers(t);
}

static void task_destroy(struct object *o)
{
	struct task *t = (struct task *)o;

	if (!t->reaped)
		task_reap(t);
	handle_close_all(t);
	list_unlink(tasks, t, next);
	core_free(t, sizeof(*t));
}
OBJECT_TYPE(OBJ_TASK, task_destroy);

static void log_end(const struct task *t)
{
	static const char *const how[] = {
		[TASK_EXITED] = "with status",
		[TASK_KILLED] = "killed, reason",
		[TASK_FAULTED] = "by exception",
		[TASK_MISUSED] = "for bad system calls, the last one number",
		[TASK_DMA] = "for what its device did, bdf",
	};

	// The sentence must be seen, although a driver has the console and nobody is left to use
	// it.
	if (t->id == KEEPER_ID) {
		serial_panic();
		log_printf(
			"the manager is gone: guests and modules run on, nobody looks after them");
	}
	if (t->log.dropped)
		log_printf("%s: %u lines dropped", t->name, t->log.dropped);
	log_printf("%s (task %u) has ended: %s %ld, rip 0x%lx, address 0x%lx", t->name, t->id,
		   how[t->end], t->end_detail, t->end_rip, t->end_address);
}

void task_end(struct task *t, enum task_end how, int64_t detail, uint64_t address, uint64_t rip)
{
	struct thread *thread;

	spin_lock(&t->lock);
	if (t->end != TASK_ALIVE) {
		spin_unlock(&t->lock);
		return;
	}
	t->end_detail = detail;
	t->end_address = address;
	t->end_rip = rip;
	__atomic_store_n(&t->end, how, __ATOMIC_SEQ_CST);
	for (thread = t->threads; thread; thread = thread->task_next)
		sched_interrupt(thread);
	spin_unlock(&t->lock);
	log_end(t);
}

void thread_finish(int64_t status)
{
	struct thread *self = current_thread();
	struct task *t = self->task;
	bool last;

	spin_lock(&core_lock); /* one thread ends at a time: so one of them sees that it is the last
				*/
	if (t->thread_count == 1)
		task_end(t, TASK_EXITED, status, 0, 0);
	spin_lock(&t->lock);
	list_unlink(t->threads, self, task_next);
	t->thread_count--;
	last = !t->thread_count && t->end != TASK_ALIVE;
	spin_unlock(&t->lock);
	if (last)
		task_reap(t);
	spin_unlock(&core_lock);
	sched_leave();
}

static int task_kill(struct task *t, int64_t reason)
{
	if (t->end != TASK_ALIVE)
		return -ESRCH;
	task_end(t, TASK_KILLED, reason, 0, 0);
	spin_lock(&core_lock);
	if (!t->thread_count && !t->reaped)
		task_reap(t);
	spin_unlock(&core_lock);
	return 0;
}

static int watch(struct task *t, struct event *e, uint64_t bits)
{
	struct death_watch *w = core_alloc(sizeof(*w));
	int error = 0;

	if (!w)
		return -ENOMEM;
	w->event = e;
	w->bits = bits;
	spin_lock(&t->lock);
	if (t->reaped) {
		error = -ESRCH;
	} else if (t->watcher_count >= WATCHERS_MAX) {
		error = -ENOSPC;
	} else {
		object_get(&e->object);
		w->next = t->watchers;
		t->watchers = w;
		t->watcher_count++;
	}
	spin_unlock(&t->lock);
	if (error)
		core_free(w, sizeof(*w));
	if (error == -ESRCH) { /* it has ended already: tell at once */
		event_signal(e, bits);
		error = 0;
	}
	return error;
}

void task_info(struct task *t, struct task_info *out)
{
	*out = (struct task_info){
		.id = t->id,
		.class_ = t->class_,
		.end = t->end,
		.threads = t->thread_count,
		.detail = t->end_detail,
		.address = t->end_address,
		.rip = t->end_rip,
		.cpu_ns = t->cpu_ns,
		.memory = t->memory,
		.guest_memory = t->guest_memory,
		.core_memory = t->core_memory,
		.handles = handle_count(t),
		.syscall_faults = t->syscall_faults,
		.tables = t->tables.root,
	};
	memcpy(out->name, t->name, sizeof(out->name));
}

struct task *task_get(uint64_t handle, int *error)
{
	struct task *self = current_task();

	if (handle != HANDLE_SELF)
		return (struct task *)handle_get(handle, OBJ_TASK, RIGHT_CONTROL, error);
	object_get(&self->object);
	return self;
}

// What a dead task that kept its handles had becomes the new one's, under the same numbers.
static int inherit(struct task *heir, uint64_t handle)
{
	int error = 0;
	struct task *dead = handle ? task_get(handle, &error) : NULL;

	if (!dead)
		return error;
	spin_lock(&dead->lock);
	if (dead->reaped) {
		heir->handles = dead->handles;
		dead->handles = NULL;
	} else {
		error = -EBUSY;
	}
	spin_unlock(&dead->lock);
	object_put_unlocked(&dead->object);
	return error;
}

static int64_t sys_task_create(void *system, struct syscall_args *a)
{
	uint64_t class_ = a->c & ~(uint64_t)TASK_KEEPS_HANDLES;
	char name[16] = "";
	struct task *t;
	int error;

	// A class better than its creator's would be a way around the creator's budget.
	if (class_ >= CLASS_COUNT || class_ < current_task()->class_)
		return -EINVAL;
	if (copy_name_from_user(name, a->b, sizeof(name)))
		return -EFAULT;
	t = task_create(name, class_, &error);
	if (!t)
		return error;
	t->keeps = a->c & TASK_KEEPS_HANDLES;
	t->limit = a->e;
	error = inherit(t, a->d);
	if (!error)
		return handle_new(&t->object, RIGHT_CONTROL | RIGHT_GRANT, 0);
	object_put_unlocked(&t->object);
	return error;
}
SYSCALL_ON(SYS_TASK_CREATE, OBJ_SYSTEM, RIGHT_TASKS, sys_task_create);

static int64_t sys_task_kill(void *t, struct syscall_args *a)
{
	return task_kill(t, a->b);
}
SYSCALL_ON(SYS_TASK_KILL, OBJ_TASK, RIGHT_CONTROL, sys_task_kill);

static int64_t sys_task_info(void *t, struct syscall_args *a)
{
	struct task_info info;

	sched_charge_all();
	task_info(t, &info);
	return copy_to_user(a->b, &info, sizeof(info));
}
SYSCALL_ON(SYS_TASK_INFO, OBJ_TASK, RIGHT_CONTROL, sys_task_info);

static int64_t sys_event_bind(void *t, struct syscall_args *a)
{
	uint64_t bits = a->c;
	int error = 0;
	struct event *e = event_get(a->b, &bits, &error);

	if (!e)
		return error;
	error = watch(t, e, bits);
	object_put_unlocked(&e->object);
	return error;
}
SYSCALL_ON(SYS_EVENT_BIND, OBJ_TASK, RIGHT_CONTROL, sys_event_bind);
