/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Train: successive TCP segments of one stream, for a receiver that takes them as one big frame.
 *
 * Pure: frames are from a wire, and stay where they lie. What a train becomes is what a sender with segmentation offload
 * could have given: cut at `size` it is its frames again, byte for byte but for IPv4's identification. So all frames but
 * the last have as much payload as the first, their headers differ in nothing but sequence number, length, identification,
 * checksums and PSH, and every checksum was seen to be right. The limits are those that Linux's receive offload has made
 * usual; RFC 9293 forbids none of it.
 *
 * An acknowledgement without data is a train of its own: the next one of the stream, when it acknowledges more and says nothing else,
 * takes its place. Acknowledgements are cumulative (RFC 9293, 3.10.7.4), and any of them may be lost on a wire; the receiver
 * hears of every TRAIN_SUPERSEDED_MAX-th at least. Equal ones (RFC 5681's duplicates), and those with SACK, all pass.
 */
#ifndef SWITCH_TRAIN_H
#define SWITCH_TRAIN_H

#include "netframe.h"

#define TRAIN_MAX 45 /* frames: 64 KiB of full ones */
#define TRAIN_SUPERSEDED_MAX 15

struct train {
	unsigned count; /* of frames; 0: none */
	bool bare;	/* one acknowledgement, without data */
	bool full;	/* takes no more */
	bool checked;	/* the first one's checksum is right */
	bool pushed;	/* the last has PSH */
	unsigned superseded; /* acknowledgements that this one stands for */
	uint16_t size, last; /* TCP payload bytes of the first, and of the last */
	uint32_t payload; /* bytes, all of them */
	uint32_t next;	  /* sequence number */
	uint16_t identification; /* IPv4, of the last */
	struct net_headers headers; /* of the first */
	uint8_t head[NET_HEADERS_MAX]; /* its bytes: whoever lent the frames may change them */
	const uint8_t *frame[TRAIN_MAX];
	uint16_t id[TRAIN_MAX]; /* the caller's */
	uint16_t bytes[TRAIN_MAX];
};

/* The frame is one that others can follow; the train begins with it. It is whole at p. `good`: its TCP checksum was checked
 * by the card. */
bool train_begin(struct train *t, const uint8_t *p, uint16_t bytes, uint16_t id, bool good);
/* The frame follows, and is in the train now. */
bool train_join(struct train *t, const uint8_t *p, uint16_t bytes, uint16_t id, bool good);
/* The frame is an acknowledgement that makes the one in the train superfluous, and is there in its place now. The other's
 * id was t->id[0]. */
bool train_supersede(struct train *t, const uint8_t *p, uint16_t bytes, uint16_t id, bool good);
/* The headers of the big frame (t->headers.payload bytes) to `to`; the TCP checksum field holds the pseudo header's sum. */
void train_head(const struct train *t, uint8_t *to);

#endif
