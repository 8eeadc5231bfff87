// SPDX-License-Identifier: GPL-2.0-only
/*
 * Config: the parser of the configuration file. A pure function: text in, struct config out.
 *
 * Values are checked by the key's table entry and kept in canonical form as `key=value` lines,
 * which is also how they travel to a VMM; the few that the manager needs itself are picked from
 * there at the end.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "argument.h"
#include "config.h"
#include "config_keys.h"

/* Where the parser stands. */
struct section {
	enum { IN_NOTHING, IN_POSTERN, IN_GUEST, IN_MODULE, IN_UNKNOWN } kind;
	struct guest_config *guest;
	struct module_config *module;
	struct config_arguments *arguments;
	struct config_arguments postern;
};

static void complain(struct config *c, struct guest_config *g, unsigned line, const char *format,
		     va_list args)
{
	if (g)
		g->bad = true;
	if (c->errors < CONFIG_ERRORS_MAX) {
		c->error[c->errors].line = line;
		vsnprintf(c->error[c->errors].text, CONFIG_ERROR_TEXT, format, args);
	}
	c->errors++;
}

void config_complain(struct config *c, struct guest_config *g, unsigned line, const char *format,
		     ...)
{
	va_list args;

	va_start(args, format);
	complain(c, g, line, format, args);
	va_end(args);
}

static void wrong(struct config *c, struct section *s, unsigned line, const char *format, ...)
{
	va_list args;

	if (s->kind == IN_MODULE)
		s->module->bad = true;
	va_start(args, format);
	complain(c, s->kind == IN_GUEST ? s->guest : NULL, line, format, args);
	va_end(args);
}

struct guest_config *config_find_guest(struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->guests; i++)
		if (!strcmp(c->guest[i].name, name))
			return &c->guest[i];
	return NULL;
}

struct module_config *config_find_module(struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->modules; i++)
		if (!strcmp(c->module[i].name, name))
			return &c->module[i];
	return NULL;
}

static bool append(struct config_arguments *a, const char *key, const char *value)
{
	size_t room = sizeof(a->text) - a->length;
	int n = snprintf(a->text + a->length, room, "%s=%s\n", key, value);

	if (n < 0 || (size_t)n >= room) {
		a->text[a->length] = 0;
		return false;
	}
	a->length += n;
	return true;
}

static bool lookup(const struct config_arguments *a, const char *key, char *to, size_t size)
{
	return argument_find(a->text, sizeof(a->text), key, 0, to, size) >= 0;
}

static uint64_t number_of(const struct config_arguments *a, const char *key)
{
	char text[24];
	uint64_t n = 0;

	if (!lookup(a, key, text, sizeof(text)) || !text_number(text, &n))
		return 0;
	return n;
}

static int choice_of(const struct config_arguments *a, const char *key, const char *choices)
{
	char text[24];

	return lookup(a, key, text, sizeof(text)) ? text_choice(text, choices) : -1;
}

static int port_of(const struct config_arguments *a, const char *key, int otherwise)
{
	int n = choice_of(a, key, "com1|com2|com3|com4|none|shell");

	return n < 0 ? otherwise : n == 4 ? PORT_NONE : n == 5 ? PORT_SHELL : n;
}

/* --- the end of a section: defaults, and what the manager itself wants to know ----------------- */

static bool fill_defaults(struct config_arguments *a, const struct key *table)
{
	char value[32];
	bool fits = true;

	for (const struct key *k = table; k->name; k++)
		if (k->otherwise && !lookup(a, k->name, NULL, 0) &&
		    key_check(k, k->otherwise, value, sizeof(value)))
			fits &= append(a, k->name, value);
	return fits;
}

static void finish_guest(struct config *c, struct guest_config *g)
{
	struct config_arguments *a = &g->arguments;
	bool kernel = lookup(a, "kernel", NULL, 0), multiboot = lookup(a, "multiboot", NULL, 0);

	if (!fill_defaults(a, config_guest_keys))
		config_complain(c, g, g->line,
				"[guest %s] is longer than %d bytes; shorten `append`", g->name,
				CONFIG_ARGUMENTS);
	if (kernel == multiboot)
		config_complain(c, g, g->line, "[guest %s] needs %s of `kernel` and `multiboot`",
				g->name, kernel ? "only one" : "one");
	if (kernel && lookup(a, "module", NULL, 0))
		config_complain(
			c, g, g->line,
			"[guest %s]: `module` goes with `multiboot`; use `initrd` with `kernel`",
			g->name);
	if (multiboot && lookup(a, "initrd", NULL, 0))
		config_complain(
			c, g, g->line,
			"[guest %s]: `initrd` goes with `kernel`; use `module` with `multiboot`",
			g->name);
	g->memory = number_of(a, "memory");
	g->cpus = number_of(a, "cpus");
	g->console = port_of(a, "console", PORT_SHELL);
	g->autostart = choice_of(a, "autostart", "no|yes") == 1;
	g->pass_debug_exit = choice_of(a, "debug-exit-end", "no|machine") == 1;
	g->on_poweroff = choice_of(a, "on-poweroff", "stop|restart|end");
	g->on_reset = choice_of(a, "on-reset", "stop|restart|end");
	g->on_crash = choice_of(a, "on-crash", "stop|restart|end");
}

