// SPDX-License-Identifier: GPL-2.0-only
/*
 * The acpi module: interrupt routing, power-off, reset and the power button, for whoever connects to
 * the service class `acpi`. On a machine without ACPI it stays and answers -ENODEV.
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

static void button(void)
{
	struct message m = {.kind = MSG_POWER_BUTTON};

	log_line("the power button was pressed");
	module_send(&m);
}

static int probe(void)
{
	const struct interpreter_facts *f = interpreter_facts();
	uint64_t began = clock_ns();
	int ret = interpreter_start(button);

	if (ret == -ENODEV) {
		module_status("no ACPI tables on this machine");
		log_line("no ACPI tables on this machine: no interrupt routing, no power-off");
		return 0;
	}
	if (ret)
		return module_fail(ret, "the machine's ACPI tables are unusable (error %d)", ret);
	log_line("%u tables, %u names, SCI %u, %u PCI root(s), %s, ready in %llu ms", f->tables,
		 f->nodes, f->sci, f->roots, f->power_button ? "power button" : "no power button",
		 (unsigned long long)((clock_ns() - began) / NS_PER_MS));
	module_status("%u tables, %u names, SCI %u", f->tables, f->nodes, f->sci);
	return 0;
}

static void serve(struct connection *c, const struct message *m)
{
	struct message reply = {.kind = m->kind | MSG_REPLY, .id = m->id};

	if (c->role != ROLE_SERVER)
		return;
	switch (m->kind) {
	case ACPI_ROUTE:
		reply.route.bdf = m->route.bdf;
		reply.route.pin = m->route.pin;
		reply.result = interpreter_route(m->route.bdf, m->route.pin, &reply.route.gsi,
						 &reply.route.flags);
		break;
	case ACPI_ROOT:
		reply.result = interpreter_root(m->word[0], &reply.word[0]);
		break;
	case ACPI_POWER_OFF:
		reply.result = interpreter_power_off();
		break;
	case ACPI_REBOOT:
		reply.result = interpreter_reset();
		break;
	default:
		reply.result = -ENOSYS;
	}
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
