// SPDX-License-Identifier: GPL-2.0-only
/* guest: 32 */
/*
 * A VMI gateway ROM as a kernel uses it: found below 1 MiB, initialised, asked for every call, and every call that it
 * serves made, with the registers that must survive watched. Any flavour; `rom=none`
 * expects none, `init=declines` one that does not want to work here. paging=2, pae, late: with tables as a kernel's.
 */
#include "guest.h"
#include <postern/gateway.h>
#include <postern/vmi.h>

struct result {
	uint32_t eax, edx, ebx, esp_moved, kept;
};

uint32_t vmi_esp, vmi_target;
static const uint8_t *rom;
static uint32_t base; /* where memory 0 is linear: 0 or PAGE_OFFSET */
static uint32_t entry[VMI_CALLS];
static uint8_t answer[VMI_CALLS];
static uint32_t user_tss[26];
static volatile uint32_t user_seen, user_esp;
static uint8_t user_stack[4096];
extern uint64_t gdt[];
struct result vmi_call(uint32_t address, uint32_t eax, uint32_t edx, uint32_t ecx, uint32_t s4, uint32_t s8);

/* struct result *(hidden), address, EAX, EDX, ECX, two words. EBX, ESI, EDI, EBP hold marks meanwhile. */
__asm__(".text\n.globl vmi_call\nvmi_call:\n\t"
	"push %ebx\n\tpush %esi\n\tpush %edi\n\tpush %ebp\n\t"
	"mov 24(%esp), %ebp\n\tmov 28(%esp), %eax\n\tmov 32(%esp), %edx\n\tmov 36(%esp), %ecx\n\t"
	"pushl 44(%esp)\n\tpushl 44(%esp)\n\t"
	"mov $0x1111, %ebx\n\tmov $0x2222, %esi\n\tmov $0x3333, %edi\n\t"
	"mov %esp, vmi_esp\n\tmov %ebp, vmi_target\n\tmov $0x4444, %ebp\n\t"
	"call *vmi_target\n\t"
	"sub %esp, vmi_esp\n\tadd vmi_esp, %esp\n\tadd $8, %esp\n\t"
	"mov 20(%esp), %ecx\n\tmov %eax, (%ecx)\n\tmov %edx, 4(%ecx)\n\tmov %ebx, 8(%ecx)\n\t"
	"mov vmi_esp, %eax\n\tmov %eax, 12(%ecx)\n\t"
	"xor %eax, %eax\n\tcmp $0x1111, %ebx\n\tjne 1f\n\tinc %eax\n"
	"1:\tcmp $0x2222, %esi\n\tjne 1f\n\tinc %eax\n"
	"1:\tcmp $0x3333, %edi\n\tjne 1f\n\tinc %eax\n"
	"1:\tcmp $0x4444, %ebp\n\tjne 1f\n\tinc %eax\n"
	"1:\tmov %eax, 16(%ecx)\n\t"
	"pop %ebp\n\tpop %edi\n\tpop %esi\n\tpop %ebx\n\tmov 4(%esp), %eax\n\tret $4\n");

/* IRET(address): an IRET to the next instruction through the ROM, as a patched kernel does it. 1: it came there. */
uint32_t vmi_iret(uint32_t address);
__asm__(".text\n.globl vmi_iret\nvmi_iret:\n\t"
	"mov 4(%esp), %edx\n\tpushf\n\tpush %cs\n\tpush $1f\n\tcall *%edx\n\txor %eax, %eax\n\tret\n"
	"1:\tmov $1, %eax\n\tret\n");

/* SYSEXIT to user mode, which faults there; back by way of its #GP. */
void vmi_sysexit(uint32_t address, uint32_t esp);
extern char user_code[], user_back[];
uint32_t kernel_esp;
__asm__(".text\n.globl vmi_sysexit, user_code, user_back\nvmi_sysexit:\n\t"
	"pusha\n\tmov 36(%esp), %eax\n\tmov 40(%esp), %ecx\n\tmov $user_code, %edx\n\tmov %esp, kernel_esp\n\t"
	"call *%eax\n"
	"user_back:\n\tmov kernel_esp, %esp\n\tmov $0x10, %eax\n\tmov %eax, %ds\n\tmov %eax, %es\n\tpopa\n\tret\n"
	"user_code:\n\thlt\n");

