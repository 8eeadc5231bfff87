// SPDX-License-Identifier: GPL-2.0-only
/* Table: open addressing, looked at PROBES deep. A free slot in a row does not end a search: entries age anywhere. */
#include <string.h>
#include "table.h"

#define PROBES 8

void table_init(struct table *t)
{
	memset(t, 0, sizeof(*t));
	for (unsigned i = 0; i < TABLE_SLOTS; i++)
		t->entry[i].port = TABLE_NONE;
}

/* An address with its network and VLAN as one number: VLANs have 12 bits. */
static uint64_t key_of(uint8_t network, uint16_t vlan, const uint8_t *mac)
{
	uint32_t high;
	uint16_t low;

	memcpy(&high, mac, 4);
	memcpy(&low, mac + 4, 2);
	return (uint64_t)high << 32 ^ (uint64_t)low << 16 ^ vlan ^ (uint64_t)network << 12;
}

/* The multiplier is 2^64 divided by the golden ratio; only the product's upper bits depend on all of the key. */
static unsigned hash(uint8_t network, uint16_t vlan, const uint8_t *mac)
{
	return key_of(network, vlan, mac) * 0x9e3779b97f4a7c15ull >> (64 - __builtin_ctz(TABLE_SLOTS));
}

static bool is(const struct table_entry *e, uint8_t network, uint16_t vlan, const uint8_t *mac)
{
	return e->port != TABLE_NONE && e->network == network && e->vlan == vlan && !memcmp(e->mac, mac, 6);
}

static struct table_entry *find(const struct table *t, uint8_t network, uint16_t vlan, const uint8_t *mac)
{
	unsigned at = hash(network, vlan, mac);

	for (unsigned i = 0; i < PROBES; i++) {
		const struct table_entry *e = &t->entry[(at + i) & (TABLE_SLOTS - 1)];

		if (is(e, network, vlan, mac))
			return (struct table_entry *)e;
	}
	return NULL;
}

static void drop(struct table *t, struct table_entry *e)
{
	if (!e->fixed) {
		t->learned--;
		t->per_port[e->port]--;
	}
	e->port = TABLE_NONE;
}

static struct table_entry *find_free(struct table *t, uint8_t network, uint16_t vlan, const uint8_t *mac)
{
	unsigned at = hash(network, vlan, mac);

	for (unsigned i = 0; i < PROBES; i++) {
		struct table_entry *e = &t->entry[(at + i) & (TABLE_SLOTS - 1)];

		if (e->port == TABLE_NONE)
			return e;
	}
	return NULL;
}

static void fill(struct table_entry *e, uint8_t network, uint16_t vlan, const uint8_t *mac, int port)
{
	*e = (struct table_entry){.network = network, .vlan = vlan, .port = port};
	memcpy(e->mac, mac, 6);
}

/* A learned entry in the way makes room for a fixed one. */
bool table_fix(struct table *t, uint8_t network, uint16_t vlan, const uint8_t *mac, int port)
{
	struct table_entry *e = find(t, network, vlan, mac);
	unsigned at = hash(network, vlan, mac);

	if (e && e->fixed)
		return e->port == port;
	if (e)
		drop(t, e);
	e = find_free(t, network, vlan, mac);
	for (unsigned i = 0; !e && i < PROBES; i++) {
		struct table_entry *old = &t->entry[(at + i) & (TABLE_SLOTS - 1)];

		if (old->fixed)
			continue;
		drop(t, old);
		e = old;
	}
	if (!e)
		return false;
	fill(e, network, vlan, mac, port);
	e->fixed = 1;
	return true;
}

bool table_learn(struct table *t, uint8_t network, uint16_t vlan, const uint8_t *mac, int port, unsigned limit,
		 uint64_t now)
{
	struct table_entry *e = find(t, network, vlan, mac);

	if (e && e->fixed)
		return e->port == port;
	if (e && e->port == port) {
		e->seen = now;
		return true;
	}
	if (t->per_port[port] >= limit || (!e && t->learned >= TABLE_LEARNED_MAX)) {
		t->full++;
		return true;
	}
	if (e)
		drop(t, e);
	else
		e = find_free(t, network, vlan, mac);
	if (!e) {
		t->full++;
		return true;
	}
	fill(e, network, vlan, mac, port);
	e->seen = now;
	t->learned++;
	t->per_port[port]++;
	return true;
}

int table_find(const struct table *t, uint8_t network, uint16_t vlan, const uint8_t *mac, uint64_t now)
{
	const struct table_entry *e = find(t, network, vlan, mac);

	if (!e || (!e->fixed && now - e->seen > TABLE_AGE_NS))
		return TABLE_NONE;
	return e->port;
}

void table_forget_port(struct table *t, int port)
{
	for (unsigned i = 0; i < TABLE_SLOTS; i++)
		if (t->entry[i].port == port)
			drop(t, &t->entry[i]);
}

void table_age(struct table *t, uint64_t now)
{
	for (unsigned i = 0; i < TABLE_SLOTS; i++) {
		struct table_entry *e = &t->entry[i];

		if (e->port != TABLE_NONE && !e->fixed && now - e->seen > TABLE_AGE_NS)
			drop(t, e);
	}
}
