// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netring: requests and responses share the slots of a ring; each side owns one producer index and the request to be
 * signalled. An index of the peer is read once, bounded, then used.
 */
#include <string.h>
#include "netring.h"

#define TX_MASK (NIC_TX_SLOTS - 1)
#define RX_MASK (NIC_RX_SLOTS - 1)

/* The slot arrays are declared one long in Xen's header. */
static union netif_tx_sring_entry *tx_slot(netif_tx_sring_t *r, uint32_t index)
{
	union netif_tx_sring_entry *slots = r->ring;

	return slots + (index & TX_MASK);
}

static union netif_rx_sring_entry *rx_slot(netif_rx_sring_t *r, uint32_t index)
{
	union netif_rx_sring_entry *slots = r->ring;

	return slots + (index & RX_MASK);
}

static uint32_t peer_index(const RING_IDX *index)
{
	return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

/* Publishes a producer index. True: the peer asked to be told when it passes its event. The full barrier orders our index
 * before the look at its event, as it writes the event before it looks at our index. */
static bool publish(RING_IDX *prod, const RING_IDX *event, uint32_t to)
{
	uint32_t from = __atomic_load_n(prod, __ATOMIC_RELAXED);

	if (from == to)
		return false;
	__atomic_store_n(prod, to, __ATOMIC_RELEASE);
	xen_mb();
	return to - __atomic_load_n(event, __ATOMIC_RELAXED) < to - from;
}

static bool ask(RING_IDX *event, uint32_t at, const RING_IDX *prod, uint32_t cons)
{
	__atomic_store_n(event, at, __ATOMIC_RELAXED);
	xen_mb();
	return __atomic_load_n(prod, __ATOMIC_ACQUIRE) - cons >= at - cons;
}

void net_tx_front_init(struct net_tx_front *f, void *shared)
{
	*f = (struct net_tx_front){.ring = nic_tx_ring(shared)};
	SHARED_RING_INIT(f->ring);
}

void net_rx_front_init_at(struct net_rx_front *f, void *shared, unsigned n)
{
	*f = (struct net_rx_front){.ring = nic_rx_ring_at(shared, n), .extent = nic_extents_at(shared, n)};
	SHARED_RING_INIT(f->ring);
}

void net_rx_front_init(struct net_rx_front *f, void *shared)
{
	net_rx_front_init_at(f, shared, 0);
}

void net_tx_back_init(struct net_tx_back *b, void *shared)
{
	*b = (struct net_tx_back){.ring = nic_tx_ring(shared)};
}

void net_rx_back_init_at(struct net_rx_back *b, void *shared, unsigned n)
{
	*b = (struct net_rx_back){.ring = nic_rx_ring_at(shared, n), .extent = nic_extents_at(shared, n)};
}

void net_rx_back_init(struct net_rx_back *b, void *shared)
{
	net_rx_back_init_at(b, shared, 0);
}

/* --- front, transmit --- */

unsigned net_tx_front_room(const struct net_tx_front *f)
{
	return NIC_TX_SLOTS - (f->req_prod - f->rsp_cons);
}

static int measure(struct net_frame *frame)
{
	uint32_t bytes = 0;

	if (!frame->count || frame->count > NIC_FRAGMENTS_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < frame->count; i++) {
		if (!frame->fragment[i].bytes)
			return -EINVAL;
		bytes += frame->fragment[i].bytes;
	}
	frame->bytes = bytes;
	return bytes > NIC_FRAME_MAX ? -EINVAL : 0;
}

int net_tx_front_put(struct net_tx_front *f, struct net_frame *frame)
{
	const struct net_offload *o = &frame->offload;
	uint16_t flags = (o->csum_blank ? NETTXF_csum_blank : 0) | (o->csum_good ? NETTXF_data_validated : 0) |
			 (o->gso_type ? NETTXF_extra_info : 0);
	int ret = measure(frame);

	if (ret)
		return ret;
	frame->slots = frame->count + !!o->gso_type;
	if (frame->slots > net_tx_front_room(f))
		return -ENOSPC;
	for (unsigned i = 0; i < frame->count; i++) {
		const struct net_fragment *at = &frame->fragment[i];

		tx_slot(f->ring, f->req_prod++)->req =
			(netif_tx_request_t){.gref = at->ref,
					     .offset = at->offset,
					     .flags = flags | (i + 1 < frame->count ? NETTXF_more_data : 0),
					     .id = frame->id,
					     .size = i ? at->bytes : frame->bytes};
		flags = 0;
		if (!i && o->gso_type) {
			netif_extra_info_t extra = {.type = XEN_NETIF_EXTRA_TYPE_GSO};

			extra.u.gso.size = o->gso_size;
			extra.u.gso.type = o->gso_type;
			memcpy(tx_slot(f->ring, f->req_prod++), &extra, sizeof(extra));
		}
	}
	return 0;
}

bool net_tx_front_push(struct net_tx_front *f)
{
	return publish(&f->ring->req_prod, &f->ring->req_event, f->req_prod);
}

int net_tx_front_take(struct net_tx_front *f, uint16_t *id, int *status)
{
	uint32_t prod = peer_index(&f->ring->rsp_prod);
	netif_tx_response_t r;

	if (prod - f->rsp_cons > f->req_prod - f->rsp_cons)
		return -EIO;
	while (f->rsp_cons != prod) {
		memcpy(&r, tx_slot(f->ring, f->rsp_cons++), sizeof(r));
		if (r.status == NETIF_RSP_NULL)
			continue;
		*id = r.id;
		*status = r.status;
		return 1;
	}
	return 0;
}

bool net_tx_front_wait(struct net_tx_front *f, unsigned after)
{
	uint32_t pending = f->req_prod - f->rsp_cons;

	if (after > pending)
		after = pending;
	return ask(&f->ring->rsp_event, f->rsp_cons + (after ? after : 1), &f->ring->rsp_prod, f->rsp_cons);
}

/* --- front, receive --- */

unsigned net_rx_front_room(const struct net_rx_front *f)
{
	return NIC_RX_SLOTS - (f->req_prod - f->rsp_cons);
}

int net_rx_front_put(struct net_rx_front *f, uint16_t id, const struct net_fragment *at)
{
	uint32_t slot = f->req_prod & RX_MASK;

	if (!net_rx_front_room(f))
		return -ENOSPC;
	f->id[slot] = id;
	f->extent[slot] = (struct nic_extent){at->offset, at->bytes};
	rx_slot(f->ring, f->req_prod++)->req = (netif_rx_request_t){.id = id, .gref = at->ref};
	return 0;
}

bool net_rx_front_push(struct net_rx_front *f)
{
	return publish(&f->ring->req_prod, &f->ring->req_event, f->req_prod);
}

static void add_part(struct net_rx_front *f, struct net_received *r, uint32_t index, uint16_t offset, int bytes)
{
	r->part[r->count++] = (struct net_part){f->id[index & RX_MASK], offset, bytes > 0 ? bytes : 0};
	r->bytes += bytes > 0 ? bytes : 0;
}

/* The responses of a frame are published together, so a frame that is not whole is garbage. */
int net_rx_front_take(struct net_rx_front *f, struct net_received *r)
{
	uint32_t prod = peer_index(&f->ring->rsp_prod), at = f->rsp_cons;
	netif_rx_response_t rsp;
	netif_extra_info_t extra;
	bool failed = false;

	r->bytes = r->count = 0;
	r->offload = (struct net_offload){0};
	if (prod - at > f->req_prod - at)
		return -EIO;
	if (prod == at)
		return 0;
	do {
		if (at == prod || r->count >= NIC_PARTS_MAX)
			return -EIO;
		memcpy(&rsp, rx_slot(f->ring, at), sizeof(rsp));
		failed |= rsp.status <= 0;
		add_part(f, r, at++, rsp.offset, rsp.status);
		if (r->count > 1)
			continue;
		r->offload.csum_blank = rsp.flags & NETRXF_csum_blank;
		r->offload.csum_good = rsp.flags & NETRXF_data_validated;
		if (!(rsp.flags & NETRXF_extra_info))
			continue;
		if (at == prod)
			return -EIO;
		memcpy(&extra, rx_slot(f->ring, at), sizeof(extra));
		if (extra.type != XEN_NETIF_EXTRA_TYPE_GSO || extra.flags & XEN_NETIF_EXTRA_FLAG_MORE)
			return -EIO;
		r->offload.gso_type = extra.u.gso.type;
		r->offload.gso_size = extra.u.gso.size;
		add_part(f, r, at++, 0, 0);
	} while (rsp.flags & NETRXF_more_data);
	f->rsp_cons = at;
	if (failed || r->bytes > NIC_FRAME_MAX)
		r->bytes = 0;
	return 1;
}

bool net_rx_front_pending(const struct net_rx_front *f)
{
	return peer_index(&f->ring->rsp_prod) != f->rsp_cons;
}

bool net_rx_front_wait(struct net_rx_front *f)
{
	return ask(&f->ring->rsp_event, f->rsp_cons + 1, &f->ring->rsp_prod, f->rsp_cons);
}

/* --- back, transmit --- */

/* The GSO information among the extra slots at *at. 0; 1: not there yet; -EINVAL: a kind that nobody offered. */
static int take_extras(struct net_tx_back *b, uint32_t *at, uint32_t prod, struct net_offload *o)
{
	netif_extra_info_t extra;
	int ret = 0;

	do {
		if (*at == prod)
			return 1;
		memcpy(&extra, tx_slot(b->ring, (*at)++), sizeof(extra));
		if (extra.type != XEN_NETIF_EXTRA_TYPE_GSO || !extra.u.gso.size || o->gso_type ||
		    (extra.u.gso.type != XEN_NETIF_GSO_TYPE_TCPV4 && extra.u.gso.type != XEN_NETIF_GSO_TYPE_TCPV6)) {
			ret = -EINVAL;
			continue;
		}
		o->gso_type = extra.u.gso.type;
		o->gso_size = extra.u.gso.size;
	} while (extra.flags & XEN_NETIF_EXTRA_FLAG_MORE);
	return ret;
}

/* The first request's size is the frame's; what is left of it is the first fragment's. */
static int settle(struct net_frame *frame)
{
	uint32_t rest = 0;

	if (!frame->count || frame->count > NIC_FRAGMENTS_MAX)
		return -EINVAL;
	for (unsigned i = 1; i < frame->count; i++) {
		if (!frame->fragment[i].bytes)
			return -EINVAL;
		rest += frame->fragment[i].bytes;
	}
	if (rest >= frame->bytes)
		return -EINVAL;
	frame->fragment[0].bytes = frame->bytes - rest;
	return 0;
}

int net_tx_back_take(struct net_tx_back *b, struct net_frame *frame)
{
	uint32_t prod = peer_index(&b->ring->req_prod), at = b->req_cons;
	netif_tx_request_t r;
	int bad = 0, ret;

	if (prod - b->rsp_prod > NIC_TX_SLOTS || prod - at > prod - b->rsp_prod)
		return -EIO;
	frame->count = 0;
	frame->offload = (struct net_offload){0};
	do {
		if (at == prod)
			return 0;
		memcpy(&r, tx_slot(b->ring, at++), sizeof(r));
		if (!frame->count) {
			frame->id = r.id;
			frame->bytes = r.size;
			frame->offload.csum_blank = r.flags & NETTXF_csum_blank;
			frame->offload.csum_good = r.flags & NETTXF_data_validated;
		}
		if (frame->count < NIC_FRAGMENTS_MAX)
			frame->fragment[frame->count] = (struct net_fragment){r.gref, r.offset, r.size};
		if (r.flags & NETTXF_extra_info) {
			ret = take_extras(b, &at, prod, &frame->offload);
			if (ret > 0)
				return 0;
			bad |= ret | (frame->count ? -EINVAL : 0);
		}
		frame->count++;
	} while (r.flags & NETTXF_more_data);
	frame->slots = at - b->req_cons;
	b->req_cons = at;
	if (!bad && !settle(frame))
		return 1;
	net_tx_back_answer(b, frame->id, frame->slots, NETIF_RSP_ERROR);
	return -EINVAL;
}

void net_tx_back_answer(struct net_tx_back *b, uint16_t id, unsigned slots, int status)
{
	for (unsigned i = 0; i < slots; i++)
		tx_slot(b->ring, b->rsp_prod++)->rsp =
			(netif_tx_response_t){.id = id, .status = i ? NETIF_RSP_NULL : status};
}

bool net_tx_back_push(struct net_tx_back *b)
{
	return publish(&b->ring->rsp_prod, &b->ring->rsp_event, b->rsp_prod);
}

bool net_tx_back_wait(struct net_tx_back *b)
{
	return ask(&b->ring->req_event, b->req_cons + 1, &b->ring->req_prod, b->req_cons);
}

/* --- back, receive --- */

int net_rx_back_ready(const struct net_rx_back *b)
{
	uint32_t prod = peer_index(&b->ring->req_prod);

	if (prod - b->rsp_prod > NIC_RX_SLOTS || prod - b->req_cons > prod - b->rsp_prod)
		return -EIO;
	return prod - b->req_cons;
}

void net_rx_back_peek(const struct net_rx_back *b, unsigned nth, struct net_buffer *buffer)
{
	uint32_t slot = (b->req_cons + nth) & RX_MASK;
	netif_rx_request_t r;
	struct nic_extent e;

	memcpy(&r, rx_slot(b->ring, slot), sizeof(r));
	memcpy(&e, &b->extent[slot], sizeof(e));
	buffer->id = r.id;
	buffer->at = (struct net_fragment){r.gref, e.offset, e.bytes ? e.bytes : 4096};
}

void net_rx_back_take(struct net_rx_back *b, unsigned count)
{
	b->req_cons += count;
}

void net_rx_back_put(struct net_rx_back *b, uint16_t offset, int bytes, bool more, const struct net_offload *offload)
{
	union netif_rx_sring_entry *slot = rx_slot(b->ring, b->rsp_prod++);
	uint16_t flags = more ? NETRXF_more_data : 0, id;

	memcpy(&id, &slot->req.id, sizeof(id));
	if (offload)
		flags |= (offload->csum_blank ? NETRXF_csum_blank : 0) |
			 (offload->csum_good || offload->csum_blank ? NETRXF_data_validated : 0) |
			 (offload->gso_type ? NETRXF_extra_info : 0);
	slot->rsp = (netif_rx_response_t){.id = id, .offset = offset, .flags = flags, .status = bytes};
	if (offload && offload->gso_type) {
		netif_extra_info_t extra = {.type = XEN_NETIF_EXTRA_TYPE_GSO};

		extra.u.gso.size = offload->gso_size;
		extra.u.gso.type = offload->gso_type;
		memcpy(rx_slot(b->ring, b->rsp_prod++), &extra, sizeof(extra));
	}
}

bool net_rx_back_push(struct net_rx_back *b)
{
	return publish(&b->ring->rsp_prod, &b->ring->rsp_event, b->rsp_prod);
}

bool net_rx_back_wait(struct net_rx_back *b, unsigned count)
{
	return ask(&b->ring->req_event, b->req_cons + count, &b->ring->req_prod, b->req_cons);
}

int64_t net_ref(const struct net_fragment *at, uint64_t limit)
{
	uint64_t offset = (uint64_t)REF_PAGE(at->ref) * 4096 + at->offset;

	return offset > limit || at->bytes > limit - offset ? -EFAULT : (int64_t)offset;
}
