/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hypercalls that the core answers: VMMCALL in CPL 0, number in EAX. Results are in EAX, or EDX:EAX where 64 bits
 * are said; all other registers are kept. In CPL 1 to 3 VMMCALL raises #UD. Numbers the core does not know go to
 * the guest's VMM. A negative result is -errno (postern/errno.h).
 *
 * Two groups. The base never changes. The rest belongs to the gateway ROM and to an epoch: numbers and registers may
 * differ in each, ROM and core are built for one (CONFIG_HYPERCALL_EPOCH), and the core may speak others too. Which
 * one a call is of is a matter of the page that it comes from (postern/vcpu.h, epoch), so that ROMs of two epochs can
 * serve one guest while one replaces the other. No guest relies on them: what a guest calls is the ROM (postern/vmi.h).
 *
 * Usable from assembler.
 */
#ifndef POSTERN_HYPERCALL_H
#define POSTERN_HYPERCALL_H

#define HYPERCALL_NULL 0 /* () -> 0. For measurement. */
/* EBX = epoch the caller speaks, ECX = features it uses (postern/gateway.h) -> 0; -ENOSYS: not the epoch of the page
 * that the call comes from, or this guest has no gateway. */
#define HYPERCALL_OPEN 0x506f0002
#define HYPERCALL_USES_PRIVATE (1 << 14) /* of the features: the private page, and it asks PRIVATE_CPUID */

#define HYPERCALL_EPOCH CONFIG_HYPERCALL_EPOCH
#define HYPERCALL_EPOCHS 2 /* 1 to 2 exist */
/* A hypervisor speaks its own epoch, older ones if it was built so (CONFIG_HYPERCALL_OLDER), never newer ones. */
#ifdef CONFIG_HYPERCALL_OLDER
#define HYPERCALL_OLDEST 1
#else
#define HYPERCALL_OLDEST CONFIG_HYPERCALL_EPOCH
#endif
#define HYPERCALL_SPOKEN(epoch) ((epoch) >= HYPERCALL_OLDEST && (epoch) <= HYPERCALL_EPOCH)

/*
 * What a ROM asks for, the same in all epochs: `a0` to `a4` are EAX, EDX, ECX and two words of the stack of the VMI call
 * that it serves. Counters, flags and levels are those of postern/vmi.h. Times are in cycles of the guest's TSC.
 *
 *   operation      arguments                        result
 *   BLOCK          -                                -       IF = 1 and wait for an interrupt, in one
 *   YIELD          -                                -       let others run
 *   IPI            mask of APIC ids 0-31, vector    0
 *   APIC_READ      offset                           value   xAPIC registers; others read as 0
 *   APIC_WRITE     offset, value                    -
 *   ICR            ICR low, ICR high                -       writes both, the low half last
 *   TIME_FREQUENCY -                                64 bits, Hz
 *   TIME_COUNTER   counter                          64 bits; unknown ones 0
 *   TIMER_SET      counter | flags, expiry low, expiry high, period low, period high   0
 *   TIMER_CANCEL   counter                          1 it was armed, 0 not
 *   WALLCLOCK      -                                64 bits, ns since 1970
 *   WALLCLOCK_SET  -                                1 it was set since the last question, 0 not
 *   AP_START       linear address of a vmi_ap_state, APIC id      0     (the VMM answers)
 *   MMU_SET        entry low, flags, linear address, entry high   -     the entry was stored already
 *   MMU_BATCH      count                            -       as many MMU_SET, from the private page
 *   MMU_UPDATED    linear address, flags            -       the guest changed it
 *   MMU_ALLOCATE   frame, flags, clone, first, count              -
 *   MMU_RELEASE    frame, flags                     -
 *   MMU_MAP        slot, address, pages, frame      -
 *   MMU_FLUSH      flags                            -
 *   MMU_INVALIDATE linear address                   -
 *   LAZY           mode                             -
 *   TRACE          call, EAX, EDX, ECX, first word of the stack  -  records a VMI call (the VMM answers)
 */

/* Epoch 1 has the shape and, where Xen has the call, the numbers of Xen's public interface (xen.h, sched.h, vcpu.h,
 * event_channel.h): EAX number, EBX command, ECX, EDX, ESI, EDI, EBP = a0 to a4. */
#define HC1_MMU_UPDATE 1    /* __HYPERVISOR_mmu_update */
#define HC1_VCPU_OP 24	    /* __HYPERVISOR_vcpu_op */
#define HC1_MMUEXT_OP 26    /* __HYPERVISOR_mmuext_op */
#define HC1_SCHED_OP 29	    /* __HYPERVISOR_sched_op */
#define HC1_EVENT_OP 32	    /* __HYPERVISOR_event_channel_op */
#define HC1_APIC_OP 48	    /* __HYPERVISOR_arch_0 */
#define HC1_TIME_OP 49	    /* __HYPERVISOR_arch_1 */
#define HC1_LAZY_OP 50	    /* __HYPERVISOR_arch_2 */
#define HC1_TRACE_OP 51	    /* __HYPERVISOR_arch_3 */

