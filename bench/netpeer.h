/* SPDX-License-Identifier: GPL-2.0-only */
/* Netpeer: what the other end of the cable offers to bench/net.c. Numbers in messages are little-endian. */
#ifndef BENCH_NETPEER_H
#define BENCH_NETPEER_H

#include <stdint.h>

#define PEER_ADDRESS 0x0a080001 /* 10.8.0.1 */
#define PEER_MSS 1460

#define PEER_ECHO 7    /* UDP: what was sent */
#define PEER_SINK 9    /* TCP, UDP: thrown away; UDP packets are counted */
#define PEER_COUNT 10  /* UDP: struct peer_count since the last question */
#define PEER_SOURCE 19 /* TCP: zeros until the connection ends; UDP: as many packets as struct peer_wish says */

struct peer_count {
	uint64_t packets;
	uint64_t bad; /* frames of any kind that contradict themselves, or whose checksums are wrong */
};

struct peer_wish {
	uint32_t size, count; /* bytes of UDP payload, packets */
};

#endif
