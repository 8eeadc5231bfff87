/* SPDX-License-Identifier: GPL-2.0-only */
/* Terminal: one port of the console service, with a queue of what is still to be written to it. The
 * queue survives the driver: what a dead driver left in the ring is queued again. It survives the manager, too. */
#ifndef MANAGER_TERMINAL_H
#define MANAGER_TERMINAL_H

#include "kept.h"
#include "link.h"

#define TERMINALS KEPT_TERMINALS

struct terminal {
	bool used;
	unsigned port;
	struct link *link;
	struct kept_queue *queue;
};

extern struct terminal terminals[TERMINALS];

/* The terminal on that port, opened when it is not. */
struct terminal *terminal_open(unsigned port);
/* Connects all to the console service once it is known. */
void terminals_connect(struct instance *server);
/* What does not fit is dropped: ask terminal_room before. */
void terminal_write(struct terminal *t, const char *from, size_t bytes);
void terminal_puts(struct terminal *t, const char *text); /* \n becomes \r\n */
size_t terminal_room(const struct terminal *t);
/* Input; at most max bytes. */
size_t terminal_read(struct terminal *t, char *to, size_t max);
/* Moves the queue on as far as the driver takes it. */
void terminal_pump(struct terminal *t);
bool terminal_drained(const struct terminal *t);
/* After a recovery. */
void terminals_recover(void);

#endif
