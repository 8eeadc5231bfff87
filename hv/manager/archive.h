/* SPDX-License-Identifier: GPL-2.0-only */
/* Archive: files in a cpio archive of the newc form. Source: cpio(5), "New ASCII Format". Pure. */
#ifndef MANAGER_ARCHIVE_H
#define MANAGER_ARCHIVE_H

#include <stdint.h>
#include <stddef.h>

struct archive_file {
	const char *name; /* in the archive, NUL-terminated */
	const void *data;
	size_t bytes;
};

/* The entry at *position (start with 0), which moves to the next one. 1, 0 at the end, -ENOEXEC
 * when the bytes are no such archive. Entries without content (directories) come with bytes 0. */
int archive_next(const void *archive, size_t bytes, size_t *position, struct archive_file *file);

#endif
