/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtqueue: the device's side of a split virtqueue in the guest's RAM.
 *
 * All that lies there is the guest's and may change while it is read: every field is copied once, checked, and
 * used from the copy. A queue whose driver breaks the rules is broken: nothing more is taken from it until it is reset,
 * and `wrong` says what it was (the device then needs a reset: virtio 1.2, 2.1.2). Nothing outside the
 * guest's RAM is ever touched, and no chain costs more than its queue's size in steps.
 *
 * Source: virtio 1.2, 2.7 (split virtqueues); 2.7.4.1 legacy layout.
 */
#ifndef VMM_VIRTQUEUE_H
#define VMM_VIRTQUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include "pci.h"

#define VQ_SIZE_MAX 256

struct vq_descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags, next;
};

enum vq_descriptor_flag { VQ_NEXT = 1, VQ_WRITE = 2, VQ_INDIRECT = 4 };

struct virtqueue {
	struct pci_function *f; /* whose DMA this is */
	/* The driver's choice, before vq_start(). */
	uint16_t size; /* a power of two, <= VQ_SIZE_MAX */
	uint64_t desc, avail, used; /* guest-physical */
	bool event_idx, indirect; /* negotiated */

	bool started;
	const char *wrong; /* not NULL: broken, and why */
	uint16_t last_avail;  /* next entry to take */
	uint16_t used_idx;    /* of the next element to give back */
	uint16_t told;	      /* used_idx when the driver was last told */
	volatile struct vq_descriptor *d;
	volatile uint16_t *a; /* flags, idx, ring[size], used_event */
	volatile uint16_t *u; /* flags, idx, ring[size] of {id, len}, avail_event */
};

struct vq_buffer {
	uint8_t *at; /* in the guest's RAM */
	uint32_t bytes;
};

/* One request: first what the device reads, then what it writes. */
struct vq_chain {
	uint16_t head;
	unsigned count, readable; /* buffers; how many of them the device reads */
	uint64_t in_bytes, out_bytes; /* to be written by the device, to be read by it */
	struct vq_buffer buffer[VQ_SIZE_MAX];
};

void vq_reset(struct virtqueue *q); /* keeps f */
/* Looks the three parts up. False: they do not lie in RAM, are not aligned, or the size is impossible (broken); */
bool vq_start(struct virtqueue *q);
/* Is there a request that vq_pop() would take? */
bool vq_pending(struct virtqueue *q);
/* 1 and *c filled, 0: none, -EINVAL: broken. */
int vq_pop(struct virtqueue *q, struct vq_chain *c);
/* Gives a request back, `written` bytes of it written. */
void vq_push(struct virtqueue *q, uint16_t head, uint32_t written);
/* After pushes: does the driver want an interrupt? */
bool vq_wants_interrupt(struct virtqueue *q);
/* Notifications are not needed (the device looks by itself) or are. True: requests came before they were
 * allowed, look again. */
void vq_kicks_off(struct virtqueue *q);
bool vq_kicks_on(struct virtqueue *q);
/* The same, but needed only when `more` requests lie ready and then one more comes, with drivers that have event indices. */
bool vq_kicks_after(struct virtqueue *q, uint16_t more);

/* Copies between a chain and memory of ours, `offset` bytes into its readable or writable part: the bytes copied, fewer
 * at the end. */
uint32_t vq_read(const struct vq_chain *c, uint64_t offset, void *to, uint32_t bytes);
uint32_t vq_write(const struct vq_chain *c, uint64_t offset, const void *from, uint32_t bytes);

#endif
