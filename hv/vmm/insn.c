// SPDX-License-Identifier: GPL-2.0-only
/* Insn: intercepted instructions that the core leaves to the decoder, because only it knows their
 * length. */
#include "log.h"
#include <string.h>
#include "emulate.h"
#include "guest.h"
#include "syscalls.h"

#define VECTOR_UD 6
#define VECTOR_GP 13

#define XSETBV 0xd1 /* the ModRM byte */

enum answer { SKIP, UNDEFINED, PROTECTION, SET_XCR0 };

/* What the guest's processor, as its CPUID describes it, does with these. */
static enum answer answer(const struct insn *i)
{
	if (i->map == INSN_MAP_ONE)
		return i->opcode == 0xf4 || i->opcode == 0x90 ? SKIP : UNDEFINED; /* HLT, PAUSE */
	if (i->map != INSN_MAP_0F)
		return UNDEFINED;
	switch (i->opcode) {
	case 0x08: /* INVD, WBINVD: caches of guest RAM are coherent without them */
	case 0x09:
		return SKIP;
	case 0x33: /* RDPMC: there are no counters */
		return PROTECTION;
	case 0x01: /* XSETBV (the processor has checked CPL), INVLPG; the rest (MONITOR, MWAIT, SVM's) is not offered in CPUID */
		if (i->modrm == XSETBV)
			return SET_XCR0;
		return i->mem && (i->modrm >> 3 & 7) == 7 ? SKIP : UNDEFINED;
	}
	return UNDEFINED;
}

/* The core refuses values that do not exist. */
static enum answer set_xcr0(struct vcpu *v)
{
	const uint64_t *gpr = v->run->gpr;
	struct vcpu_state s;

	if ((uint32_t)gpr[GPR_RCX] || sys_vcpu_get_state(v->handle, &s, sizeof(s)))
		return PROTECTION;
	s.xcr0 = (uint32_t)gpr[GPR_RAX] | gpr[GPR_RDX] << 32;
	s.valid = STATE_FPU;
	return sys_vcpu_set_state(v->handle, &s, sizeof(s)) ? PROTECTION : SKIP;
}

void insn_exit(struct vcpu *v)
{
	struct vcpu_run *r = v->run;
	uint8_t bytes[INSN_MAX_LENGTH];
	struct emul_cpu cpu;
	struct insn insn;
	enum answer what;
	unsigned n;

	emul_from_run(&cpu, r);
	n = mmio_fetch(v, &cpu, bytes);
	if (!n || insn_decode(&insn, bytes, n, cpu.code) < 0) {
		vcpu_inject(v, VECTOR_UD, false, 0, 0);
		return;
	}
	what = answer(&insn);
	if (what == SET_XCR0)
		what = set_xcr0(v);
	switch (what) {
	case SKIP:
		emul_skip(&cpu, &insn);
		r->rip = cpu.rip;
		r->rflags = cpu.rflags;
		r->flags |= RUN_SET_RIP;
		break;
	case UNDEFINED:
		vcpu_inject(v, VECTOR_UD, false, 0, 0);
		break;
	default:
		vcpu_inject(v, VECTOR_GP, true, 0, 0);
		break;
	}
}
