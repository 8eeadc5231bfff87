// SPDX-License-Identifier: GPL-2.0-only
/* The front end of a block ring: who puts requests. States at the top of blk.h. */
#include <string.h>
#include "blk.h"
#include "clock.h"
#include "log.h"
#include "syscalls.h"

#define SLOT_BITS 8 /* of a request's id; above them a number that tells its uses apart */

enum { FREE, FILLED, WAITING, PUT };

int blk_front_init(struct blk_front *f)
{
	int64_t memory = sys_mem_create(DISK_RING_SLOTS * BLK_PAGE, 0);

	if (memory < 0)
		return -ENOMEM;
	f->pages = space_map(memory, DISK_RING_SLOTS * BLK_PAGE, MAP_READ | MAP_WRITE);
	if (!f->pages) {
		sys_handle_close(memory);
		return -ENOMEM;
	}
	f->indirect = memory;
	f->memory[DISK_TAG_INDIRECT].memory = memory;
	f->memory[DISK_TAG_INDIRECT].rights = RIGHT_READ;
	/* The last one given back is the next one used: few pages of segments are ever touched. */
	f->free_count = DISK_RING_SLOTS;
	for (unsigned i = 0; i < DISK_RING_SLOTS; i++)
		f->free[i] = DISK_RING_SLOTS - 1 - i;
	return 0;
}

static int share(struct blk_front *f, unsigned tag)
{
	struct disk_link *link = f->c->shared;

	__atomic_store_n(&link->front_shares, ++f->shares, __ATOMIC_RELEASE);
	return connection_share(f->c, f->memory[tag].memory, f->memory[tag].rights, tag);
}

int blk_front_memory(struct blk_front *f, unsigned tag, uint32_t memory, uint32_t rights)
{
	if (tag >= DISK_TAG_INDIRECT)
		return -EINVAL;
	f->memory[tag].memory = memory;
	f->memory[tag].rights = rights;
	return memory && f->c ? share(f, tag) : 0;
}

static void give_up(struct blk_front *f, const char *why)
{
	f->ready = false;
	if (!f->c || f->c->broken)
		return;
	f->c->broken = true;
	log_line("connection %u (%s) is given up: %s", f->c->id, f->c->class_, why);
	connection_hang_up(f->c);
}

int blk_front_attach(struct blk_front *f, struct connection *c)
{
	blkif_sring_t *shared = disk_ring(c->shared);
	struct disk_link *link = c->shared;
	int ret;

	f->c = c;
	f->shares = 0;
	f->ready = f->pushed = f->gone = false;
	SHARED_RING_INIT(shared);
	FRONT_RING_INIT(&f->ring, shared, DISK_RING_BYTES);
	for (unsigned tag = 0; tag < REF_TAGS; tag++) {
		if (!f->memory[tag].memory)
			continue;
		ret = share(f, tag);
		if (ret < 0) {
			f->c = NULL;
			return ret;
		}
	}
	xen_wmb();
	link->front_state = LINK_READY;
	connection_signal(c);
	return blk_front_poll(f);
}

/* Takes what a dying peer still answered: that much is not to be done again. */
void blk_front_detach(struct blk_front *f)
{
	if (!f->c)
		return;
	if (f->ready)
		blk_front_poll(f);
	f->c = NULL;
	f->ready = false;
	f->reborn = f->requests != 0;
	f->lost_ns = clock_ns();
	for (unsigned i = 0; i < DISK_RING_SLOTS; i++)
		if (f->request[i].state == PUT)
			f->request[i].state = WAITING;
}

struct blk_request *blk_front_get(struct blk_front *f)
{
	struct blk_request *r;
	unsigned slot;

	if (!f->free_count)
		return NULL;
	slot = f->free[--f->free_count];
	r = &f->request[slot];
	*r = (struct blk_request){.state = FILLED,
				  .id = (r->id & ~0xffu) + (1 << SLOT_BITS) + slot};
	r->segment = r->direct;
	return r;
}

static unsigned slot_of(const struct blk_front *f, const struct blk_request *r)
{
	return r - f->request;
}

void blk_front_drop(struct blk_front *f, struct blk_request *r)
{
	r->state = FREE;
	f->free[f->free_count++] = slot_of(f, r);
}

