/* SPDX-License-Identifier: GPL-2.0-only */
/* Code: the ROM's instructions, one at a time, with Capstone. */
#ifndef ROMCHECK_CODE_H
#define ROMCHECK_CODE_H

#include <capstone/capstone.h>
#include "def.h"
#include "rom.h"

#define CODE_CACHE 512 /* a power of 2 */

struct code {
	csh handle;
	const struct rom *rom;
	/* Decoded lately, by the low bits of the offset; NULL until used. */
	struct {
		uint32_t offset;
		bool valid, good;
		cs_insn *insn;
	} cache[CODE_CACHE];
};

/* 0, or -1 when there is no disassembler. */
int code_open(struct code *c, const struct rom *rom);
void code_close(struct code *c);
/* The instruction at `offset`, address = offset, good until the next call; NULL: none there. */
const cs_insn *code_at(struct code *c, uint32_t offset);
/* R_EAX to R_EDI of a general register of any width, -1 for others. */
int code_register(unsigned capstone_register);
/* Capstone's id of a conditional jump, set or move -> condition 0 to 15 as in the opcode; -1: none.
 */
int code_condition(unsigned id);

#endif
