/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Durable: variables that the manager's next life finds again (state.h commits them, recover.c brings them back).
 * They begin as zero, and may hold pointers to variables, functions and kept memory (the next life is the same
 * program at the same addresses), but none to the heap or to what this life mapped.
 *
 * A commit happens between two rounds of the main loop. What was done since the last one is undone by a death:
 * handles that no committed variable names are closed, tasks among them ended. Hence three rules:
 *   - a handle in a durable variable is closed by durable_close(), after the commit that forgets it: until then its
 *     number must not mean another object;
 *   - a module's message is taken out of its ring (msg_taken) after the commit that knows what came of it;
 *   - what must not be told and then forgotten (the id of MSG_OPEN, MSG_STOP) is told after the commit that knows it.
 */
#ifndef MANAGER_DURABLE_H
#define MANAGER_DURABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DURABLE __attribute__((section(".bss.durable")))

struct timer;

/* Durable variables changed, whichever: commit at the end of this round. */
void durable_touch(void);
/* The same, when it is known that nothing else changed since the last commit: for what happens often. */
void durable_changed(const void *at, size_t bytes);
/* It changed, and that can wait until something else is committed. */
void durable_mark(const void *at, size_t bytes);
void durable_close(uint32_t handle);
/* Now, where the state is in order. */
void durable_commit(void);
/* The end of a round: commit if something changed, then everything that waited for it. */
void durable_settle(void);
/* A place where a test can let the manager die: `module kill manager at=N`, at the Nth of them from now. */
void durable_point(void);
/* An armed timer inside durable memory runs on. */
void durable_rearm(struct timer *t);

typedef void durable_name(uint32_t handle);

#endif
