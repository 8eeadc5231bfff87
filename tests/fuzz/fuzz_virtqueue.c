// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/virtio_net_control.c hv/vmm/virtqueue.c hv/vmm/virtio.c hv/vmm/virtio_pci.c hv/vmm/pci.c hv/vmm/pci_bar.c hv/vmm/pci_msix.c hv/vmm/io.c hv/vmm/ram.c */
/*
 * A guest that writes what it likes into a virtio device's registers and queues. The first byte says whether a driver has brought the
 * device up; records follow, of accesses to registers and of descriptors; the rest is the guest's RAM. What has to hold: no access outside RAM, every chain lies in it, and the
 * device stays usable after a reset.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "vmm/virtio.h"
#include "vmm/virtio_net_control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM_BYTES 0x10000

static struct io_space io;
static struct mmio_space mmio;
static struct pci pci;
static struct ram ram;
static uint8_t memory[RAM_BYTES], pages[ECAM_DEVICE_BYTES];
static struct virtio_device d;
static bool made;

static void check(bool ok)
{
	if (!ok)
		abort();
}

void virtio_host_ring(struct virtio_device *v)
{
}

int virtio_host_doorbell(unsigned port, uint64_t bit)
{
	return 0;
}

bool virtio_host_wait(void)
{
	return false;
}

void virtio_host_settled(void)
{
}

void virtio_host_log(const struct virtio_device *v, const char *what)
{
	check(what != NULL);
}

/* What was queued, as a command for a network device. */
static void control(const struct vq_chain *c)
{
	struct net_wishes w = {.features = ~0ull << (c->head & 1), .listens = c->head & 2, .pairs_max = 4, .pairs = 1};

	if (net_command(&w, c) == NET_ERROR)
		check(w.pairs == 1 && !w.has_mac);
	check(w.pairs >= 1 && w.pairs <= 4 && w.pairs_max == 4 && !(w.mac[0] & 1));
}

static void work(struct virtio_device *v)
{
	static struct vq_chain c;

	for (unsigned n = 0; n < v->queues; n++) {
		unsigned taken = 0;

		do {
			while (taken++ < 2 * VQ_SIZE_MAX && virtio_pop(v, n, &c)) {
				uint8_t bytes[64];
				uint64_t in = 0, out = 0;

				check(c.count <= VQ_SIZE_MAX && c.readable <= c.count);
				for (unsigned i = 0; i < c.count; i++) {
					check(c.buffer[i].at >= memory && c.buffer[i].bytes <= RAM_BYTES &&
					      c.buffer[i].at + c.buffer[i].bytes <= memory + RAM_BYTES);
					*(i < c.readable ? &out : &in) += c.buffer[i].bytes;
				}
				check(in == c.in_bytes && out == c.out_bytes);
				control(&c);
				vq_read(&c, 1, bytes, sizeof(bytes));
				vq_push(&v->queue[n].q, c.head, vq_write(&c, 3, bytes, sizeof(bytes)));
			}
		} while (taken < 2 * VQ_SIZE_MAX && !virtio_drained(v, n));
		virtio_told(v, n);
	}
}

static const struct virtio_ops ops = {.work = work};

static uint32_t nobody_read(void *device, unsigned port, unsigned size)
{
	return ~0u;
}

static void nobody_write(void *device, unsigned port, unsigned size, uint32_t value)
{
}

static void make(void)
{
	static const struct io_device nobody = {"nobody", nobody_read, nobody_write, NULL, IO_WIDE};

	io_init(&io, &nobody);
	ram_init(&ram, memory, RAM_BYTES);
	pci.pages = pages;
	pci.io = &io;
	pci.mmio = &mmio;
	pci.ram = &ram;
	d.ops = &ops;
	d.name = "fuzz";
	d.type = VIRTIO_BLK;
	d.queues = 2;
	d.queue[0].size_max = 256;
	d.queue[1].size_max = 8;
	check(virtio_add(&d, 0x010000, &pci) == 0);
	made = true;
}

struct record {
	uint8_t what, size;
	uint16_t offset;
	uint32_t value;
};

/* Where a driver has put its queues; there are SIZE descriptors in each. */
#define SIZE 16
#define QUEUE(n) (0x1000 + 0x4000 * (n))
#define AVAIL 0x1000 /* behind it */
#define USED 0x2000

