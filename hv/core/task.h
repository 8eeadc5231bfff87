/* SPDX-License-Identifier: GPL-2.0-only */
/* Tasks and threads, and what other parts of the core ask of them. Task-private fields:
 * hv/core/task.c. */
#ifndef CORE_TASK_H
#define CORE_TASK_H

#include <postern/syscall.h>
#include "core/lock.h"
#include "core/log.h"
#include "core/mapping.h"
#include "core/object.h"
#include "core/sched.h"
#include "x86/paging.h"

/* Ring 3 ends a page before the canonical hole: a SYSCALL in the last bytes of the lower half would
 * save a return address that is not canonical, and SYSRET to that faults in ring 0 on some
 * processors. */
#define USER_BASE 0x10000ull
#define USER_TOP 0x00007ffffffff000ull

struct memory;

struct task {
	struct object object;
	char name[16];
	uint32_t id;
	uint32_t class_; /* enum sched_class */
	struct spinlock lock;
	struct page_tables tables;
	uint64_t loaded_on; /* CPUs that have these tables loaded: bit mask */
	struct handle_table *handles;
	struct mappings mappings; /* hv/core/task_map.c */
	struct thread *threads;
	uint32_t thread_count;
	uint32_t end; /* enum task_end; not ALIVE: its threads end at their next way out */
	int64_t end_detail;
	uint64_t end_address, end_rip;
	/* budget: scheduling runs on the task, so vCPUs and VMM of a guest share one */
	uint64_t vruntime, cpu_ns, period_start, period_used;
	uint64_t memory, guest_memory, core_memory; /* accounts, bytes */
	uint64_t promised, limit; /* bytes of all objects it created, populated or not; limit 0: by its class */
	uint32_t syscall_faults;
	struct log_share log;
	struct task *next;
	void *ports; /* I/O permission: NULL for none */
	struct death_watch *watchers;
	uint32_t watcher_count, thread_numbers;
	bool reaped; /* nothing left but this structure, and its handles if it keeps them */
	bool keeps;  /* its handles stay when it ends, for an heir */
};

enum thread_state { THREAD_READY, THREAD_RUNNING, THREAD_BLOCKED, THREAD_DEAD };

struct thread {
	uint64_t kernel_rsp; /* saved while switched out; first: known to assembly */
	struct task *task;
	uint32_t number, state;
	uint64_t user_entry, user_stack, user_argument;
	uint32_t cpu;	   /* where it ran last or is queued */
	uint64_t deadline; /* of the block, CLOCK ns */
	bool timed_out;
	struct vcpu *vcpu;		       /* it is inside SYS_VCPU_RUN with this one */
	void (*switched_out)(struct thread *); /* engine: save FPU etc.; called before another
						  thread runs here */
	struct thread *queue_next, *task_next;
	uint64_t started;     /* CLOCK ns: its time is charged up to here */
	uint64_t turn;	      /* CLOCK ns of the begin of its present turn */
	volatile bool on_cpu; /* its registers are on a CPU: nobody else may run it */
	bool yields;
	bool calm; /* what woke it may wait a little */
	struct timer timer; /* of the deadline */
	void (*body)(void); /* runs in ring 0 before the first entry to ring 3; may be NULL */
	/* SYS_EVENT_WAIT */
	uint64_t wait_mask;
	struct thread *wait_next;
} __attribute__((aligned(16)));

#define CORE_STACK_BYTES 8192 /* from the pool; the thread's structure is at their upper end */

static inline struct thread *current_thread(void)
{
	return this_cpu()->current;
}

static inline struct task *current_task(void)
{
	return this_cpu()->current->task;
}

/* End a task: its threads stop at their way out of the core. Logs one sentence. Any context that
 * holds neither task->lock nor a lock below it. */
void task_end(struct task *task, enum task_end how, int64_t detail, uint64_t address, uint64_t rip);
/* A page fault of the current task, or of a copy for it: is it resolved? */
bool task_page_fault(uint64_t address, uint64_t error);

/* A NUL-terminated string; `to` is always terminated. -EFAULT. */
int copy_name_from_user(char *to, uint64_t from, unsigned size);
/* The task that a call names: a handle with RIGHT_CONTROL, or HANDLE_SELF. A reference; NULL:
 * *error. */
struct task *task_get(uint64_t handle, int *error);
uint32_t handle_count(struct task *t);
/* A task without threads, one reference. NULL: *error says why. */
struct task *task_create(const char *name, unsigned class_, int *error);
void task_info(struct task *t, struct task_info *out);
struct task *task_first(void); /* the list of all, by next; core_lock held */

/* Map [offset, offset + bytes) of m at va, all page multiples. 0, -EINVAL, -EEXIST, -EPERM (W^X),
 * -ENOSPC, -ENOMEM. */
int task_map(struct task *t, struct memory *m, uint64_t offset, uint64_t va, uint64_t bytes,
	     unsigned rights);
int task_unmap(struct task *t, uint64_t va, uint64_t bytes);
void task_unmap_all(struct task *t); /* core_lock held; its tables are loaded nowhere */

/* All of m leaves all page tables, to come back at the next touch. core_lock held. */
void tasks_forget(const struct memory *m);

/* A thread that starts at once: body in ring 0, if there is one, then ring 3. Its number, or an
 * error. */
int thread_create(struct task *t, void (*body)(void), uint64_t entry, uint64_t stack,
		  uint64_t argument);
void thread_free(struct thread *t);	      /* by the scheduler, once it is off its stack */
_Noreturn void thread_finish(int64_t status); /* the current one ends; no locks held */
void thread_first(void);		      /* where a new thread begins, from hv/x86/switch.S */

/* The end of a task, for its interrupts: hv/core/irq.c. */
void irq_task_ended(struct task *t);
void irq_granted(struct object *irq, struct task *t);
void irq_device_silence(uint32_t bdf); /* all interrupts of that PCI function */
/* The same for its devices: hv/core/device.c. core_lock held. */
void device_task_ended(struct task *t);
void device_granted(struct object *device, struct task *t);
struct info_irq;
int irq_info(unsigned index, struct info_irq *out);

#endif
