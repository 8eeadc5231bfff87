// SPDX-License-Identifier: GPL-2.0-only
// Objects and handles: counted references, and for each task a table of what it was given.
//
// The last reference may go while another object dies (a task's table holds a vm, which holds
// memory). Dying objects therefore stand in a line, and only the outermost object_put works it off:
// no recursion.
#include "core/object.h"
#include "core/frame.h"
#include "core/log.h"
#include "core/string.h"
#include "core/task.h"
#include <postern/errno.h>

#define HANDLES_FIRST 64
#define HANDLES_MAX 2048

struct handle_table {
	uint32_t size, count, lowest; /* entries; in use; none below `lowest` is free */
	struct handle handle[];	      /* object NULL: free */
};

extern const struct object_type_ops _object_types[], _object_types_end[];

struct spinlock core_lock;
struct object system_object = {OBJ_SYSTEM, 1, NULL};

static struct object *dead; /* core_lock */
static bool working;

void object_init(struct object *o, enum object_type type)
{
	o->type = type;
	o->refs = 1;
	o->dead_next = NULL;
}

void object_get(struct object *o)
{
	__atomic_add_fetch(&o->refs, 1, __ATOMIC_RELAXED);
}

static void destroy(struct object *o)
{
	const struct object_type_ops *ops;

	for (ops = _object_types; ops < _object_types_end; ops++)
		if (ops->type == o->type) {
			ops->destroy(o);
			return;
		}
	panic("object of type %u cannot die", o->type);
}

void object_put(struct object *o)
{
	uint32_t left = __atomic_sub_fetch(&o->refs, 1, __ATOMIC_ACQ_REL);

	assert(left != ~0u);
	if (left)
		return;
	o->dead_next = dead;
	dead = o;
	if (working)
		return;
	working = true;
	while (dead) {
		o = dead;
		dead = o->dead_next;
		destroy(o);
	}
	working = false;
}

void object_put_unlocked(struct object *o)
{
	uint32_t refs = __atomic_load_n(&o->refs, __ATOMIC_RELAXED);

	while (refs > 1)
		if (__atomic_compare_exchange_n(&o->refs, &refs, refs - 1, true, __ATOMIC_RELEASE,
						__ATOMIC_RELAXED))
			return;
	spin_lock(&core_lock);
	object_put(o);
	spin_unlock(&core_lock);
}

static uint64_t table_bytes(uint32_t size)
{
	return sizeof(struct handle_table) + size * sizeof(struct handle);
}

// Inline: most callers want nothing but the object, and SYS_VCPU_RUN is in the way of every exit to
// a VMM.
static inline __attribute__((always_inline)) struct object *lookup(struct task *t, uint32_t number,
								   enum object_type type,
								   uint32_t rights,
								   struct handle *all, int *error)
{
	struct object *o = NULL;

	spin_lock(&t->lock);
	*all = t->handles && number < t->handles->size ? t->handles->handle[number]
						       : (struct handle){0};
	if (!all->object || (type != OBJ_NONE && all->object->type != type)) {
		*error = -EBADF;
	} else if ((all->rights & rights) != rights) {
		*error = -EPERM;
	} else {
		o = all->object;
		object_get(o);
	}
	spin_unlock(&t->lock);
	return o;
}

struct object *handle_get_all(uint32_t number, enum object_type type, uint32_t rights,
			      struct handle *all, int *error)
{
	return lookup(current_task(), number, type, rights, all, error);
}

struct object *handle_get(uint32_t number, enum object_type type, uint32_t rights, int *error)
{
	struct handle all;

	return lookup(current_task(), number, type, rights, &all, error);
}

int64_t call_on_object(enum object_type type, uint32_t rights, object_call *fn,
		       struct syscall_args *a)
{
	int error = 0;
	struct object *o = type == OBJ_TASK ? (struct object *)task_get(a->a, &error)
					    : handle_get(a->a, type, rights, &error);
	int64_t result;

	if (!o)
		return error;
	result = fn(o, a);
	object_put_unlocked(o);
	return result;
}

