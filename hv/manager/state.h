/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State: what the next life of the manager is to know, committed. Pure.
 *
 * Two copies; a commit fills the one that is not the latest, with a checksum, and makes it the latest by one
 * store at its end. A life that ends on the way leaves the copy before. A latest copy with a wrong checksum was
 * therefore changed by somebody else, and is refused.
 */
#ifndef MANAGER_STATE_H
#define MANAGER_STATE_H

#include <stddef.h>
#include <stdint.h>

#define STATE_BYTES_MAX 0x18000

struct state_copy {
	uint64_t sequence, sum;
	uint64_t word[STATE_BYTES_MAX / 8];
};

struct state_store {
	uint64_t magic;	 /* 0: nothing was ever committed */
	uint64_t layout; /* of whoever committed */
	uint64_t bytes;
	uint64_t latest; /* sequence number; its copy is [latest & 1] */
	struct state_copy copy[2];
};

/* from: bytes, a multiple of 8, at most STATE_BYTES_MAX, 8-aligned. */
void state_commit(struct state_store *s, const void *from, size_t bytes, uint64_t layout);
/* 1: the latest copy is in `to`; 0: nothing was ever committed; -EINVAL: refused, `why` says it in a
 * sentence, and `to` is untouched. */
int state_load(const struct state_store *s, void *to, size_t bytes, uint64_t layout, char *why, size_t size);
/* The number that tells one layout from another: of a text and the size of what is committed. */
uint64_t state_layout(const char *text, size_t bytes);

#endif
