/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Legacy: the IDE channels and PCnet cards of this guest, connected to the disks and networks that
 * serve them. Numbers are ports of postern/channel.h: disk 0.., CD drives from 64 up, nic 0..
 *
 * All calls on the main thread; those that say so with the guest's lock held.
 */
#ifndef VMM_LEGACY_H
#define VMM_LEGACY_H

#include "module.h"

/* Makes the drive or card; the caller opens its connection. 0; -ENOSPC: no place left (two channels of two drives;
 * 8 cards); -ENOMEM. */
int ide_disk_make(unsigned port, const char *serial);
int pcnet_make(unsigned port);
/* Is this connection's port one of ours? */
bool ide_disk_owns(const struct connection *c);
bool pcnet_owns(const struct connection *c);

/* Lock held. */
int ide_disk_connected(struct connection *c);
void ide_disk_disconnected(struct connection *c);
void ide_disk_readable(struct connection *c);
bool ide_disk_settled(unsigned port); /* it has said what it is, or will not */
void ide_disk_reset(void);	      /* commands under way end without an answer */
bool ide_disk_abandon(uint64_t after); /* blk_front_abandon() on each */
bool ide_disk_quiet(void);	      /* nothing is on its way to or from the guest's RAM */

bool pcnet_settled(unsigned port); /* it has its address, or is not there */
int pcnet_connected(struct connection *c);
void pcnet_disconnected(struct connection *c);
void pcnet_readable(struct connection *c);

#endif
