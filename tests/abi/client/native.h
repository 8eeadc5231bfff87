/* SPDX-License-Identifier: GPL-2.0-only */
/* Native operations. */
#ifndef NATIVE_H
#define NATIVE_H

void native_fill(void **op);
void *native_nop(void);

#endif
