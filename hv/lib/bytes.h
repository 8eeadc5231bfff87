/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Little-endian numbers at any address in what others wrote: tables, images, PCI configuration. The caller has
 * checked that they lie inside. The boot stage includes it, too.
 */
#ifndef LIB_BYTES_H
#define LIB_BYTES_H

#include <stdint.h>

static inline uint16_t get16(const uint8_t *p)
{
	return p[0] | p[1] << 8;
}

static inline uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static inline uint64_t get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

#endif
