// SPDX-License-Identifier: GPL-2.0-only
/* sources: tools/romcheck/def.c tools/romcheck/compare.c tools/romcheck/findings.c */
/* Any bytes as a definition: refused with a sentence, or identical to itself. */
#include <stdlib.h>
#include "tools/romcheck/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct def d;
	static struct comparison c;
	struct def_error error;

	if (def_parse((const char *)data, size, &d, &error)) {
		if (!error.text[0])
			abort();
		return 0;
	}
	compare_defs(&d, &d, &c);
	if (c.relation != IDENTICAL)
		abort();
	return 0;
}
