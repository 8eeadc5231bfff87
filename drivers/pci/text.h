/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines for people about a function. */
#ifndef PCI_TEXT_H
#define PCI_TEXT_H

#include "bus.h"

const char *text_class(uint32_t class_);
/* Line 0: the function; from 1 on its BARs. -ENOENT past the last. */
int text_line(const struct function *f, unsigned line, char *to, size_t bytes);
/* flags: enum irq_flag of syscall.h; pin 1 = INTA. */
void text_interrupt(unsigned pin, uint32_t gsi, uint32_t flags, char *to, size_t bytes);
void text_no_interrupt(unsigned pin, int error, char *to, size_t bytes);
/* What is wrong with it, as words; empty when nothing is. */
void text_faults(const struct function *f, char *to, size_t bytes);

#endif
