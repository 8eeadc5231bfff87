// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control: the main thread: makes the guest, serves the manager's commands and the devices'
 * deadlines.
 *
 * Whatever needs the virtual processors at rest is an action: it is noted, all processors are
 * stopped, and when the last one has parked the main thread does it.
 *
 *   STARTING -> RUNNING <-> PAUSED
 *                  |  ^
 *              end |  | RESET
 *                  v  |
 *                 ENDED
 */
#include "clock.h"
#include <cpuid.h>
#include "log.h"
#include "module.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "syscalls.h"
#include <postern/manifest.h>
#include "console.h"
#include "cpuid.h"
#include "guest.h"
#include "screen.h"
#include "virtio_devices.h"

MODULE_MANIFEST("name = vmm\n"
		"version = 1.0\n"
		"licence = GPL-2.0-only\n"
		"about = runs one guest\n"
		"rights = vms\n"
		"opens = disk nic display\n"
		"class = guest\n"
		"start = guest\n"
		"safe = yes\n");

struct guest guest;

static struct timer deadline;

void guest_lock(void)
{
	mutex_lock(&guest.lock);
}

void guest_unlock(void)
{
	mutex_unlock(&guest.lock);
}

/* --- deadlines of the devices --------------------------------------------------------------- */

static void arm(void);

static void deadline_expired(struct timer *t)
{
	arm();
}

static void arm(void)
{
	uint64_t next;

	guest_lock();
	platform_tick();
	next = platform_deadline();
	guest.armed = next;
	guest_unlock();
	if (next == WAIT_FOREVER)
		timer_cancel(&deadline);
	else
		timer_set(&deadline, next, deadline_expired);
}

void control_deadline(uint64_t next)
{
	if (next < guest.armed) {
		guest.armed = next;
		module_signal(EVENT_DEADLINE);
	}
}

/* --- state and ends --------------------------------------------------------------------------- */

static void report_state(enum guest_state state)
{
	struct message m = {.kind = MSG_GUEST_STATE};

	guest.state = state;
	m.guest.state = state;
	m.guest.cpus = guest.cpus;
	m.guest.memory = guest.ram.bytes;
	m.guest.first_ns = guest.first_ns;
	m.guest.resets = guest.resets;
	module_send(&m);
}

static void report_end(enum guest_end how, uint32_t value, const char *sentence)
{
	struct message m = {.kind = MSG_GUEST_ENDED};

	m.ended.how = how;
	m.ended.value = value;
	m.ended.pass_on = how == END_DEBUG_EXIT && guest.debug_exit_machine;
	module_sentence("%s", sentence);
	guest.state = GUEST_ENDED_STATE;
	module_send(&m);
}

/* Lock held. An end outranks a pause and a reset; the first end counts. */
bool control_begin(enum action action)
{
	if (guest.action >= action)
		return false;
	guest.action = action;
	vcpu_stop_all();
	return true;
}

void guest_end(enum guest_end how, uint32_t value, const char *format, ...)
{
	va_list args;

	guest_lock();
	if (guest.action != ACTION_END) {
		va_start(args, format);
		vsnprintf(guest.end_sentence, sizeof(guest.end_sentence), format, args);
		va_end(args);
		guest.end_how = how;
		guest.end_value = value;
		control_begin(ACTION_END);
	}
	guest_unlock();
}

/*
 * Loading a large initrd can take seconds, in which the main thread has to answer the manager: a
 * thread of its own does it. All processors are parked meanwhile, or have not begun.
 */
static struct {
	uint32_t event;
	bool busy, loaded;
	int result;
	struct boot_error error;
} loader;

static int load(struct boot_error *error)
{
	int e;

	bool whole;

	devices_quiesce();
	guest_lock();
	platform_reset();
	whole = virtio_balloon_whole();
	guest_unlock();
	if (!whole)
		return boot_fail(error, -ENOMEM, "the memory that its balloon gave back is not free any more");
	e = boot_load(&guest.ram, &guest.boot, &guest.start, error);
	guest.boot.fresh = false;
	if (e)
		return e;
	gateway_set_up();
	e = vcpu_reset_all();
	return e ? boot_fail(error, e, "the core refuses the processors' first state") : 0;
}

static void load_thread(void *argument)
{
	while (!guest.quit) {
		loader.result = load(&loader.error);
		module_signal(EVENT_LOADED);
		sys_event_wait(loader.event, ~0ull, WAIT_FOREVER);
	}
}

/* The kernel is loaded; the guest begins when its disks are known too. */
static void loaded(void)
{
	int e = loader.result;

	if (!loader.loaded)
		return;
	if (!e && !devices_settled())
		return;
	loader.busy = loader.loaded = false;
	guest.first_ns = clock_ns();
	if (!e && !guest.threads) {
		e = vcpu_start_all();
		guest.threads = true;
		if (e)
			boot_fail(&loader.error, e, "no thread for a virtual processor");
	} else if (!e) {
		guest_lock();
		guest.action = ACTION_NONE;
		vcpu_unpark_all();
		guest_unlock();
	}
	if (e) {
		report_end(END_REFUSED, 0, loader.error.text);
		return;
	}
	arm();
	report_state(GUEST_RUNNING);
}

