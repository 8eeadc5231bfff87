// SPDX-License-Identifier: GPL-2.0-only
// Devices: who drives a PCI function, what it reaches by DMA, and how both end.
//
//	asleep --(granted)--> awake --(its task ends, QUIESCE, granted to another)--> asleep
//
// Only a device that is awake is a bus master. Memory that it was given stays pinned, whoever lets
// go of it, until the device is asleep and known to be quiet; one that does not become quiet keeps
// its memory until its next driver has reset it and was revoked in turn.
#include "core/frame.h"
#include "core/list.h"
#include "core/log.h"
#include "core/mapping.h"
#include "core/memory.h"
#include "core/task.h"
#include "x86/iommu.h"
#include "x86/pci.h"
#include "x86/trap.h"
#include <postern/errno.h>

#define EXTENTS_MAX 512
#define PINS_MAX 256
#define STRAY_FAULTS_MAX 8 /* so many get a line in the log */
#define QUIET_NS 20000000  /* as long as a device may take to finish what is under way */

struct device {
	struct object object;
	struct device *next;  /* core_lock */
	struct spinlock lock; /* inside core_lock; memory->lock inside */
	struct task *owner;   /* NULL: asleep. Its end comes here first, so no reference. */
	struct mapping *pins; /* memory objects, and what of them was opened */
	struct iommu_domain domain;
	uint32_t bdf, pin_count;
	uint32_t express; /* its PCI Express capability; 0: none */
};

static struct device *devices; /* core_lock */
static unsigned stray_faults;  /* of devices that nobody drives */

// Reading the register back brings what the device has posted to memory first (PCI 3.0, 3.2.5).
static int set_master(uint32_t bdf, bool on)
{
	uint32_t command;

	if (pci_config_read(bdf, PCI_COMMAND, 2, &command))
		return -EIO;
	if (command == 0xffff) /* it is not there any more */
		return on ? -EIO : 0;
	command = (command & ~PCI_COMMAND_MASTER) | (on ? PCI_COMMAND_MASTER : 0);
	pci_config_write(bdf, PCI_COMMAND, 2, command);
	if (!pci_config_read(bdf, PCI_COMMAND, 2, &command) &&
	    !(command & PCI_COMMAND_MASTER) == !on)
		return 0;
	log_printf("pci " BDF_FORMAT ": bus mastering stays %s, command %04x", BDF_ARGS(bdf),
		   on ? "off" : "on", command);
	return -EIO;
}

// Requests that wait for an answer (PCIe 3.0, 7.8.5).
static int wait_quiet(const struct device *d)
{
	uint64_t end = clock_ns() + QUIET_NS;
	uint32_t status;

	while (d->express &&
	       !pci_config_read(d->bdf, d->express + PCI_EXPRESS_STATUS, 2, &status) &&
	       status != 0xffff && status & PCI_EXPRESS_PENDING) {
		if (clock_ns() > end) {
			log_printf("pci " BDF_FORMAT
				   ": transactions pending for too long, status %04x",
				   BDF_ARGS(d->bdf), status);
			return -EIO;
		}
		cpu_poll();
	}
	return 0;
}

// The order is DESIGN's: interrupts, bus mastering, quiet, and only then its memory.
static int revoke(struct device *d, bool core_locked)
{
	struct mapping *gone = NULL;
	int error;

	irq_device_silence(d->bdf);
	spin_lock(&d->lock);
	error = set_master(d->bdf, false);
	if (!error)
		error = wait_quiet(d);
	iommu_detach(&d->domain, d->bdf);
	if (iommu_on()) /* whether it is quiet or not */
		error = 0;
	if (!error) {
		gone = d->pins;
		d->pins = NULL;
		d->pin_count = 0;
	}
	d->owner = NULL;
	spin_unlock(&d->lock);
	mapping_drop(gone, core_locked);
	if (error)
		log_printf("pci " BDF_FORMAT
			   " is not quiet: the memory that it was given stays pinned",
			   BDF_ARGS(d->bdf));
	return error;
}

void device_granted(struct object *o, struct task *t)
{
	struct device *d = (struct device *)o;

	spin_lock(&core_lock);	 /* so t is not reaped meanwhile */
	if (d->owner || d->pins) /* else its interrupts may have been granted already */
		revoke(d, true);
	spin_lock(&d->lock); // whoever has it may quiesce it meanwhile
	if (!t->reaped && !iommu_attach(&d->domain, d->bdf))
		d->owner = t;
	spin_unlock(&d->lock);
	spin_unlock(&core_lock);
}

