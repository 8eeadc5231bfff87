// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/core/device.c hv/core/object.c hv/core/task.c hv/core/mapping.c hv/core/task_map.c hv/core/memory.c hv/core/thread.c hv/core/event.c tests/unit/core_machine.c */
// Devices: who may use one, what it reaches, and the order in which it is taken away.
#include "core_machine.h"
#include "core/memory.h"
#include "x86/iommu.h"
#include "x86/pci.h"

#define BDF 0x20u
#define EXPRESS 0x60

static struct {
	uint32_t id, command, status;
	bool master_sticks; /* bus mastering does not go off */
	unsigned reads_pending; /* the status says so that often; ~0: for ever */
} function;
static char steps[32]; /* what happened, a letter each */
static struct task *self, *driver_task;
static int64_t driver, memory;
static struct memory *memory_object;
static int64_t objects_before;
static uint64_t frames_at_mask;

static void step(char c)
{
	size_t n = strlen(steps);

	if (n < sizeof(steps) - 1)
		steps[n] = c;
}

void irq_device_silence(uint32_t bdf)
{
	assert_int_equal(bdf, BDF);
	frames_at_mask = machine_frames;
	step('i');
}

int pci_config_read(uint32_t bdf, unsigned reg, unsigned width, uint32_t *value)
{
	if (bdf != BDF)
		*value = 0xffff;
	else if (reg == 0)
		*value = function.id;
	else if (reg == PCI_COMMAND)
		*value = function.command;
	else if (reg == EXPRESS + PCI_EXPRESS_STATUS) {
		step('q');
		machine_now += 1000000;
		*value = function.reads_pending ? PCI_EXPRESS_PENDING : 0;
		function.reads_pending -= function.reads_pending && function.reads_pending != ~0u;
	} else
		return -EINVAL;
	return 0;
}

int pci_config_write(uint32_t bdf, unsigned reg, unsigned width, uint32_t value)
{
	assert_true(bdf == BDF && reg == PCI_COMMAND && width == 2);
	step(value & PCI_COMMAND_MASTER ? 'M' : 'm');
	function.command = value | (function.master_sticks ? PCI_COMMAND_MASTER : 0);
	return 0;
}

/* Without an IOMMU, or with a model that only keeps count. */
static bool confined;
static uint64_t confined_bytes;

bool iommu_on(void)
{
	return confined;
}

int iommu_attach(struct iommu_domain *d, uint32_t bdf)
{
	confined_bytes = 0;
	return 0;
}

void iommu_detach(struct iommu_domain *d, uint32_t bdf)
{
	step('d');
	confined_bytes = 0;
}

int iommu_map(struct iommu_domain *d, uint64_t phys, uint64_t bytes, unsigned attrs)
{
	confined_bytes += bytes;
	return 0;
}

void iommu_unmap(struct iommu_domain *d, uint64_t phys, uint64_t bytes)
{
	confined_bytes -= bytes;
}

void iommu_flush(struct iommu_domain *d, uint32_t bdf)
{
	step('f');
}

uint32_t pci_get(uint32_t bdf, unsigned reg, unsigned width)
{
	return reg == EXPRESS ? PCI_CAP_EXPRESS : 0;
}

static int setup(void **state)
{
	int error = 0;

	machine_init();
	memset(&function, 0, sizeof(function));
	function.id = 0x8086;
	function.command = 3;
	objects_before = machine_core_objects;
	self = machine_task(CLASS_DRIVER);
	machine_run_as(self);
	assert_int_equal(handle_add(self, &system_object, RIGHT_ALL, 0), 1);
	driver = machine_syscall(SYS_TASK_CREATE, 1, U("driver"), CLASS_DRIVER, 0, 0, 0);
	driver_task = task_get(driver, &error);
	memory = machine_syscall(SYS_MEM_CREATE, 8 << 20, 0, 0, 0, 0, 0);
	memory_object = (struct memory *)handle_get(memory, OBJ_MEMORY, 0, &error);
	memset(steps, 0, sizeof(steps));
	confined = false;
	return 0;
}

