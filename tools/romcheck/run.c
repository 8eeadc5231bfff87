// SPDX-License-Identifier: GPL-2.0-only
/* Run: a small interpreter of i386 integer code. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "run.h"

#define STEPS 2000
#define STACK_BYTES 512
#define STACK_TOP 0xb0000000u /* far from where ROMs are put */
#define RETURN 0xdead0000u
#define ENTRY_MARK 0x5a5a0000u

struct machine {
	struct code *code;
	uint32_t base, reg[8], eip;
	bool cf, zf, sf, of, pf, done;
	uint8_t stack[STACK_BYTES];
	struct run_result *result;
};

static bool stop(struct machine *m, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(m->result->why, sizeof(m->result->why), format, args);
	va_end(args);
	m->result->failed_at = m->eip - m->base;
	return false;
}

static bool load(struct machine *m, uint32_t a, unsigned n, uint32_t *v)
{
	const struct rom *r = m->code->rom;
	const uint8_t *p;

	*v = 0;
	if (a - m->base < r->length && n <= r->length - (a - m->base))
		p = r->data + (a - m->base);
	else if (a >= STACK_TOP - STACK_BYTES && a < STACK_TOP && n <= STACK_TOP - a)
		p = m->stack + (a - (STACK_TOP - STACK_BYTES));
	else
		return stop(m, "it reads 0x%08x, neither ROM nor stack", a);
	memcpy(v, p, n);
	return true;
}

static bool store(struct machine *m, uint32_t a, unsigned n, uint32_t v)
{
	if (a < STACK_TOP - STACK_BYTES || a >= STACK_TOP || n > STACK_TOP - a)
		return stop(m, "it writes 0x%08x, which is not its stack", a);
	memcpy(m->stack + (a - (STACK_TOP - STACK_BYTES)), &v, n);
	return true;
}

static uint32_t address(const struct machine *m, const cs_x86_op *o)
{
	int base = code_register(o->mem.base), index = code_register(o->mem.index);

	return (base >= 0 ? m->reg[base] : 0) +
	       (index >= 0 ? m->reg[index] * (uint32_t)o->mem.scale : 0) + (uint32_t)o->mem.disp;
}

static uint32_t mask(unsigned size)
{
	return size >= 4 ? 0xffffffff : (1u << size * 8) - 1;
}

static unsigned high_shift(unsigned reg)
{
	return reg == X86_REG_AH || reg == X86_REG_BH || reg == X86_REG_CH || reg == X86_REG_DH ? 8
												: 0;
}

static bool get(struct machine *m, const cs_x86_op *o, uint32_t *v)
{
	int r;

	if (o->size != 1 && o->size != 2 && o->size != 4)
		return stop(m, "an operand of %u bytes", o->size);
	switch (o->type) {
	case X86_OP_IMM:
		*v = (uint32_t)o->imm & mask(o->size);
		return true;
	case X86_OP_REG:
		r = code_register(o->reg);
		if (r < 0)
			return stop(m, "it reads a register that is not general");
		*v = m->reg[r] >> high_shift(o->reg) & mask(o->size);
		return true;
	case X86_OP_MEM:
		if (o->mem.segment != X86_REG_INVALID && o->mem.segment != X86_REG_CS)
			return stop(m, "it uses a segment");
		return load(m, address(m, o), o->size, v);
	default:
		return stop(m, "an operand that is not understood");
	}
}

static bool put(struct machine *m, const cs_x86_op *o, uint32_t v)
{
	unsigned shift;
	int r;

	if (o->type == X86_OP_MEM)
		return o->size <= 4 && store(m, address(m, o), o->size, v);
	r = o->type == X86_OP_REG ? code_register(o->reg) : -1;
	if (r < 0)
		return stop(m, "it writes a register that is not general");
	shift = high_shift(o->reg);
	m->reg[r] = (m->reg[r] & ~(mask(o->size) << shift)) | (v & mask(o->size)) << shift;
	return true;
}

static void flags(struct machine *m, uint32_t v, unsigned size)
{
	v &= mask(size);
	m->zf = !v;
	m->sf = v >> (size * 8 - 1) & 1;
	m->pf = !__builtin_parity(v & 0xff);
}

static bool push(struct machine *m, uint32_t v)
{
	m->reg[R_ESP] -= 4;
	return store(m, m->reg[R_ESP], 4, v);
}

static bool pop(struct machine *m, uint32_t *v)
{
	if (!load(m, m->reg[R_ESP], 4, v))
		return false;
	m->reg[R_ESP] += 4;
	return true;
}

