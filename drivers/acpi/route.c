// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a PCI function's interrupt pin to the interrupt that it raises.
 *
 * The table (_PRT, ACPI 6.4 section 6.2.13) of the function's bus says it, directly or by naming a
 * link. A bus without a table hands its pins through its bridge, rotated by the device number
 * (PCI-to-PCI Bridge 1.2, section 9.1), to the bus above.
 */
#include "internal.h"
#include "interpreter.h"
#include "machine.h"

#define DEPTH_MAX 32

static struct {
	acpi_handle handle;
	uint8_t bus;
} roots[ROOTS_MAX];
static unsigned root_count;
static uint16_t bridge_of[256];

static uint64_t integer_of(acpi_handle handle, char *name, uint64_t otherwise)
{
	union acpi_object value;
	struct acpi_buffer buffer = {sizeof(value), &value};

	acpi_status status;

	status = acpi_evaluate_object_typed(handle, name, NULL, &buffer, ACPI_TYPE_INTEGER);
	return ACPI_FAILURE(status) ? otherwise : value.integer.value;
}

static acpi_status found_root(acpi_handle handle, u32 level, void *context, void **value)
{
	uint64_t bus = integer_of(handle, "_BBN", 0);

	for (unsigned i = 0; i < root_count; i++) {
		if (roots[i].handle == handle)
			return AE_OK;
	}
	if (integer_of(handle, "_SEG", 0) || bus > 255 || root_count == ROOTS_MAX) {
		acpi_os_printf("a PCI root bridge (bus %u) is left out\n", (unsigned)bus);
		return AE_OK;
	}
	roots[root_count].handle = handle;
	roots[root_count++].bus = bus;
	return AE_OK;
}

int route_start(void)
{
	uint8_t buses[ROOTS_MAX];

	root_count = 0;
	link_forget_all();
	acpi_get_devices("PNP0A03", found_root, NULL, NULL);
	acpi_get_devices("PNP0A08", found_root, NULL, NULL);
	for (unsigned i = 0; i < root_count; i++)
		buses[i] = roots[i].bus;
	topology_scan(bridge_of, buses, root_count);
	return root_count ? 0 : -ENOENT;
}

unsigned route_roots(void)
{
	return root_count;
}

int interpreter_root(uint64_t index, uint64_t *bus)
{
	if (!interpreter_facts()->tables)
		return -ENODEV;
	if (index >= root_count)
		return -ENOENT;
	*bus = roots[index].bus;
	return 0;
}

static acpi_handle root_object(uint8_t bus)
{
	for (unsigned i = 0; i < root_count; i++) {
		if (roots[i].bus == bus)
			return roots[i].handle;
	}
	return NULL;
}

/* The child of a bus whose _ADR names a device and function. */
static acpi_handle child_object(acpi_handle parent, uint32_t bdf)
{
	uint64_t address = (uint64_t)(bdf >> 3 & 31) << 16 | (bdf & 7);
	acpi_handle child = NULL;

	while (ACPI_SUCCESS(acpi_get_next_object(ACPI_TYPE_DEVICE, parent, child, &child))) {
		if (integer_of(child, "_ADR", ~0ull) == address)
			return child;
	}
	return NULL;
}

/* What the namespace calls a bus: its root bridge or the bridge that leads to it; NULL: nothing. */
static acpi_handle bus_object(uint8_t bus)
{
	uint16_t path[DEPTH_MAX];
	unsigned depth = 0;
	acpi_handle at;

	while (bridge_of[bus] != NO_BRIDGE && depth < DEPTH_MAX) {
		path[depth++] = bridge_of[bus];
		bus = bridge_of[bus] >> 8;
	}
	at = root_object(bus);
	while (at && depth)
		at = child_object(at, path[--depth]);
	return at;
}

static int follow(acpi_handle bus, const struct acpi_pci_routing_table *e, uint32_t *gsi,
		  uint32_t *flags)
{
	acpi_handle link;
	acpi_status status;

	if (!e->source[0]) {
		*gsi = e->source_index;
		*flags = IRQ_LEVEL | IRQ_LOW; /* PCI's own kind */
		return 0;
	}
	status = acpi_get_handle(bus, (acpi_string)e->source, &link);
	if (ACPI_FAILURE(status))
		return status_report(status, e->source);
	return link_route(link, gsi, flags);
}

/* -ENOENT: the table lacks the pin. -ENODEV: there is no table. */
static int look_up(acpi_handle bus, uint32_t device, uint32_t pin, uint32_t *gsi, uint32_t *flags)
{
	struct acpi_buffer buffer = {ACPI_ALLOCATE_BUFFER, NULL};
	const struct acpi_pci_routing_table *e;
	acpi_status status = acpi_get_irq_routing_table(bus, &buffer);
	int ret = -ENOENT;

	if (status == AE_NOT_FOUND)
		return -ENODEV;
	if (ACPI_FAILURE(status))
		return status_report(status, "_PRT");
	for (e = buffer.pointer; e->length; e = (const void *)((const char *)e + e->length)) {
		if ((e->address >> 16 & 0xffff) != device || e->pin != pin)
			continue;
		ret = follow(bus, e, gsi, flags);
		break;
	}
	acpi_os_free(buffer.pointer);
	return ret;
}

int interpreter_route(uint32_t bdf, uint32_t pin, uint32_t *gsi, uint32_t *flags)
{
	uint32_t bus = bdf >> 8, device = bdf >> 3 & 31;

	if (!interpreter_facts()->tables)
		return -ENODEV;
	if (bdf > 0xffff || pin > 3)
		return -EINVAL;
	for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
		acpi_handle object = bus_object(bus);
		int ret = object ? look_up(object, device, pin, gsi, flags) : -ENODEV;

		if (ret != -ENODEV)
			return ret;
		if (bridge_of[bus] == NO_BRIDGE)
			return -ENOENT;
		pin = (pin + device) % 4;
		device = bridge_of[bus] >> 3 & 31;
		bus = bridge_of[bus] >> 8;
	}
	return -ENOENT;
}
