// SPDX-License-Identifier: GPL-2.0-only
/* guest: 32 */
/*
 * A gateway ROM that is replaced while its guest runs. Each call of the ROM is made by a thread of its own and stopped in the
 * middle (by single steps), at another instruction in each round; the guest says READY N on its debug console, waits
 * until the ROM is another, and lets the threads go on in the body that they were in. Other processors call all the
 * time. rounds=N (4), cpus=N (1), paging=2: above the fixmap; limit=US: how long it may take, with instructions counted.
 */
#include "guest.h"
#include <postern/gateway.h>
#include <postern/vmi.h>

#define PAGE_OFFSET 0xc0000000u
#define GET_RELOC VMI_CALLS /* counts as a call here */
#define STACK_WORDS 512
#define TF 0x100
#define ANSWER_CALL 1

struct thread {
	uint32_t esp;
	unsigned number;
	bool stopped, done, kept;
	uint32_t eax, edx, stopped_at;
	uint32_t stack[STACK_WORDS];
};

static const uint8_t *rom;
static uint32_t base, entry[VMI_CALLS + 1];
static uint8_t answer[VMI_CALLS + 1];
static struct thread threads[VMI_CALLS + 1];
static struct thread *running;
static uint32_t main_esp;
static unsigned steps, stop_at, steps_of[2][VMI_CALLS + 1]; /* by two ROMs in turn */
static uint32_t directory[1024] __attribute__((aligned(4096)));
static volatile bool finished;
static volatile unsigned ticks, others;
static volatile uint64_t longest; /* from this processor's last call of the ROM before to the first one of the next */
static uint64_t place[2];
static struct {
	uint16_t pad, limit;
	uint32_t base;
} gdtr, idtr;

/* Saves where we are on the stack, goes on where the other one saved. */
void switch_stack(uint32_t *save, uint32_t to);
__asm__(".text\n.globl switch_stack\nswitch_stack:\n\t"
	"mov 4(%esp), %eax\n\tmov 8(%esp), %edx\n\t"
	"push %ebp\n\tpush %ebx\n\tpush %esi\n\tpush %edi\n\t"
	"mov %esp, (%eax)\n\tmov %edx, %esp\n\t"
	"pop %edi\n\tpop %esi\n\tpop %ebx\n\tpop %ebp\n\tret\n");

/* As a kernel calls: result in *r, and whether the registers that a call keeps are kept. */
struct result {
	uint32_t eax, edx, kept;
};
void vmi_call(struct result *r, uint32_t address, uint32_t eax, uint32_t edx, uint32_t ecx, uint32_t s4, uint32_t s8);
__asm__(".text\n.globl vmi_call\nvmi_call:\n\t"
	"push %ebx\n\tpush %esi\n\tpush %edi\n\tpush %ebp\n\t"
	"mov 24(%esp), %ebp\n\tmov 28(%esp), %eax\n\tmov 32(%esp), %edx\n\tmov 36(%esp), %ecx\n\t"
	"pushl 44(%esp)\n\tpushl 44(%esp)\n\t"
	"mov $0x1111, %ebx\n\tmov $0x2222, %esi\n\tmov $0x3333, %edi\n\t"
	"call *%ebp\n\t"
	"add $8, %esp\n\tmov 20(%esp), %ecx\n\tmov %eax, (%ecx)\n\tmov %edx, 4(%ecx)\n\txor %eax, %eax\n\t"
	"cmp $0x2222, %esi\n\tjne 1f\n\tcmp $0x3333, %edi\n\tjne 1f\n\tinc %eax\n"
	"1:\tmov %eax, 8(%ecx)\n\tpop %ebp\n\tpop %edi\n\tpop %esi\n\tpop %ebx\n\tret\n");

uint32_t vmi_iret(uint32_t address);
__asm__(".text\n.globl vmi_iret\nvmi_iret:\n\t"
	"mov 4(%esp), %edx\n\tpushf\n\tpush %cs\n\tpush $1f\n\tcall *%edx\n\txor %eax, %eax\n\tret\n"
	"1:\tmov $1, %eax\n\tret\n");

