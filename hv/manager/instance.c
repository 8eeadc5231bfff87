// SPDX-License-Identifier: GPL-2.0-only
/* Instance: lives of modules: start, heartbeat, stop, death, restart. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "clock.h"
#include "devices.h"
#include "durable.h"
#include "finish.h"
#include "guest.h"
#include "init.h"
#include "instance.h"
#include "lack.h"
#include "link.h"
#include "log.h"
#include "obituary.h"
#include "resource.h"
#include "module.h"
#include "ring.h"
#include "spawn.h"
#include "swap.h"
#include "syscalls.h"

#define START_PATIENCE (30 * NS_PER_S)
#define STOP_PATIENCE (2 * NS_PER_S)
#define END_PATIENCE (5 * NS_PER_S)
#define PINGS_MISSED 3
#define NONSENSE_MAX 32
#define MESSAGES_MAX 5000 /* between two heartbeats */

DURABLE struct instance instances[INSTANCES_MAX];
const char *const instance_state_names[INST_STATES] = {
	"down", "waiting", "starting", "ready", "stopping", "ending", "restarting",
	"failed",
};

static uint64_t ping_interval;
static struct timer ping_timer;

struct instance *instance_find(const char *name)
{
	for (unsigned n = 0; n < INSTANCES_MAX; n++)
		if (instances[n].used && !strcmp(instances[n].name, name))
			return &instances[n];
	return NULL;
}

struct instance *instance_of(const struct program *p)
{
	for (unsigned n = 0; n < INSTANCES_MAX; n++)
		if (instances[n].used && instances[n].program == p && !instances[n].guest)
			return &instances[n];
	return NULL;
}

struct instance *instance_new(const char *name, struct program *p, struct guest *guest,
			      const char *arguments)
{
	for (unsigned n = 0; n < INSTANCES_MAX; n++) {
		struct instance *i = &instances[n];

		if (i->used)
			continue;
		*i = (struct instance){.used = true, .bit = n, .program = p, .guest = guest,
				       .arguments = arguments};
		snprintf(i->name, sizeof(i->name), "%s", name);
		return i;
	}
	log_line("more than %d modules and guests: %s left out", INSTANCES_MAX, name);
	return NULL;
}

bool instance_alive(const struct instance *i)
{
	return i->task && i->channel && i->state != INST_ENDING;
}

int instance_send(struct instance *i, const struct message *m)
{
	int ret;

	if (!instance_alive(i))
		return -ESRCH;
	durable_point();
	ret = msg_put(&i->channel->to_server, m);
	durable_point();
	sys_event_signal(i->control_event);
	return ret;
}

static void say(struct instance *i, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct instance *i, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(i->sentence, sizeof(i->sentence), format, args);
	va_end(args);
	log_line("module %s %s", i->name, i->sentence);
	durable_touch();
}

/* --- death and restart ------------------------------------------------------------------------- */

static void restart(struct timer *t)
{
	struct instance *i = (struct instance *)((char *)t - offsetof(struct instance, timer));

	i->state = INST_DOWN;
	instance_start(i);
}

/* Everything of this life goes; what is next depends on whether it is wanted. */
static void bury(struct instance *i)
{
	uint64_t wait;

	durable_touch();
	timer_cancel(&i->timer);
	resource_released(i);
	i->state = INST_DOWN;
	i->to_stop = false;
	links_of_dead(i);
	durable_point();
	spawn_clean(i);
	durable_point();
	swap_life_ended(i);
	if (i->guest) {
		guest_vmm_died(i->guest, i->expected);
		return;
	}
	if (i->given_up)
		i->state = INST_FAILED;
	if (!i->wanted || i->given_up)
		return;
	/* Expected, and yet wanted: somebody started it while it was stopping. */
	wait = i->expected ? 0 : backoff_next(&i->backoff, clock_ns() - i->born);
	i->state = INST_BACKOFF;
	timer_set(&i->timer, clock_ns() + wait, restart);
	log_line("module %s restarts%s (life %u)", i->name,
		 wait ? ", after a pause" : " at once", i->incarnation + 1);
}

static void end_patience(struct timer *t)
{
	struct instance *i = (struct instance *)((char *)t - offsetof(struct instance, timer));

	log_line("module %s is still not gone %u s after it was killed", i->name,
		 (unsigned)(END_PATIENCE / NS_PER_S));
	bury(i);
}

