/* SPDX-License-Identifier: GPL-2.0-only */
/* Line: the shell's line editor. Pure: bytes in, a line and an echo out. Knows backspace, Ctrl-U,
 * Ctrl-W, Ctrl-C, and the arrows up and down for the lines before. */
#ifndef MANAGER_LINE_H
#define MANAGER_LINE_H

#include <stddef.h>
#include <stdbool.h>

#define LINE_PROMPT "postern> "
#define LINE_BYTES 255
#define LINE_HISTORY 8
#define LINE_ECHO 640 /* the most that one byte of input echoes */

struct line {
	size_t length;
	char text[LINE_BYTES + 1];
	unsigned escape; /* 0, 1 after ESC, 2 after ESC [ */
	bool after_cr;
	unsigned lines; /* kept in history, counting up */
	unsigned back;	/* how far back we look */
	char history[LINE_HISTORY][LINE_BYTES + 1]; /* changes with LINE_DONE alone */
};

enum line_event { LINE_NOTHING, LINE_DONE, LINE_CANCEL };

/* Takes one byte of input; what the terminal shall show is in echo (NUL-terminated, LINE_ECHO
 * bytes). LINE_DONE: l->text is a line, valid until the next byte. */
enum line_event line_input(struct line *l, char c, char *echo);

#define WORDS_MAX 16
/* Splits in place at blanks; quotes hold words together. Number of words, -1 for too many or no
 * closing quote. */
int line_split(char *text, char *words[WORDS_MAX]);

#endif
