/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PIC: the PC's pair of 8259A interrupt controllers, cascaded on line 2, with the edge/level
 * registers of the PIIX.
 *
 * The pair's output drives the virtual processors' ExtINT line; the core asks for the vector with
 * EXIT_INTA, which pic_acknowledge() answers. No call here allocates, fails or blocks.
 *
 * Source: Intel 8259A data sheet (231468); Intel 82371SB (PIIX3) data sheet, registers 4D0h, 4D1h.
 */
#ifndef VMM_PIC_H
#define VMM_PIC_H

#include <stdint.h>
#include "line.h"

#define PIC_MASTER 0x20 /* 2 ports */
#define PIC_SLAVE 0xa0	/* 2 ports */
#define PIC_ELCR 0x4d0	/* 2 ports: a bit a line, 1 = level-triggered */

struct pic_chip {
	uint8_t irr, isr, imr, lines; /* requests, in service, mask, present levels */
	uint8_t elcr, elcr_mask;
	uint8_t base;	/* vector of input 0 */
	uint8_t lowest; /* input with the lowest priority (rotation) */
	uint8_t init;	/* which ICW comes next: 0 none, 2, 3, 4 */
	bool icw4, auto_eoi, rotate_on_auto_eoi, special_mask, special_nested;
	bool read_isr, poll;
};

struct pic {
	struct pic_chip chip[2]; /* master, slave */
	struct line output;	 /* INTR of the master */
	bool level;		 /* of the output, as last told */
};

void pic_reset(struct pic *p);				    /* keeps the output's connection */
void pic_set_line(struct pic *p, unsigned irq, bool level); /* irq 0..15, 2 is ignored */
uint8_t pic_read(struct pic *p, unsigned port);
void pic_write(struct pic *p, unsigned port, uint8_t value);
/* The interrupt acknowledge cycle: the vector, spurious (input 7) if the request is gone. */
uint8_t pic_acknowledge(struct pic *p);

#endif
