// SPDX-License-Identifier: GPL-2.0-only
/* The back end of a block ring: who serves requests. What it is told it copies, then checks, then
 * believes. */
#include <string.h>
#include "blk.h"
#include "log.h"
#include "syscalls.h"

#define SECTORS_A_PAGE (BLK_PAGE / BLK_SECTOR)
#define REFUSED_MAX 256 /* in a row, without one that is good: more than a ring has room for */

static bool within(uint64_t limit, uint64_t at, uint64_t count)
{
	return at <= limit && count <= limit - at;
}

/* The page that a reference names, if it may be used so. */
static int check_page(const struct blk_limits *l, uint32_t ref, uint32_t right)
{
	const struct blk_memory *m = &l->memory[REF_TAG(ref)];

	if (!m->memory || !within(m->bytes, (uint64_t)REF_PAGE(ref) * BLK_PAGE, BLK_PAGE))
		return -EINVAL;
	return (m->rights & right) == right ? 0 : -EACCES;
}

static int check_segments(const struct blk_limits *l, struct blk_command *to)
{
	uint32_t right = to->operation == BLKIF_OP_READ ? RIGHT_WRITE : RIGHT_READ;
	int ret;

	for (unsigned i = 0; i < to->segments; i++) {
		const struct blkif_request_segment *s = &to->segment[i];

		if (s->first_sect > s->last_sect || s->last_sect >= SECTORS_A_PAGE)
			return -EINVAL;
		ret = check_page(l, s->gref, right);
		if (ret)
			return ret;
		to->sectors += s->last_sect - s->first_sect + 1;
	}
	return 0;
}

/* Copies the segments of an indirect request. Its pages must be in memory that the back mapped. */
static int copy_indirect(const blkif_request_indirect_t *raw, const struct blk_limits *l,
			 struct blk_command *to)
{
	const unsigned a_page = BLK_PAGE / sizeof(to->segment[0]);
	unsigned pages = (raw->nr_segments + a_page - 1) / a_page;

	if (!raw->nr_segments || raw->nr_segments > DISK_INDIRECT_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < pages; i++) {
		uint32_t ref = raw->indirect_grefs[i];
		const struct blk_memory *m = &l->memory[REF_TAG(ref)];
		unsigned n = raw->nr_segments - i * a_page;

		if (check_page(l, ref, RIGHT_READ) || !m->va)
			return -EINVAL;
		memcpy(to->segment + i * a_page,
		       (const char *)m->va + (uint64_t)REF_PAGE(ref) * BLK_PAGE,
		       (n < a_page ? n : a_page) * sizeof(to->segment[0]));
	}
	to->segments = raw->nr_segments;
	return 0;
}

/* Checks the front's sectors and makes them the device's. */
static int place(const struct blk_limits *l, struct blk_command *c)
{
	if (!c->sectors || (c->sector | c->sectors) % l->align)
		return -EINVAL;
	if (l->flags & DISK_NO_MEDIUM || !within(l->sectors, c->sector, c->sectors))
		return -ERANGE;
	c->sector += l->first;
	return 0;
}

static int parse_discard(const blkif_request_discard_t *raw, const struct blk_limits *l,
			 struct blk_command *to)
{
	to->sector = raw->sector_number;
	to->sectors = raw->nr_sectors;
	if (!(l->flags & DISK_DISCARD) || raw->flag & BLKIF_DISCARD_SECURE)
		return -EOPNOTSUPP;
	if (l->flags & DISK_READ_ONLY)
		return -EROFS;
	return place(l, to);
}

static int parse_transfer(const blkif_request_t *raw, const struct blk_limits *l,
			  struct blk_command *to)
{
	int ret;

	to->sector = raw->sector_number; /* at the same place in an indirect request */
	if (raw->operation == BLKIF_OP_INDIRECT) {
		const blkif_request_indirect_t *i = (const void *)raw;

		to->operation = i->indirect_op;
		ret = copy_indirect(i, l, to);
		if (ret)
			return ret;
	} else {
		if (raw->nr_segments > BLK_DIRECT_MAX)
			return -EINVAL;
		to->segments = raw->nr_segments;
		memcpy(to->segment, raw->seg, raw->nr_segments * sizeof(raw->seg[0]));
	}
	if (to->operation == BLKIF_OP_WRITE_BARRIER && !to->segments) {
		to->operation = BLKIF_OP_FLUSH_DISKCACHE;
		return 0;
	}
	if (to->operation > BLKIF_OP_WRITE_BARRIER || !to->segments)
		return -EINVAL;
	if (to->operation != BLKIF_OP_READ && l->flags & DISK_READ_ONLY)
		return -EROFS;
	if (to->operation == BLKIF_OP_WRITE_BARRIER && !(l->flags & DISK_FUA))
		return -EOPNOTSUPP;
	ret = check_segments(l, to);
	return ret ? ret : place(l, to);
}

int blk_parse(const blkif_request_t *raw, const struct blk_limits *l, struct blk_command *to)
{
	to->wire = to->operation = raw->operation;
	to->segments = 0;
	to->sectors = 0;
	switch (raw->operation) {
	case BLKIF_OP_DISCARD:
		to->id = ((const blkif_request_discard_t *)raw)->id;
		return parse_discard((const void *)raw, l, to);
	case BLKIF_OP_INDIRECT:
		to->id = ((const blkif_request_indirect_t *)raw)->id;
		return parse_transfer(raw, l, to);
	case BLKIF_OP_READ:
	case BLKIF_OP_WRITE:
	case BLKIF_OP_WRITE_BARRIER:
		to->id = raw->id;
		return parse_transfer(raw, l, to);
	case BLKIF_OP_FLUSH_DISKCACHE:
		to->id = raw->id;
		to->sector = 0;
		return 0;
	default:
		to->id = raw->id;
		return -EOPNOTSUPP;
	}
}

