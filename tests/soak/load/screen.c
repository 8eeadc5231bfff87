// SPDX-License-Identifier: GPL-2.0-only
/*
 * Screen: draws pages of text without end, each of which follows from its number, and says which keys came.
 * `load screen TERMINAL`. More commands: `hold` draws one more page and answers `SOAK held N`; `go` goes on. A mark lists the keys
 * pressed since the last one, by Linux's codes in their order, and how many are down.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "load.h"

#define COLUMNS 79 /* not the last: a character there moves the cursor */
#define ROWS 24
#define FRAME_MS 10
#define KEYS_MAX 256

static int terminal;
static unsigned number, keys, down;
static uint8_t key[KEYS_MAX], pressed[128];

/* tests/soak/console.py computes the same. */
static void draw(unsigned n)
{
	char text[ROWS * (COLUMNS + 16)];
	size_t used = 0;

	for (unsigned row = 0; row < ROWS; row++) {
		used += sprintf(text + used, "\033[%u;1H", row + 1);
		for (unsigned column = 0; column < COLUMNS; column++)
			text[used++] = '!' + (n * 31 + row * 17 + column * (1 + (n + row) % 7)) % 94;
	}
	if (write(terminal, text, used) != (ssize_t)used)
		wrong(&tally.errors, "the terminal: %s", strerror(errno));
	did(1);
}

/* Medium raw mode: a byte is a key's code, with 0x80 when it is released (codes from 128 on take three; none of those is typed). */
static void take_keys(void)
{
	uint8_t byte;

	while (read(terminal, &byte, 1) == 1) {
		uint8_t code = byte & 0x7f;

		if (!(byte & 0x80) && keys < KEYS_MAX)
			key[keys++] = code;
		if (pressed[code] == !(byte & 0x80))
			wrong(&tally.mismatches, "key %u is %s twice", code, byte & 0x80 ? "released" : "pressed");
		pressed[code] = !(byte & 0x80);
		down += byte & 0x80 ? -1 : 1;
	}
}

static void mark(const char *what)
{
	char more[80 + 4 * KEYS_MAX];
	size_t used = sprintf(more, ", %u keys down, keys:", down);

	for (unsigned i = 0; i < keys; i++)
		used += sprintf(more + used, " %u", key[i]);
	keys = 0;
	strcpy(more + used, ".");
	report(what, more);
}

int load_screen(int argc, char **argv)
{
	struct pollfd p[2] = {{0, POLLIN, 0}};
	bool holds = false;
	const char *line;
	struct termios t;

	terminal = argc < 1 ? -1 : open(argv[0], O_RDWR | O_NONBLOCK | O_NOCTTY);
	if (terminal < 0 || tcgetattr(terminal, &t))
		die("terminal");
	cfmakeraw(&t);
	if (tcsetattr(terminal, TCSANOW, &t) || ioctl(terminal, KDSKBMODE, K_MEDIUMRAW))
		die("terminal");
	watch_kernel();
	printf("SOAK up: %u by %u\n", COLUMNS, ROWS);
	fflush(stdout);
	p[1] = (struct pollfd){terminal, POLLIN, 0};
	for (;;) {
		poll(p, 2, FRAME_MS);
		take_keys();
		line = command();
		if (line && !strcmp(line, "hold")) {
			draw(++number);
			printf("SOAK held %u\n", number);
			fflush(stdout);
			holds = true;
		} else if (line && !strcmp(line, "go")) {
			holds = false;
		} else if (line && (!strcmp(line, "mark") || !strcmp(line, "end"))) {
			mark(line);
			if (!strcmp(line, "end"))
				return tally.errors || tally.mismatches;
		}
		if (!holds)
			draw(++number);
	}
}
