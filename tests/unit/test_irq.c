// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/core/irq.c hv/core/object.c hv/core/task.c hv/core/mapping.c hv/core/task_map.c hv/core/memory.c hv/core/thread.c hv/core/event.c tests/unit/core_machine.c */
// Interrupts: lines that stay masked until all have acknowledged, MSIs, owners that end.
#include "core_machine.h"
#include "core/event.h"
#include "x86/iommu.h"
#include "x86/pci.h"
#include "x86/trap.h"

#define GSIS 24
static struct {
	unsigned vector, flags;
	int masked;
} line[GSIS];
/* Functions 0 to 3; their MSI capability is at 0x50, but that of function 1 is MSI-X. */
static struct {
	unsigned vector; /* that may come through the IOMMU; 0: none */
	uint32_t control;
} function[4];
#define CAPABILITY 0x50u
#define MSI(bdf) irq(IRQ_MSI, (bdf) << 32 | CAPABILITY, 2)

int ioapic_route(uint32_t gsi, unsigned vector, unsigned cpu, unsigned flags)
{
	if (gsi >= GSIS)
		return -ENODEV;
	line[gsi].vector = vector;
	line[gsi].flags = flags;
	line[gsi].masked = 1;
	return 0;
}

void ioapic_mask(uint32_t gsi, int masked)
{
	assert_true(gsi < GSIS);
	line[gsi].masked = masked;
}

int iommu_message(uint32_t bdf, unsigned vector, unsigned cpu, uint32_t *address, uint32_t *data)
{
	function[bdf].vector = vector;
	*address = 0xfee00000;
	*data = vector;
	return 0;
}

void iommu_silence(uint32_t bdf)
{
	function[bdf].vector = 0;
}

uint32_t pci_get(uint32_t bdf, unsigned reg, unsigned width)
{
	if (bdf >= 4)
		return 0;
	return reg == CAPABILITY ? bdf == 1 ? PCI_CAP_MSIX : PCI_CAP_MSI
	       : reg == CAPABILITY + PCI_MSI_CONTROL ? function[bdf].control : 0;
}

int pci_config_write(uint32_t bdf, unsigned reg, unsigned width, uint32_t value)
{
	assert_true(bdf < 4 && reg == CAPABILITY + PCI_MSI_CONTROL && width == 2);
	function[bdf].control = value;
	return 0;
}

static bool enabled(unsigned bdf)
{
	uint32_t control = function[bdf].control;
	bool on = bdf == 1 ? (control & 0xc000) == 0x8000 : control & PCI_MSI_ENABLE;

	assert_true(!on || function[bdf].vector);
	return on;
}

static struct task *self;
static int64_t e, driver;
static struct task *driver_task;
static struct event *event;
static int64_t objects_before;

static int setup(void **state)
{
	int error = 0;

	machine_init();
	memset(line, 0, sizeof(line));
	memset(function, 0, sizeof(function));
	objects_before = machine_core_objects;
	self = machine_task(CLASS_DRIVER);
	machine_run_as(self);
	assert_int_equal(handle_add(self, &system_object, RIGHT_ALL, 0), 1);
	e = machine_syscall(SYS_EVENT_CREATE, 0, 0, 0, 0, 0, 0);
	event = (struct event *)handle_get(e, OBJ_EVENT, 0, &error);
	driver = machine_syscall(SYS_TASK_CREATE, 1, U("driver"), CLASS_DRIVER, 0, 0, 0);
	driver_task = task_get(driver, &error);
	return 0;
}

static int teardown(void **state)
{
	object_put_unlocked(&event->object);
	object_put_unlocked(&driver_task->object);
	machine_end(self);
	assert_int_equal(machine_core_objects, objects_before);
	for (int i = 0; i < GSIS; i++)
		assert_true(!line[i].vector || line[i].masked);
	for (int i = 0; i < 4; i++)
		assert_false(enabled(i));
	return 0;
}

static int64_t irq(uint64_t gsi, uint64_t flags, uint64_t bits)
{
	return machine_syscall(SYS_IRQ_CREATE, 1, gsi, flags, e, bits, 0);
}

