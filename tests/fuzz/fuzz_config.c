/* sources: hv/manager/config.c hv/manager/config_keys.c hv/manager/text.c hv/lib/argument.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Fuzz target: the configuration file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "manager/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config c;

	config_parse(&c, (const char *)data, size);
	if (c.guests > GUESTS_MAX || c.modules > CONFIG_MODULES_MAX)
		abort();
	for (unsigned i = 0; i < c.guests; i++)
		if (strlen(c.guest[i].arguments.text) != c.guest[i].arguments.length ||
		    (!c.guest[i].bad && (!c.guest[i].cpus || !c.guest[i].memory)))
			abort();
	return 0;
}
