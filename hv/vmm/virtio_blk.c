// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtio block device: the guest's requests become requests of a block ring, whose segments name the guest's RAM.
 *
 *   queue --pop--> op --submit--> 1.. blkif requests --all done--> status, used ring, interrupt
 *
 * A request is cut where one of the ring is full (1 MiB). Buffers that are not in units of 512 bytes go through a bounce
 * buffer, one request at a time. What a driver forgot by a reset ends here without a word to it, and the reset waits
 * for that.
 *
 * Source: virtio 1.2, 5.2.
 */
#include <stdlib.h>
#include <string.h>
#include <postern/errno.h>
#include "blk.h"
#include "guest.h"
#include "log.h"
#include "module.h"
#include "syscalls.h"
#include "virtio_devices.h"

#define OPS_MAX 256
#define QUEUES_MAX 8
#define QUEUE_SIZE 256
#define SEGMENTS_MAX (QUEUE_SIZE - 2)
#define BOUNCE_BYTES 0x10000
#define ZEROES_MAX 0x4000 /* sectors of a write-zeroes or discard request: 8 MiB */
#define ID_BYTES 20
#define KICKS_OFF 8 /* with so many requests on their way the queue is looked at whenever one ends */

enum tag { TAG_RAM, TAG_BOUNCE, TAG_ZERO };

enum feature {
	F_SEG_MAX = 2,
	F_RO = 5,
	F_BLK_SIZE = 6,
	F_FLUSH = 9,
	F_TOPOLOGY = 10,
	F_MQ = 12,
	F_DISCARD = 13,
	F_WRITE_ZEROES = 14,
};

enum request_type { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK, S_IOERR, S_UNSUPP };

struct header {
	uint32_t type, reserved;
	uint64_t sector;
};

struct range {
	uint64_t sector;
	uint32_t sectors, flags;
};

struct config {
	uint64_t sectors;
	uint32_t size_max, segments_max;
	uint16_t cylinders;
	uint8_t heads, track;
	uint32_t block;
	uint8_t physical_exponent, alignment;
	uint16_t min_io;
	uint32_t best_io;
	uint8_t writeback, unused;
	uint16_t queues;
	uint32_t discard_sectors, discard_segments, discard_alignment;
	uint32_t zeroes_sectors, zeroes_segments;
	uint8_t zeroes_unmap, unused2[3];
} __attribute__((packed));

_Static_assert(sizeof(struct config) == 60, "virtio 1.2, 5.2.4");

struct op {
	struct op *next; /* free list */
	uint8_t *status; /* in the guest's RAM */
	uint64_t sector; /* next one to ask for */
	uint64_t left;	 /* bytes to ask for */
	uint32_t written; /* for the used ring, without the status */
	unsigned pending; /* requests of the ring */
	uint16_t head;
	uint8_t queue, operation, result;
	bool stale;	 /* the driver forgot it */
	bool submitting, bounce, zeroes;
	uint32_t part; /* bytes in the bounce buffer */
};

struct blk {
	struct virtio_device v;
	struct blk_front front;
	char serial[ID_BYTES + 1];
	uint8_t *bounce;
	struct op *free, *current; /* current: being submitted, its chain is below */
	struct vq_chain chain;
	unsigned buffer; /* of chain: where submit() goes on, */
	uint64_t offset; /* and how far in it */
	uint64_t done;	 /* bytes that went through the bounce buffer */
	unsigned on_way[QUEUES_MAX];
	bool dirty[QUEUES_MAX]; /* the driver has to be told */
	bool bounce_used;
	struct op op[OPS_MAX];
};

static struct blk *blk_of(struct virtio_device *d)
{
	return d->private_;
}

/* --- ends ------------------------------------------------------------------------------------ */

static void release(struct blk *b, struct op *o)
{
	b->on_way[o->queue]--;
	o->next = b->free;
	b->free = o;
}

