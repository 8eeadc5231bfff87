// SPDX-License-Identifier: GPL-2.0-only
// Alarms.
#include "core/string.h"
#include "engine/alarm.h"
#include "engine/engine.h"

/* Longer ones than these 2^50 ticks (days) need no precision. */
#define PERIOD_FAR (1ull << 50)
#define ALARM_FAR (1ull << 60)

static void fire(struct alarm *a)
{
	struct vcpu *v = a->vcpu;
	uint32_t lvt = v->apic.reg[APIC_LVT_TIMER / 16];

	if (!(a->flags & ALARM_LVTT)) {
		__atomic_fetch_add(&v->run->irq0, 1, __ATOMIC_SEQ_CST);
		vcpu_request(v, REQ_KICK);
	} else if (!(lvt & LVT_MASKED)) {
		vapic_post(v, lvt & 0xff, false);
	}
}

/* Periods that were missed are one, the phase stays. */
static void next_period(struct alarm *a)
{
	uint64_t now = clock_ns();

	a->expiry += a->period;
	if (a->expiry <= now)
		a->expiry += (now - a->expiry) / a->period * a->period + a->period;
	timer_arm(&a->timer, a->expiry);
}

static void expired(struct timer *t)
{
	struct alarm *a = container_of(t, struct alarm, timer);

	if (!a->expiry)
		return;
	if (a->period)
		next_period(a);
	else
		a->expiry = 0;
	fire(a);
}

static uint64_t to_ns(uint64_t ticks)
{
	if (ticks > PERIOD_FAR)
		ticks = PERIOD_FAR;
	return ticks / tsc_khz * 1000000 + ticks % tsc_khz * 1000000 / tsc_khz;
}

void alarm_init(struct vcpu *v)
{
	memset(v->alarm, 0, sizeof(v->alarm));
	for (unsigned i = 0; i < ALARMS; i++) {
		v->alarm[i].timer.fn = expired;
		v->alarm[i].vcpu = v;
	}
}

bool alarm_cancel(struct vcpu *v, uint32_t flags)
{
	struct alarm *a;
	bool armed;

	if ((flags & ALARM_COUNTER) >= ALARMS)
		return false;
	a = &v->alarm[flags & ALARM_COUNTER];
	armed = a->expiry;
	a->expiry = 0;
	if (armed)
		timer_cancel(&a->timer);
	return armed;
}

void alarm_stop(struct vcpu *v)
{
	for (unsigned i = 0; i < ALARMS; i++)
		alarm_cancel(v, i);
}

void alarm_set(struct vcpu *v, uint32_t flags, uint64_t expiry, uint64_t period)
{
	uint64_t now = vcpu_tsc(v) - (flags & ALARM_COUNTER ? v->stolen : 0), step;
	struct alarm *a;

	if ((flags & ALARM_COUNTER) >= ALARMS)
		return;
	alarm_cancel(v, flags);
	a = &v->alarm[flags & ALARM_COUNTER];
	a->flags = flags;
	step = flags & ALARM_PERIODIC ? to_ns(period) : 0;
	/* As the APIC's timer: no storm of interrupts for the host. */
	a->period = step && step < VAPIC_PERIOD_MIN ? VAPIC_PERIOD_MIN : step;
	if (expiry > now && expiry - now > ALARM_FAR)
		return;
	a->expiry = expiry > now ? clock_from_tsc(rdtsc() + (expiry - now)) : clock_ns();
	if (expiry > now) {
		timer_arm(&a->timer, a->expiry);
		return;
	}
	if (a->period)
		next_period(a);
	else
		a->expiry = 0;
	fire(a);
}

void alarm_get(struct vcpu *v, struct vcpu_state *s)
{
	uint64_t tsc = vcpu_tsc(v), now = clock_ns();

	s->stolen = v->stolen;
	for (unsigned i = 0; i < ALARMS; i++) {
		const struct alarm *a = &v->alarm[i];

		if (!a->expiry)
			continue;
		s->alarm[i].expiry = tsc + (a->expiry > now ? (a->expiry - now) / 1000 * tsc_khz / 1000 : 0);
		s->alarm[i].period = a->period;
		s->alarm[i].flags = a->flags;
	}
}

/* A period comes back as it was, whatever the ticks' length is here. */
void alarm_restore(struct vcpu *v, const struct vcpu_state *s)
{
	v->stolen = s->stolen;
	for (unsigned i = 0; i < ALARMS; i++) {
		uint64_t expiry = s->alarm[i].expiry, period = s->alarm[i].period;

		if (!expiry) {
			alarm_cancel(v, i);
			continue;
		}
		if (i)
			expiry -= v->stolen;
		if (period > PERIOD_FAR)
			period = PERIOD_FAR;
		alarm_set(v, (s->alarm[i].flags & ~ALARM_COUNTER) | i, expiry, period / 1000 * tsc_khz / 1000);
	}
}
