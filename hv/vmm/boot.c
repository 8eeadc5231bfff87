// SPDX-License-Identifier: GPL-2.0-only
/* Boot: what all protocols share. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <postern/errno.h>
#include "acpi.h"
#include "boot.h"
#include "processor.h"

#define SELECTOR_CODE 0x10 /* Linux boot.rst: __BOOT_CS, __BOOT_DS */
#define SELECTOR_DATA 0x18

#define CR0_PE 0x1u
#define CR0_ET 0x10u
#define CR0_NE 0x20u
#define CR0_PG 0x80000000u
#define CR4_PAE 0x20u
#define EFER_LME 0x100u
#define EFER_LMA 0x400u

int boot_fail(struct boot_error *e, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	return code;
}

uint32_t boot_text(struct boot_plan *p, const char *text)
{
	size_t n = strlen(text) + 1;
	uint32_t gpa = BOOT_TEXT + p->text_used;
	char *to;

	if (n > BOOT_TEXT_BYTES - p->text_used)
		return 0;
	to = ram_at(p->ram, gpa, n);
	if (!to)
		return 0;
	memcpy(to, text, n);
	p->text_used += n;
	return gpa;
}

/* What a BIOS leaves behind: BIOS data area, tables below 1 MiB. Small guests have no room for
 * tables. */
static int firmware(const struct ram *ram, const struct boot_request *q, struct boot_error *error)
{
	uint8_t *bda = ram_at(ram, 0x400, 0x100),
		*tables = ram_at(ram, ACPI_TABLES, ACPI_TABLES_BYTES);
	uint8_t *mp = ram_at(ram, MP_POINTER, MP_BYTES), *rsdp = ram_at(ram, ACPI_RSDP, 64);
	struct acpi_config config = {q->cpus, q->dsdt, q->dsdt_bytes, q->vga};
	uint16_t ebda = RAM_BASE_END >> 4, kib = RAM_BASE_END >> 10, com1 = 0x3f8;

	if (bda) {
		memcpy(bda + 0x00, &com1, 2);
		memcpy(bda + 0x0e, &ebda, 2);
		memcpy(bda + 0x13, &kib, 2);
	}
	if (!tables || !mp || !rsdp)
		return 0;
	if (acpi_build(&config, tables, rsdp) || mp_build(q->cpus, mp, MP_BYTES))
		return boot_fail(error, -ENOMEM, "the ACPI tables for %u processors do not fit",
				 q->cpus);
	return 0;
}

static int copy_image(const struct boot_plan *p, struct boot_error *error)
{
	const struct image_plan *image = &p->image;

	for (unsigned i = 0; i < image->nsegments; i++) {
		const struct image_segment *s = &image->segment[i];
		uint8_t *to = ram_at(p->ram, s->gpa, s->memsz);

		if (!to || s->offset > p->q->kernel.bytes ||
		    s->filesz > p->q->kernel.bytes - s->offset)
			return boot_fail(error, -EINVAL, "%s: segment %u does not lie in RAM",
					 p->q->kernel.name, i);
		memcpy(to, p->q->kernel.data + s->offset, s->filesz);
		if (!p->q->fresh)
			memset(to + s->filesz, 0, s->memsz - s->filesz);
	}
	return 0;
}

static int copy_initrd(struct boot_plan *p, struct boot_error *error)
{
	const struct boot_file *f = &p->q->initrd;
	uint8_t *to;

	if (!f->data || !f->bytes)
		return 0;
	if (image_place(&p->image, &p->space, f->bytes, 0, &p->initrd_gpa) != IMAGE_OK)
		return boot_fail(error, -ENOMEM,
				 "%s: the initrd, %llu bytes, does not fit beside the kernel: "
				 "give the guest more memory",
				 f->name, (unsigned long long)f->bytes);
	to = ram_at(p->ram, p->initrd_gpa, f->bytes);
	if (!to)
		return boot_fail(error, -ENOMEM, "initrd %s: no RAM at %#llx", f->name,
				 (unsigned long long)p->initrd_gpa);
	memcpy(to, f->data, f->bytes);
	return 0;
}

static unsigned kernel_space(const struct ram *ram, struct image_range *range)
{
	uint64_t base = ram->low < RAM_BASE_END ? ram->low : RAM_BASE_END;
	unsigned n = 0;

	if (base > BOOT_FREE)
		range[n++] = (struct image_range){BOOT_FREE, base - BOOT_FREE};
	if (ram->low > RAM_1M)
		range[n++] = (struct image_range){RAM_1M, ram->low - RAM_1M};
	if (ram->high)
		range[n++] = (struct image_range){RAM_HIGH, ram->high};
	return n;
}

