/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads of a program and the mutex between them. */
#ifndef LIB_THREAD_H
#define LIB_THREAD_H

#include <stdint.h>
#include <stddef.h>

/* Starts body(argument) on a new stack of stack_bytes (0: 64 KiB), a guard page below it. The
 * thread ends when body returns. Its stack is freed with the task. Returns the thread's number or
 * an error. */
int thread_create(void (*body)(void *), void *argument, size_t stack_bytes);

/* All zero is an unlocked mutex. Waiters sleep in the core. Not recursive. */
struct mutex {
	uint32_t state; /* 0 free, 1 held, 2 held and waited for */
	uint32_t event; /* made at the first contention */
};
#define MUTEX_INIT {0, 0}

void mutex_lock(struct mutex *m);
int mutex_trylock(struct mutex *m); /* 1 when taken */
void mutex_unlock(struct mutex *m);

#endif
