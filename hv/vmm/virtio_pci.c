// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtio's registers on PCI.
 *
 * Source: virtio 1.2, 4.1.4 (structures and capabilities), 4.1.4.8 and 4.1.5 (legacy interface).
 */
#include <string.h>
#include <postern/errno.h>
#include "virtio.h"

#define VENDOR 0x1af4
#define DEVICE_MODERN 0x1040 /* + type */

#define PORTS 256
#define MEMORY 0x2000
#define AT_COMMON 0x000
#define COMMON_BYTES 0x40
#define AT_ISR 0x100
#define AT_CONFIG 0x200
#define AT_MSIX 0x1000
#define AT_PBA 0x1800

enum legacy_register {
	LEGACY_OFFERED = 0,
	LEGACY_FEATURES = 4,
	LEGACY_QUEUE_PFN = 8,
	LEGACY_QUEUE_SIZE = 12,
	LEGACY_QUEUE_SELECT = 14,
	LEGACY_NOTIFY = VIRTIO_NOTIFY,
	LEGACY_STATUS = 18,
	LEGACY_ISR = 19,
	LEGACY_CONFIG_VECTOR = 20, /* these two with MSI-X enabled, */
	LEGACY_QUEUE_VECTOR = 22,
	LEGACY_CONFIG_MSIX = 24, /* and the device's configuration behind them */
	LEGACY_CONFIG = 20,
};

enum common_register {
	OFFERED_SELECT = 0x00,
	OFFERED = 0x04,
	FEATURES_SELECT = 0x08,
	FEATURES = 0x0c,
	CONFIG_VECTOR = 0x10,
	QUEUES = 0x12,
	STATUS = 0x14,
	GENERATION = 0x15,
	QUEUE_SELECT = 0x16,
	QUEUE_SIZE = 0x18,
	QUEUE_VECTOR = 0x1a,
	QUEUE_ENABLE = 0x1c,
	QUEUE_NOTIFY_OFFSET = 0x1e,
	QUEUE_DESC = 0x20,
	QUEUE_AVAIL = 0x28,
	QUEUE_USED = 0x30,
	QUEUE_NOTIFY_DATA = 0x38,
	QUEUE_RESET = 0x3a,
};

enum capability { CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE, CAP_PCI };

static struct virtio_device *device(struct pci_function *f)
{
	return f->device;
}

static struct virtio_queue *selected(struct virtio_device *d)
{
	return d->selected < d->queues ? &d->queue[d->selected] : NULL;
}

/* --- interrupts ------------------------------------------------------------------------------ */

void virtio_interrupt(struct virtio_device *d, uint16_t vector, unsigned isr)
{
	if (pci_msix_enabled(&d->pci)) {
		pci_msix_notify(&d->pci, vector);
		return;
	}
	d->isr |= isr;
	pci_set_intx(&d->pci, true);
}

static uint8_t read_isr(struct virtio_device *d)
{
	uint8_t isr = d->isr;

	d->isr = 0;
	pci_set_intx(&d->pci, false);
	return isr;
}

/* A vector that is not there reads back as none: the driver's sign that it cannot have it. */
static uint16_t checked_vector(const struct virtio_device *d, uint32_t vector)
{
	return (uint16_t)vector < d->pci.msix.vectors ? vector : PCI_MSIX_NONE;
}

/* --- version 1 ------------------------------------------------------------------------------- */

static uint32_t half(uint64_t value, uint32_t select)
{
	return select == 0 ? value : select == 1 ? value >> 32 : 0;
}

static void put_half(uint64_t *to, bool upper, uint32_t value)
{
	*to = upper ? (uint32_t)*to | (uint64_t)value << 32 : (*to & ~0xffffffffull) | value;
}

static void common_image(struct virtio_device *d, uint8_t *at)
{
	const struct virtio_queue *v = selected(d);
	struct {
		uint32_t offered_select, offered, features_select, features;
		uint16_t config_vector, queues;
		uint8_t status, generation;
		uint16_t queue_select, size, vector, enable, notify_offset;
		uint64_t desc, avail, used;
		uint16_t notify_data, reset;
	} __attribute__((packed)) image = {
		.offered_select = d->offered_select,
		.offered = half(d->offered, d->offered_select),
		.features_select = d->features_select,
		.features = half(d->features, d->features_select),
		.config_vector = d->config_vector,
		.queues = d->queues,
		.status = d->status,
		.generation = d->generation,
		.queue_select = d->selected,
	};

	_Static_assert(sizeof(image) == 0x3c, "virtio 1.2, 4.1.4.3");
	if (v) {
		image.size = v->q.size;
		image.vector = v->vector;
		image.enable = v->enabled && !v->resetting;
		image.notify_offset = 0;
		image.desc = v->q.desc;
		image.avail = v->q.avail;
		image.used = v->q.used;
		image.reset = v->resetting;
	}
	memcpy(at, &image, sizeof(image));
}

