// SPDX-License-Identifier: GPL-2.0-only
/* Opcode maps (APM volume 3, appendix A, tables ). Eight entries a line. */
#include "decode.h"
#include "decode_tables.h"

#define M   OP_M
#define MB  (OP_M | OP_B)
#define B   OP_B
#define D64 OP_D64
#define X64 OP_X64
#define I8  OP_I8
#define IZ  OP_IZ
#define PFX OP_PREFIX
#define UD  OP_UD
#define K(x) INSN_##x

/* The six forms that open each of the eight arithmetic rows: r/m,r; r,r/m; accumulator,imm. */
#define ALU \
	K(ALU_STORE) | MB, K(ALU_STORE) | M, K(ALU_LOAD) | MB, K(ALU_LOAD) | M, \
	K(ALU_ACC) | B | I8, K(ALU_ACC) | IZ
#define EIGHT(x) x, x, x, x, x, x, x, x

const uint16_t decode_map_one[256] = {
	/* 00 */ ALU, X64, X64,
	/* 08 */ ALU, X64, OP_ESCAPE,
	/* 10 */ ALU, X64, X64,
	/* 18 */ ALU, X64, X64,
	/* 20 */ ALU, PFX, X64,
	/* 28 */ ALU, PFX, X64,
	/* 30 */ ALU, PFX, X64,
	/* 38 */ ALU, PFX, X64,
	/* 40 */ EIGHT(K(INCDEC)),
	/* 48 */ EIGHT(K(INCDEC)),
	/* 50 */ EIGHT(K(PUSH_REG) | D64),
	/* 58 */ EIGHT(K(POP_REG) | D64),
	/* 60 */ X64, X64, OP_VEX | M | X64, K(MOVSXD) | M, PFX, PFX, PFX, PFX,
	/* 68 */ K(PUSH_IMM) | D64 | IZ, K(IMUL_IMM) | M | IZ, K(PUSH_IMM) | D64 | I8,
		 K(IMUL_IMM) | M | I8, K(INS) | B, K(INS), K(OUTS) | B, K(OUTS),
	/* 70 */ EIGHT(I8),
	/* 78 */ EIGHT(I8),
	/* 80 */ K(ALU_IMM) | MB | I8, K(ALU_IMM) | M | IZ, K(ALU_IMM) | MB | I8 | X64,
		 K(ALU_IMM) | M | I8, K(TEST) | MB, K(TEST) | M, K(XCHG) | MB, K(XCHG) | M,
	/* 88 */ K(MOV_STORE) | MB, K(MOV_STORE) | M, K(MOV_LOAD) | MB, K(MOV_LOAD) | M,
		 K(MOV_SEG) | M, M, M, K(POP_MEM) | M | D64 | OP_VEX,
	/* 90 */ EIGHT(0),
	/* 98 */ 0, 0, OP_FAR | X64, 0, D64, D64, 0, 0,
	/* A0 */ K(MOV_MOFFS) | B | OP_MOFFS, K(MOV_MOFFS) | OP_MOFFS, K(MOV_MOFFS) | B | OP_MOFFS,
		 K(MOV_MOFFS) | OP_MOFFS, K(MOVS) | B, K(MOVS), K(CMPS) | B, K(CMPS),
	/* A8 */ K(TEST_ACC) | B | I8, K(TEST_ACC) | IZ, K(STOS) | B, K(STOS), K(LODS) | B, K(LODS),
		 K(SCAS) | B, K(SCAS),
	/* B0 */ EIGHT(K(MOV_REG_IMM) | B | OP_IV),
	/* B8 */ EIGHT(K(MOV_REG_IMM) | OP_IV),
	/* C0 */ K(SHIFT) | MB | I8, K(SHIFT) | M | I8, D64 | OP_I16, D64, OP_VEX | M | X64,
		 OP_VEX | M | X64, K(MOV_IMM) | MB | I8, K(MOV_IMM) | M | IZ,
	/* C8 */ D64 | OP_ENTER, D64, OP_I16, 0, 0, I8, X64, 0,
	/* D0 */ K(SHIFT) | MB, K(SHIFT) | M, K(SHIFT) | MB, K(SHIFT) | M, I8 | X64, I8 | X64, X64, 0,
	/* D8 */ EIGHT(M), /* x87 */
	/* E0 */ I8, I8, I8, I8, K(IN) | B | I8, K(IN) | I8, K(OUT) | B | I8, K(OUT) | I8,
	/* E8 */ D64 | IZ, D64 | IZ, OP_FAR | X64, I8, K(IN) | B, K(IN), K(OUT) | B, K(OUT),
	/* F0 */ PFX, 0, PFX, PFX, 0, 0, K(UNARY) | MB | OP_G3, K(UNARY) | M | OP_G3,
	/* F8 */ 0, 0, 0, 0, 0, 0, K(GROUP5) | MB, K(GROUP5) | M,
};