/* What it holds (interrupts, ports, memory) is free when the core reports its end, not before. */
static void end(struct instance *i, int64_t reason)
{
	durable_touch();
	i->state = INST_ENDING;
	resource_released(i);
	sys_task_kill(i->task, reason);
	timer_set(&i->timer, clock_ns() + END_PATIENCE, end_patience);
}

static void check_death(struct instance *i)
{
	struct task_info info;
	char how[128];

	if (!i->task || sys_task_info(i->task, &info) < 0 || info.end == TASK_ALIVE || info.threads)
		return;
	if (i->state != INST_STOPPING && i->state != INST_ENDING) {
		obituary(&info, how, sizeof(how));
		say(i, "died in life %u: %s", i->incarnation, how);
	}
	bury(i);
}

void instance_kill(struct instance *i, const char *format, ...)
{
	char text[INSTANCE_SENTENCE];
	va_list args;

	if (!instance_alive(i))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	say(i, "is killed in life %u: %s", i->incarnation, text);
	end(i, 1);
}

/* --- start and stop ---------------------------------------------------------------------------- */

static void start_patience(struct timer *t)
{
	struct instance *i = (struct instance *)((char *)t - offsetof(struct instance, timer));

	durable_touch();
	instance_kill(i, "not ready after %u s", (unsigned)(START_PATIENCE / NS_PER_S));
}

static void cannot_begin(struct instance *i, int error)
{
	char why[LACK_TEXT];

	if (lack_by_death(i, why, sizeof(why))) {
		say(i, "died in life %u: %s", i->incarnation, why);
		end(i, 1);
	} else if (lack_of_any(i, &i->program->manifest.requires, why, sizeof(why))) {
		instance_kill(i, "%s", why);
	} else {
		instance_kill(i, "its devices and services cannot be given to it: error %d", -error);
	}
}

static void begin(struct instance *i)
{
	struct message m = {.kind = MSG_START};
	int ret;

	i->expected = i->given_up = false;
	resource_claimed(i); /* before it programs the device: a line of the core's would be cut */
	ret = spawn(i);
	if (!ret) {
		i->state = INST_STARTING;
		ret = devices_give(i);
		if (!ret)
			ret = links_make(i);
		if (!ret && i->guest)
			guest_connect(i->guest);
		if (!ret)
			ret = instance_send(i, &m) > 0 ? 0 : -EIO;
		timer_set(&i->timer, clock_ns() + START_PATIENCE, start_patience);
	}
	if (ret && i->task)
		cannot_begin(i, ret);
	else if (ret)
		bury(i);
}

void instance_start(struct instance *i)
{
	durable_touch();
	i->wanted = true;
	if (i->state != INST_DOWN && i->state != INST_WAITING && i->state != INST_FAILED &&
	    i->state != INST_BACKOFF)
		return;
	timer_cancel(&i->timer);
	i->state = INST_WAITING;
	if (links_ready_for(i) && devices_ready_for(i))
		begin(i);
}

void instances_retry(void)
{
	for (unsigned n = 0; n < INSTANCES_MAX; n++)
		if (instances[n].used && instances[n].state == INST_WAITING)
			instance_start(&instances[n]);
}

static void stop_patience(struct timer *t)
{
	struct instance *i = (struct instance *)((char *)t - offsetof(struct instance, timer));

	end(i, 2);
}

void instance_stop(struct instance *i)
{
	durable_touch();
	i->wanted = false;
	i->expected = true;
	if (i->state == INST_ENDING || i->state == INST_STOPPING)
		return;
	if (!i->task) {
		timer_cancel(&i->timer);
		i->state = INST_DOWN;
		return;
	}
	i->state = INST_STOPPING;
	i->to_stop = true;
	timer_set(&i->timer, clock_ns() + STOP_PATIENCE, stop_patience);
}

/* --- messages ---------------------------------------------------------------------------------- */

static void ready(struct instance *i)
{
	if (i->state != INST_STARTING)
		return;
	timer_cancel(&i->timer);
	i->state = INST_READY;
	i->sentence[0] = 0;
	if (!i->guest)
		log_line("module %s %s is ready", i->name, i->program->manifest.version);
	swap_ready(i);
	links_of_ready(i);
	instances_retry();
}

