// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netprobe: two network cards of its own on the switch, to test what lies behind without a guest. Started from the shell
 * (`module start netprobe`), commanded by `send netprobe COMMAND`; answers in the log:
 *
 *   ping N [BYTES]   N echo requests to 10.0.2.2, eight on their way at a time
 *   stream SECONDS   the same for a time: how many, and the longest silence between two answers: the blackout when
 *                    somebody on the way is killed
 *   pair N           N TCP frames of up to 60 KB from the first card to the second, one in four to be segmented
 *   plain            the second card takes neither blank checksums nor frames that are not segmented; `rich`: both again
 *   flood N          N frames to everybody from the second card, as fast as it can
 *   mark             what was done since the last mark, and what was wrong since the beginning
 *   bad              frames that must be dropped: from another address, too long, tagged, with lies in their headers
 *
 * [module netprobe] card0 = NETWORK [vlan=..] [promiscuous], card1, card2 (which is there only then) in the configuration say
 * where the cards are (uplink). Frames for somebody else that come to a card are counted as overheard.
 */
#include <string.h>
#include <postern/manifest.h>
#include "clock.h"
#include "frames.h"
#include "log.h"
#include "module.h"
#include "netframe.h"
#include "netring.h"
#include "stdlib.h"
#include "syscalls.h"

MODULE_MANIFEST("name = netprobe\n"
		"version = 1.0\n"
		"licence = GPL-2.0-only\n"
		"about = network cards without a guest; for tests\n"
		"provides = netprobe\n"
		"opens = nic\n"
		"start = never\n");

#define CARDS 3
#define TAG 1
#define BUFFERS 256
#define BUFFER_BYTES 2048
#define FRAMES 64
#define FRAME_BYTES 65536
#define WINDOW 8
#define MEMORY_BYTES ((uint64_t)FRAMES * FRAME_BYTES + (uint64_t)BUFFERS * BUFFER_BYTES)
#define RETRY_NS (4 * NS_PER_MS) /* a stream's frame is lost after this, */
#define PATIENCE_NS (2 * NS_PER_S) /* a ping's after this */
#define SILENCE_NS (50 * NS_PER_MS) /* one that is worth a line */
#define GATEWAY 0x0a000202

struct card {
	struct connection *c;
	struct nic_link *link;
	uint32_t generations;
	bool ready;
	struct net_tx_front tx;
	struct net_rx_front rx;
	struct party me;
	int64_t memory;
	uint8_t *at;
	bool used[FRAMES];
	uint64_t sent, answered, refused, overheard;
	uint64_t done_ns; /* when something was answered or came */
	bool reborn;	  /* and nothing has since the switch is back */
};

enum job { IDLE, PING, PAIR };

static struct card cards[CARDS];
static uint32_t front_flags = NIC_RX_GSO | NIC_RX_CSUM_BLANK;
static struct {
	enum job job;
	uint64_t count, sent, good, wrong, lost, end_ns, gap_ns, last_ns, start_ns;
	size_t payload;
	uint32_t sequence;
	unsigned flying;
	uint64_t sent_ns[65536 / 256]; /* by sequence number, modulo */
	bool waits[65536 / 256];
	struct party gateway;
	bool resolved;
} run;
static uint64_t flood_left;
static struct timer retry_timer;

static uint8_t *frame_at(const struct card *k, unsigned i)
{
	return k->at + (uint64_t)i * FRAME_BYTES;
}

static struct net_fragment buffer_at(unsigned i)
{
	uint64_t at = (uint64_t)FRAMES * FRAME_BYTES + (uint64_t)i * BUFFER_BYTES;

	return (struct net_fragment){REF(TAG, at / PAGE_SIZE), at % PAGE_SIZE, BUFFER_BYTES};
}

static int take_frame(struct card *k)
{
	for (int i = 0; i < FRAMES; i++)
		if (!k->used[i]) {
			k->used[i] = true;
			return i;
		}
	return -1;
}

