/* sources: hv/vmm/gateway_fault.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Faults of a guest with a gateway: which are its own, and what they become while another event is delivered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "hv/vmm/guest.h"

struct guest guest;
static struct vcpu_run run;
static struct vcpu v = {.run = &run};
static int injected; /* vector, -1 none */
static uint32_t with;
static unsigned ends, peeks;

void vcpu_inject(struct vcpu *to, uint8_t vector, bool has_error, uint32_t error, uint64_t address)
{
	assert_true(has_error);
	injected = vector;
	with = error;
}

void vcpu_triple_fault(struct vcpu *of)
{
	ends++;
}

bool mmio_peek(struct vcpu *of, uint32_t linear, void *to, unsigned bytes)
{
	peeks++;
	return false;
}

void log_line(const char *format, ...)
{
}

static void fault(unsigned vector, uint32_t error, uint64_t during)
{
	injected = -1;
	ends = peeks = 0;
	run.raw.code = vector;
	run.raw.info1 = error;
	run.raw.info2 = during;
	gateway_fault(&v);
}

#define DURING(vector, type) (EVENT_VALID | (type) << 8 | (vector))

static void the_guests_own(void **state)
{
	static const struct {
		unsigned vector;
		uint32_t during;
		int becomes; /* -1: the end */
	} rows[] = {
		{13, 0, 13},
		{11, 0, 11},
		{13, DURING(14, EVENT_EXCEPTION), 8},
		{13, DURING(11, EVENT_EXCEPTION), 8},
		{12, DURING(0, EVENT_EXCEPTION), 8},
		{13, DURING(6, EVENT_EXCEPTION), 13}, /* benign */
		{13, DURING(8, EVENT_EXCEPTION), -1},
		{13, DURING(0x30, EVENT_INTR), 13},
		{13, DURING(0x30, EVENT_EXCEPTION), 13}, /* quirk 2 */
		{13, DURING(13, EVENT_SOFT), 13},
		{13, DURING(14, EVENT_EXCEPTION) & ~EVENT_VALID, 13},
	};

	memset(run.epoch, 0, sizeof(run.epoch));
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fault(rows[i].vector, 0x18, rows[i].during);
		assert_int_equal(injected, rows[i].becomes);
		assert_int_equal(ends, rows[i].becomes < 0);
		assert_int_equal(with, rows[i].becomes == 8 ? 0 : 0x18);
		assert_int_equal(peeks, 0);
	}
}

/* In ring 0, at a page of the gateway, and nothing else on its way. */
static void the_gateways(void **state)
{
	memset(run.epoch, 1, sizeof(run.epoch));
	guest.gateway.exits[1].iret = 0x123;
	run.rip = 0x1123;
	run.cpl = 0;
	fault(13, 0x18, 0);
	assert_int_equal(peeks, 1);
	assert_int_equal(injected, 13);
	run.cpl = 3;
	fault(13, 0x18, 0);
	assert_int_equal(peeks, 0);
	run.cpl = 0;
	fault(13, 0x18, DURING(14, EVENT_EXCEPTION));
	assert_int_equal(peeks, 0);
	assert_int_equal(injected, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_guests_own),
		cmocka_unit_test(the_gateways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
