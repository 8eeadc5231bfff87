// SPDX-License-Identifier: GPL-2.0-only
// The virtual machine: guest-physical space over memory objects, populated at first touch, and
// messages to its virtual APICs.
//
// Its mappings say what is where; nested page tables are a cache of them, filled by faults and emptied
// by unmapping.
#include "core/frame.h"
#include "core/guest.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/string.h"
#include "engine/engine.h"
#include <postern/errno.h>

#define GPA_LIMIT (1ull << 46)
#define MAPPINGS_MAX 64

static struct spinlock vms_lock;
static struct vm *vms;

void vm_account(struct vm *vm, int64_t bytes)
{
	__atomic_fetch_add(&vm->owner->core_memory, (uint64_t)bytes, __ATOMIC_RELAXED);
}

/* Between which mappings of its root an address without one lies. */
static void find_hole(struct vm *vm, unsigned root, uint64_t gpa)
{
	uint64_t low = 0;
	const struct mapping *m = vm->mappings[root].first;

	for (; m && m->at <= gpa; m = m->next)
		low = m->at + m->bytes;
	vm->hole.root = root;
	vm->hole.gpa = low;
	vm->hole.bytes = (m ? m->at : ~0ull) - low;
}

static bool in_hole(const struct vm *vm, unsigned root, uint64_t gpa)
{
	return gpa - vm->hole.gpa < vm->hole.bytes && root == vm->hole.root;
}

enum fault vm_fault(struct vm *vm, unsigned root, uint64_t gpa, bool write, bool fetch)
{
	enum fault result = FAULT_MMIO;
	const struct mapping *m;
	uint64_t size;

	spin_lock(&vm->lock);
	if (!in_hole(vm, root, gpa)) {
		m = mapping_at(&vm->mappings[root], gpa);
		if (!m) {
			find_hole(vm, root, gpa);
		} else if ((!write || m->rights & MAP_WRITE) && (!fetch || m->rights & MAP_EXEC)) {
			size = mapping_populate(m, &vm->root[root], gpa, PAGE_USER);
			result = !size ? FAULT_NO_MEMORY : size == PAGE_SIZE ? FAULT_4K : FAULT_2M;
		}
	}
	spin_unlock(&vm->lock);
	if (result == FAULT_NO_MEMORY)
		log_printf("vm of %s: no memory behind guest address %#llx", vm->owner->name,
			   (unsigned long long)gpa);
	return result;
}

static void nothing(void *arg)
{
}

/* No vcpu goes on with a translation that was cached before: those inside come out by the
 * cross-call, and each looks at its requests before it enters. */
static void flush(struct vm *vm)
{
	uint64_t mask = 0;

	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *v = vcpu_find(vm, i);

		if (!v)
			continue;
		__atomic_fetch_or(&v->requests, REQ_FLUSH, __ATOMIC_SEQ_CST);
		if (v->in_guest && v->cpu != this_cpu())
			mask |= 1ull << v->cpu->id;
	}
	if (mask)
		cpu_call(mask, nothing, NULL);
}

static int map_check(const struct vm_mapping *m)
{
	uint64_t low = PAGE_SIZE - 1;

	if ((m->gpa | m->bytes | m->offset) & low || !m->bytes || m->root >= VM_ROOTS)
		return -EINVAL;
	if (m->bytes > GPA_LIMIT || m->gpa > GPA_LIMIT - m->bytes)
		return -EINVAL;
	if (m->rights & ~(MAP_READ | MAP_WRITE | MAP_EXEC) ||
	    (m->memory && !(m->rights & MAP_READ)))
		return -EINVAL;
	return 0;
}

static uint32_t rights_needed(unsigned map_rights)
{
	return RIGHT_READ | (map_rights & MAP_WRITE ? RIGHT_WRITE : 0) |
	       (map_rights & MAP_EXEC ? RIGHT_EXEC : 0);
}

