/* SPDX-License-Identifier: GPL-2.0-only */
/* The stage's parts, in the order in which main.c calls them. What reads foreign bytes is in pure files: multiboot.c,
 * acpi.c, iommu_tables.c, ram.c, plan.c, ring.c, option.c. */
#ifndef BOOT_STAGE_H
#define BOOT_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "boot/record.h"
#include "boot/ap.h"
#include "boot/registers.h"
#include "core/log.h"
#include "core/log_ring.h"

extern struct boot_record record; /* what becomes of it all */

/* Entry 1 write-combining, 2 and 3 uncached, the upper half as after reset (APM 2, 7.8): hv/x86/paging.c. */
#define PAT_VALUE 0x0007040600000106ull

/* console.c: log_printf and panic (hv/core/log.h) as the core has them; lines go to serial port and screen, and are
 * kept until there is a ring. */
void console_ring(struct log_ring *ring);
void console_show(const char *text, size_t length); /* not into the ring */
void console_replay(void (*to)(const char *text, size_t length));

static inline struct cpuid_result cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_result r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

/* screen.c: VGA text, which is at hand, then the loader's framebuffer where there is one. */
void screen_init(void);
void screen_framebuffer(const struct boot_info *info);
void screen_write(const char *text, size_t length);
bool screen_there(void);
int screen_text(char *out, size_t size); /* what it is, in words */

/* map.c: physical memory is mapped to itself below 4 GiB; this makes it so for other places. NULL: it cannot be. */
void *map(uint64_t phys, uint64_t bytes);
void *map_writecomb(uint64_t phys, uint64_t bytes);
void map_init(void);
void map_exceptions(void); /* this processor's end the boot with a sentence */
void map_core(void); /* the upper half is as the core's page tables have it */

void cpu_detect(struct cpu_features *f); /* panics when this processor cannot run the core */
const char *cpu_engine(struct svm_features *f);
int cpu_mitigations(struct cpu_features *f, char *out, size_t size); /* and a line about them */

void iommu_start(void); /* those that the tables name; the pool known, their registers where they are */

void tables_read(void); /* ACPI's tables into the record */
/* apic.c: APIC or x2APIC, IO-APICs silent; then of each processor its own, its id. */
void apic_find(void);
uint32_t apic_setup(void);
uint32_t apic_get(unsigned reg);
void apic_set(unsigned reg, uint32_t value);
void apic_start(uint32_t apic_id, uint32_t command); /* INIT, STARTUP */
bool apic_reaches(uint32_t apic_id); /* without x2APIC only 255 can be addressed */

void time_measure(void); /* TSC and APIC timer into the record; silences the PIC before */

/* processor.c. `page`: below 640 KiB, for others to start in; 0: none. */
void processors_start(uint64_t page);
_Noreturn void processors_leave(void); /* into the core */

/* The core's first page tables, the pool and devices known; the record gets their addresses in them. */
void space_build(const struct core_header *h);

/* entry.S */
_Noreturn void boot_leave(struct boot_record *r, uint64_t entry, void *stack, struct cpu *c);
int wrmsr_safe(uint32_t msr, uint64_t value); /* that may fault: then not 0 */
extern uint64_t boot_pml4[];
extern const char boot_stubs[];

#endif
