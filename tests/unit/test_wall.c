// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/manager/wall.c hv/vmm/rtc.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "clock.h"
#include "init.h"
#include "log.h"
#include "manager/wall.h"
#include "vmm/rtc.h"

uint64_t clock_ns(void)
{
	return 0;
}

const struct start_info *start_page(void)
{
	return NULL;
}

void log_line(const char *format, ...)
{
}

/* What our own clock model shows must decode to the time it was set to. */
static void test_round_trip(void **state)
{
	static const uint8_t formats[] = {0x02, 0x06, 0x00, 0x04};

	for (int64_t t = 0; t < 4102444800 + 86400; t += 86400 * 3 + 7919) {
		struct rtc r = {0};
		uint8_t reg[128];

		rtc_init(&r, t, 0, 0);
		for (unsigned f = 0; f < 4; f++) {
			rtc_write(&r, 0x70, 0xb, 0);
			rtc_write(&r, 0x71, formats[f], 0);
			for (unsigned i = 0; i < 128; i++) {
				rtc_write(&r, 0x70, i, 0);
				reg[i] = rtc_read(&r, 0x71, 0);
			}
			if (t < 4102444800) /* century 21 is not believed */
				assert_int_equal(wall_decode(reg), t);
		}
	}
}

static void test_no_date(void **state)
{
	uint8_t reg[128];

	memset(reg, 0xff, sizeof(reg));
	assert_int_equal(wall_decode(reg), -1);
	memset(reg, 0, sizeof(reg));
	assert_int_equal(wall_decode(reg), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_no_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
