// SPDX-License-Identifier: GPL-2.0-only
/* Main: what all loads share: their tally, the terminal, the kernel's log, the pattern. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "load.h"

#define COMPLAINTS_MAX 100
#define LONG_NS 50000000 /* worth a line */
#define WARNING 4 /* of the kernel's levels */

struct tally tally;
uint8_t pattern[PATTERN_BYTES + PATTERN_MORE + 8];
static int kernel_log = -1;

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

void did(uint64_t pieces)
{
	uint64_t now = now_ns();

	if (tally.last_ns && now - tally.last_ns > tally.silence_ns)
		tally.silence_ns = now - tally.last_ns;
	if (tally.last_ns && now - tally.last_ns > LONG_NS)
		printf("SOAK note: silence of %llu ms ended at %llu.%03llu s\n", (unsigned long long)(now - tally.last_ns) / 1000000,
		       (unsigned long long)now / 1000000000, (unsigned long long)now / 1000000 % 1000);
	tally.last_ns = now;
	tally.done += pieces;
}

void wrong(uint64_t *counter, const char *format, ...)
{
	va_list list;

	if (tally.errors + tally.mismatches < COMPLAINTS_MAX) {
		printf("SOAK wrong: ");
		va_start(list, format);
		vprintf(format, list);
		va_end(list);
		printf("\n");
		fflush(stdout);
	}
	++*counter;
}

void die(const char *what)
{
	printf("SOAK died: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	exit(1);
}

const char *command(void)
{
	static char line[80];
	static size_t used;
	static bool ended;
	char c;

	if (ended)
		used = 0;
	ended = false;
	while (read(0, &c, 1) == 1) {
		if (c == '\n') {
			line[used] = 0;
			ended = true;
			return line;
		}
		if (used < sizeof(line) - 1)
			line[used++] = c;
	}
	return NULL;
}

void watch_kernel(void)
{
	kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	if (kernel_log < 0 || lseek(kernel_log, 0, SEEK_END) < 0)
		die("/dev/kmsg");
}

/* A record: "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT" (Documentation/ABI/testing/dev-kmsg). */
static void look_at_kernel(void)
{
	char record[8192], *text;
	ssize_t n;

	while (kernel_log >= 0 && ((n = read(kernel_log, record, sizeof(record) - 1)) > 0 || (n < 0 && errno == EPIPE))) {
		if (n < 0)
			continue; /* records were lost: the next one that is there */
		record[n] = 0;
		text = strchr(record, ';');
		if (text && strtoul(record, NULL, 10) % 8 <= WARNING) {
			text[strcspn(text, "\n")] = 0;
			wrong(&tally.errors, "kernel: %s", text + 1);
		}
	}
}

void report(const char *what, const char *more)
{
	look_at_kernel();
	printf("SOAK %s: %llu done, %llu errors, %llu mismatches, longest silence %llu us%s\n", what,
	       (unsigned long long)tally.done, (unsigned long long)tally.errors, (unsigned long long)tally.mismatches,
	       (unsigned long long)tally.silence_ns / 1000, more);
	fflush(stdout);
	tally.done = tally.silence_ns = 0;
}

void make_pattern(void)
{
	uint64_t word = 88172645463325252ull;

	for (size_t i = 0; i < PATTERN_BYTES; i += 8) {
		word ^= word << 13;
		word ^= word >> 7;
		word ^= word << 17;
		memcpy(pattern + i, &word, 8);
	}
	memcpy(pattern + PATTERN_BYTES, pattern, PATTERN_MORE);
}

int main(int argc, char **argv)
{
	if (fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_NONBLOCK))
		die("terminal");
	if (argc > 1 && !strcmp(argv[1], "disk"))
		return load_disk(argc - 2, argv + 2);
	if (argc > 1 && !strcmp(argv[1], "net"))
		return load_net(argc - 2, argv + 2);
	if (argc > 1 && !strcmp(argv[1], "screen"))
		return load_screen(argc - 2, argv + 2);
	printf("load disk DEVICE MIB | net HOST PORT STREAMS | screen TERMINAL\n");
	return 2;
}
