// SPDX-License-Identifier: GPL-2.0-only
// One processor: features, descriptor tables, control registers, per-CPU data.
#include "x86/cpu.h"
#include "core/frame.h"
#include "core/log.h"
#include "core/string.h"
#include "x86/cpu_init.h"
#include "x86/machine.h"
#include "x86/offsets.h"
#include "x86/trap.h"
#include <postern/errno.h>

_Static_assert(offsetof(struct cpu, self) == CPU_SELF, "offsets.h");
_Static_assert(offsetof(struct cpu, kernel_stack) == CPU_KERNEL_STACK, "offsets.h");
_Static_assert(offsetof(struct cpu, user_rsp) == CPU_USER_RSP, "offsets.h");
_Static_assert(offsetof(struct cpu, resched) == CPU_RESCHED, "offsets.h");
_Static_assert(offsetof(struct trap_frame, vector) == FRAME_VECTOR, "offsets.h");
_Static_assert(offsetof(struct trap_frame, cs) == FRAME_CS, "offsets.h");



// Entry 1 write-combining, 2 and 3 uncached, the upper half as after reset (APM 2, 7.8).
#define PAT_VALUE 0x0007040600000106ull
// IF, TF, DF, NT, AC, and IOPL: what a SYSCALL must not bring into ring 0.
#define SFMASK_VALUE 0x47700ull

#define SPEC_CTRL_IBRS (1 << 0)
#define SPEC_CTRL_STIBP (1 << 1)
#define PRED_CMD_IBPB 1

#define GDT_ENTRIES 8
#define IST_COUNT 3
#define IST_BYTES 2560
#define PORT_BYTES 8192
#define GATE_INTERRUPT 0x8e

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3, ports_at;
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "APM 2, 12.2.5");

struct cpu_arch {
	uint64_t gdt[GDT_ENTRIES];
	const uint8_t *ports_set; /* what is in the bitmap below */
	uint8_t ist[IST_COUNT][IST_BYTES] __attribute__((aligned(16)));
	struct tss tss __attribute__((aligned(128)));
	uint8_t ports[PORT_BYTES + 1]; /* a byte of ones must follow (APM 2, 12.2.4) */
};
_Static_assert(sizeof(struct cpu_arch) <= 4 * 4096, "allocated as 16 KiB");

struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_mid;
	uint32_t offset_high, reserved;
};

struct table_register {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

struct cpu *cpus[CONFIG_MAX_CPUS];
unsigned cpu_count;
struct cpu_features cpu_features;
uint64_t tsc_khz, entry_tsc;

static struct cpu boot_cpu;
static struct cpu_arch boot_arch __attribute__((aligned(4096)));
static struct gate idt[256] __attribute__((aligned(16)));

extern char trap_stubs[];
#define STUB_BYTES 16

static unsigned ist_of(unsigned vector)
{
	return vector == 2 ? 1 : vector == 8 ? 2 : vector == 18 ? 3 : 0;
}

static void idt_fill(void)
{
	for (unsigned i = 0; i < 256; i++) {
		uint64_t at = (uint64_t)trap_stubs + i * STUB_BYTES;

		idt[i] = (struct gate){.offset_low = at,
				       .selector = SELECTOR_KERNEL_CODE,
				       .ist = ist_of(i),
				       .type = GATE_INTERRUPT,
				       .offset_mid = at >> 16,
				       .offset_high = at >> 32};
	}
}

static void gdt_fill(struct cpu_arch *a)
{
	uint64_t base = (uint64_t)&a->tss, limit = sizeof(a->tss) + sizeof(a->ports) - 1;

	a->gdt[1] = 0x00af9b000000ffff; /* kernel code */
	a->gdt[2] = 0x00cf93000000ffff; /* kernel data */
	a->gdt[3] = 0;			/* SYSRET's 32-bit code: none */
	a->gdt[4] = 0x00cff3000000ffff; /* user data */
	a->gdt[5] = 0x00affb000000ffff; /* user code */
	a->gdt[6] = limit | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
	a->gdt[7] = base >> 32;
	a->tss.ports_at = sizeof(a->tss) + sizeof(a->ports); /* past the limit: no port at all */
	memset(a->ports, 0xff, sizeof(a->ports));
	for (unsigned i = 0; i < IST_COUNT; i++)
		a->tss.ist[i] = (uint64_t)a->ist[i] + IST_BYTES;
}

static void load_tables(struct cpu_arch *a)
{
	struct table_register gdtr = {sizeof(a->gdt) - 1, (uint64_t)a->gdt};
	struct table_register idtr = {sizeof(idt) - 1, (uint64_t)idt};

	__asm__ volatile("lgdt %0" : : "m"(gdtr));
	__asm__ volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:"
			 :
			 : "i"(SELECTOR_KERNEL_CODE)
			 : "rax", "memory");
	__asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%ss; mov %1, %%fs; mov %1, %%gs"
			 :
			 : "r"(SELECTOR_KERNEL_DATA), "r"(0));
	__asm__ volatile("lidt %0" : : "m"(idtr));
	__asm__ volatile("ltr %w0" : : "r"(SELECTOR_TSS));
}