static struct result call(unsigned n, uint32_t eax, uint32_t edx, uint32_t ecx, uint32_t s4, uint32_t s8)
{
	struct result r = vmi_call(entry[n], eax, edx, ecx, s4, s8);

	if (r.esp_moved || (n != VMI_CALL_CPUID && r.kept != 4) || (n == VMI_CALL_CPUID && r.kept < 3))
		check(false, "call %u keeps EBX, ESI, EDI, EBP and ESP", n);
	return r;
}

static bool served(unsigned n)
{
	return answer[n] == VMI_ANSWER_CALL;
}

/* --- tables as kernels have them -------------------------------------------------------------- */
#define PAGE_OFFSET 0xc0000000u
static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint64_t middle[4][512] __attribute__((aligned(4096)));
static uint64_t pointers[4] __attribute__((aligned(32)));

/*
 * As kernels up to 2.6.24 turn PAE on: the four PDPTEs are written over the two-level directory, whose upper entries
 * go on serving the kernel until the switch. So nothing below PAGE_OFFSET may be touched between.
 */
void vmi_late_pae(uint32_t address, uint32_t cr4, uint64_t *entries, void *page);
__asm__(".text\n.globl vmi_late_pae\nvmi_late_pae:\n\t"
	"pusha\n\tmov 36(%esp), %ebx\n\tmov 40(%esp), %eax\n\tmov 44(%esp), %esi\n\tmov 48(%esp), %edi\n\t"
	"mov $0xc0000000, %ebp\n\tadd %ebp, %esi\n\tadd %ebp, %edi\n\tadd %ebp, %esp\n\t"
	"mov $1f, %edx\n\tadd %ebp, %edx\n\tjmp *%edx\n"
	"1:\tmov $8, %ecx\n\trep movsl\n\tmov %cr3, %edx\n\tmov %edx, %cr3\n\t"
	"call *%ebx\n\t"
	"sub %ebp, %esp\n\tmov $2f, %edx\n\tjmp *%edx\n"
	"2:\tpopa\n\tret\n");

/* All memory, for user mode too, one to one, but for 512 MiB of it once more at PAGE_OFFSET, and nothing in the last 4 MiB. */
static void two_levels(void)
{
	for (uint32_t i = 0; i < 1023; i++)
		directory[i] = (i >= 768 && i < 896 ? i - 768 : i) << 22 | 0x87;
}

static void pae(void)
{
	for (uint32_t i = 0; i < 2046; i++) {
		uint64_t to = i >= 1536 && i < 1792 ? i - 1536 : i;

		middle[i >> 9][i & 511] = to << 21 | 0x87;
	}
	for (unsigned i = 0; i < 4; i++)
		pointers[i] = (uint32_t)middle[i] | 1;
}

static void page(void)
{
	bool with_pae = option_is("paging", "pae");

	if (!with_pae && !option_is("paging", "2") && !option_is("paging", "late"))
		return;
	two_levels();
	pae();
	WRITE_CR(4, READ_CR(4) | 0x10 | (with_pae ? 0x20 : 0));
	WRITE_CR(3, with_pae ? (uint32_t)pointers : (uint32_t)directory);
	WRITE_CR(0, READ_CR(0) | 0x80010000);
	base = PAGE_OFFSET;
}

static uint32_t flags(void)
{
	uint32_t f;

	__asm__ volatile("pushf; pop %0" : "=r"(f));
	return f;
}

static bool is_rom(const uint8_t *p)
{
	return *(const uint16_t *)p == VMI_SIGNATURE_00 && *(const uint32_t *)(p + 8) == VMI_SIGNATURE_08 && p[0x0d] == 3;
}

static void find(void)
{
	uint8_t sum = 0;

	for (uint32_t a = VMI_ROM_FIRST; a < VMI_ROM_END && !rom; a += VMI_ROM_STEP)
		if (is_rom((const uint8_t *)(base + a)))
			rom = (const uint8_t *)(base + a);
	if (!rom)
		return;
	for (unsigned i = 0; i < rom[2] * 512u; i++)
		sum += rom[i];
	check(!sum, "the bytes of the ROM at %x sum to 0", (uint32_t)rom);
	check(!memcmp(rom + *(const uint16_t *)(rom + 0x16), "GPL", 3), "its licence is the GPL");
}