static void say(const char *text, unsigned n)
{
	while (*text)
		outb(0xe9, *text++);
	outb(0xe9, '0' + n / 10 % 10);
	outb(0xe9, '0' + n % 10);
	outb(0xe9, '\n');
}

static bool in_gateway(uint32_t ip)
{
	uint32_t top = *(const uint32_t *)(rom + VMI_VROM_HEADER_VIRTUAL_TOP);

	return ip - (uint32_t)rom < GATEWAY_WINDOW_PAGES * 4096 || (top && ip >= top);
}

static void on_step(struct regs *regs)
{
	struct thread *t = running;

	if (!t || t->stopped) { /* on its way again */
		regs->flags &= ~(word)TF;
		return;
	}
	if (!in_gateway(regs->ip) || ++steps != stop_at)
		return;
	t->stopped = true;
	t->stopped_at = regs->ip;
	switch_stack(&t->esp, main_esp);
	regs->flags &= ~(word)TF;
}

static void on_tick(struct regs *regs)
{
	ticks++;
	apic_eoi();
}

static void soon(void)
{
	apic_write(APIC_TIMER_INITIAL, 20000);
}

static void single_steps(bool on)
{
	if (on)
		__asm__ volatile("pushf\n\torl $0x100, (%%esp)\n\tpopf" : : : "memory", "cc");
	else
		__asm__ volatile("pushf\n\tandl $~0x100, (%%esp)\n\tpopf" : : : "memory", "cc");
}

/* Arguments that do no harm. */
static void arguments(unsigned n, uint32_t *a)
{
	static const struct {
		uint8_t call;
		uint32_t a[5];
	} row[] = {
		{VMI_CALL_WRMSR, {0x12345, 0, 0x175}},
		{VMI_CALL_RDMSR, {0, 0, 0x175}},
		{VMI_CALL_SetDR, {3, 0x4000}},
		{VMI_CALL_GetDR, {3}},
		{VMI_CALL_SetPxE, {0x12345067, (uint32_t)place, VMI_UPDATE_PT}},
		{VMI_CALL_SetPxELong, {0x12345067, 0x80000001, (uint32_t)place, VMI_UPDATE_PT}},
		{VMI_CALL_UpdatePxE, {(uint32_t)place, VMI_UPDATE_PT}},
		{VMI_CALL_UpdatePxELong, {(uint32_t)place, VMI_UPDATE_PT}},
		{VMI_CALL_AllocatePage, {0x1001, VMI_PAGE_PD | VMI_PAGE_CLONE, 0x1000, 768, 256}},
		{VMI_CALL_ReleasePage, {0x1000, VMI_PAGE_PT}},
		{VMI_CALL_InvalPage, {0x100000}},
		{VMI_CALL_FlushTLB, {VMI_FLUSH_TLB | VMI_FLUSH_GLOBAL}},
		{VMI_CALL_SetLinearMapping, {0, PAGE_OFFSET, 0x1000}},
		{VMI_CALL_APICRead, {APIC_VERSION}},
		{VMI_CALL_APICWrite, {APIC_TPR, 0}},
		{VMI_CALL_SetAlarm, {VMI_COUNTER_AVAILABLE, 0, 0x1000000}},
		{VMI_CALL_CancelAlarm, {VMI_COUNTER_AVAILABLE}},
		{VMI_CALL_GetCycleCounter, {VMI_COUNTER_AVAILABLE}},
		{VMI_CALL_SendIPI, {0, 0x41}},
		{VMI_CALL_UpdateKernelStack, {0x10, 0x5000}},
		{GET_RELOC, {VMI_CALL_IRET}},
	};

	memset(a, 0, 5 * sizeof(*a));
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++)
		if (row[i].call == n)
			memcpy(a, row[i].a, sizeof(row[i].a));
	if (n == VMI_CALL_SetGDT || n == VMI_CALL_GetGDT)
		a[0] = (uint32_t)&gdtr.limit;
	if (n == VMI_CALL_SetIDT || n == VMI_CALL_GetIDT)
		a[0] = (uint32_t)&idtr.limit;
	if (n >= VMI_CALL_WriteGDTEntry && n <= VMI_CALL_WriteIDTEntry)
		a[0] = (uint32_t)place;
	if (n == VMI_CALL_SetCR0)
		a[0] = READ_CR(0);
	if (n == VMI_CALL_SetCR3)
		a[0] = READ_CR(3);
	if (n == VMI_CALL_SetCR4)
		a[0] = READ_CR(4);
}

