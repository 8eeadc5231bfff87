// SPDX-License-Identifier: GPL-2.0-only
// The virtual processor, without the processor vendor: creation, the run loop, requests, counters.
#include "core/frame.h"
#include "core/guest.h"
#include "core/log.h"
#include "core/memory.h"
#include "core/sched.h"
#include "core/string.h"
#include "engine/engine.h"
#include <postern/errno.h>

struct vcpu *vcpu_find(struct vm *vm, uint32_t number)
{
	return number < VM_VCPUS_MAX ? __atomic_load_n(&vm->vcpu[number], __ATOMIC_ACQUIRE) : NULL;
}

/* The barrier is between setting the request here and looking at in_guest; the runner sets
 * in_guest, then looks at the requests. A sleeper holds v->lock from its last look until it counts
 * as blocked. */
void vcpu_request(struct vcpu *v, uint32_t requests)
{
	struct thread *sleeper;

	__atomic_fetch_or(&v->requests, requests, __ATOMIC_SEQ_CST);
	if (v->in_guest) {
		struct cpu *cpu = v->cpu;

		if (cpu != this_cpu())
			cpu_kick(cpu->id);
		return;
	}
	if (!__atomic_load_n(&v->sleeper, __ATOMIC_SEQ_CST))
		return;
	spin_lock(&v->lock);
	sleeper = v->sleeper;
	v->sleeper = NULL;
	spin_unlock(&v->lock);
	if (sleeper)
		sched_wake(sleeper);
}

void vcpu_fill_exit(struct vcpu *v, enum exit_reason reason, bool all)
{
	v->run->reason = reason;
	v->exits[COUNT_TO_VMM]++;
	v->vm->engine->exit_state(v, all);
}

/* Would a halted processor go on? (APM 3, HLT) */
static bool wakes(struct vcpu *v)
{
	if (v->nmi_pending)
		return true;
	return v->vm->engine->open_to(v) & OPEN_WAKE &&
	       (vapic_deliverable(v) || (v->vm->extint && vapic_takes_extint(v)));
}

static void exit_to_vmm(struct vcpu *v, enum exit_reason reason, enum exit_count count)
{
	v->exits[count]++;
	vcpu_fill_exit(v, reason, false);
}

/* Bring pending events in, best first. True: the VMM has to answer first. */
static bool bring_events(struct vcpu *v)
{
	const struct engine *e = v->vm->engine;

	if (v->nmi_pending && !(e->open_to(v) & OPEN_NMI)) {
		e->nmi_window(v);
	} else if (v->nmi_pending && e->open_to(v) & OPEN_EVENT) {
		v->nmi_pending = false;
		e->inject(v, &(struct event_info){.vector = 2, .type = EVENT_NMI}, 0);
	} else if (v->nmi_pending) {
		/* Another event goes first. Our own IPI is pending by then and brings us back. */
		__atomic_fetch_or(&v->requests, REQ_EVENT, __ATOMIC_SEQ_CST);
		cpu_kick(v->cpu->id);
	}
	if (v->vm->extint && vapic_takes_extint(v)) {
		if (e->open_to(v) & OPEN_INTERRUPT) {
			exit_to_vmm(v, EXIT_INTA, COUNT_INTA);
			return true;
		}
		e->window(v);
		return false;
	}
	vapic_offer(v);
	e->interrupt(v, vapic_pending(v));
	return false;
}

/* The exit record is filled; what else was asked for has to be seen again. */
static int come_out(struct vcpu *v, enum exit_reason reason, enum exit_count count, uint32_t again)
{
	__atomic_fetch_or(&v->requests, REQ_EVENT | again, __ATOMIC_SEQ_CST);
	exit_to_vmm(v, reason, count);
	return 1;
}

/* Look at all that may have to be done before the next entry. 0: enter. 1: the exit record is
 * filled. -EAGAIN: nothing to run until somebody asks for something. */
