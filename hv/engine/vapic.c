// SPDX-License-Identifier: GPL-2.0-only
// The virtual local APIC: priorities, messages, and the registers that make them. Timer: vtimer.c. What registers
// there are and what may be written to them is the VMM's business (hv/vmm/lapic.c).
#include "engine/vapic.h"
#include "core/string.h"
#include "engine/engine.h"

#define REG(a, offset) ((a)->reg[(offset) / 16])

#define ICR_VALUE 0xcdfff /* without the busy bit */
#define ICR_SELF (1u << 18)

#define ESR_SEND_ILLEGAL (1u << 5)
#define ESR_RECEIVE_ILLEGAL (1u << 6)

static void set_bit(uint32_t *first, unsigned vector)
{
	__atomic_fetch_or(&first[vector / 32], 1u << vector % 32, __ATOMIC_SEQ_CST);
}

static void clear_bit(uint32_t *first, unsigned vector)
{
	__atomic_fetch_and(&first[vector / 32], ~(1u << vector % 32), __ATOMIC_SEQ_CST);
}

static bool test_bit(const uint32_t *first, unsigned vector)
{
	return __atomic_load_n(&first[vector / 32], __ATOMIC_RELAXED) >> vector % 32 & 1;
}

typedef uint64_t __attribute__((may_alias)) quarter;

/* The eight words of ISR, TMR or IRR follow each other in reg[]. 0: none set (vectors below 16
 * never are). */
static unsigned highest(const uint32_t *first)
{
	for (int i = 3; i >= 0; i--) {
		uint64_t bits = __atomic_load_n((const quarter *)first + i, __ATOMIC_RELAXED);

		if (bits)
			return (unsigned)i * 64 + 63 - (unsigned)__builtin_clzll(bits);
	}
	return 0;
}

/* Bits 7:4 are the engine's, where the guest reaches them as CR8 without an exit. */
static uint32_t tpr(struct vcpu *v)
{
	uint32_t *reg = &REG(&v->apic, APIC_TPR);
	unsigned cr8 = v->vm->engine->cr8(v);

	if (cr8 != *reg >> 4)
		*reg = cr8 << 4;
	return *reg;
}

unsigned vapic_pending(struct vcpu *v)
{
	unsigned request = highest(&REG(&v->apic, APIC_IRR));

	if (!request || request >> 4 <= highest(&REG(&v->apic, APIC_ISR)) >> 4)
		return 0;
	return request;
}

bool vapic_deliverable(struct vcpu *v)
{
	return vapic_pending(v) >> 4 > tpr(v) >> 4;
}

void vapic_hand(struct vcpu *v, unsigned vector)
{
	clear_bit(&REG(&v->apic, APIC_IRR), vector);
}

void vapic_take_back(struct vcpu *v, unsigned vector)
{
	set_bit(&REG(&v->apic, APIC_IRR), vector);
}

void vapic_accept(struct vcpu *v, unsigned vector)
{
	REG(&v->apic, APIC_ISR + 16 * (vector / 32)) |= 1u << vector % 32;
}

static bool software_on(const struct vapic *a)
{
	return (a->base & APIC_BASE_ON) && (REG(a, APIC_SVR) & APIC_SVR_ON);
}

static void raise_error(struct vcpu *v, uint32_t bit)
{
	uint32_t lvt = REG(&v->apic, APIC_LVT_ERROR);

	__atomic_fetch_or(&v->apic.errors, bit, __ATOMIC_RELAXED);
	if (!(lvt & LVT_MASKED) && (lvt & 0xff) >= 16)
		vapic_post(v, lvt & 0xff, false);
}

/* The request is set after the IRR bit, and vcpu_request is a full barrier: the target sees both or
 * is notified. */
void vapic_post(struct vcpu *v, unsigned vector, bool level)
{
	struct vapic *a = &v->apic;

	if (!software_on(a) || vector < 16 || vector > 255)
		return;
	if (level)
		set_bit(&REG(a, APIC_TMR), vector);
	else if (test_bit(&REG(a, APIC_TMR), vector))
		clear_bit(&REG(a, APIC_TMR), vector);
	set_bit(&REG(a, APIC_IRR), vector);
	vcpu_request(v, REQ_EVENT);
}

