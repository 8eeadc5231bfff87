// SPDX-License-Identifier: GPL-2.0-only
/* Insn: intercepted instructions that the core leaves to the decoder, because only it knows their
 * length. */
#include "log.h"
#include <string.h>
#include "emulate.h"
#include "guest.h"

#define VECTOR_UD 6
#define VECTOR_GP 13

enum answer { SKIP, UNDEFINED, PROTECTION };

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
	case 0x01: /* INVLPG; the rest (MONITOR, MWAIT, SVM's) is not offered in CPUID */
		return i->mem && (i->modrm >> 3 & 7) == 7 ? SKIP : UNDEFINED;
	}
	return UNDEFINED;
}

void insn_exit(struct vcpu *v)
{
	struct vcpu_run *r = v->run;
	uint8_t bytes[INSN_MAX_LENGTH];
	struct emul_cpu cpu;
	struct insn insn;
	unsigned n;

	emul_from_run(&cpu, r);
	n = mmio_fetch(v, &cpu, bytes);
	if (!n || insn_decode(&insn, bytes, n, cpu.code) < 0) {
		vcpu_inject(v, VECTOR_UD, false, 0, 0);
		return;
	}
	switch (answer(&insn)) {
	case SKIP:
		emul_skip(&cpu, &insn);
		r->rip = cpu.rip;
		r->rflags = cpu.rflags;
		r->flags |= RUN_SET_RIP;
		break;
	case UNDEFINED:
		vcpu_inject(v, VECTOR_UD, false, 0, 0);
		break;
	case PROTECTION:
		vcpu_inject(v, VECTOR_GP, true, 0, 0);
		break;
	}
}
