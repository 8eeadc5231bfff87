/* SPDX-License-Identifier: GPL-2.0-only */
/* Shell: commands that people type. Tables of them are in shell_*.c. */
#ifndef MANAGER_SHELL_H
#define MANAGER_SHELL_H

#include <stdbool.h>

struct command {
	const char *name;
	const char *arguments; /* as help shows them */
	const char *about;
	int least, most; /* arguments */
	void (*run)(int count, char **words); /* words[0] is the command */
};

/* Ended by an entry without a name. */
extern const struct command shell_guest_commands[], shell_module_commands[],
	shell_machine_commands[], shell_pci_commands[], shell_trace_commands[];

/* Runs a line; it is split in place. Commits what was done before. */
void shell_run(char *text);
/* After a recovery: says what line the last life's end may have cut short. */
void shell_recover(void (*say)(const char *format, ...) __attribute__((format(printf, 1, 2))));
/* For a command that has to wait for somebody: `step` is called whenever something happened, until it
 * returns true. Until then the shell takes no input and the log waits; a deadline is the command's
 * own work. */
void shell_wait(bool (*step)(void));
/* Something happened. False: a command still waits. */
bool shell_step(void);
bool shell_waits(void); /* one does, whichever session began it */

#endif
