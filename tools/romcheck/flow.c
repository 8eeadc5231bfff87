// SPDX-License-Identifier: GPL-2.0-only
/* Flow: paths through a call. Calls inside the ROM are followed as if their code stood there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "flow.h"

#define SLOTS 32    /* words of stack a call may use */
#define STATES 1000 /* of one call */

enum kind {
	ANY,
	INITIAL,
	CODE,
	STACK,
	RETURN
}; /* what a word is: unknown; register's at entry; ROM; ESP at entry + n */

struct value {
	int32_t kind, n;
};

/* Compared as bytes: there is no padding. */
struct state {
	uint32_t at;
	uint32_t interrupts_off;	  /* by this call */
	struct value reg[8], slot[SLOTS]; /* slot[i]: the word at ESP at entry - 4 * (i + 1) */
};

struct flow {
	struct code *code;
	const struct flow_rules *rules;
	struct findings *f;
	struct state *seen;
	unsigned count, done;
	bool stopped;
};

static const struct value any;

static struct value value(enum kind kind, int32_t n)
{
	return (struct value){kind, n};
}

#define FAULT(w, fault, at, ...) finding((w)->f, fault, (w)->rules->call, at, __VA_ARGS__)

static void visit(struct flow *w, const struct state *s)
{
	for (unsigned i = 0; i < w->count; i++)
		if (w->seen[i].at == s->at && !memcmp(&w->seen[i], s, sizeof(*s)))
			return;
	if (w->count == STATES) {
		if (!w->stopped)
			FAULT(w, "complex", s->at, "more than %u states: too complex to prove",
			      STATES);
		w->stopped = true;
		return;
	}
	w->seen[w->count++] = *s;
}

/* The word of stack at ESP at entry + n: its place, or -1. */
static int slot_of(int32_t n)
{
	return n < 0 && n >= -4 * SLOTS && !(n & 3) ? -n / 4 - 1 : -1;
}

static struct value stack_load(const struct state *s, const struct flow *w, int32_t n)
{
	int i = slot_of(n);

	if (i >= 0)
		return s->slot[i];
	return !n && !w->rules->jumped ? value(RETURN, 0) : any;
}

static void stack_store(struct flow *w, struct state *s, int32_t n, unsigned size, struct value v)
{
	int i = slot_of(n & ~3);

	if (i >= 0)
		s->slot[i] = size == 4 && !(n & 3) ? v : any;
	else if (n < 0)
		FAULT(w, "stack-depth", s->at, "more than %u bytes of stack", 4 * SLOTS);
	else if (n < 4 || w->rules->jumped)
		FAULT(w, "frame", s->at, "it writes over the caller's frame");
}

static bool push(struct flow *w, struct state *s, struct value v)
{
	if (s->reg[R_ESP].kind != STACK) {
		FAULT(w, "stack", s->at, "it pushes with a stack pointer that is not known");
		return false;
	}
	s->reg[R_ESP].n -= 4;
	stack_store(w, s, s->reg[R_ESP].n, 4, v);
	return slot_of(s->reg[R_ESP].n) >= 0 || s->reg[R_ESP].n >= 0;
}

static bool pop(struct flow *w, struct state *s, struct value *v)
{
	if (s->reg[R_ESP].kind != STACK) {
		FAULT(w, "stack", s->at, "it pops with a stack pointer that is not known");
		return false;
	}
	*v = stack_load(s, w, s->reg[R_ESP].n);
	s->reg[R_ESP].n += 4;
	return true;
}

/* Where a memory operand points: base's value plus displacement; unknown with an index. */
static struct value pointed(const struct state *s, const cs_x86_op *o)
{
	int base = code_register(o->mem.base);

	if (base < 0 || (s->reg[base].kind != STACK && s->reg[base].kind != CODE))
		return any;
	if (o->mem.index != X86_REG_INVALID)
		return s->reg[base].kind == CODE ? value(CODE, 0) : any;
	return value(s->reg[base].kind, s->reg[base].n + (int32_t)o->mem.disp);
}

