// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtio console: one port, whose bytes share the guest's console with COM1: what either writes is shown, and what is typed goes
 * to the one that wrote last (console.c).
 *
 * Source: virtio 1.2, 5.3.
 */
#include <stdlib.h>
#include <string.h>
#include "console.h"
#include "guest.h"
#include "virtio_devices.h"

enum { RX, TX, QUEUES };
#define QUEUE_SIZE 64
#define PIECE 256

static struct virtio_device *device;
static struct vq_chain chain;
static bool held;	/* chain is not written out: the console was full */
static uint64_t offset; /* how much of it is */

/* True: all of the chain is out. */
static bool write_out(void)
{
	uint8_t bytes[PIECE];
	unsigned n, moved;

	while ((n = vq_read(&chain, offset, bytes, PIECE)) > 0) {
		moved = console_write(bytes, n);
		offset += moved;
		if (moved < n)
			return false;
	}
	return true;
}

static void work(struct virtio_device *d)
{
	do {
		while (held || virtio_pop(d, TX, &chain)) {
			if (!held)
				offset = 0;
			held = !write_out();
			if (held)
				return; /* console.c calls virtio_console_room() */
			if (virtio_live(d, TX))
				vq_push(&d->queue[TX].q, chain.head, 0);
		}
	} while (!virtio_drained(d, TX));
	virtio_told(d, TX);
}

static void stop(struct virtio_device *d, unsigned queue)
{
	if (queue == TX)
		held = false;
}

static const struct virtio_ops ops = {.work = work, .stop = stop};

void virtio_console_room(void)
{
	if (device)
		work(device);
}

bool virtio_console_wants(void)
{
	struct virtqueue *q = device ? virtio_live(device, RX) : NULL;

	return q && vq_pending(q);
}

unsigned virtio_console_input(const uint8_t *bytes, unsigned n)
{
	static struct vq_chain c;
	unsigned moved = 0;

	while (moved < n && virtio_pop(device, RX, &c)) {
		unsigned part = vq_write(&c, 0, bytes + moved, n - moved);

		vq_push(&device->queue[RX].q, c.head, part);
		moved += part;
	}
	virtio_told(device, RX);
	return moved;
}

struct virtio_device *virtio_console_make(void)
{
	struct virtio_device *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->ops = &ops;
	d->name = "console";
	d->type = VIRTIO_CONSOLE;
	d->queues = QUEUES;
	d->queue[RX].size_max = d->queue[TX].size_max = QUEUE_SIZE;
	d->config_bytes = 12; /* columns, rows, ports: no feature that says they hold */
	device = d;
	return virtio_add(d, 0x078000, &guest.pci) ? NULL : d;
}
