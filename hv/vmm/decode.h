/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instruction: one x86 instruction taken apart.
 *
 * The decoder is a pure function of (bytes, length, code size). It knows the length of every
 * instruction of the one-byte, 0F, 0F 38 and 0F 3A maps and of VEX, EVEX and XOP encodings, so it
 * also serves exits whose length the processor does not report; what the instruction does is
 * named only for those that emulate.c executes (enum insn_kind).
 *
 * Source: AMD APM volume 3, chapter 1 and appendix A; Intel SDM volume 2, chapter 2 and
 * appendix A.
 */
#ifndef VMM_DECODE_H
#define VMM_DECODE_H

#include <stdint.h>
#include <stdbool.h>
#include <postern/vcpu.h>

#define INSN_MAX_LENGTH 15

/* Failures of insn_decode(). */
#define INSN_TRUNCATED (-1) /* valid so far, but goes on past the bytes given: fetch more */
#define INSN_INVALID   (-2) /* the processor raises #UD */
#define INSN_TOO_LONG  (-3) /* more than 15 bytes: the processor raises #GP(0) */

enum insn_map {
	INSN_MAP_ONE = 0, /* one-byte opcodes */
	INSN_MAP_0F = 1,
	INSN_MAP_0F38 = 2,
	INSN_MAP_0F3A = 3,
	INSN_MAP_VEX = 4, /* VEX, EVEX and XOP: only length and prefixes are known */
};

/* insn.prefixes */
#define INSN_LOCK   0x01 /* F0 */
#define INSN_REPNE  0x02 /* F2 */
#define INSN_REP    0x04 /* F3, also REPE */
#define INSN_OPSIZE 0x08 /* 66 */
#define INSN_ADSIZE 0x10 /* 67 */
#define INSN_SEGMENT 0x20 /* a segment override that counts (in 64-bit code: FS or GS) */

/* Register numbers are the encoding's: 0 RAX, 1 RCX, 2 RDX, 3 RBX, 4 RSP ... 15 R15. */
#define INSN_NO_REG 0xff
#define INSN_RIP    0x10 /* insn.base of RIP-relative addressing */

/* What emulate.c executes, by the handler that does it; INSN_OTHER is everything else. */
enum insn_kind {
	INSN_OTHER = 0,
	INSN_MOV_STORE, INSN_MOV_LOAD, INSN_MOV_IMM, INSN_MOV_REG_IMM, INSN_MOV_MOFFS, INSN_MOV_SEG,
	INSN_MOVZX, INSN_MOVSX, INSN_MOVSXD, INSN_MOVBE,
	INSN_ALU_STORE, INSN_ALU_LOAD, INSN_ALU_ACC, INSN_ALU_IMM, INSN_TEST, INSN_TEST_ACC,
	INSN_UNARY,   /* F6, F7: TEST NOT NEG MUL IMUL DIV IDIV */
	INSN_GROUP5,  /* FE, FF: INC DEC CALL JMP PUSH */
	INSN_INCDEC,  /* 40..4F */
	INSN_SHIFT, INSN_SHIFT_DOUBLE, INSN_IMUL, INSN_IMUL_IMM,
	INSN_XCHG, INSN_XADD, INSN_CMPXCHG, INSN_CMPXCHG8B,
	INSN_BIT, INSN_BIT_IMM, INSN_BITSCAN, INSN_POPCNT, INSN_SETCC, INSN_CMOVCC,
	INSN_PUSH_REG, INSN_PUSH_IMM, INSN_POP_REG, INSN_POP_MEM,
	INSN_MOVS, INSN_CMPS, INSN_STOS, INSN_LODS, INSN_SCAS, INSN_INS, INSN_OUTS,
	INSN_IN, INSN_OUT,
	INSN_HINT,    /* prefetches, long NOP, cache-line flushes: no effect on memory */
	INSN_KINDS
};

struct insn {
	uint8_t length;   /* bytes, 1..15 */
	uint8_t map;      /* enum insn_map */
	uint8_t opcode;   /* last opcode byte */
	uint8_t kind;     /* enum insn_kind */
	uint8_t opsize;   /* operand size in bytes: 1, 2, 4, 8 */
	uint8_t adsize;   /* address size in bytes: 2, 4, 8 */
	uint8_t prefixes; /* INSN_LOCK ... */
	uint8_t rex;      /* 0, or 0x40 | W R X B */
	bool has_modrm;
	bool mem;         /* ModRM names memory (base, index, scale, disp are valid) */
	uint8_t modrm;
	uint8_t reg;      /* ModRM.reg, extended by REX.R: 0..15 */
	uint8_t rm;       /* ModRM.rm, extended by REX.B: 0..15, when it names a register */
	uint8_t seg;      /* enum seg of the memory operand: default or override */
	uint8_t base;     /* register, INSN_RIP or INSN_NO_REG */
	uint8_t index;    /* register or INSN_NO_REG */
	uint8_t scale;    /* shift of the index: 0..3 */
	uint8_t code;     /* code size the decoder was given: 2, 4, 8 */
	uint16_t far_sel; /* selector of a direct far branch; second immediate of ENTER */
	int64_t disp;     /* displacement, sign-extended; or the moffs address, zero-extended */
	uint64_t imm;     /* immediate, sign-extended unless the instruction says otherwise */
};

/*
 * Take the instruction at `bytes` apart; at most `n` bytes are read. `code` is the code size in
 * bytes: 2 (real, virtual-8086, 16-bit segments), 4, or 8 (64-bit mode).
 * Returns the length, or INSN_TRUNCATED, INSN_INVALID, INSN_TOO_LONG (then *insn is undefined).
 */
int insn_decode(struct insn *insn, const uint8_t *bytes, unsigned n, unsigned code);

/*
 * Instructions decoded before. Decoding is a pure function of the bytes, so an entry that matches
 * all 15 bytes cannot be stale, whatever the guest does to its code or page tables. Zeroed memory
 * is an empty cache. One cache is used by one thread.
 */
#define INSN_CACHE_SIZE 64

struct insn_cache {
	struct insn_cached {
		uint64_t head, tail; /* bytes 0-7 and 7-14 */
		struct insn insn;    /* insn.length 0: empty */
	} entry[INSN_CACHE_SIZE];
};

/*
 * As insn_decode(), of 15 readable bytes (INSN_TRUNCATED cannot happen). Returns the length and
 * *insn, valid until the next call, or a failure.
 */
int insn_decode_cached(struct insn_cache *cache, const uint8_t *bytes, unsigned code,
		       const struct insn **insn);

/* The length only; the same results. */
int insn_length(const uint8_t *bytes, unsigned n, unsigned code);

#endif
