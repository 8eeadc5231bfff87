/* SPDX-License-Identifier: GPL-2.0-only */
/* Console: COM1's bytes between the UART and the connection of class `console`. */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

#include <stdint.h>

struct connection;

/* struct uart's sink; lock held. */
unsigned console_send(void *ctx, const uint8_t *bytes, unsigned n);
/* The same from the virtio console. */
unsigned console_write(const uint8_t *bytes, unsigned n);
/* The guest made room in the UART; lock held. */
void console_pump(void);
/* Main thread, without the lock. */
void console_event(void);
void console_readable(void);
void console_connected(struct connection *c);
void console_disconnected(struct connection *c);

#endif
