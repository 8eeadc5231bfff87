// SPDX-License-Identifier: GPL-2.0-only
/* Netframe: headers of Ethernet, IPv4, IPv6, TCP and UDP; checksums; segmentation. */
#include <string.h>
#include <postern/errno.h>
#include "netframe.h"

#define IPV6_HOP_OPTIONS 0
#define IPV6_OPTIONS 60
#define TCP_FLAGS 13
#define TCP_FIN_PSH 0x09
#define TCP_CWR 0x80

static int parse_ipv4(const uint8_t *p, size_t there, size_t bytes, struct net_headers *h)
{
	const uint8_t *ip = p + h->l3;
	unsigned header, total;

	if (there - h->l3 < 20 || ip[0] >> 4 != 4)
		return -EINVAL;
	header = (ip[0] & 15) * 4;
	total = net_get16(ip + 2);
	if (header < 20 || there - h->l3 < header || total < header || bytes - h->l3 < total)
		return -EINVAL;
	h->ipv4 = true;
	h->end = h->l3 + total;
	if (net_get16(ip + 6) & 0x3fff) /* more fragments, or an offset */
		return 0;
	h->l4 = h->l3 + header;
	h->protocol = ip[9];
	return 0;
}

/* Options of IPv6 for hops and for the destination are passed over as far as IPv4's could reach. Other extension headers are unknown
 * protocols: behind a routing header a checksum is of another address than the header's. */
static void skip_options(const uint8_t *p, size_t there, struct net_headers *h)
{
	unsigned most = h->l3 + 60, end = there < h->end ? there : h->end, bytes;

	while ((h->protocol == IPV6_HOP_OPTIONS || h->protocol == IPV6_OPTIONS) && end >= h->l4 + 8u) {
		bytes = 8 + p[h->l4 + 1] * 8;
		if (h->l4 + bytes > most || h->l4 + bytes > end)
			return;
		h->protocol = p[h->l4];
		h->l4 += bytes;
	}
}

static int parse_ipv6(const uint8_t *p, size_t there, size_t bytes, struct net_headers *h)
{
	const uint8_t *ip = p + h->l3;
	unsigned payload;

	if (there - h->l3 < 40 || ip[0] >> 4 != 6)
		return -EINVAL;
	payload = net_get16(ip + 4);
	if (bytes - h->l3 - 40 < payload)
		return -EINVAL;
	h->ipv6 = true;
	h->l4 = h->l3 + 40;
	h->end = h->l4 + payload;
	h->protocol = ip[6];
	skip_options(p, there, h);
	return 0;
}

/* A TCP or UDP header that is not whole is left to the receiver: no protocol known. */
static void parse_l4(const uint8_t *p, size_t there, struct net_headers *h)
{
	unsigned room = h->end - h->l4, header = 0;

	if (there < h->end)
		room = there > h->l4 ? there - h->l4 : 0;
	if (h->protocol == IP_UDP && room >= 8)
		header = 8;
	if (h->protocol == IP_TCP && room >= 20)
		header = (p[h->l4 + 12] >> 4) * 4;
	if (header < (h->protocol == IP_TCP ? 20 : 8) || header > room) {
		h->protocol = 0;
		return;
	}
	h->payload = h->l4 + header;
	h->checksum = h->l4 + (h->protocol == IP_TCP ? 16 : 6);
}

int net_parse(const uint8_t *p, size_t there, size_t bytes, struct net_headers *h)
{
	int ret = 0;

	*h = (struct net_headers){.l3 = ETH_HEADER};
	if (there > bytes || there < ETH_HEADER || bytes > UINT16_MAX)
		return -EINVAL;
	h->end = bytes;
	h->type = net_get16(p + 12);
	if (h->type == ETH_TYPE_VLAN) {
		if (there < ETH_HEADER + ETH_VLAN_TAG)
			return -EINVAL;
		h->tagged = true;
		h->vlan = net_get16(p + 14) & 0xfff;
		h->type = net_get16(p + 16);
		h->l3 += ETH_VLAN_TAG;
	}
	if (h->type == ETH_TYPE_IPV4)
		ret = parse_ipv4(p, there, bytes, h);
	else if (h->type == ETH_TYPE_IPV6)
		ret = parse_ipv6(p, there, bytes, h);
	if (!ret && h->l4)
		parse_l4(p, there, h);
	return ret;
}

uint8_t net_flow_entry(uint16_t type, const uint8_t *l3, size_t there)
{
	unsigned protocol, header;
	uint32_t mix = 0;

	if (type == ETH_TYPE_IPV4 && there >= 20) {
		mix = net_get32(l3 + 12) ^ net_get32(l3 + 16);
		protocol = net_get16(l3 + 6) & 0x3fff ? 0 : l3[9];
		header = (l3[0] & 15) * 4;
	} else if (type == ETH_TYPE_IPV6 && there >= 40) {
		for (unsigned i = 8; i < 40; i += 4)
			mix ^= net_get32(l3 + i);
		protocol = l3[6];
		header = 40;
	} else {
		return 0;
	}
	if ((protocol == IP_TCP || protocol == IP_UDP) && there >= header + 4)
		mix += (uint32_t)net_get16(l3 + header) + net_get16(l3 + header + 2);
	return (mix * 0x9e3779b1u) >> 24; /* 2^32 by the golden ratio: neighbours are spread */
}

