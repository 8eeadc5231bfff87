// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replay: the calls of a transcript (tests/abi/transcripts/README.md), in its order, with arguments of its classes, in this
 * kernel's own memory. What a call does is checked where it can be.
 */
#include "client.h"

unsigned replayed;
static const char *at, *end;
static u32 dr[8], iopl;

static void blanks(void)
{
	while (at < end && *at == ' ')
		at++;
}

static void skip_line(void)
{
	while (at < end && *at++ != '\n')
		;
}

static bool number(u32 *v, unsigned base)
{
	const char *from;

	*v = 0;
	blanks();
	for (from = at; at < end; at++) {
		unsigned d = *at >= '0' && *at <= '9' ? *at - '0' : *at >= 'a' && *at <= 'f' ? *at - 'a' + 10 : 99;

		if (d >= base)
			break;
		*v = *v * base + d;
	}
	return at > from;
}

static void word(void)
{
	blanks();
	while (at < end && *at != ' ' && *at != '\n')
		at++;
}

static void processor(enum call n, u32 a, u32 d)
{
	static struct {
		u16 pad, limit;
		u32 base;
	} p;
	static u64 entry[2];
	u32 v;

	switch (n) {
	case GetGDT:
		invoke1(GetGDT, &p.limit);
		invoke1(SetGDT, &p.limit);
		break;
	case SetGDT:
	case GetIDT:
		invoke1(GetIDT, &p.limit);
		break;
	case SetIDT:
		invoke1(GetIDT, &p.limit);
		invoke1(SetIDT, &p.limit);
		break;
	case WriteGDT:
	case WriteLDT:
	case WriteIDT:
		invoke(n, (u32)entry, 1, 0x1234 + d, 0x5678, 0);
		expect(entry[1] == ((u64)0x5678 << 32 | (0x1234 + d)), "replay: call %u writes another entry", n);
		break;
	case SetCR0:
		invoke1(SetCR0, ((u32)invoke0(GetCR0) & ~8u) | (a & 8));
		expect(((u32)invoke0(GetCR0) & 8) == (a & 8), "replay: TS");
		break;
	case SetCR2:
		invoke1(SetCR2, a);
		break;
	case SetCR3:
		v = mm_space(a);
		invoke1(SetCR3, v);
		expect((u32)invoke0(GetCR3) == v, "replay: CR3");
		break;
	case SetCR4: /* what can change here: PGE, TSD, DE; PAE came when this kernel's came */
		v = (u32)invoke0(GetCR4);
		invoke1(SetCR4, (v & ~0x8cu) | (a & 0x8c));
		expect((((u32)invoke0(GetCR4) ^ a) & 0x8c) == 0, "replay: CR4");
		invoke1(SetCR4, v | 0x80);
		break;
	case SetDR:
		if (a != 3)
			break;
		invoke2(SetDR, 3, dr[3] = d);
		break;
	case GetDR:
		if (a == 3)
			expect((u32)invoke1(GetDR, 3) == dr[3], "replay: debug register 3");
		break;
	case UpdateKernelStack:
		invoke2(UpdateKernelStack, KERNEL_DS, 0xc0000000);
		break;
	case CPUID:
		invoke(CPUID, a, 0, 0, 0, 0);
		break;
	case SetLDT:
		invoke1(SetLDT, 0);
		break;
	case SetTR:
		break;
	default: /* no argument that matters */
		invoke0(n);
	}
}

static void flags(enum call n, u32 a)
{
	switch (n) {
	case EnableInterrupts:
		irq_enable();
		expect(eflags() & 0x200, "replay: interrupts on");
		break;
	case DisableInterrupts:
		irq_disable();
		expect(!(eflags() & 0x200), "replay: interrupts off");
		break;
	case GetInterruptMask:
		expect(((save_flags() ^ eflags()) & 0x200) == 0, "replay: GetInterruptMask");
		break;
	case SetInterruptMask:
		restore_flags(a & 0x200);
		expect((eflags() & 0x200) == (a & 0x200), "replay: SetInterruptMask");
		break;
	case IRET:
	case SYSEXIT: {
		u32 was = eflags(), cr3 = (u32)invoke0(GetCR3);

		irq_disable();
		invoke1(SetCR3, mm_space(3));
		expect(enter_user(user_code + (n == SYSEXIT ? 48 : 0), USER_CS, 0x202, user_stack, USER_DS) ==
			       (n == SYSEXIT ? 3u : 1u),
		       "replay: to user mode and back");
		invoke1(SetCR3, cr3);
		restore_flags(was);
		break;
	}
	case SetIOPLMask:
		invoke1(SetIOPLMask, iopl = a & 0x3000);
		expect((eflags() & 0x3000) == iopl, "replay: IOPL");
		break;
	default:
		break;
	}
}