static void push(struct card *k)
{
	bool signal = net_tx_front_push(&k->tx);

	signal |= net_rx_front_push(&k->rx);
	if (signal)
		connection_signal(k->c);
}

/* In pieces of up to a page and a bit, as a guest's frames come. */
static void send_frame(struct card *k, unsigned i, size_t bytes, const struct net_offload *o)
{
	struct net_frame f = {.id = i};
	uint64_t at = (uint64_t)i * FRAME_BYTES;
	size_t first = bytes > 100 ? 100 : bytes;

	if (o)
		f.offload = *o;
	for (size_t n = first; bytes; n = bytes < 5000 ? bytes : 5000) {
		f.fragment[f.count++] = (struct net_fragment){REF(TAG, at / PAGE_SIZE), at % PAGE_SIZE, n};
		at += n;
		bytes -= n;
	}
	if (net_tx_front_put(&k->tx, &f))
		k->used[i] = false;
	else
		k->sent++;
}

static void report(const char *what)
{
	uint64_t ns = clock_ns() - run.start_ns;

	log_line("%s: %llu sent, %llu good, %llu wrong, %llu lost, longest silence %llu us, %llu ms; overheard %llu", what,
		 (unsigned long long)run.sent, (unsigned long long)run.good, (unsigned long long)run.wrong,
		 (unsigned long long)run.lost, (unsigned long long)run.gap_ns / 1000, (unsigned long long)ns / 1000000,
		 (unsigned long long)(cards[0].overheard + cards[1].overheard + cards[2].overheard));
	run.job = IDLE;
	timer_cancel(&retry_timer);
}

static void retry(struct timer *t);

/* --- ping -------------------------------------------------------------------------------------- */

static void ping_more(void)
{
	struct card *k = &cards[0];
	int i;

	if (!k->ready || run.job != PING)
		return;
	if (!run.resolved) {
		i = take_frame(k);
		if (i >= 0)
			send_frame(k, i, frame_arp(frame_at(k, i), &k->me, GATEWAY), NULL);
		return push(k);
	}
	while (run.flying < WINDOW && (run.end_ns ? clock_ns() < run.end_ns : run.sent < run.count) &&
	       (i = take_frame(k)) >= 0) {
		unsigned slot = ++run.sequence % 256;

		run.waits[slot] = true;
		run.sent_ns[slot] = clock_ns();
		run.flying++;
		run.sent++;
		send_frame(k, i, frame_echo(frame_at(k, i), &k->me, &run.gateway, run.sequence,
					    run.payload ? run.payload : run.sequence * 37u % 1400), NULL);
	}
	push(k);
	if (!run.flying)
		report("ping");
}

static void got_echo(uint16_t sequence, bool right)
{
	uint64_t now = clock_ns();

	if (run.job != PING || !run.waits[sequence % 256])
		return;
	run.waits[sequence % 256] = false;
	run.flying--;
	run.good += right;
	run.wrong += !right;
	if (run.last_ns && now - run.last_ns > run.gap_ns)
		run.gap_ns = now - run.last_ns;
	if (run.last_ns && now - run.last_ns > SILENCE_NS)
		log_line("silence of %llu ms ends", (unsigned long long)(now - run.last_ns) / 1000000);
	run.last_ns = now;
}

/* What was not answered in time is lost, as on a wire. */
static void give_up_old(uint64_t now)
{
	uint64_t patience = run.end_ns ? RETRY_NS : PATIENCE_NS;

	for (unsigned i = 0; i < 256; i++)
		if (run.waits[i] && now - run.sent_ns[i] > patience) {
			run.waits[i] = false;
			run.flying--;
			run.lost++;
		}
}

static void start_ping(uint64_t count, uint64_t seconds, size_t payload)
{
	uint32_t sequence = run.sequence;

	memset(&run, 0, sizeof(run));
	run.job = PING;
	run.sequence = sequence;
	run.count = count;
	run.payload = payload;
	run.start_ns = clock_ns();
	run.end_ns = seconds ? run.start_ns + seconds * NS_PER_S : 0;
	run.gateway.ip = GATEWAY;
	timer_set(&retry_timer, run.start_ns + RETRY_NS, retry);
	ping_more();
}

