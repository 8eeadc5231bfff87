// SPDX-License-Identifier: GPL-2.0-only
/* Def: reads a definition. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "def.h"

#define WORDS 12
#define LINE 400

static const char *const may_names[MAY_COUNT] = {
	"cpuid", "wrmsr", "rdmsr", "lgdt",    "lldt", "lidt", "ltr",	"sgdt",	  "sldt",  "sidt",
	"str",	 "cr0",	  "cr2",   "cr3",     "cr4",  "dr",   "wbinvd", "rdpmc",  "rdtsc", "clts",
	"sti",	 "cli",	  "iret",  "sysexit", "hlt",  "in",   "out",	"invlpg", "pause",
};
static const char *const register_names[R_COUNT] = {"eax", "ecx", "edx",   "ebx", "esp", "ebp",
						    "esi", "edi", "flags", "s4",  "s8"};
static const char *const answer_names[ANSWERS] = {"none", "call", "jump", "nop"};

const char *def_may_name(unsigned bit)
{
	return bit < MAY_COUNT ? may_names[bit] : "?";
}

const char *def_answer_name(unsigned answer)
{
	return answer < ANSWERS ? answer_names[answer] : "?";
}

const char *def_register_name(unsigned reg)
{
	return reg < R_COUNT ? register_names[reg] : "?";
}

static int fail(struct def_error *e, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	return -1;
}

/* Words of a comma list as bits; `-` is none, `c` what a C function may change. */
static int set_of(const char *list, const char *const *names, unsigned count, uint32_t *bits)
{
	size_t n;

	*bits = 0;
	if (!strcmp(list, "-"))
		return 0;
	if (names == register_names && !strcmp(list, "c")) {
		*bits = 1 << R_EAX | 1 << R_ECX | 1 << R_EDX | 1 << R_FLAGS;
		return 0;
	}
	for (;; list += n + 1) {
		unsigned i = 0;

		n = strcspn(list, ",");
		while (i < count && (strlen(names[i]) != n || strncmp(names[i], list, n)))
			i++;
		if (i == count)
			return -1;
		*bits |= 1u << i;
		if (!list[n])
			return 0;
	}
}

static bool number(const char *text, unsigned long max, unsigned long *v)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*v = strtoul(text, &end, 0);
	return !*end && *v <= max;
}

static int call_line(struct def *d, char **w, unsigned words, struct def_error *e)
{
	uint32_t in, out, changes, answers, may;
	unsigned long n, since;
	struct def_call *c;

	if (words != 10)
		return fail(e, "a call has 9 words after it, not %u", words - 1);
	if (!number(w[1], DEF_CALLS - 1, &n) || !number(w[9], 255, &since))
		return fail(e, "bad number");
	c = &d->call[n];
	if (c->present)
		return fail(e, "call %lu is there already", n);
	if (strlen(w[2]) >= DEF_NAME)
		return fail(e, "the name is too long");
	if (set_of(w[3], register_names, R_COUNT, &in) ||
	    set_of(w[4], register_names, R_COUNT, &out) ||
	    set_of(w[5], register_names, R_COUNT, &changes))
		return fail(e, "call %lu: no such register", n);
	if (strcmp(w[6], "any") && strcmp(w[6], "stack"))
		return fail(e, "call %lu: memory is any or stack", n);
	if (set_of(w[7], answer_names, ANSWERS, &answers) || !answers)
		return fail(e, "call %lu: no such answer", n);
	if (set_of(w[8], may_names, MAY_COUNT, &may))
		return fail(e, "call %lu: no such instruction", n);
	*c = (struct def_call){.present = true,
			       .memory_any = w[6][0] == 'a',
			       .in = in,
			       .out = out,
			       .changes = changes,
			       .answers = answers,
			       .may = may,
			       .since = since};
	strcpy(c->name, w[2]);
	if (n >= d->calls)
		d->calls = n + 1;
	return 0;
}

static int name_line(struct def *d, char **w, unsigned words, struct def_error *e)
{
	/* How many words name the thing; the others are its value. */
	unsigned key = !strcmp(w[0], "field") || !strcmp(w[0], "const") ? 3
		       : !strcmp(w[0], "licence")			? words
									: 2;
	struct def_name *n = &d->name[d->names];

	if (!strcmp(w[0], "rom"))
		key = 1;
	if (d->names == DEF_NAMES)
		return fail(e, "more than %u names", DEF_NAMES);
	if (words < key || words > 6 || (words < 2))
		return fail(e, "%s: wrong number of words", w[0]);
	memset(n, 0, sizeof(*n));
	for (unsigned i = 0; i < words; i++) {
		char *to = i < key ? n->name : n->value;
		size_t size = i < key ? sizeof(n->name) : sizeof(n->value), used = strlen(to);

		if (used + strlen(w[i]) + 2 > size)
			return fail(e, "%s: a word is too long", w[0]);
		snprintf(to + used, size - used, "%s%s", used ? " " : "", w[i]);
	}
	for (unsigned i = 0; i < d->names; i++)
		if (!strcmp(d->name[i].name, n->name))
			return fail(e, "%s is there already", n->name);
	d->names++;
	return 0;
}

static int statement(struct def *d, char *line, struct def_error *e)
{
	static const char *const kinds[] = {"rom",  "signature", "licence",
					    "size", "field",	 "const"};
	char *w[WORDS], *save, *comment = strchr(line, '#'), *text;
	unsigned words = 0;
	unsigned long major, minor;

	if (comment)
		*comment = 0;
	text = strstr(line, " : ");
	if (text)
		*text = 0;
	for (char *p = strtok_r(line, " \t\r", &save); p; p = strtok_r(NULL, " \t\r", &save)) {
		if (words == WORDS)
			return fail(e, "more than %u words", WORDS);
		w[words++] = p;
	}
	if (!words)
		return 0;
	if (!strcmp(w[0], "abi")) {
		if (words != 3 || !number(w[1], 255, &major) || !number(w[2], 255, &minor))
			return fail(e, "abi MAJOR MINOR");
		d->major = major;
		d->minor = minor;
		return 0;
	}
	if (!strcmp(w[0], "call"))
		return call_line(d, w, words, e);
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(w[0], kinds[i]))
			return name_line(d, w, words, e);
	return fail(e, "no statement begins with `%.20s'", w[0]);
}

int def_parse(const char *text, size_t bytes, struct def *d, struct def_error *error)
{
	char line[LINE];
	size_t at = 0;

	memset(d, 0, sizeof(*d));
	error->line = 0;
	while (at < bytes) {
		const char *end = memchr(text + at, '\n', bytes - at);
		size_t n = end ? (size_t)(end - text) - at : bytes - at;

		error->line++;
		if (n >= LINE)
			return fail(error, "the line is longer than %u bytes", LINE - 1);
		if (memchr(text + at, 0, n))
			return fail(error, "not a text");
		memcpy(line, text + at, n);
		line[n] = 0;
		if (statement(d, line, error))
			return -1;
		at += n + 1;
	}
	if (!d->major)
		return fail(error, "no `abi MAJOR MINOR'");
	if (!d->calls)
		return fail(error, "no calls");
	return 0;
}
