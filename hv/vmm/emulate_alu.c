// SPDX-License-Identifier: GPL-2.0-only
/* Instructions that compute: arithmetic, shifts, bits, exchanges, and indirect branches. */
#include "emulate_priv.h"

/* --- the eight operations --- */
static int alu_rm(struct emul *e, enum alu_op op, uint64_t b)
{
	uint64_t status = e->cpu->rflags;
	uint64_t a;
	int rc = op == ALU_CMP ? rm_read(e, e->size, &a) : rm_modify(e, e->size, &a);

	if (rc)
		return rc;
	a = alu(op, e->size, a, b, &status);
	if (op != ALU_CMP)
		rc = rm_write_back(e, e->size, a);
	if (!rc)
		set_status(e, status);
	return rc;
}

static void alu_reg(struct emul *e, unsigned reg, enum alu_op op, uint64_t b)
{
	uint64_t status = e->cpu->rflags;
	uint64_t r = alu(op, e->size, reg_read(e, reg, e->size), b, &status);

	if (op != ALU_CMP)
		reg_write(e, reg, e->size, r);
	set_status(e, status);
}

int do_alu_store(struct emul *e)
{
	return alu_rm(e, e->insn->opcode >> 3 & 7, reg_read(e, e->insn->reg, e->size));
}

int do_alu_load(struct emul *e)
{
	uint64_t b;
	int rc = rm_read(e, e->size, &b);

	if (!rc)
		alu_reg(e, e->insn->reg, e->insn->opcode >> 3 & 7, b);
	return rc;
}

int do_alu_acc(struct emul *e)
{
	alu_reg(e, GPR_RAX, e->insn->opcode >> 3 & 7, e->insn->imm & size_mask(e->size));
	return EMUL_OK;
}

int do_alu_imm(struct emul *e)
{
	return alu_rm(e, e->insn->modrm >> 3 & 7, e->insn->imm & size_mask(e->size));
}

static int test_rm(struct emul *e, uint64_t b)
{
	uint64_t a;
	int rc = rm_read(e, e->size, &a);

	if (!rc)
		set_status(e, result_flags(e->size, a & b));
	return rc;
}

int do_test(struct emul *e)
{
	return test_rm(e, reg_read(e, e->insn->reg, e->size));
}

int do_test_acc(struct emul *e)
{
	set_status(e, result_flags(e->size, reg_read(e, GPR_RAX, e->size) & e->insn->imm));
	return EMUL_OK;
}

/* INC and DEC leave CF alone. */
static int step_rm(struct emul *e, bool down)
{
	uint64_t status, a;
	int rc = rm_modify(e, e->size, &a);

	if (rc)
		return rc;
	a = alu(down ? ALU_SUB : ALU_ADD, e->size, a, 1, &status);
	rc = rm_write_back(e, e->size, a);
	if (!rc)
		set_status(e, (status & ~FLAG_CF) | (e->cpu->rflags & FLAG_CF));
	return rc;
}

int do_incdec(struct emul *e)
{
	unsigned reg = e->insn->opcode & 7;
	uint64_t status;
	uint64_t r = alu(e->insn->opcode & 8 ? ALU_SUB : ALU_ADD, e->size,
			 reg_read(e, reg, e->size), 1, &status);

	reg_write(e, reg, e->size, r);
	set_status(e, (status & ~FLAG_CF) | (e->cpu->rflags & FLAG_CF));
	return EMUL_OK;
}

/* --- F6, F7 --- */
static int not_neg(struct emul *e, bool neg)
{
	uint64_t status, a;
	int rc = rm_modify(e, e->size, &a);

	if (rc)
		return rc;
	a = neg ? alu(ALU_SUB, e->size, 0, a, &status) : ~a & size_mask(e->size);
	rc = rm_write_back(e, e->size, a);
	if (!rc && neg)
		set_status(e, status);
	return rc;
}

