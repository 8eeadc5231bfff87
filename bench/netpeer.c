// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netpeer: the other end of the cable, a process beside the emulator. `netpeer SOCKET` listens there for QEMU's
 * -netdev stream and answers as the host 10.8.0.1 (netpeer.h) until QEMU goes.
 *
 * No other host is as quick: what is measured is the machine's side. It cannot lose frames either, the socket pushes
 * back. Just enough of ARP, IPv4 (RFC 791), UDP (RFC 768) and TCP (RFC 9293, loss recovery of RFC 6582) for one
 * neighbour; payload is zeros. Acknowledgements as a receiver that coalesces sends them: for eight segments, or when
 * PSH says that the sender has no more.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "netpeer.h"

#define ETH 14
#define IP (ETH + 20) /* ours have no options */
#define FRAME_MAX 1514
#define ROOM (1 << 20)
#define FULL (256 << 10) /* bytes queued for QEMU: enough to keep it busy */
#define CONNECTIONS 8
#define WINDOW_MAX (256 << 10)
#define WINDOW_SHIFT 7
#define ACK_EVERY 8
#define ACK_NS 1000000ull
#define RESEND_NS 200000000ull
#define UDP_HEADER 8

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum state { CLOSED, SYN_SEEN, OPEN, CLOSING };

struct connection {
	enum state state;
	uint16_t local, remote;
	uint32_t una, next, top; /* sent: acknowledged, next, most that ever was */
	uint32_t expected;	 /* received up to here */
	uint32_t window, shift;	 /* of the neighbour */
	uint32_t congestion, threshold, recover;
	unsigned repeats, unacked;
	bool recovering, finished;
	uint64_t ack_at, resend_at; /* 0: not armed */
};

