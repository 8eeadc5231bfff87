/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCI: the guest's bus 0: configuration mechanism 1 (CF8h, CFCh) and the register pages behind
 * ECAM.
 *
 * A function's configuration space is one 4 KiB page that the guest may read through ECAM without
 * an exit; every write comes here, where a mask says which bits the guest may change. Pages
 * that belong to no function read as all ones.
 *
 * Source: PCI Local Bus 3.0, chapter 6 and 3.2.2.3.2; PCI Express Base 3.0, 7.2.2.
 */
#ifndef VMM_PCI_H
#define VMM_PCI_H

#include <stdint.h>
#include <stdbool.h>

#define PCI_ADDRESS 0xcf8
#define PCI_DATA 0xcfc /* 4 ports */
#define PCI_CONFIG_BYTES 4096
#define PCI_SLOTS 32
#define ECAM_BASE 0xe0000000 /* of bus 0, the only one */
#define ECAM_BYTES 0x100000

struct pci_function {
	uint8_t *config;   /* PCI_CONFIG_BYTES */
	uint8_t mask[256]; /* bits that a write changes; above 255 nothing is writable */
	/* After a write changed registers [reg, reg + size); NULL: nobody wants to know. */
	void (*changed)(struct pci_function *f, unsigned reg, unsigned size);
};

struct pci {
	uint32_t address; /* CF8h */
	struct pci_function *function[PCI_SLOTS * 8];
};

void pci_reset(struct pci *p);
/* devfn = device << 3 | function. -EEXIST, -EINVAL. */
int pci_add(struct pci *p, unsigned devfn, struct pci_function *f);
/* size 1, 2, 4; an access that crosses a dword boundary is cut as the bus does it: all ones. */
uint32_t pci_config_read(const struct pci *p, unsigned bus, unsigned devfn, unsigned reg,
			 unsigned size);
void pci_config_write(struct pci *p, unsigned bus, unsigned devfn, unsigned reg, unsigned size,
		      uint32_t value);
uint32_t pci_port_read(struct pci *p, unsigned port, unsigned size);
void pci_port_write(struct pci *p, unsigned port, unsigned size, uint32_t value);
/* offset in [0, ECAM_BYTES) */
uint32_t pci_ecam_read(const struct pci *p, uint32_t offset, unsigned size);
void pci_ecam_write(struct pci *p, uint32_t offset, unsigned size, uint32_t value);

/* Fills an identity into an empty page: header type 0, no BARs, no capabilities. */
void pci_function_init(struct pci_function *f, uint8_t *config, uint16_t vendor, uint16_t device,
		       uint32_t class_);

#endif
