// SPDX-License-Identifier: GPL-2.0-only
/* Timer: a sorted list of deadlines that the main loop serves. */
#include "timer.h"

static struct timer *first;

void timer_cancel(struct timer *t)
{
	if (!t->armed)
		return;
	for (struct timer **p = &first; *p; p = &(*p)->next) {
		if (*p == t) {
			*p = t->next;
			break;
		}
	}
	t->armed = false;
}

void timer_set(struct timer *t, uint64_t deadline, void (*expired)(struct timer *t))
{
	struct timer **p = &first;

	timer_cancel(t);
	t->deadline = deadline;
	t->expired = expired;
	while (*p && (*p)->deadline <= deadline)
		p = &(*p)->next;
	t->next = *p;
	*p = t;
	t->armed = true;
}

uint64_t timer_next(void)
{
	return first ? first->deadline : ~0ull;
}

/* A timer that sets itself again for the past must not keep the loop here: one round serves those
 * due now. */
void timer_run(uint64_t now)
{
	for (unsigned budget = 64; budget && first && first->deadline <= now; budget--) {
		struct timer *t = first;

		first = t->next;
		t->armed = false;
		t->expired(t);
	}
}
