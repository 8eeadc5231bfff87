// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtio balloon: what the driver puts into it and takes out is counted. Nobody asks for memory (num_pages stays 0), because
 * the core has no call that takes frames out of a guest's RAM: they may be under a device's DMA.
 *
 * Source: virtio 1.2, 5.5.
 */
#include <stdlib.h>
#include <string.h>
#include "guest.h"
#include "virtio_devices.h"

enum { INFLATE, DEFLATE, QUEUES };
#define QUEUE_SIZE 64

struct config {
	uint32_t pages, actual;
};

static void work(struct virtio_device *d)
{
	static struct vq_chain c;

	for (unsigned n = 0; n < QUEUES; n++) {
		do {
			while (virtio_pop(d, n, &c))
				vq_push(&d->queue[n].q, c.head, 0);
		} while (!virtio_drained(d, n));
		virtio_told(d, n);
	}
}

static void configure(struct virtio_device *d, unsigned offset, unsigned size, uint32_t value)
{
	if (offset == offsetof(struct config, actual) && size == 4)
		memcpy(d->config + offset, &value, 4);
}

static const struct virtio_ops ops = {.work = work, .configure = configure};

struct virtio_device *virtio_balloon_make(void)
{
	struct virtio_device *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->ops = &ops;
	d->name = "balloon";
	d->type = VIRTIO_BALLOON;
	d->queues = QUEUES;
	d->queue[INFLATE].size_max = d->queue[DEFLATE].size_max = QUEUE_SIZE;
	d->config_bytes = sizeof(struct config);
	return virtio_add(d, 0x00ff00, &guest.pci) ? NULL : d;
}
