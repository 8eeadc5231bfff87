// SPDX-License-Identifier: GPL-2.0-only
/* Guest: starts VMMs for guests and does what the configuration says when one ends. */
#include <stdio.h>
#include <string.h>
#include "argument.h"
#include "clock.h"
#include "console.h"
#include "durable.h"
#include "finish.h"
#include "guest.h"
#include "init.h"
#include "log.h"
#include "resource.h"
#include "screen.h"
#include "syscalls.h"
#include "text.h"
#include "wall.h"

#define VMM_PROGRAM "vmm"
#define SCREEN_OVERHEAD (36ull << 20) /* graphics memory, picture, what was drawn last */
#define VMM_OVERHEAD (6ull << 20) /* what a VMM and its page tables need beside the guest's RAM */
#define MEMORY_PATIENCE (2 * NS_PER_S)
#define MEMORY_LOOK (20 * NS_PER_MS)

DURABLE struct guest guests[GUESTS_MAX];
static uint64_t memory_comes_until; /* CLOCK ns */
unsigned guest_count;
const char *const guest_phase_names[] = {"off", "starting", "running", "paused"};

struct guest *guest_find(const char *name)
{
	for (unsigned n = 0; n < guest_count; n++)
		if (!strcmp(guests[n].config->name, name))
			return &guests[n];
	return NULL;
}

static void check_files(struct config *c, struct guest_config *g)
{
	for (unsigned n = 0; n < g->files; n++)
		if (!resource_file(g->file[n].name))
			config_complain(
				c, g, g->file[n].line,
				"[guest %s]: the boot loader gave no file '%s'; give it, as in: "
				"module /path/%s name=%s",
				g->name, g->file[n].name, g->file[n].name, g->file[n].name);
}

void guests_setup(struct config *c)
{
	struct program *vmm = program_find(VMM_PROGRAM);
	long long wall = wall_at_boot();

	for (unsigned n = 0; n < c->guests; n++) {
		struct guest *g = &guests[guest_count++];

		g->config = &c->guest[n];
		g->unseen = &kept()->unseen[n];
		check_files(c, g->config);
		snprintf(g->config->arguments.text + g->config->arguments.length,
			 sizeof(g->config->arguments.text) - g->config->arguments.length,
			 "wall=%lld\n%s", wall, screen_possible() ? "display=yes\n" : "");
		if (g->config->memory > boot()->ram_bytes)
			config_complain(
				c, g->config, g->config->memory_line,
				"[guest %s]: memory = %llu MiB, but the machine has %llu MiB; "
				"make it smaller",
				g->config->name, (unsigned long long)g->config->memory >> 20,
				(unsigned long long)boot()->ram_bytes >> 20);
		if (vmm)
			g->instance = instance_new(g->config->name, vmm, g,
						   g->config->arguments.text);
	}
}

void guests_autostart(bool safe)
{
	const char *why;

	for (unsigned n = 0; n < guest_count; n++) {
		if (!guests[n].config->autostart)
			continue;
		why = safe ? "the boot option `safe` starts no guests" : guest_start(&guests[n]);
		if (!why)
			continue;
		log_line("guest %s is refused: %s", guests[n].config->name, why);
		if (console_attached() == &guests[n]) {
			console_printf("[guest %s is refused: %s]", guests[n].config->name, why);
			console_attach(NULL);
		}
	}
	finish_check();
}

/* Keys go to a guest that has a screen, or virtio's input. */
static bool wants_input(const struct guest *g)
{
	const char *text = g->config->arguments.text, *list = text;
	char value[64] = "", word[64];

	if (argument_find(text, CONFIG_ARGUMENTS, "screen", 0, value, sizeof(value)) > 0 && strcmp(value, "none"))
		return true;
	list = argument_find(text, CONFIG_ARGUMENTS, "virtio", 0, value, sizeof(value)) > 0 ? value : "";
	while (text_word(&list, word, sizeof(word)))
		if (!strcmp(word, "input"))
			return true;
	return false;
}

