// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recover: commits of the durable variables, and a new life of the manager from them.
 *
 * The tasks, events and memory of modules and guests are where they were, for the keeper made us the heir of the
 * last life's handles. So the committed variables are true but for what the last life began after its last
 * commit. That is undone (recover_sweep), and begun anew by whoever asked: its message is still in its ring, its
 * timer still armed, its death still signalled. A death that nobody saw is found by looking at every task.
 */
#include <stdio.h>
#include <string.h>
#include "clock.h"
#include "console.h"
#include "devices.h"
#include "durable.h"
#include "finish.h"
#include "guest.h"
#include "init.h"
#include "instance.h"
#include "kept.h"
#include "link.h"
#include "log.h"
#include "program.h"
#include "recover.h"
#include "resource.h"
#include "swap.h"
#include "syscalls.h"
#include "timer.h"

#define HANDLES 2048 /* of a task, hv/core/object.c */
#define FAULTS_MAX 900 /* of SYS_FAULT_LIMIT, on numbers that are free */
#define LAYOUT "manager 1"

extern char durable_begin[], durable_end[]; /* hv/lib/module.lds */

static bool touched;
static struct state_marks marks;
static uint32_t closing[HANDLES];
static unsigned closing_count;
static uint8_t named[HANDLES / 8];
static unsigned named_count;

/* --- commits ----------------------------------------------------------------------------------- */

void durable_touch(void)
{
	state_mark_all(&marks);
	touched = true;
}

void durable_mark(const void *at, size_t bytes)
{
	state_mark(&marks, (const char *)at - durable_begin, bytes);
}

void durable_changed(const void *at, size_t bytes)
{
	durable_mark(at, bytes);
	touched = true;
}

/* More than there are handles can only be the same ones again. */
void durable_close(uint32_t handle)
{
	if (handle && closing_count < HANDLES)
		closing[closing_count++] = handle;
	durable_touch();
}

static size_t bytes(void)
{
	return durable_end - durable_begin;
}

static uint64_t layout(void)
{
	return state_layout(LAYOUT, bytes() ^ (uintptr_t)recover << 24);
}

void durable_point(void)
{
	if (kept()->points && !--kept()->points)
		sys_task_kill(HANDLE_SELF, KILLED_FOR_TEST);
}

void durable_commit(void)
{
	durable_point();
	state_commit(&kept()->state, &marks, durable_begin, bytes(), layout());
	durable_point();
	touched = false;
	instances_taken();
	durable_point();
	for (unsigned n = 0; n < closing_count; n++)
		sys_handle_close(closing[n]);
	closing_count = 0;
}

/* Answers may bring connections up, which is to be committed, too. */
void durable_settle(void)
{
	while (touched) {
		durable_commit();
		links_answer();
		instances_tell();
	}
}

void durable_rearm(struct timer *t)
{
	if (!t->armed)
		return;
	t->armed = false;
	timer_set(t, t->deadline, t->expired);
}

/* --- a new life -------------------------------------------------------------------------------- */

static bool in_order(void)
{
	return instances_in_order() && links_in_order() && guests_in_order();
}

static void forget(uint32_t handle)
{
	if (handle)
		sys_handle_close(handle);
}

int recover_load(void)
{
	char why[96] = "it contradicts itself";
	int ret;

	if (kept()->state.magic)
		resource_handles(forget); /* what this life has read so far; the names of the last one's come back */
	ret = state_load(&kept()->state, durable_begin, bytes(), layout(), why, sizeof(why));

	if (ret > 0 && !in_order())
		ret = -EINVAL;
	if (ret < 0)
		log_line("the state that the last manager left is refused: %s", why);
	return ret;
}

static void mark(uint32_t handle)
{
	if (!handle || handle >= HANDLES || named[handle / 8] & 1 << handle % 8)
		return;
	named[handle / 8] |= 1 << handle % 8;
	named_count++;
}

static void mark_all(void)
{
	memset(named, 0, sizeof(named));
	named_count = 0;
	mark(start_page()->system);
	mark(start_page()->event);
	mark(kept()->keeper);
	instances_handles(mark);
	links_handles(mark);
	devices_handles(mark);
	resource_handles(mark);
	programs_handles(mark);
	swap_handles(mark);
}

/* New handles take the lowest free numbers, so what the last life made last is soon found. */
void recover_sweep(void)
{
	unsigned left, faults = 0, closed = 0, ended = 0;
	struct task_info info;

	mark_all();
	if (sys_task_info(HANDLE_SELF, &info) < 0)
		return;
	left = info.handles > named_count ? info.handles - named_count : 0;
	for (uint32_t h = 1; h < HANDLES && left && faults < FAULTS_MAX; h++) {
		if (named[h / 8] & 1 << h % 8)
			continue;
		if (sys_task_kill(h, 4) == -EBADF)
			faults++;
		else
			ended++;
		if (sys_handle_close(h) == -EBADF) {
			faults++;
			continue;
		}
		closed++;
		left--;
	}
	if (closed)
		log_line("the last manager left %u handles of unfinished work, %u of them tasks: closed", closed, ended);
}

void recover(void)
{
	programs_recover();
	instances_recover();
	links_recover();
	guests_recover();
	finish_recover();
	console_recover();
	log_line("life %u of the manager: %u modules and guests go on", start_page()->incarnation,
		 instances_alive());
	links_answer();
	for (unsigned n = 0; n < INSTANCES_MAX; n++)
		instance_serve(&instances[n]);
	links_retry();
	instances_retry();
	durable_touch();
}
