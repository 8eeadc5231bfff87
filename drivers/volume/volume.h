/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The broker of disks: between drivers, which connect as they come, and guests, who ask for volumes.
 *
 *   driver --disk.driver--> disk (a front) ---- volumes: all of it, partitions ----> client (a back) <--disk-- guest
 *
 * A disk outlives its driver: its requests are put again to the next life (blk.h), if the same disk is there then. A
 * client ends with its connection; what it still has in flight ends first, before anybody else begins
 * on that disk.
 */
#ifndef VOLUME_H
#define VOLUME_H

#include "blk.h"
#include "hold.h"
#include "table.h"

#define DISKS_MAX 16
#define CLIENTS_MAX 24
#define NAME_BYTES 24
#define WANT_BYTES 64
#define SCAN_TAG 14
#define SCAN_BYTES 0x11000 /* entries of a GPT, a sector more */
#define DRIVER_WAIT_NS 60000000000ull /* then the disk is given up */
#define CLIENT_WAIT_NS 3000000000ull  /* then the log says what a guest waits for */

struct volume {
	char name[32]; /* ahci0, ahci0p2 */
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
	uint8_t wire[DISK_RING_SLOTS]; /* of the client's request */
	struct timer lost;	       /* the driver does not come back */
	struct client *tag_of[REF_TAGS];
	unsigned orphans; /* requests of clients that ended */
	bool known;	  /* scanned: its volumes may be used */
	struct scan scan;
	uint32_t buffer_memory;
	uint8_t *buffer;
	unsigned volumes;
	struct volume volume[PARTITIONS_MAX + 1];
	uint64_t lives, blackout_ns; /* the longest */
};

struct client {
	struct blk_back back;
	char who[24], want[WANT_BYTES]; /* "guest NAME"; the volume's name */
	bool read_only, over;
	uint64_t since;
	bool told; /* that it waits */
	bool refused; /* somebody is in its way: asked for again from time to time */
	struct disk *disk; /* NULL: waits for its volume */
	struct volume volume;
	struct hold *hold;
	uint8_t tag[REF_TAGS]; /* at the disk; NO_TAG */
	unsigned in_flight;
	const char *file; /* instead of a disk: all of a boot file */
	uint64_t file_bytes;
	bool starved; /* has requests, but there was no room */
};
#define NO_TAG 0xff
#define FILE_PREFIX "file:"

extern struct disk *disks[DISKS_MAX];
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
void disk_orphans_ended(struct disk *d);
void disk_note_blackout(struct disk *d);
struct disk *disk_of(const struct connection *c);
bool disk_read(struct disk *d, uint64_t sector, uint32_t sectors); /* into buffer; then scan_next() */

/* scan.c: which volumes a disk has */
void scan_start(struct disk *d);
void scan_next(struct disk *d, bool ok);

/* name.c: pure */
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
void client_try(struct client *cl); /* perhaps its volume is there now */
void client_gone(struct client *cl, const char *why);
void client_pump(struct client *cl);
void client_done(struct disk *d, struct blk_request *r, int status);
void clients_of_disk(struct disk *d, void (*each)(struct client *cl));
void clients_wake(struct disk *d);

#endif
