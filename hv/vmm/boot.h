/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Boot: puts a kernel, its files and the firmware's tables into guest RAM and says how the first
 * processor starts.
 *
 * Low memory as the loaders use it:
 *   0x00400  BIOS data area (size of conventional memory, EBDA)
 *   0x01000  GDT                         0x02000  page tables of the 64-bit entry, 6 pages
 *   0x08000  boot_params, hvm_start_info or Multiboot information, and its lists
 *   0x0a000  command lines               0x10000 .. 0x9fc00  free: a Multiboot kernel may use it
 * and acpi.h for what lies below 1 MiB.
 */
#ifndef VMM_BOOT_H
#define VMM_BOOT_H

#include <stdbool.h>
#include <stdint.h>
#include <postern/vcpu.h>
#include "image.h"
#include "ram.h"

#define BOOT_GDT 0x1000
#define BOOT_PAGE_TABLES 0x2000
#define BOOT_INFO 0x8000
#define BOOT_TEXT 0xa000
#define BOOT_TEXT_BYTES 0x6000
#define BOOT_FREE 0x10000
#define BOOT_MODULES_MAX_FILES 16
#define BOOT_COMMAND_MAX 2048

enum boot_entry { BOOT_AUTO, BOOT_64, BOOT_32, BOOT_PVH };

struct boot_file {
	const uint8_t *data; /* NULL: none */
	uint64_t bytes;
	const char *name; /* for messages */
	const char *text; /* command line of a Multiboot module */
};

struct boot_request {
	struct boot_file kernel, initrd;
	struct boot_file module[BOOT_MODULES_MAX_FILES];
	unsigned modules;
	bool multiboot; /* start by Multiboot, whatever else the file could do */
	enum boot_entry entry;
	const char *command_line;
	unsigned cpus;
	const uint8_t *dsdt;
	size_t dsdt_bytes;
	bool vga;   /* there is a VGA in mode 3, a keyboard and a mouse */
	bool fresh; /* RAM is as it came: all zero */
};

/* How the first processor starts. */
struct boot_start {
	bool long_mode;
	uint64_t rip, rsi, rbx, rax;
};

/* What went wrong, in words, for people. */
struct boot_error {
	char text[256];
};

/* 0, or -EINVAL (the image), -ENOMEM (no room) with *error filled. */
int boot_load(const struct ram *ram, const struct boot_request *q, struct boot_start *start,
	      struct boot_error *error);
/* The state of processor `number` before the guest's first instruction: the first one as *start
 * says, the others waiting for SIPI. */
void boot_state(struct vcpu_state *s, unsigned number, const struct boot_start *start);

/* Parts, each in its file. They return as boot_load does. */
struct boot_plan {
	const struct ram *ram;
	const struct boot_request *q;
	struct image_plan image;
	struct image_space space;
	uint64_t initrd_gpa;
	uint32_t text_used; /* of BOOT_TEXT_BYTES */
};
int boot_linux(struct boot_plan *p, struct boot_start *start, struct boot_error *error);
int boot_pvh(struct boot_plan *p, struct boot_start *start, struct boot_error *error);
int boot_multiboot(struct boot_plan *p, struct boot_start *start, struct boot_error *error);
int boot_fail(struct boot_error *e, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Copies a string to where command lines live; its guest-physical address, 0: no room. */
uint32_t boot_text(struct boot_plan *p, const char *text);

#endif
