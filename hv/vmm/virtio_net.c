// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtio network device: the guest's buffers go into the two rings of a network connection, frames are not copied here.
 *
 * The switch may write into receive buffers at any time. When the driver is reset with buffers out there, the connection
 * is given up, and the reset is done when the switch has begun the next generation: by then it has forgotten
 * the buffers of the one before (its channel keeps that order).
 *
 * A frame that fills several receive buffers is moved by the header's length in all but the first: only the
 * first holds a header, and which one will be first is not known when buffers are handed out.
 *
 * Source: virtio 1.2, 5.1.
 */
#include "clock.h"
#include <stdlib.h>
#include <string.h>
#include <postern/errno.h>
#include "guest.h"
#include "log.h"
#include "netframe.h"
#include "netring.h"
#include "syscalls.h"
#include "virtio_devices.h"

#define QUEUE_SIZE 256
#define CONTROL_SIZE 64
#define SPARES 64 /* pages of our own, for what the guest's buffers do not fit */
#define SPARE_BYTES 4096
#define NO_SPARE 0xff
#define TX_WAIT 32 /* answers worth a signal while frames go out */
#define FENCE_NS (3 * NS_PER_S)

enum { RX, TX, CONTROL, QUEUES };
enum tag { TAG_RAM, TAG_SPARE };

enum feature {
	F_CSUM = 0,
	F_GUEST_CSUM = 1,
	F_MTU = 3,
	F_MAC = 5,
	F_GUEST_TSO4 = 7,
	F_HOST_TSO4 = 11,
	F_MRG_RXBUF = 15,
	F_STATUS = 16,
	F_CTRL_VQ = 17,
	F_CTRL_RX = 18,
};

enum { HDR_NEEDS_CSUM = 1, HDR_DATA_VALID = 2 };
enum { HDR_GSO_NONE = 0, HDR_GSO_TCPV4 = 1 };

struct header {
	uint8_t flags, gso_type;
	uint16_t header_bytes, gso_size, csum_start, csum_offset, buffers;
} __attribute__((packed));

struct config {
	uint8_t mac[6];
	uint16_t status, pairs, mtu;
} __attribute__((packed));

/* A buffer of the guest that the switch has. */
struct slot {
	struct slot *next; /* free list */
	uint16_t head;
	bool out;      /* the switch has it */
	uint8_t spare; /* page of ours that stands for it, NO_SPARE: none */
	uint8_t *at;   /* its beginning in the guest's RAM; with a spare: unused */
	uint32_t bytes;
	struct vq_buffer *rest; /* with a spare: where the bytes belong, count of them */
	unsigned count;
};

struct net {
	struct virtio_device v;
	struct connection *c;
	bool ready;    /* the switch serves this generation, so it has forgotten the ones before */
	bool attached; /* front_state is READY: the switch uses our rings */
	uint64_t fence; /* not 0: buffers of a driver that was reset may be written until the next generation, and we
			 * wait for that until this CLOCK ns */
	uint32_t changes;
	struct net_tx_front tx;
	struct net_rx_front rx;
	unsigned tx_out, rx_out; /* slots the switch has */
	uint8_t *spares;
	uint32_t spare_memory;
	unsigned spare_count;
	uint8_t spare[SPARES];
	struct slot *tx_free, *rx_free;
	struct slot tx_slot[QUEUE_SIZE], rx_slot[QUEUE_SIZE];
	uint64_t dropped;
	uint64_t done_ns; /* when the switch answered last */
	bool reborn;	  /* and its next life has not yet */
	struct vq_chain chain;
};

static struct net *net_of(struct virtio_device *d)
{
	return d->private_;
}

static unsigned header_bytes(const struct net *n)
{
	return virtio_has(&n->v, F_MRG_RXBUF) || virtio_has(&n->v, VIRTIO_F_VERSION_1) ? 12 : 10;
}

static uint64_t ram_offset(const void *at)
{
	return (const uint8_t *)at - guest.ram.base;
}

static struct net_fragment fragment(enum tag tag, uint64_t offset, uint16_t bytes)
{
	return (struct net_fragment){REF(tag, offset / PAGE_SIZE), offset % PAGE_SIZE, bytes};
}

/* Forgets what the switch had. */
static void free_slots(struct net *n)
{
	n->tx_free = n->rx_free = NULL;
	for (unsigned i = 0; i < QUEUE_SIZE; i++) {
		free(n->rx_slot[i].rest);
		n->tx_slot[i] = (struct slot){.next = n->tx_free, .spare = NO_SPARE};
		n->tx_free = &n->tx_slot[i];
		n->rx_slot[i] = (struct slot){.next = n->rx_free, .spare = NO_SPARE};
		n->rx_free = &n->rx_slot[i];
	}
	for (unsigned i = 0; i < SPARES; i++)
		n->spare[i] = i;
	n->spare_count = SPARES;
	n->tx_out = n->rx_out = 0;
}

