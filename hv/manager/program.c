// SPDX-License-Identifier: GPL-2.0-only
/* Program: finds the modules in the archive. */
#include <stdio.h>
#include <string.h>
#include <postern/manifest.h>
#include <postern/start.h>
#include "archive.h"
#include "log.h"
#include "program.h"

/* Programs are linked at MODULE_BASE and end long before their mappings begin. */
#define PROGRAM_END 0x40000000ull

struct graph graph;
struct program programs[GRAPH_MODULES_MAX];

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

		if (!file.bytes || !strcmp(file.name, "manager"))
			continue;
		if (graph.nodes == GRAPH_MODULES_MAX) {
			log_line("module file %s left out: more than %d modules", file.name,
				 GRAPH_MODULES_MAX);
			continue;
		}
		*p = (struct program){.file = file.name, .data = file.data, .bytes = file.bytes};
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
