/* SPDX-License-Identifier: GPL-2.0-only */
/* Events: 64 pending bits and one or more waiting threads. IRQs, timers, doorbells, deaths all
 * arrive so. */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include "core/lock.h"
#include "core/object.h"

struct event {
	struct object object;
	struct spinlock lock;
	uint64_t pending;
	struct thread *waiters;
};

#define EVENT_RIGHTS (RIGHT_SIGNAL | RIGHT_WAIT | RIGHT_CONTROL | RIGHT_GRANT)

struct event *event_create(void);		   /* one reference; NULL: no memory */
void event_signal(struct event *e, uint64_t bits); /* any context */
/* The event that a handle with SIGNAL names, and which of *bits it may signal. A reference; NULL:
 * *error. */
struct event *event_get(uint32_t handle, uint64_t *bits, int *error);

#endif
