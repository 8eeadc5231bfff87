/* SPDX-License-Identifier: GPL-2.0-only */
/* Stands in for hv/lib/module.h where a driver's port accesses shall reach a model: included ahead of everything
 * (unit-cflags). The test defines the functions. */
#ifndef UNIT_PORTS_H
#define UNIT_PORTS_H
#define LIB_MODULE_H

#include <stdint.h>
#include <postern/errno.h>
#include <postern/channel.h>

uint8_t port_in8(uint16_t port);
uint16_t port_in16(uint16_t port);
void port_out8(uint16_t port, uint8_t value);
void port_out16(uint16_t port, uint16_t value);
int module_fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