/* What it takes beside its RAM. Most of a screen's is never touched, but set aside. */
static uint64_t overhead(const struct guest *g)
{
	return VMM_OVERHEAD + (screen_possible() && wants_input(g) ? SCREEN_OVERHEAD : 0);
}

static const char *lack_of_memory(struct guest *g)
{
	static char text[160];
	struct info_memory info;

	if (sys_system_info(start_page()->system, INFO_MEMORY, 0, &info, sizeof(info)) < 0)
		return NULL;
	if (g->config->memory + overhead(g) <= info.free - info.reserved ||
	    info.reserved > info.free)
		return NULL;
	snprintf(text, sizeof(text),
		 "it needs %llu MiB (line %u) and %llu MiB are free; make it smaller or "
		 "stop another guest",
		 (unsigned long long)(g->config->memory + overhead(g)) >> 20,
		 g->config->memory_line, (unsigned long long)(info.free - info.reserved) >> 20);
	return text;
}

/* Not the guest's fault: this does not count as an end of the guest, so the shell stays. */
static const char *no_engine(void)
{
	static char text[192];

	if (boot()->engine_reason[0])
		return boot()->engine_reason;
	snprintf(text, sizeof(text),
		 "the processor (%.64s) has no hardware virtualization that Postern "
		 "can use",
		 boot()->cpu_name);
	return text;
}

static const char *refusal(struct guest *g)
{
	const struct graph_node *n;

	g->refused = g->config->bad;
	if (g->config->bad)
		return "its section in the configuration has errors, see `log`";
	if (!boot()->engine)
		return no_engine();
	g->refused = true;
	if (!g->instance)
		return "the image has no module 'vmm'";
	n = &graph.node[g->instance->program - programs];
	return n->chosen ? NULL : n->reason;
}

static void restart(struct timer *t);

/* What a guest that has ended leaves comes back when drivers and brokers have let go of it, too. */
static bool wait_for_memory(struct guest *g)
{
	if (clock_ns() >= memory_comes_until)
		return false;
	if (!g->restarting)
		log_line("guest %s starts as soon as there is memory", g->config->name);
	durable_touch();
	g->refused = false;
	g->restarting = g->lacks_memory = true;
	timer_set(&g->restart, clock_ns() + MEMORY_LOOK, restart);
	return true;
}

static void cancel_restart(struct guest *g)
{
	timer_cancel(&g->restart);
	g->restarting = g->start_asked = g->lacks_memory = false;
}

const char *guest_start(struct guest *g)
{
	const char *why;

	if (g->phase != PHASE_OFF && !g->ended)
		return "it is running";
	if (g->phase != PHASE_OFF) {
		durable_touch();
		g->start_asked = true;
		log_line("guest %s starts as soon as its VMM has ended", g->config->name);
		return NULL;
	}
	why = refusal(g);
	if (!why) {
		why = lack_of_memory(g);
		if (why && wait_for_memory(g))
			return NULL;
	}
	g->lacks_memory = false;
	if (why) {
		snprintf(g->ending, sizeof(g->ending), "refused: %s", why);
		return why;
	}
	if (g->instance->state != INST_DOWN)
		return "its VMM is still ending";
	durable_touch();
	g->refused = false;
	g->ended = g->stop_asked = false;
	g->started = clock_ns();
	cancel_restart(g);
	g->ending[0] = 0;
	g->first_ns = 0;
	g->resets = 0;
	g->phase = PHASE_STARTING;
	log_line("guest %s starts: %llu MiB, %u CPU%s", g->config->name,
		 (unsigned long long)g->config->memory >> 20, g->config->cpus,
		 g->config->cpus == 1 ? "" : "s");
	instance_start(g->instance);
	return NULL;
}

