/* SPDX-License-Identifier: GPL-2.0-only */
/* Check: everything about one ROM, and one ROM or definition against another. */
#ifndef ROMCHECK_CHECK_H
#define ROMCHECK_CHECK_H

#include "def.h"
#include "findings.h"
#include "rom.h"

#define NUMBERS 256 /* calls that get_reloc is asked for */

struct answer {
	uint8_t type;	/* enum def_answer */
	uint32_t entry; /* offset in the ROM of a call or jump */
};

struct report {
	struct rom rom;
	bool asked; /* answer[] is valid */
	struct answer answer[NUMBERS];
	struct findings findings;
};

/* Checks `bytes` bytes of a ROM by definition `d`. `data` must live as long as *report is used. */
void check_rom(const uint8_t *data, size_t bytes, const struct def *d, struct report *report);

enum relation { IDENTICAL, SUPERSET, BREAKING };

struct comparison {
	enum relation relation;
	struct findings list; /* what is new (fault "new") and what breaks ("broken") */
};

/* How `now` looks to someone who knows `old`. */
void compare_defs(const struct def *old, const struct def *now, struct comparison *c);
void compare_roms(const struct report *old, const struct report *now, struct comparison *c);

#endif
