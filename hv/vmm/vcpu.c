// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vcpu: a virtual processor's thread: run, look why it came out, answer, run again.
 *
 *   running --stop--> parked (waits for its event) --unpark--> running
 */
#include "clock.h"
#include <cpuid.h>
#include "cpuid.h"
#include "log.h"
#include "module.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "syscalls.h"
#include <postern/gateway.h>
#include "guest.h"
#include "processor.h"

#define VECTOR_GP 13
#define KVM_ENOSYS 1000

static struct vcpu_state scratch_state; /* main thread, and kvmclock under the lock */

void vcpu_inject(struct vcpu *v, uint8_t vector, bool has_error, uint32_t error, uint64_t address)
{
	struct vcpu_run *r = v->run;

	r->inject_type = EVENT_EXCEPTION;
	r->inject_vector = vector;
	r->inject_has_error = has_error;
	r->inject_error = error;
	r->inject_address = address;
	r->flags |= RUN_INJECT;
}

static void step_to(struct vcpu_run *r, uint64_t next)
{
	r->rip = next;
	r->flags |= RUN_SET_RIP;
}

static void exit_io(struct vcpu *v)
{
	struct vcpu_run *r = v->run;
	uint64_t *rax = &r->gpr[GPR_RAX];
	uint32_t value;

	if (r->io.string) {
		mmio_string_io(v);
		return;
	}
	if (r->io.in) {
		value = io_read(&guest.io, r->io.port, r->io.size);
		if (r->io.size == 1)
			*rax = (*rax & ~0xffull) | (value & 0xff);
		else if (r->io.size == 2)
			*rax = (*rax & ~0xffffull) | (value & 0xffff);
		else
			*rax = value;
	} else {
		io_write(&guest.io, r->io.port, r->io.size,
			 r->io.size == 4 ? *rax : *rax & ((1u << 8 * r->io.size) - 1));
	}
	step_to(r, r->io.next_rip);
}

/* The place for `bytes` that the guest named by its MSR write; NULL: not RAM. */
static void write_clock(uint64_t value)
{
	struct pvclock_time *t = ram_at(&guest.ram, value & ~1ull, sizeof(*t));

	if (value & 1 && t)
		kvmclock_time(&guest.clock, t);
}

/* Where the guest may end an interrupt without an exit. Without the memory to map it, it makes exits as before. */
static int write_eoi_word(struct vcpu *v, uint64_t value)
{
	void *word = value & 1 ? ram_at(&guest.ram, value & ~3ull, 4) : NULL;

	if (value & 2 || (value & 1 && !word))
		return -EINVAL;
	sys_vcpu_apic(v->handle, 0, APIC_EOI_WORD, (uintptr_t)word);
	v->eoi_word = value;
	return 0;
}

static int write_msr(struct vcpu *v, uint32_t index, uint64_t value)
{
	struct pvclock_wall *w;

	switch (index) {
	case MSR_KVM_SYSTEM_TIME:
		write_clock(value);
		return 0;
	case MSR_KVM_WALL_CLOCK:
		w = ram_at(&guest.ram, value, sizeof(*w));
		if (w)
			kvmclock_wall(&guest.clock, w);
		return 0;
	case MSR_KVM_PV_EOI:
		return write_eoi_word(v, value);
	}
	return msr_write(&guest.msr, index, value);
}

uint32_t lapic_core_read(const struct lapic *a, unsigned offset)
{
	return sys_vcpu_apic(a->vcpu, offset, APIC_READ, 0);
}

void lapic_core_write(const struct lapic *a, unsigned offset, uint32_t value)
{
	sys_vcpu_apic(a->vcpu, offset, APIC_WRITE, value);
}

/* Its APIC has this base now, which CPUID shows. */
static int64_t follow_base(struct vcpu *v, uint64_t base)
{
	struct cpuid_entry table[VCPU_CPUID_MAX];

	v->lapic = (struct lapic){v->handle, v->number, base};
	memcpy(table, guest.cpuid, sizeof(table));
	cpuid_of(table, guest.cpuid_count, v->number, base & LAPIC_ON);
	return sys_vcpu_set_cpuid(v->handle, table, guest.cpuid_count);
}

