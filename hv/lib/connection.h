/* SPDX-License-Identifier: GPL-2.0-only */
/* The main loop's side of the connections of module.h. */
#ifndef LIB_CONNECTION_H
#define LIB_CONNECTION_H

#include "module.h"

void connection_open(const struct message *m);
void connection_close(const struct message *m);
void connection_peer(const struct message *m);
void connection_terms(const struct message *m);
void connection_shared(const struct message *m);
/* The peers of these bits signalled. */
void connection_serve(uint64_t bits);
/* For a verb that waits: the heartbeat is answered, other messages of the manager are kept for the
 * main loop. How many are kept. */
int module_defer_control(void);

#endif
