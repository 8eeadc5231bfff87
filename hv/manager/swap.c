// SPDX-License-Identifier: GPL-2.0-only
/* Swap: replacing a module's program under its instance. */
#include <stdio.h>
#include <string.h>
#include "durable.h"
#include "log.h"
#include "resource.h"
#include "swap.h"
#include "syscalls.h"

#define SWAPS_MAX 8

struct swap {
	bool used;
	bool begun; /* the old one's last life is over */
	char version[16]; /* of the old one */
	struct program_store old;
};

DURABLE static struct swap swaps[SWAPS_MAX];
static char reason[192];

static const char *refuse(const char *format, const char *what)
{
	snprintf(reason, sizeof(reason), format, what);
	return reason;
}

static void drop_shared(struct program_store *p)
{
	for (unsigned n = 0; n < ELF64_SEGMENTS_MAX; n++)
		durable_close(p->shared[n]);
}

static struct swap *swap_new(const struct program *p)
{
	for (unsigned n = 0; n < SWAPS_MAX; n++) {
		if (swaps[n].used)
			continue;
		swaps[n] = (struct swap){.used = true, .old = *program_store(p)};
		memcpy(swaps[n].version, p->manifest.version, sizeof(swaps[n].version));
		return &swaps[n];
	}
	return NULL;
}

/* May `new` stand where `old` stands: the same name, at least its services, nobody else's hardware? */
static const char *judge(const struct program *new, const struct program *old)
{
	const struct manifest *held[INSTANCES_MAX];
	static char why[GRAPH_REASON];
	unsigned count = 0;

	if (strcmp(new->manifest.name, old->manifest.name))
		return refuse("it is the module '%s'", new->manifest.name);
	for (unsigned n = 0; n < old->manifest.provides.count; n++)
		if (!manifest_has(&new->manifest.provides, old->manifest.provides.name[n]))
			return refuse("it does not provide '%s'", old->manifest.provides.name[n]);
	for (unsigned n = 0; n < new->manifest.requires.count; n++)
		if (graph_provider(&graph, new->manifest.requires.name[n], old - programs) < 0)
			return refuse("nobody provides '%s'", new->manifest.requires.name[n]);
	for (unsigned n = 0; n < INSTANCES_MAX; n++)
		if (instances[n].used && instances[n].state != INST_DOWN && !instances[n].guest &&
		    instances[n].program != old)
			held[count++] = &instances[n].program->manifest;
	return graph_refused(&new->manifest, held, count, why, sizeof(why));
}

static void take_over(struct instance *i, const struct swap *s)
{
	if (i->state == INST_STARTING || i->state == INST_READY) {
		instance_kill(i, "replaced by version %s", i->program->manifest.version);
		return;
	}
	i->swap->begun = true;
	if (i->state == INST_BACKOFF || i->state == INST_FAILED || i->state == INST_DOWN)
		instance_start(i);
}

const char *swap_begin(struct instance *i, const char *file)
{
	const struct boot_module *f = resource_file(file);
	struct program new = {.file = file};
	const char *why;
	char error[160];

	if (i->guest || i->program->manifest.start == START_GUEST)
		return "it runs once for each guest";
	if (i->swap)
		return "it is being replaced already";
	if (i->state == INST_STOPPING || i->state == INST_ENDING)
		return "it is ending, try again";
	new.data = f ? resource_map_file(f) : NULL;
	if (!new.data)
		return refuse("the boot loader gave no file '%s'", file);
	new.bytes = f->bytes;
	new.file = f->name;
	if (!program_read(&new, error, sizeof(error)))
		return refuse("%s", error);
	why = judge(&new, i->program);
	if (why)
		return why;
	i->swap = swap_new(i->program);
	if (!i->swap)
		return "too many others are being replaced";
	new.archived = i->program->archived;
	*i->program = new;
	*program_store(i->program) = (struct program_store){0};
	snprintf(program_store(i->program)->file, sizeof(program_store(i->program)->file), "%s", f->name);
	durable_touch();
	i->backoff.deaths = 0;
	durable_point();
	take_over(i, i->swap);
	return NULL;
}

void swap_ready(struct instance *i)
{
	if (!i->swap)
		return;
	log_line("module %s: version %s of %s took the place of version %s", i->name,
		 i->program->manifest.version, i->program->file, i->swap->version);
	drop_shared(&i->swap->old);
	i->swap->used = false;
	i->swap = NULL;
}

void swap_life_ended(struct instance *i)
{
	if (!i->swap)
		return;
	if (!i->swap->begun) {
		i->swap->begun = true;
		return;
	}
	log_line("module %s: version %s of %s did not become ready: back to version %s", i->name,
		 i->program->manifest.version, i->program->file, i->swap->version);
	drop_shared(program_store(i->program));
	*program_store(i->program) = i->swap->old;
	program_reread(i->program);
	i->swap->used = false;
	i->swap = NULL;
	i->given_up = false;
	i->backoff.deaths = 0;
}

bool swap_in_order(const struct swap *s)
{
	return !s || (s >= swaps && s < swaps + SWAPS_MAX && ((uintptr_t)s - (uintptr_t)swaps) % sizeof(*s) == 0);
}

void swap_handles(durable_name *mark)
{
	for (unsigned n = 0; n < SWAPS_MAX; n++)
		for (unsigned k = 0; swaps[n].used && k < ELF64_SEGMENTS_MAX; k++)
			mark(swaps[n].old.shared[k]);
}
