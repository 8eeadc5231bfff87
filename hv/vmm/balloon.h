/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Balloon: which pages of the guest's RAM are in it, and which pieces of 2 MiB are therefore given back to the machine.
 * Offsets are into the RAM's memory object. Every page may be named any number of times.
 */
#ifndef VMM_BALLOON_H
#define VMM_BALLOON_H

#include <stdbool.h>
#include <stdint.h>

struct balloon_piece {
	uint16_t pages; /* of it in the balloon */
	bool given;
};

/* 2 MiB at offset go back to the machine, or are taken again: 0 or an error. */
typedef int balloon_give(uint64_t offset, bool away);

struct balloon {
	balloon_give *give;
	uint64_t bytes, given;
	uint64_t *in; /* a bit a page */
	struct balloon_piece *piece;
};

/* An empty one for RAM of `bytes`. -ENOMEM. */
int balloon_init(struct balloon *b, uint64_t bytes, balloon_give *give);
/* The page at offset goes into the balloon. */
void balloon_put(struct balloon *b, uint64_t offset);
/* The page at offset comes out. -ENOMEM: the machine has no room for its piece now, nothing changed. */
int balloon_take(struct balloon *b, uint64_t offset);
/* All come out. -ENOMEM: pieces for which there is no room stay given, pages are in none of them. */
int balloon_empty(struct balloon *b);

#endif
