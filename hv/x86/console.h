/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the log is shown: the serial port and the screen. */
#ifndef X86_CONSOLE_H
#define X86_CONSOLE_H

#include <stddef.h>
#include <stdint.h>

void console_write(const char *text, size_t length); /* caller serialises */

void screen_init_early(void); /* in the bootstrap tables */
void screen_off(void);	      /* until the next */
void screen_init(void);	      /* in the final ones, the boot information known */
void screen_write(const char *text, size_t length);
int screen_line(char *out, unsigned size); /* what it is, in words */

void serial_init(void);

/* CTL_CONSOLE_RELEASE / TAKE: a driver owns the port, or it died. -ENODEV: the core never used that
 * port. */
int serial_release(uint16_t base);
int serial_take(uint16_t base);
int screen_release(void); /* -ENODEV: there is none */
int screen_take(void);
void console_panic(void); /* take everything back, whoever owns it */

#endif
