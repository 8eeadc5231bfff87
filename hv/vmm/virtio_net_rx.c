// SPDX-License-Identifier: GPL-2.0-only
/* Virtio network device, receive: the guest's buffers for the switch, and frames in them. Virtio 1.2, 5.1.6.3 and 5.1.6.4. */
#include "virtio_net.h"

#define ENOUGH (QUEUE_SIZE / 2) /* the switch has so many: new buffers are taken when a frame comes, */
#define STREAM_ENOUGH (QUEUE_SIZE / 4) /* or in a stream, when we look */

void net_post(struct net *n, struct pair *p, struct slot *s)
{
	bool spare = s->spare != NO_SPARE;
	uint64_t offset = spare ? (uint64_t)s->spare * SPARE_BYTES : ram_offset(s->at);
	struct net_fragment f = fragment(spare ? TAG_SPARE : TAG_RAM, offset, s->bytes);

	net_rx_front_put(&p->rx, s - p->rx_slot, &f);
}

/* A buffer in several pieces is stood for by a page of ours. */
static bool stand_in(struct net *n, struct slot *s)
{
	const struct vq_chain *c = &n->chain;

	s->count = c->count - c->readable;
	s->rest = malloc(s->count * sizeof(*s->rest));
	if (!s->rest)
		return false;
	memcpy(s->rest, c->buffer + c->readable, s->count * sizeof(*s->rest));
	s->spare = n->spare[--n->spare_count];
	if (s->bytes > SPARE_BYTES)
		s->bytes = SPARE_BYTES;
	return true;
}

/* The guest's buffer in n->chain, for the switch. False: it is none. */
static bool post_one(struct net *n, struct pair *p)
{
	struct vq_chain *c = &n->chain;
	struct slot *s = p->rx_free;

	*s = (struct slot){.next = s->next, .head = c->head, .spare = NO_SPARE};
	if (c->in_bytes <= header_bytes(n))
		return false;
	s->bytes = c->in_bytes > 0xffff ? 0xffff : c->in_bytes;
	s->at = c->buffer[c->readable].at;
	if (c->count != c->readable + 1 && !stand_in(n, s))
		return false;
	p->rx_free = s->next;
	s->out = true;
	p->rx_out++;
	net_post(n, p, s);
	return true;
}

static void scatter(const struct slot *s, const uint8_t *from, uint32_t bytes)
{
	static struct vq_chain c;

	c.readable = 0;
	c.count = s->count;
	memcpy(c.buffer, s->rest, s->count * sizeof(*s->rest));
	vq_write(&c, 0, from, bytes);
}

void net_release_rx(struct net *n, struct pair *p, struct slot *s)
{
	net_give_back(n, s);
	free(s->rest);
	s->rest = NULL;
	s->out = false;
	s->next = p->rx_free;
	p->rx_free = s;
	p->rx_out--;
}

static uint8_t *data_of(struct net *n, const struct slot *s)
{
	return s->spare != NO_SPARE ? n->spares + s->spare * SPARE_BYTES : s->at;
}

static void make_header(struct net *n, const struct net_received *r, const uint8_t *data, unsigned there,
			unsigned buffers, struct header *h)
{
	struct net_headers p;

	*h = (struct header){.buffers = buffers};
	if (r->offload.csum_good && virtio_has(&n->v, F_GUEST_CSUM))
		h->flags = HDR_DATA_VALID;
	if (!r->offload.csum_blank || net_parse(data, there, r->bytes, &p) || !p.protocol)
		return;
	h->flags = HDR_NEEDS_CSUM;
	h->csum_start = p.l4;
	h->csum_offset = p.checksum - p.l4;
	if (!r->offload.gso_type || p.protocol != IP_TCP)
		return;
	h->gso_type = p.ipv4 ? HDR_GSO_TCPV4 : HDR_GSO_TCPV6;
	h->gso_size = r->offload.gso_size;
	h->header_bytes = p.payload;
}