static void finish(struct blk *b, struct op *o)
{
	struct virtqueue *q = o->stale ? NULL : virtio_live(&b->v, o->queue);
	bool stale = o->stale;

	if (q) {
		*(volatile uint8_t *)o->status = o->result;
		vq_push(q, o->head, o->written + 1);
		b->dirty[o->queue] = true;
	}
	release(b, o);
	if (stale)
		virtio_settled(&b->v);
}

static uint64_t ram_offset(const void *at)
{
	return (const uint8_t *)at - guest.ram.base;
}

/* --- submitting ------------------------------------------------------------------------------ */

/* As much of the chain's rest as fits into a request. */
static void fill_direct(struct blk *b, struct op *o, struct blk_request *r)
{
	while (o->left) {
		const struct vq_buffer *v = &b->chain.buffer[b->buffer];
		uint64_t from = ram_offset(v->at) + b->offset, bytes = v->bytes - b->offset;

		if (blk_add(&b->front, r, TAG_RAM, from, bytes)) {
			/* Page by page up to the end of the request. */
			bytes = BLK_PAGE - from % BLK_PAGE;
			if (bytes > v->bytes - b->offset)
				bytes = v->bytes - b->offset;
			if (blk_add(&b->front, r, TAG_RAM, from, bytes))
				return;
		}
		o->left -= bytes;
		b->offset += bytes;
		while (o->left && b->offset == b->chain.buffer[b->buffer].bytes) {
			b->buffer++;
			b->offset = 0;
		}
	}
}

static void fill_zeroes(struct blk *b, struct op *o, struct blk_request *r)
{
	while (o->left) {
		unsigned bytes = o->left < BLK_PAGE ? o->left : BLK_PAGE;

		if (blk_add_segment(&b->front, r, REF(TAG_ZERO, 0), 0, bytes / BLK_SECTOR - 1))
			return;
		o->left -= bytes;
	}
}

static void fill_bounce(struct blk *b, struct op *o, struct blk_request *r)
{
	o->part = o->left < BOUNCE_BYTES ? o->left : BOUNCE_BYTES;
	if (o->operation != BLKIF_OP_READ)
		vq_read(&b->chain, sizeof(struct header) + b->done, b->bounce, o->part);
	blk_add(&b->front, r, TAG_BOUNCE, 0, o->part);
	b->bounce_used = true;
	o->left -= o->part;
}

/* True: all of it is on its way. */
static bool submit(struct blk *b, struct op *o)
{
	bool data = o->left > 0;

	do {
		struct blk_request *r;

		if (o->bounce && b->bounce_used)
			return false;
		r = blk_front_get(&b->front);
		if (!r)
			return false;
		r->operation = o->operation;
		r->sector = o->sector;
		r->private_ = o;
		if (o->operation == BLKIF_OP_DISCARD) {
			r->sectors = o->left / BLK_SECTOR;
			o->left = 0;
		} else if (data && o->bounce) {
			fill_bounce(b, o, r);
		} else if (data && o->zeroes) {
			fill_zeroes(b, o, r);
		} else if (data) {
			fill_direct(b, o, r);
		}
		if (o->operation != BLKIF_OP_FLUSH_DISKCACHE)
			o->sector += r->sectors;
		o->pending++;
		blk_front_put(&b->front, r);
	} while (o->left);
	return !o->bounce;
}

static void done(struct blk_front *f, struct blk_request *r, int status)
{
	struct blk *b = f->private_;
	struct op *o = r->private_;

	if (status)
		o->result = status == -EOPNOTSUPP ? S_UNSUPP : S_IOERR;
	o->pending--;
	if (o->bounce)
		b->bounce_used = false;
	if (o->bounce && !o->stale) {
		if (!status && o->operation == BLKIF_OP_READ)
			vq_write(&b->chain, b->done, b->bounce, o->part);
		b->done += o->part;
		if (o->left && !status)
			return; /* work() goes on with it */
		b->current = NULL;
		o->submitting = false;
	}
	if (!o->pending && !o->submitting)
		finish(b, o);
}

/* --- requests -------------------------------------------------------------------------------- */

