// SPDX-License-Identifier: GPL-2.0-only
/*
 * old-init: /init for i386 kernels of the VMI's time, older than any C library of today. Uses nothing but system calls;
 * `postern.run=` on the kernel's command line names what it does (see `works` below), in order, separated by commas,
 * each with a count if wanted: `fork:200,sleep`. Prints a line a work, `ok` or `FAIL` first, and ends by the debug-exit port:
 * 0x10 when nothing failed (postern-run's status 33).
 */
#include "old-init.h"

static unsigned failures, vsyscall;

long sys(long nr, long a, long b, long c, long d, long e)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory");
	return ret;
}

/* By the kernel's own page, which enters with SYSENTER where the processor has it. */
static long fast_sys0(long nr)
{
	long ret;

	if (!vsyscall)
		return sys(nr, 0, 0, 0, 0, 0);
	__asm__ volatile("call *%1" : "=a"(ret) : "r"(vsyscall), "a"(nr) : "memory");
	return ret;
}

/* --- text --------------------------------------------------------------------------------------- */
unsigned length(const char *s)
{
	unsigned n = 0;

	while (s[n])
		n++;
	return n;
}

void print(const char *s)
{
	sys(NR_write, 1, (long)s, length(s), 0, 0);
}

char *decimal(unsigned long v, char *end)
{
	*--end = 0;
	do
		*--end = '0' + v % 10;
	while (v /= 10);
	return end;
}

static void print_number(unsigned long v)
{
	char text[12];

	print(decimal(v, text + sizeof(text)));
}

static unsigned to_number(const char *s)
{
	unsigned v = 0;

	while (*s >= '0' && *s <= '9')
		v = v * 10 + *s++ - '0';
	return v;
}

/* Where NEEDLE is in TEXT. */
static char *find(char *text, const char *needle)
{
	for (unsigned n; *text; text++) {
		for (n = 0; needle[n] && text[n] == needle[n];)
			n++;
		if (!needle[n])
			return text;
	}
	return 0;
}

static int read_file(const char *name, char *buffer, unsigned bytes)
{
	long fd = sys(NR_open, (long)name, 0, 0, 0, 0), n;
	unsigned at = 0;

	buffer[0] = 0;
	if (fd < 0)
		return -1;
	while (at + 1 < bytes && (n = sys(NR_read, fd, (long)buffer + at, bytes - 1 - at, 0, 0)) > 0)
		at += n;
	buffer[at] = 0;
	sys(NR_close, fd, 0, 0, 0, 0);
	return at;
}

/* The first line of a file, as a report. */
static void print_file(const char *what, const char *name)
{
	char text[256];
	int i;

	if (read_file(name, text, sizeof(text)) < 0)
		return;
	for (i = 0; text[i] && text[i] != '\n';)
		i++;
	text[i] = 0;
	print(what);
	print(text);
	print("\n");
}

unsigned long long tsc(void)
{
	unsigned low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (unsigned long long)high << 32 | low;
}

static void print_mark(const char *name)
{
	static const char digit[] = "0123456789abcdef";
	unsigned long long t = tsc();
	char text[20];
	int i;

	for (i = 0; i < 16; i++)
		text[i] = digit[t >> (60 - 4 * i) & 15];
	text[16] = '\n';
	text[17] = 0;
	print("BENCH ");
	print(name);
	print(" 0x");
	print(text);
}

/* --- the works ------------------------------------------------------------------------------------ */
static long fork(void)
{
	return sys(NR_fork, 0, 0, 0, 0, 0);
}

/* Status of the child PID. */
static int wait_for(long pid)
{
	int status = -1;

	if (sys(NR_waitpid, pid, (long)&status, 0, 0, 0) != pid)
		return -1;
	return status;
}

static _Noreturn void leave(int status)
{
	for (;;)
		sys(NR_exit, status, 0, 0, 0, 0);
}

static int do_fork(unsigned n)
{
	while (n--) {
		long pid = fork();

		if (!pid)
			leave(7);
		if (wait_for(pid) != 7 << 8)
			return 1;
	}
	return 0;
}

static int do_exec(unsigned n)
{
	static const char *arguments[] = {"/init", "child", 0}, *environment[] = {0};

	while (n--) {
		long pid = fork();

		if (!pid) {
			sys(NR_execve, (long)"/init", (long)arguments, (long)environment, 0, 0);
			leave(1);
		}
		if (wait_for(pid) != 9 << 8)
			return 1;
	}
	return 0;
}

