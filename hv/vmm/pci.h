/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCI: the guest's bus 0: configuration mechanism 1 (CF8h, CFCh) and the register pages behind ECAM; base address
 * registers, capabilities, INTx, MSI-X, and DMA into the guest's RAM.
 *
 * A function's configuration space is one 4 KiB page that the guest may read through ECAM without
 * an exit; every write comes here, where a mask says which bits the guest may change. Pages
 * that belong to no function read as all ones.
 *
 * How a device is made, once, before the guest starts:
 *	pci_function_init(f, pci_page(bus, devfn), vendor, device, class);
 *	f->reset = ..; f->bar[n] = ..; pci_add_capability() ..; pci_add_msix() ..;
 *	pci_add(bus, devfn, f);
 * From then on its registers are called at the addresses that the guest gives them, and only while
 * the command register lets them answer. A device with ports at fixed places (IDE, VGA) claims them with io_add() or
 * mmio_add() and asks pci_enabled() itself.
 *
 * All functions here are called with the guest's lock held, except pci_dma() and pci_master(), which anyone may call.
 *
 * Source: PCI Local Bus 3.0, chapter 6 and 3.2.2.3.2; PCI Express Base 3.0, 7.2.2.
 */
#ifndef VMM_PCI_H
#define VMM_PCI_H

#include <stdint.h>
#include <stdbool.h>
#include <postern/channel.h> /* enum pci_bar_flag, enum pci_enable */
#include "io.h"
#include "ram.h"

#define PCI_ADDRESS 0xcf8
#define PCI_DATA 0xcfc /* 4 ports */
#define PCI_CONFIG_BYTES 4096
#define PCI_SLOTS 32
#define PCI_DEVICE_SLOTS 8 /* those that may hold devices: their pages exist, the DSDT routes their pins */
#define ECAM_BASE 0xe0000000 /* of bus 0, the only one */
#define ECAM_BYTES 0x100000
#define ECAM_DEVICE_BYTES (PCI_DEVICE_SLOTS * 8 * PCI_CONFIG_BYTES)

/* Where base address registers may lie. The DSDT says the same. */
#define PCI_HOLE 0xe1000000u
#define PCI_HOLE_END 0xfec00000u
#define PCI_FIRST_IO 0xc000 /* where firmware begins to place I/O BARs */

/* INTx: the pin of a slot reaches wire (slot + pin) % 4; wire n is IO-APIC input PCI_GSI + n and, of the PIC,
 * input PCI_PIC_IRQ + n % 2. */
#define PCI_GSI 16
#define PCI_PIC_IRQ 10
#define PCI_WIRES 4

#define PCI_BARS 6
#define PCI_NOWHERE (~0ull)
#define PCI_MSIX_MAX 32 /* vectors of a function */
#define PCI_MSIX_NONE 0xffff

enum pci_register {
	PCI_COMMAND = 0x04, /* enum pci_enable */
	PCI_STATUS = 0x06,
	PCI_REVISION = 0x08,
	PCI_CLASS = 0x08,
	PCI_CACHE_LINE = 0x0c,
	PCI_LATENCY = 0x0d,
	PCI_HEADER_TYPE = 0x0e,
	PCI_BAR0 = 0x10,
	PCI_SUBSYSTEM = 0x2c, /* vendor, device */
	PCI_EXPANSION = 0x30,
	PCI_CAPABILITIES = 0x34,
	PCI_INTERRUPT_LINE = 0x3c,
	PCI_INTERRUPT_PIN = 0x3d,
	PCI_FIRST_FREE = 0x40,
};

struct pci;
struct pci_function;

/* One base address register. Size, flags and calls are the device's; the rest is ours. */
struct pci_bar {
	uint64_t bytes; /* a power of two, I/O from 4, memory from 16; 0: none. Of a 64-bit one the next entry is empty */
	uint32_t flags; /* enum pci_bar_flag */
	uint32_t memory; /* not 0: this memory shows there (picture memory), and no access comes here */
	/* A register access inside the BAR: size 1, 2, 4, memory also 8. */
	uint64_t (*read)(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size);
	void (*write)(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size, uint64_t value);

	struct pci_function *function;
	uint64_t at; /* port or guest-physical address where it answers now, PCI_NOWHERE */
};

struct pci_msix_entry {
	uint64_t address;
	uint32_t data, control; /* control bit 0: masked */
};

struct pci_msix {
	unsigned vectors;     /* 0: the function has no MSI-X */
	unsigned capability;  /* where in configuration space */
	uint32_t table, pba;  /* offsets in its BAR */
	uint32_t pending;     /* a bit a vector */
	struct pci_msix_entry entry[PCI_MSIX_MAX];
};

struct pci_function {
	uint8_t *config;   /* PCI_CONFIG_BYTES */
	uint8_t mask[256]; /* bits that a write changes; above 255 nothing is writable */
	/* After a write changed registers [reg, reg + size); NULL: nobody wants to know. */
	void (*changed)(struct pci_function *f, unsigned reg, unsigned size);
	/* Before a read by CF8h of a register that is not what the page says; NULL: there is none. */
	void (*refresh)(struct pci_function *f, unsigned reg, unsigned size);
	/* The bus's reset: all BARs are nowhere, bus mastering is off, the interrupt is down. NULL: nothing to do. */
	void (*reset)(struct pci_function *f);
	/* A BAR came to bar[n].at from `old` (each may be PCI_NOWHERE). NULL: nobody wants to know. */
	void (*moved)(struct pci_function *f, unsigned n, uint64_t old);
	void *device; /* the device's own */
	struct pci_bar bar[PCI_BARS];

