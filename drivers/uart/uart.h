/* SPDX-License-Identifier: GPL-2.0-only */
/* Registers of the 16550 UART, as offsets from its first port. Source: National Semiconductor
 * PC16550D data sheet, section 8. */
#ifndef UART_H
#define UART_H

#define UART_DATA 0 /* read: received byte, write: byte to send; with LCR_DLAB: divisor, low */
#define UART_IER 1  /* interrupt enable; with LCR_DLAB: divisor, high */
#define   IER_RECEIVED 0x01
#define   IER_SEND_EMPTY 0x02
#define   IER_LINE 0x04
#define UART_IIR 2 /* read: interrupt identification */
#define   IIR_NONE 0x01
#define UART_FCR 2 /* write: FIFO control */
#define   FCR_ENABLE 0x01
#define   FCR_TRIGGER_1 0x00
#define UART_LCR 3
#define   LCR_8N1 0x03
#define   LCR_DLAB 0x80
#define UART_MCR 4
#define   MCR_DTR_RTS 0x03
#define   MCR_OUT2 0x08 /* gates the interrupt line on the PC */
#define   MCR_LOOP 0x10
#define UART_LSR 5
#define   LSR_RECEIVED 0x01
#define   LSR_OVERRUN 0x02
#define   LSR_SEND_EMPTY 0x20 /* the FIFO takes 16 bytes */
#define   LSR_IDLE 0x40
#define UART_MSR 6
#define UART_SCRATCH 7

#define UART_FIFO 16
#define UART_DIVISOR_115200 1

/* How many bytes are read in a row before the others have their turn; a line that is stuck at
 * "received" reads for ever otherwise. */
#define UART_READ_LIMIT 256
#define UART_SEND_LIMIT 4096 /* bytes in a turn */

#endif
