/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opcode maps: what follows an opcode byte, and which handler executes it. Private to decode.c
 * and decode_tables.c.
 *
 * An entry is kind (bits 0-7), flags (bits 8-11) and the form of the immediate (bits 12-15).
 */
#ifndef VMM_DECODE_TABLES_H
#define VMM_DECODE_TABLES_H

#include <stdint.h>

#define OP_KIND 0x00ff
#define OP_FORM 0xf000

#define OP_M   0x0100 /* has ModRM */
#define OP_B   0x0200 /* byte operand */
#define OP_D64 0x0400 /* operand size defaults to 64 bits in 64-bit code */
#define OP_X64 0x0800 /* #UD in 64-bit code */

#define OP_I8     0x1000 /* 8-bit immediate or displacement, sign-extended */
#define OP_IZ     0x2000 /* 16 or 32 bits by operand size, sign-extended */
#define OP_I16    0x3000 /* 16 bits, zero-extended */
#define OP_IV     0x4000 /* 8 (byte operand), 16, 32 or 64 bits by operand size */
#define OP_MOFFS  0x5000 /* a plain address, of the address size */
#define OP_FAR    0x6000 /* offset by operand size, then a selector */
#define OP_ENTER  0x7000 /* 16 bits, then 8 */
#define OP_G3     0x8000 /* immediate only for /0 and /1 (F6, F7) */
#define OP_CRDR   0x9000 /* ModRM names registers whatever its mod field says */
#define OP_EXTRQ  0xa000 /* two 8-bit immediates after a 66 or F2 prefix, else none (0F 78) */
#define OP_PREFIX 0xb000
#define OP_ESCAPE 0xc000 /* 0F, 0F 38, 0F 3A */
#define OP_VEX    0xd000 /* C4, C5, 62, 8F: maybe another encoding altogether */
#define OP_UD     0xf000

extern const uint16_t decode_map_one[256];
extern const uint16_t decode_map_0f[256];

#endif