static bool condition(const struct machine *m, unsigned cc)
{
	bool r;

	switch (cc >> 1) {
	case 0:
		r = m->of;
		break;
	case 1:
		r = m->cf;
		break;
	case 2:
		r = m->zf;
		break;
	case 3:
		r = m->cf || m->zf;
		break;
	case 4:
		r = m->sf;
		break;
	case 5:
		r = m->pf;
		break;
	case 6:
		r = m->sf != m->of;
		break;
	default:
		r = m->zf || m->sf != m->of;
		break;
	}
	return r != (cc & 1);
}

static bool arithmetic(struct machine *m, unsigned id, const cs_x86 *x)
{
	const cs_x86_op *o = x->operands;
	uint32_t a, b, v, top;
	bool keep_cf = id == X86_INS_INC || id == X86_INS_DEC, cf = m->cf;

	if (!get(m, &o[0], &a))
		return false;
	b = 1;
	if (id == X86_INS_NEG) {
		b = a;
		a = 0;
	} else if (!keep_cf && !get(m, &o[1], &b)) {
		return false;
	}
	b &= mask(o[0].size);
	top = 1u << (o[0].size * 8 - 1);
	if (id == X86_INS_ADD || id == X86_INS_INC) {
		v = (a + b) & mask(o[0].size);
		m->cf = v < a;
		m->of = (a ^ v) & (b ^ v) & top;
	} else {
		v = (a - b) & mask(o[0].size);
		m->cf = a < b;
		m->of = (a ^ b) & (a ^ v) & top;
	}
	if (keep_cf)
		m->cf = cf;
	flags(m, v, o[0].size);
	return id == X86_INS_CMP || put(m, &o[0], v);
}

static bool logic(struct machine *m, unsigned id, const cs_x86 *x)
{
	const cs_x86_op *o = x->operands;
	uint32_t a, b, v;

	if (!get(m, &o[0], &a) || !get(m, &o[1], &b))
		return false;
	v = id == X86_INS_OR ? a | b : id == X86_INS_XOR ? a ^ b : a & b;
	m->cf = m->of = false;
	flags(m, v, o[0].size);
	return id == X86_INS_TEST || put(m, &o[0], v);
}

static bool shift(struct machine *m, unsigned id, const cs_x86 *x)
{
	const cs_x86_op *o = x->operands;
	uint32_t a, n = 1, v;

	if (!get(m, &o[0], &a) || (x->op_count > 1 && !get(m, &o[1], &n)))
		return false;
	n &= 31;
	if (!n)
		return true;
	if (o[0].size != 4)
		return stop(m, "a shift that is not of 32 bits");
	v = id == X86_INS_SHL || id == X86_INS_SAL ? a << n
	    : id == X86_INS_SHR			   ? a >> n
						   : (uint32_t)((int32_t)a >> n);
	m->cf = id == X86_INS_SHL || id == X86_INS_SAL ? a >> (32 - n) & 1 : a >> (n - 1) & 1;
	m->of = false;
	flags(m, v, 4);
	return put(m, &o[0], v);
}

static bool transfer(struct machine *m, const cs_insn *i)
{
	const cs_x86_op *o = i->detail->x86.operands;
	uint32_t target;
	int cc = code_condition(i->id);

	if (i->id == X86_INS_RET) {
		if (!pop(m, &target))
			return false;
		if (i->detail->x86.op_count)
			m->reg[R_ESP] += (uint32_t)o[0].imm & 0xffff;
		m->done = target == RETURN;
		m->eip = target;
		return true;
	}
	if (o[0].type != X86_OP_IMM)
		return stop(m, "an indirect branch");
	target = m->base + (uint32_t)o[0].imm;
	if (i->id == X86_INS_CALL && !push(m, m->eip + i->size))
		return false;
	m->eip = cc < 0 || condition(m, cc) ? target : m->eip + i->size;
	return true;
}

/* PUSHA and POPA, which has no use for ESP. */
static bool all_registers(struct machine *m, bool save)
{
	uint32_t esp = m->reg[R_ESP], v;

	for (unsigned n = 0; n < 8; n++) {
		unsigned r = save ? n : 7 - n;

		if (save ? !push(m, r == R_ESP ? esp : m->reg[r]) : !pop(m, &v))
			return false;
		if (!save && r != R_ESP)
			m->reg[r] = v;
	}
	return true;
}

/* A trace ROM tells somebody; the answer does not depend on it. */
static bool outside(struct machine *m, const cs_insn *i)
{
	const struct rom *r = m->code->rom;

	if (r->ours && strstr(r->engine, "-trace"))
		return true;
	return stop(m, "`%.20s' in a ROM that does not trace", i->mnemonic);
}

