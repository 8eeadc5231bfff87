/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State: what the next life of the manager is to know, committed. Pure.
 *
 * Two copies, in blocks of STATE_BLOCK bytes with a sum each; a commit brings the one that is not the latest up to date
 * and makes it the latest by one store at its end. A life that ends on the way leaves the copy before. A latest copy
 * with a wrong sum was therefore changed by somebody else, and is refused.
 *
 * A commit looks only at blocks that were marked since it last wrote that copy, and writes only those that differ.
 */
#ifndef MANAGER_STATE_H
#define MANAGER_STATE_H

#include <stddef.h>
#include <stdint.h>

#define STATE_BYTES_MAX 0x18000
#define STATE_BLOCK 256
#define STATE_BLOCKS_MAX (STATE_BYTES_MAX / STATE_BLOCK)

struct state_copy {
	uint64_t sequence; /* 0: it is being written, or its writer died */
	uint64_t sum;	   /* of the sequence number and `blocks` */
	uint64_t blocks;   /* all of block_sum[], exclusive-or */
	uint64_t block_sum[STATE_BLOCKS_MAX];
	uint64_t word[STATE_BYTES_MAX / 8];
};

struct state_store {
	uint64_t magic;	 /* 0: nothing was ever committed */
	uint64_t layout; /* of whoever committed */
	uint64_t bytes;
	uint64_t latest; /* sequence number; its copy is [latest & 1] */
	struct state_copy copy[2];
};

/* What this life knows of both copies; begins as zero: nothing. */
struct state_marks {
	uint64_t same[2][STATE_BLOCKS_MAX / 64]; /* blocks that are as in copy [n] */
};

/* These bytes of what is committed may have changed. */
void state_mark(struct state_marks *m, size_t at, size_t bytes);
void state_mark_all(struct state_marks *m);
/* from: bytes, a multiple of 8, at most STATE_BYTES_MAX, 8-aligned; always the same ones with the same marks. */
void state_commit(struct state_store *s, struct state_marks *m, const void *from, size_t bytes, uint64_t layout);
/* 1: the latest copy is in `to`; 0: nothing was ever committed; -EINVAL: refused, `why` says it in a
 * sentence, and `to` is untouched. */
int state_load(const struct state_store *s, void *to, size_t bytes, uint64_t layout, char *why, size_t size);
/* The number that tells one layout from another: of a text and the size of what is committed. */
uint64_t state_layout(const char *text, size_t bytes);
/* Checksum against accidents, not against forgers. Different seeds give different sums of the same bytes. */
uint64_t state_sum(uint64_t seed, const void *from, size_t bytes);

#endif