static int root_init(struct vm *vm, unsigned root)
{
	struct page_tables *pt = &vm->root[root];

	/* Nested tables have the host's form (APM 2, 15.25). */
	return pt->root ? 0 : paging_init(pt, &host_paging, &vm->owner->core_memory);
}

/* W^X is about what tasks may do: what a guest may write or execute does not count. */
static struct mapping *new_mapping(const struct vm_mapping *m, int *error)
{
	struct memory *memory = (struct memory *)handle_get(m->memory, OBJ_MEMORY,
							    rights_needed(m->rights), error);
	struct mapping *new = NULL;

	if (!memory)
		return NULL;
	if (m->offset > memory->bytes || m->bytes > memory->bytes - m->offset)
		*error = -EINVAL;
	else
		new = mapping_new(memory,
				  &(struct mapping){NULL, m->gpa, m->bytes, m->offset, NULL,
						    m->rights, MAP_READ},
				  error);
	object_put_unlocked(&memory->object);
	return new;
}

static int vm_map(struct vm *vm, const struct vm_mapping *m)
{
	struct mapping *new = NULL, *gone = NULL, *spare = NULL;
	struct mappings *l = &vm->mappings[m->root % VM_ROOTS];
	int error = map_check(m);

	if (!error && m->memory)
		new = new_mapping(m, &error);
	if (!error) {
		spare = core_alloc(sizeof(*spare));
		error = spare ? 0 : -ENOMEM;
	}
	spin_lock(&vm->lock);
	if (!error && l->count + (new ? 2 : 1) > VM_MAPPINGS)
		error = -ENOSPC;
	if (!error)
		error = root_init(vm, m->root);
	if (!error && mapping_overlaps(l, m->gpa, m->bytes)) {
		// Only then the list, and with it perhaps the last hold on the memory.
		paging_unmap(&vm->root[m->root], m->gpa, m->bytes);
		flush(vm);
		gone = mapping_cut(l, m->gpa, m->bytes, &spare);
	}
	if (!error && new) {
		mapping_insert(l, new);
		vm->hole.bytes = 0;
		new = NULL;
	}
	spin_unlock(&vm->lock);
	core_free(spare, sizeof(*spare));
	mapping_drop(gone, false);
	mapping_drop(new, false);
	return error;
}

static int64_t map(void *vm, struct syscall_args *a)
{
	int error = a->c > MAPPINGS_MAX ? -E2BIG : 0;
	struct vm_mapping m;

	for (uint64_t i = 0; i < a->c && !error; i++) {
		error = copy_from_user(&m, a->b + i * sizeof(m), sizeof(m));
		if (!error)
			error = vm_map(vm, &m);
	}
	return error;
}
SYSCALL_ON(SYS_VM_MAP, OBJ_VM, RIGHT_CONTROL, map);

static void set_extint(struct vm *vm, bool level)
{
	vm->extint = level;
	for (uint32_t i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *v = vcpu_find(vm, i);

		if (v && vapic_takes_extint(v))
			vcpu_request(v, REQ_EVENT);
	}
}

static int64_t vm_irq(void *object, struct syscall_args *a)
{
	struct vm *vm = object;
	struct vcpu *v;

	switch (a->b) {
	case VM_IRQ_MSI:
		vapic_msi(vm, a->c, (uint32_t)a->d);
		return 0;
	case VM_IRQ_EXTINT:
		set_extint(vm, a->c & 1);
		return 0;
	case VM_IRQ_EOI_BITMAP:
		if (a->c > 3)
			return -EINVAL;
		vm->eoi_bitmap[a->c] = a->d;
		return 0;
	case VM_IRQ_NMI:
		v = a->c < VM_VCPUS_MAX ? vcpu_find(vm, (uint32_t)a->c) : NULL;
		if (!v)
			return -ENOENT;
		vcpu_request(v, REQ_NMI);
		return 0;
	default:
		return -EINVAL;
	}
}
SYSCALL_ON(SYS_VM_IRQ, OBJ_VM, RIGHT_CONTROL, vm_irq);