_Static_assert(offsetof(blkif_request_t, id) == offsetof(blkif_request_indirect_t, id) &&
		       offsetof(blkif_request_t, id) == offsetof(blkif_request_discard_t, id) &&
		       offsetof(blkif_request_t, sector_number) ==
			       offsetof(blkif_request_indirect_t, sector_number),
	       "requests of all kinds have id and sector at one place");

void blk_back_attach(struct blk_back *b, struct connection *c)
{
	blkif_sring_t *shared = disk_ring(c->shared);

	b->c = c;
	b->link = c->shared;
	b->ready = b->broken = b->pushed = false;
	b->in_flight = b->shares = 0;
	b->limits.memory = b->memory;
	BACK_RING_INIT(&b->ring, shared, DISK_RING_BYTES);
}

void blk_back_detach(struct blk_back *b)
{
	for (unsigned i = 0; i < REF_TAGS; i++) {
		if (b->memory[i].va)
			sys_unmap(HANDLE_SELF, (uintptr_t)b->memory[i].va, b->memory[i].bytes);
		b->memory[i] = (struct blk_memory){0};
	}
	b->c = NULL;
	b->link = NULL;
	b->ready = false;
	b->in_flight = 0;
}

int blk_back_shared(struct blk_back *b, const struct share *s)
{
	struct blk_memory *m;

	b->shares++;
	if (s->tag >= REF_TAGS)
		return -EINVAL;
	m = &b->memory[s->tag];
	if (m->va)
		sys_unmap(HANDLE_SELF, (uintptr_t)m->va, m->bytes);
	*m = (struct blk_memory){s->memory, s->rights, s->bytes & ~(uint64_t)(BLK_PAGE - 1), NULL};
	if (s->tag != DISK_TAG_INDIRECT || !(s->rights & RIGHT_READ))
		return 0;
	if (m->bytes > DISK_RING_SLOTS * BLK_PAGE)
		m->bytes = DISK_RING_SLOTS * BLK_PAGE;
	m->va = space_map(s->memory, m->bytes, MAP_READ);
	return m->va ? 0 : -ENOMEM;
}

static void set_state(struct blk_back *b, uint32_t state)
{
	__atomic_store_n(&b->link->back_state, state, __ATOMIC_RELEASE);
	connection_signal(b->c);
}

void blk_back_ready(struct blk_back *b)
{
	b->ready = true;
	set_state(b, LINK_READY);
}

void blk_back_gone(struct blk_back *b)
{
	b->ready = false;
	set_state(b, LINK_GONE);
}

void blk_back_changed(struct blk_back *b)
{
	__atomic_store_n(&b->link->changes, b->link->changes + 1, __ATOMIC_RELEASE);
	connection_signal(b->c);
}

static void give_up(struct blk_back *b, const char *why)
{
	b->broken = true;
	if (b->c->broken)
		return;
	b->c->broken = true;
	log_line("connection %u (%s, %s) is given up: %s", b->c->id, b->c->class_, b->c->peer, why);
	connection_hang_up(b->c);
}

int blk_back_get(struct blk_back *b, struct blk_command *to)
{
	blkif_request_t raw;
	RING_IDX produced;
	int ret, more = 1;
	unsigned refused = 0;

	if (!b->c || b->broken)
		return b->broken ? -EIO : 0;
	while (b->ready) {
		produced = b->ring.sring->req_prod;
		xen_rmb();
		if (RING_REQUEST_PROD_OVERFLOW(&b->ring, produced)) {
			give_up(b, "its ring index is garbage");
			return -EIO;
		}
		if (produced != b->ring.req_cons &&
		    (int32_t)(__atomic_load_n(&b->link->front_shares, __ATOMIC_ACQUIRE) -
			      b->shares) > 0)
			return 0;
		if (produced == b->ring.req_cons) {
			RING_FINAL_CHECK_FOR_REQUESTS(&b->ring, more);
			if (!more)
				return 0;
			continue;
		}
		RING_COPY_REQUEST(&b->ring, b->ring.req_cons, &raw);
		b->ring.req_cons++;
		b->in_flight++;
		ret = blk_parse(&raw, &b->limits, to);
		if (!ret)
			return 1;
		blk_back_answer(b, to->id, to->wire, ret);
		/* Who asks for nonsense as fast as it is refused would keep us from everybody else. */
		if (++refused == REFUSED_MAX) {
			give_up(b, "its requests are nonsense");
			return -EIO;
		}
	}
	return 0;
}

void blk_back_answer(struct blk_back *b, uint64_t id, uint8_t wire, int status)
{
	blkif_response_t *raw;

	if (!b->c || b->broken)
		return;
	raw = RING_GET_RESPONSE(&b->ring, b->ring.rsp_prod_pvt);
	raw->id = id;
	raw->operation = wire;
	raw->status = !status		      ? BLKIF_RSP_OKAY
		      : status == -EOPNOTSUPP ? BLKIF_RSP_EOPNOTSUPP
					      : BLKIF_RSP_ERROR;
	b->ring.rsp_prod_pvt++;
	b->in_flight--;
	b->pushed = true;
	b->link->requests++;
	if (status)
		b->link->errors++;
}

void blk_back_push(struct blk_back *b)
{
	bool notify;

	if (!b->pushed || !b->c || b->broken)
		return;
	b->pushed = false;
	RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&b->ring, notify);
	if (notify)
		connection_signal(b->c);
}
