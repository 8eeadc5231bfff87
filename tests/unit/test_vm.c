// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/engine/vm.c hv/core/mapping.c */
/* Guest-physical space: mappings, their cutting, population, and what a bad caller gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <postern/errno.h>
#include "core/guest.h"
#include "core/memory.h"
#include "engine/engine.h"
#include "x86/paging_format.h"

#define MIB 0x100000ull

struct spinlock core_lock;
const struct engine *engine;
const struct paging_format host_paging;
uint64_t tsc_khz = 1000000;
int (*guest_vcpu_info)(unsigned index, struct info_vcpu *out);
void (*guests_forget)(const struct memory *m);

static struct task task;
static struct thread thread = {.task = &task};
static struct cpu cpu = {.current = &thread};
static struct memory memory[3]; /* handles 1, 2, 3 */
static struct vm *vm;
static uint64_t frames_left;
static unsigned flushed;

struct map {
	uint64_t va, phys, bytes;
	unsigned attrs;
} maps[64];
static unsigned map_count;

struct cpu *this_cpu(void)
{
	return &cpu;
}
void vm_doorbells_free(struct vm *v)
{
}
void cpu_poll(void)
{
}
uint64_t rdtsc(void)
{
	return 1000;
}
void cpu_call(uint64_t mask, void (*fn)(void *), void *arg)
{
	flushed++;
}
void log_printf(const char *format, ...)
{
}
void *core_alloc(uint64_t bytes)
{
	return calloc(1, bytes);
}
void core_free(void *p, uint64_t bytes)
{
	free(p);
}
void *core_page_alloc(void)
{
	return calloc(1, PAGE_SIZE);
}
void core_page_free(void *p)
{
	free(p);
}
uint64_t core_phys(const void *p)
{
	return (uintptr_t)p;
}
void object_init(struct object *o, enum object_type type)
{
	o->type = type;
	o->refs = 1;
}
void object_get(struct object *o)
{
	o->refs++;
}
void object_put(struct object *o)
{
	o->refs--;
}
void object_put_unlocked(struct object *o)
{
	o->refs--;
}
int handle_new(struct object *o, uint32_t rights, uint64_t badge)
{
	vm = (struct vm *)o;
	return 9;
}
struct object *handle_get(uint32_t handle, enum object_type type, uint32_t rights, int *error)
{
	static struct object system = {.refs = 1000};
	struct object *o = NULL;

	if (type == OBJ_SYSTEM)
		o = &system;
	else if (type == OBJ_VM && handle == 9)
		o = &vm->object;
	else if (type == OBJ_MEMORY && handle >= 1 && handle <= 3)
		o = &memory[handle - 1].object;
	if (!o) {
		*error = -EBADF;
		return NULL;
	}
	if (handle == 3 && rights & RIGHT_WRITE) {
		*error = -EPERM;
		return NULL;
	}
	object_get(o);
	return o;
}
int64_t call_on_object(enum object_type type, uint32_t rights, object_call *fn,
		       struct syscall_args *a)
{
	int error = 0;
	struct object *o = handle_get((uint32_t)a->a, type, rights, &error);
	int64_t result;

	if (!o)
		return error;
	result = fn(o, a);
	object_put(o);
	return result;
}
int copy_from_user(void *to, uint64_t from, uint64_t bytes)
{
	if (!from)
		return -EFAULT;
	memcpy(to, (void *)(uintptr_t)from, bytes);
	return 0;
}
uint64_t memory_frame(struct memory *m, uint64_t offset, enum memory_want want, uint64_t *span)
{
	assert_true(offset < m->bytes);
	if (!frames_left)
		return 0;
	frames_left--;
	*span = want == FRAME_LARGE ? LARGE_PAGE_SIZE : PAGE_SIZE;
	return 0x10000000000ull * (unsigned)(m - memory + 1) + offset;
}
int memory_use(struct memory *m, unsigned rights)
{
	m->mappings++;
	return 0;
}
void memory_unuse(struct memory *m, unsigned rights)
{
	m->mappings--;
}
int paging_map(struct page_tables *pt, uint64_t va, uint64_t phys, uint64_t bytes, unsigned attrs)
{
	maps[map_count++] = (struct map){va, phys, bytes, attrs};
	return 0;
}
void paging_unmap(struct page_tables *pt, uint64_t va, uint64_t bytes)
{
	for (unsigned i = 0; i < map_count; i++)
		if (maps[i].va < va + bytes && va < maps[i].va + maps[i].bytes)
			maps[i--] = maps[--map_count];
}
int paging_init(struct page_tables *pt, const struct paging_format *format, uint64_t *account)
{
	pt->root = (uintptr_t)core_page_alloc();
	return 0;
}
void paging_destroy(struct page_tables *pt, unsigned entries)
{
	core_page_free((void *)(uintptr_t)pt->root);
}
void vtimers_stop(struct vcpu *v)
{
}
void vapic_msi(struct vm *m, uint64_t address, uint32_t data)
{
}
bool vapic_takes_extint(const struct vcpu *v)
{
	return true;
}
static uint32_t requested;
void vcpu_request(struct vcpu *v, uint32_t requests)
{
	requested |= requests;
}
struct vcpu *vcpu_find(struct vm *m, uint32_t number)
{
	return m->vcpu[number];
}
static unsigned freed;
void vcpu_free(struct vcpu *v)
{
	freed++;
}

