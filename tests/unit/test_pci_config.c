/* sources: drivers/pci/config.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Configuration space pictures and what is read out of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "drivers/pci/config.h"
#include <postern/channel.h>
#include <postern/errno.h>

struct patch {
	uint8_t at, value;
};

/* An AHCI controller as QEMU's q35 shows it: MSI at 0x80, SATA capability at 0xa8. */
static void make_ahci(uint8_t c[CONFIG_BYTES])
{
	static const uint8_t header[64] = {
		0x86,	       0x80, 0x22,	    0x29,	   0x07, 0x01, 0x10,	      0x00,
		0x02,	       0x01, 0x06,	    0x01,	   0,	 0,    0x80,	      0,
		[0x20] = 0x41, 0x60, [0x24] = 0x00, 0x10,	   0xc6, 0xfe, [0x2c] = 0xf4, 0x1a,
		0x00,	       0x11, [0x34] = 0x80, [0x3c] = 0x0b, 0x01};

	memset(c, 0, CONFIG_BYTES);
	memcpy(c, header, sizeof(header));
	memcpy(c + 0x80, "\x05\xa8\x80\x00", 4);
	memcpy(c + 0xa8, "\x12\x00\x10\x00", 4);
}

static void test_ahci(void **state)
{
	uint8_t c[CONFIG_BYTES];
	struct description d;

	make_ahci(c);
	assert_int_equal(config_describe(c, sizeof(c), &d), 0);
	assert_int_equal(d.vendor, 0x8086);
	assert_int_equal(d.device, 0x2922);
	assert_int_equal(d.class_, 0x010601);
	assert_int_equal(d.revision, 2);
	assert_int_equal(d.subsystem_vendor, 0x1af4);
	assert_int_equal(d.subsystem, 0x1100);
	assert_int_equal(d.pin, 1);
	assert_int_equal(d.bars, 6);
	assert_true(d.multifunction);
	assert_int_equal(d.msi, 0x80);
	assert_int_equal(d.msi_vectors, 1);
	assert_int_equal(d.msix, 0);
	assert_int_equal(d.capabilities, 2);
	assert_int_equal(d.faults, 0);
}

static void test_nobody(void **state)
{
	uint8_t c[CONFIG_BYTES];
	struct description d;

	memset(c, 0xff, sizeof(c));
	assert_int_equal(config_describe(c, sizeof(c), &d), -ENODEV);
	memset(c, 0, sizeof(c));
	assert_int_equal(config_describe(c, sizeof(c), &d), -ENODEV);
	assert_int_equal(config_describe(c, 63, &d), -EINVAL);
	assert_int_equal(config_describe(c, 0, &d), -EINVAL);
}

/* Changes to the AHCI controller and what they lead to. */
static void test_damage(void **state)
{
	static const struct {
		const char *what;
		struct patch patch[8];
		unsigned faults, capabilities;
	} rows[] = {
		{"no list: the status bit counts", {{0x06, 0}}, 0, 0},
		{"empty list", {{0x34, 0}}, 0, 0},
		{"low bits of a pointer are ignored", {{0x34, 0x83}}, 0, 2},
		{"pointer into the header", {{0x34, 0x3c}}, FAULT_CAP_RANGE, 0},
		{"next points into the header", {{0x81, 0x10}}, FAULT_CAP_RANGE, 1},
		{"a capability that points at itself", {{0x81, 0x80}}, FAULT_CAP_LOOP, 1},
		{"a loop of two", {{0xa9, 0x80}}, FAULT_CAP_LOOP, 2},
		{"MSI-X at the very end", {{0x81, 0xfc}, {0xfc, 0x11}}, FAULT_CAP_RANGE, 1},
		{"MSI-X that ends at the end", {{0x81, 0xf4}, {0xf4, 0x11}}, 0, 2},
		{"MSI-X in BAR 7", {{0x81, 0xf4}, {0xf4, 0x11}, {0xf8, 7}}, FAULT_MSIX_BAR, 2},
		{"header type 3", {{0x0e, 0x03}}, FAULT_HEADER, 0},
		{"header type 0x7f, multifunction", {{0x0e, 0xff}}, FAULT_HEADER, 0},
		{"pin 5", {{0x3d, 5}}, 0, 2},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t c[CONFIG_BYTES];
		struct description d;

		make_ahci(c);
		for (unsigned j = 0; j < 8 && rows[i].patch[j].at; j++)
			c[rows[i].patch[j].at] = rows[i].patch[j].value;
		assert_int_equal(config_describe(c, sizeof(c), &d), 0);
		if (d.faults != rows[i].faults || d.capabilities != rows[i].capabilities)
			fail_msg("%s: faults %x, %u capabilities", rows[i].what, d.faults,
				 d.capabilities);
		assert_true(d.pin <= 4);
	}
}

static void test_longest_list(void **state)
{
	uint8_t c[CONFIG_BYTES];
	struct description d;

	make_ahci(c);
	c[0x34] = 0x40;
	for (unsigned at = 0x40; at < 256; at += 4) {
		c[at] = CAP_VENDOR;
		c[at + 1] = at + 4; /* the last one wraps to 0 */
	}
	assert_int_equal(config_describe(c, sizeof(c), &d), 0);
	assert_int_equal(d.capabilities, CAPABILITIES_MAX);
	assert_int_equal(d.faults, 0);
	/* Cut short: what is not there is out of range. */
	assert_int_equal(config_describe(c, 64, &d), 0);
	assert_int_equal(d.faults, FAULT_CAP_RANGE);
}

