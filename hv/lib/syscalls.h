/* SPDX-License-Identifier: GPL-2.0-only */
/* The system calls as functions. Arguments, rights and errors are documented at their numbers in
 * postern/syscall.h; every one returns >= 0 or a negated error number. */
#ifndef LIB_SYSCALLS_H
#define LIB_SYSCALLS_H

#include <stdint.h>
#include <stddef.h>
#include <postern/syscall.h>

static inline int64_t syscall6(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
			       uint64_t e, uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;
	int64_t ret;

	__asm__ volatile("syscall"
			 : "=a"(ret), "+r"(r10), "+r"(r8), "+r"(r9)
			 : "0"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline int64_t syscall3(uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
	int64_t ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline int64_t syscall1(uint64_t number, uint64_t a)
{
	int64_t ret;

	__asm__ volatile("syscall" : "=a"(ret) : "0"(number), "D"(a) : "rcx", "r11", "memory");
	return ret;
}

static inline int64_t sys_null(void)
{
	return syscall1(SYS_NULL, 0);
}

static inline int64_t sys_log_write(const char *text, size_t length)
{
	return syscall3(SYS_LOG_WRITE, (uintptr_t)text, length, 0);
}

static inline int64_t sys_log_read(uint32_t system, void *buffer, size_t length, uint64_t *position)
{
	return syscall6(SYS_LOG_READ, system, (uintptr_t)buffer, length, (uintptr_t)position, 0, 0);
}

static inline int64_t sys_handle_close(uint32_t handle)
{
	return syscall1(SYS_HANDLE_CLOSE, handle);
}

static inline int64_t sys_handle_grant(uint32_t task, uint32_t handle, uint32_t rights,
				       uint64_t badge)
{
	return syscall6(SYS_HANDLE_GRANT, task, handle, rights, badge, 0, 0);
}

static inline int64_t sys_mem_create(uint64_t bytes, uint32_t flags)
{
	return syscall3(SYS_MEM_CREATE, bytes, flags, 0);
}

static inline int64_t sys_mem_create_phys(uint32_t system, uint64_t phys, uint64_t bytes,
					  uint32_t flags)
{
	return syscall6(SYS_MEM_CREATE_PHYS, system, phys, bytes, flags, 0, 0);
}

static inline int64_t sys_mem_give(uint32_t memory, uint64_t offset, unsigned give)
{
	return syscall3(SYS_MEM_GIVE, memory, offset, give);
}

static inline int64_t sys_mem_info(uint32_t memory, struct mem_info *info)
{
	return syscall3(SYS_MEM_INFO, memory, (uintptr_t)info, 0);
}

static inline int64_t sys_map(uint32_t task, uint32_t memory, uint64_t offset, uint64_t va,
			      uint64_t bytes, uint32_t rights)
{
	return syscall6(SYS_MAP, task, memory, offset, va, bytes, rights);
}

static inline int64_t sys_unmap(uint32_t task, uint64_t va, uint64_t bytes)
{
	return syscall3(SYS_UNMAP, task, va, bytes);
}

static inline int64_t sys_task_create(uint32_t system, const char *name, uint32_t class_,
				      uint32_t heir_of, uint64_t bytes)
{
	return syscall6(SYS_TASK_CREATE, system, (uintptr_t)name, class_, heir_of, bytes, 0);
}

static inline int64_t sys_task_kill(uint32_t task, int64_t reason)
{
	return syscall3(SYS_TASK_KILL, task, reason, 0);
}

static inline int64_t sys_task_info(uint32_t task, struct task_info *info)
{
	return syscall3(SYS_TASK_INFO, task, (uintptr_t)info, 0);
}

static inline int64_t sys_thread_create(uint32_t task, uint64_t entry, uint64_t stack_top,
					uint64_t argument)
{
	return syscall6(SYS_THREAD_CREATE, task, entry, stack_top, argument, 0, 0);
}

static inline _Noreturn void sys_thread_exit(int64_t status)
{
	syscall1(SYS_THREAD_EXIT, status);
	__builtin_trap();
}

static inline int64_t sys_yield(void)
{
	return syscall1(SYS_YIELD, 0);
}

static inline int64_t sys_event_create(void)
{
	return syscall1(SYS_EVENT_CREATE, 0);
}

static inline int64_t sys_event_signal(uint32_t event)
{
	return syscall3(SYS_EVENT_SIGNAL, event, 0, 0);
}

static inline int64_t sys_event_signal_calmly(uint32_t event)
{
	return syscall3(SYS_EVENT_SIGNAL, event, SIGNAL_CALM, 0);
}

static inline int64_t sys_event_wait(uint32_t event, uint64_t mask, uint64_t deadline)
{
	return syscall3(SYS_EVENT_WAIT, event, mask, deadline);
}

static inline int64_t sys_event_bind(uint32_t event, uint64_t bits, uint32_t task)
{
	return syscall3(SYS_EVENT_BIND, task, event, bits);
}

static inline int64_t sys_irq_create(uint32_t system, uint64_t gsi, uint64_t flags, uint32_t event,
				     uint64_t bits)
{
	return syscall6(SYS_IRQ_CREATE, system, gsi, flags, event, bits, 0);
}

static inline int64_t sys_irq_ack(uint32_t irq)
{
	return syscall1(SYS_IRQ_ACK, irq);
}

static inline int64_t sys_irq_message(uint32_t irq)
{
	return syscall1(SYS_IRQ_MESSAGE, irq);
}

static inline int64_t sys_port_grant(uint32_t system, uint32_t task, uint16_t first, uint32_t count)
{
	return syscall6(SYS_PORT_GRANT, system, task, first, count, 0, 0);
}

static inline int64_t sys_pci_read(uint32_t system, uint32_t bdf, uint32_t reg, uint32_t width)
{
	return syscall6(SYS_PCI_CONFIG, system, (uint64_t)bdf << 16 | reg, PCI_READ | width, 0, 0,
			0);
}

static inline int64_t sys_pci_write(uint32_t system, uint32_t bdf, uint32_t reg, uint32_t width,
				    uint32_t value)
{
	return syscall6(SYS_PCI_CONFIG, system, (uint64_t)bdf << 16 | reg, PCI_WRITE | width, value,
			0, 0);
}

static inline int64_t sys_vm_create(uint32_t system)
{
	return syscall3(SYS_VM_CREATE, system, 0, 0);
}

static inline int64_t sys_vm_map(uint32_t vm, const struct vm_mapping *mappings, uint32_t count)
{
	return syscall3(SYS_VM_MAP, vm, (uintptr_t)mappings, count);
}

static inline int64_t sys_vm_irq(uint32_t vm, uint32_t op, uint64_t a, uint64_t b)
{
	return syscall6(SYS_VM_IRQ, vm, op, a, b, 0, 0);
}

static inline int64_t sys_vcpu_create(uint32_t vm, uint32_t number, void *run_page)
{
	return syscall3(SYS_VCPU_CREATE, vm, number, (uintptr_t)run_page);
}

static inline int64_t sys_vcpu_run(uint32_t vcpu)
{
	return syscall1(SYS_VCPU_RUN, vcpu);
}

static inline int64_t sys_vcpu_kick(uint32_t vcpu)
{
	return syscall1(SYS_VCPU_KICK, vcpu);
}

struct vcpu_state;
struct cpuid_entry;

static inline int64_t sys_vcpu_get_state(uint32_t vcpu, struct vcpu_state *state, size_t bytes)
{
	return syscall3(SYS_VCPU_GET_STATE, vcpu, (uintptr_t)state, bytes);
}

static inline int64_t sys_vcpu_set_state(uint32_t vcpu, const struct vcpu_state *state,
					 size_t bytes)
{
	return syscall3(SYS_VCPU_SET_STATE, vcpu, (uintptr_t)state, bytes);
}

static inline int64_t sys_vcpu_set_cpuid(uint32_t vcpu, const struct cpuid_entry *entries,
					 uint32_t count)
{
	return syscall3(SYS_VCPU_SET_CPUID, vcpu, (uintptr_t)entries, count);
}

static inline int64_t sys_vcpu_apic(uint32_t vcpu, uint32_t offset, uint32_t op, uint64_t value)
{
	return syscall6(SYS_VCPU_APIC, vcpu, offset, op, value, 0, 0);
}

static inline int64_t sys_system_info(uint32_t system, uint32_t kind, uint64_t index, void *buffer,
				      size_t bytes)
{
	return syscall6(SYS_SYSTEM_INFO, system, kind, index, (uintptr_t)buffer, bytes, 0);
}

static inline int64_t sys_system_control(uint32_t system, uint32_t op, uint64_t argument)
{
	return syscall3(SYS_SYSTEM_CONTROL, system, op, argument);
}

static inline int64_t sys_handle_take(uint32_t task, uint32_t handle, uint32_t rights)
{
	return syscall3(SYS_HANDLE_TAKE, task, handle, rights);
}

static inline int64_t sys_device_create(uint32_t system, uint32_t bdf, uint32_t express)
{
	return syscall3(SYS_DEVICE_CREATE, system, bdf, express);
}

static inline int64_t sys_device_control(uint32_t device, uint32_t op, uint64_t argument)
{
	return syscall3(SYS_DEVICE_CONTROL, device, op, argument);
}

static inline int64_t sys_device_dma(uint32_t device, uint32_t memory, uint64_t offset,
				     uint64_t bytes, struct dma_extent *extents, unsigned count)
{
	return syscall6(SYS_DEVICE_DMA, device, memory, offset, bytes, (uintptr_t)extents, count);
}

static inline int64_t sys_vm_doorbell(uint32_t vm, unsigned port, uint32_t event, uint64_t bits)
{
	return syscall6(SYS_VM_DOORBELL, vm, port, event, bits, 0, 0);
}

#endif
