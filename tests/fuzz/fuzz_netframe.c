/* sources: hv/lib/netframe.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Any bytes as a frame: parsed, its checksum filled in, cut into segments. */
#include "lib/netframe.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void segment(const uint8_t *p, const struct net_headers *h, unsigned size)
{
	unsigned n = net_segments(h, size);
	uint8_t *to = malloc(h->payload + size);

	for (unsigned i = 0; i < n && i < 64; i++)
		if (net_segment(p, h, size, i, to) > h->payload + size)
			abort();
	free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct net_headers h;
	uint8_t *whole;
	size_t there;

	if (size < 2 || size > 4096)
		return 0;
	there = data[0] * size / 255; /* as many as lie in the first piece */
	whole = malloc(size);
	memcpy(whole, data, size);
	net_frame_entry(whole, there > size ? size : there);
	net_parse(whole, there > size ? size : there, size, &h);
	if (!net_parse(whole, size, size, &h)) {
		if (h.end > size || h.payload > h.end || h.l4 > h.end)
			abort();
		if (h.protocol == IP_TCP || h.protocol == IP_UDP)
			net_checksum(whole, &h);
		if (h.protocol == IP_TCP)
			segment(whole, &h, 1 + data[1] * 8);
	}
	free(whole);
	return 0;
}
