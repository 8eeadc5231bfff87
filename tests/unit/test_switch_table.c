// SPDX-License-Identifier: GPL-2.0-only
/* sources: drivers/switch/table.c drivers/switch/spec.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <postern/errno.h>
#include "drivers/switch/spec.h"
#include "drivers/switch/table.h"

static struct table t;

static int setup(void **state)
{
	table_init(&t);
	return 0;
}

static const uint8_t *mac(unsigned n)
{
	static uint8_t m[6];

	m[0] = 2;
	memcpy(m + 2, &n, 4);
	return m;
}

static void test_learn(void **state)
{
	assert_int_equal(table_find(&t, 0, 0, mac(1), 0), TABLE_NONE);
	assert_true(table_learn(&t, 0, 0, mac(1), 3, 10, 100));
	assert_int_equal(table_find(&t, 0, 0, mac(1), 100), 3);
	assert_int_equal(table_find(&t, 1, 0, mac(1), 100), TABLE_NONE); /* another network */
	assert_int_equal(table_find(&t, 0, 5, mac(1), 100), TABLE_NONE); /* another VLAN */
	assert_true(table_learn(&t, 0, 0, mac(1), 4, 10, 200)); /* it moved */
	assert_int_equal(table_find(&t, 0, 0, mac(1), 200), 4);
	assert_int_equal(t.learned, 1);
	assert_int_equal(t.per_port[3], 0);
}

static void test_age(void **state)
{
	table_learn(&t, 0, 0, mac(1), 3, 10, 0);
	table_fix(&t, 0, 0, mac(2), 4);
	assert_int_equal(table_find(&t, 0, 0, mac(1), TABLE_AGE_NS + 1), TABLE_NONE);
	table_age(&t, TABLE_AGE_NS + 1);
	assert_int_equal(t.learned, 0);
	assert_int_equal(table_find(&t, 0, 0, mac(2), TABLE_AGE_NS * 9), 4);
	table_forget_port(&t, 4);
	assert_int_equal(table_find(&t, 0, 0, mac(2), 0), TABLE_NONE);
}

/* Nobody's frames move a guest's own address, and a learned one gives way to it. */
static void test_fixed(void **state)
{
	table_learn(&t, 0, 0, mac(1), 7, 10, 0);
	assert_true(table_fix(&t, 0, 0, mac(1), 2));
	assert_int_equal(t.learned, 0);
	assert_false(table_learn(&t, 0, 0, mac(1), 7, 10, 1));
	assert_true(table_learn(&t, 0, 0, mac(1), 2, 10, 1));
	assert_int_equal(table_find(&t, 0, 0, mac(1), 1), 2);
	assert_false(table_fix(&t, 0, 0, mac(1), 3));
	assert_true(table_fix(&t, 0, 0, mac(1), 2));
}

/* A port that invents addresses fills its own share only. */
static void test_bounds(void **state)
{
	for (unsigned n = 0; n < 5000; n++)
		assert_true(table_learn(&t, 0, 0, mac(n), 1, TABLE_PER_GUEST, n));
	assert_int_equal(t.per_port[1], TABLE_PER_GUEST);
	assert_int_equal(t.learned, TABLE_PER_GUEST);
	assert_int_equal(t.full, 5000 - TABLE_PER_GUEST);
	for (unsigned n = 0; n < 5000; n++)
		assert_true(table_learn(&t, 0, 0, mac(10000 + n), 2, TABLE_LEARNED_MAX, n));
	assert_true(t.learned <= TABLE_LEARNED_MAX);
	for (unsigned n = 0; n < 32; n++)
		assert_true(table_fix(&t, 0, 0, mac(100000 + n), 3));
	table_forget_port(&t, 1);
	table_forget_port(&t, 2);
	assert_int_equal(t.learned, 0);
}

static void test_spec(void **state)
{
	static const struct {
		const char *text;
		int ret;
		const char *network, *what;
		uint16_t vlan;
		bool has_mac, promiscuous, trunk;
	} rows[] = {
		{"guest debian uplink", 0, "uplink", "", 0, false, false, false},
		{"guest debian lan model=pcnet mac=52:54:00:ab:CD:ef vlan=7", 0, "lan", "", 7, true, false, false},
		{"guest debian lan promiscuous", 0, "lan", "", 0, false, true, false},
		{"module netprobe uplink", 0, "uplink", "", 0, false, false, false},
		{"guest debian lan vlan=trunk", 0, "lan", "", 0, false, false, true},
		{"guest debian lan vlan=trunks", -EINVAL, "lan", "vlan=trunks", 0, false, false, false},
		{"guest debian lan vlan=4094", 0, "lan", "", 4094, false, false, false},
		{"guest debian lan vlan=4095", -EINVAL, "lan", "vlan=4095", 0, false, false, false},
		{"guest debian lan vlan=0", -EINVAL, "lan", "vlan=0", 0, false, false, false},
		{"guest debian lan vlan=99999999999999", -EINVAL, "lan", "vlan=99999999999999", 0, false, false, false},
		{"guest debian lan mac=53:54:00:ab:cd:ef", -EINVAL, "lan", "mac=53:54:00:ab:cd:ef", 0, true, false, false},
		{"guest debian lan mac=52:54:00:ab:cd", -EINVAL, "lan", "mac=52:54:00:ab:cd", 0, true, false, false},
		{"guest debian lan mac=00:00:00:00:00:00", -EINVAL, "lan", "mac=00:00:00:00:00:00", 0, true, false, false},
		{"guest debian", -EINVAL, "", "", 0, false, false, false},
		{"guest debian mac=52:54:00:ab:cd:ef", -EINVAL, "", "", 0, false, false, false},
		{"guest debian averyverylongnetwork", -EINVAL, "", "", 0, false, false, false},
		{"manager", -EINVAL, "", "", 0, false, false, false},
		{"", -EINVAL, "", "", 0, false, false, false},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct spec s;
		char what[32];

		assert_int_equal(spec_parse(rows[i].text, &s, what), rows[i].ret);
		assert_string_equal(s.network, rows[i].network);
		assert_string_equal(what, rows[i].what);
		assert_int_equal(s.vlan, rows[i].vlan);
		assert_int_equal(s.has_mac, rows[i].has_mac);
		assert_int_equal(s.promiscuous, rows[i].promiscuous);
		assert_int_equal(s.trunk, rows[i].trunk);
	}
}

static void test_derived_addresses(void **state)
{
	uint8_t a[6], b[6];

	spec_derive("debian", 0, 0, a);
	spec_derive("debian", 0, 0, b);
	assert_memory_equal(a, b, 6);
	assert_int_equal(a[0] & 3, 2); /* local, not a group's */
	spec_derive("debian", 1, 0, b);
	assert_memory_not_equal(a, b, 6);
	spec_derive("debiao", 0, 0, b);
	assert_memory_not_equal(a, b, 6);
	spec_derive("debian", 0, 1, b);
	assert_memory_not_equal(a, b, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_learn, setup),  cmocka_unit_test_setup(test_age, setup),
		cmocka_unit_test_setup(test_fixed, setup),  cmocka_unit_test_setup(test_bounds, setup),
		cmocka_unit_test(test_spec),		    cmocka_unit_test(test_derived_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
