// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator's frame: modes, segments, operand access, the moves, and the dispatch.
 *
 * A handler computes into locals, writes memory, and only then registers and flags, so that a
 * fault in the middle leaves the guest's registers as they were.
 */
#include "emulate_priv.h"

#define CR0_PE 1ull
#define EFER_LMA (1ull << 10)

/* Segment attributes in the form of struct segment (APM volume 2, 4.7 and 15.5.1). */
#define SEG_PRESENT 0x80
#define SEG_CODE 0x08
#define SEG_EXPAND_DOWN 0x04 /* data */
#define SEG_WRITABLE 0x02    /* data; for code: readable */
#define SEG_LONG 0x200
#define SEG_BIG 0x400

void emul_set_mode(struct emul_cpu *cpu, uint64_t cr0, uint64_t efer)
{
	const struct segment *cs = &cpu->seg[SEG_CS], *ss = &cpu->seg[SEG_SS];

	cpu->cpl = ss->attributes >> 5 & 3;
	cpu->stack = ss->attributes & SEG_BIG ? 4 : 2;
	if (!(cr0 & CR0_PE) || cpu->rflags & FLAG_VM) {
		cpu->mode = EMUL_REAL;
		cpu->cpl = cpu->rflags & FLAG_VM && cr0 & CR0_PE ? 3 : 0;
		cpu->code = cs->attributes & SEG_BIG ? 4 : 2;
	} else if (efer & EFER_LMA && cs->attributes & SEG_LONG) {
		cpu->mode = EMUL_LONG;
		cpu->code = 8;
		cpu->stack = 8;
	} else {
		cpu->mode = EMUL_PROT;
		cpu->code = cs->attributes & SEG_BIG ? 4 : 2;
	}
}

/* Exceptions of real mode push no error code; those of virtual-8086 mode do. */
int emul_exception(struct emul *e, unsigned vector, uint32_t error)
{
	bool real = e->cpu->mode == EMUL_REAL && !(e->cpu->rflags & FLAG_VM);

	*e->fault = (struct emul_fault){
		.vector = vector,
		.has_error = !real && vector >= VECTOR_SS,
		.error = real ? 0 : error,
	};
	return EMUL_FAULT;
}

/* --- registers --- */
void reg_write(struct emul *e, unsigned reg, unsigned size, uint64_t value)
{
	uint64_t *gpr = e->cpu->gpr;

	switch (size) {
	case 8:
		gpr[reg] = value;
		break;
	case 4:
		gpr[reg] = (uint32_t)value;
		break;
	case 2:
		gpr[reg] = (gpr[reg] & ~0xffffull) | (value & 0xffff);
		break;
	default:
		if (reg >= 4 && reg < 8 && !e->insn->rex)
			gpr[reg - 4] = (gpr[reg - 4] & ~0xff00ull) | (value & 0xff) << 8;
		else
			gpr[reg] = (gpr[reg] & ~0xffull) | (value & 0xff);
	}
}

/* Pointers and counts: in 64-bit code a 32-bit write clears the upper half, as for any register. */
void reg_write_masked(struct emul *e, unsigned reg, unsigned size, uint64_t value)
{
	uint64_t *gpr = &e->cpu->gpr[reg];

	if (size == 2)
		*gpr = (*gpr & ~0xffffull) | (value & 0xffff);
	else
		*gpr = size == 4 ? (uint32_t)value : value;
}

/* --- memory --- */
static bool segment_allows(const struct emul_cpu *cpu, const struct segment *s, uint64_t offset,
			   unsigned size, bool write)
{
	unsigned type = s->attributes;
	uint64_t last = offset + size - 1;
	uint64_t top = type & SEG_BIG ? 0xffffffff : 0xffff;

	if (cpu->mode == EMUL_PROT) {
		if (!(type & SEG_PRESENT))
			return false;
		if (type & SEG_CODE ? write || !(type & SEG_WRITABLE)
				    : write && !(type & SEG_WRITABLE))
			return false;
		if ((type & (SEG_CODE | SEG_EXPAND_DOWN)) == SEG_EXPAND_DOWN)
			return offset > s->limit && last <= top;
	}
	return last <= s->limit;
}

int mem_linear_checked(struct emul *e, unsigned seg, uint64_t offset, unsigned size, bool write,
		       uint64_t *linear)
{
	const struct segment *s = &e->cpu->seg[seg];

	if (e->cpu->mode == EMUL_LONG || !segment_allows(e->cpu, s, offset, size, write))
		return emul_exception(e, seg == SEG_SS ? VECTOR_SS : VECTOR_GP, 0);
	*linear = (uint32_t)(s->base + offset);
	return EMUL_OK;
}

