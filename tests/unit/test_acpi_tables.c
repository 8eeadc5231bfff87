// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/boot/acpi.c hv/boot/iommu_tables.c */
// ACPI's static tables: right ones are understood, cut or lying ones are survived.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "boot/acpi.h"

static uint8_t table[4096];
static size_t length;

static void put(const void *bytes, size_t n)
{
	memcpy(table + length, bytes, n);
	length += n;
}

static void begin(const char *signature, size_t fixed)
{
	memset(table, 0, sizeof(table));
	memcpy(table, signature, 4);
	length = fixed;
}

static void seal(uint8_t *p, size_t n, size_t at)
{
	uint8_t sum = 0;

	p[at] = 0;
	for (size_t i = 0; i < n; i++)
		sum += p[i];
	p[at] = -sum;
}

static void end(void)
{
	uint32_t n = length;

	memcpy(table + 4, &n, 4);
	seal(table, length, 9);
}

// The parser gets an allocation of exactly the table's size, so that reading past it is caught.
static void parse(struct acpi_facts *f)
{
	uint8_t *copy = malloc(length);

	memcpy(copy, table, length);
	acpi_table(copy, length, f);
	free(copy);
}

static struct boot_facts boot;

static struct acpi_facts facts(void)
{
	memset(&boot, 0, sizeof(boot));
	return (struct acpi_facts){.boot = &boot};
}

static void rsdp(void **state)
{
	uint8_t p[36] = "RSD PTR ";
	uint64_t root;
	bool xsdt;

	p[16] = 0x34, p[17] = 0x12;
	seal(p, 20, 8);
	assert_int_equal(acpi_rsdp(p, 20, &root, &xsdt), 0);
	assert_int_equal(root, 0x1234);
	assert_false(xsdt);
	p[15] = 2;
	p[24] = 0x78, p[25] = 0x56, p[28] = 1;
	seal(p, 20, 8);
	seal(p, 36, 32);
	assert_int_equal(acpi_rsdp(p, 36, &root, &xsdt), 0);
	assert_true(xsdt);
	assert_int_equal(root, 0x100005678);
	p[33]++; /* extended checksum wrong: the old part still counts */
	assert_int_equal(acpi_rsdp(p, 36, &root, &xsdt), 0);
	assert_false(xsdt);
	p[16]++;
	assert_true(acpi_rsdp(p, 36, &root, &xsdt) < 0);
	assert_true(acpi_rsdp(p, 19, &root, &xsdt) < 0);
}

static void madt(void **state)
{
	static const uint8_t entries[] = {
		0, 8,  0, 0, 1, 0, 0,	 0,			       /* CPU, APIC id 0 */
		0, 8,  1, 1, 1, 0, 0,	 0,			       /* CPU, APIC id 1 */
		0, 8,  2, 2, 0, 0, 0,	 0,			       /* disabled */
		9, 16, 0, 0, 1, 0, 0,	 0,    1, 0, 0, 0, 1, 0, 0, 0, /* x2APIC: id 1 again */
		9, 16, 0, 0, 0, 1, 0,	 0,    1, 0, 0, 0, 2, 0, 0, 0, /* x2APIC: id 256 */
		1, 12, 8, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0,	       /* IO-APIC */
		2, 10, 0, 0, 2, 0, 0,	 0,    5, 0,		       /* IRQ 0 is GSI 2 */
		5, 12, 0, 0, 0, 0, 0xe0, 0xfe, 1, 0, 0, 0,	       /* local APIC elsewhere */
	};
	struct acpi_facts f = facts();

	begin("APIC", 44);
	put(entries, sizeof(entries));
	end();
	parse(&f);
	assert_int_equal(f.cpu_count, 3);
	assert_int_equal(f.apic_id[1], 1);
	assert_int_equal(f.apic_id[2], 256);
	assert_int_equal(boot.ioapic_count, 1);
	assert_int_equal(boot.ioapic[0].at, 0xfec00000);
	assert_int_equal(f.overrides, 1);
	assert_int_equal(boot.lapic_at, 0x1fee00000);
}

