/* SPDX-License-Identifier: GPL-2.0-only */
/* Def: a definition of the VMI, as vmi-rom/abi/vmi-3.0.def explains it. */
#ifndef ROMCHECK_DEF_H
#define ROMCHECK_DEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEF_CALLS 256
#define DEF_NAMES 256 /* fields, constants and sizes together */
#define DEF_NAME 48

/* Registers, a bit each, in the processor's order. */
enum def_register {
	R_EAX,
	R_ECX,
	R_EDX,
	R_EBX,
	R_ESP,
	R_EBP,
	R_ESI,
	R_EDI,
	R_FLAGS,
	R_S4,
	R_S8,
	R_COUNT
};
enum def_answer { ANSWER_NONE, ANSWER_CALL, ANSWER_JUMP, ANSWER_NOP, ANSWERS };

/* Instructions that a call needs leave for. */
enum def_may {
	MAY_CPUID,
	MAY_WRMSR,
	MAY_RDMSR,
	MAY_LGDT,
	MAY_LLDT,
	MAY_LIDT,
	MAY_LTR,
	MAY_SGDT,
	MAY_SLDT,
	MAY_SIDT,
	MAY_STR,
	MAY_CR0,
	MAY_CR2,
	MAY_CR3,
	MAY_CR4,
	MAY_DR,
	MAY_WBINVD,
	MAY_RDPMC,
	MAY_RDTSC,
	MAY_CLTS,
	MAY_STI,
	MAY_CLI,
	MAY_IRET,
	MAY_SYSEXIT,
	MAY_HLT,
	MAY_IN,
	MAY_OUT,
	MAY_INVLPG,
	MAY_PAUSE,
	MAY_COUNT
};
#define MAY(x) (1u << MAY_##x)

struct def_call {
	bool present, memory_any;
	char name[DEF_NAME];
	uint16_t in, out, changes; /* bits of def_register */
	uint8_t answers;	   /* bits of def_answer */
	uint8_t since;
	uint32_t may;
};

/* A size, field, constant, signature: its whole statement but the explanation, for comparing. */
struct def_name {
	char name[2 * DEF_NAME];
	char value[DEF_NAME];
};

struct def {
	unsigned major, minor;
	unsigned calls; /* one more than the highest number */
	struct def_call call[DEF_CALLS];
	unsigned names;
	struct def_name name[DEF_NAMES];
};

struct def_error {
	unsigned line;
	char text[120];
};

/* 0, or -1 with *error filled. */
int def_parse(const char *text, size_t bytes, struct def *d, struct def_error *error);
const char *def_may_name(unsigned bit);
const char *def_answer_name(unsigned answer);
const char *def_register_name(unsigned reg);

#endif
