/* SPDX-License-Identifier: GPL-2.0-only */
/* Stands in for drivers/ahci/hw.h: registers are a model. */
#ifndef AHCI_HW_H
#define AHCI_HW_H

#include <stddef.h>
#include "drivers/ahci/port.h"

size_t strlcpy(char *to, const char *from, size_t size); /* of hv/lib, which hosts lack */
uint32_t hba_read(const struct hba *h, uint32_t reg);
void hba_write(const struct hba *h, uint32_t reg, uint32_t value);

#endif