/* A register that is part of the processor's state. */
static int state_msr(struct vcpu *v, uint32_t index, bool write, uint64_t *value)
{
	struct vcpu_state s;
	int64_t e = sys_vcpu_get_state(v->handle, &s, sizeof(s));

	if (e)
		return e;
	if (!write) {
		*value = processor_read_msr(&s, index);
		return 0;
	}
	if (!processor_write_msr(&s, index, *value))
		return -EINVAL;
	e = sys_vcpu_set_state(v->handle, &s, sizeof(s));
	if (!e && s.valid & STATE_APIC)
		v->eoi_word = 0;
	if (!e && s.valid & (STATE_APIC | STATE_APIC_BASE))
		e = follow_base(v, s.apic_base);
	return e;
}

static void exit_init(struct vcpu *v)
{
	struct vcpu_state s;

	if (sys_vcpu_get_state(v->handle, &s, sizeof(s)))
		return;
	processor_init(&s, v->number);
	v->prepared = false;
	v->eoi_word = 0;
	sys_vcpu_set_state(v->handle, &s, sizeof(s));
}

static void exit_startup(struct vcpu *v)
{
	struct vcpu_state s;

	if (sys_vcpu_get_state(v->handle, &s, sizeof(s)))
		return;
	processor_startup(&s, v->run->startup.vector);
	if (v->prepared)
		s.valid = STATE_ACTIVITY;
	v->prepared = false;
	sys_vcpu_set_state(v->handle, &s, sizeof(s));
}

static void exit_msr(struct vcpu *v)
{
	struct vcpu_run *r = v->run;
	uint32_t index = r->msr.index;
	uint64_t value = r->msr.value;
	int e = 0;

	guest_lock();
	if (index - 0x800 <= 0xff)
		e = lapic_msr(&v->lapic, index, r->msr.write, &value) ? 0 : -EINVAL;
	else if (processor_has_msr(index))
		e = state_msr(v, index, r->msr.write, &value);
	else if (r->msr.write)
		e = write_msr(v, index, value);
	else if (index == MSR_KVM_PV_EOI)
		value = v->eoi_word;
	else
		e = msr_read(&guest.msr, index, &value);
	guest_unlock();
	if (e == -ENOENT) {
		if (!r->msr.write)
			value = 0;
		if (report_unknown(v, guest.unknown_msr, "msr", index, 8, r->msr.write, value))
			e = 0;
	}
	if (e) {
		vcpu_inject(v, VECTOR_GP, true, 0, 0);
		return;
	}
	if (!r->msr.write) {
		r->gpr[GPR_RAX] = (uint32_t)value;
		r->gpr[GPR_RDX] = value >> 32;
	}
	step_to(r, r->msr.next_rip);
}

static void exit_hypercall(struct vcpu *v)
{
	if (!hypercall_serve(v))
		v->run->gpr[GPR_RAX] = -KVM_ENOSYS;
	step_to(v->run, v->run->msr.next_rip);
}

static void exit_eoi(struct vcpu *v)
{
	guest_lock();
	ioapic_eoi(&guest.ioapic, v->run->eoi.vector);
	guest_unlock();
}

static void exit_inta(struct vcpu *v)
{
	guest_lock();
	v->run->inject_vector = pic_acknowledge(&guest.pic);
	guest_unlock();
	v->run->inject_type = EVENT_INTR;
	v->run->inject_has_error = false;
	v->run->flags |= RUN_INJECT;
}

static void park(struct vcpu *v)
{
	__atomic_store_n(&v->held, true, __ATOMIC_RELEASE);
	guest_lock();
	if (++guest.parked == guest.cpus)
		module_signal(EVENT_PARKED);
	guest_unlock();
	if (guest.quit)
		sys_thread_exit(0);
	sys_event_wait(v->event, ~0ull, WAIT_FOREVER);
	if (guest.quit)
		sys_thread_exit(0);
}

