/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The network device's inside: what its files share. virtio_net.c is the device and its connection, virtio_net_tx.c and
 * virtio_net_rx.c the two directions.
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

#define QUEUE_SIZE 256
#define CONTROL_SIZE 64
#define SPARES 64 /* pages of our own, for what the guest's buffers do not fit */
#define SPARE_BYTES 4096
#define NO_SPARE 0xff
#define TX_WAIT 32 /* answers worth a signal while frames go out */
#define FENCE_NS (3 * NS_PER_S)

enum { RX, TX, CONTROL, QUEUES };
enum tag { TAG_RAM, TAG_SPARE };

enum feature {
	F_CSUM = 0,
	F_GUEST_CSUM = 1,
	F_MTU = 3,
	F_MAC = 5,
	F_GUEST_TSO4 = 7,
	F_HOST_TSO4 = 11,
	F_MRG_RXBUF = 15,
	F_STATUS = 16,
	F_CTRL_VQ = 17,
	F_CTRL_RX = 18,
};

enum { HDR_NEEDS_CSUM = 1, HDR_DATA_VALID = 2 };
enum { HDR_GSO_NONE = 0, HDR_GSO_TCPV4 = 1 };

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
	uint8_t spare; /* page of ours that stands for it, NO_SPARE: none */
	uint8_t *at;   /* its beginning in the guest's RAM; with a spare: unused */
	uint32_t bytes;
	struct vq_buffer *rest; /* with a spare: where the bytes belong, count of them */
	unsigned count;
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
	struct net_rx_front rx;
	struct timer look; /* at the transmit queue */
	bool lazy;	   /* few notifications are asked for: the timer looks */
	unsigned alone;	   /* looks in a row that found frames to send, and nothing received in between */
	bool bulk;	   /* much is sent: rate_bytes since rate_ns; the last frame was seen at sent_ns */
	uint64_t rate_ns, rate_bytes, sent_ns;
	unsigned tx_out, rx_out; /* slots the switch has */
	uint8_t *spares;
	uint32_t spare_memory;
	unsigned spare_count;
	uint8_t spare[SPARES];
	struct slot *tx_free, *rx_free;
	struct slot tx_slot[QUEUE_SIZE], rx_slot[QUEUE_SIZE];
	uint64_t dropped;
	uint64_t done_ns; /* when the switch answered last */
	bool reborn;	  /* and its next life has not yet */
	struct vq_chain chain;
};

static inline struct net *net_of(struct virtio_device *d)
{
	return d->private_;
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
void net_release_tx(struct net *n, struct slot *s);
/* Frames of the switch to the guest, and its buffers to the switch. */
void net_receive(struct net *n);
void net_post(struct net *n, struct slot *s);

#endif