/* One slot's part of a frame into the guest's used ring. Its header, if it is the first, goes where the switch left room. */
static void deliver(struct net *n, struct virtqueue *q, struct slot *s, const struct net_part *part, const struct header *h)
{
	unsigned room = h ? header_bytes(n) : 0;
	uint8_t *data = data_of(n, s), *from = data + part->offset - room;

	if (h)
		memcpy(from, h, room);
	if (s->spare != NO_SPARE)
		scatter(s, from, room + part->bytes);
	else if (from != data)
		memmove(data, from, room + part->bytes);
	vq_push(q, s->head, room + part->bytes);
}

/* The slot of a part, NULL: it names none, or more than there is. */
static struct slot *slot_of(struct pair *p, const struct net_part *part)
{
	struct slot *s = &p->rx_slot[part->id % QUEUE_SIZE];

	return s->out && part->offset <= s->bytes && part->bytes <= s->bytes - part->offset ? s : NULL;
}

/* -EIO: it cannot be. */
static int received(struct net *n, struct pair *p, struct virtqueue *q, const struct net_received *r)
{
	unsigned used = 0, first = r->count;
	bool good;
	struct header h;

	for (unsigned i = 0; i < r->count; i++) {
		if (!slot_of(p, &r->part[i]))
			return -EIO;
		used += r->part[i].bytes != 0;
		if (r->part[i].bytes && i < first)
			first = i;
	}
	if (r->bytes && r->part[first].offset < header_bytes(n))
		return -EIO;
	good = r->bytes && (used == 1 || virtio_has(&n->v, F_MRG_RXBUF)) && p->number < n->wishes.pairs;
	if (good)
		make_header(n, r, data_of(n, slot_of(p, &r->part[first])) + r->part[first].offset,
			    r->part[first].bytes, used, &h);
	for (unsigned i = 0; i < r->count; i++) {
		struct slot *s = slot_of(p, &r->part[i]);

		if (s && good && r->part[i].bytes) {
			deliver(n, q, s, &r->part[i], i == first ? &h : NULL);
			net_release_rx(n, p, s);
		} else if (s) {
			net_post(n, p, s); /* not for the guest to see: the switch may have the buffer again */
		}
	}
	return 0;
}

/* How many new buffers come before we hear of it. */
static unsigned patience(const struct net *n, const struct pair *p)
{
	if (n->lazy && p->rx_out >= STREAM_ENOUGH)
		return QUEUE_SIZE - 1;
	return p->rx_out < ENOUGH ? 0 : ENOUGH - 1;
}

/* False: the connection is given up, or the driver is broken. */
static bool receive_some(struct net *n, struct pair *p, struct virtqueue *q)
{
	static struct net_received r;
	int e;

	while ((e = net_rx_front_take(&p->rx, &r)) > 0 && !(e = received(n, p, q, &r)))
		n->alone = 0, n->rate_bytes += r.bytes;
	if (e < 0) {
		net_hang_up(n, "its receive ring is garbage");
		return false;
	}
	vq_kicks_off(q);
	do {
		while (p->rx_free && n->spare_count && virtio_pop(&n->v, rx_queue(p), &n->chain))
			if (!post_one(n, p)) {
				virtio_broken(&n->v, rx_queue(p), "a receive buffer without room");
				return false;
			}
	} while (p->rx_free && n->spare_count && vq_kicks_after(q, patience(n, p)));
	if (net_rx_front_push(&p->rx))
		connection_signal(n->c);
	return true;
}

void net_receive(struct net *n)
{
	for (unsigned k = 0; k < pairs_known(n) && n->attached; k++) {
		struct pair *p = &n->pair[k];
		struct virtqueue *q = virtio_live(&n->v, rx_queue(p));

		if (!q)
			continue;
		while (receive_some(n, p, q) && net_rx_front_wait(&p->rx))
			;
		virtio_told(&n->v, rx_queue(p));
	}
}
