/* SPDX-License-Identifier: GPL-2.0-only */
/* Config: the configuration file, parsed. The format is documented in postern/config.h. */
#ifndef MANAGER_CONFIG_H
#define MANAGER_CONFIG_H

#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>
#include <postern/config.h>

#define CONFIG_ARGUMENTS 2048 /* as start_info.arguments */
#define CONFIG_ERRORS_MAX 32
#define CONFIG_ERROR_TEXT 224
#define CONFIG_FILES_MAX 12
#define CONFIG_FILE_NAME 47
#define CONFIG_LIST 128
#define CONFIG_MODULES_MAX 16

/* Ports: 0..3 = COM1..COM4. */
enum config_port { PORT_NONE = -1, PORT_SHELL = -2 };

enum config_end { END_NEVER, END_FIRST_GUEST, END_ALL_GUESTS };
enum config_on { ON_STOP, ON_RESTART, ON_END };

struct config_file {
	char name[CONFIG_FILE_NAME + 1];
	unsigned line;
};

/* A section's keys as `key=value` lines for the program it configures. */
struct config_arguments {
	size_t length;
	char text[CONFIG_ARGUMENTS];
};

struct guest_config {
	char name[GUEST_NAME_MAX + 1];
	unsigned line, memory_line;
	bool bad; /* has an error: is not started */
	bool autostart, pass_debug_exit;
	int console; /* 0..3 or enum config_port */
	enum config_on on_poweroff, on_reset, on_crash;
	uint64_t memory; /* bytes */
	uint32_t cpus;
	unsigned files;
	struct config_file file[CONFIG_FILES_MAX]; /* the boot files it needs */
	struct config_arguments arguments;
};

struct module_config {
	char name[16];
	unsigned line;
	bool bad;
	int autostart; /* -1 not said */
	struct config_arguments arguments;
};

struct config_error {
	unsigned line;
	char text[CONFIG_ERROR_TEXT];
};

struct config {
	int shell, log; /* ports */
	bool quiet;
	enum config_end end;
	char attach[GUEST_NAME_MAX + 1];
	char safe[CONFIG_LIST], without[CONFIG_LIST]; /* words */
	bool dma_strict;
	uint32_t heartbeat_ms;
	unsigned guests, modules, errors;
	struct guest_config guest[GUESTS_MAX];
	struct module_config module[CONFIG_MODULES_MAX];
	struct config_error error[CONFIG_ERRORS_MAX]; /* `errors` counts those beyond, too */
};

void config_defaults(struct config *c);
/* Never fails: what is wrong becomes an error in *c, and the section it is in is `bad`. */
void config_parse(struct config *c, const char *text, size_t bytes);
/* Adds an error to guest g (or to none). */
void config_complain(struct config *c, struct guest_config *g, unsigned line, const char *format,
		     ...) __attribute__((format(printf, 4, 5)));
struct guest_config *config_find_guest(struct config *c, const char *name);
struct module_config *config_find_module(struct config *c, const char *name);
/* A guest without a file: its section with the defaults filled in, as if it had been parsed.
 * `keys`: `key = value` lines. */
void config_add_guest(struct config *c, const char *name, const char *keys);

#endif
