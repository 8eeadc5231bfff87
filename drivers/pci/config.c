// SPDX-License-Identifier: GPL-2.0-only
/* Configuration space in, description out. */
#include "bytes.h"
#include "config.h"
#include <postern/channel.h>
#include <postern/errno.h>
#include <string.h>

#define HEADER_BYTES 64

/* The bytes of a capability that we read. */
static unsigned capability_bytes(uint8_t id)
{
	switch (id) {
	case CAP_MSI:
	case CAP_EXPRESS:
		return 4;
	case CAP_MSIX:
		return 12;
	case CAP_SUBSYSTEM:
		return 8;
	default:
		return 2;
	}
}

static void take_capability(struct description *d, const uint8_t *c, uint8_t offset)
{
	switch (c[0]) {
	case CAP_POWER:
		d->power = offset;
		break;
	case CAP_MSI:
		d->msi = offset;
		/* Multiple message capable: a power of two up to 32; two codes are reserved. */
		d->msi_vectors = (c[2] >> 1 & 7) <= 5 ? 1 << (c[2] >> 1 & 7) : 1;
		break;
	case CAP_MSIX:
		d->msix = offset;
		d->msix_vectors = (get16(c + 2) & 0x7ff) + 1;
		d->msix_bar = c[4] & 7;
		d->msix_offset = get32(c + 4) & ~7u;
		if (d->msix_bar >= d->bars)
			d->faults |= FAULT_MSIX_BAR;
		break;
	case CAP_EXPRESS:
		d->express = offset;
		d->express_type = c[2] >> 4;
		break;
	case CAP_SUBSYSTEM:
		d->subsystem_vendor = get16(c + 4);
		d->subsystem = get16(c + 6);
		break;
	}
}

static void walk_capabilities(const uint8_t *picture, size_t bytes, struct description *d)
{
	uint64_t seen = 0; /* bit n: the dword at 4n */
	uint8_t at;

	if (!(get16(picture + REG_STATUS) & STATUS_CAPABILITIES) || d->faults & FAULT_HEADER)
		return;
	/* The two low bits of a pointer are reserved: software masks them (6.7). */
	at = d->header == HEADER_CARDBUS ? REG_CAPABILITIES_CARDBUS : REG_CAPABILITIES;
	at = picture[at] & ~3;
	while (at) {
		if (at < HEADER_BYTES || (size_t)at + 2 > bytes ||
		    capability_bytes(picture[at]) > bytes - at) {
			d->faults |= FAULT_CAP_RANGE;
			return;
		}
		if (seen >> at / 4 & 1) {
			d->faults |= FAULT_CAP_LOOP;
			return;
		}
		seen |= 1ull << at / 4;
		d->capabilities++;
		take_capability(d, picture + at, at);
		at = picture[at + 1] & ~3;
	}
}

static void read_header(const uint8_t *picture, struct description *d)
{
	switch (d->header) {
	case HEADER_DEVICE:
		d->bars = 6;
		d->subsystem_vendor = get16(picture + REG_SUBSYSTEM);
		d->subsystem = get16(picture + REG_SUBSYSTEM + 2);
		break;
	case HEADER_BRIDGE:
	case HEADER_CARDBUS:
		d->bars = d->header == HEADER_BRIDGE ? 2 : 1;
		d->secondary = picture[REG_SECONDARY];
		d->subordinate = picture[REG_SECONDARY + 1];
		if (d->secondary <= picture[REG_SECONDARY - 1] || d->subordinate < d->secondary)
			d->faults |= FAULT_BUS;
		break;
	default:
		d->faults |= FAULT_HEADER;
	}
	if (!(d->faults & FAULT_HEADER) && picture[REG_PIN] <= 4)
		d->pin = picture[REG_PIN];
}

int config_describe(const uint8_t *picture, size_t bytes, struct description *d)
{
	memset(d, 0, sizeof(*d));
	if (bytes < HEADER_BYTES)
		return -EINVAL;
	if (bytes > CONFIG_BYTES)
		bytes = CONFIG_BYTES;
	d->vendor = get16(picture);
	d->device = get16(picture + 2);
	if (d->vendor == 0xffff || d->vendor == 0)
		return -ENODEV;
	d->revision = picture[REG_REVISION];
	d->class_ = get32(picture + REG_REVISION) >> 8;
	d->header = picture[REG_HEADER] & ~HEADER_MULTI;
	d->multifunction = picture[REG_HEADER] & HEADER_MULTI;
	read_header(picture, d);
	walk_capabilities(picture, bytes, d);
	return 0;
}

/* The size that a mask of settable address bits stands for; 0 when it has holes. Upper bits may be
 * missing: some devices decode less than 64. */
static uint64_t mask_bytes(uint64_t mask)
{
	uint64_t bytes = mask & -mask;
	uint64_t ones = mask / bytes;

	return ones & (ones + 1) ? 0 : bytes;
}

static unsigned io_bar(uint32_t value, const uint32_t *probed, struct bar *bar)
{
	uint32_t mask;

	bar->flags = PCI_BAR_IO;
	bar->address = value & ~3u;
	bar->present = value & ~3u;
	if (!probed)
		return 0;
	mask = *probed & ~3u;
	if (!mask) {
		bar->present = false;
		return 0;
	}
	/* Devices may leave the upper 16 bits out (6.2.5.1). */
	if (!(mask & 0xffff0000))
		mask |= 0xffff0000;
	bar->present = true;
	bar->bytes = mask_bytes(mask);
	return bar->bytes ? 0 : FAULT_BAR_SIZE;
}

static unsigned memory_bar(const uint32_t *value, const uint32_t *probed, bool wide,
			   struct bar *bar)
{
	uint64_t mask;

	bar->flags = (wide ? PCI_BAR_64 : 0) | (value[0] & BAR_PREFETCH ? PCI_BAR_PREFETCH : 0);
	bar->address = (value[0] & ~15u) | (wide ? (uint64_t)value[1] << 32 : 0);
	bar->present = bar->address;
	if (!probed)
		return 0;
	mask = (probed[0] & ~15u) | (wide ? (uint64_t)probed[1] << 32 : 0);
	if (!mask) {
		bar->present = false;
		return 0;
	}
	bar->present = true;
	bar->bytes = mask_bytes(mask);
	return bar->bytes ? 0 : FAULT_BAR_SIZE;
}

unsigned config_bars(const uint32_t *value, const uint32_t *probed, unsigned count,
		     struct bar bars[BARS_MAX])
{
	unsigned faults = 0;

	memset(bars, 0, BARS_MAX * sizeof(*bars));
	for (unsigned i = 0; i < count; i++) {
		const uint32_t *p = probed ? probed + i : NULL;
		uint32_t kind = value[i];
		bool wide;

		/* A BAR that firmware left alone shows its type only when probed. */
		if (!kind && p)
			kind = *p;
		if (kind & BAR_IO) {
			faults |= io_bar(value[i], p, &bars[i]);
			continue;
		}
		wide = (kind & BAR_TYPE) == BAR_TYPE_64;
		if ((kind & BAR_TYPE) == BAR_TYPE || (wide && i + 1 == count)) {
			faults |= FAULT_BAR_TYPE;
			continue;
		}
		faults |= memory_bar(value + i, p, wide, &bars[i]);
		i += wide;
	}
	return faults;
}
