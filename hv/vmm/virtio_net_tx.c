// SPDX-License-Identifier: GPL-2.0-only
/* Virtio network device, transmit: the guest's frames as references for the switch. Virtio 1.2, 5.1.6.2. */
#include "clock.h"
#include "virtio_net.h"

/* A guest that sends and sends, and receives nothing, or through which much goes, is looked after when it halts, else every so many
 * frames or so much time: each notification costs an exit, and a way through switch and driver for one frame. */
#define STREAM_LOOKS 4
#define STREAM_FRAMES 32
#define STREAM_NS 500000
#define BULK_NS 2000000
#define STREAM_END_NS 4000000 /* so long nothing went through */
#define STREAM_BYTES 4096     /* within RATE_NS */
#define RATE_NS 1000000
/* Drivers look after frames that were sent when they receive some or send more, so most interrupts for that are not wanted
 * any more a little later. */
#define TELL_FRAMES 32
#define TELL_NS 1000000

/* The frame's bytes in one piece, in a spare page. False: no page, or too long. */
static bool flatten(struct net *n, struct slot *s, struct net_frame *f, uint32_t bytes, unsigned skip)
{
	if (!n->spare_count || bytes > SPARE_BYTES)
		return false;
	s->spare = n->spare[--n->spare_count];
	vq_read(&n->chain, skip, n->spares + s->spare * SPARE_BYTES, bytes);
	f->count = 1;
	f->fragment[0] = fragment(TAG_SPARE, (uint64_t)s->spare * SPARE_BYTES, bytes);
	return true;
}

/* False: more pieces than a frame may have. */
static bool fragments(struct net *n, struct net_frame *f, unsigned skip)
{
	f->count = 0;
	for (unsigned i = 0; i < n->chain.readable; i++) {
		const struct vq_buffer *b = &n->chain.buffer[i];
		uint64_t offset = ram_offset(b->at), bytes = b->bytes;
		struct net_fragment *last = f->count ? &f->fragment[f->count - 1] : NULL;

		if (skip >= bytes) {
			skip -= bytes;
			continue;
		}
		offset += skip;
		bytes -= skip;
		skip = 0;
		if (bytes > NIC_FRAME_MAX)
			return false;
		if (last && (uint64_t)REF_PAGE(last->ref) * PAGE_SIZE + last->offset + last->bytes == offset &&
		    last->bytes + bytes <= NIC_FRAME_MAX) {
			last->bytes += bytes;
			continue;
		}
		if (f->count == NIC_FRAGMENTS_MAX)
			return false;
		f->fragment[f->count++] = fragment(TAG_RAM, offset, bytes);
	}
	return true;
}

/* The frame's headers where they lie, if they are in one piece; else copied. *there: how many bytes. What the guest changes
 * in the meantime harms its own frame only: the switch looks at a copy of its own. */
static const uint8_t *headers(struct net *n, unsigned skip, uint32_t bytes, uint8_t *copy, size_t *there)
{
	for (unsigned i = 0; i < n->chain.readable; i++) {
		const struct vq_buffer *b = &n->chain.buffer[i];

		if (skip >= b->bytes) {
			skip -= b->bytes;
			continue;
		}
		*there = b->bytes - skip;
		if (*there >= bytes || *there >= NET_HEADERS_MAX)
			return b->at + skip;
		break;
	}
	*there = vq_read(&n->chain, header_bytes(n), copy, NET_HEADERS_MAX);
	return copy;
}

/* What the switch knows how to fill in: TCP and UDP, where the header says that they are. */
static bool plain_checksum(struct net *n, const struct header *h, uint32_t bytes, unsigned skip)
{
	uint8_t copy[NET_HEADERS_MAX];
	struct net_headers p;
	size_t there;
	const uint8_t *at = headers(n, skip, bytes, copy, &there);

	return net_parse(at, there < bytes ? there : bytes, bytes, &p) == 0 && p.protocol && p.l4 == h->csum_start &&
	       p.checksum == h->csum_start + h->csum_offset;
}

static bool own_checksum(struct net *n, struct slot *s, struct net_frame *f, const struct header *h, uint32_t bytes,
			 unsigned skip)
{
	uint32_t field = h->csum_start + h->csum_offset;
	uint8_t *p;

	if (h->gso_type || field + 2 > bytes || h->csum_start > bytes || !flatten(n, s, f, bytes, skip))
		return false;
	p = n->spares + s->spare * SPARE_BYTES;
	net_put16(p + field, net_fold(net_sum(p + h->csum_start, bytes - h->csum_start, 0, false)));
	return true;
}

