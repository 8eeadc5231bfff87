// SPDX-License-Identifier: GPL-2.0-only
/*
 * Disktest: a client of the broker of disks that knows what it wrote. Started from the shell;
 * destroys what is on the volume.
 *
 *   open VOLUME [ro]	opens it
 *   run DEPTH [KIB]	random reads and writes of up to KIB (64) each, DEPTH at once, every block
 * verified stop		no new ones
 *   mark		what was done since the last mark, and the longest time without a completion
 *   speed DEPTH KIB r|w|R|W	a second of requests of one size, in order (r, w) or at random (R,
 * W), without looking flush, trim	one of these
 *
 * Each 4 KiB block holds its number and the count of its writes, in every 8 bytes. A block under
 * way is used by nobody else.
 */
#include <string.h>
#include <postern/manifest.h>
#include "blk.h"
#include "clock.h"
#include "log.h"
#include "stdlib.h"
#include "syscalls.h"

MODULE_MANIFEST("name = disktest\n"
		"version = 1.0\n"
		"licence = GPL-2.0-only\n"
		"about = verified random I/O on a volume, for tests\n"
		"opens = disk\n"
		"provides = disktest\n"
		"start = never\n");

#define DEPTH_MAX 64
#define BYTES_MAX 0x100000u
#define BLOCKS_MAX 16384
#define RAM_BYTES (DEPTH_MAX * (uint64_t)BYTES_MAX)
#define SPEED_NS NS_PER_S

struct work {
	bool busy, writes;
	uint32_t first, blocks;
	uint64_t *buffer;
};

static struct blk_front front;
static struct work works[DEPTH_MAX];
static uint32_t version[BLOCKS_MAX]; /* 0: never written by us */
static bool taken[BLOCKS_MAX];
static uint32_t blocks, depth, blocks_a_request = 16, wanted;
static uint64_t random_state = 88172645463325252ull;
static uint64_t done_count, errors, mismatches, last_done, longest_gap;
static struct {
	bool on, writes, random;
	uint64_t until, start, done, next;
	uint32_t bytes;
} speed;

static uint64_t random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static uint64_t stamp(uint32_t block, uint32_t count, unsigned i)
{
	return (uint64_t)block << 40 | (uint64_t)count << 12 | i;
}

static void fill(struct work *w)
{
	for (uint32_t b = 0; b < w->blocks; b++)
		for (unsigned i = 0; i < BLK_PAGE / 8; i++)
			w->buffer[b * (BLK_PAGE / 8) + i] =
				stamp(w->first + b, version[w->first + b], i);
}

static void check(const struct work *w)
{
	for (uint32_t b = 0; b < w->blocks; b++) {
		for (unsigned i = 0; version[w->first + b] && i < BLK_PAGE / 8; i++) {
			uint64_t is = w->buffer[b * (BLK_PAGE / 8) + i];

			if (is == stamp(w->first + b, version[w->first + b], i))
				continue;
			if (mismatches++ < 10)
				log_line("mismatch in block %u, word %u: %llx, written %u times",
					 w->first + b, i, (unsigned long long)is,
					 version[w->first + b]);
			break;
		}
	}
}

static bool take_blocks(struct work *w)
{
	w->blocks = 1 + random_number() % blocks_a_request;
	w->first = random_number() % (blocks - w->blocks);
	for (uint32_t b = 0; b < w->blocks; b++)
		if (taken[w->first + b])
			return false;
	memset(taken + w->first, true, w->blocks);
	return true;
}

static bool start(struct work *w)
{
	struct blk_request *r = blk_front_get(&front);
	unsigned index = w - works;

	if (!r)
		return false;
	for (unsigned tries = 0; !take_blocks(w); tries++) {
		if (tries < 20)
			continue;
		blk_front_drop(&front, r);
		return false;
	}
	w->writes = random_number() & 1;
	w->busy = true;
	r->operation = w->writes ? random_number() % 16 ? BLKIF_OP_WRITE : BLKIF_OP_WRITE_BARRIER
				 : BLKIF_OP_READ;
	if (!(front.info.flags & DISK_FUA) && w->writes)
		r->operation = BLKIF_OP_WRITE;
	for (uint32_t b = 0; w->writes && b < w->blocks; b++)
		version[w->first + b]++;
	if (w->writes)
		fill(w);
	r->sector = (uint64_t)w->first * (BLK_PAGE / BLK_SECTOR);
	r->private_ = w;
	blk_add(&front, r, 0, (uint64_t)index * BYTES_MAX, (uint64_t)w->blocks * BLK_PAGE);
	blk_front_put(&front, r);
	return true;
}

