/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Screen: the physical screen and keyboard. They belong to the shell or to one guest at a time;
 * Ctrl+Alt+F1 is the shell, F2 the first guest of the configuration, and so on, whoever is shown.
 * The header above the picture, which nobody but the manager writes, says who that is.
 *
 * The shell on the screen is a session of its own beside the one on the serial port: its own line,
 * its own output.
 */
#ifndef MANAGER_SCREEN_H
#define MANAGER_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include "guest.h"

/* Connects to the providers of `display` and `input` once they are known. */
void screen_setup(bool quiet);
/* The same after a recovery: the connections are there. The shell's screen is written anew from the log. */
void screen_recover(bool quiet);
/* Keys, log, what is shown: everything that can move. */
void screen_pump(void);
/* The machine has a screen, and the image a module for it: guests with screen = auto get one. */
bool screen_possible(void);
/* Shows a guest; NULL: the shell. */
void screen_show(struct guest *g);
/* Text of the shell while it runs a line that was typed here; false: it was not. */
bool screen_printf_here(const char *text);
/* The guest's keys: from guest_connect(). */
void screen_connect_guest(struct guest *g);
/* A line for the shell's `screen`. */
void screen_status(void);

#endif
