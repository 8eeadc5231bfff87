// SPDX-License-Identifier: GPL-2.0-only
/* Text: what `networks` and `nics` of the shell show, as lines of the log. */
#include <stdio.h>
#include <string.h>
#include "log.h"
#include "switch.h"

static const char *const names[DROP_KINDS] = {
	[DROP_MALFORMED] = "malformed", [DROP_OVERSIZED] = "oversized",	  [DROP_REFERENCE] = "bad reference",
	[DROP_SPOOFED] = "spoofed",	[DROP_TAGGED] = "tagged",	  [DROP_FLOOD] = "flood",
	[DROP_NO_BUFFER] = "no buffer", [DROP_NO_UPLINK] = "no uplink", [DROP_LOOPED] = "looped",
};

static void add_drops(char *to, size_t size, const uint64_t *dropped)
{
	size_t at = strlen(to);

	for (unsigned i = 0; i < DROP_KINDS; i++)
		if (dropped[i] && at < size)
			at += snprintf(to + at, size - at, ", %s %llu", names[i], (unsigned long long)dropped[i]);
}

static void show_uplink(const struct uplink *u)
{
	char line[400];

	snprintf(line, sizeof(line), "  %s: %s, %s, sent %llu received %llu", u->name, networks[u->network].name,
		 !u->open ? "no driver" : !u->link_up ? "no link"
					: networks[u->network].active == u->index ? "active" : "stands by",
		 (unsigned long long)u->sent_frames, (unsigned long long)u->received);
	add_drops(line, sizeof(line), u->dropped);
	log_line("%s", line);
}

static void show_port(const struct port *p)
{
	const struct nic_link *l = p->link;
	char line[480], vlan[16] = "";

	if (p->spec.vlan)
		snprintf(vlan, sizeof(vlan), " vlan %u", p->spec.vlan);
	if (p->spec.trunk)
		strcpy(vlan, " trunk");
	snprintf(line, sizeof(line),
		 "  %s.%u: %s%s, %02x:%02x:%02x:%02x:%02x:%02x, %s, from it %llu frames %llu bytes, to it %llu frames %llu bytes",
		 p->spec.guest, p->card, networks[p->network].name, vlan, p->mac[0], p->mac[1], p->mac[2], p->mac[3],
		 p->mac[4], p->mac[5], p->open ? "open" : "closed", (unsigned long long)l->tx_frames,
		 (unsigned long long)l->tx_bytes, (unsigned long long)l->rx_frames, (unsigned long long)l->rx_bytes);
	if (p->coalesced && strlen(line) < sizeof(line))
		snprintf(line + strlen(line), sizeof(line) - strlen(line), ", %llu received as parts of others",
			 (unsigned long long)p->coalesced);
	add_drops(line, sizeof(line), p->dropped);
	log_line("%s", line);
}

void text_nics(void)
{
	log_line("network cards:");
	for (unsigned i = 0; i < UPLINKS_MAX; i++)
		if (uplinks[i].known)
			show_uplink(&uplinks[i]);
	for (unsigned i = 0; i < PORTS_MAX; i++)
		if (ports[i].c)
			show_port(&ports[i]);
}

void text_networks(void)
{
	unsigned cards[NETWORKS_MAX] = {0};

	for (unsigned i = 0; i < PORTS_MAX; i++)
		if (ports[i].c)
			cards[ports[i].network]++;
	log_line("networks:");
	for (unsigned i = 0; i < NETWORKS_MAX && networks[i].name[0]; i++) {
		const struct network *n = &networks[i];

		log_line("  %s: %u guests' cards, %u of the machine's%s%s, link %s", n->name, cards[i], n->uplinks,
			 n->active >= 0 ? ", active " : "", n->active >= 0 ? uplinks[n->active].name : "",
			 n->link_up ? "up" : "down");
	}
	log_line("  %u addresses learned, %llu found no room", table.learned, (unsigned long long)table.full);
}
