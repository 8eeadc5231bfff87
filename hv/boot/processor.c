// SPDX-License-Identifier: GPL-2.0-only
// Processors, as the core takes them over: each with its per-CPU data, descriptor tables, control registers, MSRs and APIC
// set for good. All come to the core's first instruction at once.
#include "boot/acpi.h"
#include "boot/stage.h"
#include "core/frame.h"
#include "core/string.h"
#include "x86/apic.h"
#include <postern/syscall.h>

// IF, TF, DF, NT, AC, and IOPL: what a SYSCALL must not bring into ring 0.
#define SFMASK_VALUE 0x47700ull

#define SPEC_CTRL_IBRS (1 << 0)
#define SPEC_CTRL_STIBP (1 << 1)

#define GATE_INTERRUPT 0x8e
#define STUB_BYTES 16

#define STARTUP_US 200
#define ONLINE_US 100000

struct table_register {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

extern const struct core_header core_image;
extern const char ap_start[], ap_end[], ap_gdt_base[], ap_far_offset[];
extern struct boot_ap ap_fields;

static volatile bool started, go;

// --- each processor, itself ---

/* PSE, which long mode ignores, because most guests have it, too: the emulator empties its TLB and more once for every
 * entry and exit that changes how pages are translated. */
static uint64_t cr4_value(const struct cpu_features *f)
{
	return CR4_PSE | CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT | (f->pge ? CR4_PGE : 0) |
	       (f->xsave ? CR4_OSXSAVE : 0) | (f->smep ? CR4_SMEP : 0) | (f->smap ? CR4_SMAP : 0) |
	       (f->umip ? CR4_UMIP : 0);
}

// Speculation, as cpu_mitigations chose. Retpolines are compiled in (hv/x86/thunks.S) and cover the core's own indirect
// jumps, so IBRS is used only where it costs no MSR write at each entry. STIBP shields siblings; it is set once. SSBD
// would slow ring 3, where no task runs code that it does not trust; it is the guests' to use. The engine refills the
// return-stack buffer after an exit when rsb_fill says so.
//
// Not covered: returns trained by others on AMD family 17h and 19h (Retbleed, Inception), which
// need a barrier at every entry; Meltdown and MDS on Intel, which need a page table of ring 3's own
// and VERW.
static void mitigate(const struct cpu_features *f)
{
	uint64_t control = (f->stibp ? SPEC_CTRL_STIBP : 0) | (f->ibrs ? SPEC_CTRL_IBRS : 0);

	if (control && wrmsr_safe(MSR_SPEC_CTRL, control))
		log_printf("cpu: SPEC_CTRL refuses %lx", control);
	if (f->automatic_ibrs)
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_AUTOMATIC_IBRS);
}

static void setup(struct cpu *c)
{
	uint64_t cr0;

	wrmsr(MSR_PAT, PAT_VALUE);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4_value(&record.cpu)));
	// TS stays set in ring 3, so that an FPU instruction there is #NM and cannot touch guest
	// state.
	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_WP | CR0_NE | CR0_MP | CR0_TS));
	wrmsr(MSR_STAR,
	      (uint64_t)(SELECTOR_USER_DATA - 8) << 48 | (uint64_t)SELECTOR_KERNEL_CODE << 32);
	wrmsr(MSR_LSTAR, core_image.syscall_entry);
	wrmsr(MSR_SFMASK, SFMASK_VALUE);
	if (record.cpu.rdtscp)
		wrmsr(MSR_TSC_AUX, c->id);
	mitigate(&record.cpu);
	c->apic_id = apic_setup();
}

// Its segments have been the same from its first 64-bit instruction on.
static _Noreturn void leave(struct cpu *c)
{
	struct table_register gdtr = {sizeof(c->gdt) - 1, (uint64_t)c->gdt};
	struct table_register idtr = {IDT_BYTES - 1, core_image.idt};

	wrmsr(MSR_GS_BASE, (uint64_t)c);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	__asm__ volatile("lgdt %0; lidt %1; ltr %w2" : : "m"(gdtr), "m"(idtr), "r"(SELECTOR_TSS) : "memory");
	boot_leave(&record, core_image.entry, c->stack + sizeof(c->stack), c);
}

