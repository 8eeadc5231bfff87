// SPDX-License-Identifier: GPL-2.0-only
/* Check: asks get_reloc for every call at two places in memory, holds the answers against the
 * definition, and follows the code of each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <postern/gateway.h>
#include "check.h"
#include "flow.h"
#include "run.h"

/* Two splits of memory, two places in the window, one not at a page's beginning. */
static const uint32_t bases[] = {0xc00c0000, 0x780d0800};
/* Numbers no definition will reach. */
static const uint32_t wild[] = {0x100, 0x7fffffff, 0x80000000, 0xffffffff};

static bool is_code(unsigned type)
{
	return type == ANSWER_CALL || type == ANSWER_JUMP;
}

/* Asks for one number at both places; false when get_reloc is no good. */
static bool ask(struct code *c, uint32_t number, struct report *r, struct answer *answer)
{
	struct findings *f = &r->findings;
	struct run_result a, b;
	int call = number < NUMBERS ? (int)number : NO_CALL;
	uint32_t top = r->rom.virtual_top;

	run_get_reloc(c, bases[0], number, &a);
	run_get_reloc(c, bases[1], number, &b);
	if (a.why[0] || b.why[0]) {
		const struct run_result *bad = a.why[0] ? &a : &b;

		finding(f, "get-reloc", NO_CALL, bad->failed_at,
			"asked for %u, get_reloc fails: %s", number, bad->why);
		return false;
	}
	if (a.upper)
		finding(f, "answer-reserved", call, NO_OFFSET, "reserved bits of the answer: 0x%x",
			a.upper);
	if (a.type > ANSWER_NOP) {
		finding(f, "answer", call, NO_OFFSET, "answer %u does not exist", a.type);
		return true;
	}
	answer->type = a.type;
	if (a.type != b.type) {
		finding(f, "position", call, NO_OFFSET, "the answer depends on where the ROM is");
		return true;
	}
	if (!is_code(a.type))
		return true;
	if (a.eip - bases[0] == b.eip - bases[1])
		answer->entry = a.eip - bases[0];
	else if (a.eip == b.eip && top && a.eip >= top)
		answer->entry = a.eip - top;
	else
		finding(f, "position", call, NO_OFFSET,
			"0x%08x for a ROM at 0x%08x, 0x%08x for one at 0x%08x", a.eip, bases[0],
			b.eip, bases[1]);
	return true;
}

static void ask_all(struct code *c, const struct def *d, struct report *r)
{
	struct findings *f = &r->findings;
	struct answer none;

	for (unsigned n = 0; n < NUMBERS; n++)
		if (!ask(c, n, r, &r->answer[n]))
			return;
	for (unsigned i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		none = (struct answer){0};
		if (!ask(c, wild[i], r, &none))
			return;
		if (none.type != ANSWER_NONE)
			finding(f, "unknown-call", NO_CALL, NO_OFFSET,
				"call 0x%x, which does not exist, is answered %s", wild[i],
				def_answer_name(none.type));
	}
	r->asked = true;
	for (unsigned n = 0; n < NUMBERS; n++) {
		const struct def_call *call = &d->call[n];

		if (!call->present && r->answer[n].type != ANSWER_NONE)
			finding(f, "unknown-call", n, NO_OFFSET,
				"call %u, which does not exist, is answered %s", n,
				def_answer_name(r->answer[n].type));
		if (call->present && !(call->answers & 1 << r->answer[n].type))
			finding(f, "answer", n, NO_OFFSET, "%s may not be answered %s", call->name,
				def_answer_name(r->answer[n].type));
	}
}

/* What belongs together: a guest that finds one takes the others for granted. */
static void groups(struct report *r)
{
	static const struct {
		uint8_t first, last, asked;
		const char *name;
	} group[] = {{67, 70, 66, "the timer"}, {29, 32, 29, "the interrupt flag"}};
	struct findings *f = &r->findings;

	for (unsigned g = 0; g < sizeof(group) / sizeof(group[0]); g++)
		for (unsigned n = group[g].first; n <= group[g].last; n++)
			if (r->answer[group[g].asked].type != ANSWER_NONE &&
			    r->answer[n].type != ANSWER_CALL)
				finding(f, "group", n, NO_OFFSET,
					"call %u is served, %u, of %s too, is not", group[g].asked,
					n, group[g].name);
	if ((r->answer[38].type == ANSWER_CALL) != (r->answer[39].type == ANSWER_CALL))
		finding(f, "group", 39, NO_OFFSET,
			"SetPxE and SetPxELong are served both or neither");
}

/*
 * Our ROM once more as a VMM may set it up: all that it can do, above the fixmap. The answers of
 * that are only checked.
 */
