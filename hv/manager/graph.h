/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Graph: which module gets its services from which, and in what order they start. Pure.
 *
 * A class has one provider. A module that requires the class it provides specialises it: it gets
 * the service from the plain provider, and everybody else gets it from the specialist.
 */
#ifndef MANAGER_GRAPH_H
#define MANAGER_GRAPH_H

#include "manifest.h"

#define GRAPH_MODULES_MAX 24
#define GRAPH_REASON 160

struct graph_node {
	const struct manifest *manifest;
	bool wanted;   /* start it, and what it requires */
	bool excluded; /* without=NAME, `safe`, a broken manifest */
	/* Results. */
	bool chosen; /* is to be started */
	bool failed; /* was wanted, cannot be */
	char reason[GRAPH_REASON]; /* why it failed or is excluded (the latter set by the caller) */
	int provider[MANIFEST_CLASSES_MAX];	 /* node of requires[i]; -1 none */
	int uses_provider[MANIFEST_CLASSES_MAX]; /* of uses[i], when it is chosen too */
};

struct graph {
	unsigned nodes, chosen;
	struct graph_node node[GRAPH_MODULES_MAX];
	unsigned order[GRAPH_MODULES_MAX]; /* the chosen ones, providers first */
};

void graph_resolve(struct graph *g);
/* The node of that module name or -1. */
int graph_find(const struct graph *g, const char *name);
/* Who provides the class to node `client` (-1: to an outsider, as the manager): node or -1. */
int graph_provider(const struct graph *g, const char *class_, int client);
/* Are the rights that the manifest asks for ones that a module may have, and free? NULL, or writes
 * why not and returns reason. `others`: manifests that hold theirs already. */
const char *graph_refused(const struct manifest *m, const struct manifest *const *others,
			  unsigned count, char *reason, size_t size);

#endif