static uint64_t common_read(struct virtio_device *d, unsigned offset, unsigned size)
{
	uint8_t image[COMMON_BYTES + 8] = {0};
	uint64_t value = 0;

	virtio_settled(d);
	common_image(d, image);
	memcpy(&value, image + offset, size);
	return value;
}

static void queue_write(struct virtio_device *d, unsigned offset, uint32_t value)
{
	struct virtio_queue *v = selected(d);

	if (!v)
		return;
	switch (offset) {
	case QUEUE_VECTOR:
		v->vector = checked_vector(d, value);
		return;
	case QUEUE_ENABLE:
		if ((value & 0xffff) == 1)
			virtio_enable_queue(d, d->selected);
		return;
	case QUEUE_RESET:
		if ((value & 0xffff) == 1 && virtio_has(d, VIRTIO_F_RING_RESET))
			virtio_reset_queue(d, d->selected);
		return;
	}
	if (v->enabled)
		return;
	switch (offset) {
	case QUEUE_SIZE:
		value &= 0xffff;
		if (value && value <= v->size_max && !(value & (value - 1)))
			v->q.size = value;
		break;
	case QUEUE_DESC:
	case QUEUE_DESC + 4:
		put_half(&v->q.desc, offset & 4, value);
		break;
	case QUEUE_AVAIL:
	case QUEUE_AVAIL + 4:
		put_half(&v->q.avail, offset & 4, value);
		break;
	case QUEUE_USED:
	case QUEUE_USED + 4:
		put_half(&v->q.used, offset & 4, value);
		break;
	}
}

static void common_write(struct virtio_device *d, unsigned offset, uint32_t value)
{
	switch (offset) {
	case OFFERED_SELECT:
		d->offered_select = value;
		break;
	case FEATURES_SELECT:
		d->features_select = value;
		break;
	case FEATURES:
		if (d->features_select < 2 && !(d->status & VIRTIO_FEATURES_OK))
			put_half(&d->features, d->features_select, value);
		break;
	case CONFIG_VECTOR:
		d->config_vector = checked_vector(d, value);
		break;
	case STATUS:
		virtio_set_status(d, value);
		break;
	case QUEUE_SELECT:
		d->selected = value;
		break;
	default:
		queue_write(d, offset, value);
	}
}

static uint64_t memory_read(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size)
{
	struct virtio_device *d = device(f);

	if (offset >= AT_MSIX)
		return pci_msix_read(f, offset, size);
	if (offset < COMMON_BYTES)
		return common_read(d, offset, size);
	if (offset == AT_ISR)
		return read_isr(d);
	if (offset >= AT_CONFIG && size <= 4)
		return virtio_config_read(d, offset - AT_CONFIG, size);
	if (offset >= AT_CONFIG)
		return virtio_config_read(d, offset - AT_CONFIG, 4) |
		       (uint64_t)virtio_config_read(d, offset - AT_CONFIG + 4, 4) << 32;
	return 0;
}

static void memory_write(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
	struct virtio_device *d = device(f);

	if (offset >= AT_MSIX) {
		pci_msix_write(f, offset, size, value);
	} else if (offset < COMMON_BYTES) {
		common_write(d, offset, value);
		if (size == 8)
			common_write(d, offset + 4, value >> 32);
	} else if (offset >= AT_CONFIG) {
		virtio_config_write(d, offset - AT_CONFIG, size > 4 ? 4 : size, value);
	}
}

/* --- legacy ---------------------------------------------------------------------------------- */

static unsigned legacy_config(const struct virtio_device *d)
{
	return pci_msix_enabled(&d->pci) ? LEGACY_CONFIG_MSIX : LEGACY_CONFIG;
}

static uint32_t legacy_register(struct virtio_device *d, unsigned reg)
{
	struct virtio_queue *v = selected(d);

	switch (reg) {
	case LEGACY_OFFERED:
		return d->offered;
	case LEGACY_FEATURES:
		return d->features;
	case LEGACY_QUEUE_PFN:
		return v && v->enabled ? v->q.desc >> 12 : 0;
	case LEGACY_QUEUE_SIZE:
		return v ? v->size_max : 0;
	case LEGACY_QUEUE_SELECT:
		return d->selected;
	case LEGACY_STATUS:
		return d->status;
	case LEGACY_ISR:
		return read_isr(d);
	case LEGACY_CONFIG_VECTOR:
		return d->config_vector;
	case LEGACY_QUEUE_VECTOR:
		return v ? v->vector : PCI_MSIX_NONE;
	}
	return 0;
}

static uint64_t port_read(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size)
{
	struct virtio_device *d = device(f);
	unsigned config = legacy_config(d);

	if (offset >= config)
		return virtio_config_read(d, offset - config, size);
	return legacy_register(d, offset);
}