static bool start_speed(unsigned index)
{
	struct blk_request *r = blk_front_get(&front);
	uint64_t sectors = front.info.bytes / BLK_SECTOR, n = speed.bytes / BLK_SECTOR;

	if (!r)
		return false;
	r->operation = speed.writes ? BLKIF_OP_WRITE : BLKIF_OP_READ;
	r->sector = (speed.random ? random_number() : speed.next++) % (sectors / n) * n;
	r->cookie = index + 1;
	works[index].busy = true;
	blk_add(&front, r, 0, (uint64_t)index * BYTES_MAX, speed.bytes);
	blk_front_put(&front, r);
	return true;
}

static void fill_up(void)
{
	uint32_t limit = speed.on ? wanted : depth;

	for (unsigned i = 0; i < limit; i++) {
		if (works[i].busy)
			continue;
		if (speed.on ? !start_speed(i) : !blocks || !start(&works[i]))
			break;
	}
	blk_front_push(&front);
}

static void end_speed(void)
{
	uint64_t ns = clock_ns() - speed.start;

	speed.on = false;
	log_line("speed: %s %s %u KiB, depth %u: %llu KiB/s, %llu requests/s",
		 speed.random ? "random" : "sequential", speed.writes ? "writes" : "reads",
		 speed.bytes / 1024, wanted,
		 (unsigned long long)(speed.done * (speed.bytes / 1024) * 1000000 / (ns / 1000)),
		 (unsigned long long)(speed.done * 1000000 / (ns / 1000)));
}

static void note_gap(void)
{
	uint64_t now = clock_ns();

	if (last_done && now - last_done > longest_gap)
		longest_gap = now - last_done;
	last_done = now;
}

static void done(struct blk_front *f, struct blk_request *r, int status)
{
	struct work *w = r->private_;

	note_gap();
	done_count++;
	if (r->cookie) {
		works[r->cookie - 1].busy = false;
		speed.done += !status;
		if (status && errors++ < 10)
			log_line("request at %llu fails: error %d", (unsigned long long)r->sector,
				 -status);
		return;
	}
	if (!w) {
		log_line("operation %u: %s", r->operation, status ? "failed" : "done");
		return;
	}
	if (status && errors++ < 10)
		log_line("%s of %u blocks at %u fails: error %d", w->writes ? "write" : "read",
			 w->blocks, w->first, -status);
	if (status && w->writes) /* what is there now nobody knows */
		memset(version + w->first, 0, w->blocks * sizeof(version[0]));
	if (!status && !w->writes)
		check(w);
	memset(taken + w->first, false, w->blocks);
	w->busy = false;
}

static void changed(struct blk_front *f)
{
	uint64_t n = f->info.bytes / BLK_PAGE;

	if (f->gone) {
		log_line("the volume is gone");
		depth = 0;
		return;
	}
	if (!blocks)
		log_line("volume %s: %llu KiB%s", f->info.name,
			 (unsigned long long)f->info.bytes >> 10,
			 f->info.flags & DISK_READ_ONLY ? ", read-only" : "");
	blocks = n < BLOCKS_MAX ? n : BLOCKS_MAX;
}

static int prepare(void)
{
	int64_t memory = sys_mem_create(RAM_BYTES, 0);
	char *at = memory < 0 ? NULL : space_map(memory, RAM_BYTES, MAP_READ | MAP_WRITE);

	if (!at)
		return -ENOMEM;
	for (unsigned i = 0; i < DEPTH_MAX; i++)
		works[i].buffer = (uint64_t *)(at + (uint64_t)i * BYTES_MAX);
	front.done = done;
	front.changed = changed;
	return blk_front_init(&front) ||
	       blk_front_memory(&front, 0, memory,
				RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS | RIGHT_GRANT);
}