static void exit_kicked(struct vcpu *v)
{
	if (__atomic_exchange_n(&v->run->irq0, 0, __ATOMIC_SEQ_CST)) {
		guest_lock();
		platform_pulse(0);
		guest_unlock();
	}
	while (__atomic_load_n(&v->hold, __ATOMIC_ACQUIRE)) {
		__atomic_store_n(&v->held, true, __ATOMIC_RELEASE);
		sys_event_wait(v->event, ~0ull, WAIT_FOREVER);
	}
	if (__atomic_load_n(&v->run->stop, __ATOMIC_ACQUIRE))
		park(v);
	__atomic_store_n(&v->held, false, __ATOMIC_RELEASE);
}

void vcpu_triple_fault(struct vcpu *v)
{
	const struct vcpu_run *r = v->run;

	guest_end(END_FAULT, v->number,
		  "triple fault on cpu %u at rip %#llx (cr0 %#llx cr2 %#llx cr3 %#llx cr4 %#llx "
		  "efer %#llx)",
		  v->number, (unsigned long long)r->rip, (unsigned long long)r->cr0,
		  (unsigned long long)r->cr2, (unsigned long long)r->cr3,
		  (unsigned long long)r->cr4, (unsigned long long)r->efer);
}

static void exit_unexpected(struct vcpu *v)
{
	const struct vcpu_run *r = v->run;

	guest_end(END_FAULT, v->number,
		  "%s on cpu %u at rip %#llx: code %#llx info %#llx %#llx (cr0 %#llx cr3 %#llx cr4 "
		  "%#llx)",
		  r->reason == EXIT_INVALID ? "the processor refuses the guest's state"
					    : "unknown exit",
		  v->number, (unsigned long long)r->rip, (unsigned long long)r->raw.code,
		  (unsigned long long)r->raw.info1, (unsigned long long)r->raw.info2,
		  (unsigned long long)r->cr0, (unsigned long long)r->cr3,
		  (unsigned long long)r->cr4);
}

static void (*const handlers[EXIT_REASONS])(struct vcpu *) = {
	[EXIT_NONE] = exit_unexpected,	   [EXIT_IO] = exit_io,
	[EXIT_MMIO] = mmio_exit,	   [EXIT_MSR] = exit_msr,
	[EXIT_HYPERCALL] = exit_hypercall, [EXIT_EOI] = exit_eoi,
	[EXIT_INTA] = exit_inta,	   [EXIT_SHUTDOWN] = vcpu_triple_fault,
	[EXIT_INSN] = insn_exit,	   [EXIT_INVALID] = exit_unexpected,
	[EXIT_INIT] = exit_init,	   [EXIT_STARTUP] = exit_startup,
	[EXIT_GATEWAY] = gateway_fault, [EXIT_KICKED] = exit_kicked,	   [EXIT_UNKNOWN] = exit_unexpected,
};

#define STACK_BYTES_MAX 65536

struct vcpu *vcpu_current(void)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	for (unsigned n = 0; n < guest.cpus; n++)
		if (guest.vcpu[n].stack - here < STACK_BYTES_MAX)
			return &guest.vcpu[n];
	return NULL;
}

static void run(void *argument)
{
	struct vcpu *v = argument;
	int64_t e;

	v->stack = (uintptr_t)__builtin_frame_address(0);
	if (v->number == 0)
		guest.first_ns = clock_ns();
	for (;;) {
		e = sys_vcpu_run(v->handle);
		if (e == 0 && v->run->reason < EXIT_REASONS) {
			handlers[v->run->reason](v);
		} else if (e != -EINTR) {
			guest_end(END_FAULT, v->number,
				  "cpu %u does not run: error %lld, exit reason %u", v->number,
				  (long long)e, v->run->reason);
			park(v);
		}
	}
}

/* The gateway finds its private page by RDTSCP. Few enough processors have one. */
static bool private_pages(void)
{
	unsigned a, b, c, d;

	return guest.gateway_request.data && guest.cpus <= GATEWAY_PRIVATE_PAGES &&
	       __get_cpuid(0x80000001, &a, &b, &c, &d) && d >> 27 & 1;
}

