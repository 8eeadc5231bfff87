/* SPDX-License-Identifier: GPL-2.0-only */
/* Rom: an image's header, as far as it can be believed. */
#ifndef ROMCHECK_ROM_H
#define ROMCHECK_ROM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "findings.h"

#define ROM_HEADER_BYTES 0x90
#define ROM_VMI_INIT 0x80
#define ROM_GET_RELOC 0x88

struct rom {
	const uint8_t *data;
	size_t bytes;	       /* of the file */
	uint32_t length;       /* what the ROM says of itself, at most `bytes` */
	uint32_t code_bytes;   /* where code can be */
	unsigned major, minor; /* API */
	unsigned version_major, version_minor;
	uint32_t virtual_top;
	const char *licence, *manufacturer,
		*product; /* "" when not there; inside data, terminated */
	/* Postern's block; ours is false for others' ROMs */
	bool ours;
	unsigned epoch, slots_at, slot_bytes, slot_count, body, tables;
	unsigned pages; /* 0: cannot be replaced under a running guest */
	uint32_t features, possible;
	const char *url, *engine;
	const uint8_t *build_id, *source;
	uint32_t source_bytes;
};

/* Reads the header and names what is wrong with it. False: so little is right that code cannot be
 * looked at. */
bool rom_parse(const uint8_t *data, size_t bytes, struct rom *rom, struct findings *f);

#endif