static void give_back(struct net *n, struct slot *s)
{
	if (s->spare != NO_SPARE)
		n->spare[n->spare_count++] = s->spare;
	s->spare = NO_SPARE;
}

/* --- the connection -------------------------------------------------------------------------- */

static void hang_up(struct net *n, const char *why)
{
	struct message m = {.kind = MSG_HANGUP};

	n->attached = false;
	if (!n->c || n->c->broken)
		return;
	n->c->broken = true;
	if (why)
		log_line("guest %s: the network connection %u is given up: %s", guest.name, n->c->id, why);
	m.connect.connection = n->c->id;
	m.connect.generation = n->c->generation;
	module_send(&m);
}

static bool driver_ready(const struct net *n)
{
	return n->v.status & VIRTIO_DRIVER_OK && !n->v.resetting && !(n->v.status & VIRTIO_NEEDS_RESET);
}

static void post(struct net *n, struct slot *s);

/* The switch may begin: both sides are there, and the driver has said what it takes. */
static void attach(struct net *n)
{
	struct nic_link *link;

	if (n->attached || n->fence || !n->ready || n->c->broken || !driver_ready(n))
		return;
	link = n->c->shared;
	/* Buffers that its life before had. */
	for (unsigned i = 0; i < QUEUE_SIZE; i++)
		if (n->rx_slot[i].out)
			post(n, &n->rx_slot[i]);
	link->front_flags = (virtio_has(&n->v, F_GUEST_CSUM) ? NIC_RX_CSUM_BLANK : 0) |
			    (virtio_has(&n->v, F_GUEST_TSO4) && virtio_has(&n->v, F_MRG_RXBUF) ? NIC_RX_GSO : 0);
	__atomic_store_n(&link->front_state, LINK_READY, __ATOMIC_RELEASE);
	n->attached = true;
	connection_signal(n->c);
}

static void describe(struct net *n, const struct nic_link *link)
{
	struct config c = {.status = link->flags & NIC_LINK_UP ? 1 : 0, .pairs = 1, .mtu = link->mtu};

	if (c.mtu < 68 || c.mtu > 65521)
		c.mtu = ETH_MTU;
	memcpy(c.mac, link->mac, 6);
	n->v.offered |= 1ull << F_MAC | 1ull << F_STATUS | 1ull << F_MTU | 1ull << F_MRG_RXBUF | 1ull << F_GUEST_CSUM |
			1ull << F_GUEST_TSO4 | 1ull << F_CTRL_VQ | 1ull << F_CTRL_RX;
	if (link->flags & NIC_CSUM_TX)
		n->v.offered |= 1ull << F_CSUM | (link->flags & NIC_TSO4 ? 1ull << F_HOST_TSO4 : 0);
	if (!memcmp(n->v.config, &c, sizeof(c)))
		return;
	memcpy(n->v.config, &c, sizeof(c));
	virtio_config_changed(&n->v);
}

static void end_fence(struct net *n)
{
	if (!n->fence)
		return;
	n->fence = 0;
	free_slots(n);
	virtio_settled(&n->v);
}

/* What the switch's page says now. */
static void watch(struct net *n)
{
	struct nic_link *link = n->c->shared;
	uint32_t changes = __atomic_load_n(&link->changes, __ATOMIC_ACQUIRE);

	if ((n->ready && changes == n->changes) || __atomic_load_n(&link->back_state, __ATOMIC_ACQUIRE) != LINK_READY)
		return;
	n->changes = changes;
	n->ready = true;
	describe(n, link);
	end_fence(n);
	devices_changed();
}

bool virtio_net_settled(struct virtio_device *d)
{
	return d->offered >> F_MAC & 1;
}

/* --- transmit -------------------------------------------------------------------------------- */

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

