// SPDX-License-Identifier: GPL-2.0-only
/* VMI calls of a guest whose ROM traces them, for the shell: asked of its VMM piece by piece. */
#include <string.h>
#include <postern/gateway.h>
#include "clock.h"
#include "console.h"
#include "guest.h"
#include "shell.h"
#include "timer.h"

#define ANSWER_NS (20 * NS_PER_S)

static struct {
	struct guest *guest; /* NULL: nobody is asked */
	uint32_t what, next, got; /* got: answers to the question that is out */
	bool asked, over;
	uint64_t shown, lost;
	struct timer deadline;
} trace;

/* Its expiry wakes the shell, which looks again. */
static void expired(struct timer *t)
{
}

static void show(const struct message *m)
{
	trace.shown++;
	if (m->trace.what == TRACE_COUNTS)
		console_printf("VMI %12llu %3u\n", (unsigned long long)m->trace.count, m->trace.call);
	else
		console_printf("VMI %u: %u %3u %08x %08x %08x %08x\n", m->trace.index, m->trace.cpu, m->trace.call,
			       m->trace.eax, m->trace.edx, m->trace.ecx, m->trace.stack);
}

void trace_message(struct guest *g, const struct message *m)
{
	if (g != trace.guest || !trace.asked)
		return;
	if (g->instance->messages)
		g->instance->messages--; /* what was asked for is no flood */
	if (m->trace.what == TRACE_END) {
		trace.over = true;
		trace.lost = m->trace.count;
		return;
	}
	show(m);
	trace.next = m->trace.index + 1;
	if (++trace.got == TRACE_AT_ONCE)
		trace.asked = false;
}

static bool ask(void)
{
	struct message m = {.kind = MSG_GUEST_TRACE, .trace = {.what = trace.what, .index = trace.next}};

	if (!guest_send(trace.guest, &m))
		return false;
	trace.asked = true;
	trace.got = 0;
	timer_set(&trace.deadline, clock_ns() + ANSWER_NS, expired);
	return true;
}

static bool step(void)
{
	if (!trace.over && trace.deadline.armed && (trace.asked || !console_room()))
		return false;
	if (!trace.over && !trace.asked && trace.deadline.armed && ask())
		return false;
	timer_cancel(&trace.deadline);
	if (!trace.over)
		console_printf("guest %s does not answer\n", trace.guest->config->name);
	else if (!trace.shown)
		console_printf("guest %s has reported no VMI calls: has it a ROM that traces?\n",
			       trace.guest->config->name);
	else if (trace.lost)
		console_printf("VMI: %llu more found no place\n", (unsigned long long)trace.lost);
	trace.guest = NULL;
	return true;
}

static void trace_command(int count, char **words)
{
	struct guest *g = guest_find(words[1]);

	if (!g) {
		console_printf("no guest '%s'; `guests` lists them\n", words[1]);
		return;
	}
	memset(&trace, 0, sizeof(trace));
	trace.guest = g;
	trace.what = count > 2 && !strcmp(words[2], "calls") ? TRACE_RECORDS : TRACE_COUNTS;
	if (ask())
		shell_wait(step);
	else
		console_printf("guest %s is not running\n", words[1]);
}

const struct command shell_trace_commands[] = {
	{"trace", "GUEST [calls]", "VMI calls by number, or in order", 1, 2, trace_command},
	{NULL, NULL, NULL, 0, 0, NULL},
};
