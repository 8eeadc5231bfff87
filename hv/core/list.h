/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists linked one way, by a pointer in what they link. */
#ifndef CORE_LIST_H
#define CORE_LIST_H

/* Take item, which is in the list that begins at `head`, out of it; `link` is the pointer's name.
 */
#define list_unlink(head, item, link)            \
	do {                                     \
		__typeof__(item) *at_ = &(head); \
		while (*at_ != (item))           \
			at_ = &(*at_)->link;     \
		*at_ = (item)->link;             \
	} while (0)

#endif
