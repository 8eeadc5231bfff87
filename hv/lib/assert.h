/* SPDX-License-Identifier: GPL-2.0-only */
/* An assert that fails logs a sentence and ends the program; its manager starts it anew. */
#undef assert
#define assert(e_) ((e_) ? (void)0 : assert_failed(#e_, __FILE__, __LINE__))

#ifndef LIB_ASSERT_H
#define LIB_ASSERT_H
_Noreturn void assert_failed(const char *what, const char *file, int line);
#define static_assert _Static_assert
#endif
