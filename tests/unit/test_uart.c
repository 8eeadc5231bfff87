// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/uart.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "vmm/uart.h"

static char out[256];
static unsigned out_bytes, room;
static bool irq_level;

static unsigned sink(void *ctx, const uint8_t *bytes, unsigned n)
{
	if (n > room)
		n = room;
	room -= n;
	for (unsigned i = 0; i < n; i++)
		out[out_bytes++ % sizeof(out)] = bytes[i];
	return n;
}

static void irq(void *ctx, unsigned number, bool level)
{
	irq_level = level;
}

static struct uart fresh(void)
{
	struct uart u = {.send = sink, .irq = {irq, NULL, 4}};

	out_bytes = 0;
	room = sizeof(out);
	irq_level = false;
	uart_reset(&u);
	return u;
}

static void test_polled_output(void **state)
{
	struct uart u = fresh();

	for (const char *s = "hello"; *s; s++) {
		assert_int_equal(uart_read(&u, 5) & 0x60, 0x60);
		uart_write(&u, 0, *s);
	}
	assert_int_equal(out_bytes, 5);
	assert_memory_equal(out, "hello", 5);
	assert_false(irq_level);
}

static void test_detection(void **state)
{
	struct uart u = fresh();

	/* What Linux's 8250 driver tries. */
	uart_write(&u, 1, 0);
	assert_int_equal(uart_read(&u, 1) & 0x0f, 0);
	uart_write(&u, 1, 0x0f);
	assert_int_equal(uart_read(&u, 1) & 0x0f, 0x0f);
	uart_write(&u, 1, 0);
	uart_write(&u, 4, 0x10 | 0x0a); /* loop: RTS, OUT2 come back as CTS, DCD */
	assert_int_equal(uart_read(&u, 6) & 0xf0, 0x90);
	uart_write(&u, 4, 0);
	uart_write(&u, 2, 1);
	assert_int_equal(uart_read(&u, 2) >> 6, 3); /* 16550A */
	uart_write(&u, 7, 0x5a);
	assert_int_equal(uart_read(&u, 7), 0x5a);
}

static void test_divisor(void **state)
{
	struct uart u = fresh();

	uart_write(&u, 3, 0x83);
	uart_write(&u, 0, 1);
	uart_write(&u, 1, 2);
	assert_int_equal(uart_read(&u, 0), 1);
	assert_int_equal(uart_read(&u, 1), 2);
	uart_write(&u, 3, 3);
	assert_int_equal(uart_read(&u, 1), 0);
	assert_int_equal(out_bytes, 0);
}

static void test_transmit_interrupt(void **state)
{
	struct uart u = fresh();

	uart_write(&u, 4, 8);
	uart_write(&u, 1, 2);
	assert_true(irq_level);
	assert_int_equal(uart_read(&u, 2), 2);
	assert_false(irq_level);
	uart_write(&u, 0, 'x');
	assert_true(irq_level);
}

/* The cause was asked for twice: the second answer is none, the transmitter's interrupt comes once more. */
static void test_told_once_more(void **state)
{
	struct uart u = fresh();

	uart_write(&u, 4, 8);
	uart_write(&u, 1, 2);
	assert_int_equal(uart_read(&u, 2), 2);
	assert_false(uart_doubts(&u, 100));
	assert_int_equal(uart_read(&u, 2), 1);
	assert_true(uart_doubts(&u, 100));
	assert_false(uart_doubts(&u, 101));
	assert_in_range(uart_deadline(&u), 101, 100 + 10000000);
	uart_tick(&u, uart_deadline(&u) - 1);
	assert_false(irq_level);
	uart_tick(&u, uart_deadline(&u));
	assert_true(irq_level);
	assert_true(uart_deadline(&u) == UART_NEVER);
	/* Not again and again, for one that has nothing to say. */
	assert_int_equal(uart_read(&u, 2), 2);
	assert_int_equal(uart_read(&u, 2), 1);
	assert_false(uart_doubts(&u, 200));
	/* But after it wrote. */
	uart_write(&u, 0, 'x');
	assert_int_equal(uart_read(&u, 2), 2);
	assert_int_equal(uart_read(&u, 2), 1);
	assert_true(uart_doubts(&u, 300));
	/* It has gone on by itself. */
	uart_write(&u, 0, 'y');
	assert_int_equal(uart_read(&u, 2), 2);
	uart_write(&u, 1, 0);
	uart_tick(&u, uart_deadline(&u));
	assert_false(irq_level);
	/* Nobody waits for the transmitter. */
	assert_int_equal(uart_read(&u, 2), 1);
	assert_false(uart_doubts(&u, 400));
}

static void test_receive(void **state)
{
	struct uart u = fresh();

	uart_write(&u, 2, 0x81); /* FIFO, trigger 8 */
	uart_write(&u, 4, 8);
	uart_write(&u, 1, 1);
	uart_receive(&u, 'a');
	assert_true(irq_level);
	assert_int_equal(uart_read(&u, 2) & 0x0f, 0x0c); /* below the trigger: time-out */
	for (unsigned i = 0; i < 7; i++)
		uart_receive(&u, 'b' + i);
	assert_int_equal(uart_read(&u, 2) & 0x0f, 0x04);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(uart_read(&u, 0), 'a' + i);
	assert_false(irq_level);
	assert_int_equal(uart_read(&u, 5) & 1, 0);
}

static void test_overrun(void **state)
{
	struct uart u = fresh();

	assert_int_equal(uart_room(&u), 1);
	uart_receive(&u, 1);
	assert_int_equal(uart_room(&u), 0);
	uart_receive(&u, 2);
	assert_int_equal(uart_read(&u, 5) & 3, 3);
	assert_int_equal(uart_read(&u, 5) & 3, 1);
	assert_int_equal(uart_read(&u, 0), 1);
}

static void test_full_sink(void **state)
{
	struct uart u = fresh();

	room = 1;
	uart_write(&u, 2, 1);
	uart_write(&u, 0, 'a');
	uart_write(&u, 0, 'b');
	uart_write(&u, 0, 'c');
	assert_int_equal(uart_read(&u, 5) & 0x60, 0);
	assert_int_equal(out_bytes, 1);
	room = 10;
	uart_flush(&u);
	assert_int_equal(out_bytes, 3);
	assert_memory_equal(out, "abc", 3);
	assert_int_equal(uart_read(&u, 5) & 0x60, 0x60);
}

static void test_loop_back(void **state)
{
	struct uart u = fresh();

	uart_write(&u, 4, 0x18);
	uart_write(&u, 0, 'q');
	assert_int_equal(out_bytes, 0);
	assert_int_equal(uart_read(&u, 0), 'q');
}

static void test_garbage(void **state)
{
	struct uart u = fresh();

	for (unsigned i = 0; i < 30000; i++) {
		unsigned r = i * 2654435761u >> 5;

		room = r >> 20 & 3;
		uart_write(&u, r & 7, r >> 3);
		uart_read(&u, r >> 11 & 7);
		uart_receive(&u, r >> 9);
		uart_flush(&u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_polled_output), cmocka_unit_test(test_detection),
		cmocka_unit_test(test_divisor),	      cmocka_unit_test(test_transmit_interrupt),
		cmocka_unit_test(test_receive),	      cmocka_unit_test(test_overrun),
		cmocka_unit_test(test_full_sink),     cmocka_unit_test(test_loop_back),
		cmocka_unit_test(test_garbage),	      cmocka_unit_test(test_told_once_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
