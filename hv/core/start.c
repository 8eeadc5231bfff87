// SPDX-License-Identifier: GPL-2.0-only
// The first task: the keeper of the manager. Its own first thread builds its address space, in ring 0, with the
// same calls that serve everybody else, and then enters it.
#include "core/boot.h"
#include "core/event.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/sched.h"
#include "core/string.h"
#include "core/task.h"
#include "x86/cpu.h"
#include <postern/errno.h>

#define FIRST_NAME "keeper"

/* What of its program goes where: read out of the archive of modules and checked while
 * the image is built (tools/first-task.c). Pages of their own, never writable and executable. */
struct first_segment {
	uint64_t va, bytes;
	const void *data; /* the first data_bytes of it; the rest is zero */
	uint64_t data_bytes, rights;
};
extern const struct first_segment first_task_segments[], first_task_segments_end[];
extern const uint64_t first_task_entry;

// New memory at va of the current task, with `bytes` of data at its start. Written through a
// writable mapping, which is gone when the last one comes: nothing is ever writable and executable.
static int place(uint64_t va, uint64_t size, const void *data, uint64_t bytes, unsigned rights)
{
	struct task *t = current_task();
	struct memory *m;
	int error;

	m = memory_create(t, size, 0, &error);
	if (!m)
		return error;
	error = task_map(t, m, 0, va, size, MAP_READ | MAP_WRITE);
	if (!error && bytes)
		error = copy_to_user(va, data, bytes);
	if (!error && rights != (MAP_READ | MAP_WRITE)) {
		error = task_unmap(t, va, size);
		if (!error)
			error = task_map(t, m, 0, va, size, rights);
	}
	object_put_unlocked(&m->object);
	return error;
}

static int place_start_page(void)
{
	struct task *t = current_task();
	static struct start_info start; /* too large for the stack; it is used once */
	struct event *e = event_create();
	int handle;

	if (!e)
		return -ENOMEM;
	start.magic = START_MAGIC;
	start.version = 1;
	memcpy(start.name, t->name, sizeof(start.name));
	start.tsc_khz = tsc_khz;
	start.tsc_boot = entry_tsc;
	start.clock_mult = clock_mult;
	start.cpus = cpu_count;
	start.incarnation = 1;
	handle = handle_add(t, &system_object, RIGHT_ALL, 0);
	start.system = handle > 0 ? handle : 0;
	handle = handle_new(&e->object, EVENT_RIGHTS, ~0ull);
	start.event = handle > 0 ? handle : 0;
	return place(START_VA, PAGE_SIZE, &start, sizeof(start), MAP_READ);
}

_Static_assert(sizeof(struct start_info) <= PAGE_SIZE, "start page");

static void first_body(void)
{
	const struct first_segment *s;
	int error = 0;

	for (s = first_task_segments; s < first_task_segments_end && !error; s++)
		error = place(s->va, s->bytes, s->data, s->data_bytes, s->rights);
	if (!error)
		error = place(STACK_TOP - STACK_BYTES, STACK_BYTES, NULL, 0, MAP_READ | MAP_WRITE);
	if (!error)
		error = place(BOOT_VA, PAGE_ROUND_UP(sizeof(struct boot_info)), &boot_info, sizeof(boot_info), MAP_READ);
	if (!error)
		error = place_start_page();
	if (error) {
		log_printf("cannot start the first task: out of memory (error %d)", -error);
		task_end(current_task(), TASK_KILLED, error, 0, 0);
	}
}

void core_start(void)
{
	struct task *t;
	int error;

	t = task_create(FIRST_NAME, CLASS_HEARTBEAT, &error);
	if (t)
		error = thread_create(t, first_body, first_task_entry, STACK_TOP, START_VA);
	if (error < 0)
		panic("no memory for the first task");
	sched_idle();
}
