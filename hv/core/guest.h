/* SPDX-License-Identifier: GPL-2.0-only */
/* The three places where the core and hv/engine meet beside system calls and object types. */
#ifndef CORE_GUEST_H
#define CORE_GUEST_H

#include <stdint.h>

struct memory;
struct task;
struct info_vcpu;

/* The memory object mapped at va in task with all of `rights` (enum map_right), and the offset of
 * va in it. The caller gets a reference, to be dropped with object_put. NULL: nothing there, or
 * with fewer rights. task->lock taken inside. For the run page, which the engine maps for itself.
 */
struct memory *task_memory_at(struct task *task, uint64_t va, unsigned rights, uint64_t *offset);

/* INFO_VCPU: fills record `index` of all virtual processors; -ENOENT past the end. NULL: no engine
 * is built in. The engine sets it at bring-up. */
extern int (*guest_vcpu_info)(unsigned index, struct info_vcpu *out);

/* All of m leaves all nested page tables. core_lock held. NULL, and set, as above. */
extern void (*guests_forget)(const struct memory *m);

#endif