// task->lock held. A free entry, in a table twice as large if need be: its number, 0 when there is
// none.
static uint32_t handle_find_free(struct task *t)
{
	struct handle_table *old = t->handles, *new;
	uint32_t n = old ? old->lowest : 1, old_size = old ? old->size : 0,
		 size = old_size ? 2 * old_size : HANDLES_FIRST;

	while (n < old_size && old->handle[n].object)
		n++;
	if (n < old_size)
		return n;
	new = size <= HANDLES_MAX ? core_alloc(table_bytes(size)) : NULL;
	if (!new)
		return 0;
	if (old)
		memcpy(new, old, table_bytes(old_size));
	core_free(old, table_bytes(old_size));
	t->core_memory += table_bytes(size - old_size);
	new->size = size;
	t->handles = new;
	return n;
}

int handle_add(struct task *t, struct object *o, uint32_t rights, uint64_t badge)
{
	uint32_t number = 0;
	bool over;

	spin_lock(&t->lock);
	over = t->reaped || (t->end != TASK_ALIVE && t->thread_count == 0);
	if (!over)
		number = handle_find_free(t);
	if (number) {
		object_get(o);
		t->handles->handle[number] = (struct handle){o, badge, rights};
		t->handles->count++;
		t->handles->lowest = number + 1;
	}
	spin_unlock(&t->lock);
	return over ? -ESRCH : number ? (int)number : -ENOSPC;
}

int handle_new(struct object *o, uint32_t rights, uint64_t badge)
{
	int result = handle_add(current_task(), o, rights, badge);

	object_put_unlocked(o);
	return result;
}

static int64_t sys_handle_close(struct syscall_args *a)
{
	struct task *t = current_task();
	struct handle_table *table;
	struct object *o = NULL;

	spin_lock(&t->lock);
	table = t->handles;
	if (table && a->a < table->size)
		o = table->handle[a->a].object;
	if (o) {
		table->handle[a->a].object = NULL;
		table->count--;
		table->lowest = a->a < table->lowest ? a->a : table->lowest;
	}
	spin_unlock(&t->lock);
	if (!o)
		return -EBADF;
	object_put_unlocked(o);
	return 0;
}
SYSCALL(SYS_HANDLE_CLOSE, sys_handle_close);

void handle_close_all(struct task *t)
{
	struct handle_table *table;

	spin_lock(&t->lock);
	table = t->handles;
	t->handles = NULL;
	spin_unlock(&t->lock);
	if (!table)
		return;
	for (uint32_t i = 0; i < table->size; i++)
		if (table->handle[i].object)
			object_put(table->handle[i].object);
	core_free(table, table_bytes(table->size));
}

uint32_t handle_count(struct task *t)
{
	uint32_t n;

	spin_lock(&t->lock);
	n = t->handles ? t->handles->count : 0;
	spin_unlock(&t->lock);
	return n;
}

static int64_t pass(struct task *from, uint32_t number, struct task *to, uint32_t rights,
		    uint64_t badge, bool own)
{
	struct handle h;
	int result = 0;
	struct object *o = lookup(from, number, OBJ_NONE, RIGHT_GRANT, &h, &result);

	if (!o)
		return result;
	result = handle_add(to, o, h.rights & rights, h.badge & badge);
	if (result > 0 && own && o->type == OBJ_IRQ)
		irq_granted(o, to);
	else if (result > 0 && own && o->type == OBJ_DEVICE)
		device_granted(o, to);
	object_put_unlocked(o);
	return result;
}

static int64_t sys_handle_grant(void *to, struct syscall_args *a)
{
	return pass(current_task(), a->b, to, a->c, a->d, true);
}
SYSCALL_ON(SYS_HANDLE_GRANT, OBJ_TASK, RIGHT_CONTROL, sys_handle_grant);

static int64_t sys_handle_take(void *from, struct syscall_args *a)
{
	return pass(from, a->b, current_task(), a->c, ~0ull, false);
}
SYSCALL_ON(SYS_HANDLE_TAKE, OBJ_TASK, RIGHT_CONTROL, sys_handle_take);
