// SPDX-License-Identifier: GPL-2.0-only
// Devices: PCI functions as their drivers hold them, and the memory that they reach.
//
// Revocation keeps one order: interrupts masked, bus mastering off and read back, quiet, DMA
// window detached, only then the pinned memory let go. A device that will not become quiet keeps
// its memory for ever: that is lost, but nothing of it is given to somebody else.
#include "core/frame.h"
#include "core/list.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/task.h"
#include "x86/trap.h"
#include <postern/errno.h>

#define PCI_COMMAND 4
#define PCI_COMMAND_MASTER 4u
#define EXTENTS_MAX 512
#define QUIET_READS 1000 /* config reads: about 1 us each */

struct pin {
	struct pin *next;
	struct memory *memory;
	uint32_t rights;
};

struct device {
	struct object object;
	struct device *next;
	struct spinlock lock; /* pins, owner; memory->lock inside */
	struct pin *pins;
	uint32_t bdf;
	uint32_t owner; /* task id */
	bool revoked;
};

static struct device *devices; /* core_lock */

static int set_master(const struct device *d, bool on)
{
	uint32_t command, wanted = on ? PCI_COMMAND_MASTER : 0;
	int error = pci_config_read(d->bdf, PCI_COMMAND, 2, &command);

	if (error || command == 0xffff)
		return on ? -ENODEV : 0; /* pulled: it does nothing any more */
	command = (command & ~PCI_COMMAND_MASTER) | wanted;
	pci_config_write(d->bdf, PCI_COMMAND, 2, command);
	if (pci_config_read(d->bdf, PCI_COMMAND, 2, &command))
		return -EIO;
	return (command & PCI_COMMAND_MASTER) == wanted || command == 0xffff ? 0 : -EIO;
}

// d->lock held. The list of what it reached, for the caller to let go, or NULL.
static struct pin *revoke(struct device *d)
{
	struct pin *pins = d->pins;
	int error;

	if (d->revoked)
		return NULL;
	d->revoked = true;
	irq_device_silence(d->bdf);
	error = set_master(d, false);
	for (unsigned i = 0; !error && pci_busy(d->bdf); i++)
		if (i == QUIET_READS)
			error = -EIO;
	if (error) {
		log_printf("pci %02x:%02x.%x does not become quiet: what it reached stays set aside",
			   d->bdf >> 8, d->bdf >> 3 & 31, d->bdf & 7);
		return NULL;
	}
	d->pins = NULL;
	return pins;
}

static void let_go(struct pin *pins, void (*put)(struct object *))
{
	struct pin *p;

	while ((p = pins)) {
		pins = p->next;
		put(&p->memory->object);
		core_free(p, sizeof(*p));
	}
}

void device_task_ended(struct task *t)
{
	struct pin *pins;

	for (struct device *d = devices; d; d = d->next) {
		if (d->owner != t->id)
			continue;
		spin_lock(&d->lock);
		pins = revoke(d);
		spin_unlock(&d->lock);
		let_go(pins, object_put);
	}
}

void device_granted(struct object *o, struct task *t)
{
	struct device *d = (struct device *)o;

	spin_lock(&d->lock);
	d->owner = t->id;
	d->revoked = false;
	spin_unlock(&d->lock);
}

static void device_destroy(struct object *o)
{
	struct device *d = (struct device *)o;

	let_go(revoke(d), object_put);
	list_unlink(devices, d, next);
	core_free(d, sizeof(*d));
}
OBJECT_TYPE(OBJ_DEVICE, "device", device_destroy);

static int enlist(struct device *d)
{
	int error = 0;

	spin_lock(&core_lock);
	for (struct device *other = devices; other; other = other->next)
		if (other->bdf == d->bdf)
			error = -EBUSY;
	if (!error) {
		d->next = devices;
		devices = d;
	}
	spin_unlock(&core_lock);
	return error;
}

