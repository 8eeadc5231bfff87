/* SPDX-License-Identifier: GPL-2.0-only */
/* What start.S calls, and what the parts of the library share. */
#ifndef LIB_INIT_H
#define LIB_INIT_H

#include <postern/start.h>

_Noreturn void lib_start(const struct start_info *start);
_Noreturn void thread_begin(void *record);
void thread_entry(void);
const struct start_info *start_page(void);
int main(void);

#endif
