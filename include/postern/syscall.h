/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The system calls: what a ring-3 program asks of the core.
 *
 * Calling convention: SYSCALL; number in RAX, arguments in RDI, RSI, RDX, R10, R8, R9; result in RAX
 * (>= 0, or a negated error of errno.h). RCX and R11 are lost, all else is kept. Ring 3 never uses
 * the FPU: it holds guest state, and an FPU instruction ends the task (#NM).
 *
 * A handle names an object for one task: an index into that task's table, with rights and, on
 * events, a badge. A task names nothing that it was not given. Handle 0 is never in the table; where a
 * call takes a task, HANDLE_SELF means the caller.
 *
 * Pointers are user addresses of the caller, checked and copied by the core; a bad one is -EFAULT.
 * Sizes and addresses given to map calls are multiples of PAGE_SIZE.
 *
 * An unknown number is -ENOSYS. A call that names a handle it does not own gets -EBADF; a task that has
 * collected SYS_FAULT_LIMIT of -EBADF, -EFAULT and -ENOSYS is ended with a sentence.
 */
#ifndef POSTERN_SYSCALL_H
#define POSTERN_SYSCALL_H

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096
#define LARGE_PAGE_SIZE 0x200000
#define PAGE_ROUND_UP(bytes) (((bytes) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1ull))

#define HANDLE_SELF 0
#define SYS_FAULT_LIMIT 1000

/* Numbers. The list grows at its end; a number is never reused. `system` is a handle to the system
 * object, with the right named. */
#define SYS_NULL 0	      /* () -> 0. Does nothing; for measurement. */
#define SYS_LOG_WRITE 1	      /* (text, length <= 512). The core adds time and task name. A task's lines are 32 KiB at once, 4 KiB/s for
			       * long; those beyond are dropped, counted, and the count is a line ("NAME: 9 lines dropped") */
#define SYS_LOG_READ 2	      /* (system LOG, buffer, length, *position) -> bytes, at most 512; position counts from boot */
#define SYS_HANDLE_CLOSE 3    /* (handle) */
#define SYS_HANDLE_GRANT 4    /* (task, handle, rights, badge) -> handle in task. Rights and badge only shrink. */
#define SYS_MEM_CREATE 5      /* (bytes <= 512 GiB, MEM_* flags) -> memory */
#define SYS_MEM_CREATE_PHYS 6 /* (system PHYSMEM, phys, bytes, MEM_* flags) -> memory: MMIO, tables, boot files */
#define SYS_MEM_INFO 7	      /* (memory, struct mem_info *) */
#define SYS_MAP 8	      /* (task, memory, offset, va, bytes, MAP_* rights). Never WRITE with EXEC. */
#define SYS_UNMAP 9	      /* (task, va, bytes): earlier mappings, whole or in part */
#define SYS_TASK_CREATE 10    /* (system TASKS, name, CLASS_* and flags, heir of: a task or 0, bytes) -> task, also a budget. Its memory objects hold
			       * at most so many bytes together, populated or not; 0: a share of RAM for drivers, for others no limit */
#define SYS_TASK_KILL 11      /* (task, reason): ends its threads, closes its handles, frees it */
#define SYS_TASK_INFO 12      /* (task, struct task_info *) */
#define SYS_THREAD_CREATE 13  /* (task, entry, stack_top, argument) -> thread number; it starts at once */
#define SYS_THREAD_EXIT 14    /* (status). The last thread's end is the task's. */
#define SYS_YIELD 15	      /* () */
#define SYS_EVENT_CREATE 16   /* () -> event with all rights, badge ~0 */
#define SYS_EVENT_SIGNAL 17   /* (event, SIGNAL_*): ORs the handle's badge into the pending bits */
#define SYS_EVENT_WAIT 18     /* (event, mask, deadline ns) -> pending bits of mask, now cleared; 0: time-out */
#define SYS_EVENT_BIND 19     /* (task, event, bits): event is signalled with bits when the task ends */
#define SYS_IRQ_CREATE 20     /* (system IRQS, gsi or IRQ_MSI, IRQ_* flags | bdf << 32, event, bits) -> irq. MSI: the place of the
			       * function's MSI or MSI-X capability instead of flags; -ENODEV: there is none */
#define SYS_IRQ_ACK 21	      /* (irq): unmask a line after its device was served. MSI: nothing to do. */
#define SYS_PORT_GRANT 22     /* (system PORTS, task, first, count): I/O ports that task may use in ring 3 */
#define SYS_PCI_CONFIG 23     /* (system PCI, bdf << 16 | register, PCI_* | width, value) -> value */
#define SYS_VM_CREATE 24      /* (system VMS, flags 0) -> vm */
#define SYS_VM_MAP 25	      /* (vm, struct vm_mapping *, count <= 64) */
#define SYS_VM_IRQ 26	      /* (vm, VM_IRQ_*, a, b): MSI message, ExtINT line, EOI bitmap, NMI */
#define SYS_VCPU_CREATE 27    /* (vm, vcpu number, va of its run page) -> vcpu */
#define SYS_VCPU_RUN 28	      /* (vcpu) -> 0 with the exit record in the run page */
#define SYS_VCPU_KICK 29      /* (vcpu): its run, now or next, returns EXIT_KICKED. From any thread. */
#define SYS_VCPU_GET_STATE 30 /* (vcpu, struct vcpu_state *, bytes). -EBUSY while it runs. */
#define SYS_VCPU_SET_STATE 31 /* (vcpu, const struct vcpu_state *, bytes). -EBUSY while it runs. */
#define SYS_VCPU_SET_CPUID 32 /* (vcpu, const struct cpuid_entry *, count <= VCPU_CPUID_MAX) */
#define SYS_VCPU_APIC 33      /* (vcpu, register offset in the xAPIC page, APIC_*, value) -> value */
#define SYS_SYSTEM_INFO 34    /* (system INFO, INFO_*, index, buffer, bytes) -> bytes filled */
#define SYS_SYSTEM_CONTROL 35 /* (system POWER, CTL_*, argument) */
#define SYS_HANDLE_TAKE 36    /* (task, handle in its table, rights) -> handle in the caller's; that one needs GRANT */
#define SYS_DEVICE_CREATE 37  /* (system PCI, bdf, its PCI Express capability or 0) -> device: CONTROL, GRANT. -EBUSY: there is one */
#define SYS_DEVICE_CONTROL 38 /* (device, DEVICE_*, argument) -> by operation */
#define SYS_DEVICE_DMA 39     /* (device, memory, offset, bytes, struct dma_extent *, count <= 512) -> extents filled */
#define SYS_VM_DOORBELL 40    /* (vm, I/O port, event or 0, bits): an OUT there signals and does not leave the core */
#define SYS_IRQ_MESSAGE 41    /* (irq with GRANT) -> address | data << 32: for its capability or table, by who made it. -ENODEV: a line */
#define SYS_MEM_GIVE 42 /* (MEM_GUEST memory CONTROL, offset, 1: give, 0: take back): 2 MiB of it */
#define SYS_COUNT 43

#ifndef __ASSEMBLY__
#include <stdint.h>

/* Rights on a handle. GRANT is needed to pass a handle on. */
enum right {
	RIGHT_READ = 1 << 0,	/* memory: map readable */
	RIGHT_WRITE = 1 << 1,	/* memory: map writable */
	RIGHT_EXEC = 1 << 2,	/* memory: map executable */
	RIGHT_SIGNAL = 1 << 3,	/* event */
	RIGHT_WAIT = 1 << 4,	/* event */
	RIGHT_CONTROL = 1 << 5, /* task, vm, vcpu, irq: change it */
	RIGHT_GRANT = 1 << 6,	/* pass on */
	RIGHT_PHYS = 1 << 7,	/* memory: learn physical addresses, use for DMA */
	/* The system handle, one bit a power, so that a module gets only what its manifest names. */
	RIGHT_LOG = 1 << 16,	 /* read the log */
	RIGHT_TASKS = 1 << 17,	 /* create tasks */
	RIGHT_PHYSMEM = 1 << 18, /* memory objects over physical ranges outside RAM the core manages */
	RIGHT_PORTS = 1 << 19,	 /* grant ports */
	RIGHT_IRQS = 1 << 20,	 /* create irqs */
	RIGHT_PCI = 1 << 21,	 /* PCI configuration space */
	RIGHT_VMS = 1 << 22,	 /* create virtual machines */
	RIGHT_INFO = 1 << 23,	 /* read the inventory */
	RIGHT_POWER = 1 << 24,	 /* reset, exit, console switches */
	RIGHT_ALL = 0x7fffffff
};

/* SYS_MEM_CREATE flags. Frames come zeroed. Without POPULATE they come at first touch, 2 MiB at a
 * time where object and mapping allow; the whole size is set aside at creation, so a touch never fails. */
enum mem_flag {
	MEM_POPULATE = 1 << 0,	 /* allocate all frames now */
	MEM_CONTIGUOUS = 1 << 1, /* and physically contiguous, <= 2 MiB; SYS_MEM_INFO tells where */
	MEM_GUEST = 1 << 3,	 /* guest RAM: counted apart in the inventory */
	MEM_UNCACHED = 1 << 4,	 /* PHYS only: device registers */
	MEM_WRITECOMB = 1 << 5,	 /* PHYS only: framebuffers */
};

/* SYS_MEM_GIVE returns the 2 MiB at offset (a multiple) to the machine, with what they hold, and what was set aside for
 * them: whoever maps them sees one page of the object's, again and again, until they are taken back, empty (-ENOMEM: the
 * machine has no room now). -EBUSY: it is so already; or a device was given some of them (DEVICE_DMA), or the core
 * maps some (VCPU_CREATE, EOI word): such memory stays as long as the object. What was given back no device gets. */
struct mem_info {
	uint64_t bytes;
	uint64_t populated; /* bytes with frames behind them */
	uint64_t phys;	    /* of offset 0 when CONTIGUOUS or PHYS and the handle has RIGHT_PHYS, else 0 */
	uint32_t flags;
	uint32_t mappings;
};

enum map_right { MAP_READ = 1, MAP_WRITE = 2, MAP_EXEC = 4 };

/* Scheduling classes, best first. Drivers have a budget per period, past which they run as guests do. */
enum sched_class { CLASS_HEARTBEAT, CLASS_DRIVER, CLASS_GUEST, CLASS_COUNT };

/* TASK_CREATE, beside the class: the handles stay in the table when the task ends, as long as a handle to the task does. A
 * new task that is made its heir gets them all, under the same numbers. The heir of one that still lives: -EBUSY. */
#define TASK_KEEPS_HANDLES 0x100

/* Why a task ended. */
enum task_end {
	TASK_ALIVE,
	TASK_EXITED,  /* its last thread called THREAD_EXIT; detail = status */
	TASK_KILLED,  /* TASK_KILL; detail = reason */
	TASK_FAULTED, /* a processor exception; detail = vector; address and rip below */
	TASK_MISUSED, /* too many bad system calls; detail = last number */
	TASK_DMA,     /* its device was stopped by the IOMMU; detail = bdf; address below, 0: not known */
};

struct task_info {
	char name[16];
	uint32_t id;
	uint32_t class_;
	uint32_t end; /* enum task_end */
	uint32_t threads;
	int64_t detail;
	uint64_t address, rip; /* of the fault */
	uint64_t cpu_ns;       /* processor time used by all its threads */
	uint64_t memory;       /* bytes of frames in objects it created (not guest RAM) */
	uint64_t guest_memory; /* bytes of MEM_GUEST frames populated */
	uint64_t core_memory;  /* bytes of core memory that serve it (page tables, stacks, VMCBs) */
	uint32_t handles, syscall_faults;
	uint64_t tables; /* physical address of its top page table; 0: it has ended */
};

/* EVENT_SIGNAL: a guest's thread that this wakes need not go before another guest at once; it does when it is behind by the
 * length of a turn, or nobody else of guests' level waits. */
#define SIGNAL_CALM 1
/* EVENT_WAIT deadline: nanoseconds of CLOCK (start.h; zero at boot). 0 polls. */
#define WAIT_FOREVER (~0ull)

/* IRQ_CREATE */
#define IRQ_MSI 0xffffffffull
enum irq_flag { IRQ_LEVEL = 1 << 0, IRQ_LOW = 1 << 1 };

/* PCI_CONFIG third argument: PCI_READ or PCI_WRITE, ORed with the width in bytes (1, 2, 4). bdf = bus << 8
 * | device << 3 | function; registers 0..255. */
#define PCI_READ 0
#define PCI_WRITE 0x100

/* A device is one PCI function as its driver holds it: bus mastering, and what it reaches by DMA. It
 * belongs to the task that it was granted to last. At that task's end, and at DEVICE_QUIESCE, the core
 * revokes in this order: interrupts masked (line and MSI), bus mastering off and read back, wait until
 * quiet (bounded), DMA window detached, only then the memory behind it let go: memory objects
 * stay whole until then, whoever closed their handles. Granting it again wakes it up. */
enum device_op {
	DEVICE_MASTER,	 /* argument 1, 0: bus mastering on, off (and read back: -EIO if it stays) */
	DEVICE_QUIESCE,	 /* the revocation above; 0, or -EIO when it would not become quiet */
	DEVICE_CONFINED, /* -> 1: an IOMMU confines its DMA, 0: unconfined */
	DEVICE_RELEASE,	 /* argument memory with PHYS: takes it out of what the device reaches. The driver says that the
			     * device is done with it. -ENOENT: it was not there */
};

/* DEVICE_DMA adds [offset, offset + bytes) of memory, whole pages, to what the device reaches: to read
 * if the handle has READ, to write if WRITE; it needs RIGHT_PHYS. Frames that are not there yet are made (2 MiB at
 * a time where possible) and stay pinned until the device is revoked. The extents are in order, for the
 * device's registers: bus addresses; fewer than all when `count` is too small (-E2BIG). The same range may be
 * added again: it costs nothing and tells the addresses. */
struct dma_extent {
	uint64_t address;
	uint64_t bytes;
};

enum vm_irq_op {
	VM_IRQ_MSI,	   /* a = address, b = data, as a device would write them */
	VM_IRQ_EXTINT,	   /* a = line level 0/1, to the virtual processors that take ExtINT */
	VM_IRQ_EOI_BITMAP, /* a = index 0..3, b = 64 vectors: EOI of these exits to the VMM (level lines) */
	VM_IRQ_NMI,	   /* a = vcpu number */
};

/* VM_MAP: guest-physical [gpa, gpa + bytes) shows memory from offset on with rights MAP_*; memory 0
 * unmaps. An access to anything unmapped, or without the right, exits to the VMM as EXIT_MMIO. A new
 * mapping may replace an old one, all of it or part. root: which page-table root (0 for now). */
struct vm_mapping {
	uint64_t gpa;
	uint64_t bytes;
	uint64_t offset;
	uint32_t memory;
	uint16_t rights;
	uint16_t root;
};

/* VCPU_APIC: the registers of the xAPIC page as they are stored, whatever the mode; what can be written is the VMM's to know.
 * ISR, TMR and IRR are up to date. EOI, ICR, ESR, TPR and the timer's do what they do. */
#define APIC_RAISE 0x290 /* written: errors, as bits of ESR, come */
#define APIC_READ 0
#define APIC_WRITE 1
#define APIC_EOI_WORD 2 /* value: address of 4 bytes of the caller's (of the guest's RAM) with KVM's paravirtual EOI, 0: none.
			 * Bit 0 set there: the interrupt in service ends by clearing it. A reset or INIT forgets it */

/* SYSTEM_INFO fills one record of the kind for index 0, 1, ... and returns its size; -ENOENT past the end. */
enum system_info {
	INFO_CPU,     /* struct info_cpu */
	INFO_MEMORY,  /* struct info_memory, index 0 */
	INFO_TASK,    /* struct task_info */
	INFO_VCPU,    /* struct info_vcpu */
	INFO_IRQ = 5, /* struct info_irq */
};

struct info_cpu {
	uint32_t id, apic_id;
	uint64_t idle_ns, switches, interrupts;
	uint32_t engine; /* 1 when virtualization is on here */
	uint32_t pad;
};

struct info_memory {
	uint64_t free;	   /* bytes of free frames */
	uint64_t reserved; /* set aside for objects and not yet populated */
	uint64_t core_pool, core_pool_used; /* the core's own; what of it is in use */
};

#define EXIT_KINDS 32
struct info_vcpu {
	char task[16];
	uint32_t task_id, number;
	uint32_t cpu, activity;	    /* enum vcpu_activity of vcpu.h */
	uint64_t runs;		    /* entries into the guest */
	uint64_t exits[EXIT_KINDS]; /* by enum exit_count of vcpu.h */
	uint64_t guest_ns;
};

struct info_irq {
	uint32_t vector, gsi; /* gsi IRQ_MSI: an MSI */
	uint32_t bdf, cpu;
	uint64_t count, unexpected;
	char task[16];
};


enum system_control {
	CTL_RESET,	     /* reset the machine (FADT reset register, 0xCF9, i8042, triple fault) */
	CTL_CONSOLE_RELEASE = 2, /* the core stops writing to the serial port at I/O base `argument`: a driver owns it */
	CTL_CONSOLE_TAKE,    /* and starts again (the driver died). Both: -> the log's position (SYS_LOG_READ) there;
				-ENODEV when the core never wrote there. */
	CTL_PANIC,	     /* test of the panic path */
};

#endif /* __ASSEMBLY__ */
#endif
