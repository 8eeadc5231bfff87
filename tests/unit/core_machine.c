// SPDX-License-Identifier: GPL-2.0-only
// A machine for tests of hv/core. See core_machine.h.
#define MACHINE_ITSELF
#include "core_machine.h"
#include "core/boot.h"
#include "core/event.h"
#include "core/frame.h"
#include "core/log.h"
#include "core/memory.h"
#include "x86/serial.h"
#include "x86/machine.h"
#include "x86/paging.h"
#include "x86/trap.h"

#define WEAK __attribute__((weak))
#define TABLE_END(name)                                                         \
	__asm__(".pushsection " #name ",\"aw\"\n.globl _" #name "_end\n_" #name \
		"_end:\n.popsection")
TABLE_END(syscalls);
TABLE_END(object_types);
TABLE_END(units);

#define MACHINE_CPUS 2
#define LEAVES 65536

static struct cpu machine_cpus[MACHINE_CPUS];
static struct thread idle_threads[MACHINE_CPUS];
struct cpu *cpus[CONFIG_MAX_CPUS];
unsigned cpu_count = MACHINE_CPUS;
struct cpu_features cpu_features = {.phys_bits = 40};
uint64_t tsc_khz = 1000000, entry_tsc;
WEAK struct boot_info boot_info = {.ram_bytes = 1ull << 30};

unsigned machine_cpu, machine_flushes, machine_kicks, machine_panics, machine_large_left = ~0u;
uint64_t machine_now, machine_frames, machine_frames_max = 1ull << 18, machine_reserved;
int64_t machine_core_objects, machine_alloc_left = -1;
jmp_buf machine_panic;
int machine_panic_expected;
char machine_log[256];

struct cpu *this_cpu(void)
{
	return &machine_cpus[machine_cpu];
}

uint64_t rdtsc(void)
{
	return machine_now;
}

WEAK void timer_arm(struct timer *t, uint64_t expiry)
{
}
WEAK uint64_t clock_ns(void)
{
	return machine_now;
}

void panic(const char *format, ...)
{
	va_list args;

	machine_panics++;
	if (machine_panic_expected)
		longjmp(machine_panic, 1);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	abort();
}

void log_printf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(machine_log, sizeof(machine_log), format, args);
	va_end(args);
}

void cpu_poll(void)
{
}

void cpu_kick(unsigned id)
{
	machine_kicks++;
}

void cpu_call(uint64_t mask, void (*fn)(void *), void *arg)
{
	unsigned self = machine_cpu;

	for (machine_cpu = 0; machine_cpu < MACHINE_CPUS; machine_cpu++)
		if (mask >> machine_cpu & 1 && machine_cpu != self)
			fn(arg);
	machine_cpu = self;
}

void cpu_set_kernel_stack(uint64_t top)
{
}

void cpu_set_ports(const uint8_t *bitmap)
{
}

void cpu_forget_ports(void)
{
}

WEAK void mitigation_barrier(void)
{
}

WEAK void timer_program(uint64_t tsc)
{
}

// --- the core's memory ---

static void *machine_alloc(size_t bytes)
{
	void *p;

	if (!machine_alloc_left)
		return NULL;
	if (machine_alloc_left > 0)
		machine_alloc_left--;
	p = bytes >= 4096 ? aligned_alloc(4096, (bytes + 4095) & ~4095ull)
			  : aligned_alloc(16, (bytes + 15) & ~15ull);
	assert_non_null(p);
	machine_core_objects++;
	return memset(p, 0, bytes);
}

WEAK void *core_alloc(uint64_t bytes)
{
	assert_true(bytes && bytes <= LARGE_PAGE_SIZE);
	return machine_alloc(bytes);
}

WEAK void core_free(void *p, uint64_t bytes)
{
	machine_core_objects -= p ? 1 : 0;
	if (p)
		memset(p, 0xa5, bytes);
	free(p);
}

WEAK void *core_pages_alloc(unsigned order)
{
	assert_true(order <= 4);
	return machine_alloc(4096u << order);
}

WEAK void core_pages_free(void *pages, unsigned order)
{
	core_free(pages, 4096u << order);
}

WEAK void *core_page_alloc(void)
{
	return core_pages_alloc(0);
}

WEAK void core_page_free(void *page)
{
	core_pages_free(page, 0);
}

// --- frames: numbers from 4 GiB up, never given twice ---

