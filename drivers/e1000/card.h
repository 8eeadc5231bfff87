/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Card: one network controller and its connection to the switch.
 *
 *   absent --card_probe--> quiet --card_open--> open --card_close--> quiet --card_close--> (module ends)
 *                                                ^ |
 *                                                +-+ card_restart: its transmitter hangs
 *
 * quiet: reset, no interrupts, no DMA. open: the switch is connected and has shared its pages; frames flow.
 */
#ifndef E1000_CARD_H
#define E1000_CARD_H

#include "dma.h"
#include "module.h"
#include "netring.h"
#include "regs.h"

#define CARD_RX_COUNT 256 /* descriptors; a multiple of 8 */
#define CARD_TX_COUNT 512
#define CARD_PIECES_MAX 64 /* descriptors of one frame, but for the context */
#define CARD_TAG_SWITCH 0  /* the switch's own pages: mapped, headers are changed there */
#define CARD_HANG_NS 2000000000ull

struct chip {
	uint32_t vendor_device;
	const char *name;
	bool express;	/* 82574: PCI Express, MSI-X, other EERD layout */
	bool late_report; /* reports a TSO frame before its last bytes are read: section "late reports" in transmit.c */
};

struct card {
	const struct chip *chip;
	struct device *device;
	volatile uint8_t *registers;
	char name[16];
	uint8_t mac[6];
	bool msix, present, open, link_up;
	bool opened; /* the manager knows that it wants a switch */
	uint32_t speed;

	struct connection *c; /* NULL: the switch is away */
	struct nic_link *link;
	struct dma_region region[REF_TAGS];
	uint8_t *pages; /* CARD_TAG_SWITCH, mapped */
	uint64_t pages_bytes;

	struct net_tx_back tx;
	struct tx_descriptor *tx_ring;
	uint64_t tx_ring_address;
	uint32_t tx_next, tx_oldest; /* count on; modulo CARD_TX_COUNT */
	struct {
		uint16_t id, slots; /* slots 0: not the last of its frame */
	} tx_sent[CARD_TX_COUNT];
	struct tx_descriptor context; /* the one that the card has */
	bool after_tso;
	unsigned tx_instant; /* times in a row that all was sent when the tail was written: TX_INSTANT, and there are no
			      * interrupts for it */
	uint32_t moderation;	 /* what ITR holds */
	uint64_t moderated_ns, moderated_bytes, moderated_frames; /* when that was thought about last, and what was
							      * sent and received, and received, until then */
	uint64_t tx_progress_ns; /* when something was done last, or began */

	struct net_rx_back rx;
	struct rx_descriptor *rx_ring;
	uint64_t rx_ring_address;
	uint32_t rx_next, rx_oldest;
	bool rx_skip; /* the rest of a frame that was too long */
	uint64_t rx_frames_before;
	uint32_t counted[4]; /* counters that do not clear when read: as they were */
	unsigned rx_silent; /* looks in a row at which frames were missed and none came */

	uint64_t hangs;
	bool protested; /* this life of the connection was given up */
};

/* --- hw.c: the only access to registers. The tests have a model in its place. --- */
uint32_t reg_get(const struct card *k, unsigned reg);
void reg_put(const struct card *k, unsigned reg, uint32_t value);

/* --- card.c --- */
/* Maps, resets, reads the address. 0, or an error that was logged. */
int card_probe(struct card *k, struct device *d, unsigned number);
/* Quiet, from whatever state it was left in. 0 or -EIO; logged. */
int card_reset(struct card *k);
/* Begins with what the switch said in the link and shared; rings empty. */
int card_open(struct card *k);
/* Quiet; what was in flight is forgotten. */
void card_close(struct card *k);
/* Reads the link's state into k and the connection. True: it changed. */
bool card_link(struct card *k);
/* Gives the connection up: the switch wrote nonsense. */
void card_protest(struct card *k, const char *why);
/* Counters, hang detection; about every second. */
void card_watch(struct card *k, uint64_t now);
/* Serves what interrupts and the switch brought. True: there is more to do at once. */
bool card_serve(struct card *k);
/* What the interrupt was for; 0: not this card's. */
uint32_t card_causes(struct card *k);

/* --- transmit.c --- */
void transmit_init(struct card *k);
/* Takes frames of the switch while there is room. True: some are left. */
bool transmit_send(struct card *k, unsigned budget);
static inline bool transmit_has_room(const struct card *k)
{
	return CARD_TX_COUNT - (k->tx_next - k->tx_oldest) > CARD_PIECES_MAX + 2;
}

/* Answers what was sent. */
void transmit_reap(struct card *k);
/* Answers all that is in flight as dropped. */
void transmit_drop(struct card *k);

/* --- receive.c --- */
void receive_init(struct card *k);
/* Gives buffers of the switch to the card. */
void receive_fill(struct card *k);
/* Passes frames on. True: some are left. */
bool receive_frames(struct card *k, unsigned budget);
/* Gives all buffers back, empty. The receiver is off. */
void receive_drop(struct card *k);

#endif
