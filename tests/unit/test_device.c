// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/core/device.c hv/core/object.c hv/core/task.c hv/core/mapping.c hv/core/task_map.c hv/core/memory.c hv/core/thread.c hv/core/event.c tests/unit/core_machine.c */
// Devices: what a driver reaches by DMA, and the order in which it is taken away.
#include "core_machine.h"
#include "x86/trap.h"

#define BDF 0x18u
#define MIB2 0x200000ull

static struct {
	uint32_t command;
	bool there, sticky;  /* sticky: bus mastering does not go off */
	unsigned busy_reads; /* so many looks until it is quiet */
} function;
static char order[256]; /* what happened, a letter each */
static uint64_t frames_when_quiet;

static void note(char c)
{
	size_t n = strlen(order);

	assert_true(n < sizeof(order) - 1);
	order[n] = c;
}

int pci_config_read(uint32_t bdf, unsigned reg, unsigned width, uint32_t *value)
{
	if (bdf != BDF || !function.there) {
		*value = ~0u >> (32 - 8 * width);
		return 0;
	}
	*value = reg == 4 ? function.command : 0x100e8086;
	if (reg == 4)
		note('r');
	return 0;
}

int pci_config_write(uint32_t bdf, unsigned reg, unsigned width, uint32_t value)
{
	assert_true(bdf == BDF && reg == 4 && width == 2);
	note(value & 4 ? 'M' : 'm');
	function.command = function.sticky ? value | 4 : value;
	return 0;
}

bool pci_busy(uint32_t bdf)
{
	note('b');
	frames_when_quiet = machine_frames;
	return function.busy_reads && function.busy_reads--;
}

void irq_device_silence(uint32_t bdf)
{
	assert_int_equal(bdf, BDF);
	note('s');
}

static struct task *self, *driver_task;
static int64_t device, driver, objects_before;

static int64_t control(int64_t handle, uint64_t op, uint64_t argument)
{
	return machine_syscall(SYS_DEVICE_CONTROL, handle, op, argument, 0, 0, 0);
}

static int64_t ask(int64_t d, int64_t memory, uint64_t offset, uint64_t bytes,
		   struct dma_extent *to, uint64_t count)
{
	return machine_syscall(SYS_DEVICE_DMA, d, memory, offset, bytes, U(to), count);
}

static int64_t memory_of(uint64_t bytes)
{
	return machine_syscall(SYS_MEM_CREATE, bytes, 0, 0, 0, 0, 0);
}

static int setup(void **state)
{
	int error = 0;

	machine_init();
	memset(&function, 0, sizeof(function));
	memset(order, 0, sizeof(order));
	function.there = true;
	function.command = 3;
	objects_before = machine_core_objects;
	self = machine_task(CLASS_DRIVER);
	machine_run_as(self);
	assert_int_equal(handle_add(self, &system_object, RIGHT_ALL, 0), 1);
	driver = machine_syscall(SYS_TASK_CREATE, 1, U("driver"), CLASS_DRIVER, 0, 0, 0);
	assert_true(driver > 0);
	driver_task = task_get(driver, &error);
	assert_non_null(driver_task);
	device = machine_syscall(SYS_DEVICE_CREATE, 1, BDF, 0, 0, 0, 0);
	assert_true(device > 0);
	return 0;
}

static int teardown(void **state)
{
	object_put_unlocked(&driver_task->object);
	machine_end(self);
	assert_int_equal(machine_core_objects, objects_before);
	assert_int_equal(machine_frames, 0);
	return 0;
}

static void arguments_are_checked(void **state)
{
	int64_t memory = memory_of(MIB2), own = memory_of(4096), weak;
	struct dma_extent e[2];

	assert_int_equal(machine_syscall(SYS_DEVICE_CREATE, 1, BDF, 0, 0, 0, 0), -EBUSY);
	assert_int_equal(machine_syscall(SYS_DEVICE_CREATE, 1, 0x19, 0, 0, 0, 0), -ENODEV);
	assert_int_equal(machine_syscall(SYS_DEVICE_CREATE, 1, 0x10000, 0, 0, 0, 0), -EINVAL);
	assert_int_equal(machine_syscall(SYS_DEVICE_CREATE, memory, BDF, 0, 0, 0, 0), -EBADF);
	assert_int_equal(control(memory, DEVICE_MASTER, 1), -EBADF);
	assert_int_equal(control(device, 99, 1), -EINVAL);
	assert_int_equal(ask(device, memory, 0, 4095, e, 2), -EINVAL);
	assert_int_equal(ask(device, memory, 1, 4096, e, 2), -EINVAL);
	assert_int_equal(ask(device, memory, 0, 0, e, 2), -EINVAL);
	assert_int_equal(ask(device, memory, 0, MIB2 + 4096, e, 2), -EINVAL);
	assert_int_equal(ask(device, memory, MIB2, 4096, e, 2), -EINVAL);
	assert_int_equal(ask(device, memory, 4096, ~4095ull, e, 2), -EINVAL);
	assert_int_equal(ask(device, memory, 0, 4096, e, 0), -EINVAL);
	assert_int_equal(ask(device, memory, 0, 4096, e, 513), -EINVAL);
	assert_int_equal(ask(device, 77, 0, 4096, e, 2), -EBADF);
	weak = machine_syscall(SYS_HANDLE_GRANT, 0, own, RIGHT_READ | RIGHT_WRITE, 0, 0, 0);
	assert_int_equal(ask(device, weak, 0, 4096, e, 2), -EPERM);
}

