// SPDX-License-Identifier: GPL-2.0-only
/* The simulated machine of test_acpi.c. */
#include "acpi_machine.h"
#include "drivers/acpi/machine.h"
#include <postern/errno.h>
#include <string.h>

#define LOW_BASE 0x70000
#define LOW_BYTES 0x40000
#define FUNCTIONS 32

uint8_t fake_ports[65536];
uint32_t fake_sci_gsi, fake_sci_flags;
unsigned fake_mapped;
char fake_log[8192];

static uint8_t memory[LOW_BYTES] __attribute__((aligned(4096)));
static size_t filled;
static uint64_t rsdp;
static struct {
	uint32_t bdf;
	uint8_t space[256];
} functions[FUNCTIONS];
static unsigned function_count;
static uint8_t acpi_enable; /* the value that FADT names for it */
static uint64_t now;

static void put32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, 4);
}

static void put64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, 8);
}

static void seal(uint8_t *table, size_t bytes, size_t where)
{
	uint8_t sum = 0;

	table[where] = 0;
	for (size_t i = 0; i < bytes; i++)
		sum += table[i];
	table[where] = -sum;
}

/* Copies a table into memory; its physical address. */
static uint64_t place(const void *table, size_t bytes)
{
	uint64_t at = LOW_BASE + filled;

	memcpy(memory + filled, table, bytes);
	filled += (bytes + 63) & ~63ul;
	return at;
}

static void head(uint8_t *table, const char *signature, uint32_t bytes, uint8_t revision)
{
	memset(table, 0, bytes);
	memcpy(table, signature, 4);
	put32(table + 4, bytes);
	table[8] = revision;
	memcpy(table + 10, "TEST  TESTTEST", 14);
}

static void make_fadt(uint8_t *t, uint64_t facs, uint64_t dsdt)
{
	head(t, "FACP", 244, 3);
	put32(t + 36, facs);
	put32(t + 40, dsdt);
	t[46] = 9; /* SCI */
	put32(t + 48, FAKE_SMI_COMMAND);
	t[52] = 0xf1; /* ACPI_ENABLE */
	t[53] = 0xf0;
	put32(t + 56, FAKE_PM1_EVENT);
	put32(t + 64, FAKE_PM1_CONTROL);
	put32(t + 76, FAKE_PM_TIMER);
	t[88] = 4;
	t[89] = 2;
	t[91] = 4;
	put32(t + 112, 1 << 10); /* reset register supported */
	t[116] = 1;		 /* its address: I/O, 8 bits */
	t[117] = 8;
	put64(t + 120, FAKE_RESET);
	t[128] = 0x0f;
	seal(t, 244, 9);
}

static void make_madt(uint8_t *t, const uint8_t *entries, size_t bytes)
{
	head(t, "APIC", 44 + bytes, 1);
	memcpy(t + 44, entries, bytes);
	seal(t, 44 + bytes, 9);
}

static void start_over(void)
{
	memset(memory, 0, sizeof(memory));
	memset(fake_ports, 0, sizeof(fake_ports));
	memset(functions, 0xff, sizeof(functions));
	function_count = 0;
	fake_log[0] = '\0';
	fake_sci_gsi = 0;
	fake_mapped = 0;
	filled = 0;
	rsdp = 0;
}

static void make_roots(const uint64_t *tables, unsigned count)
{
	uint8_t xsdt[36 + 8 * 8], root[36];
	uint64_t at;

	head(xsdt, "XSDT", 36 + 8 * count, 1);
	for (unsigned i = 0; i < count; i++)
		put64(xsdt + 36 + 8 * i, tables[i]);
	seal(xsdt, 36 + 8 * count, 9);
	at = place(xsdt, 36 + 8 * count);
	memset(root, 0, sizeof(root));
	memcpy(root, "RSD PTR ", 8);
	memcpy(root + 9, "TEST  ", 6);
	root[15] = 2;
	put32(root + 20, sizeof(root));
	put64(root + 24, at);
	seal(root, 20, 8);
	seal(root, sizeof(root), 32);
	rsdp = place(root, sizeof(root));
}

