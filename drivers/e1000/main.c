// SPDX-License-Identifier: GPL-2.0-only
/*
 * e1000: driver for Intel's gigabit controllers 82540EM, 82545EM and 82574L. Each card is a connection to the switch
 * (class "nic.driver", postern/nic.h), which is the front: it sends frames from memory that it shared, and
 * shares buffers to receive into.
 */
#include <string.h>
#include <postern/manifest.h>
#include "card.h"
#include "clock.h"
#include "log.h"
#include "stdlib.h"
#include "syscalls.h"

MODULE_MANIFEST("name = e1000\n"
		"version = 1.0\n"
		"licence = GPL-2.0-only\n"
		"about = Intel 82540EM, 82545EM and 82574L network cards\n"
		"requires = bus.pci\n"
		"opens = nic.driver\n"
		"pci = 8086:100e 8086:100f 8086:10d3\n"
		"dma = 2G\n"
		"start = boot\n");

#define WATCH_NS NS_PER_S
#define AGAIN (1ull << EVENT_BIT_OWN)

static struct card cards[MODULE_DEVICES_MAX];
static unsigned count;
static struct timer watch_timer;

static struct card *card_of(const struct connection *c)
{
	for (unsigned i = 0; i < count; i++)
		if (cards[i].c == c)
			return &cards[i];
	return NULL;
}

static void serve(struct card *k)
{
	if (card_serve(k))
		module_signal(AGAIN);
}

/* Asked again every second while nobody provides the class. */
static void find_switch(struct card *k)
{
	if (!k->opened && k->present)
		k->opened = module_open("nic.driver", k - cards, k->name) >= 0;
}

static void watch(struct timer *t)
{
	unsigned up = 0;

	for (unsigned i = 0; i < count; i++) {
		find_switch(&cards[i]);
		card_watch(&cards[i], clock_ns());
		serve(&cards[i]);
		up += cards[i].link_up;
	}
	module_status("%u card%s, %u with link", count, count == 1 ? "" : "s", up);
	timer_set(t, clock_ns() + WATCH_NS, watch);
}

/* Everything the switch needs before it answers: address, abilities, link. */
static void introduce(struct card *k)
{
	struct nic_link *l = k->link;

	card_link(k);
	memcpy(l->mac, k->mac, sizeof(l->mac));
	memcpy(l->name, k->name, sizeof(l->name));
	l->mtu = 1500;
	l->speed = k->speed;
	l->flags = NIC_CSUM_TX | NIC_CSUM_RX | NIC_TSO4 | (k->link_up ? NIC_LINK_UP : 0);
	__atomic_store_n(&l->back_state, LINK_READY, __ATOMIC_RELEASE);
	connection_signal(k->c);
}

static int e1000_probe(void)
{
	struct device *d;
	unsigned works = 0;
	int ret = -ENODEV;

	while (count < MODULE_DEVICES_MAX && (d = module_device(count))) {
		struct card *k = &cards[count];

		ret = card_probe(k, d, count++);
		if (ret)
			continue;
		works++;
		log_line("%s: %s at %02x:%02x.%x, %02x:%02x:%02x:%02x:%02x:%02x, %s%s", k->name, k->chip->name,
			 d->bdf >> 8, d->bdf >> 3 & 31, d->bdf & 7, k->mac[0], k->mac[1], k->mac[2], k->mac[3],
			 k->mac[4], k->mac[5], k->msix ? "MSI-X" : d->flags & DEVICE_MSI ? "MSI" : "line interrupt",
			 d->flags & DEVICE_IS_CONFINED ? "" : ", DMA: unconfined");
		find_switch(k);
	}
	if (!works)
		return module_fail(ret, "no card works");
	watch(&watch_timer);
	return 0;
}

static void e1000_remove(void)
{
	for (unsigned i = 0; i < count; i++)
		if (cards[i].present)
			card_close(&cards[i]);
}

/* The port of the connection is the card's number: ours, given to module_open(). */
static int e1000_connected(struct connection *c)
{
	struct card *k = c->port < count ? &cards[c->port] : NULL;

	if (strcmp(c->class_, "nic.driver"))
		return 0;
	if (!k || !k->present)
		return -ENODEV;
	k->c = c;
	k->link = c->shared;
	k->protested = false;
	net_tx_back_init(&k->tx, c->shared);
	net_rx_back_init(&k->rx, c->shared);
	introduce(k);
	return 0;
}

static void e1000_disconnected(struct connection *c)
{
	struct card *k = card_of(c);

	if (!k)
		return;
	if (k->open)
		card_close(k);
	for (unsigned i = 0; i < REF_TAGS; i++)
		dma_region_release(&k->region[i]);
	if (k->pages)
		sys_unmap(HANDLE_SELF, (uintptr_t)k->pages, k->pages_bytes);
	k->pages = NULL;
	k->pages_bytes = 0;
	k->link = NULL;
	k->c = NULL;
}

static void try_open(struct card *k)
{
	if (!k->open && k->present && k->pages && !k->protested &&
	    __atomic_load_n(&k->link->front_state, __ATOMIC_ACQUIRE) == LINK_READY)
		card_open(k);
	serve(k);
}

static void e1000_shared(struct connection *c, const struct share *s)
{
	struct card *k = card_of(c);
	int ret;

	if (!k || s->tag >= REF_TAGS || (s->tag == CARD_TAG_SWITCH && k->pages))
		return;
	dma_region_release(&k->region[s->tag]); /* the switch has nothing of it on its way */
	ret = dma_region_init(&k->region[s->tag], k->device, s->memory, s->bytes);
	if (!ret && s->tag == CARD_TAG_SWITCH) {
		k->pages = space_map(s->memory, s->bytes, MAP_READ | MAP_WRITE);
		k->pages_bytes = k->pages ? s->bytes : 0;
		ret = k->pages ? 0 : -ENOMEM;
	}
	if (ret)
		log_line("%s cannot use memory %u of the switch: error %d", k->name, s->tag, -ret);
	try_open(k);
}

static void e1000_readable(struct connection *c)
{
	struct card *k = card_of(c);

	if (k)
		try_open(k);
}

/* A line is masked until the acknowledgement; it comes again at once if the card has something new. */
static void interrupt(struct card *k)
{
	uint32_t causes = k->present ? card_causes(k) : 0;

	if (causes & INT_LSC)
		card_link(k);
	serve(k);
	if (!(k->device->flags & DEVICE_MSI))
		sys_irq_ack(k->device->irq);
}

static void e1000_event(uint64_t bits)
{
	for (unsigned i = 0; i < count; i++) {
		if (bits & cards[i].device->irq_bit)
			interrupt(&cards[i]);
		else if (bits & AGAIN)
			serve(&cards[i]);
	}
}

const struct module_ops module = {
	.probe = e1000_probe,
	.remove = e1000_remove,
	.connected = e1000_connected,
	.disconnected = e1000_disconnected,
	.readable = e1000_readable,
	.shared = e1000_shared,
	.event = e1000_event,
};
