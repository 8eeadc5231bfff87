// SPDX-License-Identifier: GPL-2.0-only
/* Archive: reader for cpio's newc form: a 110-byte header of hexadecimal text, the name, the
 * content, both padded to four bytes. */
#include <stdbool.h>
#include <string.h>
#include <postern/errno.h>
#include "archive.h"

#define HEADER 110
#define FIELD_SIZE 6  /* index of the eight-digit field with the content's length */
#define FIELD_NAME 11 /* and of the one with the name's, NUL included */

static bool field(const char *header, unsigned index, uint32_t *n)
{
	const char *s = header + 6 + 8 * index;

	*n = 0;
	for (int i = 0; i < 8; i++) {
		unsigned c = (unsigned char)s[i], digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			digit = (c | 32) - 'a' + 10;
		else
			return false;
		*n = *n << 4 | digit;
	}
	return true;
}

static size_t align4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

int archive_next(const void *archive, size_t bytes, size_t *position, struct archive_file *file)
{
	const char *header = (const char *)archive + *position;
	uint32_t name, content;
	size_t left, skip;

	if (*position > bytes || bytes - *position < HEADER)
		return -ENOEXEC;
	left = bytes - *position;
	if (memcmp(header, "070701", 6) || !field(header, FIELD_NAME, &name) ||
	    !field(header, FIELD_SIZE, &content))
		return -ENOEXEC;
	skip = align4(HEADER + (size_t)name);
	if (!name || skip > left || content > left - skip || header[HEADER + name - 1])
		return -ENOEXEC;
	file->name = header + HEADER;
	file->data = header + skip;
	file->bytes = content;
	if (!strcmp(file->name, "TRAILER!!!"))
		return 0;
	skip += align4(content);
	*position += skip < left ? skip : left;
	return 1;
}
