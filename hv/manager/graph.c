// SPDX-License-Identifier: GPL-2.0-only
/*
 * Graph: resolves what modules provide and require.
 *
 * Depth first from every wanted module: a module is chosen once all that it requires is. A module
 * met again while it is being visited closes a cycle.
 */
#include <stdio.h>
#include <string.h>
#include "graph.h"

enum visit { UNSEEN, VISITING, DONE };

struct walk {
	struct graph *g;
	enum visit state[GRAPH_MODULES_MAX];
	unsigned path[GRAPH_MODULES_MAX], depth;
};

int graph_find(const struct graph *g, const char *name)
{
	for (unsigned i = 0; i < g->nodes; i++)
		if (g->node[i].manifest && !strcmp(g->node[i].manifest->name, name))
			return i;
	return -1;
}

/* Providers of a class of one kind, specialists or plain ones: how many, and the first two. */
static unsigned providers(const struct graph *g, const char *class_, bool specialist, int found[2])
{
	unsigned count = 0;

	for (unsigned i = 0; i < g->nodes; i++) {
		const struct graph_node *n = &g->node[i];

		if (!n->manifest || n->excluded || n->failed || n->manifest->start == START_NEVER)
			continue;
		if (!manifest_has(&n->manifest->provides, class_) ||
		    manifest_has(&n->manifest->requires, class_) != specialist)
			continue;
		if (count < 2)
			found[count] = i;
		count++;
	}
	return count;
}

/* -1 none, -2 two of them (in found). */
static int choose(const struct graph *g, const char *class_, int client, int found[2])
{
	bool specialises = client >= 0 &&
			   manifest_has(&g->node[client].manifest->provides, class_);
	unsigned count = 0;

	if (!specialises)
		count = providers(g, class_, true, found);
	if (!count)
		count = providers(g, class_, false, found);
	return count == 0 ? -1 : count == 1 ? found[0] : -2;
}

int graph_provider(const struct graph *g, const char *class_, int client)
{
	int found[2], p = choose(g, class_, client, found);

	return p < 0 ? -1 : p;
}

static int fail(struct graph_node *n, const char *format, const char *a, const char *b,
		const char *c)
{
	n->failed = true;
	snprintf(n->reason, sizeof(n->reason), format, a, b, c);
	return -1;
}

static int excluded_provider(const struct graph *g, const char *class_)
{
	for (unsigned i = 0; i < g->nodes; i++)
		if (g->node[i].manifest && g->node[i].excluded &&
		    manifest_has(&g->node[i].manifest->provides, class_))
			return i;
	return -1;
}

static int fail_missing(struct graph *g, struct graph_node *n, const char *class_)
{
	int out = excluded_provider(g, class_);

	if (out >= 0)
		return fail(n, "requires '%s', whose provider '%s' is left out: %s", class_,
			    g->node[out].manifest->name, g->node[out].reason);
	return fail(n, "requires '%s', which no module provides%s%s", class_, "", "");
}

static int fail_cycle(struct walk *w, unsigned again)
{
	struct graph_node *n = &w->g->node[again];
	char cycle[96] = "";
	size_t length = 0;
	unsigned i = w->depth;

	while (i && w->path[i - 1] != again)
		i--;
	for (i = i ? i - 1 : 0; i < w->depth && length < sizeof(cycle); i++)
		length += snprintf(cycle + length, sizeof(cycle) - length, "%s -> ",
				   w->g->node[w->path[i]].manifest->name);
	return fail(n, "requires itself in a cycle: %s%s%s", cycle, n->manifest->name, "");
}

static int visit(struct walk *w, unsigned index)
{
	struct graph_node *n = &w->g->node[index];
	const struct manifest_list *needs = &n->manifest->requires;
	int found[2], p;

	if (n->failed)
		return -1;
	if (n->excluded)
		return fail(n, "is left out%s%s%s", n->reason[0] ? ": " : "", "", "");
	if (w->state[index] == DONE)
		return 0;
	if (w->state[index] == VISITING)
		return fail_cycle(w, index);
	w->state[index] = VISITING;
	w->path[w->depth++] = index;
	for (unsigned i = 0; i < needs->count; i++) {
		p = choose(w->g, needs->name[i], index, found);
		if (p == -1)
			return fail_missing(w->g, n, needs->name[i]);
		if (p == -2)
			return fail(
				n,
				"requires '%s', which both '%s' and '%s' provide; leave one out "
				"with without=NAME",
				needs->name[i], w->g->node[found[0]].manifest->name,
				w->g->node[found[1]].manifest->name);
		if (visit(w, p) < 0)
			return n->failed ? -1
					 : fail(n, "requires '%s' of '%s', which cannot start%s",
						needs->name[i], w->g->node[p].manifest->name, "");
		n->provider[i] = p;
	}
	w->depth--;
	w->state[index] = DONE;
	n->chosen = true;
	w->g->order[w->g->chosen++] = index;
	return 0;
}