/* The memory operand is the only one unless a stack access comes with it. */
static unsigned sole(const struct emul *e)
{
	return e->insn->kind == INSN_GROUP5 || e->insn->kind == INSN_POP_MEM ? 0 : EMUL_SOLE;
}

static int rm_get(struct emul *e, unsigned size, unsigned flags, uint64_t *value)
{
	int rc;

	if (!e->insn->mem) {
		*value = reg_read(e, e->insn->rm, size);
		return EMUL_OK;
	}
	rc = mem_linear(e, e->insn->seg, effective_address(e), size, flags, &e->linear);
	if (rc)
		return rc;
	return mem_read(e, e->linear, size, flags | sole(e), value);
}

int rm_read(struct emul *e, unsigned size, uint64_t *value)
{
	return rm_get(e, size, 0, value);
}

int rm_modify(struct emul *e, unsigned size, uint64_t *value)
{
	return rm_get(e, size, EMUL_RMW | e->locked, value);
}

int rm_write_back(struct emul *e, unsigned size, uint64_t value)
{
	if (e->insn->mem)
		return mem_write(e, e->linear, size, sole(e) | e->locked, value);
	reg_write(e, e->insn->rm, size, value);
	return EMUL_OK;
}

int rm_write(struct emul *e, unsigned size, uint64_t value)
{
	int rc = EMUL_OK;

	if (e->insn->mem)
		rc = mem_linear(e, e->insn->seg, effective_address(e), size, true, &e->linear);
	return rc ? rc : rm_write_back(e, size, value);
}

/* --- the stack --- */
int stack_push(struct emul *e, unsigned size, uint64_t value)
{
	unsigned width = e->cpu->stack;
	uint64_t sp = (e->cpu->gpr[GPR_RSP] - size) & size_mask(width);
	uint64_t linear;
	int rc = mem_linear(e, SEG_SS, sp, size, true, &linear);

	if (!rc)
		rc = mem_write(e, linear, size, 0, value);
	if (!rc)
		reg_write_masked(e, GPR_RSP, width, sp);
	return rc;
}

int stack_read(struct emul *e, unsigned size, uint64_t *value)
{
	uint64_t sp = reg_masked(e, GPR_RSP, e->cpu->stack);
	uint64_t linear;
	int rc = mem_linear(e, SEG_SS, sp, size, false, &linear);

	return rc ? rc : mem_read(e, linear, size, 0, value);
}

void stack_drop(struct emul *e, unsigned size)
{
	reg_write_masked(e, GPR_RSP, e->cpu->stack, e->cpu->gpr[GPR_RSP] + size);
}

static int do_push_reg(struct emul *e)
{
	unsigned reg = (e->insn->opcode & 7) | (e->insn->rex & 1) << 3;

	return stack_push(e, e->size, reg_read(e, reg, e->size));
}

static int do_push_imm(struct emul *e)
{
	return stack_push(e, e->size, e->insn->imm);
}

static int do_pop_reg(struct emul *e)
{
	unsigned reg = (e->insn->opcode & 7) | (e->insn->rex & 1) << 3;
	uint64_t value;
	int rc = stack_read(e, e->size, &value);

	if (rc)
		return rc;
	stack_drop(e, e->size); /* POP rSP keeps the value */
	reg_write(e, reg, e->size, value);
	return EMUL_OK;
}

/* An address based on rSP uses its value after the pop (APM volume 3, POP). */
static int do_pop_mem(struct emul *e)
{
	uint64_t sp = e->cpu->gpr[GPR_RSP];
	uint64_t value;
	int rc;

	if (e->insn->modrm & 0x38)
		return emul_exception(e, VECTOR_UD, 0);
	rc = stack_read(e, e->size, &value);
	if (rc)
		return rc;
	stack_drop(e, e->size);
	rc = rm_write(e, e->size, value);
	if (rc)
		e->cpu->gpr[GPR_RSP] = sp;
	return rc;
}

/* --- moves --- */
static int do_mov_store(struct emul *e)
{
	if (e->insn->map == INSN_MAP_0F && !e->insn->mem) /* MOVNTI */
		return emul_exception(e, VECTOR_UD, 0);
	return rm_write(e, e->size, reg_read(e, e->insn->reg, e->size));
}

static int do_mov_load(struct emul *e)
{
	uint64_t value;
	int rc = rm_read(e, e->size, &value);

	if (!rc)
		reg_write(e, e->insn->reg, e->size, value);
	return rc;
}

