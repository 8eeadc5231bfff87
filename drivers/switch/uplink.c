// SPDX-License-Identifier: GPL-2.0-only
/*
 * Uplink: a card of the machine, whose driver is connected.
 *
 *   known --uplink_connected--> ready to be answered --back READY--> open --uplink_disconnected--> known (away)
 *
 * Our pages hold TX_SLOTS frames to send (or their heads) and RX_SLOTS receive buffers. References of guests go on to the
 * driver under a tag of this uplink for each memory; a tag is used again when nothing that names it is on its way.
 */
#include <stdio.h>
#include <string.h>
#include "clock.h"
#include "log.h"
#include "switch.h"
#include "syscalls.h"

struct uplink uplinks[UPLINKS_MAX];

static void place(struct uplink *u)
{
	char name[NETWORK_NAME];
	int network = -1;

	if (module_argument(u->name, 0, name, sizeof(name)) > 0)
		network = network_get(name);
	if (network < 0)
		network = network_get("uplink");
	u->network = network < 0 ? 0 : network;
	networks[u->network].uplinks++;
}

static int make_pages(struct uplink *u)
{
	int64_t memory;

	if (u->pages)
		return 0;
	memory = sys_mem_create(PAGES_BYTES, 0);
	if (memory < 0)
		return memory;
	u->memory = memory;
	u->pages = space_map(u->memory, PAGES_BYTES, MAP_READ | MAP_WRITE);
	return u->pages ? 0 : -ENOMEM;
}

/* "module DRIVER CARD": the card's name is the driver's to give, and stays in all its lives. */
static struct uplink *find(const char *peer)
{
	const char *name = strrchr(peer, ' ');
	struct uplink *unused = NULL;

	name = name && name[1] ? name + 1 : peer;
	for (unsigned i = UPLINKS_MAX; i--;) {
		if (uplinks[i].known && !strncmp(uplinks[i].name, name, sizeof(uplinks[i].name) - 1))
			return &uplinks[i];
		if (!uplinks[i].known)
			unused = &uplinks[i];
	}
	if (!unused)
		return NULL;
	snprintf(unused->name, sizeof(unused->name), "%s", name);
	unused->index = unused - uplinks;
	unused->known = true;
	place(unused);
	return unused;
}

int uplink_connected(struct connection *c)
{
	struct uplink *u = find(c->peer);
	int ret;

	if (!u || u->c)
		return -EBUSY;
	ret = make_pages(u);
	if (ret) {
		log_line("no memory for %s", u->name);
		return ret;
	}
	u->c = c;
	u->link = c->shared;
	c->private_ = u;
	u->open = u->link_up = false;
	return 0;
}

void uplink_post(struct uplink *u, unsigned slot)
{
	uint64_t at = RX_START + (uint64_t)slot * SLOT_BYTES;
	struct net_fragment f = {REF(TAG_OWN, at / PAGE_SIZE), at % PAGE_SIZE, SLOT_BYTES};

	net_rx_front_put(&u->rx, slot, &f);
}

static void open(struct uplink *u)
{
	net_tx_front_init(&u->tx, u->link);
	net_rx_front_init(&u->rx, u->link);
	memset(u->sent, 0, sizeof(u->sent));
	memset(u->tag, 0, sizeof(u->tag));
	u->big = false;
	u->free_count = 0;
	for (unsigned i = TX_SLOTS; i--;)
		u->free[u->free_count++] = i;
	connection_share(u->c, u->memory, RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS | RIGHT_GRANT, TAG_OWN);
	for (unsigned i = 0; i < RX_SLOTS; i++)
		uplink_post(u, i);
	net_rx_front_push(&u->rx);
	net_rx_front_wait(&u->rx);
	u->link->front_flags = NIC_PROMISCUOUS;
	u->segments = false;
	__atomic_store_n(&u->link->front_state, LINK_READY, __ATOMIC_RELEASE);
	connection_signal(u->c);
	u->open = true;
	u->reborn = u->away_ns && u->done_ns;
	u->away_ns = 0;
	u->changes = u->link->changes - 1;
}