static bool ask(void)
{
	struct result r;
	bool stable = true, declines = option_is("init", "declines");

	cli();
	r = vmi_call((uint32_t)rom + VMI_VROM_HEADER_VMI_INIT, 0, 0, 0, 0, 0);
	check(!r.eax == !declines && r.kept == 4 && !r.esp_moved, "vmi_init: %u, registers kept", r.eax);
	if (r.eax) {
		print("ROM %s declines\n", (const char *)rom + *(const uint16_t *)(rom + GATEWAY_AT_ENGINE));
		return false;
	}
	for (unsigned n = 0; n < 256; n++) {
		r = vmi_call((uint32_t)rom + VMI_VROM_HEADER_GET_RELOC, n, 0, 0, 0, 0);
		stable = stable && r.kept == 4 && !r.esp_moved && r.edx <= VMI_ANSWER_NOP;
		if (n >= VMI_CALLS) {
			stable = stable && r.edx == VMI_ANSWER_NONE;
			continue;
		}
		entry[n] = r.eax;
		answer[n] = r.edx;
	}
	check(stable, "get_reloc: an answer for any number, registers kept");
	for (unsigned n = 29; n <= 34; n++)
		check(answer[n] == VMI_ANSWER_CALL, "call %u is served", n);
	return true;
}

static void processor(void)
{
	uint32_t a[4], cr3;
	struct result r;
	uint64_t t;

	if (served(VMI_CALL_CPUID)) {
		cpuid(0, 0, a);
		r = call(VMI_CALL_CPUID, 0, 0, 0, 0, 0);
		check(r.eax == a[0] && r.ebx == a[1] && r.edx == a[3], "CPUID");
	}
	if (!served(VMI_CALL_RDMSR))
		return;
	r = call(VMI_CALL_RDMSR, 0, 0, 0x1b, 0, 0);
	check(((uint64_t)r.edx << 32 | r.eax) == rdmsr(0x1b), "RDMSR");
	call(VMI_CALL_WRMSR, 0x12345, 0, 0x175, 0, 0);
	check(rdmsr(0x175) == 0x12345, "WRMSR");
	t = rdtsc();
	r = call(VMI_CALL_RDTSC, 0, 0, 0, 0, 0);
	check(((uint64_t)r.edx << 32 | r.eax) >= t, "RDTSC");
	call(VMI_CALL_WBINVD, 0, 0, 0, 0, 0);
	WRITE_CR(0, READ_CR(0) | 8);
	call(VMI_CALL_CLTS, 0, 0, 0, 0, 0);
	check(!(READ_CR(0) & 8), "CLTS");
	call(VMI_CALL_SetCR2, 0x87654321, 0, 0, 0, 0);
	check(READ_CR(2) == 0x87654321 && call(VMI_CALL_GetCR2, 0, 0, 0, 0, 0).eax == 0x87654321, "CR2");
	call(VMI_CALL_SetCR0, READ_CR(0) | 0x20, 0, 0, 0, 0);
	check(READ_CR(0) & 0x20 && call(VMI_CALL_GetCR0, 0, 0, 0, 0, 0).eax == READ_CR(0), "CR0");
	cr3 = base ? READ_CR(3) : 0x5000;
	call(VMI_CALL_SetCR3, cr3, 0, 0, 0, 0);
	check(READ_CR(3) == cr3 && call(VMI_CALL_GetCR3, 0, 0, 0, 0, 0).eax == cr3, "CR3");
	call(VMI_CALL_SetCR4, READ_CR(4) | 0x80, 0, 0, 0, 0);
	check(READ_CR(4) & 0x80 && call(VMI_CALL_GetCR4, 0, 0, 0, 0, 0).eax == READ_CR(4), "CR4");
	for (unsigned n = 0; n < 8; n++) {
		uint32_t v = n == 7 ? 0x400 : n == 6 ? 0xffff0ff1 : 0x1000 * (n + 1);

		if (n == 4 || n == 5)
			continue;
		call(VMI_CALL_SetDR, n, v, 0, 0, 0);
		check(call(VMI_CALL_GetDR, n, 0, 0, 0, 0).eax == v, "DR%u", n);
	}
	check(READ_DR(3) == 0x4000, "the debug registers are the processor's");
}