void guest_connect(struct guest *g)
{
	if (screen_possible() && wants_input(g))
		screen_connect_guest(g);
	if (g->config->console == PORT_NONE)
		return;
	if (!g->console) {
		g->console = link_new("console", g->instance, NULL, 0);
		if (g->console) {
			g->console->owner = g;
			g->console->changed = console_guest_changed;
		}
	}
	if (g->console)
		link_try(g->console);
}

bool guest_send(struct guest *g, const struct message *m)
{
	return g->phase != PHASE_OFF && instance_send(g->instance, m) > 0;
}

bool guest_command(struct guest *g, uint16_t kind, const char *text)
{
	struct message m = {.kind = kind};

	strlcpy(m.text, text, sizeof(m.text));
	return !g->ended && guest_send(g, &m);
}

bool guest_swap_rom(struct guest *g, const char *file)
{
	durable_touch();
	strlcpy(g->rom, file, sizeof(g->rom));
	return guest_command(g, MSG_GUEST_ROM, file);
}

bool guest_may_open(const struct guest *g, const char *file)
{
	return text_has_word(g->config->arguments.text, file) || !strcmp(g->rom, file);
}

static enum config_on policy(const struct guest *g)
{
	switch (g->how) {
	case END_POWER_OFF:
		return g->config->on_poweroff;
	case END_RESET:
		return g->config->on_reset;
	case END_FAULT:
		return g->config->on_crash;
	default:
		return ON_STOP;
	}
}

/* Its VMM may still be on its way out. */
bool guest_comes_back(const struct guest *g)
{
	return g->restarting || (g->ended && !g->stop_asked && g->phase != PHASE_OFF &&
				 policy(g) == ON_RESTART);
}

const char *guest_state(const struct guest *g)
{
	if (g->restarting && g->lacks_memory)
		return "waits for memory";
	if (guest_comes_back(g))
		return g->how == END_FAULT && !g->start_asked ? "crashed" : "restarting";
	return g->refused ? "refused" : g->ended ? "ended" : guest_phase_names[g->phase];
}

void guest_stop(struct guest *g)
{
	bool over = g->phase == PHASE_OFF || g->ended;

	durable_touch();
	if (guest_comes_back(g) || !over)
		g->stop_asked = true;
	cancel_restart(g);
	if (over)
		return;
	g->ended = true;
	g->how = END_STOPPED;
	snprintf(g->ending, sizeof(g->ending), "stopped from the shell");
	log_line("guest %s is stopped", g->config->name);
	instance_stop(g->instance);
}

/* --- ends -------------------------------------------------------------------------------------- */

static void log_end(const struct guest *g)
{
	const char *verb = g->how == END_FAULT ? "crashed" : "ended";

	if (g->how == END_REFUSED)
		verb = "died before it started";
	log_line("guest %s %s: %s", g->config->name, verb, g->ending);
}

static void restart(struct timer *t)
{
	struct guest *g = (struct guest *)((char *)t - offsetof(struct guest, restart));
	const char *why;

	durable_touch();
	why = guest_start(g);
	g->restarting = g->restarting && t->armed;
	if (why)
		log_line("guest %s does not start again: %s", g->config->name, why);
	finish_check();
}

/* Its VMM is gone, too. A guest that crashes again and again must not take the machine's time. */
static void over(struct guest *g)
{
	uint64_t wait = 0;

	g->phase = PHASE_OFF;
	memory_comes_until = clock_ns() + MEMORY_PATIENCE;
	if (g->start_asked || (g->ended && !g->stop_asked && policy(g) == ON_RESTART)) {
		if (!g->start_asked)
			wait = backoff_next(&g->backoff, clock_ns() - g->started);
		g->restarting = true;
		timer_set(&g->restart, clock_ns() + wait, restart);
		return;
	}
	finish_check();
}

/* The VMM told us of an end, and is still alive. */
static void follow(struct guest *g)
{
	enum config_on on = policy(g);

	if (on == ON_RESTART && g->how != END_FAULT) {
		g->ended = false;
		guest_command(g, MSG_GUEST_RESET, "");
		return;
	}
	if (on == ON_END)
		finish_by_guest(g);
	instance_stop(g->instance);
}