void vapic_withdraw(struct vcpu *v)
{
	if (v->apic.eoi_offered)
		*v->eoi_word = 0;
	v->apic.eoi_offered = false;
}

static void eoi(struct vcpu *v)
{
	struct vapic *a = &v->apic;
	unsigned vector = highest(&REG(a, APIC_ISR));

	vapic_withdraw(v);
	if (!vector)
		return;
	REG(a, APIC_ISR + 16 * (vector / 32)) &= ~(1u << vector % 32);
	if (v->vm->eoi_bitmap[vector / 64] >> vector % 64 & 1) {
		a->eoi_exit = (int32_t)vector;
		vcpu_request(v, REQ_EVENT);
	} else if (highest(&REG(a, APIC_IRR))) {
		vcpu_request(v, REQ_EVENT);
	}
}

/* Who comes up again names a word of its own; what lay there may be something else by now. */
void vapic_forget(struct vcpu *v)
{
	v->apic.errors = 0;
	v->apic.eoi_exit = -1;
	v->apic.eoi_offered = false;
	v->eoi_word = v->private ? &v->private->eoi : NULL;
	if (v->private)
		v->private->eoi = 0;
}

void vapic_settle(struct vcpu *v)
{
	if (v->apic.eoi_offered && !(*v->eoi_word & 1))
		eoi(v);
}

/* Only for an interrupt that nothing waits for: alone in service or about to be, none behind it, and the
 * VMM need not hear of its end. Whatever comes later makes an exit, and is seen here again. */
void vapic_offer(struct vcpu *v)
{
	const struct vapic *a = &v->apic;
	unsigned service = highest(&REG(a, APIC_ISR)), request = highest(&REG(a, APIC_IRR));
	unsigned vector = service ? service : request, bits = 0;

	if (!v->eoi_word)
		return;
	for (unsigned i = 0; i < 16; i++) {
		uint32_t word = a->reg[(i < 8 ? APIC_ISR : APIC_IRR) / 16 + i % 8];

		bits += word & (word - 1) ? 2 : word != 0;
	}
	vapic_withdraw(v);
	if (bits != 1 || v->vm->eoi_bitmap[vector / 64] >> vector % 64 & 1)
		return;
	v->apic.eoi_offered = true;
	*v->eoi_word = 1;
}

bool vapic_takes_extint(const struct vcpu *v)
{
	const struct vapic *a = &v->apic;
	uint32_t lvt = REG(a, APIC_LVT_LINT0);

	/* Without its APIC the boot processor has the PIC on its pin (virtual wire; SDM
	 * 3, 11.4.7.1). */
	if (!(a->base & APIC_BASE_ON))
		return v->number == 0;
	return !(lvt & LVT_MASKED) && (lvt >> 8 & 7) == DELIVERY_EXTINT;
}

/* Logical x2APIC ids derive from the id (SDM 3, 11.12.10.2). */
static uint32_t logical_id(const struct vcpu *v)
{
	return vapic_x2(&v->apic) ? v->number >> 4 << 16 | 1u << (v->number & 15)
				  : REG(&v->apic, APIC_LDR);
}

/* Does a logical destination name this APIC? */
static bool match_logical(const struct vcpu *v, const struct vapic_message *m)
{
	const struct vapic *a = &v->apic;
	uint32_t ldr = logical_id(v), destination = m->destination;

	if (vapic_x2(a)) {
		if (destination == 0xffffffff || (!m->wide && destination == 0xff))
			return true;
		return ldr >> 16 == destination >> 16 && (ldr & destination & 0xffff);
	}
	ldr >>= 24;
	if (destination == 0xffffffff || (destination & 0xff) == 0xff)
		return true;
	if (REG(a, APIC_DFR) >> 28 == 0xf)
		return ldr & destination;
	return ldr >> 4 == destination >> 4 && (ldr & destination & 15);
}

static bool match(struct vcpu *v, const struct vapic_message *m)
{
	if (!(v->apic.base & APIC_BASE_ON))
		return false;
	if (m->logical)
		return match_logical(v, m);
	return m->destination == v->number || m->destination == 0xffffffff ||
	       (!m->wide && m->destination == 0xff);
}

