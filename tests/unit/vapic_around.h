/* SPDX-License-Identifier: GPL-2.0-only */
/* What the virtual local APIC has around it, for its tests, each of which includes this once: processors, a clock, the
 * core's timers, both halves' registers. */
#include "engine/engine.h"
#include "vmm/lapic.h"

#define APIC_VERSION 0x30
#define APIC_PPR 0xa0

#define VCPUS 20

static struct vm vm;
static struct vcpu vcpus[VCPUS];
static unsigned cr8[VCPUS];
static uint32_t requested[VCPUS];
static uint64_t now;
static uint64_t armed; /* expiry of the timer armed last, 0 none */
static struct timer *armed_timer;
uint64_t tsc_khz = 1000000;

void vcpu_request(struct vcpu *v, uint32_t requests)
{
	requested[v->number] |= requests;
}

struct vcpu *vcpu_find(struct vm *m, uint32_t number)
{
	return number < VM_VCPUS_MAX ? m->vcpu[number] : NULL;
}

uint64_t clock_ns(void)
{
	return now;
}

/* A TSC of 1 GHz that counts with the clock. */
uint64_t rdtsc(void)
{
	return now;
}

uint64_t clock_from_tsc(uint64_t tsc)
{
	return tsc;
}

void timer_arm(struct timer *t, uint64_t expiry)
{
	armed = expiry;
	armed_timer = t;
}

/* Another CPU is in the timer's function, and arms it for its next period. */
static struct vtimer *begun;

void timer_cancel(struct timer *t)
{
	armed = 0;
	if (begun) {
		begun->expiry = armed = 77;
		begun = NULL;
	}
}

void timer_cancel_sync(struct timer *t)
{
	timer_cancel(t);
}

static unsigned get_cr8(struct vcpu *v)
{
	return cr8[v->number];
}

static void set_cr8(struct vcpu *v, unsigned value)
{
	cr8[v->number] = value;
}

static void interrupt(struct vcpu *v, unsigned vector)
{
}

static const struct engine stub = {.cr8 = get_cr8, .set_cr8 = set_cr8, .interrupt = interrupt};

/* As SYS_VCPU_SET_STATE leaves it. */
static void reset(struct vcpu *v)
{
	struct vapic *a = &v->apic;

	memset(a->reg, 0, sizeof(a->reg));
	for (unsigned offset = APIC_LVT_TIMER; offset <= APIC_LVT_ERROR; offset += 16)
		a->reg[offset / 16] = LVT_MASKED;
	a->reg[APIC_DFR / 16] = 0xffffffff;
	a->reg[APIC_SVR / 16] = 0xff;
	a->base = APIC_BASE_DEFAULT | APIC_BASE_ON;
	vapic_forget(v);
}

/* As the VMM asks. */
uint32_t lapic_core_read(const struct lapic *a, unsigned offset)
{
	return vapic_read(&vcpus[a->number], offset);
}

void lapic_core_write(const struct lapic *a, unsigned offset, uint32_t value)
{
	vapic_write(&vcpus[a->number], offset, value);
}

static inline uint32_t reg_read(struct vcpu *v, unsigned offset)
{
	return lapic_read(&(struct lapic){.number = v->number, .base = v->apic.base}, offset);
}

static inline void reg_write(struct vcpu *v, unsigned offset, uint32_t value)
{
	lapic_write(&(struct lapic){.number = v->number, .base = v->apic.base}, offset, value);
}

static inline int setup(void **state)
{
	memset(&vm, 0, sizeof(vm));
	memset(vcpus, 0, sizeof(vcpus));
	memset(cr8, 0, sizeof(cr8));
	vm.engine = &stub;
	vm.vcpu_count = VCPUS;
	now = 1000000;
	armed = 0;
	for (unsigned i = 0; i < VCPUS; i++) {
		vcpus[i].vm = &vm;
		vcpus[i].number = i;
		vm.vcpu[i] = &vcpus[i];
		vtimers_init(&vcpus[i]);
		reset(&vcpus[i]);
		reg_write(&vcpus[i], APIC_SVR, 0x1ff);
		requested[i] = 0;
	}
	return 0;
}

static inline void to_x2(struct vcpu *v)
{
	v->apic.base |= APIC_BASE_X2;
}

static inline bool read_msr(struct vcpu *v, uint32_t index, uint64_t *value)
{
	struct lapic a = {.number = v->number, .base = v->apic.base};

	return vapic_msr(v, index, false, value) || lapic_msr(&a, index, false, value);
}

static inline bool write_msr(struct vcpu *v, uint32_t index, uint64_t value)
{
	struct lapic a = {.number = v->number, .base = v->apic.base};

	return vapic_msr(v, index, true, &value) || lapic_msr(&a, index, true, &value);
}

static inline void accept(struct vcpu *v, unsigned vector)
{
	vapic_hand(v, vector);
	vapic_accept(v, vector);
}

static inline uint64_t receivers(unsigned vector)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < VCPUS; i++)
		if (vcpus[i].apic.reg[(APIC_IRR + 16 * (vector / 32)) / 16] >> vector % 32 & 1)
			mask |= 1ull << i;
	return mask;
}

static inline void fire(void)
{
	assert_true(armed != 0);
	now = armed;
	armed = 0;
	armed_timer->fn(armed_timer);
}
