/* SPDX-License-Identifier: GPL-2.0-only */
/* Resource: what the machine has that modules get from the manager: boot files, and the serial
 * ports that the core itself writes to as long as no driver owns them. */
#ifndef MANAGER_RESOURCE_H
#define MANAGER_RESOURCE_H

#include "instance.h"

/* The boot file of that name, or NULL. */
const struct boot_module *resource_file(const char *name);
/* Mapped read-only, for good; NULL when it cannot be. */
const void *resource_map_file(const struct boot_module *file);
/* A handle to a boot file for i's task, in reply->file. 0 or a negative error. */
int resource_open_file(struct instance *i, const char *name, struct message *reply);
/* A driver is ready, or gone: the core's console makes room, or comes back. */
void resource_claimed(struct instance *i);
void resource_released(struct instance *i);
const struct boot_info *boot(void);
/* The nth (from 0) word of the boot command line with this key: its value (cut at size - 1 bytes),
 * "" for a bare word. false: not there. */
bool boot_option(const char *key, unsigned nth, char *to, size_t size);
void resource_handles(durable_name *mark);

#endif
