/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Run: asks the ROM's get_reloc for a call, by interpreting its instructions with the ROM at a
 * given address. It may read the ROM and use its stack, nothing else: a get_reloc that does more is
 * not understood, which is a finding.
 */
#ifndef ROMCHECK_RUN_H
#define ROMCHECK_RUN_H

#include "code.h"

struct run_result {
	uint32_t eip;	/* EAX */
	uint8_t type;	/* DL */
	uint32_t upper; /* EDX >> 8 */
	uint32_t failed_at;
	char why[80]; /* "" when it returned */
};

void run_get_reloc(struct code *c, uint32_t base, uint32_t number, struct run_result *result);

#endif
