// SPDX-License-Identifier: GPL-2.0-only
/* Terminal: queues in front of the console driver's ports. */
#include <string.h>
#include "durable.h"
#include "ring.h"
#include "terminal.h"

DURABLE struct terminal terminals[TERMINALS];

struct terminal *terminal_open(unsigned port)
{
	struct terminal *t = &terminals[port];

	t->used = true;
	t->port = port;
	t->queue = &kept()->terminal[port];
	return t;
}

static void enqueue_front(struct terminal *t, const char *from, size_t bytes)
{
	while (bytes-- && t->queue->length < TERMINAL_QUEUE) {
		t->queue->at = (t->queue->at + TERMINAL_QUEUE - 1) % TERMINAL_QUEUE;
		t->queue->text[t->queue->at] = from[bytes];
		t->queue->length++;
	}
}

/* The driver is gone: what it had not taken out of the ring is ours again. */
static void changed(struct link *l)
{
	struct terminal *t = l->owner;
	char left[sizeof(l->console->ring.out)];
	int n;

	if (l->up) {
		terminal_pump(t);
		return;
	}
	n = console_server_read(l->console, left, sizeof(left));
	if (n > 0)
		enqueue_front(t, left, n);
}

void terminals_connect(struct instance *server)
{
	for (unsigned n = 0; n < TERMINALS; n++) {
		struct terminal *t = &terminals[n];

		if (!t->used || t->link)
			continue;
		t->link = link_new("console", NULL, server, t->port);
		if (!t->link)
			continue;
		t->link->owner = t;
		t->link->changed = changed;
		link_try(t->link);
	}
}

size_t terminal_room(const struct terminal *t)
{
	return TERMINAL_QUEUE - t->queue->length;
}

void terminal_write(struct terminal *t, const char *from, size_t bytes)
{
	uint32_t end, first;

	if (!t->queue->length)
		t->queue->at = 0; /* pages that were never needed stay without frames */
	end = (t->queue->at + t->queue->length) % TERMINAL_QUEUE;
	first = TERMINAL_QUEUE - end;
	if (bytes > terminal_room(t))
		bytes = terminal_room(t);
	if (first > bytes)
		first = bytes;
	memcpy(t->queue->text + end, from, first);
	memcpy(t->queue->text, from + first, bytes - first);
	t->queue->length += bytes;
}

void terminal_puts(struct terminal *t, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			terminal_write(t, "\r", 1);
		terminal_write(t, text, 1);
	}
}

size_t terminal_read(struct terminal *t, char *to, size_t max)
{
	int n;

	if (!t->link || !t->link->up)
		return 0;
	n = console_client_read(t->link->console, to, max);
	if (n < 0) {
		link_down(t->link);
		return 0;
	}
	if (n)
		link_signal(t->link); /* the driver may wait for room */
	return n;
}

/* A port that is not there must not hold a guest up: its oldest output goes. A driver that restarts is
 * back long before the queue is half full. */
static void forget_old(struct terminal *t)
{
	uint32_t drop;

	if (t->queue->length <= TERMINAL_QUEUE / 2)
		return;
	drop = t->queue->length - TERMINAL_QUEUE / 2;
	t->queue->at = (t->queue->at + drop) % TERMINAL_QUEUE;
	t->queue->length -= drop;
}

void terminal_pump(struct terminal *t)
{
	bool moved = false;

	if (!t->link || !t->link->up)
		forget_old(t);

	while (t->queue->length && t->link && t->link->up) {
		uint32_t piece = TERMINAL_QUEUE - t->queue->at;
		int n = console_client_write(t->link->console, t->queue->text + t->queue->at,
					     piece < t->queue->length ? piece : t->queue->length);

		if (n < 0)
			link_down(t->link);
		if (n <= 0)
			break;
		t->queue->at = (t->queue->at + n) % TERMINAL_QUEUE;
		t->queue->length -= n;
		moved = true;
	}
	if (moved)
		link_signal(t->link);
}

bool terminal_drained(const struct terminal *t)
{
	const struct xencons_interface *r;

	if (!t->used)
		return true;
	if (!t->link || !t->link->up)
		return !t->queue->length; /* a driver that is starting, or between two lives, takes it soon */
	r = &t->link->console->ring;
	return !t->queue->length && __atomic_load_n(&r->out_cons, __ATOMIC_ACQUIRE) == r->out_prod;
}

void terminals_recover(void)
{
	for (unsigned n = 0; n < TERMINALS; n++) {
		struct kept_queue *q = &kept()->terminal[n];

		if (q->at >= TERMINAL_QUEUE || q->length > TERMINAL_QUEUE)
			q->at = q->length = 0;
	}
}
