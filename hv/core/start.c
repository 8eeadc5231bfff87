// SPDX-License-Identifier: GPL-2.0-only
// The first task: the manager. Its own first thread builds its address space, in ring 0, with the
// same calls that serve everybody else, and then enters it.
#include "core/boot.h"
#include "core/cpio.h"
#include "core/elf.h"
#include "core/event.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/sched.h"
#include "core/string.h"
#include "core/task.h"
#include "x86/cpu.h"
#include <postern/errno.h>

#define MANAGER_NAME "manager"
#define MANAGER_BYTES_MAX (16ull << 20)
#define MANAGER_HIGH 0x100000000ull

extern const char modules_archive[], modules_archive_end[];

static const char *why = "";

// New memory at va of the current task, with the first `bytes` of data at `lead` in it. Written
// through a writable mapping, which is gone when the last one comes: nothing is ever writable and
// executable.
static int place(uint64_t va, uint64_t size, uint64_t lead, const void *data, uint64_t bytes,
		 unsigned rights)
{
	struct task *t = current_task();
	struct memory *m;
	int error;

	m = memory_create(t, size, 0, &error);
	if (!m)
		return error;
	error = task_map(t, m, 0, va, size, MAP_READ | MAP_WRITE);
	if (!error && bytes)
		error = copy_to_user(va + lead, data, bytes);
	if (!error && rights != (MAP_READ | MAP_WRITE)) {
		error = task_unmap(t, va, size);
		if (!error)
			error = task_map(t, m, 0, va, size, rights);
	}
	object_put_unlocked(&m->object);
	return error;
}

static int place_program(const void *file, uint64_t bytes, uint64_t *entry)
{
	struct elf_plan plan;
	int error = elf_plan(file, bytes, USER_BASE, MANAGER_HIGH, MANAGER_BYTES_MAX, &plan, &why);

	for (unsigned i = 0; i < plan.count && !error; i++) {
		const struct elf_segment *s = &plan.segment[i];

		error = place(s->va, s->bytes, s->lead, (const char *)file + s->file_offset,
			      s->file_bytes, s->rights);
	}
	*entry = error ? 0 : plan.entry;
	return error;
}

static int place_start_page(void)
{
	struct task *t = current_task();
	static struct start_info start; /* too large for the stack; one manager starts at a time */
	struct event *e = event_create();
	int handle;

	if (!e)
		return -ENOMEM;
	memset(&start, 0, sizeof(start));
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
	handle = handle_add(t, &e->object, RIGHT_SIGNAL | RIGHT_WAIT | RIGHT_CONTROL | RIGHT_GRANT,
			    ~0ull);
	start.event = handle > 0 ? handle : 0;
	object_put_unlocked(&e->object);
	return place(START_VA, PAGE_SIZE, 0, &start, sizeof(start), MAP_READ);
}

_Static_assert(sizeof(struct start_info) <= PAGE_SIZE, "start page");
#define BOOT_INFO_BYTES ((sizeof(struct boot_info) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1ull))

static const void *find_manager(uint64_t *bytes)
{
	for (unsigned i = 0; i < boot_info.modules && i < BOOT_MODULES_MAX; i++) {
		const struct boot_module *m = &boot_info.module[i];

		if (strcmp(m->name, MANAGER_NAME))
			continue;
		*bytes = m->bytes;
		return core_map_phys(m->phys, m->bytes,
				     PAGE_READ); /* for good: it is needed once */
	}
	return cpio_find(modules_archive, modules_archive_end - modules_archive, MANAGER_NAME,
			 bytes);
}

static int prepare(void)
{
	uint64_t bytes = 0, entry;
	const void *file = find_manager(&bytes);
	int error;

	if (!file) {
		why = "it is neither in the image nor among the boot modules";
		return -ENOENT;
	}
	error = place_program(file, bytes, &entry);
	if (!error)
		error = place(STACK_TOP - STACK_BYTES, STACK_BYTES, 0, NULL, 0,
			      MAP_READ | MAP_WRITE);
	if (!error)
		error = place(BOOT_VA, BOOT_INFO_BYTES, 0, &boot_info, sizeof(boot_info), MAP_READ);
	if (!error)
		error = place_start_page();
	current_thread()->user_entry = entry;
	return error;
}

static void manager_body(void)
{
	int error = prepare();

	if (error) {
		log_printf("cannot start the manager: %s (error %d)", *why ? why : "out of memory",
			   -error);
		task_end(current_task(), TASK_KILLED, error, 0, 0);
	}
}

void core_start(struct boot_info *info)
{
	struct task *t;
	int error;

	t = task_create(MANAGER_NAME, CLASS_HEARTBEAT, &error);
	if (t)
		error = thread_create(t, manager_body, 0, STACK_TOP, START_VA);
	if (error < 0)
		panic("no memory for the first task");
	sched_idle();
}

void core_start_cpu(void)
{
	sched_idle();
}