static const uint8_t our_mac[6] = {0x52, 0x54, 0, 8, 0, 1};
static uint8_t their_mac[6];
static uint32_t their_address;
static uint8_t in[ROOM], out[ROOM];
static size_t in_bytes, out_bytes;
static struct connection connections[CONNECTIONS];
static struct peer_count counted;
static struct {
	uint16_t port;
	uint32_t size, left;
} source;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static uint16_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t sum(const uint8_t *p, size_t bytes, uint64_t s)
{
	for (; bytes >= 2; bytes -= 2, p += 2)
		s += get16(p);
	if (bytes)
		s += *p << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

/* A frame to their address with room for `bytes` behind Ethernet's header, which is all zeros. */
static uint8_t *begin_frame(uint16_t type, size_t bytes)
{
	uint8_t *p = out + out_bytes;
	size_t length = ETH + bytes < 60 ? 60 : ETH + bytes;

	if (out_bytes + 4 + length > ROOM)
		exit(1);
	put32(p, length);
	memset(p + 4, 0, length);
	memcpy(p + 4, their_mac, 6);
	memcpy(p + 10, our_mac, 6);
	put16(p + 16, type);
	out_bytes += 4 + length;
	return p + 4;
}

static uint8_t *begin_packet(uint8_t protocol, size_t bytes)
{
	uint8_t *p = begin_frame(0x0800, 20 + bytes), *ip = p + ETH;

	ip[0] = 0x45;
	put16(ip + 2, 20 + bytes);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = protocol;
	put32(ip + 12, PEER_ADDRESS);
	put32(ip + 16, their_address);
	put16(ip + 10, ~sum(ip, 20, 0));
	return p + IP;
}

/* `p` is the TCP or UDP header with its field zero. What follows the first `nonzero` bytes are zeros. */
static uint16_t checksum(const uint8_t *p, size_t bytes, size_t nonzero, uint8_t protocol)
{
	uint64_t s = (PEER_ADDRESS >> 16) + (PEER_ADDRESS & 0xffff) + (their_address >> 16) + (their_address & 0xffff);

	return ~sum(p, nonzero, s + protocol + bytes);
}

static void send_udp(uint16_t from, uint16_t to, const void *data, size_t nonzero, size_t bytes)
{
	uint8_t *p = begin_packet(17, UDP_HEADER + bytes);
	uint16_t c;

	put16(p, from);
	put16(p + 2, to);
	put16(p + 4, UDP_HEADER + bytes);
	memcpy(p + UDP_HEADER, data, nonzero);
	c = checksum(p, UDP_HEADER + bytes, UDP_HEADER + nonzero, 17);
	put16(p + 6, c ? c : 0xffff);
}

static void take_udp(const uint8_t *p, size_t bytes)
{
	uint16_t from = get16(p), to = get16(p + 2);
	const uint8_t *data = p + UDP_HEADER;
	struct peer_wish wish;

	bytes -= UDP_HEADER;
	if (to == PEER_SINK) {
		counted.packets++;
	} else if (to == PEER_ECHO) {
		send_udp(to, from, data, bytes, bytes);
	} else if (to == PEER_COUNT) {
		send_udp(to, from, &counted, sizeof(counted), sizeof(counted));
		memset(&counted, 0, sizeof(counted));
	} else if (to == PEER_SOURCE && bytes == sizeof(wish)) {
		memcpy(&wish, data, sizeof(wish));
		source.left = source.port == from ? source.left + wish.count : wish.count;
		source.port = from;
		source.size = wish.size < FRAME_MAX - IP - UDP_HEADER ? wish.size : FRAME_MAX - IP - UDP_HEADER;
	}
}

/* --- TCP ------------------------------------------------------------------------------------- */

static void send_tcp(struct connection *c, uint32_t number, uint8_t flags, size_t bytes)
{
	unsigned options = flags & SYN ? 8 : 0;
	uint8_t *p = begin_packet(6, 20 + options + bytes);

	put16(p, c->local);
	put16(p + 2, c->remote);
	put32(p + 4, number);
	put32(p + 8, c->expected);
	p[12] = (20 + options) / 4 << 4;
	p[13] = flags;
	put16(p + 14, flags & SYN ? 65535 : (1 << 20) >> WINDOW_SHIFT);
	if (options)
		memcpy(p + 20, (uint8_t[]){2, 4, PEER_MSS >> 8, PEER_MSS & 255, 1, 3, 3, WINDOW_SHIFT}, 8);
	put16(p + 16, checksum(p, 20 + options + bytes, 20 + options, 6));
	c->unacked = 0;
	c->ack_at = 0;
}

static struct connection *find(uint16_t local, uint16_t remote)
{
	for (unsigned i = 0; i < CONNECTIONS; i++)
		if (connections[i].state != CLOSED && connections[i].local == local && connections[i].remote == remote)
			return &connections[i];
	return NULL;
}

static void accept_one(const uint8_t *p, unsigned header)
{
	struct connection *c = find(get16(p + 2), get16(p));

	for (unsigned i = 0; !c && i < CONNECTIONS; i++)
		if (connections[i].state == CLOSED)
			c = &connections[i];
	if (!c || (get16(p + 2) != PEER_SINK && get16(p + 2) != PEER_SOURCE))
		return;
	*c = (struct connection){.state = SYN_SEEN, .local = get16(p + 2), .remote = get16(p), .una = 1000, .next = 1001,
				 .top = 1001, .expected = get32(p + 4) + 1, .window = get16(p + 14),
				 .congestion = 10 * PEER_MSS, .threshold = WINDOW_MAX};
	for (unsigned i = 20; i + 1 < header && p[i]; i += p[i] == 1 || p[i + 1] < 2 ? 1 : p[i + 1])
		if (p[i] == 3 && i + 2 < header)
			c->shift = p[i + 2] & 15;
	send_tcp(c, c->una, SYN | ACK, 0);
}

static void send_segment(struct connection *c, uint32_t number)
{
	send_tcp(c, number, ACK | (number + PEER_MSS >= c->una + c->congestion ? PSH : 0), PEER_MSS);
}

/* As much as both windows and the queue to QEMU allow. */
static void send_stream(struct connection *c, uint64_t now)
{
	uint32_t window = c->window < c->congestion ? c->window : c->congestion;

	if (c->state != OPEN || c->local != PEER_SOURCE)
		return;
	while (out_bytes < FULL && c->next - c->una + PEER_MSS <= window) {
		send_segment(c, c->next);
		c->next += PEER_MSS;
		if ((int32_t)(c->next - c->top) > 0)
			c->top = c->next;
	}
	if (!c->resend_at && c->top != c->una)
		c->resend_at = now + RESEND_NS;
}

static void lose(struct connection *c)
{
	uint32_t flight = c->top - c->una;

	c->threshold = flight / 2 > 2 * PEER_MSS ? flight / 2 : 2 * PEER_MSS;
	c->congestion = c->threshold;
	c->recover = c->top;
	c->recovering = true;
	send_segment(c, c->una);
}

static void take_ack(struct connection *c, uint32_t number, bool empty, uint64_t now)
{
	uint32_t more = number - c->una;

	if (more > c->top - c->una)
		return;
	if (!more) {
		if (empty && c->top != c->una && ++c->repeats == 3 && !c->recovering)
			lose(c);
		return;
	}
	c->una = number;
	if ((int32_t)(c->next - c->una) < 0)
		c->next = c->una;
	c->repeats = 0;
	c->resend_at = c->top == c->una ? 0 : now + RESEND_NS;
	if (c->recovering && (int32_t)(number - c->recover) < 0)
		return send_segment(c, c->una);
	c->recovering = false;
	c->congestion += c->congestion < c->threshold ? more : PEER_MSS * (uint64_t)PEER_MSS / c->congestion;
	if (c->congestion > WINDOW_MAX)
		c->congestion = WINDOW_MAX;
}

static void take_data(struct connection *c, uint32_t number, uint8_t flags, size_t bytes, uint64_t now)
{
	if (!bytes && !(flags & FIN))
		return;
	if (c->state == CLOSING || number != c->expected)
		return send_tcp(c, c->next, ACK | (c->state == CLOSING ? FIN : 0), 0);
	c->expected += bytes + (flags & FIN ? 1 : 0);
	if (flags & FIN) {
		send_tcp(c, c->next, ACK | FIN, 0);
		c->state = CLOSING;
	} else if (++c->unacked >= ACK_EVERY || flags & PSH) {
		send_tcp(c, c->next, ACK, 0);
	} else if (!c->ack_at) {
		c->ack_at = now + ACK_NS;
	}
}

static void take_tcp(const uint8_t *p, size_t bytes, uint64_t now)
{
	unsigned header = (p[12] >> 4) * 4;
	struct connection *c = find(get16(p + 2), get16(p));
	uint8_t flags = p[13];

	if (header < 20 || header > bytes) {
		counted.bad++;
		return;
	}
	if (flags & SYN)
		return accept_one(p, header);
	if (!c)
		return;
	if (flags & RST || (c->state == CLOSING && !(flags & FIN))) {
		c->state = CLOSED;
		return;
	}
	if (c->state == SYN_SEEN) {
		c->una = c->next;
		c->state = OPEN;
	}
	c->window = (uint32_t)get16(p + 14) << c->shift;
	take_ack(c, get32(p + 8), bytes == header, now);
	take_data(c, get32(p + 4), flags, bytes - header, now);
}

/* --- frames ---------------------------------------------------------------------------------- */

static void take_arp(const uint8_t *p, size_t bytes)
{
	uint8_t *a;

	if (bytes < ETH + 28 || get16(p + 20) != 1 || get32(p + 38) != PEER_ADDRESS)
		return;
	memcpy(their_mac, p + 22, 6);
	their_address = get32(p + 28);
	a = begin_frame(0x0806, 28) + ETH;
	memcpy(a, p + ETH, 6);
	put16(a + 6, 2);
	memcpy(a + 8, our_mac, 6);
	put32(a + 14, PEER_ADDRESS);
	memcpy(a + 18, p + 22, 10);
}

static void take_frame(const uint8_t *p, size_t bytes, uint64_t now)
{
	size_t total, header;
	const uint8_t *ip = p + ETH;

	if (bytes >= ETH && get16(p + 12) == 0x0806)
		return take_arp(p, bytes);
	if (bytes < IP || get16(p + 12) != 0x0800 || get32(ip + 16) != PEER_ADDRESS)
		return;
	header = (ip[0] & 15) * 4;
	total = get16(ip + 2);
	if (ip[9] != 6 && ip[9] != 17)
		return;
	if (header < 20 || total < header + (ip[9] == 6 ? 20 : UDP_HEADER) || total > bytes - ETH || sum(ip, header, 0) != 0xffff) {
		counted.bad++;
		return;
	}
	their_address = get32(ip + 12);
	memcpy(their_mac, p + 6, 6);
	if (sum(ip + 12, 8, ip[9] + total - header + sum(ip + header, total - header, 0)) != 0xffff)
		counted.bad++;
	else if (ip[9] == 6)
		take_tcp(ip + header, total - header, now);
	else
		take_udp(ip + header, total - header);
}

/* Frames that are whole; QEMU puts their length before each. */
static void take_input(uint64_t now)
{
	size_t at = 0, bytes;

	while (in_bytes - at >= 4) {
		bytes = get32(in + at);
		if (bytes > ROOM - 4)
			exit(1);
		if (in_bytes - at - 4 < bytes)
			break;
		take_frame(in + at + 4, bytes, now);
		at += 4 + bytes;
	}
	memmove(in, in + at, in_bytes - at);
	in_bytes -= at;
}

/* The next deadline in ms, -1: none. */
static int run_timers(uint64_t now)
{
	uint64_t next = ~0ull;

	for (unsigned i = 0; i < CONNECTIONS; i++) {
		struct connection *c = &connections[i];

		if (c->state == CLOSED)
			continue;
		if (c->ack_at && now >= c->ack_at)
			send_tcp(c, c->next, ACK, 0);
		if (c->resend_at && now >= c->resend_at) {
			lose(c);
			c->next = c->una + PEER_MSS;
			c->congestion = 2 * PEER_MSS;
			c->resend_at = now + RESEND_NS;
		}
		next = c->ack_at && c->ack_at < next ? c->ack_at : next;
		next = c->resend_at && c->resend_at < next ? c->resend_at : next;
	}
	return next == ~0ull ? -1 : next <= now ? 0 : (int)((next - now) / 1000000 + 1);
}

static void fill(uint64_t now)
{
	for (unsigned i = 0; i < CONNECTIONS; i++)
		send_stream(&connections[i], now);
	for (; source.left && out_bytes < FULL; source.left--)
		send_udp(PEER_SOURCE, source.port, "", 0, source.size);
}

static int wait_for_qemu(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c;

	strncpy(at.sun_path, path, sizeof(at.sun_path) - 1);
	unlink(path);
	if (s < 0 || bind(s, (struct sockaddr *)&at, sizeof(at)) || listen(s, 1)) {
		perror(path);
		exit(1);
	}
	printf("ready\n");
	fflush(stdout);
	c = accept(s, NULL, NULL);
	fcntl(c, F_SETFL, O_NONBLOCK);
	return c;
}

int main(int argc, char **argv)
{
	struct pollfd p;
	int timeout = -1;
	ssize_t n;

	if (argc != 2)
		return 2;
	p.fd = wait_for_qemu(argv[1]);
	for (;;) {
		p.events = POLLIN | (out_bytes ? POLLOUT : 0);
		if (poll(&p, 1, timeout) < 0)
			return 1;
		n = p.revents & POLLIN && out_bytes < ROOM / 2 ? read(p.fd, in + in_bytes, ROOM - in_bytes) : -1;
		if (!n || (p.revents & (POLLHUP | POLLERR) && n < 0 && errno != EAGAIN))
			return 0;
		in_bytes += n > 0 ? n : 0;
		take_input(now_ns());
		timeout = run_timers(now_ns());
		fill(now_ns());
		n = out_bytes ? write(p.fd, out, out_bytes) : 0;
		if (n > 0) {
			memmove(out, out + n, out_bytes - n);
			out_bytes -= n;
		}
	}
}
