/* SPDX-License-Identifier: GPL-2.0-only */
/* Program: a module's file in the archive: manifest, load plan, and the memory that its lives
 * share. */
#ifndef MANAGER_PROGRAM_H
#define MANAGER_PROGRAM_H

#include <stdint.h>
#include "elf64.h"
#include "graph.h"

struct program {
	const char *file; /* name in the archive */
	const void *data;
	size_t bytes;
	struct manifest manifest;
	struct elf64_plan plan;
	/* Memory objects of segments that nobody writes, made once and mapped into every life. */
	uint32_t shared[ELF64_SEGMENTS_MAX];
};

extern struct graph graph; /* node i is program i */
extern struct program programs[GRAPH_MODULES_MAX];

/* Reads the archive; a file that is no module is logged and left out. */
void programs_read(const void *archive, size_t bytes);
/* p->data and bytes -> manifest and plan. False: error says why. */
bool program_read(struct program *p, char *error, size_t size);
struct program *program_find(const char *name);

/* The module's section of the configuration, as `key=value` lines; NULL: it has none. */
const char *program_arguments(const char *name);

#endif