/* --- pair -------------------------------------------------------------------------------------- */

static void pair_more(void)
{
	struct net_offload o = {.csum_blank = true};
	struct card *k = &cards[0];
	size_t bytes;
	int i;

	if (run.job != PAIR || !k->ready || !cards[1].ready)
		return;
	while (run.sent < run.count && (i = take_frame(k)) >= 0) {
		bool big = run.sent % 4 == 3;

		o.gso_type = big ? XEN_NETIF_GSO_TYPE_TCPV4 : 0;
		o.gso_size = big ? 1448 : 0;
		bytes = big ? 1 + run.sequence % 60000 : 1 + run.sequence % 1460;
		run.sent++;
		send_frame(k, i, frame_tcp(frame_at(k, i), &k->me, &cards[1].me, run.sequence, bytes), &o);
		run.sequence += bytes;
	}
	push(k);
}

static void pair_received(uint8_t *frame, size_t bytes, const struct net_offload *o)
{
	uint64_t now = clock_ns();
	uint32_t sequence;
	int payload = frame_check_tcp(frame, bytes, &sequence, o->csum_blank);

	if (payload < 0 || (o->gso_type && o->gso_size != 1448)) {
		run.wrong++;
		return;
	}
	run.good += payload;
	if (run.last_ns && now - run.last_ns > run.gap_ns)
		run.gap_ns = now - run.last_ns;
	run.last_ns = now;
	if (sequence + payload == run.sequence && run.sent == run.count) {
		run.lost = run.sequence - run.good;
		report("pair (bytes)");
	}
}

/* --- flood ------------------------------------------------------------------------------------- */

static void flood_more(void)
{
	struct card *k = &cards[1];
	int i;

	if (!flood_left || !k->ready)
		return;
	while (flood_left && (i = take_frame(k)) >= 0) {
		send_frame(k, i, frame_arp(frame_at(k, i), &k->me, GATEWAY + 100), NULL);
		if (!--flood_left)
			log_line("the flood is over");
	}
	push(k);
}

/* --- bad --------------------------------------------------------------------------------------- */

static void send_bad(void)
{
	struct net_offload blank = {.csum_blank = true},
			   small = {.csum_blank = true, .gso_type = XEN_NETIF_GSO_TYPE_TCPV4, .gso_size = 1};
	struct card *k = &cards[0];
	struct party other = cards[1].me;
	struct net_frame f = {.count = 1, .fragment = {{REF(TAG + 5, 0), 0, 100}}};
	int i;

	for (unsigned which = 0; which < 6 && (i = take_frame(k)) >= 0; which++) {
		uint8_t *at = frame_at(k, i);
		size_t bytes = frame_tcp(at, which == 0 ? &other : &k->me, &cards[1].me, 1, which == 1 ? 3000 : 100);

		if (which == 2)
			net_put16(at + 12, ETH_TYPE_VLAN);
		if (which == 3)
			at[ETH_HEADER] = 0x4f, net_put16(at + ETH_HEADER + 2, 40);
		if (which == 4)
			net_put16(at + 12, PROBE_TYPE);
		send_frame(k, i, bytes, which == 5 ? &small : which == 4 ? &blank : NULL);
	}
	i = take_frame(k);
	f.id = i;
	if (i >= 0)
		net_tx_front_put(&k->tx, &f);
	push(k);
	log_line("bad frames are sent");
}

/* --- cards ------------------------------------------------------------------------------------- */

static void retry(struct timer *t)
{
	uint64_t now = clock_ns();

	give_up_old(now);
	if (run.job == IDLE)
		return;
	if (run.job == PAIR && now - (run.last_ns ? run.last_ns : run.start_ns) > 2 * NS_PER_S) {
		run.lost = run.sequence - run.good;
		return report("pair (bytes)");
	}
	timer_set(t, now + RETRY_NS / 4, retry);
	ping_more();
	pair_more();
}

