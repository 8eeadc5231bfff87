/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The IOMMU: what devices reach by DMA and which interrupts they may send. AMD-Vi (AMD 48882) and Intel
 * VT-d (D51397) behind one face. Once it is on, a device reaches nothing and interrupts nobody until it is
 * told otherwise here. A bus address is the physical address.
 */
#ifndef X86_IOMMU_H
#define X86_IOMMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "boot/record.h"
#include "x86/paging.h"

/* What one device reaches. Its owner serialises calls. */
struct iommu_domain {
	struct page_tables tables;
	uint16_t id; /* 0: never attached */
};

bool iommu_on(void);
/* From nothing on; -ENOMEM, -EIO. Without an IOMMU these three succeed and do nothing. */
int iommu_attach(struct iommu_domain *d, uint32_t bdf);
void iommu_detach(struct iommu_domain *d, uint32_t bdf); /* back, the tables gone */
/* Frames [phys, phys + bytes), PAGE_READ and PAGE_WRITE, to what there is already. */
int iommu_map(struct iommu_domain *d, uint64_t phys, uint64_t bytes, unsigned attrs);

/* And out again; what a unit has cached is gone after the flush. */
void iommu_unmap(struct iommu_domain *d, uint64_t phys, uint64_t bytes);
void iommu_flush(struct iommu_domain *d, uint32_t bdf);

/* Let function bdf interrupt that CPU with that vector: what its MSI is to be. -ERANGE: no message
 * reaches that CPU. */
int iommu_message(uint32_t bdf, unsigned vector, unsigned cpu, uint32_t *address, uint32_t *data);
/* The same for an IO-APIC's line: the upper half of its entry; the lower has the vector as ever. */
int iommu_line(uint8_t ioapic, unsigned vector, unsigned cpu, bool level, uint32_t *high);
void iommu_silence(uint32_t bdf); /* no interrupt of bdf gets through any more */

/* hv/core/device.c: this access, BDF_UNKNOWN: somebody's, was blocked. Nothing is locked. `known`: the
 * address is. */
void device_fault(uint32_t bdf, bool known, uint64_t address);

/* --- between iommu.c and the two kinds, which know registers and the form of entries --- */

struct iommu_unit {
	volatile uint8_t *registers;
	uint64_t (*queue)[2], (*log)[2]; /* of commands; AMD: of events. A page each */
	uint32_t head; /* of the log */
	uint32_t tail, count; /* of commands; of waits */
	uint16_t bdf, number;
};
extern struct iommu_unit iommu_units[IOMMU_UNITS_MAX];

struct iommu_kind {
	bool remappable_format; /* messages and lines name an entry of the remapping table */
	uint32_t tail; /* the register for that of the queue */
	/* The one that has `count` written to `at` when those before it are done. */
	void (*wait_command)(uint64_t command[2], uint64_t at, uint32_t count);
	/* The tables that all units share are the boot stage's (hv/boot/iommu.c), which has turned them on. */
	const struct paging_format *(*take)(const struct iommu_facts *f);
	/* Tables for DMA by bdf, 0: none; flushed on return. */
	int (*set_dma)(uint32_t bdf, uint16_t id, uint64_t root);
	int (*flush)(uint32_t bdf, uint16_t id); /* tables have fewer entries */
	/* Entry `vector` for interrupts by bdf; flushed. vector 0: no interrupt at all. */
	int (*set_irq)(uint32_t bdf, unsigned vector, unsigned cpu, bool level);
	void (*faults)(struct iommu_unit *u); /* calls device_fault for each that is recorded */
};
extern const struct iommu_kind iommu_amd, iommu_intel;

/* To all units; back when they are done. */
int iommu_commands(const uint64_t (*commands)[2], unsigned count);
void iommu_written(void); /* tables: a unit may look at them */

static inline volatile uint64_t *iommu_reg(const struct iommu_unit *u, unsigned offset)
{
	return (volatile uint64_t *)(u->registers + offset);
}

static inline volatile uint32_t *iommu_reg32(const struct iommu_unit *u, unsigned offset)
{
	return (volatile uint32_t *)(u->registers + offset);
}

#endif