static void see_link(struct uplink *u)
{
	bool up = u->link->flags & NIC_LINK_UP;

	u->changes = u->link->changes;
	u->link_up = up;
	network_update(u->network, clock_ns());
}

/* Frames on their way are lost, as on a wire; who waits for their answers gets them now. */
static void forget_sent(struct uplink *u)
{
	for (unsigned i = 0; i < TX_SLOTS; i++) {
		struct sent *s = &u->sent[i];

		if (s->used && s->held)
			port_answer(&ports[s->port], s->life, s->id, s->slots, NETIF_RSP_OKAY);
		s->used = false;
	}
}

static void forget_tags(struct uplink *u)
{
	for (unsigned i = 1; i < REF_TAGS; i++)
		if (u->tag[i].owner)
			u->tag[i].owner->at[u->index].tag = 0;
	memset(u->tag, 0, sizeof(u->tag));
}

static void resume(void)
{
	for (unsigned i = 0; i < ports_end; i++)
		if (ports[i].c && ports[i].stalled) {
			ports[i].again = true;
			run_again();
		}
}

void uplink_disconnected(struct uplink *u)
{
	if (u->open) {
		forget_sent(u);
		forget_tags(u);
		u->away_ns = clock_ns();
	}
	timer_cancel(&u->look);
	u->c = NULL;
	u->open = u->again = false;
	network_update(u->network, clock_ns());
	resume();
}

static void protest(struct uplink *u)
{
	log_line("%s's driver is given up: its ring is garbage", u->name);
	connection_hang_up(u->c);
	uplink_disconnected(u);
}

/* Another page in the place of memory that is gone, so that the driver lets go of it. */
static void blank(struct uplink *u, uint8_t tag)
{
	static int64_t page;

	if (!page)
		page = sys_mem_create(PAGE_SIZE, 0);
	if (page > 0 && !u->tag[tag].owner && !u->tag[tag].in_flight)
		connection_share(u->c, page, RIGHT_READ | RIGHT_PHYS | RIGHT_GRANT, tag);
}

static void release(struct uplink *u, uint16_t slot, int status)
{
	struct sent *s = &u->sent[slot];

	if (s->held)
		port_answer(&ports[s->port], s->life, s->id, s->slots, status);
	if (s->tag && !--u->tag[s->tag].in_flight && !u->tag[s->tag].owner)
		blank(u, s->tag);
	s->used = false;
	u->free[u->free_count++] = slot;
	u->big &= u->free_count < TX_SLOTS;
}

void uplink_done(struct uplink *u)
{
	uint64_t now = clock_ns();

	if (u->reborn)
		log_line("%s's driver is back: blackout %llu us", u->name, (unsigned long long)(now - u->done_ns) / 1000);
	u->reborn = false;
	u->done_ns = now;
}

/* False: the driver lies. */
static bool reap(struct uplink *u)
{
	bool any = false;
	uint16_t slot;
	int ret, status;

	while ((ret = net_tx_front_take(&u->tx, &slot, &status)) > 0) {
		if (slot >= TX_SLOTS || !u->sent[slot].used)
			return false;
		if (status < 0)
			u->link->tx_dropped++;
		release(u, slot, status < 0 ? NETIF_RSP_DROPPED : NETIF_RSP_OKAY);
		any |= status >= 0;
	}
	if (any) {
		timer_cancel(&u->look);
		uplink_done(u);
	}
	return !ret;
}

void uplink_look(struct uplink *u)
{
	if (u->open && !reap(u))
		protest(u);
}

static void look(struct timer *t)
{
	uplink_look((struct uplink *)((char *)t - offsetof(struct uplink, look)));
	resume();
	flush();
}