uint8_t net_frame_entry(const uint8_t *p, size_t there)
{
	unsigned l3 = ETH_HEADER;

	if (there >= ETH_HEADER + ETH_VLAN_TAG && net_get16(p + 12) == ETH_TYPE_VLAN)
		l3 += ETH_VLAN_TAG;
	return there > l3 ? net_flow_entry(net_get16(p + l3 - 2), p + l3, there - l3) : 0;
}

/* The sum does not care about byte order but for the final swap, so it runs in the processor's (RFC 1071, 2 (B)). */
uint64_t net_sum(const void *at, size_t bytes, uint64_t sum, bool odd)
{
	const uint8_t *p = at;
	uint64_t mine = 0, word;
	uint32_t half;
	uint16_t last;

	for (; bytes >= 64; bytes -= 64, p += 64)
		__asm__("addq (%1), %0\n\tadcq 8(%1), %0\n\tadcq 16(%1), %0\n\tadcq 24(%1), %0\n\t"
			"adcq 32(%1), %0\n\tadcq 40(%1), %0\n\tadcq 48(%1), %0\n\tadcq 56(%1), %0\n\tadcq $0, %0"
			: "+r"(mine)
			: "r"(p), "m"(*(const uint8_t(*)[64])p)
			: "cc");
	for (; bytes >= 8; bytes -= 8, p += 8) {
		memcpy(&word, p, 8);
		mine += word;
		mine += mine < word;
	}
	mine = (mine >> 32) + (uint32_t)mine;
	if (bytes & 4) {
		memcpy(&half, p, 4);
		mine += half;
		p += 4;
	}
	if (bytes & 2) {
		memcpy(&last, p, 2);
		mine += last;
		p += 2;
	}
	if (bytes & 1)
		mine += *p;
	mine = (mine >> 32) + (uint32_t)mine;
	mine = (mine >> 16) + (mine & 0xffff);
	mine = (mine >> 16) + (mine & 0xffff);
	if (odd)
		mine = (mine & 0xff) << 8 | mine >> 8;
	return sum + mine;
}

/* As a number to put16(). */
uint16_t net_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum >> 16) + (sum & 0xffff);
	return __builtin_bswap16(sum);
}

uint64_t net_pseudo_sum(const uint8_t *p, const struct net_headers *h, uint32_t length)
{
	uint64_t sum = h->ipv4 ? net_sum(p + h->l3 + 12, 8, 0, false) : net_sum(p + h->l3 + 8, 32, 0, false);

	return sum + __builtin_bswap16(h->protocol) + __builtin_bswap16(length >> 16) + __builtin_bswap16(length);
}

static void put_checksum(uint8_t *p, const struct net_headers *h, uint64_t sum)
{
	uint16_t check = ~net_fold(sum);

	if (!check && h->protocol == IP_UDP) /* 0 means none there */
		check = 0xffff;
	net_put16(p + h->checksum, check);
}

void net_checksum(uint8_t *p, const struct net_headers *h)
{
	put_checksum(p, h, net_sum(p + h->l4, h->end - h->l4, 0, false));
}

unsigned net_segments(const struct net_headers *h, unsigned size)
{
	unsigned payload = h->end - h->payload;

	return payload ? (payload + size - 1) / size : 1;
}

static void put_ip(uint8_t *to, const struct net_headers *h, size_t end, unsigned nth)
{
	uint8_t *ip = to + h->l3;

	if (h->ipv6) {
		net_put16(ip + 4, end - h->l3 - 40);
		return;
	}
	net_put16(ip + 2, end - h->l3);
	net_put16(ip + 4, net_get16(ip + 4) + nth);
	net_put16(ip + 10, 0);
	net_put16(ip + 10, ~net_fold(net_sum(ip, h->l4 - h->l3, 0, false)));
}

size_t net_segment(const uint8_t *p, const struct net_headers *h, unsigned size, unsigned nth, uint8_t *to)
{
	unsigned payload = h->end - h->payload, from = nth * size;
	unsigned bytes = payload - from < size ? payload - from : size;
	uint8_t *tcp = to + h->l4;
	size_t end = h->payload + bytes;
	uint32_t sequence;

	memcpy(to, p, h->payload);
	memcpy(to + h->payload, p + h->payload + from, bytes);
	put_ip(to, h, end, nth);
	sequence = net_get32(tcp + 4);
	sequence += from;
	net_put16(tcp + 4, sequence >> 16);
	net_put16(tcp + 6, sequence);
	if (from + bytes < payload)
		tcp[TCP_FLAGS] &= ~TCP_FIN_PSH;
	if (nth)
		tcp[TCP_FLAGS] &= ~TCP_CWR;
	net_put16(to + h->checksum, 0);
	put_checksum(to, h, net_sum(tcp, end - h->l4, net_pseudo_sum(to, h, end - h->l4), false));
	return end;
}
