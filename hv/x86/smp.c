// SPDX-License-Identifier: GPL-2.0-only
// Processors together: how they join, one after the other, and call each other.
#include "core/lock.h"
#include "core/log.h"
#include "core/task.h"
#include "core/unit.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/machine.h"
#include "x86/smp.h"
#include "x86/trap.h"

#define JOIN_US 1000000
#define NMI_US 1000

static struct {
	struct spinlock lock;
	void (*fn)(void *);
	void *arg;
} call;
static unsigned arrived;
static volatile bool stopping;

// Until the word is that; false: it was not within that time.
static bool wait_us(uint64_t us, const unsigned *word, unsigned value)
{
	uint64_t end = rdtsc() + us * tsc_khz / 1000;

	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value) {
		if (rdtsc() > end)
			return false;
		cpu_poll();
	}
	return true;
}

void smp_join(struct cpu *c)
{
	__atomic_add_fetch(&arrived, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&cpu_count, __ATOMIC_ACQUIRE) != c->id)
		__builtin_ia32_pause();
	units_cpu_init();
	__atomic_store_n(&cpu_count, c->id + 1, __ATOMIC_RELEASE);
	sched_idle();
}

void smp_arrived(unsigned others)
{
	if (!wait_us(JOIN_US, &arrived, others))
		panic("of %u other processors %u have come from the boot stage", others, arrived);
}

void smp_release(unsigned count)
{
	__atomic_store_n(&cpu_count, 1, __ATOMIC_RELEASE);
	if (!wait_us(JOIN_US, &cpu_count, count))
		panic("processor %u does not come online", cpu_count);
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
		if (i == self || !(mask >> i & 1))
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
	apic_command(cpus[id]->apic_id, APIC_ICR_FIXED | VECTOR_KICK);
}

void machine_stop_others(void)
{
	__atomic_store_n(&stopping, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < cpu_count; i++)
		if (cpus[i] != this_cpu())
			apic_command(cpus[i]->apic_id, APIC_ICR_NMI);
	wait_us(NMI_US, &cpu_count, ~0u);
}

bool machine_stopping(void)
{
	return __atomic_load_n(&stopping, __ATOMIC_ACQUIRE);
}
