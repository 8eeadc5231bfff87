// SPDX-License-Identifier: GPL-2.0-only
/* Terminal: queues in front of the console driver's ports. */
#include <string.h>
#include "ring.h"
#include "terminal.h"

struct terminal terminals[TERMINALS];

struct terminal *terminal_open(unsigned port)
{
	struct terminal *t = &terminals[port];

	t->used = true;
	t->port = port;
	return t;
}

static void enqueue_front(struct terminal *t, const char *from, size_t bytes)
{
	while (bytes-- && t->length < TERMINAL_QUEUE) {
		t->at = (t->at + TERMINAL_QUEUE - 1) % TERMINAL_QUEUE;
		t->queue[t->at] = from[bytes];
		t->length++;
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
	return TERMINAL_QUEUE - t->length;
}

void terminal_write(struct terminal *t, const char *from, size_t bytes)
{
	uint32_t end, first;

	if (!t->length)
		t->at = 0; /* pages that were never needed stay without frames */
	end = (t->at + t->length) % TERMINAL_QUEUE;
	first = TERMINAL_QUEUE - end;
	if (bytes > terminal_room(t))
		bytes = terminal_room(t);
	if (first > bytes)
		first = bytes;
	memcpy(t->queue + end, from, first);
	memcpy(t->queue, from + first, bytes - first);
	t->length += bytes;
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

	if (t->length <= TERMINAL_QUEUE / 2)
		return;
	drop = t->length - TERMINAL_QUEUE / 2;
	t->at = (t->at + drop) % TERMINAL_QUEUE;
	t->length -= drop;
}

void terminal_pump(struct terminal *t)
{
	bool moved = false;

	if (!t->link || !t->link->up)
		forget_old(t);

	while (t->length && t->link && t->link->up) {
		uint32_t piece = TERMINAL_QUEUE - t->at;
		int n = console_client_write(t->link->console, t->queue + t->at,
					     piece < t->length ? piece : t->length);

		if (n < 0)
			link_down(t->link);
		if (n <= 0)
			break;
		t->at = (t->at + n) % TERMINAL_QUEUE;
		t->length -= n;
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
		return !t->length; /* a driver that is starting, or between two lives, takes it soon */
	r = &t->link->console->ring;
	return !t->length && __atomic_load_n(&r->out_cons, __ATOMIC_ACQUIRE) == r->out_prod;
}
