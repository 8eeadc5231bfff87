// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receive: buffers of the switch into descriptors, frames back. A descriptor stands for the buffer taken at the same place
 * of the ring, so answers keep the ring's order by themselves.
 */
#include <string.h>
#include "card.h"

#define LOW (CARD_RX_COUNT / 4) /* fewer than this in the card: the switch is asked to tell of new ones */

void receive_init(struct card *k)
{
	bool all = k->link->front_flags & NIC_PROMISCUOUS;
	uint32_t control = RCTL_EN | RCTL_BAM | RCTL_SECRC | RCTL_SIZE_2048 | (all ? RCTL_UPE | RCTL_MPE : 0);

	memset(k->rx_ring, 0, CARD_RX_COUNT * sizeof(*k->rx_ring));
	k->rx_next = k->rx_oldest = 0;
	k->rx_skip = false;
	for (unsigned i = 0; i < MULTICAST_WORDS; i++)
		reg_put(k, MTA + 4 * i, all ? ~0u : 0);
	reg_put(k, RDBAL, k->rx_ring_address);
	reg_put(k, RDBAH, k->rx_ring_address >> 32);
	reg_put(k, RDLEN, CARD_RX_COUNT * sizeof(*k->rx_ring));
	reg_put(k, RDH, 0);
	reg_put(k, RDT, 0);
	reg_put(k, RDTR, 0);
	reg_put(k, RADV, 0);
	reg_put(k, RXCSUM, RXCSUM_IPOFL | RXCSUM_TUOFL);
	if (reg_get(k, RCTL) != control)
		reg_put(k, RCTL, control);
}

/* 0: the buffer cannot be used. */
static uint64_t buffer_address(struct card *k, const struct net_fragment *at)
{
	struct dma_region *r = &k->region[REF_TAG(at->ref)];
	uint64_t address, contiguous;
	int64_t offset = net_ref(at, r->chunk ? r->bytes : 0);

	if (offset < 0 || at->bytes < RX_BUFFER)
		return 0;
	address = dma_address(r, offset, &contiguous);
	return contiguous < RX_BUFFER ? 0 : address;
}

/* One descriptor stays empty: head and tail meet when the card has none. */
void receive_fill(struct card *k)
{
	uint32_t before = k->rx_next;
	int ready = net_rx_back_ready(&k->rx);
	struct net_buffer b;
	uint64_t address;

	if (ready < 0)
		card_protest(k, "its receive ring is garbage");
	for (; ready > 0 && k->rx_next - k->rx_oldest < CARD_RX_COUNT - 1; ready--, k->rx_next++) {
		net_rx_back_peek(&k->rx, 0, &b);
		address = buffer_address(k, &b.at);
		if (!address) {
			card_protest(k, "a receive buffer lies nowhere");
			break;
		}
		net_rx_back_take(&k->rx, 1);
		k->rx_ring[k->rx_next % CARD_RX_COUNT] = (struct rx_descriptor){.address = address};
	}
	if (k->rx_next != before)
		reg_put(k, RDT, k->rx_next % CARD_RX_COUNT);
	if (k->rx_next - k->rx_oldest < LOW)
		net_rx_back_wait(&k->rx, 1);
}

/* Bytes, or NETIF_RSP_ERROR. A frame longer than a buffer is none of ours: long frames are off. */
static int judge(struct card *k, const struct rx_descriptor *d)
{
	bool whole = d->status & RX_EOP && !k->rx_skip;

	k->rx_skip = !(d->status & RX_EOP);
	if (whole && !(d->errors & RX_ERROR_FRAME) && d->length && d->length <= RX_BUFFER)
		return d->length;
	return NETIF_RSP_ERROR;
}

bool receive_frames(struct card *k, unsigned budget)
{
	for (; k->rx_oldest != k->rx_next; k->rx_oldest++) {
		struct rx_descriptor *at = &k->rx_ring[k->rx_oldest % CARD_RX_COUNT], d;
		struct net_offload o = {0};
		int bytes;

		if (!(__atomic_load_n(&at->status, __ATOMIC_ACQUIRE) & RX_DD))
			return false;
		if (!budget--)
			return true;
		d = *at;
		bytes = judge(k, &d);
		o.csum_good = !(d.status & RX_IXSM) && d.status & RX_TCPCS && !(d.errors & RX_ERROR_TCP);
		net_rx_back_put(&k->rx, 0, bytes, false, &o);
		if (bytes < 0) {
			k->link->errors++;
			continue;
		}
		k->link->rx_frames++;
		k->link->rx_bytes += bytes;
	}
	return false;
}

void receive_drop(struct card *k)
{
	for (; k->rx_oldest != k->rx_next; k->rx_oldest++)
		net_rx_back_put(&k->rx, 0, NETIF_RSP_ERROR, false, NULL);
}
