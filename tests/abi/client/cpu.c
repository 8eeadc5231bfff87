// SPDX-License-Identifier: GPL-2.0-only
/* Processors: descriptors, traps, interrupts, the timer in both wirings, the start of a second processor. */
#include "client.h"

#define APIC_ID 0x20
#define APIC_EOI 0xb0
#define APIC_SVR 0xf0
#define APIC_ICR 0x300
#define APIC_ICR_HIGH 0x310
#define APIC_LVTT 0x320
#define APIC_LVT0 0x350
#define APIC_INITIAL 0x380
#define APIC_DIVIDE 0x3e0
#define IPI 0xf0
#define AP_PAGE 0x9000

struct pointer {
	u16 pad, limit;
	u32 base;
};

u32 tss[26], ap_tss[26];
u8 ap_stack[8192];
volatile unsigned ticks;
char iret_faults = '-'; /* where they were seen: s at the site, r in the ROM */
static volatile unsigned ipis, ap_up, ap_rounds, ap_wrong, lapic_ticks;
static u8 trap_stack[4096], ap_trap_stack[4096];
static u64 idt[256];
static u32 ldt[4];
static bool unexpected;
extern char stubs[];
extern u32 gdt[];
extern u32 ap_cr4;
void start_secondary(void);
bool mm_fault(u32 error);

static void apic_write(u32 reg, u32 v)
{
	invoke2(APICWrite, reg, v);
}

static u32 apic_read(u32 reg)
{
	return (u32)invoke1(APICRead, reg);
}

/* --- traps ---------------------------------------------------------------------------------------------------- */

static void iret_fault(struct regs *r)
{
	char where = r->eip == (u32)irq_return || r->eip == (u32)native_iret ? 's' : rom_address(r->eip) ? 'r' : '?';

	if (where == '?')
		fail("a fault of IRET is at 0x%x", r->eip);
	if (iret_faults == '-' || where == 'r')
		iret_faults = where;
	leave_user(0xdead);
}

void trap(struct regs *r)
{
	switch (r->vector) {
	case 0x80:
		leave_user(r->eax);
	case 0x20:
		ticks++;
		outb(0x20, 0x20);
		return;
	case 0x27:
	case 0xff:
		return;
	case IPI:
		ipis++;
		apic_write(APIC_EOI, 0);
		return;
	case 14:
		if (r->cs & 3 && mm_fault(r->error))
			return;
		break;
	case 10:
	case 11:
	case 12:
	case 13:
		if (!(r->cs & 3)) {
			iret_fault(r);
			return;
		}
		break;
	}
	if (r->vector == kernel.lvtt_vector) {
		ticks++;
		lapic_ticks++;
		apic_write(APIC_EOI, 0);
		return;
	}
	if (unexpected)
		finish();
	unexpected = true;
	fail("vector %u error 0x%x at 0x%x:0x%x, cr2 0x%x", r->vector, r->error, r->cs, r->eip, (u32)invoke0(GetCR2));
	finish();
}

/* --- descriptors ------------------------------------------------------------------------------------------------ */

static void gate(unsigned n, unsigned type)
{
	u32 at = (u32)stubs + n * 16;

	invoke(WriteIDT, (u32)idt, n, KERNEL_CS << 16 | (at & 0xffff), (at & 0xffff0000) | type, 0);
	expect((u32)(idt[n] >> 32) == ((at & 0xffff0000) | type), "the IDT's entry %u is not as written", n);
}

static void load_tables(u32 *task, u8 *stack)
{
	struct pointer g = {0, 255, (u32)gdt}, i = {0, 2047, (u32)idt}, seen;
	u32 base = (u32)task;

	task[1] = (u32)stack + 4096;
	task[2] = KERNEL_DS;
	invoke(WriteGDT, (u32)gdt, TSS_SEL >> 3, (base << 16) | 0x67, (base & 0xff000000) | 0x8900 | (base >> 16 & 0xff), 0);
	invoke1(SetGDT, &g.limit);
	invoke1(SetIDT, &i.limit);
	invoke1(SetTR, TSS_SEL);
	invoke1(SetLDT, 0);
	invoke1(GetGDT, &seen.limit);
	expect(seen.base == g.base && seen.limit == 255, "GetGDT");
	invoke1(GetIDT, &seen.limit);
	expect(seen.base == i.base, "GetIDT");
	expect(((u32)invoke0(GetTR) & 0xffff) == TSS_SEL, "GetTR");
	invoke0(CLTS);
	wrmsr(0x174, KERNEL_CS);
	wrmsr(0x175, task[1]);
	wrmsr(0x176, (u32)sysenter_entry);
}