static bool make(unsigned n, struct result *r)
{
	uint32_t a[5];

	arguments(n, a);
	if (n == VMI_CALL_Halt)
		soon();
	single_steps(true);
	if (n == VMI_CALL_IRET)
		r->kept = vmi_iret(entry[n]);
	else
		vmi_call(r, entry[n], a[0], a[1], a[2], a[3], a[4]);
	single_steps(false);
	cli();
	return r->kept;
}

/* SetTR would find its segment busy; SYSEXIT is for user mode; there is no counter for RDPMC. */
static bool tried(unsigned n)
{
	return answer[n] == ANSWER_CALL && n != VMI_CALL_SetTR && n != VMI_CALL_SYSEXIT &&
	       n != VMI_CALL_RDPMC;
}

static void body(void)
{
	struct thread *t = running;
	struct result r = { 0, 0, 0 };

	t->kept = make(t->number, &r);
	t->eax = r.eax;
	t->edx = r.edx;
	t->done = true;
	switch_stack(&t->esp, main_esp);
}

static void go(struct thread *t)
{
	running = t;
	switch_stack(&main_esp, t->esp);
	running = NULL;
}

/* Up to instruction STOP in the gateway, or to its end. */
static void start(unsigned n, unsigned stop)
{
	struct thread *t = &threads[n];

	memset(t, 0, sizeof(*t));
	t->number = n;
	t->stack[STACK_WORDS - 2] = (uint32_t)body;
	t->esp = (uint32_t)&t->stack[STACK_WORDS - 6];
	steps = 0;
	stop_at = stop;
	go(t);
}

static void ask(void)
{
	struct result r;

	cli();
	vmi_call(&r, (uint32_t)rom + VMI_VROM_HEADER_VMI_INIT, 0, 0, 0, 0, 0);
	check(!r.eax, "vmi_init: %u", r.eax);
	for (unsigned n = 0; n < VMI_CALLS; n++) {
		vmi_call(&r, (uint32_t)rom + VMI_VROM_HEADER_GET_RELOC, n, 0, 0, 0, 0);
		entry[n] = r.eax;
		answer[n] = r.edx;
	}
	entry[GET_RELOC] = (uint32_t)rom + VMI_VROM_HEADER_GET_RELOC;
	answer[GET_RELOC] = ANSWER_CALL;
}

static bool same_answers(void)
{
	struct result r;

	for (unsigned n = 0; n < VMI_CALLS; n++) {
		vmi_call(&r, (uint32_t)rom + VMI_VROM_HEADER_GET_RELOC, n, 0, 0, 0, 0);
		if (entry[n] != r.eax || answer[n] != r.edx)
			return false;
	}
	return true;
}

static void find(void)
{
	if (option_is("paging", "2")) {
		for (uint32_t i = 0; i < 1023; i++)
			directory[i] = (i >= 768 && i < 896 ? i - 768 : i) << 22 | 0x87;
		WRITE_CR(4, READ_CR(4) | 0x10);
		WRITE_CR(3, (uint32_t)directory);
		WRITE_CR(0, READ_CR(0) | 0x80010000);
		base = PAGE_OFFSET;
	}
	rom = (const uint8_t *)(base + VMI_ROM_FIRST);
	check(*(const uint32_t *)(rom + 8) == VMI_SIGNATURE_08, "there is a ROM");
	__asm__ volatile("sgdt %0" : "=m"(gdtr.limit));
	__asm__ volatile("sidt %0" : "=m"(idtr.limit));
}

static volatile uint32_t failures;

