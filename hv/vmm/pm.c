// SPDX-License-Identifier: GPL-2.0-only
/* PM: ACPI fixed hardware. */
#include "muldiv.h"
#include "pm.h"

#define TIMER_EVENT (1 << 0)
#define GLOBAL_EVENT (1 << 5)
#define POWER_BUTTON (1 << 8)
#define RTC_EVENT (1 << 10) /* never comes, but Linux wants to enable it */
#define EVENTS (TIMER_EVENT | GLOBAL_EVENT | POWER_BUTTON | RTC_EVENT)
#define SCI_EN 1
#define SLEEP_TYPE(v) ((v) >> 10 & 7)
#define SLEEP_ENABLE (1 << 13)

static uint64_t ticks(uint64_t now)
{
	return muldiv(now, PM_HZ, 1000000000);
}

uint32_t pm_timer(uint64_t now)
{
	return ticks(now);
}

/* TMR_STS is set whenever the timer's top bit (31 here) changes: every 2^31 ticks. */
static void note_overflow(struct pm *p, uint64_t now)
{
	uint64_t n = ticks(now) >> 31;

	if (n != p->overflows) {
		p->overflows = n;
		p->status |= TIMER_EVENT;
	}
}

static void update(struct pm *p)
{
	line_set(&p->sci, p->status & p->enable & EVENTS);
}

void pm_reset(struct pm *p, uint64_t now)
{
	p->status = p->enable = 0;
	p->control = SCI_EN;
	p->overflows = ticks(now) >> 31;
	update(p);
}

static uint16_t read_word(struct pm *p, unsigned port, uint64_t now)
{
	switch (port & ~1u) {
	case PM_EVENT:
		note_overflow(p, now);
		return p->status;
	case PM_EVENT + 2:
		return p->enable;
	case PM_CONTROL:
		return p->control;
	case PM_TIMER:
		return pm_timer(now);
	case PM_TIMER + 2:
		return pm_timer(now) >> 16;
	}
	return 0;
}

uint32_t pm_read(struct pm *p, unsigned port, unsigned size, uint64_t now)
{
	if (port == PM_TIMER && size == 4)
		return pm_timer(now);
	if (size == 4)
		return read_word(p, port, now) | (uint32_t)read_word(p, port + 2, now) << 16;
	if (size == 2)
		return read_word(p, port, now);
	return read_word(p, port, now) >> 8 * (port & 1) & 0xff;
}

static void write_control(struct pm *p, uint16_t value)
{
	p->control = (value & ~SLEEP_ENABLE) | SCI_EN;
	if (value & SLEEP_ENABLE && SLEEP_TYPE(value) == PM_S5_TYPE && p->power_off)
		p->power_off(p->ctx);
}

/* `mask` says which bits of the word are written. */
static void write_word(struct pm *p, unsigned port, uint16_t mask, uint16_t value, uint64_t now)
{
	switch (port & ~1u) {
	case PM_EVENT:
		note_overflow(p, now);
		p->status &= ~(value & mask);
		break;
	case PM_EVENT + 2:
		p->enable = (p->enable & ~mask) | (value & mask & EVENTS);
		break;
	case PM_CONTROL:
		write_control(p, (p->control & ~mask) | (value & mask));
		break;
	}
	update(p);
}

void pm_write(struct pm *p, unsigned port, unsigned size, uint32_t value, uint64_t now)
{
	unsigned shift = 8 * (port & 1);

	if (size == 1) {
		write_word(p, port, 0xff << shift, value << shift, now);
		return;
	}
	write_word(p, port, 0xffff, value, now);
	if (size == 4)
		write_word(p, port + 2, 0xffff, value >> 16, now);
}

void pm_power_button(struct pm *p)
{
	p->status |= POWER_BUTTON;
	update(p);
}

uint64_t pm_deadline(const struct pm *p)
{
	if (!(p->enable & TIMER_EVENT) || p->status & TIMER_EVENT)
		return PM_NEVER;
	return muldiv_up((p->overflows + 1) << 31, 1000000000, PM_HZ);
}

void pm_tick(struct pm *p, uint64_t now)
{
	note_overflow(p, now);
	update(p);
}