static void ask_everything(const struct def *d, struct report *r)
{
	static struct report whole;
	struct rom *rom = &whole.rom;
	uint32_t top = GATEWAY_TOP;
	uint8_t *copy = malloc(r->rom.bytes);
	struct code c;

	if (!copy)
		return;
	memcpy(copy, r->rom.data, r->rom.bytes);
	memset(&whole, 0, sizeof(whole));
	*rom = r->rom;
	rom->data = copy;
	memcpy(copy + GATEWAY_AT_FEATURES, &rom->possible, 4);
	if (rom->tables) {
		rom->virtual_top = top;
		memcpy(copy + 0x10, &top, 4);
	}
	if (!code_open(&c, rom)) {
		ask_all(&c, d, &whole);
		if (whole.asked)
			groups(&whole);
		code_close(&c);
	}
	for (unsigned i = 0; i < whole.findings.count; i++) {
		const struct finding *x = &whole.findings.list[i];

		finding(&r->findings, x->fault, x->call, x->offset, "%s", x->text);
	}
	free(copy);
}

static void follow(struct code *c, const struct def *d, struct report *r)
{
	struct flow_rules rules = {.call = NO_CALL, .strict = r->rom.ours, .memory_any = true};

	rules.name = "vmi_init";
	rules.may_change = 1 << R_EAX | 1 << R_ECX | 1 << R_EDX;
	rules.may = MAY(CPUID) | MAY(CR0) | MAY(CR3) | MAY(CR4) | MAY(INVLPG) | MAY(CLI);
	/* Those that cannot be replaced may have code in the entry page. */
	rules.strict = r->rom.pages != 0;
	flow_check(c, ROM_VMI_INIT, &rules, &r->findings);
	rules.name = "get_reloc";
	rules.may = 0;
	flow_check(c, ROM_GET_RELOC, &rules, &r->findings);
	for (unsigned n = 0; n < NUMBERS; n++) {
		const struct def_call *call = &d->call[n];

		uint32_t entry = r->answer[n].entry;
		bool answered = is_code(r->answer[n].type);

		/* Of ours the bodies of all calls: features that are off today may be on tomorrow.
		 */
		if (!answered && n < r->rom.slot_count)
			entry = r->rom.slots_at + n * r->rom.slot_bytes;
		if (!call->present || !entry || (!answered && call->answers == 1 << ANSWER_NONE))
			continue;
		rules = (struct flow_rules){
			.call = n,
			.name = call->name,
			.may = call->may,
			.memory_any = call->memory_any,
			.may_change = call->out | call->changes,
			.strict = r->rom.ours,
			.jumped = r->answer[n].type == ANSWER_JUMP,
		};
		flow_check(c, entry, &rules, &r->findings);
	}
}

/* Our own: ENDBR32 and one jump or return a slot, at the place where the next ROM has it too. */
static void slots(struct code *c, struct report *r)
{
	const struct rom *rom = &r->rom;

	for (unsigned n = 0; n < rom->slot_count; n++) {
		uint32_t at = rom->slots_at + n * rom->slot_bytes;
		const cs_insn *i = code_at(c, at);

		if (!i || i->id != X86_INS_ENDBR32) {
			finding(&r->findings, "slot", n, at, "slot %u does not begin with ENDBR32",
				n);
			continue;
		}
		i = code_at(c, at + 4);
		if (!i || (i->id != X86_INS_JMP && i->id != X86_INS_RET) ||
		    i->size > rom->slot_bytes - 4)
			finding(&r->findings, "slot", n, at, "slot %u is more than a jump", n);
		if (r->asked && is_code(r->answer[n].type) && r->answer[n].entry != at)
			finding(&r->findings, "slot", n, at,
				"call %u is answered with 0x%x, not with its slot", n,
				r->answer[n].entry);
	}
	for (unsigned n = 0; n < 2; n++) {
		const cs_insn *i = code_at(c, n ? ROM_GET_RELOC : ROM_VMI_INIT);

		if (!i || i->id != X86_INS_ENDBR32)
			finding(&r->findings, "endbr", NO_CALL, n ? ROM_GET_RELOC : ROM_VMI_INIT,
				"%s does not begin with ENDBR32", n ? "get_reloc" : "vmi_init");
	}
}

void check_rom(const uint8_t *data, size_t bytes, const struct def *d, struct report *report)
{
	struct code c;

	memset(report, 0, sizeof(*report));
	if (!rom_parse(data, bytes, &report->rom, &report->findings))
		return;
	if (code_open(&c, &report->rom)) {
		finding(&report->findings, "complex", NO_CALL, NO_OFFSET, "no disassembler");
		return;
	}
	ask_all(&c, d, report);
	if (report->asked) {
		groups(report);
		follow(&c, d, report);
	}
	if (report->rom.ours) {
		slots(&c, report);
		ask_everything(d, report);
	}
	code_close(&c);
}
