/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects and handles. An object lives while handles, mappings, threads or other objects refer to
 * it.
 */
#ifndef CORE_OBJECT_H
#define CORE_OBJECT_H

#include <stdint.h>

enum object_type {
	OBJ_NONE,
	OBJ_SYSTEM,
	OBJ_TASK,
	OBJ_MEMORY,
	OBJ_EVENT,
	OBJ_IRQ,
	OBJ_VM,
	OBJ_VCPU,
	OBJ_DEVICE,
	OBJ_TYPES,
};

struct object {
	uint8_t type;
	uint32_t refs;
	struct object *dead_next; /* on its way through object_put */
};

/* Each type registers how it dies, so that core never names engine: linker section object_types. */
struct object_type_ops {
	uint32_t type;
	void (*destroy)(struct object *); /* the last reference went; core_lock held */
};
#define OBJECT_TYPE(t, d)                                   \
	static const struct object_type_ops object_type_##t \
		__attribute__((used, section("object_types"), aligned(8))) = {t, d}

void object_init(struct object *o, enum object_type type); /* one reference */
void object_get(struct object *o);
void object_put(struct object *o); /* core_lock held */

struct task;
/* Look a handle of the current task up. Type and all rights must fit: else -EBADF or -EPERM in
 * *error (and NULL). Takes a reference, to be dropped with object_put (object_put_unlocked when
 * core_lock is not held). */
struct object *handle_get(uint32_t handle, enum object_type type, uint32_t rights, int *error);
struct handle {
	struct object *object;
	uint64_t badge;
	uint32_t rights;
};
/* The same, with all that the handle has. */
struct object *handle_get_all(uint32_t handle, enum object_type type, uint32_t rights,
			      struct handle *all, int *error);
void object_put_unlocked(struct object *o);
/* New handle in task's table; takes its own reference. Handle number or -ENOSPC. */
int handle_add(struct task *task, struct object *o, uint32_t rights, uint64_t badge);
/* The same in the current task's table, for a new object: the caller's reference goes. */
int handle_new(struct object *o, uint32_t rights, uint64_t badge);
/* The end of a task: drop all handles and the table. core_lock held. */
void handle_close_all(struct task *task);
/* The system object: one, made at boot. */
extern struct object system_object;

/* System calls register themselves: linker section syscalls. */
struct syscall_args {
	uint64_t a, b, c, d, e, f;
};
struct syscall_entry {
	uint32_t number;
	int64_t (*call)(struct syscall_args *);
};
#define SYSCALL(n, fn)                                \
	static const struct syscall_entry syscall_##n \
		__attribute__((used, section("syscalls"), aligned(8))) = {n, fn}

/* A call on the object that its first argument names: of this type, by a handle with all of
 * `rights`, else -EBADF or -EPERM. A reference is held meanwhile. Of a task, RIGHT_CONTROL or
 * HANDLE_SELF: see task_get. */
typedef int64_t object_call(void *object, struct syscall_args *a);
int64_t call_on_object(enum object_type type, uint32_t rights, object_call *fn,
		       struct syscall_args *a);
#define SYSCALL_ON(n, type, rights, fn)                     \
	static int64_t fn##_entry(struct syscall_args *a)   \
	{                                                   \
		return call_on_object(type, rights, fn, a); \
	}                                                   \
	SYSCALL(n, fn##_entry)

/* Copy between the current task's memory and the core; faults are caught. 0 or -EFAULT. What is not
 * populated yet gets populated on the way, under task->lock and memory->lock: hold neither, nor any
 * lock below them. */
int copy_from_user(void *to, uint64_t from, uint64_t bytes);
int copy_to_user(uint64_t to, const void *from, uint64_t bytes);

#endif
