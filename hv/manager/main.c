// SPDX-License-Identifier: GPL-2.0-only
/*
 * Manager: finds the modules, resolves who needs whom, starts them, watches them, and runs the
 * configured guests and the shell. The keeper (keeper.c) starts it, and starts it again when it dies; what the next
 * life is to know is committed between the rounds of the main loop (durable.h).
 */
#include <stdio.h>
#include <string.h>
#include <postern/manifest.h>
#include "clock.h"
#include "console.h"
#include "devices.h"
#include "durable.h"
#include "finish.h"
#include "guest.h"
#include "init.h"
#include "instance.h"
#include "kept.h"
#include "link.h"
#include "log.h"
#include "recover.h"
#include "resource.h"
#include "screen.h"
#include "syscalls.h"
#include "text.h"
#include "timer.h"

MODULE_MANIFEST("name = manager\n"
		"version = 1.0\n"
		"licence = GPL-2.0-only\n"
		"about = starts, connects and watches all other modules\n"
		"start = boot\n"
		"safe = yes\n");

#define SIGN_OF_LIFE NS_PER_S /* one at least, for the keeper */

static struct config config;

static bool word_in(const char *list, const char *name)
{
	char word[64];

	while (text_word(&list, word, sizeof(word)))
		if (!strcmp(word, name))
			return true;
	return false;
}

/* --- what to start ----------------------------------------------------------------------------- */

static void exclude(struct graph_node *n, const char *why)
{
	n->excluded = true;
	snprintf(n->reason, sizeof(n->reason), "%s", why);
}

/* without=A,B on the boot command line, or the configuration's list. */
static bool left_out(const char *name)
{
	char option[128];

	if (word_in(config.without, name))
		return true;
	for (unsigned n = 0; boot_option("without", n, option, sizeof(option)); n++) {
		for (char *c = option; *c; c++)
			if (*c == ',')
				*c = ' ';
		if (word_in(option, name))
			return true;
	}
	return false;
}

static void check_rights(void)
{
	const struct manifest *held[GRAPH_MODULES_MAX];
	unsigned count = 0;
	char reason[GRAPH_REASON];

	for (unsigned i = 0; i < graph.nodes; i++) {
		struct graph_node *n = &graph.node[i];

		if (n->excluded || n->manifest->start == START_NEVER)
			continue;
		if (graph_refused(n->manifest, held, count, reason, sizeof(reason))) {
			exclude(n, reason);
			log_line("module %s %s", n->manifest->name, reason);
			continue;
		}
		held[count++] = n->manifest;
	}
}

static void choose_modules(void)
{
	char none[4];
	bool safe = boot_option("safe", 0, none, sizeof(none));

	for (unsigned i = 0; i < graph.nodes; i++) {
		struct graph_node *n = &graph.node[i];
		const struct module_config *c = config_find_module(&config, n->manifest->name);

		n->wanted = n->manifest->start == START_BOOT;
		if (c && c->autostart >= 0)
			n->wanted = c->autostart;
		if (left_out(n->manifest->name))
			exclude(n, "left out by `without`");
		else if (safe && !n->manifest->safe && !word_in(config.safe, n->manifest->name))
			exclude(n, "not in the safe set");
		else if (c && c->bad)
			exclude(n, "its section in the configuration has errors");
		/* What VMMs require has to be there before the first guest. */
		if (n->manifest->start == START_GUEST && config.guests && !n->excluded)
			n->wanted = true;
	}
	check_rights();
	graph_resolve(&graph);
}

const char *program_arguments(const char *name)
{
	const struct module_config *c = config_find_module(&config, name);

	return c ? c->arguments.text : NULL;
}

static void start_modules(void)
{
	for (unsigned i = 0; i < graph.nodes; i++)
		if (graph.node[i].failed && graph.node[i].wanted)
			log_line("module %s cannot start: it %s", graph.node[i].manifest->name,
				 graph.node[i].reason);
	for (unsigned i = 0; i < graph.chosen; i++) {
		struct program *p = &programs[graph.order[i]];

		if (p->manifest.start != START_GUEST)
			instance_new(p->manifest.name, p, NULL, program_arguments(p->manifest.name));
	}
	for (unsigned n = 0; n < INSTANCES_MAX; n++)
		if (instances[n].used && !instances[n].guest)
			instance_start(&instances[n]);
}

static void connect_terminals(void)
{
	struct instance *i = link_provider("console");

	if (i)
		terminals_connect(i);
	else
		log_line("no module provides 'console': no shell, no guest consoles");
}

/* --- configuration ----------------------------------------------------------------------------- */

static bool looks_like_kernel(const struct boot_module *f)
{
	const unsigned char *at = f->bytes > 0x210 ? resource_map_file(f) : NULL;

	return at && (!memcmp(at + 0x202, "HdrS", 4) || !memcmp(at, "\x7f""ELF", 4));
}

/* Somebody loaded a kernel, an initial ram disk perhaps, and no configuration: that is clear
 * enough. */
