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
#include "x86/cpu.h"
#include "x86/machine.h"
#include "x86/serial.h"
#include "x86/trap.h"

#define BACKTRACE_MAX 24
#define CORE_HALF 0xffff800000000000ull
#define NOBODY 0xffffffffu

static uint32_t owner = NOBODY;
static unsigned step;
static char message[256];
static const struct trap_frame *trap;
static uint64_t first_frame, first_rip;

extern const uint32_t symbol_count, symbol_offsets[];
extern const char symbol_names[];
extern char _text[], _text_end[];

static void print_message(void)
{
	serial_panic();
	log_break_lock();
	log_printf("PANIC on cpu %u: %s", owner, message);
	if (this_cpu()->current && this_cpu()->current->task)
		log_printf("  in task %s", this_cpu()->current->task->name);
}

static void print_registers(void)
{
	static const char names[][4] = {"r15", "r14", "r13", "r12", "r11", "r10", "r9 ", "r8 ",
					"rbp", "rdi", "rsi", "rdx", "rcx", "rbx", "rax"};
	const struct trap_frame *f = trap;
	const uint64_t *r = &f->r15;
	uint64_t cr2, cr3;

	if (!f)
		return;
	__asm__ volatile("mov %%cr2, %0; mov %%cr3, %1" : "=r"(cr2), "=r"(cr3));
	log_printf("  rip %04lx:%016lx rsp %04lx:%016lx rflags %06lx error %lx", f->cs, f->rip,
		   f->ss, f->rsp, f->rflags, f->error);
	for (int i = 14; i > 0; i -= 3)
		log_printf("  %s %016lx %s %016lx %s %016lx", names[i], r[i], names[i - 1],
			   r[i - 1], names[i - 2], r[i - 2]);
	log_printf("  cr2 %016lx cr3 %016lx", cr2, cr3);
}

// As "name+0x12".
static void print_address(uint64_t address)
{
	const char *name = symbol_names, *found = "?";
	uint64_t at = address - (uint64_t)_text, base = 0;

	for (uint32_t i = 0;
	     at < (uint64_t)(_text_end - _text) && i < symbol_count && symbol_offsets[i] <= at;
	     i++) {
		found = name;
		base = symbol_offsets[i];
		while (*name++)
			;
	}
	log_printf("  %016lx %s+0x%lx", address, found, at - base);
}

// Frames must climb inside the core's half; a broken chain ends the list, and so does a fault.
// Where a call returns to may be the next function's first byte, if it does not return: the byte before is the caller's.
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
		print_address(frame[1] - 1);
		if (next <= frame)
			break;
		frame = next;
	}
}

static void (*const steps[])(void) = {print_message, print_registers, print_backtrace,
				      machine_stop_others};

static _Noreturn void run(void)
{
	while (step < sizeof(steps) / sizeof(steps[0]))
		steps[step++]();
	// Without a serial port nobody has seen it: the boot stage shows the log's last words on the screen.
	if (boot_facts.choices & BOOT_PANIC_RESET || !serial_there())
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
		first_rip = (uint64_t)__builtin_return_address(0) - 1;
	}
	run();
}

void panic_trap(const struct trap_frame *f)
{
	if (enter()) {
		trap = f;
		format_text(message, sizeof(message), "exception %lu in the core", f->vector);
		first_frame = f->rbp;
		first_rip = f->rip;
	} else {
		log_printf("  (exception %lu at %016lx while panicking)", f->vector, f->rip);
	}
	run();
}
