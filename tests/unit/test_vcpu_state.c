// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/engine/state.c hv/engine/svm_state.c */
/* A virtual processor's state: everything out and in again, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <postern/errno.h>
#include "engine/svm.h"

static struct vmcb vmcb;
static struct svm_vcpu s;
static struct vcpu *v = &s.vcpu;
static struct vm vm;
static struct vcpu_run run;
static uint8_t area[4096];
static uint64_t now;
static struct event_info injected;
static uint64_t alarms[6];

uint64_t rdtsc(void)
{
	return now;
}
void svm_withdraw(struct svm_vcpu *vcpu)
{
}
void svm_inject(struct vcpu *vcpu, const struct event_info *e, uint64_t address)
{
	injected = *e;
	vmcb_set(&vmcb, event,
		 (union vmcb_event){.vector = e->vector,
				    .type = e->type,
				    .has_error = e->has_error,
				    .error = e->error,
				    .valid = 1}
			 .raw);
}
unsigned svm_cr8(struct vcpu *vcpu)
{
	return ((union vmcb_vintr){vmcb_get(&vmcb, vintr)}).tpr & 15;
}
void svm_set_cr8(struct vcpu *vcpu, unsigned cr8)
{
	union vmcb_vintr vintr = {vmcb_get(&vmcb, vintr)};

	vintr.tpr = cr8 & 15;
	vmcb_set(&vmcb, vintr, vintr.raw);
}
uint32_t vapic_read(struct vcpu *vcpu, unsigned offset)
{
	return offset == APIC_TPR ? svm_cr8(v) << 4 : v->apic.reg[offset / 16];
}
void vapic_withdraw(struct vcpu *vcpu)
{
}
void vapic_forget(struct vcpu *vcpu)
{
}
bool fpu_takes_xcr0(uint64_t xcr0)
{
	return xcr0 != 99;
}

void vapic_settle(struct vcpu *vcpu)
{
}
void alarm_get(const struct vcpu *vcpu, struct vcpu_state *state)
{
	memcpy(state->alarm, alarms, sizeof(state->alarm));
	state->stolen = v->stolen;
}
void alarm_restore(struct vcpu *vcpu, const struct vcpu_state *state)
{
	memcpy(alarms, state->alarm, sizeof(state->alarm));
	v->stolen = state->stolen;
}
uint64_t vapic_deadline(const struct vcpu *vcpu)
{
	return v->apic.deadline;
}
void vapic_timer_restore(struct vcpu *vcpu, uint64_t expiry, uint64_t deadline)
{
	v->timer[VTIMER_APIC].expiry = expiry;
	v->apic.deadline = deadline;
}
void fpu_set_area(struct vcpu *vcpu, const uint8_t *from, uint64_t xcr0)
{
	memcpy(v->fpu, from, sizeof(((struct vcpu_state *)0)->fpu));
	v->xcr0 = xcr0;
}
static void interrupt(struct vcpu *vcpu, unsigned vector)
{
}

static const struct engine stub = {
	.interrupt = interrupt,
	.get_state = svm_get_state,
	.set_state = svm_set_state,
	.cr8 = svm_cr8,
	.set_cr8 = svm_set_cr8,
};

static int setup(void **state)
{
	memset(&vmcb, 0, sizeof(vmcb));
	memset(&s, 0, sizeof(s));
	memset(&run, 0, sizeof(run));
	memset(&vm, 0, sizeof(vm));
	s.vmcb = &vmcb;
	vm.engine = &stub;
	v->vm = &vm;
	v->run = &run;
	v->fpu = area;
	now = 5000;
	return 0;
}

/* All of a made-up state goes in and comes out again. */
static void round_trip(void **state)
{
	static struct vcpu_state in, out;
	uint8_t *bytes = (uint8_t *)&in;

	for (size_t i = 0; i < sizeof(in); i++)
		bytes[i] = (uint8_t)(i * 37 + 11);
	in.version = VCPU_STATE_VERSION;
	in.bytes = sizeof(in);
	in.valid = STATE_REGS | STATE_SYSTEM | STATE_EVENTS | STATE_APIC | STATE_TIME | STATE_FPU |
		   STATE_ACTIVITY;
	in.activity = VCPU_HALTED;
	in.rflags = 0x246;
	in.cr0 |= CR0_ET;
	in.efer &= ~EFER_SVME;
	in.cr8 = 9;
	in.apic[APIC_TPR / 16] = 0x90;
	in.apic_base = 0xfee00d00;
	in.tsc_deadline = 0; /* one or the other */
	for (unsigned first = 0x10; first <= 0x20; first += 8)
		in.apic[first] &= 0xffff0000;
	in.pending_type = 1 + EVENT_EXCEPTION;
	in.pending_vector = 14;
	in.pending_has_error = 1;
	in.interrupt_shadow = 1;
	in.nmi_pending = 1;
	in.nmi_blocked = 1;
	in.extint = 0;
	memset(in.pad, 0, sizeof(in.pad));
	assert_int_equal(vcpu_set_state(v, &in), 0);
	assert_true(vmcb.f_efer & EFER_SVME);
	assert_true(vmcb.f_intercept[0] & INTERCEPT(VMEXIT_IRET));
	assert_int_equal(v->requests, REQ_EVENT);
	assert_int_equal(vcpu_get_state(v, &out), 0);
	assert_memory_equal(&in, &out, sizeof(in));
	now += 1000; /* time goes on */
	assert_int_equal(vcpu_get_state(v, &out), 0);
	assert_int_equal(out.tsc, in.tsc + 1000);
}