const uint16_t decode_map_0f[256] = {
	/* 00 */ M, M, M, M, UD, 0, 0, 0,
	/* 08 */ 0, 0, UD, 0, UD, K(HINT) | M, 0, M | I8, /* 0E FEMMS, 0F 3DNow! */
	/* 10 */ EIGHT(M),
	/* 18 */ EIGHT(K(HINT) | M),
	/* 20 */ M | OP_CRDR, M | OP_CRDR, M | OP_CRDR, M | OP_CRDR, UD, UD, UD, UD,
	/* 28 */ EIGHT(M),
	/* 30 */ 0, 0, 0, 0, 0, 0, UD, 0,
	/* 38 */ OP_ESCAPE, UD, OP_ESCAPE, UD, UD, UD, UD, UD,
	/* 40 */ EIGHT(K(CMOVCC) | M),
	/* 48 */ EIGHT(K(CMOVCC) | M),
	/* 50 */ EIGHT(M),
	/* 58 */ EIGHT(M),
	/* 60 */ EIGHT(M),
	/* 68 */ EIGHT(M),
	/* 70 */ M | I8, M | I8, M | I8, M | I8, M, M, M, 0,
	/* 78 */ M | OP_EXTRQ, M, UD, UD, M, M, M, M,
	/* 80 */ EIGHT(D64 | IZ),
	/* 88 */ EIGHT(D64 | IZ),
	/* 90 */ EIGHT(K(SETCC) | MB),
	/* 98 */ EIGHT(K(SETCC) | MB),
	/* A0 */ D64, D64, 0, K(BIT) | M, K(SHIFT_DOUBLE) | M | I8, K(SHIFT_DOUBLE) | M, UD, UD,
	/* A8 */ D64, D64, 0, K(BIT) | M, K(SHIFT_DOUBLE) | M | I8, K(SHIFT_DOUBLE) | M,
		 K(HINT) | M, K(IMUL) | M,
	/* B0 */ K(CMPXCHG) | MB, K(CMPXCHG) | M, M, K(BIT) | M, M, M, K(MOVZX) | M, K(MOVZX) | M,
	/* B8 */ K(POPCNT) | M, M, K(BIT_IMM) | M | I8, K(BIT) | M, K(BITSCAN) | M, K(BITSCAN) | M,
		 K(MOVSX) | M, K(MOVSX) | M,
	/* C0 */ K(XADD) | MB, K(XADD) | M, M | I8, K(MOV_STORE) | M, M | I8, M | I8, M | I8,
		 K(CMPXCHG8B) | M,
	/* C8 */ EIGHT(0),
	/* D0 */ EIGHT(M),
	/* D8 */ EIGHT(M),
	/* E0 */ EIGHT(M),
	/* E8 */ EIGHT(M),
	/* F0 */ EIGHT(M),
	/* F8 */ EIGHT(M),
};
