// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mutex: 0 free, 1 held, 2 held and perhaps waited for. Who finds it held writes 2 and sleeps on
 * the event; an event keeps a signal until somebody waits, so no wake-up is lost between the two. A
 * woken thread takes the mutex with 2, because others may still sleep; the worst is one needless
 * signal.
 */
#include "thread.h"
#include "syscalls.h"

static uint32_t event_of(struct mutex *m)
{
	uint32_t event = __atomic_load_n(&m->event, __ATOMIC_ACQUIRE), none = 0;
	int64_t fresh;

	if (event)
		return event;
	fresh = sys_event_create();
	if (fresh < 0)
		return 0;
	if (__atomic_compare_exchange_n(&m->event, &none, (uint32_t)fresh, 0, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return fresh;
	sys_handle_close(fresh);
	return none;
}

int mutex_trylock(struct mutex *m)
{
	uint32_t expected = 0;

	return __atomic_compare_exchange_n(&m->state, &expected, 1, 0, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

void mutex_lock(struct mutex *m)
{
	uint32_t event;

	if (mutex_trylock(m))
		return;
	event = event_of(m);
	while (__atomic_exchange_n(&m->state, 2, __ATOMIC_ACQUIRE)) {
		if (event)
			sys_event_wait(event, 1, WAIT_FOREVER);
		else
			sys_yield();
	}
}

void mutex_unlock(struct mutex *m)
{
	uint32_t event;

	if (__atomic_exchange_n(&m->state, 0, __ATOMIC_RELEASE) != 2)
		return;
	event = __atomic_load_n(&m->event, __ATOMIC_ACQUIRE);
	if (event)
		sys_event_signal(event);
}