static void check_memory(struct flow *w, const struct state *s, const cs_x86_op *o, bool written)
{
	struct value p = pointed(s, o);

	if (o->mem.segment == X86_REG_FS || o->mem.segment == X86_REG_GS)
		FAULT(w, "segment", s->at, "FS and GS are the guest's");
	if (o->mem.base == X86_REG_INVALID && o->mem.index == X86_REG_INVALID) {
		FAULT(w, "absolute", s->at, "the address 0x%x is absolute", (uint32_t)o->mem.disp);
		return;
	}
	if (p.kind == CODE && written &&
	    !(p.n >= (int32_t)w->code->rom->code_bytes && w->code->rom->tables))
		FAULT(w, "text-write", s->at, "it writes to the ROM");
	if (!w->rules->memory_any && p.kind != STACK && p.kind != CODE)
		FAULT(w, "memory", s->at,
		      "it uses memory other than the stack, where DS and ES may be the user's");
	if (!w->rules->memory_any && p.kind == CODE && o->mem.segment != X86_REG_CS)
		FAULT(w, "memory", s->at, "it reads the ROM through DS, which may be the user's");
}

/* Leave that an instruction needs; ~0: none will do. */
static uint32_t needed(struct flow *w, const cs_insn *i)
{
	static const struct {
		uint16_t id;
		uint8_t bit;
	} map[] = {
		{X86_INS_CPUID, MAY_CPUID},	{X86_INS_WRMSR, MAY_WRMSR},
		{X86_INS_RDMSR, MAY_RDMSR},	{X86_INS_LGDT, MAY_LGDT},
		{X86_INS_LLDT, MAY_LLDT},	{X86_INS_LIDT, MAY_LIDT},
		{X86_INS_LTR, MAY_LTR},		{X86_INS_SGDT, MAY_SGDT},
		{X86_INS_SLDT, MAY_SLDT},	{X86_INS_SIDT, MAY_SIDT},
		{X86_INS_STR, MAY_STR},		{X86_INS_WBINVD, MAY_WBINVD},
		{X86_INS_RDPMC, MAY_RDPMC},	{X86_INS_RDTSC, MAY_RDTSC},
		{X86_INS_CLTS, MAY_CLTS},	{X86_INS_STI, MAY_STI},
		{X86_INS_IRETD, MAY_IRET},	{X86_INS_IRET, MAY_IRET},
		{X86_INS_SYSEXIT, MAY_SYSEXIT}, {X86_INS_HLT, MAY_HLT},
		{X86_INS_IN, MAY_IN},		{X86_INS_OUT, MAY_OUT},
		{X86_INS_INVLPG, MAY_INVLPG},
	};
	const cs_x86 *x = &i->detail->x86;

	if (i->id == X86_INS_RDTSCP) /* the processor's number: for calls that have memory of its own */
		return w->rules->memory_any ? 0 : ~0u;
	for (unsigned n = 0; n < sizeof(map) / sizeof(map[0]); n++)
		if (map[n].id == i->id)
			return 1u << map[n].bit;
	for (unsigned n = 0; n < x->op_count; n++) {
		if (x->operands[n].type != X86_OP_REG)
			continue;
		switch (x->operands[n].reg) {
		case X86_REG_CR0:
			return MAY(CR0);
		case X86_REG_CR2:
			return MAY(CR2);
		case X86_REG_CR3:
			return MAY(CR3);
		case X86_REG_CR4:
			return MAY(CR4);
		case X86_REG_DR0:
		case X86_REG_DR1:
		case X86_REG_DR2:
		case X86_REG_DR3:
		case X86_REG_DR6:
		case X86_REG_DR7:
			return MAY(DR);
		default:
			break;
		}
	}
	if (i->id == X86_INS_CLI || i->id == X86_INS_VMMCALL || i->id == X86_INS_VMCALL)
		return 0;
	return cs_insn_group(w->code->handle, i, X86_GRP_PRIVILEGE) ? ~0u : 0;
}

static bool foreign_state(struct flow *w, const cs_insn *i)
{
	static const uint8_t groups[] = {X86_GRP_FPU,	X86_GRP_MMX,   X86_GRP_SSE1,
					 X86_GRP_SSE2,	X86_GRP_SSE3,  X86_GRP_SSE41,
					 X86_GRP_SSE42, X86_GRP_SSSE3, X86_GRP_SSE4A,
					 X86_GRP_AVX,	X86_GRP_AVX2,  X86_GRP_AVX512};

	if (i->id == X86_INS_PAUSE) /* came with SSE2 */
		return false;
	for (unsigned n = 0; n < sizeof(groups); n++)
		if (cs_insn_group(w->code->handle, i, groups[n]))
			return true;
	return false;
}

