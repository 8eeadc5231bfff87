// SPDX-License-Identifier: GPL-2.0-only
/* UART: 16550A. */
#include <string.h>
#include "uart.h"

enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR };

#define IER_RX 0x01
#define IER_THRE 0x02
#define IER_LINE 0x04
#define IIR_NONE 0x01
#define IIR_THRE 0x02
#define IIR_RX 0x04
#define IIR_LINE 0x06
#define IIR_TIMEOUT 0x0c
#define IIR_FIFO 0xc0
#define FCR_ENABLE 0x01
#define FCR_CLEAR_RX 0x02
#define FCR_CLEAR_TX 0x04
#define LCR_DLAB 0x80
#define MCR_OUT2 0x08
#define MCR_LOOP 0x10
#define LSR_READY 0x01
#define LSR_OVERRUN 0x02
#define LSR_THRE 0x20
#define LSR_EMPTY 0x40
#define MSR_UP 0xb0 /* CTS, DSR, DCD */
#define REMIND_NS 5000000

static unsigned capacity(const struct uart *u)
{
	return u->fcr & FCR_ENABLE ? UART_FIFO : 1;
}

/* Receive trigger: an interrupt at that many bytes; below it the time-out, which here comes at
 * once. */
static unsigned trigger(const struct uart *u)
{
	static const uint8_t levels[4] = {1, 4, 8, 14};

	return u->fcr & FCR_ENABLE ? levels[u->fcr >> 6] : 1;
}

static uint8_t cause(const struct uart *u)
{
	if (u->ier & IER_LINE && u->overrun)
		return IIR_LINE;
	if (u->ier & IER_RX && u->rx_count)
		return u->rx_count >= trigger(u) ? IIR_RX : IIR_TIMEOUT;
	if (u->ier & IER_THRE && u->thre_pending)
		return IIR_THRE;
	return IIR_NONE;
}

static void update(struct uart *u)
{
	/* On a PC, OUT2 gates the interrupt line. */
	bool level = cause(u) != IIR_NONE && (u->mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;

	if (level != u->level) {
		u->level = level;
		line_set(&u->irq, level);
	}
}

void uart_reset(struct uart *u)
{
	u->ier = u->lcr = u->mcr = u->fcr = u->scratch = 0;
	u->divisor[0] = 12;
	u->divisor[1] = 0;
	u->rx_head = u->rx_count = u->tx_count = 0;
	u->overrun = u->thre_pending = u->unheard = u->reminded = false;
	u->remind = UART_NEVER;
	update(u);
}

unsigned uart_room(const struct uart *u)
{
	return capacity(u) - u->rx_count;
}

void uart_receive(struct uart *u, uint8_t byte)
{
	if (u->rx_count >= capacity(u)) {
		u->overrun = true;
	} else {
		u->rx[(u->rx_head + u->rx_count) % UART_FIFO] = byte;
		u->rx_count++;
	}
	update(u);
}

static uint8_t pop(struct uart *u)
{
	uint8_t byte;

	if (!u->rx_count)
		return 0;
	byte = u->rx[u->rx_head];
	u->rx_head = (u->rx_head + 1) % UART_FIFO;
	u->rx_count--;
	return byte;
}

void uart_flush(struct uart *u)
{
	unsigned n;

	if (!u->tx_count)
		return;
	n = u->send ? u->send(u->ctx, u->tx, u->tx_count) : u->tx_count;
	if (n > u->tx_count)
		n = u->tx_count;
	u->tx_count -= n;
	memmove(u->tx, u->tx + n, u->tx_count);
	if (!u->tx_count)
		u->thre_pending = true;
	update(u);
}

static void transmit(struct uart *u, uint8_t byte)
{
	if (u->mcr & MCR_LOOP) {
		uart_receive(u, byte);
		u->thre_pending = true;
		update(u);
		return;
	}
	u->thre_pending = u->unheard = u->reminded = false;
	if (u->tx_count < capacity(u))
		u->tx[u->tx_count++] =
			byte; /* else: lost, as on the wire, for a guest that does not look */
	uart_flush(u);
	update(u);
}

static uint8_t modem_status(const struct uart *u)
{
	/* In loop-back the four outputs come back as inputs: DTR, RTS, OUT1, OUT2 as DSR, CTS, RI,
	 * DCD. */
	if (u->mcr & MCR_LOOP)
		return (u->mcr & 1) << 5 | (u->mcr & 2) << 3 | (u->mcr & 4) << 4 |
		       (u->mcr & 8) << 4;
	return MSR_UP;
}

uint8_t uart_read(struct uart *u, unsigned reg)
{
	uint8_t value;

	switch (reg) {
	case RBR:
		if (u->lcr & LCR_DLAB)
			return u->divisor[0];
		value = pop(u);
		update(u);
		return value;
	case IER:
		return u->lcr & LCR_DLAB ? u->divisor[1] : u->ier;
	case IIR:
		value = cause(u);
		if (value == IIR_THRE) {
			u->thre_pending = false;
			update(u);
		}
		u->unheard = value == IIR_NONE && u->ier & IER_THRE && !u->tx_count && !u->reminded;
		return value | (u->fcr & FCR_ENABLE ? IIR_FIFO : 0);
	case LCR:
		return u->lcr;
	case MCR:
		return u->mcr;
	case LSR:
		value = (u->rx_count ? LSR_READY : 0) | (u->overrun ? LSR_OVERRUN : 0) |
			(u->tx_count ? 0 : LSR_THRE | LSR_EMPTY);
		if (u->overrun) {
			u->overrun = false;
			update(u);
		}
		return value;
	case MSR:
		return modem_status(u);
	case SCR:
		return u->scratch;
	}
	return 0xff;
}

static void fifo_control(struct uart *u, uint8_t value)
{
	if (value & FCR_CLEAR_RX || (value ^ u->fcr) & FCR_ENABLE)
		u->rx_head = u->rx_count = 0;
	if (value & FCR_CLEAR_TX || (value ^ u->fcr) & FCR_ENABLE) {
		if (u->tx_count)
			u->thre_pending = true;
		u->tx_count = 0;
	}
	u->fcr = value & FCR_ENABLE ? value & 0xc9 : 0;
}

void uart_write(struct uart *u, unsigned reg, uint8_t value)
{
	switch (reg) {
	case RBR:
		if (u->lcr & LCR_DLAB)
			u->divisor[0] = value;
		else
			transmit(u, value);
		break;
	case IER:
		if (u->lcr & LCR_DLAB) {
			u->divisor[1] = value;
			break;
		}
		/* Enabling THRE with an empty transmitter interrupts at once (data sheet, 8.6). */
		if (value & IER_THRE && !(u->ier & IER_THRE) && !u->tx_count)
			u->thre_pending = true;
		u->ier = value & 0x0f;
		u->unheard = u->reminded = false;
		break;
	case IIR:
		fifo_control(u, value);
		break;
	case LCR:
		u->lcr = value;
		break;
	case MCR:
		u->mcr = value & 0x1f;
		break;
	case SCR:
		u->scratch = value;
		break;
	}
	update(u);
}

bool uart_doubts(struct uart *u, uint64_t now)
{
	if (!u->unheard || u->remind != UART_NEVER)
		return false;
	u->remind = now + REMIND_NS;
	return true;
}

void uart_tick(struct uart *u, uint64_t now)
{
	if (now < u->remind)
		return;
	u->remind = UART_NEVER;
	if (!u->unheard)
		return;
	u->unheard = false;
	u->reminded = true;
	u->thre_pending = true;
	update(u);
}