static uint64_t pending(void)
{
	return machine_syscall(SYS_EVENT_WAIT, e, ~0ull, 0, 0, 0, 0);
}

static int64_t ack(int64_t h)
{
	return machine_syscall(SYS_IRQ_ACK, h, 0, 0, 0, 0, 0);
}

static void arguments_are_checked(void **state)
{
	assert_int_equal(machine_syscall(SYS_IRQ_CREATE, 0, 4, 0, e, 1, 0), -EBADF);
	assert_int_equal(machine_syscall(SYS_IRQ_CREATE, 1, 4, 0, 0, 1, 0), -EBADF);
	assert_int_equal(irq(99, 0, 1), -ENODEV);
	assert_int_equal(irq(1ull << 32, 0, 1), -EINVAL);
	assert_int_equal(irq(4, 4, 1), -EINVAL);
	assert_int_equal(irq(4, 1ull << 48, 1), -EINVAL);
	assert_int_equal(irq(IRQ_MSI, 9ull << 32 | CAPABILITY, 1), -ENODEV);
	assert_int_equal(irq(IRQ_MSI, 2ull << 32, 1), -ENODEV);
	assert_int_equal(irq(IRQ_MSI, 2ull << 32 | 0x54, 1), -ENODEV);
	assert_int_equal(irq(IRQ_MSI, 2ull << 32 | CAPABILITY << 8, 1), -ENODEV);
	assert_int_equal(ack(e), -EBADF);
	assert_int_equal(ack(0), -EBADF);
}

static void edges_signal_each_time(void **state)
{
	int64_t h = irq(4, 0, 2);

	assert_true(h > 0);
	assert_false(line[4].masked);
	irq_vector(line[4].vector);
	assert_int_equal(pending(), 2);
	assert_false(line[4].masked);
	assert_int_equal(ack(h), 0);
	assert_int_equal(irq(4, 0, 4), -EBUSY); /* edges are not shared */
	irq_vector(line[4].vector + 1);
	irq_vector(0xff);
	irq_vector(255 + 256);
	assert_int_equal(pending(), 0);
}

static struct timer *armed;

void timer_arm(struct timer *t, uint64_t expiry)
{
	armed = t;
	t->expiry = expiry;
}

static void let_time_pass(void)
{
	machine_now = armed->expiry;
	armed->expiry = 0;
	armed->fn(armed);
}

/* Edges and messages in a storm are held for a while, as often as it goes on; a driver hears of what it
 * may have missed. */
static void storms_are_held(void **state)
{
	int64_t a = irq(5, 0, 1), b = MSI(2ull);

	assert_true(a > 0 && b > 0);
	function[2].control |= PCI_MSI_ENABLE;
	for (unsigned i = 0; i < 10000; i++, machine_now += 10000) /* 100,000 a second are none */
		irq_vector(line[5].vector);
	assert_false(line[5].masked);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 9000; i++, machine_now += 1000) {
			if (!line[5].masked)
				irq_vector(line[5].vector);
			if (enabled(2))
				irq_vector(function[2].vector);
		}
		assert_true(line[5].masked);
		assert_false(enabled(2));
		assert_int_equal(pending(), 3);
		let_time_pass();
		assert_false(line[5].masked);
		assert_true(enabled(2));
		assert_int_equal(pending(), 3);
	}
	for (unsigned i = 0; i < 9000; i++)
		if (!line[5].masked)
			irq_vector(line[5].vector);
	assert_true(line[5].masked);
	machine_syscall(SYS_HANDLE_CLOSE, a, 0, 0, 0, 0, 0); /* held, and gone */
	let_time_pass();
	assert_true(line[5].masked);
}

