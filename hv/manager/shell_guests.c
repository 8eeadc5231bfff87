// SPDX-License-Identifier: GPL-2.0-only
/* Shell commands for guests. */
#include <stdio.h>
#include <string.h>
#include <postern/channel.h>
#include <postern/vcpu.h>
#include "clock.h"
#include "console.h"
#include "guest.h"
#include "init.h"
#include "resource.h"
#include "screen.h"
#include "shell.h"
#include "syscalls.h"
#include "text.h"
#include "timer.h"

#define ANSWER_NS (5 * NS_PER_S)

static const char *const exit_names[COUNT_KINDS] = {
	[COUNT_CPUID] = "cpuid",
	[COUNT_HYPERCALL] = "hypercall",
	[COUNT_MSR_APIC] = "msr-apic",
	[COUNT_MSR_TIMER] = "msr-timer",
	[COUNT_MSR_VMM] = "msr-vmm",
	[COUNT_HLT] = "hlt",
	[COUNT_INTR] = "interrupt",
	[COUNT_NMI] = "nmi",
	[COUNT_WINDOW] = "window",
	[COUNT_IO] = "io",
	[COUNT_IO_STRING] = "io-string",
	[COUNT_MMIO] = "mmio",
	[COUNT_APIC_MMIO] = "(mmio-apic)",
	[COUNT_FAULT_4K] = "fault-4k",
	[COUNT_FAULT_2M] = "fault-2m",
	[COUNT_EXCEPTION] = "exception",
	[COUNT_INSN] = "instruction",
	[COUNT_INVALID] = "invalid",
	[COUNT_SHUTDOWN] = "shutdown",
	[COUNT_KICK] = "kick",
	[COUNT_EOI] = "eoi",
	[COUNT_INTA] = "inta",
	[COUNT_PAUSE] = "pause",
	[COUNT_OTHER] = "other",
	[COUNT_DOORBELL] = "doorbell",
	[COUNT_TO_VMM] = "(to-vmm)",
};

/* Counted in another line, too. */
static bool in_sum(unsigned kind)
{
	return kind != COUNT_APIC_MMIO && kind != COUNT_TO_VMM;
}

static struct guest *need(const char *name)
{
	struct guest *g = guest_find(name);

	if (!g)
		console_printf("no guest '%s'; `guests` lists them\n", name);
	return g;
}

static void guests_command(int count, char **words)
{
	if (!guest_count)
		console_printf("no guests are configured\n");
	for (unsigned n = 0; n < guest_count; n++) {
		const struct guest *g = &guests[n];

		console_printf("%-15s %-9s %6llu MiB %2u CPU%s", g->config->name, guest_state(g),
			       (unsigned long long)g->config->memory >> 20, g->config->cpus,
			       g->config->cpus == 1 ? " " : "s");
		if (g->resets)
			console_printf("  %u resets", g->resets);
		if (g->instance && g->instance->status[0] && g->phase != PHASE_OFF)
			console_printf("  %s", g->instance->status);
		console_printf("%s%s%s\n", g->ending[0] ? "  (" : "", g->ending,
			       g->ending[0] ? ")" : "");
	}
}

static void start_command(int count, char **words)
{
	struct guest *g = need(words[1]);
	const char *why = g ? guest_start(g) : NULL;

	if (why)
		console_printf("guest %s is refused: %s\n", words[1], why);
}

static void stop_command(int count, char **words)
{
	struct guest *g = need(words[1]);

	if (!g)
		return;
	if (guest_comes_back(g))
		console_printf("guest %s is not started again\n", words[1]);
	else if (g->phase == PHASE_OFF || g->ended)
		console_printf("guest %s is not running\n", words[1]);
	guest_stop(g);
}

static void send_command(const char *name, uint16_t kind)
{
	struct guest *g = need(name);

	if (g && !guest_command(g, kind, ""))
		console_printf("guest %s is not running\n", name);
}

/* A pause or its end, until the VMM says that it is so. */
static struct {
	struct guest *guest;
	enum guest_phase to;
	struct timer deadline;
} asked;

/* Its expiry wakes the shell, which looks again. */
static void no_answer(struct timer *t)
{
}

static bool phase_step(void)
{
	const struct guest *g = asked.guest;
	bool running = g->phase != PHASE_OFF && !g->ended;

	if (running && g->phase != asked.to && asked.deadline.armed)
		return false;
	timer_cancel(&asked.deadline);
	if (!running)
		console_printf("guest %s is %s%s%s\n", g->config->name, guest_state(g), g->ending[0] ? ": " : "",
			       g->ending);
	else if (g->phase == asked.to)
		console_printf("guest %s %s\n", g->config->name, g->phase == PHASE_PAUSED ? "is paused" : "runs again");
	else
		console_printf("guest %s has not done so yet; `guests` shows when it has\n", g->config->name);
	return true;
}

static void change_phase(const char *name, uint16_t kind, enum guest_phase from, enum guest_phase to)
{
	struct guest *g = need(name);

	if (!g)
		return;
	if (g->phase == PHASE_OFF || g->ended)
		console_printf("guest %s is not running, it is %s%s%s; `start %s` starts it\n", name, guest_state(g),
			       g->ending[0] ? ": " : "", g->ending, name);
	else if (g->phase == PHASE_STARTING)
		console_printf("guest %s is still starting\n", name);
	else if (g->phase != from)
		console_printf("guest %s is %s already\n", name, guest_phase_names[g->phase]);
	else if (!guest_command(g, kind, ""))
		console_printf("guest %s: its VMM takes no messages now; try again\n", name);
	else {
		asked.guest = g;
		asked.to = to;
		timer_set(&asked.deadline, clock_ns() + ANSWER_NS, no_answer);
		shell_wait(phase_step);
	}
}

