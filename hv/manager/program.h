/* SPDX-License-Identifier: GPL-2.0-only */
/* Program: a module's file in the archive: manifest, load plan, and the memory that its lives
 * share. */
#ifndef MANAGER_PROGRAM_H
#define MANAGER_PROGRAM_H

#include <stdint.h>
#include "archive.h"
#include "durable.h"
#include "elf64.h"
#include "graph.h"

struct program {
	const char *file; /* name in the archive, or of the boot file that took its place */
	const void *data;
	size_t bytes;
	struct manifest manifest;
	struct elf64_plan plan;
	struct archive_file archived;
};

/* What the manager's next life is to know of it. */
struct program_store {
	/* Memory objects of segments that nobody writes, made once and mapped into every life. */
	uint32_t shared[ELF64_SEGMENTS_MAX];
	char file[64]; /* the boot file; "": the archive's */
};

extern struct graph graph; /* node i is program i */
extern struct program programs[GRAPH_MODULES_MAX];
extern struct program_store program_stores[GRAPH_MODULES_MAX];

static inline struct program_store *program_store(const struct program *p)
{
	return &program_stores[p - programs];
}

/* Reads the archive; a file that is no module is logged and left out. */
void programs_read(const void *archive, size_t bytes);
/* p->data and bytes -> manifest and plan. False: error says why. */
bool program_read(struct program *p, char *error, size_t size);
struct program *program_find(const char *name);
/* From the file that its store names. False: as before. */
bool program_reread(struct program *p);
/* After a recovery: those that were replaced are read again. */
void programs_recover(void);
void programs_handles(durable_name *mark);

/* The module's section of the configuration, as `key=value` lines; NULL: it has none. */
const char *program_arguments(const char *name);

#endif