static void parts(void **state)
{
	static struct vcpu_state in = {
		.version = VCPU_STATE_VERSION, .bytes = sizeof(in), .valid = STATE_REGS};

	vmcb.f_cr3 = 0x1000;
	in.rip = 0x100000;
	in.cr3 = 0x2000;
	assert_int_equal(vcpu_set_state(v, &in), 0);
	assert_int_equal(vmcb.f_rip, 0x100000);
	assert_int_equal(vmcb.f_cr3, 0x1000);
	in.valid = STATE_APIC_BASE; /* the mode, and no register */
	in.apic_base = 0xfee00c00;
	v->apic.reg[APIC_IRR / 16] = 1 << 20;
	v->requests = REQ_SIPI;
	assert_int_equal(vcpu_set_state(v, &in), 0);
	assert_int_equal(v->apic.base, 0xfee00d00);
	assert_int_equal(v->apic.reg[APIC_IRR / 16], 1 << 20);
	assert_int_equal(v->requests, REQ_SIPI | REQ_EVENT);
	v->number = 3; /* not the one that sets the guest's TSC */
	vm.tsc_offset = 50;
	in = (struct vcpu_state){
		.version = VCPU_STATE_VERSION, .bytes = sizeof(in), .valid = STATE_TIME};
	in.tsc = 1;
	in.tsc_adjust = 7;
	v->requests = REQ_SIPI | REQ_INIT | REQ_FLUSH; /* of before */
	assert_int_equal(vcpu_set_state(v, &in), 0);
	assert_int_equal(v->requests, REQ_FLUSH | REQ_EVENT);
	assert_int_equal(vm.tsc_offset, 50);
	assert_int_equal(v->tsc_adjust, 7);
	in.valid = STATE_TSC_ADJUST;
	in.tsc_adjust = 8;
	v->requests = REQ_SIPI;
	assert_int_equal(vcpu_set_state(v, &in), 0);
	assert_int_equal(v->tsc_adjust, 8);
	assert_int_equal(v->requests, REQ_SIPI | REQ_EVENT);
}

static void refused(void **state)
{
	static struct vcpu_state in = {.version = VCPU_STATE_VERSION, .bytes = sizeof(in)};

	in.version++;
	assert_int_equal(vcpu_set_state(v, &in), -EINVAL);
	in.version--;
	in.bytes--;
	assert_int_equal(vcpu_set_state(v, &in), -EINVAL);
	in.bytes++;
	in.valid = STATE_ACTIVITY;
	in.activity = VCPU_SHUTDOWN + 1;
	assert_int_equal(vcpu_set_state(v, &in), -EINVAL);
	in.valid = STATE_FPU;
	in.xcr0 = 99;
	assert_int_equal(vcpu_set_state(v, &in), -EINVAL);
	in.valid = STATE_EVENTS;
	in.pending_type = 6;
	assert_int_equal(vcpu_set_state(v, &in), -EINVAL);
}

/* What the VMM gives back after an exit. */
static void taken(void **state)
{
	vmcb.f_rip = 0x100;
	vmcb.f_shadow = 1;
	run.rip = 0x100;
	run.rflags = ~0ull;
	run.gpr[GPR_RAX] = 5;
	svm_take(v);
	assert_int_equal(vmcb.f_shadow, 1); /* same place: still in the shadow */
	assert_int_equal(vmcb.f_rax, 5);
	assert_int_equal(vmcb.f_rflags & ~0x3f7fd7ull, 0);
	run.rip = 0x102;
	svm_take(v);
	assert_int_equal(vmcb.f_shadow, 0);
	vmcb.f_cpl = 3;
	vmcb.f_efer = 0x1d01;
	svm_exit_state(v, true);
	assert_int_equal(run.cpl, 3);
	assert_int_equal(run.efer, 0xd01);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(round_trip, setup),
		cmocka_unit_test_setup(parts, setup),
		cmocka_unit_test_setup(refused, setup),
		cmocka_unit_test_setup(taken, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
