/* SPDX-License-Identifier: GPL-2.0-only */
/* The functions that the machine's PCI buses have. bdf = bus << 8 | device << 3 | function. */
#ifndef PCI_BUS_H
#define PCI_BUS_H

#include "config.h"

#define FUNCTIONS_MAX 512

struct function {
	uint32_t bdf;
	struct description is;
	struct bar bar[BARS_MAX];
	bool sized;
	uint16_t faults;   /* of the BARs; those of the description are in `is` */
	const void *owner; /* who claimed it, NULL: nobody */
};

/* Adds what is on a root bus and on all buses behind its bridges; buses known already are left out.
 * later: this is not our first life, so functions that master the bus are in use and not sized. */
void bus_scan(uint8_t root, bool later);
void bus_forget(void);
unsigned bus_count(void);		       /* functions */
unsigned bus_buses(void);		       /* buses that were looked at */
bool bus_full(void);			       /* some functions were left out: FUNCTIONS_MAX */
struct function *bus_function(unsigned index); /* NULL past the end */
struct function *bus_find(uint32_t bdf);

/* Sizes the BARs of a function that nobody uses: its decoding is off meanwhile. */
void bus_size(struct function *f);

/* The seam below: hw.c by system calls, the unit test by a simulated bus. Width 1, 2, 4. */
uint32_t hw_read(uint32_t bdf, uint32_t reg, unsigned width); /* all ones when nobody answers */
void hw_write(uint32_t bdf, uint32_t reg, unsigned width, uint32_t value);

#endif
