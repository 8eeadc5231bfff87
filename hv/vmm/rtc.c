// SPDX-License-Identifier: GPL-2.0-only
/* RTC: time of day and CMOS memory. */
#include <string.h>
#include "rtc.h"

#define NS 1000000000ll

enum {
	SECONDS,
	SECONDS_ALARM,
	MINUTES,
	MINUTES_ALARM,
	HOURS,
	HOURS_ALARM,
	WEEKDAY,
	DAY,
	MONTH,
	YEAR
};
#define REG_A 0xa
#define A_UIP 0x80
#define A_RATE 0x0f
#define REG_B 0xb
#define B_SET 0x80
#define B_PERIODIC 0x40
#define B_ALARM 0x20
#define B_UPDATE 0x10
#define B_BINARY 0x04
#define B_24H 0x02
#define REG_C 0xc
#define C_IRQ 0x80
#define REG_D 0xd
#define D_VALID 0x80

#define UPDATE_NS \
	244000 /* UIP rises this long before the update: data sheet, "Update in progress" */

struct date {
	int64_t year; /* of the Gregorian calendar */
	unsigned month, day, weekday, hour, minute, second;
};

/* Days to civil date and back, counting years from March so that the leap day comes last. */
static struct date to_date(int64_t seconds)
{
	int64_t days = seconds / 86400, rest = seconds % 86400, era, year;
	unsigned day_of_era, year_of_era, day_of_year, month;
	struct date d;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	d.hour = rest / 3600;
	d.minute = rest / 60 % 60;
	d.second = rest % 60;
	d.weekday = ((days % 7) + 7 + 4) % 7 + 1; /* 1 = Sunday; 1970-01-01 was a Thursday */
	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	day_of_era = days - era * 146097;
	year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month = (5 * day_of_year + 2) / 153;
	d.day = day_of_year - (153 * month + 2) / 5 + 1;
	d.month = month < 10 ? month + 3 : month - 9;
	year = year_of_era + era * 400;
	d.year = year + (d.month <= 2);
	return d;
}

static int64_t from_date(const struct date *d)
{
	int64_t year = d->year - (d->month <= 2), era = (year >= 0 ? year : year - 399) / 400;
	unsigned year_of_era = year - era * 400;
	unsigned day_of_year =
		(153 * (d->month > 2 ? d->month - 3 : d->month + 9) + 2) / 5 + d->day - 1;
	unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return (era * 146097 + day_of_era - 719468) * 86400 + d->hour * 3600 + d->minute * 60 +
	       d->second;
}

static uint8_t encode(const struct rtc *r, unsigned n)
{
	return r->cmos[REG_B] & B_BINARY ? n : (n / 10 % 10) << 4 | n % 10;
}

static unsigned decode(const struct rtc *r, uint8_t v)
{
	return r->cmos[REG_B] & B_BINARY ? v : (v >> 4) * 10 + (v & 15);
}

static uint8_t encode_hour(const struct rtc *r, unsigned hour)
{
	if (r->cmos[REG_B] & B_24H)
		return encode(r, hour);
	return encode(r, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? 0x80 : 0);
}

static unsigned decode_hour(const struct rtc *r, uint8_t v)
{
	if (r->cmos[REG_B] & B_24H)
		return decode(r, v);
	return decode(r, v & 0x7f) % 12 + (v & 0x80 ? 12 : 0);
}

static int64_t wall(const struct rtc *r, uint64_t now)
{
	return r->base + (int64_t)now;
}

static uint8_t time_register(const struct rtc *r, unsigned reg, uint64_t now)
{
	struct date d;

	if (reg == SECONDS_ALARM || reg == MINUTES_ALARM || reg == HOURS_ALARM)
		return r->cmos[reg];
	if (r->cmos[REG_B] & B_SET && reg < 10)
		return r->frozen[reg];
	d = to_date(wall(r, now) / NS);
	switch (reg) {
	case SECONDS:
		return encode(r, d.second);
	case MINUTES:
		return encode(r, d.minute);
	case HOURS:
		return encode_hour(r, d.hour);
	case WEEKDAY:
		return d.weekday;
	case DAY:
		return encode(r, d.day);
	case MONTH:
		return encode(r, d.month);
	case YEAR:
		return encode(r, d.year % 100);
	default: /* the century is BCD in every BIOS */
		return (d.year / 1000 % 10) << 4 | d.year / 100 % 10;
	}
}

