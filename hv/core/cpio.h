/* SPDX-License-Identifier: GPL-2.0-only */
/* The archive of modules: cpio, "newc" format (numbers in eight hex digits, names and data padded
 * to 4). */
#ifndef CORE_CPIO_H
#define CORE_CPIO_H

#include <stdint.h>

/* The file `name` in archive[0 .. bytes). NULL: not there, or the archive is malformed before it.
 */
const void *cpio_find(const void *archive, uint64_t bytes, const char *name, uint64_t *file_bytes);

#endif
