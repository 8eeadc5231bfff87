// SPDX-License-Identifier: GPL-2.0-only
/* Virtio: status, queues and features of a device, whatever the registers look like. */
#include <string.h>
#include <postern/errno.h>
#include "virtio.h"

static struct virtio_device *devices[VIRTIO_DEVICES_MAX];
static unsigned count;

#define FEATURE(n) (1ull << (n))
#define COMMON                                                                                                        \
	(FEATURE(VIRTIO_F_ANY_LAYOUT) | FEATURE(VIRTIO_F_INDIRECT) | FEATURE(VIRTIO_F_EVENT_IDX) |                     \
	 FEATURE(VIRTIO_F_VERSION_1) | FEATURE(VIRTIO_F_RING_RESET))

int virtio_add(struct virtio_device *d, uint32_t class_, struct pci *bus)
{
	int e;

	if (count == VIRTIO_DEVICES_MAX || d->queues > VIRTIO_QUEUES_MAX)
		return -ENOSPC;
	d->offered |= COMMON;
	d->bit = 1ull << (EVENT_VIRTIO_FIRST + count % 9);
	d->config_vector = PCI_MSIX_NONE;
	for (unsigned n = 0; n < d->queues; n++) {
		d->queue[n].q.f = &d->pci;
		d->queue[n].vector = PCI_MSIX_NONE;
	}
	e = virtio_pci_init(d, class_, bus);
	if (!e)
		devices[count++] = d;
	return e;
}

/* --- queues ---------------------------------------------------------------------------------- */

bool virtio_enable_queue(struct virtio_device *d, unsigned n)
{
	struct virtio_queue *v = &d->queue[n];

	if (v->enabled)
		return true;
	v->q.event_idx = virtio_has(d, VIRTIO_F_EVENT_IDX);
	v->q.indirect = virtio_has(d, VIRTIO_F_INDIRECT);
	v->enabled = true;
	return true;
}

/* Queues are looked up at their first use: only then must bus mastering be on. */
static bool start_queue(struct virtio_device *d, unsigned n)
{
	struct virtqueue *q = &d->queue[n].q;

	if (q->started)
		return true;
	if (!pci_enabled(&d->pci, PCI_ENABLE_MASTER))
		return false;
	/* What a legacy driver negotiates after it has set up a queue counts too. */
	q->event_idx = virtio_has(d, VIRTIO_F_EVENT_IDX);
	q->indirect = virtio_has(d, VIRTIO_F_INDIRECT);
	if (vq_start(q))
		return true;
	virtio_broken(d, n, q->wrong);
	return false;
}

struct virtqueue *virtio_live(struct virtio_device *d, unsigned n)
{
	struct virtio_queue *v = &d->queue[n];

	if (n >= d->queues || !v->enabled || v->resetting || d->resetting || d->status & VIRTIO_NEEDS_RESET)
		return NULL;
	/* Drivers before 2.6.31 or so read partition tables before they say DRIVER_OK. */
	if (!(d->status & VIRTIO_DRIVER_OK) && !d->legacy)
		return NULL;
	if (!start_queue(d, n))
		return NULL;
	return v->q.wrong ? NULL : &v->q;
}

int virtio_pop(struct virtio_device *d, unsigned n, struct vq_chain *c)
{
	struct virtqueue *q = virtio_live(d, n);
	int e = q ? vq_pop(q, c) : 0;

	if (e < 0)
		virtio_broken(d, n, q->wrong);
	return e > 0;
}

bool virtio_drained(struct virtio_device *d, unsigned n)
{
	struct virtqueue *q = virtio_live(d, n);

	return !q || !vq_kicks_on(q);
}

void virtio_told(struct virtio_device *d, unsigned n)
{
	struct virtqueue *q = virtio_live(d, n);

	if (q && vq_wants_interrupt(q))
		virtio_interrupt(d, d->queue[n].vector, 1);
}

void virtio_broken(struct virtio_device *d, unsigned n, const char *why)
{
	if (d->status & VIRTIO_NEEDS_RESET)
		return;
	virtio_host_log(d, why);
	d->status |= VIRTIO_NEEDS_RESET;
	if (d->status & VIRTIO_DRIVER_OK)
		virtio_interrupt(d, d->config_vector, 2);
}

