/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices: which PCI functions the machine has, as the provider of `bus.pci` tells, and which
 * module drives each. The manager claims them, and gives a driver their registers, interrupts and
 * DMA window in each of its lives.
 */
#ifndef MANAGER_DEVICES_H
#define MANAGER_DEVICES_H

#include "instance.h"

/* False: what is on the buses is not known yet, or (then its state is FAILED) it has no device here. */
bool devices_ready_for(struct instance *i);
/* After spawn, before START. 0 or a negative error. */
int devices_give(struct instance *i);
/* MSG_KEEP: memory for its next lives; the tag's earlier memory is let go. */
void devices_keep(struct instance *i, const struct message *m);
/* Asks the provider of bus.pci; *m becomes the reply. 0, or a negative error: -ENODEV nobody
 * provides it, -ETIMEDOUT, the reply's own. */
int pci_ask(struct message *m);
/* Lines for `resources`. */
void devices_show(const struct instance *i);
void devices_handles(durable_name *mark);

/* `dma = strict` of the configuration: functions that no IOMMU confines are given to nobody. */
extern bool devices_strict;

#endif