static void tables(void)
{
	struct {
		uint16_t pad, limit;
		uint32_t base;
	} now, seen = { 0, 0, 0 };
	uint32_t base = (uint32_t)user_tss;
	uint64_t place[2] = { 0, 0 };

	if (!served(VMI_CALL_SetGDT))
		return;
	__asm__ volatile("sgdt %0" : "=m"(now.limit));
	call(VMI_CALL_GetGDT, (uint32_t)&seen.limit, 0, 0, 0, 0);
	check(seen.limit == now.limit && seen.base == now.base, "GetGDT");
	call(VMI_CALL_SetGDT, (uint32_t)&now.limit, 0, 0, 0, 0);
	__asm__ volatile("sidt %0" : "=m"(now.limit));
	call(VMI_CALL_SetIDT, (uint32_t)&now.limit, 0, 0, 0, 0);
	call(VMI_CALL_GetIDT, (uint32_t)&seen.limit, 0, 0, 0, 0);
	check(seen.limit == now.limit && seen.base == now.base, "GetIDT after SetIDT");
	for (unsigned n = VMI_CALL_WriteGDTEntry; n <= VMI_CALL_WriteIDTEntry; n++) {
		call(n, (uint32_t)place, 1, 0x11110000 + n, 0x22220000 + n, 0);
		check(!place[0] && place[1] == ((0x22220000ull + n) << 32 | (0x11110000 + n)),
		      "write of an entry, call %u", n);
	}
	user_tss[1] = (uint32_t)user_stack + sizeof(user_stack);
	user_tss[2] = 0x10;
	gdt[6] = 0x67 | (uint64_t)(base & 0xffffff) << 16 | 0x89ull << 40 | (uint64_t)(base >> 24) << 56;
	call(VMI_CALL_SetTR, 0x30, 0, 0, 0, 0);
	check(call(VMI_CALL_GetTR, 0, 0, 0, 0, 0).eax == 0x30, "GetTR after SetTR");
	call(VMI_CALL_SetLDT, 0, 0, 0, 0, 0);
	check(!call(VMI_CALL_GetLDT, 0, 0, 0, 0, 0).eax, "GetLDT after SetLDT");
	call(VMI_CALL_UpdateKernelStack, 0x10, user_tss[1], 0, 0, 0);
}

static void from_user(struct regs *regs)
{
	user_seen = regs->cs;
	/* A fault in user mode pushes ESP and SS after the flags. */
	user_esp = ((word *)(regs + 1))[0];
	regs->cs = 8;
	regs->flags = 2;
	regs->ip = (word)user_back;
}

static void interrupts(void)
{
	call(VMI_CALL_EnableInterrupts, 0, 0, 0, 0, 0);
	check(flags() & 0x200, "EnableInterrupts");
	check(call(VMI_CALL_GetInterruptMask, 0, 0, 0, 0, 0).eax & 0x200, "GetInterruptMask, on");
	call(VMI_CALL_DisableInterrupts, 0, 0, 0, 0, 0);
	check(!(flags() & 0x200), "DisableInterrupts");
	check(!(call(VMI_CALL_GetInterruptMask, 0, 0, 0, 0, 0).eax & 0x200), "GetInterruptMask, off");
	call(VMI_CALL_SetInterruptMask, 0x200, 0, 0, 0, 0);
	check(flags() & 0x200, "SetInterruptMask, on by the bit alone");
	call(VMI_CALL_SetInterruptMask, 0x3c46, 0, 0, 0, 0);
	check(!(flags() & 0x3200), "SetInterruptMask, off, IOPL as it was");
	check(vmi_iret(entry[VMI_CALL_IRET]), "IRET");
	if (!user_tss[2])
		return;
	wrmsr(0x174, 0x30);
	on_vector(13, from_user);
	vmi_sysexit(entry[VMI_CALL_SYSEXIT], 0x12340);
	on_vector(13, 0);
	check((user_seen & 0xffff) == 0x43 && user_esp == 0x12340, "SYSEXIT: CS %x, ESP %x", user_seen, user_esp);
	cli();
}

static volatile unsigned int ticks;

static void tick(struct regs *regs)
{
	ticks++;
	apic_eoi();
}

static void halt(void)
{
	if (!served(VMI_CALL_Halt) || !has_apic())
		return;
	pic_mask_all();
	on_vector(0x40, tick);
	apic_enable();
	cli();
	ticks = 0;
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, 0x40);
	apic_write(APIC_TIMER_INITIAL, 1000000);
	call(VMI_CALL_Halt, 0, 0, 0, 0, 0);
	check(ticks == 1 && flags() & 0x200, "Halt: on, and back after one interrupt");
	cli();
}

