// SPDX-License-Identifier: GPL-2.0-only
// A map of RAM, built from lists that may overlap, be unsorted, or wrap.
#include "boot/ram.h"

#define PAGE_MASK 0xfffull
#define LIMIT (1ull << 52) /* physical addresses end here (APM 2, 5.3) */

static bool clip(uint64_t base, uint64_t bytes, uint64_t *end)
{
	if (base >= LIMIT || !bytes)
		return false;
	*end = bytes > LIMIT - base ? LIMIT : base + bytes;
	return true;
}

static void insert(struct ram_map *m, unsigned at, uint64_t base, uint64_t end)
{
	if (m->count == RAM_RANGES_MAX) {
		m->dropped++;
		return;
	}
	for (unsigned i = m->count++; i > at; i--)
		m->range[i] = m->range[i - 1];
	m->range[at] = (struct ram_range){base, end - base};
}

static void delete (struct ram_map *m, unsigned at)
{
	m->count--;
	for (; at < m->count; at++)
		m->range[at] = m->range[at + 1];
}

void ram_add(struct ram_map *m, uint64_t base, uint64_t bytes)
{
	uint64_t end;
	unsigned i;

	if (!clip(base, bytes, &end))
		return;
	base = (base + PAGE_MASK) & ~PAGE_MASK;
	end &= ~PAGE_MASK;
	if (base >= end)
		return;
	for (i = 0; i < m->count && m->range[i].base + m->range[i].bytes < base; i++)
		;
	while (i < m->count && m->range[i].base <= end) {
		uint64_t other = m->range[i].base + m->range[i].bytes;

		base = base < m->range[i].base ? base : m->range[i].base;
		end = end > other ? end : other;
		delete (m, i);
	}
	insert(m, i, base, end);
}

void ram_remove(struct ram_map *m, uint64_t base, uint64_t bytes)
{
	uint64_t end;
	unsigned i = 0;

	if (!clip(base, bytes, &end))
		return;
	base &= ~PAGE_MASK;
	end = (end + PAGE_MASK) & ~PAGE_MASK;
	while (i < m->count) {
		uint64_t from = m->range[i].base, to = from + m->range[i].bytes;

		if (to <= base || from >= end) {
			i++;
			continue;
		}
		delete (m, i);
		if (end < to)
			insert(m, i, end, to);
		if (from < base)
			insert(m, i++, from, base);
	}
}

bool ram_overlaps(const struct ram_map *m, uint64_t base, uint64_t bytes)
{
	uint64_t end;

	for (unsigned i = 0; i < m->count && clip(base, bytes, &end); i++)
		if (m->range[i].base < end && base < m->range[i].base + m->range[i].bytes)
			return true;
	return false;
}

uint64_t ram_bytes(const struct ram_map *m)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < m->count; i++)
		sum += m->range[i].bytes;
	return sum;
}

uint64_t ram_end(const struct ram_map *m)
{
	return m->count ? m->range[m->count - 1].base + m->range[m->count - 1].bytes : 0;
}
