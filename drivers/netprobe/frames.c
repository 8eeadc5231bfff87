// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include "frames.h"
#include "netframe.h"

#define ARP_BYTES (ETH_HEADER + 28)
#define ICMP_AT (ETH_HEADER + 20)
#define TCP_AT (ETH_HEADER + 20)

static void put32(uint8_t *p, uint32_t v)
{
	net_put16(p, v >> 16);
	net_put16(p + 2, v);
}

static uint8_t pattern(uint32_t at)
{
	at *= 0x9e3779b1u;
	return at >> 24;
}

static void put_ethernet(uint8_t *to, const uint8_t *destination, const uint8_t *source, uint16_t type)
{
	memcpy(to, destination, 6);
	memcpy(to + 6, source, 6);
	net_put16(to + 12, type);
}

size_t frame_arp(uint8_t *to, const struct party *from, uint32_t target)
{
	static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t head[8] = {0, 1, 8, 0, 6, 4, 0, 1};
	uint8_t *arp = to + ETH_HEADER;

	put_ethernet(to, all, from->mac, ETH_TYPE_ARP);
	memcpy(arp, head, 8);
	memcpy(arp + 8, from->mac, 6);
	put32(arp + 14, from->ip);
	memset(arp + 18, 0, 6);
	put32(arp + 24, target);
	return ARP_BYTES;
}

static bool is_arp(const uint8_t *frame, size_t bytes, uint16_t operation)
{
	return bytes >= ARP_BYTES && net_get16(frame + 12) == ETH_TYPE_ARP &&
	       net_get16(frame + ETH_HEADER + 6) == operation;
}

size_t frame_arp_answer(uint8_t *frame, size_t bytes, const struct party *me)
{
	uint8_t *arp = frame + ETH_HEADER;

	if (!is_arp(frame, bytes, 1) || net_get32(arp + 24) != me->ip)
		return 0;
	net_put16(arp + 6, 2);
	memcpy(arp + 18, arp + 8, 10);
	memcpy(arp + 8, me->mac, 6);
	put32(arp + 14, me->ip);
	put_ethernet(frame, arp + 18, me->mac, ETH_TYPE_ARP);
	return ARP_BYTES;
}

bool frame_arp_from(const uint8_t *frame, size_t bytes, uint32_t ip, uint8_t mac[6])
{
	if (!is_arp(frame, bytes, 2) || net_get32(frame + ETH_HEADER + 14) != ip)
		return false;
	memcpy(mac, frame + ETH_HEADER + 8, 6);
	return true;
}

static void put_ip(uint8_t *to, const struct party *from, const struct party *peer, uint8_t protocol, size_t bytes)
{
	uint8_t *ip = to + ETH_HEADER;

	put_ethernet(to, peer->mac, from->mac, ETH_TYPE_IPV4);
	memset(ip, 0, 20);
	ip[0] = 0x45;
	net_put16(ip + 2, 20 + bytes);
	ip[8] = 64;
	ip[9] = protocol;
	put32(ip + 12, from->ip);
	put32(ip + 16, peer->ip);
	net_put16(ip + 10, ~net_fold(net_sum(ip, 20, 0, false)));
}

size_t frame_echo(uint8_t *to, const struct party *from, const struct party *peer, uint16_t sequence, size_t payload)
{
	uint8_t *icmp = to + ICMP_AT;

	put_ip(to, from, peer, 1, 8 + payload);
	memset(icmp, 0, 8);
	icmp[0] = 8;
	net_put16(icmp + 4, ECHO_ID);
	net_put16(icmp + 6, sequence);
	for (size_t i = 0; i < payload; i++)
		icmp[8 + i] = pattern(sequence * 7919u + i);
	net_put16(icmp + 2, ~net_fold(net_sum(icmp, 8 + payload, 0, false)));
	return ICMP_AT + 8 + payload;
}

int frame_is_echo(const uint8_t *frame, size_t bytes, uint16_t *sequence)
{
	const uint8_t *icmp = frame + ICMP_AT;
	size_t length;

	if (bytes < ICMP_AT + 8 || net_get16(frame + 12) != ETH_TYPE_IPV4 || frame[ETH_HEADER] != 0x45 ||
	    frame[ETH_HEADER + 9] != 1 || icmp[0] || net_get16(icmp + 4) != ECHO_ID)
		return 0;
	length = net_get16(frame + ETH_HEADER + 2);
	*sequence = net_get16(icmp + 6);
	if (length < 28 || length > bytes - ETH_HEADER)
		return -1;
	for (size_t i = 0; i < length - 28; i++)
		if (icmp[8 + i] != pattern(*sequence * 7919u + i))
			return -1;
	return 1;
}

size_t frame_tcp(uint8_t *to, const struct party *from, const struct party *peer, uint32_t sequence, size_t payload)
{
	uint8_t *tcp = to + TCP_AT;
	struct net_headers h;

	put_ip(to, from, peer, IP_TCP, 20 + payload);
	memset(tcp, 0, 20);
	net_put16(tcp, 5001);
	net_put16(tcp + 2, 5001);
	put32(tcp + 4, sequence);
	tcp[12] = 0x50;
	tcp[13] = 0x10;
	net_put16(tcp + 14, 0xffff);
	for (size_t i = 0; i < payload; i++)
		tcp[20 + i] = pattern(sequence + i);
	net_parse(to, TCP_AT + 20 + payload, TCP_AT + 20 + payload, &h);
	net_put16(to + h.checksum, net_fold(net_pseudo_sum(to, &h, h.end - h.l4)));
	return TCP_AT + 20 + payload;
}

int frame_check_tcp(uint8_t *frame, size_t bytes, uint32_t *sequence, bool blank)
{
	struct net_headers h;

	if (net_parse(frame, bytes, bytes, &h) || h.protocol != IP_TCP)
		return -1;
	if (blank)
		net_checksum(frame, &h);
	if (net_fold(net_sum(frame + h.l4, h.end - h.l4, net_pseudo_sum(frame, &h, h.end - h.l4), false)) != 0xffff)
		return -1;
	*sequence = net_get32(frame + h.l4 + 4);
	for (unsigned i = h.payload; i < h.end; i++)
		if (frame[i] != pattern(*sequence + i - h.payload))
			return -1;
	return h.end - h.payload;
}