static uint64_t next_frame = 1ull << 32;

WEAK int frame_reserve(uint64_t frames)
{
	if (frames > machine_frames_max - machine_frames - machine_reserved)
		return -ENOMEM;
	machine_reserved += frames;
	return 0;
}

WEAK void frame_unreserve(uint64_t frames)
{
	assert_true(frames <= machine_reserved);
	machine_reserved -= frames;
}

WEAK uint64_t frame_alloc(unsigned order, unsigned flags)
{
	uint64_t n = 1ull << order, frame;

	if (order == 9 && !machine_large_left)
		return 0;
	machine_large_left -= order == 9 && machine_large_left != ~0u;
	if (flags & FRAME_RESERVED) {
		assert_true(n <= machine_reserved);
		machine_reserved -= n;
	} else if (n > machine_frames_max - machine_frames - machine_reserved) {
		return 0;
	}
	machine_frames += n;
	next_frame = (next_frame + n * 4096 - 1) & ~(n * 4096 - 1);
	frame = next_frame;
	next_frame += n * 4096;
	return frame;
}

WEAK void frame_free(uint64_t phys, unsigned order)
{
	assert_true(phys >= 1ull << 32 && phys % (4096ull << order) == 0);
	assert_true(machine_frames >= 1ull << order);
	machine_frames -= 1ull << order;
}

WEAK int frame_is_foreign(uint64_t phys, uint64_t bytes)
{
	return phys + bytes <= 0x100000 || (phys >= 0xc0000000 && phys + bytes <= 1ull << 32 && bytes <= 0x10000000 &&
					   (phys + bytes <= 0xfec00000 || (phys > 0xfec00000 && phys + bytes <= 0xfee00000)));
}

// --- page tables: a list of leaves ---

static struct leaf {
	const struct page_tables *pt;
	uint64_t va, phys, bytes;
	unsigned attrs;
} leaves[LEAVES];
static unsigned leaf_count;

WEAK struct page_tables core_tables;

static struct leaf *leaf_at(const struct page_tables *pt, uint64_t va)
{
	for (unsigned i = 0; i < leaf_count; i++)
		if (leaves[i].pt == pt && va >= leaves[i].va && va < leaves[i].va + leaves[i].bytes)
			return &leaves[i];
	return NULL;
}

uint64_t machine_mapped(const struct page_tables *pt, uint64_t va, unsigned *attrs)
{
	struct leaf *l = leaf_at(pt, va);

	if (l && attrs)
		*attrs = l->attrs;
	return l ? l->phys + (va - l->va) : 0;
}

WEAK int paging_map(struct page_tables *pt, uint64_t va, uint64_t phys, uint64_t bytes,
		    unsigned attrs)
{
	assert_true(bytes == 4096 || bytes == LARGE_PAGE_SIZE);
	assert_int_equal(va % bytes, 0);
	assert_int_equal(phys % bytes, 0);
	assert_true((attrs & (PAGE_WRITE | PAGE_EXEC)) != (PAGE_WRITE | PAGE_EXEC));
	paging_unmap(pt, va, bytes);
	assert_true(leaf_count < LEAVES);
	leaves[leaf_count++] = (struct leaf){pt, va, phys, bytes, attrs};
	return 0;
}

// Large leaves that are cut are dropped whole: they come back by a fault.
WEAK void paging_unmap(struct page_tables *pt, uint64_t va, uint64_t bytes)
{
	for (unsigned i = 0; i < leaf_count;)
		if (leaves[i].pt == pt && leaves[i].va < va + bytes &&
		    va < leaves[i].va + leaves[i].bytes)
			leaves[i] = leaves[--leaf_count];
		else
			i++;
}

WEAK uint64_t paging_query(const struct page_tables *pt, uint64_t va, uint64_t *phys,
			   unsigned *attrs)
{
	struct leaf *l = leaf_at(pt, va);

	if (l) {
		*phys = l->phys + (va - l->va);
		*attrs = l->attrs;
	}
	return l ? l->bytes : 0;
}

WEAK void paging_destroy(struct page_tables *pt, unsigned entries)
{
	paging_unmap(pt, 0, ~0ull);
	pt->root = 0;
	machine_core_objects--;
}

WEAK int paging_task_init(struct page_tables *pt, uint64_t *account)
{
	if (!machine_alloc_left)
		return -ENOMEM;
	pt->root = 4096;
	machine_core_objects++;
	return 0;
}

