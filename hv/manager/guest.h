/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest: a section of the configuration, the VMM that runs it, and what became of it.
 *
 *   OFF --start--> STARTING --GUEST_STATE--> RUNNING <--> PAUSED
 *   STARTING, RUNNING, PAUSED --GUEST_ENDED, death of the VMM, stop--> OFF (or again, by on-... =
 *   restart)
 */
#ifndef MANAGER_GUEST_H
#define MANAGER_GUEST_H

#include "config.h"
#include "instance.h"
#include "kept.h"
#include "link.h"

#define GUEST_ENDING 320

enum guest_phase { PHASE_OFF, PHASE_STARTING, PHASE_RUNNING, PHASE_PAUSED };

struct guest {
	struct guest_config *config;
	struct instance *instance;
	enum guest_phase phase;
	bool refused, stop_asked;
	bool restarting; /* it starts again when the timer fires */
	bool lacks_memory; /* that is what it waits for */
	bool start_asked; /* while its VMM was still ending */
	struct timer restart;
	struct backoff backoff;
	uint64_t started; /* CLOCK ns */
	uint32_t cpus, resets;
	uint64_t first_ns; /* CLOCK at its first instruction */
	/* The last end. */
	bool ended;
	enum guest_end how;
	uint32_t value;
	char ending[GUEST_ENDING]; /* "power-off", ... */
	char rom[MESSAGE_TEXT]; /* the file that `rom swap` named last */
	/* Console. */
	struct link *console; /* the VMM is client, we are server */
	struct link *input;   /* the same: keyboard and mouse, when it is on the screen */
	struct kept_unseen *unseen; /* output while nobody looked: a ring */
};

extern struct guest guests[GUESTS_MAX];
extern unsigned guest_count;
extern const char *const guest_phase_names[];

/* Makes guests of the configuration. */
void guests_setup(struct config *c);
/* safe: the boot option, which starts none. */
void guests_autostart(bool safe);
struct guest *guest_find(const char *name);
/* NULL, or why it is refused. */
const char *guest_start(struct guest *g);
void guest_stop(struct guest *g);
/* It crashed and is going to be started again. */
bool guest_comes_back(const struct guest *g);
/* What it is, in a word or three. */
const char *guest_state(const struct guest *g);
/* Another gateway ROM for it; false when it is not running. */
bool guest_swap_rom(struct guest *g, const char *file);
/* Its VMM reads the files that its section or the last guest_swap_rom() names, not those of others. */
bool guest_may_open(const struct guest *g, const char *file);
/* One of MSG_GUEST_*; false when it is not running. */
bool guest_command(struct guest *g, uint16_t kind, const char *text);
/* The same with anything in it; also to a VMM whose guest has ended. */
bool guest_send(struct guest *g, const struct message *m);

/* From instance.c. */
void guest_connect(struct guest *g);
void guest_message(struct guest *g, const struct message *m);
void guest_vmm_died(struct guest *g, bool expected);
/* After a recovery. */
bool guests_in_order(void);
void guests_recover(void);

/* shell_trace.c: MSG_GUEST_TRACED */
void trace_message(struct guest *g, const struct message *m);

#endif