void cpu_init(void)
{
	for (unsigned n = 0; n < 256; n++)
		gate(n, n == 0x80 ? 0xef00 : 0x8e00);
	load_tables(tss, trap_stack);
}

static void flags_test(void)
{
	u32 seen[3], f;

	irq_enable();
	expect(eflags() & 0x200, "EnableInterrupts");
	f = save_and_disable();
	expect(f & 0x200 && !(eflags() & 0x200), "save and disable");
	restore_flags(0x200);
	expect(eflags() & 0x200 && save_flags() & 0x200, "SetInterruptMask, on by the bit alone");
	irq_disable();
	expect(!(eflags() & 0x200) && !(save_flags() & 0x200), "DisableInterrupts");
	strange_segments(seen);
	expect(!(seen[0] & 0x200) && seen[1] & 0x200 && !(seen[2] & 0x200), "the flag with a user's segments");
	restore_flags(f & ~0x200u);
	invoke1(SetIOPLMask, 0x3000);
	expect((eflags() & 0x3000) == 0x3000, "SetIOPLMask, 3");
	invoke1(SetIOPLMask, 0);
	expect(!(eflags() & 0x3000), "SetIOPLMask, 0");
}

static void ldt_test(void)
{
	u32 base = (u32)ldt;

	invoke(WriteGDT, (u32)gdt, LDT_SEL >> 3, (base << 16) | 15, (base & 0xff000000) | 0x8200 | (base >> 16 & 0xff), 0);
	invoke1(SetLDT, LDT_SEL);
	invoke(WriteLDT, base, 1, 0x0000ffff, 0x00cff300, 0);
	expect(ldt[2] == 0x0000ffff && ldt[3] == 0x00cff300, "WriteLDTEntry");
	__asm__ volatile("mov %0, %%gs\n\tmov %1, %%gs" : : "r"(0x0f), "r"(0));
	invoke1(SetLDT, 0);
}

static void iret_test(void)
{
	u32 cr3 = (u32)invoke0(GetCR3);

	invoke1(SetCR3, mm_space(3));
	expect(enter_user(user_code, 0xff3, 0x202, user_stack, USER_DS) == 0xdead, "IRET to a code segment that is not there");
	expect(enter_user(user_code, USER_CS, 0x202, user_stack, 0xffb) == 0xdead, "IRET to a stack segment that is not there");
	expect(enter_user(user_code, USER_CS, 0x202, user_stack, USER_DS) == 1, "IRET after its faults");
	invoke1(SetCR3, cr3);
}

void cpu_test(void)
{
	u32 a = 1, b, c = 0, d;
	u64 t = rdtsc(), u;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	u = invoke(CPUID, 1, 0, 0, 0, 0);
	expect((u32)u == a && (u32)(u >> 32) == d, "CPUID");
	u = invoke0(RDTSC);
	expect(u >= t && rdtsc() >= u, "RDTSC");
	invoke2(SetDR, 3, 0xc0123000);
	expect((u32)invoke1(GetDR, 3) == 0xc0123000, "debug register 3");
	invoke2(SetDR, 3, 0);
	invoke2(SetDR, 7, 0x400);
	expect((u32)invoke1(GetDR, 7) == 0x400, "debug register 7");
	invoke1(SetCR0, (u32)invoke0(GetCR0) | 8);
	expect((u32)invoke0(GetCR0) & 8, "TS on");
	invoke0(CLTS);
	expect(!((u32)invoke0(GetCR0) & 8), "TS off");
	invoke1(SetCR2, 0x12345678);
	expect((u32)invoke0(GetCR2) == 0x12345678, "CR2");
	invoke0(WBINVD);
	invoke0(IODelay);
	flags_test();
	ldt_test();
	iret_test();
}