/* virtio 1.2, 2.7.2: descriptors, available ring, and the used ring from the next page on. */
static void legacy_queue(struct virtio_device *d, uint32_t page)
{
	struct virtio_queue *v = selected(d);

	if (!v)
		return;
	if (page == 0) {
		if (v->enabled)
			virtio_reset_queue(d, d->selected);
		return;
	}
	if (v->enabled)
		return;
	v->q.size = v->size_max;
	v->q.desc = (uint64_t)page << 12;
	v->q.avail = v->q.desc + 16 * v->q.size;
	v->q.used = (v->q.avail + 6 + 2 * v->q.size + 0xfff) & ~0xfffull;
	/* Drivers before 2.6.34 never turn bus mastering on. */
	pci_set(&d->pci, PCI_COMMAND, 2, pci_get(&d->pci, PCI_COMMAND, 2) | PCI_ENABLE_MASTER);
	virtio_enable_queue(d, d->selected);
}

static void port_write(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
	struct virtio_device *d = device(f);
	unsigned config = legacy_config(d);

	if (offset >= config) {
		virtio_config_write(d, offset - config, size, value);
		return;
	}
	if (offset == LEGACY_NOTIFY) {
		d->notified++;
		virtio_host_ring(d);
		return;
	}
	if (d->resetting)
		return;
	switch (offset) {
	case LEGACY_FEATURES:
		d->features = value & d->offered & 0xffffffff;
		break;
	case LEGACY_QUEUE_PFN:
		d->legacy = true;
		legacy_queue(d, value);
		break;
	case LEGACY_QUEUE_SELECT:
		d->selected = value;
		break;
	case LEGACY_STATUS:
		virtio_set_status(d, value);
		/* Nothing tells a legacy driver that a reset takes time. */
		while (d->resetting && virtio_host_wait())
			;
		break;
	case LEGACY_CONFIG_VECTOR:
		d->config_vector = checked_vector(d, value);
		break;
	case LEGACY_QUEUE_VECTOR:
		if (selected(d))
			selected(d)->vector = checked_vector(d, value);
		break;
	}
}

/* --- the function on the bus ----------------------------------------------------------------- */

static unsigned capability(struct pci_function *f, enum capability type, unsigned bar, uint32_t offset,
			   uint32_t bytes, unsigned extra)
{
	unsigned at = pci_add_capability(f, 9, 16 + extra);

	pci_set(f, at + 2, 1, 16 + extra);
	pci_set(f, at + 3, 1, type);
	pci_set(f, at + 4, 1, bar);
	pci_set(f, at + 8, 4, offset);
	pci_set(f, at + 12, 4, bytes);
	return at;
}

/* The doorbell moves with the I/O BAR. */
static void moved(struct pci_function *f, unsigned n, uint64_t old)
{
	struct virtio_device *d = device(f);

	if (n != 0)
		return;
	if (old != PCI_NOWHERE)
		virtio_host_doorbell(old + VIRTIO_NOTIFY, 0);
	if (f->bar[0].at != PCI_NOWHERE)
		virtio_host_doorbell(f->bar[0].at + VIRTIO_NOTIFY, d->bit);
}

static void bus_reset(struct pci_function *f)
{
	virtio_set_status(device(f), 0);
}

static uint16_t transitional_id(enum virtio_type type)
{
	switch (type) {
	case VIRTIO_NET:
		return 0x1000;
	case VIRTIO_BLK:
		return 0x1001;
	case VIRTIO_BALLOON:
		return 0x1002;
	case VIRTIO_CONSOLE:
		return 0x1003;
	case VIRTIO_RNG:
		return 0x1005;
	default:
		return 0; /* there were no such devices before version 1 */
	}
}

int virtio_pci_init(struct virtio_device *d, uint32_t class_, struct pci *bus)
{
	uint16_t id = transitional_id(d->type);
	int devfn = pci_free_devfn(bus, VIRTIO_SLOT);
	struct pci_function *f = &d->pci;

	if (devfn < 0)
		return devfn;
	pci_function_init(f, pci_page(bus, devfn), VENDOR, id ? id : DEVICE_MODERN + d->type, class_);
	pci_set(f, PCI_REVISION, 1, id ? 0 : 1);
	pci_set(f, PCI_SUBSYSTEM + 2, 2, id ? d->type : 0x1100);
	f->config[PCI_INTERRUPT_PIN] = 1 + (devfn & 3);
	f->device = d;
	f->reset = bus_reset;
	f->moved = moved;
	f->bar[0] = (struct pci_bar){.bytes = PORTS, .flags = PCI_BAR_IO, .read = port_read, .write = port_write};
	f->bar[1] = (struct pci_bar){.bytes = MEMORY, .read = memory_read, .write = memory_write};
	capability(f, CAP_COMMON, 1, AT_COMMON, COMMON_BYTES, 0);
	capability(f, CAP_NOTIFY, 0, VIRTIO_NOTIFY, 2, 4); /* the multiplier stays 0: one port for all queues */
	capability(f, CAP_ISR, 1, AT_ISR, 4, 0);
	capability(f, CAP_DEVICE, 1, AT_CONFIG, VIRTIO_CONFIG_BYTES, 0);
	pci_add_msix(f, 1, d->queues + 1, AT_MSIX, AT_PBA);
	return pci_add(bus, devfn, f);
}
