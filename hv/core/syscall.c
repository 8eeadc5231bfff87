// SPDX-License-Identifier: GPL-2.0-only
// The table of system calls, what failures cost, and the calls that concern no object.
#include "core/log.h"
#include "core/task.h"
#include <postern/errno.h>

#define LOG_PIECE 512

/* For hv/x86/syscall_entry.S. Empty here: the boot stage fills it from what is registered, then it is read-only. */
int64_t (*const syscall_table[SYS_COUNT])(struct syscall_args *);
int64_t syscall_failed(uint64_t number, int64_t result);
int64_t sys_missing(struct syscall_args *a);

int64_t sys_missing(struct syscall_args *a)
{
	return -ENOSYS;
}

int64_t syscall_failed(uint64_t number, int64_t result)
{
	struct task *t = current_task();

	if (result != -EBADF && result != -EFAULT && result != -ENOSYS)
		return result;
	if (__atomic_add_fetch(&t->syscall_faults, 1, __ATOMIC_RELAXED) >= SYS_FAULT_LIMIT)
		task_end(t, TASK_MISUSED, number, 0, 0);
	return result;
}

int copy_name_from_user(char *to, uint64_t from, unsigned size)
{
	for (unsigned i = 0; i < size - 1; i++) {
		if (copy_from_user(&to[i], from + i, 1))
			return -EFAULT;
		if (!to[i])
			return 0;
	}
	to[size - 1] = 0;
	return 0;
}

static int64_t sys_null(struct syscall_args *a)
{
	return 0;
}
SYSCALL(SYS_NULL, sys_null);

static int64_t sys_log_write(struct syscall_args *a)
{
	struct task *t = current_task();
	char text[LOG_PIECE];

	if (a->b > sizeof(text))
		return -E2BIG;
	if (copy_from_user(text, a->a, a->b))
		return -EFAULT;
	log_text(t->keeps ? NULL : &t->log, t->name, text, a->b); /* the manager's are the machine's own */
	return 0;
}
SYSCALL(SYS_LOG_WRITE, sys_log_write);

static int64_t sys_log_read(void *system, struct syscall_args *a)
{
	char piece[LOG_PIECE];
	uint64_t position;
	size_t n;

	if (copy_from_user(&position, a->d, sizeof(position)))
		return -EFAULT;
	n = log_copy(&position, piece, a->c < sizeof(piece) ? a->c : sizeof(piece));
	return copy_to_user(a->b, piece, n) || copy_to_user(a->d, &position, sizeof(position))
		       ? -EFAULT
		       : (int64_t)n;
}
SYSCALL_ON(SYS_LOG_READ, OBJ_SYSTEM, RIGHT_LOG, sys_log_read);