static int prepare(struct vcpu *v)
{
	uint32_t requests = __atomic_exchange_n(&v->requests, 0, __ATOMIC_SEQ_CST);

	v->vm->engine->interrupt(v, 0); /* all that waits is in the IRR from here on */
	vapic_settle(v);
	if (requests & REQ_FLUSH)
		v->vm->engine->flush(v);
	if (requests & REQ_NMI)
		v->nmi_pending = true;
	if (requests & REQ_INIT)
		return come_out(v, EXIT_INIT, COUNT_OTHER, requests & (REQ_KICK | REQ_SIPI));
	if (requests & REQ_SIPI && v->activity == VCPU_WAIT_SIPI) {
		v->run->startup.vector = v->sipi;
		return come_out(v, EXIT_STARTUP, COUNT_OTHER, requests & REQ_KICK);
	}
	if (requests & REQ_KICK || v->run->stop)
		return come_out(v, EXIT_KICKED, COUNT_KICK, 0);
	if (v->apic.eoi_exit >= 0) {
		v->run->eoi.vector = (uint32_t)v->apic.eoi_exit;
		v->apic.eoi_exit = -1;
		return come_out(v, EXIT_EOI, COUNT_EOI, 0);
	}
	switch (v->activity) {
	case VCPU_SHUTDOWN:
		exit_to_vmm(v, EXIT_SHUTDOWN, COUNT_SHUTDOWN);
		return 1;
	case VCPU_HALTED:
		if (!wakes(v))
			return -EAGAIN;
		v->activity = VCPU_RUNNABLE;
		break;
	case VCPU_WAIT_SIPI:
		return -EAGAIN;
	default:
		break;
	}
	return bring_events(v);
}

static void arrive(struct vcpu *v)
{
	v->cpu = this_cpu();
	__atomic_store_n(&v->in_guest, 1, __ATOMIC_SEQ_CST);
}

/* Sleep until somebody sets a request. -EINTR: the task ends. */
static int sleep_until_asked(struct vcpu *v)
{
	int error;

	v->in_guest = 0;
	spin_lock(&v->lock);
	__atomic_store_n(&v->sleeper, current_thread(), __ATOMIC_SEQ_CST);
	if (v->requests) {
		v->sleeper = NULL;
		spin_unlock(&v->lock);
		error = 0;
	} else {
		error = sched_block(&v->lock, WAIT_FOREVER);
		__atomic_store_n(&v->sleeper, NULL, __ATOMIC_SEQ_CST);
	}
	arrive(v);
	return error;
}

/* Give the CPU away; perhaps go on on another. -EINTR: the task ends. */
static int give_way(struct vcpu *v)
{
	uint64_t from = rdtsc();
	int error;

	v->in_guest = 0;
	error = sched_check();
	arrive(v);
	v->stolen += rdtsc() - from;
	if (v->private)
		v->private->stolen = v->stolen;
	return error;
}

static void take_answers(struct vcpu *v)
{
	struct vcpu_run *run = v->run;
	uint32_t flags = run->flags;

	run->flags = 0;
	if (flags & RUN_SET_RIP)
		v->vm->engine->take(v);
	if (flags & RUN_GATEWAY)
		v->vm->engine->watch_faults(v);
	if (!(flags & RUN_INJECT))
		return;
	v->vm->engine->inject(v,
			      &(struct event_info){.vector = run->inject_vector,
						   .type = run->inject_type,
						   .has_error = run->inject_has_error,
						   .error = run->inject_error},
			      run->inject_address);
	__atomic_fetch_or(&v->requests, REQ_EVENT, __ATOMIC_SEQ_CST);
}

/* The run loop. The fast one is inside engine->run: it comes back for requests, the scheduler, HLT
 * and the VMM. */
static int run_loop(struct vcpu *v)
{
	enum verdict (*run)(struct vcpu *) = v->vm->engine->run;
	int result;

	for (;;) {
		if (v->cpu->resched && (result = give_way(v)))
			return result;
		if (v->requests || v->run->stop || v->activity != VCPU_RUNNABLE) {
			result = prepare(v);
			if (result > 0)
				return 0;
			if (result == -EAGAIN) {
				if (v->run->halt_port)
					vm_doorbell(v->vm, v->run->halt_port);
				result = sleep_until_asked(v);
				if (result)
					return result;
				continue;
			}
		}
		if (run(v) == RUN_TO_VMM)
			return 0;
	}
}

static void thread_leaves_cpu(struct thread *thread)
{
	fpu_save_here();
}

static int64_t kick(void *object, struct syscall_args *a)
{
	vcpu_request(object, REQ_KICK);
	return 0;
}
SYSCALL_ON(SYS_VCPU_KICK, OBJ_VCPU, RIGHT_CONTROL, kick);

typedef int64_t vcpu_call(struct vcpu *v, struct syscall_args *a);

