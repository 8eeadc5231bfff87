/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The broker of disks: between drivers, which connect as they come, and guests, who ask for volumes.
 *
 *   driver --disk.driver--> disk (a front)      volumes: all of it, partitions      client <--disk-- guest
 *      ^                                                                              |
 *      +------------------------------ the connection, handed over <------------------+
 *
 * No data and no request of a guest passes here, but those of boot files. A disk is a front for reading its partition table; it
 * outlives its driver: clients wait, and are handed over to its next life if the same disk is there then.
 */
#ifndef VOLUME_H
#define VOLUME_H

#include "blk.h"
#include "hold.h"
#include "table.h"

#define DISKS_MAX 16
#define CLIENTS_MAX 44 /* with the disks as many as a module has connections */
#define NAME_BYTES 24
#define WANT_BYTES 64
#define SCAN_TAG 14
#define SCAN_BYTES 0x11000 /* entries of a GPT, a sector more */
#define DRIVER_WAIT_NS 60000000000ull /* then the disk is given up */
#define CLIENT_WAIT_NS 3000000000ull  /* then the log says what a guest waits for */

struct volume {
	char name[32]; /* ahci0, ahci0p2 */
	unsigned number; /* of the partition, 0: the disk */
	uint64_t first, sectors; /* of 512 bytes */
	uint8_t guid[16];
	char label[LABEL_BYTES];	/* of its partition */
	char filesystem[LABEL_BYTES];	/* of what is in it */
};

struct disk;

struct scan {
	unsigned state, partition;
	uint64_t lba; /* what is being read */
	uint64_t chain;
	struct gpt_header header;
	const char *primary_fault;
	struct table table;
};

struct disk {
	bool used;
	char name[NAME_BYTES]; /* as its driver calls it */
	char driver[16];
	struct disk_link identity; /* as of its first life */
	struct blk_front front;
	struct timer lost; /* the driver does not come back */
	bool known;	   /* scanned: its volumes may be used */
	bool removed;	   /* its volumes are those that it had */
	struct scan scan;
	uint32_t buffer_memory;
	uint8_t *buffer;
	unsigned volumes;
	struct volume volume[PARTITIONS_MAX + 1];
	uint64_t lives, lost_ns, away_ns; /* since when the driver is away; the longest that it was */
};

struct client {
	struct connection *c;
	struct blk_back back; /* of a boot file; else to tell that there is no disk */
	char who[24], want[WANT_BYTES]; /* "guest NAME"; the volume's name */
	bool read_only;
	bool over;    /* told that there is nothing for it */
	bool refused; /* somebody is in its way: asked for again from time to time */
	bool told;    /* that it waits */
	bool given;   /* on its way to the driver */
	bool watched; /* the driver's: only looked at */
	uint64_t since;
	struct disk *disk; /* NULL: waits for its volume */
	struct volume volume;
	struct hold *hold;
	const char *file; /* instead of a disk: all of a boot file */
	uint64_t file_bytes;
};
#define FILE_PREFIX "file:"

extern struct disk *disks[DISKS_MAX];
_Static_assert(DISKS_MAX + CLIENTS_MAX <= CONNECTIONS_MAX, "connections");
extern struct client *clients[CLIENTS_MAX];

/* Of the class disk.driver, not disk. */
static inline bool is_driver(const struct connection *c)
{
	return c->class_[4] == '.';
}

/* disk.c */
int disk_connected(struct connection *c, const char *who);
void disk_disconnected(struct disk *d);
void disk_known(struct disk *d); /* the scan ended */
struct disk *disk_of(const struct connection *c);
bool disk_read(struct disk *d, uint64_t sector, uint32_t sectors); /* into buffer; then scan_next() */

/* scan.c: which volumes a disk has */
void scan_start(struct disk *d);
void scan_next(struct disk *d, bool ok);

/* name.c: pure. NULL: there is none (yet), or *why is the reason why there will be none. */
const struct volume *volume_find(const char *want, struct disk **d, const char **why);

/* file.c: a boot file instead of a disk */
void file_begin(struct client *cl);
int file_shared(struct client *cl, unsigned tag);
void file_pump(struct client *cl);

/* client.c */
int client_connected(struct connection *c);
void client_disconnected(struct client *cl);
void client_shared(struct client *cl, const struct share *s);
struct client *client_of(const struct connection *c);
void client_gone(struct client *cl, const char *why);
bool client_uses(const struct client *cl, const struct disk *d, const struct volume *v);
void clients_try(void); /* perhaps there is a volume now that one waits for */
void clients_of_removed(const struct disk *d);

#endif
