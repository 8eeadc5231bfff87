// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <postern/errno.h>
#include "spec.h"

#define VLAN_MAX 4094
#define LOCAL 0x02 /* IEEE 802, 8.2: locally administered */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int spec_mac(const char *text, uint8_t mac[6])
{
	static const uint8_t none[6];

	for (unsigned i = 0; i < 6; i++, text += 3) {
		int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);

		if (low < 0 || text[2] != (i < 5 ? ':' : 0))
			return -EINVAL;
		mac[i] = high << 4 | low;
	}
	return mac[0] & 1 || !memcmp(mac, none, 6) ? -EINVAL : 0;
}

static int parse_vlan(const char *text, uint16_t *vlan)
{
	unsigned n = 0;

	for (; *text >= '0' && *text <= '9' && n <= VLAN_MAX; text++)
		n = n * 10 + *text - '0';
	if (*text || !n || n > VLAN_MAX)
		return -EINVAL;
	*vlan = n;
	return 0;
}

/* The next word of at most size - 1 characters; NULL: none left. One that is longer is cut, and wrong for whoever reads it. */
static const char *next_word(const char *at, char *word, size_t size)
{
	size_t n = 0;

	while (*at == ' ')
		at++;
	if (!*at)
		return NULL;
	for (; *at && *at != ' '; at++)
		if (n < size - 1)
			word[n++] = *at;
	word[n] = 0;
	return at;
}

int spec_parse(const char *text, struct spec *s, char what[32])
{
	char word[32];
	int ret = 0;

	memset(s, 0, sizeof(*s));
	what[0] = 0;
	text = next_word(text, word, sizeof(word));
	if (!text || (strcmp(word, "guest") && strcmp(word, "module")))
		return -EINVAL;
	text = next_word(text, s->guest, sizeof(s->guest));
	text = text ? next_word(text, word, sizeof(word)) : NULL;
	if (!text || strlen(word) >= NETWORK_NAME || strchr(word, '='))
		return -EINVAL;
	strcpy(s->network, word);
	while (!ret && (text = next_word(text, word, sizeof(word)))) {
		if (!strncmp(word, "mac=", 4)) {
			ret = spec_mac(word + 4, s->mac);
			s->has_mac = true;
		} else if (!strncmp(word, "vlan=", 5)) {
			s->trunk = !strcmp(word + 5, "trunk");
			ret = s->trunk ? 0 : parse_vlan(word + 5, &s->vlan);
		} else if (!strcmp(word, "promiscuous")) {
			s->promiscuous = true;
		}
	}
	if (ret)
		strcpy(what, word);
	return ret;
}

void spec_derive(const char *guest, unsigned card, unsigned turn, uint8_t mac[6])
{
	uint64_t h = 0xcbf29ce484222325ull; /* FNV-1a */

	for (; *guest; guest++)
		h = (h ^ (uint8_t)*guest) * 0x100000001b3ull;
	h = (h ^ (card + 1)) * 0x100000001b3ull;
	h = (h ^ turn) * 0x100000001b3ull;
	h ^= h >> 29;
	mac[0] = LOCAL;
	for (unsigned i = 1; i < 6; i++)
		mac[i] = h >> 8 * i;
}
