/* sources: drivers/ahci/identify.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Any 512 bytes as what a disk says about itself: sizes that are believed are sane, texts end. */
#include <stdlib.h>
#include <string.h>
#include "drivers/ahci/identify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint16_t words[256] = {0};
	struct identity i;

	memcpy(words, data, size < sizeof(words) ? size : sizeof(words));
	for (unsigned fix = 0; fix < 2; fix++) {
		if (!identify_disk(words, &i)) {
			if (!i.sectors || i.sectors > 1ull << 48 || (i.sector_bytes != 512 && i.sector_bytes != 4096) ||
			    i.physical_bytes < i.sector_bytes || i.queue_depth > 32 || !i.trim_blocks)
				abort();
		}
		if (!identify_packet(words, &i) && i.sector_bytes != 2048)
			abort();
		if (strnlen(i.model, sizeof(i.model)) == sizeof(i.model) ||
		    strnlen(i.serial, sizeof(i.serial)) == sizeof(i.serial))
			abort();
		/* Once more with what most devices have right. */
		words[0] &= 0x7fff;
		words[49] |= 1 << 8;
		words[83] = (words[83] & 0x3fff) | 0x4400;
		words[106] = (words[106] & 0x3fff) | 0x4000;
		words[255] = 0;
	}
	return 0;
}