static void guess_guest(void)
{
	const struct boot_info *b = boot();
	char keys[512], quoted[256];
	size_t n = 0, q = 0;
	uint64_t memory = b->ram_bytes / 2 >> 20;

	if (!b->modules || b->modules > 2 || !looks_like_kernel(&b->module[0]))
		return;
	for (const char *c = b->module[0].arguments; *c && q < sizeof(quoted) - 2; c++) {
		if (*c == '"' || *c == '\\')
			quoted[q++] = '\\';
		quoted[q++] = *c;
	}
	quoted[q] = 0;
	n = snprintf(keys, sizeof(keys), "kernel = %s\nmemory = %lluM\nappend = \"%s\"\n",
		     b->module[0].name, (unsigned long long)(memory > 1024 ? 1024 : memory),
		     quoted);
	if (b->modules == 2)
		snprintf(keys + n, sizeof(keys) - n, "initrd = %s\n", b->module[1].name);
	config_add_guest(&config, "guest", keys);
	snprintf(config.attach, sizeof(config.attach), "guest");
	log_line("no configuration: %s looks like a kernel and becomes guest 'guest'",
		 b->module[0].name);
}

static const char *read_config(void)
{
	static char name[64];
	const struct boot_module *f;
	const void *text;

	if (!boot_option("config", 0, name, sizeof(name)))
		snprintf(name, sizeof(name), CONFIG_FILE);
	f = resource_file(name);
	text = f ? resource_map_file(f) : NULL;
	if (text) {
		config_parse(&config, text, f->bytes);
		return name;
	}
	config_defaults(&config);
	if (strcmp(name, CONFIG_FILE))
		log_line("%s: the boot loader gave no such file; continuing without configuration",
			 name);
	guess_guest();
	return name;
}

static void check_names(const char *key, const char *list)
{
	char word[64];

	while (text_word(&list, word, sizeof(word)))
		if (!program_find(word))
			config_complain(&config, NULL, 0, "%s: the image has no module '%s'", key,
					word);
}

/* Modules are named in the configuration, too: a slip there must not pass in silence. */
static void check_modules(void)
{
	for (unsigned n = 0; n < config.modules; n++)
		if (!program_find(config.module[n].name))
			config_complain(&config, NULL, config.module[n].line,
					"[module %s]: the image has no such module; `modules` in the "
					"shell lists them", config.module[n].name);
	check_names("safe", config.safe);
	check_names("without", config.without);
}

static void log_config_errors(const char *file)
{
	for (unsigned i = 0; i < config.errors && i < CONFIG_ERRORS_MAX; i++) {
		if (config.error[i].line)
			log_line("%s:%u: %s", file, config.error[i].line, config.error[i].text);
		else
			log_line("%s: %s", file, config.error[i].text);
	}
	if (config.errors > CONFIG_ERRORS_MAX)
		log_line("%s: %u more errors", file, config.errors - CONFIG_ERRORS_MAX);
}

static bool read_archive(void)
{
	int error;
	const void *at = space_map_phys(boot()->archive_phys, boot()->archive_bytes, &error);

	if (!at) {
		log_line("the archive of modules cannot be mapped: error %d", -error);
		return false;
	}
	programs_read(at, boot()->archive_bytes);
	return true;
}

/* --- a life ------------------------------------------------------------------------------------ */

/* All that follows from archive and configuration: the same in every life. */
static const char *set_up(void)
{
	const char *file = read_config();

	choose_modules();
	guests_setup(&config);
	check_modules();
	finish_setup(config.end);
	console_setup(&config);
	devices_strict = config.dma_strict;
	return file;
}

static void begin(const char *file)
{
	char none[4];

	log_config_errors(file);
	start_modules();
	connect_terminals();
	screen_setup(config.quiet);
	instances_watch(config.heartbeat_ms);
	guests_autostart(boot_option("safe", 0, none, sizeof(none)));
	durable_touch();
}

static void go_on(void)
{
	recover_sweep();
	recover();
	screen_recover(config.quiet);
	instances_watch(config.heartbeat_ms);
	console_pump(); /* what was said while nobody was there: nothing else may wake us for a second */
	durable_settle();
}

static void hang(void)
{
	for (;;)
		clock_sleep(clock_ns() + NS_PER_S);
}

static void serve(uint64_t bits)
{
	for (unsigned n = 0; n < INSTANCES_MAX; n++)
		if (bits & 1ull << n)
			instance_serve(&instances[n]);
}

/* A round. The state is in order between its steps, and what one of them lets go is free for the next. */
static void round(void)
{
	uint64_t until = clock_ns() + SIGN_OF_LIFE;
	int64_t bits = sys_event_wait(start_page()->event, ~0ull >> 1, timer_next() < until ? timer_next() : until);

	kept()->beat++;
	if (bits > 0)
		serve(bits);
	durable_settle();
	timer_run(clock_ns());
	console_pump();
	durable_settle();
	if (kept()->test == TEST_HANG)
		hang();
}

int main(void)
{
	const char *file;
	int state;

	if (kept()->test == TEST_FAIL_STARTS || !read_archive())
		return 1;
	file = set_up();
	state = recover_load();
	if (state < 0)
		return MANAGER_REFUSES;
	if (state) {
		go_on();
	} else {
		recover_sweep(); /* of a life that ended before it committed anything */
		begin(file);
	}
	for (;;)
		round();
}
