// SPDX-License-Identifier: GPL-2.0-only
// The virtual machine: guest-physical space over memory objects, populated at first touch, and
// messages to its virtual APICs.
//
// Slots say what is where; nested page tables are a cache of them, filled by faults and emptied by
// unmapping.
#include "core/frame.h"
#include "core/guest.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/string.h"
#include "engine/engine.h"
#include <postern/errno.h>

#define GPA_LIMIT (1ull << 46)
#define MAPPINGS_MAX 64

_Static_assert(VM_SLOTS * sizeof(struct slot) <= PAGE_SIZE, "slots are one page");

static struct spinlock vms_lock;
static struct vm *vms;

void vm_account(struct vm *vm, int64_t bytes)
{
	__atomic_fetch_add(&vm->owner->core_memory, (uint64_t)bytes, __ATOMIC_RELAXED);
}

static void *table_alloc(void *context)
{
	void *table = core_page_alloc();

	if (table)
		vm_account(context, PAGE_SIZE);
	return table;
}

static void table_free(void *context, void *table)
{
	vm_account(context, -PAGE_SIZE);
	core_page_free(table);
}

static struct slot *slot_at(struct vm *vm, unsigned root, uint64_t gpa)
{
	for (unsigned i = 0; i < vm->slot_count; i++) {
		struct slot *s = &vm->slots[i];

		if (s->root == root && gpa >= s->gpa && gpa - s->gpa < s->bytes)
			return s;
	}
	return NULL;
}

/* Between which slots of its root an address without a slot lies. */
static void find_hole(struct vm *vm, unsigned root, uint64_t gpa)
{
	uint64_t low = 0, high = ~0ull;

	for (unsigned i = 0; i < vm->slot_count; i++) {
		const struct slot *s = &vm->slots[i];

		if (s->root != root)
			continue;
		if (s->gpa > gpa)
			high = s->gpa < high ? s->gpa : high;
		else
			low = s->gpa + s->bytes > low ? s->gpa + s->bytes : low;
	}
	vm->hole.root = root;
	vm->hole.gpa = low;
	vm->hole.bytes = high - low;
}

static bool in_hole(const struct vm *vm, unsigned root, uint64_t gpa)
{
	return gpa - vm->hole.gpa < vm->hole.bytes && root == vm->hole.root;
}

static unsigned page_attrs(const struct slot *s)
{
	return PAGE_READ | (s->rights & MAP_WRITE ? PAGE_WRITE : 0) |
	       (s->rights & MAP_EXEC ? PAGE_EXEC : 0) |
	       (s->memory->flags & MEM_UNCACHED ? PAGE_UNCACHED : 0) |
	       (s->memory->flags & MEM_WRITECOMB ? PAGE_WRITECOMB : 0);
}

/* Does the slot cover the 2 MiB around gpa, in step with the memory object? */
static bool large_fits(const struct slot *s, uint64_t gpa)
{
	uint64_t start = gpa & ~(uint64_t)(LARGE_PAGE_SIZE - 1);

	return start >= s->gpa && s->bytes >= LARGE_PAGE_SIZE &&
	       start - s->gpa <= s->bytes - LARGE_PAGE_SIZE &&
	       !((s->gpa ^ s->offset) & (LARGE_PAGE_SIZE - 1));
}

static enum fault populate(struct vm *vm, const struct slot *s, uint64_t gpa)
{
	bool large = large_fits(s, gpa);
	uint64_t span = 0;
	uint64_t page = gpa & ~(uint64_t)(PAGE_SIZE - 1);
	uint64_t phys = memory_frame(s->memory, page - s->gpa + s->offset, large, &span);

	if (!phys)
		return FAULT_NO_MEMORY;
	large = large && span >= LARGE_PAGE_SIZE;
	if (large) {
		page &= ~(uint64_t)(LARGE_PAGE_SIZE - 1);
		phys &= ~(uint64_t)(LARGE_PAGE_SIZE - 1);
	} else {
		phys &= ~(uint64_t)(PAGE_SIZE - 1);
	}
	if (paging_map(&vm->root[s->root], page, phys, large ? LARGE_PAGE_SIZE : PAGE_SIZE,
		       page_attrs(s)))
		return FAULT_NO_MEMORY;
	return large ? FAULT_2M : FAULT_4K;
}

enum fault vm_fault(struct vm *vm, unsigned root, uint64_t gpa, bool write, bool fetch)
{
	enum fault result = FAULT_MMIO;
	struct slot *s;