static void copy_sentence(struct instance *i)
{
	size_t n = 0;

	for (; n < sizeof(i->sentence) - 1 && n < sizeof(i->channel->sentence); n++) {
		char c = __atomic_load_n(&i->channel->sentence[n], __ATOMIC_RELAXED);

		if (!c)
			break;
		i->sentence[n] = c >= ' ' && c <= '~' ? c : '?';
	}
	i->sentence[n] = 0;
}

static void start_failed(struct instance *i, int64_t error)
{
	if (i->state != INST_STARTING)
		return;
	copy_sentence(i);
	i->given_up = error == -ENODEV && !i->guest;
	end(i, 3);
}

static void open_file(struct instance *i, struct message *m)
{
	m->kind |= MSG_REPLY;
	m->text[MESSAGE_TEXT - 1] = 0;
	m->result = resource_open_file(i, m->text, m);
	instance_send(i, m);
}

/* It is told an id after the commit that knows it: links_answer(). */
static void open_link(struct instance *i, struct message *m)
{
	m->result = link_open(i, m);
	if (m->result > 0)
		return;
	m->kind |= MSG_REPLY;
	instance_send(i, m);
}

/* What comes often changes the instance alone. An answer to a ping stays in its ring until something else is
 * committed: with it, or the next life would read on where the ring has been filled again. */
static void commit_later(struct instance *i, uint16_t kind)
{
	switch (kind) {
	case MSG_PONG:
		durable_mark(i, sizeof(*i));
		break;
	case MSG_STATUS:
	case MSG_OPEN_FILE:
	case MSG_GUEST_ROM_DONE:
	case MSG_GUEST_TRACED:
		durable_changed(i, sizeof(*i));
		break;
	default:
		durable_touch();
	}
}

static void receive(struct instance *i, struct message *m)
{
	commit_later(i, m->kind);
	switch (m->kind) {
	case MSG_READY:
		ready(i);
		break;
	case MSG_FAILED:
		start_failed(i, m->word[0]);
		break;
	case MSG_PONG:
		if (m->word[0] == i->ping) /* one of the last manager's may be under way */
			i->pong = i->ping;
		break;
	case MSG_STATUS:
		memcpy(i->status, m->text, sizeof(i->status));
		i->status[sizeof(i->status) - 1] = 0;
		break;
	case MSG_OPEN_FILE:
		open_file(i, m);
		break;
	case MSG_OPEN:
		open_link(i, m);
		break;
	case MSG_CLOSE:
		link_close(i, m->connect.connection);
		break;
	case MSG_SHARE:
		link_share(i, m);
		break;
	case MSG_KEEP:
		devices_keep(i, m);
		break;
	case MSG_HAND_OVER:
		link_hand_over(i, m);
		break;
	case MSG_HANGUP:
		link_hang_up(i, m->connect.connection, m->connect.generation);
		break;
	case MSG_POWER_BUTTON:
		if (manifest_has(&i->program->manifest.provides, "acpi"))
			finish(FINISH_POWER_OFF, 0);
		break;
	case MSG_GUEST_STATE:
	case MSG_GUEST_ENDED:
	case MSG_GUEST_ROM_DONE:
	case MSG_GUEST_TRACED:
		if (!i->guest)
			break;
		if (m->kind != MSG_GUEST_STATE && m->kind != MSG_GUEST_TRACED)
			copy_sentence(i);
		guest_message(i->guest, m);
		break;
	default:
		if (!i->nonsense++)
			log_line("module %s sent a message of unknown kind %u", i->name, m->kind);
		if (i->nonsense == NONSENSE_MAX)
			instance_kill(i, "it sent %u messages of unknown kinds", NONSENSE_MAX);
	}
}

/* A flooding module gets a ring full served at a time; its next signal brings us back. */
static void serve_messages(struct instance *i)
{
	struct message m;
	int ret = 0;

	for (unsigned n = 0; n < MSG_RING_SLOTS && instance_alive(i); n++) {
		ret = msg_next(&i->channel->to_client, &i->taken, &m);
		if (ret <= 0)
			break;
		receive(i, &m);
		if (++i->messages == MESSAGES_MAX)
			instance_kill(i, "it floods the manager with messages");
	}
	if (ret < 0)
		instance_kill(i, "its control channel is garbage");
}