/* SF, ZF, AF and PF are undefined after a multiplication; they stay as they were. */
static void set_overflow(struct emul *e, bool over)
{
	e->cpu->rflags &= ~(FLAG_CF | FLAG_OF);
	if (over)
		e->cpu->rflags |= FLAG_CF | FLAG_OF;
}

/* The double-width accumulator: AX for bytes, else rDX:rAX. */
static void write_double(struct emul *e, uint64_t low, uint64_t high)
{
	if (e->size == 1) {
		reg_write(e, GPR_RAX, 2, (high & 0xff) << 8 | (low & 0xff));
		return;
	}
	reg_write(e, GPR_RAX, e->size, low);
	reg_write(e, GPR_RDX, e->size, high);
}

static void multiply(struct emul *e, bool is_signed, uint64_t b)
{
	unsigned size = e->size;
	uint64_t a = reg_read(e, GPR_RAX, size);
	unsigned __int128 wide;
	uint64_t low, high;

	if (is_signed)
		wide = (__int128)sign_extend(a, size) * sign_extend(b, size);
	else
		wide = (unsigned __int128)a * b;
	low = (uint64_t)wide & size_mask(size);
	high = (uint64_t)(wide >> (8 * size)) & size_mask(size);
	write_double(e, low, high);
	set_overflow(e, is_signed ? (__int128)wide != sign_extend(low, size) : high != 0);
}

/*
 * 128 by 64 bits, one bit at a time: the compiler's own routine for it is not in a freestanding
 * program, and the DIV instruction would raise #DE on a quotient that is too large.
 */
static bool divide128(uint64_t high, uint64_t low, uint64_t by, uint64_t *quotient, uint64_t *rest)
{
	uint64_t carry;
	unsigned i;

	if (high >= by)
		return false; /* also division by zero */
	for (i = 0; i < 64; i++) {
		carry = high >> 63;
		high = high << 1 | low >> 63;
		low <<= 1;
		if (carry || high >= by) {
			high -= by;
			low |= 1;
		}
	}
	*quotient = low;
	*rest = high;
	return true;
}

static uint64_t negate_if(bool negative, uint64_t value)
{
	return negative ? -value : value;
}

/* Flags are undefined after a division; they stay as they were. */
static int divide(struct emul *e, bool is_signed, uint64_t by)
{
	unsigned size = e->size, bits = 8 * size;
	uint64_t low = reg_read(e, GPR_RAX, size == 1 ? 2 : size);
	uint64_t high = size == 1 ? 0 : reg_read(e, GPR_RDX, size);
	bool neg = false, neg_by = false;
	uint64_t quotient, rest;

	if (size != 8) { /* the dividend fits 64 bits */
		low |= size == 1 ? 0 : high << bits;
		high = 0;
		if (is_signed)
			low = sign_extend(low, 2 * size);
		if (is_signed && (int64_t)low < 0)
			high = ~0ull;
	}
	if (is_signed) {
		neg = (int64_t)high < 0;
		neg_by = sign_extend(by, size) < 0;
		by = negate_if(neg_by, sign_extend(by, size));
		if (neg) {
			high = ~high + !low;
			low = -low;
		}
	}
	if (!divide128(high, low, by, &quotient, &rest))
		return emul_exception(e, VECTOR_DE, 0);
	if (quotient > (is_signed ? (size_mask(size) >> 1) + (neg != neg_by) : size_mask(size)))
		return emul_exception(e, VECTOR_DE, 0);
	write_double(e, negate_if(neg != neg_by, quotient), negate_if(neg, rest));
	return EMUL_OK;
}

int do_unary(struct emul *e)
{
	unsigned op = e->insn->modrm >> 3 & 7;
	uint64_t b;
	int rc;

	if (op < 2)
		return test_rm(e, e->insn->imm & size_mask(e->size));
	if (op < 4)
		return not_neg(e, op == 3);
	rc = rm_read(e, e->size, &b);
	if (rc)
		return rc;
	if (op >= 6)
		return divide(e, op == 7, b);
	multiply(e, op == 5, b);
	return EMUL_OK;
}

