// SPDX-License-Identifier: GPL-2.0-only
// Speculation: retpolines are compiled in (hv/x86/thunks.S), the engine refills the return-stack buffer after an exit
// when rsb_fill says so; MSR-driven controls are set here. The boot stage has chosen (hv/boot/cpu.c; boot option
// mitigations=off | auto).
//
// Not covered: returns trained by others on AMD family 17h and 19h (Retbleed, Inception), which
// need a barrier at every entry; Meltdown and MDS on Intel, which need a page table of ring 3's own
// and VERW.
#include "core/log.h"
#include "core/unit.h"
#include "x86/cpu.h"
#include "x86/machine.h"

#define SPEC_CTRL_IBRS (1 << 0)
#define SPEC_CTRL_STIBP (1 << 1)
#define PRED_CMD_IBPB 1

// Retpolines cover the core's own indirect jumps, so IBRS is used only where it costs no
// MSR write at each entry. STIBP shields siblings; it is set once. SSBD would slow ring 3,
// where no task runs code that it does not trust; it is the guests' to use.
static void mitigations_cpu_init(void)
{
	const struct cpu_features *f = &cpu_features;
	uint64_t control = (f->stibp ? SPEC_CTRL_STIBP : 0) | (f->ibrs ? SPEC_CTRL_IBRS : 0);

	if (control && wrmsr_safe(MSR_SPEC_CTRL, control))
		log_printf("cpu %u: SPEC_CTRL refuses %lx", this_cpu()->id, control);
	if (f->automatic_ibrs)
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_AUTOMATIC_IBRS);
}
UNIT(mitigations, UNIT_TABLES, false, NULL, mitigations_cpu_init, NULL);

void mitigation_barrier(void)
{
	if (cpu_features.ibpb)
		wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
}
