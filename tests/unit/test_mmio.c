// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/mmio.c hv/vmm/insn.c hv/vmm/emulate.c hv/vmm/emulate_alu.c hv/vmm/emulate_flags.c hv/vmm/emulate_string.c hv/vmm/decode.c hv/vmm/decode_tables.c hv/vmm/pagewalk.c hv/vmm/ioapic.c hv/vmm/pci.c hv/vmm/pci_bar.c hv/vmm/pci_msix.c hv/vmm/io.c hv/vmm/ram.c */
/* Exits with an instruction to decode, from the exit record to the device and back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "vmm/emulate.h"
#include "vmm/guest.h"

#define MIB (1ull << 20)
#define CODE 0x100000
#define DATA 0x200000
#define TABLES 0x10000
#define SELECT 0xfec00000ull
#define WINDOW 0xfec00010ull
#define HOLE 0xf0000000ull

struct guest guest;

static struct vcpu vcpu;
static unsigned ends, reports;
static uint8_t bridge_page[PCI_CONFIG_BYTES];

void guest_lock(void)
{
}

void guest_unlock(void)
{
}

void guest_end(enum guest_end how, uint32_t value, const char *format, ...)
{
	ends++;
	vcpu.run->stop = 1;
}

uint32_t lapic_read(const struct lapic *a, unsigned offset)
{
	return 0;
}

void lapic_write(const struct lapic *a, unsigned offset, uint32_t value)
{
}

void log_line(const char *format, ...)
{
}

void log_vline(const char *format, va_list args)
{
}

void vcpu_inject(struct vcpu *v, uint8_t vector, bool has_error, uint32_t error, uint64_t address)
{
	v->run->inject_vector = vector;
	v->run->inject_has_error = has_error;
	v->run->inject_error = error;
	v->run->inject_address = address;
	v->run->flags |= RUN_INJECT;
}

bool report_unknown(struct vcpu *v, enum policy policy, const char *what, uint64_t address,
		    unsigned size, bool write, uint64_t value)
{
	reports++;
	return policy != POLICY_FAULT;
}

static uint64_t *at(uint64_t gpa)
{
	return (uint64_t *)(guest.ram.base + gpa);
}

/* Long mode; linear = physical for 16 MiB; linear 2 GiB: IO-APIC page; 3 GiB: ECAM; 2 GiB + 2 MiB: a hole. */
static int setup(void **state)
{
	memset(&guest, 0, sizeof(guest));
	memset(&vcpu, 0, sizeof(vcpu));
	ram_init(&guest.ram, calloc(1, 16 * MIB), 16 * MIB);
	guest.phys_bits = 40;
	guest.unknown_mmio = POLICY_ZERO;
	ioapic_reset(&guest.ioapic);
	pci_function_init(&guest.host_bridge, bridge_page, 0x1b36, 8, 0x060000);
	pci_add(&guest.pci, 0, &guest.host_bridge);
	ends = reports = 0;

	*at(TABLES) = (TABLES + 0x1000) | 0x27;
	*at(TABLES + 0x1000) = (TABLES + 0x2000) | 0x27;
	*at(TABLES + 0x1000 + 16) = (TABLES + 0x3000) | 0x27;
	*at(TABLES + 0x1000 + 24) = (TABLES + 0x4000) | 0x27;
	for (uint64_t i = 0; i < 8; i++)
		*at(TABLES + 0x2000 + 8 * i) = i << 21 | 0xe7;
	*at(TABLES + 0x3000) = SELECT | 0xe7;
	*at(TABLES + 0x3000 + 8) = HOLE | 0xe7;
	*at(TABLES + 0x4000) = ECAM_BASE | 0xe7;

	vcpu.run = calloc(1, 4096);
	vcpu.run->cr0 = 0x80000001;
	vcpu.run->cr3 = TABLES;
	vcpu.run->cr4 = 0x20;
	vcpu.run->efer = 0x500;
	vcpu.run->rflags = 2;
	vcpu.run->seg[SEG_CS].attributes = 0xa9b;
	return 0;
}

static int teardown(void **state)
{
	free(guest.ram.base);
	free(vcpu.run);
	return 0;
}

/* Run the code at CODE with RBX = linear as the exit at gpa does; the code's length. */
static unsigned run_at(uint64_t rip, const char *code, unsigned n, uint64_t linear, uint64_t gpa)
{
	struct vcpu_run *r = vcpu.run;

	memset(guest.ram.base + CODE, 0x90, 0x2000);
	memcpy(guest.ram.base + rip, code, n);
	r->reason = EXIT_MMIO;
	r->rip = rip;
	r->flags = 0;
	r->gpr[GPR_RBX] = linear;
	r->mmio.gpa = gpa;
	r->mmio.error = 0x100000004;
	r->mmio.bytes_count = 0;
	mmio_exit(&vcpu);
	return r->flags & RUN_SET_RIP ? r->rip - rip : 0;
}

