// SPDX-License-Identifier: GPL-2.0-only
/* Train: which segments may become one frame. RFC 9293, 3.1; RFC 791; RFC 8200. */
#include <string.h>
#include "train.h"

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define IPV4_DF 0x4000
#define TCP_ACK 0x10
#define TCP_PSH 0x08
#define FRAME_MOST 65535

static uint16_t same16(const uint8_t *a, const uint8_t *b, unsigned at)
{
	uint16_t x, y;

	memcpy(&x, a + at, 2);
	memcpy(&y, b + at, 2);
	return x ^ y;
}

static uint32_t same32(const uint8_t *a, const uint8_t *b, unsigned at)
{
	uint32_t x, y;

	memcpy(&x, a + at, 4);
	memcpy(&y, b + at, 4);
	return x ^ y;
}

static uint64_t same64(const uint8_t *a, const uint8_t *b, unsigned at)
{
	uint64_t x, y;

	memcpy(&x, a + at, 8);
	memcpy(&y, b + at, 8);
	return x ^ y;
}

/* Both IPv4's and TCP's. */
static bool is_right(const uint8_t *p, const struct net_headers *h, unsigned end, bool good)
{
	uint32_t length = end - h->l4;

	if (h->ipv4 && net_fold(net_sum(p + h->l3, IPV4_HEADER, 0, false)) != 0xffff)
		return false;
	return good || net_fold(net_sum(p + h->l4, length, net_pseudo_sum(p, h, length), false)) == 0xffff;
}

static uint8_t flags(const uint8_t *p, const struct net_headers *h)
{
	return p[h->l4 + 13];
}

/* Most that is none is seen to be none at once. */
static bool may_be_tcp(const uint8_t *p, uint16_t bytes)
{
	unsigned type = bytes >= ETH_HEADER + IPV4_HEADER ? net_get16(p + 12) : 0;

	return (type == ETH_TYPE_IPV4 && p[ETH_HEADER + 9] == IP_TCP) || (type == ETH_TYPE_IPV6 && p[ETH_HEADER + 6] == IP_TCP);
}

/* Options of an acknowledgement that the next one makes worthless: none, or time stamps the way all write them (RFC 7323, appendix A). */
static bool are_plain(const uint8_t *option, unsigned bytes)
{
	static const uint8_t stamps[4] = {1, 1, 8, 10};

	return !bytes || (bytes == 12 && !memcmp(option, stamps, sizeof(stamps)));
}

bool train_begin(struct train *t, const uint8_t *p, uint16_t bytes, uint16_t id, bool good)
{
	struct net_headers *h = &t->headers;
	unsigned there = bytes < sizeof(t->head) ? bytes : sizeof(t->head);

	t->count = 0;
	if (!may_be_tcp(p, bytes))
		return false;
	memcpy(t->head, p, there);
	if (net_parse(t->head, there, bytes, h) || h->tagged || h->protocol != IP_TCP || flags(t->head, h) != TCP_ACK ||
	    h->l4 - h->l3 != (h->ipv4 ? IPV4_HEADER : IPV6_HEADER))
		return false;
	t->bare = h->end == h->payload;
	if (t->bare && !are_plain(t->head + h->l4 + 20, h->payload - h->l4 - 20))
		return false;
	t->superseded = 0;
	t->full = t->pushed = false;
	t->checked = good;
	t->size = t->last = t->payload = h->end - h->payload;
	t->next = net_get32(t->head + h->l4 + 4) + t->payload;
	t->identification = net_get16(t->head + h->l3 + 4);
	t->frame[0] = p;
	t->id[0] = id;
	t->bytes[0] = bytes;
	t->count = 1;
	return true;
}

static bool same_ipv4(const uint8_t *p, const uint8_t *first, uint16_t before, unsigned at)
{
	if (same16(p, first, at) || same32(p, first, at + 6) || same64(p, first, at + 12))
		return false;
	return net_get16(p + at + 6) & IPV4_DF || net_get16(p + at + 4) == (uint16_t)(before + 1);
}

static bool same_ipv6(const uint8_t *p, const uint8_t *first, unsigned at)
{
	return !same32(p, first, at) && !same16(p, first, at + 6) && !same64(p, first, at + 8) &&
	       !same64(p, first, at + 16) && !same64(p, first, at + 24) && !same64(p, first, at + 32);
}