static void chain_skip(struct blk *b, uint64_t bytes)
{
	b->buffer = 0;
	b->offset = bytes;
	while (b->buffer < b->chain.readable && b->offset >= b->chain.buffer[b->buffer].bytes)
		b->offset -= b->chain.buffer[b->buffer++].bytes;
}

/* Are the data in units of 512 bytes everywhere? From b->buffer, b->offset on. */
static bool aligned(const struct blk *b, uint64_t left)
{
	uint64_t offset = b->offset;

	for (unsigned n = b->buffer; left && n < b->chain.count; n++, offset = 0) {
		const struct vq_buffer *v = &b->chain.buffer[n];
		uint64_t bytes = v->bytes - offset < left ? v->bytes - offset : left;

		if ((ram_offset(v->at) + offset) % BLK_SECTOR || bytes % BLK_SECTOR)
			return false;
		left -= bytes;
	}
	return true;
}

static bool on_disk(const struct blk *b, uint64_t sector, uint64_t bytes)
{
	uint64_t size = b->front.info.bytes / BLK_SECTOR;

	return bytes % BLK_SECTOR == 0 && sector <= size && bytes / BLK_SECTOR <= size - sector;
}

/* Reads and writes. */
static int data(struct blk *b, struct op *o, const struct header *h)
{
	bool write = h->type == T_OUT;

	o->left = write ? b->chain.out_bytes - sizeof(*h) : b->chain.in_bytes - 1;
	o->sector = h->sector;
	if (!on_disk(b, o->sector, o->left))
		return S_IOERR;
	if (write && b->front.info.flags & DISK_READ_ONLY)
		return S_IOERR;
	/* A driver that does not flush expects that what is written is written (5.2.6.2). */
	if (!write)
		o->operation = BLKIF_OP_READ;
	else
		o->operation = b->front.info.flags & DISK_FLUSH && !virtio_has(&b->v, F_FLUSH)
				       ? BLKIF_OP_WRITE_BARRIER
				       : BLKIF_OP_WRITE;
	if (write) {
		chain_skip(b, sizeof(*h));
	} else {
		b->buffer = b->chain.readable;
		b->offset = 0;
		o->written = o->left;
	}
	o->bounce = !aligned(b, o->left);
	b->done = 0;
	return -1;
}

static int ranges(struct blk *b, struct op *o, uint32_t type)
{
	struct range r;

	if (b->chain.out_bytes != sizeof(struct header) + sizeof(r))
		return S_UNSUPP; /* one range at a time */
	vq_read(&b->chain, sizeof(struct header), &r, sizeof(r));
	if (r.flags & ~1u || (type == T_DISCARD && r.flags))
		return S_UNSUPP;
	if (r.sectors > ZEROES_MAX || !on_disk(b, r.sector, (uint64_t)r.sectors * BLK_SECTOR) ||
	    b->front.info.flags & DISK_READ_ONLY)
		return S_IOERR;
	o->sector = r.sector;
	o->left = (uint64_t)r.sectors * BLK_SECTOR;
	o->zeroes = type == T_WRITE_ZEROES;
	o->operation = o->zeroes ? BLKIF_OP_WRITE : BLKIF_OP_DISCARD;
	if (!o->zeroes && !(b->front.info.flags & DISK_DISCARD))
		return S_UNSUPP;
	return -1;
}

/* The answer, or -1: it needs the disk. */
static int parse(struct blk *b, struct op *o, const struct header *h)
{
	char id[ID_BYTES] = "";
	int e;

	switch (h->type) {
	case T_IN:
	case T_OUT:
		e = data(b, o, h);
		return e < 0 && !o->left ? S_OK : e;
	case T_FLUSH:
		if (!(b->front.info.flags & DISK_FLUSH))
			return S_OK;
		o->operation = BLKIF_OP_FLUSH_DISKCACHE;
		return -1;
	case T_GET_ID:
		memcpy(id, b->serial, strnlen(b->serial, ID_BYTES));
		o->written = vq_write(&b->chain, 0, id,
				      b->chain.in_bytes - 1 < ID_BYTES ? b->chain.in_bytes - 1 : ID_BYTES);
		return S_OK;
	case T_DISCARD:
	case T_WRITE_ZEROES:
		e = ranges(b, o, h->type);
		return e < 0 && !o->left ? S_OK : e;
	default:
		return S_UNSUPP;
	}
}