#define RUN(code, linear, gpa) run_at(CODE, code, sizeof(code) - 1, linear, gpa)
#define LINEAR_IOAPIC 0x80000000ull
#define LINEAR_HOLE 0x80200000ull
#define LINEAR_ECAM 0xc0000000ull

static void test_load_store(void **state)
{
	vcpu.run->gpr[GPR_RAX] = 1;
	assert_int_equal(RUN("\x89\x03", LINEAR_IOAPIC, SELECT), 2); /* mov %eax, (%rbx) */
	assert_int_equal(guest.ioapic.select, 1);
	vcpu.run->gpr[GPR_RCX] = ~0ull;
	assert_int_equal(RUN("\x8b\x4b\x10", LINEAR_IOAPIC, WINDOW), 3); /* mov 16(%rbx), %ecx */
	assert_int_equal(vcpu.run->gpr[GPR_RCX], 0x170020);
	assert_int_equal(RUN("\xc7\x03\x10\x00\x00\x00", LINEAR_IOAPIC, SELECT), 6);
	assert_int_equal(guest.ioapic.select, 0x10);
	/* A read-modify-write: mask bit off and on again. */
	assert_int_equal(RUN("\x81\x63\x10\xff\xff\xfe\xff", LINEAR_IOAPIC, WINDOW), 7);
	assert_int_equal(guest.ioapic.entry[0] & 0x10000, 0);
	assert_int_equal(RUN("\x81\x4b\x10\x00\x00\x01\x00", LINEAR_IOAPIC, WINDOW), 7);
	assert_int_equal(guest.ioapic.entry[0] & 0x10000, 0x10000);
	assert_int_equal(ends + reports, 0);
}

static void test_bytes_of_the_processor(void **state)
{
	struct vcpu_run *r = vcpu.run;

	r->reason = EXIT_MMIO;
	r->rip = 0x7fff00000000; /* not mapped: must not be asked */
	r->gpr[GPR_RBX] = LINEAR_IOAPIC;
	r->gpr[GPR_RAX] = 7;
	r->mmio.gpa = SELECT;
	r->mmio.bytes_count = 2;
	memcpy(r->mmio.bytes, "\x89\x03", 2);
	mmio_exit(&vcpu);
	assert_int_equal(guest.ioapic.select, 7);
	assert_true(r->rip == 0x7fff00000002);
}

static void test_code_across_pages(void **state)
{
	vcpu.run->gpr[GPR_RAX] = 5;
	assert_int_equal(run_at(CODE + 0xfff, "\x89\x03", 2, LINEAR_IOAPIC, SELECT), 2);
	assert_int_equal(guest.ioapic.select, 5);
}

static void test_ecam(void **state)
{
	vcpu.run->gpr[GPR_RAX] = 0xffff;
	assert_int_equal(RUN("\x66\x89\x43\x04", LINEAR_ECAM, ECAM_BASE + 4), 4);
	assert_int_equal(bridge_page[4] | bridge_page[5] << 8, 0x407);
	assert_int_equal(RUN("\x48\x8b\x03", LINEAR_ECAM, ECAM_BASE), 3); /* 8 bytes */
	assert_true(vcpu.run->gpr[GPR_RAX] == 0x0000040700081b36);
}

static void test_copy_from_device(void **state)
{
	struct vcpu_run *r = vcpu.run;

	/* rep movsl of the register page into RAM: the exit's address serves the first read only. */
	r->gpr[GPR_RSI] = LINEAR_ECAM;
	r->gpr[GPR_RDI] = DATA;
	r->gpr[GPR_RCX] = 4;
	assert_int_equal(RUN("\xf3\xa5", 0, ECAM_BASE), 2);
	assert_int_equal(r->gpr[GPR_RCX], 0);
	assert_int_equal((uint32_t)*at(DATA), 0x00081b36);
	assert_int_equal(*at(DATA + 8) >> 24 & 0xff, 6);
}

static void test_fill_across_pages(void **state)
{
	struct vcpu_run *r = vcpu.run;

	/* rep stosq over RAM that ends in a device: RAM through the page tables, not the exit's address. */
	r->gpr[GPR_RAX] = 0x1122334455667788;
	r->gpr[GPR_RDI] = DATA + 0xff8;
	r->gpr[GPR_RCX] = 600;
	assert_int_equal(RUN("\xf3\x48\xab", 0, DATA + 0xff8), 3);
	assert_true(*at(DATA + 0xff8) == 0x1122334455667788);
	assert_true(*at(DATA + 0x1ff8) == 0x1122334455667788);
	assert_true(*at(DATA + 0xff8 + 599 * 8) == 0x1122334455667788);
	assert_true(*at(DATA + 0xff8 + 600 * 8) == 0);
}

