// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/boot.c hv/vmm/processor.c hv/vmm/boot_linux.c hv/vmm/boot_pvh.c hv/vmm/boot_multiboot.c hv/vmm/ram.c hv/vmm/acpi.c hv/vmm/mptable.c hv/vmm/image.c hv/vmm/image_bzimage.c hv/vmm/image_elf.c hv/vmm/image_multiboot.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <postern/errno.h>
#include "vmm/acpi.h"
#include "vmm/boot.h"
#include "vmm/pci.h"

#define MIB (1ull << 20)

static const uint8_t dsdt[64] = "DSDT";
static struct ram ram;

static int setup(void **state)
{
	ram_init(&ram, calloc(1, 16 * MIB), 16 * MIB);
	return 0;
}

static int teardown(void **state)
{
	free(ram.base);
	return 0;
}

static uint32_t get32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

static uint64_t get64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s += *p++;
	return s;
}

/* --- memory map ---------------------------------------------------------------------------------
 */

static void test_e820(void **state)
{
	static const uint64_t sizes[] = {64 << 10,   640 << 10,	 MIB,	   2 * MIB,   512 * MIB,
					 3584 * MIB, 3585 * MIB, 64 << 20, 1ull << 40};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct e820_entry map[E820_MAX];
		struct ram r;
		uint64_t end = 0, total = 0;
		unsigned n;

		ram_init(&r, NULL, sizes[i]);
		n = ram_e820(&r, map);
		assert_true(n <= E820_MAX);
		for (unsigned k = 0; k < n; k++) {
			assert_true(map[k].base >= end);
			assert_true(map[k].size > 0);
			end = map[k].base + map[k].size;
			if (map[k].type == E820_RAM)
				total += map[k].size;
		}
		assert_true(total <= sizes[i]);
		if (sizes[i] >= 2 * MIB)
			assert_int_equal(total, sizes[i] - MIB + RAM_BASE_END);
	}
}

static void test_ram_at(void **state)
{
	struct ram r;
	uint8_t *base = (uint8_t *)0x10000000000;

	ram_init(&r, base, 5ull << 30);
	assert_ptr_equal(ram_at(&r, 0, 1), base);
	assert_ptr_equal(ram_at(&r, 0x9ffff, 1), base + 0x9ffff);
	assert_null(ram_at(&r, 0x9ffff, 2)); /* into the VGA window */
	assert_null(ram_at(&r, 0xa0000, 1));
	assert_null(ram_at(&r, 0xbffff, 2));
	assert_ptr_equal(ram_at(&r, 0xc0000, 4), base + 0xc0000);
	assert_null(ram_at(&r, 0, 2 * MIB));
	assert_ptr_equal(ram_at(&r, RAM_LOW_MAX - 1, 1), base + RAM_LOW_MAX - 1);
	assert_null(ram_at(&r, RAM_LOW_MAX - 1, 2));
	assert_null(ram_at(&r, RAM_LOW_MAX, 1));
	assert_ptr_equal(ram_at(&r, RAM_HIGH, 1), base + RAM_LOW_MAX);
	assert_null(ram_at(&r, RAM_HIGH + (5ull << 30) - RAM_LOW_MAX, 1));
	assert_null(ram_at(&r, ~0ull, 1));
	assert_null(ram_at(&r, 0x100000, ~0ull));
	assert_null(ram_at(&r, RAM_HIGH, ~0ull));
}

/* --- firmware tables -----------------------------------------------------------------------------
 */

static void check_table(uint32_t gpa, const char *signature)
{
	const uint8_t *t = ram_at(&ram, gpa, 36);

	assert_non_null(t);
	assert_memory_equal(t, signature, 4);
	assert_non_null(ram_at(&ram, gpa, get32(t + 4)));
	if (strcmp(signature, "FACS") && strcmp(signature, "DSDT"))
		assert_int_equal(sum(t, get32(t + 4)), 0);
}

