// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inbound: frames from outside, out of the driver's buffers to guests. Successive segments of one TCP stream to a guest that
 * takes big frames go there as one (train.h): its buffers stay with us until then, no longer than what came at once lasts.
 */
#include <string.h>
#include "switch.h"

static struct train train;
static struct port *bound; /* where the train goes */

/* Takes the tag out of the view: the addresses are copied, the type stands behind the tag. */
static bool load_outer(struct cargo *g, const uint8_t *at, uint32_t bytes)
{
	unsigned skip = 0;

	if (bytes < ETH_HEADER || bytes > FRAME_MAX + ETH_VLAN_TAG)
		return false;
	g->vlan = 0;
	memcpy(g->head, at, ETH_HEADER);
	if (net_get16(g->head + 12) == ETH_TYPE_VLAN) {
		if (bytes < ETH_HEADER + ETH_VLAN_TAG)
			return false;
		g->vlan = net_get16(at + 14) & 0xfff;
		skip = ETH_VLAN_TAG;
		memcpy(g->head + 12, at + 16, 2);
	}
	g->head_bytes = ETH_HEADER;
	g->bytes = bytes - skip;
	g->piece[0] = (struct piece){g->head, ETH_HEADER};
	g->piece[1] = (struct piece){at + ETH_HEADER + skip, bytes - ETH_HEADER - skip};
	g->pieces = g->piece[1].bytes ? 2 : 1;
	return g->bytes <= FRAME_MAX;
}

static bool deliver_to(struct port *to, struct cargo *g)
{
	if (!deliver(to, g))
		return true;
	to->dropped[DROP_NO_BUFFER]++;
	to->link->rx_dropped++;
	return false;
}

static uint8_t gso_type(void)
{
	return train.headers.ipv4 ? XEN_NETIF_GSO_TYPE_TCPV4 : XEN_NETIF_GSO_TYPE_TCPV6;
}

static bool deliver_train(struct cargo *g)
{
	g->headers = train.headers;
	g->headers.end = g->bytes = train.headers.payload + train.payload;
	g->offload = (struct net_offload){.csum_blank = true, .gso_type = gso_type(), .gso_size = train.size};
	g->vlan = 0;
	g->delivered = 0;
	train_head(&train, g->head);
	g->piece[0] = (struct piece){g->head, train.headers.payload};
	g->pieces = 1 + train.count;
	for (unsigned i = 0; i < train.count; i++)
		g->piece[i + 1] = (struct piece){train.frame[i] + train.headers.payload,
						 i + 1 < train.count ? train.size : train.last};
	bound->coalesced += train.count;
	return !deliver(bound, g);
}

/* Without room for all of it as many of its frames go as there is room for. */
static void send_off(struct uplink *u)
{
	static struct cargo g;
	bool room = true;

	if (train.count < 2 || !deliver_train(&g))
		for (unsigned i = 0; i < train.count && room; i++) {
			g.offload = (struct net_offload){.csum_good = train.checked};
			room = load_outer(&g, train.frame[i], train.bytes[i]) && deliver_to(bound, &g);
		}
	for (unsigned i = 0; i < train.count; i++)
		uplink_post(u, train.id[i]);
	train.count = 0;
}

static bool takes_train(const struct port *to)
{
	return !(~to->link->front_flags & rx_flags(gso_type()));
}

/* True: the frame stays in its buffer, as the beginning of a train. */
static bool forward_in(struct uplink *u, const uint8_t *at, uint32_t bytes, uint16_t id, bool csum_good, uint64_t now)
{
	static struct cargo g;
	bool group;
	int port;

	g.from = NULL;
	g.frame = NULL;
	g.offload = (struct net_offload){.csum_good = csum_good};
	if (!load_outer(&g, at, bytes)) {
		u->dropped[bytes > FRAME_MAX ? DROP_OVERSIZED : DROP_MALFORMED]++;
		return false;
	}
	if (networks[u->network].active != u->index || g.head[6] & 1 ||
	    !table_learn(&table, u->network, g.vlan, g.head + 6, PORTS_MAX + u->index, TABLE_LEARNED_MAX, now)) {
		u->dropped[DROP_LOOPED]++;
		return false;
	}
	group = g.head[0] & 1;
	port = group ? TABLE_NONE : table_find(&table, u->network, g.vlan, g.head, now);
	if (port < 0 || port >= PORTS_MAX) {
		to_guests(&g, u->network, group, NULL);
		return false;
	}
	bound = &ports[port];
	if (!is_peer(bound, NULL, u->network, g.vlan))
		return false;
	if (!networks[bound->network].listeners && train_begin(&train, at, bytes, id, csum_good) && takes_train(bound))
		return true;
	train.count = 0;
	deliver_to(bound, &g);
	to_guests(&g, u->network, false, bound);
	return false;
}

/* True: the buffer is still needed. */
static bool take(struct uplink *u, const struct net_part *p, bool csum_good, uint64_t now)
{
	const uint8_t *at = u->pages + RX_START + (uint64_t)p->id * SLOT_BYTES + p->offset;

	uint16_t before = train.id[0];

	u->received++;
	if (train_supersede(&train, at, p->bytes, p->id, csum_good)) {
		uplink_post(u, before);
		bound->coalesced++;
		return true;
	}
	if (train_join(&train, at, p->bytes, p->id, csum_good))
		return true;
	send_off(u);
	return forward_in(u, at, p->bytes, p->id, csum_good, now);
}

bool inbound(struct uplink *u, uint64_t now, bool *more)
{
	static struct net_received r;
	unsigned n = 0;
	bool lies = false;
	int ret = 0;

	train.count = 0;
	for (; !lies && n < 2 * BUDGET && (ret = net_rx_front_take(&u->rx, &r)) > 0; n++) {
		const struct net_part *p = &r.part[0];
		bool keep = false;

		for (unsigned i = 0; i < r.count; i++)
			lies |= r.part[i].id >= RX_SLOTS;
		if (lies)
			break;
		if (r.count == 1 && r.bytes && p->offset <= SLOT_BYTES && p->bytes <= SLOT_BYTES - p->offset)
			keep = take(u, p, r.offload.csum_good, now);
		else
			u->dropped[DROP_MALFORMED]++;
		for (unsigned i = 0; i < r.count && !keep; i++)
			uplink_post(u, r.part[i].id);
	}
	send_off(u);
	*more = ret > 0;
	u->tell |= n > 0;
	if (n)
		uplink_done(u);
	return ret >= 0 && !lies;
}
