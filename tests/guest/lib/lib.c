// SPDX-License-Identifier: GPL-2.0-only
/* Serial output, traps, checks and the end of a tiny guest. */
#include <stdarg.h>

#include "guest.h"

#define COM1 0x3f8
#define DEBUG_EXIT 0xf4

extern uint32_t boot_magic, boot_info;
extern char trap_stubs[];
extern uint64_t gdt[];
void setup(void);
void trap(struct regs *regs);

volatile word recover;
volatile int trap_seen = -1;
volatile word trap_error, trap_cr2;

static handler_fn handlers[256];
static unsigned int passed, failed, skipped;
static uint32_t seed = 1;

struct gate {
	uint16_t low, selector;
	uint8_t ist, type;
	uint16_t mid;
#ifdef __x86_64__
	uint32_t high, zero;
#endif
};

static struct gate idt[256] __attribute__((aligned(16)));
static uint32_t tss[32] __attribute__((aligned(16)));

/* --- output --------------------------------------------------------------------------------- */
static void put(char c)
{
	unsigned int patience = 100000;

	if (c == '\n')
		put('\r');
	while (!(inb(COM1 + 5) & 0x20) && patience--)
		relax();
	outb(COM1, (uint8_t)c);
}

static void put_number(uint64_t v, unsigned int base, int width, char pad)
{
	char digits[24];
	int n = 0;

	do {
		uint32_t rem;

		if (base == 16) {
			rem = (uint32_t)v & 15;
			v >>= 4;
		} else {
			/* 64 / 32 division in two steps: no libgcc on i386. */
			uint32_t hi = (uint32_t)(v >> 32), lo = (uint32_t)v, qhi = hi / 10;

			rem = hi % 10;
			__asm__("divl %2" : "+a"(lo), "+d"(rem) : "r"(10));
			v = (uint64_t)qhi << 32 | lo;
		}
		digits[n++] = "0123456789abcdef"[rem];
	} while (v);
	for (; width > n; width--)
		put(pad);
	while (n)
		put(digits[--n]);
}

static int64_t next_signed(va_list *ap, int longs)
{
	return longs > 1 ? va_arg(*ap, long long) : longs ? va_arg(*ap, long) : va_arg(*ap, int);
}

static uint64_t next_unsigned(va_list *ap, int longs)
{
	return longs > 1 ? va_arg(*ap, unsigned long long)
	       : longs	 ? va_arg(*ap, unsigned long)
			 : va_arg(*ap, unsigned int);
}

static void vprint(const char *f, va_list ap0)
{
	va_list ap;

	va_copy(ap, ap0);
	for (; *f; f++) {
		int longs = 0, width = 0;
		char pad = ' ';

		if (*f != '%') {
			put(*f);
			continue;
		}
		f++;
		if (*f == '0')
			pad = *f++;
		while (*f >= '0' && *f <= '9')
			width = width * 10 + *f++ - '0';
		while (*f == 'l') {
			longs++;
			f++;
		}
		if (*f == 's') {
			for (const char *s = va_arg(ap, const char *); *s; s++)
				put(*s);
		} else if (*f == 'd') {
			int64_t v = next_signed(&ap, longs);

			if (v < 0)
				put('-');
			put_number(v < 0 ? -(uint64_t)v : (uint64_t)v, 10, width, pad);
		} else if (*f == 'u') {
			put_number(next_unsigned(&ap, longs), 10, width, pad);
		} else if (*f == 'x') {
			put_number(next_unsigned(&ap, longs), 16, width, pad);
		} else if (*f == 'c') {
			put((char)va_arg(ap, int));
		} else {
			put(*f);
		}
	}
	va_end(ap);
}

void print(const char *f, ...)
{
	va_list ap;

	va_start(ap, f);
	vprint(f, ap);
	va_end(ap);
}

void check(bool ok, const char *f, ...)
{
	va_list ap;

	print(ok ? "ok    " : "FAIL  ");
	va_start(ap, f);
	vprint(f, ap);
	va_end(ap);
	print("\n");
	if (ok)
		passed++;
	else
		failed++;
}

void skip(const char *what, const char *why)
{
	print("skip  %s: %s\n", what, why);
	skipped++;
}