static void test_acpi(void **state)
{
	static const char *const names[] = {"FACP", "APIC", "MCFG"};

	for (unsigned cpus = 1; cpus <= 64; cpus += 21) {
		struct acpi_config c = {cpus, dsdt, sizeof(dsdt), false};
		const uint8_t *rsdp = ram_at(&ram, ACPI_RSDP, 36), *xsdt, *rsdt, *fadt, *madt;
		unsigned enabled = 0;

		assert_int_equal(acpi_build(&c, ram_at(&ram, ACPI_TABLES, ACPI_TABLES_BYTES),
					    ram_at(&ram, ACPI_RSDP, 36)),
				 0);
		assert_memory_equal(rsdp, "RSD PTR ", 8);
		assert_int_equal(sum(rsdp, 20), 0);
		assert_int_equal(sum(rsdp, 36), 0);
		check_table(get64(rsdp + 24), "XSDT");
		check_table(get32(rsdp + 16), "RSDT");
		xsdt = ram_at(&ram, get64(rsdp + 24), 36 + 3 * 8);
		rsdt = ram_at(&ram, get32(rsdp + 16), 36 + 3 * 4);
		assert_int_equal(get32(xsdt + 4), 36 + 3 * 8);
		for (unsigned i = 0; i < 3; i++) {
			assert_int_equal(get64(xsdt + 36 + 8 * i), get32(rsdt + 36 + 4 * i));
			check_table(get64(xsdt + 36 + 8 * i), names[i]);
		}
		fadt = ram_at(&ram, get64(xsdt + 36), 244);
		check_table(get32(fadt + 36), "FACS");
		check_table(get32(fadt + 40), "DSDT");
		assert_int_equal(get64(fadt + 140), get32(fadt + 40));
		assert_int_equal(get32(fadt + 76), 0x608); /* PM timer */
		assert_int_equal(fadt[128], 6);		   /* reset value */
		assert_int_equal(get64(fadt + 120), 0xcf9);
		madt = ram_at(&ram, get64(xsdt + 44), 44);
		for (uint32_t at = 44; at < get32(madt + 4); at += madt[at + 1]) {
			assert_true(madt[at + 1] >= 2);
			enabled += madt[at] == 0 && madt[at + 4] == 1;
		}
		assert_int_equal(enabled, cpus);
	}
}

static void test_acpi_no_room(void **state)
{
	static uint8_t big[ACPI_TABLES_BYTES];
	struct acpi_config c = {4, big, sizeof(big), false};

	assert_int_equal(acpi_build(&c, ram_at(&ram, ACPI_TABLES, ACPI_TABLES_BYTES),
				    ram_at(&ram, ACPI_RSDP, 36)),
			 -ENOSPC);
}

static void test_mp(void **state)
{
	uint8_t *p = ram_at(&ram, MP_POINTER, MP_BYTES);
	unsigned n, bytes;

	assert_int_equal(mp_build(64, p, MP_BYTES), 0);
	assert_memory_equal(p, "_MP_", 4);
	assert_int_equal(sum(p, 16), 0);
	assert_int_equal(get32(p + 4), MP_POINTER + 16);
	assert_memory_equal(p + 16, "PCMP", 4);
	bytes = p[20] | p[21] << 8;
	assert_int_equal(sum(p + 16, bytes), 0);
	n = p[16 + 34] | p[16 + 35] << 8;
	for (unsigned at = 16 + 44; n; n--)
		at += p[at] == 0 ? 20 : 8;
	assert_int_equal(mp_build(64, p, 200), -ENOSPC);
	assert_int_equal(mp_build(1, p, 10), -ENOSPC);
}

/* --- kernels
 * -------------------------------------------------------------------------------------- */

static void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, 4);
}

#define SETUP_SECTS 4
#define PAYLOAD 8192
#define BZ_BYTES ((SETUP_SECTS + 1) * 512 + PAYLOAD)