static int do_syscall(unsigned n)
{
	while (n--)
		if (fast_sys0(NR_getpid) != 1)
			return 1;
	return 0;
}

/* Two processes that wake each other: a context switch a byte. */
static int do_pipe(unsigned n)
{
	int there[2], back[2];
	char byte = 0;
	long pid;

	if (sys(NR_pipe, (long)there, 0, 0, 0, 0) || sys(NR_pipe, (long)back, 0, 0, 0, 0))
		return 1;
	pid = fork();
	if (!pid) {
		while (n-- && sys(NR_read, there[0], (long)&byte, 1, 0, 0) == 1)
			sys(NR_write, back[1], (long)&byte, 1, 0, 0);
		leave(0);
	}
	for (; n; n--)
		if (sys(NR_write, there[1], (long)&byte, 1, 0, 0) != 1 || sys(NR_read, back[0], (long)&byte, 1, 0, 0) != 1)
			return 1;
	return wait_for(pid) ? 1 : 0;
}

/* Page tables that come, change and go. */
static int do_memory(unsigned n)
{
	struct map {
		long address, bytes, rights, flags, fd, offset;
	} m = {0, 8 << 20, 3, 0x22, -1, 0};

	while (n--) {
		long at = sys(NR_mmap, (long)&m, 0, 0, 0, 0), i, pid;

		if (at < 0 && at > -4096)
			return 1;
		for (i = 0; i < m.bytes; i += 4096)
			*(volatile long *)(at + i) = i + 1;
		pid = fork(); /* the parent's pages become read-only, and are copied */
		if (!pid) {
			for (i = 0; i < m.bytes; i += 8192)
				*(volatile long *)(at + i) = 0;
			leave(0);
		}
		if (wait_for(pid) || sys(NR_mprotect, at, m.bytes, 1, 0, 0))
			return 1;
		for (i = 0; i < m.bytes; i += 4096)
			if (*(volatile long *)(at + i) != i + 1)
				return 1;
		if (sys(NR_mremap, at, m.bytes, m.bytes / 2, 0, 0) != at || sys(NR_munmap, at, m.bytes / 2, 0, 0, 0))
			return 1;
	}
	return 0;
}

struct descriptor {
	unsigned entry, base, limit, flags;
};
#define FLAT_DATA 0x51 /* seg_32bit, limit_in_pages, useable */

static unsigned tls_word = 0x1234567, ldt_word = 0x7654321;

/* Each of two processes has another LDT and another TLS, and they alternate. */
static int do_segments(unsigned n)
{
	struct descriptor tls = {-1u, (unsigned)&tls_word, 0xfffff, FLAT_DATA};
	struct descriptor ldt = {3, (unsigned)&ldt_word, 0xfffff, FLAT_DATA};
	long pid;
	unsigned got;

	if (sys(NR_set_thread_area, (long)&tls, 0, 0, 0, 0))
		return 1;
	while (n--) {
		pid = fork();
		if (!pid) {
			if (sys(NR_modify_ldt, 1, (long)&ldt, sizeof(ldt), 0, 0))
				leave(1);
			__asm__ volatile("mov %1, %%fs\n\tmov %%fs:0, %0" : "=r"(got) : "r"(3 << 3 | 7));
			if (got != ldt_word)
				leave(2);
			sys(NR_sched_yield, 0, 0, 0, 0, 0);
			__asm__ volatile("mov %%fs:0, %0" : "=r"(got));
			leave(got == ldt_word ? 0 : 3);
		}
		__asm__ volatile("mov %1, %%gs\n\tmov %%gs:0, %0" : "=r"(got) : "r"(tls.entry << 3 | 3));
		if (wait_for(pid) || got != tls_word)
			return 1;
	}
	return 0;
}

/* --- frames that IRET refuses --------------------------------------------------------------------- */
struct context { /* i386 sigcontext, as far as it is changed */
	unsigned gs, fs, es, ds, edi, esi, ebp, esp, ebx, edx, ecx, eax, trap, error, eip, cs, flags, esp_at, ss;
};
struct action {
	void (*handler)(int);
	unsigned mask, flags;
	void (*restorer)(void);
};
static unsigned bad_cs, bad_ss;

static void spoil(int number)
{
	struct context *c;

	__asm__ volatile("" : "=r"(c) : "0"(&number + 1) : "memory"); /* behind the argument, says the kernel */
	if (bad_cs)
		c->cs = bad_cs;
	if (bad_ss)
		c->ss = bad_ss;
}

