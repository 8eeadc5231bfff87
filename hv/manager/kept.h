/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kept: the memory that outlives the manager. The keeper makes it once and maps it into each life of the
 * manager at KEPT_VA: signs of life, the committed state (state.h), and long queues of characters, which are used
 * where they lie and are not committed.
 */
#ifndef MANAGER_KEPT_H
#define MANAGER_KEPT_H

#include <postern/config.h>
#include <postern/start.h>
#include "state.h"

#define KEPT_VA (BOOT_VA + 0x200000)
#define KEPT_TERMINALS 4
#define TERMINAL_QUEUE 131072 /* the whole log fits */
#define GUEST_UNSEEN 8192

/* Exit status of a manager that refuses the state it finds: another life would refuse it, too. */
#define MANAGER_REFUSES 77
#define KILLED_FOR_TEST 5 /* reason */

enum kept_test { TEST_NOTHING, TEST_HANG, TEST_FAIL_STARTS };

/* Bytes in the order in which they came. */
struct kept_queue {
	uint32_t at, length; /* oldest byte, bytes */
	char text[TERMINAL_QUEUE];
};

struct kept_unseen {
	uint32_t at, length;
	char text[GUEST_UNSEEN];
};

struct kept {
	uint64_t beat;	   /* counts up while the manager lives */
	uint32_t keeper;   /* event handle of the manager's: wakes the keeper */
	uint32_t deaths;   /* in a row */
	uint64_t kill_at;  /* test: CLOCK ns at which the keeper ends the manager; 0 never */
	uint32_t test;	   /* enum kept_test */
	uint32_t points;   /* test: the manager ends itself at this many durable_point()s; 0 never */
	struct state_store state __attribute__((aligned(64)));
	struct kept_queue terminal[KEPT_TERMINALS] __attribute__((aligned(4096)));
	struct kept_unseen unseen[GUESTS_MAX];
};

static inline struct kept *kept(void)
{
	return (struct kept *)KEPT_VA;
}

#endif
