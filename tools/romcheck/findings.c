// SPDX-License-Identifier: GPL-2.0-only
/* Findings. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "findings.h"

void finding(struct findings *f, const char *fault, int call, uint32_t offset, const char *format,
	     ...)
{
	struct finding *n;
	va_list args;

	for (unsigned i = 0; i < f->count; i++)
		if (f->list[i].offset == offset && f->list[i].call == call &&
		    !strcmp(f->list[i].fault, fault))
			return;
	if (f->count == FINDINGS_MAX) {
		f->lost++;
		return;
	}
	n = &f->list[f->count++];
	n->fault = fault;
	n->call = call;
	n->offset = offset;
	va_start(args, format);
	vsnprintf(n->text, sizeof(n->text), format, args);
	va_end(args);
}