void virtio_config_changed(struct virtio_device *d)
{
	d->generation++;
	if (d->status & VIRTIO_DRIVER_OK && !d->resetting)
		virtio_interrupt(d, d->config_vector, 2);
}

/* --- reset ----------------------------------------------------------------------------------- */

static bool busy(struct virtio_device *d, unsigned n)
{
	return d->ops->busy && d->ops->busy(d, n);
}

static void forget_queue(struct virtio_queue *v)
{
	vq_reset(&v->q);
	v->vector = PCI_MSIX_NONE;
	v->enabled = v->resetting = false;
	v->q.size = v->size_max;
}

/* A reset is done when nothing is on its way; virtio_settled() asks again. */
static void try_reset(struct virtio_device *d)
{
	for (unsigned n = 0; n < d->queues; n++)
		if (busy(d, n))
			return;
	for (unsigned n = 0; n < d->queues; n++)
		forget_queue(&d->queue[n]);
	d->features = 0;
	d->offered_select = d->features_select = 0;
	d->selected = 0;
	d->config_vector = PCI_MSIX_NONE;
	d->status = d->isr = 0;
	d->legacy = d->resetting = false;
	pci_set_intx(&d->pci, false);
	virtio_host_settled();
}

static void begin_reset(struct virtio_device *d)
{
	d->resetting = true;
	for (unsigned n = 0; n < d->queues; n++)
		if (d->ops->stop)
			d->ops->stop(d, n);
	try_reset(d);
}

static void try_reset_queue(struct virtio_device *d, unsigned n)
{
	if (busy(d, n))
		return;
	forget_queue(&d->queue[n]);
	virtio_host_settled();
}

void virtio_reset_queue(struct virtio_device *d, unsigned n)
{
	if (!d->queue[n].enabled || d->resetting)
		return;
	d->queue[n].resetting = true;
	if (d->ops->stop)
		d->ops->stop(d, n);
	try_reset_queue(d, n);
}

void virtio_settled(struct virtio_device *d)
{
	if (d->resetting)
		try_reset(d);
	for (unsigned n = 0; n < d->queues; n++)
		if (d->queue[n].resetting)
			try_reset_queue(d, n);
}

bool virtio_quiet(void)
{
	bool quiet = true;

	for (unsigned i = 0; i < count; i++) {
		begin_reset(devices[i]);
		quiet &= !devices[i]->resetting;
	}
	return quiet;
}

/* --- status ---------------------------------------------------------------------------------- */

void virtio_set_status(struct virtio_device *d, uint8_t status)
{
	uint8_t before = d->status;

	if (status == 0) {
		begin_reset(d);
		return;
	}
	if (d->resetting)
		return;
	/* Refused by not being there when it is read back (virtio 1.2, 3.1.1). */
	if (status & VIRTIO_FEATURES_OK && !(before & VIRTIO_FEATURES_OK) &&
	    (d->features & ~d->offered || !virtio_has(d, VIRTIO_F_VERSION_1) || (d->ops->agreed && !d->ops->agreed(d))))
		status &= ~VIRTIO_FEATURES_OK;
	d->status = status | (before & VIRTIO_NEEDS_RESET);
	if (status & VIRTIO_DRIVER_OK && !(before & VIRTIO_DRIVER_OK)) {
		if (d->ops->started)
			d->ops->started(d);
		virtio_host_ring(d);
	}
}

uint32_t virtio_config_read(const struct virtio_device *d, unsigned offset, unsigned size)
{
	uint32_t value = 0;

	if (offset < d->config_bytes)
		memcpy(&value, d->config + offset, size < d->config_bytes - offset ? size : d->config_bytes - offset);
	return value;
}

void virtio_config_write(struct virtio_device *d, unsigned offset, unsigned size, uint32_t value)
{
	if (d->ops->configure && offset < d->config_bytes && size <= d->config_bytes - offset)
		d->ops->configure(d, offset, size, value);
}

void virtio_event(uint64_t bits)
{
	for (unsigned i = 0; i < count; i++)
		if (devices[i]->bit & bits)
			devices[i]->ops->work(devices[i]);
}