int blk_add_segment(struct blk_front *f, struct blk_request *r, uint32_t ref, unsigned first,
		    unsigned last)
{
	struct blkif_request_segment *s = r->segments ? &r->segment[r->segments - 1] : NULL;

	if (s && s->gref == ref && s->last_sect + 1u == first) {
		s->last_sect = last;
		r->sectors += last - first + 1;
		return 0;
	}
	if (r->segments == DISK_INDIRECT_MAX)
		return -ENOSPC;
	if (r->segments == BLK_DIRECT_MAX) {
		r->segment = (void *)(f->pages + slot_of(f, r) * BLK_PAGE);
		memcpy(r->segment, r->direct, sizeof(r->direct));
	}
	r->segment[r->segments++] = (struct blkif_request_segment){ref, first, last};
	r->sectors += last - first + 1;
	return 0;
}

int blk_add(struct blk_front *f, struct blk_request *r, unsigned tag, uint64_t offset,
	    uint64_t bytes)
{
	uint64_t pages;

	if ((offset | bytes) % BLK_SECTOR || tag >= REF_TAGS || offset >> 40 || bytes >> 40)
		return -EINVAL;
	pages = (offset + bytes + BLK_PAGE - 1) / BLK_PAGE - offset / BLK_PAGE;
	if (bytes && pages > (uint64_t)(DISK_INDIRECT_MAX - r->segments))
		return -ENOSPC;
	while (bytes) {
		uint64_t in_page = offset % BLK_PAGE, n = BLK_PAGE - in_page;

		if (n > bytes)
			n = bytes;
		blk_add_segment(f, r, REF(tag, offset / BLK_PAGE), in_page / BLK_SECTOR,
				(in_page + n) / BLK_SECTOR - 1);
		offset += n;
		bytes -= n;
	}
	return 0;
}

/* Writes it into the ring, which has as many entries as there are requests: there is always room.
 */
static void write_request(struct blk_front *f, struct blk_request *r)
{
	blkif_request_t *raw = RING_GET_REQUEST(&f->ring, f->ring.req_prod_pvt);

	if (r->operation == BLKIF_OP_DISCARD) {
		blkif_request_discard_t *d = (void *)raw;

		*d = (blkif_request_discard_t){.operation = r->operation,
					       .id = r->id,
					       .sector_number = r->sector,
					       .nr_sectors = r->sectors};
	} else if (r->segments > BLK_DIRECT_MAX) {
		blkif_request_indirect_t *i = (void *)raw;

		i->operation = BLKIF_OP_INDIRECT;
		i->indirect_op = r->operation;
		i->nr_segments = r->segments;
		i->id = r->id;
		i->sector_number = r->sector;
		i->handle = 0;
		i->indirect_grefs[0] = REF(DISK_TAG_INDIRECT, slot_of(f, r));
	} else {
		raw->operation = r->operation;
		raw->nr_segments = r->segments;
		raw->handle = 0;
		raw->id = r->id;
		raw->sector_number = r->sector;
		memcpy(raw->seg, r->direct, r->segments * sizeof(r->direct[0]));
	}
	f->ring.req_prod_pvt++;
	f->pushed = true;
	r->state = PUT;
}

void blk_front_put(struct blk_front *f, struct blk_request *r)
{
	r->order = f->next_order++;
	f->requests++;
	f->in_flight++;
	r->state = WAITING;
	if (f->ready)
		write_request(f, r);
}

void blk_front_push(struct blk_front *f)
{
	bool notify;

	if (f->gone && f->in_flight)
		blk_front_fail(f);
	if (!f->pushed || !f->c)
		return;
	f->pushed = false;
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&f->ring, notify);
	if (notify)
		connection_signal(f->c);
}

static void finish(struct blk_front *f, struct blk_request *r, int status)
{
	f->in_flight--;
	f->done(f, r, status);
	blk_front_drop(f, r);
}

/* The oldest in a state. */
static struct blk_request *oldest(struct blk_front *f, unsigned state)
{
	struct blk_request *found = NULL;

	for (unsigned i = 0; i < DISK_RING_SLOTS; i++) {
		struct blk_request *r = &f->request[i];

		if (r->state == state && (!found || r->order < found->order))
			found = r;
	}
	return found;
}

static void replay(struct blk_front *f)
{
	struct blk_request *r;

	while (f->ready && (r = oldest(f, WAITING))) {
		if (f->reborn)
			f->replayed++;
		write_request(f, r);
	}
	blk_front_push(f);
}

void blk_front_fail(struct blk_front *f)
{
	struct blk_request *r;

	f->ready = false;
	f->gone = true;
	if (f->failing)
		return;
	f->failing = true;
	/* What done() puts meanwhile ends the same way. */
	while ((r = oldest(f, PUT)) || (r = oldest(f, WAITING)))
		finish(f, r, -EIO);
	f->failing = false;
}

