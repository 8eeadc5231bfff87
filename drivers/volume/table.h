/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Partition tables: pure functions on sectors that anybody may have written.
 *
 * A table is believed when using it cannot make one volume out of parts of another: entries must lie on the disk, not wrap,
 * not overlap each other. One bad entry spoils the table.
 * Sectors here are the device's own.
 */
#ifndef VOLUME_TABLE_H
#define VOLUME_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARTITIONS_MAX 128
#define LABEL_BYTES 37

struct partition {
	uint64_t first, sectors;
	unsigned number; /* as in ahci0pNUMBER, from 1 */
	uint8_t guid[16]; /* as on the disk; zeros: none */
	char label[LABEL_BYTES];
};

enum table_kind { TABLE_NONE, TABLE_MBR, TABLE_GPT };

struct table {
	enum table_kind kind;
	unsigned count;
	const char *note; /* a sentence: what is wrong with the disk's table, NULL: nothing */
	struct partition partition[PARTITIONS_MAX];
};

/* UEFI 2.10, 5.3.2 */
struct gpt_header {
	uint64_t self, other, first_usable, last_usable, entries;
	uint32_t count, entry_bytes, entries_crc;
	uint8_t guid[16];
};

/* The sector at `self` of a disk of `sectors`. NULL: *h is sound; else the reason it is not, "" when there is no GPT
 * signature at all. */
const char *gpt_header(const uint8_t *sector, uint32_t bytes, uint64_t self, uint64_t sectors, struct gpt_header *h);
/* Bytes of its array of entries, at sector h->entries. */
uint64_t gpt_entries_bytes(const struct gpt_header *h);
/* The array. NULL and *t filled, or the reason. */
const char *gpt_entries(const uint8_t *bytes, uint64_t size, const struct gpt_header *h, struct table *t);

/* Sector 0 (at least 512 bytes). NULL: primary partitions are in *t, *extended is the first sector of the chain, 0: none.
 * "" when it is no MBR; *protective: there is a GPT instead. */
const char *mbr_primary(const uint8_t *sector, uint64_t sectors, struct table *t, uint64_t *extended, bool *protective);
/* A sector of the chain that starts at `chain`; this one is at `at`. NULL: its logical partition, if any, was added and
 * *next is the one to read, 0: the end. */
const char *mbr_logical(const uint8_t *sector, uint64_t sectors, uint64_t chain, uint64_t at, struct table *t,
			uint64_t *next);

/* The name that a file system in the first 4 KiB of a volume gives itself: ext2/3/4, FAT. false: none known. */
bool filesystem_label(const uint8_t *bytes, char *label);

uint32_t crc32(const uint8_t *bytes, uint64_t size);
/* XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX, 37 bytes, lower case. */
void guid_text(const uint8_t *guid, char *to);

/* Helpers. */
bool table_overlaps(const struct table *t, uint64_t first, uint64_t sectors);

#endif
