/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Netring: both ends of Xen's two network rings (xen/io/netif.h), as postern/nic.h uses them.
 *
 * The front puts frames to send and buffers to receive into; the back takes frames to send and fills buffers. Nothing
 * here signals anybody or touches a frame's bytes: the push functions say whether the peer wants a signal, after a batch.
 *
 * The other side is not trusted. Everything is copied out of the ring before it is looked at. -EIO: the ring is
 * garbage, the connection is to be given up. References are not judged here: net_ref() does, against the memory
 * that a tag stands for.
 *
 * One thread at a time works on one end of one ring; the two rings of a connection are independent.
 */
#ifndef LIB_NETRING_H
#define LIB_NETRING_H

#include <stdbool.h>
#include <stdint.h>
#include <postern/errno.h>
#include <postern/nic.h>

/* Bytes in shared memory: from `offset` in the page that REF(tag, page) names. */
struct net_fragment {
	uint32_t ref;
	uint16_t offset, bytes;
};

/* What the checksum and segmentation fields of netif.h say of a frame. */
struct net_offload {
	bool csum_blank;   /* the TCP or UDP checksum field holds the pseudo header's sum only */
	bool csum_good;    /* somebody checked it */
	uint8_t gso_type;  /* XEN_NETIF_GSO_TYPE_* */
	uint16_t gso_size; /* payload bytes of a segment */
};

/* A frame to send. */
struct net_frame {
	uint16_t id;	/* the front's; comes back with the answer */
	uint16_t count; /* of fragments, 1..NIC_FRAGMENTS_MAX */
	uint32_t bytes; /* sum of the fragments', 1..NIC_FRAME_MAX. put() sets it */
	uint16_t slots; /* of the ring; take() sets it, answer() wants it */
	struct net_offload offload;
	struct net_fragment fragment[NIC_FRAGMENTS_MAX];
};

/* A received frame, as the front finds it in its buffers. Parts with bytes 0: that buffer was used up without data. */
struct net_part {
	uint16_t id; /* of the buffer */
	uint16_t offset, bytes; /* offset: from the buffer's beginning */
};

struct net_received {
	uint32_t bytes; /* 0: the back reports an error; all buffers come back empty */
	uint16_t count;
	struct net_offload offload;
	struct net_part part[NIC_PARTS_MAX + 1]; /* one may carry the GSO information */
};

/* A receive buffer, as the back finds it. */
struct net_buffer {
	uint16_t id;
	struct net_fragment at;
};

struct net_tx_front {
	netif_tx_sring_t *ring;
	uint32_t req_prod, rsp_cons;
};

struct net_tx_back {
	netif_tx_sring_t *ring;
	uint32_t req_cons, rsp_prod;
};

struct net_rx_front {
	netif_rx_sring_t *ring;
	struct nic_extent *extent;
	uint32_t req_prod, rsp_cons;
	uint16_t id[NIC_RX_SLOTS]; /* of the buffer in each slot */
};

struct net_rx_back {
	netif_rx_sring_t *ring;
	const struct nic_extent *extent;
	uint32_t req_cons, rsp_prod;
};

/* `shared` is connection.shared. The front initialises the ring's memory, before its front_state is READY; the
 * back attaches in connected(). */
void net_tx_front_init(struct net_tx_front *f, void *shared);
void net_rx_front_init(struct net_rx_front *f, void *shared);
void net_tx_back_init(struct net_tx_back *b, void *shared);
void net_rx_back_init(struct net_rx_back *b, void *shared);
/* The same for receive ring `n`, below NIC_RX_RINGS_MAX. */
void net_rx_front_init_at(struct net_rx_front *f, void *shared, unsigned n);
void net_rx_back_init_at(struct net_rx_back *b, void *shared, unsigned n);

/* --- front, transmit --- */
/* Slots that are free; a frame needs its fragments, and one more with GSO. */
unsigned net_tx_front_room(const struct net_tx_front *f);
/* 0; -ENOSPC: not room enough now; -EINVAL: no fragments, too many, an empty one, too long. */
int net_tx_front_put(struct net_tx_front *f, struct net_frame *frame);
/* Shows the back what was put. True: signal it. */
bool net_tx_front_push(struct net_tx_front *f);
/* 1: the frame *id is done, *status is NETIF_RSP_*; 0: none; -EIO. */
int net_tx_front_take(struct net_tx_front *f, uint16_t *id, int *status);
/* Before waiting: asks for a signal at the `after`th answer from now (1..). True: there is one already, go on taking. */
bool net_tx_front_wait(struct net_tx_front *f, unsigned after);

/* --- front, receive --- */
unsigned net_rx_front_room(const struct net_rx_front *f);
/* A buffer of at.bytes (1..65535). 0, -ENOSPC. */
int net_rx_front_put(struct net_rx_front *f, uint16_t id, const struct net_fragment *at);
bool net_rx_front_push(struct net_rx_front *f);
/* 1: a frame, 0: none, -EIO. Offsets and sizes in it are bounded to 16 bits only: check them against the buffer. */
int net_rx_front_take(struct net_rx_front *f, struct net_received *r);
/* Something lies there to be taken. */
bool net_rx_front_pending(const struct net_rx_front *f);
bool net_rx_front_wait(struct net_rx_front *f);

/* --- back, transmit --- */
/* 1: a frame; 0: none (or one that is not whole yet); -EIO; -EINVAL: one that was malformed, refused and answered. */
int net_tx_back_take(struct net_tx_back *b, struct net_frame *frame);
void net_tx_back_answer(struct net_tx_back *b, uint16_t id, unsigned slots, int status);
bool net_tx_back_push(struct net_tx_back *b);
bool net_tx_back_wait(struct net_tx_back *b);

/* --- back, receive --- */
/* Buffers that lie ready and were not taken, or -EIO. */
int net_rx_back_ready(const struct net_rx_back *b);
/* Looks at the nth of these; takes `count` of them, to be answered in this order by net_rx_back_put(). */
void net_rx_back_peek(const struct net_rx_back *b, unsigned nth, struct net_buffer *buffer);
void net_rx_back_take(struct net_rx_back *b, unsigned count);
/* Answers the oldest buffer taken: `bytes` (<= NET_PART_MAX) lie in it from `offset` on, or bytes is a negative NETIF_RSP_*.
 * `more`: the frame goes on. `offload` with the first part only, else NULL; with GSO in it the next buffer is used up too. */
#define NET_PART_MAX 0x7fff
void net_rx_back_put(struct net_rx_back *b, uint16_t offset, int bytes, bool more, const struct net_offload *offload);
bool net_rx_back_push(struct net_rx_back *b);
/* Asks for a signal when `count` buffers lie ready. True: they do. */
bool net_rx_back_wait(struct net_rx_back *b, unsigned count);

/* The offset in a memory object of `limit` bytes that a fragment names, or -EFAULT: it does not lie in there. */
int64_t net_ref(const struct net_fragment *at, uint64_t limit);

#endif
