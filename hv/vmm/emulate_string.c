// SPDX-License-Identifier: GPL-2.0-only
/*
 * String instructions and port I/O, one iteration at a time.
 *
 * A repeated instruction is interruptible between iterations: registers describe what is left,
 * so a fault, an abort or EMUL_AGAIN in the middle needs no bookkeeping.
 */
#include "emulate_priv.h"

#define REPEATS (INSN_REP | INSN_REPNE)

/* One memory access of a non-repeated instruction is at the address of the exit. */
static unsigned sole(const struct emul *e)
{
	return e->insn->prefixes & REPEATS ? 0 : EMUL_SOLE;
}

static int source(struct emul *e, unsigned flags, uint64_t *value)
{
	unsigned seg = e->insn->prefixes & INSN_SEGMENT ? e->insn->seg : SEG_DS;
	uint64_t linear;
	int rc = mem_linear(e, seg, reg_masked(e, GPR_RSI, e->insn->adsize), e->size, false, &linear);

	return rc ? rc : mem_read(e, linear, e->size, flags, value);
}

/* The destination is always in ES. */
static int destination(struct emul *e, bool write, uint64_t *linear)
{
	return mem_linear(e, SEG_ES, reg_masked(e, GPR_RDI, e->insn->adsize), e->size, write, linear);
}

static int destination_read(struct emul *e, unsigned flags, uint64_t *value)
{
	uint64_t linear;
	int rc = destination(e, false, &linear);

	return rc ? rc : mem_read(e, linear, e->size, flags, value);
}

static int destination_write(struct emul *e, unsigned flags, uint64_t value)
{
	uint64_t linear;
	int rc = destination(e, true, &linear);

	return rc ? rc : mem_write(e, linear, e->size, flags, value);
}

static void advance(struct emul *e, unsigned reg)
{
	uint64_t step = e->cpu->rflags & FLAG_DF ? -(uint64_t)e->size : e->size;

	reg_write_masked(e, reg, e->insn->adsize, e->cpu->gpr[reg] + step);
}

/* `compares`: the prefix also tests ZF, F3 for equal, F2 for not equal. */
static int repeat(struct emul *e, emul_handler *once, bool compares)
{
	unsigned width = e->insn->adsize;
	uint64_t count;
	unsigned done;
	bool wanted = e->insn->prefixes & INSN_REP;
	int rc;

	if (!(e->insn->prefixes & REPEATS))
		return once(e);
	for (done = 0; done < EMUL_REP_MAX; done++) {
		count = reg_masked(e, GPR_RCX, width);
		if (!count) {
			/* With address size 32 in 64-bit code the count register loses its upper
			 * half even if there is nothing to do on some processors; leave it. */
			return EMUL_OK;
		}
		rc = once(e);
		if (rc)
			return rc;
		reg_write_masked(e, GPR_RCX, width, count - 1);
		if (count == 1)
			return EMUL_OK;
		if (compares && !(e->cpu->rflags & FLAG_ZF) == wanted)
			return EMUL_OK;
	}
	return EMUL_AGAIN;
}

static int movs_once(struct emul *e)
{
	uint64_t value;
	int rc = source(e, 0, &value);

	if (!rc)
		rc = destination_write(e, 0, value);
	if (rc)
		return rc;
	advance(e, GPR_RSI);
	advance(e, GPR_RDI);
	return EMUL_OK;
}

static int cmps_once(struct emul *e)
{
	uint64_t a, b, status;
	int rc = source(e, 0, &a);

	if (!rc)
		rc = destination_read(e, 0, &b);
	if (rc)
		return rc;
	alu(ALU_CMP, e->size, a, b, &status);
	set_status(e, status);
	advance(e, GPR_RSI);
	advance(e, GPR_RDI);
	return EMUL_OK;
}

static int stos_once(struct emul *e)
{
	int rc = destination_write(e, sole(e), reg_read(e, GPR_RAX, e->size));

	if (!rc)
		advance(e, GPR_RDI);
	return rc;
}

static int lods_once(struct emul *e)
{
	uint64_t value;
	int rc = source(e, sole(e), &value);

	if (rc)
		return rc;
	reg_write(e, GPR_RAX, e->size, value);
	advance(e, GPR_RSI);
	return EMUL_OK;
}

static int scas_once(struct emul *e)
{
	uint64_t b, status;
	int rc = destination_read(e, sole(e), &b);

	if (rc)
		return rc;
	alu(ALU_CMP, e->size, reg_read(e, GPR_RAX, e->size), b, &status);
	set_status(e, status);
	advance(e, GPR_RDI);
	return EMUL_OK;
}

/* --- ports --- */
/* Port accesses have no 64-bit form: REX.W is ignored. */
static unsigned port_size(const struct emul *e)
{
	return e->size > 4 ? 4 : e->size;
}

static int ins_once(struct emul *e)
{
	uint64_t linear;
	uint32_t value = 0;
	int rc = destination(e, true, &linear);

	if (!rc && e->ops->probe)
		rc = e->ops->probe(e->ctx, linear, e->size, e->fault);
	if (!rc)
		rc = e->ops->in(e->ctx, e->cpu->gpr[GPR_RDX], e->size, &value);
	if (!rc)
		rc = mem_write(e, linear, e->size, 0, value);
	if (!rc)
		advance(e, GPR_RDI);
	return rc;
}

static int outs_once(struct emul *e)
{
	uint64_t value;
	int rc = source(e, 0, &value);

	if (!rc)
		rc = e->ops->out(e->ctx, e->cpu->gpr[GPR_RDX], e->size, value);
	if (!rc)
		advance(e, GPR_RSI);
	return rc;
}

static uint16_t port(const struct emul *e)
{
	return e->insn->opcode & 8 ? e->cpu->gpr[GPR_RDX] : (uint8_t)e->insn->imm;
}

int do_in(struct emul *e)
{
	unsigned size = port_size(e);
	uint32_t value = 0;
	int rc;

	if (!e->ops->in)
		return EMUL_UNHANDLED;
	rc = e->ops->in(e->ctx, port(e), size, &value);
	if (!rc)
		reg_write(e, GPR_RAX, size, value);
	return rc;
}

int do_out(struct emul *e)
{
	unsigned size = port_size(e);

	if (!e->ops->out)
		return EMUL_UNHANDLED;
	return e->ops->out(e->ctx, port(e), size, reg_read(e, GPR_RAX, size));
}

int do_ins(struct emul *e)
{
	e->size = port_size(e);
	return e->ops->in ? repeat(e, ins_once, false) : EMUL_UNHANDLED;
}

int do_outs(struct emul *e)
{
	e->size = port_size(e);
	return e->ops->out ? repeat(e, outs_once, false) : EMUL_UNHANDLED;
}

int do_movs(struct emul *e)
{
	return repeat(e, movs_once, false);
}

int do_cmps(struct emul *e)
{
	return repeat(e, cmps_once, true);
}

int do_stos(struct emul *e)
{
	return repeat(e, stos_once, false);
}

int do_lods(struct emul *e)
{
	return repeat(e, lods_once, false);
}

int do_scas(struct emul *e)
{
	return repeat(e, scas_once, true);
}
