/* SPDX-License-Identifier: GPL-2.0-only */
/* Included ahead of everything (unit-cflags) where a driver's port accesses and system calls shall reach a model: the test
 * defines these functions. */
#ifndef UNIT_PORTS_H
#define UNIT_PORTS_H

#define port_in8 machine_in8
#define port_in16 machine_in16
#define port_out8 machine_out8
#define port_out16 machine_out16
#include "hv/lib/module.h"
#undef port_in8
#undef port_in16
#undef port_out8
#undef port_out16

#define LIB_SYSCALLS_H
#include <postern/syscall.h>

uint8_t port_in8(uint16_t port);
uint16_t port_in16(uint16_t port);
void port_out8(uint16_t port, uint8_t value);
void port_out16(uint16_t port, uint16_t value);
int64_t sys_unmap(uint32_t task, uint64_t va, uint64_t bytes);

#endif
