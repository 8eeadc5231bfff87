/* sources: hv/manager/state.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Fuzz: a damaged state is refused, or it is one that was committed; what marks leave out has not changed. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "manager/state.h"

#define WORDS 16
#define MANY 200
#define LAYOUT 3

static struct state_store store;

/* Changes, commits, deaths between and inside them, in any order. */
static void lives(const uint8_t *data, size_t size)
{
	static uint64_t now[MANY], found[MANY], committed[MANY];
	struct state_marks marks = {0};
	bool any = false;
	char why[64];

	memset(&store, 0, sizeof(store));
	memset(now, 0, sizeof(now));
	for (; size >= 2; size -= 2, data += 2) {
		struct state_copy *next = &store.copy[(store.latest + 1) & 1];

		switch (data[0] & 3) {
		case 0:
		case 1:
			now[data[1] % MANY]++;
			state_mark(&marks, data[1] % MANY * 8, 8);
			continue;
		case 2:
			state_commit(&store, &marks, now, sizeof(now), LAYOUT);
			memcpy(committed, now, sizeof(now));
			any = true;
			break;
		case 3:
			if (data[0] & 4) { /* inside a commit */
				next->sequence = 0;
				next->word[data[1] % MANY]++;
				next->block_sum[data[0] % 8]++;
			}
			memset(&marks, 0, sizeof(marks));
			break;
		}
		if (state_load(&store, found, sizeof(found), LAYOUT, why, sizeof(why)) != any)
			abort();
		if (any && memcmp(found, committed, sizeof(found)))
			abort();
		if ((data[0] & 3) == 3)
			memcpy(now, committed, sizeof(now));
	}
}

/* Each pair of bytes changes one word of the header or of the begin of a copy. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t first[WORDS], second[WORDS], found[WORDS] = {0};
	uint64_t *head[] = {&store.magic, &store.layout, &store.bytes, &store.latest};
	struct state_marks marks = {0};
	char why[64];

	if (size && data[0] == 'L') {
		lives(data + 1, size - 1);
		return 0;
	}
	memset(&store, 0, sizeof(store));
	for (unsigned i = 0; i < WORDS; i++) {
		first[i] = i;
		second[i] = 1000 + i;
	}
	state_commit(&store, &marks, first, sizeof(first), LAYOUT);
	state_mark_all(&marks);
	state_commit(&store, &marks, second, sizeof(second), LAYOUT);
	for (size_t i = 0; i + 1 < size; i += 2) {
		uint64_t *copy = &store.copy[data[i] & 1].sequence;

		if (data[i] & 0x80)
			*head[data[i] & 3] ^= 1ull << data[i + 1] % 64;
		else if (data[i] & 0x40)
			store.copy[data[i] & 1].word[data[i] >> 1 & 15] ^= 1ull << data[i + 1] % 64;
		else
			copy[data[i] >> 1 & 15] ^= 1ull << data[i + 1] % 64;
	}
	if (state_load(&store, found, sizeof(found), LAYOUT, why, sizeof(why)) == 1 &&
	    memcmp(found, first, sizeof(found)) && memcmp(found, second, sizeof(found)))
		abort();
	return 0;
}
