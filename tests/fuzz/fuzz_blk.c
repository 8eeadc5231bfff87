/* sources: hv/lib/blk_back.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Any bytes as a request and as its page of segments: what passes lies on the disk and in memory with the right. And as what a guest
 * writes into its ring: no more comes out of it than fits in, and who asks for nothing but nonsense is given up. */
#include <string.h>
#define LIB_SYSCALLS_H /* the real calls are for another core */
#include <postern/syscall.h>
#include "hv/lib/blk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void connection_signal(struct connection *c)
{
}

static bool hung_up;

int module_send(const struct message *m)
{
	hung_up = true;
	return 1;
}

void log_line(const char *format, ...)
{
}

int64_t sys_unmap(uint32_t task, uint64_t va, uint64_t bytes)
{
	return 0;
}

void *space_map(uint32_t memory, uint64_t bytes, uint32_t rights)
{
	static char pages[BLK_PAGE];

	return memory == 2 ? pages : NULL;
}

static void check(const struct blk_command *c, const struct blk_limits *l)
{
	uint64_t sectors = 0;

	for (unsigned i = 0; i < c->segments; i++) {
		const struct blkif_request_segment *s = &c->segment[i];
		const struct blk_memory *m = &l->memory[REF_TAG(s->gref)];
		uint32_t right = c->operation == BLKIF_OP_READ ? RIGHT_WRITE : RIGHT_READ;

		if (s->last_sect > 7 || s->first_sect > s->last_sect || !(m->rights & right) ||
		    ((uint64_t)REF_PAGE(s->gref) + 1) * BLK_PAGE > m->bytes)
			__builtin_trap();
		sectors += s->last_sect - s->first_sect + 1;
	}
	if (c->operation == BLKIF_OP_FLUSH_DISKCACHE)
		return;
	if (c->operation != BLKIF_OP_DISCARD && (c->sectors != sectors || !sectors))
		__builtin_trap();
	if (c->sector < l->first || c->sector - l->first >= l->sectors ||
	    c->sectors > l->sectors - (c->sector - l->first) || c->sector % l->align)
		__builtin_trap();
	if (l->flags & DISK_READ_ONLY && c->operation != BLKIF_OP_READ)
		__builtin_trap();
}

/* Records of a byte that says what happens, and of a request. */
static void try_ring(const uint8_t *data, size_t size)
{
	static _Alignas(BLK_PAGE) uint8_t shared[CONNECTION_BYTES];
	static struct blk_back b;
	struct connection c = {.shared = shared, .class_ = "disk", .peer = "guest g"};
	blkif_sring_t *ring = disk_ring(shared);
	struct blk_command command;
	blkif_request_t raw;
	unsigned taken = 0;

	memset(shared, 0, sizeof(shared));
	memset(&b, 0, sizeof(b));
	hung_up = false;
	SHARED_RING_INIT(ring);
	blk_back_attach(&b, &c);
	b.limits = (struct blk_limits){.first = 800, .sectors = 4096, .align = 1, .memory = b.memory};
	blk_back_shared(&b, &(struct share){1, RIGHT_READ | RIGHT_WRITE, 0, 16 * BLK_PAGE});
	blk_back_shared(&b, &(struct share){2, RIGHT_READ, DISK_TAG_INDIRECT, BLK_PAGE});
	((struct disk_link *)shared)->front_shares = 2;
	blk_back_ready(&b);
	for (; size > sizeof(raw); data += 1 + sizeof(raw), size -= 1 + sizeof(raw)) {
		memcpy(&raw, data + 1, sizeof(raw));
		if (data[0] & 1)
			raw.operation %= 8;
		memcpy(&ring->ring[ring->req_prod % DISK_RING_SLOTS].req, &raw, sizeof(raw));
		ring->req_prod += data[0] & 2 ? data[0] >> 4 : 1;
		if (data[0] & 4)
			((struct disk_link *)shared)->front_shares = 2 + (data[0] >> 7);
		while (blk_back_get(&b, &command) == 1) {
			check(&command, &b.limits);
			if (++taken > 100000 || b.in_flight > DISK_RING_SLOTS)
				__builtin_trap();
			if (!(data[0] & 8))
				blk_back_answer(&b, command.id, command.wire, 0);
		}
		blk_back_push(&b);
	}
	if (b.broken != hung_up)
		__builtin_trap();
	blk_back_changed(&b);
	blk_back_gone(&b);
	blk_back_detach(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char pages[2 * BLK_PAGE];
	static struct blk_command command;
	struct blk_memory memory[REF_TAGS] = {
		[0] = {1, RIGHT_READ | RIGHT_WRITE, 16 * BLK_PAGE, NULL},
		[1] = {2, RIGHT_READ, 3 * BLK_PAGE, NULL},
		[DISK_TAG_INDIRECT] = {3, RIGHT_READ, sizeof(pages), pages},
	};
	struct blk_limits limits = {.first = 800, .sectors = 4096, .align = 1, .memory = memory};
	blkif_request_t raw;

	if (size < sizeof(raw) + 2)
		return 0;
	limits.align = data[0] & 1 ? 8 : 1;
	limits.flags = data[1];
	memcpy(&raw, data + 2, sizeof(raw));
	data += 2 + sizeof(raw);
	size -= 2 + sizeof(raw);
	memset(pages, 0, sizeof(pages));
	memcpy(pages, data, size < sizeof(pages) ? size : sizeof(pages));
	if (!blk_parse(&raw, &limits, &command))
		check(&command, &limits);
	try_ring(data, size);
	return 0;
}