/* The calls, as the core's table would make them. */
extern const struct syscall_entry __start_syscalls[], __stop_syscalls[];
extern const struct object_type_ops __start_object_types[];

static int64_t call(uint32_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	for (const struct syscall_entry *e = __start_syscalls; e < __stop_syscalls; e++)
		if (e->number == number)
			return e->call(&(struct syscall_args){a, b, c, d, 0, 0});
	return -ENOSYS;
}

static int64_t map(uint64_t gpa, uint64_t bytes, uint32_t handle, uint64_t offset, uint16_t rights)
{
	struct vm_mapping m = {
		.gpa = gpa, .bytes = bytes, .offset = offset, .memory = handle, .rights = rights};

	return call(SYS_VM_MAP, 9, (uintptr_t)&m, 1, 0);
}

static int setup(void **state)
{
	static const struct engine stub;

	engine = &stub;
	map_count = flushed = freed = requested = 0;
	frames_left = 1000;
	for (unsigned i = 0; i < 3; i++)
		memory[i] = (struct memory){.object = {.refs = 1}, .bytes = 64 * MIB};
	task = (struct task){.object = {.refs = 1}};
	assert_int_equal(call(SYS_VM_CREATE, 1, 0, 0, 0), 9);
	assert_int_equal(vm->object.refs, 1);
	return 0;
}

static int teardown(void **state)
{
	for (const struct object_type_ops *o = __start_object_types; o->type != OBJ_VM; o++)
		;
	__start_object_types->destroy(&vm->object);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(memory[i].object.refs, 1);
		assert_int_equal(memory[i].mappings, 0);
	}
	assert_int_equal(task.object.refs, 1);
	assert_int_equal(task.core_memory, 0);
	return 0;
}

static void populate(void **state)
{
	assert_int_equal(map(0, 32 * MIB, 1, 0, 7), 0);
	assert_int_equal(map_count, 0); /* lazily */
	assert_int_equal(vm_fault(vm, 0, 0x345678, false, false), FAULT_2M);
	assert_int_equal(maps[0].va, 0x200000);
	assert_int_equal(maps[0].phys, 0x10000200000ull);
	assert_int_equal(maps[0].bytes, LARGE_PAGE_SIZE);
	assert_int_equal(maps[0].attrs, PAGE_READ | PAGE_WRITE | PAGE_EXEC | PAGE_USER);
	assert_int_equal(vm_fault(vm, 0, 32 * MIB - 1, true, false), FAULT_2M);
	assert_int_equal(vm_fault(vm, 0, 32 * MIB, true, false), FAULT_MMIO);
	assert_int_equal(vm_fault(vm, 0, ~0ull, true, false), FAULT_MMIO);
	assert_int_equal(vm_fault(vm, 1, 0, true, false), FAULT_MMIO);
	frames_left = 0;
	assert_int_equal(vm_fault(vm, 0, 0, true, false), FAULT_NO_MEMORY);
}

/* 2 MiB only where the slot has all of them and memory is in step. */
static void sizes(void **state)
{
	assert_int_equal(map(MIB, 4 * MIB, 1, MIB, 7), 0);
	assert_int_equal(vm_fault(vm, 0, MIB + 5, false, false), FAULT_4K);
	assert_int_equal(maps[0].va, MIB);
	assert_int_equal(maps[0].phys, 0x10000000000ull + MIB);
	assert_int_equal(vm_fault(vm, 0, 2 * MIB, false, false), FAULT_2M);
	assert_int_equal(vm_fault(vm, 0, 4 * MIB, false, false), FAULT_4K);
	assert_int_equal(map(8 * MIB, 8 * MIB, 2, MIB, 7), 0);
	assert_int_equal(vm_fault(vm, 0, 10 * MIB, false, false), FAULT_4K);
	assert_int_equal(maps[3].phys, 0x20000000000ull + 3 * MIB);
}

