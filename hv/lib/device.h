/* SPDX-License-Identifier: GPL-2.0-only */
/* The main loop's side of the devices of module.h: what the manager gives before START. */
#ifndef LIB_DEVICE_H
#define LIB_DEVICE_H

#include "module.h"

void device_given(const struct message *m);
void device_bar_given(const struct message *m);
uint64_t device_irq_bits(void); /* of the main event */
void memory_given(const struct message *m); /* SHARED with connection 0: kept from earlier lives */

#endif
