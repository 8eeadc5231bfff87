// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeper: the first task. It starts the manager, and starts it again when it dies, hangs or is killed.
 *
 *   start --> watch --death--> pause (none the first time) --> start
 *     each a death in a row too many, a damaged program, a refused state --> give up
 *
 * Each life of the manager is a task of its own that keeps its handles when it ends; the next one is its heir.
 * So tasks, events and memory of modules and guests live on under the numbers that the committed state
 * (kept.h) has for them. Policy is here; the core knows nothing of it. Nothing of what a module or a guest says
 * comes here, and the keeper gives up by ending: then the core takes its console back and says so.
 */
#include <stdio.h>
#include <string.h>
#include <postern/manifest.h>
#include "archive.h"
#include "clock.h"
#include "init.h"
#include "kept.h"
#include "load.h"
#include "log.h"
#include "module.h"
#include "obituary.h"
#include "syscalls.h"

MODULE_MANIFEST("name = keeper\n"
		"version = 1.0\n"
		"licence = GPL-2.0-only\n"
		"about = starts the manager, again when it dies\n"
		"start = never\n");

#define NAME "manager"
#define LOOK_NS NS_PER_S
#define SIGNS_MISSED 15 /* looks without a sign of life */
#define DEATHS_MAX 8	/* in a row */
#define STABLE_NS (10 * NS_PER_S) /* a life of this length makes all forgotten */
#define PAUSE_NS (100 * NS_PER_MS) /* doubles from the third death on */
#define KILLED_FOR_SILENCE 6

static struct archive_file program;
static uint64_t program_sum;
static struct elf64_plan plan;
static uint32_t shared[ELF64_SEGMENTS_MAX];
static uint32_t event, manager_event, kept_memory, task;
static struct kept *k;
static uint32_t life;

static uint64_t sum_of_program(void)
{
	return state_sum(0, program.data, program.bytes);
}

static const struct boot_info *boot(void)
{
	return (const struct boot_info *)BOOT_VA;
}

static bool find_program(void)
{
	int error;
	const void *at = space_map_phys(boot()->archive_phys, boot()->archive_bytes, &error);
	const char *why = NULL;
	size_t position = 0;

	while (at && archive_next(at, boot()->archive_bytes, &position, &program) > 0)
		if (!strcmp(program.name, NAME)) {
			program_sum = sum_of_program();
			if (!elf64_plan(program.data, program.bytes, MODULE_BASE, PROGRAM_END, &plan, &why))
				return true;
			break;
		}
	log_line("the image's manager cannot be read: %s", why ? why : "it is not in the archive");
	return false;
}

static bool make_kept(void)
{
	uint64_t bytes = PAGE_ROUND_UP(sizeof(*k));
	int64_t memory = sys_mem_create(bytes, 0), of_manager = sys_event_create();

	k = memory < 0 ? NULL : space_map(memory, bytes, MAP_READ | MAP_WRITE);
	if (!k || of_manager < 0)
		return false;
	kept_memory = memory;
	manager_event = of_manager;
	event = start_page()->event;
	return true;
}

/* Into the first life's empty table; all others inherit it. */
static int grant_handles(struct start_info *s)
{
	int64_t system = sys_handle_grant(task, start_page()->system, RIGHT_ALL, ~0ull);
	int64_t own = sys_handle_grant(task, manager_event, RIGHT_ALL, ~0ull);
	int64_t keeper = sys_handle_grant(task, event, RIGHT_SIGNAL, 1);

	if (system < 0 || own < 0 || keeper < 0)
		return -ENOSPC;
	s->system = system;
	s->event = own;
	k->keeper = keeper;
	return 0;
}

