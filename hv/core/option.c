// SPDX-License-Identifier: GPL-2.0-only
// Boot options: words of the boot loader's command line.
#include "core/boot.h"
#include "core/string.h"

const char *boot_option(const char *key, size_t *length)
{
	const char *p = boot_info.command_line;
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

bool boot_option_is(const char *key, const char *value)
{
	size_t n;
	const char *found = boot_option(key, &n);

	return found && n == strlen(value) && !strncmp(found, value, n);
}
