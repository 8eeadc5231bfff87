/* SPDX-License-Identifier: GPL-2.0-only */
/* What gateway.c and gateway_swap.c share: little-endian words of a ROM. */
#ifndef VMM_GATEWAY_PRIV_H
#define VMM_GATEWAY_PRIV_H

#include <stdint.h>
#include <string.h>
#include "bytes.h"
#include "gateway.h"

static inline void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, 4);
}

uint8_t gateway_sum(const uint8_t *p, size_t n);
/* Of a ROM that gateway_check accepts: pages that it maps above the fixmap, 0: it cannot replace or be replaced under a
 * running guest. */
unsigned gateway_pages(const uint8_t *data);
struct gateway_exits gateway_exits(const uint8_t *data);

#endif