/* 0: nothing that was negotiated. */
static uint8_t gso_type(const struct net *n, const struct header *h)
{
	if (h->gso_type == HDR_GSO_TCPV4 && virtio_has(&n->v, F_HOST_TSO4))
		return XEN_NETIF_GSO_TYPE_TCPV4;
	if (h->gso_type == HDR_GSO_TCPV6 && virtio_has(&n->v, F_HOST_TSO6))
		return XEN_NETIF_GSO_TYPE_TCPV6;
	return XEN_NETIF_GSO_TYPE_NONE;
}

/* A frame for the switch from the chain. False: one that cannot be sent. */
static bool make_frame(struct net *n, struct slot *s, struct net_frame *f)
{
	unsigned skip = header_bytes(n);
	struct header h = {0};
	uint32_t bytes;

	if (n->chain.out_bytes <= skip + ETH_HEADER || n->chain.out_bytes - skip > NIC_FRAME_MAX)
		return false;
	bytes = n->chain.out_bytes - skip;
	vq_read(&n->chain, 0, &h, skip);
	*f = (struct net_frame){0};
	if (h.gso_type != HDR_GSO_NONE) {
		f->offload.gso_type = gso_type(n, &h);
		if (!f->offload.gso_type || !h.gso_size || !(h.flags & HDR_NEEDS_CSUM))
			return false;
		f->offload.gso_size = h.gso_size;
	}
	if (h.flags & HDR_NEEDS_CSUM && !plain_checksum(n, &h, bytes, skip))
		return own_checksum(n, s, f, &h, bytes, skip);
	f->offload.csum_blank = h.flags & HDR_NEEDS_CSUM;
	return fragments(n, f, skip) || flatten(n, s, f, bytes, skip);
}

/* What comes back of the frame's flow is for this pair. */
static void note_flow(struct net *n, const struct pair *p)
{
	unsigned skip = header_bytes(n);
	uint8_t copy[NET_HEADERS_MAX], entry;
	size_t there;
	const uint8_t *at = headers(n, skip, n->chain.out_bytes - skip, copy, &there);

	entry = net_frame_entry(at, there);
	if (n->steer[entry] == p->number)
		return;
	n->steer[entry] = p->number;
	__atomic_store_n(&((struct nic_link *)n->c->shared)->front_steer[entry], p->number, __ATOMIC_RELAXED);
}

static void transmit_one(struct net *n, struct pair *p)
{
	struct slot *s = p->tx_free;
	static struct net_frame f;
	bool good;

	*s = (struct slot){.next = s->next, .head = n->chain.head, .spare = NO_SPARE};
	good = make_frame(n, s, &f);
	f.id = p->number * QUEUE_SIZE + (s - p->tx_slot);
	if (good && n->wishes.pairs > 1)
		note_flow(n, p);
	if (!good || net_tx_front_put(&n->tx, &f)) {
		n->dropped++;
		net_give_back(n, s);
		vq_push(p->sending, s->head, 0);
		return;
	}
	n->rate_bytes += f.bytes;
	p->tx_free = s->next;
	s->big = f.offload.gso_type;
	n->tx_big += s->big;
	s->out = true;
	n->tx_out++;
}

void net_release_tx(struct net *n, struct pair *p, struct slot *s)
{
	struct virtqueue *q = virtio_live(&n->v, tx_queue(p));

	if (q)
		vq_push(q, s->head, 0);
	net_give_back(n, s);
	n->tx_big -= s->big;
	s->out = s->big = false;
	s->next = p->tx_free;
	p->tx_free = s;
	n->tx_out--;
}

static void answers(struct net *n)
{
	uint16_t id;
	bool big = n->tx_big;
	int status, e;

	while ((e = net_tx_front_take(&n->tx, &id, &status)) > 0) {
		unsigned k = id / QUEUE_SIZE, i = id % QUEUE_SIZE;

		if (k < n->wishes.pairs_max && n->pair[k].tx_slot[i].out)
			net_release_tx(n, &n->pair[k], &n->pair[k].tx_slot[i]);
	}
	if (e < 0)
		net_hang_up(n, "its transmit ring is garbage");
	for (unsigned k = 0; big && !n->tx_big && k < pairs_known(n); k++)
		if (!net_rx_front_pending(&n->pair[k].rx)) /* with one for that driver looks at both */
			virtio_told(&n->v, tx_queue(&n->pair[k]));
}

