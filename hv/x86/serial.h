/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the log is shown: the first serial port. */
#ifndef X86_SERIAL_H
#define X86_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void serial_init(void);
bool serial_there(void);
void serial_write(const char *text, size_t length); /* caller serialises */

/* CTL_CONSOLE_RELEASE / TAKE: a driver owns the port, or it died. -ENODEV: the core never used that
 * port. */
int serial_release(uint16_t base);
int serial_take(uint16_t base);
void serial_panic(void); /* take it back, whoever owns it */

#endif