static void check_privilege(struct flow *w, const struct state *s, const cs_insn *i)
{
	const struct rom *r = w->code->rom;
	const cs_x86 *x = &i->detail->x86;
	uint32_t need = needed(w, i);
	bool debug_port = i->id == X86_INS_OUT && x->operands[0].type == X86_OP_IMM &&
			  x->operands[0].imm == 0xe9;

	if (need & ~w->rules->may && !(debug_port && r->ours && r->features & 1u << 13))
		FAULT(w, "privileged", s->at, "`%.20s %.40s' has no business in %s", i->mnemonic,
		      i->op_str, w->rules->name);
	if (foreign_state(w, i))
		FAULT(w, "fpu", s->at, "`%.20s': the FPU and vector registers are the guest's",
		      i->mnemonic);
	if (i->id == X86_INS_STD)
		FAULT(w, "direction", s->at, "DF stays 0");
	if (w->rules->strict && (i->id == X86_INS_VMMCALL || i->id == X86_INS_VMCALL) &&
	    !s->interrupts_off)
		FAULT(w, "hypercall", s->at,
		      "a hypercall with interrupts on: a swap of the ROM could come between");
}

/* The end of the call by RET, IRET or SYSEXIT: everything that must be as at the entry. */
static void check_end(struct flow *w, const struct state *s, uint16_t may_change)
{
	for (unsigned r = 0; r < 8; r++) {
		if (r == R_ESP || may_change & 1u << r)
			continue;
		if (s->reg[r].kind != INITIAL || s->reg[r].n != (int32_t)r)
			FAULT(w, "register", s->at, "%s is not as it was at the entry",
			      def_register_name(r));
	}
}

/* True: the path goes on at s->at. */
static bool go_to(struct flow *w, struct state *s, int64_t target)
{
	const struct rom *r = w->code->rom;

	if (target < 0 || target >= r->code_bytes) {
		FAULT(w, "leaves", s->at, "it goes to 0x%llx, outside the code",
		      (unsigned long long)(uint32_t)target);
		return false;
	}
	s->at = target;
	return true;
}

static bool do_return(struct flow *w, struct state *s, const cs_insn *i)
{
	unsigned extra = i->detail->x86.op_count ? i->detail->x86.operands[0].imm & 0xffff : 0;
	struct value to;

	if (!pop(w, s, &to))
		return false;
	if (to.kind == CODE) {
		s->reg[R_ESP].n += extra;
		return go_to(w, s, to.n);
	}
	if (to.kind != RETURN || s->reg[R_ESP].n != 4)
		FAULT(w, "stack", s->at, "it returns with the stack %s",
		      to.kind == RETURN ? "moved" : "unbalanced");
	else if (extra)
		FAULT(w, "stack", s->at, "it takes %u bytes of its caller's stack", extra);
	check_end(w, s, w->rules->may_change);
	return false;
}

static bool do_end(struct flow *w, struct state *s, const cs_insn *i)
{
	bool frame = i->id == X86_INS_IRET || i->id == X86_INS_IRETD;
	int32_t want = w->rules->jumped ? 0 : 4;

	if (frame && (s->reg[R_ESP].kind != STACK || s->reg[R_ESP].n != want))
		FAULT(w, "stack", s->at, "IRET does not find its frame");
	check_end(w, s, 0);
	return false;
}

static bool do_branch(struct flow *w, struct state *s, const cs_insn *i)
{
	const cs_x86_op *o = &i->detail->x86.operands[0];
	struct state other;

	if (o->type != X86_OP_IMM) {
		FAULT(w, "indirect", s->at, "`%.20s %.40s': an indirect branch", i->mnemonic,
		      i->op_str);
		return false;
	}
	if (i->id == X86_INS_CALL && !push(w, s, value(CODE, s->at + i->size)))
		return false;
	if (i->id != X86_INS_CALL && i->id != X86_INS_JMP) {
		other = *s;
		if (go_to(w, &other, s->at + i->size))
			visit(w, &other);
	}
	if (w->rules->strict && s->at >= w->code->rom->body && o->imm < w->code->rom->body)
		FAULT(w, "body", s->at,
		      "the body goes back to the entry page, which may be another's then");
	return go_to(w, s, o->imm);
}