static void finish_postern(struct config *c, struct config_arguments *a)
{
	fill_defaults(a, config_postern_keys);
	c->shell = port_of(a, "shell", 0);
	c->log = port_of(a, "log", c->shell);
	c->quiet = choice_of(a, "log-level", "normal|quiet") == 1;
	c->end = choice_of(a, "end", "never|first-guest|all-guests");
	c->dma_strict = choice_of(a, "dma", "any|strict") == 1;
	c->heartbeat_ms = number_of(a, "heartbeat");
	lookup(a, "attach", c->attach, sizeof(c->attach));
	lookup(a, "safe", c->safe, sizeof(c->safe));
	lookup(a, "without", c->without, sizeof(c->without));
}

static void finish_section(struct config *c, struct section *s)
{
	if (s->kind == IN_GUEST)
		finish_guest(c, s->guest);
	if (s->kind == IN_MODULE) {
		s->module->autostart = choice_of(s->arguments, "autostart", "no|yes");
		if (s->module->autostart < 0 && lookup(s->arguments, "autostart", NULL, 0))
			wrong(c, s, s->module->line, "autostart is yes or no");
	}
	s->kind = IN_NOTHING;
}

/* --- sections ---------------------------------------------------------------------------------- */

static void begin_guest(struct config *c, struct section *s, const struct text_line *l)
{
	s->kind = IN_UNKNOWN;
	if (!text_is_name(l->value, GUEST_NAME_MAX)) {
		wrong(c, s, l->number,
		      "a guest's name has 1 to %d letters, digits, - or _: [guest NAME]",
		      GUEST_NAME_MAX);
		return;
	}
	if (config_find_guest(c, l->value)) {
		wrong(c, s, l->number, "there is a guest '%s' already in line %u; rename one",
		      l->value, config_find_guest(c, l->value)->line);
		return;
	}
	if (c->guests == GUESTS_MAX) {
		wrong(c, s, l->number, "more than %d guests; leave [guest %s] out", GUESTS_MAX,
		      l->value);
		return;
	}
	s->kind = IN_GUEST;
	s->guest = &c->guest[c->guests++];
	memset(s->guest, 0, sizeof(*s->guest));
	snprintf(s->guest->name, sizeof(s->guest->name), "%.*s", GUEST_NAME_MAX, l->value);
	s->guest->line = s->guest->memory_line = l->number;
	s->arguments = &s->guest->arguments;
}

static void begin_module(struct config *c, struct section *s, const struct text_line *l)
{
	s->kind = IN_UNKNOWN;
	if (!text_is_name(l->value, 15)) {
		wrong(c, s, l->number, "a module's section is [module NAME]");
		return;
	}
	if (config_find_module(c, l->value) || c->modules == CONFIG_MODULES_MAX) {
		wrong(c, s, l->number, "%s; merge or leave out [module %s]",
		      c->modules == CONFIG_MODULES_MAX ? "too many module sections"
						       : "this module has a section already",
		      l->value);
		return;
	}
	s->kind = IN_MODULE;
	s->module = &c->module[c->modules++];
	memset(s->module, 0, sizeof(*s->module));
	snprintf(s->module->name, sizeof(s->module->name), "%.15s", l->value);
	s->module->line = l->number;
	s->arguments = &s->module->arguments;
}

static void begin_section(struct config *c, struct section *s, const struct text_line *l)
{
	finish_section(c, s);
	if (!strcmp(l->key, "guest")) {
		begin_guest(c, s, l);
	} else if (!strcmp(l->key, "module")) {
		begin_module(c, s, l);
	} else if (!strcmp(l->key, "postern") && !l->value[0]) {
		s->kind = IN_POSTERN;
		s->arguments = &s->postern;
	} else {
		s->kind = IN_UNKNOWN;
		wrong(c, s, l->number,
		      "unknown section [%s%s%s]; known: [postern], [guest NAME], [module NAME]",
		      l->key, l->value[0] ? " " : "", l->value);
	}
}

