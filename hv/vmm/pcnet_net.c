// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCnet cards on the network: a frame is copied once on each way, through pages of our own, so the
 * switch never writes into the guest's RAM and a reset has nothing to wait for.
 */
#include <stdlib.h>
#include <string.h>
#include <postern/errno.h>
#include "guest.h"
#include "legacy.h"
#include "log.h"
#include "netring.h"
#include "pcnet.h"
#include "syscalls.h"
#include "virtio_devices.h"

#define CARDS_MAX 8
#define CARD_SLOT 2
#define SLOTS 128 /* pages each way */
#define ANSWERS 16 /* worth a signal */

struct card {
	struct pcnet pcnet;
	struct connection *c;
	bool attached;
	uint32_t changes;
	uint32_t memory; /* pages to send from, then pages to receive into */
	uint8_t *pages;
	struct net_tx_front tx;
	struct net_rx_front rx;
	unsigned free_count;
	uint8_t free[SLOTS];
};

static struct card *cards[CARDS_MAX];

bool pcnet_owns(const struct connection *c)
{
	return !strcmp(c->class_, "nic") && c->port < CARDS_MAX && cards[c->port];
}

static uint8_t *page(const struct card *n, unsigned index)
{
	return n->pages + (uint64_t)index * PAGE_SIZE;
}

/* --- transmit ---------------------------------------------------------------------------------- */

static void give_up(struct card *n)
{
	n->attached = false;
	if (!n->c || n->c->broken)
		return;
	n->c->broken = true;
	log_line("guest %s: the network connection %u is given up: its rings are garbage", guest.name, n->c->id);
	connection_hang_up(n->c);
}

static void take_answers(struct card *n)
{
	uint16_t id;
	int status, ret;

	while ((ret = net_tx_front_take(&n->tx, &id, &status)) > 0)
		if (id < SLOTS && n->free_count < SLOTS)
			n->free[n->free_count++] = id;
	if (ret < 0)
		give_up(n);
}

/* The guest's card says: lock held. */
static bool send(struct pcnet *p, const uint8_t *bytes, uint32_t count)
{
	struct card *n = p->private_;
	struct net_frame f = {.count = 1};
	unsigned slot;

	if (n->attached && !n->free_count)
		take_answers(n);
	if (!n->attached || !n->free_count || count > PCNET_FRAME_MAX)
		return false;
	slot = n->free[--n->free_count];
	memcpy(page(n, slot), bytes, count);
	f.id = slot;
	f.fragment[0] = (struct net_fragment){REF(0, slot), 0, count};
	if (net_tx_front_put(&n->tx, &f)) {
		n->free[n->free_count++] = slot;
		return false;
	}
	if (net_tx_front_push(&n->tx))
		connection_signal(n->c);
	return true;
}

/* --- receive ----------------------------------------------------------------------------------- */

static void post(struct card *n, unsigned slot)
{
	struct net_fragment at = {REF(0, SLOTS + slot), 0, PAGE_SIZE - 1};

	net_rx_front_put(&n->rx, slot, &at);
}

/* Parts lie in pages of ours; what a part says is the switch's word, so it is checked. */
static uint32_t join(struct card *n, const struct net_received *r, uint8_t *to)
{
	uint32_t bytes = 0;

	for (unsigned i = 0; i < r->count; i++) {
		const struct net_part *p = &r->part[i];

		if (p->id >= SLOTS || p->offset > PAGE_SIZE || p->bytes > PAGE_SIZE - p->offset ||
		    p->bytes > PCNET_FRAME_MAX - bytes)
			return 0;
		memcpy(to + bytes, page(n, SLOTS + p->id) + p->offset, p->bytes);
		bytes += p->bytes;
	}
	return bytes;
}

static void receive(struct card *n)
{
	static uint8_t frame[PCNET_FRAME_MAX];
	struct net_received r;
	uint32_t bytes;
	int ret;

	while ((ret = net_rx_front_take(&n->rx, &r)) > 0) {
		bytes = join(n, &r, frame);
		if (bytes >= 14)
			pcnet_receive(&n->pcnet, frame, bytes);
		for (unsigned i = 0; i < r.count; i++)
			if (r.part[i].id < SLOTS)
				post(n, r.part[i].id);
	}
	if (ret < 0) {
		give_up(n);
	} else if (net_rx_front_push(&n->rx)) {
		connection_signal(n->c);
	}
}

/* --- the connection ---------------------------------------------------------------------------- */

static void look_at_link(struct card *n)
{
	const struct nic_link *link = n->c->shared;
	static const uint8_t none[6];

	if (__atomic_load_n(&link->back_state, __ATOMIC_ACQUIRE) != LINK_READY)
		return;
	if (!memcmp(n->pcnet.mac, none, 6)) {
		memcpy(n->pcnet.mac, link->mac, 6);
		pcnet_reset(&n->pcnet);
		devices_changed();
	}
	pcnet_set_link(&n->pcnet, link->flags & NIC_LINK_UP);
}

bool pcnet_settled(unsigned port)
{
	static const uint8_t none[6];

	return !cards[port] || memcmp(cards[port]->pcnet.mac, none, 6);
}

int pcnet_connected(struct connection *c)
{
	struct card *n = cards[c->port];
	struct nic_link *link = c->shared;
	int e = connection_share(c, n->memory, RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS | RIGHT_GRANT, 0);

	if (e < 0)
		return e;
	n->c = c;
	n->free_count = SLOTS;
	net_tx_front_init(&n->tx, c->shared);
	net_rx_front_init(&n->rx, c->shared);
	for (unsigned i = 0; i < SLOTS; i++) {
		n->free[i] = i;
		post(n, i);
	}
	net_rx_front_push(&n->rx);
	net_rx_front_wait(&n->rx);
	link->front_flags = link->front_headroom = 0;
	__atomic_store_n(&link->front_state, LINK_READY, __ATOMIC_RELEASE);
	n->attached = true;
	connection_signal(c);
	look_at_link(n);
	return 0;
}

void pcnet_disconnected(struct connection *c)
{
	struct card *n = cards[c->port];

	n->c = NULL;
	n->attached = false;
}

void pcnet_readable(struct connection *c)
{
	struct card *n = cards[c->port];

	look_at_link(n);
	do {
		if (n->attached)
			take_answers(n);
		if (n->attached)
			receive(n);
	} while (n->attached && (net_tx_front_wait(&n->tx, ANSWERS) | net_rx_front_wait(&n->rx)));
}

int pcnet_make(unsigned port)
{
	int devfn = pci_free_devfn(&guest.pci, CARD_SLOT);
	struct card *n = port < CARDS_MAX && devfn >= 0 ? calloc(1, sizeof(*n)) : NULL;
	int64_t memory;

	if (!n)
		return port < CARDS_MAX && devfn >= 0 ? -ENOMEM : -ENOSPC;
	memory = sys_mem_create(2 * SLOTS * PAGE_SIZE, 0);
	n->pages = memory < 0 ? NULL : space_map(memory, 2 * SLOTS * PAGE_SIZE, MAP_READ | MAP_WRITE);
	if (!n->pages) {
		free(n);
		return -ENOMEM;
	}
	n->memory = memory;
	n->pcnet.send = send;
	n->pcnet.private_ = n;
	pcnet_init(&n->pcnet, pci_page(&guest.pci, devfn));
	cards[port] = n;
	return pci_add(&guest.pci, devfn, &n->pcnet.function);
}
