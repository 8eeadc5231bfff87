// SPDX-License-Identifier: GPL-2.0-only
/* GPT: UEFI 2.10, chapter 5.3. */
#include <string.h>
#include "stdio.h"
#include "bytes.h"
#include "table.h"

#define HEADER_BYTES 92
#define ENTRY_BYTES 128 /* at least, and a power of two times that */
#define ENTRIES_BYTES_MAX 0x10000
#define CRC_AT 16

uint32_t crc32(const uint8_t *bytes, uint64_t size)
{
	uint32_t crc = ~0u;

	for (uint64_t i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static uint32_t header_crc(const uint8_t *sector, uint32_t bytes)
{
	uint8_t copy[512];

	memcpy(copy, sector, bytes);
	memset(copy + CRC_AT, 0, 4);
	return crc32(copy, bytes);
}

const char *gpt_header(const uint8_t *sector, uint32_t bytes, uint64_t self, uint64_t sectors,
		       struct gpt_header *h)
{
	uint32_t size;
	uint64_t array;

	if (bytes < 512 || memcmp(sector, "EFI PART", 8))
		return "";
	size = get32(sector + 12);
	if (size < HEADER_BYTES || size > 512)
		return "its header has an impossible size";
	if (header_crc(sector, size) != get32(sector + CRC_AT))
		return "the checksum of its header is wrong";
	*h = (struct gpt_header){.self = get64(sector + 24),
				 .other = get64(sector + 32),
				 .first_usable = get64(sector + 40),
				 .last_usable = get64(sector + 48),
				 .entries = get64(sector + 72),
				 .count = get32(sector + 80),
				 .entry_bytes = get32(sector + 84),
				 .entries_crc = get32(sector + 88)};
	memcpy(h->guid, sector + 56, 16);
	if (h->self != self)
		return "its header is of another place";
	if (h->entry_bytes < ENTRY_BYTES || h->entry_bytes & (h->entry_bytes - 1) || !h->count ||
	    gpt_entries_bytes(h) > ENTRIES_BYTES_MAX)
		return "its array of entries has an impossible size";
	array = (gpt_entries_bytes(h) + bytes - 1) / bytes;
	if (h->entries < 2 || h->entries > sectors || array > sectors - h->entries)
		return "its array of entries is not on the disk";
	if (h->first_usable > h->last_usable || h->last_usable >= sectors || h->first_usable < 2)
		return "its usable sectors are not on the disk";
	return NULL;
}

uint64_t gpt_entries_bytes(const struct gpt_header *h)
{
	return (uint64_t)h->count * h->entry_bytes;
}

/* UTF-16, of which ASCII is kept. */
static void name(const uint8_t *from, char *to)
{
	unsigned n = 0;

	for (; n < LABEL_BYTES - 1; n++) {
		unsigned c = from[2 * n] | from[2 * n + 1] << 8;

		if (!c)
			break;
		to[n] = c > ' ' && c <= '~' ? c : '_';
	}
	to[n] = 0;
}

const char *gpt_entries(const uint8_t *bytes, uint64_t size, const struct gpt_header *h,
			struct table *t)
{
	static const uint8_t unused[16];

	t->kind = TABLE_GPT;
	t->count = 0;
	if (size < gpt_entries_bytes(h) || crc32(bytes, gpt_entries_bytes(h)) != h->entries_crc)
		return "the checksum of its entries is wrong";
	for (uint32_t i = 0; i < h->count; i++) {
		const uint8_t *e = bytes + (uint64_t)i * h->entry_bytes;
		uint64_t first = get64(e + 32), last = get64(e + 40);
		struct partition *p = &t->partition[t->count];

		if (!memcmp(e, unused, 16))
			continue;
		if (first > last || first < h->first_usable || last > h->last_usable)
			return "a partition lies outside its usable sectors";
		if (table_overlaps(t, first, last - first + 1))
			return "its partitions overlap";
		if (t->count == PARTITIONS_MAX)
			return "it has too many partitions";
		*p = (struct partition){
			.first = first, .sectors = last - first + 1, .number = i + 1};
		memcpy(p->guid, e + 16, 16);
		name(e + 56, p->label);
		t->count++;
	}
	return NULL;
}

bool table_overlaps(const struct table *t, uint64_t first, uint64_t sectors)
{
	for (unsigned i = 0; i < t->count; i++) {
		const struct partition *p = &t->partition[i];

		if (first < p->first + p->sectors && p->first < first + sectors)
			return true;
	}
	return false;
}

void guid_text(const uint8_t *g, char *to)
{
	snprintf(to, 37, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", get32(g),
		 get32(g + 4) & 0xffff, get32(g + 4) >> 16, g[8], g[9], g[10], g[11], g[12], g[13],
		 g[14], g[15]);
}
