/* SPDX-License-Identifier: GPL-2.0-only */
/* Recover: the first minutes of a manager that is not the first. */
#ifndef MANAGER_RECOVER_H
#define MANAGER_RECOVER_H

/* Fills the durable variables from what the last life committed, once everything that follows from
 * configuration and archive is there. 1: go on with recover(); 0: there is nothing; negative: refused, logged. */
int recover_load(void);
/* What no durable variable names goes: handles, and tasks behind them. Only in a life that is not the first. */
void recover_sweep(void);
/* Channels, connections, timers: as they were; then whatever was missed. */
void recover(void);

#endif