/* All but the numbers that tell one segment from the next, and PSH. */
static bool same_tcp(const uint8_t *p, const uint8_t *first, const struct net_headers *h)
{
	unsigned at = h->l4;

	if (same32(p, first, at) || same32(p, first, at + 8) || p[at + 12] != first[at + 12] ||
	    (p[at + 13] & ~TCP_PSH) != TCP_ACK || same16(p, first, at + 14) || same16(p, first, at + 18))
		return false;
	for (at += 20; at < h->payload; at += 4)
		if (same32(p, first, at))
			return false;
	return true;
}

/* Offset behind the IP packet, 0: it does not fit the frame. */
static unsigned end_of(const uint8_t *p, uint16_t bytes, const struct net_headers *h)
{
	unsigned end = h->ipv4 ? h->l3 + net_get16(p + h->l3 + 2) : h->l3 + IPV6_HEADER + net_get16(p + h->l3 + 4);

	return end <= bytes ? end : 0;
}

bool train_join(struct train *t, const uint8_t *p, uint16_t bytes, uint16_t id, bool good)
{
	const struct net_headers *h = &t->headers;
	const uint8_t *first = t->head;
	unsigned end;

	if (!t->count || t->bare || t->full || t->count == TRAIN_MAX || bytes <= h->payload)
		return false;
	if (same64(p, first, 0) || same32(p, first, 8) || same16(p, first, 12) ||
	    (h->ipv4 ? !same_ipv4(p, first, t->identification, h->l3) : !same_ipv6(p, first, h->l3)) ||
	    !same_tcp(p, first, h) || net_get32(p + h->l4 + 4) != t->next)
		return false;
	end = end_of(p, bytes, h);
	if (end <= h->payload || end - h->payload > t->size || h->payload + t->payload + (end - h->payload) > FRAME_MOST)
		return false;
	if (!t->checked && !is_right(t->frame[0], h, h->end, false))
		return false;
	t->checked = true;
	if (!is_right(p, h, end, good))
		return false;
	t->last = end - h->payload;
	t->payload += t->last;
	t->next += t->last;
	t->identification = net_get16(p + h->l3 + 4);
	t->pushed = flags(p, h) & TCP_PSH;
	t->full = t->last < t->size || t->pushed;
	t->frame[t->count] = p;
	t->id[t->count] = id;
	t->bytes[t->count++] = bytes;
	return true;
}

/* How much later the second of two numbers is, that wrap around; 0: not, or much more than can be. */
static uint32_t later(const uint8_t *first, const uint8_t *p, unsigned at)
{
	uint32_t by = net_get32(p + at) - net_get32(first + at);

	return by < 1u << 30 ? by : 0;
}

bool train_supersede(struct train *t, const uint8_t *p, uint16_t bytes, uint16_t id, bool good)
{
	const struct net_headers *h = &t->headers;
	const uint8_t *first = t->head;
	unsigned at = h->l4;

	if (!t->count || !t->bare || t->superseded == TRAIN_SUPERSEDED_MAX || bytes < h->payload)
		return false;
	if (same64(p, first, 0) || same32(p, first, 8) || same16(p, first, 12) ||
	    (h->ipv4 ? !same_ipv4(p, first, t->identification, h->l3) : !same_ipv6(p, first, h->l3)) ||
	    end_of(p, bytes, h) != h->payload)
		return false;
	if (same32(p, first, at) || same32(p, first, at + 4) || !later(first, p, at + 8) || same16(p, first, at + 12) ||
	    same16(p, first, at + 18))
		return false;
	if (h->payload - at > 20 && (same32(p, first, at + 20) || (same32(p, first, at + 24) && !later(first, p, at + 24)) ||
				     (same32(p, first, at + 28) && !later(first, p, at + 28))))
		return false;
	if (!is_right(p, h, h->payload, good))
		return false;
	memcpy(t->head, p, h->payload);
	t->checked = true;
	t->identification = net_get16(p + h->l3 + 4);
	t->superseded++;
	t->frame[0] = p;
	t->id[0] = id;
	t->bytes[0] = bytes;
	return true;
}

void train_head(const struct train *t, uint8_t *to)
{
	const struct net_headers *h = &t->headers;
	uint32_t length = h->payload - h->l4 + t->payload;
	uint8_t *ip = to + h->l3;

	memcpy(to, t->head, h->payload);
	if (h->ipv4) {
		net_put16(ip + 2, h->l4 - h->l3 + length);
		net_put16(ip + 10, 0);
		net_put16(ip + 10, (uint16_t)~net_fold(net_sum(ip, IPV4_HEADER, 0, false)));
	} else {
		net_put16(ip + 4, length);
	}
	to[h->l4 + 13] |= t->pushed ? TCP_PSH : 0;
	net_put16(to + h->checksum, net_fold(net_pseudo_sum(to, h, length)));
}
