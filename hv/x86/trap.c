// SPDX-License-Identifier: GPL-2.0-only
// Exceptions: a ring-3 fault is the task's, a ring-0 fault at a marked instruction is its error
// return, any other is ours and ends in a panic. Interrupts are counted and handed on.
#include "x86/trap.h"
#include "core/log.h"
#include "core/panic.h"
#include "core/task.h"
#include "x86/cpu.h"
#include "x86/machine.h"

#define VECTOR_NMI 2
#define VECTOR_PAGE_FAULT 14

struct extable_entry {
	int32_t at, fixup; /* relative to their own place */
};
extern const struct extable_entry _extable[], _extable_end[];

static uint64_t read_cr2(void)
{
	uint64_t v;

	__asm__ volatile("mov %%cr2, %0" : "=r"(v));
	return v;
}

// Where a marked instruction goes on after its fault; 0: it is not marked.
static uint64_t fixup_of(uint64_t rip)
{
	for (const struct extable_entry *e = _extable; e < _extable_end; e++)
		if ((uint64_t)&e->at + e->at == rip)
			return (uint64_t)&e->fixup + e->fixup;
	return 0;
}

static void user_exception(const struct trap_frame *f)
{
	uint64_t address = f->vector == VECTOR_PAGE_FAULT ? read_cr2() : 0;

	if (f->vector != VECTOR_PAGE_FAULT || !task_page_fault(address, f->error))
		task_end(current_task(), TASK_FAULTED, f->vector, address, f->rip);
}

void trap_exception(struct trap_frame *f)
{
	uint64_t fixup;

	if (f->cs & 3) {
		user_exception(f);
		return;
	}
	fixup = fixup_of(f->rip);
	if (!fixup)
		panic_trap(f);
	// A copy from or to a task touches what may not have been populated yet.
	if (f->vector != VECTOR_PAGE_FAULT || !task_page_fault(read_cr2(), f->error))
		f->rip = fixup;
}

void trap_paranoid(struct trap_frame *f)
{
	if (f->vector != VECTOR_NMI)
		panic_trap(f);
	if (machine_stopping())
		machine_halt();
	this_cpu()->nmi_at = f->rip; /* perhaps inside the log */
}

void interrupt_dispatch(struct trap_frame *f)
{
	this_cpu()->interrupts++;
	switch (f->vector) {
	case VECTOR_TIMER:
		apic_eoi();
		if (this_cpu()->nmi_at)
			log_printf("cpu %u: NMI at 0x%lx, ignored", this_cpu()->id,
				   this_cpu()->nmi_at);
		this_cpu()->nmi_at = 0;
		timer_interrupt();
		break;
	case VECTOR_CALL:
		apic_eoi();
		cpu_poll();
		break;
	case VECTOR_KICK:
		apic_eoi();
		break;
	case VECTOR_SPURIOUS:
		break;
	default:
		if (f->vector >= VECTOR_DEVICE_FIRST && f->vector <= VECTOR_DEVICE_LAST) {
			irq_vector(f->vector); /* masks a level line, so the acknowledgement comes
						  after */
			apic_eoi();
		} else {
			log_printf("cpu %u: unexpected vector 0x%lx", this_cpu()->id, f->vector);
		}
	}
}
