// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/virtio_net_control.c hv/vmm/virtqueue.c hv/vmm/virtio.c hv/vmm/virtio_pci.c hv/vmm/pci.c hv/vmm/pci_bar.c hv/vmm/pci_msix.c hv/vmm/io.c hv/vmm/ram.c hv/vmm/random.c hv/lib/netring.c hv/lib/netframe.c */
/*
 * A network device between a driver and a switch, who both write what they like into their queues and rings, and sometimes
 * what is right. What has to hold: no access outside the guest's RAM and our pages, counts stay in their bounds, and after a
 * reset all is as new.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/virtio_net_host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PAIRS 2
#define QUEUES (2 * PAIRS + 1)
#define SIZE 16 /* of each queue */
#define QUEUE_AT(n) (0x400u * (n))
#define AVAIL 0x100
#define USED 0x200
#define BUFFERS 0x2000
#define RAM_BYTES 0x10000

static _Alignas(4096) uint8_t memory[RAM_BYTES];

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void make(void)
{
	static const struct io_device none = {"none", none_read, none_write, NULL, IO_WIDE};

	guest.cpus = PAIRS;
	ram_init(&guest.ram, memory, RAM_BYTES);
	io_init(&guest.io, &none);
	guest.pci.pages = pages;
	guest.pci.io = &guest.io;
	guest.pci.mmio = &guest.mmio;
	guest.pci.ram = &guest.ram;
	d = virtio_net_make();
	check(d != NULL);
	pci_reset(&guest.pci);
	pci_set(&d->pci, PCI_COMMAND, 2, 7);
}

static void connect(void)
{
	struct nic_link *link = (struct nic_link *)shared;

	memset(shared, 0, sizeof(shared));
	connection = (struct connection){.shared = shared};
	link->mtu = ETH_MTU;
	link->flags = NIC_LINK_UP | NIC_CSUM_TX | NIC_CSUM_RX | NIC_TSO4 | NIC_TSO6 | (now & 1024 ? NIC_PROMISCUOUS : 0);
	link->back_state = LINK_READY;
	net_tx_back_init(&tb, shared);
	for (unsigned i = 0; i < PAIRS_MAX; i++)
		net_rx_back_init_at(&rb[i], shared, i);
	check(!virtio_net_connected(d, &connection));
}

static void reconnect(void)
{
	virtio_net_disconnected(d);
	connect();
}

static void enable(unsigned queue)
{
	struct virtqueue *q = &d->queue[queue].q;

	if (d->queue[queue].enabled)
		return;
	q->size = SIZE;
	q->desc = QUEUE_AT(queue);
	q->avail = q->desc + AVAIL;
	q->used = q->desc + USED;
	memset(memory + QUEUE_AT(queue), 0, 0x400);
	virtio_enable_queue(d, queue);
}

static void drive(uint32_t features)
{
	d->features = (features & d->offered) | 1ull << VIRTIO_F_VERSION_1 | (features & 1ull) << VIRTIO_F_RING_RESET;
	virtio_set_status(d, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
	for (unsigned i = 0; i < QUEUES; i++)
		enable(i);
	virtio_set_status(d, d->status | VIRTIO_DRIVER_OK);
}

/* A chain of two buffers, as a driver does it, with the record's bytes at its beginning. */
static void give(unsigned queue, const uint8_t *r)
{
	uint8_t *at = memory + QUEUE_AT(queue);
	unsigned i = r[1] % (SIZE / 2) * 2, first = 1 + r[2] % 64, to = BUFFERS + (r[3] << 7);
	bool in = queue % 2 == 0 && queue != control_queue(net_of(d));
	struct vq_descriptor v[2] = {{to, first, VQ_NEXT | (in ? VQ_WRITE : 0), i + 1},
				     {to + first, 64 + r[4] * 8, in || queue == control_queue(net_of(d)) ? VQ_WRITE : 0, 0}};
	uint16_t index;

	memcpy(at + 16 * i, v, sizeof(v));
	memcpy(memory + to, r + 5, 11);
	memcpy(&index, at + AVAIL + 2, 2);
	memcpy(at + AVAIL + 4 + 2 * (index % SIZE), &(uint16_t){i}, 2);
	index++;
	memcpy(at + AVAIL + 2, &index, 2);
}

static void serve(const uint8_t *r)
{
	struct net_rx_back *b = &rb[r[1] % PAIRS];
	const struct net_offload o = {.csum_blank = r[2] & 1, .csum_good = r[2] & 2, .gso_type = r[2] >> 2 & 3, .gso_size = r[3] << 4};
	struct net_frame f;

	while (net_tx_back_take(&tb, &f) > 0)
		net_tx_back_answer(&tb, f.id ^ (r[2] & 0x80 ? r[3] : 0), f.slots, NETIF_RSP_OKAY);
	net_tx_back_push(&tb);
	for (unsigned n = 1 + (r[4] & 3); n && net_rx_back_ready(b) > (o.gso_type != 0); n--) {
		net_rx_back_take(b, 1 + (o.gso_type != 0));
		net_rx_back_put(b, r[5] & 0x3f, r[6], n > 1 && r[4] & 4, &o);
	}
	net_rx_back_push(b);
}

static void act(const uint8_t *r)
{
	struct net *n = net_of(d);
	uint16_t at = r[2] << 8 | r[3];

	switch (r[0] & 15) {
	case 0 ... 4:
		give(r[0] % 5, r);
		break;
	case 5:
		memcpy(memory + at % (QUEUE_AT(QUEUES) - 4), r + 4, 4);
		break;
	case 6:
		memcpy(shared + 4096 + at % (CONNECTION_BYTES - 4096 - 4), r + 4, r[1] & 3);
		break;
	case 7 ... 9:
		serve(r);
		break;
	case 10:
		virtio_reset_queue(d, r[1] % QUEUES);
		break;
	case 11:
		enable(r[1] % QUEUES);
		break;
	case 12:
		reconnect();
		break;
	case 13:
		virtio_set_status(d, 0);
		reconnect();
		drive(r[1] | r[2] << 8 | r[3] << 16 | (uint32_t)r[4] << 24);
		break;
	case 14:
		now += r[1] * 100000;
		if (n->look.armed) {
			n->look.armed = false;
			n->look.expired(&n->look);
		}
		break;
	}
	virtio_net_readable(d);
	check(n->wishes.pairs >= 1 && n->wishes.pairs <= PAIRS && n->spare_count <= SPARES && n->tx_out <= PAIRS * QUEUE_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!d)
		make();
	now = 0;
	memset(memory, 0, sizeof(memory));
	connect();
	drive(~0u);
	for (unsigned i = 0; i < 64 && size >= 16; i++, data += 16, size -= 16)
		act(data);
	virtio_set_status(d, 0);
	reconnect();
	check(d->status == 0 && !any_out(net_of(d)) && net_of(d)->spare_count == SPARES && net_of(d)->wishes.pairs == 1);
	virtio_net_disconnected(d);
	return 0;
}
