/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hypercalls that the core answers: VMMCALL in CPL 0, number in RAX, result in RAX, other registers kept.
 * In CPL 1 to 3 VMMCALL raises #UD. Numbers the core does not know go to the guest's VMM.
 */
#ifndef POSTERN_HYPERCALL_H
#define POSTERN_HYPERCALL_H

#define HYPERCALL_NULL 0 /* () -> 0. For measurement. */

#endif
