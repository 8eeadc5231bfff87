// SPDX-License-Identifier: GPL-2.0-only
/* The client proper: finds a ROM, initialises it, asks for every call in the kernel's order, patches the sites. */
#include "client.h"
#include "native.h"

#define ROM_FIRST 0xc0000
#define ROM_END 0xe0000
#define ROM_STEP 2048
#define POISON_IRET 0x0badbab0
#define POISON_SYSEXIT 0xfeedbab0

struct rom_header {
	u16 signature;
	u8 length, entry[4], pad;
	u32 vmi_signature;
	u8 minor, major, slots, reserved1;
	u32 virtual_top;
	u16 reserved2, licence, pci, pnp;
	u32 pad3;
	u8 reserved[96], init[8], get_reloc[8];
} __attribute__((packed));

bool active, above_top;
u32 fixaddr_top = 0xfffff000;
void *op[CALLS];
bool served[CALLS];
unsigned served_count;
static const u8 *rom;
static u32 virtual_top;
extern u32 invoke_lost, invoke_ebx;
u64 invoke_at(void *fn, u32 eax, u32 edx, u32 ecx, u32 s4, u32 s8);

u64 invoke(enum call n, u32 eax, u32 edx, u32 ecx, u32 s4, u32 s8)
{
	u32 lost = invoke_lost;
	u64 v;

	if (!op[n])
		return 0;
	v = invoke_at(op[n], eax, edx, ecx, s4, s8);
	if (invoke_lost != lost)
		fail("call %u loses a register", n);
	return v;
}

bool rom_address(u32 a)
{
	return active && (a - (u32)rom < ROM_END - ROM_FIRST || (virtual_top && a >= virtual_top));
}