bool blk_front_abandon(struct blk_front *f, uint64_t after)
{
	bool any = false;

	if (f->c || !f->in_flight || clock_ns() - f->lost_ns < after)
		return false;
	for (unsigned i = 0; i < DISK_RING_SLOTS; i++)
		if (f->request[i].state == WAITING) {
			finish(f, &f->request[i], -EIO);
			any = true;
		}
	return any;
}

static void terminate(char *text, size_t size)
{
	text[size - 1] = 0;
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

/* The link as of now, made sane. */
static bool read_link(struct blk_front *f)
{
	struct disk_link *i = &f->info;

	f->changes =
		__atomic_load_n(&((struct disk_link *)f->c->shared)->changes, __ATOMIC_ACQUIRE);
	memcpy(i, f->c->shared, sizeof(*i));
	terminate(i->name, sizeof(i->name));
	terminate(i->model, sizeof(i->model));
	terminate(i->serial, sizeof(i->serial));
	terminate(i->firmware, sizeof(i->firmware));
	if (i->sector_bytes != 512 && i->sector_bytes != 2048 && i->sector_bytes != 4096)
		return false;
	if (i->physical_bytes < i->sector_bytes || i->physical_bytes > 1 << 20 ||
	    i->physical_bytes & (i->physical_bytes - 1))
		i->physical_bytes = i->sector_bytes;
	i->bytes -= i->bytes % i->sector_bytes;
	return true;
}

static int watch_link(struct blk_front *f)
{
	const struct disk_link *link = f->c->shared;
	uint32_t state = __atomic_load_n(&link->back_state, __ATOMIC_ACQUIRE);
	bool now_ready = state == LINK_READY && !f->ready;

	if (state == LINK_GONE && !f->gone) {
		blk_front_fail(f);
		if (f->changed)
			f->changed(f);
		return 0;
	}
	if (state != LINK_READY || (!now_ready && link->changes == f->changes))
		return 0;
	/* One that was gone may appear, if the back has never had a request of us that we ended. */
	if (f->gone && f->ring.req_prod_pvt)
		return 0;
	if (!read_link(f)) {
		give_up(f, "the disk's sector size is nonsense");
		return -EIO;
	}
	f->ready = true;
	f->gone = false;
	if (f->changed)
		f->changed(f);
	if (now_ready && f->ready)
		replay(f);
	return 0;
}

static int take_response(struct blk_front *f)
{
	blkif_response_t raw;
	struct blk_request *r;
	unsigned slot;

	RING_COPY_RESPONSE(&f->ring, f->ring.rsp_cons, &raw);
	f->ring.rsp_cons++;
	slot = raw.id & ((1 << SLOT_BITS) - 1);
	if (slot >= DISK_RING_SLOTS || f->request[slot].state != PUT ||
	    f->request[slot].id != raw.id)
		return -EIO;
	r = &f->request[slot];
	finish(f, r,
	       raw.status == BLKIF_RSP_OKAY	    ? 0
	       : raw.status == BLKIF_RSP_EOPNOTSUPP ? -EOPNOTSUPP
						    : -EIO);
	return 0;
}

static void measure_blackout(struct blk_front *f)
{
	if (f->last_done_ns)
		f->blackout_ns = clock_ns() - f->last_done_ns;
	f->reborn = false;
}

int blk_front_poll(struct blk_front *f)
{
	RING_IDX produced;
	int more = 1;

	if (!f->c || f->c->broken)
		return 0;
	if (watch_link(f) < 0)
		return -EIO;
	while (f->ready && more) {
		produced = f->ring.sring->rsp_prod;
		xen_rmb();
		if (produced - f->ring.rsp_cons > f->ring.req_prod_pvt - f->ring.rsp_cons) {
			give_up(f, "its ring index is garbage");
			return -EIO;
		}
		if (produced != f->ring.rsp_cons && f->reborn)
			measure_blackout(f);
		while (f->ready && f->ring.rsp_cons != produced) {
			if (take_response(f) < 0) {
				give_up(f, "an answer to no request");
				return -EIO;
			}
			f->last_done_ns = 0;
		}
		if (!f->last_done_ns)
			f->last_done_ns = clock_ns();
		if (!f->ready)
			break;
		RING_FINAL_CHECK_FOR_RESPONSES(&f->ring, more);
	}
	blk_front_push(f);
	return 0;
}
