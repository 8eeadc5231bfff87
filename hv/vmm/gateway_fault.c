// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults of the gateway's IRET and SYSEXIT. A user's registers can be such that these refuse them, and a kernel knows that of its own
 * instruction: its exception table has the site, which it patched to call the ROM. So the fault moves to that site: EIP is
 * where the CALL lies, the stack as if the instruction had been there (vmi-3.0.def, call 33).
 */
#include "log.h"
#include <string.h>
#include <postern/gateway.h>
#include <postern/vmi.h>
#include "guest.h"

#define PAGE 4096u
#define VECTOR_DE 0
#define VECTOR_DF 8
#define VECTOR_TS 10
#define VECTOR_PF 14
#define CALL 0xe8
#define CALL_BYTES 5

/* The CALL before the return address on the stack goes to the slot of this VMI call. An NMI may have written there since
 * (it is below ESP for the IRET): then it does not. */
static bool find_site(struct vcpu *v, uint32_t stack, unsigned call, uint32_t *site)
{
	uint8_t code[CALL_BYTES];
	uint32_t back, distance;

	if (!mmio_peek(v, stack, &back, sizeof(back)) || !mmio_peek(v, back - CALL_BYTES, code, CALL_BYTES))
		return false;
	memcpy(&distance, code + 1, sizeof(distance));
	*site = back - CALL_BYTES;
	return code[0] == CALL &&
	       (back + distance) % PAGE == GATEWAY_SLOTS + call * GATEWAY_SLOT_BYTES;
}

/* False: the guest did not call from where it said. */
static bool move_to_site(struct vcpu *v)
{
	struct vcpu_run *r = v->run;
	const struct gateway_exits *e = &guest.gateway.exits[r->rip / PAGE % RUN_EPOCHS];
	uint32_t esp = r->seg[SEG_SS].base + r->gpr[GPR_RSP], at = r->rip % PAGE, site;

	if (at == e->iret) {
		if (!find_site(v, esp - 4, VMI_CALL_IRET, &site) && !(site = v->iret_site))
			return false;
		v->iret_site = site;
	} else {
		if (!find_site(v, esp, VMI_CALL_SYSEXIT, &site))
			return false;
		r->gpr[GPR_RSP] += 4;
	}
	r->rip = site;
	r->flags |= RUN_SET_RIP;
	return true;
}

/* While one of these exceptions was being delivered it is a double fault, and during that one the end (APM 2, 8.2.9). */
static void deliver(struct vcpu *v, uint64_t during)
{
	bool exception = during & EVENT_VALID && EVENT_TYPE(during) == EVENT_EXCEPTION;
	unsigned first = EVENT_VECTOR(during);

	if (exception && first == VECTOR_DF)
		vcpu_triple_fault(v);
	else if (exception && (first == VECTOR_DE || (first >= VECTOR_TS && first <= VECTOR_PF)))
		vcpu_inject(v, VECTOR_DF, true, 0, 0);
	else
		vcpu_inject(v, v->run->raw.code, true, v->run->raw.info1, 0);
}

void gateway_fault(struct vcpu *v)
{
	struct vcpu_run *r = v->run;
	const struct gateway_exits *e = &guest.gateway.exits[r->rip / PAGE % RUN_EPOCHS];
	uint32_t at = r->rip % PAGE;

	if (r->raw.info2 & EVENT_VALID || r->cpl || !r->epoch[r->rip / PAGE % RUN_EPOCHS]) {
		deliver(v, r->raw.info2);
		return;
	}
	if (at && (at == e->iret || at == e->sysexit) && !move_to_site(v))
		log_line("guest %s: a fault in the gateway's %s cannot be given to the guest's call of it", guest.name,
			 at == e->iret ? "IRET" : "SYSEXIT");
	vcpu_inject(v, r->raw.code, true, r->raw.info1, 0);
}
