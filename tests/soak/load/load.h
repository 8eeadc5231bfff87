/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Load: a program for a Linux guest whose work can be verified to the byte, commanded by lines on its terminal.
 *
 * Every load answers `mark` with `SOAK mark: N done, E errors, M mismatches, ...`: N since the last mark, E and M since the
 * beginning, and `end` with `SOAK end: ...` of the same form after everything was read once more. What the kernel warns of
 * while a load runs is an error too.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally {
	uint64_t done, errors, mismatches;
	uint64_t last_ns, silence_ns; /* when something was done; the longest time without, since the last mark */
};

extern struct tally tally;

uint64_t now_ns(void);
/* One piece of work is done and right. */
void did(uint64_t pieces);
/* Prints what went wrong (the first hundred of it), and counts it. */
void wrong(uint64_t *counter, const char *format, ...) __attribute__((format(printf, 2, 3)));
void die(const char *what) __attribute__((noreturn));

/* A line that came on the terminal, without waiting; NULL: none. Valid until the next call. */
const char *command(void);
/* Answers a mark, `what` being "mark" or "end"; with looks at the kernel's log. `more` is appended. */
void report(const char *what, const char *more);
/* From now on the kernel's warnings count as errors. */
void watch_kernel(void);

/* The pattern that streams repeat: PATTERN_BYTES is a prime, so that nothing of a natural size can be left out or doubled unseen. */
#define PATTERN_BYTES 1048573
#define PATTERN_MORE 65536 /* repeated behind it, so that a piece is always contiguous */
extern uint8_t pattern[PATTERN_BYTES + PATTERN_MORE + 8];
void make_pattern(void);

int load_disk(int argc, char **argv);
int load_net(int argc, char **argv);
int load_screen(int argc, char **argv);

#endif