static bool simple(struct machine *m, const cs_insn *i)
{
	const cs_x86 *x = &i->detail->x86;
	const cs_x86_op *o = x->operands;
	uint32_t a, b;

	switch (i->id) {
	case X86_INS_NOP:
	case X86_INS_ENDBR32:
	case X86_INS_CLD:
		return true;
	case X86_INS_PUSHAL:
		return all_registers(m, true);
	case X86_INS_POPAL:
		return all_registers(m, false);
	case X86_INS_PUSHFD:
		return push(m, 2);
	case X86_INS_POPFD:
		return pop(m, &a);
	case X86_INS_CLI:
	case X86_INS_OUT:
	case X86_INS_VMMCALL:
		return outside(m, i);
	case X86_INS_MOV:
		return get(m, &o[1], &a) && put(m, &o[0], a);
	case X86_INS_MOVZX:
		return get(m, &o[1], &a) && put(m, &o[0], a);
	case X86_INS_MOVSX:
		if (!get(m, &o[1], &a))
			return false;
		return put(m, &o[0], o[1].size == 1 ? (uint32_t)(int8_t)a : (uint32_t)(int16_t)a);
	case X86_INS_LEA:
		return put(m, &o[0], address(m, &o[1]));
	case X86_INS_XCHG:
		return get(m, &o[0], &a) && get(m, &o[1], &b) && put(m, &o[0], b) &&
		       put(m, &o[1], a);
	case X86_INS_PUSH:
		return get(m, &o[0], &a) &&
		       (o[0].size == 4 ? push(m, a) : stop(m, "a push that is not of 32 bits"));
	case X86_INS_POP:
		return pop(m, &a) && put(m, &o[0], a);
	case X86_INS_NOT:
		return get(m, &o[0], &a) && put(m, &o[0], ~a);
	case X86_INS_BT:
		if (!get(m, &o[0], &a) || !get(m, &o[1], &b))
			return false;
		m->cf = a >> (b & 31) & 1;
		return o[0].type == X86_OP_REG || stop(m, "BT of memory");
	case X86_INS_ADD:
	case X86_INS_SUB:
	case X86_INS_CMP:
	case X86_INS_INC:
	case X86_INS_DEC:
	case X86_INS_NEG:
		return arithmetic(m, i->id, x);
	case X86_INS_AND:
	case X86_INS_OR:
	case X86_INS_XOR:
	case X86_INS_TEST:
		return logic(m, i->id, x);
	case X86_INS_SHL:
	case X86_INS_SAL:
	case X86_INS_SHR:
	case X86_INS_SAR:
		return shift(m, i->id, x);
	default:
		return stop(m, "`%.20s' is not understood", i->mnemonic);
	}
}

static bool step(struct machine *m)
{
	const cs_insn *i = code_at(m->code, m->eip - m->base);

	if (!i)
		return stop(m, "there is no instruction");
	if (i->id == X86_INS_RET || i->id == X86_INS_CALL || i->id == X86_INS_JMP ||
	    code_condition(i->id) >= 0)
		return transfer(m, i);
	if (!simple(m, i))
		return false;
	m->eip += i->size;
	return true;
}

void run_get_reloc(struct code *c, uint32_t base, uint32_t number, struct run_result *result)
{
	static const uint8_t kept[] = {R_EBX, R_EBP, R_ESI, R_EDI};
	struct machine m = {.code = c, .base = base, .eip = base + ROM_GET_RELOC, .result = result};

	memset(result, 0, sizeof(*result));
	for (unsigned i = 0; i < 8; i++)
		m.reg[i] = ENTRY_MARK + i;
	m.reg[R_EAX] = number;
	m.reg[R_ESP] = STACK_TOP - 64;
	push(&m, RETURN);
	for (unsigned n = 0; !m.done; n++) {
		if (n == STEPS) {
			stop(&m, "it does not return within %u instructions", STEPS);
			return;
		}
		if (!step(&m)) {
			if (!result->why[0])
				stop(&m, "an operand that is not understood");
			return;
		}
	}
	m.eip = base + ROM_GET_RELOC;
	for (unsigned i = 0; i < sizeof(kept); i++)
		if (m.reg[kept[i]] != ENTRY_MARK + kept[i])
			stop(&m, "it changes %s", def_register_name(kept[i]));
	if (m.reg[R_ESP] != STACK_TOP - 64)
		stop(&m, "it leaves the stack unbalanced");
	result->eip = m.reg[R_EAX];
	result->type = m.reg[R_EDX];
	result->upper = m.reg[R_EDX] >> 8;
}