/* Another processor: calls that go to the core, to the VMM, and nowhere, all the time. */
static void other(unsigned number)
{
	static const uint8_t calls[] = {VMI_CALL_APICRead, VMI_CALL_GetInterruptMask, VMI_CALL_GetWallclockTime,
					VMI_CALL_APICWrite, VMI_CALL_GetCycleCounter, VMI_CALL_CancelAlarm};
	struct result r;

	if (base) {
		WRITE_CR(4, READ_CR(4) | 0x10);
		WRITE_CR(3, (uint32_t)directory);
		WRITE_CR(0, READ_CR(0) | 0x80010000);
	}
	__atomic_fetch_add(&others, 1, __ATOMIC_SEQ_CST);
	while (!finished)
		for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
			uint32_t a[5];

			arguments(calls[i], a);
			vmi_call(&r, entry[calls[i]], a[0], a[1], a[2], a[3], a[4]);
			if (!r.kept || (calls[i] == VMI_CALL_GetWallclockTime && r.edx < 0x16000000) ||
			    (calls[i] == VMI_CALL_APICRead && (r.eax & 0xff) < 0x10))
				failures++;
		}
	for (;;)
		__asm__ volatile("cli; hlt");
}

static uint32_t identity(void)
{
	return *(const volatile uint32_t *)(rom + *(const volatile uint16_t *)(rom + GATEWAY_AT_BUILD_ID));
}

/* Calls, and looks at the clock, until the ROM is another. */
static void wait_for_swap(unsigned round)
{
	uint32_t was = identity();
	uint64_t last, now;
	struct result r;

	longest = 0;
	say("READY ", round);
	last = rdtsc();
	for (bool changed = false, over = false; !over;) {
		vmi_call(&r, entry[VMI_CALL_GetInterruptMask], 0, 0, 0, 0, 0);
		now = rdtsc();
		/* It may have come before the clock was read, or after. */
		over = changed;
		changed = identity() != was;
		if (changed && now - last > longest)
			longest = now - last;
		last = now;
	}
}

static void one_round(unsigned round, unsigned rounds)
{
	unsigned tried_calls = 0, stopped = 0, back = 0;

	for (unsigned n = 0; n <= VMI_CALLS; n++) {
		if (!tried(n))
			continue;
		tried_calls++;
		if (round < 2) {
			start(n, ~0u);
			steps_of[round][n] = steps;
		}
		/* Instruction 1 is the slot's jump; the last one is the return. */
		start(n, round ? 1 + (steps_of[round & 1][n] - 1) * round / rounds : 1);
		stopped += threads[n].stopped && !threads[n].done;
	}
	check(stopped == tried_calls && stopped > 10, "round %u: %u threads stopped in %u calls", round, stopped,
	      tried_calls);
	wait_for_swap(round);
	if (option("limit", 0)) /* instructions are counted: a tick is a nanosecond */
		check((uint32_t)longest / 1000 <= option("limit", 0), "round %u: stopped for %u us at most", round,
		      (uint32_t)longest / 1000);
	for (unsigned n = 0; n <= VMI_CALLS; n++) {
		if (!tried(n))
			continue;
		if (n == VMI_CALL_Halt)
			soon();
		go(&threads[n]);
		cli();
		back += threads[n].done && threads[n].kept;
		if (!threads[n].done || !threads[n].kept)
			print("FAIL  call %u, stopped at %x\n", n, threads[n].stopped_at);
		if (n == VMI_CALL_APICRead)
			check((threads[n].eax & 0xff) >= 0x10, "the APIC was read by the body before");
	}
	check(back == stopped, "round %u: %u came back", round, back);
	check(same_answers(), "the answers and addresses are as they were");
}

int main(void)
{
	unsigned rounds = (unsigned)option("rounds", 4), cpus = (unsigned)option("cpus", 1), seen = failures;

	pic_mask_all();
	find();
	apic_enable();
	apic_write(APIC_TIMER_DIVIDE, 0xb);
	apic_write(APIC_LVT_TIMER, 0x40);
	on_vector(0x40, on_tick);
	on_vector(1, on_step);
	ask();
	if (cpus > 1) {
		start_processors(other, 20);
		while (others != cpus - 1)
			relax();
	}
	for (unsigned round = 0; round < rounds; round++)
		one_round(round, rounds);
	finished = true;
	check(failures == seen, "the other processors' calls: %u wrong", failures);
	return verdict("swap");
}