static int build(struct start_info *s, const char **step)
{
	uint64_t bytes = PAGE_ROUND_UP(sizeof(*k));
	int64_t made = sys_task_create(start_page()->system, NAME, CLASS_HEARTBEAT | TASK_KEEPS_HANDLES, task, 0);
	int ret;

	*step = "its task";
	if (made < 0)
		return made;
	if (task)
		sys_handle_close(task);
	task = made;
	ret = s->system ? 0 : grant_handles(s);
	if (!ret)
		ret = load_program(task, program.data, &plan, shared, step);
	if (ret)
		return ret;
	*step = "its pages";
	ret = load_page(task, START_VA, s, sizeof(*s));
	if (!ret)
		ret = load_page(task, BOOT_VA, boot(), sizeof(*boot()));
	if (!ret)
		ret = sys_map(task, kept_memory, 0, KEPT_VA, bytes, MAP_READ | MAP_WRITE);
	if (!ret)
		ret = sys_event_bind(event, 1, task);
	*step = "its first thread";
	if (ret >= 0)
		ret = sys_thread_create(task, plan.entry, STACK_TOP, START_VA);
	return ret < 0 ? ret : 0;
}

static bool start(void)
{
	static struct start_info s;
	const char *step;
	int ret;

	if (sum_of_program() != program_sum) {
		log_line("the manager's program in memory is damaged: it is not started again");
		return false;
	}
	if (!life) {
		s = *start_page();
		s.system = s.event = 0;
		snprintf(s.name, sizeof(s.name), NAME);
	}
	s.incarnation = ++life;
	if (k->test == TEST_HANG)
		k->test = TEST_NOTHING;
	ret = build(&s, &step);
	if (ret) {
		log_line("the manager cannot start: %s: error %d", step, -ret);
		if (task)
			sys_task_kill(task, 0);
	}
	return true;
}

/* --- watching ---------------------------------------------------------------------------------- */

static bool dead(struct task_info *info)
{
	return !task || sys_task_info(task, info) < 0 || (info->end != TASK_ALIVE && !info->threads);
}

/* Until it is dead. Looks are counted, not time: when the whole machine stood still, nobody is to blame. */
static void watch(struct task_info *info)
{
	uint64_t beat = ~0ull, look = clock_ns() + LOOK_NS, kill_at;
	unsigned missed = 0;

	while (!dead(info)) {
		kill_at = __atomic_load_n(&k->kill_at, __ATOMIC_RELAXED);
		sys_event_wait(event, ~0ull >> 1, kill_at && kill_at < look ? kill_at : look);
		if (kill_at && clock_ns() >= kill_at) {
			k->kill_at = 0;
			sys_task_kill(task, KILLED_FOR_TEST);
		}
		if (clock_ns() < look)
			continue;
		look = clock_ns() + LOOK_NS;
		missed = beat == k->beat ? missed + 1 : 0;
		beat = k->beat;
		if (missed == SIGNS_MISSED) {
			log_line("the manager gave no sign of life for %u s", SIGNS_MISSED);
			sys_task_kill(task, KILLED_FOR_SILENCE);
		}
	}
}

/* False: it is not to be started again. */
static bool bury(const struct task_info *info, uint64_t lived)
{
	bool asked = info->end == TASK_KILLED && info->detail == KILLED_FOR_TEST;
	char how[128];

	if (info->end == TASK_EXITED && info->detail == MANAGER_REFUSES)
		return false;
	obituary(info, how, sizeof(how));
	if (asked || lived >= STABLE_NS)
		k->deaths = 0;
	if (++k->deaths == DEATHS_MAX) {
		log_line("the manager died in life %u: %s; that was %u times in a row", life, how, DEATHS_MAX);
		return false;
	}
	log_line("the manager died in life %u: %s; it starts again", life, how);
	if (k->deaths > 1)
		clock_sleep(clock_ns() + (PAUSE_NS << (k->deaths - 2)));
	return true;
}

int main(void)
{
	struct task_info info = {0};
	uint64_t born;

	if (!find_program() || !make_kept())
		return 1;
	do {
		born = clock_ns();
		if (!start())
			return 1;
		watch(&info);
	} while (bury(&info, clock_ns() - born));
	return 1;
}
