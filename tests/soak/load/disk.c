// SPDX-License-Identifier: GPL-2.0-only
/*
 * Disk: random reads and writes of a file on ext4, past the page cache, 1 to 32 at once, 4 KiB to 512 KiB each, with
 * flushes between. `load disk DEVICE MIB [SEED]`.
 *
 * Every block of 4 KiB says its own number, which write of it this is (its generation), and a sum over itself; all the
 * rest of it follows from number and generation. So a block that is stale, from elsewhere, torn, or written
 * twice with different data is seen, and named as such, when it is read next: by the load itself, which never has two
 * requests on their way of which one writes what the other touches, or at the end, when the whole file is read, and read again
 * after the file system was unmounted and mounted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "load.h"

#define BLOCK 4096
#define WORDS (BLOCK / 8)
#define HEAD 4 /* words */
#define MAGIC 0x506f737465726e21ull
#define DEPTH_MAX 32
#define BLOCKS_MAX 128 /* of a request */
#define MIB_MAX 1024
#define FOLDER "/mnt"
#define FILE_NAME FOLDER "/soak"
#define WRITER 0xff

enum { READ, WRITE, FLUSH };

struct request {
	struct iocb control;
	uint8_t kind;
	uint32_t first, count; /* blocks */
	uint64_t *data;
};

static const char *device;
static int file = -1;
static uint32_t blocks, generation[MIB_MAX * 256];
static uint8_t busy[MIB_MAX * 256]; /* readers, or WRITER */
static struct request request[DEPTH_MAX];
static aio_context_t context;
static uint64_t seed = 0x9e3779b97f4a7c15ull, written, flushes;

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* --- blocks ---------------------------------------------------------------------------------- */

static uint64_t first_word(uint32_t number, uint32_t gen)
{
	uint64_t x = ((uint64_t)gen << 32 | number) + MAGIC;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return (x ^ x >> 31) | 1;
}

static uint64_t sum_of(const uint64_t *block)
{
	uint64_t sum = MAGIC;

	for (unsigned i = HEAD; i < WORDS; i++)
		sum = (sum << 7 | sum >> 57) ^ block[i];
	return sum ^ block[1] ^ block[2];
}

static void fill(uint64_t *block, uint32_t number, uint32_t gen)
{
	uint64_t word = first_word(number, gen);

	for (unsigned i = HEAD; i < WORDS; i++) {
		word ^= word << 13;
		word ^= word >> 7;
		word ^= word << 17;
		block[i] = word;
	}
	block[0] = MAGIC;
	block[1] = number;
	block[2] = gen;
	block[3] = sum_of(block);
}

static bool is_right(const uint64_t *block, uint32_t number, uint32_t gen)
{
	uint64_t word = first_word(number, gen), differs = (block[0] ^ MAGIC) | (block[1] ^ number) | (block[2] ^ gen);

	for (unsigned i = HEAD; i < WORDS; i++) {
		word ^= word << 13;
		word ^= word >> 7;
		word ^= word << 17;
		differs |= block[i] ^ word;
	}
	return !differs;
}

static void check(const uint64_t *block, uint32_t number, const char *when)
{
	const char *how = "torn or garbage";

	if (is_right(block, number, generation[number]))
		return;
	if (block[0] == MAGIC && block[3] == sum_of(block))
		how = block[1] != number ? "another block" : "another generation";
	wrong(&tally.mismatches, "%s: block %u, generation %u: %s: number %llu, generation %llu", when, number,
	      generation[number], how, (unsigned long long)block[1], (unsigned long long)block[2]);
}

/* --- requests -------------------------------------------------------------------------------- */

static bool is_free(uint32_t first, uint32_t count, bool write)
{
	for (uint32_t i = first; i < first + count; i++)
		if (busy[i] == WRITER || (write && busy[i]))
			return false;
	return true;
}

static uint32_t random_count(void)
{
	uint64_t dice = next_random() % 100;

	return dice < 60 ? 1 : dice < 95 ? 2 + next_random() % 15 : 17 + next_random() % (BLOCKS_MAX - 16);
}

/* False: everything that was tried is on its way already. */
static bool choose(struct request *r)
{
	r->kind = next_random() % 100 < 50 ? READ : next_random() % 64 ? WRITE : FLUSH;
	if (r->kind == FLUSH)
		return true;
	for (unsigned i = 0; i < 8; i++) {
		r->count = random_count();
		r->first = next_random() % (blocks - r->count + 1);
		if (is_free(r->first, r->count, r->kind == WRITE))
			return true;
	}
	return false;
}

static void prepare(struct request *r)
{
	static const uint16_t code[] = {IOCB_CMD_PREAD, IOCB_CMD_PWRITE, IOCB_CMD_FDSYNC};

	r->control = (struct iocb){.aio_lio_opcode = code[r->kind], .aio_fildes = file};
	if (r->kind == FLUSH)
		return;
	r->control.aio_buf = (uintptr_t)r->data;
	r->control.aio_nbytes = (uint64_t)r->count * BLOCK;
	r->control.aio_offset = (uint64_t)r->first * BLOCK;
	for (uint32_t i = 0; i < r->count; i++) {
		uint32_t number = r->first + i;

		busy[number] = r->kind == WRITE ? WRITER : busy[number] + 1;
		if (r->kind == WRITE)
			fill(r->data + (size_t)i * WORDS, number, ++generation[number]);
		else
			memset(r->data + (size_t)i * WORDS, 0xee, BLOCK);
	}
}

