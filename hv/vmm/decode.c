// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder: prefixes, opcode, ModRM, SIB, displacement, immediate, in the order of the bytes.
 *
 * It works on a copy that is padded with zeros far enough for the longest encoding after the
 * longest run of prefixes, so that no field needs a bounds check of its own; an instruction that
 * ends in the padding is recognised by its length, once, at the end.
 */
#include "decode.h"
#include "decode_tables.h"

/* 15 prefixes, then 3 bytes of opcode, ModRM, SIB, 8 of displacement, 8 of immediate, and the
 * 8 that take() loads whatever it needs. */
#define PADDED 48

struct cursor {
	const uint8_t *p;
};

static inline uint8_t take_byte(struct cursor *c)
{
	return *c->p++;
}

/* size: 1..8 */
static inline uint64_t take(struct cursor *c, unsigned size)
{
	uint64_t value;

	__builtin_memcpy(&value, c->p, 8);
	c->p += size;
	return value & (~0ull >> (64 - 8 * size));
}

static inline int64_t take_signed(struct cursor *c, unsigned size)
{
	unsigned shift = 64 - 8 * size;
	uint64_t value;

	__builtin_memcpy(&value, c->p, 8);
	c->p += size;
	return (int64_t)(value << shift) >> shift;
}

/* One legacy prefix. In 64-bit code only FS and GS overrides count; the others change nothing. */
static void prefix(struct insn *insn, uint8_t byte)
{
	unsigned seg;

	switch (byte) {
	case 0x66:
		insn->prefixes |= INSN_OPSIZE;
		return;
	case 0x67:
		insn->prefixes |= INSN_ADSIZE;
		return;
	case 0xf0:
		insn->prefixes |= INSN_LOCK;
		return;
	case 0xf2:
		insn->prefixes = (insn->prefixes & ~INSN_REP) | INSN_REPNE;
		return;
	case 0xf3:
		insn->prefixes = (insn->prefixes & ~INSN_REPNE) | INSN_REP;
		return;
	}
	seg = byte >= 0x64 ? byte - 0x64u + SEG_FS : (byte >> 3) & 3u;
	if (insn->code == 8 && seg < SEG_FS)
		return;
	insn->seg = seg;
	insn->prefixes |= INSN_SEGMENT;
}

static void set_sizes(struct insn *insn, unsigned op)
{
	unsigned code = insn->code;
	bool other = insn->prefixes & INSN_OPSIZE;

	if (code == 8) {
		if (insn->rex & 8)
			insn->opsize = 8;
		else if (other)
			insn->opsize = 2;
		else
			insn->opsize = op & OP_D64 ? 8 : 4;
	} else {
		insn->opsize = (code == 2) != other ? 2 : 4;
	}
	if (op & OP_B)
		insn->opsize = 1;
	if (insn->prefixes & INSN_ADSIZE)
		insn->adsize = code == 4 ? 2 : 4;
	else
		insn->adsize = code;
}

/* 16-bit addressing (APM volume 3, table A-33). */
static void address16(struct insn *insn, struct cursor *c, unsigned mod, unsigned rm)
{
	static const uint8_t bases[8] = {3, 3, 5, 5, 6, 7, 5, 3};
	static const uint8_t indices[8] = {6, 7, 6, 7, INSN_NO_REG, INSN_NO_REG, INSN_NO_REG,
					   INSN_NO_REG};

	insn->base = bases[rm];
	insn->index = indices[rm];
	if (mod == 0 && rm == 6) {
		insn->base = INSN_NO_REG;
		insn->disp = take_signed(c, 2);
	} else if (mod) {
		insn->disp = take_signed(c, mod);
	}
	if (!(insn->prefixes & INSN_SEGMENT))
		insn->seg = insn->base == 5 ? SEG_SS : SEG_DS;
}

/* 32-bit and 64-bit addressing (APM volume 3, tables ). */
static void address32(struct insn *insn, struct cursor *c, unsigned mod, unsigned rm)
{
	unsigned base = rm;
	unsigned sib;

	insn->index = INSN_NO_REG;
	if (rm == 4) {
		sib = take_byte(c);
		base = sib & 7;
		insn->scale = sib >> 6;
		insn->index = ((sib >> 3) & 7) | (insn->rex & 2) << 2;
		if (insn->index == 4)
			insn->index = INSN_NO_REG;
	}
	insn->base = base | (insn->rex & 1) << 3;
	if (mod == 0 && base == 5) {
		insn->base = rm == 5 && insn->code == 8 ? INSN_RIP : INSN_NO_REG;
		insn->disp = take_signed(c, 4);
	} else if (mod) {
		insn->disp = take_signed(c, mod == 1 ? 1 : 4);
	}
	if (!(insn->prefixes & INSN_SEGMENT))
		insn->seg = insn->base == 4 || insn->base == 5 ? SEG_SS : SEG_DS;
}

