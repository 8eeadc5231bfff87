// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices: from PCI functions to drivers. A question to the provider of `bus.pci` is answered in
 * microseconds (the first one, for which the machine's tables are read, in up to 100 ms) or, when
 * it hangs, not at all.
 *
 * The core says what message a device's interrupt is to be (SYS_IRQ_MESSAGE); its MSI-X table is written here, its
 * capability by bus.pci.
 */
#include <stdio.h>
#include <string.h>
#include "clock.h"
#include "console.h"
#include "devices.h"
#include "durable.h"
#include "init.h"
#include "link.h"
#include "log.h"
#include "module.h"
#include "resource.h"
#include "ring.h"
#include "syscalls.h"

#define ANSWER_NS NS_PER_S
#define LOOK_NS (20 * NS_PER_US)
#define DEVICES_MAX 32
#define FUNCTIONS_MAX 512
#define BARS 6
#define VGA_MEMORY 0xa0000
#define VGA_MEMORY_BYTES 0x20000
#define ENTRY_BYTES 16 /* of an MSI-X table: address, data, mask (PCI 3.0, 6.8.2) */

struct pci_device {
	uint32_t bdf, vendor_device, class_revision, subsystem;
	struct instance *driver; /* whose it is, in all its lives; NULL nobody's */
	uint32_t handle;	 /* SYS_DEVICE_*, made once */
	uint32_t gsi, flags;	 /* of its pin; gsi ~0: none */
	uint32_t message, table; /* as the claim has them; message 0: it has none, or they cannot be used */
	struct {
		uint64_t bytes, address;
		uint32_t flags, memory;
	} bar[BARS];
};

DURABLE static struct pci_device devices[DEVICES_MAX];
DURABLE static unsigned device_count;
DURABLE static bool scanned;
DURABLE static struct link *pci;

int pci_ask(struct message *m)
{
	static uint32_t last_id;
	struct link *l = link_to(&pci, "bus.pci");
	uint64_t deadline = clock_ns() + ANSWER_NS;
	int ret;

	if (!l)
		return -ENODEV;
	if (!last_id) /* answers that the last manager did not wait for are not taken for ours */
		last_id = clock_ns() / NS_PER_US;
	m->id = ++last_id;
	ret = msg_put(&l->rpc->to_server, m);
	if (ret <= 0)
		return ret ? ret : -EAGAIN;
	link_signal(l);
	while (clock_ns() < deadline) {
		ret = msg_get(&l->rpc->to_client, m);
		if (ret < 0)
			return ret;
		if (ret > 0 && m->id == last_id)
			return m->result < 0 ? m->result : 0;
		if (!ret)
			clock_sleep(clock_ns() + LOOK_NS);
	}
	return -ETIMEDOUT;
}

/* --- what there is ----------------------------------------------------------------------------- */

static bool matches(const struct manifest *m, const struct pci_device *d)
{
	for (unsigned n = 0; n < m->pci; n++) {
		const struct manifest_pci *p = &m->device[n];

		if (p->by_class ? p->device == d->class_revision >> 16
				: p->vendor == (d->vendor_device & 0xffff) &&
					  p->device == d->vendor_device >> 16)
			return true;
	}
	return false;
}

static bool has_driver(const struct pci_device *d)
{
	for (unsigned n = 0; n < INSTANCES_MAX; n++)
		if (instances[n].used && matches(&instances[n].program->manifest, d))
			return true;
	return false;
}

/* The functions that some module drives. */
static void scan(void)
{
	device_count = 0;
	for (uint64_t i = 0; i < FUNCTIONS_MAX && device_count < DEVICES_MAX; i++) {
		struct message m = {.kind = PCI_FUNCTION, .word = {i}};
		struct pci_device d = {.table = NO_TABLE, .gsi = ~0u};
		int ret = pci_ask(&m);

		if (ret == -ENOENT)
			break;
		if (ret)
			return; /* asked again at the next start */
		d.bdf = m.pci.bdf;
		d.vendor_device = m.pci.vendor_device;
		d.class_revision = m.pci.class_revision;
		d.subsystem = m.pci.subsystem;
		if (has_driver(&d))
			devices[device_count++] = d;
	}
	scanned = true;
}

static unsigned count_for(const struct instance *i)
{
	unsigned n = 0;

	for (unsigned d = 0; d < device_count; d++)
		n += matches(&i->program->manifest, &devices[d]) &&
		     (!devices[d].driver || devices[d].driver == i);
	return n;
}

bool devices_ready_for(struct instance *i)
{
	const struct manifest *m = &i->program->manifest;
	bool other_hardware = m->ports || m->framebuffer;

	if (!m->pci)
		return true;
	if (graph_provider(&graph, "bus.pci", -1) < 0)
		return other_hardware;
	if (!scanned && link_to(&pci, "bus.pci"))
		scan();
	if (!scanned)
		return false;
	if (other_hardware || count_for(i))
		return true;
	i->state = INST_FAILED;
	snprintf(i->sentence, sizeof(i->sentence), "not started: the machine has none of its devices");
	return false;
}

/* --- one device -------------------------------------------------------------------------------- */

static int claim(struct pci_device *d, uint32_t *express)
{
	struct message m = {.kind = PCI_CLAIM, .word = {d->bdf}};
	int ret = pci_ask(&m);

	if (ret)
		return ret;
	d->gsi = m.claim.gsi;
	d->flags = m.claim.flags;
	d->message = m.claim.message;
	d->table = m.claim.table;
	*express = m.claim.express;
	for (uint64_t n = 0; n < BARS; n++) {
		struct message b = {.kind = PCI_BAR, .word = {d->bdf, n}};

		if (!(m.claim.bars & 1u << n) || pci_ask(&b))
			continue;
		d->bar[n].address = b.word[0];
		d->bar[n].bytes = b.word[1];
		d->bar[n].flags = b.word[2];
	}
	return 0;
}

/* Its first driver's first life. */
static int make(struct pci_device *d)
{
	uint32_t express;
	int64_t handle;
	int ret;

	if (d->handle)
		return 0;
	ret = claim(d, &express);
	if (ret)
		return ret;
	handle = sys_device_create(start_page()->system, d->bdf, express);
	if (handle < 0)
		return handle;
	d->handle = handle;
	return 0;
}

/* Registers answer, bus mastering is the driver's to switch on. */
static int enable(const struct pci_device *d)
{
	struct message m = {.kind = PCI_ENABLE,
			    .word = {d->bdf, PCI_ENABLE_IO | PCI_ENABLE_MEMORY |
						     (d->message ? PCI_ENABLE_NO_INTX : 0)}};
	struct message c = {.kind = PCI_CLAIM, .word = {d->bdf}}, again = m; /* m becomes the answer */
	int ret = pci_ask(&m);

	if (ret != -EPERM)
		return ret;
	ret = pci_ask(&c); /* the provider was reborn and forgot us */
	return ret ? ret : pci_ask(&again);
}

/* The first entry of its MSI-X table. */
static int write_entry(const struct pci_device *d, uint32_t address, uint32_t data)
{
	uint64_t at = d->bar[d->table & 7].address + (d->table & ~7u), offset = at % PAGE_SIZE;
	int64_t memory = sys_mem_create_phys(start_page()->system, at - offset, PAGE_SIZE, MEM_UNCACHED);
	volatile uint32_t *entry;
	void *page;

	if (memory < 0)
		return memory;
	page = offset <= PAGE_SIZE - ENTRY_BYTES ? space_map(memory, PAGE_SIZE, MAP_READ | MAP_WRITE)
						 : NULL;
	sys_handle_close(memory);
	if (!page)
		return -ENOMEM;
	entry = (volatile uint32_t *)((char *)page + offset);
	entry[0] = address;
	entry[1] = 0;
	entry[2] = data;
	entry[3] = 0;
	sys_unmap(HANDLE_SELF, (uint64_t)page, PAGE_SIZE);
	return 0;
}

static int64_t make_messages(struct instance *i, const struct pci_device *d, unsigned bit)
{
	int64_t irq = sys_irq_create(start_page()->system, IRQ_MSI, (uint64_t)d->bdf << 32 | d->message,
				     i->event, 1ull << bit);
	uint64_t what = irq < 0 ? 0 : sys_irq_message(irq);
	struct message m = {.kind = PCI_MESSAGE, .word = {d->bdf, what}};
	int ret = 0;

	if (irq < 0)
		return irq;
	if (d->table != NO_TABLE)
		ret = write_entry(d, what, what >> 32);
	if (!ret)
		ret = pci_ask(&m);
	if (ret)
		sys_handle_close(irq);
	return ret ? ret : irq;
}

static int64_t make_irq(struct instance *i, struct pci_device *d, unsigned bit)
{
	uint64_t where = (uint64_t)d->bdf << 32;
	int64_t irq = -ENODEV;

	if (d->message)
		irq = make_messages(i, d, bit);
	if (irq < 0 && d->gsi != ~0u) {
		if (d->message) {
			d->message = 0;
			enable(d); /* its pin */
		}
		irq = sys_irq_create(start_page()->system, d->gsi, where | d->flags, i->event,
				     1ull << bit);
	}
	return irq;
}

static int give_irq(struct instance *i, struct pci_device *d, unsigned slot, struct message *m)
{
	unsigned bit = EVENT_BIT_IRQ + slot;
	int64_t irq = make_irq(i, d, bit), theirs;

	if (irq == -ENODEV) /* it has neither MSI nor a pin */
		return 0;
	if (irq < 0) {
		log_line("pci %02x:%02x.%x has no interrupt for %s: error %d", d->bdf >> 8,
			 d->bdf >> 3 & 31, d->bdf & 7, i->name, (int)-irq);
		return 0;
	}
	i->irq[slot] = irq;
	theirs = sys_handle_grant(i->task, irq, RIGHT_CONTROL, 0);
	if (theirs < 0)
		return theirs;
	m->device.irq = theirs;
	m->device.bit = bit;
	return 0;
}

static int64_t bar_memory(struct pci_device *d, unsigned n)
{
	uint64_t address = d->bar[n].address, bytes = d->bar[n].bytes;
	int64_t memory;

	if (d->bar[n].memory)
		return d->bar[n].memory;
	if (address % PAGE_SIZE)
		return -EPERM; /* other devices have registers in that page */
	bytes = PAGE_ROUND_UP(bytes);
	memory = sys_mem_create_phys(start_page()->system, address, bytes,
				     d->bar[n].flags & PCI_BAR_PREFETCH ? MEM_WRITECOMB
									: MEM_UNCACHED);
	if (memory > 0)
		d->bar[n].memory = memory;
	return memory;
}

static int give_bar(struct instance *i, struct pci_device *d, uint32_t index, unsigned n)
{
	struct message m = {.kind = MSG_BAR,
			    .bar = {.device = index,
				    .number = n,
				    .bytes = d->bar[n].bytes,
				    .address = d->bar[n].address,
				    .flags = d->bar[n].flags}};
	int64_t memory, theirs;
	int ret;

	if (d->bar[n].flags & PCI_BAR_IO) {
		ret = sys_port_grant(start_page()->system, i->task, m.bar.address, m.bar.bytes);
		return ret < 0 ? ret : instance_send(i, &m) > 0 ? 0 : -EIO;
	}
	memory = bar_memory(d, n);
	if (memory < 0) {
		log_line("pci %02x:%02x.%x BAR %u cannot be given to %s: error %d", d->bdf >> 8,
			 d->bdf >> 3 & 31, d->bdf & 7, n, i->name, (int)-memory);
		return 0;
	}
	theirs = sys_handle_grant(i->task, memory, RIGHT_READ | RIGHT_WRITE, 0);
	if (theirs < 0)
		return theirs;
	m.bar.memory = theirs;
	return instance_send(i, &m) > 0 ? 0 : -EIO;
}

/* The MSI-X table is not for drivers. */
static bool givable(const struct pci_device *d, unsigned n)
{
	return d->bar[n].bytes && (d->table == NO_TABLE || n != (d->table & 7));
}

static int give(struct instance *i, struct pci_device *d, uint32_t index)
{
	struct message m = {.kind = MSG_DEVICE,
			    .device = {.index = index,
				       .bdf = d->bdf,
				       .vendor_device = d->vendor_device,
				       .class_revision = d->class_revision,
				       .subsystem = d->subsystem}};
	unsigned slot = i->program->manifest.irqs + index;
	int64_t theirs;
	int ret = make(d);

	if (!ret)
		ret = slot < MODULE_IRQS_MAX ? enable(d) : -ENOSPC;
	if (ret)
		return ret;
	/* Before its interrupt, which the change of hands would silence. */
	theirs = sys_handle_grant(i->task, d->handle, RIGHT_CONTROL, 0);
	ret = theirs < 0 ? theirs : give_irq(i, d, slot, &m);
	if (ret)
		return ret;
	m.device.device = theirs;
	m.device.flags = (d->message ? DEVICE_MSI : 0) |
			 (d->message && d->table != NO_TABLE ? DEVICE_MSIX : 0) |
			 (sys_device_control(d->handle, DEVICE_CONFINED, 0) > 0
				  ? DEVICE_IS_CONFINED : 0);
	for (unsigned n = 0; n < BARS; n++)
		m.device.bars |= givable(d, n) ? 1u << n : 0;
	ret = instance_send(i, &m) > 0 ? 0 : -EIO;
	for (unsigned n = 0; n < BARS && !ret; n++)
		if (givable(d, n))
			ret = give_bar(i, d, index, n);
	d->driver = ret ? d->driver : i;
	return ret;
}

/* Without one, the memory of VGA text: its size is 0 x 0. */
static int give_framebuffer(struct instance *i)
{
	const struct boot_info *b = boot();
	uint64_t at = b->framebuffer_phys ? b->framebuffer_phys : VGA_MEMORY, skip = at % PAGE_SIZE;
	uint64_t bytes = b->framebuffer_phys ? skip + (uint64_t)b->framebuffer_pitch * b->framebuffer_height
					     : VGA_MEMORY_BYTES;
	struct message m = {.kind = MSG_BAR,
			    .bar = {.device = NO_DEVICE,
				    .bytes = bytes,
				    .address = at,
				    .width = b->framebuffer_width,
				    .height = b->framebuffer_height,
				    .pitch_bpp = b->framebuffer_pitch << 8 | b->framebuffer_bpp}};
	int64_t memory, theirs;

	memory = sys_mem_create_phys(start_page()->system, at - skip, PAGE_ROUND_UP(bytes),
				     b->framebuffer_phys ? MEM_WRITECOMB : MEM_UNCACHED);
	if (memory < 0)
		return memory;
	theirs = sys_handle_grant(i->task, memory, RIGHT_READ | RIGHT_WRITE, 0);
	sys_handle_close(memory);
	if (theirs < 0)
		return theirs;
	m.bar.memory = theirs;
	return instance_send(i, &m) > 0 ? 0 : -EIO;
}

void devices_keep(struct instance *i, const struct message *m)
{
	int64_t memory;

	if (m->share.tag >= KEPT_MAX || i->guest) /* a VMM's next life begins a guest of its own */
		return;
	memory = sys_handle_take(i->task, m->share.memory,
				 RIGHT_READ | RIGHT_WRITE | RIGHT_GRANT);
	if (memory < 0)
		return;
	durable_close(i->kept[m->share.tag]);
	i->kept[m->share.tag] = memory;
}

static int give_kept(struct instance *i)
{
	struct mem_info info;

	for (uint32_t tag = 0; tag < KEPT_MAX; tag++) {
		struct message m = {.kind = MSG_SHARED, .share = {.tag = tag}};
		int64_t theirs;

		if (!i->kept[tag] || sys_mem_info(i->kept[tag], &info) < 0)
			continue;
		theirs = sys_handle_grant(i->task, i->kept[tag],
					  RIGHT_READ | RIGHT_WRITE | RIGHT_GRANT, 0);
		if (theirs < 0)
			return theirs;
		m.share.memory = theirs;
		m.share.bytes = info.bytes;
		m.share.rights = RIGHT_READ | RIGHT_WRITE | RIGHT_GRANT;
		if (instance_send(i, &m) <= 0)
			return -EIO;
	}
	return 0;
}

bool devices_strict;

/* `dma = strict`: a driver could reach all memory by this one. */
static bool is_withheld(const struct instance *i, struct pci_device *d)
{
	if (!devices_strict || make(d) || sys_device_control(d->handle, DEVICE_CONFINED, 0) > 0)
		return false;
	log_line("dma = strict: pci %02x:%02x.%x is not given to %s: no IOMMU confines its DMA", d->bdf >> 8, d->bdf >> 3 & 31,
		 d->bdf & 7, i->name);
	return true;
}

int devices_give(struct instance *i)
{
	const struct manifest *m = &i->program->manifest;
	uint32_t index = 0;
	int ret = give_kept(i);

	for (unsigned n = 0; m->pci && n < device_count && !ret; n++)
		if (matches(m, &devices[n]) && (!devices[n].driver || devices[n].driver == i) && !is_withheld(i, &devices[n]))
			ret = give(i, &devices[n], index++);
	if (!ret && m->framebuffer)
		ret = give_framebuffer(i);
	return ret;
}

void devices_show(const struct instance *i)
{
	for (unsigned n = 0; n < device_count; n++) {
		const struct pci_device *d = &devices[n];

		if (d->driver == i)
			console_printf("  pci %02x:%02x.%x %04x:%04x, %s, DMA: %s\n", d->bdf >> 8,
				       d->bdf >> 3 & 31, d->bdf & 7, d->vendor_device & 0xffff,
				       d->vendor_device >> 16, d->message ? "MSI" : "line interrupt",
				       sys_device_control(d->handle, DEVICE_CONFINED, 0) > 0
					       ? "confined" : "unconfined");
	}
}

void devices_handles(durable_name *mark)
{
	for (unsigned d = 0; d < device_count && d < DEVICES_MAX; d++) {
		mark(devices[d].handle);
		for (unsigned n = 0; n < BARS; n++)
			mark(devices[d].bar[n].memory);
	}
}
