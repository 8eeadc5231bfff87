/* SPDX-License-Identifier: GPL-2.0-only */
/* Spin locks. The core never takes interrupts in ring 0, so none disables them; a waiting CPU
 * serves cross-calls (see x86/cpu.h). Order, outermost first: core_lock, vm->lock, task->lock,
 * memory->lock, event->lock, sched_lock, timer queue, frame lock, log lock. */
#ifndef CORE_LOCK_H
#define CORE_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include "x86/cpu.h"

struct spinlock {
	uint32_t held;
};

static inline void spin_lock(struct spinlock *l)
{
	while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(&l->held, __ATOMIC_RELAXED)) {
			__builtin_ia32_pause();
			cpu_poll();
		}
}

static inline void spin_unlock(struct spinlock *l)
{
	__atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}

/* Creation, mapping and destruction of objects: rare, so one lock for all of them. */
extern struct spinlock core_lock;

#endif
