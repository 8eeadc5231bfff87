/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * RTC: the MC146818 clock with 128 bytes of CMOS memory, interrupt 8.
 *
 * The time is computed from the clock at each read: wall clock = base + now. Alarm, update and
 * periodic interrupts come at rtc_deadline(), when the owner calls rtc_tick(); nothing is due while
 * none is enabled. Times are nanoseconds of one monotonic clock.
 *
 * Source: Motorola MC146818A data sheet; CMOS bytes as PC BIOSes use them.
 */
#ifndef VMM_RTC_H
#define VMM_RTC_H

#include <stdint.h>
#include "line.h"

#define RTC_BASE 0x70 /* 2 ports: index, data */
#define RTC_NEVER (~0ull)
#define RTC_CENTURY 0x32

struct rtc {
	uint8_t index;
	uint8_t cmos[128];  /* 0..9 are unused: time is computed; 0xa..0xd the control registers */
	uint8_t frozen[10]; /* time registers while SET is on */
	int64_t base;	    /* ns since 1970 at clock 0 */
	uint64_t periodic, second; /* next of each, or RTC_NEVER */
	struct line irq;
};

/* seconds since 1970 at clock 0; memory sizes for the bytes at 0x15.. and 0x30.. */
void rtc_init(struct rtc *r, int64_t seconds, uint64_t low_ram, uint64_t high_ram);
void rtc_reset(struct rtc *r); /* what the RESET pin does: memory and time stay */
uint8_t rtc_read(struct rtc *r, unsigned port, uint64_t now);
void rtc_write(struct rtc *r, unsigned port, uint8_t value, uint64_t now);
uint64_t rtc_deadline(const struct rtc *r);
void rtc_tick(struct rtc *r, uint64_t now);

#endif
