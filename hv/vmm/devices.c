// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices: what the guest's section asks for, made and connected to who serves it.
 *
 * The n-th `disk` of the configuration is port n of class "disk", the n-th `cdrom` port 64 + n, the n-th `nic` port n of
 * class "nic" (postern/channel.h).
 */
#include "clock.h"
#include "log.h"
#include "module.h"
#include <string.h>
#include "syscalls.h"
#include "guest.h"
#include "legacy.h"
#include "virtio_devices.h"

#define DISKS_MAX 16
#define NICS_MAX 8
#define CD_PORT 64
#define LINE_MAX 128
#define SETTLE_NS (5 * NS_PER_S) /* how long a guest's start waits for its disks */
#define WAIT_NS (10 * NS_PER_MS)
/* Four tries of 10 s, with resets of the link of up to 34 s between them (drivers/ahci/ahci.h), or a heartbeat: by then no
 * driver has a request of this guest under way. */
#define ABANDON_NS (240 * NS_PER_S)

static struct virtio_device *disk[DISKS_MAX], *nic[NICS_MAX];
static uint32_t settled_event;
static uint64_t made; /* CLOCK ns */
static struct timer patience;

/* --- the virtio devices' host ---------------------------------------------------------------- */

void virtio_host_ring(struct virtio_device *d)
{
	module_signal(d->bit);
}

int virtio_host_doorbell(unsigned port, uint64_t bit)
{
	return sys_vm_doorbell(guest.vm, port, bit ? module_start()->event : 0, bit);
}

void virtio_host_halts(struct virtio_device *d, bool ring)
{
	static const struct virtio_device *whose;
	uint64_t at = d->pci.bar[0].at;
	uint32_t port = ring && at != PCI_NOWHERE ? at + VIRTIO_NOTIFY : 0;

	if (!ring && whose != d)
		return;
	whose = d;
	for (unsigned n = 0; n < guest.cpus; n++)
		__atomic_store_n(&guest.vcpu[n].run->halt_port, port, __ATOMIC_RELAXED);
}

bool virtio_host_wait(void)
{
	struct vcpu *v = vcpu_current();

	if (v && __atomic_load_n(&v->run->stop, __ATOMIC_ACQUIRE))
		return false;
	guest_unlock();
	sys_event_wait(settled_event, ~0ull, clock_ns() + WAIT_NS);
	guest_lock();
	return true;
}

void virtio_host_settled(void)
{
	sys_event_signal(settled_event);
}

void virtio_host_log(const struct virtio_device *d, const char *what)
{
	static unsigned lines;

	if (lines++ < 24)
		log_line("guest %s: its %s driver broke a rule: %s; the device needs a reset", guest.name, d->name,
			 what);
}

/* Of brokers that went and do not come back. */
static void abandon(void)
{
	bool any = ide_disk_abandon(ABANDON_NS);

	for (unsigned n = 0; n < DISKS_MAX; n++)
		any |= disk[n] && virtio_blk_abandon(disk[n], ABANDON_NS);
	if (any)
		log_line("guest %s: nobody has served its disks for %llu s: what they have not answered is given up", guest.name,
			 (unsigned long long)(ABANDON_NS / NS_PER_S));
}

void devices_quiesce(void)
{
	uint64_t said = clock_ns() + NS_PER_S;

	guest_lock();
	ide_disk_reset();
	while ((!virtio_quiet() | !ide_disk_quiet()) && !guest.quit) {
		virtio_host_wait();
		abandon();
		if (clock_ns() > said) {
			said = WAIT_FOREVER;
			log_line("guest %s: its reset waits for requests that its disks have not answered",
				 guest.name);
		}
	}
	guest_unlock();
}

/* --- making them ----------------------------------------------------------------------------- */

/* The value of NAME=VALUE among the words of a line, "" when it is not there. */
static void word(const char *line, const char *name, char *to, size_t size)
{
	size_t n = strlen(name);

	*to = 0;
	for (const char *at = line; (at = strchr(at, ' ')) != NULL;) {
		at++;
		if (strncmp(at, name, n) || at[n] != '=')
			continue;
		at += n + 1;
		n = 0;
		while (n + 1 < size && at[n] && at[n] != ' ') {
			to[n] = at[n];
			n++;
		}
		to[n] = 0;
		return;
	}
}

static bool in_list(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = list; (at = strstr(at, name)) != NULL; at += n)
		if ((at == list || at[-1] == ' ' || at[-1] == ',') && (!at[n] || at[n] == ' ' || at[n] == ','))
			return true;
	return false;
}

static int no_room(struct boot_error *error, const char *what, unsigned n)
{
	return boot_fail(error, -ENOMEM, "no memory or no place on the bus for %s %u", what, n);
}

static int open_port(const char *class_, unsigned port, struct boot_error *error)
{
	int e = module_open(class_, port, "");

	if (e == -ENODEV)
		return boot_fail(error, e, "%s %u: nobody serves class \"%s\"; the log has the reason", class_, port, class_);
	return e < 0 ? boot_fail(error, e, "%s %u: the manager refuses its connection: error %d", class_, port, e) : 0;
}

static int make_ide(unsigned port, const char *serial, struct boot_error *error)
{
	int e = ide_disk_make(port, serial);

	if (e == -ENOSPC)
		return boot_fail(error, e, "more than 4 drives on the IDE bus; disks can have bus=virtio");
	return e ? no_room(error, "IDE drive", port) : open_port("disk", port, error);
}

