// SPDX-License-Identifier: GPL-2.0-only
// Objects and handles: counted references, and for each task a table of what it was given.
//
// The last reference may go while another object dies (a task's table holds a vm, which holds
// memory). Dying objects therefore stand in a line, and only the outermost object_put works it off:
// no recursion.
#include "core/object.h"
#include "core/frame.h"
#include "core/log.h"
#include "core/task.h"
#include <postern/errno.h>

struct handle {
	struct object *object;
	uint64_t badge;
	uint32_t rights, spare;
	uint64_t spare2;
};

#define HANDLES_A_PAGE (PAGE_SIZE / sizeof(struct handle))
#define HANDLE_PAGES 16

struct handle_table {
	struct handle *page[HANDLE_PAGES];
	uint32_t count, lowest; /* in use; no free entry below `lowest` */
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

// task->lock held. NULL: not in the table.
static struct handle *handle_at(struct task *t, uint64_t number)
{
	struct handle *page;

	if (!t->handles || number >= HANDLE_PAGES * HANDLES_A_PAGE)
		return NULL;
	page = t->handles->page[number / HANDLES_A_PAGE];
	if (!page || !page[number % HANDLES_A_PAGE].object)
		return NULL;
	return &page[number % HANDLES_A_PAGE];
}

// A reference to what the handle of t names, and the rest of the handle. OBJ_NONE: any type fits.
// Inline: most callers want nothing of the rest, and SYS_VCPU_RUN is in the way of every exit to a VMM.
static inline __attribute__((always_inline)) struct object *
lookup(struct task *t, uint64_t number, enum object_type type, uint32_t rights,
       struct handle *rest, int *error)
{
	struct object *o = NULL;
	struct handle *h;

	spin_lock(&t->lock);
	h = handle_at(t, number);
	if (!h || (type != OBJ_NONE && h->object->type != type)) {
		*error = -EBADF;
	} else if ((h->rights & rights) != rights) {
		*error = -EPERM;
	} else {
		o = h->object;
		rest->badge = h->badge;
		rest->rights = h->rights;
		object_get(o);
	}
	spin_unlock(&t->lock);
	return o;
}

struct object *handle_get_badge(uint32_t number, enum object_type type, uint32_t rights,
				uint64_t *badge, int *error)
{
	struct handle h = {0};
	struct object *o = lookup(current_task(), number, type, rights, &h, error);

	*badge = h.badge;
	return o;
}

struct object *handle_get_rights(uint32_t number, enum object_type type, uint32_t rights,
				 uint32_t *has, int *error)
{
	struct handle h = {0};
	struct object *o = lookup(current_task(), number, type, rights, &h, error);

	*has = h.rights;
	return o;
}

struct object *handle_get(uint32_t number, enum object_type type, uint32_t rights, int *error)
{
	struct handle h;

	return lookup(current_task(), number, type, rights, &h, error);
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

// task->lock held. A free entry: its number, 0 when there is none.
static uint32_t handle_find_free(struct task *t)
{
	struct handle_table *table = t->handles;

	for (uint32_t i = table->lowest; i < HANDLE_PAGES * HANDLES_A_PAGE; i++) {
		struct handle **page = &table->page[i / HANDLES_A_PAGE];

		if (!*page) {
			*page = core_page_alloc();
			if (!*page)
				return 0;
			t->core_memory += PAGE_SIZE;
		}
		if (!(*page)[i % HANDLES_A_PAGE].object)
			return i;
	}
	return 0;
}

int handle_add(struct task *t, struct object *o, uint32_t rights, uint64_t badge)
{
	uint32_t number = 0;

	spin_lock(&t->lock);
	if (t->reaped || (t->end != TASK_ALIVE && t->thread_count == 0)) {
		spin_unlock(&t->lock);
		return -ESRCH;
	}
	if (!t->handles) {
		t->handles = core_alloc(sizeof(*t->handles));
		if (t->handles)
			t->handles->lowest = 1;
	}
	if (t->handles)
		number = handle_find_free(t);
	if (number) {
		struct handle *h =
			&t->handles->page[number / HANDLES_A_PAGE][number % HANDLES_A_PAGE];

		object_get(o);
		*h = (struct handle){.object = o, .rights = rights, .badge = badge};
		t->handles->count++;
		t->handles->lowest = number + 1;
	}
	spin_unlock(&t->lock);
	return number ? (int)number : -ENOSPC;
}

int handle_new(struct object *o, uint32_t rights, uint64_t badge)
{
	int result = handle_add(current_task(), o, rights, badge);

	object_put_unlocked(o);
	return result;
}

static int handle_close(struct task *t, uint64_t number)
{
	struct object *o = NULL;
	struct handle *h;

	spin_lock(&t->lock);
	h = handle_at(t, number);
	if (h) {
		o = h->object;
		h->object = NULL;
		t->handles->count--;
		if (number < t->handles->lowest)
			t->handles->lowest = number;
	}
	spin_unlock(&t->lock);
	if (!o)
		return -EBADF;
	object_put_unlocked(o);
	return 0;
}

void handle_close_all(struct task *t)
{
	struct handle_table *table;

	spin_lock(&t->lock);
	table = t->handles;
	t->handles = NULL;
	spin_unlock(&t->lock);
	if (!table)
		return;
	for (unsigned p = 0; p < HANDLE_PAGES; p++) {
		if (!table->page[p])
			continue;
		for (unsigned i = 0; i < HANDLES_A_PAGE; i++)
			if (table->page[p][i].object)
				object_put(table->page[p][i].object);
		core_page_free(table->page[p]);
	}
	core_free(table, sizeof(*table));
}

uint32_t handle_count(struct task *t)
{
	uint32_t n;

	spin_lock(&t->lock);
	n = t->handles ? t->handles->count : 0;
	spin_unlock(&t->lock);
	return n;
}

static int64_t sys_handle_close(struct syscall_args *a)
{
	return handle_close(current_task(), a->a);
}
SYSCALL(SYS_HANDLE_CLOSE, sys_handle_close);

static int64_t sys_handle_grant(void *to, struct syscall_args *a)
{
	struct handle h;
	int result = 0;
	struct object *o = lookup(current_task(), a->b, OBJ_NONE, RIGHT_GRANT, &h, &result);

	if (!o)
		return result;
	result = handle_add(to, o, h.rights & a->c, h.badge & a->d);
	if (result > 0 && o->type == OBJ_IRQ)
		irq_granted(o, to);
	else if (result > 0 && o->type == OBJ_DEVICE)
		device_granted(o, to);
	object_put_unlocked(o);
	return result;
}
SYSCALL_ON(SYS_HANDLE_GRANT, OBJ_TASK, RIGHT_CONTROL, sys_handle_grant);

static int64_t sys_handle_take(void *from, struct syscall_args *a)
{
	struct handle h;
	int result = 0;
	struct object *o = lookup(from, a->b, OBJ_NONE, RIGHT_GRANT, &h, &result);

	if (!o)
		return result;
	result = handle_add(current_task(), o, h.rights & a->c, h.badge);
	object_put_unlocked(o);
	return result;
}
SYSCALL_ON(SYS_HANDLE_TAKE, OBJ_TASK, RIGHT_CONTROL, sys_handle_take);