static uint32_t cost(bool by_call)
{
	uint64_t from = rdtsc();

	for (unsigned i = 0; i < 256; i++) {
		if (by_call)
			vmi_call(entry[VMI_CALL_APICWrite], APIC_TPR, i & 0xf, 0, 0, 0);
		else
			apic_write(APIC_TPR, i & 0xf);
	}
	return (rdtsc() - from) / 256;
}

static void apic(void)
{
	if (!served(VMI_CALL_APICRead) || !has_apic())
		return;
	pic_mask_all();
	apic_enable();
	check(call(VMI_CALL_APICRead, APIC_VERSION, 0, 0, 0, 0).eax == apic_read(APIC_VERSION), "APICRead");
	check(call(VMI_CALL_APICRead, 0xfee00000 + APIC_SVR, 0, 0, 0, 0).eax == apic_read(APIC_SVR),
	      "APICRead by address");
	call(VMI_CALL_APICWrite, APIC_TPR, 0x30, 0, 0, 0);
	check(apic_read(APIC_TPR) == 0x30, "APICWrite");
	call(VMI_CALL_APICRead, 0xffc, 0, 0, 0, 0);
	call(VMI_CALL_APICWrite, 0x401, 0, 0, 0, 0);
	print("a write to the APIC: %u ticks by memory, ", cost(false));
	print("%u by the ROM\n", cost(true));
	apic_write(APIC_TPR, 0);
	if (!served(VMI_CALL_SendIPI))
		return;
	on_vector(0x41, tick);
	ticks = 0;
	call(VMI_CALL_SendIPI, 1u << apic_id(), 0x41, 0, 0, 0);
	check(!ticks, "SendIPI waits for interrupts on");
	call(VMI_CALL_EnableInterrupts, 0, 0, 0, 0, 0);
	relax();
	check(ticks == 1, "SendIPI to self");
	cli();
}

static volatile unsigned int pic_ticks;

static void pic_tick(struct regs *regs)
{
	pic_ticks++;
	outb(0x20, 0x20);
}

static void alarm_set(uint32_t flags, uint64_t expiry, uint64_t period)
{
	vmi_call(entry[VMI_CALL_SetAlarm], flags, expiry, expiry >> 32, period, period >> 32);
}

static uint64_t counter(uint32_t number)
{
	struct result r = call(VMI_CALL_GetCycleCounter, number, 0, 0, 0, 0);

	return (uint64_t)r.edx << 32 | r.eax;
}

/* IRQ 0 at vector 0x50, all others off. */
static void pic_on(void)
{
	outb(0x20, 0x11);
	outb(0x21, 0x50);
	outb(0x21, 4);
	outb(0x21, 1);
	outb(0x21, 0xfe);
	outb(0xa1, 0xff);
}