static void test_nobody(void **state)
{
	vcpu.run->gpr[GPR_RAX] = ~0ull;
	assert_int_equal(RUN("\x8b\x03", LINEAR_HOLE, HOLE), 2);
	assert_int_equal(vcpu.run->gpr[GPR_RAX], 0);
	assert_int_equal(reports, 1);
	assert_int_equal(ends, 0);
	guest.unknown_mmio = POLICY_FAULT;
	assert_int_equal(RUN("\x89\x03", LINEAR_HOLE, HOLE), 0);
	assert_int_equal(ends, 1);
}

static void test_guest_faults(void **state)
{
	struct vcpu_run *r = vcpu.run;

	/* movs from the device to a page that is not there: #PF for the guest, nothing moved. */
	r->gpr[GPR_RSI] = LINEAR_ECAM;
	r->gpr[GPR_RDI] = 0x40000000;
	RUN("\xa5", 0, ECAM_BASE);
	assert_true(r->flags & RUN_INJECT);
	assert_int_equal(r->inject_vector, 14);
	assert_int_equal(r->inject_error, 2);
	assert_int_equal(r->inject_address, 0x40000000);
	assert_true(r->rip == CODE);
	assert_true(r->gpr[GPR_RSI] == LINEAR_ECAM);
}

static void test_ends(void **state)
{
	struct vcpu_run *r = vcpu.run;

	RUN("\x0f\x6f\x03", LINEAR_IOAPIC, SELECT); /* movq (%rbx), %mm0 */
	assert_int_equal(ends, 1);
	r->stop = 0;
	r->mmio.error = 0x100000014; /* fetch */
	mmio_exit(&vcpu);
	assert_int_equal(ends, 2);
	r->mmio.error = 0x200000006; /* a page-table page */
	mmio_exit(&vcpu);
	assert_int_equal(ends, 3);
	r->cr3 = 0xf0000000; /* tables outside RAM: the code cannot be read */
	RUN("\x8b\x03", LINEAR_IOAPIC, SELECT);
	assert_int_equal(ends, 4);
}

static void test_intercepted(void **state)
{
	struct vcpu_run *r = vcpu.run;
	static const struct {
		char code[4];
		unsigned skip, vector;
	} rows[] = {
		{"\x0f\x09", 2, 0},	{"\xf3\x0f\x09", 3, 0}, {"\x0f\x08", 2, 0},
		{"\x0f\x01\xc8", 0, 6}, {"\x0f\x01\xd8", 0, 6}, {"\x0f\x33", 0, 13},
		{"\x0f\x0b", 0, 6},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		memset(guest.ram.base + CODE, 0x90, 32);
		memcpy(guest.ram.base + CODE, rows[i].code, strlen(rows[i].code));
		r->reason = EXIT_INSN;
		r->rip = CODE;
		r->flags = 0;
		insn_exit(&vcpu);
		if (rows[i].skip) {
			assert_int_equal(r->flags, RUN_SET_RIP);
			assert_int_equal(r->rip, CODE + rows[i].skip);
		} else {
			assert_int_equal(r->flags, RUN_INJECT);
			assert_int_equal(r->inject_vector, rows[i].vector);
		}
	}
	assert_int_equal(ends, 0);
}

static uint32_t port_read(void *device, unsigned port, unsigned size)
{
	return 0xa5;
}

static unsigned written;

static void port_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	written += value;
}

static void test_string_io(void **state)
{
	static const struct io_device nobody = {"test", port_read, port_write, NULL, 0};
	struct vcpu_run *r = vcpu.run;

	io_init(&guest.io, &nobody);
	written = 0;
	memcpy(guest.ram.base + CODE, "\xf3\x6c\xf3\x6e", 4); /* rep insb; rep outsb */
	r->reason = EXIT_IO;
	r->rip = CODE;
	r->gpr[GPR_RDX] = 0x50;
	r->gpr[GPR_RDI] = DATA;
	r->gpr[GPR_RCX] = 3;
	mmio_string_io(&vcpu);
	assert_int_equal(r->rip, CODE + 2);
	assert_int_equal(*at(DATA), 0xa5a5a5);
	r->gpr[GPR_RSI] = DATA;
	r->gpr[GPR_RCX] = 3;
	mmio_string_io(&vcpu);
	assert_int_equal(r->rip, CODE + 4);
	assert_int_equal(written, 3 * 0xa5);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_load_store), T(test_bytes_of_the_processor),
		T(test_code_across_pages), T(test_ecam),
		T(test_copy_from_device), T(test_fill_across_pages),
		T(test_nobody), T(test_guest_faults),
		T(test_ends), T(test_intercepted),
		T(test_string_io),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