static void freeze(struct rtc *r, uint64_t now)
{
	uint8_t b = r->cmos[REG_B];

	r->cmos[REG_B] &= ~B_SET;
	for (unsigned reg = 0; reg < 10; reg++)
		r->frozen[reg] = time_register(r, reg, now);
	r->cmos[REG_B] = b;
}

/* The registers become the time: the guest's, which ours need not be. */
static void set_time(struct rtc *r, uint64_t now)
{
	unsigned century = (r->cmos[RTC_CENTURY] >> 4) * 10 + (r->cmos[RTC_CENTURY] & 15);
	struct date d = {
		.year = century * 100 + decode(r, r->frozen[YEAR]),
		.month = decode(r, r->frozen[MONTH]),
		.day = decode(r, r->frozen[DAY]),
		.hour = decode_hour(r, r->frozen[HOURS]),
		.minute = decode(r, r->frozen[MINUTES]),
		.second = decode(r, r->frozen[SECONDS]),
	};

	/* Years whose nanoseconds fit in 63 bits. */
	if (d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31 || d.year < 1970 ||
	    d.year > 2260)
		return;
	r->base = from_date(&d) * NS - (int64_t)now;
}

static uint64_t next_second(const struct rtc *r, uint64_t now)
{
	int64_t part = wall(r, now) % NS;

	return now + NS - (part < 0 ? part + NS : part);
}

static uint64_t period(const struct rtc *r)
{
	unsigned rate = r->cmos[REG_A] & A_RATE;

	if (rate == 0)
		return 0;
	if (rate < 3)
		rate += 7; /* 1 and 2 are 256 and 128 Hz */
	return (uint64_t)NS * (1 << (rate - 1)) / 32768;
}

static void update_irq(struct rtc *r)
{
	bool on = r->cmos[REG_C] & r->cmos[REG_B] & (B_PERIODIC | B_ALARM | B_UPDATE);

	if (on)
		r->cmos[REG_C] |= C_IRQ;
	line_set(&r->irq, on);
}

static void plan(struct rtc *r, uint64_t now)
{
	uint8_t b = r->cmos[REG_B];

	r->second = b & (B_ALARM | B_UPDATE) && !(b & B_SET) ? next_second(r, now) : RTC_NEVER;
	if (!(b & B_PERIODIC) || !period(r))
		r->periodic = RTC_NEVER;
	else if (r->periodic == RTC_NEVER)
		r->periodic = now + period(r);
}

void rtc_reset(struct rtc *r)
{
	r->cmos[REG_B] &= ~(B_PERIODIC | B_ALARM | B_UPDATE | B_SET);
	r->cmos[REG_C] = 0;
	r->index = 0;
	r->periodic = r->second = RTC_NEVER;
	line_set(&r->irq, false);
}

void rtc_init(struct rtc *r, int64_t seconds, uint64_t low_ram, uint64_t high_ram)
{
	uint64_t above_1m = low_ram > 0x100000 ? (low_ram - 0x100000) >> 10 : 0;
	uint64_t above_16m = low_ram > 0x1000000 ? (low_ram - 0x1000000) >> 16 : 0;
	uint16_t k = above_1m > 0xffff ? 0xffff : above_1m,
		 u = above_16m > 0xffff ? 0xffff : above_16m;
	uint64_t h = high_ram >> 16;

	memset(r->cmos, 0, sizeof(r->cmos));
	r->base = seconds * NS;
	r->cmos[REG_A] = 0x26;
	r->cmos[REG_B] = B_24H;
	r->cmos[REG_D] = D_VALID;
	r->cmos[0x14] = 0x06; /* equipment: FPU, mouse port; no floppy */
	r->cmos[0x15] = 640 & 0xff;
	r->cmos[0x16] = 640 >> 8;
	r->cmos[0x17] = r->cmos[0x30] = k;
	r->cmos[0x18] = r->cmos[0x31] = k >> 8;
	r->cmos[0x34] = u; /* 64 KiB units above 16 MiB; above 4 GiB in 0x5b..0x5d */
	r->cmos[0x35] = u >> 8;
	r->cmos[0x5b] = h;
	r->cmos[0x5c] = h >> 8;
	r->cmos[0x5d] = h >> 16;
	rtc_reset(r);
}