/* What the switch knows how to fill in: TCP and UDP, where the header says that they are. */
static bool plain_checksum(struct net *n, const struct header *h, uint32_t bytes, unsigned skip)
{
	uint8_t head[NET_HEADERS_MAX];
	size_t there = vq_read(&n->chain, skip, head, sizeof(head));
	struct net_headers p;

	return net_parse(head, there, bytes, &p) == 0 && p.protocol && p.l4 == h->csum_start &&
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
	*f = (struct net_frame){.id = s - n->tx_slot};
	if (h.gso_type != HDR_GSO_NONE) {
		if (h.gso_type != HDR_GSO_TCPV4 || !h.gso_size || !virtio_has(&n->v, F_HOST_TSO4) ||
		    !(h.flags & HDR_NEEDS_CSUM))
			return false;
		f->offload.gso_type = XEN_NETIF_GSO_TYPE_TCPV4;
		f->offload.gso_size = h.gso_size;
	}
	if (h.flags & HDR_NEEDS_CSUM && !plain_checksum(n, &h, bytes, skip))
		return own_checksum(n, s, f, &h, bytes, skip);
	f->offload.csum_blank = h.flags & HDR_NEEDS_CSUM;
	return fragments(n, f, skip) || flatten(n, s, f, bytes, skip);
}

static void transmit_one(struct net *n, struct virtqueue *q)
{
	struct slot *s = n->tx_free;
	static struct net_frame f;

	*s = (struct slot){.next = s->next, .head = n->chain.head, .spare = NO_SPARE};
	if (!make_frame(n, s, &f) || net_tx_front_put(&n->tx, &f)) {
		n->dropped++;
		give_back(n, s);
		vq_push(q, s->head, 0);
		return;
	}
	n->tx_free = s->next;
	s->out = true;
	n->tx_out++;
}

static void release_tx(struct net *n, struct slot *s)
{
	struct virtqueue *q = virtio_live(&n->v, TX);

	if (q)
		vq_push(q, s->head, 0);
	give_back(n, s);
	s->out = false;
	s->next = n->tx_free;
	n->tx_free = s;
	n->tx_out--;
}

static void answers(struct net *n)
{
	uint16_t id;
	int status, e;

	while ((e = net_tx_front_take(&n->tx, &id, &status)) > 0)
		if (id < QUEUE_SIZE && n->tx_slot[id].out)
			release_tx(n, &n->tx_slot[id]);
	if (e < 0)
		hang_up(n, "its transmit ring is garbage");
}

/* True: look again. */
static bool transmit_some(struct net *n, struct virtqueue *q)
{
	bool full = false;

	answers(n);
	while (n->attached && !full) {
		full = !n->tx_free || net_tx_front_room(&n->tx) <= NIC_FRAGMENTS_MAX;
		if (full || !virtio_pop(&n->v, TX, &n->chain))
			break;
		transmit_one(n, q);
	}
	if (!n->attached)
		return false;
	if (net_tx_front_push(&n->tx))
		connection_signal(n->c);
	if (n->tx_out && net_tx_front_wait(&n->tx, full ? TX_WAIT : n->tx_out))
		return true;
	return !full && vq_kicks_on(q); /* full: its answers bring us back */
}

/* While the switch is away frames wait in the guest's queue. */
static void transmit(struct net *n)
{
	struct virtqueue *q = virtio_live(&n->v, TX);

	if (!q || !n->attached)
		return;
	vq_kicks_off(q);
	while (transmit_some(n, q))
		;
	virtio_told(&n->v, TX);
}

/* --- receive --------------------------------------------------------------------------------- */

static void post(struct net *n, struct slot *s)
{
	unsigned skip = header_bytes(n);
	bool spare = s->spare != NO_SPARE;
	uint64_t offset = spare ? (uint64_t)s->spare * SPARE_BYTES : ram_offset(s->at) + skip;
	struct net_fragment f = fragment(spare ? TAG_SPARE : TAG_RAM, offset, s->bytes - skip);

	net_rx_front_put(&n->rx, s - n->rx_slot, &f);
}

/* A buffer in several pieces is stood for by a page of ours. */
static bool stand_in(struct net *n, struct slot *s)
{
	const struct vq_chain *c = &n->chain;
	unsigned most = SPARE_BYTES + header_bytes(n);

	s->count = c->count - c->readable;
	s->rest = malloc(s->count * sizeof(*s->rest));
	if (!s->rest)
		return false;
	memcpy(s->rest, c->buffer + c->readable, s->count * sizeof(*s->rest));
	s->spare = n->spare[--n->spare_count];
	if (s->bytes > most)
		s->bytes = most;
	return true;
}

/* The guest's buffer in n->chain, for the switch. False: it is none. */
static bool post_one(struct net *n)
{
	struct vq_chain *c = &n->chain;
	struct slot *s = n->rx_free;

	*s = (struct slot){.next = s->next, .head = c->head, .spare = NO_SPARE};
	if (c->in_bytes <= header_bytes(n))
		return false;
	s->bytes = c->in_bytes > 0xffff ? 0xffff : c->in_bytes;
	s->at = c->buffer[c->readable].at;
	if (c->count != c->readable + 1 && !stand_in(n, s))
		return false;
	n->rx_free = s->next;
	s->out = true;
	n->rx_out++;
	post(n, s);
	return true;
}

