// SPDX-License-Identifier: GPL-2.0-only
/* PIT: computed from the clock. */
#include "muldiv.h"
#include "pit.h"

#define CONTROL (PIT_BASE + 3)
#define ACCESS(c) ((c)->control >> 4 & 3) /* 1 low byte, 2 high byte, 3 both */
#define BCD 1
/* Edges come no faster than this (ns), whatever is programmed: a guest cannot make a storm of
 * timers. */
#define PERIOD_MIN 20000
/* Periodic edges that came too late are made up for, those of the time before CATCH_UP_NS not: a guest
 * that was paused is not flooded. They keep this distance (percent of the period): a kernel that measures
 * its delay loop between two edges would take a short distance for a fast processor. */
#define DISTANCE 75
#define CATCH_UP_NS 1000000000

static unsigned mode_of(const struct pit_channel *c)
{
	unsigned mode = c->control >> 1 & 7;

	return mode > 5 ? mode - 4 : mode; /* 6 and 7 are 2 and 3 */
}

static uint64_t ticks_since(const struct pit_channel *c, uint64_t now)
{
	if (now <= c->start)
		return 0;
	return muldiv(now - c->start, PIT_HZ, 1000000000);
}

static uint64_t ticks_to_ns(uint64_t ticks)
{
	/* Rounded up: at that time ticks_since() says at least `ticks`. */
	return muldiv_up(ticks, 1000000000, PIT_HZ);
}

static bool periodic(const struct pit_channel *c)
{
	return mode_of(c) == 2 || mode_of(c) == 3;
}

static uint16_t to_bcd(uint32_t n)
{
	return n % 10 | (n / 10 % 10) << 4 | (n / 100 % 10) << 8 | (n / 1000 % 10) << 12;
}

static uint32_t from_bcd(uint16_t n)
{
	return (n & 15) + (n >> 4 & 15) * 10 + (n >> 8 & 15) * 100 + (n >> 12) * 1000;
}

static uint16_t count(const struct pit_channel *c, uint64_t now)
{
	uint64_t t = ticks_since(c, now);
	uint32_t wrap = c->control & BCD ? 10000 : 65536, n;

	if (!c->loaded)
		return 0;
	if (!c->gate && mode_of(c) != 1 && mode_of(c) != 5)
		t = 0;
	if (mode_of(c) == 3)
		n = c->reload - (2 * t) % c->reload;
	else if (mode_of(c) == 2)
		n = c->reload - t % c->reload;
	else
		n = (c->reload + wrap - t % wrap) % wrap;
	return c->control & BCD ? to_bcd(n) : n;
}

static bool output(const struct pit_channel *c, uint64_t now)
{
	uint64_t t = ticks_since(c, now);

	switch (mode_of(c)) {
	case 0:
	case 1:
		return c->loaded && t >= c->reload;
	case 2:
		return !c->loaded || !c->gate || t % c->reload != c->reload - 1;
	case 3:
		return !c->loaded || !c->gate || t % c->reload < (c->reload + 1) / 2;
	default: /* a strobe of one clock */
		return !c->loaded || t != c->reload;
	}
}

/* Where channel 0's next rising edge lies after `now`, which is that of the last one or of a new count. */
static void plan(struct pit *p, uint64_t now)
{
	const struct pit_channel *c = &p->channel[0];
	uint64_t t = ticks_since(c, now), edge = c->reload, wait;

	p->next = PIT_NEVER;
	if (!c->loaded || mode_of(c) == 1 || mode_of(c) == 5)
		return; /* these wait for a rising gate, which channel 0 does not have */
	if (periodic(c))
		edge = (t / c->reload + 1) * c->reload;
	else if (t >= edge)
		return;
	p->next = c->start + ticks_to_ns(edge);
	wait = ticks_to_ns(c->reload) * DISTANCE / 100;
	if (periodic(c) && (p->made < t / c->reload || p->next < now + wait))
		p->next = now + wait;
	if (p->next < now + PERIOD_MIN)
		p->next = now + PERIOD_MIN;
}

/* Counts an edge; gives up on those that are too old to be made up for. */
static void count_edge(struct pit *p, uint64_t now)
{
	const struct pit_channel *c = &p->channel[0];
	uint64_t due = ticks_since(c, now) / c->reload, most;

	most = CATCH_UP_NS / ticks_to_ns(c->reload);
	p->made++;
	if (p->made + most < due)
		p->made = due - most;
}

