// SPDX-License-Identifier: GPL-2.0-only
/* Hypercalls of the gateway, by epoch (postern/hypercall.h): what the core is told of them, and those that it leaves to us. */
#include "clock.h"
#include <postern/hypercall.h>
#include "guest.h"

static void wide(struct vcpu_run *r, uint64_t value)
{
	r->gpr[GPR_RAX] = (uint32_t)value;
	r->gpr[GPR_RDX] = value >> 32;
}

/* x2APIC mode is not reached by offsets. */
static bool apic_offset(const struct vcpu *v, uint32_t offset)
{
	return !(offset & 15) && offset < 0x400 && !(v->lapic.base & LAPIC_X2);
}

static void apic_read(struct vcpu *v, const uint32_t *a)
{
	uint32_t offset = a[0] & 0xfff;

	v->run->gpr[GPR_RAX] = apic_offset(v, offset) ? lapic_read(&v->lapic, offset) : 0;
}

static void apic_write(struct vcpu *v, const uint32_t *a)
{
	uint32_t offset = a[0] & 0xfff;

	if (apic_offset(v, offset))
		lapic_write(&v->lapic, offset, a[1]);
	v->run->gpr[GPR_RAX] = 0;
}

static void time_frequency(struct vcpu *v, const uint32_t *a)
{
	wide(v->run, clock_tsc_khz() * 1000);
}

static void wall_clock(struct vcpu *v, const uint32_t *a)
{
	wide(v->run, guest.rtc.base + clock_ns());
}

/* It runs on by itself: nobody sets it. */
static void wall_clock_set(struct vcpu *v, const uint32_t *a)
{
	v->run->gpr[GPR_RAX] = 0;
}

static void trace(struct vcpu *v, const uint32_t *a)
{
	trace_call(v->number, a);
}

static void start_processor(struct vcpu *v, const uint32_t *a)
{
	ap_start(v, a[0], a[1]);
}

/* A row an operation: its number in each epoch, and its command in epoch 1 (EBX). Those most often asked for come first. */
static const struct {
	uint32_t number[HYPERCALL_EPOCHS], command;
	enum operation operation;
	void (*serve)(struct vcpu *v, const uint32_t *a); /* of OP_NONE, and what the core leaves of others */
} operations[] = {
#define OPERATION(name, op, serve) {{HC1_##name, HC2_##name}, HC1_##name##_COMMAND, op, serve}
#define CORE(name, op) OPERATION(name, op, NULL)
#define OURS(name, serve) OPERATION(name, OP_NONE, serve)
	OPERATION(APIC_WRITE, OP_APIC_WRITE, apic_write),
	OPERATION(APIC_READ, OP_APIC_READ, apic_read),
	CORE(TIMER_SET, OP_TIMER_SET),
	CORE(BLOCK, OP_BLOCK),
	CORE(TIMER_CANCEL, OP_TIMER_CANCEL),
	CORE(ICR, OP_ICR),
	CORE(IPI, OP_IPI),
	CORE(YIELD, OP_YIELD),
	CORE(TIME_COUNTER, OP_TIME_COUNTER),
	/* Notifications that nested paging has no use for. */
	CORE(MMU_SET, OP_NOTHING),
	CORE(MMU_BATCH, OP_NOTHING),
	CORE(MMU_UPDATED, OP_NOTHING),
	CORE(MMU_ALLOCATE, OP_NOTHING),
	CORE(MMU_RELEASE, OP_NOTHING),
	CORE(MMU_FLUSH, OP_NOTHING),
	CORE(MMU_INVALIDATE, OP_NOTHING),
	CORE(MMU_MAP, OP_NOTHING),
	CORE(LAZY, OP_NOTHING),
	OURS(TIME_FREQUENCY, time_frequency),
	OURS(TRACE, trace),
	OURS(WALLCLOCK, wall_clock),
	OURS(WALLCLOCK_SET, wall_clock_set),
	OURS(AP_START, start_processor),
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

/* Where the arguments are, and whether the epoch has commands. */
static const struct run_calls shapes[HYPERCALL_EPOCHS] = {
	{.argument = {GPR_RCX, GPR_RDX, GPR_RSI, GPR_RDI, GPR_RBP}, .command_mask = ~0u},
	{.argument = {GPR_RBX, GPR_RDX, GPR_RCX, GPR_RSI, GPR_RDI}},
};

void hypercall_describe(struct vcpu_run *r)
{
	_Static_assert(OPERATIONS <= RUN_CALLS, "all have a place");
	for (unsigned e = 0; e < HYPERCALL_EPOCHS; e++) {
		struct run_calls *c = &r->calls[e];

		*c = shapes[e];
		for (unsigned i = 0; i < OPERATIONS; i++)
			c->call[i] = (struct run_call){operations[i].number[e],
						       operations[i].command & c->command_mask, operations[i].operation};
	}
}

bool hypercall_serve(struct vcpu *v)
{
	struct vcpu_run *r = v->run;
	uint32_t number = r->gpr[GPR_RAX], command = r->gpr[GPR_RBX], a[RUN_ARGUMENTS];
	unsigned epoch = r->epoch[(r->rip >> 12) % RUN_EPOCHS];
	const struct run_calls *shape;

	if (!epoch || epoch > HYPERCALL_EPOCHS)
		return false;
	shape = &shapes[epoch - 1];
	for (unsigned i = 0; i < OPERATIONS; i++) {
		if (operations[i].number[epoch - 1] != number || !operations[i].serve ||
		    (operations[i].command ^ command) & shape->command_mask)
			continue;
		for (unsigned n = 0; n < RUN_ARGUMENTS; n++)
			a[n] = r->gpr[shape->argument[n]];
		operations[i].serve(v, a);
		return true;
	}
	return false;
}
