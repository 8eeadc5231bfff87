// SPDX-License-Identifier: GPL-2.0-only
// The first serial port, polled: 115200 8n1 (16550 data sheet).
#include "x86/serial.h"
#include "x86/io.h"
#include <postern/errno.h>

#define COM1 0x3f8
#define UART_DATA 0
#define UART_IER 1
#define UART_LCR 3
#define UART_LCR_8N1 0x03
#define UART_LCR_DLAB 0x80
#define UART_MCR 4
#define UART_LSR 5
#define UART_LSR_THRE 0x20
#define UART_SCRATCH 7
#define UART_POLLS 100000 /* a character at 115200 takes 87 us; a read of LSR about 1 us */

static bool present, released;

/* The FIFOs stay as they are: a change empties them, and somebody may have typed already. */
static void setup(void)
{
	outb(COM1 + UART_IER, 0);
	outb(COM1 + UART_LCR, UART_LCR_DLAB);
	outb(COM1 + UART_DATA, 1);
	outb(COM1 + UART_IER, 0);
	outb(COM1 + UART_LCR, UART_LCR_8N1);
	outb(COM1 + UART_MCR, 0x0b);
}

void serial_init(void)
{
	outb(COM1 + UART_SCRATCH, 0x5a);
	present = inb(COM1 + UART_SCRATCH) == 0x5a;
	if (present)
		setup();
}

bool serial_there(void)
{
	return present;
}

static void put(char c)
{
	unsigned polls = 0;

	while (!(inb(COM1 + UART_LSR) & UART_LSR_THRE))
		if (++polls == UART_POLLS) {
			present = false; /* a stuck port must not stop the machine */
			return;
		}
	outb(COM1 + UART_DATA, c);
}

void serial_write(const char *text, size_t length)
{
	for (; length && present && !released; length--, text++) {
		if (*text == '\n')
			put('\r');
		put(*text);
	}
}

int serial_release(uint16_t base)
{
	if (base != COM1 || !present)
		return -ENODEV;
	released = true;
	return 0;
}

int serial_take(uint16_t base)
{
	if (base != COM1 || !present)
		return -ENODEV;
	setup();
	released = false;
	return 0;
}

void serial_panic(void)
{
	serial_take(COM1);
}
