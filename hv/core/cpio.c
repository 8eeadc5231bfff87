// SPDX-License-Identifier: GPL-2.0-only
// The archive of modules: finds a file. Pure; the archive may be anything.
#include "core/cpio.h"
#include "core/string.h"

#define HEADER_BYTES 110
#define FIELD_SIZE 6
#define FIELD_NAME_SIZE 11

// Field n of the header, 0 .. 12; false: not hexadecimal.
static int field(const char *header, unsigned n, uint64_t *value)
{
	const char *digits = header + 6 + 8 * n;

	*value = 0;
	for (unsigned i = 0; i < 8; i++) {
		char c = digits[i];
		unsigned digit = c >= '0' && c <= '9'	? c - '0'
				 : c >= 'a' && c <= 'f' ? c - 'a' + 10
				 : c >= 'A' && c <= 'F' ? c - 'A' + 10
							: 16;

		if (digit > 15)
			return 0;
		*value = *value << 4 | digit;
	}
	return 1;
}

static uint64_t padded(uint64_t at)
{
	return (at + 3) & ~3ull;
}

const void *cpio_find(const void *archive, uint64_t bytes, const char *name, uint64_t *file_bytes)
{
	const char *at = archive, *found;
	uint64_t length = strlen(name) + 1, size, name_size, data;

	while (bytes >= HEADER_BYTES) {
		if (memcmp(at, "070701", 6) || !field(at, FIELD_SIZE, &size) ||
		    !field(at, FIELD_NAME_SIZE, &name_size))
			return NULL;
		// Sizes have 32 bits, so the sums cannot wrap.
		data = padded(HEADER_BYTES + name_size);
		if (data > bytes || size > bytes - data)
			return NULL;
		found = at + HEADER_BYTES;
		if (name_size == length && !memcmp(found, name, length)) {
			*file_bytes = size;
			return at + data;
		}
		if (padded(size) > bytes - data)
			return NULL;
		at += data + padded(size);
		bytes -= data + padded(size);
	}
	return NULL;
}
