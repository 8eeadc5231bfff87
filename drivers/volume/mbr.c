// SPDX-License-Identifier: GPL-2.0-only
/* MBR: four entries in sector 0, and a chain of further ones in an extended partition. */
#include <string.h>
#include "bytes.h"
#include "table.h"

#define ENTRIES 446
#define LOGICAL_FIRST 5
#define TYPE_PROTECTIVE 0xee

static bool is_extended(uint8_t type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

static bool has_signature(const uint8_t *sector)
{
	return sector[510] == 0x55 && sector[511] == 0xaa;
}

/* A boot sector of a file system without a table looks like one: its entries' flags are not 0 or
 * 0x80. */
static bool flags_are_sane(const uint8_t *sector)
{
	for (unsigned i = 0; i < 4; i++)
		if (sector[ENTRIES + 16 * i] & 0x7f)
			return false;
	return true;
}

static const char *add(struct table *t, unsigned number, uint64_t first, uint64_t count,
		       uint64_t sectors)
{
	if (!first || first >= sectors || count > sectors - first)
		return "a partition is not on the disk";
	if (table_overlaps(t, first, count))
		return "its partitions overlap";
	if (t->count == PARTITIONS_MAX)
		return "it has too many partitions";
	t->partition[t->count++] =
		(struct partition){.first = first, .sectors = count, .number = number};
	return NULL;
}

const char *mbr_primary(const uint8_t *sector, uint64_t sectors, struct table *t,
			uint64_t *extended, bool *protective)
{
	uint64_t extended_sectors = 0;
	const char *why = NULL;

	t->kind = TABLE_NONE;
	t->count = 0;
	*extended = 0;
	*protective = false;
	if (!has_signature(sector) || !flags_are_sane(sector))
		return "";
	t->kind = TABLE_MBR;
	for (unsigned i = 0; i < 4 && !why; i++) {
		const uint8_t *e = sector + ENTRIES + 16 * i;
		uint64_t first = get32(e + 8), count = get32(e + 12);

		if (e[4] == TYPE_PROTECTIVE)
			*protective = true;
		if (!e[4] || !count)
			continue;
		if (!is_extended(e[4])) {
			why = add(t, i + 1, first, count, sectors);
			continue;
		}
		if (*extended)
			why = "it has two extended partitions";
		else if (!first || first >= sectors || count > sectors - first)
			why = "its extended partition is not on the disk";
		else if (table_overlaps(t, first, count))
			why = "its partitions overlap";
		*extended = first;
		extended_sectors = count;
	}
	/* A primary one behind the extended one in the table may lie inside it. */
	if (!why && *extended && table_overlaps(t, *extended, extended_sectors))
		why = "its partitions overlap";
	return why;
}

const char *mbr_logical(const uint8_t *sector, uint64_t sectors, uint64_t chain, uint64_t at,
			struct table *t, uint64_t *next)
{
	const uint8_t *e = sector + ENTRIES, *link = e + 16;
	unsigned number = LOGICAL_FIRST;
	const char *why = NULL;

	*next = 0;
	if (!has_signature(sector))
		return "its chain of logical partitions is broken";
	if (t->count && t->partition[t->count - 1].number >= LOGICAL_FIRST)
		number = t->partition[t->count - 1].number + 1;
	if (e[4] && get32(e + 12))
		why = add(t, number, at + get32(e + 8), get32(e + 12), sectors);
	if (why || !is_extended(link[4]) || !get32(link + 12))
		return why;
	*next = chain + get32(link + 8);
	if (*next <= at || *next >= sectors)
		return "its chain of logical partitions does not go forward";
	return NULL;
}

static bool take(const uint8_t *from, unsigned chars, char *label)
{
	unsigned n = 0;

	while (n < chars && from[n])
		n++;
	while (n && from[n - 1] == ' ')
		n--;
	for (unsigned i = 0; i < n; i++)
		label[i] = from[i] > ' ' && from[i] <= '~' ? from[i] : '_';
	label[n] = 0;
	return n > 0;
}

bool filesystem_label(const uint8_t *bytes, char *label)
{
	const uint8_t *super = bytes + 1024; /* of ext2/3/4 */

	if (super[56] == 0x53 && super[57] == 0xef)
		return take(super + 120, 16, label);
	if (!has_signature(bytes))
		return false;
	if (!memcmp(bytes + 82, "FAT32   ", 8))
		return take(bytes + 71, 11, label);
	if (!memcmp(bytes + 54, "FAT1", 4))
		return take(bytes + 43, 11, label);
	return false;
}
