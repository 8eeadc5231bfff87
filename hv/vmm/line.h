/* SPDX-License-Identifier: GPL-2.0-only */
/* Line: an output wire of a device. Whoever connects the device says what happens when it changes.
 */
#ifndef VMM_LINE_H
#define VMM_LINE_H

#include <stdbool.h>

struct line {
	void (*set)(void *ctx, unsigned number, bool level); /* NULL: not connected */
	void *ctx;
	unsigned number;
};

static inline void line_set(const struct line *l, bool level)
{
	if (l->set)
		l->set(l->ctx, l->number, level);
}

#endif