static int imul_into_reg(struct emul *e, uint64_t a, uint64_t b)
{
	__int128 wide = (__int128)sign_extend(a, e->size) * sign_extend(b, e->size);

	reg_write(e, e->insn->reg, e->size, wide);
	set_overflow(e, wide != sign_extend(wide, e->size));
	return EMUL_OK;
}

int do_imul(struct emul *e)
{
	uint64_t b;
	int rc = rm_read(e, e->size, &b);

	return rc ? rc : imul_into_reg(e, reg_read(e, e->insn->reg, e->size), b);
}

int do_imul_imm(struct emul *e)
{
	uint64_t b;
	int rc = rm_read(e, e->size, &b);

	return rc ? rc : imul_into_reg(e, b, e->insn->imm);
}

/* --- FE, FF --- */
/* A near branch in 64-bit code is always 64 bits wide (66 is ignored, as Intel does). */
static int branch(struct emul *e, bool call)
{
	unsigned size = e->cpu->mode == EMUL_LONG ? 8 : e->size;
	uint64_t target;
	int rc = rm_read(e, size, &target);

	if (rc)
		return rc;
	if (e->cpu->mode == EMUL_LONG ? target != (uint64_t)sign_extend(target, 6)
				      : target > e->cpu->seg[SEG_CS].limit)
		return emul_exception(e, VECTOR_GP, 0);
	if (call)
		rc = stack_push(e, size, e->next_rip);
	if (!rc)
		e->next_rip = target;
	return rc;
}

int do_group5(struct emul *e)
{
	unsigned op = e->insn->modrm >> 3 & 7;
	unsigned size = e->size == 4 && e->cpu->mode == EMUL_LONG ? 8 : e->size;
	uint64_t value;
	int rc;

	if (op < 2)
		return step_rm(e, op == 1);
	if (e->insn->opcode == 0xfe || op == 7)
		return emul_exception(e, VECTOR_UD, 0);
	if (op == 2 || op == 4)
		return branch(e, op == 2);
	if (op != 6)
		return EMUL_UNHANDLED; /* far branches */
	rc = rm_read(e, size, &value);
	return rc ? rc : stack_push(e, size, value);
}

/* --- shifts --- */
int do_shift(struct emul *e)
{
	unsigned opcode = e->insn->opcode;
	uint64_t status = e->cpu->rflags;
	unsigned count;
	uint64_t a;
	int rc;

	if (opcode < 0xd0)
		count = e->insn->imm;
	else
		count = opcode < 0xd2 ? 1 : e->cpu->gpr[GPR_RCX];
	rc = rm_modify(e, e->size, &a);
	if (rc)
		return rc;
	a = shift(e->insn->modrm >> 3 & 7, e->size, a, count & 0xff, &status);
	rc = rm_write_back(e, e->size, a);
	if (!rc)
		set_status(e, status & FLAGS_STATUS);
	return rc;
}

int do_shift_double(struct emul *e)
{
	unsigned opcode = e->insn->opcode;
	unsigned count = opcode & 1 ? e->cpu->gpr[GPR_RCX] : e->insn->imm;
	uint64_t status = e->cpu->rflags;
	uint64_t a;
	int rc = rm_modify(e, e->size, &a);

	if (rc)
		return rc;
	a = shift_double(opcode < 0xa8, e->size, a, reg_read(e, e->insn->reg, e->size), count & 0xff,
			 &status);
	rc = rm_write_back(e, e->size, a);
	if (!rc)
		set_status(e, status & FLAGS_STATUS);
	return rc;
}