/* --- time ------------------------------------------------------------------------------------------------------- */

static void pic(bool on)
{
	outb(0x20, 0x11);
	outb(0x21, 0x20);
	outb(0x21, 4);
	outb(0x21, 1);
	outb(0xa0, 0x11);
	outb(0xa1, 0x28);
	outb(0xa1, 2);
	outb(0xa1, 1);
	outb(0x21, on ? 0xfe : 0xff);
	outb(0xa1, 0xff);
}

static void idle_until(unsigned n)
{
	while (ticks < n) {
		invoke0(Halt);
		expect(eflags() & 0x200, "Halt returns with interrupts off");
		irq_disable();
	}
}

static void alarm(u32 flags, u64 expiry, u64 period)
{
	invoke(SetAlarm, flags, (u32)expiry, expiry >> 32, (u32)period, period >> 32);
}

static void vmi_timer(u32 wiring)
{
	u32 hz = (u32)(invoke0(GetCycleFrequency) >> 10), ms = hz + hz / 64; /* Hz / 1000, nearly */
	u32 counter = kernel.old_timer ? 1 : 0;
	u64 now = invoke1(GetCycleCounter, counter), then;

	expect(hz > 1000, "GetCycleFrequency");
	outb(0x43, 0x3a);
	outb(0x40, 0);
	outb(0x40, 0);
	ticks = 0;
	if (!kernel.old_timer)
		for (unsigned i = 1; i < 4; i++) {
			then = invoke1(GetCycleCounter, 0);
			alarm(wiring | counter, then + ms, 0);
			idle_until(i);
			expect(invoke1(GetCycleCounter, 0) - then >= ms, "an alarm before its time");
		}
	ticks = 0;
	alarm(wiring | counter | 0x100, invoke1(GetCycleCounter, counter) + ms, ms);
	idle_until(4);
	expect((u32)invoke1(CancelAlarm, wiring | counter) == 1, "CancelAlarm of one that is armed");
	irq_enable();
	irq_disable();
	ticks = 0;
	then = invoke1(GetCycleCounter, counter);
	expect(then > now, "GetCycleCounter");
	while (invoke1(GetCycleCounter, counter) - then < 2 * (u64)ms)
		;
	irq_enable();
	irq_disable();
	expect(!ticks, "an alarm after CancelAlarm");
	now = invoke1(GetCycleCounter, 2);
	expect(now <= invoke1(GetCycleCounter, 2) && now < invoke1(GetCycleCounter, 0), "stolen time");
	expect(invoke1(GetCycleCounter, 1) <= invoke1(GetCycleCounter, 0), "available time is more than real time");
	expect(!invoke1(GetCycleCounter, 7), "a counter that is not there");
	expect(invoke0(GetWallclock) >> 32 > 0x16000000, "GetWallclockTime");
}

static void native_timer(bool lapic)
{
	ticks = 0;
	if (lapic) {
		apic_write(APIC_DIVIDE, 0xb);
		apic_write(APIC_LVTT, 0x20000 | kernel.lvtt_vector);
		apic_write(APIC_INITIAL, 1000000);
	} else {
		outb(0x43, 0x34);
		outb(0x40, 1193 & 0xff);
		outb(0x40, 1193 >> 8);
	}
	idle_until(4);
	if (lapic)
		apic_write(APIC_INITIAL, 0);
	outb(0x43, 0x3a);
}

/* Without a local APIC by IRQ 0; with one first so, then by its timer's vector. */
void timer_test(void)
{
	bool vmi = served[GetCycleFrequency], lapic = !option("noapic");

	irq_disable();
	pic(true);
	if (lapic) {
		apic_write(APIC_SVR, 0x1ff);
		apic_write(APIC_LVT0, 0x700);
		expect((apic_read(APIC_SVR) & 0x1ff) == 0x1ff, "the APIC does not come on");
	}
	if (vmi)
		vmi_timer(0);
	else
		native_timer(false);
	if (!lapic)
		return;
	pic(false);
	if (vmi) {
		apic_write(APIC_LVTT, kernel.lvtt_vector);
		vmi_timer(0x10000);
		apic_write(APIC_LVTT, 0x10000);
	} else {
		native_timer(true);
	}
	expect(lapic_ticks, "no tick by the local APIC");
}

