// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCnet: descriptor rings and frames.
 *
 * Four software styles lay a descriptor out differently; they are read into one struct, and only the
 * status is written back.
 */
#include <string.h>
#include "pcnet.h"

#define ETHERNET_HEADER 14
#define FRAME_MIN 60
#define FCS 4

/* Status: the upper half of a style 2 descriptor's second word. */
enum {
	OWN = 0x8000,
	ERR = 0x4000,
	OFLO = 0x1000, /* receive */
	BUFF = 0x0400, /* receive */
	STP = 0x0200,
	ENP = 0x0100,
};
#define TX_BUFF 0x80000000u /* in the third word: a chain that breaks off */
#define TX_UFLO 0x40000000u
#define KEEP 0x00ff

struct descriptor {
	uint64_t at; /* guest-physical */
	uint32_t buffer;
	uint32_t bytes; /* of the buffer: 1 .. 4096 */
	uint16_t status;
};

static unsigned style(const struct pcnet *n)
{
	return n->bcr[PCNET_STYLE] & 0xff;
}

static bool load(struct pcnet *n, uint32_t ring, uint32_t index, struct descriptor *d)
{
	bool narrow = style(n) == 0;
	const void *at;
	uint32_t w[4] = {0};

	d->at = (uint64_t)ring + index * (narrow ? 8 : 16);
	at = pci_dma(&n->function, d->at, narrow ? 8 : 16, true);
	if (!at) {
		n->csr[0] |= CSR0_MERR;
		return false;
	}
	memcpy(w, at, narrow ? 8 : 16);
	if (narrow) {
		d->buffer = (w[0] & 0xffffff) | (uint32_t)(n->csr[2] & 0xff00) << 16;
		d->status = w[0] >> 16 & 0xff00;
		d->bytes = -w[1] & 0xfff;
	} else {
		d->buffer = style(n) == 3 ? w[2] : w[0];
		d->status = w[1] >> 16;
		d->bytes = -w[1] & 0xfff;
	}
	d->bytes = d->bytes ? d->bytes : 0x1000;
	return true;
}

/* The descriptor goes back to the guest: first what it says, then whose it is. third: message length or errors. */
static void store(struct pcnet *n, const struct descriptor *d, uint32_t third)
{
	bool narrow = style(n) == 0;
	uint8_t *at = pci_dma(&n->function, d->at, narrow ? 8 : 16, true);
	uint16_t status = d->status & ~OWN;
	uint16_t half = narrow ? third | third >> 16 : 0;

	if (!at)
		return;
	if (narrow) {
		memcpy(at + 6, &half, 2);
		__atomic_thread_fence(__ATOMIC_RELEASE);
		at[3] = status >> 8;
		return;
	}
	memcpy(at + (style(n) == 3 ? 0 : 8), &third, 4);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(at + 6, &status, 2);
}

/* --- the initialization block ------------------------------------------------------------------ */

bool pcnet_load_init(struct pcnet *n)
{
	uint32_t at = n->csr[1] | (uint32_t)n->csr[2] << 16, rx, tx;
	bool narrow = style(n) == 0;
	const uint8_t *b;

	if (narrow)
		at &= 0xffffff | (uint32_t)(n->csr[2] & 0xff00) << 16;
	b = pci_dma(&n->function, at & ~1u, narrow ? 24 : 28, false);
	if (!b)
		return false;
	memcpy(&n->csr[PCNET_MODE], b, 2);
	memcpy(&n->csr[12], b + (narrow ? 2 : 4), 6);
	memcpy(&n->csr[8], b + (narrow ? 8 : 12), 8);
	memcpy(&rx, b + (narrow ? 16 : 20), 4);
	memcpy(&tx, b + (narrow ? 20 : 24), 4);
	if (narrow) {
		n->rx_length = 1u << (rx >> 29);
		n->tx_length = 1u << (tx >> 29);
		rx = (rx & 0xfffff8) | (uint32_t)(n->csr[2] & 0xff00) << 16;
		tx = (tx & 0xfffff8) | (uint32_t)(n->csr[2] & 0xff00) << 16;
	} else {
		unsigned rlen = b[2] >> 4, tlen = b[3] >> 4;

		n->rx_length = 1u << (rlen < 9 ? rlen : 9);
		n->tx_length = 1u << (tlen < 9 ? tlen : 9);
	}
	n->rx_ring = rx;
	n->tx_ring = tx;
	n->rx_at = n->tx_at = 0;
	n->gathering = false;
	return true;
}

/* --- transmit ---------------------------------------------------------------------------------- */

static void gather(struct pcnet *n, const struct descriptor *d)
{
	const void *from = pci_dma(&n->function, d->buffer, d->bytes, false);

	if (!from)
		n->csr[0] |= CSR0_MERR;
	if (!from || d->bytes > PCNET_FRAME_MAX - n->filled) {
		n->too_long = true;
		return;
	}
	memcpy(n->frame + n->filled, from, d->bytes);
	n->filled += d->bytes;
}

