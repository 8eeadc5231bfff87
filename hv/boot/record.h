/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the boot stage hands to the core, and what of the core the stage must know.
 *
 * The stage (hv/boot) is a program of its own: it reads what loader and firmware left, fills one record, and
 * jumps. Both sides are built from this header; a record of another version or with a wrong sum is refused.
 * Addresses are physical unless it says otherwise.
 */
#ifndef BOOT_RECORD_H
#define BOOT_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <postern/start.h>
#include "x86/cpu.h"

#define BOOT_RECORD_MAGIC 0x72636552746f6f42ull
#define BOOT_RECORD_VERSION 1
#define CORE_VMA 0xffffffff80000000ull /* where the core is linked, + physical address */
#define BOOT_MAPPED (4ull << 30) /* how much the stage's tables map, at 0 and at CORE_POOL_BASE */

#define BOOT_IOAPICS_MAX 16
#define BOOT_RAM_MAX 128
#define BOOT_CLOSED_MAX (BOOT_RAM_MAX + 32)
#define IOMMU_UNITS_MAX 8
#define IOMMU_IOAPICS_MAX 16

#define IOMMU_AMD_TABLE_BYTES (2ull << 20)

/* What the tables IVRS and DMAR say of PCI segment 0, and how the stage has turned the units on. All get the same tables:
 * each sees only its own devices. Tables are physical addresses of the pool. */
struct iommu_facts {
	bool on;
	bool amd;
	bool no_remapping; /* DMAR: interrupts are not to be remapped */
	bool incoherent;   /* a unit looks for its tables in memory, not in our caches, */
	bool caching;	   /* and may keep entries that map nothing */
	uint32_t units, levels; /* levels: of the page tables of Intel's */
	uint64_t table, irqs;	/* of devices; Intel: of their interrupts */
	struct {
		uint64_t at; /* registers */
		uint64_t queue, log; /* of commands; AMD: of events */
		uint16_t bdf; /* AMD: where the unit is a PCI function */
	} unit[IOMMU_UNITS_MAX];
	uint32_t ioapics; /* and as whom they send their messages */
	struct {
		uint8_t id;
		uint16_t bdf;
	} ioapic[IOMMU_IOAPICS_MAX];
};

enum boot_choice { BOOT_NO_IOMMU = 1, BOOT_PANIC_RESET = 2, BOOT_LIST_UNITS = 4 };

/* What the core needs to know of this machine for as long as it runs. `at`: physical while the stage reads tables; in the
 * end where the core's page tables have it (hv/boot/space.c), 0: nowhere. */
struct boot_facts {
	uint32_t choices; /* enum boot_choice, from the command line */
	uint64_t lapic_at; /* 0: x2APIC */
	uint32_t ioapic_count;
	struct boot_ioapic {
		uint64_t at;
		uint32_t gsi_base, lines; /* lines: 0 where it does not answer */
		uint8_t id;
	} ioapic[BOOT_IOAPICS_MAX];

	uint64_t tsc_khz;
	uint64_t apic_per_tsc; /* APIC timer counts a TSC tick, 32.32 fixed point */

	uint64_t reset_at; /* FADT's register: a port, or at an address above 64 Ki; 0: none */
	uint8_t reset_value;
	bool no_i8042;

	struct iommu_facts iommu;
};

struct ram_range {
	uint64_t base, bytes;
};

struct boot_record {
	uint64_t magic;
	uint32_t version, bytes;
	uint64_t sum; /* all 64-bit words of the record add up to 0 */
	struct boot_info info; /* what the manager gets to see; the core adds `cpus` and the engine */
	struct boot_facts facts;
	struct cpu_features cpu;
	/* All that run: from the pool, their registers set, their tables loaded; the boot processor is the first. */
	uint32_t cpu_count;
	struct cpu *cpus[CONFIG_MAX_CPUS];
	/* Free memory: whole pages, sorted, disjoint, nothing below 1 MiB, no boot file. The stage's own is in it: it is
	 * the core's from the moment that the core's own page tables are loaded. */
	uint32_t ram_count, chunk_count;
	struct ram_range ram[BOOT_RAM_MAX];
	/* What no task may see as foreign memory: the above, the core's image, the log, registers of APICs and IOMMUs. */
	uint32_t closed_count;
	struct ram_range closed[BOOT_CLOSED_MAX];
	/* Chunks of 2 MiB inside one range: the first pool. At its start, `pool_used` bytes: `chunk_count` accounts of
	 * RAM (hv/core/pool.h), then processors, then the core's page tables, which map the image and the pool
	 * (hv/boot/space.c). */
	uint64_t pool_phys, pool_bytes, pool_used;
	uint64_t root;
	uint64_t log_phys, log_bytes;	/* the log's ring (hv/core/log_ring.h), in use; in no range */
	uint64_t log_at;		/* where the core's page tables have it */
} __attribute__((aligned(8)));

static inline uint64_t boot_record_sum(const struct boot_record *r)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < sizeof(*r) / 8; i++)
		sum += ((const uint64_t *)r)[i];
	return sum;
}

/* The first bytes of the core's image. All addresses are virtual ones. */
struct core_header {
	uint64_t magic;
	uint32_t version, record_bytes;
	uint64_t entry; /* entry(record, cpu): all processors, each on its stack, interrupts off, page tables the stage's */
	uint64_t idt, trap_stubs, syscall_entry; /* a table to be filled: 256 gates, to 16 bytes each; LSTAR */
	uint64_t start, text_end, rodata_end, end; /* of the image: read and execute, read, read and write with its bss */
	uint64_t syscalls, syscalls_end, syscall_table, syscall_missing; /* struct syscall_entry; where they go, and this instead */
	uint64_t archive, archive_end;	/* cpio archive of modules */
	uint64_t patches, patches_end;	/* struct smap_site: instructions to put in where the processor has SMAP */
};

struct smap_site {
	uint64_t at;
	uint8_t code[8]; /* of which 3 */
};

#endif