/* A child whose signal returns to segments that do not exist: it dies by a signal, the kernel lives. */
static int refused(unsigned cs, unsigned ss)
{
	struct descriptor absent = {2, 0, 0xfffff, 0x39}; /* not present */
	long pid = fork();
	int status;

	if (!pid) {
		struct action a = {.handler = spoil};

		bad_cs = cs;
		bad_ss = ss;
		sys(NR_modify_ldt, 1, (long)&absent, sizeof(absent), 0, 0);
		sys(NR_sigaction, 10, (long)&a, 0, 0, 0);
		sys(NR_kill, sys(NR_getpid, 0, 0, 0, 0, 0), 10, 0, 0, 0);
		leave(0);
	}
	status = wait_for(pid) & 0x7f;
	return status != 4 && status != 7 && status != 11;
}

static int do_iret(unsigned n)
{
	while (n--) {
		if (refused(0xfff3, 0) || refused(0x0003, 0) || refused(2 << 3 | 7, 0) || refused(0x63, 0))
			return 1;
		if (refused(0, 0xfff3) || refused(0, 2 << 3 | 7) || refused(0, 0x73))
			return 1;
	}
	return 0;
}

static int do_iopl(unsigned n)
{
	while (n--) {
		unsigned char v;
		long pid = fork();

		if (!pid) {
			if (sys(NR_iopl, 3, 0, 0, 0, 0))
				leave(1);
			__asm__ volatile("inb $0x61, %0" : "=a"(v));
			sys(NR_sched_yield, 0, 0, 0, 0, 0);
			__asm__ volatile("inb $0x61, %0" : "=a"(v));
			leave(0);
		}
		if (wait_for(pid))
			return 1;
	}
	return 0;
}

static long microseconds(void)
{
	long t[2] = {0, 0};

	sys(NR_gettimeofday, (long)t, 0, 0, 0, 0);
	return t[0] % 1000 * 1000000 + t[1];
}

/* Sleeps of 10 ms: none is shorter, and all together are not many times longer. */
static int do_sleep(unsigned n)
{
	long from = microseconds(), all;
	unsigned i;

	for (i = 0; i < n; i++) {
		long t[2] = {0, 10000000}, before = microseconds(), took;

		sys(NR_nanosleep, (long)t, 0, 0, 0, 0);
		took = microseconds() - before;
		if (took < 0)
			took += 1000000000;
		if (took < 9000)
			return 1;
	}
	all = microseconds() - from;
	if (all < 0)
		all += 1000000000;
	return all > (long)n * 100000 + 5000000;
}

/* Idle seconds, between two marks. */
static int do_idle(unsigned n)
{
	long t[2] = {n, 0};

	print_mark("idle-begin");
	sys(NR_nanosleep, (long)t, 0, 0, 0, 0);
	print_mark("idle-end");
	return 0;
}

static int do_time(unsigned n)
{
	(void)n;
	print_file("clock source: ", "/sys/devices/system/clocksource/clocksource0/current_clocksource");
	return 0;
}

static int do_interrupts(unsigned n)
{
	static char text[4096];

	(void)n;
	if (read_file("/proc/interrupts", text, sizeof(text)) > 0)
		print(text);
	return 0;
}

/* To whoever counts exits outside, by the debug console's port: here we are. Then nothing any more. */
static int do_ready(unsigned n)
{
	static const char text[] = "READY\n";
	long t[2] = {100000, 0};

	(void)n;
	sys(NR_ioperm, 0xe9, 1, 1, 0, 0);
	for (const char *c = text; *c; c++)
		__asm__ volatile("outb %0, $0xe9" : : "a"(*c));
	return sys(NR_nanosleep, (long)t, 0, 0, 0, 0) != 0;
}

static int do_mark(unsigned n)
{
	(void)n;
	print_mark("user-space");
	return 0;
}

/* All processors busy at once, each in its own process. */
static int do_busy(unsigned n)
{
	long pid[8];
	unsigned i, bad = 0;

	for (i = 0; i < 8; i++) {
		pid[i] = fork();
		if (!pid[i])
			leave(do_fork(n) || do_memory(1));
	}
	for (i = 0; i < 8; i++)
		bad |= wait_for(pid[i]);
	return bad != 0;
}

static int do_module(unsigned n)
{
	static char image[65536];
	int bytes = read_file("/module.ko", image, sizeof(image));

	while (n--)
		if (bytes <= 0 || sys(NR_init_module, (long)image, bytes, (long)"", 0, 0) ||
		    sys(NR_delete_module, (long)"dummy", 04000, 0, 0, 0))
			return 1;
	return 0;
}

