// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/engine/vapic.c hv/engine/vtimer.c hv/vmm/lapic.c */
/* The virtual local APIC's timer: one shot, periodic, deadline. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "vapic_around.h"

static void one_shot(void **state)
{
	struct vcpu *v = &vcpus[0];

	reg_write(v, APIC_LVT_TIMER, 0xec);
	reg_write(v, APIC_TIMER_DIVIDE, 3); /* 16 */
	reg_write(v, APIC_TIMER_INITIAL, 1000);
	assert_int_equal(armed, now + 16000);
	now += 8000;
	assert_int_equal(reg_read(v, APIC_TIMER_CURRENT), 500);
	reg_write(v, APIC_TIMER_DIVIDE, 11); /* 1 */
	assert_int_equal(reg_read(v, APIC_TIMER_CURRENT), 500);
	assert_int_equal(armed, now + 500);
	fire();
	assert_int_equal(vapic_pending(v), 0xec);
	assert_int_equal(reg_read(v, APIC_TIMER_CURRENT), 0);
	assert_int_equal(armed, 0);
	reg_write(v, APIC_TIMER_INITIAL, 1000);
	reg_write(v, APIC_TIMER_INITIAL, 0);
	assert_int_equal(armed, 0);
	/* Masked: it counts, and says nothing. */
	accept(v, 0xec);
	reg_write(v, APIC_LVT_TIMER, LVT_MASKED | 0xed);
	reg_write(v, APIC_TIMER_INITIAL, 1000);
	fire();
	assert_int_equal(receivers(0xed), 0);
}

static void periodic(void **state)
{
	struct vcpu *v = &vcpus[0];
	uint64_t start = now;

	reg_write(v, APIC_LVT_TIMER, LVT_TIMER_PERIODIC | 0xec);
	reg_write(v, APIC_TIMER_DIVIDE, 11);
	reg_write(v, APIC_TIMER_INITIAL, 1000000);
	fire();
	assert_int_equal(armed, start + 2000000);
	assert_int_equal(reg_read(v, APIC_TIMER_CURRENT), 1000000);
	armed += 3500000; /* the host was late */
	fire();
	assert_int_equal(armed, start + 6000000);
	/* Too fast is slowed down, not refused. */
	reg_write(v, APIC_TIMER_INITIAL, 1);
	fire();
	assert_int_equal(armed, now + VTIMER_PERIOD_MIN);
}

static void deadline(void **state)
{
	struct vcpu *v = &vcpus[0];
	uint64_t tsc;

	vm.tsc_offset = -rdtsc();
	vapic_timer_deadline(v, 5000); /* not in this mode: ignored */
	assert_int_equal(vapic_deadline(v), 0);
	reg_write(v, APIC_LVT_TIMER, LVT_TIMER_DEADLINE | 0xec);
	tsc = vcpu_tsc(v) + (1ull << 40);
	vapic_timer_deadline(v, tsc);
	assert_int_equal(vapic_deadline(v), tsc);
	assert_int_equal(armed, now + (1ull << 40));
	reg_write(v, APIC_TIMER_INITIAL, 7); /* ignored in this mode */
	assert_int_equal(reg_read(v, APIC_TIMER_CURRENT), 0);
	fire();
	assert_int_equal(vapic_pending(v), 0xec);
	assert_int_equal(vapic_deadline(v), 0);
	accept(v, 0xec);
	reg_write(v, APIC_EOI, 0);
	vapic_timer_deadline(v, 1); /* long past: at once */
	assert_int_equal(vapic_pending(v), 0xec);
	vapic_timer_deadline(v, ~0ull); /* never */
	assert_true(armed >= 1ull << 60);
	vapic_timer_deadline(v, tsc);
	reg_write(v, APIC_LVT_TIMER, 0xec); /* leaving the mode disarms */
	assert_int_equal(vapic_deadline(v), 0);
	assert_int_equal(armed, 0);
}

static void period_begun_elsewhere(void **state)
{
	struct vcpu *v = &vcpus[0];

	alarm_set(v, 1 | ALARM_PERIODIC | ALARM_LVTT, vcpu_tsc(v) + 1000000, 1000000);
	assert_int_not_equal(armed, 0);
	begun = &v->timer[1];
	assert_true(alarm_cancel(v, 1));
	assert_null(begun);
	assert_int_equal(armed, 0);
	assert_int_equal(v->timer[1].expiry, 0);
	assert_false(alarm_cancel(v, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_shot, setup),
		cmocka_unit_test_setup(periodic, setup),
		cmocka_unit_test_setup(deadline, setup),
		cmocka_unit_test_setup(period_begun_elsewhere, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
