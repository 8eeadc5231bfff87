/* SPDX-License-Identifier: GPL-2.0-only */
/* The registers themselves; a host test brings its own. */
#ifndef AHCI_HW_H
#define AHCI_HW_H

#include "port.h"

static inline uint32_t hba_read(const struct hba *h, uint32_t reg)
{
	return *(volatile uint32_t *)(h->registers + reg);
}

static inline void hba_write(const struct hba *h, uint32_t reg, uint32_t value)
{
	*(volatile uint32_t *)(h->registers + reg) = value;
}

#endif
