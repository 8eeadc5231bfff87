// SPDX-License-Identifier: GPL-2.0-only
/* Volume: broker of disks. Drivers connect to it with what they have, guests with what they want.
 */
#include <string.h>
#include <postern/manifest.h>
#include "clock.h"
#include "log.h"
#include "syscalls.h"
#include "volume.h"

MODULE_MANIFEST("name = volume\n"
		"version = 1.0\n"
		"licence = GPL-2.0-only\n"
		"about = disks, their partitions, who may use them\n"
		"provides = disk disk.driver\n"
		"start = boot\n");

#define KEEP_HOLDS 0

struct hold_table *holds;

static int keep_holds(void)
{
	uint64_t bytes = 0;
	uint32_t kept = module_kept(KEEP_HOLDS, &bytes);
	int64_t memory = kept;

	if (!kept || bytes < sizeof(*holds)) {
		memory = sys_mem_create(PAGE_SIZE, 0);
		if (memory < 0)
			return memory;
		module_keep(memory, KEEP_HOLDS);
	}
	holds = space_map(memory, PAGE_SIZE, MAP_READ | MAP_WRITE);
	if (!holds)
		return -ENOMEM;
	hold_begin(holds, clock_ns());
	return 0;
}
_Static_assert(sizeof(struct hold_table) <= PAGE_SIZE, "one page is kept");

/* The last word of "module ahci ahci0". */
static const char *disk_name(const struct connection *c)
{
	const char *name = strrchr(c->peer, ' ');

	return name ? name + 1 : "";
}

static void status(void)
{
	unsigned n = 0, volumes = 0;

	for (unsigned i = 0; i < DISKS_MAX; i++) {
		n += disks[i] && disks[i]->known;
		volumes += disks[i] && disks[i]->known ? disks[i]->volumes : 0;
	}
	module_status("%u disks, %u volumes", n, volumes);
}

static int volume_connected(struct connection *c)
{
	return is_driver(c) ? disk_connected(c, disk_name(c)) : client_connected(c);
}

static void volume_disconnected(struct connection *c)
{
	struct disk *d = disk_of(c);
	struct client *cl = client_of(c);

	if (d)
		disk_disconnected(d);
	else if (cl)
		client_disconnected(cl);
}

static void volume_readable(struct connection *c)
{
	struct disk *d = disk_of(c);
	struct client *cl = client_of(c);
	unsigned known;

	if (d) {
		known = d->known;
		blk_front_poll(&d->front);
		if (known != d->known)
			status();
	} else if (cl && cl->file) {
		file_pump(cl);
	}
}

static void volume_shared(struct connection *c, const struct share *s)
{
	client_shared(client_of(c), s);
}

static const char *yes(bool is, const char *what)
{
	return is ? what : "";
}

/* The driver counts, in the page that the connection has for it; the guest may write there, too. */
static void list_client(const struct client *cl)
{
	const struct disk_link *l = cl->c->shared;
	const blkif_sring_t *ring = disk_ring(cl->c->shared);

	log_line("  %s%s: %u in flight, %llu requests, %llu MiB read, %llu MiB written, %llu errors",
		 cl->who, yes(!cl->hold->writes, " (read-only)"), ring->req_prod - ring->rsp_prod,
		 (unsigned long long)l->requests, (unsigned long long)l->bytes_read >> 20,
		 (unsigned long long)l->bytes_written >> 20, (unsigned long long)l->errors);
}

static void list_volume(const struct disk *d, const struct volume *v)
{
	char guid[37];

	guid_text(v->guid, guid);
	log_line("%-10s %9llu KiB%s%s%s%s%s%s", v->name, (unsigned long long)v->sectors / 2,
		 yes(v->label[0], " label:"), v->label, yes(v->filesystem[0], " label:"),
		 v->filesystem, yes(guid[0] != '0' || guid[7] != '0', " guid:"),
		 yes(guid[0] != '0' || guid[7] != '0', guid));
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (client_uses(clients[i], d, v))
			list_client(clients[i]);
}

static void list_disk(const struct disk *d)
{
	const struct disk_link *i = &d->identity;

	log_line("%-10s %s, serial %s, %llu MiB, %u bytes a sector%s%s%s%s", d->name, i->model,
		 i->serial, (unsigned long long)i->bytes >> 20, i->sector_bytes,
		 yes(i->flags & DISK_FLUSH, ", flush"), yes(i->flags & DISK_FUA, ", FUA"),
		 yes(i->flags & DISK_DISCARD, ", discard"),
		 yes(i->flags & DISK_NO_MEDIUM, ", no medium"));
	log_line("  %s; driver's life %llu, longest without it %llu us",
		 d->front.ready	 ? "works"
		 : d->front.gone ? "gone"
				 : "waits for its driver",
		 (unsigned long long)d->lives, (unsigned long long)d->away_ns / 1000);
}

static void volume_control(const struct message *m)
{
	bool list_disks = m->kind == MSG_COMMAND && !strcmp(m->text, "disks");

	if (m->kind != MSG_COMMAND)
		return;
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		if (!disks[i] || !disks[i]->identity.sector_bytes || disks[i]->removed)
			continue;
		if (list_disks)
			list_disk(disks[i]);
		for (unsigned v = 0; !list_disks && disks[i]->known && v < disks[i]->volumes; v++)
			list_volume(disks[i], &disks[i]->volume[v]);
	}
}

static int volume_probe(void)
{
	int ret = keep_holds();

	if (ret)
		return module_fail(ret, "no memory for the table of users: error %d", -ret);
	status();
	return 0;
}

const struct module_ops module = {
	.probe = volume_probe,
	.connected = volume_connected,
	.disconnected = volume_disconnected,
	.readable = volume_readable,
	.shared = volume_shared,
	.control = volume_control,
};
