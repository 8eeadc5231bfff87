// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spawn: a new task from a program, with its start page, its channel and the rights of its manifest.
 */
#include <stdio.h>
#include <string.h>
#include "clock.h"
#include "config.h"
#include "durable.h"
#include "guest.h"
#include "init.h"
#include "load.h"
#include "log.h"
#include "resource.h"
#include "spawn.h"
#include "syscalls.h"

static int failed(struct instance *i, int error, const char *step)
{
	snprintf(i->sentence, sizeof(i->sentence), "cannot start: %s: error %d", step, -error);
	log_line("module %s %s", i->name, i->sentence);
	return error;
}

static int load(struct instance *i)
{
	const struct program *p = i->program;
	const char *step;
	int ret = load_program(i->task, p->data, &p->plan, program_store(p)->shared, &step);

	return ret ? failed(i, ret, step) : 0;
}

static int make_channel(struct instance *i)
{
	int64_t memory = sys_mem_create(CHANNEL_BYTES, MEM_POPULATE);
	int ret;

	if (memory < 0)
		return failed(i, memory, "its channel");
	i->channel_memory = memory;
	ret = sys_map(i->task, memory, 0, CHANNEL_VA, CHANNEL_BYTES, MAP_READ | MAP_WRITE);
	if (ret >= 0) {
		i->channel = space_map(memory, CHANNEL_BYTES, MAP_READ | MAP_WRITE);
		ret = i->channel ? 0 : -ENOMEM;
	}
	return ret < 0 ? failed(i, ret, "mapping its channel") : 0;
}

static int make_events(struct instance *i)
{
	int64_t event = sys_event_create(), control;
	int ret;

	if (event < 0)
		return failed(i, event, "its event");
	i->event = event;
	control = sys_handle_grant(HANDLE_SELF, event, RIGHT_SIGNAL, 1ull << EVENT_BIT_CONTROL);
	if (control < 0)
		return failed(i, control, "its event");
	i->control_event = control;
	ret = sys_event_bind(start_page()->event, 1ull << i->bit, i->task);
	return ret < 0 ? failed(i, ret, "watching it") : 0;
}

/* Its section of the configuration, and what only the boot loader knew. */
static void fill_arguments(const struct instance *i, char *to, size_t size)
{
	size_t n = snprintf(to, size, "%s", i->arguments ? i->arguments : "");

	if (i->program->manifest.rights & RIGHT_PHYSMEM && n < size)
		snprintf(to + n, size - n, "rsdp=%llu\n", (unsigned long long)boot()->rsdp);
}

static int fill_start_page(struct instance *i)
{
	const struct start_info *own = start_page();
	static struct start_info s;
	int64_t system, event, manager;
	int ret;

	memset(&s, 0, sizeof(s));
	system = sys_handle_grant(i->task, own->system, i->program->manifest.rights, ~0ull);
	event = sys_handle_grant(i->task, i->event, RIGHT_SIGNAL | RIGHT_WAIT | RIGHT_GRANT, ~0ull);
	manager = sys_handle_grant(i->task, own->event, RIGHT_SIGNAL, 1ull << i->bit);
	if (system < 0 || event < 0 || manager < 0)
		return failed(i, system < 0 ? system : event < 0 ? event : manager,
			      "granting its handles");
	s.magic = START_MAGIC;
	s.version = 1;
	snprintf(s.name, sizeof(s.name), "%s", i->name);
	s.tsc_khz = own->tsc_khz;
	s.tsc_boot = own->tsc_boot;
	s.clock_mult = own->clock_mult;
	s.cpus = own->cpus;
	s.system = system;
	s.event = event;
	s.manager = manager;
	s.incarnation = i->incarnation;
	fill_arguments(i, s.arguments, sizeof(s.arguments));
	ret = load_page(i->task, START_VA, &s, sizeof(s));
	return ret ? failed(i, ret, "its start page") : 0;
}

static int grant_irq(struct instance *i, unsigned index)
{
	const struct manifest_irq *irq = &i->program->manifest.irq[index];
	struct message m = {.kind = MSG_IRQ};
	unsigned bit = EVENT_BIT_IRQ + index;
	int64_t handle, theirs;

	handle = sys_irq_create(start_page()->system, irq->gsi, irq->flags, i->event, 1ull << bit);
	if (handle < 0)
		return handle;
	i->irq[index] = handle;
	theirs = sys_handle_grant(i->task, handle, RIGHT_CONTROL, 0);
	if (theirs < 0)
		return theirs;
	m.irq.index = index;
	m.irq.gsi = irq->gsi;
	m.irq.handle = theirs;
	m.irq.bit = bit;
	return instance_send(i, &m) > 0 ? 0 : -EIO;
}

static int grant_rights(struct instance *i)
{
	const struct manifest *m = &i->program->manifest;
	int ret;

	for (unsigned n = 0; n < m->ports; n++) {
		ret = sys_port_grant(start_page()->system, i->task, m->port[n].first,
				     m->port[n].count);
		if (ret < 0)
			return failed(i, ret, "granting its ports");
	}
	for (unsigned n = 0; n < m->irqs; n++) {
		ret = grant_irq(i, n);
		if (ret < 0)
			return failed(i, ret, "granting its interrupts");
	}
	return 0;
}

#define VMM_SHARE (64ull << 20) /* beside its guest's RAM: a screen, devices, room */

static int build(struct instance *i)
{
	int64_t task = sys_task_create(start_page()->system, i->name, i->program->manifest.class_, 0,
				       i->guest ? i->guest->config->memory + VMM_SHARE : 0);
	int ret;

	if (task < 0)
		return failed(i, task, "making its task");
	i->task = task;
	durable_point();
	ret = make_events(i);
	durable_point();
	if (!ret)
		ret = load(i);
	if (!ret)
		ret = make_channel(i);
	if (!ret)
		ret = fill_start_page(i);
	durable_point();
	if (!ret)
		ret = grant_rights(i);
	if (ret)
		return ret;
	durable_point();
	ret = sys_thread_create(i->task, i->program->plan.entry, STACK_TOP, START_VA);
	durable_point();
	return ret < 0 ? failed(i, ret, "its first thread") : 0;
}

int spawn(struct instance *i)
{
	int ret;

	i->incarnation++;
	memset(i->bit_users, 0, sizeof(i->bit_users));
	i->connections = 0;
	i->ping = i->pong = i->missed = i->messages = i->nonsense = i->taken = 0;
	i->status[0] = 0;
	i->born = clock_ns();
	ret = build(i);
	if (ret)
		spawn_clean(i);
	return ret;
}

static void drop(uint32_t *handle)
{
	durable_close(*handle);
	*handle = 0;
}

void spawn_clean(struct instance *i)
{
	struct task_info info;

	if (i->task && !sys_task_info(i->task, &info)) {
		i->cpu_ns += info.cpu_ns;
		if (info.end == TASK_ALIVE)
			sys_task_kill(i->task, 0);
	}
	for (unsigned n = 0; n < MODULE_IRQS_MAX; n++)
		drop(&i->irq[n]);
	if (i->channel)
		sys_unmap(HANDLE_SELF, (uintptr_t)i->channel, CHANNEL_BYTES);
	i->channel = NULL;
	drop(&i->channel_memory);
	drop(&i->control_event);
	drop(&i->event);
	drop(&i->task);
}