int verdict(const char *name)
{
	print("GUEST %s: %u passed, %u failed, %u skipped\n", name, passed, failed, skipped);
	return failed || !passed ? GUEST_FAIL : GUEST_PASS;
}

void guest_exit(int value)
{
	outb(DEBUG_EXIT, (uint8_t)value);
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* --- traps ---------------------------------------------------------------------------------- */
void trap(struct regs *regs)
{
	unsigned int v = (unsigned int)regs->vector & 0xff;

	if (v == 14)
		trap_cr2 = READ_CR(2);
	if (v < 32 && recover) {
		trap_seen = (int)v;
		trap_error = regs->error;
		regs->ip = recover;
		recover = 0;
		return;
	}
	if (handlers[v]) {
		handlers[v](regs);
		return;
	}
	print("FAIL  unexpected vector %u error %lx ip %lx cs %lx flags %lx cr2 %lx\n", v,
	      regs->error, regs->ip, regs->cs, regs->flags, READ_CR(2));
	failed++;
	guest_exit(verdict("stopped by a trap"));
}

void on_vector(unsigned int vector, handler_fn fn)
{
	handlers[vector & 0xff] = fn;
}

void load_idt(void)
{
	struct {
		uint16_t limit;
		word base;
	} __attribute__((packed)) p = {sizeof(idt) - 1, (word)idt};

	__asm__ volatile("lidt %0" : : "m"(p));
}

void vector_stack(unsigned int vector, unsigned int ist, word top)
{
	if (ist) {
		tss[9 + (ist - 1) * 2] = (uint32_t)top;
		tss[10 + (ist - 1) * 2] = 0;
	}
	idt[vector & 0xff].ist = (uint8_t)ist;
}

void setup(void)
{
	word t = (word)tss;

	for (unsigned int i = 0; i < 256; i++) {
		word a = (word)trap_stubs + i * 16;

		idt[i].low = (uint16_t)a;
		idt[i].mid = (uint16_t)(a >> 16);
		idt[i].type = 0x8e;
		idt[i].selector = sizeof(word) == 8 ? 0x18 : 0x08;
	}
	load_idt();
	if (sizeof(word) == 8) {
		gdt[6] = 0x0000890000000067 | ((uint64_t)t & 0xffffff) << 16 |
			 ((uint64_t)t & 0xff000000) << 32;
		gdt[7] = 0;
		__asm__ volatile("ltr %w0" : : "r"(0x30));
	}
	outb(COM1 + 3, 0x03);
	outb(COM1 + 1, 0);
	outb(COM1 + 2, 0x07);
}

/* --- the command line, numbers ---------------------------------------------------------------- */
static const char *option_text(const char *key)
{
	const uint32_t *info = (const uint32_t *)(word)boot_info;
	const char *s;

	if (boot_magic != 0x2badb002 || !(info[0] & 4))
		return NULL;
	for (s = (const char *)(word)info[4]; *s; s++) {
		const char *k = key, *p = s;

		while (*k && *p == *k) {
			p++;
			k++;
		}
		if (!*k && *p == '=')
			return p + 1;
		while (s[0] && s[1] && s[0] != ' ')
			s++;
	}
	return NULL;
}

uint64_t option(const char *key, uint64_t def)
{
	const char *s = option_text(key);
	uint64_t v = 0;

	if (!s || *s < '0' || *s > '9')
		return def;
	for (; *s >= '0' && *s <= '9'; s++)
		v = v * 10 + (uint64_t)(*s - '0');
	return v;
}

bool option_is(const char *key, const char *value)
{
	const char *s = option_text(key);

	if (!s)
		return false;
	while (*value && *s == *value) {
		s++;
		value++;
	}
	return !*value && (!*s || *s == ' ');
}

void random_seed(uint32_t s)
{
	seed = s ? s : 1;
}

uint32_t random32(void) /* xorshift32 */
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

void *memcpy(void *to, const void *from, size_t n)
{
	void *ret = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	return ret;
}

void *memset(void *to, int c, size_t n)
{
	void *ret = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(c) : "memory");
	return ret;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (size_t i = 0; i < n; i++)
		if (x[i] != y[i])
			return x[i] - y[i];
	return 0;
}
