/* sources: drivers/volume/gpt.c drivers/volume/mbr.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Any bytes as partition tables: what is accepted lies on the disk and does not overlap. The checksums of a GPT are made right,
 * so that what is behind them is reached. */
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

static void try_gpt(const uint8_t *data, size_t size)
{
	static struct table t;
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
	h.entries_crc = crc32(array, bytes);
	if (!gpt_entries(array, bytes, &h, &t))
		check(&t);
	free(array);
}

static void try_mbr(const uint8_t *data, size_t size)
{
	static struct table t;
	uint64_t chain, at, next;
	bool protective;
	const char *why;

	if (size < 512)
		return;
	why = mbr_primary(data, SECTORS, &t, &chain, &protective);
	if (why)
		return;
	check(&t);
	for (at = chain; at; at = next) {
		data += 512;
		size -= 512;
		if (size < 512 || mbr_logical(data, SECTORS, chain, at, &t, &next))
			break;
		if (next && next <= at)
			abort();
	}
	check(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t start[4096];
	char label[LABEL_BYTES];

	try_gpt(data, size);
	try_mbr(data, size);
	memset(start, 0, sizeof(start));
	memcpy(start, data, size < sizeof(start) ? size : sizeof(start));
	if (filesystem_label(start, label) && strnlen(label, LABEL_BYTES) == LABEL_BYTES)
		abort();
	return 0;
}