static void restart(void)
{
	if (loader.busy)
		return;
	loader.busy = true;
	guest.resets++;
	report_state(GUEST_STARTING);
	sys_event_signal(loader.event);
}

static void act(void)
{
	enum action action;

	guest_lock();
	action = guest.parked == guest.cpus ? guest.action : ACTION_NONE;
	if (action != ACTION_NONE)
		gateway_parked();
	if (action == ACTION_PAUSE || action == ACTION_SWAP)
		guest.action = ACTION_NONE;
	if (action == ACTION_SWAP)
		vcpu_unpark_all();
	guest_unlock();
	if (action != ACTION_NONE)
		gateway_report(action == ACTION_SWAP);
	switch (action) {
	case ACTION_PAUSE:
		report_state(GUEST_PAUSED);
		break;
	case ACTION_RESET:
		restart();
		break;
	case ACTION_END:
		if (guest.end_how == END_RESET && guest.reset_restarts) {
			log_line("guest %s %s", guest.name, guest.end_sentence);
			restart();
		} else {
			report_end(guest.end_how, guest.end_value, guest.end_sentence);
		}
		break;
	case ACTION_SWAP:
	case ACTION_NONE:
		break;
	}
}

static void resume(void)
{
	if (guest.state != GUEST_PAUSED)
		return;
	guest_lock();
	vcpu_unpark_all();
	guest_unlock();
	report_state(GUEST_RUNNING);
}

static void reset(void)
{
	if (!guest.threads)
		return;
	if (guest.state == GUEST_RUNNING) {
		guest_lock();
		control_begin(ACTION_RESET);
		guest_unlock();
	} else {
		restart();
	}
}

static uint64_t number(const struct message *m)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < sizeof(m->text) && m->text[i] >= '0' && m->text[i] <= '9'; i++)
		n = n * 10 + (m->text[i] - '0');
	return n;
}

static void control(const struct message *m)
{
	switch (m->kind) {
	case MSG_GUEST_PAUSE:
		if (guest.state != GUEST_RUNNING)
			break;
		guest_lock();
		control_begin(ACTION_PAUSE);
		guest_unlock();
		break;
	case MSG_GUEST_RESUME:
		resume();
		break;
	case MSG_GUEST_RESET:
		reset();
		break;
	case MSG_GUEST_STOP:
		if (guest.state == GUEST_RUNNING)
			guest_end(END_STOPPED, 0, "stopped");
		else if (guest.state == GUEST_PAUSED)
			report_end(END_STOPPED, 0, "stopped");
		break;
	case MSG_GUEST_QUERY:
		report_state(guest.state);
		break;
	case MSG_GUEST_ROM:
		gateway_replace(m);
		break;
	case MSG_GUEST_TRACE:
		trace_answer(m);
		break;
	case MSG_GUEST_BALLOON:
		guest_lock();
		virtio_balloon_ask(m->text[0] ? number(m) : BALLOON_SAY);
		guest_unlock();
		break;
	case MSG_GUEST_POWER_BUTTON:
		guest_lock();
		pm_power_button(&guest.pm);
		guest_unlock();
		break;
	}
}

static void event(uint64_t bits)
{
	if (bits & EVENT_LOADED)
		loader.loaded = true;
	if (bits & (EVENT_LOADED | EVENT_SETTLED))
		loaded();
	if (bits & EVENT_PARKED)
		act();
	if (bits & EVENT_DEADLINE)
		arm();
	if (bits & EVENT_CONSOLE)
		console_event();
	if (bits & EVENT_VIRTIO) {
		guest_lock();
		virtio_event(bits & EVENT_VIRTIO);
		guest_unlock();
	}
}

/* --- making the guest ------------------------------------------------------------------------ */

static struct cpuid_regs host_cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_regs r;

	__cpuid_count(leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx);
	return r;
}

static int make_ram(struct boot_error *error)
{
	uint64_t bytes = guest.ram.bytes, va = space_reserve(bytes);
	int64_t memory = sys_mem_create(bytes, MEM_GUEST), e;

	if (memory < 0)
		return boot_fail(error, memory,
				 "%llu MiB of memory are not free: make `memory` smaller",
				 (unsigned long long)bytes >> 20);
	e = va ? sys_map(HANDLE_SELF, memory, 0, va, bytes, MAP_READ | MAP_WRITE) : -ENOMEM;
	if (e < 0)
		return boot_fail(error, e, "the guest's memory cannot be mapped: error %lld",
				 (long long)e);
	guest.memory = memory;
	ram_init(&guest.ram, (uint8_t *)va, bytes);
	return 0;
}

#define RAM_RIGHTS (MAP_READ | MAP_WRITE | MAP_EXEC)

