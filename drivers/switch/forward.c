// SPDX-License-Identifier: GPL-2.0-only
/* Forward: is a frame what it says, and who gets it. Decisions are made on our copy of its headers only. */
#include <string.h>
#include "switch.h"

/* The frame's bytes: our copy of the head, then the guest's memory. */
static int load_pieces(struct cargo *g, struct port *p, const struct net_frame *f)
{
	g->head_bytes = 0;
	g->pieces = 1;
	for (unsigned i = 0; i < f->count; i++) {
		const uint8_t *at = port_bytes(p, &f->fragment[i], false);
		unsigned bytes = f->fragment[i].bytes, n = HEAD_BYTES - g->head_bytes;

		if (!at)
			return DROP_REFERENCE + 1;
		n = n < bytes ? n : bytes;
		memcpy(g->head + g->head_bytes, at, n);
		g->head_bytes += n;
		if (n < bytes)
			g->piece[g->pieces++] = (struct piece){at + n, bytes - n};
	}
	g->piece[0] = (struct piece){g->head, g->head_bytes};
	return 0;
}

/* A trunk's tag goes into the cargo; what remains is looked at as if it had none. */
static int untag(struct cargo *g)
{
	g->vlan = g->headers.vlan;
	g->untagged = ETH_VLAN_TAG;
	g->bytes -= ETH_VLAN_TAG;
	g->head_bytes -= ETH_VLAN_TAG;
	memmove(g->head + ETH_HEADER - 2, g->head + ETH_HEADER + ETH_VLAN_TAG - 2, g->head_bytes - (ETH_HEADER - 2));
	g->piece[0].bytes = g->head_bytes;
	return net_parse(g->head, g->head_bytes, g->bytes, &g->headers);
}

/* The offload fields fit the headers, and what the frame becomes fits the wire. */
static int check_size(struct cargo *g)
{
	const struct net_headers *h = &g->headers;
	struct net_offload *o = &g->offload;

	if (o->csum_blank && h->protocol != IP_TCP && h->protocol != IP_UDP)
		return DROP_MALFORMED + 1;
	if (!o->gso_type)
		return g->bytes > FRAME_MAX ? DROP_OVERSIZED + 1 : 0;
	if (h->protocol != IP_TCP || h->end != g->bytes || o->gso_size < GSO_SIZE_MIN ||
	    (o->gso_type == XEN_NETIF_GSO_TYPE_TCPV4 ? !h->ipv4 : !h->ipv6))
		return DROP_MALFORMED + 1;
	o->csum_blank = true; /* each segment needs its own */
	if (h->payload + o->gso_size > FRAME_MAX)
		return DROP_OVERSIZED + 1;
	if (g->bytes <= FRAME_MAX && h->end - h->payload <= o->gso_size)
		o->gso_type = o->gso_size = 0; /* one segment */
	return 0;
}

int cargo_load(struct cargo *g, struct port *p, const struct net_frame *f)
{
	int drop;

	g->from = p;
	g->frame = f;
	g->bytes = f->bytes;
	g->offload = f->offload;
	g->offload.csum_good = false; /* a guest's word */
	drop = load_pieces(g, p, f);
	if (drop)
		return drop;
	if (net_parse(g->head, g->head_bytes, g->bytes, &g->headers))
		return DROP_MALFORMED + 1;
	g->vlan = p->spec.vlan;
	g->untagged = 0;
	if (g->headers.tagged && !p->spec.trunk)
		return DROP_TAGGED + 1;
	if (g->headers.tagged && (untag(g) || g->headers.tagged))
		return DROP_MALFORMED + 1;
	if (g->head[6] & 1 || (memcmp(g->head + 6, p->mac, 6) && !p->spec.promiscuous))
		return DROP_SPOOFED + 1;
	return check_size(g);
}

static bool may_flood(struct port *p, uint64_t now)
{
	uint64_t more = (now - p->flood_ns) * FLOOD_RATE / 1000000000ull;

	if (more) {
		p->flood_left = p->flood_left + more < FLOOD_BURST ? p->flood_left + more : FLOOD_BURST;
		p->flood_ns = now;
	}
	if (!p->flood_left) {
		p->dropped[DROP_FLOOD]++;
		return false;
	}
	p->flood_left--;
	return true;
}

bool is_peer(const struct port *to, const struct port *from, uint8_t network, uint16_t vlan)
{
	return to->open && to != from && to->network == network && (to->spec.vlan == vlan || to->spec.trunk);
}

void to_guests(struct cargo *g, uint8_t network, bool everybody, const struct port *but)
{
	if (!everybody && !networks[network].listeners)
		return;
	for (unsigned i = 0; i < ports_end; i++) {
		struct port *to = &ports[i];

		if (to == but || !is_peer(to, g->from, network, g->vlan) || !(everybody || to->spec.promiscuous))
			continue;
		g->delivered = 0;
		if (deliver(to, g)) {
			to->dropped[DROP_NO_BUFFER]++;
			to->link->rx_dropped++;
		} else if (g->from) {
			g->from->to_guests++;
		}
	}
}

static enum verdict to_uplink(struct cargo *g, uint64_t now)
{
	struct port *p = g->from;
	int active = networks[p->network].active;

	if (active < 0) {
		if (networks[p->network].uplinks)
			p->dropped[DROP_NO_UPLINK]++;
		return DONE;
	}
	p->to_uplink++;
	return uplink_send(&uplinks[active], g, now);
}

#define TCP_FLAGS 13
#define TCP_BEGIN_END 7 /* FIN, SYN, RST */

/* Of a stream of TCP from guest to guest much comes in a moment, and acknowledgements are worth more together: the receiver need
 * not take over the processor from the sender for each. */
static bool comes_in_masses(const struct cargo *g)
{
	const struct net_headers *h = &g->headers;

	return g->offload.gso_type ||
	       (h->protocol == IP_TCP && h->payload >= h->end && !(g->head[h->l4 + TCP_FLAGS] & TCP_BEGIN_END));
}

static enum verdict to_guest(struct cargo *g, int port)
{
	struct port *to = &ports[port];
	bool urgent = to->urgent;

	if (!is_peer(to, g->from, g->from->network, g->vlan))
		return DONE;
	if (!deliver(to, g)) {
		to->urgent = urgent || !comes_in_masses(g);
		g->from->to_guests++;
	} else if (to->deaf >> to->ring & 1) {
		to->dropped[DROP_NO_BUFFER]++;
		to->link->rx_dropped++;
	} else {
		return WAIT;
	}
	to_guests(g, g->from->network, false, to);
	return DONE;
}

enum verdict forward(struct cargo *g, uint64_t now, int *port)
{
	struct port *p = g->from;
	bool group = g->head[0] & 1;

	if (p->spec.promiscuous || p->spec.trunk)
		table_learn(&table, p->network, g->vlan, g->head + 6, p->index, TABLE_PER_GUEST, now);
	*port = group ? TABLE_NONE : table_find(&table, p->network, g->vlan, g->head, now);
	if (*port == p->index)
		return DONE;
	if (*port >= 0 && *port < PORTS_MAX)
		return to_guest(g, *port);
	/* An address that nobody was seen with costs as much as one that is everybody's. */
	if (*port == TABLE_NONE && !may_flood(p, now))
		return DONE;
	to_guests(g, p->network, group, NULL);
	return to_uplink(g, now);
}