static int do_mov_imm(struct emul *e)
{
	if (e->insn->modrm & 0x38)
		return emul_exception(e, VECTOR_UD, 0);
	return rm_write(e, e->size, e->insn->imm);
}

static int do_mov_reg_imm(struct emul *e)
{
	reg_write(e, (e->insn->opcode & 7) | (e->insn->rex & 1) << 3, e->size, e->insn->imm);
	return EMUL_OK;
}

static int do_mov_moffs(struct emul *e)
{
	uint64_t value;
	int rc;

	if (e->insn->opcode & 2)
		return rm_write(e, e->size, reg_read(e, GPR_RAX, e->size));
	rc = rm_read(e, e->size, &value);
	if (!rc)
		reg_write(e, GPR_RAX, e->size, value);
	return rc;
}

/* MOV r/m, Sreg: memory always gets 16 bits, a register its whole operand size. */
static int do_mov_seg(struct emul *e)
{
	unsigned seg = e->insn->modrm >> 3 & 7;

	if (seg > SEG_GS)
		return emul_exception(e, VECTOR_UD, 0);
	return rm_write(e, e->insn->mem ? 2 : e->size, e->cpu->seg[seg].selector);
}

static int do_movzx(struct emul *e)
{
	uint64_t value;
	int rc = rm_read(e, e->insn->opcode & 1 ? 2 : 1, &value);

	if (!rc)
		reg_write(e, e->insn->reg, e->size, value);
	return rc;
}

static int do_movsx(struct emul *e)
{
	unsigned from = e->insn->opcode & 1 ? 2 : 1;
	uint64_t value;
	int rc = rm_read(e, from, &value);

	if (!rc)
		reg_write(e, e->insn->reg, e->size, sign_extend(value, from));
	return rc;
}

/* MOVSXD exists in 64-bit code only; elsewhere the opcode is ARPL. */
static int do_movsxd(struct emul *e)
{
	unsigned from = e->size == 2 ? 2 : 4;
	uint64_t value;
	int rc;

	if (e->cpu->mode != EMUL_LONG)
		return EMUL_UNHANDLED;
	rc = rm_read(e, from, &value);
	if (!rc)
		reg_write(e, e->insn->reg, e->size, sign_extend(value, from));
	return rc;
}

static int do_movbe(struct emul *e)
{
	unsigned shift = 64 - 8 * e->size;
	uint64_t value;
	int rc;

	if (!e->insn->mem)
		return emul_exception(e, VECTOR_UD, 0);
	if (e->insn->opcode & 1) {
		value = reg_read(e, e->insn->reg, e->size);
		return rm_write(e, e->size, __builtin_bswap64(value) >> shift);
	}
	rc = rm_read(e, e->size, &value);
	if (!rc)
		reg_write(e, e->insn->reg, e->size, __builtin_bswap64(value) >> shift);
	return rc;
}

/* Prefetches and long NOPs; of group 15 only the cache-line flushes. */
static int do_hint(struct emul *e)
{
	unsigned reg = e->insn->modrm >> 3 & 7;

	if (e->insn->opcode == 0xae && (!e->insn->mem || reg < 6))
		return EMUL_UNHANDLED;
	if (e->insn->opcode == 0xae && reg == 6 && !(e->insn->prefixes & INSN_OPSIZE))
		return EMUL_UNHANDLED; /* XSAVEOPT */
	return EMUL_OK;
}