static void resolve_uses(struct graph *g, struct graph_node *n, int index)
{
	for (unsigned i = 0; i < n->manifest->uses.count; i++) {
		int p = graph_provider(g, n->manifest->uses.name[i], index);

		n->uses_provider[i] = p >= 0 && g->node[p].chosen ? p : -1;
	}
}

void graph_resolve(struct graph *g)
{
	struct walk w;

	memset(&w, 0, sizeof(w));
	w.g = g;
	g->chosen = 0;
	for (unsigned i = 0; i < g->nodes; i++) {
		g->node[i].chosen = g->node[i].failed = false;
		for (unsigned j = 0; j < MANIFEST_CLASSES_MAX; j++)
			g->node[i].provider[j] = g->node[i].uses_provider[j] = -1;
	}
	for (unsigned i = 0; i < g->nodes; i++) {
		if (!g->node[i].manifest || !g->node[i].wanted || g->node[i].excluded)
			continue;
		w.depth = 0;
		visit(&w, i);
	}
	for (unsigned i = 0; i < g->nodes; i++)
		if (g->node[i].chosen)
			resolve_uses(g, &g->node[i], i);
}

/* --- rights ------------------------------------------------------------------------------------ */

/* Ports that the core itself works with, or through which a module would reach past its rights. */
static const struct {
	struct manifest_range range;
	const char *what;
} core_ports[] = {
	{{0x20, 2}, "the interrupt controller"},
	{{0xa0, 2}, "the interrupt controller"},
	{{0xcf8, 1}, "PCI configuration space"},
	{{0xcfa, 6}, "PCI configuration space"},
};

static bool overlap(const struct manifest_range *a, const struct manifest_range *b)
{
	return a->first < b->first + b->count && b->first < a->first + a->count;
}

static bool core_port(const struct manifest_range *r, char *reason, size_t size)
{
	for (unsigned i = 0; i < sizeof(core_ports) / sizeof(core_ports[0]); i++) {
		if (!overlap(r, &core_ports[i].range))
			continue;
		snprintf(reason, size, "may not have ports 0x%x+%u: the core owns %s",
			 (unsigned)r->first, (unsigned)r->count, core_ports[i].what);
		return true;
	}
	return false;
}

static bool conflict(const struct manifest *m, const struct manifest *o, char *reason, size_t size)
{
	for (unsigned i = 0; i < m->ports; i++)
		for (unsigned j = 0; j < o->ports; j++)
			if (overlap(&m->port[i], &o->port[j])) {
				snprintf(reason, size, "wants ports 0x%x+%u, which '%s' has",
					 (unsigned)m->port[i].first, (unsigned)m->port[i].count,
					 o->name);
				return true;
			}
	for (unsigned i = 0; i < m->irqs; i++)
		for (unsigned j = 0; j < o->irqs; j++)
			if (m->irq[i].gsi == o->irq[j].gsi) {
				snprintf(reason, size, "wants interrupt %u, which '%s' has",
					 m->irq[i].gsi, o->name);
				return true;
			}
	for (unsigned i = 0; i < m->physmem; i++)
		for (unsigned j = 0; j < o->physmem; j++)
			if (overlap(&m->range[i], &o->range[j])) {
				snprintf(reason, size, "wants memory at 0x%llx, which '%s' has",
					 (unsigned long long)m->range[i].first, o->name);
				return true;
			}
	return false;
}

const char *graph_refused(const struct manifest *m, const struct manifest *const *others,
			  unsigned count, char *reason, size_t size)
{
	if (m->rights & RIGHT_TASKS) {
		snprintf(reason, size,
			 "may not have the right 'tasks': only the manager makes tasks");
		return reason;
	}
	for (unsigned i = 0; i < m->ports; i++)
		if (core_port(&m->port[i], reason, size))
			return reason;
	for (unsigned i = 0; i < count; i++)
		if (others[i] != m && conflict(m, others[i], reason, size))
			return reason;
	return NULL;
}