static int do_shell(unsigned n)
{
	static const char *arguments[] = {"sh", 0}, *environment[] = {"PATH=/bin", "HOME=/", "TERM=linux", 0};
	long pid = fork();

	(void)n;
	if (!pid) {
		sys(NR_execve, (long)"/bin/sh", (long)arguments, (long)environment, 0, 0);
		leave(1);
	}
	return wait_for(pid) != 0;
}

static const struct work {
	const char *name;
	int (*run)(unsigned);
	unsigned count;
} works[] = {
	{"mark", do_mark, 1},	      {"fork", do_fork, 100},	{"exec", do_exec, 50},
	{"syscall", do_syscall, 10000}, {"pipe", do_pipe, 1000}, {"memory", do_memory, 4},
	{"segments", do_segments, 20}, {"iret", do_iret, 5},	{"iopl", do_iopl, 10},
	{"sleep", do_sleep, 20},      {"time", do_time, 1},	{"busy", do_busy, 20},
	{"idle", do_idle, 2},	      {"interrupts", do_interrupts, 1},
	{"ready", do_ready, 1},	      {"module", do_module, 2},     {"shell", do_shell, 1},
	{"disk", do_disk, 128},	      {"net", do_net, 2},
};

static const char standard[] = "time,fork,exec,syscall,pipe,memory,segments,iret,iopl,busy,sleep";

/* One word of the list; where the next begins, or 0. */
static const char *run(const char *word)
{
	unsigned i, n;

	for (i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
		const struct work *w = &works[i];
		int bad;

		for (n = 0; w->name[n] && w->name[n] == word[n];)
			n++;
		if (w->name[n] || (word[n] >= 'a' && word[n] <= 'z'))
			continue;
		bad = w->run(word[n] == ':' ? to_number(word + n + 1) : w->count);
		failures += bad;
		print(bad ? "FAIL " : "ok ");
		print(w->name);
		print("\n");
		break;
	}
	while (*word && *word != ',' && *word != ' ' && *word != '\n')
		word++;
	return *word == ',' ? word + 1 : 0;
}

static _Noreturn void end(const char *how)
{
	unsigned char value = failures ? 0x11 : 0x10;

	sys(NR_ioctl, 1, 0x5409, 1, 0, 0); /* TCSBRK: wait until all is written */
	if (how[0] == 'p')
		sys(NR_reboot, 0xfee1dead, 672274793, 0x4321fedc, 0, 0);
	if (how[0] == 'r')
		sys(NR_reboot, 0xfee1dead, 672274793, 0x01234567, 0, 0);
	sys(NR_ioperm, 0xf4, 1, 1, 0, 0);
	__asm__ volatile("outb %0, $0xf4" : : "a"(value));
	for (;;)
		sys(NR_pause, 0, 0, 0, 0, 0);
}

void start(long *stack)
{
	static char line[2048], release[6 * 65];
	long *at = stack + 1 + stack[0] + 1;
	const char *next, *how = "exit";
	char *found;

	while (*at)
		at++;
	for (at++; at[0]; at += 2)
		if (at[0] == 32) /* AT_SYSINFO */
			vsyscall = at[1];
	if (stack[0] == 2 && find((char *)stack[2], "child"))
		leave(9); /* do_exec */
	sys(NR_mkdir, (long)"/proc", 0755, 0, 0, 0);
	sys(NR_mkdir, (long)"/sys", 0755, 0, 0, 0);
	sys(NR_mount, (long)"proc", (long)"/proc", (long)"proc", 0, 0);
	sys(NR_mount, (long)"sys", (long)"/sys", (long)"sysfs", 0, 0);
	sys(NR_uname, (long)release, 0, 0, 0, 0);
	print("POSTERN-GUEST-UP ");
	print(release + 2 * 65);
	print("\n");
	read_file("/proc/cmdline", line, sizeof(line));
	found = find(line, "postern.end=");
	if (found)
		how = found + 12;
	found = find(line, "postern.run=");
	for (next = found ? found + 12 : standard; next;)
		next = run(next);
	if (read_file("/proc/sys/kernel/tainted", line, sizeof(line)) > 0 && to_number(line) & 128) {
		print("FAIL the kernel has had an oops\n");
		failures++;
	}
	print(failures ? "POSTERN-GUEST-DONE FAIL " : "POSTERN-GUEST-DONE ok ");
	print_number(failures);
	print("\n");
	end(how);
}

__asm__(".globl _start\n_start:\n\tmov %esp, %eax\n\tand $-16, %esp\n\tsub $12, %esp\n\tpush %eax\n\tcall start\n");
