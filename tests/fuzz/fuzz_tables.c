/* sources: drivers/volume/gpt.c drivers/volume/mbr.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Any bytes as partition tables: what is accepted lies on the disk and does not overlap. The checksums of a GPT are made right,
 * so that what is behind them is reached; and the same bytes once more as few fields of tables that are sound else. */
#include <stdlib.h>
#include <string.h>
#include "drivers/volume/table.h"

#define SECTORS 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct table *t)
{
	for (unsigned i = 0; i < t->count; i++) {
		const struct partition *p = &t->partition[i];

		if (!p->number || !p->sectors || p->first >= SECTORS || p->sectors > SECTORS - p->first ||
		    strnlen(p->label, LABEL_BYTES) == LABEL_BYTES)
			abort();
		for (unsigned j = 0; j < i; j++)
			if (p->first < t->partition[j].first + t->partition[j].sectors &&
			    t->partition[j].first < p->first + p->sectors)
				abort();
	}
}

static void entries(const struct gpt_header *h, uint8_t *array, uint64_t bytes)
{
	static struct table t;
	struct gpt_header with = *h;

	with.entries_crc = crc32(array, bytes);
	if (!gpt_entries(array, bytes, &with, &t))
		check(&t);
}

static void try_gpt(const uint8_t *data, size_t size)
{
	struct gpt_header h;
	uint8_t sector[512], *array;
	uint64_t bytes;
	uint32_t crc;

	if (size < sizeof(sector))
		return;
	memcpy(sector, data, sizeof(sector));
	gpt_header(sector, 512, 1, SECTORS, &h);
	memcpy(sector, "EFI PART", 8);
	sector[12] = 92;
	memset(sector + 13, 0, 7);
	memset(sector + 24, 0, 8);
	sector[24] = 1;
	crc = crc32(sector, 92);
	memcpy(sector + 16, &crc, 4);
	if (gpt_header(sector, 512, 1, SECTORS, &h))
		return;
	bytes = gpt_entries_bytes(&h);
	array = calloc(1, bytes);
	data += 512;
	size -= 512;
	memcpy(array, data, size < bytes ? size : bytes);
	entries(&h, array, bytes);
	free(array);
}

/* A sound header with a few fields of the input's, and entries of few bytes each: type, first, last - first, name. */
static void likely_gpt(const uint8_t *data, size_t size)
{
	static const uint8_t field[] = {40, 48, 72, 80, 84, 12, 24};
	uint8_t sector[512] = "EFI PART", *array;
	uint64_t v[] = {34, SECTORS - 34, 2};
	uint32_t words[] = {1 + data[0] % 140, 128u << (data[1] & 1)}, crc;
	struct gpt_header h;

	sector[12] = 92;
	sector[24] = 1;
	memcpy(sector + 40, &v[0], 16);
	memcpy(sector + 72, &v[2], 8);
	memcpy(sector + 80, words, 8);
	if (data[2] & 1)
		sector[field[data[2] / 2 % sizeof(field)] + data[3] % 8] = data[4];
	crc = crc32(sector, 92);
	memcpy(sector + 16, &crc, 4);
	if (gpt_header(sector, 512, 1, SECTORS, &h))
		return;
	array = calloc(1, gpt_entries_bytes(&h));
	data += 5;
	size -= 5;
	for (uint32_t i = 0; i < h.count && size >= 6; i++, data += 6, size -= 6) {
		uint8_t *e = array + (uint64_t)i * h.entry_bytes;
		uint64_t place[] = {data[1] | data[2] << 4, 0};

		place[1] = place[0] + (int8_t)data[3];
		e[0] = data[0];
		memcpy(e + 32, place, 16);
		memset(e + 56, data[4], data[5] % 72);
	}
	entries(&h, array, gpt_entries_bytes(&h));
	free(array);
}

/* Four entries of five bytes each: type, first, sectors. */
static void likely_sector(uint8_t *sector, const uint8_t *data)
{
	memset(sector, 0, 512);
	for (unsigned i = 0; i < 4; i++, data += 5) {
		uint8_t *e = sector + 446 + 16 * i;

		e[0] = data[0] & 0x80;
		e[4] = data[0] & 0x40 ? 0x05 : data[0] & 0x3f;
		memcpy(e + 8, data + 1, 2);
		memcpy(e + 12, data + 3, 2);
		e[9] &= 0x1f;
		e[13] &= 0x07;
	}
	sector[510] = 0x55;
	sector[511] = 0xaa;
}

static void try_mbr(const uint8_t *data, size_t size, bool likely)
{
	static struct table t;
	const size_t step = likely ? 20 : 512;
	uint8_t sector[512];
	uint64_t chain, at, next;
	bool protective;

	if (size < step)
		return;
	if (likely)
		likely_sector(sector, data);
	if (mbr_primary(likely ? sector : data, SECTORS, &t, &chain, &protective))
		return;
	check(&t);
	for (at = chain; at; at = next) {
		data += step;
		size -= step;
		if (size < step)
			break;
		if (likely)
			likely_sector(sector, data);
		if (mbr_logical(likely ? sector : data, SECTORS, chain, at, &t, &next))
			break;
		if (next && next <= at)
			abort();
	}
	check(&t);
}

static void try_label(const uint8_t *start)
{
	char label[LABEL_BYTES];

	if (filesystem_label(start, label) && strnlen(label, LABEL_BYTES) == LABEL_BYTES)
		abort();
}

/* A label's bytes behind what each file system is known by. */
static void likely_label(const uint8_t *data)
{
	static uint8_t start[4096];

	memset(start, 0, sizeof(start));
	start[510] = 0x55;
	start[511] = 0xaa;
	if (data[0] % 3 == 0) {
		start[1024 + 56] = 0x53;
		start[1024 + 57] = 0xef;
		memcpy(start + 1024 + 120, data + 1, 16);
	} else {
		memcpy(start + (data[0] % 3 == 1 ? 82 : 54), data[0] % 3 == 1 ? "FAT32   " : "FAT16   ", 8);
		memcpy(start + (data[0] % 3 == 1 ? 71 : 43), data + 1, 11);
	}
	try_label(start);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t start[4096];

	try_gpt(data, size);
	try_mbr(data, size, false);
	memset(start, 0, sizeof(start));
	memcpy(start, data, size < sizeof(start) ? size : sizeof(start));
	try_label(start);
	if (size < 20)
		return 0;
	likely_gpt(data, size);
	try_mbr(data, size, true);
	likely_label(data);
	return 0;
}