/* --- dispatch --- */
static emul_handler *const handlers[INSN_KINDS] = {
	[INSN_MOV_STORE] = do_mov_store,
	[INSN_MOV_LOAD] = do_mov_load,
	[INSN_MOV_IMM] = do_mov_imm,
	[INSN_MOV_REG_IMM] = do_mov_reg_imm,
	[INSN_MOV_MOFFS] = do_mov_moffs,
	[INSN_MOV_SEG] = do_mov_seg,
	[INSN_MOVZX] = do_movzx,
	[INSN_MOVSX] = do_movsx,
	[INSN_MOVSXD] = do_movsxd,
	[INSN_MOVBE] = do_movbe,
	[INSN_ALU_STORE] = do_alu_store,
	[INSN_ALU_LOAD] = do_alu_load,
	[INSN_ALU_ACC] = do_alu_acc,
	[INSN_ALU_IMM] = do_alu_imm,
	[INSN_TEST] = do_test,
	[INSN_TEST_ACC] = do_test_acc,
	[INSN_UNARY] = do_unary,
	[INSN_GROUP5] = do_group5,
	[INSN_INCDEC] = do_incdec,
	[INSN_SHIFT] = do_shift,
	[INSN_SHIFT_DOUBLE] = do_shift_double,
	[INSN_IMUL] = do_imul,
	[INSN_IMUL_IMM] = do_imul_imm,
	[INSN_XCHG] = do_xchg,
	[INSN_XADD] = do_xadd,
	[INSN_CMPXCHG] = do_cmpxchg,
	[INSN_CMPXCHG8B] = do_cmpxchg8b,
	[INSN_BIT] = do_bit,
	[INSN_BIT_IMM] = do_bit_imm,
	[INSN_BITSCAN] = do_bitscan,
	[INSN_POPCNT] = do_popcnt,
	[INSN_SETCC] = do_setcc,
	[INSN_CMOVCC] = do_cmovcc,
	[INSN_PUSH_REG] = do_push_reg,
	[INSN_PUSH_IMM] = do_push_imm,
	[INSN_POP_REG] = do_pop_reg,
	[INSN_POP_MEM] = do_pop_mem,
	[INSN_MOVS] = do_movs,
	[INSN_CMPS] = do_cmps,
	[INSN_STOS] = do_stos,
	[INSN_LODS] = do_lods,
	[INSN_SCAS] = do_scas,
	[INSN_INS] = do_ins,
	[INSN_OUTS] = do_outs,
	[INSN_IN] = do_in,
	[INSN_OUT] = do_out,
	[INSN_HINT] = do_hint,
};

/* LOCK goes only with a read-modify-write of memory (APM volume 3, 1.2.5). */
static bool lock_allowed(const struct insn *insn)
{
	unsigned sub = insn->modrm >> 3 & 7;

	if (!insn->mem)
		return false;
	switch (insn->kind) {
	case INSN_ALU_STORE:
		return (insn->opcode >> 3 & 7) != ALU_CMP;
	case INSN_ALU_IMM:
		return sub != ALU_CMP;
	case INSN_UNARY:
		return sub == 2 || sub == 3;
	case INSN_GROUP5:
		return sub < 2;
	case INSN_BIT:
		return insn->opcode != 0xa3;
	case INSN_BIT_IMM:
		return sub > 4;
	case INSN_CMPXCHG8B:
		return sub == 1;
	case INSN_XCHG:
	case INSN_XADD:
	case INSN_CMPXCHG:
		return true;
	}
	return false;
}

static uint64_t rip_after(const struct emul_cpu *cpu, const struct insn *insn)
{
	uint64_t rip = cpu->rip + insn->length;

	return cpu->mode == EMUL_LONG ? rip : (uint32_t)rip;
}

int emul_run(struct emul_cpu *cpu, const struct insn *insn, const struct emul_ops *ops, void *ctx,
	     struct emul_fault *fault)
{
	struct emul e;
	int rc;

	if (!handlers[insn->kind])
		return EMUL_UNHANDLED;
	e.cpu = cpu;
	e.insn = insn;
	e.ops = ops;
	e.ctx = ctx;
	e.fault = fault;
	e.next_rip = rip_after(cpu, insn);
	e.size = insn->opsize;
	e.locked = 0;
	if (insn->prefixes & INSN_LOCK) {
		if (!lock_allowed(insn))
			return emul_exception(&e, VECTOR_UD, 0);
		e.locked = EMUL_LOCKED;
	}
	rc = handlers[insn->kind](&e);
	if (rc == EMUL_OK) {
		cpu->rip = e.next_rip;
		cpu->rflags &= ~FLAG_RF;
	}
	return rc;
}

int emul_bytes(struct emul_cpu *cpu, const uint8_t *bytes, unsigned n, const struct emul_ops *ops,
	       void *ctx, struct emul_fault *fault)
{
	struct emul e = {.cpu = cpu, .fault = fault};
	const struct insn *insn;
	struct insn fresh;
	int rc;

	if (cpu->cache && n >= INSN_MAX_LENGTH) {
		rc = insn_decode_cached(cpu->cache, bytes, cpu->code, &insn);
	} else {
		rc = insn_decode(&fresh, bytes, n, cpu->code);
		insn = &fresh;
	}
	if (rc == INSN_TRUNCATED)
		return rc;
	if (rc == INSN_INVALID)
		return emul_exception(&e, VECTOR_UD, 0);
	if (rc == INSN_TOO_LONG)
		return emul_exception(&e, VECTOR_GP, 0);
	return emul_run(cpu, insn, ops, ctx, fault);
}

void emul_skip(struct emul_cpu *cpu, const struct insn *insn)
{
	cpu->rip = rip_after(cpu, insn);
	cpu->rflags &= ~FLAG_RF;
}
