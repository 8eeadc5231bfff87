// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deliver: a frame into a guest's receive buffers. One copy, and what the receiver does not take (blank checksums, frames to be
 * segmented) is done here first, in a second one.
 */
#include <string.h>
#include "switch.h"

static uint8_t whole[NIC_FRAME_MAX + 1], part[SLOT_BYTES];

uint8_t *gather(const struct cargo *g)
{
	unsigned at = 0;

	for (unsigned i = 0; i < g->pieces; i++) {
		memcpy(whole + at, g->piece[i].at, g->piece[i].bytes);
		at += g->piece[i].bytes;
	}
	return whole;
}

uint8_t *linearize(const struct cargo *g)
{
	gather(g);
	if (g->offload.csum_blank && !g->offload.gso_type)
		net_checksum(whole, &g->headers);
	return whole;
}

static void refuse(struct port *to, unsigned buffers)
{
	net_rx_back_take(&to->rx[to->ring], buffers);
	while (buffers--)
		net_rx_back_put(&to->rx[to->ring], 0, NETIF_RSP_ERROR, false, NULL);
	to->tell = true;
	to->dropped[DROP_REFERENCE]++;
}

/* How many buffers hold these bytes, with one more for GSO information; 0: not enough lie ready, or none that can be used. */
static unsigned count_buffers(struct port *to, uint32_t bytes, unsigned headroom, bool gso, uint8_t **va, struct net_buffer *b)
{
	int ready = net_rx_back_ready(&to->rx[to->ring]);
	unsigned n = 0, at = 0, room;

	while (bytes && (int)at < ready && n < NIC_PARTS_MAX) {
		net_rx_back_peek(&to->rx[to->ring], at, &b[n]);
		va[n] = port_bytes(to, &b[n].at, true);
		if (!va[n] && port_awaits_memory(to, &b[n].at))
			return 0;
		/* All before it are good, but the frame is not worth finding out about those behind. */
		if (!va[n] || (!n && b[n].at.bytes <= headroom)) {
			refuse(to, at + 1);
			return 0;
		}
		room = b[n].at.bytes < NET_PART_MAX ? b[n].at.bytes : NET_PART_MAX;
		room -= n ? 0 : headroom;
		b[n].at.bytes = room;
		bytes -= bytes < room ? bytes : room;
		at += n || !gso ? 1 : 2;
		n++;
	}
	return bytes || (int)at > ready ? 0 : n;
}

static int copy(struct port *to, const struct piece *piece, unsigned pieces, uint32_t bytes, const struct net_offload *o)
{
	static struct net_buffer b[NIC_PARTS_MAX];
	static uint8_t *va[NIC_PARTS_MAX];
	unsigned headroom = to->headroom, n = count_buffers(to, bytes, headroom, o->gso_type, va, b), used = 0, i = 0;
	uint32_t left = bytes;

	if (!n)
		return -ENOSPC;
	net_rx_back_take(&to->rx[to->ring], n + !!o->gso_type);
	for (unsigned k = 0; k < n; k++) {
		uint32_t fill = left < b[k].at.bytes ? left : b[k].at.bytes, done = 0, step;
		unsigned offset = k ? 0 : headroom;

		while (done < fill) {
			step = piece[i].bytes - used;
			step = step < fill - done ? step : fill - done;
			memcpy(va[k] + offset + done, piece[i].at + used, step);
			done += step;
			used += step;
			if (used == piece[i].bytes)
				i++, used = 0;
		}
		left -= fill;
		net_rx_back_put(&to->rx[to->ring], offset, fill, k + 1 < n, k ? NULL : o);
	}
	to->tell = to->urgent = true;
	to->link->rx_frames++;
	to->link->rx_bytes += bytes;
	return 0;
}

/* Behind the addresses: the tag that a trunk is to see. */
static int copy_whole(struct port *to, const uint8_t *at, uint32_t bytes, uint16_t vlan)
{
	struct net_offload o = {.csum_good = !vlan};
	uint8_t tag[ETH_VLAN_TAG] = {ETH_TYPE_VLAN >> 8, ETH_TYPE_VLAN & 0xff, vlan >> 8, vlan & 0xff};
	struct piece p[3] = {{at, vlan ? ETH_HEADER - 2 : bytes}, {tag, ETH_VLAN_TAG}, {at + ETH_HEADER - 2, bytes - (ETH_HEADER - 2)}};

	to->copied++;
	return copy(to, p, vlan ? 3 : 1, bytes + (vlan ? ETH_VLAN_TAG : 0), &o);
}

static uint16_t tag_for(const struct port *to, const struct cargo *g)
{
	return to->spec.trunk ? g->vlan : 0;
}

/* As many segments as there are buffers for; the next call goes on there. */
static int segments(struct port *to, struct cargo *g)
{
	const uint8_t *at = linearize(g);
	unsigned n = net_segments(&g->headers, g->offload.gso_size);
	int ret;

	for (unsigned i = g->delivered; i < n; i++) {
		ret = copy_whole(to, part, net_segment(at, &g->headers, g->offload.gso_size, i, part), tag_for(to, g));
		g->delivered = i;
		if (ret)
			return ret;
	}
	g->delivered = 0;
	to->segmented++;
	return 0;
}

/* The one on which the receiver wants frames of this flow. What was not looked into lies behind a bare Ethernet header. */
static unsigned choose_ring(const struct port *to, const struct cargo *g)
{
	const struct piece *p = &g->piece[0];
	unsigned skip = ETH_HEADER, ring, entry;

	if (to->rings == 1)
		return 0;
	if (p->bytes <= skip && g->pieces > 1) {
		p++;
		skip = 0;
	}
	entry = net_flow_entry(net_get16(g->head + 12), p->at + skip, p->bytes - skip);
	ring = __atomic_load_n(&to->link->front_steer[entry], __ATOMIC_RELAXED);
	return ring < to->rings ? ring : 0;
}

int deliver(struct port *to, struct cargo *g)
{
	uint32_t takes = tag_for(to, g) ? 0 : to->link->front_flags;

	to->ring = choose_ring(to, g);
	if (g->offload.gso_type && ~takes & rx_flags(g->offload.gso_type))
		return segments(to, g);
	if ((g->offload.csum_blank && !(takes & NIC_RX_CSUM_BLANK)) || tag_for(to, g))
		return copy_whole(to, linearize(g), g->bytes, tag_for(to, g));
	return copy(to, g->piece, g->pieces, g->bytes, &g->offload);
}