static void modrm(struct insn *insn, struct cursor *c, bool registers)
{
	unsigned m = take_byte(c);
	unsigned mod = m >> 6;

	insn->has_modrm = true;
	insn->modrm = m;
	insn->reg = ((m >> 3) & 7) | (insn->rex & 4) << 1;
	insn->rm = (m & 7) | (insn->rex & 1) << 3;
	if (mod == 3 || registers)
		return;
	insn->mem = true;
	if (insn->adsize == 2)
		address16(insn, c, mod, m & 7);
	else
		address32(insn, c, mod, m & 7);
}

static void immediate(struct insn *insn, struct cursor *c, unsigned op)
{
	unsigned z = insn->opsize == 8 ? 4 : insn->opsize;

	switch (op & OP_FORM) {
	case OP_I8:
		insn->imm = take_signed(c, 1);
		break;
	case OP_IZ:
		insn->imm = take_signed(c, z);
		break;
	case OP_I16:
		insn->imm = take(c, 2);
		break;
	case OP_IV:
		insn->imm = take_signed(c, insn->opsize);
		break;
	case OP_MOFFS:
		insn->disp = take(c, insn->adsize);
		if (!(insn->prefixes & INSN_SEGMENT))
			insn->seg = SEG_DS;
		insn->base = INSN_NO_REG;
		insn->index = INSN_NO_REG;
		insn->mem = true;
		break;
	case OP_FAR:
		insn->imm = take(c, z);
		insn->far_sel = take(c, 2);
		break;
	case OP_ENTER:
		insn->imm = take(c, 2);
		insn->far_sel = take_byte(c);
		break;
	case OP_G3:
		if (((insn->modrm >> 3) & 7) < 2)
			insn->imm = take_signed(c, z);
		break;
	case OP_EXTRQ:
		if (insn->prefixes & (INSN_OPSIZE | INSN_REPNE))
			insn->imm = take(c, 2);
		break;
	}
}

/* VEX, EVEX and XOP opcodes with an 8-bit immediate in the map that mirrors 0F. */
static bool vex_0f_immediate(unsigned opcode)
{
	return (opcode >= 0x70 && opcode <= 0x73) || opcode == 0xc2 ||
	       (opcode >= 0xc4 && opcode <= 0xc6);
}

/*
 * The rest of a VEX (C4, C5), EVEX (62) or XOP (8F) encoding: only its extent. The escape byte
 * has been consumed. Returns INSN_INVALID for maps that do not exist (APM volume 3, 1.9).
 */
static int vex(struct insn *insn, struct cursor *c, unsigned escape)
{
	unsigned first = take_byte(c);
	unsigned map = 1;

	if (insn->rex || insn->prefixes & (INSN_LOCK | INSN_REP | INSN_REPNE | INSN_OPSIZE))
		return INSN_INVALID;
	if (escape == 0xc4 || escape == 0x8f) {
		map = first & 0x1f;
		take_byte(c);
	} else if (escape == 0x62) {
		map = first & 7;
		take(c, 2);
	}
	insn->map = INSN_MAP_VEX;
	insn->kind = INSN_OTHER;
	insn->opcode = take_byte(c);
	set_sizes(insn, 0);
	/* The register extensions of these prefixes do not change the length. */
	if (!(map == 1 && insn->opcode == 0x77 && escape != 0x62))
		modrm(insn, c, false);
	if (escape == 0x8f) {
		if (map < 8 || map > 10)
			return INSN_INVALID;
		if (map == 8)
			take_byte(c);
		else if (map == 10)
			take(c, 4);
		return 0;
	}
	if (map == 0 || map == 4 || (escape == 0x62 ? map > 6 : map > 3))
		return INSN_INVALID;
	if (map == 3 || (map == 1 && vex_0f_immediate(insn->opcode)))
		take_byte(c);
	return 0;
}

/* Whether C4, C5, 62 or 8F opens another encoding and not LES, LDS, BOUND or POP. */
static bool is_vex(const struct insn *insn, const struct cursor *c, unsigned opcode)
{
	if (opcode == 0x8f)
		return (*c->p & 0x1f) >= 8;
	return insn->code == 8 || *c->p >= 0xc0;
}

