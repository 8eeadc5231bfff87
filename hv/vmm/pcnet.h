/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PCnet: an AMD Am79C970A (PCnet-PCI II), the network card of guests without virtio.
 *
 * Frames are copied: out of the guest's buffers into `frame`, then given to send(); what arrives is
 * copied into the guest's buffers by pcnet_receive(), or counted as missed. Descriptor rings lie in the
 * guest's RAM: each look-up is bounded by the ring's length, and each buffer checked when it is used.
 *
 * All functions are called with the guest's lock held. Nothing here blocks or allocates.
 *
 * Source: Am79C970A data sheet (AMD 19436).
 */
#ifndef VMM_PCNET_H
#define VMM_PCNET_H

#include <stdbool.h>
#include <stdint.h>
#include "pci.h"

#define PCNET_FRAME_MAX 4096 /* without FCS; longer ones end with an error */
#define PCNET_CSRS 128
#define PCNET_BCRS 32
#define PCNET_REGISTERS 32 /* bytes of each BAR */

struct pcnet {
	struct pci_function function;
	/* Set by the owner. A frame, without FCS, of 14 .. PCNET_FRAME_MAX bytes; false: it was dropped. */
	bool (*send)(struct pcnet *n, const uint8_t *frame, uint32_t bytes);
	void *private_;
	uint8_t mac[6];
	bool link;

	uint8_t prom[16];
	uint16_t csr[PCNET_CSRS], bcr[PCNET_BCRS];
	uint8_t rap;
	bool dword; /* registers are 32 bits apart */
	uint32_t rx_ring, tx_ring, rx_length, tx_length, rx_at, tx_at;
	uint32_t filled; /* bytes of the frame that is being gathered */
	bool gathering, too_long;
	uint64_t sent, received, missed, errors;
	uint8_t frame[PCNET_FRAME_MAX];
};

void pcnet_init(struct pcnet *n, uint8_t *config);
void pcnet_reset(struct pcnet *n);
/* A frame from the network, without FCS, at least 14 bytes. False: the guest has no buffer for it now. */
bool pcnet_receive(struct pcnet *n, const uint8_t *frame, uint32_t bytes);
/* The guest has buffers: pcnet_receive would take one. */
bool pcnet_can_receive(const struct pcnet *n);
void pcnet_set_link(struct pcnet *n, bool up);

/* pcnet_ring.c */
bool pcnet_load_init(struct pcnet *n); /* the initialization block; false: it is not in RAM */
void pcnet_transmit(struct pcnet *n);

/* pcnet.c: interrupt flags may have changed. */
void pcnet_update(struct pcnet *n);

enum pcnet_csr0 {
	CSR0_INIT = 0x0001,
	CSR0_STRT = 0x0002,
	CSR0_STOP = 0x0004,
	CSR0_TDMD = 0x0008,
	CSR0_TXON = 0x0010,
	CSR0_RXON = 0x0020,
	CSR0_IENA = 0x0040,
	CSR0_INTR = 0x0080,
	CSR0_IDON = 0x0100,
	CSR0_TINT = 0x0200,
	CSR0_RINT = 0x0400,
	CSR0_MERR = 0x0800,
	CSR0_MISS = 0x1000,
	CSR0_CERR = 0x2000,
	CSR0_BABL = 0x4000,
	CSR0_ERR = 0x8000,
};
enum pcnet_mode {
	MODE_DRX = 0x0001,
	MODE_DTX = 0x0002,
	MODE_LOOP = 0x0004,
	MODE_DRCVPA = 0x2000,
	MODE_DRCVBC = 0x4000,
	MODE_PROM = 0x8000,
};
/* Which registers the files of the device look at by number. */
enum { PCNET_MODE = 15, PCNET_STYLE = 20 };

#endif
