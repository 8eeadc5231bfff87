// SPDX-License-Identifier: GPL-2.0-only
/* Processor: the state after reset, INIT and STARTUP, and registers that are part of it. */
#include "processor.h"
#include <string.h>

#define MSR_TSC 0x10
#define MSR_APIC_BASE 0x1b
#define MSR_TSC_ADJUST 0x3b
#define MSR_DEBUGCTL 0x1d9
#define MSR_PAT 0x277
#define MSR_EFER 0xc0000080
#define MSR_TSC_AUX 0xc0000103

#define CR0_ET (1ull << 4)
#define CR0_CACHE (3ull << 29) /* CD and NW */
#define CR0_PG (1ull << 31)
#define EFER_LME (1ull << 8)
#define EFER_LMA (1ull << 10)
#define EFER_WRITABLE 0x4901ull /* SCE, LME, NXE, FFXSR */
#define DEBUGCTL_BTF (1ull << 1)
#define DEBUGCTL_LBR (1ull << 0)

#define APIC_PAGE 0xfee00000ull
#define APIC_FIRST (1ull << 8)
#define APIC_X2 (1ull << 10)
#define APIC_ON (1ull << 11)
#define APIC_DFR 0xe
#define APIC_SVR 0xf
#define APIC_LVT_FIRST 0x32
#define APIC_LVT_LINT0 0x35
#define APIC_LVT_LAST 0x37
#define LVT_MASKED 0x10000
#define LVT_EXTINT 0x700

#define FPU_FCW 0
#define FPU_MXCSR 24
#define FPU_HEADER 512 /* which components are not in their initial state */

/* What INIT sets, too. */
static void registers(struct vcpu_state *s)
{
	const struct segment data = {.attributes = 0x93, .limit = 0xffff};

	memset(s->gpr, 0, sizeof(s->gpr));
	s->gpr[GPR_RDX] = 0x600; /* family 6 or above: what code that looks at it expects */
	s->rip = 0xfff0;
	s->rflags = 2;
	s->cr0 = (s->cr0 & CR0_CACHE) | CR0_ET;
	s->cr2 = s->cr3 = s->cr4 = s->cr8 = s->efer = 0;
	memset(s->dr, 0, sizeof(s->dr));
	s->dr6 = 0xffff0ff0;
	s->dr7 = 0x400;
	for (unsigned i = SEG_ES; i <= SEG_GS; i++)
		s->seg[i] = data;
	s->seg[SEG_CS] = (struct segment){0xf000, 0x9b, 0xffff, 0xffff0000};
	s->seg[SEG_LDTR] = (struct segment){.attributes = 0x82, .limit = 0xffff};
	s->seg[SEG_TR] = (struct segment){.attributes = 0x8b, .limit = 0xffff};
	s->gdt_base = s->idt_base = 0;
	s->gdt_limit = s->idt_limit = 0xffff;
	s->pending_type = s->interrupt_shadow = s->nmi_pending = s->nmi_blocked = 0;
	memset(s->alarm, 0, sizeof(s->alarm));
}

/* But for its mode, which INIT keeps. */
static void reset_apic(struct vcpu_state *s)
{
	memset(s->apic, 0, sizeof(s->apic));
	for (unsigned i = APIC_LVT_FIRST; i <= APIC_LVT_LAST; i++)
		s->apic[i] = LVT_MASKED;
	s->apic[APIC_DFR] = 0xffffffff;
	s->apic[APIC_SVR] = 0xff;
	s->tsc_deadline = s->timer_expiry = 0;
}

void processor_reset(struct vcpu_state *s, unsigned number)
{
	static const uint32_t mxcsr = 0x1f80;

	memset(s, 0, sizeof(*s));
	s->version = VCPU_STATE_VERSION;
	s->bytes = sizeof(*s);
	s->valid = STATE_REGS | STATE_SYSTEM | STATE_EVENTS | STATE_APIC | STATE_TIME | STATE_FPU |
		   STATE_ACTIVITY;
	s->activity = number ? VCPU_WAIT_SIPI : VCPU_RUNNABLE;
	s->cr0 = CR0_CACHE;
	registers(s);
	s->pat = 0x0007040600070406;
	s->tsc_aux = number; /* as the gateway ROM wants it */
	s->xcr0 = 1;
	s->fpu[FPU_FCW] = 0x40;
	memcpy(s->fpu + FPU_MXCSR, &mxcsr, sizeof(mxcsr));
	s->fpu[FPU_HEADER] = 3; /* but these two */
	s->apic_base = APIC_PAGE | APIC_ON | (number ? 0 : APIC_FIRST);
	reset_apic(s);
	/* As firmware leaves it for those who start without any: the PIC's line comes through
	 * (virtual wire). */
	if (!number)
		s->apic[APIC_LVT_LINT0] = LVT_EXTINT;
}

