/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a ring-3 program finds when it starts.
 *
 * The core starts the keeper, the keeper the manager, the manager all others; all leave a start page, read-only,
 * at START_VA. RDI = START_VA at the entry point, RSP = the stack's top, 16-byte aligned. The program's image is
 * linked at MODULE_BASE and ends before PROGRAM_END; from HEAP_VA up are its own mappings. All near each other: after each switch
 * to a program every page table on the way to its pages is walked anew.
 */
#ifndef POSTERN_START_H
#define POSTERN_START_H

#define MODULE_BASE 0x400000
#define PROGRAM_END 0x580000
#define START_VA 0x580000
#define CHANNEL_VA 0x590000 /* control channel to the manager, struct channel */
#define STACK_TOP 0x600000  /* of the first thread; STACK_BYTES below it are mapped, then a hole */
#define STACK_BYTES 0x10000
#define HEAP_VA 0x800000 /* hv/lib maps its heap from here up */
#define BOOT_VA 0x7e0000000000 /* keeper and manager only: struct boot_info, read-only */

#ifndef __ASSEMBLY__
#include <stdint.h>

#define START_MAGIC 0x74736f50 /* "Post" */

struct start_info {
	uint32_t magic;
	uint32_t version; /* 1 */
	char name[16];	  /* of the module or guest */
	uint64_t tsc_khz;
	uint64_t tsc_boot;   /* TSC value at which CLOCK is 0 */
	uint64_t clock_mult; /* CLOCK ns = ((tsc - tsc_boot) * clock_mult) >> 32, 128-bit product */
	uint32_t cpus;	     /* online */
	/* Handles, 0 where not given. */
	uint32_t system;      /* system handle with the rights of the manifest */
	uint32_t event;	      /* this program's main event; bit 0 = control channel */
	uint32_t manager;     /* event of the manager, badge = this module's bit */
	uint32_t channel;     /* memory of the control channel */
	uint32_t incarnation; /* 1 for the first life, then counting up */
	char arguments[2048]; /* its configuration section: "key=value\n" lines */
};

/* A file that the boot loader loaded. name: the value of `name=` in its command line, else the last
 * part of the path that stands first there. */
struct boot_module {
	uint64_t phys, bytes;
	char name[64];
	char arguments[192];
};

#define BOOT_MODULES_MAX 32

struct boot_info {
	uint64_t archive_phys, archive_bytes; /* the cpio archive (newc) of modules inside the image */
	uint64_t rsdp;			      /* 0: none found */
	uint64_t ram_bytes;
	uint64_t framebuffer_phys; /* 0: VGA text or nothing */
	uint32_t framebuffer_width, framebuffer_height, framebuffer_pitch, framebuffer_bpp;
	uint64_t mmconfig_phys; /* 0: none; segment 0 */
	uint32_t mmconfig_first_bus, mmconfig_last_bus;
	uint32_t cpus, engine;	/* engine: 0 none, 1 svm, 2 vmx, 3 depriv */
	char engine_reason[96]; /* why none: the sentence for people */
	char cpu_name[64];
	char command_line[512];
	char version[32];
	uint64_t entry_tsc; /* TSC at the Multiboot entry */
	uint32_t modules;
	uint32_t screen; /* 0: the machine has none */
	struct boot_module module[BOOT_MODULES_MAX];
	char machine[768];    /* what the boot stage found, in lines for people */
	uint64_t stage_bytes; /* memory that the boot stage used, which is free memory now */
	uint64_t core_bytes;  /* the core's text and data */
	char dma[64];	      /* whether an IOMMU confines devices, in words */
};

#endif /* __ASSEMBLY__ */
#endif
