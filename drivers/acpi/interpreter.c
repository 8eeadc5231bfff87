// SPDX-License-Identifier: GPL-2.0-only
/* Bringing ACPICA up and down. */
#include "internal.h"
#include "interpreter.h"
#include "machine.h"

#define TABLES_FIRST 16 /* root table entries before it grows */

static struct interpreter_facts facts;
static void (*button_pressed)(void);
static bool pressed;

const struct interpreter_facts *interpreter_facts(void)
{
	return &facts;
}

static acpi_status count_node(acpi_handle handle, u32 level, void *context, void **value)
{
	facts.nodes++;
	return AE_OK;
}

static uint32_t count_tables(void)
{
	struct acpi_table_header *table;
	uint32_t n = 0;

	while (ACPI_SUCCESS(acpi_get_table_by_index(n, &table))) {
		acpi_put_table(table);
		n++;
	}
	return n;
}

/* Called in the interrupt handler: only noted. */
static u32 on_button(void *context)
{
	pressed = true;
	return ACPI_INTERRUPT_HANDLED;
}

/* The fixed button of the FADT. Buttons that are devices of the namespace need general purpose
 * events, which stay off. */
static bool attach_button(void)
{
	if (acpi_gbl_FADT.flags & ACPI_FADT_POWER_BUTTON)
		return false;
	return ACPI_SUCCESS(acpi_install_fixed_event_handler(ACPI_EVENT_POWER_BUTTON, on_button,
							     NULL)) &&
	       ACPI_SUCCESS(acpi_enable_event(ACPI_EVENT_POWER_BUTTON, 0));
}

/* Tells the tables that interrupts go to I/O APICs (ACPI 6.4, 5.8.1); many have no such method. */
static int use_io_apics(void)
{
	union acpi_object argument = {.integer = {ACPI_TYPE_INTEGER, 1}};
	struct acpi_object_list arguments = {1, &argument};
	acpi_status status = acpi_evaluate_object(NULL, "\\_PIC", &arguments, NULL);

	return status == AE_NOT_FOUND ? 0 : status_report(status, "_PIC");
}

static int load(void)
{
	acpi_status status = acpi_initialize_tables(NULL, TABLES_FIRST, TRUE);
	int ret;

	if (status == AE_NOT_FOUND)
		return -ENODEV;
	ret = status_report(status, "reading the tables' directory");
	if (!ret)
		ret = status_report(acpi_load_tables(), "loading the tables");
	if (!ret)
		ret = status_report(acpi_enable_subsystem(ACPI_FULL_INITIALIZATION),
				    "switching to ACPI mode");
	if (!ret)
		ret = status_report(acpi_initialize_objects(ACPI_FULL_INITIALIZATION),
				    "initialising devices");
	if (!ret)
		ret = use_io_apics();
	return ret;
}

int interpreter_start(void (*button)(void))
{
	acpi_status status;
	int ret;

	facts = (struct interpreter_facts){0};
	button_pressed = button;
	if (!acpi_os_get_root_pointer())
		return -ENODEV;
	acpi_gbl_enable_interpreter_slack = TRUE;
	status = acpi_initialize_subsystem();
	if (ACPI_FAILURE(status))
		return status_report(status, "initialising the interpreter");
	ret = load();
	if (ret) {
		acpi_terminate();
		return ret;
	}
	facts.tables = count_tables();
	facts.sci = acpi_gbl_FADT.sci_interrupt;
	acpi_walk_namespace(ACPI_TYPE_ANY, ACPI_ROOT_OBJECT, ACPI_UINT32_MAX, count_node, NULL,
			    NULL, NULL);
	if (route_start())
		machine_log("the tables name no PCI root bridge: no interrupt routing");
	facts.roots = route_roots();
	facts.power_button = attach_button();
	return 0;
}

void interpreter_stop(void)
{
	if (!facts.tables)
		return;
	facts.tables = 0;
	acpi_terminate();
}

void interpreter_interrupt(void)
{
	osl_interrupt();
}

void interpreter_work(void)
{
	acpi_os_wait_events_complete();
	if (pressed) {
		pressed = false;
		if (button_pressed)
			button_pressed();
	}
}
