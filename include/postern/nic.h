/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections of the classes "nic" (a guest's VMM and the switch) and "nic.driver" (a driver and the switch).
 *
 * Page 0 is struct nic_link; behind it lie Xen's two network rings (xen/io/netif.h). Towards a guest the switch is the
 * back: the VMM puts frames to send and buffers to receive into. Towards the wire the switch is the front: it
 * puts frames to send and buffers, the driver (client of "nic.driver") serves them. References are
 * REF(tag, page) of disk.h, into memory that the front shared.
 *
 * Transmit: a frame is one or more requests (NETTXF_more_data); checksum and GSO as netif.h says (NETTXF_csum_blank,
 * NETTXF_extra_info with XEN_NETIF_EXTRA_TYPE_GSO; only as far as the back's flags allow). The first fragment that the switch
 * passes to a driver lies in memory of the switch itself and holds the headers, copied once and checked, so
 * that no guest changes an address after the check; the rest stays where the guest has it and is sent from there.
 *
 * Receive: one copy at most: a driver receives into pages of the switch, the switch copies into the
 * guest's buffers. Frames between guests are copied once. A receive buffer need not be a page: struct nic_extent beside the
 * ring says where in the page it begins and how long it is. Buffers and fragments may go on past the end of their page, into
 * the pages that follow in the same shared memory. Responses come in the order of the buffers.
 *
 * A frame's responses are put in one go, as many as it had requests: the first with the frame's id and its status, the others
 * NETIF_RSP_NULL. Frames of transmit may be answered in any order. hv/lib/netring.h does all this.
 *
 * A front of class "nic" may have further receive rings (front_rings_more), for a guest's card with several queues. A received frame
 * goes into the ring that front_steer names for its flow (hv/lib/netframe.h: net_flow_entry()); the front changes that table as it
 * likes, at any time.
 *
 * Frames in flight when a side dies are lost, as on a wire; rings begin empty with each generation. Nothing else
 * may be lost or doubled: order is kept within a connection.
 */
#ifndef POSTERN_NIC_H
#define POSTERN_NIC_H

#include <postern/disk.h> /* REF, barriers, enum link_state */
#include <xen/io/netif.h>

#define NIC_TX_OFFSET 0x1000
#define NIC_TX_BYTES 0x2000 /* 512 requests */
#define NIC_TX_SLOTS 512
#define NIC_RX_OFFSET 0x3000
#define NIC_RX_BYTES 0x2000 /* 512 buffers */
#define NIC_RX_SLOTS 512
#define NIC_EXTENT_OFFSET 0x5000 /* struct nic_extent[NIC_RX_SLOTS], by the front */
#define NIC_RX_RINGS_MAX 4
#define NIC_RX_MORE_OFFSET 0x6000 /* receive rings beyond the first, each with its extents behind it */
#define NIC_RX_MORE_BYTES 0x3000
#define NIC_STEER_ENTRIES 256
#define NIC_FRAME_MAX 65535 /* with GSO; the request's size field has 16 bits */
#define NIC_FRAGMENTS_MAX 18
#define NIC_HEADROOM_MAX 64
#define NIC_PARTS_MAX 64 /* receive buffers that one frame may fill */

enum nic_flag {
	NIC_LINK_UP = 1 << 0,
	NIC_CSUM_TX = 1 << 1,  /* fills TCP and UDP checksums in */
	NIC_CSUM_RX = 1 << 2,  /* says NETRXF_data_validated of frames that it checked */
	NIC_TSO4 = 1 << 3,     /* segments TCP over IPv4 */
	NIC_PROMISCUOUS = 1 << 4,
	NIC_RX_GSO = 1 << 5,   /* front: takes big frames with GSO information on receive, IPv4, */
	NIC_RX_CSUM_BLANK = 1 << 6, /* front: takes frames whose checksum is not filled in */
	NIC_TSO6 = 1 << 7,     /* segments TCP over IPv6 */
	NIC_RX_GSO6 = 1 << 8,  /* front: as NIC_RX_GSO, IPv6 */
};

struct nic_link {
	uint32_t back_state, front_state; /* enum link_state */
	uint8_t mac[6];		/* by the back: the card's own address, or the one given to the guest */
	uint16_t mtu;		/* by the back */
	uint32_t flags;		/* enum nic_flag of the back; a change (link) raises `changes` and signals */
	uint32_t front_flags;	/* of the front, before its READY */
	uint32_t speed;		/* Mbit/s */
	uint32_t changes;
	char name[16];
	uint32_t front_headroom; /* of the front, before its READY: bytes that the back leaves free at the beginning of a frame's
				  * first buffer, 0..NIC_HEADROOM_MAX. Class "nic" only */
	uint32_t front_rings_more; /* of the front, before its READY: 0..NIC_RX_RINGS_MAX - 1. Class "nic" only */
	/* Statistics of the back. */
	uint64_t tx_frames, tx_bytes, tx_dropped, rx_frames, rx_bytes, rx_dropped, errors;
	uint8_t front_steer[NIC_STEER_ENTRIES]; /* of the front, at any time: numbers of receive rings */
};

/* Of the receive buffer in the same slot. bytes 0: the whole page. */
struct nic_extent {
	uint16_t offset, bytes;
};

/* The nth receive ring, and what stands beside it. */
static inline netif_rx_sring_t *nic_rx_ring_at(void *shared, unsigned n)
{
	return (netif_rx_sring_t *)((char *)shared + (n ? NIC_RX_MORE_OFFSET + (n - 1) * NIC_RX_MORE_BYTES : NIC_RX_OFFSET));
}

static inline struct nic_extent *nic_extents_at(void *shared, unsigned n)
{
	return (struct nic_extent *)((char *)shared + (n ? NIC_RX_MORE_OFFSET + (n - 1) * NIC_RX_MORE_BYTES + NIC_RX_BYTES
							 : NIC_EXTENT_OFFSET));
}

static inline struct nic_extent *nic_extents(void *shared)
{
	return nic_extents_at(shared, 0);
}

static inline netif_tx_sring_t *nic_tx_ring(void *shared)
{
	return (netif_tx_sring_t *)((char *)shared + NIC_TX_OFFSET);
}

static inline netif_rx_sring_t *nic_rx_ring(void *shared)
{
	return nic_rx_ring_at(shared, 0);
}

_Static_assert(sizeof(struct nic_link) <= NIC_TX_OFFSET, "nic link size");
_Static_assert(NIC_TX_BYTES >= 64 + NIC_TX_SLOTS * sizeof(union netif_tx_sring_entry), "nic transmit ring size");
_Static_assert(NIC_RX_BYTES >= 64 + NIC_RX_SLOTS * sizeof(union netif_rx_sring_entry), "nic receive ring size");
_Static_assert(NIC_EXTENT_OFFSET + NIC_RX_SLOTS * sizeof(struct nic_extent) <= NIC_RX_MORE_OFFSET, "nic extents size");
_Static_assert(NIC_RX_BYTES + NIC_RX_SLOTS * sizeof(struct nic_extent) <= NIC_RX_MORE_BYTES, "nic further receive rings");
_Static_assert(NIC_RX_MORE_OFFSET + (NIC_RX_RINGS_MAX - 1) * NIC_RX_MORE_BYTES <= CONNECTION_BYTES, "nic connection size");

#endif
