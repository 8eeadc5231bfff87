// SPDX-License-Identifier: GPL-2.0-only
// Starts the other processors, one after the other, and lets processors call each other.
#include "core/boot.h"
#include "core/frame.h"
#include "core/lock.h"
#include "core/log.h"
#include "core/task.h"
#include "core/unit.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/cpu_init.h"
#include "x86/machine.h"
#include "x86/paging.h"
#include "x86/trap.h"
#include <postern/errno.h>

#define STARTUP_US 200
#define ONLINE_US 100000
#define NMI_US 1000

static struct {
	struct spinlock lock;
	void (*fn)(void *);
	void *arg;
} call;
static volatile bool released, stopping;

// Until the flag is set; false: it was not within that time. Without a flag: that long.
static bool wait_us(uint64_t us, const bool *flag)
{
	uint64_t end = rdtsc() + us * tsc_khz / 1000;

	while (!flag || !__atomic_load_n(flag, __ATOMIC_ACQUIRE)) {
		if (rdtsc() > end)
			return false;
		__builtin_ia32_pause();
	}
	return true;
}

static void ap_main(struct cpu *c)
{
	cpu_load(c);
	cpu_control();
	units_cpu_init();
	__atomic_store_n(&c->online, true, __ATOMIC_RELEASE);
	while (!released)
		cpu_wait();
	sched_idle();
}

// INIT, then up to two STARTUP messages (MP 1.4, B.4). Processors with a 64-bit mode need no pause
// after INIT beyond the delivery itself.
static int start(uint32_t apic_id, unsigned id, uint64_t page, struct boot_ap *f)
{
	struct cpu *c = cpu_create(id);
	char *stack = core_pages_alloc(1);

	if (!c || !stack)
		return -ENOMEM;
	c->apic_id = apic_id;
	f->cr3 = core_tables.root;
	f->efer = EFER_LME | EFER_NXE;
	f->stack = (uint64_t)stack + CORE_STACK_BYTES;
	f->cpu = (uint64_t)c;
	f->main = (uint64_t)ap_main;
	__asm__ volatile("mfence" : : : "memory");
	apic_command(apic_id, APIC_ICR_INIT);
	wait_us(STARTUP_US, NULL);
	apic_command(apic_id, APIC_ICR_STARTUP | page >> 12);
	if (wait_us(10 * STARTUP_US, &c->online))
		return 0;
	apic_command(apic_id, APIC_ICR_STARTUP | page >> 12);
	return wait_us(ONLINE_US, &c->online) ? 0 : -ETIMEDOUT;
}

static void start_all(uint64_t page, struct boot_ap *fields)
{
	for (unsigned i = 0; i < boot_facts.cpu_count; i++) {
		uint32_t apic_id = boot_facts.apic_id[i];
		int error;

		if (apic_id == this_cpu()->apic_id)
			continue;
		if (cpu_count == CONFIG_MAX_CPUS) {
			log_printf("smp: more than %u CPUs, the rest stays off", CONFIG_MAX_CPUS);
			return;
		}
		error = apic_reaches(apic_id) ? start(apic_id, cpu_count, page, fields) : -ERANGE;
		if (error) {
			// Its memory is lost on purpose: it may still wake up there.
			log_printf("smp: CPU with APIC id %u did not start, error %d", apic_id,
				   -error);
			if (cpus[cpu_count])
				apic_command(apic_id, APIC_ICR_INIT);
			cpus[cpu_count] = NULL;
			continue;
		}
		cpu_count++;
	}
}

static int smp_init(void)
{
	uint64_t page = boot_facts.trampoline;
	char *window;

	if (boot_facts.cpu_count < 2)
		return 0;
	window = page ? core_map_phys(page, 4096, PAGE_READ | PAGE_WRITE) : NULL;
	// Mapped to itself, too: they turn paging on in it.
	if (!window || core_tables.root >> 32 ||
	    paging_map(&core_tables, page, page, PAGE_SIZE, PAGE_READ | PAGE_EXEC)) {
		log_printf("smp: no page below 640 KiB to start CPUs in");
		return -ENOMEM;
	}
	start_all(page, (struct boot_ap *)(window + BOOT_AP_FIELDS));
	paging_unmap(&core_tables, page, PAGE_SIZE);
	paging_flush(~0ull, page, PAGE_SIZE);
	core_unmap(window, 4096);
	log_printf("smp: %u CPUs online", cpu_count);
	return 0;
}
UNIT(smp, UNIT_SMP, false, smp_init, NULL, NULL);

void smp_release(void)
{
	released = true;
	for (unsigned i = 1; i < cpu_count; i++)
		cpu_kick(i);
}

// --- calls between processors: one at a time ---

void cpu_poll(void)
{
	struct cpu *c = this_cpu();

	if (!__atomic_load_n(&c->calls, __ATOMIC_ACQUIRE))
		return;
	call.fn(call.arg);
	__atomic_store_n(&c->calls, 0, __ATOMIC_RELEASE);
}

void cpu_call(uint64_t mask, void (*fn)(void *), void *arg)
{
	unsigned i, self = this_cpu()->id;

	spin_lock(&call.lock);
	call.fn = fn;
	call.arg = arg;
	for (i = 0; i < cpu_count; i++) {
		if (i == self || !(mask >> i & 1) || !cpus[i]->online)
			continue;
		__atomic_store_n(&cpus[i]->calls, 1, __ATOMIC_RELEASE);
		apic_command(cpus[i]->apic_id, APIC_ICR_FIXED | VECTOR_CALL);
	}
	for (i = 0; i < cpu_count; i++)
		while (i != self && __atomic_load_n(&cpus[i]->calls, __ATOMIC_ACQUIRE))
			__builtin_ia32_pause();
	spin_unlock(&call.lock);
}

void cpu_kick(unsigned id)
{
	if (apic_present())
		apic_command(cpus[id]->apic_id, APIC_ICR_FIXED | VECTOR_KICK);
}

void machine_stop_others(void)
{
	__atomic_store_n(&stopping, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < cpu_count && apic_present(); i++)
		if (cpus[i] != this_cpu() && cpus[i]->online)
			apic_command(cpus[i]->apic_id, APIC_ICR_NMI);
	if (tsc_khz)
		wait_us(NMI_US, NULL);
}

bool machine_stopping(void)
{
	return __atomic_load_n(&stopping, __ATOMIC_ACQUIRE);
}
