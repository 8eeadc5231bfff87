// SPDX-License-Identifier: GPL-2.0-only
/*
 * Start of a processor with given registers (VMI call 62): the state that its STARTUP begins with, instead of real mode. What a segment
 * register holds beside its selector is read from the descriptor table that the state names.
 *
 * The processor's thread waits in the core meanwhile. It is called out, which an INIT that came before goes ahead of,
 * stands aside (hold), gets its state, and goes back to wait for the STARTUP.
 */
#include "log.h"
#include <string.h>
#include "syscalls.h"
#include <postern/errno.h>
#include <postern/vmi.h>
#include "guest.h"

#define ACCESSED 0x01
#define DATA_OR_CODE 0x10
#define PRESENT 0x80
#define BIG 0x800 /* granularity, as struct segment has it */
#define TRIES 100000

static uint32_t field(const uint8_t *ap, unsigned at)
{
	uint32_t v;

	memcpy(&v, ap + at, sizeof(v));
	return v;
}

static uint16_t selector(const uint8_t *ap, unsigned at)
{
	return field(ap, at);
}

bool ap_descriptor(uint16_t selector, uint64_t d, struct segment *s)
{
	uint32_t attributes = (d >> 40 & 0xff) | (d >> 52 & 15) << 8;
	uint32_t limit = (d & 0xffff) | (d >> 48 & 15) << 16;

	*s = (struct segment){.selector = selector};
	if (selector < 4)
		return true; /* null: unusable */
	if (!(attributes & PRESENT) || !(attributes & DATA_OR_CODE))
		return false;
	s->attributes = attributes | ACCESSED;
	s->limit = attributes & BIG ? limit << 12 | 0xfff : limit;
	s->base = (d >> 16 & 0xffffff) | (d >> 56 & 0xff) << 24;
	return true;
}

static bool load(struct vcpu *v, const uint8_t *ap, unsigned at, struct segment *s)
{
	uint16_t what = selector(ap, at);
	uint32_t base = field(ap, VMI_AP_STATE_GDTR_BASE);
	uint64_t d = 0;

	if (what > 3 && (what & 4 || (what | 7) > selector(ap, VMI_AP_STATE_GDTR_LIMIT) ||
			 !mmio_peek(v, base + (what & ~7u), &d, sizeof(d))))
		return false;
	return ap_descriptor(what, d, s);
}

/* `v` is the processor that asks: its page tables are read. */
static bool build(struct vcpu *v, const uint8_t *ap, struct vcpu_state *s)
{
	static const struct {
		uint8_t seg, at;
	} segments[] = {
		{SEG_CS, VMI_AP_STATE_CS}, {SEG_SS, VMI_AP_STATE_SS}, {SEG_DS, VMI_AP_STATE_DS},
		{SEG_ES, VMI_AP_STATE_ES}, {SEG_FS, VMI_AP_STATE_FS}, {SEG_GS, VMI_AP_STATE_GS},
	};
	static const struct {
		uint8_t gpr, at;
	} registers[] = {
		{GPR_RAX, VMI_AP_STATE_EAX}, {GPR_RBX, VMI_AP_STATE_EBX}, {GPR_RCX, VMI_AP_STATE_ECX},
		{GPR_RDX, VMI_AP_STATE_EDX}, {GPR_RSP, VMI_AP_STATE_ESP}, {GPR_RBP, VMI_AP_STATE_EBP},
		{GPR_RSI, VMI_AP_STATE_ESI}, {GPR_RDI, VMI_AP_STATE_EDI},
	};

	s->valid = STATE_REGS | STATE_SYSTEM;
	for (unsigned n = 0; n < sizeof(registers) / sizeof(registers[0]); n++)
		s->gpr[registers[n].gpr] = field(ap, registers[n].at);
	s->rip = field(ap, VMI_AP_STATE_EIP);
	s->rflags = field(ap, VMI_AP_STATE_EFLAGS) | 2;
	s->cr0 = field(ap, VMI_AP_STATE_CR0);
	s->cr2 = field(ap, VMI_AP_STATE_CR2);
	s->cr3 = field(ap, VMI_AP_STATE_CR3);
	s->cr4 = field(ap, VMI_AP_STATE_CR4);
	s->efer = field(ap, VMI_AP_STATE_EFER);
	for (unsigned n = 0; n < sizeof(segments) / sizeof(segments[0]); n++)
		if (!load(v, ap, segments[n].at, &s->seg[segments[n].seg]))
			return false;
	s->seg[SEG_LDTR] = (struct segment){.selector = selector(ap, VMI_AP_STATE_LDTR), .attributes = 0x82};
	s->seg[SEG_TR] = (struct segment){.attributes = 0x8b, .limit = 0x67};
	s->gdt_base = field(ap, VMI_AP_STATE_GDTR_BASE);
	s->gdt_limit = selector(ap, VMI_AP_STATE_GDTR_LIMIT);
	s->idt_base = field(ap, VMI_AP_STATE_IDTR_BASE);
	s->idt_limit = selector(ap, VMI_AP_STATE_IDTR_LIMIT);
	return true;
}

/* While its thread stands aside nobody runs it. It may want the guest's lock before it does. */
static int64_t give_state(struct vcpu *to, const uint8_t *ap, struct vcpu *asker)
{
	struct vcpu_state s;
	int64_t e = -EBUSY;

	if (__atomic_exchange_n(&to->hold, true, __ATOMIC_SEQ_CST))
		return -EBUSY;
	for (unsigned n = 0; n < TRIES && !__atomic_load_n(&to->held, __ATOMIC_ACQUIRE); n++) {
		sys_vcpu_kick(to->handle);
		sys_yield();
	}
	if (__atomic_load_n(&to->held, __ATOMIC_ACQUIRE))
		e = sys_vcpu_get_state(to->handle, &s, sizeof(s));
	if (!e && s.activity != VCPU_WAIT_SIPI)
		e = -EINVAL;
	if (!e)
		e = build(asker, ap, &s) ? sys_vcpu_set_state(to->handle, &s, sizeof(s)) : -EFAULT;
	if (!e)
		to->prepared = true;
	__atomic_store_n(&to->hold, false, __ATOMIC_SEQ_CST);
	sys_event_signal(to->event);
	return e;
}

void ap_start(struct vcpu *v, uint32_t at, uint32_t id)
{
	uint8_t ap[VMI_AP_STATE_BYTES + 4] = {0};
	int64_t e = -EINVAL;

	if (id < guest.cpus && id != v->number && mmio_peek(v, at, ap, VMI_AP_STATE_BYTES))
		e = give_state(&guest.vcpu[id], ap, v);
	if (e)
		log_line("guest %s: the state that processor %u shall start with is refused: error %lld", guest.name, id,
			 (long long)e);
	v->run->gpr[GPR_RAX] = 0;
}
