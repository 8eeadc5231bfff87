/* SPDX-License-Identifier: GPL-2.0-only */
/* What the broker of disks stands on that a host has not, or has otherwise. */
#ifndef LIB_SYSCALLS_H
#define LIB_SYSCALLS_H /* the real calls are for another core */

#include <stddef.h>
#include <stdint.h>
#include <postern/syscall.h>

int64_t sys_mem_create(uint64_t bytes, uint32_t flags);
int64_t sys_handle_close(uint32_t handle);
int64_t sys_unmap(uint32_t task, uint64_t va, uint64_t bytes);
size_t strlcpy(char *to, const char *from, size_t size);

#endif
