// SPDX-License-Identifier: GPL-2.0-only
// What the system handle is for: ports, PCI configuration, the inventory, the machine's end.
#include "core/frame.h"
#include "core/guest.h"
#include "core/log.h"
#include "core/string.h"
#include "core/task.h"
#include "x86/machine.h"
#include "x86/pci.h"
#include "x86/serial.h"
#include "x86/trap.h"
#include <postern/errno.h>

#define PORTS 65536u

int (*guest_vcpu_info)(unsigned index, struct info_vcpu *out);
void (*guests_forget)(const struct memory *m);

// --- ports ---

/* Ports that the core drives itself: interrupt controllers, PCI configuration space. */
static const struct {
	uint16_t first, count;
} core_ports[] = {{0x20, 2}, {0xa0, 2}, {0xcf8, 8}};

static bool ports_ok(uint64_t first, uint64_t count)
{
	if (!count || first >= PORTS || count > PORTS - first)
		return false;
	for (unsigned i = 0; i < sizeof(core_ports) / sizeof(core_ports[0]); i++)
		if (first < (uint64_t)core_ports[i].first + core_ports[i].count &&
		    core_ports[i].first < first + count)
			return false;
	return true;
}

static void ports_reload(void *arg)
{
	struct task *t = arg;

	cpu_forget_ports();
	if (this_cpu()->task == t)
		cpu_set_ports(t->ports);
}

// core_lock held: grants come one at a time, and the task is not reaped meanwhile.
static int ports_grant(struct task *t, unsigned first, unsigned count)
{
	uint8_t *bitmap = t->ports;

	if (t->reaped)
		return -ESRCH;
	if (!bitmap) {
		bitmap = core_alloc(PORTS_BYTES);
		if (!bitmap)
			return -ENOMEM;
		memset(bitmap, 0xff, PORTS_BYTES);
		t->core_memory += PORTS_BYTES;
	}
	for (unsigned p = first; p < first + count; p++)
		bitmap[p / 8] &= ~(1u << p % 8);
	t->ports = bitmap;
	ports_reload(t);
	cpu_call(~0ull, ports_reload, t);
	return 0;
}

static int64_t sys_port_grant(void *system, struct syscall_args *a)
{
	struct task *t;
	int error;

	if (!ports_ok(a->c, a->d))
		return -EINVAL;
	t = task_get(a->b, &error);
	if (!t)
		return error;
	spin_lock(&core_lock);
	error = ports_grant(t, a->c, a->d);
	spin_unlock(&core_lock);
	object_put_unlocked(&t->object);
	return error;
}
SYSCALL_ON(SYS_PORT_GRANT, OBJ_SYSTEM, RIGHT_PORTS, sys_port_grant);

static int64_t sys_pci_config(void *system, struct syscall_args *a)
{
	unsigned width = a->c & 7, reg = a->b & 0xffff;
	uint32_t value = 0;
	int error;

	if (a->b >> 32 || a->c & ~(uint64_t)(PCI_WRITE | 7))
		return -EINVAL;
	if (a->c & PCI_WRITE)
		return pci_config_write(a->b >> 16, reg, width, a->d);
	error = pci_config_read(a->b >> 16, reg, width, &value);
	return error ? error : (int64_t)value;
}
SYSCALL_ON(SYS_PCI_CONFIG, OBJ_SYSTEM, RIGHT_PCI, sys_pci_config);

// --- the inventory ---

/* One record of any kind. */
union info {
	struct info_cpu cpu;
	struct info_memory memory;
	struct task_info task;
	struct info_vcpu vcpu;
	struct info_irq irq;
};

static int info_cpu(uint64_t index, union info *out)
{
	if (index >= cpu_count)
		return -ENOENT;
	out->cpu.id = cpus[index]->id;
	out->cpu.apic_id = cpus[index]->apic_id;
	out->cpu.interrupts = cpus[index]->interrupts;
	out->cpu.engine = cpus[index]->engine_on;
	sched_cpu_info(index, &out->cpu);
	return sizeof(out->cpu);
}

static int info_memory(uint64_t index, union info *out)
{
	if (index)
		return -ENOENT;
	frame_info(&out->memory);
	return sizeof(out->memory);
}

static int info_task(uint64_t index, union info *out)
{
	struct task *t;

	sched_charge_all();
	spin_lock(&core_lock);
	for (t = task_first(); t && index; index--)
		t = t->next;
	if (t)
		task_info(t, &out->task);
	spin_unlock(&core_lock);
	return t ? (int)sizeof(out->task) : -ENOENT;
}

static int info_fill(uint64_t kind, uint64_t index, union info *out)
{
	int error;

	if (index > 1u << 20)
		return -ENOENT;
	switch (kind) {
	case INFO_CPU:
		return info_cpu(index, out);
	case INFO_MEMORY:
		return info_memory(index, out);
	case INFO_TASK:
		return info_task(index, out);
	case INFO_VCPU:
		error = guest_vcpu_info ? guest_vcpu_info(index, &out->vcpu) : -ENOENT;
		return error ? error : (int)sizeof(out->vcpu);
	case INFO_IRQ:
		error = irq_info(index, &out->irq);
		return error ? error : (int)sizeof(out->irq);
	default:
		return -EINVAL;
	}
}

static int64_t sys_system_info(void *system, struct syscall_args *a)
{
	union info record;
	int bytes;

	memset(&record, 0, sizeof(record));
	bytes = info_fill(a->b, a->c, &record);
	if (bytes < 0)
		return bytes;
	if ((uint64_t)bytes > a->e)
		bytes = a->e; /* a caller of an older header gets what it knows */
	return copy_to_user(a->d, &record, bytes) ? -EFAULT : bytes;
}
SYSCALL_ON(SYS_SYSTEM_INFO, OBJ_SYSTEM, RIGHT_INFO, sys_system_info);

static int64_t sys_system_control(void *system, struct syscall_args *a)
{
	switch (a->b) {
	case CTL_RESET:
		machine_reset();
	case CTL_CONSOLE_RELEASE:
		return a->c > 0xffff ? -EINVAL : log_switch(serial_release, a->c);
	case CTL_CONSOLE_TAKE:
		return a->c > 0xffff ? -EINVAL : log_switch(serial_take, a->c);
	case CTL_PANIC:
		panic("asked for by %s", current_task()->name);
	default:
		return -EINVAL;
	}
}
SYSCALL_ON(SYS_SYSTEM_CONTROL, OBJ_SYSTEM, RIGHT_POWER, sys_system_control);
