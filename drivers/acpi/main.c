// SPDX-License-Identifier: GPL-2.0-only
/*
 * The acpi module: interrupt routing, power-off, reset and the power button, for whoever connects
 * to the service class `acpi`. On a machine without ACPI it stays and answers -ENODEV.
 *
 * Reading the tables takes tens of milliseconds, which guests that are being started would wait
 * for. So it happens at the first request, or when a while has passed.
 */
#include "interpreter.h"
#include "machine.h"
#include "sci.h"
#include <clock.h>
#include <log.h>
#include <module.h>
#include <postern/manifest.h>
#include <syscalls.h>

MODULE_MANIFEST("name = acpi\n"
		"version = 1.0\n"
		"licence = GPL-2.0-only\n"
		"about = interrupt routing, power-off and reset by the machine's ACPI tables\n"
		"provides = acpi\n"
		"rights = physmem ports irqs pci\n"
		"class = driver\n"
		"start = boot\n"
		"safe = yes\n");

#define LATE (2 * NS_PER_S)

static bool started;
static int failure; /* why there is no ACPI, once started; 0: there is */
static struct timer late;

static void button(void)
{
	struct message m = {.kind = MSG_POWER_BUTTON};

	log_line("the power button was pressed");
	module_send(&m);
}

static void start(void)
{
	const struct interpreter_facts *f = interpreter_facts();
	uint64_t began = clock_ns();

	timer_cancel(&late);
	if (started)
		return;
	started = true;
	failure = interpreter_start(button);
	if (failure == -ENODEV) {
		module_status("no ACPI tables on this machine");
		log_line("no ACPI tables on this machine: no interrupt routing, no power-off");
	} else if (failure) {
		module_status("unusable tables: error %d", -failure);
		log_line("the machine's ACPI tables are unusable: error %d; no interrupt routing, "
			 "no power-off",
			 -failure);
	} else {
		module_status("%u tables, %u names, SCI %u", f->tables, f->nodes, f->sci);
		log_line("%u tables, %u names, SCI %u, %u PCI root(s), %s; read in %llu ms",
			 f->tables, f->nodes, f->sci, f->roots,
			 f->power_button ? "power button" : "no power button",
			 (unsigned long long)((clock_ns() - began) / NS_PER_MS));
	}
}

static void on_late(struct timer *t)
{
	start();
}

static int probe(void)
{
	module_status("tables not read yet");
	timer_set(&late, clock_ns() + LATE, on_late);
	return 0;
}

static int64_t answer(const struct message *m, struct message *reply)
{
	start();
	if (failure)
		return failure;
	switch (m->kind) {
	case ACPI_ROUTE:
		reply->route.bdf = m->route.bdf;
		reply->route.pin = m->route.pin;
		return interpreter_route(m->route.bdf, m->route.pin, &reply->route.gsi,
					 &reply->route.flags);
	case ACPI_ROOT:
		return interpreter_root(m->word[0], &reply->word[0]);
	case ACPI_POWER_OFF:
		return interpreter_power_off();
	case ACPI_REBOOT:
		return interpreter_reset();
	default:
		return -ENOSYS;
	}
}

static void serve(struct connection *c, const struct message *m)
{
	struct message reply = {.kind = m->kind | MSG_REPLY, .id = m->id};

	if (c->role != ROLE_SERVER)
		return;
	reply.result = answer(m, &reply);
	connection_send(c, &reply);
	interpreter_work();
}

static void event(uint64_t bits)
{
	if (!(bits & SCI_EVENT))
		return;
	interpreter_interrupt();
	interpreter_work();
	sci_acknowledge();
}

const struct module_ops module = {
	.probe = probe,
	.remove = interpreter_stop,
	.message = serve,
	.event = event,
};
