// SPDX-License-Identifier: GPL-2.0-only
/* Registers by loads and stores of 32 bits. A store to one orders the descriptors written before it: x86 keeps stores in
 * order, the barrier keeps the compiler from moving them. */
#include "card.h"
#include "syscalls.h"

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

uint32_t config_get(const struct card *k, unsigned reg, unsigned width)
{
	int64_t value = sys_device_control(k->device->handle, DEVICE_CONFIG, (uint64_t)reg << 32 | PCI_READ | width);

	return value < 0 ? 0 : value;
}