static void send(struct pcnet *n)
{
	if (n->too_long || n->filled < ETHERNET_HEADER) {
		n->errors++;
		return;
	}
	if (n->csr[PCNET_MODE] & MODE_LOOP)
		pcnet_receive(n, n->frame, n->filled);
	else if (n->link && n->send(n, n->frame, n->filled))
		n->sent++;
	else
		n->errors++;
}

/* One descriptor. False: nothing to do. */
static bool transmit_one(struct pcnet *n)
{
	struct descriptor d;

	if (!load(n, n->tx_ring, n->tx_at, &d) || !(d.status & OWN))
		return false;
	if (d.status & STP) {
		n->filled = 0;
		n->too_long = false;
		n->gathering = true;
	}
	if (n->gathering)
		gather(n, &d);
	if (d.status & ENP) {
		if (n->gathering)
			send(n);
		n->gathering = false;
		n->csr[0] |= CSR0_TINT;
		n->csr[4] |= 0x0008; /* TXSTRT */
	}
	d.status &= ~ERR;
	store(n, &d, 0);
	n->tx_at = (n->tx_at + 1) % n->tx_length;
	return true;
}

void pcnet_transmit(struct pcnet *n)
{
	/* A guest that fills the ring as fast as it is emptied comes again by its next demand. */
	for (uint32_t i = 0; i < 2 * n->tx_length; i++)
		if (!(n->csr[0] & CSR0_TXON) || !transmit_one(n))
			break;
}

/* --- receive ----------------------------------------------------------------------------------- */

/* CRC-32 of an address, for the logical address filter: its upper six bits choose. */
static bool hash_wants(const struct pcnet *n, const uint8_t *address)
{
	uint32_t crc = ~0u;
	uint64_t filter;

	for (unsigned i = 0; i < 6; i++) {
		crc ^= address[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	memcpy(&filter, &n->csr[8], 8);
	return filter >> (crc >> 26) & 1;
}

static bool wants(const struct pcnet *n, const uint8_t *frame)
{
	static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	uint16_t mode = n->csr[PCNET_MODE];

	if (mode & MODE_PROM)
		return true;
	if (!memcmp(frame, all, 6))
		return !(mode & MODE_DRCVBC);
	if (frame[0] & 1)
		return hash_wants(n, frame);
	return !(mode & MODE_DRCVPA) && !memcmp(frame, &n->csr[12], 6);
}

bool pcnet_can_receive(const struct pcnet *n)
{
	struct descriptor d;

	return n->csr[0] & CSR0_RXON && n->rx_length &&
	       load((struct pcnet *)n, n->rx_ring, n->rx_at, &d) && d.status & OWN;
}

static void miss(struct pcnet *n)
{
	n->missed++;
	n->csr[0] |= CSR0_MISS;
	n->csr[112]++;
	pcnet_update(n);
}

/* Part of the frame into the buffer; the FCS is not computed, its place stays as it is. */
static bool put(struct pcnet *n, const struct descriptor *d, const uint8_t *frame, uint32_t bytes,
		uint32_t done, uint32_t room)
{
	uint8_t *to = pci_dma(&n->function, d->buffer, room, true);
	uint32_t n_bytes = done < bytes ? bytes - done : 0;

	if (!to) {
		n->csr[0] |= CSR0_MERR;
		return false;
	}
	n_bytes = n_bytes < room ? n_bytes : room;
	memcpy(to, frame + (n_bytes ? done : 0), n_bytes);
	memset(to + n_bytes, 0, room - n_bytes);
	return true;
}

bool pcnet_receive(struct pcnet *n, const uint8_t *frame, uint32_t bytes)
{
	uint32_t total = (bytes < FRAME_MIN ? FRAME_MIN : bytes) + FCS, done = 0;
	struct descriptor d;

	if (!(n->csr[0] & CSR0_RXON) || bytes < ETHERNET_HEADER || !wants(n, frame))
		return true; /* it is not for us */
	if (!pcnet_can_receive(n)) {
		miss(n);
		return false;
	}
	for (uint32_t used = 0; used < n->rx_length; used++) {
		uint32_t room;

		if (!load(n, n->rx_ring, n->rx_at, &d) || !(d.status & OWN))
			break;
		room = d.bytes < total - done ? d.bytes : total - done;
		d.status = (d.status & KEEP) | (done ? 0 : STP);
		if (!put(n, &d, frame, bytes, done, room))
			d.status |= ERR | BUFF;
		done += room;
		if (done == total)
			d.status |= ENP;
		store(n, &d, done == total ? total : 0);
		n->rx_at = (n->rx_at + 1) % n->rx_length;
		if (done == total)
			break;
	}
	if (done < total) {
		/* The chain of buffers broke off: the last one says so. */
		n->errors++;
	} else {
		n->received++;
	}
	n->csr[0] |= CSR0_RINT;
	pcnet_update(n);
	return true;
}