void device_task_ended(struct task *t)
{
	for (struct device *d = devices; d; d = d->next)
		if (d->owner == t)
			revoke(d, true);
}

// core_lock held. BDF_UNKNOWN: the one that is awake, if it is the only one.
static struct device *device_at(uint32_t bdf)
{
	struct device *found = NULL;

	for (struct device *d = devices; d; d = d->next) {
		if (d->bdf != bdf && (bdf != BDF_UNKNOWN || !d->owner))
			continue;
		if (found)
			return NULL;
		found = d;
	}
	return found;
}

void device_fault(uint32_t bdf, bool known, uint64_t address)
{
	struct device *d;
	struct task *t;

	spin_lock(&core_lock);
	d = device_at(bdf);
	t = d ? d->owner : NULL;
	bdf = d ? d->bdf : bdf;
	if (bdf == BDF_UNKNOWN && stray_faults++ < STRAY_FAULTS_MAX)
		log_printf("DMA blocked: which of the devices in use it was is not recorded");
	else if (t ? t->end == TASK_ALIVE : bdf != BDF_UNKNOWN && stray_faults++ < STRAY_FAULTS_MAX)
		log_printf(known ? "DMA blocked: pci " BDF_FORMAT " of %s at 0x%lx"
				 : "DMA blocked: pci " BDF_FORMAT " of %s, where is not recorded",
			   BDF_ARGS(bdf), t ? t->name : "nobody", address);
	if (t)
		task_end(t, TASK_DMA, bdf, address, 0);
	else if (bdf != BDF_UNKNOWN)
		set_master(bdf, false);
	spin_unlock(&core_lock);
}

static void device_destroy(struct object *o)
{
	struct device *d = (struct device *)o;

	revoke(d, true);
	// Not quiet: nobody is left who could make it so, and its pins stay for good.
	list_unlink(devices, d, next);
	core_free(d, sizeof(*d));
}
OBJECT_TYPE(OBJ_DEVICE, device_destroy);

static int64_t sys_device_create(void *system, struct syscall_args *a)
{
	struct device *d;
	uint32_t id;

	if (a->b > 0xffff || a->c > 0xff)
		return -EINVAL;
	if (pci_config_read(a->b, 0, 2, &id) || id == 0xffff)
		return -ENODEV;
	if (a->c && (a->c < PCI_CAPABILITY_FIRST || pci_get(a->b, a->c, 1) != PCI_CAP_EXPRESS))
		return -EINVAL;
	d = core_alloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	object_init(&d->object, OBJ_DEVICE);
	d->bdf = a->b;
	d->express = a->c;
	spin_lock(&core_lock);
	if (device_at(d->bdf)) {
		spin_unlock(&core_lock);
		core_free(d, sizeof(*d));
		return -EBUSY;
	}
	d->next = devices;
	devices = d;
	spin_unlock(&core_lock);
	return handle_new(&d->object, RIGHT_CONTROL | RIGHT_GRANT, 0);
}
SYSCALL_ON(SYS_DEVICE_CREATE, OBJ_SYSTEM, RIGHT_PCI, sys_device_create);

// d->lock held; the caller flushes. What was opened of this memory is out of reach again.
static void unreach(struct device *d, const struct mapping *p)
{
	uint64_t span, phys;

	for (uint64_t at = p->offset; iommu_on() && at < p->offset + p->bytes; at += span) {
		phys = memory_frame(p->memory, at, FRAME_PRESENT, &span);
		if (span)
			iommu_unmap(&d->domain, phys, span -= phys & (span - 1));
		else
			span = PAGE_SIZE;
	}
}

// Its driver says that the device is done with memory that `handle` names.
static int64_t release(struct device *d, uint32_t handle)
{
	struct mapping *gone = NULL, **at;
	int error = 0;
	struct memory *m = (struct memory *)handle_get(handle, OBJ_MEMORY, RIGHT_PHYS, &error);

	if (!m)
		return error;
	spin_lock(&d->lock);
	for (at = &d->pins; *at;) {
		struct mapping *p = *at;

		if (p->memory != m) {
			at = &p->next;
			continue;
		}
		unreach(d, p);
		*at = p->next;
		p->next = gone;
		gone = p;
		d->pin_count--;
	}
	if (gone)
		iommu_flush(&d->domain, d->bdf);
	spin_unlock(&d->lock);
	error = gone ? 0 : -ENOENT;
	mapping_drop(gone, false);
	object_put_unlocked(&m->object);
	return error;
}

