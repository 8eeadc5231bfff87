/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The network device's control queue: what a command asks for, and whether it may be. Pure: chain and `struct net_wishes` in,
 * the answer out.
 *
 * Source: virtio 1.2, 5.1.6.5.
 */
#ifndef VMM_VIRTIO_NET_CONTROL_H
#define VMM_VIRTIO_NET_CONTROL_H

#include "virtqueue.h"

enum net_feature {
	F_CSUM = 0,
	F_GUEST_CSUM = 1,
	F_MTU = 3,
	F_MAC = 5,
	F_GUEST_TSO4 = 7,
	F_GUEST_TSO6 = 8,
	F_HOST_TSO4 = 11,
	F_HOST_TSO6 = 12,
	F_MRG_RXBUF = 15,
	F_STATUS = 16,
	F_CTRL_VQ = 17,
	F_CTRL_RX = 18,
	F_MQ = 22,
	F_CTRL_MAC_ADDR = 23,
};

enum net_answer { NET_OK, NET_ERROR };

struct net_wishes {
	uint64_t features; /* negotiated */
	bool listens;	   /* the switch shows the card frames that are not its own */
	unsigned pairs_max;
	/* Changed by commands that are answered NET_OK. */
	unsigned pairs; /* of queues in use, 1.. */
	bool has_mac;	/* the driver chose an address */
	uint8_t mac[6];
};

/* The features go together: 5.1.3.1. */
bool net_features_agree(uint64_t features);
/* Does what the command in the chain's readable part says; anything malformed, unknown, not negotiated or impossible
 * changes nothing. */
enum net_answer net_command(struct net_wishes *w, const struct vq_chain *c);

#endif