static int start_by(struct boot_plan *p, struct boot_start *start, struct boot_error *error)
{
	enum boot_entry entry = p->q->entry;

	switch (p->image.kind) {
	case IMAGE_BZIMAGE:
		if (entry == BOOT_PVH)
			return boot_fail(
				error, -EINVAL,
				"%s: entry = pvh needs an ELF kernel (vmlinux), this is a bzImage",
				p->q->kernel.name);
		return boot_linux(p, start, error);
	case IMAGE_PVH:
		if (entry == BOOT_64 || entry == BOOT_32)
			return boot_fail(error, -EINVAL,
					 "%s: entry = 32 or 64 needs a bzImage, this is an ELF "
					 "with a PVH entry",
					 p->q->kernel.name);
		return boot_pvh(p, start, error);
	case IMAGE_MULTIBOOT:
		return boot_multiboot(p, start, error);
	default:
		return boot_fail(error, -EINVAL, "%s: no kernel that we know", p->q->kernel.name);
	}
}

int boot_load(const struct ram *ram, const struct boot_request *q, struct boot_start *start,
	      struct boot_error *error)
{
	struct image_range range[3];
	struct boot_plan p = {.ram = ram, .q = q, .space = {range, kernel_space(ram, range)}};
	int e;

	*start = (struct boot_start){0};
	if (!ram_at(ram, 0, BOOT_FREE))
		return boot_fail(error, -ENOMEM, "the guest has less than 64 KiB of memory");
	e = q->multiboot ? image_multiboot(q->kernel.data, q->kernel.bytes, &p.space, &p.image)
			 : image_parse(q->kernel.data, q->kernel.bytes, &p.space, &p.image);
	if (e != IMAGE_OK && !p.image.detail[0] && !p.image.detail[1])
		return boot_fail(error, -EINVAL, "%s: %s", q->kernel.name, image_sentence(e));
	if (e != IMAGE_OK)
		return boot_fail(error, -EINVAL, "%s: %s (%#llx, %#llx)", q->kernel.name,
				 image_sentence(e), (unsigned long long)p.image.detail[0],
				 (unsigned long long)p.image.detail[1]);
	if (image_check_cmdline(&p.image, strlen(q->command_line)) != IMAGE_OK)
		return boot_fail(error, -EINVAL,
				 "%s: the command line is longer than this kernel takes",
				 q->kernel.name);
	if (!q->fresh)
		memset(ram_at(ram, 0, BOOT_FREE), 0, BOOT_FREE);
	e = firmware(ram, q, error);
	if (!e)
		e = copy_image(&p, error);
	if (!e)
		e = copy_initrd(&p, error);
	return e ? e : start_by(&p, start, error);
}

static struct segment flat(uint16_t selector, uint16_t attributes)
{
	return (struct segment){
		.selector = selector, .attributes = attributes, .limit = 0xffffffff};
}

void boot_state(struct vcpu_state *s, unsigned number, const struct boot_start *start)
{
	struct segment data = flat(SELECTOR_DATA, 0xc93);

	processor_reset(s, number);
	if (number)
		return;
	memset(s->gpr, 0, sizeof(s->gpr));
	s->rip = start->rip;
	s->rflags = 2;
	s->gpr[GPR_RAX] = start->rax;
	s->gpr[GPR_RBX] = start->rbx;
	s->gpr[GPR_RSI] = start->rsi;
	s->cr0 = CR0_PE | CR0_ET;
	for (unsigned i = SEG_ES; i <= SEG_GS; i++)
		s->seg[i] = data;
	s->seg[SEG_CS] = flat(SELECTOR_CODE, start->long_mode ? 0xa9b : 0xc9b);
	s->seg[SEG_LDTR] = (struct segment){.attributes = 0x82, .limit = 0xffff};
	s->seg[SEG_TR] = (struct segment){.attributes = 0x8b, .limit = 0x67};
	s->gdt_base = BOOT_GDT;
	s->gdt_limit = 4 * 8 - 1;
	if (start->long_mode) {
		s->cr0 |= CR0_PG | CR0_NE;
		s->cr3 = BOOT_PAGE_TABLES;
		s->cr4 = CR4_PAE;
		s->efer = EFER_LME | EFER_LMA;
	}
	s->dr6 = 0xffff0ff0;
	s->dr7 = 0x400;
	s->xcr0 = 1;
	s->pat = 0x0007040600070406;
	s->apic_base = 0xfee00900; /* enabled, bootstrap processor */
}
