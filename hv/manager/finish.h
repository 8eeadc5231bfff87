/* SPDX-License-Identifier: GPL-2.0-only */
/* Finish: the end of the machine: when the configuration asks for it, and how. */
#ifndef MANAGER_FINISH_H
#define MANAGER_FINISH_H

#include <stdint.h>
#include "guest.h"

enum finish_how { FINISH_POWER_OFF, FINISH_REBOOT, FINISH_DEBUG_EXIT };

void finish_setup(enum config_end end);
/* A guest ended: is it time? */
void finish_check(void);
/* A guest's end that ends the machine whatever the others do. */
void finish_by_guest(const struct guest *g);
/* Shows what is still to be shown on the terminals, then ends the machine. */
void finish(enum finish_how how, uint32_t value);
/* After a recovery: goes on. */
void finish_recover(void);

#endif
