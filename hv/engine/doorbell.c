// SPDX-License-Identifier: GPL-2.0-only
// Doorbells: I/O ports of a guest where an OUT only signals an event. The guest goes on at once; whoever
// waits for the event, a device's thread of the VMM, runs beside it.
#include "core/event.h"
#include "core/frame.h"
#include "engine/engine.h"
#include <postern/errno.h>

struct doorbell {
	struct event *event;
	uint64_t bits;
	uint32_t port;
};

#define DOORBELLS_MAX (PAGE_SIZE / sizeof(struct doorbell))

// vm->lock held.
static struct doorbell *find(struct vm *vm, unsigned port)
{
	for (unsigned i = 0; i < vm->doorbell_count; i++)
		if (vm->doorbells[i].port == port)
			return &vm->doorbells[i];
	return NULL;
}

bool vm_doorbell(struct vm *vm, unsigned port)
{
	struct doorbell *d;

	if (port < vm->doorbell_first || port > vm->doorbell_last)
		return false;
	spin_lock(&vm->lock);
	d = find(vm, port);
	if (d)
		event_signal(d->event, d->bits);
	spin_unlock(&vm->lock);
	return d != NULL;
}

// vm->lock held. The event that has no doorbell any more, for the caller to let go, or NULL.
static struct event *take_out(struct vm *vm, unsigned port)
{
	struct doorbell *d = find(vm, port);
	struct event *e = d ? d->event : NULL;

	if (d)
		*d = vm->doorbells[--vm->doorbell_count];
	return e;
}

// vm->lock held.
static int put_in(struct vm *vm, unsigned port, struct event *e, uint64_t bits)
{
	if (!vm->doorbells)
		vm->doorbells = core_page_alloc();
	if (!vm->doorbells)
		return -ENOMEM;
	if (vm->doorbell_count == DOORBELLS_MAX)
		return -ENOSPC;
	object_get(&e->object);
	vm->doorbells[vm->doorbell_count++] = (struct doorbell){e, bits, port};
	return 0;
}

// vm->lock held. The range that has them all: other ports cost two compares.
static void find_range(struct vm *vm)
{
	vm->doorbell_first = ~0u;
	vm->doorbell_last = 0;
	for (unsigned i = 0; i < vm->doorbell_count; i++) {
		uint32_t port = vm->doorbells[i].port;

		vm->doorbell_first = port < vm->doorbell_first ? port : vm->doorbell_first;
		vm->doorbell_last = port > vm->doorbell_last ? port : vm->doorbell_last;
	}
}

void vm_doorbells_free(struct vm *vm)
{
	while (vm->doorbell_count)
		object_put(&vm->doorbells[--vm->doorbell_count].event->object);
	core_page_free(vm->doorbells);
}

static int64_t set(struct vm *vm, unsigned port, struct event *e, uint64_t bits)
{
	struct event *old;
	int error = 0;

	spin_lock(&vm->lock);
	old = take_out(vm, port);
	if (e)
		error = put_in(vm, port, e, bits);
	find_range(vm);
	spin_unlock(&vm->lock);
	if (old)
		object_put_unlocked(&old->object);
	return error;
}

static int64_t sys_vm_doorbell(void *vm, struct syscall_args *a)
{
	struct object *e = NULL;
	uint64_t badge = 0;
	int64_t result;
	int error = 0;

	if (a->b > 0xffff)
		return -EINVAL;
	if (a->c)
		e = handle_get_badge(a->c, OBJ_EVENT, RIGHT_SIGNAL, &badge, &error);
	if (error)
		return error;
	result = set(vm, a->b, (struct event *)e, a->d & badge);
	if (e)
		object_put_unlocked(e);
	return result;
}
SYSCALL_ON(SYS_VM_DOORBELL, OBJ_VM, RIGHT_CONTROL, sys_vm_doorbell);