static void pause_command(int count, char **words)
{
	change_phase(words[1], MSG_GUEST_PAUSE, PHASE_RUNNING, PHASE_PAUSED);
}

static void resume_command(int count, char **words)
{
	change_phase(words[1], MSG_GUEST_RESUME, PHASE_PAUSED, PHASE_RUNNING);
}

static void reset_command(int count, char **words)
{
	send_command(words[1], MSG_GUEST_RESET);
}

static void button_command(int count, char **words)
{
	send_command(words[1], MSG_GUEST_POWER_BUTTON);
}

static void balloon_command(int count, char **words)
{
	struct guest *g = need(words[1]);
	uint64_t bytes = 0;
	char text[24] = "";

	if (!g)
		return;
	if (count > 2 && (!text_size(words[2], 1 << 20, &bytes) || bytes > g->config->memory)) {
		console_printf("'%s' is not a size of at most its memory, %llu MiB\n", words[2],
			       (unsigned long long)g->config->memory >> 20);
		return;
	}
	if (count > 2)
		snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes);
	if (!guest_command(g, MSG_GUEST_BALLOON, text))
		console_printf("guest %s is not running\n", words[1]);
}

static void rom_command(int count, char **words)
{
	struct guest *g = strcmp(words[1], "swap") ? NULL : need(words[2]);

	if (strcmp(words[1], "swap"))
		console_printf("usage: rom swap GUEST FILE\n");
	else if (g && (strlen(words[3]) >= MESSAGE_TEXT || !resource_file(words[3])))
		console_printf("the boot loader gave no file '%s'\n", words[3]);
	else if (g && !guest_swap_rom(g, words[3]))
		console_printf("guest %s is not running\n", words[2]);
}

static void attach_command(int count, char **words)
{
	struct guest *g = need(words[1]);

	if (!g)
		return;
	if (g->config->console == PORT_NONE)
		console_printf("guest %s has no console (console = none)\n", words[1]);
	else if (g->config->console >= 0)
		console_printf("guest %s has port COM%d to itself\n", words[1],
			       g->config->console + 1);
	else if (g->phase == PHASE_OFF && !g->unseen->length)
		console_printf("guest %s is not running; `start %s` starts it\n", words[1],
			       words[1]);
	else
		console_attach(g);
}

static void screen_command(int count, char **words)
{
	struct guest *g = NULL;

	if (count < 2) {
		screen_status();
		return;
	}
	if (strcmp(words[1], "shell")) {
		g = need(words[1]);
		if (!g)
			return;
	}
	screen_show(g);
}

static void show_exits(const struct guest *g)
{
	uint64_t total[COUNT_KINDS] = {0}, runs = 0, sum = 0;
	struct info_vcpu info;
	unsigned cpus = 0;

	for (unsigned n = 0;
	     sys_system_info(start_page()->system, INFO_VCPU, n, &info, sizeof(info)) > 0; n++) {
		if (strncmp(info.task, g->config->name, sizeof(info.task)))
			continue;
		cpus++;
		runs += info.runs;
		for (unsigned k = 0; k < COUNT_KINDS; k++)
			total[k] += info.exits[k];
	}
	for (unsigned k = 0; k < COUNT_KINDS; k++)
		sum += in_sum(k) ? total[k] : 0;
	console_printf("guest %s: %u CPUs, %llu entries, %llu exits\n", g->config->name, cpus,
		       (unsigned long long)runs, (unsigned long long)sum);
	for (unsigned k = 0; k < COUNT_KINDS; k++)
		if (total[k])
			console_printf("  %-12s %12llu\n", exit_names[k],
				       (unsigned long long)total[k]);
}

static void exits_command(int count, char **words)
{
	struct guest *g = count > 1 ? need(words[1]) : NULL;

	for (unsigned n = 0; n < guest_count && count == 1; n++)
		if (guests[n].phase != PHASE_OFF)
			show_exits(&guests[n]);
	if (g && g->phase == PHASE_OFF)
		console_printf("guest %s is not running\n", words[1]);
	else if (g)
		show_exits(g);
}

const struct command shell_guest_commands[] = {
	{"guests", "", "guests and their state", 0, 0, guests_command},
	{"start", "GUEST", "start a guest", 1, 1, start_command},
	{"stop", "GUEST", "end a guest at once", 1, 1, stop_command},
	{"pause", "GUEST", "halt its processors", 1, 1, pause_command},
	{"resume", "GUEST", "and let them run again", 1, 1, resume_command},
	{"reset", "GUEST", "as by its reset button", 1, 1, reset_command},
	{"button", "GUEST", "press its power button", 1, 1, button_command},
	{"balloon", "GUEST [SIZE]", "so much memory it shall do without (MiB; 0: nothing)", 1, 2, balloon_command},
	{"rom", "swap GUEST FILE", "another gateway ROM for it, while it runs", 3, 3, rom_command},
	{"attach", "GUEST", "this terminal becomes its console", 1, 1, attach_command},
	{"screen", "[GUEST|shell]", "who has the physical screen and keyboard", 0, 1, screen_command},
	{"exits", "[GUEST]", "exit counts by reason", 0, 1, exits_command},
	{NULL, NULL, NULL, 0, 0, NULL},
};
