// SPDX-License-Identifier: GPL-2.0-only
// IOMMUs, whichever kind, taken over from the boot stage as they run: page tables for devices, and who may interrupt.
#include "x86/iommu.h"
#include "core/boot.h"
#include "core/frame.h"
#include "core/lock.h"
#include "core/log.h"
#include "core/pool.h"
#include "core/sched.h"
#include "core/unit.h"
#include "x86/trap.h"
#include <postern/errno.h>
#include <postern/syscall.h>

#define MESSAGE_ADDRESS 0xfee00000u
#define WAIT_NS 100000000 /* a unit answers in microseconds */
#define LOOK_NS 20000000  /* however often a device has an access blocked, it costs no more than this */
#define QUEUE_ENTRIES 256
#define CONTROL 0x18 /* of both kinds; 0: off */

struct iommu_unit iommu_units[IOMMU_UNITS_MAX];
static volatile uint64_t done[IOMMU_UNITS_MAX]; /* what they write when they have come to a wait */
static const struct iommu_kind *kind;	/* NULL: none, or not used */
static const struct paging_format *format;
static struct spinlock iommu_lock; /* calls of kind; inside everything but the log */
static uint16_t domains;

bool iommu_on(void)
{
	return kind;
}

void iommu_written(void)
{
	if (boot_facts.iommu.incoherent)
		__asm__ volatile("wbinvd" : : : "memory");
}

static int wait_done(const volatile uint32_t *word, uint32_t count)
{
	uint64_t end = clock_ns() + WAIT_NS;

	while (*word != count)
		if (clock_ns() > end) {
			log_printf("iommu: a command was not done, 0x%x", *word);
			return -EIO;
		}
	return 0;
}

static void put(struct iommu_unit *u, const uint64_t command[2])
{
	u->queue[u->tail][0] = command[0];
	u->queue[u->tail][1] = command[1];
	u->tail = (u->tail + 1) % QUEUE_ENTRIES;
}

int iommu_commands(const uint64_t (*commands)[2], unsigned count)
{
	int error = 0;

	for (struct iommu_unit *u = iommu_units; u < iommu_units + boot_facts.iommu.units && !error; u++) {
		volatile uint64_t *word = &done[u->number];
		uint64_t wait[2];

		for (unsigned i = 0; i < count; i++)
			put(u, commands[i]);
		kind->wait_command(wait, core_phys((const void *)word), ++u->count);
		put(u, wait);
		iommu_written();
		*iommu_reg(u, kind->tail) = u->tail * sizeof(wait);
		error = wait_done((const volatile uint32_t *)word, u->count);
	}
	return error;
}

static void iommu_shutdown(void)
{
	for (unsigned i = 0; kind && i < boot_facts.iommu.units; i++)
		*iommu_reg32(&iommu_units[i], CONTROL) = 0;
}

static void look(struct timer *t)
{
	for (unsigned i = 0; i < boot_facts.iommu.units; i++)
		kind->faults(&iommu_units[i]);
	timer_arm(t, clock_ns() + LOOK_NS);
}

static void iommu_init(void)
{
	static struct timer timer = {.fn = look};
	const struct iommu_facts *f = &boot_facts.iommu;

	if (!f->on)
		return;
	kind = f->amd ? &iommu_amd : &iommu_intel;
	for (unsigned i = 0; i < f->units; i++) {
		iommu_units[i] = (struct iommu_unit){
			.registers = (volatile uint8_t *)f->unit[i].at,
			.queue = core_pool_virt(f->unit[i].queue),
			.log = core_pool_virt(f->unit[i].log),
			.bdf = f->unit[i].bdf,
			.number = i,
		};
		iommu_units[i].tail = *iommu_reg(&iommu_units[i], kind->tail) / sizeof(iommu_units[i].queue[0]);
	}
	format = kind->take(f);
	look(&timer);
}
UNIT(iommu, UNIT_ENGINE, iommu_init, NULL, iommu_shutdown);

static int set_dma(uint32_t bdf, uint16_t id, uint64_t root)
{
	int error;

	spin_lock(&iommu_lock);
	error = kind->set_dma(bdf, id, root);
	spin_unlock(&iommu_lock);
	return error;
}

int iommu_attach(struct iommu_domain *d, uint32_t bdf)
{
	int error;

	if (!kind)
		return 0;
	error = paging_init(&d->tables, format, NULL);
	if (error)
		return error;
	if (!d->id)
		d->id = __atomic_add_fetch(&domains, 1, __ATOMIC_RELAXED);
	error = set_dma(bdf, d->id, d->tables.root);
	if (error)
		iommu_detach(d, bdf);
	return error;
}

void iommu_detach(struct iommu_domain *d, uint32_t bdf)
{
	// Tables that a unit may still read stay for ever.
	if (d->tables.root && !set_dma(bdf, d->id, 0))
		paging_destroy(&d->tables, PAGING_ENTRIES);
	d->tables.root = 0;
}

int iommu_map(struct iommu_domain *d, uint64_t phys, uint64_t bytes, unsigned attrs)
{
	uint64_t old;
	unsigned has;
	int error;

	if (!d->tables.root ||
	    (paging_query(&d->tables, phys, &old, &has) >= bytes && (has & attrs) == attrs))
		return 0;
	error = paging_map(&d->tables, phys, phys, bytes, attrs);
	spin_lock(&iommu_lock);
	if (boot_facts.iommu.caching)
		kind->flush(0, d->id);
	else
		iommu_written();
	spin_unlock(&iommu_lock);
	return error;
}

void iommu_unmap(struct iommu_domain *d, uint64_t phys, uint64_t bytes)
{
	if (d->tables.root)
		paging_unmap(&d->tables, phys, bytes);
}

void iommu_flush(struct iommu_domain *d, uint32_t bdf)
{
	spin_lock(&iommu_lock);
	if (d->tables.root)
		kind->flush(bdf, d->id);
	spin_unlock(&iommu_lock);
}

static int set_irq(uint32_t bdf, unsigned vector, unsigned cpu, bool level)
{
	int error = 0;

	// Messages, and lines' entries, have room for eight bits of it.
	if (apic_id_of(cpu) > 0xfe && !(kind && kind->remappable_format))
		return -ERANGE;
	spin_lock(&iommu_lock);
	if (kind)
		error = kind->set_irq(bdf, vector, cpu, level);
	spin_unlock(&iommu_lock);
	return error;
}

// Entries are numbered by vector: so a level line's EOI finds the IO-APIC's entry that it belongs
// to.
int iommu_message(uint32_t bdf, unsigned vector, unsigned cpu, uint32_t *address, uint32_t *data)
{
	bool named = kind && kind->remappable_format;

	*address = MESSAGE_ADDRESS | (named ? vector << 5 | 1 << 4 : apic_id_of(cpu) << 12);
	*data = named ? 0 : vector;
	return set_irq(bdf, vector, cpu, false);
}

int iommu_line(uint8_t id, unsigned vector, unsigned cpu, bool level, uint32_t *high)
{
	const struct iommu_facts *f = &boot_facts.iommu;

	*high = kind && kind->remappable_format ? vector << 17 | 1 << 16 : apic_id_of(cpu) << 24;
	for (uint32_t i = 0; kind && i < f->ioapics; i++)
		if (f->ioapic[i].id == id)
			return set_irq(f->ioapic[i].bdf, vector, cpu, level);
	return kind ? -ENODEV : set_irq(0, vector, cpu, level);
}

void iommu_silence(uint32_t bdf)
{
	set_irq(bdf, 0, 0, false);
}
