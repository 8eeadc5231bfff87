/* SPDX-License-Identifier: GPL-2.0-only */
/* PCI configuration space, as far as ring 0 looks into it. bdf = bus << 8 | device << 3 | function. */
#ifndef X86_PCI_H
#define X86_PCI_H

#include <stdint.h>

#define PCI_COMMAND 0x04
#define PCI_COMMAND_MASTER (1 << 2)
#define PCI_STATUS 0x06
#define PCI_STATUS_TARGET_ABORT (1 << 11) /* signalled; written to be cleared */
#define PCI_CAPABILITY_FIRST 0x40
#define PCI_CAP_MSI 0x05
#define PCI_MSI_CONTROL 2
#define PCI_MSI_ENABLE (1 << 0)
#define PCI_CAP_EXPRESS 0x10
#define PCI_EXPRESS_STATUS 0x0a
#define PCI_EXPRESS_PENDING (1 << 5)
#define PCI_CAP_MSIX 0x11
#define PCI_MSIX_MASK_ALL (1 << 14)

#define BDF_UNKNOWN 0xffffffffu
/* For messages about a function. */
#define BDF_FORMAT "%02x:%02x.%x"
#define BDF_ARGS(bdf) (bdf) >> 8, (bdf) >> 3 & 31, (bdf)&7

/* Serialised; width 1, 2, 4, registers up to 255: else -EINVAL. */
int pci_config_read(uint32_t bdf, unsigned reg, unsigned width, uint32_t *value);
int pci_config_write(uint32_t bdf, unsigned reg, unsigned width, uint32_t value);
/* 0 where the function does not answer. */
uint32_t pci_get(uint32_t bdf, unsigned reg, unsigned width);

#endif
