// SPDX-License-Identifier: GPL-2.0-only
/* Main: the order of a kernel's boot, what is said, the verdict. */
#include <stdarg.h>
#include "client.h"
#include "native.h"

#define COM1 0x3f8

extern u32 boot_params;
extern char iret_faults;
void main(void);
static unsigned failures;
static char command_line[256];

void *memset(void *to, int c, size_t n)
{
	void *p = to;

	__asm__ volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(c) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	void *p = to;

	__asm__ volatile("rep movsb" : "+D"(p), "+S"(from), "+c"(n) : : "memory");
	return to;
}

static void serial(char c)
{
	for (unsigned n = 0; n < 100000 && !(inb(COM1 + 5) & 0x20); n++)
		;
	outb(COM1, c);
}

static char *put_number(char *p, u32 v, unsigned base)
{
	char digits[12];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n)
		*p++ = digits[--n];
	return p;
}

static void format(char *p, char *end, const char *f, va_list args)
{
	for (; *f && p < end - 12; f++) {
		if (*f != '%') {
			*p++ = *f;
			continue;
		}
		switch (*++f) {
		case 's':
			for (const char *s = va_arg(args, const char *); *s && p < end - 12; s++)
				*p++ = *s;
			break;
		case 'c':
			*p++ = va_arg(args, int);
			break;
		case 'u':
		case 'x':
			p = put_number(p, va_arg(args, u32), *f == 'u' ? 10 : 16);
			break;
		}
	}
	*p = 0;
}

static void line(const char *text, bool log)
{
	for (const char *s = text; *s; s++) {
		serial(*s);
		if (log)
			outb(0xe9, *s);
	}
	serial('\r');
	serial('\n');
	if (log)
		outb(0xe9, '\n');
}

void say(const char *f, ...)
{
	char text[160];
	va_list args;

	va_start(args, f);
	format(text, text + sizeof(text), f, args);
	va_end(args);
	line(text, false);
}

void fail(const char *f, ...)
{
	char text[112] = "ABI FAIL ";
	va_list args;

	va_start(args, f);
	format(text + 9, text + sizeof(text), f, args);
	va_end(args);
	if (failures++ < 4)
		line(text, true);
}

static void log_line(const char *f, ...)
{
	char text[112];
	va_list args;

	va_start(args, f);
	format(text, text + sizeof(text), f, args);
	va_end(args);
	line(text, true);
}

/* The verdict: where the gateway is called, how many calls it serves, where a fault of IRET is seen, steps replayed. */
void finish(void)
{
	if (failures)
		log_line("ABI verdict FAIL %u", failures);
	else if (!active)
		log_line("ABI verdict unassisted replay=%u", replayed);
	else
		log_line("ABI verdict %s calls=%u iret=%c replay=%u", above_top ? "top" : "place", served_count, iret_faults,
			 replayed);
	outb(0xf4, failures ? 0x11 : 0x10);
	for (;;)
		__asm__ volatile("cli; hlt");
}

bool option(const char *word)
{
	const char *p = command_line;

	while (*p) {
		const char *w = word;

		while (*p == ' ')
			p++;
		while (*w && *p == *w) {
			p++;
			w++;
		}
		if (!*w && (!*p || *p == ' '))
			return true;
		while (*p && *p != ' ')
			p++;
	}
	return false;
}

static void read_command_line(void)
{
	const char *from = VA(*(u32 *)(VA(boot_params) + 0x228));

	for (unsigned i = 0; i < sizeof(command_line) - 1 && from[i]; i++)
		command_line[i] = from[i];
}

void main(void)
{
	const u32 *initrd = (u32 *)(VA(boot_params) + 0x218);
	const char *transcript;
	u32 bytes;

	native_fill(op);
	read_command_line();
	transcript = VA(initrd[0]);
	bytes = initrd[0] && initrd[0] + initrd[1] <= LINEAR_MB << 20 ? initrd[1] : 0;
	say("Linux-like client %s, %s", kernel.name, command_line);
	mm_early();
	vmi_probe();
	vmi_activate(transcript, bytes);
	mm_paging_init();
	cpu_init();
	cpu_test();
	mm_test();
	timer_test();
	if (option("smp"))
		smp_test();
	irq_disable();
	vmi_late();
	cpu_test();
	if (bytes)
		replay(transcript, bytes);
	finish();
}
