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
 * guest's buffers. Frames between guests are copied once.
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
#define NIC_FRAME_MAX 65550 /* with GSO */
#define NIC_FRAGMENTS_MAX 18

enum nic_flag {
	NIC_LINK_UP = 1 << 0,
	NIC_CSUM_TX = 1 << 1,  /* fills TCP and UDP checksums in, IPv4 */
	NIC_CSUM_RX = 1 << 2,  /* says NETRXF_data_validated of frames that it checked */
	NIC_TSO4 = 1 << 3,     /* segments TCP over IPv4 */
	NIC_PROMISCUOUS = 1 << 4,
	NIC_RX_GSO = 1 << 5,   /* front: takes big frames with GSO information on receive */
	NIC_RX_CSUM_BLANK = 1 << 6, /* front: takes frames whose checksum is not filled in */
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
	/* Statistics of the back. */
	uint64_t tx_frames, tx_bytes, tx_dropped, rx_frames, rx_bytes, rx_dropped, errors;
};

static inline netif_tx_sring_t *nic_tx_ring(void *shared)
{
	return (netif_tx_sring_t *)((char *)shared + NIC_TX_OFFSET);
}

static inline netif_rx_sring_t *nic_rx_ring(void *shared)
{
	return (netif_rx_sring_t *)((char *)shared + NIC_RX_OFFSET);
}

_Static_assert(NIC_RX_OFFSET + NIC_RX_BYTES <= CONNECTION_BYTES, "nic ring size");

#endif