static int teardown(void **state)
{
	object_put_unlocked(&memory_object->object);
	object_put_unlocked(&driver_task->object);
	machine_end(self);
	assert_int_equal(machine_core_objects, objects_before);
	assert_int_equal(machine_frames, 0);
	return 0;
}

static int64_t control(int64_t d, uint64_t op, uint64_t argument)
{
	return machine_syscall(SYS_DEVICE_CONTROL, d, op, argument, 0, 0, 0);
}

static int64_t dma(int64_t d, int64_t m, uint64_t offset, uint64_t bytes, struct dma_extent *e,
		   uint64_t count)
{
	return machine_syscall(SYS_DEVICE_DMA, d, m, offset, bytes, U(e), count);
}

static int64_t grant(int64_t d)
{
	return machine_syscall(SYS_HANDLE_GRANT, driver, d, RIGHT_CONTROL, 0, 0, 0);
}

static int64_t create(void)
{
	return machine_syscall(SYS_DEVICE_CREATE, 1, BDF, EXPRESS, 0, 0, 0);
}

static void arguments_are_checked(void **state)
{
	struct dma_extent e[4];
	int64_t d = create(), foreign;

	assert_true(d > 0);
	assert_int_equal(create(), -EBUSY);
	assert_int_equal(machine_syscall(SYS_DEVICE_CREATE, 1, BDF + 1, 0, 0, 0, 0), -ENODEV);
	assert_int_equal(machine_syscall(SYS_DEVICE_CREATE, 1, 1 << 16, 0, 0, 0, 0), -EINVAL);
	assert_int_equal(machine_syscall(SYS_DEVICE_CREATE, 0, BDF, 0, 0, 0, 0), -EBADF);
	/* Nobody drives it yet. */
	assert_int_equal(control(d, DEVICE_MASTER, 1), -ESRCH);
	assert_int_equal(dma(d, memory, 0, 4096, e, 4), -ESRCH);
	assert_true(grant(d) > 0);
	assert_int_equal(dma(d, memory, 0, 4095, e, 4), -EINVAL);
	assert_int_equal(dma(d, memory, 1, 4096, e, 4), -EINVAL);
	assert_int_equal(dma(d, memory, 8 << 20, 4096, e, 4), -EINVAL);
	assert_int_equal(dma(d, memory, ~0xfffull, 8192, e, 4), -EINVAL);
	assert_int_equal(dma(d, memory, 0, 4096, e, 513), -EINVAL);
	assert_int_equal(dma(d, memory, 0, 4096, NULL, 4), -EFAULT);
	assert_int_equal(dma(d, driver, 0, 4096, e, 4), -EBADF);
	foreign = machine_syscall(SYS_MEM_CREATE_PHYS, 1, 0xc0000000, 4096, 0, 0, 0);
	assert_true(foreign > 0);
	assert_int_equal(dma(d, foreign, 0, 4096, e, 4), -EINVAL);
	assert_int_equal(control(d, 99, 0), -EINVAL);
	assert_int_equal(machine_syscall(SYS_DEVICE_CREATE, 1, BDF, EXPRESS + 4, 0, 0, 0), -EINVAL);
	assert_int_equal(machine_syscall(SYS_DEVICE_CREATE, 1, BDF, EXPRESS | 0x100, 0, 0, 0), -EINVAL);
}

