/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * UART: a 16550A as the guest's COM port.
 *
 * Bytes that the guest sends go out by `send` at once; the transmitter is always empty again,
 * except when `send` says that its sink is full: then the byte waits and THRE stays low until
 * uart_flush(). Bytes for the guest are given by uart_receive().
 *
 * Linux before 3.x asks for the cause of its first transmit interrupt twice when it has two processors and the
 * interrupt is quick: the answer ends the cause, and the handler finds none and waits for ever. On a PC nothing is as
 * quick. A guest that finds no cause while it waits for an empty transmitter is told once more, REMIND_NS later.
 *
 * Source: National Semiconductor PC16550D data sheet.
 */
#ifndef VMM_UART_H
#define VMM_UART_H

#include <stdint.h>
#include "line.h"

#define UART_FIFO 16
#define UART_NEVER (~0ull)

struct uart {
	uint8_t ier, lcr, mcr, scratch, divisor[2], fcr;
	uint8_t rx[UART_FIFO];
	uint8_t rx_head, rx_count;
	uint8_t tx[UART_FIFO];
	uint8_t tx_count;
	bool overrun, thre_pending;
	bool unheard, reminded; /* no cause found, see above; told once more since it last wrote */
	uint64_t remind;	/* when, or UART_NEVER */
	bool level; /* of the line, as last told */
	struct line irq;
	/* Bytes taken of `n`. */
	unsigned (*send)(void *ctx, const uint8_t *bytes, unsigned n);
	void *ctx;
};

void uart_reset(struct uart *u);
uint8_t uart_read(struct uart *u, unsigned reg); /* reg 0..7 */
void uart_write(struct uart *u, unsigned reg, uint8_t value);
/* Free places for uart_receive(). */
unsigned uart_room(const struct uart *u);
void uart_receive(struct uart *u, uint8_t byte);
void uart_flush(struct uart *u); /* the sink has room again */
/* After each read: whether the deadline below is new. */
bool uart_doubts(struct uart *u, uint64_t now);
static inline uint64_t uart_deadline(const struct uart *u)
{
	return u->remind;
}
void uart_tick(struct uart *u, uint64_t now);

#endif