	struct pci *bus; /* set by pci_add() */
	uint8_t devfn;
	bool intx, wire; /* what the device wants; what is on the wire */
	unsigned free;	 /* first byte behind the capabilities */
	unsigned last;	 /* the last capability */
	struct pci_msix msix;
};

struct pci {
	uint32_t address; /* CF8h */
	struct pci_function *function[PCI_SLOTS * 8];

	/* What the bus is connected to; each may be NULL. */
	uint8_t *pages; /* ECAM_DEVICE_BYTES, all ones where nothing is */
	struct io_space *io;
	struct mmio_space *mmio;
	const struct ram *ram;
	uint64_t no_write, no_write_bytes; /* a piece of RAM that no device writes (the gateway's code) */
	void (*set_wire)(void *ctx, unsigned wire, bool level);
	void (*send)(void *ctx, uint64_t address, uint32_t data); /* an MSI */
	void (*show)(void *ctx, struct pci_bar *b, uint64_t gpa, bool on); /* bar.memory appears, vanishes */
	void *ctx;

	unsigned asserted[PCI_WIRES];
};

/* The bus's reset, then what firmware does: all BARs get addresses, memory and I/O space are enabled, and
 * interrupt lines written down. */
void pci_reset(struct pci *p);
/* devfn = device << 3 | function. -EEXIST, -EINVAL. A slot with functions above 0 needs a function 0. */
int pci_add(struct pci *p, unsigned devfn, struct pci_function *f);
/* The configuration page of devfn, NULL: devfn is not in PCI_DEVICE_SLOTS. */
uint8_t *pci_page(struct pci *p, unsigned devfn);
/* A free devfn for one more device from `slot` on: function 0 of each slot, then the functions above. -ENOSPC. */
int pci_free_devfn(const struct pci *p, unsigned slot);
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

/* Fills an identity into an empty page: header type 0, no BARs, no capabilities. class_ has 24 bits. */
void pci_function_init(struct pci_function *f, uint8_t *config, uint16_t vendor, uint16_t device,
		       uint32_t class_);
/* Little-endian fields of configuration space, past the mask: for the device itself. */
uint32_t pci_get(const struct pci_function *f, unsigned reg, unsigned size);
void pci_set(struct pci_function *f, unsigned reg, unsigned size, uint32_t value);
/* A capability of `bytes` with its two-byte head, read-only until its mask is set: where it is. */
unsigned pci_add_capability(struct pci_function *f, uint8_t id, unsigned bytes);
/* Which of enum pci_enable the guest has set. */
static inline bool pci_enabled(const struct pci_function *f, unsigned what)
{
	return ((f->config[PCI_COMMAND] | f->config[PCI_COMMAND + 1] << 8) & what) == what;
}

/* The level of the function's pin; INTERRUPT_PIN must be set. */
void pci_set_intx(struct pci_function *f, bool level);

/* pci_msix.c: table (16 bytes a vector) and pending bits (8 bytes) in a memory BAR, whose calls forward accesses to
 * [table, table + 16 * vectors) and [pba, pba + 8) to these. vectors <= PCI_MSIX_MAX. */
void pci_add_msix(struct pci_function *f, unsigned bar, unsigned vectors, uint32_t table, uint32_t pba);
uint64_t pci_msix_read(const struct pci_function *f, uint64_t offset, unsigned size);
void pci_msix_write(struct pci_function *f, uint64_t offset, unsigned size, uint64_t value);
bool pci_msix_enabled(const struct pci_function *f);
/* The device's event: sent now, or pending while masked. A vector that is not there is nothing. */
void pci_msix_notify(struct pci_function *f, unsigned vector);
void pci_msix_changed(struct pci_function *f); /* pci.c: after a write to the capability */
void pci_msix_reset(struct pci_function *f);

/* DMA: a pointer to `bytes` of the guest's RAM for device f. NULL: not all of it is RAM without a hole, or bus
 * mastering is off, or the device may not write there. */
static inline void *pci_dma(const struct pci_function *f, uint64_t gpa, uint64_t bytes, bool write)
{
	const struct pci *p = f->bus;

	if (!pci_enabled(f, PCI_ENABLE_MASTER))
		return NULL;
	if (write && p->no_write_bytes && gpa < p->no_write + p->no_write_bytes &&
	    (gpa >= p->no_write || bytes > p->no_write - gpa))
		return NULL;
	return ram_at(p->ram, gpa, bytes);
}

/* pci_bar.c */
void pci_bars_update(struct pci_function *f); /* pci.c: after a write to the command register or a BAR */
void pci_assign(struct pci *p);		      /* as firmware does */
void pci_bar_registers(struct pci_function *f); /* pci_add(): masks and flags of the BARs */

#endif