#define HC1_BLOCK HC1_SCHED_OP
#define HC1_BLOCK_COMMAND 1 /* SCHEDOP_block */
#define HC1_YIELD HC1_SCHED_OP
#define HC1_YIELD_COMMAND 0 /* SCHEDOP_yield */
#define HC1_IPI HC1_EVENT_OP
#define HC1_IPI_COMMAND 4 /* EVTCHNOP_send */
#define HC1_APIC_READ HC1_APIC_OP
#define HC1_APIC_READ_COMMAND 0
#define HC1_APIC_WRITE HC1_APIC_OP
#define HC1_APIC_WRITE_COMMAND 1
#define HC1_ICR HC1_APIC_OP
#define HC1_ICR_COMMAND 2
#define HC1_TIME_FREQUENCY HC1_TIME_OP
#define HC1_TIME_FREQUENCY_COMMAND 0
#define HC1_TIME_COUNTER HC1_VCPU_OP
#define HC1_TIME_COUNTER_COMMAND 4 /* VCPUOP_get_runstate_info */
#define HC1_TIMER_SET HC1_VCPU_OP
#define HC1_TIMER_SET_COMMAND 8 /* VCPUOP_set_singleshot_timer; a period may come with it */
#define HC1_TIMER_CANCEL HC1_VCPU_OP
#define HC1_TIMER_CANCEL_COMMAND 9 /* VCPUOP_stop_singleshot_timer */
#define HC1_WALLCLOCK HC1_TIME_OP
#define HC1_WALLCLOCK_COMMAND 1
#define HC1_WALLCLOCK_SET HC1_TIME_OP
#define HC1_WALLCLOCK_SET_COMMAND 2
#define HC1_AP_START HC1_VCPU_OP
#define HC1_AP_START_COMMAND 0 /* VCPUOP_initialise */
#define HC1_MMU_SET HC1_MMU_UPDATE
#define HC1_MMU_SET_COMMAND 0
#define HC1_MMU_UPDATED HC1_MMU_UPDATE
#define HC1_MMU_UPDATED_COMMAND 1
#define HC1_MMU_ALLOCATE HC1_MMUEXT_OP
#define HC1_MMU_ALLOCATE_COMMAND 0 /* MMUEXT_PIN_L1_TABLE */
#define HC1_MMU_RELEASE HC1_MMUEXT_OP
#define HC1_MMU_RELEASE_COMMAND 4 /* MMUEXT_UNPIN_TABLE */
#define HC1_MMU_FLUSH HC1_MMUEXT_OP
#define HC1_MMU_FLUSH_COMMAND 6 /* MMUEXT_TLB_FLUSH_LOCAL */
#define HC1_MMU_INVALIDATE HC1_MMUEXT_OP
#define HC1_MMU_INVALIDATE_COMMAND 7 /* MMUEXT_INVLPG_LOCAL */
#define HC1_MMU_MAP HC1_MMU_UPDATE
#define HC1_MMU_MAP_COMMAND 2
#define HC1_MMU_BATCH HC1_MMU_UPDATE
#define HC1_MMU_BATCH_COMMAND 3
#define HC1_LAZY HC1_LAZY_OP
#define HC1_LAZY_COMMAND 0
#define HC1_TRACE HC1_TRACE_OP
#define HC1_TRACE_COMMAND 0

/* Epoch 2: one number an operation, and registers near those of the VMI call, so that stubs move little: EAX number,
 * EBX, EDX, ECX, ESI, EDI = a0 to a4. */
#define HC2_BASE 0x50560200
#define HC2_APIC_WRITE (HC2_BASE + 0)
#define HC2_APIC_READ (HC2_BASE + 1)
#define HC2_TIMER_SET (HC2_BASE + 2)
#define HC2_TIMER_CANCEL (HC2_BASE + 3)
#define HC2_BLOCK (HC2_BASE + 4)
#define HC2_YIELD (HC2_BASE + 5)
#define HC2_IPI (HC2_BASE + 6)
#define HC2_TIME_COUNTER (HC2_BASE + 7)
#define HC2_TIME_FREQUENCY (HC2_BASE + 8)
#define HC2_WALLCLOCK (HC2_BASE + 9)
#define HC2_WALLCLOCK_SET (HC2_BASE + 10)
#define HC2_AP_START (HC2_BASE + 11)
#define HC2_LAZY (HC2_BASE + 12)
#define HC2_ICR (HC2_BASE + 13)
#define HC2_MMU_SET (HC2_BASE + 16)
#define HC2_MMU_UPDATED (HC2_BASE + 17)
#define HC2_MMU_ALLOCATE (HC2_BASE + 18)
#define HC2_MMU_RELEASE (HC2_BASE + 19)
#define HC2_MMU_FLUSH (HC2_BASE + 20)
#define HC2_MMU_INVALIDATE (HC2_BASE + 21)
#define HC2_MMU_MAP (HC2_BASE + 22)
#define HC2_MMU_BATCH (HC2_BASE + 23)
#define HC2_TRACE (HC2_BASE + 31)

/*
 * The private page of a processor (postern/gateway.h says where), shared by the core and the ROM that runs there: what is
 * so frequent that it shall not exit. The core touches it only while the processor is out of the guest. The same in all epochs;
 * grows at its end. What a guest does to it harms that guest alone.
 */
#define PRIVATE_EOI 0x00    /* u32; bit 0: the interrupt in service is ended by clearing this bit. 0: by APIC_WRITE */
#define PRIVATE_CPUID 0x04  /* u32; not 0: CPUID does not exit now, and shows the machine's; any exit ends that */
#define PRIVATE_ICR 0x08    /* u32 each; the ROM's: last values of ICR low and high */
#define PRIVATE_ICR2 0x0c
#define PRIVATE_LAZY 0x18   /* u32; the ROM's: mode of the last SetLazyMode. In mode 1 MMU_SET waits here until the mode changes, a */
#define PRIVATE_QUEUED 0x1c /* u32; flush, or there is no place. The entries are stored already: only word of them waits */
#define PRIVATE_QUEUE 0x40  /* entries of four words: entry low, flags, address, entry high */
#define PRIVATE_QUEUE_MAX 240
#define PRIVATE_STOLEN 0x10 /* u64; TSC ticks in which this processor wanted to run and others did */

#endif
