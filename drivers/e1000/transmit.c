// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transmit: frames of the switch into descriptors, from wherever they lie.
 *
 * A frame's first fragment lies in the switch's own pages and holds its headers; they are read again here for the
 * offsets that the card wants, and for TSO changed as it wants them ([SDM] 3.5). Only the last descriptor of a frame
 * is reported (RS), so frames end in order.
 *
 * Late reports: the 8254x may report a frame sent while its last bytes are still being read, for a TSO frame and the one
 * behind it. Nobody may change or free memory that is still read, so such a frame's last four bytes get a descriptor
 * of their own, and what is read late is a part that was fetched already.
 */
#include <string.h>
#include "card.h"
#include "clock.h"
#include "netframe.h"

#define SENTINEL 4

struct piece {
	uint64_t address;
	uint32_t bytes;
};

static struct tx_descriptor *slot(struct card *k, uint32_t index)
{
	return &k->tx_ring[index % CARD_TX_COUNT];
}

void transmit_init(struct card *k)
{
	memset(k->tx_ring, 0, CARD_TX_COUNT * sizeof(*k->tx_ring));
	memset(k->tx_sent, 0, sizeof(k->tx_sent));
	memset(&k->context, 0, sizeof(k->context));
	k->tx_next = k->tx_oldest = 0;
	k->after_tso = false;
	reg_put(k, TDBAL, k->tx_ring_address);
	reg_put(k, TDBAH, k->tx_ring_address >> 32);
	reg_put(k, TDLEN, CARD_TX_COUNT * sizeof(*k->tx_ring));
	reg_put(k, TDH, 0);
	reg_put(k, TDT, 0);
	reg_put(k, TIPG, TIPG_COPPER);
	reg_put(k, TIDV, TX_DELAY);
	reg_put(k, TADV, TX_DELAY_MAX);
	if (k->chip->express)
		reg_put(k, TXDCTL, reg_get(k, TXDCTL) | TXDCTL_COUNT_DESC);
	reg_put(k, TCTL, TCTL_EN | TCTL_PSP | TCTL_CT | TCTL_COLD | TCTL_RTLC |
				 (k->chip->express ? TCTL_MULR : 0));
}

/* The frame's bytes on the bus. Their number, 0: some are nowhere, or they are in too many pieces. */
static unsigned find_pieces(struct card *k, const struct net_frame *f, struct piece *piece)
{
	unsigned n = 0;

	for (unsigned i = 0; i < f->count; i++) {
		struct dma_region *r = &k->region[REF_TAG(f->fragment[i].ref)];
		uint32_t left = f->fragment[i].bytes, bytes;
		int64_t at = net_ref(&f->fragment[i], r->chunk ? r->bytes : 0);
		uint64_t address, contiguous;

		for (; at >= 0 && left; at += bytes, left -= bytes) {
			address = n < CARD_PIECES_MAX - 1 ? dma_address(r, at, &contiguous) : 0;
			if (!address)
				return 0;
			bytes = left < TX_LENGTH_MAX ? left : TX_LENGTH_MAX;
			bytes = bytes < contiguous ? bytes : contiguous;
			piece[n++] = (struct piece){address, bytes};
		}
		if (at < 0)
			return 0;
	}
	return n;
}

/* For TSO the card counts lengths in itself: total length and checksum of IPv4 are zero, TCP's sum is the pseudo header's without
 * the length ([SDM] 3.5.6). */
static void prepare_tso(uint8_t *p, const struct net_headers *h)
{
	net_put16(p + h->l3 + 2, 0);
	net_put16(p + h->l3 + 10, 0);
	net_put16(p + h->checksum, net_fold(net_pseudo_sum(p, h, 0)));
}

/* The context that the card needs for this frame. 0; -EINVAL: it cannot be. */
static int make_context(struct card *k, const struct net_frame *f, struct tx_descriptor *context)
{
	const struct net_fragment *first = &f->fragment[0];
	int64_t at = net_ref(first, k->pages_bytes);
	bool tso = f->offload.gso_type;
	struct net_headers h;
	uint8_t *p;

	if (REF_TAG(first->ref) != CARD_TAG_SWITCH || at < 0)
		return -EINVAL;
	p = k->pages + at;
	if (net_parse(p, first->bytes, f->bytes, &h) || (h.protocol != IP_TCP && h.protocol != IP_UDP))
		return -EINVAL;
	if (tso && (f->offload.gso_type != XEN_NETIF_GSO_TYPE_TCPV4 || !h.ipv4 || h.protocol != IP_TCP ||
		    h.end != f->bytes || h.payload + f->offload.gso_size > RX_BUFFER))
		return -EINVAL;
	*context = (struct tx_descriptor){
		.address = h.l3 | (uint64_t)(h.l3 + 10) << 8 | (uint64_t)(h.ipv4 ? h.l4 - 1 : 0) << 16 |
			   (uint64_t)h.l4 << 32 | (uint64_t)h.checksum << 40,
		.command = TX_DEXT | TX_TYPE_CONTEXT | (h.protocol == IP_TCP ? TX_CONTEXT_TCP : 0) |
			   (h.ipv4 ? TX_CONTEXT_IPV4 : 0)};
	if (tso) {
		context->command |= TX_TSE | (f->bytes - h.payload);
		context->status = (uint32_t)h.payload << 8 | (uint32_t)f->offload.gso_size << 16;
		prepare_tso(p, &h);
	}
	return 0;
}

