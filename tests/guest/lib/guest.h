/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tiny guests are written with: ports, MSRs, traps, serial output, checks. Compiled for
 * i386 (flat, unpaged) or amd64 (first 4 GiB mapped one to one).
 *
 * A guest ends by writing to the debug-exit port (0xf4, one byte or more): GUEST_PASS or
 * GUEST_FAIL, so that QEMU and tools/postern-run end with (value << 1) | 1.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUEST_PASS 0x10 /* exit status 33 */
#define GUEST_FAIL 0x11 /* exit status 35 */

typedef unsigned long word; /* a machine word of the mode compiled for */

#define STR_(x) #x
#define STR(x) STR_(x)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct regs {
#ifdef __x86_64__
	word r15, r14, r13, r12, r11, r10, r9, r8, di, si, bp, bx, dx, cx, ax;
	word vector, error, ip, cs, flags, sp, ss;
#else
	word di, si, bp, sp_unused, bx, dx, cx, ax;
	word vector, error, ip, cs, flags;
#endif
};

/* --- instructions --------------------------------------------------------------------------- */
static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}
static inline void outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}
static inline void outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}
static inline uint8_t inb(uint16_t port)
{
	uint8_t v;
	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static inline uint16_t inw(uint16_t port)
{
	uint16_t v;
	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static inline uint32_t inl(uint16_t port)
{
	uint32_t v;
	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return (uint64_t)hi << 32 | lo;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			 : "memory");
}

static inline void cpuid(uint32_t leaf, uint32_t sub, uint32_t r[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
			 : "a"(leaf), "c"(sub)
			 : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

#define READ_CR(n)                                                              \
	({                                                                      \
		word v_;                                                        \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(v_) : : "memory"); \
		v_;                                                             \
	})
#define WRITE_CR(n, v) __asm__ volatile("mov %0, %%cr" #n : : "r"((word)(v)) : "memory")
#define READ_DR(n)                                                 \
	({                                                         \
		word v_;                                           \
		__asm__ volatile("mov %%dr" #n ", %0" : "=r"(v_)); \
		v_;                                                \
	})
#define WRITE_DR(n, v) __asm__ volatile("mov %0, %%dr" #n : : "r"((word)(v)) : "memory")

static inline void sti(void)
{
	__asm__ volatile("sti" : : : "memory");
}
static inline void cli(void)
{
	__asm__ volatile("cli" : : : "memory");
}
static inline void sti_hlt(void)
{
	__asm__ volatile("sti; hlt" : : : "memory");
}
static inline void relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}
static inline uint32_t mmio_read(word a)
{
	return *(volatile uint32_t *)a;
}
static inline void mmio_write(word a, uint32_t v)
{
	*(volatile uint32_t *)a = v;
}

/*
 * GUARD("insn"): a fault inside ends the instruction; caught() then gives its vector, -1 for none.
 */
#ifdef __x86_64__
#define GUARD(insn) "movq $91f, recover\n\tmovl $-1, trap_seen\n\t" insn "\n91:\tmovq $0, recover\n"
#else
#define GUARD(insn) "movl $91f, recover\n\tmovl $-1, trap_seen\n\t" insn "\n91:\tmovl $0, recover\n"
#endif
extern volatile word recover;
extern volatile int trap_seen;
extern volatile word trap_error, trap_cr2;
static inline int caught(void)
{
	return trap_seen;
}

static inline int rdmsr_safe(uint32_t msr, uint64_t *v)
{
	uint32_t lo = 0, hi = 0;

	__asm__ volatile(GUARD("rdmsr") : "+a"(lo), "+d"(hi) : "c"(msr) : "memory");
	*v = (uint64_t)hi << 32 | lo;
	return caught();
}

static inline int wrmsr_safe(uint32_t msr, uint64_t v)
{
	__asm__ volatile(GUARD("wrmsr")
			 :
			 : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			 : "memory");
	return caught();
}

/* --- lib.c ---------------------------------------------------------------------------------- */
typedef void (*handler_fn)(struct regs *regs);

/* Called at VECTOR with interrupts off; NULL: traps are fatal again. */
void on_vector(unsigned int vector, handler_fn fn);
/* Deliver VECTOR on the stack IST (1..7, amd64) that ends at TOP; 0, 0: on the current one. */
void vector_stack(unsigned int vector, unsigned int ist, word top);
void load_idt(void);

void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void check(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));
void skip(const char *what, const char *why);
/* What main returns: prints the counts; GUEST_PASS or GUEST_FAIL. */
int verdict(const char *name);
void guest_exit(int value) __attribute__((noreturn));
/* The number or text after KEY= in the command line; DEFAULT when it is not there. */
uint64_t option(const char *key, uint64_t def);
bool option_is(const char *key, const char *value);
uint32_t random32(void);
void random_seed(uint32_t seed);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* --- time.c ----------------------------------------------------------------------------------- */
/* TSC ticks in a millisecond by PIT channel 2. */
uint64_t tsc_per_ms(void);
void delay_ms(unsigned int ms);
/* Wait until *P is at least N or MS have passed; with interrupts on when HALT is set. */
bool wait_for(volatile unsigned int *p, unsigned int n, unsigned int ms);

/* --- apic.c ----------------------------------------------------------------------------------- */
#define APIC_ID 0x20
#define APIC_VERSION 0x30
#define APIC_TPR 0x80
#define APIC_PPR 0xa0
#define APIC_EOI 0xb0
#define APIC_LDR 0xd0
#define APIC_DFR 0xe0
#define APIC_SVR 0xf0
#define APIC_ISR 0x100
#define APIC_IRR 0x200
#define APIC_ESR 0x280
#define APIC_ICR 0x300
#define APIC_ICR_HIGH 0x310
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_LVT_ERROR 0x370
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE 0x3e0

bool has_apic(void);
bool has_x2apic(void);
bool has_tsc_deadline(void);
void apic_enable(void); /* software enable, spurious vector 0xff */
void x2apic_enable(void);
uint32_t apic_read(unsigned int reg);
void apic_write(unsigned int reg, uint32_t v);
uint32_t apic_id(void);
void apic_eoi(void);
/* COMMAND: bits 0..19 of the ICR. */
void apic_send(uint32_t destination, uint32_t command);
void pic_mask_all(void);
/* Start all other processors; each runs FN(number) with interrupts off. Gives how many there are in
 * all after MS milliseconds. */
unsigned int start_processors(void (*fn)(unsigned int number), unsigned int ms);

int main(void);

#endif
