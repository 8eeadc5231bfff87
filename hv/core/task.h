/* SPDX-License-Identifier: GPL-2.0-only */
/* Tasks and threads, and what other parts of the core ask of them. Task-private fields: hv/core/task.c. */
#ifndef CORE_TASK_H
#define CORE_TASK_H

#include <postern/syscall.h>
#include "core/lock.h"
#include "core/object.h"
#include "x86/paging.h"

struct mapping; /* va range -> memory object, hv/core/task.c */

struct task {
	struct object object;
	char name[16];
	uint32_t id;
	uint32_t class_; /* enum sched_class */
	struct spinlock lock;
	struct page_tables tables;
	uint64_t loaded_on; /* CPUs that have these tables loaded: bit mask */
	struct handle_table *handles;
	struct mapping *mappings;
	struct thread *threads;
	uint32_t thread_count;
	uint32_t end; /* enum task_end; not ALIVE: its threads end at their next way out */
	int64_t end_detail;
	uint64_t end_address, end_rip;
	/* budget: scheduling runs on the task, so vCPUs and VMM of a guest share one */
	uint64_t vruntime, cpu_ns, period_start, period_used;
	uint64_t memory, guest_memory, core_memory; /* accounts, bytes */
	uint32_t syscall_faults;
	struct task *next;
	void *ports; /* I/O permission: NULL for none */
	struct death_watch *watchers;
};

enum thread_state { THREAD_READY, THREAD_RUNNING, THREAD_BLOCKED, THREAD_DEAD };

struct thread {
	uint64_t kernel_rsp; /* saved while switched out; first: known to assembly */
	struct task *task;
	uint32_t number, state;
	void *kernel_stack; /* CORE_STACK_BYTES from the pool */
	uint64_t user_entry, user_stack, user_argument;
	uint32_t cpu;		/* where it ran last or is queued */
	uint64_t deadline;	/* of the block, CLOCK ns */
	bool timed_out;
	struct vcpu *vcpu;	/* it is inside SYS_VCPU_RUN with this one */
	void (*switched_out)(struct thread *); /* engine: save FPU etc.; called before another thread runs here */
	struct thread *queue_next, *task_next;
	uint64_t started; /* CLOCK ns of its present turn */
};

#define CORE_STACK_BYTES 8192

static inline struct thread *current_thread(void)
{
	return this_cpu()->current;
}

static inline struct task *current_task(void)
{
	return this_cpu()->current->task;
}

/* End a task from inside: its threads stop at their way out of the core. Logs one sentence. Any context. */
void task_end(struct task *task, enum task_end how, int64_t detail, uint64_t address, uint64_t rip);
/* The exception path: a fault from ring 3. Resolves lazy mappings (returns true: retry) or ends the task. */
bool task_page_fault(uint64_t address, uint64_t error, uint64_t rip);

#endif
