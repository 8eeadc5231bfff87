// SPDX-License-Identifier: GPL-2.0-only
// The timers of a vcpu, on the core's one-shot timers. The bus clock of its APIC is 1 GHz: a count of 1
// with divisor 1 is a nanosecond.
#include "engine/vtimer.h"
#include "core/string.h"
#include "engine/engine.h"

#define REG(v, offset) ((v)->apic.reg[(offset) / 16])

/* Longer ones than these 2^50 ticks (days) need no precision. */
#define PERIOD_FAR (1ull << 50)
/* Decades: as good as never, and no overflow in the conversion. */
#define TICKS_FAR (1ull << 60)

static void fire(const struct vtimer *t)
{
	struct vcpu *v = t->vcpu;
	uint32_t lvt = REG(v, APIC_LVT_TIMER);

	if (!(t->flags & ALARM_LVTT)) {
		__atomic_fetch_add(&v->run->irq0, 1, __ATOMIC_SEQ_CST);
		vcpu_request(v, REQ_KICK);
	} else if (!(lvt & LVT_MASKED)) {
		vapic_post(v, lvt & 0xff, false);
	}
}

static void set(struct vtimer *t, uint64_t expiry, uint64_t period)
{
	t->expiry = expiry;
	t->period = period;
	timer_arm(&t->timer, expiry);
}

static void set_after(struct vtimer *t, uint64_t ticks, uint64_t period)
{
	set(t, clock_from_tsc(rdtsc() + (ticks < TICKS_FAR ? ticks : TICKS_FAR)), period);
}

// Periods that were missed are one, as the IRR has one bit for them; the phase stays.
static void due(struct vtimer *t)
{
	uint64_t now, expiry = t->expiry + t->period;

	if (t->period) {
		now = clock_ns();
		if (expiry <= now)
			expiry += (now - expiry) / t->period * t->period + t->period;
		set(t, expiry, t->period);
	} else {
		t->expiry = 0;
	}
	fire(t);
}

// On the CPU that armed it, perhaps while the vcpu runs on another.
static void expired(struct timer *timer)
{
	struct vtimer *t = container_of(timer, struct vtimer, timer);

	if (t->expiry)
		due(t);
}

static uint64_t not_too_often(uint64_t period)
{
	return period && period < VTIMER_PERIOD_MIN ? VTIMER_PERIOD_MIN : period;
}

void vtimers_init(struct vcpu *v)
{
	memset(v->timer, 0, sizeof(v->timer));
	for (unsigned i = 0; i < VTIMERS; i++) {
		v->timer[i].timer.fn = expired;
		v->timer[i].vcpu = v;
	}
	v->timer[VTIMER_APIC].flags = ALARM_LVTT;
}

bool vtimer_stop(struct vtimer *t)
{
	bool armed = t->expiry;

	t->expiry = 0;
	timer_cancel_sync(&t->timer);
	// The next period may have been begun on another CPU, before it was waited for.
	timer_cancel(&t->timer);
	t->expiry = 0;
	return armed;
}

void vtimers_stop(struct vcpu *v)
{
	for (unsigned i = 0; i < VTIMERS; i++)
		vtimer_stop(&v->timer[i]);
}

// --- the local APIC's ---

static unsigned divide_shift(uint32_t divide)
{
	return (((divide & 3) | (divide >> 1 & 4)) + 1) & 7;
}

static uint32_t mode(const struct vcpu *v)
{
	return REG(v, APIC_LVT_TIMER) & LVT_TIMER_MODE;
}

static uint64_t initial_ns(const struct vcpu *v)
{
	return (uint64_t)REG(v, APIC_TIMER_INITIAL) << divide_shift(REG(v, APIC_TIMER_DIVIDE));
}

static uint64_t period(const struct vcpu *v)
{
	return mode(v) == LVT_TIMER_PERIODIC ? not_too_often(initial_ns(v)) : 0;
}

void vapic_timer_start(struct vcpu *v)
{
	struct vtimer *t = &v->timer[VTIMER_APIC];

	if (mode(v) == LVT_TIMER_DEADLINE)
		return;
	vtimer_stop(t);
	if (initial_ns(v))
		set(t, clock_ns() + initial_ns(v), period(v));
}

