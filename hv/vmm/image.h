/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Image: a guest kernel file, read into a plan of what to copy where.
 *
 * The parsers are pure functions over the whole file in memory: they copy nothing and follow no
 * pointer of the file. Whoever has a plan may copy segment by segment without checking again:
 * every segment lies inside the file and inside one range of guest RAM, and no two overlap.
 *
 * Source: Linux Documentation/x86/boot.rst (boot protocol 2.15) and x86/pvh; Xen public
 * elfnote.h; Multiboot specification 0.6.96; System V ABI, chapter 5.
 */
#ifndef VMM_IMAGE_H
#define VMM_IMAGE_H

#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>

enum image_kind {
	IMAGE_NONE = 0,
	IMAGE_BZIMAGE,   /* Linux boot protocol >= 2.02 with LOADED_HIGH */
	IMAGE_PVH,       /* ELF with a Xen PHYS32_ENTRY note: 32-bit entry, hvm_start_info in EBX */
	IMAGE_MULTIBOOT, /* Multiboot 1 header: 32-bit entry, EAX magic, EBX information */
};

/* Why a file is refused. Zero is success. */
enum image_error {
	IMAGE_OK = 0,
	IMAGE_E_UNKNOWN,      /* none of the kinds */
	IMAGE_E_SHORT,        /* ends inside its own headers */
	IMAGE_E_TRUNCATED,    /* headers promise more bytes than the file has */
	IMAGE_E_MAGIC,
	IMAGE_E_ARCH,         /* for another machine */
	IMAGE_E_FORMAT,       /* a header field has an impossible value */
	IMAGE_E_OLD,          /* boot protocol too old, or a zImage */
	IMAGE_E_CHECKSUM,     /* Multiboot header checksum */
	IMAGE_E_FEATURE,      /* asks for a Multiboot feature that we do not have */
	IMAGE_E_NO_NOTE,      /* ELF without a PVH entry note */
	IMAGE_E_NO_SEGMENT,   /* nothing to load */
	IMAGE_E_MANY,         /* more segments than a plan holds */
	IMAGE_E_WRAP,         /* address + size wraps around */
	IMAGE_E_OVERLAP,      /* two segments claim the same memory */
	IMAGE_E_NO_RAM,       /* a segment lies where the guest has no RAM */
	IMAGE_E_ENTRY,        /* the entry point lies in no segment, or above 4 GiB */
	IMAGE_E_CMDLINE,      /* command line longer than the kernel takes */
	IMAGE_E_INITRD,       /* no room for the initrd where the kernel can reach it */
	IMAGE_E_COUNT
};

struct image_range {
	uint64_t base, size; /* guest-physical, bytes */
};

/* RAM that a kernel may be put in: leave out what the boot structures take. Sorted, disjoint. */
struct image_space {
	const struct image_range *ram;
	unsigned nram;
};

struct image_segment {
	uint64_t offset; /* in the file */
	uint64_t filesz; /* bytes to copy, <= memsz; the rest of memsz is zero */
	uint64_t memsz;
	uint64_t gpa;
};

#define IMAGE_MAX_SEGMENTS 16

/* What boot_*.c needs of a bzImage beyond the segments. */
struct image_linux {
	uint32_t header_offset;  /* 0x1f1 */
	uint32_t header_size;    /* bytes of setup header to copy into boot_params at 0x1f1 */
	uint16_t version;        /* boot protocol, 0x0202.. */
	uint8_t loadflags;
	uint16_t xloadflags;
	bool has_entry64;        /* entry64 is valid */
	uint64_t entry64;        /* load address + 0x200 */
	uint64_t load;           /* where the protected-mode part goes */
	uint64_t pref_address;
	uint32_t alignment;      /* kernel_alignment, 0 if the header has none */
	bool relocatable;
	uint64_t init_size;      /* memory from `load` that the kernel needs to unpack itself */
	uint32_t cmdline_max;    /* longest command line without the final zero */
	uint32_t initrd_max;     /* highest address an initrd may occupy (inclusive) */
};

struct image_plan {
	enum image_kind kind;
	unsigned nsegments;
	struct image_segment segment[IMAGE_MAX_SEGMENTS];
	uint64_t entry;      /* guest-physical; 32-bit entry for every kind */
	bool elf64;          /* ELF kinds: class of the file */
	uint32_t mb_flags;   /* Multiboot header flags */
	uint64_t end;        /* first byte after everything the kernel claims at start */
	struct image_linux kernel; /* IMAGE_BZIMAGE */
	/* On refusal: what the sentence is about (segment index, address, size); else 0. */
	uint64_t detail[2];
};

/* Which kind the file is by its magic numbers alone; PVH is preferred to Multiboot. */
enum image_kind image_identify(const uint8_t *file, size_t size);

/* Read `file` as one kind. Return enum image_error; on success *plan is complete. */
int image_bzimage(const uint8_t *file, size_t size, const struct image_space *space,
		  struct image_plan *plan);
int image_pvh(const uint8_t *file, size_t size, const struct image_space *space,
	      struct image_plan *plan);
int image_multiboot(const uint8_t *file, size_t size, const struct image_space *space,
		    struct image_plan *plan);

/* Read `file` as whatever image_identify() says. */
int image_parse(const uint8_t *file, size_t size, const struct image_space *space,
		struct image_plan *plan);

/*
 * Highest page-aligned place for `size` bytes (initrd, module) that the kernel of `plan` can reach
 * and that touches neither it nor [below, ...): `below` is the limit already taken (0: none).
 * Returns IMAGE_OK and *gpa, or IMAGE_E_INITRD.
 */
int image_place(const struct image_plan *plan, const struct image_space *space, uint64_t size,
		uint64_t below, uint64_t *gpa);

/* IMAGE_OK, or IMAGE_E_CMDLINE if `len` characters are more than the kernel takes. */
int image_check_cmdline(const struct image_plan *plan, size_t len);

/* A sentence without a full stop: "the file ends inside its own headers". Never NULL. */
const char *image_sentence(int error);

#endif
