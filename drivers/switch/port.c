// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port: a guest's network card, from the switch's side.
 *
 *   free --port_connected--> closed --front READY--> open --port_disconnected--> free
 *
 * A port's address is its configuration's, or derived from the guest's name; either way it is entered in the table for
 * good, so frames of others with that address move nothing.
 */
#include <stdio.h>
#include <string.h>
#include "clock.h"
#include "log.h"
#include "switch.h"
#include "syscalls.h"

#define IDENTITIES 64
#define IDENTITY_MAGIC 0x31746e6469ull
#define TURNS_MAX 16

/* Kept by the manager: who got which address, so that a restart changes none whatever came in between. */
struct identities {
	uint64_t magic;
	struct {
		char guest[16];
		uint32_t card;
		uint8_t mac[6];
		uint8_t used, pad;
	} entry[IDENTITIES];
};

struct port ports[PORTS_MAX];
unsigned ports_end;
static struct identities none, *identities = &none;

int identity_init(void)
{
	uint64_t bytes = 0;
	uint32_t kept = module_kept(0, &bytes);
	int64_t memory = kept;
	int ret = 0;

	if (!kept || bytes < sizeof(none)) {
		memory = sys_mem_create(PAGE_SIZE, 0);
		if (memory < 0)
			return memory;
		ret = module_keep(memory, 0);
	}
	if (!ret) {
		void *at = space_map(memory, PAGE_SIZE, MAP_READ | MAP_WRITE);

		if (at)
			identities = at;
	}
	if (identities->magic != IDENTITY_MAGIC) {
		memset(identities, 0, sizeof(*identities));
		identities->magic = IDENTITY_MAGIC;
	}
	return ret;
}

static bool is_taken(const uint8_t *mac, const struct port *but)
{
	for (unsigned i = 0; i < PORTS_MAX; i++)
		if (ports[i].c && &ports[i] != but && !memcmp(ports[i].mac, mac, 6))
			return true;
	return false;
}

static void remember(const struct port *p)
{
	for (unsigned i = 0; i < IDENTITIES; i++) {
		if (identities->entry[i].used)
			continue;
		memcpy(identities->entry[i].guest, p->spec.guest, sizeof(p->spec.guest));
		identities->entry[i].card = p->card;
		memcpy(identities->entry[i].mac, p->mac, 6);
		identities->entry[i].used = 1;
		return;
	}
}

static void choose_mac(struct port *p)
{
	if (p->spec.has_mac) {
		memcpy(p->mac, p->spec.mac, 6);
		return;
	}
	for (unsigned i = 0; i < IDENTITIES; i++)
		if (identities->entry[i].used && identities->entry[i].card == p->card &&
		    !strncmp(identities->entry[i].guest, p->spec.guest, sizeof(p->spec.guest))) {
			memcpy(p->mac, identities->entry[i].mac, 6);
			if (!is_taken(p->mac, p))
				return;
			identities->entry[i].used = 0;
		}
	for (unsigned turn = 0; turn < TURNS_MAX; turn++) {
		spec_derive(p->spec.guest, p->card, turn, p->mac);
		if (!is_taken(p->mac, p))
			break;
	}
	remember(p);
}

static int set_up(struct port *p, struct connection *c, unsigned index)
{
	char what[32];
	int network;

	*p = (struct port){.life = p->life + 1, .index = index, .rings = 1, .card = c->port, .flood_left = FLOOD_BURST};
	if (spec_parse(c->peer, &p->spec, what)) {
		log_line("no card for '%s': %s%s", c->peer, what[0] ? "wrong: " : "no network named", what);
		return -ENODEV;
	}
	network = network_get(p->spec.network);
	if (network < 0) {
		log_line("no room for a network %s", p->spec.network);
		return -ENODEV;
	}
	p->network = network;
	choose_mac(p);
	if (!is_taken(p->mac, p) && table_fix(&table, p->network, p->spec.vlan, p->mac, index))
		return 0;
	log_line("guest %s's card %u is refused: another has the address %02x:%02x:%02x:%02x:%02x:%02x", p->spec.guest,
		 p->card, p->mac[0], p->mac[1], p->mac[2], p->mac[3], p->mac[4], p->mac[5]);
	return -ENODEV;
}