static void madt_lies(void **state)
{
	static const uint8_t zero_length[] = {0, 0, 0, 0, 1, 0, 0, 0},
			     too_long[] = {0, 200, 0, 0, 1, 0, 0, 0};
	struct acpi_facts f = facts();

	begin("APIC", 44);
	put(zero_length, 8);
	end();
	parse(&f);
	begin("APIC", 44);
	put(too_long, 8);
	end();
	parse(&f);
	begin("APIC", 37);
	end();
	parse(&f);
	assert_int_equal(f.cpu_count, 0);
	begin("APIC", 44);
	for (unsigned i = 0; i < 400; i++)
		put((uint8_t[]){0, 8, i, i, 1, 0, 0, 0}, 8);
	end();
	parse(&f);
	assert_int_equal(f.cpu_count, 255);
}

static void mcfg(void **state)
{
	static const uint8_t entry[] = {0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0, 0, 0, 0};
	static const uint8_t reversed[] = {0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 0, 9, 1, 0, 0, 0, 0};
	struct acpi_facts f = facts();

	begin("MCFG", 44);
	put(reversed, 16);
	put(entry, 16);
	end();
	parse(&f);
	assert_int_equal(f.mmconfig_phys, 0xb0000000);
	assert_int_equal(f.mmconfig_last_bus, 255);
	length -= 3; /* cut */
	table[4] = length;
	seal(table, length, 9);
	f.mmconfig_phys = 0;
	parse(&f);
	assert_int_equal(f.mmconfig_phys, 0);
}

static void fadt(void **state)
{
	struct acpi_facts f = facts();

	begin("FACP", 244);
	table[8] = 3;
	table[46] = 9;
	table[76] = 0x08, table[77] = 0x06;
	table[91] = 4;
	table[109] = 2;
	table[113] = 4; /* reset supported */
	table[116] = 1;
	table[120] = 0xf9, table[121] = 0x0c;
	table[128] = 0x0f;
	end();
	parse(&f);
	assert_true(f.reset_supported && !boot.no_i8042);
	assert_int_equal(f.pm_timer_port, 0x608);
	assert_int_equal(f.sci, 9);
	assert_int_equal(f.reset_address, 0xcf9);
	assert_int_equal(boot.reset_value, 0x0f);
	assert_int_equal(acpi_reset(&f), 0xcf9);
	f.reset_space = ACPI_SPACE_PCI; /* 00:1f.2, register 0x44 */
	f.reset_address = 0x1full << 32 | 2 << 16 | 0x44;
	assert_int_equal(acpi_reset(&f), 0);
	f.mmconfig_phys = 0xb0000000;
	assert_int_equal(acpi_reset(&f), 0xb0000000 + (0x1f << 15) + (2 << 12) + 0x44);
	f.reset_space = ACPI_SPACE_MEMORY;
	f.reset_address = 0xfed00000;
	assert_int_equal(acpi_reset(&f), 0xfed00000);
	f.reset_supported = false;
	assert_int_equal(acpi_reset(&f), 0);
	for (size_t n = 36; n < 244; n++) {
		f = facts();
		length = n;
		end();
		parse(&f);
	}
}

static void bad_tables(void **state)
{
	struct acpi_facts f = facts();
	uint64_t out[4];

	begin("IVRS", 48);
	end();
	table[40]++;
	parse(&f);
	assert_false(boot.iommu.amd);
	table[40]--;
	parse(&f);
	assert_true(boot.iommu.amd);
	begin("RSDT", 36);
	put((uint8_t[]){1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 9}, 13);
	end();
	assert_int_equal(acpi_root(table, length, false, out, 4), 2);
	assert_int_equal(out[1], 2);
	assert_int_equal(acpi_table_length((const uint8_t *)"APIC\xff\xff\xff\xff"), 0);
	assert_int_equal(acpi_table_length((const uint8_t *)"APIC\x08\0\0\0"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rsdp), cmocka_unit_test(madt), cmocka_unit_test(madt_lies),
		cmocka_unit_test(mcfg), cmocka_unit_test(fadt), cmocka_unit_test(bad_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
