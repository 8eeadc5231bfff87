// SPDX-License-Identifier: GPL-2.0-only
/* Text: lines `[section name]` and `key = value`, and the values in them. */
#include <string.h>
#include "text.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_key_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.';
}

void text_open(struct text *t, const char *bytes, size_t length)
{
	*t = (struct text){bytes, bytes + length, 0};
}

static enum text_kind bad(struct text_line *line, const char *error)
{
	line->error = error;
	return line->kind = TEXT_BAD;
}

/* A piece of the line being read. */
struct span {
	const char *at, *end;
};

static void skip_blanks(struct span *s)
{
	while (s->at < s->end && is_blank(*s->at))
		s->at++;
}

/* Only blanks or a comment may follow. */
static bool at_end(struct span *s)
{
	skip_blanks(s);
	return s->at == s->end || *s->at == '#';
}

static bool take_key(struct span *s, char *to, size_t max)
{
	size_t n = 0;

	while (s->at < s->end && is_key_char(*s->at)) {
		if (n == max)
			return false;
		to[n++] = *s->at++;
	}
	to[n] = 0;
	return n > 0;
}

static enum text_kind read_section(struct span *s, struct text_line *line)
{
	s->at++;
	skip_blanks(s);
	if (!take_key(s, line->key, TEXT_KEY_MAX))
		return bad(line, "a section is [postern], [guest NAME] or [module NAME]");
	skip_blanks(s);
	take_key(s, line->value, TEXT_KEY_MAX);
	skip_blanks(s);
	if (s->at == s->end || *s->at != ']')
		return bad(line, "the section's name has no closing ], or characters other than "
				 "letters, digits, - and _");
	s->at++;
	if (!at_end(s))
		return bad(line, "there is text behind the section's ]");
	return line->kind = TEXT_SECTION;
}

static enum text_kind read_quoted(struct span *s, struct text_line *line)
{
	size_t n = 0;

	for (s->at++; s->at < s->end && *s->at != '"'; s->at++) {
		char c = *s->at;

		if (c == '\\' && s->at + 1 < s->end && (s->at[1] == '"' || s->at[1] == '\\'))
			c = *++s->at;
		if (n == TEXT_VALUE_MAX)
			return bad(line, "the value is longer than 1151 bytes; shorten it");
		line->value[n++] = c;
	}
	line->value[n] = 0;
	if (s->at == s->end)
		return bad(line, "the value has no closing quote; add \" at its end");
	s->at++;
	if (!at_end(s))
		return bad(line,
			   "there is text behind the closing quote; write \\\" for a quote inside");
	return line->kind = TEXT_PAIR;
}

static enum text_kind read_plain(struct span *s, struct text_line *line)
{
	const char *from = s->at, *to = s->at;

	for (; s->at < s->end; s->at++) {
		if (*s->at == '#' && (s->at == from || is_blank(s->at[-1])))
			break;
		if (!is_blank(*s->at))
			to = s->at + 1;
	}
	if (to - from > TEXT_VALUE_MAX)
		return bad(line, "the value is longer than 1151 bytes; shorten it");
	memcpy(line->value, from, to - from);
	line->value[to - from] = 0;
	return line->kind = TEXT_PAIR;
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' && *s != '\t')
			return true;
	return false;
}

static enum text_kind read_pair(struct span *s, struct text_line *line)
{
	enum text_kind kind;

	if (!take_key(s, line->key, TEXT_KEY_MAX))
		return bad(line, "not `key = value`; begin a comment with #");
	skip_blanks(s);
	if (s->at == s->end || *s->at != '=')
		return bad(line, "the key is not followed by =");
	s->at++;
	skip_blanks(s);
	kind = s->at < s->end && *s->at == '"' ? read_quoted(s, line) : read_plain(s, line);
	if (kind == TEXT_PAIR && has_control(line->value))
		return bad(line, "the value has control characters");
	return kind;
}

enum text_kind text_next(struct text *t, struct text_line *line)
{
	struct span s;

	while (t->at < t->end) {
		const char *newline = memchr(t->at, '\n', t->end - t->at);

		s = (struct span){t->at, newline ? newline : t->end};
		t->at = newline ? newline + 1 : t->end;
		line->number = ++t->number;
		line->key[0] = line->value[0] = 0;
		line->error = NULL;
		if (memchr(s.at, 0, s.end - s.at))
			return bad(line, "the line has a zero byte: this is not a text file");
		if (at_end(&s))
			continue;
		return *s.at == '[' ? read_section(&s, line) : read_pair(&s, line);
	}
	line->number = t->number;
	return line->kind = TEXT_END;
}

static bool read_number(const char **at, uint64_t *n)
{
	const char *s = *at;
	unsigned base = 10, digit, any = 0;

	*n = 0;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	for (;; s++, any = 1) {
		if (*s >= '0' && *s <= '9')
			digit = *s - '0';
		else if (base == 16 && (*s | 32) >= 'a' && (*s | 32) <= 'f')
			digit = (*s | 32) - 'a' + 10;
		else
			break;
		if (__builtin_mul_overflow(*n, (uint64_t)base, n) ||
		    __builtin_add_overflow(*n, (uint64_t)digit, n))
			return false;
	}
	*at = s;
	return any;
}

bool text_number(const char *s, uint64_t *n)
{
	return read_number(&s, n) && !*s;
}

bool text_size(const char *s, uint64_t unit, uint64_t *bytes)
{
	static const char suffix[] = "KMGT";
	const char *at;

	if (!read_number(&s, bytes))
		return false;
	if (*s) {
		at = strchr(suffix, *s >= 'a' ? *s - 32 : *s);
		if (!at || !*at)
			return false;
		unit = 1ull << (10 * (at - suffix + 1));
		s++;
	}
	return !*s && !__builtin_mul_overflow(*bytes, unit, bytes);
}

static bool is_edge(char c)
{
	return !c || c == ' ' || c == '\n' || c == '=';
}

bool text_has_word(const char *lines, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = lines; n && (at = strstr(at, word)); at++)
		if (at > lines && is_edge(at[-1]) && is_edge(at[n]) && at[n] != '=')
			return true;
	return false;
}

bool text_word(const char **s, char *word, size_t size)
{
	const char *from = *s;
	size_t n = 0;

	while (is_blank(*from))
		from++;
	while (from[n] && !is_blank(from[n]))
		n++;
	word[0] = 0;
	if (!n || n >= size)
		return false;
	memcpy(word, from, n);
	word[n] = 0;
	*s = from + n;
	return true;
}

int text_choice(const char *s, const char *choices)
{
	size_t n = strlen(s), length;

	for (int i = 0;; i++) {
		length = strcspn(choices, "|");
		if (length == n && !memcmp(s, choices, n))
			return i;
		if (!choices[length])
			return -1;
		choices += length + 1;
	}
}

unsigned text_distance(const char *a, const char *b)
{
	unsigned row[TEXT_KEY_MAX + 2], n = strlen(b), above_left, above;

	if (n > TEXT_KEY_MAX)
		return ~0u;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; *a; a++, i++) {
		above_left = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= n; j++) {
			unsigned best = above_left + (*a != b[j - 1]);

			above = row[j];
			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			above_left = above;
		}
	}
	return row[n];
}

bool text_is_name(const char *s, size_t max)
{
	size_t n = 0;

	for (; s[n]; n++)
		if (!is_key_char(s[n]) || s[n] == '.' || n >= max)
			return false;
	return n > 0;
}