static void test_bridge(void **state)
{
	uint8_t c[CONFIG_BYTES] = {0x36, 0x1b, 0x0c, 0x00};
	struct description d;

	c[0x0b] = 6;
	c[0x0a] = 4;
	c[0x0e] = 1;
	memcpy(c + 0x18, "\x00\x01\x03", 3);
	memcpy(c + 0x40, "\x0d\x00\x00\x00\x86\x80\x34\x12", 8);
	c[0x06] = 0x10;
	c[0x34] = 0x40;
	assert_int_equal(config_describe(c, sizeof(c), &d), 0);
	assert_int_equal(d.header, HEADER_BRIDGE);
	assert_int_equal(d.bars, 2);
	assert_int_equal(d.secondary, 1);
	assert_int_equal(d.subordinate, 3);
	assert_int_equal(d.subsystem_vendor, 0x8086);
	assert_int_equal(d.subsystem, 0x1234);
	assert_int_equal(d.faults, 0);
	c[0x1a] = 0;
	assert_int_equal(config_describe(c, sizeof(c), &d), 0);
	assert_int_equal(d.faults, FAULT_BUS);
	memcpy(c + 0x18, "\x02\x02\x02", 3); /* leads to itself */
	assert_int_equal(config_describe(c, sizeof(c), &d), 0);
	assert_int_equal(d.faults, FAULT_BUS);
}

static void test_bars(void **state)
{
	static const struct {
		const char *what;
		uint32_t value[2], probed[2];
		struct bar bar;
		unsigned faults;
	} rows[] = {
		{"nothing", {0, 0}, {0, 0}, {0, 0, 0, false}, 0},
		{"32-bit memory",
		 {0xfebc0000, 0},
		 {0xfffe0000, 0},
		 {0xfebc0000, 0x20000, 0, true},
		 0},
		{"ports, all address bits",
		 {0xc001, 0},
		 {0xffffffc1, 0},
		 {0xc000, 64, PCI_BAR_IO, true},
		 0},
		{"ports, 16 address bits",
		 {0xc001, 0},
		 {0xffc1, 0},
		 {0xc000, 64, PCI_BAR_IO, true},
		 0},
		{"ports, read-only zero", {0x1, 0}, {0x1, 0}, {0, 0, PCI_BAR_IO, false}, 0},
		{"64-bit, prefetchable",
		 {0x0000000c, 0x8},
		 {0xc000000c, 0xffffffff},
		 {0x800000000, 0x40000000, PCI_BAR_64 | PCI_BAR_PREFETCH, true},
		 0},
		{"64-bit, over 4 GiB large",
		 {0x00000004, 0x10},
		 {0x00000004, 0xfffffff0},
		 {0x1000000000, 0x1000000000, PCI_BAR_64, true},
		 0},
		{"64-bit that decodes 40 bits",
		 {0xfeb00004, 0},
		 {0xfff00004, 0xff},
		 {0xfeb00000, 0x100000, PCI_BAR_64, true},
		 0},
		{"present, not assigned", {0, 0}, {0xfffff000, 0}, {0, 0x1000, 0, true}, 0},
		{"64-bit, not assigned: the type is in the probe",
		 {0, 0},
		 {0xfffff004, 0xffffffff},
		 {0, 0x1000, PCI_BAR_64, true},
		 0},
		{"below 1 MiB", {0x000d0002, 0}, {0x000f0002, 0}, {0xd0000, 0x10000, 0, true}, 0},
		{"reserved type", {0x6, 0}, {0xfffff006, 0}, {0, 0, 0, false}, FAULT_BAR_TYPE},
		{"a mask with holes",
		 {0xfeb00000, 0},
		 {0xfff0f000, 0},
		 {0xfeb00000, 0, 0, true},
		 FAULT_BAR_SIZE},
		{"one address bit: half of everything",
		 {0x80000000, 0},
		 {0x80000000, 0},
		 {0x80000000, 0x80000000, 0, true},
		 0},
	};
	struct bar bars[BARS_MAX];

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned faults = config_bars(rows[i].value, rows[i].probed, 2, bars);

		if (faults != rows[i].faults || bars[0].address != rows[i].bar.address ||
		    bars[0].bytes != rows[i].bar.bytes || bars[0].flags != rows[i].bar.flags ||
		    bars[0].present != rows[i].bar.present)
			fail_msg("%s: %lx, %lx bytes, flags %x, faults %x", rows[i].what,
				 (long)bars[0].address, (long)bars[0].bytes, bars[0].flags, faults);
		/* The second half of a 64-bit BAR is no BAR. */
		assert_false(bars[1].present);
	}
}

static void test_bars_edges(void **state)
{
	const uint32_t wide[2] = {0x4, 0}, all[2] = {0xfffff004, 0xffffffff};
	const uint32_t asis[2] = {0xfeb00000, 0xc001};
	struct bar bars[BARS_MAX];

	/* 64 bits in the last register. */
	assert_int_equal(config_bars(wide, all, 1, bars), FAULT_BAR_TYPE);
	assert_false(bars[0].present);
	/* Not probed: addresses without sizes. */
	assert_int_equal(config_bars(asis, NULL, 2, bars), 0);
	assert_true(bars[0].present);
	assert_int_equal(bars[0].bytes, 0);
	assert_int_equal(bars[1].address, 0xc000);
	assert_int_equal(bars[1].flags, PCI_BAR_IO);
	assert_int_equal(config_bars(NULL, NULL, 0, bars), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ahci),	   cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_damage),	   cmocka_unit_test(test_longest_list),
		cmocka_unit_test(test_bridge),	   cmocka_unit_test(test_bars),
		cmocka_unit_test(test_bars_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
