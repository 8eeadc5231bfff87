// SPDX-License-Identifier: GPL-2.0-only
/* Random bytes. */
#include <cpuid.h>
#include <string.h>
#include "random.h"

#define ROUNDS 20
#define TRIES 10 /* of RDRAND: Intel SDM volume 1, 7.3.17.1 */

static uint32_t rotate(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static void quarter(uint32_t *s, unsigned a, unsigned b, unsigned c, unsigned d)
{
	s[a] += s[b];
	s[d] = rotate(s[d] ^ s[a], 16);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 12);
	s[a] += s[b];
	s[d] = rotate(s[d] ^ s[a], 8);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 7);
}

void random_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3], uint8_t out[64])
{
	uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, s[16];

	memcpy(start + 4, key, 32);
	start[12] = counter;
	memcpy(start + 13, nonce, 12);
	memcpy(s, start, sizeof(s));
	for (unsigned n = 0; n < ROUNDS; n += 2) {
		for (unsigned i = 0; i < 4; i++)
			quarter(s, i, 4 + i, 8 + i, 12 + i);
		for (unsigned i = 0; i < 4; i++)
			quarter(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
	}
	for (unsigned i = 0; i < 16; i++)
		s[i] += start[i];
	memcpy(out, s, 64);
}

static bool has_rdrand(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && c & bit_RDRND;
}

static bool rdrand(uint64_t *value)
{
	bool ok = false;

	for (unsigned n = 0; n < TRIES && !ok; n++)
		__asm__ volatile("rdrand %0" : "=r"(*value), "=@ccc"(ok));
	return ok;
}

void random_mix(struct random *r, uint64_t value)
{
	uint32_t nonce[3] = {value, value >> 32, ++r->count};
	uint8_t block[64];

	random_block(r->key, ~0u, nonce, block);
	memcpy(r->key, block, sizeof(r->key));
}

static void stir(struct random *r)
{
	static int rdrand_there = -1;
	uint64_t value = 0;

	if (rdrand_there < 0)
		rdrand_there = has_rdrand();
	if (rdrand_there && rdrand(&value))
		random_mix(r, value);
	random_mix(r, __builtin_ia32_rdtsc());
}

bool random_init(struct random *r)
{
	memset(r, 0, sizeof(*r));
	for (unsigned n = 0; n < 8; n++)
		stir(r);
	return has_rdrand();
}

void random_bytes(struct random *r, void *to, size_t bytes)
{
	const uint32_t nonce[3] = {r->count++, r->count >> 32, 1};
	uint8_t block[64];
	uint32_t counter = 1;

	stir(r);
	for (size_t part; bytes; bytes -= part, to = (uint8_t *)to + part) {
		random_block(r->key, counter++, nonce, block);
		part = bytes < sizeof(block) ? bytes : sizeof(block);
		memcpy(to, block, part);
	}
	/* The key of the past cannot be had from the key of now. */
	random_block(r->key, 0, nonce, block);
	memcpy(r->key, block, sizeof(r->key));
	memset(block, 0, sizeof(block));
}