static struct value operand(struct flow *w, const struct state *s, const cs_x86_op *o)
{
	struct value p;
	int r;

	if (o->size != 4)
		return any;
	if (o->type == X86_OP_REG) {
		r = code_register(o->reg);
		return r >= 0 ? s->reg[r] : any;
	}
	if (o->type != X86_OP_MEM)
		return any;
	p = pointed(s, o);
	return p.kind == STACK ? stack_load(s, w, p.n) : any;
}

static void assign(struct flow *w, struct state *s, const cs_x86_op *o, struct value v)
{
	struct value p;
	int r;

	if (o->type == X86_OP_REG) {
		r = code_register(o->reg);
		if (r >= 0)
			s->reg[r] = o->size == 4 ? v : any;
	} else if (o->type == X86_OP_MEM) {
		p = pointed(s, o);
		if (p.kind == STACK)
			stack_store(w, s, p.n, o->size, v);
	}
}

static void all_registers(struct flow *w, struct state *s, bool out)
{
	struct value v, was = s->reg[R_ESP];

	for (unsigned n = 0; n < 8; n++) {
		if (out) {
			push(w, s, n == R_ESP ? was : s->reg[n]);
			continue;
		}
		if (!pop(w, s, &v))
			return;
		if (7 - n != R_ESP)
			s->reg[7 - n] = v;
	}
}

static void clobber(struct flow *w, struct state *s, const cs_insn *i)
{
	const cs_x86 *x = &i->detail->x86;
	cs_regs read, written;
	uint8_t nread = 0, nwritten = 0;
	int r;

	if (cs_regs_access(w->code->handle, i, read, &nread, written, &nwritten))
		nwritten = 0;
	for (unsigned n = 0; n < nwritten; n++) {
		r = code_register(written[n]);
		if (r >= 0)
			s->reg[r] = any;
	}
	/* Capstone's tables lack some. */
	if (i->id == X86_INS_CPUID)
		s->reg[R_EAX] = s->reg[R_EBX] = s->reg[R_ECX] = s->reg[R_EDX] = any;
	if (i->id == X86_INS_RDTSC || i->id == X86_INS_RDMSR || i->id == X86_INS_RDPMC ||
	    i->id == X86_INS_CMPXCHG8B || i->id == X86_INS_VMMCALL || i->id == X86_INS_VMCALL)
		s->reg[R_EAX] = s->reg[R_EDX] = any;
	if (i->id == X86_INS_RDTSCP)
		s->reg[R_EAX] = s->reg[R_EDX] = s->reg[R_ECX] = any;
	for (unsigned n = 0; n < x->op_count; n++)
		if (x->operands[n].access & CS_AC_WRITE)
			assign(w, s, &x->operands[n], any);
	if (s->reg[R_ESP].kind != STACK)
		FAULT(w, "stack", s->at, "`%.20s %.40s': the stack pointer is not known any more",
		      i->mnemonic, i->op_str);
}

static void do_sum(struct flow *w, struct state *s, const cs_insn *i)
{
	const cs_x86_op *o = i->detail->x86.operands;
	int r = o[0].type == X86_OP_REG && o[0].size == 4 ? code_register(o[0].reg) : -1;

	if (r >= 0 && o[1].type == X86_OP_IMM &&
	    (s->reg[r].kind == STACK || s->reg[r].kind == CODE))
		s->reg[r].n += i->id == X86_INS_ADD ? (int32_t)o[1].imm : -(int32_t)o[1].imm;
	else
		clobber(w, s, i);
}

