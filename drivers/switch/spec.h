/* SPDX-License-Identifier: GPL-2.0-only */
/* Spec: what the configuration says of a guest's network card, from the text that the manager sends with the connection:
 * "guest NAME NETWORK [mac=AA:..] [vlan=N|trunk] [promiscuous] [...]". Words that are not the switch's (model=) are left out.
 * A module that opens a card of its own says the same behind "module NAME". */
#ifndef SWITCH_SPEC_H
#define SWITCH_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#define NETWORK_NAME 16

struct spec {
	char guest[16];
	char network[NETWORK_NAME];
	uint8_t mac[6];
	bool has_mac, promiscuous;
	bool trunk;    /* vlan=trunk: it sees and gives the tags of all VLANs itself; without one: no VLAN */
	uint16_t vlan; /* 0: none */
};

/* 0; -EINVAL, *what names the word that is wrong (or is empty: no guest's text). */
int spec_parse(const char *text, struct spec *s, char what[32]);
/* "AA:BB:CC:DD:EE:FF", no group address, not zero. 0 or -EINVAL. */
int spec_mac(const char *text, uint8_t mac[6]);
/* A locally administered address for a guest's nth card, the same every time; `turn` counts up past collisions. */
void spec_derive(const char *guest, unsigned card, unsigned turn, uint8_t mac[6]);

#endif