void processor_init(struct vcpu_state *s, unsigned number)
{
	registers(s);
	reset_apic(s);
	s->activity = number ? VCPU_WAIT_SIPI : VCPU_RUNNABLE;
	s->valid = STATE_REGS | STATE_SYSTEM | STATE_EVENTS | STATE_APIC | STATE_ACTIVITY;
}

void processor_startup(struct vcpu_state *s, uint8_t vector)
{
	s->seg[SEG_CS] = (struct segment){vector << 8, 0x9b, 0xffff, (uint64_t)vector << 12};
	s->rip = 0;
	s->activity = VCPU_RUNNABLE;
	s->valid = STATE_REGS | STATE_SYSTEM | STATE_ACTIVITY;
}

bool processor_has_msr(uint32_t index)
{
	return index == MSR_TSC || index == MSR_TSC_ADJUST || index == MSR_APIC_BASE || index == MSR_DEBUGCTL || index == MSR_PAT ||
	       index == MSR_EFER || index == MSR_TSC_AUX;
}

uint64_t processor_read_msr(const struct vcpu_state *s, uint32_t index)
{
	return index == MSR_TSC		? s->tsc
	       : index == MSR_TSC_ADJUST ? s->tsc_adjust
	       : index == MSR_APIC_BASE	? s->apic_base
	       : index == MSR_DEBUGCTL	? s->debugctl
	       : index == MSR_PAT	? s->pat
	       : index == MSR_EFER	? s->efer
					: s->tsc_aux;
}

/* The page does not move; nobody moves it. */
static bool write_apic_base(struct vcpu_state *s, uint64_t value)
{
	uint64_t mode = value & (APIC_ON | APIC_X2), old = s->apic_base & (APIC_ON | APIC_X2);

	if ((value & ~(APIC_ON | APIC_X2 | APIC_FIRST)) != APIC_PAGE || mode == APIC_X2 ||
	    (!old && mode == (APIC_ON | APIC_X2)) || (old & APIC_X2 && mode == APIC_ON))
		return false;
	s->apic_base = APIC_PAGE | mode | (s->apic_base & APIC_FIRST);
	s->valid = mode ? STATE_APIC_BASE : STATE_APIC;
	if (!mode)
		reset_apic(s);
	return true;
}

/* Eight memory types, each of 0, 1, 4, 5, 6, 7. */
static bool pat_valid(uint64_t pat)
{
	for (; pat; pat >>= 8)
		if ((pat & 0xff) > 7 || (pat & 0xff) == 2 || (pat & 0xff) == 3)
			return false;
	return true;
}

bool processor_write_msr(struct vcpu_state *s, uint32_t index, uint64_t value)
{
	bool good = true;

	s->valid = STATE_SYSTEM;
	switch (index) {
	case MSR_TSC: /* moves TSC_ADJUST by the same amount (SDM 3, 17.17.3) */
		s->tsc_adjust += value - s->tsc;
		s->valid = STATE_TSC_ADJUST;
		break;
	case MSR_TSC_ADJUST:
		s->tsc_adjust = value;
		s->valid = STATE_TSC_ADJUST;
		break;
	case MSR_APIC_BASE:
		return write_apic_base(s, value);
	case MSR_EFER:
		good = !(value & ~(EFER_WRITABLE | EFER_LMA)) &&
		       !(s->cr0 & CR0_PG && (value ^ s->efer) & EFER_LME);
		s->efer = (value & ~EFER_LMA) | (s->efer & EFER_LMA);
		break;
	case MSR_PAT:
		good = pat_valid(value);
		s->pat = value;
		break;
	case MSR_DEBUGCTL: /* branch records are not virtualised: only BTF goes through */
		good = !(value & ~(DEBUGCTL_LBR | DEBUGCTL_BTF));
		s->debugctl = value & DEBUGCTL_BTF;
		break;
	case MSR_TSC_AUX:
		good = !(value >> 32);
		s->tsc_aux = value;
		break;
	}
	return good;
}