void cpu_load(struct cpu *c)
{
	struct cpu_arch *a = c->arch;

	load_tables(a);
	wrmsr(MSR_GS_BASE, (uint64_t)c);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
}

static struct cpu *cpu_fill(struct cpu *c, struct cpu_arch *a, unsigned id)
{
	c->self = c;
	c->id = id;
	c->arch = a;
	gdt_fill(a);
	cpus[id] = c;
	return c;
}

void cpu_boot(void)
{
	idt_fill();
	cpu_load(cpu_fill(&boot_cpu, &boot_arch, 0));
	boot_cpu.online = true;
	cpu_count = 1;
}

struct cpu *cpu_create(unsigned id)
{
	struct cpu *c = core_alloc(sizeof(*c));
	struct cpu_arch *a = core_pages_alloc(2);

	if (c && a)
		return cpu_fill(c, a, id);
	if (c)
		core_free(c, sizeof(*c));
	if (a)
		core_pages_free(a, 2);
	return NULL;
}

static uint64_t cr4_value(void)
{
	const struct cpu_features *f = &cpu_features;

	return CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT | (f->pge ? CR4_PGE : 0) |
	       (f->xsave ? CR4_OSXSAVE : 0) | (f->smep ? CR4_SMEP : 0) | (f->smap ? CR4_SMAP : 0) |
	       (f->umip ? CR4_UMIP : 0);
}

// Speculation, as the boot stage chose (hv/boot/cpu.c; boot option mitigations=off | auto). Retpolines are compiled in
// (hv/x86/thunks.S) and cover the core's own indirect jumps, so IBRS is used only where it costs no MSR write at each
// entry. STIBP shields siblings; it is set once. SSBD would slow ring 3, where no task runs code that it does not
// trust; it is the guests' to use. The engine refills the return-stack buffer after an exit when rsb_fill says so.
//
// Not covered: returns trained by others on AMD family 17h and 19h (Retbleed, Inception), which
// need a barrier at every entry; Meltdown and MDS on Intel, which need a page table of ring 3's own
// and VERW.
static void mitigate(const struct cpu_features *f)
{
	uint64_t control = (f->stibp ? SPEC_CTRL_STIBP : 0) | (f->ibrs ? SPEC_CTRL_IBRS : 0);

	if (control && wrmsr_safe(MSR_SPEC_CTRL, control))
		log_printf("cpu %u: SPEC_CTRL refuses %lx", this_cpu()->id, control);
	if (f->automatic_ibrs)
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_AUTOMATIC_IBRS);
}

void mitigation_barrier(void)
{
	if (cpu_features.ibpb)
		wrmsr(MSR_PRED_CMD, PRED_CMD_IBPB);
}

void cpu_control(void)
{
	uint64_t cr0;

	wrmsr(MSR_PAT, PAT_VALUE);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4_value()));
	// TS stays set in ring 3, so that an FPU instruction there is #NM and cannot touch guest
	// state.
	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_WP | CR0_NE | CR0_MP | CR0_TS));
	wrmsr(MSR_STAR,
	      (uint64_t)(SELECTOR_USER_DATA - 8) << 48 | (uint64_t)SELECTOR_KERNEL_CODE << 32);
	wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
	wrmsr(MSR_SFMASK, SFMASK_VALUE);
	if (cpu_features.rdtscp)
		wrmsr(MSR_TSC_AUX, this_cpu()->id);
	mitigate(&cpu_features);
}

void cpu_set_kernel_stack(uint64_t top)
{
	struct cpu *c = this_cpu();

	c->kernel_stack = top;
	((struct cpu_arch *)c->arch)->tss.rsp[0] = top;
}

void cpu_set_ports(const uint8_t *bitmap)
{
	struct cpu_arch *a = this_cpu()->arch;

	a->tss.ports_at = sizeof(a->tss) + (bitmap ? 0 : sizeof(a->ports));
	if (bitmap && a->ports_set != bitmap)
		memcpy(a->ports, bitmap, PORT_BYTES);
	a->ports_set = bitmap ?: a->ports_set;
}

void cpu_forget_ports(void)
{
	((struct cpu_arch *)this_cpu()->arch)->ports_set = NULL;
}