int port_connected(struct connection *c)
{
	unsigned i = 0;
	struct port *p;
	int ret;

	while (i < PORTS_MAX && ports[i].c)
		i++;
	if (i == PORTS_MAX) {
		log_line("no port is free for %s", c->peer);
		return -EBUSY;
	}
	p = &ports[i];
	ret = set_up(p, c, i);
	if (ret)
		return ret;
	if (i >= ports_end)
		ports_end = i + 1;
	p->c = c;
	p->link = c->shared;
	c->private_ = p;
	networks[p->network].listeners += p->spec.promiscuous;
	net_tx_back_init(&p->tx, c->shared);
	for (unsigned n = 0; n < NIC_RX_RINGS_MAX; n++)
		net_rx_back_init_at(&p->rx[n], c->shared, n);
	memcpy(p->link->mac, p->mac, 6);
	p->link->mtu = ETH_MTU;
	p->link->speed = 1000;
	snprintf(p->link->name, sizeof(p->link->name), "%s", p->spec.network);
	p->link->flags = NIC_CSUM_TX | NIC_CSUM_RX | NIC_TSO4 | NIC_TSO6 | (p->spec.promiscuous ? NIC_PROMISCUOUS : 0);
	network_update(p->network, clock_ns());
	__atomic_store_n(&p->link->back_state, LINK_READY, __ATOMIC_RELEASE);
	connection_signal(c);
	return 0;
}

static void forget_region(struct region *r)
{
	if (!r->memory)
		return;
	uplink_forget(r);
	if (r->va)
		sys_unmap(HANDLE_SELF, (uintptr_t)r->va, PAGE_ROUND_UP(r->bytes));
	memset(r, 0, sizeof(*r));
}

void port_disconnected(struct port *p)
{
	for (unsigned i = 0; i < REF_TAGS; i++)
		forget_region(&p->region[i]);
	table_forget_port(&table, p->index);
	networks[p->network].listeners -= p->spec.promiscuous;
	p->c = NULL;
	while (ports_end && !ports[ports_end - 1].c)
		ports_end--;
	p->open = p->waiting = p->again = false;
	p->life++;
}

void port_shared(struct port *p, const struct share *s)
{
	if (s->tag >= REF_TAGS || !(s->rights & RIGHT_READ))
		return;
	forget_region(&p->region[s->tag]);
	p->region[s->tag] = (struct region){.memory = s->memory, .rights = s->rights, .bytes = s->bytes};
	port_serve(p);
}

uint8_t *port_bytes(struct port *p, const struct net_fragment *at, bool write)
{
	struct region *r = &p->region[REF_TAG(at->ref)];
	int64_t offset = r->memory ? net_ref(at, r->bytes) : -EFAULT;
	uint32_t rights = MAP_READ | (r->rights & RIGHT_WRITE ? MAP_WRITE : 0);

	if (offset < 0 || r->unmappable || (write && !(rights & MAP_WRITE)))
		return NULL;
	if (!r->va)
		r->va = space_map(r->memory, r->bytes, rights);
	r->unmappable = !r->va;
	return r->va ? r->va + offset : NULL;
}

/* The ring is faster than the manager, who passes memory on. */
bool port_awaits_memory(const struct port *p, const struct net_fragment *at)
{
	return !p->region[REF_TAG(at->ref)].memory && clock_ns() < p->shares_until;
}

void port_set_link(struct port *p, bool up)
{
	uint32_t flags = up ? p->link->flags | NIC_LINK_UP : p->link->flags & ~NIC_LINK_UP;

	if (flags == p->link->flags)
		return;
	p->link->flags = flags;
	p->link->changes++;
	connection_signal(p->c);
}

void port_answer(struct port *p, uint32_t life, uint16_t id, unsigned slots, int status)
{
	if (!p->c || p->life != life)
		return;
	net_tx_back_answer(&p->tx, id, slots, status);
	p->tell = p->urgent = true;
}

void port_flush(struct port *p)
{
	bool signal;

	if (!p->c || !p->tell)
		return;
	p->tell = false;
	signal = net_tx_back_push(&p->tx);
	for (unsigned n = 0; n < p->rings; n++)
		signal |= net_rx_back_push(&p->rx[n]);
	if (signal && p->urgent)
		connection_signal(p->c);
	else if (signal)
		connection_signal_calmly(p->c);
	p->urgent = false;
}

static void finish(struct port *p, const struct net_frame *f, int status)
{
	net_tx_back_answer(&p->tx, f->id, f->slots, status);
	p->tell = true;
}

static void ask_for_buffers(struct port *p, struct port *to)
{
	struct net_rx_back *rx = &to->rx[to->ring];
	int ready = net_rx_back_ready(rx);

	p->again = ready >= 0 && net_rx_back_wait(rx, ready + 1);
	if (p->again)
		run_again();
}

static bool lacks_memory(const struct port *p, const struct net_frame *f)
{
	for (unsigned i = 0; i < f->count; i++)
		if (port_awaits_memory(p, &f->fragment[i]))
			return true;
	return false;
}