static void rights(void **state)
{
	assert_int_equal(map(0, 2 * MIB, 1, 0, MAP_READ), 0);
	assert_int_equal(vm_fault(vm, 0, 0, true, false), FAULT_MMIO);
	assert_int_equal(vm_fault(vm, 0, 0, false, true), FAULT_MMIO);
	assert_int_equal(vm_fault(vm, 0, 0, false, false), FAULT_2M);
	assert_int_equal(maps[0].attrs, PAGE_READ | PAGE_USER);
	assert_int_equal(map(4 * MIB, 2 * MIB, 3, 0, MAP_READ | MAP_WRITE), -EPERM);
	assert_int_equal(map(4 * MIB, 2 * MIB, 3, 0, MAP_READ | MAP_EXEC), 0);
	assert_int_equal(vm_fault(vm, 0, 4 * MIB, false, true), FAULT_2M);
}

static void cutting(void **state)
{
	assert_int_equal(map(0, 32 * MIB, 1, 0, 7), 0);
	assert_int_equal(vm_fault(vm, 0, 8 * MIB, false, false), FAULT_2M);
	assert_int_equal(map(8 * MIB, MIB, 0, 0, 0), 0); /* a hole */
	assert_int_equal(vm->mappings[0].count, 2);
	assert_int_equal(memory[0].mappings, 2);
	assert_int_equal(map_count, 0);
	assert_int_equal(vm_fault(vm, 0, 8 * MIB, false, false), FAULT_MMIO);
	assert_int_equal(vm_fault(vm, 0, 9 * MIB, false, false), FAULT_4K);
	assert_int_equal(maps[0].phys, 0x10000000000ull + 9 * MIB);
	assert_int_equal(map(4 * MIB, 16 * MIB, 2, 0, 7), 0); /* over both ends of the hole */
	assert_int_equal(vm->mappings[0].count, 3);
	assert_int_equal(vm_fault(vm, 0, 8 * MIB, false, false), FAULT_2M);
	assert_int_equal(maps[0].phys, 0x20000000000ull + 4 * MIB);
	assert_int_equal(vm_fault(vm, 0, 20 * MIB, false, false), FAULT_2M);
	assert_int_equal(maps[1].phys, 0x10000000000ull + 20 * MIB);
	assert_int_equal(map(0, 64 * MIB, 0, 0, 0), 0);
	assert_int_equal(vm->mappings[0].count, 0);
	assert_int_equal(memory[0].object.refs, 1);
	assert_int_equal(memory[1].object.refs, 1);
}

/* What goes out of guest RAM leaves every root, and whoever is inside flushes. */
static void forgetting(void **state)
{
	static struct cpu other = {.id = 1};
	static struct vcpu v;

	v = (struct vcpu){.in_guest = 1, .cpu = &other};
	vm->vcpu[0] = &v;
	vm->vcpu_count = 1;
	vm_init();
	assert_int_equal(map(0, 4 * MIB, 1, 0, 7), 0);
	assert_int_equal(map(8 * MIB, 4 * MIB, 2, 0, 7), 0);
	assert_int_equal(vm_fault(vm, 0, 0, true, false), FAULT_2M);
	assert_int_equal(vm_fault(vm, 0, 8 * MIB, true, false), FAULT_2M);
	guests_forget(&memory[2]);
	assert_int_equal(map_count, 2);
	assert_int_equal(v.requests, 0);
	guests_forget(&memory[1]);
	assert_int_equal(map_count, 1);
	assert_int_equal(maps[0].va, 0);
	assert_int_equal(v.requests, REQ_FLUSH);
	assert_int_equal(flushed, 1);
	assert_int_equal(vm_fault(vm, 0, 8 * MIB, true, false), FAULT_2M);
	task.core_memory += 3 * PAGE_SIZE; /* what its creation would have put there */
}

static void flushing(void **state)
{
	static struct cpu other = {.id = 1};
	static struct vcpu v;

	v = (struct vcpu){.in_guest = 1, .cpu = &other};
	vm->vcpu[0] = &v;
	vm->vcpu_count = 1;
	assert_int_equal(map(0, 2 * MIB, 1, 0, 7), 0);
	assert_int_equal(map(8 * MIB, 2 * MIB, 2, 0, 7),
			 0); /* nothing was there: nothing to flush */
	assert_int_equal(v.requests, 0);
	assert_int_equal(map(0, 2 * MIB, 2, 0, 7), 0);
	assert_int_equal(v.requests, REQ_FLUSH);
	assert_int_equal(flushed, 1);
	v.in_guest = 0;
	assert_int_equal(map(0, 2 * MIB, 0, 0, 0), 0);
	assert_int_equal(flushed, 1);
	assert_int_equal(call(SYS_VM_IRQ, 9, VM_IRQ_NMI, 0, 0), 0);
	assert_int_equal(requested, REQ_NMI);
	assert_int_equal(call(SYS_VM_IRQ, 9, VM_IRQ_EXTINT, 1, 0), 0);
	assert_int_equal(requested, REQ_NMI | REQ_EVENT);
	assert_int_equal(vm->extint, 1);
	task.core_memory += 3 * PAGE_SIZE; /* what its creation would have put there */
}

