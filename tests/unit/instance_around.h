/* SPDX-License-Identifier: GPL-2.0-only */
/* What hv/manager/instance.c has around it, for its test, which includes this after its own variables: the core, the
 * clock and the rest of the manager in a few lines each. */
#ifndef UNIT_INSTANCE_AROUND_H
#define UNIT_INSTANCE_AROUND_H

uint64_t clock_ns(void)
{
	return now;
}

void log_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_log, sizeof(last_log), format, args);
	va_end(args);
}

int64_t sys_event_signal(uint32_t event)
{
	return 0;
}

int64_t sys_task_info(uint32_t handle, struct task_info *info)
{
	*info = task;
	return 0;
}

int64_t sys_task_kill(uint32_t handle, int64_t reason)
{
	task.end = TASK_KILLED; /* its thread is gone a little later */
	return 0;
}

int spawn(struct instance *i)
{
	i->incarnation++;
	if (spawn_result)
		return spawn_result;
	spawned++;
	memset(&channel, 0, sizeof(channel));
	task = (struct task_info){.threads = 1, .end = dies_at_once ? TASK_FAULTED : TASK_ALIVE};
	i->ping = i->pong = i->missed = i->messages = i->nonsense = i->taken = 0;
	i->born = now;
	i->task = 5;
	i->channel = &channel;
	return 0;
}

void spawn_clean(struct instance *i)
{
	cleaned++;
	i->task = 0;
	i->channel = NULL;
}

void swap_ready(struct instance *i)
{
}

void swap_life_ended(struct instance *i)
{
}

bool devices_ready_for(struct instance *i)
{
	return true;
}

int devices_give(struct instance *i)
{
	return 0;
}

void devices_keep(struct instance *i, const struct message *m)
{
}

void durable_point(void)
{
}

void durable_touch(void)
{
}

void durable_changed(const void *at, size_t bytes)
{
}

void durable_mark(const void *at, size_t bytes)
{
}

void durable_rearm(struct timer *t)
{
}

bool swap_in_order(const struct swap *s)
{
	return true;
}

void *space_map(uint32_t memory, uint64_t bytes, uint32_t rights)
{
	return &channel;
}

int link_open(struct instance *from, const struct message *m)
{
	return -EPERM;
}

void link_close(struct instance *from, uint32_t id)
{
}

void link_hand_over(struct instance *from, const struct message *m)
{
}

void link_share(struct instance *from, const struct message *m)
{
}

bool links_ready_for(const struct instance *i)
{
	return providers_ready;
}

int links_make(struct instance *i)
{
	return links_result;
}

bool lack_by_death(const struct instance *i, char *to, size_t size)
{
	snprintf(to, size, "of a test");
	return task.end != TASK_ALIVE;
}

bool lack_of_any(const struct instance *i, const struct manifest_list *list, char *to, size_t size)
{
	snprintf(to, size, "service 'x': its module y is away");
	return !providers_ready;
}

void links_of_dead(struct instance *i)
{
	dead_links++;
}

void links_of_ready(struct instance *i)
{
	ready_links++;
}

void link_hang_up(struct instance *from, uint32_t id, uint32_t generation)
{
}

void resource_claimed(struct instance *i)
{
}

void resource_released(struct instance *i)
{
}

int resource_open_file(struct instance *i, const char *name, struct message *reply)
{
	return -ENOENT;
}

bool manifest_has(const struct manifest_list *list, const char *class_)
{
	return false;
}

void guest_connect(struct guest *g)
{
}

void guest_message(struct guest *g, const struct message *m)
{
}

void guest_vmm_died(struct guest *g, bool expected)
{
	vmm_deaths++;
	vmm_expected = expected;
}

void finish(enum finish_how how, uint32_t value)
{
}

#endif
