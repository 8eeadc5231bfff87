// SPDX-License-Identifier: GPL-2.0-only
/* Swap: replacing a module's program under its instance. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "log.h"
#include "resource.h"
#include "swap.h"
#include "syscalls.h"

struct swap {
	struct program old;
	bool begun; /* the old one's last life is over */
};

static char reason[192];

static const char *refuse(const char *format, const char *what)
{
	snprintf(reason, sizeof(reason), format, what);
	return reason;
}

static void drop_shared(struct program *p)
{
	for (unsigned n = 0; n < ELF64_SEGMENTS_MAX; n++)
		if (p->shared[n])
			sys_handle_close(p->shared[n]);
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
	i->swap = calloc(1, sizeof(*i->swap));
	if (!i->swap)
		return "no memory";
	i->swap->old = *i->program;
	*i->program = new;
	i->backoff.deaths = 0;
	take_over(i, i->swap);
	return NULL;
}

void swap_ready(struct instance *i)
{
	if (!i->swap)
		return;
	log_line("module %s: version %s of %s took the place of version %s", i->name,
		 i->program->manifest.version, i->program->file, i->swap->old.manifest.version);
	drop_shared(&i->swap->old);
	free(i->swap);
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
		 i->program->manifest.version, i->program->file, i->swap->old.manifest.version);
	drop_shared(i->program);
	*i->program = i->swap->old;
	free(i->swap);
	i->swap = NULL;
	i->given_up = false;
	i->backoff.deaths = 0;
}
