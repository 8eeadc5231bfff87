/* sources: hv/manager/state.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Fuzz: a damaged state is refused, or it is one that was committed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "manager/state.h"

#define WORDS 16
#define LAYOUT 3

static struct state_store store;

/* Each pair of bytes changes one word of the header or of the begin of a copy. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t first[WORDS], second[WORDS], found[WORDS] = {0};
	uint64_t *head[] = {&store.magic, &store.layout, &store.bytes, &store.latest};
	char why[64];

	memset(&store, 0, sizeof(store));
	for (unsigned i = 0; i < WORDS; i++) {
		first[i] = i;
		second[i] = 1000 + i;
	}
	state_commit(&store, first, sizeof(first), LAYOUT);
	state_commit(&store, second, sizeof(second), LAYOUT);
	for (size_t i = 0; i + 1 < size; i += 2) {
		uint64_t *copy = &store.copy[data[i] & 1].sequence;

		if (data[i] & 0x80)
			*head[data[i] & 3] ^= 1ull << data[i + 1] % 64;
		else
			copy[data[i] >> 1 & 15] ^= 1ull << data[i + 1] % 64;
	}
	if (state_load(&store, found, sizeof(found), LAYOUT, why, sizeof(why)) == 1 &&
	    memcmp(found, first, sizeof(found)) && memcmp(found, second, sizeof(found)))
		abort();
	return 0;
}