void fake_machine_tables(const void *dsdt, size_t bytes, const void *fadt, size_t fadt_bytes,
			 const void *madt, size_t madt_bytes)
{
	uint8_t table[512], facs[64] = "FACS";
	uint64_t tables[2], at;

	start_over();
	at = place(dsdt, bytes);
	put32(facs + 4, 64);
	memcpy(table, fadt, fadt_bytes);
	acpi_enable = table[52];
	put32(table + 36, place(facs, sizeof(facs)));
	put32(table + 40, at);
	if (fadt_bytes >= 148)
		memset(table + 132, 0, 16);
	seal(table, fadt_bytes, 9);
	tables[0] = place(table, fadt_bytes);
	tables[1] = place(madt, madt_bytes);
	make_roots(tables, 2);
}

void fake_machine_madt(const void *dsdt, size_t bytes, const uint8_t *entries, size_t entry_bytes)
{
	uint8_t fadt[244], madt[256];

	make_fadt(fadt, 0, 0);
	make_madt(madt, entries, entry_bytes);
	fake_machine_tables(dsdt, bytes, fadt, sizeof(fadt), madt, 44 + entry_bytes);
}

void fake_machine(const void *dsdt, size_t bytes)
{
	/* IRQ 9 is GSI 20, level, active low. */
	static const uint8_t override[] = {2, 10, 0, 9, 20, 0, 0, 0, 0x0f, 0};

	if (dsdt)
		fake_machine_madt(dsdt, bytes, override, sizeof(override));
	else
		start_over();
}

void fake_function(uint32_t bdf, uint8_t secondary)
{
	uint8_t *s = functions[function_count].space;

	functions[function_count++].bdf = bdf;
	memset(s, 0, 256);
	s[0] = 0x86;
	s[1] = 0x80;
	s[0x0e] = secondary ? 1 : 0;
	s[0x19] = secondary;
}

/* --- machine.h -------------------------------------------------------------------------------- */

uint64_t machine_rsdp(void)
{
	return rsdp;
}

void *machine_map(uint64_t phys, size_t bytes)
{
	if (phys < LOW_BASE || phys - LOW_BASE > LOW_BYTES || bytes > LOW_BYTES - (phys - LOW_BASE))
		return NULL;
	fake_mapped++;
	return memory + (phys - LOW_BASE);
}

void machine_unmap(void *at, size_t bytes)
{
	fake_mapped--;
}

int machine_port_read(uint32_t port, unsigned bits, uint32_t *value)
{
	*value = 0;
	memcpy(value, fake_ports + port, bits / 8);
	return 0;
}

int machine_port_write(uint32_t port, unsigned bits, uint32_t value)
{
	if (port == FAKE_SMI_COMMAND && value == acpi_enable)
		fake_ports[FAKE_PM1_CONTROL] |= 1;
	if (port == FAKE_PM1_EVENT && bits == 16) { /* write ones to clear */
		fake_ports[port] &= ~value;
		fake_ports[port + 1] &= ~(value >> 8);
	} else {
		memcpy(fake_ports + port, &value, bits / 8);
	}
	return 0;
}

int machine_config_read(uint32_t bdf, uint32_t reg, unsigned width, uint32_t *value)
{
	*value = ~0u >> (32 - 8 * width);
	for (unsigned i = 0; i < function_count; i++) {
		if (functions[i].bdf == bdf && reg < 256) {
			*value = 0;
			memcpy(value, functions[i].space + reg, width);
		}
	}
	return 0;
}

int machine_config_write(uint32_t bdf, uint32_t reg, unsigned width, uint32_t value)
{
	for (unsigned i = 0; i < function_count; i++) {
		if (functions[i].bdf == bdf && reg < 256)
			memcpy(functions[i].space + reg, &value, width);
	}
	return 0;
}

int machine_interrupt_attach(uint32_t gsi, uint32_t flags)
{
	fake_sci_gsi = gsi;
	fake_sci_flags = flags;
	return 0;
}

void machine_interrupt_detach(void)
{
	fake_sci_gsi = 0;
}

void machine_alive(void)
{
}

uint64_t machine_clock(void)
{
	return now += 1000;
}

void machine_sleep(uint64_t ns)
{
	now += ns;
}

void machine_spin(uint64_t ns)
{
	now += ns;
}

void machine_log(const char *line)
{
	size_t used = strlen(fake_log);

	if (used + strlen(line) + 2 < sizeof(fake_log)) {
		strcpy(fake_log + used, line);
		strcat(fake_log, "\n");
	}
}