/* Takes up the request in b->chain. False: not all of it is on its way yet. */
static bool begin(struct blk *b, struct op *o, unsigned queue)
{
	struct vq_chain *c = &b->chain;
	struct vq_buffer *last = &c->buffer[c->count - 1];
	struct header h;
	int answer;

	b->free = o->next;
	*o = (struct op){.queue = queue, .head = c->head, .status = last->at + last->bytes - 1};
	b->on_way[queue]++;
	vq_read(c, 0, &h, sizeof(h));
	answer = parse(b, o, &h);
	if (answer >= 0) {
		o->result = answer;
		if (h.type == T_IN && answer)
			o->written = 0;
		finish(b, o);
		return true;
	}
	o->submitting = true;
	b->current = o;
	return false;
}

/* Goes on with the request that is being submitted. */
static bool go_on(struct blk *b)
{
	struct op *o = b->current;

	if (!submit(b, o))
		return false;
	b->current = NULL;
	o->submitting = false;
	return true;
}

static void take(struct blk *b, unsigned queue)
{
	while (!b->current && b->free && virtio_pop(&b->v, queue, &b->chain)) {
		struct vq_chain *c = &b->chain;

		if (c->out_bytes < sizeof(struct header) || !c->in_bytes) {
			virtio_broken(&b->v, queue, "a block request without header or status");
			return;
		}
		if (!begin(b, b->free, queue) && !go_on(b))
			return;
	}
}

static void tell(struct blk *b)
{
	for (unsigned n = 0; n < b->v.queues; n++)
		if (b->dirty[n]) {
			b->dirty[n] = false;
			virtio_told(&b->v, n);
		}
}

static void work(struct virtio_device *d)
{
	struct blk *b = blk_of(d);
	bool more;

	do {
		more = false;
		if (b->current && !go_on(b))
			break;
		for (unsigned n = 0; n < d->queues; n++) {
			struct virtqueue *q = virtio_live(d, n);

			if (!q)
				continue;
			vq_kicks_off(q);
			take(b, n);
			/* Those on their way bring us back here when they end. */
			if (b->current || !b->free || b->on_way[n] >= KICKS_OFF)
				continue;
			more |= vq_kicks_on(q);
		}
	} while (more);
	blk_front_push(&b->front);
	tell(b);
}

/* --- the device's life ----------------------------------------------------------------------- */

static void stop(struct virtio_device *d, unsigned queue)
{
	struct blk *b = blk_of(d);
	struct op *o = b->current;

	for (unsigned n = 0; n < OPS_MAX; n++)
		if (b->op[n].queue == queue)
			b->op[n].stale = true;
	b->dirty[queue] = false;
	if (!o || o->queue != queue)
		return;
	b->current = NULL;
	o->left = 0;
	o->submitting = false;
	if (!o->pending)
		release(b, o);
}

static bool busy(struct virtio_device *d, unsigned queue)
{
	return blk_of(d)->on_way[queue] != 0;
}

static const struct virtio_ops ops = {.work = work, .stop = stop, .busy = busy};

