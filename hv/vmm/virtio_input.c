// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtio input devices: a keyboard and a mouse. An event goes to the device whose driver runs, else to the i8042's (screen.c).
 *
 * Source: virtio 1.2, 5.8; event types and codes as in Linux's input-event-codes.h (and in xen/io/kbdif.h).
 */
#include <stdlib.h>
#include <string.h>
#include "guest.h"
#include "virtio_devices.h"

enum { EVENTS, STATUS, QUEUES };
#define QUEUE_SIZE 64

enum { EV_SYN = 0, EV_KEY = 1, EV_REL = 2, EV_LED = 0x11, EV_REP = 0x14 };
enum { REL_X = 0, REL_Y = 1, REL_WHEEL = 8 };
#define KEYS 255
#define BUTTON_FIRST 0x110
#define BUTTON_COUNT 5

enum config_select { CFG_NAME = 1, CFG_SERIAL = 2, CFG_IDS = 3, CFG_EVENTS = 0x11 };

struct config {
	uint8_t select, subselect, size, reserved[5], data[128];
};

struct event {
	uint16_t type, code;
	uint32_t value;
};

static struct virtio_device *keyboard, *mouse;

static void bits(struct config *c, unsigned first, unsigned count)
{
	for (unsigned n = first; n < first + count; n++)
		c->data[n / 8] |= 1 << n % 8;
	c->size = (first + count + 7) / 8 > c->size ? (first + count + 7) / 8 : c->size;
}

/* What a device can report, by type. */
static void capabilities(const struct virtio_device *d, struct config *c)
{
	if (d == keyboard && c->subselect == EV_KEY) {
		bits(c, 1, KEYS);
	} else if (d == keyboard && c->subselect == EV_REP) {
		bits(c, 0, 2);
	} else if (d == keyboard && c->subselect == EV_LED) {
		bits(c, 0, 3);
	} else if (d == mouse && c->subselect == EV_KEY) {
		bits(c, BUTTON_FIRST, BUTTON_COUNT);
	} else if (d == mouse && c->subselect == EV_REL) {
		bits(c, REL_X, 2);
		bits(c, REL_WHEEL, 1);
	}
}

static void configure(struct virtio_device *d, unsigned offset, unsigned size, uint32_t value)
{
	static const uint16_t ids[4] = {6 /* virtual bus */, 0x1af4, 1, 1};
	struct config c = {.select = d->config[0], .subselect = d->config[1]};
	const char *name = d == keyboard ? "Postern keyboard" : "Postern mouse";

	if (offset == 0) {
		c.select = value;
		if (size > 1)
			c.subselect = value >> 8;
	} else if (offset == 1) {
		c.subselect = value;
	}
	if (c.select == CFG_NAME && !c.subselect) {
		c.size = strlen(name);
		memcpy(c.data, name, c.size);
	} else if (c.select == CFG_IDS && !c.subselect) {
		c.size = sizeof(ids);
		memcpy(c.data, ids, sizeof(ids));
	} else if (c.select == CFG_EVENTS) {
		capabilities(d, &c);
	}
	memcpy(d->config, &c, sizeof(c));
}

/* The driver sets LEDs: taken, and nothing shows them. Buffers for events wait until there is one. */
static void work(struct virtio_device *d)
{
	static struct vq_chain c;

	do {
		while (virtio_pop(d, STATUS, &c))
			vq_push(&d->queue[STATUS].q, c.head, 0);
	} while (!virtio_drained(d, STATUS));
	virtio_told(d, STATUS);
}

static const struct virtio_ops ops = {.work = work, .configure = configure};

/* An event that finds no buffer is lost, as a key is on a full PS/2 controller. */
static void put(struct virtio_device *d, uint16_t type, uint16_t code, uint32_t value)
{
	static struct vq_chain c;
	struct event e = {type, code, value};

	if (virtio_pop(d, EVENTS, &c))
		vq_push(&d->queue[EVENTS].q, c.head, vq_write(&c, 0, &e, sizeof(e)));
}

static void sync(struct virtio_device *d)
{
	put(d, EV_SYN, 0, 0);
	virtio_told(d, EVENTS);
}

static bool runs(struct virtio_device *d)
{
	return d && d->status & VIRTIO_DRIVER_OK && virtio_live(d, EVENTS);
}

bool virtio_input_key(unsigned code, bool pressed)
{
	bool button = code >= BUTTON_FIRST && code < BUTTON_FIRST + BUTTON_COUNT;
	struct virtio_device *d = button ? mouse : keyboard;

	if (!runs(d) || (!button && (code == 0 || code > KEYS)))
		return false;
	put(d, EV_KEY, code, pressed);
	sync(d);
	return true;
}

bool virtio_input_move(int x, int y, int wheel)
{
	if (!runs(mouse))
		return false;
	if (x)
		put(mouse, EV_REL, REL_X, x);
	if (y)
		put(mouse, EV_REL, REL_Y, y);
	if (wheel)
		put(mouse, EV_REL, REL_WHEEL, -wheel);
	sync(mouse);
	return true;
}

static struct virtio_device *make(const char *name)
{
	struct virtio_device *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->ops = &ops;
	d->name = name;
	d->type = VIRTIO_INPUT;
	d->queues = QUEUES;
	d->queue[EVENTS].size_max = d->queue[STATUS].size_max = QUEUE_SIZE;
	d->config_bytes = sizeof(struct config);
	return virtio_add(d, 0x090000, &guest.pci) ? NULL : d;
}

bool virtio_input_make(void)
{
	keyboard = make("keyboard");
	mouse = make("mouse");
	return keyboard && mouse;
}