void instances_tell(void)
{
	struct message m = {.kind = MSG_STOP};

	for (unsigned n = 0; n < INSTANCES_MAX; n++) {
		struct instance *i = &instances[n];

		if (!i->used || !i->to_stop)
			continue;
		durable_touch();
		i->to_stop = false;
		instance_send(i, &m);
	}
}

void instances_taken(void)
{
	for (unsigned n = 0; n < INSTANCES_MAX; n++)
		if (instances[n].used && instances[n].channel)
			msg_taken(&instances[n].channel->to_client, instances[n].taken);
}

void instance_serve(struct instance *i)
{
	if (!i->used)
		return;
	serve_messages(i);
	check_death(i);
}

/* --- heartbeat --------------------------------------------------------------------------------- */

/* Counts intervals, not time: when this whole machine stood still, nobody is to blame. */
static void beat(struct instance *i)
{
	struct message m = {.kind = MSG_PING};

	i->messages = 0;
	if (i->state != INST_READY)
		return;
	if (i->pong == i->ping) {
		i->missed = 0;
		m.word[0] = ++i->ping;
		i->unheard = instance_send(i, &m) <= 0;
	} else if (++i->missed >= PINGS_MISSED) {
		instance_kill(i, "no heartbeat for %u ms",
			      (unsigned)(PINGS_MISSED * ping_interval / NS_PER_MS));
	} else if (i->unheard) {
		m.word[0] = i->ping;
		i->unheard = instance_send(i, &m) <= 0;
	}
}

static void beat_all(struct timer *t)
{
	durable_touch();
	for (unsigned n = 0; n < INSTANCES_MAX; n++) {
		if (!instances[n].used)
			continue;
		serve_messages(&instances[n]);
		beat(&instances[n]);
	}
	timer_set(t, clock_ns() + ping_interval, beat_all);
}

void instances_watch(uint32_t heartbeat_ms)
{
	ping_interval = heartbeat_ms * NS_PER_MS / PINGS_MISSED;
	timer_set(&ping_timer, clock_ns() + ping_interval, beat_all);
}

/* --- another life of the manager --------------------------------------------------------------- */

unsigned instances_alive(void)
{
	unsigned alive = 0;

	for (unsigned n = 0; n < INSTANCES_MAX; n++)
		alive += instances[n].used && instance_alive(&instances[n]);
	return alive;
}

static bool in_order(const struct instance *i, unsigned n)
{
	bool known = false;

	for (unsigned p = 0; p < graph.nodes; p++)
		known |= i->program == &programs[p];
	return known && i->bit == n && i->state < INST_STATES && swap_in_order(i->swap) &&
	       (!i->guest || (i->guest >= guests && i->guest < guests + GUESTS_MAX));
}

bool instances_in_order(void)
{
	for (unsigned n = 0; n < INSTANCES_MAX; n++)
		if (instances[n].used && !in_order(&instances[n], n))
			return false;
	return true;
}

static void recover_one(struct instance *i)
{
	durable_rearm(&i->timer);
	i->pong = i->ping;
	i->missed = 0;
	if (!i->channel)
		return;
	i->channel = space_map(i->channel_memory, CHANNEL_BYTES, MAP_READ | MAP_WRITE);
	if (!i->channel) { /* then it cannot be spoken with any more */
		say(i, "is killed in life %u: its channel cannot be mapped", i->incarnation);
		end(i, 1);
		return;
	}
	msg_taken(&i->channel->to_client, i->taken);
	sys_event_signal(i->control_event); /* the last manager may have died between a message and this */
}

void instances_recover(void)
{
	for (unsigned n = 0; n < INSTANCES_MAX; n++)
		if (instances[n].used)
			recover_one(&instances[n]);
}

void instances_handles(durable_name *mark)
{
	for (unsigned n = 0; n < INSTANCES_MAX; n++) {
		const struct instance *i = &instances[n];

		if (!i->used)
			continue;
		mark(i->task);
		mark(i->event);
		mark(i->control_event);
		mark(i->channel_memory);
		for (unsigned k = 0; k < MODULE_IRQS_MAX; k++)
			mark(i->irq[k]);
		for (unsigned k = 0; k < KEPT_MAX; k++)
			mark(i->kept[k]);
	}
}
