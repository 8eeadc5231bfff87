// SPDX-License-Identifier: GPL-2.0-only
/*
 * Console: COM1's bytes, and those of the virtio console, between the guest and the connection of class `console`. What is
 * typed goes to the one that wrote last.
 *
 * A signal to the other side costs a switch of threads, so bytes are collected: a line's end or a
 * good many bytes are told at once, the rest a millisecond later by the main thread.
 */
#include "clock.h"
#include "module.h"
#include "ring.h"
#include "console.h"
#include "guest.h"
#include "virtio_devices.h"

#define MANY 256
#define DELAY NS_PER_MS

/* All guarded by the guest's lock. */
static struct connection *link;
static unsigned untold; /* bytes in the ring that the peer was not told of */
static bool timer_wanted;
static bool starved; /* the ring was full: the UART holds bytes */
static bool virtio_wrote; /* last */

static struct timer delay;

static void tell(void)
{
	if (link && untold)
		connection_signal(link);
	untold = 0;
}

static unsigned put(const uint8_t *bytes, unsigned n)
{
	int moved;

	if (!link || link->broken)
		return n; /* nobody listens */
	moved = console_client_write(link->link, bytes, n);
	if (moved < 0) {
		link->broken = true;
		return n;
	}
	untold += moved;
	if ((unsigned)moved < n) {
		starved = true;
		untold = untold ? untold : 1;
		tell();
	} else if (untold >= MANY || bytes[n - 1] == '\n') {
		tell();
	} else if (!timer_wanted) {
		timer_wanted = true;
		module_signal(EVENT_CONSOLE);
	}
	return moved;
}

unsigned console_send(void *ctx, const uint8_t *bytes, unsigned n)
{
	virtio_wrote = false;
	return put(bytes, n);
}

unsigned console_write(const uint8_t *bytes, unsigned n)
{
	virtio_wrote = true;
	return put(bytes, n);
}

static void expired(struct timer *t)
{
	guest_lock();
	timer_wanted = false;
	tell();
	guest_unlock();
}

void console_event(void)
{
	timer_set(&delay, clock_ns() + DELAY, expired);
}

/* The peer took bytes out or put bytes in; or the guest read from a full UART. Lock held. */
static void pump(void)
{
	unsigned room;
	uint8_t byte;

	if (!link || link->broken)
		return;
	if (starved) {
		starved = false;
		uart_flush(&guest.uart);
		virtio_console_room();
	}
	while (virtio_wrote && virtio_console_wants()) {
		int n = console_client_read(link->link, &byte, 1);

		if (n <= 0)
			return;
		virtio_console_input(&byte, 1);
	}
	for (room = virtio_wrote ? 0 : uart_room(&guest.uart); room; room--) {
		int n = console_client_read(link->link, &byte, 1);

		if (n <= 0)
			break;
		uart_receive(&guest.uart, byte);
	}
}

void console_pump(void)
{
	pump();
}

void console_readable(void)
{
	guest_lock();
	pump();
	guest_unlock();
}

void console_connected(struct connection *c)
{
	guest_lock();
	link = c;
	untold = 0;
	pump();
	guest_unlock();
}

void console_disconnected(struct connection *c)
{
	guest_lock();
	if (link == c)
		link = NULL;
	starved = false;
	uart_flush(&guest.uart);
	virtio_console_room();
	guest_unlock();
}