static void extents(void **state)
{
	struct dma_extent e[4] = {{0, 0}};
	int64_t d = create();
	uint64_t first;

	assert_true(grant(d) > 0);
	assert_int_equal(dma(d, memory, 0, 8 << 20, e, 4), 1);
	first = e[0].address;
	assert_int_equal(e[0].bytes, 8 << 20); /* frames follow each other in this machine */
	assert_int_equal(dma(d, memory, (2 << 20) + 4096, 8192, e, 4), 1);
	assert_int_equal(e[0].address, first + (2 << 20) + 4096);
	assert_int_equal(e[0].bytes, 8192);
	assert_int_equal(dma(d, memory, 0, 8 << 20, e, 0), -E2BIG);
	/* Small frames with a gap between. */
	machine_large_left = 0;
	memory = machine_syscall(SYS_MEM_CREATE, 2 << 20, 0, 0, 0, 0, 0);
	assert_int_equal(dma(d, memory, 0, 4096, e, 4), 1);
	assert_int_equal(dma(d, memory, 8192, 4096, e, 4), 1);
	assert_int_equal(dma(d, memory, 0, 3 * 4096, e, 4), 3);
	assert_int_equal(e[1].bytes, 4096);
	assert_int_equal(dma(d, memory, 0, 3 * 4096, e, 2), -E2BIG);
	assert_int_equal(control(d, DEVICE_QUIESCE, 0), 0);
}

static void order_of_the_end(void **state)
{
	struct dma_extent e;
	int64_t d = create();

	assert_true(grant(d) > 0);
	assert_int_equal(dma(d, memory, 0, 4096, &e, 1), 1);
	assert_int_equal(control(d, DEVICE_MASTER, 1), 0);
	assert_int_equal(function.command, 7);
	assert_int_equal(machine_syscall(SYS_HANDLE_CLOSE, memory, 0, 0, 0, 0, 0), 0);
	object_put_unlocked(&memory_object->object);
	assert_true(machine_frames > 0); /* pinned */
	memset(steps, 0, sizeof(steps));
	function.reads_pending = 2;
	assert_int_equal(machine_syscall(SYS_TASK_KILL, driver, 1, 0, 0, 0, 0), 0);
	assert_string_equal(steps, "imqqqd");
	assert_true(frames_at_mask > 0);
	assert_int_equal(machine_frames, 0);
	assert_int_equal(function.command, 3);
	assert_int_equal(control(d, DEVICE_MASTER, 1), -ESRCH);
	/* A new life. */
	object_put_unlocked(&driver_task->object);
	driver = machine_syscall(SYS_TASK_CREATE, 1, U("driver2"), CLASS_DRIVER, 0, 0, 0);
	driver_task = task_get(driver, &(int){0});
	assert_true(grant(d) > 0);
	assert_int_equal(control(d, DEVICE_MASTER, 1), 0);
	memory = machine_syscall(SYS_MEM_CREATE, 8 << 20, 0, 0, 0, 0, 0);
	memory_object = (struct memory *)handle_get(memory, OBJ_MEMORY, 0, &(int){0});
	assert_int_equal(dma(d, memory, 0, 4096, &e, 1), 1);
	assert_int_equal(control(d, DEVICE_QUIESCE, 0), 0);
	assert_int_equal(function.command, 3);
	assert_int_equal(dma(d, memory, 0, 4096, &e, 1), -ESRCH);
}

/* Memory of a device that goes on is given to nobody; its next driver's end lets it go. */
static void one_that_does_not_stop(void **state)
{
	struct dma_extent e;
	int64_t d = create();

	assert_true(grant(d) > 0);
	assert_int_equal(dma(d, memory, 0, 4096, &e, 1), 1);
	assert_int_equal(machine_syscall(SYS_HANDLE_CLOSE, memory, 0, 0, 0, 0, 0), 0);
	function.reads_pending = ~0u;
	assert_int_equal(control(d, DEVICE_QUIESCE, 0), -EIO);
	assert_int_equal(memory_object->object.refs, 2);
	function.reads_pending = 0;
	function.master_sticks = true;
	function.command = 7;
	assert_int_equal(control(d, DEVICE_QUIESCE, 0), -EIO);
	assert_int_equal(memory_object->object.refs, 2);
	function.master_sticks = false;
	assert_true(grant(d) > 0);
	assert_int_equal(memory_object->object.refs, 1);
	/* Pulled out: nothing can come of it. */
	function.command = 0xffff;
	assert_int_equal(control(d, DEVICE_MASTER, 1), -EIO);
	assert_int_equal(control(d, DEVICE_QUIESCE, 0), 0);
	function.command = 3;
}

