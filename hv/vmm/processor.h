/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processor: what happens to a virtual processor's state as a whole: reset, INIT, STARTUP, and the
 * registers that are part of it and seldom touched (EFER, PAT, DEBUGCTL, TSC, TSC_ADJUST, TSC_AUX, the APIC base).
 *
 * Pure functions on the state. Those that change it leave in `valid` the parts that SYS_VCPU_SET_STATE
 * is to take. Manuals: AMD APM 2, 14.1 (reset, INIT), 11.5.2 (XCR0), 7.8.1 (PAT); Intel SDM 3, 11.12.5 (APIC modes).
 */
#ifndef VMM_PROCESSOR_H
#define VMM_PROCESSOR_H

#include <stdbool.h>
#include <stdint.h>
#include <postern/vcpu.h>

/* All of it, version and size, too; the first processor runs, the others wait for STARTUP. */
void processor_reset(struct vcpu_state *s, unsigned number);
/* From the state as it is. */
void processor_init(struct vcpu_state *s, unsigned number);
void processor_startup(struct vcpu_state *s, uint8_t vector);

bool processor_has_msr(uint32_t index);
uint64_t processor_read_msr(const struct vcpu_state *s, uint32_t index);
/* False: #GP. */
bool processor_write_msr(struct vcpu_state *s, uint32_t index, uint64_t value);

#endif