static void extents_tell_where_frames_are(void **state)
{
	int64_t memory = memory_of(2 * MIB2), small = memory_of(4 * 4096);
	struct dma_extent e[8], again;

	assert_int_equal(ask(device, memory, 0, MIB2, e, 8), 1);
	assert_int_equal(e[0].bytes, MIB2);
	assert_int_equal(e[0].address % MIB2, 0);
	assert_int_equal(ask(device, memory, 4096, 8192, &again, 1), 1);
	assert_int_equal(again.address, e[0].address + 4096);
	assert_int_equal(again.bytes, 8192);
	assert_int_equal(machine_frames, 512); /* the second half was not touched */
	assert_true(ask(device, small, 0, 4 * 4096, e, 8) >= 1);
	for (uint64_t i = 0, at = 0; at < 4 * 4096; at += e[i++].bytes)
		assert_true(e[i].bytes && e[i].address);
}

static void too_many_pieces(void **state)
{
	int64_t memory = memory_of(4 * 4096);
	struct dma_extent e[4];

	machine_large_left = 0;
	/* Every second frame of the machine is somebody else's. */
	for (int i = 3; i >= 0; i--)
		assert_int_equal(ask(device, memory, i * 4096, 4096, e, 1), 1);
	assert_int_equal(ask(device, memory, 0, 4 * 4096, e, 2), -E2BIG);
	assert_int_equal(ask(device, memory, 0, 4 * 4096, e, 4), 4);
}

static void memory_outlives_its_handle_until_revoked(void **state)
{
	int64_t memory = memory_of(MIB2), theirs, theirs_memory;
	struct dma_extent e;

	theirs = machine_syscall(SYS_HANDLE_GRANT, driver, device, RIGHT_CONTROL, 0, 0, 0);
	theirs_memory = machine_syscall(SYS_HANDLE_GRANT, driver, memory,
					RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS, 0, 0, 0);
	machine_run_as(driver_task);
	assert_int_equal(control(theirs, DEVICE_MASTER, 1), 0);
	assert_int_equal(ask(theirs, theirs_memory, 0, MIB2, &e, 1), 1);
	assert_int_equal(ask(theirs, theirs_memory, 0, MIB2, &e, 1), 1);
	machine_run_as(self);
	assert_int_equal(machine_syscall(SYS_HANDLE_CLOSE, memory, 0, 0, 0, 0, 0), 0);
	assert_int_equal(machine_frames, 512);
	memset(order, 0, sizeof(order));
	function.busy_reads = 2;
	machine_syscall(SYS_TASK_KILL, driver, 1, 0, 0, 0, 0);
	object_get(&driver_task->object);
	machine_end(driver_task);
	/* Silenced, off, read back, quiet at the third look; only then the frames went. */
	assert_string_equal(order, "srmrbbb");
	assert_int_equal(frames_when_quiet, 512);
	assert_int_equal(machine_frames, 0);
	machine_run_as(self);
	assert_int_equal(function.command & 4, 0);
}

static void quiesce_by_request(void **state)
{
	int64_t memory = memory_of(4096);
	struct dma_extent e;

	assert_int_equal(ask(device, memory, 0, 4096, &e, 1), 1);
	assert_int_equal(control(device, DEVICE_MASTER, 1), 0);
	assert_int_equal(control(device, DEVICE_QUIESCE, 0), 0);
	assert_int_equal(function.command & 4, 0);
	assert_int_equal(control(device, DEVICE_MASTER, 1), -EPERM);
	assert_int_equal(control(device, DEVICE_MASTER, 0), 0);
	assert_int_equal(ask(device, memory, 0, 4096, &e, 1), -EPERM);
	assert_int_equal(machine_syscall(SYS_HANDLE_CLOSE, memory, 0, 0, 0, 0, 0), 0);
	assert_int_equal(machine_frames, 0);
	/* Given again, it works again. */
	assert_true(machine_syscall(SYS_HANDLE_GRANT, driver, device, RIGHT_CONTROL, 0, 0, 0) > 0);
	assert_int_equal(control(device, DEVICE_MASTER, 1), 0);
}

static void pulled_device(void **state)
{
	function.there = false;
	assert_int_equal(control(device, DEVICE_MASTER, 1), -ENODEV);
	assert_int_equal(control(device, DEVICE_QUIESCE, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(arguments_are_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(extents_tell_where_frames_are, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(memory_outlives_its_handle_until_revoked, setup,
						teardown),
		cmocka_unit_test_setup_teardown(quiesce_by_request, setup, teardown),
		cmocka_unit_test_setup_teardown(pulled_device, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