void uplink_serve(struct uplink *u)
{
	bool more;

	if (!u->c)
		return;
	if (!u->open && __atomic_load_n(&u->link->back_state, __ATOMIC_ACQUIRE) == LINK_READY)
		open(u);
	if (!u->open)
		return;
	if (u->changes != __atomic_load_n(&u->link->changes, __ATOMIC_ACQUIRE))
		see_link(u);
	if (!reap(u) || !inbound(u, clock_ns(), &more))
		return protest(u);
	resume();
	u->again = more || net_rx_front_wait(&u->rx);
	if (u->again)
		run_again();
}

void uplink_flush(struct uplink *u)
{
	unsigned sent;
	bool signal;

	if (!u->open || !u->tell)
		return;
	u->tell = false;
	signal = net_tx_front_push(&u->tx);
	signal |= net_rx_front_push(&u->rx);
	if (signal)
		connection_signal(u->c);
	/* Frames that were sent are seen when others are, or a little later. Only when slots run out they are waited for: a quarter
	 * of what is on its way keeps the rest busy. */
	sent = NIC_TX_SLOTS - net_tx_front_room(&u->tx);
	if (!u->big && sent < NIC_TX_SLOTS / 2 && u->free_count > TX_SLOTS / 2) {
		if (sent && !u->look.armed)
			timer_set(&u->look, clock_ns() + LOOK_NS, look);
	} else if (net_tx_front_wait(&u->tx, u->big ? sent : 1 + sent / 4)) {
		u->again = true;
		run_again();
	}
}

static bool has_room(const struct uplink *u, unsigned frames)
{
	return u->free_count >= frames && net_tx_front_room(&u->tx) > NIC_FRAGMENTS_MAX + frames;
}

/* A frame that has to be segmented here takes a slot for each piece, and goes out as far as they reach. */
bool uplink_has_room(const struct uplink *u)
{
	return has_room(u, u->segments ? PIECES : 1);
}

static uint8_t *slot_bytes(struct uplink *u, unsigned slot)
{
	return u->pages + (uint64_t)slot * SLOT_BYTES;
}

static struct net_fragment slot_ref(unsigned slot, uint16_t bytes)
{
	uint64_t at = (uint64_t)slot * SLOT_BYTES;

	return (struct net_fragment){REF(TAG_OWN, at / PAGE_SIZE), at % PAGE_SIZE, bytes};
}

/* False: with its tag the frame is too long. */
static bool put(struct uplink *u, struct net_frame *f, const struct sent *s)
{
	if (net_tx_front_put(&u->tx, f)) {
		u->free[u->free_count++] = f->id;
		u->dropped[DROP_OVERSIZED]++;
		return false;
	}
	u->sent[f->id] = *s;
	u->sent[f->id].used = true;
	if (s->tag)
		u->tag[s->tag].in_flight++;
	u->sent_frames++;
	u->tell = true;
	return true;
}

/* Copies bytes of the beginning of a frame to a slot, with its VLAN tag; how many lie there then. */
static unsigned put_head(uint8_t *to, const uint8_t *from, unsigned bytes, uint16_t vlan)
{
	if (!vlan) {
		memcpy(to, from, bytes);
		return bytes;
	}
	memcpy(to, from, 12);
	net_put16(to + 12, ETH_TYPE_VLAN);
	net_put16(to + 14, vlan);
	memcpy(to + 16, from + 12, bytes - 12);
	return bytes + ETH_VLAN_TAG;
}

static void send_copy(struct uplink *u, const uint8_t *at, unsigned bytes, uint16_t vlan, const struct net_offload *o)
{
	struct net_frame f = {.count = 1, .offload = *o};

	if (!has_room(u, 1))
		return;
	f.id = u->free[--u->free_count];
	f.fragment[0] = slot_ref(f.id, put_head(slot_bytes(u, f.id), at, bytes, vlan));
	put(u, &f, &(struct sent){0});
}

