// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt links (PNP0C0F, ACPI 6.4 section 6.2.13): programmable wires between a PCI pin and an
 * interrupt. A link keeps what firmware chose when that is possible by its own word (_PRS); else
 * it gets the interrupt that the fewest links have. Each is programmed once (_SRS), also when its
 * choice stays, because _SRS is what switches it on.
 */
#include "internal.h"
#include "machine.h"

#define LINKS_MAX 32
#define CHOICES_MAX 32

struct choice {
	uint32_t irq[CHOICES_MAX];
	unsigned count;
	uint32_t flags;
};

static struct link {
	acpi_handle handle;
	uint32_t gsi, flags;
} links[LINKS_MAX];
static unsigned link_count;

void link_forget_all(void)
{
	link_count = 0;
}

/* The first interrupt descriptor of a resource list fills the choice. */
static acpi_status take_irqs(struct acpi_resource *r, void *context)
{
	struct choice *c = context;
	bool level, low;

	switch (r->type) {
	case ACPI_RESOURCE_TYPE_IRQ:
		level = r->data.irq.triggering == ACPI_LEVEL_SENSITIVE;
		low = r->data.irq.polarity == ACPI_ACTIVE_LOW;
		for (unsigned i = 0; i < r->data.irq.interrupt_count && c->count < CHOICES_MAX; i++)
			c->irq[c->count++] = r->data.irq.interrupts[i];
		break;
	case ACPI_RESOURCE_TYPE_EXTENDED_IRQ:
		level = r->data.extended_irq.triggering == ACPI_LEVEL_SENSITIVE;
		low = r->data.extended_irq.polarity == ACPI_ACTIVE_LOW;
		for (unsigned i = 0;
		     i < r->data.extended_irq.interrupt_count && c->count < CHOICES_MAX; i++)
			c->irq[c->count++] = r->data.extended_irq.interrupts[i];
		break;
	default:
		return AE_OK;
	}
	c->flags = (level ? IRQ_LEVEL : 0) | (low ? IRQ_LOW : 0);
	return AE_CTRL_TERMINATE;
}

/* Sets the interrupt in a _CRS-shaped buffer to one value. */
static acpi_status put_irq(struct acpi_resource *r, void *context)
{
	uint32_t irq = *(uint32_t *)context;

	if (r->type == ACPI_RESOURCE_TYPE_IRQ && irq < 16) {
		r->data.irq.interrupt_count = 1;
		r->data.irq.interrupts[0] = irq;
		return AE_CTRL_TERMINATE;
	}
	if (r->type == ACPI_RESOURCE_TYPE_EXTENDED_IRQ) {
		r->data.extended_irq.interrupt_count = 1;
		r->data.extended_irq.interrupts[0] = irq;
		return AE_CTRL_TERMINATE;
	}
	return AE_OK;
}

static bool possible(const struct choice *c, uint32_t irq)
{
	for (unsigned i = 0; i < c->count; i++) {
		if (c->irq[i] == irq)
			return true;
	}
	return false;
}

static unsigned burden(uint32_t irq)
{
	/* Interrupts that ISA devices use come last. */
	unsigned n = irq < 16 && irq != 5 && irq != 9 && irq != 10 && irq != 11 ? 100 : 0;

	for (unsigned i = 0; i < link_count; i++)
		n += links[i].gsi == irq;
	return n;
}

static uint32_t choose(const struct choice *c)
{
	uint32_t best = c->irq[0];

	for (unsigned i = 1; i < c->count; i++) {
		if (burden(c->irq[i]) < burden(best))
			best = c->irq[i];
	}
	return best;
}

/* _SRS takes what _CRS gave, with one interrupt in it. */
static int program(acpi_handle handle, uint32_t irq)
{
	struct acpi_buffer buffer = {ACPI_ALLOCATE_BUFFER, NULL};
	acpi_status status = acpi_get_current_resources(handle, &buffer);

	if (ACPI_FAILURE(status))
		return status_error(status);
	acpi_walk_resource_buffer(&buffer, put_irq, &irq);
	status = acpi_set_current_resources(handle, &buffer);
	acpi_os_free(buffer.pointer);
	return status_error(status);
}

/* A link whose _CRS cannot be changed (a fixed wire) is as good as one that was programmed. */
static int settle(acpi_handle handle, struct link *link)
{
	struct choice now = {.count = 0}, may = {.count = 0};
	int ret;

	acpi_walk_resources(handle, METHOD_NAME__PRS, take_irqs, &may);
	acpi_walk_resources(handle, METHOD_NAME__CRS, take_irqs, &now);
	if (!may.count && !(now.count && now.irq[0]))
		return -ENOENT;
	link->gsi = now.count ? now.irq[0] : 0;
	link->flags = may.count ? may.flags : now.flags;
	if (may.count && (!link->gsi || !possible(&may, link->gsi)))
		link->gsi = choose(&may);
	ret = program(handle, link->gsi);
	if (ret && !(now.count && now.irq[0] == link->gsi))
		return ret;
	return 0;
}

int link_route(acpi_handle handle, uint32_t *gsi, uint32_t *flags)
{
	struct link new = {.handle = handle}, *link = NULL;
	int ret;

	for (unsigned i = 0; i < link_count; i++) {
		if (links[i].handle == handle)
			link = &links[i];
	}
	if (!link) {
		ret = settle(handle, &new);
		if (ret)
			return ret;
		if (link_count == LINKS_MAX)
			return -ENOSPC;
		link = &links[link_count++];
		*link = new;
	}
	*gsi = link->gsi;
	*flags = link->flags;
	return 0;
}
