/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames: what the probe sends and looks for. All return the frame's length. */
#ifndef NETPROBE_FRAMES_H
#define NETPROBE_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_TYPE 0x88b5 /* IEEE 802: for local experiments */
#define ECHO_ID 0x504e

struct party {
	uint8_t mac[6];
	uint32_t ip; /* as a number */
};

size_t frame_arp(uint8_t *to, const struct party *from, uint32_t target);
/* Turns a request for our address into its answer; 0: it is none. */
size_t frame_arp_answer(uint8_t *frame, size_t bytes, const struct party *me);
/* The sender's address of an ARP answer from ip. */
bool frame_arp_from(const uint8_t *frame, size_t bytes, uint32_t ip, uint8_t mac[6]);
size_t frame_echo(uint8_t *to, const struct party *from, const struct party *peer, uint16_t sequence, size_t payload);
/* 1: an answer to *sequence, whole; 0: something else; -1: an answer with wrong bytes. */
int frame_is_echo(const uint8_t *frame, size_t bytes, uint16_t *sequence);
/* TCP over IPv4 whose checksum field holds the pseudo header's sum; the payload is a pattern of `sequence`, that of the stream. */
size_t frame_tcp(uint8_t *to, const struct party *from, const struct party *peer, uint32_t sequence, size_t payload);
/* Bytes of payload that belong where their sequence number says, -1: wrong bytes or a wrong checksum. `blank`: the checksum is
 * not filled in. */
int frame_check_tcp(uint8_t *frame, size_t bytes, uint32_t *sequence, bool blank);

#endif
