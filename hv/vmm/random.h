/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random: bytes for guests. ChaCha20 in counter mode, whose key is replaced by its own output after each call and mixed, at
 * each call, with what RDRAND gives (where the processor has it) and with the time stamp counter, whose low bits depend on
 * when events came.
 *
 * The source is as good as RDRAND is; without it, as the time stamps of interrupts and requests since this process
 * began: the guest is told so in the log.
 *
 * Source: RFC 8439 2.3 (block function); Bernstein, "Fast-key-erasure random-number generators".
 */
#ifndef VMM_RANDOM_H
#define VMM_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
	uint32_t key[8];
	uint64_t count;
};

/* True when the processor has RDRAND. */
bool random_init(struct random *r);
void random_mix(struct random *r, uint64_t value);
void random_bytes(struct random *r, void *to, size_t bytes);
/* One block: key, counter, nonce -> 64 bytes. */
void random_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3], uint8_t out[64]);

#endif
