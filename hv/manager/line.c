// SPDX-License-Identifier: GPL-2.0-only
/* Line: a small line editor. */
#include <string.h>
#include "line.h"

#define CTRL(c) ((c) & 31)

static size_t add(char *echo, size_t at, const char *s)
{
	size_t n = strlen(s);

	if (n > LINE_ECHO - 1 - at)
		n = LINE_ECHO - 1 - at;
	memcpy(echo + at, s, n);
	echo[at + n] = 0;
	return at + n;
}

static size_t erase(struct line *l, size_t count, char *echo, size_t at)
{
	for (; count && l->length; count--) {
		l->text[--l->length] = 0;
		at = add(echo, at, "\b \b");
	}
	return at;
}

static void remember(struct line *l)
{
	if (!l->length)
		return;
	if (l->lines && !strcmp(l->history[(l->lines - 1) % LINE_HISTORY], l->text))
		return;
	memcpy(l->history[l->lines++ % LINE_HISTORY], l->text, sizeof(l->text));
}

static void recall(struct line *l, unsigned back, char *echo)
{
	unsigned most = l->lines < LINE_HISTORY ? l->lines : LINE_HISTORY;
	size_t at;

	if (back > most)
		return;
	at = add(echo, 0, "\r\033[K" LINE_PROMPT);
	l->length = 0;
	l->text[0] = 0;
	l->back = back;
	if (back) {
		memcpy(l->text, l->history[(l->lines - back) % LINE_HISTORY], sizeof(l->text));
		l->length = strlen(l->text);
		add(echo, at, l->text);
	}
}

static bool escape(struct line *l, char c, char *echo)
{
	switch (l->escape) {
	case 1:
		l->escape = c == '[' || c == 'O' ? 2 : 0;
		return true;
	case 2:
		if (c >= '0' && c <= ';')
			return true; /* parameters */
		l->escape = 0;
		if (c == 'A')
			recall(l, l->back + 1, echo);
		if (c == 'B' && l->back)
			recall(l, l->back - 1, echo);
		return true;
	}
	if (c != 27)
		return false;
	l->escape = 1;
	return true;
}

static size_t word_length(const struct line *l)
{
	size_t n = l->length;

	while (n && l->text[n - 1] == ' ')
		n--;
	while (n && l->text[n - 1] != ' ')
		n--;
	return l->length - n;
}

static void begin(struct line *l)
{
	l->length = 0;
	l->text[0] = 0;
}

enum line_event line_input(struct line *l, char c, char *echo)
{
	bool after_cr = l->after_cr;

	echo[0] = 0;
	l->after_cr = c == '\r';
	if (l->back == ~0u) { /* the line before was done */
		begin(l);
		l->back = 0;
	}
	if (escape(l, c, echo))
		return LINE_NOTHING;
	if (c == '\r' || (c == '\n' && !after_cr)) {
		remember(l);
		l->back = ~0u;
		add(echo, 0, "\r\n");
		return LINE_DONE;
	}
	if (c == CTRL('C')) {
		begin(l);
		l->back = 0;
		add(echo, 0, "^C\r\n");
		return LINE_CANCEL;
	}
	if (c == '\b' || c == 127)
		erase(l, 1, echo, 0);
	else if (c == CTRL('U'))
		erase(l, l->length, echo, 0);
	else if (c == CTRL('W'))
		erase(l, word_length(l), echo, 0);
	else if (c >= ' ' && c <= '~' && l->length < LINE_BYTES) {
		l->text[l->length++] = c;
		l->text[l->length] = 0;
		add(echo, 0, (char[]){c, 0});
	}
	return LINE_NOTHING;
}

int line_split(char *text, char *words[WORDS_MAX])
{
	int count = 0;
	char *to;

	for (;;) {
		while (*text == ' ' || *text == '\t')
			text++;
		if (!*text)
			return count;
		if (count == WORDS_MAX)
			return -1;
		words[count++] = to = text;
		for (bool quoted = false; quoted || (*text && *text != ' ' && *text != '\t');
		     text++) {
			if (!*text)
				return -1;
			if (*text == '"')
				quoted = !quoted;
			else
				*to++ = *text;
		}
		if (*text)
			text++;
		*to = 0;
	}
}
