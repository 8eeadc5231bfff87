/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instance: a module that runs or shall run, with its lives.
 *
 *   DOWN --start--> WAITING --providers ready--> STARTING --READY--> READY
 *   any --death--> BACKOFF --timer--> WAITING          (while it is wanted)
 *   any --stop--> STOPPING --death--> DOWN
 *   any --kill--> ENDING --death--> BACKOFF, or DOWN
 *   STARTING --FAILED(-ENODEV)--> FAILED               (no retry: the machine lacks the device)
 */
#ifndef MANAGER_INSTANCE_H
#define MANAGER_INSTANCE_H

#include "backoff.h"
#include "module.h"
#include "program.h"

#define INSTANCES_MAX 40
#define INSTANCE_SENTENCE 256
#define KEPT_MAX 8

enum instance_state {
	INST_DOWN,
	INST_WAITING,
	INST_STARTING,
	INST_READY,
	INST_STOPPING,
	INST_ENDING, /* killed; the core still takes its threads off the processors */
	INST_BACKOFF,
	INST_FAILED,
	INST_STATES,
};

struct guest;
struct swap;

struct instance {
	bool used;
	unsigned bit; /* of the manager's event */
	char name[16];
	struct program *program;
	struct guest *guest; /* NULL: not a VMM */
	const char *arguments;
	enum instance_state state;
	bool wanted; /* start it again when it dies */
	bool expected; /* its end was asked for */
	bool to_stop; /* it is to be told, after a commit: else the next manager would take its end for a crash */
	bool given_up; /* its device is not there */
	bool owns_ports; /* the core's console made room for it */
	/* This life. */
	uint32_t task, event, control_event, channel_memory;
	struct channel *channel;
	uint32_t irq[MODULE_IRQS_MAX];
	uint32_t kept[KEPT_MAX]; /* memory that outlives its lives; see MSG_KEEP */
	uint8_t bit_users[EVENT_BIT_IRQ]; /* connections that have this bit of its event */
	uint32_t connections;
	uint32_t taken; /* messages read from its ring */
	uint32_t ping, pong, missed;
	bool unheard; /* the last ping found no room */
	uint32_t messages, nonsense; /* since the last heartbeat; since it began */
	uint64_t born; /* CLOCK ns */
	/* All lives. */
	uint32_t incarnation;
	uint64_t cpu_ns; /* of earlier lives */
	struct swap *swap; /* another program takes over; NULL: no */
	struct backoff backoff;
	struct timer timer; /* restart, or patience while STARTING and STOPPING */
	char status[MESSAGE_TEXT];
	char sentence[INSTANCE_SENTENCE]; /* the last thing that went wrong */
};

extern struct instance instances[INSTANCES_MAX];
extern const char *const instance_state_names[INST_STATES];

struct instance *instance_find(const char *name);
/* The one that runs (or shall run) this program, VMMs left out. */
struct instance *instance_of(const struct program *p);
/* NULL: table full. */
struct instance *instance_new(const char *name, struct program *p, struct guest *guest,
			      const char *arguments);
/* Begin, as soon as its providers are ready. */
void instance_start(struct instance *i);
/* Ask it to end; after a while end it. No restart. */
void instance_stop(struct instance *i);
/* End it now; it is restarted when wanted. The sentence says why. */
void instance_kill(struct instance *i, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* 1 sent, 0 its ring is full, < 0 it is not alive or wrote garbage. */
int instance_send(struct instance *i, const struct message *m);
/* Its bit was signalled: messages, connections, death. */
void instance_serve(struct instance *i);
/* All that wait look again. */
void instances_retry(void);
/* Heartbeats from now on. */
void instances_watch(uint32_t heartbeat_ms);
bool instance_alive(const struct instance *i);
/* How many are. */
unsigned instances_alive(void);
/* After a commit: what could not be said before. */
void instances_tell(void);
/* The messages that were read so far need not be read again: their room is free. */
void instances_taken(void);
/* After a recovery: what they say is possible; their channels are mapped again, their timers run on. */
bool instances_in_order(void);
void instances_recover(void);
void instances_handles(durable_name *mark);

#endif
