/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual local APIC: registers in xAPIC layout, reached by MMIO (SYS_VCPU_APIC) or x2APIC
 * MSRs. Manual: APM 2, chapter 16; Intel SDM 3, chapter 11.
 *
 * The IRR and TMR are written by anyone, atomically; all else by the thread that claimed the vcpu.
 */
#ifndef ENGINE_VAPIC_H
#define ENGINE_VAPIC_H

#include <stdbool.h>
#include <stdint.h>
#include "core/sched.h"
#include "x86/apic.h"

struct vcpu;
struct vm;

enum delivery {
	DELIVERY_FIXED,
	DELIVERY_LOWEST,
	DELIVERY_SMI,
	DELIVERY_NMI = 4,
	DELIVERY_INIT,
	DELIVERY_SIPI,
	DELIVERY_EXTINT
};

struct vapic {
	uint32_t reg[64] __attribute__((aligned(8))); /* [offset / 16] */
	uint64_t base;				      /* MSR 0x1b */
	uint32_t errors;			      /* ESR bits since it was last written */
	bool eoi_offered; /* in *eoi_word; nobody may end it twice */
	int32_t eoi_exit; /* vector whose EOI the VMM has yet to hear of, -1 none */
	uint64_t deadline; /* guest TSC, while its timer is armed in that mode */
};

/* A message: what an ICR write, an MSI or an IO-APIC entry says. */
struct vapic_message {
	uint32_t destination; /* x2APIC width; 8 bits from xAPIC sources, see `wide` */
	uint8_t vector, delivery;
	bool logical, level, wide;
};

static inline bool vapic_x2(const struct vapic *a)
{
	return (a->base & (APIC_BASE_X2 | APIC_BASE_ON)) == (APIC_BASE_X2 | APIC_BASE_ON);
}

/* Is this an access to what is often used of the xAPIC's page, which the core answers alone? */
bool vapic_answers(const struct vcpu *v, uint32_t offset, bool write);
/* Any register, offset a multiple of 16 below 0x400 (callers check). Who writes others than those knows what they can hold. */
uint32_t vapic_read(struct vcpu *v, unsigned offset);
void vapic_write(struct vcpu *v, unsigned offset, uint32_t value);
/* What is often used of x2APIC's MSRs, and the timer's deadline; counted. False: the VMM's. */
bool vapic_msr(struct vcpu *v, uint32_t index, bool write, uint64_t *value);

/* From any thread or timer. */
void vapic_post(struct vcpu *v, unsigned vector, bool level);
void vapic_send(struct vm *vm, const struct vapic_message *m);
void vapic_msi(struct vm *vm, uint64_t address, uint32_t data);

/* Highest vector that no interrupt in service masks, 0 none. The TPR is the engine's to compare. */
unsigned vapic_pending(struct vcpu *v);
/* The same, and above the TPR: would wake a halted processor. */
bool vapic_deliverable(struct vcpu *v);
/* By vcpu->eoi_word, without an exit: what the guest has ended there; may it end the next one there? Or no more? */
void vapic_settle(struct vcpu *v);
void vapic_offer(struct vcpu *v);
void vapic_withdraw(struct vcpu *v);
void vapic_forget(struct vcpu *v); /* another state comes: the word, and what the VMM had to hear of */
/* From the IRR to the processor, which delivers it without an exit: what is posted meanwhile is another one. And
 * back; or the guest took it: to the ISR. */
void vapic_hand(struct vcpu *v, unsigned vector);
void vapic_take_back(struct vcpu *v, unsigned vector);
void vapic_accept(struct vcpu *v, unsigned vector);
bool vapic_takes_extint(const struct vcpu *v);
/* NMI through LINT1 is not modelled as a line: VM_IRQ_NMI goes to the vcpu. */

#endif