static void scatter(const struct slot *s, uint64_t offset, const uint8_t *from, uint32_t bytes)
{
	static struct vq_chain c;

	c.readable = 0;
	c.count = s->count;
	memcpy(c.buffer, s->rest, s->count * sizeof(*s->rest));
	vq_write(&c, offset, from, bytes);
}

static void release_rx(struct net *n, struct slot *s)
{
	give_back(n, s);
	free(s->rest);
	s->rest = NULL;
	s->out = false;
	s->next = n->rx_free;
	n->rx_free = s;
	n->rx_out--;
}

/* Where the data of a slot lie: behind the room for a header. */
static uint8_t *data_of(struct net *n, const struct slot *s)
{
	return s->spare != NO_SPARE ? n->spares + s->spare * SPARE_BYTES : s->at + header_bytes(n);
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
	if (r->offload.gso_type != XEN_NETIF_GSO_TYPE_TCPV4)
		return;
	h->gso_type = HDR_GSO_TCPV4;
	h->gso_size = r->offload.gso_size;
	h->header_bytes = p.payload;
}

/* One slot's part of a frame into the guest's used ring. */
static void deliver(struct net *n, struct virtqueue *q, struct slot *s, const struct net_part *part, const struct header *h)
{
	unsigned skip = header_bytes(n), room = h ? skip : 0;
	uint8_t *data = data_of(n, s) + part->offset;

	if (s->spare != NO_SPARE) {
		if (h)
			scatter(s, 0, (const uint8_t *)h, skip);
		scatter(s, room, data, part->bytes);
	} else {
		if (h)
			memcpy(s->at, h, skip);
		if (data != s->at + room)
			memmove(s->at + room, data, part->bytes);
	}
	vq_push(q, s->head, room + part->bytes);
}

/* The slot of a part, NULL: it names none, or more than there is. */
static struct slot *slot_of(struct net *n, const struct net_part *part)
{
	struct slot *s = &n->rx_slot[part->id % QUEUE_SIZE];
	uint32_t limit = s->bytes - header_bytes(n);

	return s->out && part->offset <= limit && part->bytes <= limit - part->offset ? s : NULL;
}

/* -EIO: it cannot be. */
static int received(struct net *n, struct virtqueue *q, const struct net_received *r)
{
	unsigned used = 0, first = r->count;
	bool good;
	struct header h;

	for (unsigned i = 0; i < r->count; i++) {
		if (!slot_of(n, &r->part[i]))
			return -EIO;
		used += r->part[i].bytes != 0;
		if (r->part[i].bytes && i < first)
			first = i;
	}
	good = r->bytes && (used == 1 || virtio_has(&n->v, F_MRG_RXBUF));
	if (good)
		make_header(n, r, data_of(n, slot_of(n, &r->part[first])) + r->part[first].offset,
			    r->part[first].bytes, used, &h);
	for (unsigned i = 0; i < r->count; i++) {
		struct slot *s = slot_of(n, &r->part[i]);

		if (s && good && r->part[i].bytes) {
			deliver(n, q, s, &r->part[i], i == first ? &h : NULL);
			release_rx(n, s);
		} else if (s) {
			post(n, s); /* not for the guest to see: the switch may have the buffer again */
		}
	}
	return 0;
}

/* False: the connection is given up, or the driver is broken. */
static bool receive_some(struct net *n, struct virtqueue *q)
{
	static struct net_received r;
	int e;

	while ((e = net_rx_front_take(&n->rx, &r)) > 0 && !(e = received(n, q, &r)))
		;
	if (e < 0) {
		hang_up(n, "its receive ring is garbage");
		return false;
	}
	vq_kicks_off(q);
	do {
		while (n->rx_free && n->spare_count && virtio_pop(&n->v, RX, &n->chain))
			if (!post_one(n)) {
				virtio_broken(&n->v, RX, "a receive buffer without room");
				return false;
			}
	} while (n->rx_free && n->spare_count && vq_kicks_on(q));
	if (net_rx_front_push(&n->rx))
		connection_signal(n->c);
	return true;
}

static void receive(struct net *n)
{
	struct virtqueue *q = virtio_live(&n->v, RX);

	if (!n->attached || !q)
		return;
	while (receive_some(n, q) && net_rx_front_wait(&n->rx))
		;
	virtio_told(&n->v, RX);
}

/* --- control queue --------------------------------------------------------------------------- */

