/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client of the VMI: a tiny i386 kernel that uses a gateway ROM in the way of one version of Linux, as public
 * documents and recordings of real kernels (transcripts) describe it. Runs at 0xc0100000, a bzImage by its header. Freestanding;
 * it shares no file with the hypervisor or its ROM, because its binary is frozen and must not follow them.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define PAGE 4096u
#define PAGE_OFFSET 0xc0000000u
#define PA(p) ((u32)(p)-PAGE_OFFSET)
#define VA(a) ((void *)((u32)(a) + PAGE_OFFSET))
#define LINEAR_MB 32u /* of memory mapped at PAGE_OFFSET */

#define KERNEL_CS 0x60
#define KERNEL_DS 0x68
#define USER_CS 0x73
#define USER_DS 0x7b
#define TSS_SEL 0x80
#define LDT_SEL 0x88
#define PERCPU_SEL 0xd8

/* --- the interface ------------------------------------------------------------------------------------------- */
enum { NONE, CALL_REL, JUMP_REL, NOP };
enum call {
	CPUID, WRMSR, RDMSR, SetGDT, SetLDT, SetIDT, SetTR, GetGDT, GetLDT, GetIDT, GetTR, WriteGDT, WriteLDT, WriteIDT,
	UpdateKernelStack, SetCR0, SetCR2, SetCR3, SetCR4, GetCR0, GetCR2, GetCR3, GetCR4, WBINVD, SetDR, GetDR, RDPMC, RDTSC,
	CLTS, EnableInterrupts, DisableInterrupts, GetInterruptMask, SetInterruptMask, IRET, SYSEXIT, Halt,
	SetPxE = 38, SetPxELong, UpdatePxE, UpdatePxELong, AllocatePage = 44, ReleasePage, InvalPage, FlushTLB,
	SetLinearMapping, SetIOPLMask = 61, SetInitialAPState, APICWrite, APICRead, IODelay, GetCycleFrequency,
	GetCycleCounter, SetAlarm, CancelAlarm, GetWallclock, WallclockUpdated, SetLazyMode = 73, CALLS
};

/* How a kernel takes an answer. */
enum kind { UNUSED, FILL, WRAP, GET, PATCH, TIMER };

/* What differs between the versions that are imitated. */
struct kernel {
	const char *name;
	unsigned minor;
	bool combined;	   /* 2.6.21: one site saves the flags and disables */
	bool late_pae;	   /* boots on two levels, PAE by SetCR4 */
	bool pgd_released; /* ReleasePage for a directory at its end */
	bool pae_clone;	   /* AllocatePage(CLONE) for PAE directories */
	bool old_timer;	   /* 2.6.21: available time, periodic, IRQ0 first */
	u8 lvtt_vector;
	u16 ap_gs;
};
extern const struct kernel kernel;

struct regs {
	u32 es, ds, edi, esi, ebp, esp_unused, ebx, edx, ecx, eax, vector, error, eip, cs, eflags, esp, ss;
};

/* --- main.c -------------------------------------------------------------------------------------------------- */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define expect(ok, ...)               \
	do {                          \
		if (!(ok))            \
			fail(__VA_ARGS__); \
	} while (0)
bool option(const char *word); /* a word of the command line */
void finish(void) __attribute__((noreturn));
void *memset(void *to, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);

/* --- vmi.c --------------------------------------------------------------------------------------------------- */
extern bool active;	 /* a ROM is in use */
extern u32 fixaddr_top;
extern void *op[CALLS];	 /* what is called: the ROM's or the native one; NULL: nothing to call */
extern bool served[CALLS];
extern unsigned served_count;
extern bool above_top; /* calls go to addresses above virtual_top */
void vmi_probe(void);	 /* finds a ROM, reserves the top */
void vmi_activate(const char *transcript, u32 bytes); /* in its order, if it says one */
void vmi_late(void); /* the sites once more, as with the late alternatives and with modules */
bool rom_address(u32 a);
/* Makes a call by its slot; the result EDX:EAX. Fails when a register that must survive does not. */
u64 invoke(enum call n, u32 eax, u32 edx, u32 ecx, u32 s4, u32 s8);
#define invoke0(n) invoke(n, 0, 0, 0, 0, 0)
#define invoke1(n, a) invoke(n, (u32)(a), 0, 0, 0, 0)
#define invoke2(n, a, b) invoke(n, (u32)(a), (u32)(b), 0, 0, 0)

/* --- sites.S: code that is patched ------------------------------------------------------------------------------ */
struct site {
	u32 at;
	u8 call, bytes; /* call 0xff: save the flags and disable */
	u16 pad;
};
extern struct site sites[], sites_end[];
void irq_disable(void), irq_enable(void);
u32 save_flags(void);
void restore_flags(u32 flags);
u32 save_and_disable(void);
/* The same calls with DS and ES null, as with a user's: the flags before, on, off. */
void strange_segments(u32 out[3]);
/* IRET to these; the value given to leave_user(). */
u32 enter_user(u32 eip, u32 cs, u32 eflags, u32 esp, u32 ss);
void leave_user(u32 value) __attribute__((noreturn));
extern char irq_return[], native_iret[], native_sysexit[], sysenter_entry[], ap_start[], ap_start_end[];
extern volatile u32 sysenters;

/* --- mm.c ---------------------------------------------------------------------------------------------------- */
extern bool pae, nx;
extern u32 swapper; /* physical, what CR3 has */
void *page_alloc(void); /* zeroed */
void mm_early(void);
void mm_paging_init(void); /* in the end PAE, and the fixmap */
void mm_test(void);
u32 mm_space(unsigned n); /* CR3 of address space n, made when first asked for */
void mm_touch(u32 low, u32 high, u32 flags); /* the next PTE of the scratch page table, with these bits */
extern u32 user_code, user_stack;
extern u32 fixmap_apic; /* where the local APIC is mapped */

/* --- cpu.c --------------------------------------------------------------------------------------------------- */
void cpu_init(void);
void ap_cpu_init(void);
void cpu_test(void);
void smp_test(void);
void timer_test(void);
void trap(struct regs *r);
extern volatile unsigned ticks;
extern u8 ap_stack[8192];

/* --- replay.c ------------------------------------------------------------------------------------------------ */
extern unsigned replayed; /* steps */
void replay(const char *text, u32 bytes);
/* The steps of a text one by one; false: no more. */
struct step {
	u32 call, a, d, c;
};
void steps_of(const char *text, u32 bytes);
bool next_step(struct step *s);

static inline void outb(u16 port, u8 v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}
static inline u8 inb(u16 port)
{
	u8 v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static inline u64 rdtsc(void)
{
	u64 v;

	__asm__ volatile("rdtsc" : "=A"(v));
	return v;
}
static inline void wrmsr(u32 msr, u64 v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "A"(v));
}
static inline u64 rdmsr(u32 msr)
{
	u64 v;

	__asm__ volatile("rdmsr" : "=A"(v) : "c"(msr));
	return v;
}
static inline u32 eflags(void)
{
	u32 v;

	__asm__ volatile("pushf; pop %0" : "=r"(v));
	return v;
}

#endif