/* How much goes through, and since when nothing. */
static void see_rate(struct net *n)
{
	uint64_t now = clock_ns();

	n->moved_ns = now;
	if (now - n->rate_ns < RATE_NS)
		return;
	n->bulk = n->rate_bytes / STREAM_BYTES >= (now - n->rate_ns) / RATE_NS;
	n->rate_bytes = 0;
	n->rate_ns = now;
}

/* False: more may be there, but no room for it. */
static bool empty_queue(struct net *n, struct pair *p)
{
	for (;;) {
		if (!p->tx_free || net_tx_front_room(&n->tx) <= NIC_FRAGMENTS_MAX)
			return false;
		if (!virtio_pop(&n->v, tx_queue(p), &n->chain))
			return true;
		transmit_one(n, p);
	}
}

/* True: some came before we asked for them. */
static bool ask_for_more(struct net *n)
{
	bool more = false;

	for (unsigned k = 0; k < n->wishes.pairs; k++)
		if (n->pair[k].sending)
			more |= vq_kicks_after(n->pair[k].sending, n->lazy ? STREAM_FRAMES - 1 : 0);
	return more;
}

static void be_lazy(struct net *n, bool lazy)
{
	if (n->lazy != lazy)
		virtio_host_halts(&n->v, lazy);
	n->lazy = lazy;
}

/* True: look again. */
static bool transmit_some(struct net *n)
{
	uint32_t before = n->tx.req_prod;
	bool full = false;

	answers(n);
	for (unsigned k = 0; k < n->wishes.pairs && n->attached; k++) {
		struct pair *p = &n->pair[(n->turn + k) % n->wishes.pairs];

		full |= p->sending && !empty_queue(n, p);
	}
	n->turn += full; /* another first, when there is room */
	if (!n->attached)
		return false;
	if (n->tx.req_prod != before) {
		n->alone++;
		see_rate(n);
	}
	if (net_tx_front_push(&n->tx))
		connection_signal(n->c);
	be_lazy(n, !full && (n->bulk || n->alone >= STREAM_LOOKS));
	/* Looking we find the answers, too. */
	if (n->tx_out && (!n->lazy || n->tx_big) && net_tx_front_wait(&n->tx, full ? TX_WAIT : n->tx_out))
		return true;
	/* Full: its answers bring us back. */
	return !full && ask_for_more(n);
}

static void look(struct timer *t)
{
	struct net *n = (struct net *)((char *)t - offsetof(struct net, look));

	guest_lock();
	if (n->lazy) {
		net_transmit(n);
		if (clock_ns() - n->moved_ns > STREAM_END_NS) { /* it was the last */
			n->alone = 0;
			n->bulk = false;
			net_transmit(n);
		}
	}
	for (unsigned k = 0; k < pairs_known(n); k++)
		virtio_told(&n->v, tx_queue(&n->pair[k]));
	guest_unlock();
}

/* Tells the driver of many frames that were sent; true: of few it is not told yet. Of several it is told when no more are on
 * their way: TCP may wait for them to send more. */
static bool tell_many(struct net *n, struct pair *p)
{
	uint16_t done = p->sending->used_idx - p->sending->told;

	if (done >= TELL_FRAMES || (done && (!p->tx_free || (done > 1 && !n->tx_out)))) {
		virtio_told(&n->v, tx_queue(p));
		done = 0;
	}
	return done;
}

static void look_later(struct net *n)
{
	bool done = false;

	for (unsigned k = 0; k < pairs_known(n); k++)
		done |= n->pair[k].sending && tell_many(n, &n->pair[k]);
	if (!n->look.armed && (done || n->lazy))
		timer_set(&n->look, clock_ns() + (n->bulk ? BULK_NS : n->lazy ? STREAM_NS : TELL_NS), look);
	else if (n->look.armed && !done && !n->lazy)
		timer_cancel(&n->look);
}

/* While the switch is away frames wait in the guest's queue. */
void net_transmit(struct net *n)
{
	if (!n->attached)
		return;
	for (unsigned k = 0; k < pairs_known(n); k++) {
		struct pair *p = &n->pair[k];
		struct virtqueue *q = virtio_live(&n->v, tx_queue(p));

		p->sending = q;
		if (!q)
			continue;
		if (q->used_idx != q->told && !net_rx_front_pending(&p->rx))
			virtio_told(&n->v, tx_queue(p));
		vq_kicks_off(q);
	}
	while (transmit_some(n))
		;
	look_later(n);
}
