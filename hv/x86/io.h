/* SPDX-License-Identifier: GPL-2.0-only */
/* Port I/O. */
#ifndef X86_IO_H
#define X86_IO_H

#include <stdint.h>

/* in##suffix(port) and out##suffix(port, value) */
#define PORT_ACCESS(suffix, type)                                                 \
	static inline type in##suffix(uint16_t port)                              \
	{                                                                         \
		type v;                                                           \
		__asm__ volatile("in" #suffix " %1, %0" : "=a"(v) : "Nd"(port));  \
		return v;                                                         \
	}                                                                         \
	static inline void out##suffix(uint16_t port, type v)                     \
	{                                                                         \
		__asm__ volatile("out" #suffix " %0, %1" : : "a"(v), "Nd"(port)); \
	}
PORT_ACCESS(b, uint8_t)
PORT_ACCESS(w, uint16_t)
PORT_ACCESS(l, uint32_t)

#endif
