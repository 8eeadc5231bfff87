/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who uses which sectors, and how: many may read the same, one who writes is alone. Plain data, because it outlives
 * the module: what a former life granted is kept for its owner for a while.
 */
#ifndef VOLUME_HOLD_H
#define VOLUME_HOLD_H

#include <stdbool.h>
#include <stdint.h>

#define HOLDS_MAX 48
#define HOLD_KEPT_NS 5000000000ull
#define HOLD_GIVEN_NS 60000000000ull /* while it is handed over; the manager may be between two lives */

struct hold {
	char who[24]; /* "": free */
	char disk[24];
	uint64_t first, sectors;
	uint64_t expires; /* CLOCK; of a former life's, or while it is handed over. 0: in use */
	uint32_t connection; /* that was handed over to a driver, 0: none */
	bool writes;
};

struct hold_table {
	uint32_t magic, count;
	struct hold hold[HOLDS_MAX];
};

/* Memory from a former life, or zeros: whatever is not sane is dropped. */
void hold_begin(struct hold_table *t, uint64_t now);
/* NULL: *against is in the way, or the table is full (*against NULL). */
struct hold *hold_claim(struct hold_table *t, const char *who, const char *disk, uint64_t first, uint64_t sectors,
			bool writes, uint64_t now, const struct hold **against);
void hold_release(struct hold *h);
/* Its connection is handed over: who shows that it was finds it again, in this life or the next. */
void hold_hand_over(struct hold *h, uint32_t connection, uint64_t now);
struct hold *hold_adopt(struct hold_table *t, uint32_t connection);

#endif
