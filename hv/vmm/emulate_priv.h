/* SPDX-License-Identifier: GPL-2.0-only */
/* Private to the emulator's files: the instruction under way, and operand access. */
#ifndef VMM_EMULATE_PRIV_H
#define VMM_EMULATE_PRIV_H

#include "emulate.h"

#define FLAG_CF 0x0001ull
#define FLAG_PF 0x0004ull
#define FLAG_AF 0x0010ull
#define FLAG_ZF 0x0040ull
#define FLAG_SF 0x0080ull
#define FLAG_DF 0x0400ull
#define FLAG_OF 0x0800ull
#define FLAG_RF 0x10000ull
#define FLAG_VM 0x20000ull
#define FLAGS_STATUS (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

enum vector { VECTOR_DE = 0, VECTOR_UD = 6, VECTOR_SS = 12, VECTOR_GP = 13 };

/* The eight operations that share the opcode rows 00..3F and group 1, in their order. */
enum alu_op { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };

struct emul {
	struct emul_cpu *cpu;
	const struct insn *insn;
	const struct emul_ops *ops;
	void *ctx;
	struct emul_fault *fault;
	uint64_t next_rip;   /* where RIP goes on EMUL_OK */
	uint64_t linear;     /* of the memory operand, once computed */
	unsigned size;       /* operand size in bytes */
	unsigned locked;     /* EMUL_LOCKED or 0 */
};

typedef int emul_handler(struct emul *e);

/* --- values --- */
static inline uint64_t size_mask(unsigned size)
{
	return ~0ull >> (64 - 8 * size);
}

static inline uint64_t sign_bit(unsigned size)
{
	return 1ull << (8 * size - 1);
}

static inline int64_t sign_extend(uint64_t value, unsigned size)
{
	unsigned shift = 64 - 8 * size;

	return (int64_t)(value << shift) >> shift;
}

/* --- registers --- */
/* Registers 4..7 of a byte operand are AH CH DH BH unless there is a REX prefix. */
static inline uint64_t reg_read(const struct emul *e, unsigned reg, unsigned size)
{
	const uint64_t *gpr = e->cpu->gpr;

	if (size == 1 && reg >= 4 && reg < 8 && !e->insn->rex)
		return (gpr[reg - 4] >> 8) & 0xff;
	return gpr[reg] & size_mask(size);
}

void reg_write(struct emul *e, unsigned reg, unsigned size, uint64_t value);

/* A register used as address, count or pointer: width from the address or stack size. */
static inline uint64_t reg_masked(const struct emul *e, unsigned reg, unsigned size)
{
	return e->cpu->gpr[reg] & size_mask(size);
}

void reg_write_masked(struct emul *e, unsigned reg, unsigned size, uint64_t value);

/* --- memory --- */
int emul_exception(struct emul *e, unsigned vector, uint32_t error);
/* mem_linear() outside 64-bit mode, and of addresses that are not canonical. */
int mem_linear_checked(struct emul *e, unsigned seg, uint64_t offset, unsigned size, bool write,
		       uint64_t *linear);

/* Neither the first nor the last byte's address has bits that 48-bit addressing does not. */
static inline bool canonical(uint64_t first, unsigned size)
{
	return ((first + (1ull << 47)) | (first + size - 1 + (1ull << 47))) < 1ull << 48;
}

/* Segment checks and base: offset in `seg` to linear address. */
static inline int mem_linear(struct emul *e, unsigned seg, uint64_t offset, unsigned size,
			     bool write, uint64_t *linear)
{
	if (e->cpu->mode == EMUL_LONG) {
		*linear = seg >= SEG_FS ? offset + e->cpu->seg[seg].base : offset;
		if (canonical(*linear, size))
			return EMUL_OK;
	}
	return mem_linear_checked(e, seg, offset, size, write, linear);
}

static inline int mem_read(struct emul *e, uint64_t linear, unsigned size, unsigned flags,
			   uint64_t *value)
{
	int rc = e->ops->read(e->ctx, linear, size, flags, value, e->fault);

	*value &= size_mask(size);
	return rc;
}

static inline int mem_write(struct emul *e, uint64_t linear, unsigned size, unsigned flags,
			    uint64_t value)
{
	return e->ops->write(e->ctx, linear, size, flags, value & size_mask(size), e->fault);
}

/* Offset of the memory operand within its segment. */
static inline uint64_t effective_address(const struct emul *e)
{
	const struct insn *insn = e->insn;
	const uint64_t *gpr = e->cpu->gpr;
	uint64_t address = insn->disp;

	if (insn->base < 16)
		address += gpr[insn->base];
	else if (insn->base == INSN_RIP)
		address += e->cpu->rip + insn->length;
	if (insn->index < 16)
		address += gpr[insn->index] << insn->scale;
	return insn->adsize == 8 ? address : address & size_mask(insn->adsize);
}

/* The r/m operand. rm_write after rm_modify, or alone. */
int rm_read(struct emul *e, unsigned size, uint64_t *value);
int rm_modify(struct emul *e, unsigned size, uint64_t *value);
int rm_write(struct emul *e, unsigned size, uint64_t value);
/* The second half of rm_modify: same place, permission already checked. */
int rm_write_back(struct emul *e, unsigned size, uint64_t value);

int stack_push(struct emul *e, unsigned size, uint64_t value);
int stack_read(struct emul *e, unsigned size, uint64_t *value);
void stack_drop(struct emul *e, unsigned size);

/* --- flags (emulate_flags.c) --- */
static inline void set_status(struct emul *e, uint64_t status)
{
	e->cpu->rflags = (e->cpu->rflags & ~FLAGS_STATUS) | status;
}

/* Result of one of the eight operations; *status in: CF for ADC and SBB, out: the six flags. */
uint64_t alu(enum alu_op op, unsigned size, uint64_t a, uint64_t b, uint64_t *status);
/* SF, ZF, PF of a result that lies within `size`. */
uint64_t result_flags(unsigned size, uint64_t result);
/* Group 2 (ROL ROR RCL RCR SHL SHR SAL SAR); count as encoded, masked here. */
uint64_t shift(unsigned op, unsigned size, uint64_t value, unsigned count, uint64_t *status);
/* SHLD (left) and SHRD. */
uint64_t shift_double(bool left, unsigned size, uint64_t value, uint64_t fill, unsigned count,
		      uint64_t *status);
/* Condition codes 0..15 as in Jcc. */
bool condition(unsigned code, uint64_t rflags);

/* --- handlers of other files --- */
emul_handler do_alu_store, do_alu_load, do_alu_acc, do_alu_imm, do_test, do_test_acc, do_unary,
	do_group5, do_incdec, do_shift, do_shift_double, do_imul, do_imul_imm, do_xchg, do_xadd,
	do_cmpxchg, do_cmpxchg8b, do_bit, do_bit_imm, do_bitscan, do_popcnt, do_setcc, do_cmovcc;
emul_handler do_movs, do_cmps, do_stos, do_lods, do_scas, do_ins, do_outs, do_in, do_out;

#endif
