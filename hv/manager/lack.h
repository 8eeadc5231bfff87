/* SPDX-License-Identifier: GPL-2.0-only */
/* Lack: why a service is not there: whose program it is, what became of that, and what to do. */
#ifndef MANAGER_LACK_H
#define MANAGER_LACK_H

#include "instance.h"

#define LACK_TEXT (INSTANCE_SENTENCE + GRAPH_REASON + 128)

/* False: who serves `class_` to `client` is ready, or on its way for the first time. Else the reason in `to`: a
 * clause that follows "service 'CLASS': ". */
bool lack_of_service(const struct instance *client, const char *class_, char *to, size_t size);
/* One of `list` that is not there, as "service 'CLASS': reason". False: none. */
bool lack_of_any(const struct instance *client, const struct manifest_list *list, char *to, size_t size);
/* It ended, and nobody has buried it yet: how. False: it did not. */
bool lack_by_death(const struct instance *i, char *to, size_t size);

#endif