static void memory(enum call n, u32 a, u32 d, u32 c)
{
	static u64 changed;

	switch (n) {
	case SetPxE:
	case SetPxELong:
		mm_touch(a, d, c);
		break;
	case UpdatePxE:
	case UpdatePxELong:
		changed ^= 2;
		if (pae == (n == UpdatePxELong))
			invoke2(n, &changed, d & 0x2f);
		break;
	case AllocatePage:
	case ReleasePage:
		invoke(n, 0x300, d, d & 0x20 ? PA(mm_space(0)) >> 12 : 0, d & 0x20 ? (pae ? 3 : 768) : 0,
		       d & 0x20 ? (pae ? 1 : 256) : 0);
		break;
	case InvalPage:
		invoke1(InvalPage, a == 1 ? user_code : fixmap_apic);
		break;
	case SetLinearMapping:
		invoke(n, a, PAGE_OFFSET, LINEAR_MB << 8, 0, 0);
		break;
	default:
		invoke1(n, a); /* FlushTLB, SetLazyMode */
	}
	(void)d;
}

/* Only what leaves this kernel's own set-up as it is. */
static void apic(enum call n, u32 a, u32 d)
{
	static const u16 plain[] = {0x80, 0xb0, 0x280};

	if (n == APICRead) {
		invoke1(APICRead, a & 0xff0);
		return;
	}
	for (unsigned i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (a == plain[i])
			invoke2(APICWrite, a, 0);
	if (a == 0xf0)
		invoke2(APICWrite, a, 0x1ff);
	(void)d;
}

static void timer(enum call n, u32 a)
{
	if (!served[GetCycleFrequency])
		return;
	switch (n) {
	case SetAlarm: /* far away, then off */
		invoke(SetAlarm, a & 0x101ff, 0, 0x1000, 0, 0x1000);
		expect((u32)invoke1(CancelAlarm, a & 0x100ff) == 1 || (a & 0xff) > 1, "replay: CancelAlarm");
		break;
	case GetCycleCounter:
	case CancelAlarm:
		invoke1(n, a);
		break;
	default:
		invoke0(n);
	}
}

static void step(u32 n, u32 a, u32 d, u32 c)
{
	if (n >= CALLS)
		return;
	replayed++;
	if ((n >= EnableInterrupts && n <= SYSEXIT) || n == SetIOPLMask)
		flags(n, a);
	else if ((n >= SetPxE && n <= SetLinearMapping) || n == SetLazyMode)
		memory(n, a, d, c);
	else if (n == APICWrite || n == APICRead)
		apic(n, a, d);
	else if (n >= GetCycleFrequency && n <= WallclockUpdated)
		timer(n, a);
	else if (n == Halt || n == SetInitialAPState || n == WRMSR || n == RDMSR || n == RDPMC)
		return; /* tested where an interrupt or a processor is there for it */
	else
		processor(n, a, d);
}

void steps_of(const char *text, u32 bytes)
{
	at = text;
	end = text + bytes;
}

/* NUMBER NAME EAX EDX ECX a line, the number decimal, the classes hexadecimal; other lines are left out. */
bool next_step(struct step *s)
{
	bool good;

	while (at < end) {
		good = number(&s->call, 10);
		word();
		good = good && number(&s->a, 16) && number(&s->d, 16) && number(&s->c, 16);
		skip_line();
		if (good)
			return true;
	}
	return false;
}

void replay(const char *text, u32 bytes)
{
	struct step s;

	steps_of(text, bytes);
	while (next_step(&s))
		step(s.call, s.a, s.d, s.c);
	irq_disable();
	invoke1(SetCR3, swapper);
	invoke1(SetIOPLMask, 0);
	invoke1(SetLazyMode, 0);
	expect(replayed, "the transcript is empty");
}
