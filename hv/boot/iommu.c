// SPDX-License-Identifier: GPL-2.0-only
// IOMMUs: turned on with tables in which nothing is reached and nobody interrupts, from the core's pool; the core takes them
// over as they run (hv/x86/iommu.c). AMD-Vi: AMD 48882, rev. 3.05; VT-d: D51397, rev. 3.0, legacy mode.
#include "boot/stage.h"
#include "boot/text.h"
#include "core/frame.h"
#include "core/string.h"
#include <postern/errno.h>
#include <postern/syscall.h>

#define WAIT_MS 100 /* a unit answers in microseconds */
#define CONTROL 0x18 /* of both kinds; 0: off */

#define AMD_BYTES 0x4000
#define AMD_DEVICE_TABLE 0x0000
#define AMD_COMMAND_BASE 0x0008
#define AMD_EVENT_BASE 0x0010
#define AMD_CONTROL_ON (1ull << 0 | 1 << 2 | 1 << 10 | 1 << 12) /* with events, coherent, with commands */
#define AMD_FEATURES 0x0030
#define AMD_FEATURE_INVALIDATE_ALL (1ull << 6)
#define AMD_COMMAND_HEAD 0x2000
#define AMD_COMMAND_TAIL 0x2008
#define AMD_EVENT_HEAD 0x2010
#define AMD_EVENT_TAIL 0x2018
#define AMD_STATUS 0x2020
#define AMD_STATUS_OVERFLOW (1ull << 0)
#define AMD_ENTRIES_256 (8ull << 56) /* of 16 bytes: a page */
#define AMD_INVALIDATE_ALL (8ull << 60)
#define AMD_WAIT (1ull << 60 | 1) /* and store */
#define AMD_DEVICES 65536
#define AMD_BLOCKED (3ull | 4ull << 9) /* valid, four levels, no right. With levels, as the emulator is silent otherwise */
#define AMD_IRQ_BLOCKED 1ull

#define INTEL_BYTES 0x1000
#define INTEL_CAPABILITIES 0x08
#define CAP_CACHING (1ull << 7) /* entries that are not present are cached, too */
#define CAP_3_LEVELS (1ull << 9)
#define CAP_4_LEVELS (1ull << 10)
#define CAP_FAULTS_END(c) (((c) >> 24 & 0x3ff) * 16 + (((c) >> 40 & 0xff) + 1) * 16)
#define INTEL_EXTENDED 0x10
#define EXTENDED_COHERENT (1ull << 0)
#define EXTENDED_QUEUE (1ull << 1)
#define EXTENDED_REMAPPING (1ull << 3)
#define EXTENDED_X2APIC (1ull << 4)
#define INTEL_STATUS 0x1c
#define STATUS_KEPT 0x96ffffffu /* commands that are done once are not in it */
#define ON_TRANSLATION (1u << 31)
#define SET_ROOT (1u << 30)
#define ON_QUEUE (1u << 26)
#define ON_REMAPPING (1u << 25)
#define SET_IRQ_TABLE (1u << 24)
#define INTEL_ROOT_TABLE 0x20
#define INTEL_FAULT_CONTROL 0x38
#define FAULT_SILENT (1u << 31)
#define INTEL_PROTECTED 0x64
#define PROTECTED_ON (1u << 31)
#define INTEL_QUEUE_TAIL 0x88
#define INTEL_QUEUE_BASE 0x90
#define INTEL_IRQ_TABLE 0xb8
#define IRQ_TABLE_256 7ull
#define IRQ_TABLE_X2APIC (1ull << 11) /* ids of 32 bits */
#define INTEL_INVALIDATE_CONTEXTS (1ull | 1 << 4)
#define INTEL_INVALIDATE_PAGES (2ull | 1 << 4)
#define INTEL_INVALIDATE_IRQS 4ull
#define INTEL_WAIT (5ull | 1 << 5 | 1ull << 32) /* and store a 1 */

static volatile uint64_t done; /* what a unit writes when it has come to a wait; Intel's half of it */

static volatile uint64_t *reg(unsigned unit, unsigned offset)
{
	return (volatile uint64_t *)(record.facts.iommu.unit[unit].at + offset);
}

