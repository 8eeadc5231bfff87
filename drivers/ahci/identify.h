/* SPDX-License-Identifier: GPL-2.0-only */
/* What a device says about itself. */
#ifndef AHCI_IDENTIFY_H
#define AHCI_IDENTIFY_H

#include <stdbool.h>
#include <stdint.h>

struct identity {
	uint64_t sectors; /* of sector_bytes; 0 for ATAPI */
	uint32_t sector_bytes, physical_bytes;
	unsigned queue_depth; /* 0: not queued */
	bool flush, write_cache, fua, trim, logs, rotates;
	unsigned trim_blocks; /* of 512 bytes that one command takes, at least 1 */
	char model[41], serial[21], firmware[9];
};

/* ATA 7.12, 7.13: 256 words as they came. 0; -EINVAL: it makes no sense; -EOPNOTSUPP: no DMA, or no addresses of 48
 * bits. Pure. */
int identify_disk(const uint16_t *words, struct identity *to);
int identify_packet(const uint16_t *words, struct identity *to);

#endif
