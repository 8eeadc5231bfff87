// SPDX-License-Identifier: GPL-2.0-only
// Boot options: words of the boot loader's command line.
#include "boot/option.h"
#include "boot/text.h"

const char *option(const char *line, const char *key, size_t *length)
{
	const char *p = line;
	size_t n = strlen(key);

	for (;;) {
		const char *word, *value;

		while (*p == ' ')
			p++;
		if (!*p)
			return NULL;
		for (word = p; *p && *p != ' ';)
			p++;
		if ((size_t)(p - word) < n || strncmp(word, key, n))
			continue;
		value = word + n;
		if (value != p && *value != '=')
			continue;
		value += value != p;
		*length = p - value;
		return value;
	}
}

bool option_is(const char *line, const char *key, const char *value)
{
	size_t n;
	const char *found = option(line, key, &n);

	return found && n == strlen(value) && !strncmp(found, value, n);
}