int vcpu_create_all(void)
{
	uint64_t bytes = 2ull * guest.cpus * PAGE_SIZE;
	int64_t memory = sys_mem_create(bytes, MEM_POPULATE);
	uint8_t *pages;

	guest.vcpu = calloc(guest.cpus, sizeof(*guest.vcpu));
	if (memory < 0 || !guest.vcpu)
		return memory < 0 ? memory : -ENOMEM;
	guest.run_pages = memory;
	guest.gateway_request.private_pages = private_pages();
	pages = space_map(memory, bytes, MAP_READ | MAP_WRITE);
	if (!pages)
		return -ENOMEM;
	for (unsigned n = 0; n < guest.cpus; n++) {
		struct vcpu *v = &guest.vcpu[n];
		int64_t e;

		v->number = n;
		v->run = (struct vcpu_run *)(pages + 2 * n * PAGE_SIZE);
		e = sys_vcpu_create(guest.vm, n, (uint8_t *)v->run +
						(guest.gateway_request.private_pages ? VCPU_PRIVATE : 0));
		if (e < 0)
			return e;
		v->handle = e;
		hypercall_describe(v->run);
		e = sys_event_create();
		if (e < 0)
			return e;
		v->event = e;
	}
	return 0;
}

/* The first processor's APIC as firmware leaves it: on, the PIC through LINT0 (virtual wire), NMI
 * on LINT1. Intel MultiProcessor Specification 1.4, 3.6.2.2. */
static void virtual_wire(uint32_t vcpu)
{
	static const uint32_t writes[][2] = {{0xf0, 0x1ff}, {0x350, 0x700}, {0x360, 0x400}};

	for (unsigned i = 0; i < 3; i++)
		sys_vcpu_apic(vcpu, writes[i][0], APIC_WRITE, writes[i][1]);
}

/* Every processor as after reset, the first one at the kernel's entry; and where guest time begins.
 */
int vcpu_reset_all(void)
{
	struct vcpu_state *s = &scratch_state;
	int64_t e;

	for (unsigned n = 0; n < guest.cpus; n++) {
		boot_state(s, n, &guest.start);
		guest.vcpu[n].run->flags = guest.gateway.present ? RUN_GATEWAY : 0;
		guest.vcpu[n].eoi_word = 0;
		guest.vcpu[n].prepared = false;
		e = follow_base(&guest.vcpu[n], s->apic_base);
		if (!e)
			e = sys_vcpu_set_state(guest.vcpu[n].handle, s, sizeof(*s));
		if (e < 0) {
			log_line("guest %s: state of cpu %u refused: error %lld", guest.name, n,
				 (long long)e);
			return e;
		}
	}
	virtual_wire(guest.vcpu[0].handle);
	e = sys_vcpu_get_state(guest.vcpu[0].handle, s, sizeof(*s));
	if (e < 0)
		return e;
	guest.clock.tsc = s->tsc;
	guest.clock.ns = 0;
	guest.clock.tsc_khz = clock_tsc_khz();
	guest.clock.wall_ns = guest.rtc.base + (int64_t)clock_ns();
	return 0;
}

int vcpu_start_all(void)
{
	for (unsigned n = 0; n < guest.cpus; n++) {
		int e = thread_create(run, &guest.vcpu[n], 0);

		if (e < 0)
			return e;
	}
	return 0;
}

void vcpu_stop_all(void)
{
	for (unsigned n = 0; n < guest.cpus; n++) {
		__atomic_store_n(&guest.vcpu[n].run->stop, 1, __ATOMIC_SEQ_CST);
		sys_vcpu_kick(guest.vcpu[n].handle);
	}
}

void vcpu_unpark_all(void)
{
	guest.parked = 0;
	for (unsigned n = 0; n < guest.cpus; n++) {
		__atomic_store_n(&guest.vcpu[n].run->stop, 0, __ATOMIC_SEQ_CST);
		sys_event_signal(guest.vcpu[n].event);
	}
}
