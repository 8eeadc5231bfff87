// SPDX-License-Identifier: GPL-2.0-only
// Panic: a state machine that survives faults of its own.
//
//	MESSAGE -> REGISTERS -> BACKTRACE -> STOP_OTHERS -> HALT
//
// Each step is left before it is taken: if it faults, the nested panic goes on with the next one.
// One CPU panics; others that try stop at once.
#include "core/panic.h"
#include "core/boot.h"
#include "core/format.h"
#include "core/log.h"
#include "core/log_ring.h"
#include "core/task.h"
#include "x86/console.h"
#include "x86/cpu.h"
#include "x86/machine.h"
#include "x86/trap.h"

enum step { STEP_NONE, STEP_MESSAGE, STEP_REGISTERS, STEP_BACKTRACE, STEP_OTHERS, STEP_HALT };

#define BACKTRACE_MAX 24
#define CORE_HALF 0xffff800000000000ull
#define NOBODY 0xffffffffu

static uint32_t owner = NOBODY;
static enum step step;
static char message[256];
static const struct trap_frame *trap;
static uint64_t first_frame, first_rip;

extern const uint32_t symbol_count, symbol_offsets[];
extern const char symbol_names[];
extern char _text[], _text_end[];

// "name+0x12" of a text address.
static const char *symbol_name(uint64_t address, uint64_t *offset)
{
	uint64_t at = address - (uint64_t)_text;
	const char *name = symbol_names, *found = "?";

	*offset = address;
	if (address < (uint64_t)_text || address >= (uint64_t)_text_end)
		return found;
	for (uint32_t i = 0; i < symbol_count && symbol_offsets[i] <= at; i++) {
		found = name;
		*offset = at - symbol_offsets[i];
		while (*name++)
			;
	}
	return found;
}

static void print_registers(void)
{
	const struct trap_frame *f = trap;
	uint64_t cr2, cr3;

	if (!f)
		return;
	__asm__ volatile("mov %%cr2, %0; mov %%cr3, %1" : "=r"(cr2), "=r"(cr3));
#define U(x) ((unsigned long long)(x))
	log_printf("  rip %04llx:%016llx rsp %04llx:%016llx rflags %06llx error %llx", U(f->cs),
		   U(f->rip), U(f->ss), U(f->rsp), U(f->rflags), U(f->error));
	log_printf("  rax %016llx rbx %016llx rcx %016llx rdx %016llx", U(f->rax), U(f->rbx),
		   U(f->rcx), U(f->rdx));
	log_printf("  rsi %016llx rdi %016llx rbp %016llx r8  %016llx", U(f->rsi), U(f->rdi),
		   U(f->rbp), U(f->r8));
	log_printf("  r9  %016llx r10 %016llx r11 %016llx r12 %016llx", U(f->r9), U(f->r10),
		   U(f->r11), U(f->r12));
	log_printf("  r13 %016llx r14 %016llx r15 %016llx", U(f->r13), U(f->r14), U(f->r15));
	log_printf("  cr2 %016llx cr3 %016llx", U(cr2), U(cr3));
#undef U
}

static void print_address(uint64_t rip)
{
	uint64_t offset;
	const char *name = symbol_name(rip, &offset);

	log_printf("  %016llx %s+0x%llx", (unsigned long long)rip, name,
		   (unsigned long long)offset);
}

// Frames must climb inside the core's half; a broken chain ends the list, and so does a fault.
static void print_backtrace(void)
{
	const uint64_t *frame = (const uint64_t *)first_frame;

	print_address(first_rip);
	for (unsigned n = 0; n < BACKTRACE_MAX; n++) {
		const uint64_t *next;

		if ((uint64_t)frame < CORE_HALF || (uint64_t)frame & 7)
			break;
		next = (const uint64_t *)frame[0];
		if (frame[1] < CORE_HALF)
			break;
		print_address(frame[1]);
		if (next <= frame)
			break;
		frame = next;
	}
}

static void take_step(enum step now)
{
	switch (now) {
	case STEP_MESSAGE:
		console_panic();
		log_break_lock();
		log_printf("PANIC on cpu %u: %s", owner, message);
		if (this_cpu()->current && this_cpu()->current->task)
			log_printf("  in task %s", this_cpu()->current->task->name);
		break;
	case STEP_REGISTERS:
		print_registers();
		break;
	case STEP_BACKTRACE:
		print_backtrace();
		break;
	case STEP_OTHERS:
		machine_stop_others();
		break;
	default:
		break;
	}
}

static _Noreturn void run(void)
{
	while (step < STEP_HALT) {
		step++;
		take_step(step);
	}
	if (boot_option_is("panic", "reset"))
		machine_reset_now();
	machine_halt();
}

// The first one owns the panic. False: it is this CPU's own panic that faulted.
static bool enter(void)
{
	uint32_t expected = NOBODY, self = this_cpu()->id;

	__asm__ volatile("cli");
	if (__atomic_compare_exchange_n(&owner, &expected, self, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return true;
	if (expected != self)
		machine_halt();
	log_break_lock();
	return false;
}

void panic(const char *format, ...)
{
	va_list args;

	if (enter()) {
		va_start(args, format);
		format_textv(message, sizeof(message), format, args);
		va_end(args);
		first_frame = *(uint64_t *)__builtin_frame_address(0);
		first_rip = (uint64_t)__builtin_return_address(0);
	}
	run();
}

void panic_trap(const struct trap_frame *f)
{
	if (enter()) {
		trap = f;
		format_text(message, sizeof(message), "%s (vector %u) in the core",
			    trap_name(f->vector), (unsigned)f->vector);
		first_frame = f->rbp;
		first_rip = f->rip;
	} else {
		log_printf("  (%s at %016llx while panicking)", trap_name(f->vector),
			   (unsigned long long)f->rip);
	}
	run();
}