static void complete(struct request *r, int64_t result)
{
	if (result != (int64_t)r->control.aio_nbytes)
		wrong(&tally.errors, "%s of %u blocks at %u: %s", r->kind == READ ? "read" : r->kind == WRITE ? "write" : "flush",
		      r->count, r->first, result < 0 ? strerror(-result) : "short");
	flushes += r->kind == FLUSH;
	if (r->kind == FLUSH)
		return;
	for (uint32_t i = 0; i < r->count; i++) {
		if (r->kind == READ && result > 0)
			check(r->data + (size_t)i * WORDS, r->first + i, "read");
		busy[r->first + i] = r->kind == WRITE ? 0 : busy[r->first + i] - 1;
	}
	written += r->kind == WRITE;
}

/* --- the whole file -------------------------------------------------------------------------- */

static void open_file(void)
{
	file = open(FILE_NAME, O_RDWR | O_CREAT | O_DIRECT, 0600);
	if (file < 0)
		die(FILE_NAME);
}

static void write_all(void)
{
	for (uint32_t at = 0; at < blocks; at += BLOCKS_MAX) {
		for (uint32_t i = 0; i < BLOCKS_MAX; i++)
			fill(request[0].data + (size_t)i * WORDS, at + i, generation[at + i] = 1);
		if (pwrite(file, request[0].data, BLOCKS_MAX * BLOCK, (off_t)at * BLOCK) != BLOCKS_MAX * BLOCK)
			die("the file");
	}
	if (fsync(file))
		die("fsync");
}

static void read_all(const char *when)
{
	for (uint32_t at = 0; at < blocks; at += BLOCKS_MAX) {
		if (pread(file, request[0].data, BLOCKS_MAX * BLOCK, (off_t)at * BLOCK) != BLOCKS_MAX * BLOCK)
			wrong(&tally.errors, "%s: read at %u: %s", when, at, strerror(errno));
		for (uint32_t i = 0; i < BLOCKS_MAX; i++)
			check(request[0].data + (size_t)i * WORDS, at + i, when);
		did(1);
	}
}

static void end(void)
{
	if (fsync(file))
		wrong(&tally.errors, "fsync: %s", strerror(errno));
	read_all("at the end");
	close(file);
	if (umount(FOLDER) || mount(device, FOLDER, "ext4", 0, NULL))
		die("mount again");
	open_file();
	read_all("after a mount");
	close(file);
	if (umount(FOLDER))
		die("umount");
	report("end", "");
}

/* --- the load -------------------------------------------------------------------------------- */

/* As many requests as fit into `depth`; how many are on their way then. */
static unsigned submit(struct request **idle, unsigned *idles, unsigned depth)
{
	struct iocb *batch[DEPTH_MAX];
	long n = 0;

	while (DEPTH_MAX - *idles < depth && choose(idle[*idles - 1])) {
		struct request *r = idle[--*idles];

		prepare(r);
		batch[n++] = &r->control;
	}
	if (n && syscall(SYS_io_submit, context, n, batch) != n)
		die("io_submit");
	return DEPTH_MAX - *idles;
}

static void run(void)
{
	struct request *idle[DEPTH_MAX];
	struct io_event events[DEPTH_MAX];
	unsigned idles = 0, depth = 1, left = 0;
	const char *line = NULL;
	char more[80];

	while (idles < DEPTH_MAX) {
		idle[idles] = &request[idles];
		idles++;
	}
	for (;;) {
		struct timespec second = {.tv_sec = 1};
		bool ending = line && !strcmp(line, "end");
		long got;

		if (!left--) {
			depth = 1u << next_random() % 6;
			left = 50 + next_random() % 200;
		}
		if (!ending && submit(idle, &idles, depth) == 0)
			continue;
		if (ending && idles == DEPTH_MAX)
			return;
		got = syscall(SYS_io_getevents, context, 1L, (long)DEPTH_MAX, events, &second);
		if (got < 0 && errno != EINTR)
			die("io_getevents");
		for (long i = 0; i < got; i++) {
			struct request *r = (struct request *)events[i].obj;

			complete(r, events[i].res);
			idle[idles++] = r;
		}
		if (got > 0)
			did(got);
		if (!ending && (line = command()) && !strcmp(line, "mark")) {
			snprintf(more, sizeof(more), ", %llu writes, %llu flushes so far", (unsigned long long)written,
				 (unsigned long long)flushes);
			report("mark", more);
		}
	}
}

int load_disk(int argc, char **argv)
{
	unsigned mib = argc > 1 ? atoi(argv[1]) : 0;

	if (argc < 2 || mib < 1 || mib > MIB_MAX)
		return 2;
	if (argc > 2)
		seed += strtoull(argv[2], NULL, 10) << 20;
	device = argv[0];
	blocks = mib * 256;
	mkdir(FOLDER, 0700);
	if (mount(device, FOLDER, "ext4", 0, NULL) || syscall(SYS_io_setup, 2 * DEPTH_MAX, &context))
		die(device);
	for (unsigned i = 0; i < DEPTH_MAX; i++) {
		request[i].data = mmap(NULL, BLOCKS_MAX * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
				       -1, 0);
		if (request[i].data == MAP_FAILED)
			die("memory");
	}
	open_file();
	write_all();
	watch_kernel();
	printf("SOAK up: %u blocks\n", blocks);
	fflush(stdout);
	run();
	end();
	return tally.errors || tally.mismatches;
}