enum { CTRL_RX = 0, CTRL_MAC = 1 };
enum { MAC_TABLE_SET = 0 };
enum { CTRL_OK, CTRL_ERROR };

/* What the guest wants to receive: the switch decides by the configuration; asking is not wrong. */
static void control(struct net *n)
{
	struct virtqueue *q = &n->v.queue[CONTROL].q;

	do {
		while (virtio_pop(&n->v, CONTROL, &n->chain)) {
			uint8_t command[2] = {0xff}, ack;

			vq_read(&n->chain, 0, command, 2);
			ack = command[0] == CTRL_RX || (command[0] == CTRL_MAC && command[1] == MAC_TABLE_SET)
				      ? CTRL_OK
				      : CTRL_ERROR;
			vq_push(q, n->chain.head, vq_write(&n->chain, 0, &ack, 1));
		}
	} while (!virtio_drained(&n->v, CONTROL));
	virtio_told(&n->v, CONTROL);
}

/* --- the device's life ----------------------------------------------------------------------- */

static void note_done(struct net *n)
{
	uint64_t now = clock_ns();

	if (n->reborn)
		log_line("guest %s: the switch is back: blackout %llu us", guest.name,
			 (unsigned long long)(now - n->done_ns) / 1000);
	n->reborn = false;
	n->done_ns = now;
}

static void work(struct virtio_device *d)
{
	struct net *n = net_of(d);
	uint32_t answers = n->tx.rsp_cons + n->rx.rsp_cons;

	attach(n);
	control(n);
	transmit(n);
	receive(n);
	if (n->tx.rsp_cons + n->rx.rsp_cons != answers)
		note_done(n);
}

/* The switch has buffers of the driver that goes: it must forget them first. The rings begin again with the next driver, whose
 * flags may differ. */
static void stop(struct virtio_device *d, unsigned queue)
{
	struct net *n = net_of(d);

	if (queue == CONTROL)
		return;
	if (n->tx_out + n->rx_out && !n->fence)
		n->fence = clock_ns() + FENCE_NS;
	if (n->attached)
		hang_up(n, NULL);
}

static bool busy(struct virtio_device *d, unsigned queue)
{
	struct net *n = net_of(d);

	if (queue == CONTROL || !n->fence)
		return false;
	if (clock_ns() < n->fence)
		return true;
	/* A switch that is not there any more writes nothing. */
	n->fence = 0;
	free_slots(n);
	return false;
}

static const struct virtio_ops ops = {.work = work, .stop = stop, .busy = busy};

struct virtio_device *virtio_net_make(void)
{
	struct net *n = calloc(1, sizeof(*n));
	int64_t memory = sys_mem_create(SPARES * SPARE_BYTES, 0);

	if (!n || memory < 0)
		return NULL;
	n->spares = space_map(memory, SPARES * SPARE_BYTES, MAP_READ | MAP_WRITE);
	n->spare_memory = memory;
	free_slots(n);
	n->v = (struct virtio_device){.ops = &ops, .name = "network", .type = VIRTIO_NET, .private_ = n, .queues = QUEUES};
	n->v.config_bytes = sizeof(struct config);
	n->v.queue[RX].size_max = n->v.queue[TX].size_max = QUEUE_SIZE;
	n->v.queue[CONTROL].size_max = CONTROL_SIZE;
	return n->spares && !virtio_add(&n->v, 0x020000, &guest.pci) ? &n->v : NULL;
}

int virtio_net_connected(struct virtio_device *d, struct connection *c)
{
	struct net *n = net_of(d);
	const uint32_t all = RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS | RIGHT_GRANT;
	int e = connection_share(c, guest.memory, all, TAG_RAM);

	if (!e)
		e = connection_share(c, n->spare_memory, all, TAG_SPARE);
	if (e)
		return e;
	n->c = c;
	n->attached = n->ready = false;
	net_tx_front_init(&n->tx, c->shared);
	net_rx_front_init(&n->rx, c->shared);
	virtio_net_readable(d);
	return 0;
}

/* Frames on their way are lost, as on a wire; receive buffers go to the switch's next life. */
void virtio_net_disconnected(struct virtio_device *d)
{
	struct net *n = net_of(d);

	n->c = NULL;
	n->reborn |= n->attached && n->done_ns;
	n->attached = n->ready = false;
	for (unsigned i = 0; i < QUEUE_SIZE && !n->fence; i++)
		if (n->tx_slot[i].out)
			release_tx(n, &n->tx_slot[i]);
	virtio_told(d, TX);
}

void virtio_net_readable(struct virtio_device *d)
{
	struct net *n = net_of(d);

	if (!n->c || n->c->broken)
		return;
	watch(n);
	work(d);
}
