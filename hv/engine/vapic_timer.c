// SPDX-License-Identifier: GPL-2.0-only
// The timer of the virtual local APIC, on the core's one-shot timers. Its bus clock is 1 GHz: a
// count of 1 with divisor 1 is a nanosecond.
#include "core/string.h"
#include "engine/engine.h"
#include "engine/vapic.h"

#define REG(a, offset) ((a)->reg[(offset) / 16])

/* Decades: no need to arm for it, and no overflow in the conversion. */
#define DEADLINE_FAR (1ull << 60)

static unsigned divide_shift(uint32_t divide)
{
	return (((divide & 3) | (divide >> 1 & 4)) + 1) & 7;
}

static uint32_t mode(const struct vapic *a)
{
	return REG(a, APIC_LVT_TIMER) & LVT_TIMER_MODE;
}

static void fire(struct vcpu *v)
{
	uint32_t lvt = REG(&v->apic, APIC_LVT_TIMER);

	if (!(lvt & LVT_MASKED))
		vapic_post(v, lvt & 0xff, false);
}

/* On the CPU that armed it, perhaps while the vcpu runs on another. Ticks that came due together
 * are one, as the IRR has one bit for them; the phase stays. */
static void expired(struct timer *t)
{
	struct vapic *a = container_of(t, struct vapic, timer);
	struct vcpu *v = container_of(a, struct vcpu, apic);

	if (mode(a) == LVT_TIMER_PERIODIC && a->expiry) {
		uint64_t step = a->period > VAPIC_PERIOD_MIN ? a->period : VAPIC_PERIOD_MIN;
		uint64_t now = clock_ns();

		a->expiry += step;
		if (a->expiry <= now)
			a->expiry += (now - a->expiry) / step * step + step;
		timer_arm(t, a->expiry);
	} else {
		a->deadline = 0;
		a->expiry = 0;
	}
	fire(v);
}

void vapic_timer_init(struct vcpu *v)
{
	memset(&v->apic.timer, 0, sizeof(v->apic.timer));
	v->apic.timer.fn = expired;
}

void vapic_timer_stop(struct vcpu *v)
{
	if (v->apic.expiry || v->apic.deadline)
		timer_cancel(&v->apic.timer);
	v->apic.expiry = 0;
	v->apic.deadline = 0;
}

void vapic_timer_start(struct vcpu *v)
{
	struct vapic *a = &v->apic;

	if (mode(a) == LVT_TIMER_DEADLINE)
		return;
	vapic_timer_stop(v);
	a->period = (uint64_t)REG(a, APIC_TIMER_INITIAL) << divide_shift(REG(a, APIC_TIMER_DIVIDE));
	if (!a->period)
		return;
	a->expiry = clock_ns() + a->period;
	timer_arm(&a->timer, a->expiry);
}

/* A new divisor counts on from where the count is. */
void vapic_timer_divide(struct vcpu *v, uint32_t old)
{
	struct vapic *a = &v->apic;
	unsigned from = divide_shift(old), to = divide_shift(REG(a, APIC_TIMER_DIVIDE));
	uint64_t now;

	a->period = (uint64_t)REG(a, APIC_TIMER_INITIAL) << to;
	if (from == to || !a->expiry || mode(a) == LVT_TIMER_DEADLINE)
		return;
	now = clock_ns();
	a->expiry = now + (a->expiry > now ? (a->expiry - now) >> from << to : 1);
	timer_arm(&a->timer, a->expiry);
}

/* To or from deadline mode disarms (SDM 3, 11.5.4.1). From one-shot to periodic and back the count
 * goes on. */
void vapic_timer_mode(struct vcpu *v, uint32_t old)
{
	uint32_t changed = (old ^ REG(&v->apic, APIC_LVT_TIMER)) & LVT_TIMER_MODE;

	if (changed & LVT_TIMER_DEADLINE) {
		vapic_timer_stop(v);
		REG(&v->apic, APIC_TIMER_INITIAL) = 0;
	}
}

uint32_t vapic_timer_count(struct vcpu *v)
{
	struct vapic *a = &v->apic;
	uint64_t now, expiry = a->expiry;

	if (!expiry || mode(a) == LVT_TIMER_DEADLINE)
		return 0;
	now = clock_ns();
	return expiry > now ? (uint32_t)((expiry - now) >> divide_shift(REG(a, APIC_TIMER_DIVIDE)))
			    : 0;
}

void vapic_timer_deadline(struct vcpu *v, uint64_t tsc)
{
	struct vapic *a = &v->apic;
	uint64_t now;

	if (mode(a) != LVT_TIMER_DEADLINE)
		return;
	if (!tsc) {
		vapic_timer_stop(v);
		return;
	}
	now = vcpu_tsc(v);
	if (tsc <= now) {
		timer_cancel(&a->timer);
		a->deadline = 0;
		fire(v);
		return;
	}
	a->deadline = tsc;
	if (tsc - now > DEADLINE_FAR)
		timer_cancel(&a->timer);
	else
		timer_arm(&a->timer, clock_from_tsc(rdtsc() + (tsc - now)));
}

void vapic_timer_restore(struct vcpu *v, uint64_t expiry, uint64_t deadline)
{
	struct vapic *a = &v->apic;

	vapic_timer_stop(v);
	a->period = (uint64_t)REG(a, APIC_TIMER_INITIAL) << divide_shift(REG(a, APIC_TIMER_DIVIDE));
	if (deadline)
		vapic_timer_deadline(v, deadline);
	if (expiry && mode(a) != LVT_TIMER_DEADLINE) {
		a->expiry = expiry;
		timer_arm(&a->timer, expiry);
	}
}
