/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest: all that this process holds of its one guest.
 *
 * Threads: one a virtual processor (vcpu.c), one that loads kernels, and the main thread
 * (control.c), which serves the manager, the console and the devices' deadlines. `lock` guards the
 * devices and the fields so marked; the IO space takes it around device calls.
 */
#ifndef VMM_GUEST_H
#define VMM_GUEST_H

#include <stdbool.h>
#include <stdint.h>
#include "thread.h"
#include <postern/channel.h>
#include <postern/vcpu.h>
#include "boot.h"
#include "decode.h"
#include "gateway.h"
#include "io.h"
#include "ioapic.h"
#include "kvmclock.h"
#include "lapic.h"
#include "msr.h"
#include "pci.h"
#include "pic.h"
#include "pit.h"
#include "pm.h"
#include "ram.h"
#include "rtc.h"
#include "uart.h"

#define GUEST_CPUS_MAX 64

/* What a guest's access to something that is not there does. */
enum policy { POLICY_FAULT, POLICY_ZERO, POLICY_IGNORE };

struct vcpu {
	struct vcpu_run *run; /* a page */
	uint32_t handle, number;
	struct lapic lapic;
	uint32_t event;	 /* wakes it when it is parked */
	uintptr_t stack; /* an address near the top of its thread's stack */
	struct insn_cache cache;
	bool hold, held; /* ap_start.c: shall stand aside until this is false; does so */
	bool prepared; /* the next STARTUP starts it with the registers it has */
	uint32_t iret_site; /* gateway_fault.c: the last one that was sure, 0 none */
	uint64_t eoi_word; /* MSR_KVM_PV_EOI */
	bool gpa_used; /* mmio.c: the exit's address was taken for an access already */
};

/* What the main thread shall do when all processors are parked; guarded by lock. */
enum action { ACTION_NONE, ACTION_SWAP, ACTION_PAUSE, ACTION_RESET, ACTION_END };

struct guest {
	char name[16];
	struct ram ram;
	uint32_t memory, vm, run_pages; /* handles */
	unsigned cpus;
	struct vcpu *vcpu; /* `cpus` of them */
	uint8_t phys_bits;
	unsigned cpuid_count;
	struct cpuid_entry cpuid[VCPU_CPUID_MAX]; /* but for what differs between its processors */

	struct mutex lock;
	struct io_space io;
	struct mmio_space mmio;
	struct pic pic;
	struct pit pit;
	struct rtc rtc;
	struct ioapic ioapic;
	struct uart uart;
	struct pm pm;
	struct pci pci;
	struct pci_function host_bridge;
	unsigned pci_wires; /* the levels of its interrupt wires */
	struct msr_set msr;
	struct kvmclock clock;
	uint64_t armed; /* the devices' next deadline as the main thread knows it */
	uint8_t reset_control, post_code, system_control;

	enum policy unknown_msr, unknown_port, unknown_mmio;
	bool reset_restarts; /* on-reset = restart: done here, the manager only hears of it */
	bool debug_exit_machine, x2apic;
	int debug_exit, debug_con; /* ports, -1 none */
	unsigned reports;	   /* lines about unknown accesses so far */

	enum action action;
	enum guest_state state;
	enum guest_end end_how;
	uint32_t end_value;
	char end_sentence[256];
	unsigned parked;
	bool quit;    /* threads end instead of parking */
	bool threads; /* they exist */
	uint64_t first_ns;
	uint32_t resets;

	struct gateway_request gateway_request;
	struct gateway gateway;
	struct boot_request boot;
	struct boot_start start;
};

extern struct guest guest;

/* config.c: the guest's section, into `guest`; opens its files. 0 or a negative error with *error
 * filled. */
int config_read(struct boot_error *error);

/* platform.c: the devices, their wires and ports. */
void platform_init(void);
void platform_reset(void);
void platform_connect(struct line *l, unsigned irq); /* a device's wire to an ISA interrupt */
void platform_line(unsigned irq, bool level); /* an ISA interrupt; lock held */
void platform_pulse(unsigned irq); /* an edge on an ISA interrupt; lock held */
void platform_tick(void);	  /* devices whose time has come; lock held */
uint64_t platform_deadline(void); /* lock held */

/* control.c: from any thread, without the lock. */
void guest_end(enum guest_end how, uint32_t value, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void guest_lock(void);
void guest_unlock(void);
/* lock held: `next` may be sooner than the main thread's timer */
void control_deadline(uint64_t next);
/* lock held: false when something as grave is under way */
bool control_begin(enum action action);
/* Bits of the main event. */
#define EVENT_DEADLINE (1ull << 48)
#define EVENT_PARKED (1ull << 49)
#define EVENT_CONSOLE (1ull << 50)
#define EVENT_LOADED (1ull << 51)
#define EVENT_SETTLED (1ull << 52) /* 54..62: virtio.h */

/* gateway_control.c */
void gateway_set_up(void); /* puts the ROM there before the guest starts; no processor runs */
void gateway_replace(const struct message *m); /* main thread: MSG_GUEST_ROM */
void gateway_parked(void);  /* main thread, lock held, all processors parked */
void gateway_fault(struct vcpu *v); /* EXIT_GATEWAY */
/* Main thread: what became of it, to the manager; when the guest goes on, after its turn. */
void gateway_report(bool goes_on);

/* vcpu.c */
int vcpu_create_all(void);
int vcpu_reset_all(void);
int vcpu_start_all(void);
void vcpu_stop_all(void);   /* lock held; each parks as soon as it can */
void vcpu_unpark_all(void); /* lock held */

/* mmio.c: exits that need the decoder. */
void mmio_exit(struct vcpu *v);
void mmio_string_io(struct vcpu *v);
void insn_exit(struct vcpu *v);
/* Code bytes (INSN_MAX_LENGTH of them) at the instruction pointer: how many could be read, 0 none.
 */
struct emul_cpu;
unsigned mmio_fetch(struct vcpu *v, const struct emul_cpu *cpu, uint8_t *bytes);
/* What lies at a linear address, as the kernel of the guest sees it at this exit. False: not all of it is RAM. */
bool mmio_peek(struct vcpu *v, uint32_t linear, void *to, unsigned bytes);

/* hypercall.c: what the gateway asks that only the VMM knows. False: nothing that it asks. */
bool hypercall_serve(struct vcpu *v);
void hypercall_describe(struct vcpu_run *r); /* which ones the core answers, and how they look */

/* ap_start.c: VMI call 62 of processor `v`: the vmi_ap_state at a linear address is that of processor `id` from its STARTUP on. */
void ap_start(struct vcpu *v, uint32_t at, uint32_t id);
/* What loading a selector with this descriptor gives; false: a fault. Pure. */
bool ap_descriptor(uint16_t selector, uint64_t descriptor, struct segment *s);

/* trace.c: VMI calls that a trace ROM reports. `a`: call, EAX, EDX, ECX, first word of the stack. */
void trace_call(unsigned cpu, const uint32_t *a);
void trace_answer(const struct message *m); /* main thread: MSG_GUEST_TRACE */

/* report.c: accesses that nobody answers. True: answer with zero or drop it; false: fault. */
bool report_unknown(struct vcpu *v, enum policy policy, const char *what, uint64_t address,
		    unsigned size, bool write, uint64_t value);
struct vcpu *vcpu_current(void); /* of this thread; NULL on the main thread */
void vcpu_inject(struct vcpu *v, uint8_t vector, bool has_error, uint32_t error, uint64_t address);
void vcpu_triple_fault(struct vcpu *v); /* ends the guest, with its registers in a sentence */

#endif
