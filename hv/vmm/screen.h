/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Screen: the guest's VGA, keyboard and mouse, and the connections of the classes `display` and
 * `input` behind them.
 *
 * While the guest has the physical screen, the picture is drawn 25 times a second, or 8 while it
 * does not change, into memory that the driver sees, and the damage told. Nobody looks: nothing is
 * drawn.
 */
#ifndef VMM_SCREEN_H
#define VMM_SCREEN_H

#include <stdbool.h>
#include "boot.h"
#include "module.h"

/* After platform_init(): makes them when the configuration and the machine have a screen. Main
 * thread, without the lock. */
int screen_make(struct boot_error *error);
bool screen_exists(void);
/* platform_reset(); the lock is held. */
void screen_reset(void);
/* Connections, main thread, without the lock. -EINVAL: not of ours. */
int screen_connected(struct connection *c);
bool screen_disconnected(struct connection *c);
bool screen_readable(struct connection *c);

#endif
