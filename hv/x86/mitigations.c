// SPDX-License-Identifier: GPL-2.0-only
// Speculation: what this processor needs and offers. Retpolines are compiled in (hv/x86/thunks.S),
// the engine refills the return-stack buffer after an exit when rsb_fill says so; MSR-driven
// controls are set here. Boot option: mitigations=off | auto.
//
// Not covered: returns trained by others on AMD family 17h and 19h (Retbleed, Inception), which
// need a barrier at every entry; Meltdown and MDS on Intel, which need a page table of ring 3's own
// and VERW.
#include "core/boot.h"
#include "core/log.h"
#include "core/unit.h"
#include "x86/cpu.h"
#include "x86/machine.h"

#define SPEC_CTRL_IBRS (1 << 0)
#define SPEC_CTRL_STIBP (1 << 1)
#define PRED_CMD_IBPB 1
#define ARCH_CAP_IBRS_ALL (1 << 1) /* set once, it holds for all entries */

static uint64_t spec_ctrl;
static bool automatic_ibrs;
extern const uint8_t retpolines_built; /* hv/x86/thunks.S */

// AMD: 8000_0008 EBX, 8000_0021 EAX (APM 3); Intel: 7 EDX (SDM 2A).
static void detect(struct cpu_features *f)
{
	uint32_t amd = cpuid_leaf(0x80000008).ebx, intel = cpuid_leaf(7).edx;
	uint64_t capabilities = 0;

	if (intel & 1u << 29)
		rdmsr_safe(MSR_ARCH_CAPABILITIES, &capabilities);
	f->ibpb = amd & 1u << 12 || intel & 1u << 26;
	f->ibrs = capabilities & ARCH_CAP_IBRS_ALL;
	f->stibp = amd & 1u << 15 || intel & 1u << 27;
	f->rsb_fill = true;
	automatic_ibrs = cpuid_leaf(0x80000021).eax & 1u << 8;
}

static int mitigations_init(void)
{
	struct cpu_features *f = &cpu_features;

	if (boot_option_is("mitigations", "off"))
		return 0;
	detect(f);
	// Retpolines cover the core's own indirect jumps, so IBRS is used only where it costs no
	// MSR write at each entry. STIBP shields siblings; it is set once. SSBD would slow ring 3,
	// where no task runs code that it does not trust; it is the guests' to use.
	spec_ctrl = (f->stibp ? SPEC_CTRL_STIBP : 0) | (f->ibrs ? SPEC_CTRL_IBRS : 0);
	return 0;
}

static void mitigations_cpu_init(void)
{
	if (spec_ctrl && wrmsr_safe(MSR_SPEC_CTRL, spec_ctrl))
		log_printf("cpu %u: SPEC_CTRL refuses %lx", this_cpu()->id, spec_ctrl);
	if (automatic_ibrs)
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_AUTOMATIC_IBRS);
}
UNIT(mitigations, UNIT_TABLES, false, mitigations_init, mitigations_cpu_init, NULL);

void mitigation_barrier(void)
{
	if (cpu_features.ibpb)
		wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
}

int mitigation_line(char *out, unsigned size)
{
	const struct cpu_features *f = &cpu_features;

	return format_text(out, size, "mitigations: retpolines %s%s%s%s%s",
			   retpolines_built ? "built in" : "not built",
			   f->rsb_fill ? ", RSB fill" : "", f->ibpb ? ", IBPB between guests" : "",
			   f->stibp ? ", STIBP" : "",
			   automatic_ibrs || f->ibrs ? ", IBRS always on" : "");
}