/* --- exchanges --- */
int do_xchg(struct emul *e)
{
	uint64_t a;
	int rc;

	if (e->insn->mem)
		e->locked = EMUL_LOCKED; /* with or without the prefix */
	rc = rm_modify(e, e->size, &a);
	if (!rc)
		rc = rm_write_back(e, e->size, reg_read(e, e->insn->reg, e->size));
	if (!rc)
		reg_write(e, e->insn->reg, e->size, a);
	return rc;
}

int do_xadd(struct emul *e)
{
	uint64_t status, a, b = reg_read(e, e->insn->reg, e->size);
	uint64_t sum;
	int rc = rm_modify(e, e->size, &a);

	if (rc)
		return rc;
	sum = alu(ALU_ADD, e->size, a, b, &status);
	if (e->insn->mem)
		rc = rm_write_back(e, e->size, sum);
	if (rc)
		return rc;
	reg_write(e, e->insn->reg, e->size, a);
	if (!e->insn->mem) /* both operands may be one register: the sum wins */
		reg_write(e, e->insn->rm, e->size, sum);
	set_status(e, status);
	return EMUL_OK;
}

/* A memory destination is written in either case (APM volume 3, CMPXCHG). */
int do_cmpxchg(struct emul *e)
{
	uint64_t status, a, old = reg_read(e, GPR_RAX, e->size);
	bool equal;
	int rc = rm_modify(e, e->size, &a);

	if (rc)
		return rc;
	alu(ALU_CMP, e->size, old, a, &status);
	equal = status & FLAG_ZF;
	if (equal)
		rc = rm_write_back(e, e->size, reg_read(e, e->insn->reg, e->size));
	else if (e->insn->mem)
		rc = rm_write_back(e, e->size, a);
	if (rc)
		return rc;
	if (!equal)
		reg_write(e, GPR_RAX, e->size, a);
	set_status(e, status);
	return EMUL_OK;
}

/* CMPXCHG8B and CMPXCHG16B: two halves at e->linear and above, never through EMUL_SOLE. */
int do_cmpxchg8b(struct emul *e)
{
	unsigned half = e->size == 8 ? 8 : 4;
	unsigned flags = EMUL_RMW | e->locked;
	uint64_t low, high, *gpr = e->cpu->gpr;
	bool equal;
	int rc;

	if ((e->insn->modrm & 0x38) != 8 || !e->insn->mem)
		return EMUL_UNHANDLED;
	rc = mem_linear(e, e->insn->seg, effective_address(e), 2 * half, true, &e->linear);
	if (rc)
		return rc;
	if (half == 8 && e->linear & 15)
		return emul_exception(e, VECTOR_GP, 0);
	rc = mem_read(e, e->linear, half, flags, &low);
	if (!rc)
		rc = mem_read(e, e->linear + half, half, flags, &high);
	if (rc)
		return rc;
	equal = low == reg_masked(e, GPR_RAX, half) && high == reg_masked(e, GPR_RDX, half);
	rc = mem_write(e, e->linear, half, e->locked, equal ? gpr[GPR_RBX] : low);
	if (!rc)
		rc = mem_write(e, e->linear + half, half, e->locked, equal ? gpr[GPR_RCX] : high);
	if (rc)
		return rc;
	if (!equal) {
		reg_write(e, GPR_RAX, half, low);
		reg_write(e, GPR_RDX, half, high);
	}
	e->cpu->rflags = (e->cpu->rflags & ~FLAG_ZF) | (equal ? FLAG_ZF : 0);
	return EMUL_OK;
}

/* --- bits --- */
/* BT BTS BTR BTC (op 0..3) on the r/m operand, whose place is known if it is memory. */
static int bit_op(struct emul *e, unsigned op, unsigned bit)
{
	unsigned flags = op ? EMUL_RMW | e->locked : 0;
	uint64_t a, mask = 1ull << bit;
	int rc = EMUL_OK;

	if (e->insn->mem)
		rc = mem_read(e, e->linear, e->size, flags | EMUL_SOLE, &a);
	else
		a = reg_read(e, e->insn->rm, e->size);
	if (rc)
		return rc;
	if (op)
		rc = rm_write_back(e, e->size,
				   op == 1 ? a | mask : op == 2 ? a & ~mask : a ^ mask);
	if (!rc)
		e->cpu->rflags = (e->cpu->rflags & ~FLAG_CF) | (a >> bit & 1);
	return rc;
}

