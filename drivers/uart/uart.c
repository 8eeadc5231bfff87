// SPDX-License-Identifier: GPL-2.0-only
/*
 * UART: driver for the PC's 16550 serial ports, and server of the console class: connection port n
 * is COM(n+1). Interrupts: COM1 and COM3 share 4, COM2 and COM4 share 3.
 *
 *   absent --probe finds it--> idle --connected--> open --disconnected--> idle
 *
 * idle: the device is quiet, what somebody types waits in it. open: input goes to the client while
 * its ring has room (else the device's FIFO and the sender's flow control hold it), output goes out
 * as the FIFO empties.
 */
#include <postern/manifest.h>
#include "log.h"
#include "module.h"
#include "ring.h"
#include "syscalls.h"
#include "uart.h"

MODULE_MANIFEST("name = uart\n"
		"version = 1.0\n"
		"licence = GPL-2.0-only\n"
		"about = 16550 serial ports COM1 to COM4\n"
		"provides = console\n"
		"ports = 0x3f8+8 0x2f8+8 0x3e8+8 0x2e8+8\n"
		"irqs = 4 3\n"
		"start = boot\n"
		"safe = yes\n");

struct uart {
	uint16_t base;
	unsigned irq; /* index in the manifest */
	bool present;
	struct connection *client; /* NULL: idle */
	bool sending;		   /* the send interrupt is on */
	bool input_waits;	   /* the client's ring is full: receive interrupts are off */
	uint32_t lost;
	char early[UART_FIFO]; /* typed before this life: the reset would lose it */
	unsigned early_bytes;
};

#define PORTS 4
static struct uart uarts[PORTS] = {
	{.base = 0x3f8, .irq = 0},
	{.base = 0x2f8, .irq = 1},
	{.base = 0x3e8, .irq = 0},
	{.base = 0x2e8, .irq = 1},
};

static uint8_t get(const struct uart *u, unsigned reg)
{
	return port_in8(u->base + reg);
}

static void put(const struct uart *u, unsigned reg, uint8_t value)
{
	port_out8(u->base + reg, value);
}

static void set_interrupts(struct uart *u)
{
	uint8_t enable = 0;

	if (u->client && !u->input_waits)
		enable |= IER_RECEIVED;
	if (u->sending)
		enable |= IER_SEND_EMPTY;
	put(u, UART_IER, enable);
}

/* Quiet: no interrupts, whatever state the device was left in. Turning the FIFOs on empties them. */
static void reset(struct uart *u)
{
	u->sending = u->input_waits = false;
	put(u, UART_IER, 0);
	put(u, UART_LCR, LCR_DLAB | LCR_8N1);
	put(u, UART_DATA, UART_DIVISOR_115200);
	put(u, UART_IER, 0); /* the divisor's high half */
	put(u, UART_LCR, LCR_8N1);
	put(u, UART_MCR, MCR_DTR_RTS | MCR_OUT2);
	while (u->early_bytes < UART_FIFO && get(u, UART_LSR) & LSR_RECEIVED)
		u->early[u->early_bytes++] = get(u, UART_DATA);
	put(u, UART_FCR, FCR_ENABLE | FCR_TRIGGER_1);
	get(u, UART_IIR);
	get(u, UART_MSR);
}

/* The scratch register holds what was written, and the status of nothing is all ones. */
static bool is_there(const struct uart *u)
{
	put(u, UART_SCRATCH, 0x5a);
	if (get(u, UART_SCRATCH) != 0x5a)
		return false;
	put(u, UART_SCRATCH, 0xa5);
	return get(u, UART_SCRATCH) == 0xa5 && get(u, UART_LSR) != 0xff;
}

static struct uart *of(const struct connection *c)
{
	return c->port < PORTS && uarts[c->port].client == c ? &uarts[c->port] : NULL;
}