static void load(struct pit *p, unsigned n, uint16_t value, uint64_t now)
{
	struct pit_channel *c = &p->channel[n];
	uint32_t reload = c->control & BCD ? from_bcd(value) : value;

	if (reload == 0)
		reload = c->control & BCD ? 10000 : 65536;
	if (reload == 1 && periodic(c))
		reload = 2; /* not allowed by the data sheet; keeps the interrupt rate finite */
	c->reload = reload;
	c->start = now;
	c->loaded = true;
	if (n == 0) {
		p->made = 0;
		if (mode_of(c) == 0)
			line_set(&p->irq, false);
		plan(p, now);
	}
}

void pit_reset(struct pit *p, uint64_t now)
{
	for (unsigned n = 0; n < 3; n++)
		p->channel[n] = (struct pit_channel){
			.gate = n != 2, .control = 0x36, .reload = 65536, .start = now};
	p->speaker = 0;
	p->next = PIT_NEVER;
	p->made = 0;
	line_set(&p->irq, true); /* idle: a control word for mode 2 or 3 is no edge then */
}

static void latch_count(struct pit_channel *c, uint64_t now)
{
	if (c->latched)
		return;
	c->latch = count(c, now);
	c->latched = true;
}

static void latch_status(struct pit_channel *c, uint64_t now)
{
	if (c->status_latched)
		return;
	c->status_latch = (output(c, now) ? 0x80 : 0) | (c->loaded ? 0 : 0x40) | c->control;
	c->status_latched = true;
}

static void control(struct pit *p, uint8_t value, uint64_t now)
{
	unsigned n = value >> 6;
	struct pit_channel *c;

	if (n == 3) { /* read-back command: bits 1-3 name channels, 4 and 5 low: status, count */
		for (n = 0; n < 3; n++) {
			if (!(value & 2 << n))
				continue;
			if (!(value & 0x20))
				latch_count(&p->channel[n], now);
			if (!(value & 0x10))
				latch_status(&p->channel[n], now);
		}
		return;
	}
	c = &p->channel[n];
	if ((value & 0x30) == 0) {
		latch_count(c, now);
		return;
	}
	c->control = value & 0x3f;
	c->loaded = c->latched = c->status_latched = false;
	c->write_high = c->read_high = false;
	if (n == 0) {
		p->next = PIT_NEVER;
		line_set(&p->irq, mode_of(c) != 0);
	}
}

static uint8_t read_channel(struct pit_channel *c, uint64_t now)
{
	uint16_t value;
	bool high;

	if (c->status_latched) {
		c->status_latched = false;
		return c->status_latch;
	}
	value = c->latched ? c->latch : count(c, now);
	high = ACCESS(c) == 2 || (ACCESS(c) == 3 && c->read_high);
	if (ACCESS(c) == 3)
		c->read_high = !c->read_high;
	if (ACCESS(c) != 3 || high)
		c->latched = false;
	return high ? value >> 8 : value;
}

uint8_t pit_read(struct pit *p, unsigned port, uint64_t now)
{
	if (port == PIT_PORT61) {
		/* Bit 4 toggles with each refresh, every 15.085 us; bit 5 is channel 2's output. */
		return p->speaker | (now / 15085 & 1) << 4 | output(&p->channel[2], now) << 5;
	}
	if (port >= PIT_BASE && port < CONTROL)
		return read_channel(&p->channel[port - PIT_BASE], now);
	return 0xff;
}

static void write_channel(struct pit *p, unsigned n, uint8_t value, uint64_t now)
{
	struct pit_channel *c = &p->channel[n];

	switch (ACCESS(c)) {
	case 1:
		load(p, n, value, now);
		break;
	case 2:
		load(p, n, value << 8, now);
		break;
	case 3:
		if (c->write_high)
			load(p, n, c->low | value << 8, now);
		else
			c->low = value;
		c->write_high = !c->write_high;
		break;
	}
}

void pit_write(struct pit *p, unsigned port, uint8_t value, uint64_t now)
{
	struct pit_channel *c2 = &p->channel[2];

	if (port == CONTROL) {
		control(p, value, now);
	} else if (port == PIT_PORT61) {
		/* A rising gate starts the count anew in all modes but 0 and 4, which only go on.
		 */
		if (value & 1 && !c2->gate)
			c2->start = now;
		c2->gate = value & 1;
		p->speaker = value & 3;
	} else if (port >= PIT_BASE && port < CONTROL) {
		write_channel(p, port - PIT_BASE, value, now);
	}
}

void pit_tick(struct pit *p, uint64_t now)
{
	if (now < p->next)
		return;
	line_set(&p->irq, false);
	line_set(&p->irq, true);
	count_edge(p, now);
	plan(p, now);
}
