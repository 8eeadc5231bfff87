/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Netframe: what a frame's headers say, its checksums, and its segmentation in software.
 *
 * Pure functions over (pointer, length): frames come from guests and wires. Fields of a frame are big-endian; all
 * numbers here are in the processor's order. Sources: RFC 791, 8200, 9293, 768, 1071; IEEE 802.1Q.
 */
#ifndef LIB_NETFRAME_H
#define LIB_NETFRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ETH_HEADER 14
#define ETH_VLAN_TAG 4
#define ETH_MTU 1500
#define ETH_MIN 60 /* without the check sequence */
#define ETH_TYPE_IPV4 0x0800
#define ETH_TYPE_ARP 0x0806
#define ETH_TYPE_VLAN 0x8100
#define ETH_TYPE_IPV6 0x86dd
#define IP_TCP 6
#define IP_UDP 17

/* The longest headers that are understood: Ethernet with a tag, IPv4 with options or IPv6 with as many bytes
 * of them, TCP with options. IPv6 with other extension headers is IPv6 with an unknown protocol. */
#define NET_HEADERS_MAX (ETH_HEADER + ETH_VLAN_TAG + 60 + 60)

struct net_headers {
	uint16_t type;	   /* Ethernet type behind the tag, if there is one */
	uint16_t vlan;	   /* 0: no tag, or a tag of priority only */
	bool tagged;
	bool ipv4, ipv6;   /* the IP header is whole and lies in the frame */
	uint8_t protocol;  /* IP_TCP, IP_UDP when that header is whole too, and the packet is no fragment; else 0 */
	uint16_t l3, l4;   /* offsets; l4 0: none known */
	uint16_t payload;  /* offset behind the TCP or UDP header */
	uint16_t end;	   /* offset behind the IP packet: what follows is padding */
	uint16_t checksum; /* offset of the TCP or UDP checksum */
};

/* `there` bytes of a frame of `bytes` lie at p (all, or at least NET_HEADERS_MAX). 0; -EINVAL: no Ethernet header, or an
 * IP header that contradicts itself or the frame's length. What is not IP is no error. */
int net_parse(const uint8_t *p, size_t there, size_t bytes, struct net_headers *h);

/* Which flow a packet of that Ethernet type belongs to, as an entry of a table (NIC_STEER_ENTRIES of postern/nic.h): by addresses
 * and ports of TCP and UDP, by addresses otherwise (fragments, extension headers), 0 for what is not IP or not whole in the
 * `there` bytes at l3. The same for both directions. */
uint8_t net_flow_entry(uint16_t type, const uint8_t *l3, size_t there);
/* The same of a frame, which may have a tag. */
uint8_t net_frame_entry(const uint8_t *p, size_t there);

/* The sum of RFC 1071 over bytes, going on from `sum`; `odd`: bytes begin at an odd offset of what is summed. Fold it at the end. */
uint64_t net_sum(const void *at, size_t bytes, uint64_t sum, bool odd);
uint16_t net_fold(uint64_t sum);
/* The pseudo header's sum, with `length` bytes of TCP or UDP. */
uint64_t net_pseudo_sum(const uint8_t *p, const struct net_headers *h, uint32_t length);

/* Fills the checksum of a whole frame in, whose field holds the pseudo header's sum. h->protocol is set. */
void net_checksum(uint8_t *p, const struct net_headers *h);

/* Pieces that TCP payload of this frame makes with `size` bytes each. */
unsigned net_segments(const struct net_headers *h, unsigned size);
/* Writes the nth piece, with all its checksums, to `to` (h->payload + size bytes); its length. The frame is whole at p. */
size_t net_segment(const uint8_t *p, const struct net_headers *h, unsigned size, unsigned nth, uint8_t *to);

static inline uint16_t net_get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static inline uint32_t net_get32(const uint8_t *p)
{
	return (uint32_t)net_get16(p) << 16 | net_get16(p + 2);
}

static inline void net_put16(uint8_t *p, uint16_t value)
{
	p[0] = value >> 8;
	p[1] = value;
}

#endif