static volatile uint32_t *reg32(unsigned unit, unsigned offset)
{
	return (volatile uint32_t *)(record.facts.iommu.unit[unit].at + offset);
}

static int wait_for(const volatile uint32_t *word, uint32_t bits, const char *what)
{
	uint64_t end = rdtsc() + WAIT_MS * record.facts.tsc_khz;

	while ((*word & bits) != bits)
		if (rdtsc() > end) {
			log_printf("boot: IOMMU: %s did not happen, 0x%x", what, *word);
			return -EIO;
		}
	return 0;
}

static void written(void)
{
	if (record.facts.iommu.incoherent)
		__asm__ volatile("wbinvd" : : : "memory");
}

// These, the last one a wait that stores a 1 in `done`.
static int commands(unsigned unit, unsigned tail, const uint64_t (*command)[2], unsigned count)
{
	uint64_t(*queue)[2] = (void *)record.facts.iommu.unit[unit].queue;
	uint64_t at = *reg(unit, tail) / sizeof(*queue);

	done = 0;
	memcpy(queue[at], command, count * sizeof(*command));
	written();
	*reg(unit, tail) = (at + count) * sizeof(*queue);
	return wait_for((volatile uint32_t *)&done, 1, "a command");
}

// The pool's pages follow each other. 0: no memory.
static uint64_t pages(unsigned count)
{
	uint64_t first = (uint64_t)core_page_alloc();

	while (first && --count)
		if (!core_page_alloc())
			return 0;
	return first;
}

static int amd_prepare(struct iommu_facts *f)
{
	uint64_t(*table)[4];

	f->table = pages(IOMMU_AMD_TABLE_BYTES / PAGE_SIZE);
	table = (void *)f->table;
	for (unsigned i = 0; table && i < AMD_DEVICES; i++) {
		table[i][0] = AMD_BLOCKED;
		table[i][2] = AMD_IRQ_BLOCKED;
	}
	return table ? 0 : -ENOMEM;
}

static int amd_start(const struct iommu_facts *f, unsigned unit)
{
	const uint64_t all[][2] = {{AMD_INVALIDATE_ALL, 0}, {AMD_WAIT | (uint64_t)&done, 1}};

	if (!(*reg(unit, AMD_FEATURES) & AMD_FEATURE_INVALIDATE_ALL)) {
		log_printf("boot: AMD-Vi: features %lx are too few", *reg(unit, AMD_FEATURES));
		return -ENODEV;
	}
	*reg(unit, CONTROL) = 0;
	*reg(unit, AMD_DEVICE_TABLE) = f->table | (IOMMU_AMD_TABLE_BYTES / PAGE_SIZE - 1);
	*reg(unit, AMD_COMMAND_BASE) = f->unit[unit].queue | AMD_ENTRIES_256;
	*reg(unit, AMD_COMMAND_HEAD) = 0;
	*reg(unit, AMD_COMMAND_TAIL) = 0;
	*reg(unit, AMD_STATUS) = AMD_STATUS_OVERFLOW;
	*reg(unit, AMD_EVENT_BASE) = f->unit[unit].log | AMD_ENTRIES_256;
	*reg(unit, AMD_EVENT_HEAD) = 0;
	*reg(unit, AMD_EVENT_TAIL) = 0;
	*reg(unit, CONTROL) = AMD_CONTROL_ON;
	return commands(unit, AMD_COMMAND_TAIL, all, 2);
}

static int intel_prepare(struct iommu_facts *f)
{
	uint64_t all = EXTENDED_QUEUE | EXTENDED_REMAPPING | (record.cpu.x2apic ? EXTENDED_X2APIC : 0);
	uint64_t levels = CAP_3_LEVELS | CAP_4_LEVELS;

	for (unsigned i = 0; i < f->units; i++) {
		uint64_t c = *reg(i, INTEL_CAPABILITIES), e = *reg(i, INTEL_EXTENDED);

		levels &= c;
		f->caching |= !!(c & CAP_CACHING);
		f->incoherent |= !(e & EXTENDED_COHERENT);
		if (!levels || (e & all) != all || f->no_remapping || CAP_FAULTS_END(c) > INTEL_BYTES) {
			log_printf("boot: VT-d: capabilities %lx, %lx are not enough", c, e);
			return -ENODEV;
		}
	}
	f->levels = levels & CAP_4_LEVELS ? 4 : 3;
	f->table = pages(1);
	f->irqs = pages(1);
	return f->table && f->irqs ? 0 : -ENOMEM;
}

