/* SPDX-License-Identifier: GPL-2.0-only */
/* Heap and numbers. The heap grows by memory objects from HEAP_VA up and is safe to use from all
 * threads. malloc returns 16-byte aligned memory, NULL when there is none. */
#ifndef LIB_STDLIB_H
#define LIB_STDLIB_H

#include <stddef.h>

void *malloc(size_t bytes);
void *calloc(size_t count, size_t bytes);
void *realloc(void *old, size_t bytes);
void free(void *memory);
_Noreturn void abort(void);
unsigned long strtoul(const char *s, char **end, int base);
unsigned long long strtoull(const char *s, char **end, int base);

#endif
