/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSR: the model-specific registers that the core leaves to the VMM.
 *
 * Known ones are a table: constants, latches (read back what was written), or plain sinks, beside
 * MTRRs, which are kept and ignored (nested paging's own types rule). What is not in it is for the
 * guest's policy. One set serves all virtual processors: those that Linux writes, it writes alike.
 *
 * Source: AMD PPR for family 17h, 2.1.14; AMD APM volume 2, appendix A and 7.7 (MTRRs); Intel SDM
 * volume 4.
 */
#ifndef VMM_MSR_H
#define VMM_MSR_H

#include <stdint.h>

#define MSR_LATCHES 40
#define MTRR_VARIABLE 8

struct msr_set {
	uint64_t latch[MSR_LATCHES];
	uint64_t mtrr_base[MTRR_VARIABLE], mtrr_mask[MTRR_VARIABLE], mtrr_fixed[11], mtrr_default;
};

void msr_reset(struct msr_set *m);
/* 0; -ENOENT: not one of ours; -EINVAL: the write raises #GP. */
int msr_read(const struct msr_set *m, uint32_t index, uint64_t *value);
int msr_write(struct msr_set *m, uint32_t index, uint64_t value);

#endif