/* Frames of several buffers are put together first. */
static uint8_t *collect(struct card *k, const struct net_received *r)
{
	static uint8_t whole[NIC_FRAME_MAX];
	uint32_t at = 0;

	for (unsigned i = 0; i < r->count; i++) {
		const struct net_part *p = &r->part[i];

		if (p->id >= BUFFERS || p->offset > BUFFER_BYTES || p->bytes > BUFFER_BYTES - p->offset)
			return NULL;
		memcpy(whole + at, k->at + (uint64_t)FRAMES * FRAME_BYTES + (uint64_t)p->id * BUFFER_BYTES + p->offset,
		       p->bytes);
		at += p->bytes;
	}
	return whole;
}

static void received(struct card *k, uint8_t *frame, const struct net_received *r)
{
	uint16_t sequence;
	int i, echo = frame_is_echo(frame, r->bytes, &sequence);

	if (!(frame[0] & 1) && memcmp(frame, k->me.mac, 6)) {
		k->overheard++;
		return;
	}
	if (echo)
		return got_echo(sequence, echo > 0);
	if (frame_arp_from(frame, r->bytes, GATEWAY, run.gateway.mac)) {
		run.resolved = true;
		return;
	}
	if (frame_arp_answer(frame, r->bytes, &k->me)) {
		i = take_frame(k);
		if (i < 0)
			return;
		memcpy(frame_at(k, i), frame, ETH_HEADER + 28);
		return send_frame(k, i, ETH_HEADER + 28, NULL);
	}
	if (k == &cards[1] && run.job == PAIR && frame[ETH_HEADER + 9] == IP_TCP)
		pair_received(frame, r->bytes, &r->offload);
}

static void done(struct card *k)
{
	uint64_t now = clock_ns();

	if (k->reborn)
		log_line("the switch is back: blackout %llu us", (unsigned long long)(now - k->done_ns) / 1000);
	k->reborn = false;
	k->done_ns = now;
}

static void serve(struct card *k)
{
	static struct net_received r;
	struct net_fragment at;
	uint8_t *frame;
	uint16_t id;
	int status;

	do {
		while (net_tx_front_take(&k->tx, &id, &status) > 0) {
			if (id < FRAMES)
				k->used[id] = false;
			k->answered++;
			k->refused += status == NETIF_RSP_ERROR;
			done(k);
		}
		while (net_rx_front_take(&k->rx, &r) > 0) {
			frame = collect(k, &r);
			done(k);
			if (frame && r.bytes)
				received(k, frame, &r);
			for (unsigned i = 0; i < r.count; i++) {
				at = buffer_at(r.part[i].id);
				net_rx_front_put(&k->rx, r.part[i].id, &at);
			}
		}
	} while (net_tx_front_wait(&k->tx, 1) | net_rx_front_wait(&k->rx));
	push(k);
	ping_more();
	pair_more();
	flood_more();
}

static void begin(struct card *k)
{
	struct net_fragment at;

	memcpy(k->me.mac, k->link->mac, 6);
	k->me.ip = 0x0a000210 + (k - cards);
	memset(k->used, 0, sizeof(k->used));
	net_tx_front_init(&k->tx, k->link);
	net_rx_front_init(&k->rx, k->link);
	k->link->front_flags = k == &cards[1] ? front_flags : 0;
	connection_share(k->c, k->memory, RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS | RIGHT_GRANT, TAG);
	for (unsigned i = 0; i < BUFFERS; i++) {
		at = buffer_at(i);
		net_rx_front_put(&k->rx, i, &at);
	}
	__atomic_store_n(&k->link->front_state, LINK_READY, __ATOMIC_RELEASE);
	k->ready = true;
	log_line("card %u has %02x:%02x:%02x:%02x:%02x:%02x, link %s, life %u", (unsigned)(k - cards), k->me.mac[0],
		 k->me.mac[1], k->me.mac[2], k->me.mac[3], k->me.mac[4], k->me.mac[5],
		 k->link->flags & NIC_LINK_UP ? "up" : "down", ++k->generations);
	push(k);
}

