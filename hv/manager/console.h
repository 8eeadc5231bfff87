/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Console: what is seen on which terminal. The shell's terminal shows either the shell or the
 * guest that it is attached to; Ctrl-] goes back and forth. A guest with a port of its own has that
 * terminal for itself. The log follows to the port that the configuration names, but not
 * into a guest's output.
 */
#ifndef MANAGER_CONSOLE_H
#define MANAGER_CONSOLE_H

#include "config.h"
#include "guest.h"
#include "terminal.h"

#define CONSOLE_ESCAPE 0x1d /* Ctrl-] */

void console_setup(const struct config *c);
/* Moves everything that can move: guests' bytes, input, log, queues. */
void console_pump(void);
/* The core hands COM(n+1) over to a driver, or takes it back: there in its log, or (negative) it never
 * wrote there. */
void console_port_switched(unsigned n, bool to_driver, int64_t position);
/* Everything that was to be seen was written? */
bool console_drained(void);
/* After a recovery: who was seen is seen; the shell shows its prompt again. */
void console_recover(void);
/* Text of the shell. */
void console_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A command was typed: the log, where modules answer, is shown for a second although the configuration has it quiet. */
void console_hear(void);
bool console_hears(void);
/* There is room for a few lines more. */
bool console_room(void);
/* Shows a guest instead of the shell; NULL: the shell. */
void console_attach(struct guest *g);
struct guest *console_attached(void);
/* The link to a guest's VMM came up or goes down. */
void console_guest_changed(struct link *l);

#endif