/* Returns true when the client should know: bytes arrived. */
static bool receive(struct uart *u)
{
	struct xencons_interface *ring = &u->client->link->ring;
	bool any = false;
	char c;

	for (unsigned i = 0; i < UART_READ_LIMIT; i++) {
		uint8_t status = get(u, UART_LSR);

		if (status & LSR_OVERRUN)
			u->lost++;
		if (!(status & LSR_RECEIVED))
			break;
		u->input_waits = !bytes_room(sizeof(ring->in), &ring->in_prod, &ring->in_cons);
		if (u->input_waits)
			break;
		c = get(u, UART_DATA);
		console_server_write(u->client->link, &c, 1);
		any = true;
	}
	return any;
}

/* Fills the device's FIFO as often as it is empty; on real hardware that is once. Returns true when
 * the ring has room again. */
static bool send(struct uart *u)
{
	char piece[UART_FIFO];
	bool any = false;
	int n = 0;

	for (unsigned sent = 0; sent < UART_SEND_LIMIT && get(u, UART_LSR) & LSR_SEND_EMPTY; sent += n) {
		n = console_server_read(u->client->link, piece, sizeof(piece));
		if (n <= 0)
			break;
		for (int i = 0; i < n; i++)
			put(u, UART_DATA, piece[i]);
		any = true;
	}
	u->sending = n > 0 || (!any && !(get(u, UART_LSR) & LSR_SEND_EMPTY));
	return any;
}

static void serve(struct uart *u)
{
	bool tell;

	if (!u->client)
		return;
	u->input_waits = false;
	tell = receive(u);
	tell |= send(u);
	set_interrupts(u);
	if (tell)
		connection_signal(u->client);
}

static int uart_probe(void)
{
	unsigned found = 0;

	for (unsigned i = 0; i < PORTS; i++) {
		struct uart *u = &uarts[i];

		u->present = is_there(u);
		if (!u->present)
			continue;
		reset(u);
		found++;
	}
	if (!found)
		return module_fail(-ENODEV, "no 16550 at any of the PC's four addresses");
	module_status("%u ports:%s%s%s%s", found, uarts[0].present ? " COM1" : "",
		      uarts[1].present ? " COM2" : "", uarts[2].present ? " COM3" : "",
		      uarts[3].present ? " COM4" : "");
	return 0;
}

static void uart_remove(void)
{
	for (unsigned i = 0; i < PORTS; i++)
		if (uarts[i].present)
			reset(&uarts[i]);
}

static int uart_connected(struct connection *c)
{
	struct uart *u = c->port < PORTS ? &uarts[c->port] : NULL;

	if (!u || !u->present) {
		log_line("COM%u is not there", c->port + 1);
		return -ENODEV;
	}
	if (u->client)
		return -EBUSY;
	u->client = c;
	console_server_write(c->link, u->early, u->early_bytes); /* the ring is new: they fit */
	u->early_bytes = 0;
	serve(u);
	connection_signal(c);
	return 0;
}

static void uart_disconnected(struct connection *c)
{
	struct uart *u = of(c);

	if (!u)
		return;
	if (u->lost)
		log_line("COM%u lost input %u times", c->port + 1, u->lost);
	u->client = NULL;
	u->sending = u->input_waits = false;
	set_interrupts(u);
}

static void uart_readable(struct connection *c)
{
	struct uart *u = of(c);

	if (u)
		serve(u);
}

/* Edge-triggered: both ports of the line are served until neither has a reason left, or the next
 * edge never comes. */
static void uart_interrupt(unsigned index, uint32_t irq)
{
	bool again = true;

	sys_irq_ack(irq);
	for (unsigned rounds = 0; again && rounds < 4; rounds++) {
		again = false;
		for (unsigned i = 0; i < PORTS; i++) {
			struct uart *u = &uarts[i];

			if (!u->present || u->irq != index)
				continue;
			if (get(u, UART_IIR) & IIR_NONE)
				continue;
			again = true;
			serve(u);
		}
	}
	if (again) /* the line is still high: no further edge will tell us */
		module_signal(1ull << (EVENT_BIT_IRQ + index));
}

const struct module_ops module = {
	.probe = uart_probe,
	.remove = uart_remove,
	.connected = uart_connected,
	.disconnected = uart_disconnected,
	.readable = uart_readable,
	.interrupt = uart_interrupt,
};