static int make_cdroms(struct boot_error *error)
{
	char line[LINE_MAX];
	int e = 0;

	for (unsigned n = 0; !e && module_argument("cdrom", n, line, sizeof(line)) >= 0; n++)
		e = make_ide(CD_PORT + n, "", error);
	return e;
}

static int make_disks(struct boot_error *error)
{
	char line[LINE_MAX], bus[16], serial[24];
	int e = 0;

	for (unsigned n = 0; !e && module_argument("disk", n, line, sizeof(line)) >= 0; n++) {
		if (n == DISKS_MAX)
			return boot_fail(error, -E2BIG, "more than %u disks", DISKS_MAX);
		word(line, "bus", bus, sizeof(bus));
		word(line, "serial", serial, sizeof(serial));
		if (!strcmp(bus, "ide")) {
			e = make_ide(n, serial, error);
			continue;
		}
		disk[n] = virtio_blk_make(serial);
		e = disk[n] ? open_port("disk", n, error) : no_room(error, "disk", n);
	}
	return e;
}

static int make_nics(struct boot_error *error)
{
	char line[LINE_MAX], model[16];
	int e = 0;

	for (unsigned n = 0; !e && module_argument("nic", n, line, sizeof(line)) >= 0; n++) {
		if (n == NICS_MAX)
			return boot_fail(error, -E2BIG, "more than %u network cards", NICS_MAX);
		word(line, "model", model, sizeof(model));
		if (!strcmp(model, "pcnet")) {
			e = pcnet_make(n) ? no_room(error, "nic", n) : open_port("nic", n, error);
			continue;
		}
		nic[n] = virtio_net_make();
		e = nic[n] ? open_port("nic", n, error) : no_room(error, "nic", n);
	}
	return e;
}

static int make_others(struct boot_error *error)
{
	char list[LINE_MAX];

	if (module_argument("virtio", 0, list, sizeof(list)) < 0)
		return 0;
	if (in_list(list, "rng") && !virtio_rng_make())
		return no_room(error, "rng", 0);
	if (in_list(list, "console") && !virtio_console_make())
		return no_room(error, "console", 0);
	if (in_list(list, "balloon") && !virtio_balloon_make())
		return no_room(error, "balloon", 0);
	if (in_list(list, "input") && !virtio_input_make())
		return no_room(error, "input", 0);
	return 0;
}

int devices_make(struct boot_error *error)
{
	int64_t event = sys_event_create();
	int e;

	if (event < 0)
		return boot_fail(error, event, "no event for the devices");
	settled_event = event;
	made = clock_ns();
	e = make_disks(error);
	if (!e)
		e = make_cdroms(error);
	if (!e)
		e = make_nics(error);
	return e ? e : make_others(error);
}

/* --- connections ----------------------------------------------------------------------------- */

static void no_patience(struct timer *t)
{
	devices_changed();
}

static bool waits(bool settled, const char *what, unsigned n)
{
	if (settled)
		return false;
	if (clock_ns() - made < SETTLE_NS) {
		timer_set(&patience, made + SETTLE_NS, no_patience);
		return true;
	}
	log_line("guest %s: its %s %u has not appeared: the guest starts without", guest.name, what, n);
	return false;
}

bool devices_settled(void)
{
	for (unsigned n = 0; n < DISKS_MAX; n++)
		if (waits(disk[n] ? virtio_blk_settled(disk[n]) : ide_disk_settled(n), "disk", n))
			return false;
	for (unsigned n = 0; n < DISKS_MAX; n++)
		if (waits(ide_disk_settled(CD_PORT + n), "CD drive", n))
			return false;
	for (unsigned n = 0; n < NICS_MAX; n++)
		if (waits(nic[n] ? virtio_net_settled(nic[n]) : pcnet_settled(n), "nic", n))
			return false;
	return true;
}

void devices_changed(void)
{
	module_signal(EVENT_SETTLED);
}

static struct virtio_device *device_of(const struct connection *c)
{
	if (!strcmp(c->class_, "disk"))
		return c->port < DISKS_MAX ? disk[c->port] : NULL;
	if (!strcmp(c->class_, "nic"))
		return c->port < NICS_MAX ? nic[c->port] : NULL;
	return NULL;
}

int devices_connected(struct connection *c)
{
	struct virtio_device *d = device_of(c);

	if (ide_disk_owns(c))
		return ide_disk_connected(c);
	if (pcnet_owns(c))
		return pcnet_connected(c);
	if (!d)
		return -EINVAL;
	return d->type == VIRTIO_BLK ? virtio_blk_connected(d, c) : virtio_net_connected(d, c);
}

void devices_disconnected(struct connection *c)
{
	struct virtio_device *d = device_of(c);

	if (ide_disk_owns(c))
		ide_disk_disconnected(c);
	else if (pcnet_owns(c))
		pcnet_disconnected(c);
	else if (d && d->type == VIRTIO_BLK)
		virtio_blk_disconnected(d);
	else if (d)
		virtio_net_disconnected(d);
}

void devices_readable(struct connection *c)
{
	struct virtio_device *d = device_of(c);

	if (ide_disk_owns(c))
		ide_disk_readable(c);
	else if (pcnet_owns(c))
		pcnet_readable(c);
	else if (d && d->type == VIRTIO_BLK)
		virtio_blk_readable(d);
	else if (d)
		virtio_net_readable(d);
}