static void make_bzimage(uint8_t *f)
{
	memset(f, 0, BZ_BYTES);
	f[0x1f1] = SETUP_SECTS;
	put32(f + 0x1f4, PAYLOAD / 16);
	f[0x1fe] = 0x55;
	f[0x1ff] = 0xaa;
	f[0x200] = 0xeb;
	f[0x201] = 0x6a;
	memcpy(f + 0x202, "HdrS", 4);
	f[0x206] = 0x0f;
	f[0x207] = 0x02;
	f[0x211] = 1; /* LOADED_HIGH */
	put32(f + 0x214, 0x100000);
	put32(f + 0x22c, 0x7fffffff);
	put32(f + 0x230, 0x200000);
	f[0x234] = 1;
	f[0x236] = 1; /* XLF_KERNEL_64 */
	put32(f + 0x238, 2047);
	put32(f + 0x258, 0x200000);
	put32(f + 0x260, 0x100000);
	memset(f + (SETUP_SECTS + 1) * 512, 0xcc, PAYLOAD);
}

static struct boot_request request(const uint8_t *file, size_t bytes, const char *command_line)
{
	return (struct boot_request){.kernel = {file, bytes, "kernel", NULL},
				     .command_line = command_line,
				     .cpus = 2,
				     .dsdt = dsdt,
				     .dsdt_bytes = sizeof(dsdt)};
}

static void test_linux(void **state)
{
	static uint8_t file[BZ_BYTES], initrd[5000];
	struct boot_request q = request(file, sizeof(file), "console=ttyS0 quiet");
	struct boot_start start;
	struct boot_error error;
	struct vcpu_state s;
	const uint8_t *zero, *gdt;
	uint64_t at;

	make_bzimage(file);
	memset(initrd, 0x77, sizeof(initrd));
	q.initrd = (struct boot_file){initrd, sizeof(initrd), "initrd", NULL};
	assert_int_equal(boot_load(&ram, &q, &start, &error), 0);
	assert_true(start.long_mode);
	zero = ram_at(&ram, start.rsi, 4096);
	assert_non_null(zero);
	assert_memory_equal(zero + 0x202, "HdrS", 4);
	assert_int_equal(zero[0x210], 0xff);
	assert_string_equal(ram_at(&ram, get32(zero + 0x228), 20), "console=ttyS0 quiet");
	assert_int_equal(get32(zero + 0x21c), sizeof(initrd));
	assert_memory_equal(ram_at(&ram, get32(zero + 0x218), sizeof(initrd)), initrd,
			    sizeof(initrd));
	assert_int_equal(get64(zero + 0x70), ACPI_RSDP);
	assert_true(zero[0x1e8] >= 4);
	assert_int_equal(((uint8_t *)ram_at(&ram, start.rip - 0x200, 1))[0], 0xcc);

	/* The state that goes with it: paging on, the kernel and boot_params mapped as they are. */
	boot_state(&s, 0, &start);
	assert_int_equal(s.activity, VCPU_RUNNABLE);
	assert_int_equal(s.cr0 & 0x80000001, 0x80000001);
	assert_int_equal(s.efer, 0x500);
	gdt = ram_at(&ram, s.gdt_base, 32);
	assert_int_equal(gdt[0x10 + 6] & 0x60, 0x20); /* L, not D */
	at = get64(ram_at(&ram, s.cr3, 8)) & ~0xfffull;
	at = get64(ram_at(&ram, at, 8)) & ~0xfffull;
	assert_int_equal(get64(ram_at(&ram, at + 8 * 3, 8)), 3 << 21 | 0x83);

	q.entry = BOOT_32;
	assert_int_equal(boot_load(&ram, &q, &start, &error), 0);
	assert_false(start.long_mode);
	boot_state(&s, 0, &start);
	assert_int_equal(s.cr0 & 0x80000001, 1);
	assert_int_equal(s.seg[SEG_CS].attributes, 0xc9b);
	boot_state(&s, 1, &start);
	assert_int_equal(s.activity, VCPU_WAIT_SIPI);
	assert_int_equal(s.rip, 0xfff0);

	q.entry = BOOT_PVH;
	assert_int_equal(boot_load(&ram, &q, &start, &error), -EINVAL);
	assert_non_null(strstr(error.text, "pvh"));
}