uint8_t rtc_read(struct rtc *r, unsigned port, uint64_t now)
{
	unsigned reg = r->index;
	int64_t part;
	uint8_t value;

	if (port == RTC_BASE)
		return 0xff;
	switch (reg) {
	case SECONDS ... YEAR:
	case RTC_CENTURY:
		return time_register(r, reg, now);
	case REG_A:
		part = wall(r, now) % NS;
		if (part < 0)
			part += NS;
		return r->cmos[REG_A] |
		       (!(r->cmos[REG_B] & B_SET) && part >= NS - UPDATE_NS ? A_UIP : 0);
	case REG_C:
		value = r->cmos[REG_C];
		r->cmos[REG_C] = 0;
		line_set(&r->irq, false);
		return value;
	}
	return r->cmos[reg];
}

void rtc_write(struct rtc *r, unsigned port, uint8_t value, uint64_t now)
{
	unsigned reg = r->index;

	if (port == RTC_BASE) {
		r->index = value & 0x7f;
		return;
	}
	switch (reg) {
	case SECONDS ... YEAR:
		if (reg == SECONDS_ALARM || reg == MINUTES_ALARM || reg == HOURS_ALARM) {
			r->cmos[reg] = value;
			return;
		}
		if (!(r->cmos[REG_B] & B_SET))
			freeze(r, now);
		r->frozen[reg] = value;
		r->cmos[RTC_CENTURY] = time_register(r, RTC_CENTURY, now);
		if (!(r->cmos[REG_B] & B_SET))
			set_time(r, now);
		return;
	case RTC_CENTURY:
		freeze(r, now);
		r->cmos[RTC_CENTURY] = value;
		set_time(r, now);
		return;
	case REG_A:
		r->cmos[REG_A] = value & ~A_UIP;
		r->periodic = RTC_NEVER;
		break;
	case REG_B:
		if (value & B_SET && !(r->cmos[REG_B] & B_SET)) {
			freeze(r, now);
			r->cmos[RTC_CENTURY] = time_register(r, RTC_CENTURY, now);
		} else if (!(value & B_SET) && r->cmos[REG_B] & B_SET) {
			set_time(r, now);
		}
		r->cmos[REG_B] = value;
		break;
	case REG_C:
	case REG_D:
		return;
	default:
		r->cmos[reg] = value;
		return;
	}
	plan(r, now);
	update_irq(r);
}

uint64_t rtc_deadline(const struct rtc *r)
{
	return r->periodic < r->second ? r->periodic : r->second;
}

/* Alarm bytes from 0xc0 up match everything (data sheet, "Alarm"). */
static bool alarm_matches(const struct rtc *r, uint64_t now)
{
	struct date d = to_date(wall(r, now) / NS);
	const uint8_t *c = r->cmos;

	return (c[SECONDS_ALARM] >= 0xc0 || c[SECONDS_ALARM] == encode(r, d.second)) &&
	       (c[MINUTES_ALARM] >= 0xc0 || c[MINUTES_ALARM] == encode(r, d.minute)) &&
	       (c[HOURS_ALARM] >= 0xc0 || c[HOURS_ALARM] == encode_hour(r, d.hour));
}

void rtc_tick(struct rtc *r, uint64_t now)
{
	if (now >= r->periodic) {
		r->cmos[REG_C] |= B_PERIODIC;
		r->periodic += period(r);
		if (r->periodic <= now)
			r->periodic = now + period(r);
	}
	if (now >= r->second) {
		r->cmos[REG_C] |= B_UPDATE;
		if (alarm_matches(r, now))
			r->cmos[REG_C] |= B_ALARM;
		r->second = next_second(r, now);
	}
	update_irq(r);
}