static int64_t sys_device_create(void *system, struct syscall_args *a)
{
	struct device *d;
	uint32_t id;
	int error;

	if (a->b > 0xffff)
		return -EINVAL;
	if (pci_config_read(a->b, 0, 4, &id) || id == ~0u)
		return -ENODEV;
	d = core_alloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	object_init(&d->object, OBJ_DEVICE);
	d->bdf = a->b;
	d->owner = current_task()->id;
	error = enlist(d);
	if (!error)
		return handle_new(&d->object, RIGHT_CONTROL | RIGHT_GRANT, 0);
	core_free(d, sizeof(*d));
	return error;
}
SYSCALL_ON(SYS_DEVICE_CREATE, OBJ_SYSTEM, RIGHT_PCI, sys_device_create);

static int64_t quiesce(struct device *d)
{
	struct pin *pins;

	spin_lock(&d->lock);
	pins = revoke(d);
	spin_unlock(&d->lock);
	let_go(pins, object_put_unlocked);
	return d->pins ? -EIO : 0;
}

static int64_t config(const struct device *d, uint64_t argument)
{
	uint32_t value;
	int error = pci_config_read(d->bdf, argument >> 32, argument & 7, &value);

	return error ? error : (int64_t)value;
}

static int64_t sys_device_control(void *object, struct syscall_args *a)
{
	struct device *d = object;
	int64_t result = -EPERM;

	switch (a->b) {
	case DEVICE_MASTER:
		spin_lock(&d->lock);
		if (!d->revoked || !a->c)
			result = set_master(d, a->c != 0);
		spin_unlock(&d->lock);
		return result;
	case DEVICE_QUIESCE:
		return quiesce(d);
	case DEVICE_CONFINED:
		return 0;
	case DEVICE_CONFIG:
		return config(d, a->c);
	default:
		return -EINVAL;
	}
}
SYSCALL_ON(SYS_DEVICE_CONTROL, OBJ_DEVICE, RIGHT_CONTROL, sys_device_control);

// d->lock held. Keeps the object from going before the device is revoked.
static int pin(struct device *d, struct memory *m, uint32_t rights)
{
	struct pin *p;

	for (p = d->pins; p; p = p->next)
		if (p->memory == m && p->rights == rights)
			return 0;
	p = core_alloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	object_get(&m->object);
	*p = (struct pin){d->pins, m, rights};
	d->pins = p;
	return 0;
}

// Where the frames behind [offset, offset + bytes) are: extents filled.
static int64_t find_extents(struct memory *m, uint64_t offset, uint64_t bytes, uint64_t to,
			    uint64_t room)
{
	struct dma_extent e = {0, 0};
	uint64_t filled = 0, end = offset + bytes, span, phys, step;

	while (offset < end) {
		phys = memory_frame(m, offset, true, &span);
		if (!phys)
			return -ENOMEM;
		step = span - (offset & (span - 1));
		step = step < end - offset ? step : end - offset;
		if (e.bytes && e.address + e.bytes == phys) {
			e.bytes += step;
		} else {
			if (e.bytes && copy_to_user(to + filled++ * sizeof(e), &e, sizeof(e)))
				return -EFAULT;
			if (filled == room)
				return -E2BIG;
			e = (struct dma_extent){phys, step};
		}
		offset += step;
	}
	if (copy_to_user(to + filled++ * sizeof(e), &e, sizeof(e)))
		return -EFAULT;
	return filled;
}

static int64_t dma(struct device *d, struct memory *m, uint32_t rights, struct syscall_args *a)
{
	int error;

	if (a->c % PAGE_SIZE || a->d % PAGE_SIZE || !a->d || a->c >= m->bytes ||
	    a->d > m->bytes - a->c || !a->f || a->f > EXTENTS_MAX)
		return -EINVAL;
	spin_lock(&d->lock);
	error = d->revoked ? -EPERM : pin(d, m, rights & (RIGHT_READ | RIGHT_WRITE));
	spin_unlock(&d->lock);
	return error ? error : find_extents(m, a->c, a->d, a->e, a->f);
}

static int64_t sys_device_dma(void *object, struct syscall_args *a)
{
	uint32_t rights;
	int64_t result = 0;
	int error = 0;
	struct object *m = handle_get_rights(a->b, OBJ_MEMORY, RIGHT_PHYS, &rights, &error);

	if (!m)
		return error;
	result = dma(object, (struct memory *)m, rights, a);
	object_put_unlocked(m);
	return result;
}
SYSCALL_ON(SYS_DEVICE_DMA, OBJ_DEVICE, RIGHT_CONTROL, sys_device_dma);