static struct card *card_of(const struct connection *c)
{
	return c->port < CARDS && cards[c->port].c == c ? &cards[c->port] : NULL;
}

static int probe_probe(void)
{
	char key[] = "card0", network[64];

	for (unsigned i = 0; i < CARDS; i++) {
		key[4] = '0' + i;
		if (module_argument(key, 0, network, sizeof(network)) < 0) {
			if (i == 2)
				break;
			strlcpy(network, "uplink", sizeof(network));
		}
		cards[i].memory = sys_mem_create(MEMORY_BYTES, 0);
		cards[i].at = cards[i].memory < 0 ? NULL
						  : space_map(cards[i].memory, MEMORY_BYTES, MAP_READ | MAP_WRITE);
		if (!cards[i].at)
			return module_fail(-ENOMEM, "no memory");
		if (module_open("nic", i, network) < 0)
			return module_fail(-ENODEV, "nobody provides nic");
	}
	return 0;
}

static void probe_readable(struct connection *c)
{
	struct card *k = card_of(c);

	if (!k)
		return;
	if (!k->ready && __atomic_load_n(&k->link->back_state, __ATOMIC_ACQUIRE) == LINK_READY)
		begin(k);
	if (k->ready)
		serve(k);
}

static int probe_connected(struct connection *c)
{
	if (c->port >= CARDS)
		return -ENODEV;
	cards[c->port].c = c;
	cards[c->port].link = c->shared;
	probe_readable(c);
	return 0;
}

static void probe_disconnected(struct connection *c)
{
	struct card *k = card_of(c);

	if (!k)
		return;
	k->ready = false;
	k->c = NULL;
	k->reborn = k == &cards[0] && k->done_ns;
}

static void start_pair(uint64_t count)
{
	memset(&run, 0, sizeof(run));
	run.job = PAIR;
	run.count = count;
	run.start_ns = clock_ns();
	timer_set(&retry_timer, run.start_ns + RETRY_NS, retry);
	pair_more();
}

static void mark(void)
{
	static uint64_t before;

	log_line("mark: %llu done, %llu lost, %llu errors, %llu mismatches", (unsigned long long)(run.good - before),
		 (unsigned long long)run.lost, (unsigned long long)(cards[0].refused + cards[1].refused),
		 (unsigned long long)run.wrong);
	before = run.good;
}

static void set_flags(uint32_t flags)
{
	front_flags = flags;
	if (cards[1].link)
		cards[1].link->front_flags = flags;
}

static void probe_control(const struct message *m)
{
	char text[MESSAGE_TEXT + 1] = "", *end = "";
	uint64_t n;

	if (m->kind != MSG_COMMAND)
		return;
	memcpy(text, m->text, MESSAGE_TEXT);
	n = strchr(text, ' ') ? strtoull(strchr(text, ' ') + 1, &end, 10) : 0;
	if (!strncmp(text, "ping ", 5))
		start_ping(n, 0, strtoul(end, NULL, 10));
	else if (!strncmp(text, "stream ", 7))
		start_ping(0, n, 0);
	else if (!strncmp(text, "pair ", 5))
		start_pair(n);
	else if (!strcmp(text, "plain"))
		set_flags(0);
	else if (!strcmp(text, "rich"))
		set_flags(NIC_RX_GSO | NIC_RX_CSUM_BLANK);
	else if (!strcmp(text, "mark"))
		mark();
	else if (!strncmp(text, "flood ", 6))
		flood_left = n, flood_more();
	else if (!strcmp(text, "bad"))
		send_bad();
	else
		log_line("netprobe knows: ping N [BYTES], stream SECONDS, pair N, flood N, mark, plain, rich, bad");
}

const struct module_ops module = {
	.probe = probe_probe,
	.connected = probe_connected,
	.disconnected = probe_disconnected,
	.readable = probe_readable,
	.control = probe_control,
};
