// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faulty: a module that misbehaves on command, to show that it harms nobody else. Started from the
 * shell (`module start faulty`), commanded by `send faulty COMMAND`.
 */
#include <string.h>
#include <postern/manifest.h>
#include "clock.h"
#include "log.h"
#include "module.h"
#include "stdlib.h"
#include "syscalls.h"
#include "thread.h"

MODULE_MANIFEST("name = faulty\n"
		"version = 1.0\n"
		"licence = GPL-2.0-only\n"
		"about = misbehaves on command; for tests\n"
		"provides = faulty\n"
		"start = never\n");

#define CORE_ADDRESS 0xffffffff80000000

/* An address that the compiler does not see through. */
static volatile int *at(uintptr_t address)
{
	__asm__("" : "+r"(address));
	return (volatile int *)address;
}

static void do_null(void)
{
	*at(0x10) = 1;
}

static void do_core(void)
{
	log_line("read 0x%x from the core", *at(CORE_ADDRESS));
}

static void do_jump(void)
{
	((void (*)(void))0xdead0000)();
}

static void do_text(void)
{
	*(volatile char *)(uintptr_t)do_text = 0;
}

static void do_execute(void)
{
	static unsigned char ret[] = {0xc3};

	((void (*)(void))(uintptr_t)ret)();
}

static void do_port(void)
{
	port_out8(0x80, 1);
}

static void do_privileged(void)
{
	__asm__ volatile("cli");
}

static void do_fpu(void)
{
	__asm__ volatile("fninit");
}

static void do_divide(void)
{
	__asm__ volatile("xorl %%edx, %%edx; movl $1, %%eax; xorl %%ecx, %%ecx; divl %%ecx"
			 : : : "eax", "ecx", "edx");
}

static void do_hang(void)
{
	sys_event_wait(sys_event_create(), 1, WAIT_FOREVER);
}

static void do_spin(void)
{
	for (;;)
		__builtin_ia32_pause();
}

static void spin_thread(void *unused)
{
	do_spin();
}

/* The main thread keeps answering the heartbeat: only the scheduler stands between this and
 * everybody else. */
static void do_spin_threads(void)
{
	for (int i = 0; i < 8; i++)
		thread_create(spin_thread, NULL, 4096);
}

static void recurse(volatile int *depth)
{
	volatile char here[512];

	here[0] = *depth;
	if (++*depth)
		recurse(depth);
	here[1] = here[0];
}

static void do_stack(void)
{
	volatile int depth = 1;

	recurse(&depth);
}

static void do_syscalls(void)
{
	for (int i = 0; i < 10000; i++)
		syscall1(1000 + i, i);
}

static void do_pointers(void)
{
	for (int i = 0; i < 10000; i++)
		sys_log_write((const char *)CORE_ADDRESS, 64);
}

static void do_handles(void)
{
	for (uint32_t i = 0; i < 10000; i++) {
		sys_task_kill(i + 4, 9);
		sys_event_signal(~i);
		sys_vcpu_kick(i + 4);
	}
}

static int ends_the_storm(uint64_t number)
{
	return number == SYS_THREAD_EXIT || number == SYS_EVENT_WAIT || number == SYS_TASK_KILL ||
	       number == SYS_THREAD_CREATE;
}

static void do_seeded(void)
{
	uint64_t seed = 0x9e3779b97f4a7c15ull;

	for (int i = 0; i < 200000; i++) {
		uint64_t a[6];

		for (int n = 0; n < 6; n++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			a[n] = seed >> (seed & 63);
		}
		if (ends_the_storm(a[0] % SYS_COUNT))
			continue;
		syscall6(a[0] % SYS_COUNT, a[1] & 15, a[2], a[3], a[4], a[5], a[0] >> 8);
	}
}

static void do_flood(void)
{
	struct message m = {.kind = 999};

	for (int i = 0; i < 1000000; i++) {
		module_send(&m);
		sys_event_signal(module_start()->manager);
	}
}

static void do_ring(void)
{
	struct channel *c = (struct channel *)CHANNEL_VA;

	c->to_client.prod += 12345;
	sys_event_signal(module_start()->manager);
}

static void do_memory(void)
{
	uint64_t bytes = 0;

	while (sys_mem_create(64 << 20, 0) >= 0)
		bytes += 64 << 20;
	log_line("was given %u MiB", (unsigned)(bytes >> 20));
}

static void do_log(void)
{
	for (int i = 0; i < 5000; i++)
		log_line("line %d of a flood", i);
}

static void do_exit(void)
{
	sys_thread_exit(7);
}

static void do_abort(void)
{
	abort();
}

static const struct {
	const char *name;
	void (*run)(void);
} commands[] = {
	{"null", do_null},	   {"core", do_core},	     {"jump", do_jump},
	{"text", do_text},	   {"execute", do_execute},  {"port", do_port},
	{"privileged", do_privileged}, {"fpu", do_fpu},	     {"divide", do_divide},
	{"hang", do_hang},	   {"spin", do_spin},	     {"spin-threads", do_spin_threads},
	{"stack", do_stack},	   {"syscalls", do_syscalls}, {"pointers", do_pointers},
	{"handles", do_handles},   {"seeded", do_seeded},    {"flood", do_flood},
	{"ring", do_ring},	   {"memory", do_memory},    {"log", do_log},
	{"exit", do_exit},	   {"abort", do_abort},
};

static void faulty_control(const struct message *m)
{
	char name[MESSAGE_TEXT];

	if (m->kind != MSG_COMMAND)
		return;
	memcpy(name, m->text, sizeof(name));
	name[sizeof(name) - 1] = 0;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name))
			continue;
		log_line("does '%s'", name);
		commands[i].run();
		log_line("survived '%s'", name);
		return;
	}
	log_line("knows no '%s'", name);
}

static int faulty_probe(void)
{
	module_status("waits for commands");
	return 0;
}

const struct module_ops module = {
	.probe = faulty_probe,
	.control = faulty_control,
};
