// SPDX-License-Identifier: GPL-2.0-only
/* AHCI: driver of Serial ATA adapters. Opens a connection of the class disk.driver for each disk
 * and drive, and serves those of the class disk that its broker hands over. */
#include <string.h>
#include <postern/manifest.h>
#include "clock.h"
#include "hw.h"
#include "log.h"
#include "syscalls.h"

MODULE_MANIFEST("name = ahci\n"
		"version = 1.0\n"
		"licence = GPL-2.0-only\n"
		"about = Serial ATA disks and drives on AHCI adapters\n"
		"opens = disk.driver\n"
		"pci = class:0106\n"
		"start = boot\n");

static struct hba hbas[MODULE_DEVICES_MAX];
static unsigned hba_count;

/* The broker's own connection says which port it is by its number; one that it handed over, by that. */
static struct port *port_of(const struct connection *c)
{
	for (unsigned i = 0; i < hba_count * AHCI_PORTS; i++) {
		struct port *p = hbas[i / AHCI_PORTS].port[i % AHCI_PORTS];

		if (p && (c->of ? p->connection == c->of : p->disk == c->port))
			return p;
	}
	return NULL;
}

static int ahci_connected(struct connection *c)
{
	struct port *p = port_of(c);

	return p ? disk_connected(p, c) : -ENODEV;
}

static void ahci_disconnected(struct connection *c)
{
	disk_disconnected(c->private_);
}

static void ahci_readable(struct connection *c)
{
	queue_fill(((struct ring *)c->private_)->port);
}

static void ahci_shared(struct connection *c, const struct share *s)
{
	int ret = disk_shared(c->private_, s);

	if (ret)
		log_line("connection %u: memory %u cannot be used: error %d", c->id, s->tag, -ret);
	ahci_readable(c);
}

static void ahci_event(uint64_t bits)
{
	for (unsigned i = 0; i < hba_count; i++) {
		if (!(bits & hbas[i].device->irq_bit))
			continue;
		hba_interrupt(&hbas[i]);
		if (!(hbas[i].device->flags & DEVICE_MSI))
			sys_irq_ack(hbas[i].device->irq);
	}
}

static void report(const struct port *p)
{
	static const char *const states[] = {
		"absent", "waits for its link", "is identified", "works",
		"stops",  "is reset",		"is given up"};

	if (p->state == PORT_ABSENT)
		return;
	log_line("ahci%u: %s, %s; %u busy, %u pending; %llu errors, %llu tried again, %llu overdue",
		 p->disk, p->identity.model, states[p->state], count_bits(p->busy),
		 count_bits(p->pending), (unsigned long long)p->errors,
		 (unsigned long long)p->retries, (unsigned long long)p->timeouts);
}

static void ahci_control(const struct message *m)
{
	if (m->kind != MSG_COMMAND)
		return;
	for (unsigned h = 0; h < hba_count; h++)
		for (unsigned i = 0; i < AHCI_PORTS; i++)
			if (hbas[h].port[i])
				report(hbas[h].port[i]);
}

static int ahci_probe(void)
{
	struct device *d;
	unsigned works = 0, ports = 0;
	int ret = -ENODEV;

	while (hba_count < MODULE_DEVICES_MAX && (d = module_device(hba_count))) {
		struct hba *h = &hbas[hba_count];

		h->device = d;
		h->index = hba_count++;
		ret = hba_start(h);
		works += !ret;
		ports += count_bits(h->ports);
	}
	if (!works)
		return ret;
	module_status("%u adapter%s, %u ports", works, works == 1 ? "" : "s", ports);
	return 0;
}

static void ahci_remove(void)
{
	for (unsigned i = 0; i < hba_count; i++)
		hba_stop(&hbas[i]);
}

const struct module_ops module = {
	.probe = ahci_probe,
	.remove = ahci_remove,
	.connected = ahci_connected,
	.disconnected = ahci_disconnected,
	.readable = ahci_readable,
	.shared = ahci_shared,
	.control = ahci_control,
	.event = ahci_event,
};
