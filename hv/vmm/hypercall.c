// SPDX-License-Identifier: GPL-2.0-only
/* Hypercalls of the gateway that the core leaves to the VMM, by epoch: postern/hypercall.h. */
#include "clock.h"
#include <postern/hypercall.h>
#include "guest.h"

static void wide(struct vcpu_run *r, uint64_t value)
{
	r->gpr[GPR_RAX] = (uint32_t)value;
	r->gpr[GPR_RDX] = value >> 32;
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

static const struct {
	uint32_t number[HYPERCALL_EPOCHS + 1], command;
	void (*serve)(struct vcpu *v, const uint32_t *a);
} operations[] = {
#define OPERATION(name, serve) {{0, HC1_##name, HC2_##name}, HC1_##name##_COMMAND, serve}
	OPERATION(TRACE, trace),
	OPERATION(WALLCLOCK, wall_clock),
	OPERATION(WALLCLOCK_SET, wall_clock_set),
	OPERATION(AP_START, start_processor),
};

/* Where the arguments are. */
static const uint8_t arguments[HYPERCALL_EPOCHS + 1][5] = {
	[1] = {GPR_RCX, GPR_RDX, GPR_RSI, GPR_RDI, GPR_RBP},
	[2] = {GPR_RBX, GPR_RDX, GPR_RCX, GPR_RSI, GPR_RDI},
};

bool hypercall_serve(struct vcpu *v)
{
	struct vcpu_run *r = v->run;
	uint32_t number = r->gpr[GPR_RAX], command = r->gpr[GPR_RBX], a[5];
	unsigned epoch = r->epoch[(r->rip >> 12) % RUN_EPOCHS];

	if (!epoch || epoch > HYPERCALL_EPOCHS)
		return false;
	for (unsigned i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (operations[i].number[epoch] != number ||
		    (epoch == 1 && operations[i].command != command))
			continue;
		for (unsigned n = 0; n < 5; n++)
			a[n] = r->gpr[arguments[epoch][n]];
		operations[i].serve(v, a);
		return true;
	}
	return false;
}