static void mark(void)
{
	log_line("mark: %llu done, longest gap %llu us, %llu errors, %llu mismatches",
		 (unsigned long long)done_count, (unsigned long long)longest_gap / 1000,
		 (unsigned long long)errors, (unsigned long long)mismatches);
	done_count = longest_gap = 0;
}

static void other(unsigned operation)
{
	struct blk_request *r = blk_front_get(&front);

	if (!r)
		return;
	r->operation = operation;
	r->sectors = operation == BLKIF_OP_DISCARD ? front.info.bytes / BLK_SECTOR : 0;
	if (operation == BLKIF_OP_DISCARD)
		memset(version, 0, sizeof(version));
	blk_front_put(&front, r);
	blk_front_push(&front);
}

static uint32_t number(const char *text, uint32_t low, uint32_t high)
{
	unsigned long n = strtoul(text, NULL, 10);

	return n < low ? low : n > high ? high : n;
}

static void start_run(char **word, int words)
{
	depth = words > 1 ? number(word[1], 1, DEPTH_MAX) : 1;
	blocks_a_request = words > 2 ? number(word[2], 4, BYTES_MAX / 1024) / 4 : 16;
	last_done = 0;
	fill_up();
}

static void start_speed_run(char **word, int words)
{
	if (words < 4 || !blocks || !front.ready)
		return;
	wanted = number(word[1], 1, DEPTH_MAX);
	depth = 0;
	speed.bytes = number(word[2], 4, 1024) * 1024;
	speed.writes = word[3][0] == 'w' || word[3][0] == 'W';
	speed.random = word[3][0] == 'R' || word[3][0] == 'W';
	speed.done = speed.next = 0;
	speed.start = clock_ns();
	speed.until = speed.start + SPEED_NS;
	speed.on = true;
	fill_up();
}

static void control(const struct message *m)
{
	char text[MESSAGE_TEXT + 1], *word[4], *at = text;
	int words = 0, ret;

	if (m->kind != MSG_COMMAND)
		return;
	memcpy(text, m->text, MESSAGE_TEXT);
	text[MESSAGE_TEXT] = 0;
	while (*at && words < 4) {
		word[words++] = at;
		at += strcspn(at, " ");
		if (*at)
			*at++ = 0;
	}
	if (!strcmp(text, "open") && words > 1) {
		if (words > 2)
			word[2][-1] = ' ';
		ret = module_open("disk", 0, word[1]);
		if (ret < 0)
			log_line("open: error %d", -ret);
	} else if (!strcmp(text, "run")) {
		start_run(word, words);
	} else if (!strcmp(text, "stop")) {
		depth = 0;
	} else if (!strcmp(text, "mark")) {
		mark();
	} else if (!strcmp(text, "speed")) {
		start_speed_run(word, words);
	} else if (!strcmp(text, "flush")) {
		other(BLKIF_OP_FLUSH_DISKCACHE);
	} else if (!strcmp(text, "trim")) {
		other(BLKIF_OP_DISCARD);
	}
}

static int connected(struct connection *c)
{
	int ret = front.c ? -EBUSY : blk_front_attach(&front, c);

	/* All may have been answered before the other side died: then nobody else signals. */
	if (!ret && front.ready)
		fill_up();
	return ret;
}

static void disconnected(struct connection *c)
{
	if (front.c == c)
		blk_front_detach(&front);
}

static void readable(struct connection *c)
{
	if (front.c != c)
		return;
	blk_front_poll(&front);
	if (front.blackout_ns)
		log_line("the disk is back: blackout %llu us, %llu requests put again so far",
			 (unsigned long long)front.blackout_ns / 1000,
			 (unsigned long long)front.replayed);
	front.blackout_ns = 0;
	if (speed.on && clock_ns() >= speed.until)
		end_speed();
	fill_up();
}

static int probe(void)
{
	int ret = prepare();

	if (ret)
		return module_fail(-ENOMEM, "no memory for buffers");
	module_status("waits for commands");
	return 0;
}

const struct module_ops module = {
	.probe = probe,
	.connected = connected,
	.disconnected = disconnected,
	.readable = readable,
	.control = control,
};
