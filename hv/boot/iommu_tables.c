// SPDX-License-Identifier: GPL-2.0-only
// The tables that describe IOMMUs: IVRS (AMD 48882, chapter 5) and DMAR (VT-d 3.0, chapter 8).
#include "boot/acpi.h"
#include "lib/bytes.h"

#define BLOCKS_AT 48 /* in both */

#define IVHD_10 0x10
#define IVHD_11 0x11
#define IVHD_40 0x40
#define IVHD_BDF 4
#define IVHD_BASE 8
#define IVHD_SEGMENT 16
#define IVHD_ENTRIES 24 /* of type 10h; 40 of the others */
#define ENTRY_SPECIAL 72
#define SPECIAL_IOAPIC 1

#define DMAR_FLAGS 37
#define DMAR_REMAPPING 1
#define DRHD 0
#define DRHD_SEGMENT 6
#define DRHD_BASE 8
#define DRHD_SCOPES 16
#define SCOPE_IOAPIC 3
#define SCOPE_BYTES 8 /* with one step of the path */

static void add_unit(struct iommu_facts *out, uint64_t phys, uint16_t bdf)
{
	for (uint32_t i = 0; i < out->units; i++)
		if (out->unit[i].at == phys)
			return;
	if (phys && !(phys & 0xfff) && out->units < IOMMU_UNITS_MAX) {
		out->unit[out->units].at = phys;
		out->unit[out->units++].bdf = bdf;
	}
}

static void add_ioapic(struct iommu_facts *out, uint8_t id, uint16_t bdf)
{
	for (uint32_t i = 0; i < out->ioapics; i++)
		if (out->ioapic[i].id == id)
			return;
	if (out->ioapics < IOMMU_IOAPICS_MAX) {
		out->ioapic[out->ioapics].id = id;
		out->ioapic[out->ioapics++].bdf = bdf;
	}
}

static void ivhd(const uint8_t *p, size_t length, struct iommu_facts *out)
{
	size_t at = p[0] == IVHD_10 ? IVHD_ENTRIES : IVHD_ENTRIES + 16, size;

	if (length < IVHD_ENTRIES || get16(p + IVHD_SEGMENT))
		return;
	add_unit(out, get64(p + IVHD_BASE), get16(p + IVHD_BDF));
	for (; at < length; at += size) {
		size = 4u << (p[at] >> 6);
		if (p[at] >= 0x80 || size > length - at) /* those that follow name ACPI devices */
			return;
		if (p[at] == ENTRY_SPECIAL && p[at + 7] == SPECIAL_IOAPIC)
			add_ioapic(out, p[at + 4], get16(p + at + 5));
	}
}

void iommu_parse_ivrs(const uint8_t *p, size_t length, struct iommu_facts *out)
{
	out->amd = true;
	for (size_t at = BLOCKS_AT, size; at < length && length - at >= 4; at += size) {
		size = get16(p + at + 2);
		if (size < 4 || size > length - at)
			return;
		if (p[at] == IVHD_10 || p[at] == IVHD_11 || p[at] == IVHD_40)
			ivhd(p + at, size, out);
	}
}

static void drhd(const uint8_t *p, size_t length, struct iommu_facts *out)
{
	if (length < DRHD_SCOPES || get16(p + DRHD_SEGMENT))
		return;
	add_unit(out, get64(p + DRHD_BASE), 0);
	for (size_t at = DRHD_SCOPES, size; at < length && length - at >= 2; at += size) {
		size = p[at + 1];
		if (size < 2 || size > length - at)
			return;
		if (p[at] == SCOPE_IOAPIC && size == SCOPE_BYTES)
			add_ioapic(out, p[at + 4],
				   p[at + 5] << 8 | (p[at + 6] & 31) << 3 | (p[at + 7] & 7));
	}
}

void iommu_parse_dmar(const uint8_t *p, size_t length, struct iommu_facts *out)
{
	if (length < BLOCKS_AT)
		return;
	out->no_remapping = !(p[DMAR_FLAGS] & DMAR_REMAPPING);
	for (size_t at = BLOCKS_AT, size; at < length && length - at >= 4; at += size) {
		size = get16(p + at + 2);
		if (size < 4 || size > length - at)
			return;
		if (get16(p + at) == DRHD)
			drhd(p + at, size, out);
	}
}
