/* sources: hv/lib/blk_back.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Any bytes as a request and as its page of segments: what passes lies on the disk and in memory with the right. */
#include <string.h>
#include <postern/syscall.h>
#include "hv/lib/blk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void connection_signal(struct connection *c)
{
}

int module_send(const struct message *m)
{
	return 1;
}

void log_line(const char *format, ...)
{
}

void *space_map(uint32_t memory, uint64_t bytes, uint32_t rights)
{
	return NULL;
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
	return 0;
}
