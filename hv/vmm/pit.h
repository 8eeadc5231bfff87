/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PIT: the 8254 timer (channel 0 = interrupt 0, 1 = refresh, 2 = speaker and calibration), with the
 * PC's port 61h.
 *
 * Nothing ticks: counters are computed from the clock when they are read, and channel 0's next edge
 * is pit_deadline(), at which the owner calls pit_tick(). Times are nanoseconds of one monotonic
 * clock. Periodic edges that were missed, because nobody called in time, come after it, somewhat
 * faster: old kernels count them, and do not start when too few arrive.
 *
 * Source: Intel 8254 data sheet (231164); port 61h: Intel 82371SB (PIIX3) data sheet.
 */
#ifndef VMM_PIT_H
#define VMM_PIT_H

#include <stdint.h>
#include "line.h"

#define PIT_BASE 0x40 /* 4 ports */
#define PIT_PORT61 0x61
#define PIT_HZ 1193182
#define PIT_NEVER (~0ull)

struct pit_channel {
	uint32_t reload; /* 1..65536 (0 written) */
	uint16_t latch;
	uint8_t status_latch;
	uint8_t control; /* bits 0-5 of the control word: BCD, mode, access */
	bool gate, null_count, loaded;
	bool latched, status_latched;
	bool write_high, read_high; /* which byte of an access "low then high" comes next */
	uint8_t low;
	uint64_t start; /* when counting from `reload` began */
};

struct pit {
	struct pit_channel channel[3];
	uint8_t speaker; /* bits 0, 1 of port 61h: gate of channel 2, speaker data */
	uint64_t next;	 /* next rising edge of channel 0, or PIT_NEVER */
	uint64_t made;	 /* its edges since counting began */
	struct line irq; /* interrupt 0 */
};

void pit_reset(struct pit *p, uint64_t now);
uint8_t pit_read(struct pit *p, unsigned port, uint64_t now);
void pit_write(struct pit *p, unsigned port, uint8_t value, uint64_t now);
static inline uint64_t pit_deadline(const struct pit *p)
{
	return p->next;
}
/* Raises interrupt 0 if its time has come. */
void pit_tick(struct pit *p, uint64_t now);

#endif
