/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gateway: the VMI ROM that a guest finds below 1 MiB (vmi-rom, postern/gateway.h), as the keys
 * vmi-rom, paravirt and gateway ask for it.
 */
#ifndef VMM_GATEWAY_H
#define VMM_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <postern/vcpu.h>
#include "ram.h"

#define GATEWAY_AT \
	0xc0000 /* guest-physical; page-aligned, so that it can be mapped above the fixmap */

enum gateway_place { GATEWAY_AUTO, GATEWAY_FIXMAP, GATEWAY_ROM };

struct gateway_request {
	const uint8_t *data; /* the ROM's image, NULL: none is wanted */
	size_t bytes;
	const char *name;
	enum gateway_place place;
	bool private_pages; /* the processors have them */
	bool masked;   /* `paravirt` gave a mask; else what the ROM has on */
	uint32_t mask; /* VMI_FEATURE bits */
	bool linux_kernel;
	unsigned major, minor, patch; /* of the guest's kernel, 0 when it does not say */
};

struct gateway {
	bool present;
	uint32_t features, virtual_top, code_bytes, tables; /* tables: offset of the two pages, 0 none */
	unsigned epoch;
	const char *engine;
	unsigned pages; /* of the window; 0: this ROM cannot be replaced while the guest runs */
	unsigned next;	/* the first of them that is free */
	unsigned generation;	     /* replacements since the guest's reset */
	uint8_t epochs[RUN_EPOCHS]; /* of hypercalls from each page, 0 none */
	struct gateway_exits {
		uint16_t iret, sysexit; /* offsets in the body's page, 0 not said */
	} exits[RUN_EPOCHS];
};

/* A replacement that is ready: what it does to the window. */
struct gateway_swap {
	uint8_t entry[4096], body[4096];
	unsigned page, epoch;
	struct gateway_exits exits;
	const char *engine;
};

/* NULL: a ROM that we can offer; else what is wrong with it. Pure. */
const char *gateway_check(const uint8_t *data, size_t bytes);
/* Puts the ROM into RAM. NULL, or the reason for which the guest has none. */
const char *gateway_install(const struct ram *ram, const struct gateway_request *q,
			    struct gateway *g);
/* Makes a replacement ready, changing nothing. NULL, or the reason for which the guest keeps what it has. */
const char *gateway_swap_prepare(const struct ram *ram, const struct gateway *g,
				 const uint8_t *data, size_t bytes, struct gateway_swap *s);
/* While no processor of the guest runs. */
void gateway_swap_commit(const struct ram *ram, struct gateway *g, const struct gateway_swap *s);
/* The version in a bzImage's header; false: it says none. Pure. */
bool gateway_kernel_version(const uint8_t *data, size_t bytes, struct gateway_request *q);

#endif