static unsigned add_sentinel(struct card *k, bool tso, struct piece *piece, unsigned n)
{
	struct piece *last = &piece[n - 1];

	if (!k->chip->late_report || !(tso || k->after_tso) || last->bytes <= 2 * SENTINEL)
		return n;
	last->bytes -= SENTINEL;
	piece[n] = (struct piece){last->address + last->bytes, SENTINEL};
	return n + 1;
}

static void put_pieces(struct card *k, const struct net_frame *f, const struct piece *piece, unsigned n, uint32_t command,
		       uint32_t options)
{
	for (unsigned i = 0; i < n; i++, k->tx_next++) {
		bool last = i + 1 == n;

		k->tx_sent[k->tx_next % CARD_TX_COUNT].slots = last ? f->slots : 0;
		k->tx_sent[k->tx_next % CARD_TX_COUNT].id = f->id;
		*slot(k, k->tx_next) = (struct tx_descriptor){
			.address = piece[i].address,
			.command = command | piece[i].bytes | (last ? TX_EOP | TX_RS | TX_IDE : 0),
			.status = options};
	}
}

static int put_frame(struct card *k, const struct net_frame *f)
{
	bool tso = f->offload.gso_type, blank = f->offload.csum_blank || tso;
	struct piece piece[CARD_PIECES_MAX];
	unsigned n = find_pieces(k, f, piece);
	struct tx_descriptor context;

	if (!n || (!tso && f->bytes > RX_BUFFER))
		return -EINVAL;
	if (blank && make_context(k, f, &context))
		return -EINVAL;
	n = add_sentinel(k, tso, piece, n);
	if (blank && (tso || memcmp(&context, &k->context, sizeof(context)))) {
		k->tx_sent[k->tx_next % CARD_TX_COUNT].slots = 0;
		*slot(k, k->tx_next++) = context;
		k->context = tso ? (struct tx_descriptor){0} : context;
	}
	if (blank)
		put_pieces(k, f, piece, n, TX_DEXT | TX_TYPE_DATA | TX_IFCS | (tso ? TX_TSE : 0),
			   TX_POPTS_TCP | (tso ? TX_POPTS_IP : 0));
	else
		put_pieces(k, f, piece, n, TX_IFCS, 0);
	k->after_tso = tso;
	return 0;
}

bool transmit_send(struct card *k, unsigned budget)
{
	uint32_t before = k->tx_next;
	struct net_frame f;
	int ret = 1;

	if (before == k->tx_oldest)
		k->tx_progress_ns = clock_ns();
	while (budget && ret && transmit_has_room(k)) {
		ret = net_tx_back_take(&k->tx, &f);
		if (ret == -EIO) {
			card_protest(k, "its transmit ring is garbage");
			break;
		}
		budget--;
		if (ret > 0 && k->link_up && !put_frame(k, &f)) {
			k->link->tx_frames++;
			k->link->tx_bytes += f.bytes;
		} else if (ret) {
			k->link->tx_dropped++;
			if (ret > 0)
				net_tx_back_answer(&k->tx, f.id, f.slots, NETIF_RSP_DROPPED);
		}
	}
	if (k->tx_next != before)
		reg_put(k, TDT, k->tx_next % CARD_TX_COUNT);
	return ret && ret != -EIO && transmit_has_room(k);
}

void transmit_reap(struct card *k)
{
	for (uint32_t at = k->tx_oldest; at != k->tx_next; at++) {
		unsigned i = at % CARD_TX_COUNT;

		if (!k->tx_sent[i].slots)
			continue;
		if (!(__atomic_load_n(&k->tx_ring[i].status, __ATOMIC_ACQUIRE) & TX_DD))
			break;
		net_tx_back_answer(&k->tx, k->tx_sent[i].id, k->tx_sent[i].slots, NETIF_RSP_OKAY);
		k->tx_oldest = at + 1;
		k->tx_progress_ns = clock_ns();
	}
}

void transmit_drop(struct card *k)
{
	for (; k->tx_oldest != k->tx_next; k->tx_oldest++) {
		unsigned i = k->tx_oldest % CARD_TX_COUNT;

		if (k->tx_sent[i].slots)
			net_tx_back_answer(&k->tx, k->tx_sent[i].id, k->tx_sent[i].slots, NETIF_RSP_DROPPED);
	}
}