static void set(unsigned offset, unsigned size, uint32_t value)
{
	const struct mmio_range *m = mmio_find(&mmio, PCI_HOLE + offset, size);

	if (m)
		m->write(m->device, offset, size, value);
}

static uint32_t get(unsigned offset)
{
	const struct mmio_range *m = mmio_find(&mmio, PCI_HOLE + offset, 4);

	return m ? m->read(m->device, offset, 4) : 0;
}

/* Virtio 1.2, 3.1.1: with all features that there are, or without indirect descriptors and event indices. */
static void bring_up(bool all)
{
	set(0x14, 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	for (unsigned half = 0; half < 2; half++) {
		set(0x00, 4, half);
		set(0x08, 4, half);
		set(0x0c, 4, half || all ? get(0x04) : 0);
	}
	set(0x14, 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
	for (unsigned n = 0; n < 2; n++) {
		set(0x16, 2, n);
		set(0x18, 2, n ? SIZE / 2 : SIZE);
		set(0x20, 4, QUEUE(n));
		set(0x28, 4, QUEUE(n) + AVAIL);
		set(0x30, 4, QUEUE(n) + USED);
		set(0x1c, 2, 1);
	}
	set(0x14, 1, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
}

/* A descriptor, a request that is available, what the driver says of interrupts. */
static void queue_up(struct record r)
{
	uint8_t *q = memory + QUEUE(r.what >> 7), *avail = q + AVAIL;
	struct vq_descriptor d = {r.value & 0x1ffff, r.value >> 17 & 0xfff, r.offset & 7, r.offset >> 3 & 31};
	uint16_t index;

	memcpy(&index, avail + 2, 2);
	switch (r.what & 3) {
	case 0:
	case 1:
		if (d.flags & VQ_INDIRECT && r.what & 16) { /* a table that may be one */
			d.address = QUEUE(0) + (r.value & 0xff) * 16;
			d.length = (1 + (r.value >> 8 & 7)) * 16;
		}
		memcpy(q + 16 * (r.size % SIZE), &d, sizeof(d));
		break;
	case 2:
		memcpy(avail + 4 + 2 * (index % SIZE), &r.value, 2);
		index += r.size & 0x80 ? r.value >> 16 : 1;
		memcpy(avail + 2, &index, 2);
		break;
	case 3:
		memcpy(r.what & 16 ? avail : avail + 4 + 2 * SIZE, &r.value, 2);
	}
}

static void play(struct record r)
{
	unsigned size = 1 << (r.size & 3);
	const struct mmio_range *m;

	switch (r.what & 7) {
	case 0:
	case 1:
		io_write(&io, PCI_FIRST_IO + (r.offset & 0xff), size & 7 ? size : 4, r.value);
		break;
	case 2:
		io_read(&io, PCI_FIRST_IO + (r.offset & 0xff), size & 7 ? size : 4);
		break;
	case 3:
	case 4:
		m = mmio_find(&mmio, PCI_HOLE + (r.offset & 0x1fff), size);
		if (m)
			m->write(m->device, r.offset & 0x1fff, size, r.value);
		break;
	case 5:
		m = mmio_find(&mmio, PCI_HOLE + (r.offset & 0x1fff), size);
		if (m)
			m->read(m->device, r.offset & 0x1fff, size);
		break;
	case 6:
		memcpy(memory + (r.offset & 0xfffc), &r.value, 4);
		break;
	case 7:
		virtio_event(d.bit);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record r;

	if (!made)
		make();
	if (!size)
		return 0;
	memset(memory, 0, sizeof(memory));
	pci_reset(&pci);
	pci_set(&d.pci, PCI_COMMAND, 2, 7);
	if (*data & 1)
		bring_up(*data & 2);
	data++;
	size--;
	for (unsigned n = 0; n < 256 && size >= sizeof(r); n++, data += sizeof(r), size -= sizeof(r)) {
		memcpy(&r, data, sizeof(r));
		if (r.what == 0xff) /* the rest is memory */
			break;
		if (r.what & 8)
			queue_up(r);
		else
			play(r);
	}
	if (size > RAM_BYTES)
		size = RAM_BYTES;
	memcpy(memory, data, size);
	virtio_event(d.bit);
	virtio_set_status(&d, 0);
	check(d.status == 0 && !d.queue[0].enabled && !d.queue[0].q.wrong);
	return 0;
}