static void test_linux_refused(void **state)
{
	static uint8_t file[BZ_BYTES], initrd[15 << 20];
	static char long_line[4096];
	struct boot_request q = request(file, sizeof(file), "");
	struct boot_start start;
	struct boot_error error;

	make_bzimage(file);
	q.initrd = (struct boot_file){initrd, sizeof(initrd), "initrd", NULL};
	assert_int_equal(boot_load(&ram, &q, &start, &error), -ENOMEM);
	assert_non_null(strstr(error.text, "initrd"));
	q.initrd.data = NULL;
	q.kernel.bytes = 3000; /* truncated */
	assert_int_equal(boot_load(&ram, &q, &start, &error), -EINVAL);
	q.kernel.bytes = sizeof(file);
	memset(long_line, 'a', sizeof(long_line) - 1);
	q.command_line = long_line;
	assert_int_equal(boot_load(&ram, &q, &start, &error), -EINVAL);
	q.command_line = "";
	file[0x202] = 'h';
	assert_int_equal(boot_load(&ram, &q, &start, &error), -EINVAL);
	assert_true(error.text[0]);
}

#define MB_BYTES 4096

static void make_multiboot(uint8_t *f)
{
	static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', 1, 1, 1};

	memset(f, 0, MB_BYTES);
	memcpy(f, ident, sizeof(ident));
	f[16] = 2;
	f[18] = 3;
	put32(f + 20, 1);
	put32(f + 24, 0x100000);
	put32(f + 28, 52);
	f[40] = 52;
	f[42] = 32;
	f[44] = 1;
	put32(f + 52, 1);
	put32(f + 56, 0x100);
	put32(f + 60, 0x100000);
	put32(f + 64, 0x100000);
	put32(f + 68, 0x800);
	put32(f + 72, 0x3000);
	put32(f + 76, 5);
	put32(f + 0x100, 0x1badb002);
	put32(f + 0x104, 0);
	put32(f + 0x108, -0x1badb002);
}

static void test_multiboot(void **state)
{
	static uint8_t file[MB_BYTES], module[3] = "ab";
	struct boot_request q = request(file, sizeof(file), "a b");
	struct boot_start start;
	struct boot_error error;
	const uint8_t *info, *list;

	make_multiboot(file);
	q.multiboot = true;
	q.modules = 2;
	q.module[0] = (struct boot_file){module, sizeof(module), "one", "one 1"};
	q.module[1] = (struct boot_file){module, sizeof(module), "two", NULL};
	memset(ram_at(&ram, 0x100000, 0x4000), 0xee, 0x4000);
	assert_int_equal(boot_load(&ram, &q, &start, &error), 0);
	assert_int_equal(start.rax, 0x2badb002);
	assert_int_equal(start.rip, 0x100000);
	assert_int_equal(((uint8_t *)ram_at(&ram, 0x102fff, 1))[0], 0); /* bss is cleared */
	info = ram_at(&ram, start.rbx, 64);
	assert_int_equal(get32(info) & 0x4d, 0x4d);
	assert_string_equal(ram_at(&ram, get32(info + 16), 4), "a b");
	assert_int_equal(get32(info + 20), 2);
	list = ram_at(&ram, get32(info + 24), 32);
	assert_memory_equal(ram_at(&ram, get32(list), 3), module, 3);
	assert_int_equal(get32(list + 4) - get32(list), 3);
	assert_string_equal(ram_at(&ram, get32(list + 8), 6), "one 1");
	assert_string_equal(ram_at(&ram, get32(list + 24), 4), "two");
	assert_int_not_equal(get32(list), get32(list + 16));
}

static void test_tiny(void **state)
{
	static uint8_t file[MB_BYTES];
	struct boot_request q = request(file, sizeof(file), "");
	struct boot_start start;
	struct boot_error error;
	struct ram small;

	make_multiboot(file);
	q.multiboot = true;
	ram_init(&small, ram.base, 64 << 10);
	assert_int_equal(boot_load(&small, &q, &start, &error), -EINVAL); /* linked at 1 MiB */
	ram_init(&small, ram.base, 4 << 10);
	assert_int_equal(boot_load(&small, &q, &start, &error), -ENOMEM);
	ram_init(&small, ram.base, 2 * MIB);
	assert_int_equal(boot_load(&small, &q, &start, &error), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_e820),	       T(test_ram_at),	  T(test_acpi),
		T(test_acpi_no_room),  T(test_mp),	  T(test_linux),
		T(test_linux_refused), T(test_multiboot), T(test_tiny),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