/* --- a second processor ---------------------------------------------------------------------------------------- */

struct ap_state {
	u32 cr0, cr2, cr3, cr4;
	u64 efer;
	u32 eip, eflags, eax, ebx, ecx, edx, esp, ebp, esi, edi;
	u16 cs, ss, ds, es, fs, gs, ldtr, gdtr_limit;
	u32 gdtr_base, idtr_base;
	u16 idtr_limit;
} __attribute__((packed));

void start_secondary(void)
{
	invoke(SetLinearMapping, 0, PAGE_OFFSET, LINEAR_MB << 8, 0, 0);
	load_tables(ap_tss, ap_trap_stack);
	apic_write(APIC_SVR, 0x1ff);
	ap_up = 1;
	for (unsigned i = 0; i < 2000; i++) {
		if (!((u32)invoke0(GetCR0) & 1) || (u32)invoke0(GetCR3) != swapper || apic_read(APIC_ID) >> 24 != 1)
			ap_wrong++;
		irq_enable();
		irq_disable();
		ap_rounds++;
	}
	ap_up = 2;
	for (;;)
		invoke0(Halt);
}

static void send(u32 destination, u32 command)
{
	apic_write(APIC_ICR_HIGH, destination << 24);
	apic_write(APIC_ICR, command);
	while (apic_read(APIC_ICR) & 0x1000)
		;
}

static void initial_state(void)
{
	struct ap_state s;

	memset(&s, 0, sizeof(s));
	s.cr0 = 0x80050033;
	s.cr3 = swapper;
	s.cr4 = ap_cr4;
	s.efer = pae && nx ? rdmsr(0xc0000080) : 0;
	s.eip = (u32)start_secondary;
	s.esp = (u32)ap_stack + sizeof(ap_stack) - 16;
	s.cs = KERNEL_CS;
	s.ss = KERNEL_DS;
	s.ds = s.es = USER_DS;
	s.fs = PERCPU_SEL;
	s.gs = kernel.ap_gs;
	s.gdtr_limit = 255;
	s.gdtr_base = (u32)gdt;
	s.idtr_base = (u32)idt;
	s.idtr_limit = 2047;
	invoke2(SetInitialAPState, &s, 1);
	memset(&s, 0xff, sizeof(s)); /* it was copied during the call */
}

static bool wait(volatile unsigned *p, unsigned n)
{
	u64 from = rdtsc();

	while (*p < n)
		if (rdtsc() - from > 4000000000ull)
			return false;
	return true;
}

/* More than once: STI; HLT loses a wake-up on some emulators, which a kernel's next tick makes up for. */
static bool ping(void)
{
	unsigned before = ipis;

	for (unsigned i = 0; i < 8; i++) {
		send(1, IPI);
		if (wait(&ipis, before + 1))
			return true;
	}
	return false;
}

void smp_test(void)
{
	memcpy(VA(AP_PAGE), ap_start, ap_start_end - ap_start);
	send(1, 0xc500);
	send(1, 0x8500);
	if (served[SetInitialAPState])
		initial_state();
	send(1, 0x600 | AP_PAGE >> 12);
	send(1, 0x600 | AP_PAGE >> 12);
	for (unsigned i = 0; i < 5 && !ap_up; i++)
		wait(&ap_up, 1);
	if (!ap_up) {
		fail("the second processor does not come up");
		return;
	}
	while (ap_up < 2)
		for (unsigned i = 0; i < 100; i++)
			invoke1(FlushTLB, 1);
	expect(ap_rounds == 2000 && !ap_wrong, "%u of the second processor's calls are wrong", ap_wrong);
	expect(ping(), "an IPI does not arrive");
	expect(ping(), "an IPI does not end Halt");
}
