// SPDX-License-Identifier: GPL-2.0-only
/* Program: finds the modules in the archive. */
#include <stdio.h>
#include <string.h>
#include <postern/manifest.h>
#include <postern/start.h>
#include "archive.h"
#include "log.h"
#include "program.h"
#include "resource.h"

struct graph graph;
struct program programs[GRAPH_MODULES_MAX];
DURABLE struct program_store program_stores[GRAPH_MODULES_MAX];

bool program_read(struct program *p, char *error, size_t size)
{
	const char *why = NULL;
	const void *text;
	size_t length;

	if (elf64_plan(p->data, p->bytes, MODULE_BASE, PROGRAM_END, &p->plan, &why)) {
		snprintf(error, size, "%s", why);
		return false;
	}
	if (elf64_note(p->data, p->bytes, MANIFEST_OWNER, MANIFEST_TYPE, &text, &length)) {
		snprintf(error, size, "it has no manifest");
		return false;
	}
	return !manifest_parse(text, length, &p->manifest, error, size);
}

static bool take(struct program *p)
{
	char error[160];

	if (!program_read(p, error, sizeof(error))) {
		log_line("module file %s refused: %s", p->file, error);
		return false;
	}
	if (graph_find(&graph, p->manifest.name) >= 0) {
		log_line("module file %s refused: there is a module '%s' already", p->file,
			 p->manifest.name);
		return false;
	}
	return true;
}

void programs_read(const void *archive, size_t bytes)
{
	struct archive_file file;
	size_t position = 0;
	int ret;

	while ((ret = archive_next(archive, bytes, &position, &file)) > 0) {
		struct program *p = &programs[graph.nodes];

		if (!file.bytes || !strcmp(file.name, "manager") || !strcmp(file.name, "keeper"))
			continue;
		if (graph.nodes == GRAPH_MODULES_MAX) {
			log_line("module file %s left out: more than %d modules", file.name,
				 GRAPH_MODULES_MAX);
			continue;
		}
		*p = (struct program){.file = file.name, .data = file.data, .bytes = file.bytes, .archived = file};
		if (take(p))
			graph.node[graph.nodes++].manifest = &p->manifest;
	}
	if (ret < 0)
		log_line("the archive of modules is damaged at byte %zu", position);
}

struct program *program_find(const char *name)
{
	int i = graph_find(&graph, name);

	return i < 0 ? NULL : &programs[i];
}

bool program_reread(struct program *p)
{
	const char *file = program_store(p)->file;
	const struct boot_module *f = file[0] ? resource_file(file) : NULL;
	struct program new = {.file = p->archived.name, .data = p->archived.data, .bytes = p->archived.bytes,
			      .archived = p->archived};
	char error[160] = "the boot loader gave no such file";

	if (f) {
		new.file = f->name;
		new.data = resource_map_file(f);
		new.bytes = f->bytes;
	}
	if ((file[0] && !f) || !new.data || !program_read(&new, error, sizeof(error))) {
		log_line("module %s: file %s cannot be read again: %s", p->manifest.name, file, error);
		return false;
	}
	*p = new;
	return true;
}

void programs_recover(void)
{
	for (unsigned n = 0; n < graph.nodes; n++)
		if (program_stores[n].file[0])
			program_reread(&programs[n]);
}

void programs_handles(durable_name *mark)
{
	for (unsigned n = 0; n < GRAPH_MODULES_MAX; n++)
		for (unsigned k = 0; k < ELF64_SEGMENTS_MAX; k++)
			mark(program_stores[n].shared[k]);
}