static int map_ram(void)
{
	const struct ram *r = &guest.ram;
	struct vm_mapping m[3];
	unsigned n = 0;

	m[n++] = (struct vm_mapping){.bytes = r->low < RAM_VGA ? r->low : RAM_VGA,
				     .memory = guest.memory,
				     .rights = RAM_RIGHTS};
	if (r->low > RAM_ROM)
		m[n++] = (struct vm_mapping){.gpa = RAM_ROM,
					     .bytes = r->low - RAM_ROM,
					     .offset = RAM_ROM,
					     .memory = guest.memory,
					     .rights = RAM_RIGHTS};
	if (r->high)
		m[n++] = (struct vm_mapping){.gpa = RAM_HIGH,
					     .bytes = r->high,
					     .offset = r->low,
					     .memory = guest.memory,
					     .rights = RAM_RIGHTS};
	return sys_vm_map(guest.vm, m, n);
}

/*
 * ECAM as memory that the guest reads without an exit: the slots that may hold devices, all ones where none is.
 * Writes are not among the rights, and the other slots are not mapped: both come here.
 */
static int map_ecam(void)
{
	int64_t memory = sys_mem_create(ECAM_DEVICE_BYTES, 0);
	struct vm_mapping m = {.gpa = ECAM_BASE, .bytes = ECAM_DEVICE_BYTES, .rights = MAP_READ};
	uint8_t *at;

	if (memory < 0)
		return memory;
	at = space_map(memory, ECAM_DEVICE_BYTES, MAP_READ | MAP_WRITE);
	if (!at)
		return -ENOMEM;
	memset(at, 0xff, ECAM_DEVICE_BYTES);
	guest.pci.pages = at;
	pci_function_init(&guest.host_bridge, pci_page(&guest.pci, 0), 0x1b36, 0x0008, 0x060000);
	pci_add(&guest.pci, 0, &guest.host_bridge);
	m.memory = memory;
	return sys_vm_map(guest.vm, &m, 1);
}

static int make_vm(struct boot_error *error)
{
	struct cpuid_policy policy = {.cpus = guest.cpus,
				      .tsc_khz = clock_tsc_khz(),
				      .x2apic = guest.x2apic,
				      .known_hypervisor = true,
				      .host = host_cpuid};
	const struct cpuid_entry *sizes;
	int64_t e = sys_vm_create(module_start()->system);

	if (e < 0)
		return boot_fail(error, e, "the core makes no virtual machine: error %lld",
				 (long long)e);
	guest.vm = e;
	guest.cpuid_count = cpuid_build(guest.cpuid, &policy);
	sizes = cpuid_find(guest.cpuid, guest.cpuid_count, 0x80000008, 0);
	guest.phys_bits = sizes && (sizes->eax & 0xff) >= 32 ? sizes->eax & 0xff : 40;
	e = map_ram();
	if (!e)
		e = map_ecam();
	if (e < 0)
		return boot_fail(error, e, "the guest's memory map is refused: error %lld",
				 (long long)e);
	e = vcpu_create_all();
	if (e < 0)
		return boot_fail(error, e, "virtual processors cannot be made: error %lld",
				 (long long)e);
	return 0;
}

static int probe(void)
{
	struct boot_error error = {""};
	int e = config_read(&error);

	guest.armed = WAIT_FOREVER;
	guest.boot.fresh = true;
	if (!e)
		e = make_ram(&error);
	if (!e)
		e = make_vm(&error);
	if (e) {
		report_end(END_REFUSED, 0, error.text);
		return 0; /* the program is well; the manager decides */
	}
	platform_init();
	e = devices_make(&error);
	if (!e)
		e = screen_make(&error);
	if (e) {
		report_end(END_REFUSED, 0, error.text);
		return 0;
	}
	guest.boot.vga = screen_exists();
	report_state(GUEST_STARTING);
	loader.busy = true;
	loader.event = sys_event_create();
	e = thread_create(load_thread, NULL, 0);
	if (e < 0)
		report_end(END_REFUSED, 0, "no thread that loads the guest");
	return 0;
}

/* Threads that run guests end as soon as they come out. */
static void remove_guest(void)
{
	guest.quit = true;
	if (loader.event)
		sys_event_signal(loader.event);
	if (!guest.threads)
		return;
	guest_lock();
	vcpu_stop_all();
	for (unsigned n = 0; n < guest.cpus; n++)
		sys_event_signal(guest.vcpu[n].event);
	guest_unlock();
}

static int connected(struct connection *c)
{
	int e;

	if (!screen_connected(c))
		return 0;
	if (c->role != ROLE_CLIENT)
		return -EINVAL;
	if (!strcmp(c->class_, "console")) {
		console_connected(c);
		return 0;
	}
	guest_lock();
	e = devices_connected(c);
	guest_unlock();
	return e;
}

static void disconnected(struct connection *c)
{
	if (screen_disconnected(c))
		return;
	if (!strcmp(c->class_, "console")) {
		console_disconnected(c);
		return;
	}
	guest_lock();
	devices_disconnected(c);
	guest_unlock();
}

static void readable(struct connection *c)
{
	if (screen_readable(c))
		return;
	if (!strcmp(c->class_, "console")) {
		console_readable();
		return;
	}
	guest_lock();
	devices_readable(c);
	guest_unlock();
}

const struct module_ops module = {
	.probe = probe,
	.remove = remove_guest,
	.connected = connected,
	.disconnected = disconnected,
	.readable = readable,
	.control = control,
	.event = event,
};