static const char *text(u16 at)
{
	return at ? (const char *)rom + at : "unspecified";
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* In the order in which the kernels look. */
static bool acceptable(const struct rom_header *h)
{
	const u16 *pci, *pnp;

	if (h->signature != 0xaa55 || h->vmi_signature != 0x696d5663)
		return false;
	if (h->major != 3) {
		say("VMI: Found mismatched rom version %u.%u", h->major, h->minor);
		return false;
	}
	rom = (const u8 *)h;
	if (!h->pci) {
		say("VMI: ROM does not contain PCI header.");
		return false;
	}
	pci = (const u16 *)(rom + h->pci);
	if (pci[2] != 0x15ad || pci[3] != 0x0801)
		say("VMI: ROM from unknown manufacturer");
	pnp = (const u16 *)(rom + h->pnp);
	say("VMI: Found %s %s, API version %u.%u, ROM version %u.%u", h->pnp && pnp[7] ? text(pnp[7]) : "UNKNOWN",
	    h->pnp && pnp[8] ? text(pnp[8]) : "UNKNOWN", h->major, h->minor, rom[h->pci + 0x13], rom[h->pci + 0x12]);
	if (!same(text(h->licence), "GPL") && !same(text(h->licence), "GPL v2")) {
		say("VMI: Non GPL license `%s' found for ROM. Not used.", text(h->licence));
		return false;
	}
	return true;
}

static bool found;

void vmi_probe(void)
{
	for (u32 a = ROM_FIRST; a < ROM_END && !found; a += ROM_STEP)
		found = acceptable(VA(a));
	if (!found) {
		rom = NULL;
		return;
	}
	virtual_top = ((const struct rom_header *)rom)->virtual_top;
	say("Reserving virtual address space above 0x%x", virtual_top);
	fixaddr_top = virtual_top - PAGE;
}

static u64 get_reloc(u32 n)
{
	u32 lost = invoke_lost;
	u64 answer = invoke_at((void *)(rom + 0x88), n, 0, 0, 0, 0);

	if (invoke_lost != lost || (answer >> 32) > NOP)
		fail("get_reloc(%u) loses a register, or answers %u", n, (u32)(answer >> 32));
	return answer;
}

static void take(enum call n, enum kind kind)
{
	u64 answer = get_reloc(n);
	unsigned type = answer >> 32;
	void *eip = (void *)(u32)answer;

	if (type == JUMP_REL && kind != PATCH) {
		fail("call %u is answered JUMP_REL", n);
		return;
	}
	if (type == CALL_REL || (type == JUMP_REL && kind == PATCH)) {
		served_count += !served[n];
		served[n] = true;
		above_top |= virtual_top && (u32)eip >= virtual_top;
	}
	if (kind == TIMER) {
		if (type != CALL_REL)
			fail("call %u of the timer is not served", n);
		op[n] = eip;
	} else if (type == CALL_REL && kind != PATCH) {
		op[n] = eip;
	} else if (type == NOP && kind == FILL) {
		op[n] = native_nop();
	} else if (type == NOP && kind == GET) {
		op[n] = NULL; /* the native one stays; here it is a notification, or the store below */
	}
}

static enum kind kind_of(enum call n)
{
	if (n == CPUID || n == SetTR || n == SetLDT || n == UpdateKernelStack || n == SetLazyMode || n == FlushTLB ||
	    n == SetInitialAPState)
		return WRAP;
	if (n >= WriteGDT && n <= WriteIDT)
		return kernel.minor >= 25 ? WRAP : FILL;
	if (n == SetLinearMapping)
		return kernel.minor <= 22 ? WRAP : GET;
	if ((n >= SetPxE && n <= UpdatePxELong) || n == AllocatePage || n == ReleasePage)
		return GET;
	if (n >= GetCycleFrequency && n <= WallclockUpdated)
		return TIMER;
	if (n == Halt && kernel.minor == 21)
		return WRAP;
	return n == IRET || n == SYSEXIT ? PATCH : FILL;
}

/* Not all that a kernel could ask for is asked for by this one, as it is configured. */
static void ask(enum call n)
{
	static bool timer;

	if (n >= CALLS)
		return;
	if ((n == SetPxE || n == UpdatePxE) && pae)
		n++;
	else if ((n == SetPxELong || n == UpdatePxELong) && !pae)
		n--;
	if ((n == APICRead || n == APICWrite) && option("noapic"))
		return;
	if (n == SetInitialAPState && !option("smp"))
		return;
	if (n == GetCycleFrequency)
		timer = get_reloc(n) >> 32 != NONE && !option("vmi=disable_timer");
	if (n >= GetCycleFrequency && n <= WallclockUpdated && !timer)
		return;
	take(n, kind_of(n));
}

/* The order of requests where no transcript says it. */
static void ask_all(void)
{
	static const u8 order[] = {CPUID, CLTS, GetDR, SetDR, GetCR0, GetCR2, GetCR3, GetCR4, SetCR0, SetCR2, SetCR3, SetCR4,
				   GetInterruptMask, SetInterruptMask, DisableInterrupts, EnableInterrupts, WBINVD, RDTSC,
				   SetTR, SetLDT, SetGDT, SetIDT, GetGDT, GetIDT, GetTR, WriteLDT, WriteGDT, WriteIDT,
				   UpdateKernelStack, SetIOPLMask, IODelay, SetLazyMode, FlushTLB, FlushTLB, InvalPage, SetPxE,
				   UpdatePxE, AllocatePage, ReleasePage, SetLinearMapping, SetInitialAPState, APICRead,
				   APICWrite, GetCycleFrequency, GetCycleCounter, GetWallclock, WallclockUpdated, SetAlarm,
				   CancelAlarm, Halt};

	for (unsigned i = 0; i < sizeof(order); i++) {
		ask(order[i]);
		for (unsigned n = 1; order[i] == SetLazyMode && kernel.minor != 21 && n < 4; n++)
			ask(SetLazyMode);
		if (order[i] == APICWrite && kernel.minor <= 24)
			ask(APICWrite);
	}
}

/* As the kernel asked under the ROM that recorded it. False: the transcript does not say. */
static bool ask_as_recorded(const char *text, u32 bytes)
{
	unsigned asked = 0;
	struct step s;

	steps_of(text, bytes);
	while (bytes && next_step(&s) && (s.call == 127 || !asked)) {
		if (s.call != 127)
			continue;
		asked++;
		if (s.a != IRET && s.a != SYSEXIT)
			ask(s.a);
	}
	return asked > 30;
}

static void write_branch(u8 *at, u8 opcode, u32 eip)
{
	u32 distance = eip - (u32)at - 5;

	at[0] = opcode;
	memcpy(at + 1, &distance, 4);
}

/* 2.6.21 makes two calls of it and keeps the rest of the site as no-operations. */
static void apply_combined(const struct site *s)
{
	u64 save = get_reloc(GetInterruptMask), disable = get_reloc(DisableInterrupts);
	u8 *at = (u8 *)s->at;

	if (save >> 32 != CALL_REL || disable >> 32 != CALL_REL) {
		fail("2.6.21 needs CALL_REL for 30 and 31");
		return;
	}
	write_branch(at, 0xe8, (u32)save);
	write_branch(at + 5, 0xe8, (u32)disable);
	memset(at + 10, 0x90, s->bytes - 10);
}

/* With interrupts off; more than once: in activation, with the late alternatives, for each module. */
static void apply_sites(void)
{
	for (const struct site *s = sites; s < sites_end; s++) {
		u8 *at = (u8 *)s->at;
		u64 answer;

		if (s->call == 0xff) {
			if (kernel.combined)
				apply_combined(s);
			continue;
		}
		answer = get_reloc(s->call);
		if (s->bytes < 5) {
			fail("a site of %u bytes", s->bytes);
			continue;
		}
		switch (answer >> 32) {
		case CALL_REL:
			write_branch(at, 0xe8, (u32)answer);
			memset(at + 5, 0x90, s->bytes - 5);
			break;
		case JUMP_REL:
			write_branch(at, 0xe9, (u32)answer);
			memset(at + 5, 0x90, s->bytes - 5);
			break;
		case NOP:
			memset(at, 0x90, s->bytes);
			break;
		}
	}
	wrmsr(0x174, rdmsr(0x174)); /* serialises */
}

static u32 cr0_write_protect(bool on)
{
	u32 v;

	__asm__ volatile("mov %%cr0, %0" : "=r"(v));
	__asm__ volatile("mov %0, %%cr0" : : "r"(on ? v | 0x10000 : v & ~0x10000u));
	return v;
}

void vmi_late(void)
{
	if (!active)
		return;
	cr0_write_protect(false);
	apply_sites();
	cr0_write_protect(true);
}

void vmi_activate(const char *transcript, u32 bytes)
{
	u32 flags = eflags(), result;

	if (!found)
		return;
	__asm__ volatile("cli");
	result = invoke_at((void *)(rom + 0x80), 0, 0, 0, 0, 0);
	if (result) {
		say("VMI ROM failed to initialize!");
		rom = NULL;
		return;
	}
	active = true;
	if (!ask_as_recorded(transcript, bytes))
		ask_all();
	op[IRET] = (void *)POISON_IRET;
	op[SYSEXIT] = (void *)POISON_SYSEXIT;
	take(IRET, PATCH);
	take(SYSEXIT, PATCH);
	if (!served[IRET] || !served[SYSEXIT])
		fail("IRET and SYSEXIT are not served");
	cr0_write_protect(false);
	apply_sites();
	cr0_write_protect(true);
	/* The pointers of calls that the ROM does not serve are the native ones, but these two: nobody may use them. */
	invoke(SetLinearMapping, 0, PAGE_OFFSET, LINEAR_MB << 8, 0, 0);
	restore_flags(flags);
	say("Booting paravirtualized kernel on vmi%s", kernel.minor >= 32 ? " [deprecated]" : "");
}
