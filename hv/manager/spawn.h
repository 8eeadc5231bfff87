/* SPDX-License-Identifier: GPL-2.0-only */
/* Spawn: makes a task out of a program, with exactly the rights of its manifest. */
#ifndef MANAGER_SPAWN_H
#define MANAGER_SPAWN_H

#include "instance.h"

/* 0, or a negative error with i->sentence set; then nothing is left behind. The task runs. */
int spawn(struct instance *i);
/* Drops everything of a life that ended or never began; kills a task that lives. */
void spawn_clean(struct instance *i);

#endif