static void alarms(void)
{
	uint64_t hz, ms, from, sum;
	struct result r;

	if (!served(VMI_CALL_GetCycleFrequency))
		return;
	r = call(VMI_CALL_GetCycleFrequency, 0, 0, 0, 0, 0);
	hz = (uint64_t)r.edx << 32 | r.eax;
	ms = (uint32_t)hz / 1000 + (hz >> 32 ? 0xffffffff / 1000 : 0);
	check(hz > 1000000 && hz < 1ull << 42, "GetCycleFrequency: %u MHz", (uint32_t)(hz >> 6) / 15625);
	from = counter(VMI_COUNTER_REAL);
	check(counter(VMI_COUNTER_REAL) > from && rdtsc() > from, "GetCycleCounter counts as the TSC");
	sum = counter(VMI_COUNTER_AVAILABLE);
	sum += counter(VMI_COUNTER_STOLEN);
	check(sum > from && sum < counter(VMI_COUNTER_REAL), "available and stolen are the real");
	check(!counter(9), "other counters are 0");
	on_vector(0x40, tick);
	apic_write(APIC_LVT_TIMER, 0x40);
	ticks = 0;
	alarm_set(VMI_ALARM_WIRED_LVTT, rdtsc() + ms, 0);
	call(VMI_CALL_Halt, 0, 0, 0, 0, 0);
	check(ticks == 1, "SetAlarm, one-shot by the APIC, wakes Halt");
	check(counter(0) - from >= ms, "not before its time");
	cli();
	alarm_set(VMI_ALARM_PERIODIC | VMI_ALARM_WIRED_LVTT | VMI_COUNTER_AVAILABLE,
		  counter(VMI_COUNTER_AVAILABLE) + ms, ms);
	while (ticks < 6)
		call(VMI_CALL_Halt, 0, 0, 0, 0, 0);
	cli();
	check(ticks >= 6, "SetAlarm, periodic");
	check(call(VMI_CALL_CancelAlarm, 1, 0, 0, 0, 0).eax == 1, "CancelAlarm: it was armed");
	check(!call(VMI_CALL_CancelAlarm, 1, 0, 0, 0, 0).eax, "CancelAlarm: it was not");
	check(!call(VMI_CALL_CancelAlarm, 7, 0, 0, 0, 0).eax, "CancelAlarm: no such counter");
	alarm_set(VMI_COUNTER_STOLEN, 0, 0);
	sti(); /* one may have come before it was cancelled */
	relax();
	ticks = 0;
	delay_ms(3);
	cli();
	check(!ticks, "no alarm after that");
	pic_on();
	on_vector(0x50, pic_tick);
	alarm_set(0, rdtsc() + ms, 0);
	call(VMI_CALL_Halt, 0, 0, 0, 0, 0);
	check(pic_ticks == 1, "SetAlarm, one-shot by IRQ 0");
	alarm_set(VMI_ALARM_PERIODIC, 0, ms);
	while (pic_ticks < 4)
		call(VMI_CALL_Halt, 0, 0, 0, 0, 0);
	cli();
	call(VMI_CALL_CancelAlarm, 0, 0, 0, 0, 0);
	check(pic_ticks >= 4, "SetAlarm, periodic by IRQ 0, from the past");
	pic_mask_all();
	r = call(VMI_CALL_GetWallclockTime, 0, 0, 0, 0, 0);
	check(r.edx > 0x16000000, "GetWallclockTime is after 2020: %x", r.edx);
	call(VMI_CALL_WallclockUpdated, 0, 0, 0, 0, 0);
}

/* Where the code is called: above virtual_top when there is one, and not to be changed there. */
static void top(void)
{
	uint32_t virtual_top = *(const uint32_t *)(rom + VMI_VROM_HEADER_VIRTUAL_TOP);
	uint32_t at = virtual_top ? virtual_top : (uint32_t)rom;
	uint8_t was = rom[GATEWAY_BODY];

	check(entry[VMI_CALL_IRET] == at + GATEWAY_SLOTS + 16 * VMI_CALL_IRET, "the gateway is called at %x",
	      entry[VMI_CALL_IRET]);
	if (!option_is("host", "postern"))
		return;
	*(volatile uint8_t *)(rom + GATEWAY_BODY) = was ^ 0xff;
	check(*(const volatile uint8_t *)(rom + GATEWAY_BODY) == was, "the gateway's code cannot be written in place");
	if (!virtual_top)
		return;
	check(served(VMI_CALL_SetCR4) && entry[VMI_CALL_SetCR4] == (uint32_t)rom + GATEWAY_SLOTS + 16 * VMI_CALL_SetCR4,
	      "SetCR4 is called in place");
	__asm__ volatile(GUARD("movb $0, (%0)") : : "r"(virtual_top) : "memory");
	check(caught() == 14, "nor above the fixmap: vector %d", caught());
	if (!option_is("paging", "late"))
		return;
	vmi_late_pae(entry[VMI_CALL_SetCR4], READ_CR(4) | 0x20, pointers, directory);
	check(READ_CR(4) & 0x20, "PAE turned on late");
	check(!memcmp((const void *)virtual_top, rom, 16), "the gateway is there with PAE too");
}

