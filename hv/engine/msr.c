// SPDX-License-Identifier: GPL-2.0-only
// MSRs that the core answers: APIC, time, and a few that every kernel touches on its way up. What
// lives in the engine's state is the engine's; the rest goes to the VMM, which has the policy for
// it.
#include "engine/engine.h"


/* Read as a constant; writes are ignored where `write` says so, else they fault. */
static const struct constant {
	uint32_t index;
	bool write;
	uint64_t value;
} constants[] = {
	{0x00000017, false, 0},		    /* platform id */
	{MSR_PATCH_LEVEL, true, 0x1000065}, /* microcode: none to load */
	{0x00000179, false, 0},		    /* MCG_CAP: no bank */
	{0x0000017a, true, 0},		    /* MCG_STATUS */
	{0xc0010010, true, 0},		    /* SYSCFG: no memory encryption */
	{0xc0010015, true, 1 << 24},	    /* HWCR: TSC runs at P0 frequency */
	{0xc0010055, true, 0},		    /* interrupt pending messages: off */
	{0xc0011029, true, 2},		    /* DE_CFG: LFENCE is serialising */
	{0xc0010114, false, 1 << 4},	    /* VM_CR: no SVM in the guest */
};

static enum msr_answer change_adjust(struct vcpu *v, uint64_t adjust)
{
	v->tsc_adjust = adjust;
	v->vm->engine->time_changed(v);
	if (v->apic.deadline)
		vapic_timer_deadline(v, v->apic.deadline);
	return MSR_OK;
}

static const struct constant *constant_of(uint32_t index)
{
	for (unsigned i = 0; i < sizeof(constants) / sizeof(constants[0]); i++)
		if (constants[i].index == index)
			return &constants[i];
	return NULL;
}

static enum msr_answer count(struct vcpu *v, enum exit_count kind, enum msr_answer answer)
{
	v->exits[answer == MSR_VMM ? COUNT_MSR_VMM : kind]++;
	return answer;
}

static enum msr_answer read_rest(struct vcpu *v, uint32_t index, uint64_t *value)
{
	const struct constant *constant;

	switch (index) {
	case MSR_APIC_BASE:
		*value = v->apic.base;
		return MSR_OK;
	case MSR_TSC_AUX:
		*value = v->tsc_aux;
		return MSR_OK;
	default:
		break;
	}
	constant = constant_of(index);
	if (!constant)
		return (enum msr_answer)v->vm->engine->read_msr(v, index, value);
	*value = constant->value;
	return MSR_OK;
}

enum msr_answer msr_read(struct vcpu *v, uint32_t index, uint64_t *value)
{
	if (index - MSR_X2APIC_FIRST <= MSR_X2APIC_LAST - MSR_X2APIC_FIRST) {
		v->exits[COUNT_MSR_APIC]++;
		return (enum msr_answer)vapic_read_msr(v, index, value);
	}
	switch (index) {
	case MSR_TSC_DEADLINE:
		*value = v->apic.deadline;
		break;
	case MSR_TSC:
		*value = vcpu_tsc(v);
		break;
	case MSR_TSC_ADJUST:
		*value = v->tsc_adjust;
		break;
	default:
		return count(v, COUNT_MSR_CORE, read_rest(v, index, value));
	}
	v->exits[COUNT_MSR_TIMER]++;
	return MSR_OK;
}

static enum msr_answer write_rest(struct vcpu *v, uint32_t index, uint64_t value)
{
	const struct constant *constant;

	switch (index) {
	case MSR_APIC_BASE:
		return (enum msr_answer)vapic_write_base(v, value);
	case MSR_TSC_AUX:
		if (value >> 32)
			return MSR_FAULT;
		v->tsc_aux = value;
		if (cpu_features.rdtscp)
			wrmsr(MSR_TSC_AUX, value);
		return MSR_OK;
	default:
		break;
	}
	constant = constant_of(index);
	if (!constant)
		return (enum msr_answer)v->vm->engine->write_msr(v, index, value);
	return constant->write ? MSR_OK : MSR_FAULT;
}

enum msr_answer msr_write(struct vcpu *v, uint32_t index, uint64_t value)
{
	if (index - MSR_X2APIC_FIRST <= MSR_X2APIC_LAST - MSR_X2APIC_FIRST) {
		v->exits[COUNT_MSR_APIC]++;
		return (enum msr_answer)vapic_write_msr(v, index, value);
	}
	switch (index) {
	case MSR_TSC_DEADLINE:
		v->exits[COUNT_MSR_TIMER]++;
		vapic_timer_deadline(v, value);
		return MSR_OK;
	case MSR_TSC:
		/* A write moves TSC_ADJUST by the same amount (SDM 3, 17.17.3). */
		v->exits[COUNT_MSR_TIMER]++;
		return change_adjust(v, v->tsc_adjust + value - vcpu_tsc(v));
	case MSR_TSC_ADJUST:
		v->exits[COUNT_MSR_TIMER]++;
		return change_adjust(v, value);
	default:
		return count(v, COUNT_MSR_CORE, write_rest(v, index, value));
	}
}