static void unlink_vm(struct vm *vm)
{
	spin_lock(&vms_lock);
	for (struct vm **p = &vms; *p; p = &(*p)->next)
		if (*p == vm) {
			*p = vm->next;
			break;
		}
	spin_unlock(&vms_lock);
}

/* core_lock is held; no handle and no vcpu handle is left. */
static void vm_free(struct vm *vm)
{
	unlink_vm(vm);
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpu[i])
			vtimers_stop(vm->vcpu[i]);
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpu[i]) {
			vcpu_free(vm->vcpu[i]);
			vm_account(vm, -3 * PAGE_SIZE);
		}
	for (unsigned i = 0; i < VM_ROOTS; i++) {
		if (vm->root[i].root)
			paging_destroy(&vm->root[i], PAGING_ENTRIES);
		mapping_drop(vm->mappings[i].first, true);
	}
	vm_doorbells_free(vm);
	object_put(&vm->owner->object);
	core_free(vm, sizeof(*vm));
}

static void vm_destroy(struct object *o)
{
	vm_free((struct vm *)o);
}
OBJECT_TYPE(OBJ_VM, vm_destroy);

static struct vm *vm_create(void)
{
	struct vm *vm = core_alloc(sizeof(*vm));

	_Static_assert(sizeof(*vm) <= PAGE_SIZE, "core_alloc gives at most a page");
	if (!vm)
		return NULL;
	object_init(&vm->object, OBJ_VM);
	vm->engine = engine;
	vm->owner = current_task();
	object_get(&vm->owner->object);
	vm->tsc_offset = -rdtsc();
	if (root_init(vm, 0)) {
		object_put_unlocked(&vm->object);
		return NULL;
	}
	spin_lock(&vms_lock);
	vm->next = vms;
	vms = vm;
	spin_unlock(&vms_lock);
	return vm;
}

static int64_t create(void *system, struct syscall_args *a)
{
	struct vm *vm;

	if (a->b)
		return -EINVAL;
	if (!engine)
		return -ENODEV;
	vm = vm_create();
	return vm ? handle_new(&vm->object, RIGHT_CONTROL | RIGHT_GRANT, 0) : -ENOMEM;
}
SYSCALL_ON(SYS_VM_CREATE, OBJ_SYSTEM, RIGHT_VMS, create);

static void fill_info(const struct vcpu *v, struct info_vcpu *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->task, v->vm->owner->name, sizeof(out->task));
	out->task_id = v->vm->owner->id;
	out->number = v->number;
	out->cpu = v->cpu->id;
	out->activity = v->activity;
	out->runs = v->runs;
	memcpy(out->exits, v->exits, COUNT_KINDS * sizeof(v->exits[0]));
	out->guest_ns = v->guest_cycles / tsc_khz * 1000000;
}

static int vm_vcpu_info(unsigned index, struct info_vcpu *out)
{
	int error = -ENOENT;

	_Static_assert(COUNT_KINDS <= EXIT_KINDS, "exit counters");
	spin_lock(&vms_lock);
	for (struct vm *vm = vms; vm && error; vm = vm->next)
		for (uint32_t i = 0; i < vm->vcpu_count && error; i++)
			if (vm->vcpu[i] && index-- == 0) {
				fill_info(vm->vcpu[i], out);
				error = 0;
			}
	spin_unlock(&vms_lock);
	return error;
}

static void vms_forget(const struct memory *m)
{
	spin_lock(&vms_lock);
	for (struct vm *vm = vms; vm; vm = vm->next) {
		spin_lock(&vm->lock);
		for (unsigned i = 0; i < VM_ROOTS; i++)
			if (mapping_forget(&vm->mappings[i], &vm->root[i], m))
				flush(vm);
		spin_unlock(&vm->lock);
	}
	spin_unlock(&vms_lock);
}

void vm_init(void)
{
	guest_vcpu_info = vm_vcpu_info;
	guests_forget = vms_forget;
}