static void ap_main(struct cpu *c)
{
	map_exceptions();
	setup(c);
	__atomic_store_n(&started, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
		__builtin_ia32_pause();
	leave(c);
}

// --- the boot processor ---

static unsigned ist_of(unsigned vector)
{
	return vector == 2 ? 1 : vector == 8 ? 2 : vector == 18 ? 3 : 0;
}

// The core has its table among its constants, so it is written by its physical address.
static void fill_idt(void)
{
	struct {
		uint16_t offset_low, selector;
		uint8_t ist, type;
		uint16_t offset_mid;
		uint32_t offset_high, reserved;
	} *idt = (void *)(core_image.idt - CORE_VMA);

	for (unsigned i = 0; i < IDT_BYTES / sizeof(*idt); i++) {
		uint64_t at = core_image.trap_stubs + i * STUB_BYTES;

		idt[i].offset_low = at;
		idt[i].selector = SELECTOR_KERNEL_CODE;
		idt[i].ist = ist_of(i);
		idt[i].type = GATE_INTERRUPT;
		idt[i].offset_mid = at >> 16;
		idt[i].offset_high = at >> 32;
	}
}

static void fill_gdt(struct cpu *c)
{
	uint64_t base = (uint64_t)&c->tss, limit = sizeof(c->tss) + sizeof(c->ports) - 1;

	c->gdt[1] = 0x00af9b000000ffff; /* kernel code */
	c->gdt[2] = 0x00cf93000000ffff; /* kernel data */
	c->gdt[3] = 0;			/* SYSRET's 32-bit code: none */
	c->gdt[4] = 0x00cff3000000ffff; /* user data */
	c->gdt[5] = 0x00affb000000ffff; /* user code */
	c->gdt[6] = limit | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
	c->gdt[7] = base >> 32;
	c->tss.ports_at = sizeof(c->tss) + sizeof(c->ports); /* past the limit: no port at all */
	memset(c->ports, 0xff, sizeof(c->ports));
	for (unsigned i = 0; i < CPU_IST_COUNT; i++)
		c->tss.ist[i] = (uint64_t)c->ist[i] + CPU_IST_BYTES;
}

// Out of the core's pool (plan.c has left room), at its address there.
static struct cpu *add_cpu(void)
{
	struct cpu *c = (void *)(CORE_POOL_BASE + record.pool_phys + record.pool_used);

	memset(c, 0, sizeof(*c));
	record.pool_used += PAGE_ROUND_UP(sizeof(*c));
	c->self = c;
	c->id = record.cpu_count;
	fill_gdt(c);
	record.cpus[c->id] = c;
	return c;
}

static bool wait_started(uint64_t us)
{
	uint64_t end = rdtsc() + us * record.facts.tsc_khz / 1000;

	while (!__atomic_load_n(&started, __ATOMIC_ACQUIRE) && rdtsc() < end)
		__builtin_ia32_pause();
	return started;
}

// INIT, then up to two STARTUP messages (MP 1.4, B.4). Processors with a 64-bit mode need no pause
// after INIT beyond the delivery itself.
static bool start(uint32_t apic_id, uint64_t page)
{
	struct boot_ap *fields = (struct boot_ap *)(page + BOOT_AP_FIELDS);
	struct cpu *c = add_cpu();

	*fields = (struct boot_ap){.cr3 = (uint64_t)boot_pml4,
				   .efer = EFER_LME | EFER_NXE,
				   .stack = (uint64_t)c->stack + sizeof(c->stack),
				   .cpu = (uint64_t)c,
				   .main = (uint64_t)ap_main};
	started = false;
	__asm__ volatile("mfence" : : : "memory");
	apic_start(apic_id, APIC_ICR_INIT);
	wait_started(STARTUP_US);
	apic_start(apic_id, APIC_ICR_STARTUP | page >> 12);
	if (wait_started(10 * STARTUP_US))
		return true;
	apic_start(apic_id, APIC_ICR_STARTUP | page >> 12);
	return wait_started(ONLINE_US);
}

static void start_others(const struct acpi_facts *f, uint64_t page)
{
	for (unsigned i = 0; i < f->cpu_count; i++) {
		uint32_t apic_id = f->apic_id[i];

		if (apic_id == record.cpus[0]->apic_id)
			continue;
		if (record.cpu_count == CONFIG_MAX_CPUS) {
			log_printf("smp: more than %u CPUs, the rest stays off", CONFIG_MAX_CPUS);
			return;
		}
		if (!apic_reaches(apic_id)) {
			log_printf("smp: no message reaches the CPU with APIC id %u", apic_id);
		} else if (start(apic_id, page)) {
			record.cpu_count++;
		} else {
			log_printf("smp: CPU with APIC id %u did not start", apic_id);
			apic_start(apic_id, APIC_ICR_INIT); /* its memory is lost on purpose: it may still wake up there */
		}
	}
}

// The page that they start in: hv/boot/ap.S.
static void place_trampoline(uint64_t page)
{
	memcpy((void *)page, ap_start, ap_end - ap_start);
	*(uint32_t *)(page + (ap_gdt_base - ap_start)) += page;
	*(uint32_t *)(page + (ap_far_offset - ap_start)) += page;
}

void processors_start(uint64_t page)
{
	fill_idt();
	setup(add_cpu());
	record.cpu_count = 1;
	if (acpi_facts.cpu_count < 2)
		return;
	if (!page) {
		log_printf("smp: no page below 640 KiB to start CPUs in");
		return;
	}
	place_trampoline(page);
	start_others(&acpi_facts, page);
	log_printf("smp: %u CPUs online", record.cpu_count);
}

void processors_leave(void)
{
	__atomic_store_n(&go, true, __ATOMIC_RELEASE);
	leave(record.cpus[0]);
}