	spin_lock(&vm->lock);
	if (!in_hole(vm, root, gpa)) {
		s = slot_at(vm, root, gpa);
		if (!s)
			find_hole(vm, root, gpa);
		else if ((!write || s->rights & MAP_WRITE) && (!fetch || s->rights & MAP_EXEC))
			result = populate(vm, s, gpa);
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

static void slot_drop(struct vm *vm, unsigned index)
{
	struct memory *m = vm->slots[index].memory;

	vm->slots[index] = vm->slots[--vm->slot_count];
	memory_unuse(m, MAP_READ);
	object_put(&m->object);
}

static void slot_add(struct vm *vm, const struct slot *s)
{
	vm->slots[vm->slot_count++] = *s;
	vm->hole.bytes = 0;
	/* What a guest may write or execute is no matter of W^X for the host. */
	memory_use(s->memory, MAP_READ);
	object_get(&s->memory->object);
}

static void slot_add_part(struct vm *vm, struct slot s, uint64_t from, uint64_t to)
{
	s.offset += from - s.gpa;
	s.gpa = from;
	s.bytes = to - from;
	slot_add(vm, &s);
}

/* Take [gpa, gpa + bytes) out of all slots of the root; what is left of each stays. Room for one
 * more slot, which a hole in the middle of one needs, was checked. */
static void slots_cut(struct vm *vm, unsigned root, uint64_t gpa, uint64_t bytes)
{
	for (unsigned i = vm->slot_count; i-- > 0;) {
		struct slot s = vm->slots[i];
		uint64_t end = gpa + bytes, slot_end = s.gpa + s.bytes;

		if (s.root != root || s.gpa >= end || slot_end <= gpa)
			continue;
		if (s.gpa < gpa)
			slot_add_part(vm, s, s.gpa, gpa);
		if (slot_end > end)
			slot_add_part(vm, s, end, slot_end);
		slot_drop(vm, i);
	}
}

static bool overlaps(const struct vm *vm, const struct vm_mapping *m)
{
	for (unsigned i = 0; i < vm->slot_count; i++) {
		const struct slot *s = &vm->slots[i];

		if (s->root == m->root && s->gpa < m->gpa + m->bytes && m->gpa < s->gpa + s->bytes)
			return true;
	}
	return false;
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
	void *top;

	if (pt->root)
		return 0;
	pt->format = &nested_paging;
	pt->alloc = table_alloc;
	pt->free = table_free;
	pt->context = vm;
	top = table_alloc(vm);
	if (!top)
		return -ENOMEM;
	pt->root = core_phys(top);
	return 0;
}

/* core_lock is held, so memory may go. */
static int vm_map(struct vm *vm, const struct vm_mapping *m)
{
	struct memory *memory = NULL;
	int error = map_check(m);

	if (error)
		return error;
	if (m->memory) {
		memory = (struct memory *)handle_get(m->memory, OBJ_MEMORY,
						     rights_needed(m->rights), &error);
		if (!memory)
			return error;
		if (m->offset > memory->bytes || m->bytes > memory->bytes - m->offset)
			error = -EINVAL;
	}
	spin_lock(&vm->lock);
	if (!error && vm->slot_count + (memory ? 3 : 2) > VM_SLOTS)
		error = -ENOSPC;
	if (!error)
		error = root_init(vm, m->root);
	if (!error && overlaps(vm, m)) {
		// Only then the slots, and with them perhaps the last hold on the memory.
		error = paging_unmap(&vm->root[m->root], m->gpa, m->bytes);
		flush(vm);
		slots_cut(vm, m->root, m->gpa, m->bytes);
	}
	if (!error && memory)
		slot_add(vm, &(struct slot){.gpa = m->gpa,
					    .bytes = m->bytes,
					    .offset = m->offset,
					    .memory = memory,
					    .rights = m->rights,
					    .root = m->root});
	spin_unlock(&vm->lock);
	if (memory)
		object_put(&memory->object);
	return error;
}

static int64_t map(void *vm, struct syscall_args *a)
{
	int error = a->c > MAPPINGS_MAX ? -E2BIG : 0;
	struct vm_mapping m;

	for (uint64_t i = 0; i < a->c && !error; i++) {
		error = copy_from_user(&m, a->b + i * sizeof(m), sizeof(m));
		if (error)
			break;
		spin_lock(&core_lock);
		error = vm_map(vm, &m);
		spin_unlock(&core_lock);
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
		if (vm->vcpu[i]) {
			timer_cancel_sync(&vm->vcpu[i]->apic.timer);
			for (unsigned n = 0; n < ALARMS; n++)
				timer_cancel_sync(&vm->vcpu[i]->alarm[n].timer);
		}
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpu[i]) {
			vcpu_free(vm->vcpu[i]);
			vm_account(vm, -3 * PAGE_SIZE);
		}
	while (vm->slot_count)
		slot_drop(vm, vm->slot_count - 1);
	for (unsigned i = 0; i < VM_ROOTS; i++)
		if (vm->root[i].root)
			paging_destroy(&vm->root[i], 0, 1ull << 48, true);
	if (vm->slots)
		core_page_free(vm->slots);
	object_put(&vm->owner->object);
	core_free(vm, sizeof(*vm));
}

static void vm_destroy(struct object *o)
{
	vm_free((struct vm *)o);
}
OBJECT_TYPE(OBJ_VM, "vm", vm_destroy);

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
	vm->slots = core_page_alloc();
	if (!vm->slots || root_init(vm, 0)) {
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

void vm_init(void)
{
	guest_vcpu_info = vm_vcpu_info;
}
