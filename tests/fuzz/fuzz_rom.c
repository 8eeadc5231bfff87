// SPDX-License-Identifier: GPL-2.0-only
/* sources: tools/romcheck/def.c tools/romcheck/rom.c tools/romcheck/code.c tools/romcheck/run.c tools/romcheck/flow.c tools/romcheck/check.c tools/romcheck/compare.c tools/romcheck/findings.c */
/* Any bytes as a ROM: romcheck ends, with findings within bounds and strings that end inside the ROM. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/romcheck/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct def def;
static struct report report;
static struct comparison comparison;

static void load(void)
{
	static char text[65536];
	struct def_error error;
	FILE *f = fopen(VMI_ABI "/vmi-3.1.def", "rb");

	if (!f || def_parse(text, fread(text, 1, sizeof(text), f), &def, &error))
		abort();
	fclose(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!def.calls)
		load();
	check_rom(data, size, &def, &report);
	if (report.findings.count > FINDINGS_MAX || strlen(report.rom.licence) > 255 || strlen(report.rom.url) > 255)
		abort();
	for (unsigned i = 0; i < report.rom.source_bytes; i++)
		if (report.rom.source + i >= data + size)
			abort();
	compare_roms(&report, &report, &comparison);
	if (report.asked && comparison.relation != IDENTICAL)
		abort();
	return 0;
}