static void read_only_memory_is_not_written(void **state)
{
	struct dma_extent e;
	int64_t d = create(), va = 0x400000;

	assert_true(grant(d) > 0);
	assert_int_equal(machine_syscall(SYS_MAP, 0, memory, 0, va, 4096, MAP_READ | MAP_EXEC), 0);
	assert_int_equal(dma(d, memory, 0, 4096, &e, 1), -EPERM); /* W^X is for devices, too */
	assert_int_equal(machine_syscall(SYS_UNMAP, 0, va, 4096, 0, 0, 0), 0);
	assert_int_equal(dma(d, memory, 0, 4096, &e, 1), 1);
	assert_int_equal(machine_syscall(SYS_MAP, 0, memory, 0, va, 4096, MAP_READ | MAP_EXEC), -EPERM);
}

/* Behind an IOMMU nothing has to be waited for, and what goes outside ends the driver. */
static void confinement(void **state)
{
	struct dma_extent e;
	struct task_info info;
	int64_t d = create();

	confined = true;
	assert_int_equal(control(d, DEVICE_CONFINED, 0), 1);
	assert_true(grant(d) > 0);
	assert_int_equal(dma(d, memory, 0, 3 * 4096, &e, 1), 1);
	assert_int_equal(confined_bytes, 3 * 4096);
	assert_int_equal(dma(d, memory, 0, 8 << 20, &e, 1), 1);
	assert_int_equal(control(d, DEVICE_RELEASE, memory), 0);
	assert_int_equal(confined_bytes, 3 * 4096); /* this model counts what is opened twice */
	assert_int_equal(memory_object->object.refs, 2);
	assert_int_equal(control(d, DEVICE_RELEASE, memory), -ENOENT);
	assert_int_equal(dma(d, memory, 0, 4096, &e, 1), 1);
	function.reads_pending = ~0u;
	assert_int_equal(control(d, DEVICE_QUIESCE, 0), 0);
	assert_int_equal(memory_object->object.refs, 2);
	assert_int_equal(confined_bytes, 0);
	assert_true(grant(d) > 0);
	function.command = 7;
	device_fault(BDF + 8, true, 0x1000); /* nobody's */
	assert_non_null(strstr(machine_log, "nobody"));
	assert_int_equal(driver_task->end, TASK_ALIVE);
	device_fault(BDF, true, 0x123000);
	assert_int_equal(machine_syscall(SYS_TASK_INFO, driver, U(&info), 0, 0, 0, 0), 0);
	assert_int_equal(info.end, TASK_DMA);
	assert_int_equal(info.detail, BDF);
	assert_int_equal(info.address, 0x123000);
}

static void take_from_a_table(void **state)
{
	int64_t h = handle_add(driver_task, &memory_object->object, RIGHT_READ | RIGHT_GRANT, 5), mine;

	mine = machine_syscall(SYS_HANDLE_TAKE, driver, h, RIGHT_READ | RIGHT_WRITE, 0, 0, 0);
	assert_true(mine > 0);
	assert_int_equal(machine_syscall(SYS_MAP, 0, mine, 0, 0x400000, 4096, MAP_READ), 0);
	assert_int_equal(machine_syscall(SYS_MAP, 0, mine, 0, 0x500000, 4096, MAP_WRITE), -EPERM);
	assert_int_equal(machine_syscall(SYS_HANDLE_TAKE, driver, h + 1, RIGHT_READ, 0, 0, 0), -EBADF);
	h = handle_add(driver_task, &memory_object->object, RIGHT_READ, 0);
	assert_int_equal(machine_syscall(SYS_HANDLE_TAKE, driver, h, RIGHT_READ, 0, 0, 0), -EPERM);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(arguments_are_checked),  TEST(extents),
		TEST(order_of_the_end),	      TEST(one_that_does_not_stop),
		TEST(read_only_memory_is_not_written), TEST(confinement),
		TEST(take_from_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
