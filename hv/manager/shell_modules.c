// SPDX-License-Identifier: GPL-2.0-only
/* Shell commands for modules and resources. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "console.h"
#include "devices.h"
#include "init.h"
#include "instance.h"
#include "kept.h"
#include "lack.h"
#include "link.h"
#include "shell.h"
#include "swap.h"
#include "syscalls.h"

static void join(const struct manifest_list *list, char *to, size_t size)
{
	size_t n = 0;

	to[0] = 0;
	for (unsigned i = 0; i < list->count && n < size; i++)
		n += snprintf(to + n, size - n, "%s%s", i ? " " : "", list->name[i]);
}

static void show_program(unsigned index)
{
	const struct program *p = &programs[index];
	const struct graph_node *node = &graph.node[index];
	const struct instance *i = instance_of(p);
	char provides[64], requires[64], why[LACK_TEXT];

	join(&p->manifest.provides, provides, sizeof(provides));
	join(&p->manifest.requires, requires, sizeof(requires));
	console_printf("%-12s %-7s %-10s life %-3u provides [%s] requires [%s] %s\n",
		       p->manifest.name, p->manifest.version,
		       i ? instance_state_names[i->state]
			 : p->manifest.start == START_GUEST ? "per guest" : "not started",
		       i ? i->incarnation : 0, provides, requires, i ? i->status : "");
	if (node->excluded || node->failed)
		console_printf("             %s\n", node->reason);
	if (i && i->sentence[0])
		console_printf("             %s\n", i->sentence);
	if (i && i->state == INST_WAITING && lack_of_any(i, &p->manifest.requires, why, sizeof(why)))
		console_printf("             waits for %s\n", why);
}

static void modules_command(int count, char **words)
{
	console_printf("%-12s %-7s %-10s life %-3u\n", "manager", "1.0", "ready", start_page()->incarnation);
	for (unsigned n = 0; n < graph.nodes; n++)
		show_program(n);
	for (unsigned n = 0; n < INSTANCES_MAX; n++)
		if (instances[n].used && instances[n].guest && instances[n].task)
			console_printf("%-12s vmm     %-10s life %-3u for guest %s\n",
				       instances[n].name, instance_state_names[instances[n].state],
				       instances[n].incarnation, instances[n].name);
}

static void show_rights(const struct instance *i)
{
	const struct manifest *m = &i->program->manifest;
	char rights[80];

	console_printf("%-12s %s\n", i->name, instance_state_names[i->state]);
	for (unsigned n = 0; n < m->ports; n++)
		console_printf("  ports 0x%x+%u\n", (unsigned)m->port[n].first,
			       (unsigned)m->port[n].count);
	for (unsigned n = 0; n < m->irqs; n++)
		console_printf("  interrupt %u\n", m->irq[n].gsi);
	devices_show(i);
	manifest_rights_text(m->rights, rights, sizeof(rights));
	if (rights[0])
		console_printf("  rights %s\n", rights);
}

static void resources_command(int count, char **words)
{
	for (unsigned n = 0; n < INSTANCES_MAX; n++)
		if (instances[n].used)
			show_rights(&instances[n]);
	console_printf("services\n");
	for (unsigned n = 0; n < LINKS_MAX; n++) {
		const struct link *l = &links[n];

		if (l->used)
			console_printf("  %-10s %s -> %s%s%s, port %u, generation %u, %s\n", l->class_,
				       l->client ? l->client->name : "manager",
				       l->server ? l->server->name : "manager",
				       l->home ? " by " : "", l->home ? l->home->name : "", l->port,
				       l->generation, l->up ? "up" : "down");
	}
}

static struct instance *need(const char *name)
{
	struct instance *i = instance_find(name);

	if (!i)
		console_printf("no module '%s' was started; `modules` lists them\n", name);
	return i;
}

static void module_start_command(const char *name)
{
	struct program *p = program_find(name);
	struct instance *i = p ? instance_of(p) : NULL;
	const struct manifest *held[INSTANCES_MAX];
	char reason[GRAPH_REASON], why[LACK_TEXT];
	unsigned count = 0;

	if (!p || p->manifest.start == START_GUEST) {
		console_printf(p ? "module %s runs once for each guest\n"
				 : "no module '%s' in the image\n", name);
		return;
	}
	for (unsigned n = 0; n < INSTANCES_MAX; n++)
		if (instances[n].used && instances[n].state != INST_DOWN && !instances[n].guest)
			held[count++] = &instances[n].program->manifest;
	if (graph_refused(&p->manifest, held, count, reason, sizeof(reason))) {
		console_printf("module %s %s\n", name, reason);
		return;
	}
	if (!i)
		i = instance_new(name, p, NULL, program_arguments(name));
	if (i) {
		i->backoff.deaths = 0;
		instance_start(i);
	}
	if (i && i->state == INST_WAITING)
		console_printf("module %s waits for %s\n", name,
			       lack_of_any(i, &p->manifest.requires, why, sizeof(why)) ? why : "what it requires");
}

static void module_swap_command(struct instance *i, const char *file)
{
	const char *why = swap_begin(i, file);

	if (why)
		console_printf("module %s is not replaced by %s: %s\n", i->name, file, why);
}

/* Tests its next life. Without peace: the keeper does it, at once or in so many ms, whatever goes on; or it ends
 * itself at the Nth place from now where that may hurt. */
