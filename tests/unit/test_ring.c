/* sources: hv/lib/ring.c hv/lib/argument.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests: message and byte rings, also with a hostile peer; argument lines; the back-off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <postern/errno.h>
#include "lib/argument.h"
#include "lib/ring.h"
#include "manager/backoff.h"

static void messages(void **state)
{
	static struct msg_ring r;
	struct message m = {0};

	r.prod = r.cons = ~0u - 10; /* so that the indices wrap */
	for (unsigned round = 0; round < 100; round++) {
		unsigned put = 0, got = 0;

		for (m.id = 0; msg_put(&r, &m) == 1; m.id++)
			put++;
		assert_int_equal(put, MSG_RING_SLOTS);
		while (msg_get(&r, &m) == 1)
			assert_int_equal(m.id, got++);
		assert_int_equal(got, put);
		m.id = 1;
		assert_int_equal(msg_put(&r, &m), 1);
		assert_int_equal(msg_get(&r, &m), 1);
	}
}

static void hostile_messages(void **state)
{
	static struct msg_ring r;
	struct message m = {0};

	r.prod = MSG_RING_SLOTS + 1;
	assert_int_equal(msg_get(&r, &m), -EIO);
	assert_int_equal(msg_put(&r, &m), -EIO);
	r.prod = 0;
	r.cons = 1;
	assert_int_equal(msg_get(&r, &m), -EIO);
	assert_int_equal(msg_put(&r, &m), -EIO);
}

static void bytes(void **state)
{
	static struct console_link l;
	char out[5000], in[5000];
	size_t sent = 0, got = 0;
	unsigned step = 1;

	l.ring.out_prod = l.ring.out_cons = ~0u - 100;
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = i * 7 + i / 256;
	while (got < sizeof(in)) {
		size_t want = step++ * 37 % 3000, left = sizeof(out) - sent;
		int n = console_client_write(&l, out + sent, want < left ? want : left);

		assert_true(n >= 0);
		sent += n;
		n = console_server_read(&l, in + got,
					step * 53 % 1500 < sizeof(in) - got ? step * 53 % 1500
									    : sizeof(in) - got);
		assert_true(n >= 0);
		got += n;
	}
	assert_memory_equal(in, out, sizeof(out));
	assert_int_equal(bytes_room(2048, &l.ring.out_prod, &l.ring.out_cons), 2048);
	assert_int_equal(console_server_write(&l, out, 2000), 1024);
	assert_int_equal(console_server_write(&l, out, 1), 0);
	assert_int_equal(console_client_read(&l, in, sizeof(in)), 1024);
}

static void hostile_bytes(void **state)
{
	static struct console_link l;
	char b[16];

	l.ring.out_prod = 2049;
	assert_int_equal(console_server_read(&l, b, 16), -EIO);
	assert_int_equal(console_client_write(&l, b, 16), -EIO);
	assert_int_equal(bytes_room(2048, &l.ring.out_prod, &l.ring.out_cons), 0);
	l.ring.out_prod = 5;
	l.ring.out_cons = 6;
	assert_int_equal(console_server_read(&l, b, 16), -EIO);
}

static void arguments(void **state)
{
	static const char text[] = "a=1\nmodule=x y\nmodule=z\nempty=\nab=2";
	char to[8];

	assert_int_equal(argument_find(text, sizeof(text), "a", 0, to, 8), 1);
	assert_string_equal(to, "1");
	assert_int_equal(argument_find(text, sizeof(text), "module", 1, to, 8), 1);
	assert_string_equal(to, "z");
	assert_int_equal(argument_find(text, sizeof(text), "module", 2, to, 8), -ENOENT);
	assert_int_equal(argument_find(text, sizeof(text), "empty", 0, to, 8), 0);
	assert_int_equal(argument_find(text, sizeof(text), "ab", 0, to, 8), 1);
	assert_int_equal(argument_find(text, 2, "a", 0, to, 8), 0);
	assert_int_equal(argument_find(text, 1, "a", 0, to, 8), -ENOENT);
	assert_int_equal(argument_find(text, sizeof(text), "module", 0, to, 2), 3);
	assert_string_equal(to, "x");
}

static void backoff(void **state)
{
	static const uint64_t waits[] = {0, 1, 2, 4, 8, 16, 32, 32, 32};
	struct backoff b = {0};

	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(backoff_next(&b, 1000), waits[i] * 1000000000ull);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(backoff_next(&b, 1000), BACKOFF_CAP_NS);
	assert_int_equal(backoff_next(&b, BACKOFF_STABLE_NS), 0);
	assert_int_equal(backoff_next(&b, 0), BACKOFF_FIRST_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages), cmocka_unit_test(hostile_messages),
		cmocka_unit_test(bytes),    cmocka_unit_test(hostile_bytes),
		cmocka_unit_test(arguments), cmocka_unit_test(backoff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
