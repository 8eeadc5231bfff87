// SPDX-License-Identifier: GPL-2.0-only
/* Argument: values in `key=value` lines. */
#include <string.h>
#include <postern/errno.h>
#include "argument.h"

int argument_find(const char *text, size_t bytes, const char *key, unsigned nth, char *to,
		  size_t size)
{
	size_t at = 0, end, n = strlen(key), length;

	bytes = strnlen(text, bytes);
	for (; at < bytes; at = end + 1) {
		const char *newline = memchr(text + at, '\n', bytes - at);

		end = newline ? (size_t)(newline - text) : bytes;
		if (end - at <= n || memcmp(text + at, key, n) || text[at + n] != '=')
			continue;
		if (nth--)
			continue;
		length = end - at - n - 1;
		if (size) {
			size_t fits = length < size ? length : size - 1;

			memcpy(to, text + at + n + 1, fits);
			to[fits] = 0;
		}
		return length;
	}
	return -ENOENT;
}
