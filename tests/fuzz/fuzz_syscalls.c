// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/core/object.c hv/core/task.c hv/core/mapping.c hv/core/task_map.c hv/core/memory.c hv/core/thread.c hv/core/event.c hv/core/irq.c hv/core/device.c hv/core/syscall.c hv/core/system.c tests/unit/core_machine.c */
// System calls with any arguments, in any order, from a task that has every right: no assert, no
// panic, no access out of bounds, and everything is given back at its end.
#include "../unit/core_machine.h"
#include <cmocka.h>
#include "core/boot.h"
#include "core/event.h"
#include "core/frame.h"
#include "x86/serial.h"
#include "x86/iommu.h"
#include "x86/machine.h"
#include "x86/trap.h"

/* Small numbers that mean something are what a fuzzer should find; the rest comes as it is. */
static const uint64_t words[] = {
	0,
	1,
	2,
	3,
	4,
	5,
	8,
	16,
	4096,
	8192,
	65536,
	LARGE_PAGE_SIZE,
	4 * LARGE_PAGE_SIZE,
	1ull << 30,
	1ull << 40,
	0x10000,
	0x400000,
	0x40000000,
	0x40200000,
	USER_TOP - 4096,
	USER_TOP,
	0xffff800000000000,
	~0ull,
	~0xfffull,
	IRQ_MSI,
	0xfed00000,
	0xfee00000,
	0xe0000000,
	RIGHT_ALL,
	1ull << 63,
	1ull << 32,
};
#define WORDS (sizeof(words) / sizeof(words[0]))

#define USER_BUFFER 0x20000000ull /* the only memory that copies reach */
#define USER_BYTES 65536
static uint8_t user[USER_BYTES];

int copy_from_user(void *to, uint64_t from, uint64_t bytes)
{
	if (from < USER_BUFFER || from - USER_BUFFER > USER_BYTES ||
	    bytes > USER_BYTES - (from - USER_BUFFER))
		return -EFAULT;
	memcpy(to, user + (from - USER_BUFFER), bytes);
	return 0;
}

int copy_to_user(uint64_t to, const void *from, uint64_t bytes)
{
	if (to < USER_BUFFER || to - USER_BUFFER > USER_BYTES ||
	    bytes > USER_BYTES - (to - USER_BUFFER))
		return -EFAULT;
	memcpy(user + (to - USER_BUFFER), from, bytes);
	return 0;
}

int sched_block(struct spinlock *l, uint64_t deadline)
{
	spin_unlock(l);
	return -EINTR;
}

int ioapic_route(uint32_t gsi, unsigned vector, unsigned cpu, unsigned flags)
{
	return gsi < 24 ? 0 : -ENODEV;
}
void ioapic_mask(uint32_t gsi, int masked)
{
	if (gsi >= 24)
		abort();
}
uint32_t pci_get(uint32_t bdf, unsigned reg, unsigned width)
{
	return bdf > 0xffff ? 0 : reg & 1 ? 5 : 17; /* capabilities of both kinds, anywhere */
}
int iommu_message(uint32_t bdf, unsigned vector, unsigned cpu, uint32_t *address, uint32_t *data)
{
	*address = *data = 0;
	return bdf < 256 ? 0 : -EIO;
}
void iommu_silence(uint32_t bdf)
{
}
/* They check what they get: hv/x86/pci.c. */
int pci_config_read(uint32_t bdf, unsigned reg, unsigned width, uint32_t *value)
{
	*value = reg * 0x01010101u ^ bdf; /* capabilities that lead anywhere */
	return bdf > 0xffff || reg > 255 ? -EINVAL : 0;
}
int pci_config_write(uint32_t bdf, unsigned reg, unsigned width, uint32_t value)
{
	return bdf > 0xffff || reg > 255 ? -EINVAL : 0;
}
bool iommu_on(void)
{
	return false;
}
int iommu_attach(struct iommu_domain *d, uint32_t bdf)
{
	return bdf & 4 ? -ENOMEM : 0;
}
void iommu_detach(struct iommu_domain *d, uint32_t bdf)
{
}
int iommu_map(struct iommu_domain *d, uint64_t phys, uint64_t bytes, unsigned attrs)
{
	return 0;
}
void iommu_unmap(struct iommu_domain *d, uint64_t phys, uint64_t bytes)
{
}
void iommu_flush(struct iommu_domain *d, uint32_t bdf)
{
}
int serial_release(uint16_t base)
{
	return -ENODEV;
}
int serial_take(uint16_t base)
{
	return -ENODEV;
}
void machine_reset(void)
{
	abort();
}
void sched_cpu_info(unsigned cpu, struct info_cpu *out)
{
}

void frame_info(struct info_memory *out)
{
}

/* core_machine.c checks with CMocka's macros; here a failed one is a crash. */
void _assert_true(const LargestIntegralType result, const char *const expression,
		  const char *const file, const int at)
{
	if (!result)
		abort();
}
void _assert_int_equal(const LargestIntegralType a, const LargestIntegralType b,
		       const char *const file, const int at)
{
	if (a != b)
		abort();
}

static const uint8_t *in;
static size_t left;

static uint64_t byte(void)
{
	return left ? left--, *in++ : 0;
}

static uint64_t argument(void)
{
	uint64_t kind = byte(), value = 0;

	if (kind < 120)
		return kind & 15; /* a handle, a right, a flag */
	if (kind < 200)
		return words[kind % WORDS];
	if (kind < 220)
		return USER_BUFFER + (byte() << 8);
	if (kind < 235)
		return words[byte() % WORDS] | words[byte() % WORDS];
	for (int i = 0; i < 8; i++)
		value = value << 8 | byte();
	return value;
}

static bool harmless(uint64_t number, const uint64_t *a)
{
	if (number == SYS_THREAD_EXIT || (number == SYS_TASK_KILL && a[0] == HANDLE_SELF))
		return false;
	return number != SYS_SYSTEM_CONTROL ||
	       (a[1] != CTL_RESET && a[1] != CTL_PANIC);
}

static void run(struct task *self)
{
	unsigned n = 0;

	while (left && n++ < 200 && self->end == TASK_ALIVE) {
		uint64_t number = byte() % (SYS_COUNT + 4), a[6];

		for (int i = 0; i < 6; i++)
			a[i] = argument();
		if (number == SYS_COUNT)
			task_page_fault(a[0], a[1] & 0x12);
		else if (number == SYS_COUNT + 1)
			irq_vector(a[0] & 0xff);
		else if (harmless(number, a))
			machine_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t objects;
	struct task *self;
	struct thread *thread;

	machine_init();
	machine_frames_max = 1u << 16;
	objects = machine_core_objects;
	self = machine_task(CLASS_HEARTBEAT);
	thread = machine_run_as(self);
	if (handle_add(self, &system_object, RIGHT_ALL, 0) != 1)
		abort();
	in = data;
	left = size;
	run(self);
	this_cpu()->current = thread;
	machine_end(self);
	// Tasks that it made and named nowhere else went with its handles, but for those with
	// threads.
	for (struct task *t = task_first(), *next; t; t = next) {
		next = t->next;
		object_get(&t->object);
		// One that keeps its handles and has a handle to itself waits for an heir. Whoever
		// may create tasks may leave it so.
		spin_lock(&core_lock);
		if (t->reaped && t->keeps)
			handle_close_all(t);
		spin_unlock(&core_lock);
		machine_end(t);
		next = task_first();
	}
	if (machine_frames || machine_reserved || machine_core_objects != objects)
		abort();
	return 0;
}