static int turn(unsigned unit, uint32_t bit, const char *what)
{
	*reg32(unit, CONTROL) = (*reg32(unit, INTEL_STATUS) & STATUS_KEPT) | bit;
	return wait_for(reg32(unit, INTEL_STATUS), bit, what);
}

static int intel_start(const struct iommu_facts *f, unsigned unit)
{
	const uint64_t wait[2] = {INTEL_WAIT, (uint64_t)&done};
	const uint64_t tables[][2] = {{INTEL_INVALIDATE_CONTEXTS, 0}, {INTEL_INVALIDATE_PAGES, 0}, {wait[0], wait[1]}};
	const uint64_t irqs[][2] = {{INTEL_INVALIDATE_IRQS, 0}, {wait[0], wait[1]}};
	int error;

	*reg32(unit, CONTROL) = 0;
	*reg(unit, INTEL_ROOT_TABLE) = f->table;
	*reg(unit, INTEL_IRQ_TABLE) = f->irqs | IRQ_TABLE_256 | (record.cpu.x2apic ? IRQ_TABLE_X2APIC : 0);
	*reg(unit, INTEL_QUEUE_TAIL) = 0;
	*reg(unit, INTEL_QUEUE_BASE) = f->unit[unit].queue;
	*reg32(unit, INTEL_FAULT_CONTROL) = FAULT_SILENT;
	written();
	error = turn(unit, SET_ROOT, "VT-d: the root table") ?: turn(unit, ON_QUEUE, "VT-d: the queue")
		?: commands(unit, INTEL_QUEUE_TAIL, tables, 3) ?: turn(unit, SET_IRQ_TABLE, "VT-d: the interrupt table")
		?: commands(unit, INTEL_QUEUE_TAIL, irqs, 2) ?: turn(unit, ON_REMAPPING, "VT-d: interrupt remapping")
		?: turn(unit, ON_TRANSLATION, "VT-d: translation");
	// Firmware's own fence, if it left one.
	*reg32(unit, INTEL_PROTECTED) = *reg32(unit, INTEL_PROTECTED) & ~PROTECTED_ON;
	return error;
}

static int start(struct iommu_facts *f)
{
	int error = 0;

	for (unsigned i = 0; i < f->units; i++) {
		if (!map(f->unit[i].at, f->amd ? AMD_BYTES : INTEL_BYTES))
			return -ENODEV;
		f->unit[i].queue = pages(1);
		f->unit[i].log = pages(1);
		if (!f->unit[i].queue || !f->unit[i].log)
			return -ENOMEM;
	}
	error = (f->amd ? amd_prepare : intel_prepare)(f);
	for (unsigned i = 0; i < f->units && !error; i++) {
		error = (f->amd ? amd_start : intel_start)(f, i);
		for (unsigned on = 0; error && on <= i; on++)
			*reg32(on, CONTROL) = 0;
	}
	return error;
}

void iommu_start(void)
{
	struct iommu_facts *f = &record.facts.iommu;
	const char *why = NULL;

	if (!f->units)
		why = "no IOMMU";
	else if (record.facts.choices & BOOT_NO_IOMMU)
		why = "iommu=off";
	else if (start(f))
		why = "the IOMMU could not be turned on";
	f->on = !why;
	if (f->on)
		format_text(record.info.dma, sizeof(record.info.dma), "confined by %s (%u units), interrupts remapped",
			    f->amd ? "AMD-Vi" : "VT-d", f->units);
	else
		format_text(record.info.dma, sizeof(record.info.dma), "unconfined (%s)", why);
	log_printf("DMA: %s", record.info.dma);
}
