/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Table: which address was seen behind which port, for each network and VLAN.
 *
 * Guests' own addresses are fixed: nobody else's frames move them. Others are learned, age, and are bounded
 * for each port, so that a port that invents addresses pushes out nobody's but its own.
 */
#ifndef SWITCH_TABLE_H
#define SWITCH_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#define TABLE_SLOTS 2048 /* a power of two */
#define TABLE_PORTS 48
#define TABLE_LEARNED_MAX 1024 /* learned addresses, all ports */
#define TABLE_PER_GUEST 64
#define TABLE_AGE_NS 300000000000ull /* IEEE 802.1D, 7.9.2: recommended */
#define TABLE_NONE -1

struct table_entry {
	uint8_t mac[6];
	uint8_t network, fixed;
	uint16_t vlan;
	int16_t port; /* TABLE_NONE: free */
	uint64_t seen;
};

struct table {
	struct table_entry entry[TABLE_SLOTS];
	unsigned learned, per_port[TABLE_PORTS];
	uint64_t full; /* addresses that found no room */
};

void table_init(struct table *t);
/* A guest's own address. False: there is one already on another port, or no room. */
bool table_fix(struct table *t, uint8_t network, uint16_t vlan, const uint8_t *mac, int port);
/* The address was seen as a sender's on this port; `limit` is how many it may have. False: it is somebody's fixed one. */
bool table_learn(struct table *t, uint8_t network, uint16_t vlan, const uint8_t *mac, int port, unsigned limit,
		 uint64_t now);
/* The port, or TABLE_NONE. */
int table_find(const struct table *t, uint8_t network, uint16_t vlan, const uint8_t *mac, uint64_t now);
void table_forget_port(struct table *t, int port);
/* Drops what was not seen for TABLE_AGE_NS. */
void table_age(struct table *t, uint64_t now);

#endif