static void deliver(struct vcpu *v, const struct vapic_message *m)
{
	switch (m->delivery) {
	case DELIVERY_FIXED:
	case DELIVERY_LOWEST:
		if (m->vector < 16)
			raise_error(v, ESR_RECEIVE_ILLEGAL);
		else
			vapic_post(v, m->vector, m->level);
		break;
	case DELIVERY_NMI:
		vcpu_request(v, REQ_NMI);
		break;
	case DELIVERY_INIT:
		vcpu_request(v, REQ_INIT);
		break;
	case DELIVERY_SIPI:
		v->sipi = m->vector;
		vcpu_request(v, REQ_SIPI);
		break;
	default: /* SMI: there is none; ExtINT by message: no PIC would answer */
		break;
	}
}

/* All that match; or of those, for lowest priority, one, in turn. */
void vapic_send(struct vm *vm, const struct vapic_message *m)
{
	uint32_t count = vm->vcpu_count;
	uint32_t first = m->delivery == DELIVERY_LOWEST && count ? vm->lowest_next % count : 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t number = first + i < count ? first + i : first + i - count;
		struct vcpu *v = vcpu_find(vm, number);

		if (!v || !match(v, m))
			continue;
		deliver(v, m);
		if (m->delivery == DELIVERY_LOWEST) {
			vm->lowest_next = number + 1;
			return;
		}
	}
}

/* The address and data of a message (SDM 3, 11.11); bits 11:5 of the address carry destination bits
 * 14:8, as guests use them that know a hypervisor which says so. */
void vapic_msi(struct vm *vm, uint64_t address, uint32_t data)
{
	uint32_t high = address >> 5 & 0x7f;
	struct vapic_message m = {
		.destination = (uint32_t)(address >> 12 & 0xff) | high << 8,
		.vector = data & 0xff,
		.delivery = data >> 8 & 7,
		.logical = address >> 2 & 1,
		.level = data >> 15 & 1,
		.wide = high != 0,
	};

	if (m.delivery != DELIVERY_EXTINT)
		vapic_send(vm, &m);
}

static void send_ipi(struct vcpu *v, uint32_t low, uint32_t destination, bool wide)
{
	struct vapic_message m = {
		.destination = destination,
		.vector = low & 0xff,
		.delivery = low >> 8 & 7,
		.logical = low >> 11 & 1,
		.wide = wide,
	};
	unsigned shorthand = low >> 18 & 3;

	if (m.vector < 16 && m.delivery <= DELIVERY_LOWEST) {
		raise_error(v, ESR_SEND_ILLEGAL);
		return;
	}
	/* INIT level de-assert only matters to processors older than any we show. */
	if (m.delivery == DELIVERY_INIT && !(low & 1u << 14))
		return;
	if (!shorthand) {
		vapic_send(v->vm, &m);
		return;
	}
	if (m.delivery == DELIVERY_LOWEST)
		m.delivery = DELIVERY_FIXED;
	if (shorthand == 1) {
		if (m.delivery != DELIVERY_INIT && m.delivery != DELIVERY_SIPI)
			deliver(v, &m);
		return;
	}
	for (uint32_t i = 0; i < v->vm->vcpu_count; i++) {
		struct vcpu *to = vcpu_find(v->vm, i);

		if (to && (to != v || shorthand == 2))
			deliver(to, &m);
	}
}

bool vapic_answers(const struct vcpu *v, uint32_t offset, bool write)
{
	if (vapic_x2(&v->apic))
		return false;
	return offset == APIC_TPR || offset == APIC_ICR ||
	       (write ? offset == APIC_EOI || offset == APIC_ICR2 || offset == APIC_TIMER_INITIAL
		      : offset == APIC_ID || offset == APIC_TIMER_CURRENT);
}

uint32_t vapic_read(struct vcpu *v, unsigned offset)
{
	struct vapic *a = &v->apic;

	switch (offset) {
	case APIC_ID:
		return vapic_x2(a) ? v->number : v->number << 24;
	case APIC_TPR:
		return tpr(v);
	case APIC_TIMER_CURRENT:
		return vapic_timer_count(v);
	case APIC_ICR:
		return REG(a, APIC_ICR);
	default:
		v->vm->engine->interrupt(v, 0); /* what the processor has is in the IRR for the guest */
		vcpu_request(v, REQ_EVENT);
		vapic_settle(v);
		return REG(a, offset);
	}
}

