// SPDX-License-Identifier: GPL-2.0-only
/* Report. */
#include <string.h>
#include "report.h"

const char *report_relation(enum relation relation)
{
	static const char *const names[] = {"identical", "superset", "breaking"};

	return names[relation];
}

static const char *call_name(const struct def *d, int n)
{
	return n >= 0 && n < DEF_CALLS && d->call[n].present ? d->call[n].name : "unknown";
}

static void facts(FILE *out, const struct rom *r)
{
	fprintf(out, "  API %u.%u, version %u.%u, %s %s, licence %s, %u bytes, virtual_top 0x%x\n",
		r->major, r->minor, r->version_major, r->version_minor, r->manufacturer, r->product,
		r->licence, r->length, r->virtual_top);
	if (!r->ours)
		return;
	fprintf(out,
		"  engine %s, hypercall epoch %u, features 0x%x of 0x%x, source %s\n  build id ",
		r->engine, r->epoch, r->features, r->possible, r->source ? "inside, and" : "");
	for (unsigned i = 0; r->build_id && i < 20; i++)
		fprintf(out, "%02x", r->build_id[i]);
	fprintf(out, ", %s\n", r->url);
}

void report_text(FILE *out, const char *name, const struct report *r, const struct def *d,
		 bool verbose)
{
	const struct findings *f = &r->findings;

	fprintf(out, "%s: %s\n", name, f->count ? "FAULTS" : "good");
	if (r->rom.major)
		facts(out, &r->rom);
	for (int n = 0; verbose && r->asked && n < NUMBERS; n++) {
		if (!d->call[n].present)
			continue;
		fprintf(out, "  %3d %-20s %s", n, d->call[n].name,
			def_answer_name(r->answer[n].type));
		if (r->answer[n].entry)
			fprintf(out, " 0x%04x", r->answer[n].entry);
		putc('\n', out);
	}
	for (unsigned i = 0; i < f->count; i++) {
		const struct finding *x = &f->list[i];

		fprintf(out, "  fault %s:", x->fault);
		if (x->call != NO_CALL)
			fprintf(out, " call %d, %s:", x->call, call_name(d, x->call));
		if (x->offset != NO_OFFSET)
			fprintf(out, " at 0x%04x:", x->offset);
		fprintf(out, " %s\n", x->text);
	}
	if (f->lost)
		fprintf(out, "  and %u more\n", f->lost);
}

void report_comparison(FILE *out, const char *old, const struct comparison *c)
{
	fprintf(out, "against %s: %s\n", old, report_relation(c->relation));
	for (unsigned i = 0; i < c->list.count; i++)
		fprintf(out, "  %s: %s\n", c->list.list[i].fault, c->list.list[i].text);
}

static void quoted(FILE *out, const char *s)
{
	putc('"', out);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || (unsigned char)*s > 0x7e)
			fprintf(out, "\\u%04x", (unsigned char)*s);
		else
			putc(*s, out);
	}
	putc('"', out);
}

static void pair(FILE *out, const char *key, const char *value)
{
	fprintf(out, "\"%s\":", key);
	quoted(out, value);
}

static void list(FILE *out, const char *key, const struct findings *f, const struct def *d)
{
	fprintf(out, ",\"%s\":[", key);
	for (unsigned i = 0; i < f->count; i++) {
		const struct finding *x = &f->list[i];

		fprintf(out, "%s\n{", i ? "," : "");
		pair(out, "fault", x->fault);
		if (x->call != NO_CALL) {
			fprintf(out, ",\"call\":%d,", x->call);
			pair(out, "name", call_name(d, x->call));
		}
		if (x->offset != NO_OFFSET)
			fprintf(out, ",\"offset\":%u", x->offset);
		putc(',', out);
		pair(out, "text", x->text);
		putc('}', out);
	}
	fprintf(out, "]");
}

static void json_rom(FILE *out, const struct report *r, const struct def *d)
{
	const struct rom *rom = &r->rom;
	bool first = true;

	fprintf(out, ",\"api\":\"%u.%u\",\"version\":\"%u.%u\",\"bytes\":%u,\"virtual_top\":%u,",
		rom->major, rom->minor, rom->version_major, rom->version_minor, rom->length,
		rom->virtual_top);
	pair(out, "licence", rom->licence);
	putc(',', out);
	pair(out, "manufacturer", rom->manufacturer);
	putc(',', out);
	pair(out, "product", rom->product);
	if (rom->ours) {
		fprintf(out, ",\"epoch\":%u,\"features\":%u,\"possible\":%u,\"source_bytes\":%u,",
			rom->epoch, rom->features, rom->possible, rom->source_bytes);
		pair(out, "engine", rom->engine);
		putc(',', out);
		pair(out, "url", rom->url);
		fprintf(out, ",\"build_id\":\"");
		for (unsigned i = 0; rom->build_id && i < 20; i++)
			fprintf(out, "%02x", rom->build_id[i]);
		putc('"', out);
	}
	fprintf(out, ",\"calls\":[");
	for (int n = 0; r->asked && n < NUMBERS; n++) {
		if (!d->call[n].present)
			continue;
		fprintf(out, "%s\n{\"call\":%d,", first ? "" : ",", n);
		pair(out, "name", d->call[n].name);
		fprintf(out, ",\"answer\":\"%s\",\"entry\":%u}", def_answer_name(r->answer[n].type),
			r->answer[n].entry);
		first = false;
	}
	fprintf(out, "]");
}

void report_json(FILE *out, const char *name, const struct report *r, const struct def *d,
		 const char *old, const struct comparison *c)
{
	putc('{', out);
	pair(out, "file", name);
	if (r) {
		putc(',', out);
		pair(out, "verdict", r->findings.count ? "faults" : "good");
		if (r->rom.major)
			json_rom(out, r, d);
		list(out, "faults", &r->findings, d);
	}
	if (old) {
		fprintf(out, ",\"against\":{");
		pair(out, "file", old);
		putc(',', out);
		pair(out, "relation", report_relation(c->relation));
		list(out, "changes", &c->list, d);
		putc('}', out);
	}
	fprintf(out, "}\n");
}