/* What the disk says of itself, to the guest. */
static void describe(struct blk *b)
{
	const struct disk_link *i = &b->front.info;
	struct config c = {
		.sectors = i->bytes / BLK_SECTOR,
		.segments_max = SEGMENTS_MAX,
		.block = i->sector_bytes,
		.min_io = 1,
		.queues = b->v.queues,
		.discard_sectors = ZEROES_MAX,
		.discard_segments = 1,
		.discard_alignment = i->discard_bytes / BLK_SECTOR,
		.zeroes_sectors = ZEROES_MAX,
		.zeroes_segments = 1,
	};

	while (c.physical_exponent < 8 && i->sector_bytes << c.physical_exponent < i->physical_bytes)
		c.physical_exponent++;
	c.min_io <<= c.physical_exponent;
	memcpy(b->v.config, &c, sizeof(c));
	b->v.offered |= 1ull << F_SEG_MAX | 1ull << F_BLK_SIZE | 1ull << F_TOPOLOGY | 1ull << F_WRITE_ZEROES;
	b->v.offered |= b->v.queues > 1 ? 1ull << F_MQ : 0;
	b->v.offered |= i->flags & DISK_READ_ONLY ? 1ull << F_RO : 0;
	b->v.offered |= i->flags & DISK_FLUSH ? 1ull << F_FLUSH : 0;
	b->v.offered |= i->flags & DISK_DISCARD ? 1ull << F_DISCARD : 0;
	if (!b->serial[0])
		strlcpy(b->serial, i->serial, sizeof(b->serial));
}

static void changed(struct blk_front *f)
{
	struct blk *b = f->private_;
	uint64_t before;

	memcpy(&before, b->v.config, 8);
	if (f->ready)
		describe(b);
	if (f->ready && before != f->info.bytes / BLK_SECTOR)
		virtio_config_changed(&b->v);
	devices_changed();
}

/* Memory of our own that requests name. */
static uint8_t *share_pages(struct blk *b, enum tag tag, uint64_t bytes, uint32_t rights)
{
	int64_t memory = sys_mem_create(bytes, 0);

	if (memory < 0 || blk_front_memory(&b->front, tag, memory, rights) < 0)
		return NULL;
	return space_map(memory, bytes, MAP_READ | MAP_WRITE);
}

struct virtio_device *virtio_blk_make(const char *serial)
{
	struct blk *b = calloc(1, sizeof(*b));
	const uint32_t all = RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS | RIGHT_GRANT;

	if (!b)
		return NULL;
	b->front.done = done;
	b->front.changed = changed;
	b->front.private_ = b;
	b->v = (struct virtio_device){.ops = &ops, .name = "disk", .type = VIRTIO_BLK, .private_ = b};
	b->v.config_bytes = sizeof(struct config);
	b->v.queues = guest.cpus < QUEUES_MAX ? guest.cpus : QUEUES_MAX;
	for (unsigned n = 0; n < b->v.queues; n++)
		b->v.queue[n].size_max = QUEUE_SIZE;
	for (unsigned n = 0; n < OPS_MAX; n++) {
		b->op[n].next = b->free;
		b->free = &b->op[n];
	}
	strlcpy(b->serial, serial, sizeof(b->serial));
	if (blk_front_init(&b->front) || blk_front_memory(&b->front, TAG_RAM, guest.memory, all))
		return NULL;
	b->bounce = share_pages(b, TAG_BOUNCE, BOUNCE_BYTES, all);
	if (!b->bounce || !share_pages(b, TAG_ZERO, BLK_PAGE, RIGHT_READ | RIGHT_PHYS | RIGHT_GRANT))
		return NULL;
	return virtio_add(&b->v, 0x010000, &guest.pci) ? NULL : &b->v;
}

bool virtio_blk_settled(struct virtio_device *d)
{
	struct blk *b = blk_of(d);

	return b->front.ready || b->front.gone;
}

int virtio_blk_connected(struct virtio_device *d, struct connection *c)
{
	int e = blk_front_attach(&blk_of(d)->front, c);

	work(d);
	return e;
}

void virtio_blk_disconnected(struct virtio_device *d)
{
	blk_front_detach(&blk_of(d)->front);
}

bool virtio_blk_abandon(struct virtio_device *d, uint64_t after)
{
	return blk_front_abandon(&blk_of(d)->front, after);
}

void virtio_blk_readable(struct virtio_device *d)
{
	struct blk_front *f = &blk_of(d)->front;

	blk_front_poll(f);
	if (f->blackout_ns)
		log_line("guest %s: its disk is back: blackout %llu us", guest.name,
			 (unsigned long long)f->blackout_ns / 1000);
	f->blackout_ns = 0;
	work(d);
}
