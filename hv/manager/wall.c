// SPDX-License-Identifier: GPL-2.0-only
/* Wall: reads the machine's MC146818 (data sheet: "Time, calendar and alarm locations"). */
#include "clock.h"
#include "init.h"
#include "log.h"
#include "module.h"
#include "syscalls.h"
#include "wall.h"

#define PORT 0x70
#define REG_A 0xa
#define A_UPDATING 0x80
#define REG_B 0xb
#define B_BINARY 4
#define B_24H 2
#define CENTURY 0x32
#define UPDATE_LONGEST (3 * NS_PER_MS) /* an update takes up to 2.2 ms */

static uint8_t get(uint8_t reg)
{
	port_out8(PORT, reg);
	return port_in8(PORT + 1);
}

static unsigned number(const uint8_t *reg, unsigned n)
{
	return reg[REG_B] & B_BINARY ? n : (n >> 4) * 10 + (n & 15);
}

static int64_t days(int64_t year, unsigned month, unsigned day)
{
	static const uint16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
	int64_t y = year - (month < 3);

	return (year - 1970) * 365 + before[month - 1] + day - 1 + (y / 4 - y / 100 + y / 400) -
	       (1969 / 4 - 1969 / 100 + 1969 / 400);
}

int64_t wall_decode(const uint8_t reg[128])
{
	unsigned second = number(reg, reg[0]), minute = number(reg, reg[2]);
	unsigned hour = number(reg, reg[4] & 0x7f), day = number(reg, reg[7]),
		 month = number(reg, reg[8]);
	unsigned century = (reg[CENTURY] >> 4) * 10 + (reg[CENTURY] & 15);
	unsigned year = number(reg, reg[9]);

	if (!(reg[REG_B] & B_24H))
		hour = hour % 12 + (reg[4] & 0x80 ? 12 : 0);
	/* Not every machine keeps the century there. */
	year += century == 19 || century == 20 ? century * 100u : 2000u;
	if (second > 59 || minute > 59 || hour > 23 || !day || day > 31 || !month || month > 12 ||
	    year < 1970)
		return -1;
	return days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
}

int64_t wall_at_boot(void)
{
	static const uint8_t wanted[] = {0, 2, 4, 7, 8, 9, REG_B, CENTURY};
	uint64_t end = clock_ns() + UPDATE_LONGEST;
	uint8_t reg[128] = {0};
	int64_t now;

	if (sys_port_grant(start_page()->system, HANDLE_SELF, PORT, 2) < 0)
		return 0;
	while (get(REG_A) & A_UPDATING)
		if (clock_ns() > end)
			return 0;
	for (unsigned i = 0; i < sizeof(wanted); i++)
		reg[wanted[i]] = get(wanted[i]);
	now = wall_decode(reg);
	if (now < 0) {
		log_line("the clock chip tells no date; guests begin in 1970");
		return 0;
	}
	return now - (int64_t)(clock_ns() / NS_PER_S);
}
