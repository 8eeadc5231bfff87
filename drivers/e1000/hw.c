// SPDX-License-Identifier: GPL-2.0-only
/* Registers by loads and stores of 32 bits. A store to one orders the descriptors written before it: x86 keeps stores in
 * order, the barrier keeps the compiler from moving them. */
#include "card.h"

uint32_t reg_get(const struct card *k, unsigned reg)
{
	uint32_t value = *(volatile uint32_t *)(k->registers + reg);

	__asm__ volatile("" : : : "memory");
	return value;
}

void reg_put(const struct card *k, unsigned reg, uint32_t value)
{
	__asm__ volatile("" : : : "memory");
	*(volatile uint32_t *)(k->registers + reg) = value;
}
