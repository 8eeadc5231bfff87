// SPDX-License-Identifier: GPL-2.0-only
// Doorbells: I/O ports of a guest where an OUT only signals an event. The guest goes on at once;
// whoever waits for the event, a device's thread of the VMM, runs beside it.
#include "core/event.h"
#include "engine/engine.h"
#include <postern/errno.h>

// vm->lock held. NULL: none at that port.
static struct doorbell *find(struct vm *vm, unsigned port)
{
	for (unsigned i = 0; i < vm->doorbells; i++)
		if (vm->doorbell[i].port == port)
			return &vm->doorbell[i];
	return NULL;
}

bool vm_doorbell(struct vm *vm, unsigned port)
{
	struct doorbell *d;

	spin_lock(&vm->lock);
	d = find(vm, port);
	if (d)
		event_signal(d->event, d->bits);
	spin_unlock(&vm->lock);
	return d;
}

void vm_doorbells_free(struct vm *vm)
{
	while (vm->doorbells)
		object_put(&vm->doorbell[--vm->doorbells].event->object);
}

// *e, or NULL to take it away, goes in; what was there comes out, for the caller to let go.
static int replace(struct vm *vm, unsigned port, struct event **e, uint64_t bits)
{
	struct doorbell *d = find(vm, port);
	struct event *old = d ? d->event : NULL;

	if (!d && *e && vm->doorbells == VM_DOORBELLS)
		return -ENOSPC;
	if (*e)
		*(d ?: &vm->doorbell[vm->doorbells++]) = (struct doorbell){*e, bits, port};
	else if (d)
		*d = vm->doorbell[--vm->doorbells];
	*e = old;
	vm->doorbell_ports = 0;
	for (unsigned i = 0; i < vm->doorbells; i++)
		vm->doorbell_ports |= 1ull << vm->doorbell[i].port % 64;
	return 0;
}

static int64_t doorbell(void *object, struct syscall_args *a)
{
	struct vm *vm = object;
	struct event *e = NULL;
	uint64_t bits = a->d;
	int error = 0;

	if (a->b > 0xffff)
		return -EINVAL;
	if (a->c)
		e = event_get(a->c, &bits, &error);
	if (error)
		return error;
	spin_lock(&vm->lock);
	error = replace(vm, a->b, &e, bits);
	spin_unlock(&vm->lock);
	if (e)
		object_put_unlocked(&e->object);
	return error;
}
SYSCALL_ON(SYS_VM_DOORBELL, OBJ_VM, RIGHT_CONTROL, doorbell);