static void describe(struct guest *g)
{
	switch (g->how) {
	case END_POWER_OFF:
		snprintf(g->ending, sizeof(g->ending), "power-off");
		break;
	case END_DEBUG_EXIT:
		snprintf(g->ending, sizeof(g->ending), "debug exit with value 0x%x", g->value);
		break;
	case END_RESET:
		snprintf(g->ending, sizeof(g->ending), "reset");
		break;
	default:
		snprintf(g->ending, sizeof(g->ending), "%s",
			 g->instance->sentence[0] ? g->instance->sentence : "no reason given");
	}
}

/* CLOCK began a little after the boot loader jumped to us. */
static void log_first(const struct guest *g)
{
	const struct start_info *s = start_page();
	uint64_t before = (s->tsc_boot - boot()->entry_tsc) * 1000 / (s->tsc_khz ? s->tsc_khz : 1);
	uint64_t us = g->first_ns / NS_PER_US + (s->tsc_boot > boot()->entry_tsc ? before : 0);

	log_line("guest %s: first instruction %llu.%llu ms after Postern's own", g->config->name,
		 (unsigned long long)us / 1000, (unsigned long long)us / 100 % 10);
}

static void state_changed(struct guest *g, const struct message *m)
{
	static const enum guest_phase phases[] = {PHASE_STARTING, PHASE_RUNNING, PHASE_PAUSED};

	g->cpus = m->guest.cpus;
	g->resets = m->guest.resets;
	if (!g->first_ns && m->guest.first_ns) {
		g->first_ns = m->guest.first_ns;
		log_first(g);
	}
	if (m->guest.state < 3 && g->phase != PHASE_OFF && !g->ended)
		g->phase = phases[m->guest.state];
}

void guest_message(struct guest *g, const struct message *m)
{
	if (m->kind == MSG_GUEST_STATE) {
		state_changed(g, m);
		return;
	}
	if (m->kind == MSG_GUEST_TRACED) {
		trace_message(g, m);
		return;
	}
	if (m->kind == MSG_GUEST_ROM_DONE) {
		console_printf("guest %s: %s\n", g->config->name, g->instance->sentence);
		return;
	}
	if (g->ended || g->phase == PHASE_OFF || m->ended.how > END_REFUSED)
		return;
	g->ended = true;
	g->how = m->ended.how;
	g->value = m->ended.value;
	describe(g);
	log_end(g);
	follow(g);
}

void guest_vmm_died(struct guest *g, bool expected)
{
	if (!g->ended && !expected) {
		g->ended = true;
		g->how = END_FAULT;
		snprintf(g->ending, sizeof(g->ending), "its VMM %s",
			 g->instance->sentence[0] ? g->instance->sentence : "died");
		log_end(g);
		if (policy(g) == ON_END)
			finish_by_guest(g);
	}
	over(g);
}

/* --- another life of the manager --------------------------------------------------------------- */

static bool is_link(const struct link *l)
{
	return !l || (l >= links && l < links + LINKS_MAX);
}

bool guests_in_order(void)
{
	for (unsigned n = 0; n < GUESTS_MAX; n++) {
		const struct guest *g = &guests[n];
		bool there = n < guest_count;

		if (there != (g->config != NULL) || g->phase > PHASE_PAUSED || !is_link(g->console) ||
		    !is_link(g->input))
			return false;
		if (there && (g->instance && g->instance->guest != g))
			return false;
	}
	return true;
}

void guests_recover(void)
{
	for (unsigned n = 0; n < guest_count; n++) {
		struct kept_unseen *u = guests[n].unseen;

		durable_rearm(&guests[n].restart);
		if (u->at >= GUEST_UNSEEN || u->length > GUEST_UNSEEN)
			u->at = u->length = 0;
	}
}