void vapic_write(struct vcpu *v, unsigned offset, uint32_t value)
{
	struct vapic *a = &v->apic;
	uint32_t old = REG(a, offset);

	vapic_settle(v);
	switch (offset) {
	case APIC_EOI:
		eoi(v);
		break;
	case APIC_TPR:
		REG(a, APIC_TPR) = value & 0xff;
		v->vm->engine->set_cr8(v, value >> 4 & 15);
		break;
	case APIC_ICR:
		REG(a, APIC_ICR) = value & ICR_VALUE;
		send_ipi(v, value, REG(a, APIC_ICR2) >> 24, false);
		break;
	case APIC_ICR2:
		REG(a, APIC_ICR2) = value & 0xff000000;
		break;
	case APIC_ESR:
		REG(a, APIC_ESR) = __atomic_exchange_n(&a->errors, 0, __ATOMIC_RELAXED);
		break;
	case APIC_RAISE:
		raise_error(v, value);
		break;
	case APIC_TIMER_INITIAL:
		REG(a, APIC_TIMER_INITIAL) = value;
		vapic_timer_start(v);
		break;
	case APIC_TIMER_DIVIDE:
		REG(a, APIC_TIMER_DIVIDE) = value;
		vapic_timer_divide(v, old);
		break;
	case APIC_LVT_TIMER:
		REG(a, APIC_LVT_TIMER) = value;
		vapic_timer_mode(v, old);
		break;
	default:
		__atomic_store_n(&REG(a, offset), value, __ATOMIC_RELAXED);
		vcpu_request(v, REQ_EVENT); /* the line at LINT0 may come through now */
	}
}

#define X2(offset) (MSR_X2APIC_FIRST + (offset) / 16)

static bool x2_read(struct vcpu *v, uint32_t index, uint64_t *value)
{
	const struct vapic *a = &v->apic;

	switch (index) {
	case X2(APIC_ID):
	case X2(APIC_TPR):
	case X2(APIC_TIMER_CURRENT):
		*value = vapic_read(v, (index & 0x3f) << 4);
		return true;
	case X2(APIC_ICR):
		*value = REG(a, APIC_ICR) | (uint64_t)REG(a, APIC_ICR2) << 32;
		return true;
	default:
		return false;
	}
}

/* False for reserved bits, too. */
static bool x2_write(struct vcpu *v, uint32_t index, uint64_t value)
{
	struct vapic *a = &v->apic;

	switch (index) {
	case X2(APIC_EOI):
		if (!value)
			eoi(v);
		return !value;
	case X2(APIC_ICR):
		REG(a, APIC_ICR) = (uint32_t)value & ICR_VALUE;
		REG(a, APIC_ICR2) = (uint32_t)(value >> 32);
		send_ipi(v, (uint32_t)value, (uint32_t)(value >> 32), true);
		return true;
	case X2(APIC_SELF_IPI):
		if (!(value >> 8))
			send_ipi(v, (uint32_t)value | ICR_SELF, 0, true);
		return !(value >> 8);
	case X2(APIC_TPR):
	case X2(APIC_TIMER_INITIAL):
		if (!(value >> 32))
			vapic_write(v, (index & 0x3f) << 4, (uint32_t)value);
		return !(value >> 32);
	default:
		return false;
	}
}

bool vapic_msr(struct vcpu *v, uint32_t index, bool write, uint64_t *value)
{
	if (index == MSR_TSC_DEADLINE) {
		v->exits[COUNT_MSR_TIMER]++;
		if (write)
			vapic_timer_deadline(v, *value);
		else
			*value = vapic_deadline(v);
		return true;
	}
	if (vapic_x2(&v->apic) && (write ? x2_write(v, index, *value) : x2_read(v, index, value))) {
		v->exits[COUNT_MSR_APIC]++;
		return true;
	}
	v->exits[COUNT_MSR_VMM]++;
	return false;
}