static int64_t sys_device_control(void *object, struct syscall_args *a)
{
	struct device *d = object;
	int error;

	switch (a->b) {
	case DEVICE_MASTER:
		spin_lock(&d->lock);
		error = d->owner ? set_master(d->bdf, a->c) : -ESRCH;
		spin_unlock(&d->lock);
		return error;
	case DEVICE_QUIESCE:
		return revoke(d, false);
	case DEVICE_CONFINED:
		return iommu_on();
	case DEVICE_RELEASE:
		return release(d, a->c);
	default:
		return -EINVAL;
	}
}
SYSCALL_ON(SYS_DEVICE_CONTROL, OBJ_DEVICE, RIGHT_CONTROL, sys_device_control);

// The pin's range has all that was opened through it.
static void pin_extend(struct mapping *p, uint64_t offset, uint64_t bytes)
{
	uint64_t end =
		p->offset + p->bytes > offset + bytes ? p->offset + p->bytes : offset + bytes;

	p->offset = p->bytes && p->offset < offset ? p->offset : offset;
	p->bytes = end - p->offset;
}

// d->lock held. m stays whole until the device is revoked.
static int pin(struct device *d, struct memory *m, uint64_t offset, uint64_t bytes, unsigned uses)
{
	struct mapping *new;
	int error;

	for (struct mapping *p = d->pins; p; p = p->next)
		if (p->memory == m && p->uses == uses) {
			pin_extend(p, offset, bytes);
			return 0;
		}
	if (d->pin_count >= PINS_MAX)
		return -ENOSPC;
	new = mapping_new(m, &(struct mapping){.offset = offset, .bytes = bytes, .uses = uses},
			  &error);
	if (!new)
		return error;
	new->next = d->pins;
	d->pins = new;
	d->pin_count++;
	return 0;
}

// What is behind `offset`, made and open to the device: *e.
static int open_piece(struct device *d, struct memory *m, uint64_t offset, uint64_t bytes,
		      unsigned rights, struct dma_extent *e)
{
	uint64_t span;
	int error;

	spin_lock(&d->lock);
	error = d->owner ? pin(d, m, offset, bytes, rights) : -ESRCH;
	e->address = error ? 0 : memory_frame(m, offset, FRAME_PINNED, &span);
	if (!error && !e->address)
		error = -ENOMEM;
	if (!error) {
		span -= e->address & (span - 1);
		e->bytes = span < bytes ? span : bytes;
		error = iommu_map(&d->domain, e->address, e->bytes, rights);
	}
	spin_unlock(&d->lock);
	return error;
}

static int64_t device_dma(struct device *d, struct memory *m, unsigned rights,
			  const struct syscall_args *a)
{
	uint64_t at = a->c, left = a->d, n = 0;
	struct dma_extent e = {0}, next;

	while (left) {
		int error = open_piece(d, m, at, left, rights, &next);

		if (error)
			return error;
		at += next.bytes;
		left -= next.bytes;
		if (e.bytes && e.address + e.bytes == next.address) {
			e.bytes += next.bytes;
		} else {
			n += 1;
			e = next;
		}
		if (n > a->f)
			return -E2BIG;
		if (copy_to_user(a->e + (n - 1) * sizeof(e), &e, sizeof(e)))
			return -EFAULT;
		sched_relax();
	}
	return n;
}

_Static_assert((int)MAP_READ == PAGE_READ && (int)MAP_WRITE == PAGE_WRITE, "rights of a page");

static int64_t sys_device_dma(void *device, struct syscall_args *a)
{
	struct handle h;
	int error = 0;
	int64_t result = -EINVAL;
	struct memory *m =
		(struct memory *)handle_get_all(a->b, OBJ_MEMORY, RIGHT_PHYS, &h, &error);
	unsigned rights =
		(h.rights & RIGHT_READ ? MAP_READ : 0) | (h.rights & RIGHT_WRITE ? MAP_WRITE : 0);

	if (!m)
		return error;
	// Registers of others are nobody's DMA target.
	if (!rights)
		result = -EPERM;
	else if (!m->foreign && !((a->c | a->d) % PAGE_SIZE) && a->c <= m->bytes &&
		 a->d <= m->bytes - a->c && a->f <= EXTENTS_MAX)
		result = device_dma(device, m, rights, a);
	object_put_unlocked(&m->object);
	return result;
}
SYSCALL_ON(SYS_DEVICE_DMA, OBJ_DEVICE, RIGHT_CONTROL, sys_device_dma);
