// SPDX-License-Identifier: GPL-2.0-only
/* Hold: who uses which sectors. */
#include <string.h>
#include "hold.h"

#define MAGIC 0x31444c48

static bool ends(const char *text, unsigned size)
{
	return strnlen(text, size) < size;
}

void hold_begin(struct hold_table *t, uint64_t now)
{
	bool sane = t->magic == MAGIC && t->count == HOLDS_MAX;

	for (unsigned i = 0; i < HOLDS_MAX; i++) {
		struct hold *h = &t->hold[i];

		if (!sane || !ends(h->who, sizeof(h->who)) || !ends(h->disk, sizeof(h->disk)))
			memset(h, 0, sizeof(*h));
		h->expires = now + HOLD_KEPT_NS;
	}
	t->magic = MAGIC;
	t->count = HOLDS_MAX;
}

static bool is_in_way(const struct hold *h, const char *disk, uint64_t first, uint64_t sectors,
		      bool writes)
{
	return (h->writes || writes) && !strcmp(h->disk, disk) && h->first < first + sectors &&
	       first < h->first + h->sectors;
}

struct hold *hold_claim(struct hold_table *t, const char *who, const char *disk, uint64_t first,
			uint64_t sectors, bool writes, uint64_t now, const struct hold **against)
{
	struct hold *room = NULL;

	*against = NULL;
	for (unsigned i = 0; i < HOLDS_MAX; i++) {
		struct hold *h = &t->hold[i];

		if (h->who[0] && h->expires && (h->expires <= now || !strcmp(h->who, who)) &&
		    (h->expires <= now || is_in_way(h, disk, first, sectors, true)))
			memset(h, 0, sizeof(*h)); /* nobody came back, or its owner did */
		if (!h->who[0]) {
			room = room ? room : h;
			continue;
		}
		if (is_in_way(h, disk, first, sectors, writes)) {
			*against = h;
			return NULL;
		}
	}
	if (!room)
		return NULL;
	*room = (struct hold){.first = first, .sectors = sectors, .writes = writes};
	strncpy(room->who, who, sizeof(room->who) - 1);
	strncpy(room->disk, disk, sizeof(room->disk) - 1);
	return room;
}

void hold_release(struct hold *h)
{
	memset(h, 0, sizeof(*h));
}

void hold_hand_over(struct hold *h, uint32_t connection, uint64_t now)
{
	h->connection = connection;
	h->expires = now + HOLD_GIVEN_NS;
}

struct hold *hold_adopt(struct hold_table *t, uint32_t connection)
{
	for (unsigned i = 0; i < HOLDS_MAX; i++) {
		struct hold *h = &t->hold[i];

		if (h->who[0] && connection && h->connection == connection) {
			h->expires = 0;
			return h;
		}
	}
	return NULL;
}
