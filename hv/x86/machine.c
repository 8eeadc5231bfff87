// SPDX-License-Identifier: GPL-2.0-only
// The machine as a whole: reset, halt.
#include "x86/machine.h"
#include "core/boot.h"
#include "core/log.h"
#include "core/unit.h"
#include "x86/cpu.h"
#include "x86/io.h"

#define RESET_WAIT 10000000 /* TSC ticks between two ways */

static void wait(void)
{
	uint64_t end = rdtsc() + RESET_WAIT;

	while (rdtsc() < end)
		__builtin_ia32_pause();
}

// The boot stage has read the FADT: a port, or a byte in memory.
static void reset_by_fadt(void)
{
	uint64_t at = boot_facts.reset_at;

	if (at > 0xffff)
		*(volatile uint8_t *)at = boot_facts.reset_value;
	else if (at)
		outb(at, boot_facts.reset_value);
	wait();
}

void machine_reset_now(void)
{
	const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) no_idt = {0, 0};

	__asm__ volatile("cli");
	reset_by_fadt();
	outb(0xcf9, 0x02); /* PIIX and ICH: hard reset, then go */
	outb(0xcf9, 0x06);
	wait();
	if (!boot_facts.no_i8042)
		outb(0x64, 0xfe); /* i8042 pulses the reset line */
	wait();
	__asm__ volatile("lidt %0; ud2" : : "m"(no_idt));
	machine_halt();
}

void machine_reset(void)
{
	log_printf("machine: reset");
	units_shutdown();
	machine_reset_now();
}

void machine_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}
