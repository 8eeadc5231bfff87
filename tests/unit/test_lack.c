/* sources: hv/manager/graph.c hv/manager/obituary.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests: why a service is not there, in words: for each state of who provides it, and for who was left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define LIB_SYSCALLS_H /* the real calls are for another core */
#include <postern/syscall.h>
static int64_t sys_task_info(uint32_t task, struct task_info *info);
#include "hv/manager/lack.c"

struct instance instances[INSTANCES_MAX];
struct program programs[GRAPH_MODULES_MAX];
struct graph graph;
static struct instance *disk = &instances[0], *bus = &instances[1], *vmm = &instances[2];
static struct task_info task;
static char text[LACK_TEXT];

static int64_t sys_task_info(uint32_t handle, struct task_info *info)
{
	*info = task;
	return 0;
}

bool manifest_has(const struct manifest_list *list, const char *class_)
{
	for (unsigned n = 0; n < list->count; n++)
		if (!strcmp(list->name[n], class_))
			return true;
	return false;
}

void manifest_rights_text(uint32_t rights, char *to, size_t size)
{
}

struct instance *instance_of(const struct program *p)
{
	for (unsigned n = 0; n < INSTANCES_MAX; n++)
		if (instances[n].used && instances[n].program == p)
			return &instances[n];
	return NULL;
}

struct instance *link_server_for(const struct instance *i, const char *class_)
{
	int p = graph_provider(&graph, class_, i->program - programs);

	return p < 0 ? NULL : instance_of(&programs[p]);
}

static void program(unsigned n, const char *name, const char *provides, const char *requires)
{
	struct manifest *m = &programs[n].manifest;

	memset(m, 0, sizeof(*m));
	snprintf(m->name, sizeof(m->name), "%s", name);
	m->provides.count = provides[0] != 0;
	snprintf(m->provides.name[0], sizeof(m->provides.name[0]), "%s", provides);
	m->requires.count = requires[0] != 0;
	snprintf(m->requires.name[0], sizeof(m->requires.name[0]), "%s", requires);
	graph.node[n] = (struct graph_node){.manifest = m, .wanted = true};
	instances[n] = (struct instance){.used = true, .program = &programs[n], .state = INST_READY, .task = 3,
					 .incarnation = 1};
	snprintf(instances[n].name, sizeof(instances[n].name), "%s", name);
}

static int begin(void **state)
{
	memset(&graph, 0, sizeof(graph));
	task = (struct task_info){.end = TASK_ALIVE};
	graph.nodes = 3;
	program(0, "volume", "disk", "bus.pci");
	program(1, "pci", "bus.pci", "");
	program(2, "vmm", "", "");
	text[0] = 0;
	return 0;
}

static const struct {
	enum instance_state state;
	const char *sentence, *says[3]; /* says[0] NULL: nothing lacks */
} rows[] = {
	{INST_READY, "", {NULL}},
	{INST_STARTING, "", {NULL}},
	{INST_WAITING, "", {NULL}},
	{INST_DOWN, "", {"module volume was stopped", "`module start volume`", ""}},
	{INST_DOWN, "cannot start: its channel: error 12", {"volume cannot start", "error 12", "`module start volume`"}},
	{INST_STOPPING, "", {"volume is being stopped", "`module start volume`", ""}},
	{INST_FAILED, "no such adapter", {"volume was given up", "no such adapter", "`module start volume`"}},
	{INST_BACKOFF, "died in life 2: page fault", {"volume died in life 2: page fault", "by itself", "`module restart volume`"}},
	{INST_ENDING, "is killed in life 1: hangs", {"volume is killed in life 1: hangs", "by itself", ""}},
};

static void each_state_has_its_words(void **state)
{
	for (unsigned n = 0; n < sizeof(rows) / sizeof(rows[0]); n++) {
		disk->state = rows[n].state;
		snprintf(disk->sentence, sizeof(disk->sentence), "%s", rows[n].sentence);
		assert_int_equal(lack_of_service(vmm, "disk", text, sizeof(text)), rows[n].says[0] != NULL);
		for (unsigned k = 0; rows[n].says[0] && k < 3; k++)
			assert_non_null(strstr(text, rows[n].says[k]));
	}
}

static void a_death_that_nobody_has_seen_yet(void **state)
{
	task = (struct task_info){.end = TASK_FAULTED, .detail = 14, .address = 0x10};
	assert_true(lack_of_service(vmm, "disk", text, sizeof(text)));
	assert_non_null(strstr(text, "volume died in life 1: page fault at address 0x10"));
	assert_true(lack_by_death(vmm, text, sizeof(text)));
	vmm->task = 0;
	assert_false(lack_by_death(vmm, text, sizeof(text)));
}

static void who_waits_says_for_what(void **state)
{
	disk->state = INST_WAITING;
	bus->state = INST_FAILED;
	snprintf(bus->sentence, sizeof(bus->sentence), "no buses");
	assert_true(lack_of_service(vmm, "disk", text, sizeof(text)));
	assert_non_null(strstr(text, "module volume waits for service 'bus.pci': its module pci was given up: no buses"));
}

static void who_was_left_out(void **state)
{
	graph.node[0].excluded = true;
	snprintf(graph.node[0].reason, GRAPH_REASON, "left out by `without`");
	assert_true(lack_of_service(vmm, "disk", text, sizeof(text)));
	assert_non_null(strstr(text, "module volume was not started: left out by `without`; mend that"));
	graph.node[0].excluded = false;
	graph.node[0].failed = true;
	snprintf(graph.node[0].reason, GRAPH_REASON, "requires 'x', which no module provides");
	assert_true(lack_of_service(vmm, "disk", text, sizeof(text)));
	assert_non_null(strstr(text, "module volume requires 'x', which no module provides; mend that"));
	assert_true(lack_of_service(vmm, "nic", text, sizeof(text)));
	assert_non_null(strstr(text, "no module of this image provides it"));
	graph.node[0].failed = false;
	disk->used = false;
	assert_true(lack_of_service(vmm, "disk", text, sizeof(text)));
	assert_non_null(strstr(text, "volume was never started; `module start volume`"));
}

/* Whatever the room, it ends there. */
static void little_room(void **state)
{
	char small[24];

	disk->state = INST_WAITING;
	bus->state = INST_FAILED;
	assert_true(lack_of_any(disk, &programs[0].manifest.requires, text, sizeof(text)));
	for (size_t size = 1; size <= sizeof(small); size++) {
		memset(small, 'x', sizeof(small));
		lack_of_service(vmm, "disk", small, size);
		assert_true(strlen(small) < size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_state_has_its_words, begin),
		cmocka_unit_test_setup(a_death_that_nobody_has_seen_yet, begin),
		cmocka_unit_test_setup(who_waits_says_for_what, begin),
		cmocka_unit_test_setup(who_was_left_out, begin),
		cmocka_unit_test_setup(little_room, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