/* The opcode after 0F; returns its table entry. */
static unsigned opcode_0f(struct insn *insn, struct cursor *c)
{
	unsigned op;

	insn->map = INSN_MAP_0F;
	insn->opcode = take_byte(c);
	op = decode_map_0f[insn->opcode];
	if ((op & OP_FORM) != OP_ESCAPE)
		return op;
	if (insn->opcode == 0x3a) {
		insn->map = INSN_MAP_0F3A;
		insn->opcode = take_byte(c);
		return OP_M | OP_I8;
	}
	insn->map = INSN_MAP_0F38;
	insn->opcode = take_byte(c);
	/* MOVBE; with F2 the same opcodes are CRC32. */
	if ((insn->opcode & 0xfe) == 0xf0 && !(insn->prefixes & (INSN_REP | INSN_REPNE)))
		return OP_M | INSN_MOVBE;
	return OP_M;
}

/* Everything after the prefixes, opcode byte consumed and in insn->opcode. */
static int body(struct insn *insn, struct cursor *c, unsigned op)
{
	if ((op & OP_FORM) == OP_ESCAPE) {
		op = opcode_0f(insn, c);
	} else if ((op & OP_FORM) == OP_VEX) {
		if (is_vex(insn, c, insn->opcode))
			return vex(insn, c, insn->opcode);
		op &= ~OP_FORM;
	}
	if ((op & OP_FORM) == OP_UD || (op & OP_X64 && insn->code == 8))
		return INSN_INVALID;
	set_sizes(insn, op);
	insn->kind = op & OP_KIND;
	if (op & OP_M)
		modrm(insn, c, (op & OP_FORM) == OP_CRDR);
	if (op & OP_FORM)
		immediate(insn, c, op);
	return 0;
}

static inline void copy_bytes(uint8_t *to, const uint8_t *from, unsigned n)
{
	if (n >= INSN_MAX_LENGTH) { /* two overlapping words: 0-7, 7-14 */
		__builtin_memcpy(to, from, 8);
		__builtin_memcpy(to + 7, from + 7, 8);
		return;
	}
	while (n--)
		to[n] = from[n];
}

int insn_decode(struct insn *insn, const uint8_t *bytes, unsigned n, unsigned code)
{
	uint64_t padded[PADDED / 8] = {0};
	struct cursor c = {(const uint8_t *)padded};
	const uint8_t *last = c.p + INSN_MAX_LENGTH - 1;
	unsigned op, length;
	int err;

	copy_bytes((uint8_t *)padded, bytes, n);
	*insn = (struct insn){.code = code};
	for (;;) {
		insn->opcode = take_byte(&c);
		op = decode_map_one[insn->opcode];
		if (code == 8 && (insn->opcode & 0xf0) == 0x40) {
			insn->rex = insn->opcode;
		} else if ((op & OP_FORM) == OP_PREFIX) {
			insn->rex = 0; /* only the last byte before the opcode is a REX prefix */
			prefix(insn, insn->opcode);
		} else {
			break;
		}
		if (c.p > last)
			return n < INSN_MAX_LENGTH ? INSN_TRUNCATED : INSN_TOO_LONG;
	}
	err = body(insn, &c, op);
	length = c.p - (const uint8_t *)padded;
	if (length > n || length > INSN_MAX_LENGTH)
		return n < INSN_MAX_LENGTH ? INSN_TRUNCATED : INSN_TOO_LONG;
	if (err)
		return err;
	insn->length = length;
	return length;
}

int insn_decode_cached(struct insn_cache *cache, const uint8_t *bytes, unsigned code,
		       const struct insn **insn)
{
	struct insn_cached *entry;
	uint64_t head, tail;
	int rc;

	__builtin_memcpy(&head, bytes, 8);
	__builtin_memcpy(&tail, bytes + 7, 8);
	entry = &cache->entry[(head * 0x9e3779b97f4a7c15) >> 58];
	*insn = &entry->insn;
	if (entry->head == head && entry->tail == tail && entry->insn.code == code &&
	    entry->insn.length)
		return entry->insn.length;
	rc = insn_decode(&entry->insn, bytes, INSN_MAX_LENGTH, code);
	entry->head = head;
	entry->tail = tail;
	if (rc < 0)
		entry->insn.length = 0;
	return rc;
}

_Static_assert(INSN_CACHE_SIZE == 64, "the hash above has six bits");

int insn_length(const uint8_t *bytes, unsigned n, unsigned code)
{
	struct insn insn;

	return insn_decode(&insn, bytes, n, code);
}