static void manager_kill_command(const char *how)
{
	uint64_t ms = how ? strtoull(how, NULL, 0) : 0;

	if (how && !strncmp(how, "at=", 3)) {
		kept()->points = strtoull(how + 3, NULL, 0);
		return;
	}
	if (how && !strcmp(how, "hang")) {
		kept()->test = TEST_HANG;
		return;
	}
	if (how && !strcmp(how, "always"))
		kept()->test = TEST_FAIL_STARTS;
	__atomic_store_n(&kept()->kill_at, clock_ns() + ms * NS_PER_MS + 1, __ATOMIC_RELAXED);
	sys_event_signal(kept()->keeper);
}

static void module_command(int count, char **words)
{
	struct instance *i;

	if (!strcmp(words[1], "kill") && !strcmp(words[2], "manager")) {
		manager_kill_command(count > 3 ? words[3] : NULL);
		return;
	}
	if (!strcmp(words[1], "start")) {
		module_start_command(words[2]);
		return;
	}
	i = need(words[2]);
	if (!i)
		return;
	i->backoff.deaths = 0; /* somebody looks after it */
	if (!strcmp(words[1], "swap") && count == 4)
		module_swap_command(i, words[3]);
	else if (!strcmp(words[1], "kill"))
		instance_kill(i, "from the shell");
	else if (!strcmp(words[1], "stop"))
		instance_stop(i);
	else if (!strcmp(words[1], "restart") && i->task)
		instance_kill(i, "restarted from the shell");
	else if (!strcmp(words[1], "restart"))
		instance_start(i);
	else
		console_printf("usage: module start|stop|kill|restart NAME, module swap NAME FILE\n");
}

static void send_command(int count, char **words)
{
	struct message m = {.kind = MSG_COMMAND};
	struct instance *i = need(words[1]);
	size_t n = 0;

	if (!i)
		return;
	for (int w = 2; w < count && n < sizeof(m.text); w++)
		n += snprintf(m.text + n, sizeof(m.text) - n, "%s%s", w > 2 ? " " : "", words[w]);
	if (n >= sizeof(m.text))
		console_printf("longer than %d bytes\n", MESSAGE_TEXT - 1);
	else if (instance_send(i, &m) <= 0)
		console_printf("module %s does not take it: it is %s\n", i->name,
			       instance_state_names[i->state]);
}

/* The broker of a class answers in the log. */
static void ask_broker(const char *class_, const char *text)
{
	struct message m = {.kind = MSG_COMMAND};
	struct instance *i = link_provider(class_);

	snprintf(m.text, sizeof(m.text), "%s", text);
	if (!i || instance_send(i, &m) <= 0)
		console_printf("no broker of '%s' is there\n", class_);
}

static void disks_command(int count, char **words)
{
	ask_broker("disk", words[0]);
}

static void nics_command(int count, char **words)
{
	ask_broker("nic", words[0]);
}

const struct command shell_module_commands[] = {
	{"modules", "", "modules and their state", 0, 0, modules_command},
	{"resources", "", "who has which rights and services", 0, 0, resources_command},
	{"module", "start|stop|kill|restart NAME, swap NAME FILE", "", 2, 3, module_command},
	{"disks", "", "disks of the machine", 0, 0, disks_command},
	{"volumes", "", "what disks hold, and who uses it", 0, 0, disks_command},
	{"networks", "", "which network cards reach each other", 0, 0, nics_command},
	{"nics", "", "network cards of the machine and of guests, what was dropped and why", 0, 0, nics_command},
	{"send", "MODULE TEXT", "a command for a module", 2, 15, send_command},
	{NULL, NULL, NULL, 0, 0, NULL},
};
