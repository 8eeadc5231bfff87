/* SPDX-License-Identifier: GPL-2.0-only */
/* Report: what a person or a program reads. */
#ifndef ROMCHECK_REPORT_H
#define ROMCHECK_REPORT_H

#include <stdio.h>
#include "check.h"

void report_text(FILE *out, const char *name, const struct report *r, const struct def *d,
		 bool verbose);
void report_json(FILE *out, const char *name, const struct report *r, const struct def *d,
		 const char *old, const struct comparison *c);
void report_comparison(FILE *out, const char *old, const struct comparison *c);
const char *report_relation(enum relation relation);

#endif
