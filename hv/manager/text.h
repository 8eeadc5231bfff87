/* SPDX-License-Identifier: GPL-2.0-only */
/* Text: the lines of configuration files and manifests, and the values in them. Pure functions on
 * (pointer, length); whatever the bytes are, nothing is read beyond and nothing fails but by
 * return. */
#ifndef MANAGER_TEXT_H
#define MANAGER_TEXT_H

#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>

#define TEXT_KEY_MAX 31
#define TEXT_VALUE_MAX 1151

enum text_kind { TEXT_END, TEXT_SECTION, TEXT_PAIR, TEXT_BAD };

struct text_line {
	enum text_kind kind;
	unsigned number; /* from 1 */
	char key[TEXT_KEY_MAX + 1]; /* SECTION: its first word */
	char value[TEXT_VALUE_MAX + 1]; /* SECTION: its second word or empty */
	const char *error; /* BAD: what is wrong and what helps */
};

struct text {
	const char *at, *end;
	unsigned number;
};

void text_open(struct text *t, const char *bytes, size_t length);
/* The next line that says something. */
enum text_kind text_next(struct text *t, struct text_line *line);

/* A whole value as a number: decimal, 0x hexadecimal. */
bool text_number(const char *s, uint64_t *n);
/* A size: a number with K, M, G or T behind it, or a bare number of `unit` bytes. */
bool text_size(const char *s, uint64_t unit, uint64_t *bytes);
/* Is `word` one of the words in lines of KEY=WORD WORD ...? */
bool text_has_word(const char *lines, const char *word);
/* Takes the next blank-separated word off *s into word (size bytes). false: none left, or too long
 * (then *word is empty and *s stays). */
bool text_word(const char **s, char *word, size_t size);
/* Is s one of "a|b|c"? Its position or -1. */
int text_choice(const char *s, const char *choices);
/* How different two short words are (insertions, deletions, replacements); for "did you mean". */
unsigned text_distance(const char *a, const char *b);
/* Letters, digits, - and _, 1..max of them. */
bool text_is_name(const char *s, size_t max);

#endif
