// SPDX-License-Identifier: GPL-2.0-only
// Stand-ins, weak, for the parts of the core that bring-up can do without.
#include "core/boot.h"
#include "core/log.h"
#include "core/sched.h"
#include "core/task.h"
#include "x86/cpu.h"
#include "x86/machine.h"
#include "x86/trap.h"

#define WEAK __attribute__((weak))

WEAK char syscall_entry[1];
WEAK struct spinlock core_lock;
WEAK int sched_check(void)
{
	return 0;
}
WEAK void timer_interrupt(void)
{
}
WEAK void irq_vector(unsigned vector)
{
}
WEAK void task_end(struct task *task, enum task_end how, int64_t detail, uint64_t address, uint64_t rip)
{
	panic("a task without tasks");
}
WEAK bool task_page_fault(uint64_t address, uint64_t error, uint64_t rip)
{
	return false;
}
WEAK void core_start(struct boot_info *info)
{
	log_printf("boot: up, %u CPUs, nothing to run", info->cpus);
	machine_halt();
}
WEAK void core_start_cpu(void)
{
	machine_halt();
}
