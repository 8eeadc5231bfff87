// SPDX-License-Identifier: GPL-2.0-only
/* Switch: manifest and verbs. Every verb ends in flush(): answers and frames are shown to the others in batches. */
#include <string.h>
#include <postern/manifest.h>
#include "clock.h"
#include "log.h"
#include "switch.h"

MODULE_MANIFEST("name = switch\n"
		"version = 1.0\n"
		"licence = GPL-2.0-only\n"
		"about = connects guests' and the machine's network cards\n"
		"provides = nic nic.driver\n"
		"start = boot\n");

#define AGAIN (1ull << EVENT_BIT_OWN)
#define WATCH_NS NS_PER_S
#define AGE_EVERY 30 /* looks */

struct table table;
static struct timer watch_timer, wait_timer;

void run_again(void)
{
	module_signal(AGAIN);
}

static void wait_over(struct timer *t);

void flush(void)
{
	uint64_t next = port_deadlines(clock_ns());

	for (unsigned i = 0; i < ports_end; i++)
		port_flush(&ports[i]);
	for (unsigned i = 0; i < UPLINKS_MAX; i++)
		if (uplinks[i].open)
			uplink_flush(&uplinks[i]);
	if (next == ~0ull)
		timer_cancel(&wait_timer);
	else
		timer_set(&wait_timer, next, wait_over);
}

static void wait_over(struct timer *t)
{
	flush();
}

static void watch(struct timer *t)
{
	static unsigned looks;
	unsigned open = 0, up = 0;

	for (unsigned i = 0; i < NETWORKS_MAX && networks[i].name[0]; i++)
		network_update(i, clock_ns());
	for (unsigned i = 0; i < PORTS_MAX; i++)
		open += ports[i].c != NULL;
	for (unsigned i = 0; i < UPLINKS_MAX; i++)
		up += uplinks[i].open && uplinks[i].link_up;
	if (++looks % AGE_EVERY == 0)
		table_age(&table, clock_ns());
	module_status("%u guests' cards, %u uplinks", open, up);
	timer_set(t, clock_ns() + WATCH_NS, watch);
}

static int switch_probe(void)
{
	int ret = identity_init();

	if (ret)
		log_line("addresses of guests' cards will not outlive this life: error %d", -ret);
	watch(&watch_timer);
	return 0;
}

static bool is_uplink(const struct connection *c)
{
	return (uintptr_t)c->private_ - (uintptr_t)uplinks < sizeof(uplinks);
}

static int switch_connected(struct connection *c)
{
	static bool ready;

	if (!ready)
		table_init(&table);
	ready = true;
	return !strcmp(c->class_, "nic.driver") ? uplink_connected(c) : port_connected(c);
}

static void switch_disconnected(struct connection *c)
{
	if (!c->private_)
		return;
	if (!is_uplink(c))
		port_disconnected(c->private_);
	else if (((struct uplink *)c->private_)->c == c)
		uplink_disconnected(c->private_);
	flush();
}

static void switch_readable(struct connection *c)
{
	if (!c->private_)
		return;
	if (!is_uplink(c))
		port_serve(c->private_);
	else if (((struct uplink *)c->private_)->c == c)
		uplink_serve(c->private_);
	flush();
}

static void switch_shared(struct connection *c, const struct share *s)
{
	if (!c->private_ || is_uplink(c))
		return;
	port_shared(c->private_, s);
	flush();
}

static void switch_event(uint64_t bits)
{
	for (unsigned i = 0; i < UPLINKS_MAX; i++)
		if (uplinks[i].again)
			uplink_serve(&uplinks[i]);
	for (unsigned i = 0; i < ports_end; i++)
		if (ports[i].again)
			port_serve(&ports[i]);
	flush();
}

static void switch_control(const struct message *m)
{
	if (m->kind != MSG_COMMAND)
		return;
	if (!strncmp(m->text, "nics", 4))
		text_nics();
	else if (!strncmp(m->text, "networks", 8))
		text_networks();
	else
		log_line("the switch knows: nics, networks");
}

const struct module_ops module = {
	.probe = switch_probe,
	.connected = switch_connected,
	.disconnected = switch_disconnected,
	.readable = switch_readable,
	.shared = switch_shared,
	.control = switch_control,
	.event = switch_event,
};