// A new divisor counts on from where the count is.
void vapic_timer_divide(struct vcpu *v, uint32_t old)
{
	struct vtimer *t = &v->timer[VTIMER_APIC];
	unsigned from = divide_shift(old), to = divide_shift(REG(v, APIC_TIMER_DIVIDE));
	uint64_t now = clock_ns();

	if (from != to && t->expiry && mode(v) != LVT_TIMER_DEADLINE)
		set(t, now + (t->expiry > now ? (t->expiry - now) >> from << to : 1), period(v));
}

// To or from deadline mode disarms (SDM 3, 11.5.4.1). From one-shot to periodic and back the count
// goes on.
void vapic_timer_mode(struct vcpu *v, uint32_t old)
{
	struct vtimer *t = &v->timer[VTIMER_APIC];

	if ((old ^ REG(v, APIC_LVT_TIMER)) & LVT_TIMER_DEADLINE) {
		vtimer_stop(t);
		REG(v, APIC_TIMER_INITIAL) = 0;
	}
	t->period = period(v);
}

uint32_t vapic_timer_count(const struct vcpu *v)
{
	uint64_t now = clock_ns(), expiry = v->timer[VTIMER_APIC].expiry;

	if (mode(v) == LVT_TIMER_DEADLINE || expiry <= now)
		return 0;
	return (uint32_t)((expiry - now) >> divide_shift(REG(v, APIC_TIMER_DIVIDE)));
}

void vapic_timer_deadline(struct vcpu *v, uint64_t tsc)
{
	struct vtimer *t = &v->timer[VTIMER_APIC];
	uint64_t now = vcpu_tsc(v);

	if (mode(v) != LVT_TIMER_DEADLINE)
		return;
	vtimer_stop(t);
	v->apic.deadline = tsc;
	if (tsc > now)
		set_after(t, tsc - now, 0);
	else if (tsc)
		fire(t);
}

uint64_t vapic_deadline(const struct vcpu *v)
{
	return v->timer[VTIMER_APIC].expiry && mode(v) == LVT_TIMER_DEADLINE ? v->apic.deadline : 0;
}

void vapic_timer_restore(struct vcpu *v, uint64_t expiry, uint64_t deadline)
{
	vtimer_stop(&v->timer[VTIMER_APIC]);
	if (deadline)
		vapic_timer_deadline(v, deadline);
	else if (expiry && mode(v) != LVT_TIMER_DEADLINE)
		set(&v->timer[VTIMER_APIC], expiry, period(v));
}

// --- alarms ---

static uint64_t to_ns(uint64_t ticks)
{
	if (ticks > PERIOD_FAR)
		ticks = PERIOD_FAR;
	return ticks / tsc_khz * 1000000 + ticks % tsc_khz * 1000000 / tsc_khz;
}

bool alarm_cancel(struct vcpu *v, uint32_t flags)
{
	return (flags & ALARM_COUNTER) < ALARMS && vtimer_stop(&v->timer[flags & ALARM_COUNTER]);
}

void alarm_set(struct vcpu *v, uint32_t flags, uint64_t expiry, uint64_t period)
{
	uint64_t now = vcpu_tsc(v) - (flags & ALARM_COUNTER ? v->stolen : 0);
	uint64_t step = flags & ALARM_PERIODIC ? not_too_often(to_ns(period)) : 0;
	struct vtimer *t;

	if ((flags & ALARM_COUNTER) >= ALARMS)
		return;
	t = &v->timer[flags & ALARM_COUNTER];
	vtimer_stop(t);
	t->flags = flags;
	if (expiry > now) {
		set_after(t, expiry - now, step);
		return;
	}
	t->expiry = clock_ns();
	t->period = step;
	due(t);
}

void alarm_get(const struct vcpu *v, struct vcpu_state *s)
{
	s->stolen = v->stolen;
	for (unsigned i = 0; i < ALARMS; i++) {
		s->alarm[i].expiry = v->timer[i].expiry;
		s->alarm[i].period = v->timer[i].period;
		s->alarm[i].flags = v->timer[i].flags;
	}
}

void alarm_restore(struct vcpu *v, const struct vcpu_state *s)
{
	v->stolen = s->stolen;
	for (unsigned i = 0; i < ALARMS; i++) {
		vtimer_stop(&v->timer[i]);
		v->timer[i].flags = s->alarm[i].flags;
		if (s->alarm[i].expiry)
			set(&v->timer[i], s->alarm[i].expiry, not_too_often(s->alarm[i].period));
	}
}