static void bad_arguments(void **state)
{
	assert_int_equal(map(0, 0, 1, 0, 7), -EINVAL);
	assert_int_equal(map(1, PAGE_SIZE, 1, 0, 7), -EINVAL);
	assert_int_equal(map(0, 100, 1, 0, 7), -EINVAL);
	assert_int_equal(map(0, PAGE_SIZE, 1, 12, 7), -EINVAL);
	assert_int_equal(map(0, PAGE_SIZE, 1, 0, 8), -EINVAL);
	assert_int_equal(map(0, PAGE_SIZE, 1, 0, MAP_WRITE), -EINVAL);
	assert_int_equal(map(0, 65 * MIB, 1, 0, 7), -EINVAL);
	assert_int_equal(map(0, PAGE_SIZE, 1, 64 * MIB, 7), -EINVAL);
	assert_int_equal(map(0, PAGE_SIZE, 1, ~0xfffull, 7), -EINVAL);
	assert_int_equal(map(~0xfffull, PAGE_SIZE, 1, 0, 7), -EINVAL);
	assert_int_equal(map(1ull << 46, PAGE_SIZE, 1, 0, 7), -EINVAL);
	assert_int_equal(map(0, ~0xfffull, 0, 0, 0), -EINVAL);
	assert_int_equal(map(0, PAGE_SIZE, 77, 0, 7), -EBADF);
	assert_int_equal(call(SYS_VM_MAP, 9, 0, 1, 0), -EFAULT);
	assert_int_equal(call(SYS_VM_MAP, 9, 0, 65, 0), -E2BIG);
	assert_int_equal(call(SYS_VM_MAP, 8, 0, 0, 0), -EBADF);
	assert_int_equal(call(SYS_VM_IRQ, 9, 99, 0, 0), -EINVAL);
	assert_int_equal(call(SYS_VM_IRQ, 9, VM_IRQ_EOI_BITMAP, 4, 0), -EINVAL);
	assert_int_equal(call(SYS_VM_IRQ, 9, VM_IRQ_EOI_BITMAP, 3, 1), 0);
	assert_int_equal(call(SYS_VM_IRQ, 9, VM_IRQ_NMI, 1000, 0), -ENOENT);
	assert_int_equal(call(SYS_VM_IRQ, 9, VM_IRQ_NMI, 3, 0), -ENOENT);
	assert_int_equal(vm->mappings[0].count, 0);
}

static void full(void **state)
{
	int64_t error = 0;
	unsigned n = 0;

	for (; !error; n++)
		error = map(n * 0x2000, 0x1000, 1, 0, 7);
	assert_int_equal(error, -ENOSPC);
	assert_true(vm->mappings[0].count < VM_MAPPINGS);
	/* Taking things out goes on when there is no room for more. */
	assert_int_equal(memory[0].mappings, vm->mappings[0].count);
	assert_int_equal(map(0, 0x1000, 0, 0, 0), 0);
}

static void information(void **state)
{
	static struct vcpu v = {.cpu = &cpu, .number = 4};
	struct info_vcpu info;

	vm_init();
	assert_int_equal(guest_vcpu_info(0, &info), -ENOENT);
	v.vm = vm;
	v.exits[COUNT_CPUID] = 7;
	vm->vcpu[4] = &v;
	vm->vcpu_count = 5;
	assert_int_equal(guest_vcpu_info(0, &info), 0);
	assert_int_equal(info.number, 4);
	assert_int_equal(info.exits[COUNT_CPUID], 7);
	assert_int_equal(guest_vcpu_info(1, &info), -ENOENT);
	task.core_memory += 3 * PAGE_SIZE;
}

static void no_engine(void **state)
{
	engine = NULL;
	assert_int_equal(call(SYS_VM_CREATE, 1, 0, 0, 0), -ENODEV);
	assert_int_equal(call(SYS_VM_CREATE, 1, 5, 0, 0), -EINVAL);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(populate), ROW(sizes),	   ROW(rights),	     ROW(cutting),   ROW(flushing),
		ROW(full),     ROW(bad_arguments), ROW(information), ROW(no_engine), ROW(forgetting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
