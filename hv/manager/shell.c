// SPDX-License-Identifier: GPL-2.0-only
/* Shell: finds and runs the command of a line. */
#include <stdio.h>
#include <string.h>
#include "console.h"
#include "durable.h"
#include "line.h"
#include "shell.h"
#include "text.h"

static const struct command *const tables[] = {
	shell_guest_commands,
	shell_module_commands,
	shell_machine_commands,
	shell_pci_commands,
	shell_trace_commands,
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

#define DEADLY "module kill manager" /* whoever types that knows */

static bool (*waiting)(void);
DURABLE static char running[LINE_BYTES + 1]; /* "": nothing does */

void shell_wait(bool (*step)(void))
{
	waiting = step;
}

bool shell_step(void)
{
	if (waiting && waiting())
		waiting = NULL;
	if (!waiting && running[0]) {
		running[0] = 0;
		durable_changed(running, 1);
	}
	return !waiting;
}

void shell_recover(void (*say)(const char *format, ...))
{
	if (running[0])
		say("the manager died: `%s` may not have been carried out", running);
	running[0] = 0;
	durable_touch();
}

bool shell_waits(void)
{
	return waiting;
}

static const struct command *find(const char *name)
{
	for (unsigned t = 0; t < TABLES; t++)
		for (const struct command *c = tables[t]; c->name; c++)
			if (!strcmp(c->name, name))
				return c;
	return NULL;
}

static const struct command *guess(const char *name)
{
	const struct command *best = NULL;
	unsigned least = 3, distance;

	for (unsigned t = 0; t < TABLES; t++)
		for (const struct command *c = tables[t]; c->name; c++) {
			distance = text_distance(name, c->name);
			if (distance < least) {
				least = distance;
				best = c;
			}
		}
	return best;
}

static void help(void)
{
	for (unsigned t = 0; t < TABLES; t++)
		for (const struct command *c = tables[t]; c->name; c++) {
			char usage[48];

			snprintf(usage, sizeof(usage), "%s %s", c->name, c->arguments);
			console_printf("  %-30s %s\n", usage, c->about);
		}
	console_printf("  %-30s %s\n", "Ctrl-]", "between the shell and the guest attached last");
}

void shell_run(char *text)
{
	char *words[WORDS_MAX];
	const struct command *c;
	int count;

	strlcpy(running, strncmp(text, DEADLY, strlen(DEADLY)) ? text : "", sizeof(running));
	durable_changed(running, sizeof(running));
	durable_commit(); /* a command that ends the manager is not run again by the next */
	count = line_split(text, words);
	if (!count)
		return;
	if (count < 0) {
		console_printf("too many words, or a quote that is not closed\n");
		return;
	}
	if (!strcmp(words[0], "help") || !strcmp(words[0], "?")) {
		help();
		return;
	}
	c = find(words[0]);
	if (!c) {
		c = guess(words[0]);
		console_printf("no command '%s'%s%s%s; `help` lists them\n", words[0],
			       c ? "; did you mean '" : "", c ? c->name : "", c ? "'?" : "");
	} else if (count - 1 < c->least || count - 1 > c->most) {
		console_printf("usage: %s %s\n", c->name, c->arguments);
	} else {
		console_hear();
		c->run(count, words);
		durable_touch();
	}
}
