/* SPDX-License-Identifier: GPL-2.0-only */
/* What link.c has for link_asked.c. */
#ifndef MANAGER_LINK_INSIDE_H
#define MANAGER_LINK_INSIDE_H

#include "link.h"

/* It is tried again in a while. */
void link_later(struct link *l);
/* Whether so many messages fit into its channel. What does not would be lost, with the handles that it names: a client
 * that asks for much at a time waits, and nobody else. */
bool link_has_room(const struct instance *i, unsigned messages);
/* What was handed over is its home's again; pause: after a while. */
void link_go_home(struct link *l, bool pause);
/* Who provides the class to the instance; NULL: nobody. */
struct instance *link_server_for(const struct instance *i, const char *class_);

#endif
