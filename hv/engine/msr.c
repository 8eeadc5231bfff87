// SPDX-License-Identifier: GPL-2.0-only
// MSRs that the core answers: the virtual APIC's and time. Those that the guest's kernel uses all the
// time it has to itself; what is left goes to the VMM, which has the policy for it.
#include "engine/engine.h"

static enum msr_answer change_adjust(struct vcpu *v, uint64_t adjust)
{
	v->tsc_adjust = adjust;
	v->vm->engine->time_changed(v);
	if (v->apic.deadline)
		vapic_timer_deadline(v, v->apic.deadline);
	return MSR_OK;
}

static bool is_apic(uint32_t index)
{
	return index - MSR_X2APIC_FIRST <= MSR_X2APIC_LAST - MSR_X2APIC_FIRST;
}

static enum msr_answer read_time(struct vcpu *v, uint32_t index, uint64_t *value)
{
	switch (index) {
	case MSR_TSC_DEADLINE:
		*value = v->apic.deadline;
		return MSR_OK;
	case MSR_TSC:
		*value = vcpu_tsc(v);
		return MSR_OK;
	case MSR_TSC_ADJUST:
		*value = v->tsc_adjust;
		return MSR_OK;
	default:
		return MSR_VMM;
	}
}

static enum msr_answer write_time(struct vcpu *v, uint32_t index, uint64_t value)
{
	switch (index) {
	case MSR_TSC_DEADLINE:
		vapic_timer_deadline(v, value);
		return MSR_OK;
	case MSR_TSC: /* moves TSC_ADJUST by the same amount (SDM 3, 17.17.3) */
		return change_adjust(v, v->tsc_adjust + value - vcpu_tsc(v));
	case MSR_TSC_ADJUST:
		return change_adjust(v, value);
	default:
		return MSR_VMM;
	}
}

enum msr_answer msr_access(struct vcpu *v, uint32_t index, bool write, uint64_t *value)
{
	enum msr_answer answer;

	if (is_apic(index)) {
		v->exits[COUNT_MSR_APIC]++;
		return write ? vapic_write_msr(v, index, *value) : vapic_read_msr(v, index, value);
	}
	answer = write ? write_time(v, index, *value) : read_time(v, index, value);
	v->exits[answer == MSR_VMM ? COUNT_MSR_VMM : COUNT_MSR_TIMER]++;
	return answer;
}
