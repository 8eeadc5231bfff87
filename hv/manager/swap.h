/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Swap: another build of a module takes over while the machine runs.
 *
 * The old one is ended, the new one starts in its place, connected as any next life is. When it does not
 * become ready, the old one comes back.
 */
#ifndef MANAGER_SWAP_H
#define MANAGER_SWAP_H

#include "instance.h"

/* FILE: a file that the boot loader gave. NULL, or why it is refused: then nothing has changed. */
const char *swap_begin(struct instance *i, const char *file);
/* From instance.c: the instance became ready, or a life of it ended. */
void swap_ready(struct instance *i);
void swap_life_ended(struct instance *i);
/* After a recovery. */
bool swap_in_order(const struct swap *s);
void swap_handles(durable_name *mark);

#endif