/* A bit number from a register is signed and reaches beyond the operand. */
int do_bit(struct emul *e)
{
	unsigned op = e->insn->opcode >> 3 & 3;
	int64_t bit = sign_extend(reg_read(e, e->insn->reg, e->size), e->size);
	unsigned bits = 8 * e->size;
	uint64_t address;
	int rc;

	op = (op + 4 - (0xa3 >> 3 & 3)) & 3;
	if (e->insn->mem) {
		address = effective_address(e) + (bit >> __builtin_ctz(bits)) * (int64_t)e->size;
		address &= size_mask(e->insn->adsize);
		rc = mem_linear(e, e->insn->seg, address, e->size, op, &e->linear);
		if (rc)
			return rc;
	}
	return bit_op(e, op, bit & (bits - 1));
}

int do_bit_imm(struct emul *e)
{
	unsigned op = e->insn->modrm >> 3 & 7;
	int rc;

	if (op < 4)
		return emul_exception(e, VECTOR_UD, 0);
	if (e->insn->mem) {
		rc = mem_linear(e, e->insn->seg, effective_address(e), e->size, op != 4, &e->linear);
		if (rc)
			return rc;
	}
	return bit_op(e, op - 4, e->insn->imm & (8 * e->size - 1));
}

/*
 * BSF, BSR; with F3 TZCNT, LZCNT. A zero source leaves the destination of BSF and BSR alone, as
 * all processors do.
 */
int do_bitscan(struct emul *e)
{
	bool count = e->insn->prefixes & INSN_REP;
	bool reverse = e->insn->opcode & 1;
	unsigned bits = 8 * e->size;
	uint64_t a, r, flags = 0;
	int rc = rm_read(e, e->size, &a);

	if (rc)
		return rc;
	if (!a)
		r = bits;
	else if (!reverse)
		r = __builtin_ctzll(a);
	else
		r = count ? __builtin_clzll(a) + bits - 64 : 63u - __builtin_clzll(a);
	if (count) {
		flags = e->cpu->rflags & FLAGS_STATUS & ~(FLAG_CF | FLAG_ZF);
		flags |= (a ? 0 : FLAG_CF) | (r ? 0 : FLAG_ZF);
	} else {
		flags = (e->cpu->rflags & FLAGS_STATUS & ~FLAG_ZF) | (a ? 0 : FLAG_ZF);
	}
	if (a || count)
		reg_write(e, e->insn->reg, e->size, r);
	set_status(e, flags);
	return EMUL_OK;
}

int do_popcnt(struct emul *e)
{
	uint64_t a, n = 0;
	int rc;

	if (!(e->insn->prefixes & INSN_REP))
		return emul_exception(e, VECTOR_UD, 0);
	rc = rm_read(e, e->size, &a);
	if (rc)
		return rc;
	for (; a; a &= a - 1)
		n++;
	reg_write(e, e->insn->reg, e->size, n);
	set_status(e, n ? 0 : FLAG_ZF);
	return EMUL_OK;
}

int do_setcc(struct emul *e)
{
	return rm_write(e, 1, condition(e->insn->opcode & 15, e->cpu->rflags));
}

/* The source is read, and a 32-bit destination cleared above, whatever the condition. */
int do_cmovcc(struct emul *e)
{
	uint64_t a;
	int rc = rm_read(e, e->size, &a);

	if (rc)
		return rc;
	if (!condition(e->insn->opcode & 15, e->cpu->rflags))
		a = reg_read(e, e->insn->reg, e->size);
	reg_write(e, e->insn->reg, e->size, a);
	return EMUL_OK;
}
