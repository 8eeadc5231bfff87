// SPDX-License-Identifier: GPL-2.0-only
/* Lack: puts into words why a service is not there. */
#include <stdio.h>
#include <string.h>
#include "lack.h"
#include "link_inside.h"
#include "obituary.h"
#include "syscalls.h"

bool lack_by_death(const struct instance *i, char *to, size_t size)
{
	struct task_info info;

	if (!i->task || sys_task_info(i->task, &info) < 0 || info.end == TASK_ALIVE)
		return false;
	obituary(&info, to, size);
	return true;
}

/* One that provides it, and was left out or could not be started. */
static const struct graph_node *left_out(const char *class_)
{
	for (unsigned n = 0; n < graph.nodes; n++) {
		const struct graph_node *node = &graph.node[n];

		if (node->manifest && (node->excluded || node->failed) &&
		    manifest_has(&node->manifest->provides, class_))
			return node;
	}
	return NULL;
}

static void nobody(const char *class_, char *to, size_t size)
{
	const struct graph_node *node = left_out(class_);
	int p = graph_provider(&graph, class_, -1);

	if (p >= 0)
		snprintf(to, size, "its module %s was never started; `module start %s` does it",
			 graph.node[p].manifest->name, graph.node[p].manifest->name);
	else if (node)
		snprintf(to, size, "its module %s %s%s; mend that and start the machine again", node->manifest->name,
			 node->excluded ? "was not started: " : "", node->reason);
	else
		snprintf(to, size, "no module of this image provides it; put one in (`make menuconfig`), or do without the service");
}

static bool lack_of(const struct instance *p, char *to, size_t size)
{
	const char *sentence = p->sentence[0] ? p->sentence : "has ended", *name = p->name;
	char how[128];

	switch (p->state) {
	case INST_DOWN:
		snprintf(to, size, "its module %s %s; `module start %s` starts it", name,
			 p->sentence[0] ? p->sentence : "was stopped", name);
		return true;
	case INST_STOPPING:
		snprintf(to, size, "its module %s is being stopped; `module start %s` starts it again", name, name);
		return true;
	case INST_FAILED:
		snprintf(to, size, "its module %s was given up: %s; if that is mended, `module start %s`", name,
			 sentence, name);
		return true;
	case INST_BACKOFF:
	case INST_ENDING:
		snprintf(to, size, "its module %s %s; it is started again by itself, at once by `module restart %s`",
			 name, sentence, name);
		return true;
	default:
		break;
	}
	if (!lack_by_death(p, how, sizeof(how))) /* a first start takes its time */
		return false;
	snprintf(to, size, "its module %s died in life %u: %s; it is started again by itself", name, p->incarnation,
		 how);
	return true;
}

bool lack_of_service(const struct instance *client, const char *class_, char *to, size_t size)
{
	const struct instance *p = link_server_for(client, class_);
	size_t at;

	if (!p) {
		nobody(class_, to, size);
		return true;
	}
	if (p->state != INST_WAITING)
		return lack_of(p, to, size);
	at = snprintf(to, size, "its module %s waits for ", p->name);
	return at < size && lack_of_any(p, &p->program->manifest.requires, to + at, size - at);
}

/* The graph has no cycles, so neither has this. */
bool lack_of_any(const struct instance *client, const struct manifest_list *list, char *to, size_t size)
{
	for (unsigned n = 0; n < list->count; n++) {
		size_t at = snprintf(to, size, "service '%s': ", list->name[n]);

		if (at < size && lack_of_service(client, list->name[n], to + at, size - at))
			return true;
	}
	return false;
}