/* Instructions that only move values. False: the path ends. */
static bool move(struct flow *w, struct state *s, const cs_insn *i)
{
	const cs_x86_op *o = i->detail->x86.operands;
	struct value v, u;
	int r;

	switch (i->id) {
	case X86_INS_NOP:
	case X86_INS_ENDBR32:
	case X86_INS_CMP:
	case X86_INS_TEST:
	case X86_INS_BT:
		return true;
	case X86_INS_MOV:
		v = operand(w, s, &o[1]);
		assign(w, s, &o[0], v);
		return true;
	case X86_INS_LEA:
		v = pointed(s, &o[1]);
		r = code_register(o[0].reg);
		if (r == R_ESP && v.kind != STACK)
			FAULT(w, "stack", s->at, "the stack pointer is not known any more");
		assign(w, s, &o[0], v);
		return true;
	case X86_INS_XCHG:
		v = operand(w, s, &o[0]);
		u = operand(w, s, &o[1]);
		assign(w, s, &o[0], u);
		assign(w, s, &o[1], v);
		return true;
	case X86_INS_PUSH:
		return push(w, s, operand(w, s, &o[0]));
	case X86_INS_POP:
		if (!pop(w, s, &v))
			return false;
		assign(w, s, &o[0], v);
		return true;
	case X86_INS_PUSHFD:
		return push(w, s, any);
	case X86_INS_POPFD:
		s->interrupts_off = 0;
		return pop(w, s, &v);
	case X86_INS_PUSHAL:
		all_registers(w, s, true);
		return true;
	case X86_INS_POPAL:
		all_registers(w, s, false);
		return true;
	case X86_INS_ADD:
	case X86_INS_SUB:
		do_sum(w, s, i);
		return true;
	case X86_INS_CLI:
	case X86_INS_STI:
		s->interrupts_off = i->id == X86_INS_CLI;
		return true;
	default:
		clobber(w, s, i);
		return s->reg[R_ESP].kind == STACK;
	}
}

static void step(struct flow *w, struct state s)
{
	const cs_insn *i = code_at(w->code, s.at);
	const cs_x86 *x;

	if (!i) {
		FAULT(w, "undecodable", s.at, "no instruction here");
		return;
	}
	x = &i->detail->x86;
	if (i->id == X86_INS_INT3 || i->id == X86_INS_UD2 || i->id == X86_INS_INT ||
	    i->id == X86_INS_INT1) {
		FAULT(w, "stray", s.at, "it runs into `%.20s'", i->mnemonic);
		return;
	}
	if (i->id == X86_INS_LJMP || i->id == X86_INS_LCALL || i->id == X86_INS_RETF ||
	    i->id == X86_INS_RETFQ) {
		FAULT(w, "absolute", s.at, "`%.20s': selectors are the guest's", i->mnemonic);
		return;
	}
	check_privilege(w, &s, i);
	for (unsigned n = 0; n < x->op_count; n++)
		if (x->operands[n].type == X86_OP_MEM && i->id != X86_INS_LEA &&
		    i->id != X86_INS_NOP)
			check_memory(w, &s, &x->operands[n],
				     x->operands[n].access & CS_AC_WRITE || i->id == X86_INS_SGDT ||
					     i->id == X86_INS_SIDT);
	if (i->id == X86_INS_RET) {
		if (do_return(w, &s, i))
			visit(w, &s);
	} else if (i->id == X86_INS_IRETD || i->id == X86_INS_IRET || i->id == X86_INS_SYSEXIT) {
		do_end(w, &s, i);
	} else if (cs_insn_group(w->code->handle, i, X86_GRP_JUMP) || i->id == X86_INS_CALL) {
		if (do_branch(w, &s, i))
			visit(w, &s);
	} else {
		uint32_t next = s.at + i->size;

		if (move(w, &s, i) && go_to(w, &s, next))
			visit(w, &s);
	}
}

void flow_check(struct code *c, uint32_t entry, const struct flow_rules *rules, struct findings *f)
{
	struct flow w = {.code = c, .rules = rules, .f = f};
	const cs_insn *i;
	struct state s;

	if (entry >= c->rom->code_bytes) {
		FAULT(&w, "target", entry, "its code would lie at 0x%x, outside", entry);
		return;
	}
	i = code_at(c, entry);
	if (rules->strict && (!i || i->id != X86_INS_ENDBR32))
		FAULT(&w, "endbr", entry, "the entry does not begin with ENDBR32");
	w.seen = malloc(STATES * sizeof(*w.seen));
	if (!w.seen) {
		FAULT(&w, "complex", entry, "no memory to prove it");
		return;
	}
	memset(&s, 0, sizeof(s));
	s.at = entry;
	for (unsigned r = 0; r < 8; r++)
		s.reg[r] = value(r == R_ESP ? STACK : INITIAL, r == R_ESP ? 0 : (int32_t)r);
	visit(&w, &s);
	while (w.done < w.count && !w.stopped)
		step(&w, w.seen[w.done++]);
	free(w.seen);
}
