// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/virtqueue.c hv/vmm/virtio.c hv/vmm/virtio_pci.c hv/vmm/pci.c hv/vmm/pci_bar.c hv/vmm/pci_msix.c hv/vmm/io.c hv/vmm/ram.c */
/*
 * A guest that writes what it likes into a virtio device's registers and queues. The first bytes are accesses to registers, the
 * rest is the guest's RAM, changed between requests. What has to hold: no access outside RAM, every chain lies in it, and the
 * device stays usable after a reset.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "vmm/virtio.h"

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
	memset(memory, 0, sizeof(memory));
	pci_reset(&pci);
	pci_set(&d.pci, PCI_COMMAND, 2, 7);
	for (unsigned n = 0; n < 256 && size >= sizeof(r); n++, data += sizeof(r), size -= sizeof(r)) {
		memcpy(&r, data, sizeof(r));
		if (r.what == 0xff) /* the rest is memory */
			break;
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
