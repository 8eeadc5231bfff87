// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replacement of the gateway under a running guest.
 *
 * A thread of the guest can sleep in the middle of a body, so a body that was used stays as and where it is until the
 * guest resets. The new one gets the next free page of the window that the ROM lies in; then the entry page is
 * replaced, which holds nothing but data and jumps. Both fit at any moment: a jump's bytes change while no processor
 * runs, and hypercalls of both bodies are understood, because the core looks at the page that they come from.
 */
#include <string.h>
#include <postern/gateway.h>
#include <postern/vmi.h>
#include "gateway.h"
#include "gateway_priv.h"

#define PAGE 4096u
#define JUMP 0xe9
#define RET 0xc3
#define ENDBR32 0xfb1e0ff3

/* The jump at `at` of the entry page, made to go to the body's new page. */
static bool move_jump(uint8_t *entry, unsigned at, uint32_t by)
{
	uint32_t distance = get32(entry + at + 1);

	if (entry[at] != JUMP || at + 5 + distance - GATEWAY_BODY >= PAGE)
		return false;
	put32(entry + at + 1, distance + by);
	return true;
}

static bool move_slots(uint8_t *entry, uint32_t by)
{
	for (unsigned n = 0; n < entry[GATEWAY_AT_SLOT_COUNT]; n++) {
		unsigned at = GATEWAY_SLOTS + n * GATEWAY_SLOT_BYTES;

		if (get32(entry + at) != ENDBR32)
			return false;
		if (entry[at + 4] != RET && !move_jump(entry, at + 4, by))
			return false;
	}
	return true;
}

static const char *fits(const struct gateway *g, const uint8_t *old, const uint8_t *data,
			size_t bytes)
{
	const char *wrong = gateway_check(data, bytes);

	if (wrong)
		return wrong;
	if (!gateway_pages(data))
		return "it was not made to replace another";
	if (get16(data + GATEWAY_AT_SLOTS) != GATEWAY_SLOTS ||
	    data[GATEWAY_AT_SLOT_BYTES] != GATEWAY_SLOT_BYTES ||
	    data[GATEWAY_AT_SLOT_COUNT] > (PAGE - GATEWAY_SLOTS) / GATEWAY_SLOT_BYTES)
		return "its slots are elsewhere";
	if (data[GATEWAY_AT_SLOT_COUNT] < old[GATEWAY_AT_SLOT_COUNT] ||
	    data[VMI_VROM_HEADER_API_VERSION_MIN] < old[VMI_VROM_HEADER_API_VERSION_MIN] ||
	    g->features & ~get32(data + GATEWAY_AT_POSSIBLE))
		return "it cannot do all that the guest uses already";
	if (g->virtual_top && !get16(data + GATEWAY_AT_TABLES))
		return "it cannot lie above the fixmap, where the guest calls it";
	return NULL;
}

const char *gateway_swap_prepare(const struct ram *ram, const struct gateway *g,
				 const uint8_t *data, size_t bytes, struct gateway_swap *s)
{
	const uint8_t *old = ram_at(ram, GATEWAY_AT, PAGE);
	const char *wrong;
	uint32_t by;

	if (!g->present || !old)
		return "the guest has no gateway";
	wrong = fits(g, old, data, bytes);
	if (wrong)
		return wrong;
	if (!g->pages)
		return "the one that the guest has cannot be replaced while it runs";
	if (g->next >= g->pages)
		return "there is no page left for it before the guest's next reset";
	memcpy(s->entry, data, PAGE);
	memcpy(s->body, data + GATEWAY_BODY, PAGE);
	s->page = g->next;
	s->epoch = get16(data + GATEWAY_AT_EPOCH);
	s->exits = gateway_exits(data);
	s->engine = (const char *)data + get16(data + GATEWAY_AT_ENGINE);
	by = s->page * PAGE - GATEWAY_BODY;
	if (get32(s->body + GATEWAY_BODY_LINK) != GATEWAY_BODY ||
	    !move_jump(s->entry, GATEWAY_INIT_JUMP, by) ||
	    !move_jump(s->entry, GATEWAY_RELOC_JUMP, by) || !move_slots(s->entry, by))
		return "its entry page is more than jumps";
	put32(s->body + GATEWAY_BODY_LINK, s->page * PAGE);
	put32(s->entry + GATEWAY_AT_FEATURES, g->features);
	put32(s->entry + VMI_VROM_HEADER_VIRTUAL_TOP, g->virtual_top);
	/* What is in the image behind the entry page is the first ROM's, and not this one's source. */
	s->entry[VMI_VROM_HEADER_ROM_LENGTH] = old[VMI_VROM_HEADER_ROM_LENGTH];
	put32(s->entry + GATEWAY_AT_SOURCE, 0);
	put32(s->entry + GATEWAY_AT_SOURCE_BYTES, 0);
	s->entry[GATEWAY_AT_CHECKSUM] += gateway_sum(old, PAGE) - gateway_sum(s->entry, PAGE);
	return NULL;
}

void gateway_swap_commit(const struct ram *ram, struct gateway *g, const struct gateway_swap *s)
{
	uint8_t *window = ram_at(ram, GATEWAY_AT, (s->page + 1) * PAGE);

	if (!window)
		return;
	memcpy(window + s->page * PAGE, s->body, PAGE);
	memcpy(window, s->entry, PAGE);
	g->epochs[s->page] = s->epoch;
	g->exits[s->page] = s->exits;
	g->epoch = s->epoch;
	g->engine = s->engine;
	g->next = s->page + 1;
	g->generation++;
}
