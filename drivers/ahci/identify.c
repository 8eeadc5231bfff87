// SPDX-License-Identifier: GPL-2.0-only
/* Identify: the words of IDENTIFY DEVICE and IDENTIFY PACKET DEVICE, which nobody has to believe.
 */
#include <string.h>
#include <postern/errno.h>
#include "identify.h"

#define SECTORS_MAX (1ull << 48)

/* Text: two characters a word, the first one high; trimmed, printable. */
static void text(const uint16_t *words, unsigned first, unsigned chars, char *to)
{
	unsigned n = 0;

	for (unsigned i = 0; i < chars; i++) {
		char c = i & 1 ? words[first + i / 2] : words[first + i / 2] >> 8;

		if (n || (c != ' ' && c))
			to[n++] = c >= ' ' && c <= '~' ? c : ' ';
	}
	while (n && to[n - 1] == ' ')
		n--;
	to[n] = 0;
}

/* Word 255: a checksum, when it says that it is one. */
static bool sum_is_wrong(const uint16_t *words)
{
	uint8_t sum = 0;

	if ((words[255] & 0xff) != 0xa5)
		return false;
	for (unsigned i = 0; i < 256; i++)
		sum += words[i] + (words[i] >> 8);
	return sum != 0;
}

/* Many words mean something only when bits 15:14 are 01. */
static bool has(uint16_t word, unsigned bit)
{
	return word >> 14 == 1 && word >> bit & 1;
}

static int common(const uint16_t *words, struct identity *to)
{
	memset(to, 0, sizeof(*to));
	if (sum_is_wrong(words))
		return -EINVAL;
	text(words, 10, 20, to->serial);
	text(words, 23, 8, to->firmware);
	text(words, 27, 40, to->model);
	return words[49] & 1 << 8 ? 0 : -EOPNOTSUPP; /* DMA */
}

static int sizes(const uint16_t *words, struct identity *to)
{
	to->sector_bytes = 512;
	if (has(words[106], 12))
		to->sector_bytes = 2 * (words[117] | (uint32_t)words[118] << 16);
	if (to->sector_bytes != 512 && to->sector_bytes != 4096)
		return -EINVAL;
	to->physical_bytes = to->sector_bytes;
	if (has(words[106], 13) && (words[106] & 15) <= 7)
		to->physical_bytes <<= words[106] & 15;
	to->sectors = words[100] | (uint64_t)words[101] << 16 | (uint64_t)words[102] << 32 |
		      (uint64_t)words[103] << 48;
	return to->sectors && to->sectors <= SECTORS_MAX ? 0 : -EINVAL;
}

int identify_disk(const uint16_t *words, struct identity *to)
{
	int ret = common(words, to);

	if (ret)
		return ret;
	if (words[0] & 1 << 15)
		return -EINVAL; /* not an ATA device */
	if (!has(words[83], 10))
		return -EOPNOTSUPP;
	ret = sizes(words, to);
	if (ret)
		return ret;
	if (words[76] != 0xffff && words[76] & 1 << 8)
		to->queue_depth = (words[75] & 31) + 1;
	to->flush = has(words[83], 13);
	to->write_cache = words[85] & 1 << 5;
	to->logs = has(words[84], 5);
	to->fua = has(words[84], 6);
	to->trim = words[169] & 1;
	to->trim_blocks = words[105] ? words[105] : 1;
	to->rotates = words[217] != 1;
	return 0;
}

int identify_packet(const uint16_t *words, struct identity *to)
{
	int ret = common(words, to);

	if (ret)
		return ret;
	if (words[0] >> 14 != 2 || (words[0] & 3) != 0)
		return -EINVAL; /* not ATAPI, or packets that are not 12 bytes long */
	to->sector_bytes = to->physical_bytes = 2048;
	return 0;
}
