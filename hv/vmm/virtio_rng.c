// SPDX-License-Identifier: GPL-2.0-only
/* Virtio entropy device: random.h's bytes. Source: virtio 1.2, 5.4. */
#include <stdlib.h>
#include "guest.h"
#include "log.h"
#include "random.h"
#include "virtio_devices.h"

#define BYTES_MAX 4096 /* a request; the driver asks again */

static struct random source;

static void work(struct virtio_device *d)
{
	static struct vq_chain c;
	static uint8_t bytes[BYTES_MAX];

	do {
		while (virtio_pop(d, 0, &c)) {
			uint32_t n = c.in_bytes < BYTES_MAX ? c.in_bytes : BYTES_MAX;

			random_bytes(&source, bytes, n);
			vq_push(&d->queue[0].q, c.head, vq_write(&c, 0, bytes, n));
		}
	} while (!virtio_drained(d, 0));
	virtio_told(d, 0);
}

static const struct virtio_ops ops = {.work = work};

struct virtio_device *virtio_rng_make(void)
{
	struct virtio_device *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	if (!random_init(&source))
		log_line("guest %s: the processor has no RDRAND: its random numbers come from time stamps",
			 guest.name);
	d->ops = &ops;
	d->name = "rng";
	d->type = VIRTIO_RNG;
	d->queues = 1;
	d->queue[0].size_max = 64;
	return virtio_add(d, 0x00ff00, &guest.pci) ? NULL : d;
}