static void memory(void)
{
	static uint32_t pte;
	static uint64_t long_pte __attribute__((aligned(8)));

	if (served(VMI_CALL_SetPxE)) {
		call(VMI_CALL_SetPxE, 0x12345067, (uint32_t)&pte, VMI_UPDATE_PT, 0, 0);
		check(pte == 0x12345067, "SetPxE");
		long_pte = 0x1111111122222222;
		call(VMI_CALL_SetPxELong, 0x12345067, 0x80000001, (uint32_t)&long_pte, VMI_UPDATE_PT, 0);
		check(long_pte == 0x8000000112345067, "SetPxELong");
		call(VMI_CALL_UpdatePxE, (uint32_t)&pte, VMI_UPDATE_PT, 0, 0, 0);
		call(VMI_CALL_UpdatePxELong, (uint32_t)&long_pte, VMI_UPDATE_PT, 0, 0, 0);
		call(VMI_CALL_AllocatePage, 0x1000, VMI_PAGE_PT | VMI_PAGE_ZEROED, 0, 0, 0);
		call(VMI_CALL_AllocatePage, 0x1001, VMI_PAGE_PD | VMI_PAGE_CLONE, 0x1000, 768, 256);
		call(VMI_CALL_ReleasePage, 0x1000, VMI_PAGE_PT, 0, 0, 0);
		call(VMI_CALL_InvalPage, 0x100000, 0, 0, 0, 0);
		WRITE_CR(4, READ_CR(4) | 0x80);
		call(VMI_CALL_FlushTLB, VMI_FLUSH_TLB | VMI_FLUSH_GLOBAL, 0, 0, 0, 0);
		check(READ_CR(4) & 0x80, "FlushTLB leaves PGE on");
		WRITE_CR(4, READ_CR(4) & ~0x80);
		call(VMI_CALL_FlushTLB, VMI_FLUSH_TLB | VMI_FLUSH_GLOBAL, 0, 0, 0, 0);
		call(VMI_CALL_FlushTLB, VMI_FLUSH_TLB, 0, 0, 0, 0);
		check(!(READ_CR(4) & 0x80), "FlushTLB leaves PGE off");
		call(VMI_CALL_SetLinearMapping, 0, 0xc0000000, 0x1000, 0, 0);
	}
	if (served(VMI_CALL_SetLazyMode))
		for (unsigned mode = 3; mode-- > 0;)
			call(VMI_CALL_SetLazyMode, mode, 0, 0, 0, 0);
	if (served(VMI_CALL_SetIOPLMask)) {
		call(VMI_CALL_SetIOPLMask, 0x3000, 0, 0, 0, 0);
		check((flags() & 0x3000) == 0x3000, "SetIOPLMask, 3");
		call(VMI_CALL_SetIOPLMask, 0, 0, 0, 0, 0);
		check(!(flags() & 0x3000), "SetIOPLMask, 0");
	}
	if (served(VMI_CALL_IODelay))
		call(VMI_CALL_IODelay, 0, 0, 0, 0, 0);
	if (served(VMI_CALL_Yield))
		call(VMI_CALL_Yield, 0, 0, 0, 0, 0);
}

static void extensions(void)
{
	uint32_t on;

	if (rom[0x0c] < 1 || *(const uint32_t *)(rom + GATEWAY_AT_MAGIC) != GATEWAY_MAGIC)
		return;
	check(served(VMI_CALL_ProbeFeatures), "ProbeFeatures is served");
	on = call(VMI_CALL_ProbeFeatures, 0, 0, 0, 0, 0).eax;
	check((on & ~(1u << VMI_FEATURE_TOP)) == *(const uint32_t *)(rom + GATEWAY_AT_FEATURES), "ProbeFeatures: %x", on);
	check(served(VMI_CALL_RDTSC) == !!(on & 1 << VMI_FEATURE_NATIVE), "feature native and its calls");
	check(served(VMI_CALL_GetCycleFrequency) == !!(on & 1 << VMI_FEATURE_TIMER), "feature timer and its calls");
}

int main(void)
{
	unsigned calls = 0;

	pic_mask_all(); /* firmware's timer runs */
	page();
	find();
	if (!rom) {
		check(option_is("rom", "none"), "there is no ROM");
		return verdict("vmi");
	}
	check(!option_is("rom", "none"), "there is a ROM");
	if (!ask())
		return verdict("vmi");
	for (unsigned n = 0; n < VMI_CALLS; n++)
		calls += served(n);
	print("ROM %s, %u calls served\n", (const char *)rom + *(const uint16_t *)(rom + GATEWAY_AT_ENGINE), calls);
	top();
	processor();
	tables();
	interrupts();
	halt();
	apic();
	alarms();
	memory();
	extensions();
	return verdict("vmi");
}
