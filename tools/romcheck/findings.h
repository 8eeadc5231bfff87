/* SPDX-License-Identifier: GPL-2.0-only */
/* Findings: what is wrong with a ROM, each with the name of its kind, the call and the place. */
#ifndef ROMCHECK_FINDINGS_H
#define ROMCHECK_FINDINGS_H

#include <stdint.h>

#define FINDINGS_MAX 200
#define NO_CALL -1
#define NO_OFFSET 0xffffffffu

struct finding {
	const char *fault; /* kind: a word of romcheck(1) */
	int call;	   /* number or NO_CALL */
	uint32_t offset;   /* in the ROM or NO_OFFSET */
	char text[160];
};

struct findings {
	unsigned count, lost; /* lost: did not fit */
	struct finding list[FINDINGS_MAX];
};

/* The same fault at the same place is kept once. */
void finding(struct findings *f, const char *fault, int call, uint32_t offset, const char *format,
	     ...) __attribute__((format(printf, 5, 6)));

#endif