/* Everything done here: for cards that cannot, and for memory that has no tag. */
static void send_in_software(struct uplink *u, struct cargo *g)
{
	static uint8_t part[SLOT_BYTES];
	const uint8_t *at = linearize(g);
	const struct net_offload none = {0};
	unsigned n;

	g->from->copied++;
	if (!g->offload.gso_type)
		return send_copy(u, at, g->bytes, g->vlan, &none);
	n = net_segments(&g->headers, g->offload.gso_size);
	u->segments = true; /* room for another is waited for */
	for (unsigned i = 0; i < n && has_room(u, 1); i++)
		send_copy(u, part, net_segment(at, &g->headers, g->offload.gso_size, i, part), g->vlan, &none);
	g->from->segmented++;
}

/* The tag of a guest's memory at this uplink, 0: none, or not yet. */
static uint8_t find_tag(struct uplink *u, struct region *r, uint64_t now)
{
	uint8_t tag = r->at[u->index].tag;

	if (tag)
		return now >= r->at[u->index].usable_ns ? tag : 0;
	if (~r->rights & (RIGHT_PHYS | RIGHT_GRANT))
		return 0;
	for (tag = 1; tag < REF_TAGS; tag++)
		if (!u->tag[tag].owner && !u->tag[tag].in_flight)
			break;
	if (tag == REF_TAGS || connection_share(u->c, r->memory, RIGHT_READ | RIGHT_PHYS | RIGHT_GRANT, tag))
		return 0;
	u->tag[tag].owner = r;
	r->at[u->index].tag = tag;
	r->at[u->index].usable_ns = now + SHARE_NS;
	return 0;
}

/* What lies behind the head, as the guest refers to it, under our tag. False: it cannot be referred to. */
static bool refer(struct uplink *u, const struct cargo *g, struct net_frame *f, uint8_t *tag, uint64_t now)
{
	unsigned skip = g->head_bytes + g->untagged;

	*tag = 0;
	for (unsigned i = 0; i < g->frame->count; i++) {
		struct net_fragment at = g->frame->fragment[i];
		uint32_t offset;
		uint8_t mine;

		if (skip >= at.bytes) {
			skip -= at.bytes;
			continue;
		}
		mine = find_tag(u, &g->from->region[REF_TAG(at.ref)], now);
		if (!mine || (*tag && *tag != mine) || f->count == NIC_FRAGMENTS_MAX)
			return false;
		*tag = mine;
		offset = at.offset + skip;
		f->fragment[f->count++] = (struct net_fragment){REF(mine, REF_PAGE(at.ref) + offset / PAGE_SIZE),
								offset % PAGE_SIZE, at.bytes - skip};
		skip = 0;
	}
	return true;
}

enum verdict uplink_send(struct uplink *u, struct cargo *g, uint64_t now)
{
	uint32_t can = u->link->flags;
	struct net_frame f = {.count = 1, .offload = g->offload};
	struct sent s = {.held = true, .port = g->from->index, .life = g->from->life, .id = g->frame->id,
			 .slots = g->frame->slots};

	if (!has_room(u, 1))
		return DONE;
	if ((g->offload.csum_blank && !(can & NIC_CSUM_TX)) ||
	    (g->offload.gso_type && !(can & (g->offload.gso_type == XEN_NETIF_GSO_TYPE_TCPV4 ? NIC_TSO4 : NIC_TSO6))) ||
	    (g->bytes > COPY_BYTES && !refer(u, g, &f, &s.tag, now))) {
		send_in_software(u, g);
		return DONE;
	}
	if (g->bytes <= COPY_BYTES) {
		send_copy(u, gather(g), g->bytes, g->vlan, &g->offload);
		return DONE;
	}
	f.id = u->free[--u->free_count];
	f.fragment[0] = slot_ref(f.id, put_head(slot_bytes(u, f.id), g->head, g->head_bytes, g->vlan));
	u->big |= g->offload.gso_type;
	return put(u, &f, &s) ? HELD : DONE;
}

void uplink_forget(struct region *r)
{
	for (unsigned i = 0; i < UPLINKS_MAX; i++) {
		uint8_t tag = r->at[i].tag;

		if (!tag || !uplinks[i].open)
			continue;
		uplinks[i].tag[tag].owner = NULL;
		blank(&uplinks[i], tag);
	}
}
