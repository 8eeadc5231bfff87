// SPDX-License-Identifier: GPL-2.0-only
/*
 * Finish: ends the machine.
 *
 * The terminals are drained first, for at most DRAIN_NS. Power-off is the acpi module's work;
 * without one, or when it does not manage, the machine is reset, which an emulator started with
 * -no-reboot takes for an end.
 */
#include "clock.h"
#include "console.h"
#include "durable.h"
#include "finish.h"
#include "init.h"
#include "log.h"
#include "module.h"
#include "ring.h"
#include "syscalls.h"

#define DRAIN_NS (3 * NS_PER_S)
#define STEP_NS (5 * NS_PER_MS)
#define POWER_OFF_NS (4 * NS_PER_S)
#define DEBUG_EXIT_PORT 0xf4 /* of QEMU's isa-debug-exit */

static enum config_end policy;
DURABLE static bool finishing, asked, acpi_wanted;
DURABLE static enum finish_how wanted_how;
DURABLE static uint32_t wanted_value;
DURABLE static uint64_t deadline;
DURABLE static unsigned quiet_steps;
DURABLE static struct timer timer;

void finish_setup(enum config_end end)
{
	policy = end;
}

/* At the beginning of a machine's life the module may still be starting: then asked again. */
static void ask_acpi(void)
{
	struct instance *i = link_provider("acpi");
	struct message m = {.kind = ACPI_POWER_OFF, .id = 1};
	struct link *l;

	acpi_wanted = i && (i->state == INST_STARTING || i->state == INST_WAITING);
	if (!i || i->state != INST_READY) {
		if (!acpi_wanted)
			deadline = 0;
		return;
	}
	l = link_new("acpi", NULL, i, 0);
	if (!l)
		return;
	link_try(l);
	if (l->up && msg_put(&l->rpc->to_server, &m) > 0)
		link_signal(l);
}

static void debug_exit(uint8_t value)
{
	if (sys_port_grant(start_page()->system, HANDLE_SELF, DEBUG_EXIT_PORT, 1) >= 0)
		port_out8(DEBUG_EXIT_PORT, value);
}

static void act(void)
{
	switch (wanted_how) {
	case FINISH_DEBUG_EXIT:
		debug_exit(wanted_value);
		log_line("the machine has no debug-exit device at port 0x%x; power-off instead",
			 (unsigned)DEBUG_EXIT_PORT);
		wanted_how = FINISH_POWER_OFF;
		/* fall through */
	case FINISH_POWER_OFF:
		deadline = clock_ns() + POWER_OFF_NS;
		ask_acpi();
		break;
	case FINISH_REBOOT:
		deadline = 0;
		break;
	}
	asked = true;
}

/* Drained means: for a few steps in a row, so that the device's own queue is empty, too. */
static void step(struct timer *t)
{
	uint64_t now = clock_ns();

	durable_touch();
	if (asked) {
		if (acpi_wanted)
			ask_acpi();
		if (now >= deadline)
			sys_system_control(start_page()->system, CTL_RESET, 0);
	} else {
		quiet_steps = console_drained() ? quiet_steps + 1 : 0;
		if (quiet_steps > 3 || now >= deadline)
			act();
	}
	timer_set(t, now + STEP_NS, step);
}

void finish(enum finish_how how, uint32_t value)
{
	static const char *const words[] = {"power-off", "reboot", "debug exit"};

	if (finishing)
		return;
	finishing = true;
	durable_touch();
	wanted_how = how;
	wanted_value = value;
	log_line("machine ends: %s", words[how]);
	deadline = clock_ns() + DRAIN_NS;
	timer_set(&timer, clock_ns() + STEP_NS, step);
}

void finish_by_guest(const struct guest *g)
{
	if (g->how == END_DEBUG_EXIT && g->config->pass_debug_exit)
		finish(FINISH_DEBUG_EXIT, g->value);
	else
		finish(FINISH_POWER_OFF, 0);
}

/* The first guest in the order of the configuration whose value is to be passed on decides. */
static void finish_all(void)
{
	for (unsigned n = 0; n < guest_count; n++) {
		if (guests[n].ended && guests[n].how == END_DEBUG_EXIT &&
		    guests[n].config->pass_debug_exit) {
			finish_by_guest(&guests[n]);
			return;
		}
	}
	finish(FINISH_POWER_OFF, 0);
}

void finish_check(void)
{
	unsigned over = 0, on = 0;

	for (unsigned n = 0; n < guest_count; n++) {
		const struct guest *g = &guests[n];

		if (g->phase != PHASE_OFF || g->restarting)
			on++;
		else if ((g->ended && !g->stop_asked) || g->refused)
			over++;
		if (policy == END_NEVER && g->phase == PHASE_OFF && g->ended &&
		    g->how == END_DEBUG_EXIT && g->config->pass_debug_exit)
			finish_by_guest(g);
	}
	if (over && (policy == END_FIRST_GUEST || (policy == END_ALL_GUESTS && !on)))
		finish_all();
}

void finish_recover(void)
{
	durable_rearm(&timer);
}