WEAK void paging_switch(const struct page_tables *pt)
{
}

WEAK void paging_flush(uint64_t cpu_mask, uint64_t va, uint64_t bytes)
{
	machine_flushes++;
}

// --- what a test of one part needs of the others ---

WEAK void serial_panic(void)
{
}
WEAK void irq_task_ended(struct task *t)
{
}
WEAK void irq_granted(struct object *irq, struct task *t)
{
}
WEAK void irq_device_silence(uint32_t bdf)
{
}
WEAK void device_task_ended(struct task *t)
{
}
WEAK void device_granted(struct object *device, struct task *t)
{
}
WEAK void sched_wake(struct thread *t)
{
	if (t->state == THREAD_BLOCKED)
		t->state = THREAD_READY;
}
WEAK void sched_start(struct thread *t)
{
}
WEAK void sched_interrupt(struct thread *t)
{
	sched_wake(t);
}
WEAK void sched_relax(void)
{
}
WEAK void sched_give_way(void)
{
}
WEAK void sched_charge_all(void)
{
}
WEAK int sched_check(void)
{
	return 0;
}
WEAK void sched_switched(void)
{
}
WEAK void sched_leave(void)
{
	panic("sched_leave");
}
WEAK void sched_drop_tables(struct task *t)
{
	t->loaded_on = 0;
}
WEAK int sched_block(struct spinlock *l, uint64_t deadline)
{
	panic("sched_block");
}
WEAK char thread_trampoline[1];
WEAK void enter_user(uint64_t entry, uint64_t stack, uint64_t argument);
WEAK void enter_user(uint64_t entry, uint64_t stack, uint64_t argument)
{
	panic("enter_user");
}
WEAK void event_signal(struct event *e, uint64_t bits)
{
	e->pending |= bits;
}
WEAK void (*guests_forget)(const struct memory *m);
WEAK void log_text(struct log_share *share, const char *who, const char *text, size_t length)
{
}
WEAK int64_t log_switch(int (*serial)(uint16_t base), uint16_t base)
{
	return serial(base);
}
WEAK size_t log_copy(uint64_t *position, char *buffer, size_t length)
{
	return 0;
}

// Addresses of tests are host addresses; NULL and the core's half fault.
WEAK int copy_from_user(void *to, uint64_t from, uint64_t bytes)
{
	if (from < 4096 || from >> 47)
		return -EFAULT;
	memcpy(to, (const void *)from, bytes);
	return 0;
}
WEAK int copy_to_user(uint64_t to, const void *from, uint64_t bytes)
{
	if (to < 4096 || to >> 47)
		return -EFAULT;
	memcpy((void *)to, from, bytes);
	return 0;
}

void machine_init(void)
{
	for (unsigned i = 0; i < MACHINE_CPUS; i++) {
		machine_cpus[i] = (struct cpu){.self = &machine_cpus[i], .id = i};
		machine_cpus[i].current = &idle_threads[i];
		idle_threads[i] = (struct thread){.cpu = i};
		cpus[i] = &machine_cpus[i];
	}
	machine_cpu = 0;
	machine_alloc_left = -1;
	machine_large_left = ~0u;
	machine_flushes = machine_kicks = machine_panics = 0;
}

struct task *machine_task(unsigned class_)
{
	int error;
	struct task *t = task_create("test", class_, &error);

	assert_non_null(t);
	return t;
}

struct thread *machine_run_as(struct task *t)
{
	struct thread *thread = t->threads;

	if (!thread) {
		thread = (struct thread *)((char *)core_pages_alloc(1) + CORE_STACK_BYTES) - 1;
		thread->task = t;
		thread->state = THREAD_RUNNING;
		object_get(&t->object);
		t->threads = thread;
		t->thread_count = 1;
	}
	this_cpu()->current = thread;
	return thread;
}

int64_t machine_syscall(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
			uint64_t f)
{
	struct syscall_args args = {a, b, c, d, e, f};

	for (const struct syscall_entry *s = _syscalls; s < _syscalls_end; s++)
		if (s->number == number)
			return s->call(&args);
	return -ENOSYS;
}

WEAK int copy_name_from_user(char *to, uint64_t from, unsigned size)
{
	if (copy_from_user(to, from, 1))
		return -EFAULT;
	snprintf(to, size, "%s", (const char *)from);
	return 0;
}