/* Calls that need a vcpu nobody runs. Inline, as SYS_VCPU_RUN is in the way of every exit to the
 * VMM. */
static inline __attribute__((always_inline)) int64_t with_claimed(struct syscall_args *a,
								  vcpu_call *call)
{
	int error = 0;
	struct vcpu *v = (struct vcpu *)handle_get((uint32_t)a->a, OBJ_VCPU, RIGHT_CONTROL, &error);
	int64_t result = -EBUSY;

	if (!v)
		return error;
	if (!__atomic_exchange_n(&v->claimed, 1, __ATOMIC_ACQUIRE)) {
		result = call(v, a);
		__atomic_store_n(&v->claimed, 0, __ATOMIC_RELEASE);
	}
	object_put_unlocked(&v->object);
	return result;
}
#define SYSCALL_CLAIMED(n, fn)                            \
	static int64_t fn##_entry(struct syscall_args *a) \
	{                                                 \
		return with_claimed(a, fn);               \
	}                                                 \
	SYSCALL(n, fn##_entry)

static int64_t run(struct vcpu *v, struct syscall_args *a)
{
	struct thread *thread = current_thread();
	uint64_t start = rdtsc();
	int error;

	thread->vcpu = v;
	thread->switched_out = thread_leaves_cpu;
	arrive(v);
	if (v->fpu_cpu && v->fpu_cpu != v->cpu)
		fpu_unload(v);
	if (v->run->flags)
		take_answers(v);
	error = run_loop(v);
	v->in_guest = 0;
	thread->vcpu = NULL;
	v->guest_cycles += rdtsc() - start;
	return error;
}
SYSCALL_CLAIMED(SYS_VCPU_RUN, run);

static int64_t pass_state(struct vcpu *v, const struct syscall_args *a, bool set)
{
	struct vcpu_state *s;
	int64_t result;

	_Static_assert(sizeof(*s) <= 4096, "core_alloc gives at most a page");
	if (a->c != sizeof(*s))
		return -EINVAL;
	s = core_alloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	fpu_unload(v);
	if (set)
		result = copy_from_user(s, a->b, sizeof(*s)) ?: vcpu_set_state(v, s);
	else
		result = vcpu_get_state(v, s) ?: copy_to_user(a->b, s, sizeof(*s));
	core_free(s, sizeof(*s));
	return result;
}

static int64_t get_state(struct vcpu *v, struct syscall_args *a)
{
	return pass_state(v, a, false);
}
SYSCALL_CLAIMED(SYS_VCPU_GET_STATE, get_state);

static int64_t set_state(struct vcpu *v, struct syscall_args *a)
{
	return pass_state(v, a, true);
}
SYSCALL_CLAIMED(SYS_VCPU_SET_STATE, set_state);

static int64_t set_cpuid(struct vcpu *v, struct syscall_args *a)
{
	struct cpuid_table *t = &v->cpuid;
	int error;

	if (a->c > VCPU_CPUID_MAX)
		return -E2BIG;
	error = copy_from_user(t->entry, a->b, sizeof(t->entry[0]) * a->c);
	t->count = error ? 0 : (uint32_t)a->c;
	return error;
}
SYSCALL_CLAIMED(SYS_VCPU_SET_CPUID, set_cpuid);

/* The page at `va` of the caller, mapped for the core too. */
static int map_page(uint64_t va, void **page, struct memory **memory)
{
	uint64_t offset, span, phys;
	struct memory *m;

	if (va & (PAGE_SIZE - 1))
		return -EINVAL;
	m = task_memory_at(current_task(), va, MAP_READ | MAP_WRITE, &offset);
	if (!m)
		return -EFAULT;
	phys = memory_frame(m, offset, FRAME_PINNED, &span);
	if (phys)
		*page = core_map_page(phys);
	if (!*page) {
		object_put_unlocked(&m->object);
		return -ENOMEM;
	}
	*memory = m;
	return 0;
}

/* The old page is let go whether or not it is in use any more: a reset only forgets the word. */
static int set_eoi_word(struct vcpu *v, uint64_t va)
{
	struct memory *m = NULL, *old_memory = v->eoi_memory;
	void *page = NULL, *old = v->eoi_page;
	int error = va & 3 ? -EINVAL : 0;

	if (!error && va)
		error = map_page(va & ~(PAGE_SIZE - 1ull), &page, &m);
	if (error)
		return error;
	vapic_settle(v);
	vapic_withdraw(v);
	v->eoi_page = page;
	v->eoi_memory = m;
	v->eoi_word = page	? (uint32_t *)((char *)page + va % PAGE_SIZE)
		      : v->private ? &v->private->eoi
				   : NULL;
	if (old)
		core_unmap_page(old);
	if (old)
		object_put_unlocked(&old_memory->object);
	return 0;
}

static int64_t access_apic(struct vcpu *v, struct syscall_args *a)
{
	if (a->b > 0x3f0 || a->b & 15)
		return -EINVAL;
	if (a->c == APIC_EOI_WORD)
		return set_eoi_word(v, a->d);
	v->exits[COUNT_APIC_MMIO]++;
	if (a->c == APIC_READ)
		return vapic_read(v, (unsigned)a->b);
	if (a->c != APIC_WRITE)
		return -EINVAL;
	vapic_write(v, (unsigned)a->b, (uint32_t)a->d);
	return 0;
}
SYSCALL_CLAIMED(SYS_VCPU_APIC, access_apic);

static int map_pages(struct vcpu *v, uint64_t va)
{
	uint64_t run = va & ~(uint64_t)VCPU_PRIVATE;
	int error = map_page(run, (void **)&v->run, &v->run_memory);

	if (!error && va & VCPU_PRIVATE)
		error = map_page(run + PAGE_SIZE, (void **)&v->private, &v->private_memory);
	return error;
}

static void unmap_page(void *page, struct memory *m)
{
	if (page)
		core_unmap_page(page);
	if (m)
		object_put(&m->object);
}

static int add_to_vm(struct vm *vm, struct vcpu *v)
{
	int error = 0;

	spin_lock(&vm->lock);
	if (vm->vcpu[v->number]) {
		error = -EEXIST;
	} else {
		__atomic_store_n(&vm->vcpu[v->number], v, __ATOMIC_RELEASE);
		if (vm->vcpu_count <= v->number)
			vm->vcpu_count = v->number + 1;
		vm_account(vm, 3 * PAGE_SIZE);
	}
	spin_unlock(&vm->lock);
	return error;
}

static int vcpu_create(struct vm *vm, uint32_t number, uint64_t run_va, struct vcpu **out)
{
	struct vcpu *v = core_alloc(vm->engine->vcpu_bytes);
	int error;

	if (!v)
		return -ENOMEM;
	object_init(&v->object, OBJ_VCPU);
	v->vm = vm;
	v->number = number;
	v->cpu = this_cpu();
	v->fpu = core_page_alloc();
	vtimers_init(v);
	error = v->fpu ? map_pages(v, run_va) : -ENOMEM;
	if (!error)
		error = vm->engine->vcpu_init(v);
	if (!error) {
		vapic_forget(v);
		v->requests = REQ_EVENT;
		error = add_to_vm(vm, v);
	}
	if (error) {
		spin_lock(&core_lock);
		vcpu_free(v);
		spin_unlock(&core_lock);
		return error;
	}
	object_get(&vm->object);
	*out = v;
	return 0;
}

/* Nobody runs it, nobody has a handle; core_lock is held. */
void vcpu_free(struct vcpu *v)
{
	const struct engine *e = v->vm->engine;

	vtimers_stop(v);
	fpu_unload(v);
	unmap_page(v->run, v->run_memory);
	unmap_page(v->private, v->private_memory);
	unmap_page(v->eoi_page, v->eoi_memory);
	e->vcpu_destroy(v);
	if (v->fpu)
		core_page_free(v->fpu);
	core_free(v, e->vcpu_bytes);
}

static int64_t create(void *vm, struct syscall_args *a)
{
	struct vcpu *v;
	int error = a->b >= VM_VCPUS_MAX ? -EINVAL : vcpu_create(vm, (uint32_t)a->b, a->c, &v);

	return error ? error : handle_new(&v->object, RIGHT_CONTROL | RIGHT_GRANT, 0);
}
SYSCALL_ON(SYS_VCPU_CREATE, OBJ_VM, RIGHT_CONTROL, create);

/* The last handle is gone: nobody can run it. Its memory stays until the vm's end, because others
 * of the vm may be sending to it. */
static void vcpu_object_destroy(struct object *o)
{
	struct vcpu *v = (struct vcpu *)o;

	object_put(&v->vm->object);
}
OBJECT_TYPE(OBJ_VCPU, vcpu_object_destroy);
