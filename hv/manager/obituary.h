/* SPDX-License-Identifier: GPL-2.0-only */
/* Obituary: how a task ended, as a sentence. Pure. */
#ifndef MANAGER_OBITUARY_H
#define MANAGER_OBITUARY_H

#include <stddef.h>
#include <postern/syscall.h>

/* "page fault at address 0x10, instruction 0x400123", "ended by itself with status 3", ... */
void obituary(const struct task_info *info, char *to, size_t size);

#endif
