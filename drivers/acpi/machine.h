/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the interpreter needs of the machine below it: the seam between our OS layer (osl.c) and
 * system calls (machine.c), or the simulated machine of a test.
 *
 * All functions return 0 or a negated error unless they say otherwise. One thread.
 */
#ifndef ACPI_MACHINE_H
#define ACPI_MACHINE_H

#include <stddef.h>
#include <stdint.h>

/* Physical address of the RSDP; 0: this machine has none. */
#define RSDP_UNKNOWN (~0ull) /* search the legacy places for it */
uint64_t machine_rsdp(void);

/* `bytes` of physical memory from `phys` on, readable and writable; NULL when it cannot be had
 * (RAM that the core manages; out of space). Undone by machine_unmap with the same pointer. */
void *machine_map(uint64_t phys, size_t bytes);
void machine_unmap(void *at, size_t bytes);

/* bits: 8, 16, 32. A port that this module may not use reads as ones and ignores writes: -EPERM. */
int machine_port_read(uint32_t port, unsigned bits, uint32_t *value);
int machine_port_write(uint32_t port, unsigned bits, uint32_t value);

/* Configuration space, segment 0. bdf = bus << 8 | device << 3 | function; width 1, 2, 4 bytes. */
int machine_config_read(uint32_t bdf, uint32_t reg, unsigned width, uint32_t *value);
int machine_config_write(uint32_t bdf, uint32_t reg, unsigned width, uint32_t value);

/* The system control interrupt; flags: enum irq_flag. The loop calls interpreter_interrupt(). */
int machine_interrupt_attach(uint32_t gsi, uint32_t flags);
void machine_interrupt_detach(void);

/* Between the steps of long work: whoever watches us hears that we go on. */
void machine_alive(void);
uint64_t machine_clock(void); /* nanoseconds since some fixed moment */
void machine_sleep(uint64_t ns);
void machine_spin(uint64_t ns);

/* One line without its newline. */
void machine_log(const char *line);

#endif