static void levels_wait_for_all(void **state)
{
	int64_t a = irq(16, IRQ_LEVEL | IRQ_LOW, 1), b = irq(16, IRQ_LEVEL | IRQ_LOW, 2);

	assert_true(a > 0 && b > 0);
	assert_int_equal(irq(16, IRQ_LEVEL, 4), -EBUSY);
	irq_vector(line[16].vector);
	assert_int_equal(pending(), 3);
	assert_true(line[16].masked);
	assert_int_equal(ack(a), 0);
	assert_true(line[16].masked);
	assert_int_equal(ack(a), 0);
	assert_true(line[16].masked);
	assert_int_equal(ack(b), 0);
	assert_false(line[16].masked);
	/* One goes without an answer: the other is not held up. */
	irq_vector(line[16].vector);
	assert_int_equal(ack(b), 0);
	assert_int_equal(machine_syscall(SYS_HANDLE_CLOSE, a, 0, 0, 0, 0, 0), 0);
	assert_false(line[16].masked);
	assert_int_equal(machine_syscall(SYS_HANDLE_CLOSE, b, 0, 0, 0, 0, 0), 0);
	assert_true(line[16].masked);
}

static void an_owner_ends(void **state)
{
	int64_t h = irq(10, IRQ_LEVEL, 1), m = MSI(2ull), x = MSI(1ull);
	unsigned vector = function[2].vector;
	struct info_irq info;

	assert_true(h > 0 && m > 0);
	assert_int_equal(MSI(2ull), -EBUSY);
	/* Who made it writes the message, and begins. */
	assert_int_equal(machine_syscall(SYS_IRQ_MESSAGE, m, 0, 0, 0, 0, 0), 0xfee00000 | (uint64_t)vector << 32);
	assert_int_equal(machine_syscall(SYS_IRQ_MESSAGE, h, 0, 0, 0, 0, 0), -ENODEV);
	assert_false(enabled(2));
	function[2].control |= PCI_MSI_ENABLE;
	function[1].control |= 0x8000;
	assert_int_equal(machine_syscall(SYS_HANDLE_CLOSE, x, 0, 0, 0, 0, 0), 0);
	assert_false(enabled(1));
	assert_true(machine_syscall(SYS_HANDLE_GRANT, driver, h, RIGHT_CONTROL, 0, 0, 0) > 0);
	assert_true(machine_syscall(SYS_HANDLE_GRANT, driver, m, RIGHT_CONTROL, 0, 0, 0) > 0);
	assert_int_equal(irq_info(0, &info), 0);
	assert_string_equal(info.task, "driver");
	assert_int_equal(irq_info(2, &info), -ENOENT);
	irq_vector(line[10].vector);
	assert_int_equal(machine_syscall(SYS_TASK_KILL, driver, 1, 0, 0, 0, 0), 0);
	assert_true(line[10].masked);
	assert_false(enabled(2));
	pending();
	irq_vector(vector); /* it was on its way */
	assert_int_equal(pending(), 0);
	/* A new life. */
	driver = machine_syscall(SYS_TASK_CREATE, 1, U("driver2"), CLASS_DRIVER, 0, 0, 0);
	assert_true(machine_syscall(SYS_HANDLE_GRANT, driver, h, RIGHT_CONTROL, 0, 0, 0) > 0);
	assert_true(machine_syscall(SYS_HANDLE_GRANT, driver, m, RIGHT_CONTROL, 0, 0, 0) > 0);
	assert_false(line[10].masked);
	assert_true(enabled(2));
	irq_vector(line[10].vector);
	irq_vector(function[2].vector);
	assert_int_equal(pending(), 3);
	irq_device_silence(2);
	assert_false(enabled(2));
}

static void vectors_run_out(void **state)
{
	int64_t h = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < GSIS; i++)
		assert_true(irq(i, IRQ_LEVEL, 1) > 0);
	for (; n < 300; n++) {
		h = irq(3, IRQ_LEVEL, 1);
		assert_true(h > 0);
	}
	machine_alloc_left = 0;
	assert_int_equal(irq(3, IRQ_LEVEL, 1), -ENOMEM);
	machine_alloc_left = -1;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(arguments_are_checked), TEST(edges_signal_each_time),
		TEST(storms_are_held), TEST(levels_wait_for_all),   TEST(an_owner_ends),
		TEST(vectors_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
