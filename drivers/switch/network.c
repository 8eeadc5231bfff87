// SPDX-License-Identifier: GPL-2.0-only
/* Network: which uplink is active, and what its guests see of the link. */
#include <stdio.h>
#include <string.h>
#include "log.h"
#include "switch.h"

struct network networks[NETWORKS_MAX];

int network_get(const char *name)
{
	for (int i = 0; i < NETWORKS_MAX; i++) {
		struct network *n = &networks[i];

		if (!n->name[0]) {
			snprintf(n->name, sizeof(n->name), "%s", name);
			n->active = -1;
			n->link_up = true;
			return i;
		}
		if (!strcmp(n->name, name))
			return i;
	}
	return -1;
}

static bool wants_link(const struct uplink *u, uint64_t now)
{
	return u->away_ns ? now - u->away_ns < AWAY_NS : u->open && u->link_up;
}

/* A network without cards has link. One with cards has it while one of them has, or its driver was there a moment ago: a
 * restart is a short loss of frames, not of the link. */
void network_update(uint8_t network, uint64_t now)
{
	struct network *n = &networks[network];
	bool up = false, any = false;
	int active = -1;

	for (int i = 0; i < UPLINKS_MAX; i++) {
		struct uplink *u = &uplinks[i];

		if (!u->known || u->network != network)
			continue;
		any = true;
		up |= wants_link(u, now);
		if (active < 0 && u->open && u->link_up)
			active = i;
	}
	if (active >= 0 && active != n->active)
		log_line("network %s: %s is the active card", n->name, uplinks[active].name);
	n->active = active;
	up |= !any;
	if (up != n->link_up)
		log_line("network %s: link %s", n->name, up ? "up" : "down");
	n->link_up = up;
	for (unsigned i = 0; i < PORTS_MAX; i++)
		if (ports[i].c && ports[i].network == network)
			port_set_link(&ports[i], up);
}