/* False: it waits, and nothing behind it goes first. */
static bool send_one(struct port *p, const struct net_frame *f, uint64_t now)
{
	static struct cargo g;
	int drop = cargo_load(&g, p, f), wait_for;
	enum verdict verdict;

	if (drop == DROP_REFERENCE + 1 && lacks_memory(p, f)) {
		p->frame = *f;
		p->waiting = true;
		p->waits_for = TABLE_NONE;
		p->wait_until = p->shares_until;
		return false;
	}
	if (drop) {
		p->dropped[drop - 1]++;
		p->link->tx_dropped++;
		finish(p, f, drop == DROP_NO_UPLINK + 1 ? NETIF_RSP_DROPPED : NETIF_RSP_ERROR);
		return true;
	}
	g.delivered = p->waiting ? p->delivered : 0;
	verdict = forward(&g, now, &wait_for);
	p->delivered = g.delivered;
	if (verdict == WAIT && (!p->waiting || now < p->wait_until)) {
		if (!p->waiting) {
			p->frame = *f;
			p->wait_until = now + WAIT_NS;
		}
		p->waiting = true;
		p->waits_for = wait_for;
		ask_for_buffers(p, &ports[wait_for]);
		return false;
	}
	if (verdict == WAIT) {
		ports[wait_for].deaf |= 1u << ports[wait_for].ring;
		p->dropped[DROP_NO_BUFFER]++;
	}
	p->link->tx_frames++;
	p->link->tx_bytes += f->bytes;
	if (verdict != HELD)
		finish(p, f, verdict == WAIT ? NETIF_RSP_DROPPED : NETIF_RSP_OKAY);
	return true;
}

static void protest(struct port *p)
{
	log_line("guest %s's card %u is disconnected: its ring is garbage", p->spec.guest, p->card);
	p->open = false;
	p->broken = true;
	connection_hang_up(p->c);
}

static bool may_send(struct port *p)
{
	int active = networks[p->network].active;

	p->stalled = active >= 0 && !uplink_has_room(&uplinks[active]);
	return !p->stalled;
}

/* Those who wait for buffers of this guest. */
static void wake_waiting(const struct port *to)
{
	for (unsigned i = 0; i < ports_end; i++)
		if (ports[i].c && ports[i].waiting && ports[i].waits_for == to->index) {
			ports[i].again = true;
			run_again();
		}
}

static void see_buffers(struct port *p)
{
	bool any = false;

	for (unsigned n = 0; n < p->rings; n++)
		if (net_rx_back_ready(&p->rx[n]) > 0) {
			p->deaf &= ~(1u << n);
			any = true;
		}
	if (any)
		wake_waiting(p);
}

/* What its VMM says before it is ready. */
static void see_front(struct port *p, uint64_t now)
{
	uint32_t room, more;

	p->open = __atomic_load_n(&p->link->front_state, __ATOMIC_ACQUIRE) == LINK_READY;
	room = __atomic_load_n(&p->link->front_headroom, __ATOMIC_RELAXED);
	more = __atomic_load_n(&p->link->front_rings_more, __ATOMIC_RELAXED);
	p->shares_until = now + SHARE_WAIT_NS;
	p->headroom = room < NIC_HEADROOM_MAX ? room : NIC_HEADROOM_MAX;
	p->rings = 1 + (more < NIC_RX_RINGS_MAX ? more : NIC_RX_RINGS_MAX - 1);
}

void port_serve(struct port *p)
{
	uint64_t now = clock_ns();
	struct net_frame f;
	int ret = 1;

	if (!p->c || p->broken)
		return;
	if (!p->open)
		see_front(p, now);
	if (!p->open)
		return;
	p->again = false;
	if (networks[p->network].active >= 0)
		uplink_look(&uplinks[networks[p->network].active]);
	see_buffers(p);
	if (p->waiting) {
		f = p->frame;
		if (!may_send(p) || !send_one(p, &f, now))
			return;
		p->waiting = false;
	}
	for (unsigned n = 0; n < BUDGET && ret && may_send(p); n++) {
		ret = net_tx_back_take(&p->tx, &f);
		if (ret == -EINVAL) {
			p->dropped[DROP_MALFORMED]++;
			p->tell = true;
		}
		if (ret > 0 && !send_one(p, &f, now))
			return;
		if (ret == -EIO)
			return protest(p);
	}
	p->again = !p->stalled && (ret || net_tx_back_wait(&p->tx));
	if (p->again)
		run_again();
}

uint64_t port_deadlines(uint64_t now)
{
	uint64_t next = ~0ull;

	for (unsigned i = 0; i < ports_end; i++) {
		struct port *p = &ports[i];

		if (p->c && p->waiting && now >= p->wait_until)
			port_serve(p);
		if (p->c && p->waiting && p->wait_until < next)
			next = p->wait_until;
	}
	return next;
}
