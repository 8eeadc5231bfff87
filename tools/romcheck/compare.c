// SPDX-License-Identifier: GPL-2.0-only
/* Compare: is a definition or a ROM the same, more, or something else than an older one? */
#include <string.h>
#include "check.h"

static void broken(struct comparison *c)
{
	c->relation = BREAKING;
}

static void added(struct comparison *c)
{
	if (c->relation == IDENTICAL)
		c->relation = SUPERSET;
}

#define BROKEN(c, call, ...) \
	(broken(c), finding(&(c)->list, "broken", call, (c)->list.count, __VA_ARGS__))
#define NEW(c, call, ...) (added(c), finding(&(c)->list, "new", call, (c)->list.count, __VA_ARGS__))

static const struct def_name *name_in(const struct def *d, const char *name)
{
	for (unsigned i = 0; i < d->names; i++)
		if (!strcmp(d->name[i].name, name))
			return &d->name[i];
	return NULL;
}

static void compare_names(const struct def *old, const struct def *now, struct comparison *c)
{
	for (unsigned i = 0; i < old->names; i++) {
		const struct def_name *n = name_in(now, old->name[i].name);

		if (!n)
			BROKEN(c, NO_CALL, "`%s' is gone", old->name[i].name);
		else if (strcmp(n->value, old->name[i].value))
			BROKEN(c, NO_CALL, "`%s' was %s, is %s", n->name, old->name[i].value,
			       n->value);
	}
	for (unsigned i = 0; i < now->names; i++)
		if (!name_in(old, now->name[i].name))
			NEW(c, NO_CALL, "`%s'", now->name[i].name);
}

static void compare_call(const struct def_call *o, const struct def_call *n, int number,
			 struct comparison *c)
{
	if (!o->present) {
		if (n->present)
			NEW(c, number, "call %d, %s", number, n->name);
	} else if (!n->present) {
		BROKEN(c, number, "call %d, %s, is gone", number, o->name);
	} else if (strcmp(o->name, n->name)) {
		BROKEN(c, number, "call %d was %s, is %s", number, o->name, n->name);
	} else if (o->in != n->in || o->out != n->out || o->changes != n->changes) {
		BROKEN(c, number, "call %d, %s: other registers", number, o->name);
	} else if (o->memory_any != n->memory_any || o->answers != n->answers ||
		   o->since != n->since) {
		BROKEN(c, number, "call %d, %s: other memory, answers or age", number, o->name);
	} else if (o->may != n->may) {
		BROKEN(c, number, "call %d, %s: made of other instructions", number, o->name);
	}
}

void compare_defs(const struct def *old, const struct def *now, struct comparison *c)
{
	memset(c, 0, sizeof(*c));
	if (old->major != now->major)
		BROKEN(c, NO_CALL, "major version %u was %u", now->major, old->major);
	else if (now->minor < old->minor)
		BROKEN(c, NO_CALL, "minor version %u was %u", now->minor, old->minor);
	compare_names(old, now, c);
	for (int i = 0; i < DEF_CALLS; i++)
		compare_call(&old->call[i], &now->call[i], i, c);
	if (now->minor > old->minor)
		added(c);
}

void compare_roms(const struct report *old, const struct report *now, struct comparison *c)
{
	memset(c, 0, sizeof(*c));
	if (!old->asked || !now->asked) {
		BROKEN(c, NO_CALL, "the %s ROM does not answer", old->asked ? "new" : "old");
		return;
	}
	if (old->rom.major != now->rom.major || now->rom.minor < old->rom.minor)
		BROKEN(c, NO_CALL, "API version %u.%u was %u.%u", now->rom.major, now->rom.minor,
		       old->rom.major, old->rom.minor);
	else if (now->rom.minor > old->rom.minor)
		NEW(c, NO_CALL, "API version %u.%u was %u.%u", now->rom.major, now->rom.minor,
		    old->rom.major, old->rom.minor);
	for (int n = 0; n < NUMBERS; n++) {
		unsigned o = old->answer[n].type, t = now->answer[n].type;

		if (o == t)
			continue;
		if (o == ANSWER_NONE)
			NEW(c, n, "call %d is answered %s", n, def_answer_name(t));
		else
			BROKEN(c, n, "call %d was answered %s, is answered %s", n,
			       def_answer_name(o), def_answer_name(t));
	}
}
