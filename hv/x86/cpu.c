// SPDX-License-Identifier: GPL-2.0-only
// One processor: what the core changes in it while it runs. The boot stage has set it up (hv/boot/processor.c).
#include "x86/cpu.h"
#include "core/string.h"
#include "x86/machine.h"
#include "x86/offsets.h"
#include "x86/trap.h"

_Static_assert(offsetof(struct cpu, self) == CPU_SELF, "offsets.h");
_Static_assert(offsetof(struct cpu, kernel_stack) == CPU_KERNEL_STACK, "offsets.h");
_Static_assert(offsetof(struct cpu, user_rsp) == CPU_USER_RSP, "offsets.h");
_Static_assert(offsetof(struct cpu, resched) == CPU_RESCHED, "offsets.h");
_Static_assert(offsetof(struct trap_frame, vector) == FRAME_VECTOR, "offsets.h");
_Static_assert(offsetof(struct trap_frame, cs) == FRAME_CS, "offsets.h");

#define PRED_CMD_IBPB 1

struct cpu *cpus[CONFIG_MAX_CPUS];
unsigned cpu_count;
struct cpu_features cpu_features;
uint64_t tsc_khz, entry_tsc;

void mitigation_barrier(void)
{
	if (cpu_features.ibpb)
		wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
}

void cpu_set_kernel_stack(uint64_t top)
{
	struct cpu *c = this_cpu();

	c->kernel_stack = top;
	c->tss.rsp[0] = top;
}

void cpu_set_ports(const uint8_t *bitmap)
{
	struct cpu *c = this_cpu();

	c->tss.ports_at = sizeof(c->tss) + (bitmap ? 0 : sizeof(c->ports));
	if (bitmap && c->ports_set != bitmap)
		memcpy(c->ports, bitmap, PORTS_BYTES);
	c->ports_set = bitmap ?: c->ports_set;
}

void cpu_forget_ports(void)
{
	this_cpu()->ports_set = NULL;
}