/* --- keys -------------------------------------------------------------------------------------- */

static void note_file(struct config *c, struct guest_config *g, const struct text_line *l)
{
	struct config_file *f;

	if (g->files == CONFIG_FILES_MAX) {
		config_complain(c, g, l->number, "[guest %s] names more than %d files", g->name,
				CONFIG_FILES_MAX);
		return;
	}
	f = &g->file[g->files++];
	f->line = l->number;
	snprintf(f->name, sizeof(f->name), "%.47s", l->value);
	f->name[strcspn(f->name, " \t")] = 0;
}

static void unknown_key(struct config *c, struct section *s, const struct key *table,
			const struct text_line *l)
{
	const struct key *guess = key_guess(table, l->key);

	wrong(c, s, l->number, "unknown key '%s'%s%s%s; docs: include/postern/config.h", l->key,
	      guess ? "; did you mean '" : "", guess ? guess->name : "", guess ? "'?" : "");
}

static void checked_pair(struct config *c, struct section *s, const struct key *table,
			 const struct text_line *l)
{
	const struct key *k = key_find(table, l->key);
	char value[TEXT_VALUE_MAX + 1];

	if (!k) {
		unknown_key(c, s, table, l);
		return;
	}
	if (!k->repeat && lookup(s->arguments, l->key, NULL, 0)) {
		wrong(c, s, l->number, "'%s' stands here a second time; leave one out", l->key);
		return;
	}
	if (!key_check(k, l->value, value, sizeof(value))) {
		wrong(c, s, l->number, "%s = %.40s: the value must be %s", l->key, l->value, value);
		return;
	}
	if (!append(s->arguments, l->key, value))
		wrong(c, s, l->number, "the section is longer than %d bytes; shorten it",
		      CONFIG_ARGUMENTS);
	if (s->kind == IN_GUEST && k->kind == KEY_FILE)
		note_file(c, s->guest, l);
	if (s->kind == IN_GUEST && k->kind == KEY_SIZE)
		s->guest->memory_line = l->number;
}

static void read_pair(struct config *c, struct section *s, const struct text_line *l)
{
	switch (s->kind) {
	case IN_POSTERN:
		checked_pair(c, s, config_postern_keys, l);
		break;
	case IN_GUEST:
		checked_pair(c, s, config_guest_keys, l);
		break;
	case IN_MODULE:
		if (!append(s->arguments, l->key, l->value))
			wrong(c, s, l->number, "the section is longer than %d bytes; shorten it",
			      CONFIG_ARGUMENTS);
		break;
	case IN_NOTHING:
		wrong(c, s, l->number, "'%s' stands before any section; begin with [postern] or "
				       "[guest NAME]", l->key);
		break;
	case IN_UNKNOWN: /* its section was complained about */
		break;
	}
}

static void check_attach(struct config *c)
{
	if (c->attach[0] && !config_find_guest(c, c->attach)) {
		config_complain(c, NULL, 0, "attach = %s: there is no such guest", c->attach);
		c->attach[0] = 0;
	}
}

void config_defaults(struct config *c)
{
	struct config_arguments none = {0, ""};

	memset(c, 0, sizeof(*c));
	finish_postern(c, &none);
}

void config_parse(struct config *c, const char *text, size_t bytes)
{
	struct section s;
	struct text_line l;
	struct text t;

	memset(c, 0, sizeof(*c));
	memset(&s, 0, sizeof(s));
	if (bytes > CONFIG_BYTES_MAX) {
		config_complain(c, NULL, 0, "longer than %d bytes; the rest is not read",
				CONFIG_BYTES_MAX);
		bytes = CONFIG_BYTES_MAX;
	}
	text_open(&t, text, bytes);
	while (text_next(&t, &l) != TEXT_END) {
		if (l.kind == TEXT_SECTION)
			begin_section(c, &s, &l);
		else if (l.kind == TEXT_PAIR)
			read_pair(c, &s, &l);
		else
			wrong(c, &s, l.number, "%s", l.error);
	}
	finish_section(c, &s);
	finish_postern(c, &s.postern);
	check_attach(c);
}

void config_add_guest(struct config *c, const char *name, const char *keys)
{
	struct section s;
	struct text_line l;
	struct text t;

	memset(&s, 0, sizeof(s));
	memset(&l, 0, sizeof(l));
	snprintf(l.value, sizeof(l.value), "%s", name);
	begin_guest(c, &s, &l);
	text_open(&t, keys, strlen(keys));
	while (text_next(&t, &l) != TEXT_END)
		if (l.kind == TEXT_PAIR)
			read_pair(c, &s, &l);
	finish_section(c, &s);
}
