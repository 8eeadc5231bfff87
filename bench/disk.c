// SPDX-License-Identifier: GPL-2.0-only
/*
 * Disk load for Linux, in a guest and on the plain machine: requests of one size, so many at once, past the page cache.
 *
 *	disk DEVICE NAME:r|w|R|W:KIB:DEPTH:COUNT|MSms ...
 *
 * r and w go forward, R and W anywhere. COUNT requests, or as many as come in MS milliseconds. `pause` instead of one
 * prints PAUSE and waits for a line. Each prints
 *	BENCH-DISK NAME requests nanoseconds busy-nanoseconds
 * where busy is all time that the processors were not idle, as the kernel accounts it (steps of 10 ms).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define DEPTH_MAX 64
#define BYTES_MAX (1 << 20)

static int device;
static uint64_t device_bytes, seed = 88172645463325252ull;
static char *buffers;
static aio_context_t context;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static uint64_t idle_ns(void)
{
	char text[256];
	unsigned long long user, nice, system, idle, wait;
	FILE *f = fopen("/proc/stat", "r");

	if (!f || !fgets(text, sizeof(text), f) ||
	    sscanf(text, "cpu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &wait) != 5)
		exit(1);
	fclose(f);
	return (idle + wait) * 10000000ull;
}

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void run(const char *name, char mode, unsigned kib, unsigned depth, uint64_t count, uint64_t ms)
{
	static struct iocb control[DEPTH_MAX];
	struct iocb *batch[DEPTH_MAX];
	struct io_event events[DEPTH_MAX];
	uint64_t started = 0, done = 0, bytes = kib * 1024ull, places = device_bytes / bytes, position = 0;
	uint64_t idle = idle_ns(), begin = now_ns(), end = ms ? begin + ms * 1000000 : ~0ull, now = begin;
	unsigned ready = depth;

	for (unsigned i = 0; i < depth; i++) {
		control[i] = (struct iocb){.aio_lio_opcode = mode == 'r' || mode == 'R' ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE,
					   .aio_fildes = device, .aio_buf = (uintptr_t)(buffers + i * BYTES_MAX),
					   .aio_nbytes = bytes};
		batch[i] = &control[i];
	}
	while (done < started || (started < count && now < end)) {
		unsigned n = 0;
		long got;

		for (; n < ready && started + n < count && now < end; n++)
			batch[n]->aio_offset = (mode < 'a' ? next_random() : position++) % places * bytes;
		if (n && syscall(SYS_io_submit, context, (long)n, batch) != n)
			die("io_submit");
		started += n;
		ready -= n;
		got = syscall(SYS_io_getevents, context, 1L, (long)DEPTH_MAX, events, NULL);
		if (got < 1)
			die("io_getevents");
		for (long i = 0; i < got; i++) {
			if (events[i].res != (int64_t)bytes)
				die("request");
			batch[i] = (struct iocb *)events[i].obj;
		}
		ready = got;
		done += got;
		if (ms)
			now = now_ns();
	}
	now = now_ns() - begin;
	idle = idle_ns() - idle;
	printf("BENCH-DISK %s %llu %llu %llu\n", name, (unsigned long long)done, (unsigned long long)now,
	       (unsigned long long)(now > idle ? now - idle : 0));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char line[80];

	device = argc > 2 ? open(argv[1], O_RDWR | O_DIRECT) : -1;
	if (device < 0 || ioctl(device, BLKGETSIZE64, &device_bytes))
		die("device");
	buffers = mmap(NULL, DEPTH_MAX * (size_t)BYTES_MAX, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (buffers == MAP_FAILED || syscall(SYS_io_setup, 128, &context))
		die("memory");
	for (int i = 2; i < argc; i++) {
		char *name = strtok(argv[i], ":"), *mode = strtok(NULL, ":"), *kib = strtok(NULL, ":");
		char *depth = strtok(NULL, ":"), *count = strtok(NULL, ":");

		if (!strcmp(name, "pause")) {
			printf("BENCH-DISK-PAUSE\n");
			fflush(stdout);
			if (!fgets(line, sizeof(line), stdin))
				return 1;
		} else if (count && atoi(depth) <= DEPTH_MAX) {
			int is_time = strstr(count, "ms") != NULL;

			run(name, mode[0], atoi(kib), atoi(depth), is_time ? ~0ull : strtoull(count, NULL, 10),
			    is_time ? atoi(count) : 0);
		}
	}
	return 0;
}
