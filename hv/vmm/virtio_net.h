/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The network device's inside: what its files share. virtio_net.c is the device and its connection, virtio_net_tx.c and
 * virtio_net_rx.c the two directions, virtio_net_control.c the control queue's commands.
 *
 * Pairs of queues, one a virtual processor as far as PAIRS_MAX goes: queue 2 n receives, 2 n + 1 sends, and behind those of all
 * pairs comes the control queue (behind the first pair with drivers that know of one only). All transmit queues
 * go into one ring of the connection, each receive queue has a ring of its own. The frames of a flow are received by the
 * pair that the driver sent that flow on last: our table says which, the switch looks into it (postern/nic.h).
 */
#ifndef VMM_VIRTIO_NET_H
#define VMM_VIRTIO_NET_H

#include <stdlib.h>
#include <string.h>
#include <postern/errno.h>
#include "guest.h"
#include "log.h"
#include "module.h"
#include "netframe.h"
#include "netring.h"
#include "syscalls.h"
#include "virtio_devices.h"
#include "virtio_net_control.h"

#define QUEUE_SIZE 256
#define CONTROL_SIZE 64
#define PAIRS_MAX NIC_RX_RINGS_MAX
#define SPARES 64 /* pages of our own, for what the guest's buffers do not fit */
#define SPARE_BYTES 4096
#define NO_SPARE 0xff
#define TX_WAIT 32 /* answers worth a signal while frames go out */
#define FENCE_NS (3 * NS_PER_S)

enum tag { TAG_RAM, TAG_SPARE };

enum { HDR_NEEDS_CSUM = 1, HDR_DATA_VALID = 2 };
enum { HDR_GSO_NONE = 0, HDR_GSO_TCPV4 = 1, HDR_GSO_TCPV6 = 4 };

struct header {
	uint8_t flags, gso_type;
	uint16_t header_bytes, gso_size, csum_start, csum_offset, buffers;
} __attribute__((packed));

struct config {
	uint8_t mac[6];
	uint16_t status, pairs, mtu;
} __attribute__((packed));

/* A buffer of the guest that the switch has. */
struct slot {
	struct slot *next; /* free list */
	uint16_t head;
	bool out;      /* the switch has it */
	bool big;      /* a frame to be segmented */
	uint8_t spare; /* page of ours that stands for it, NO_SPARE: none */
	uint8_t *at;   /* its beginning in the guest's RAM; with a spare: unused */
	uint32_t bytes;
	struct vq_buffer *rest; /* with a spare: where the bytes belong, count of them */
	unsigned count;
};

struct pair {
	uint8_t number;
	struct virtqueue *sending; /* virtio_net_tx.c */
	struct net_rx_front rx;
	unsigned rx_out; /* slots the switch has */
	struct slot *tx_free, *rx_free;
	struct slot tx_slot[QUEUE_SIZE], rx_slot[QUEUE_SIZE];
};

struct net {
	struct virtio_device v;
	struct connection *c;
	bool ready;    /* the switch serves this generation, so it has forgotten the ones before */
	bool attached; /* front_state is READY: the switch uses our rings */
	uint64_t fence; /* not 0: buffers of a driver that was reset may be written until the next generation, and we
			 * wait for that until this CLOCK ns */
	uint32_t changes;
	struct net_tx_front tx;
	struct net_wishes wishes; /* what commands said */
	unsigned turn; /* of the pair that sends first */
	struct timer look; /* at the transmit queue */
	bool lazy;	   /* few notifications are asked for: the timer looks */
	unsigned alone;	   /* looks in a row that found frames to send, and nothing received in between */
	bool bulk;	   /* much goes through: rate_bytes since rate_ns; the last frame was seen at moved_ns */
	uint64_t rate_ns, rate_bytes, moved_ns;
	unsigned tx_out; /* slots the switch has */
	unsigned tx_big;	 /* of them, with frames to be segmented: few are let out at a time, so their sender waits */
	uint8_t *spares;
	uint32_t spare_memory;
	unsigned spare_count;
	uint8_t spare[SPARES];
	uint64_t dropped;
	uint64_t done_ns; /* when the switch answered last */
	bool reborn;	  /* and its next life has not yet */
	uint8_t steer[NIC_STEER_ENTRIES]; /* as in the connection's page */
	struct vq_chain chain;
	struct pair pair[]; /* wishes.pairs_max */
};

static inline struct net *net_of(struct virtio_device *d)
{
	return d->private_;
}

static inline unsigned rx_queue(const struct pair *p)
{
	return 2 * p->number;
}

static inline unsigned tx_queue(const struct pair *p)
{
	return 2 * p->number + 1;
}

/* How many pairs the driver knows of. */
static inline unsigned pairs_known(const struct net *n)
{
	return virtio_has(&n->v, F_MQ) && virtio_has(&n->v, F_CTRL_VQ) ? n->wishes.pairs_max : 1;
}

static inline unsigned control_queue(const struct net *n)
{
	return 2 * pairs_known(n);
}

static inline unsigned header_bytes(const struct net *n)
{
	return virtio_has(&n->v, F_MRG_RXBUF) || virtio_has(&n->v, VIRTIO_F_VERSION_1) ? 12 : 10;
}

static inline uint64_t ram_offset(const void *at)
{
	return (const uint8_t *)at - guest.ram.base;
}

static inline struct net_fragment fragment(enum tag tag, uint64_t offset, uint16_t bytes)
{
	return (struct net_fragment){REF(tag, offset / PAGE_SIZE), offset % PAGE_SIZE, bytes};
}

/* Frees the page of ours that stood for a buffer. */
static inline void net_give_back(struct net *n, struct slot *s)
{
	if (s->spare != NO_SPARE)
		n->spare[n->spare_count++] = s->spare;
	s->spare = NO_SPARE;
}

/* Gives the connection up; `why` is logged, NULL: nothing is. */
void net_hang_up(struct net *n, const char *why);
/* What the guest queued goes to the switch, and the switch's answers back. */
void net_transmit(struct net *n);
/* A buffer that the switch answered goes back to the guest, or is forgotten. */
void net_release_tx(struct net *n, struct pair *p, struct slot *s);
/* Frames of the switch to the guest, and its buffers to the switch. */
void net_receive(struct net *n);
void net_post(struct net *n, struct pair *p, struct slot *s);
void net_release_rx(struct net *n, struct pair *p, struct slot *s);

#endif
