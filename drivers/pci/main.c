// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pci module: what is on the machine's PCI buses, for whoever connects to `bus.pci`.
 *
 * Interrupts and root buses other than 0 come from the acpi module, if there is one. It is asked
 * for the roots before the first request is answered, or when a while has passed without one: its
 * first answer takes long.
 */
#include "bus.h"
#include "service.h"
#include "text.h"
#include <clock.h>
#include <log.h>
#include <module.h>
#include <postern/manifest.h>
#include <string.h>

#define ACPI_WAIT (15 * NS_PER_S) /* nobody else waits; a busy machine reads tables slowly */
#define ROOTS_MAX 16

MODULE_MANIFEST("name = pci\n"
		"version = 1.0\n"
		"licence = GPL-2.0-only\n"
		"about = PCI buses: enumeration, BARs, configuration space, interrupt lines\n"
		"provides = bus.pci\n"
		"uses = acpi\n"
		"rights = pci\n"
		"class = driver\n"
		"start = boot\n"
		"safe = yes\n");

#define LATE (3 * NS_PER_S)

static bool asked;
static struct timer late;

int service_route(uint32_t bdf, uint32_t pin, uint32_t *gsi, uint32_t *flags)
{
	struct connection *acpi = connection_find("acpi", 0);
	struct message m = {.kind = ACPI_ROUTE, .route = {.bdf = bdf, .pin = pin}};
	int ret;

	if (!acpi)
		return -ENODEV;
	ret = connection_call(acpi, &m, ACPI_WAIT);
	if (!ret)
		ret = m.result;
	if (!ret) {
		*gsi = m.route.gsi;
		*flags = m.route.flags;
	}
	return ret;
}

/* Logs the functions from `first` on. */
static void report(unsigned first)
{
	char line[80], wrong[160];
	struct function *f;

	for (unsigned i = first; (f = bus_function(i)); i++) {
		text_line(f, 0, line, sizeof(line));
		text_faults(f, wrong, sizeof(wrong));
		log_line("%s%s%s", line, wrong[0] ? "; wrong: " : "", wrong);
	}
	if (bus_full())
		log_line("more than %u functions: the rest is left out", FUNCTIONS_MAX);
	module_status("%u functions on %u buses", bus_count(), bus_buses());
}

static void scan(uint8_t root)
{
	unsigned before = bus_count();

	bus_scan(root, module_start()->incarnation > 1);
	report(before);
}

static void ask_roots(void)
{
	struct connection *acpi = connection_find("acpi", 0);

	if (asked || !acpi)
		return;
	asked = true;
	timer_cancel(&late);
	for (uint64_t i = 0; i < ROOTS_MAX; i++) {
		struct message m = {.kind = ACPI_ROOT, .word = {i}};

		if (connection_call(acpi, &m, ACPI_WAIT) || m.result)
			return;
		scan(m.word[0]);
	}
}

static void on_late(struct timer *t)
{
	ask_roots();
}

static int probe(void)
{
	scan(0);
	timer_set(&late, clock_ns() + LATE, on_late);
	return 0;
}

static void disconnected(struct connection *c)
{
	if (c->role == ROLE_SERVER)
		service_drop(c);
}

static void message(struct connection *c, const struct message *m)
{
	struct message reply;

	if (c->role != ROLE_SERVER)
		return;
	ask_roots();
	service_answer(c, m, &reply);
	connection_send(c, &reply);
}

const struct module_ops module = {
	.probe = probe,
	.disconnected = disconnected,
	.message = message,
};
