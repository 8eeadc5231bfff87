// SPDX-License-Identifier: GPL-2.0-only
/* romcheck: proves a VMI ROM image; see romcheck.1. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "report.h"

#define FILE_MAX (1u << 20)
#define GOOD 0
#define FAULTY 1
#define CANNOT 2

extern const char *const romcheck_defs[]; /* texts, oldest first, NULL at the end */

struct file {
	const char *name;
	uint8_t *data;
	size_t bytes;
};

static struct options {
	const char *def, *against, *extract;
	bool json, verbose, quiet;
} options;

static void __attribute__((noreturn)) cannot(const char *name, const char *why)
{
	fprintf(stderr, "romcheck: %s: %s\n", name, why);
	exit(CANNOT);
}

static struct file read_file(const char *name)
{
	struct file f = {.name = name};
	FILE *in = fopen(name, "rb");

	if (!in)
		cannot(name, strerror(errno));
	f.data = malloc(FILE_MAX + 1);
	if (!f.data)
		cannot(name, "no memory");
	f.bytes = fread(f.data, 1, FILE_MAX + 1, in);
	if (ferror(in))
		cannot(name, strerror(errno));
	if (f.bytes > FILE_MAX)
		cannot(name, "larger than 1 MiB: no ROM");
	fclose(in);
	return f;
}

static void parse_def(const char *name, const char *text, size_t bytes, struct def *d)
{
	struct def_error e;
	char why[160];

	if (!def_parse(text, bytes, d, &e))
		return;
	snprintf(why, sizeof(why), "line %u: %s", e.line, e.text);
	cannot(name, why);
}

/* The definition that the ROM claims to follow: the built-in one of its version, or the newest. */
static void builtin_def(unsigned minor, struct def *d)
{
	for (unsigned i = 0; romcheck_defs[i]; i++) {
		parse_def("built-in definition", romcheck_defs[i], strlen(romcheck_defs[i]), d);
		if (d->minor >= minor)
			return;
	}
}

static bool is_rom(const struct file *f)
{
	return f->bytes >= 2 && f->data[0] == 0x55 && f->data[1] == 0xaa;
}

static void extract(const struct rom *rom, const char *name)
{
	FILE *out;

	if (!rom->source)
		cannot(name, "the ROM has no source inside");
	out = fopen(name, "wb");
	if (!out || fwrite(rom->source, 1, rom->source_bytes, out) != rom->source_bytes ||
	    fclose(out))
		cannot(name, strerror(errno));
}

/* What `file`, checked or a definition, is to the one given with --against. */
static void compare(const struct report *r, const struct def *now, struct comparison *c)
{
	static struct report old_report;
	static struct def old_def;
	static struct file old; /* the report points into it */

	old = read_file(options.against);
	if (is_rom(&old)) {
		if (!r)
			cannot(options.against, "a ROM is compared with a ROM");
		builtin_def(old.data[0x0c], &old_def);
		check_rom(old.data, old.bytes, &old_def, &old_report);
		compare_roms(&old_report, r, c);
		return;
	}
	parse_def(options.against, (const char *)old.data, old.bytes, &old_def);
	free(old.data);
	compare_defs(&old_def, now, c);
}

static int one_rom(const struct file *f, struct def *d)
{
	static struct report r;
	static struct comparison c;
	bool bad;

	if (!options.def)
		builtin_def(f->bytes > 0x0c ? f->data[0x0c] : 0, d);
	check_rom(f->data, f->bytes, d, &r);
	bad = r.findings.count;
	if (options.against) {
		compare(&r, d, &c);
		bad |= c.relation == BREAKING;
	}
	if (options.json) {
		report_json(stdout, f->name, &r, d, options.against, &c);
	} else if (!options.quiet || bad) {
		report_text(stdout, f->name, &r, d, options.verbose);
		if (options.against)
			report_comparison(stdout, options.against, &c);
	}
	if (options.extract)
		extract(&r.rom, options.extract);
	return bad ? FAULTY : GOOD;
}

static int only_def(struct def *d)
{
	static struct comparison c;

	if (!options.against) {
		printf("%s: API %u.%u, %u calls\n", options.def, d->major, d->minor, d->calls);
		return GOOD;
	}
	compare(NULL, d, &c);
	if (options.json)
		report_json(stdout, options.def, NULL, d, options.against, &c);
	else
		report_comparison(stdout, options.against, &c);
	return c.relation == BREAKING ? FAULTY : GOOD;
}

static void usage(FILE *out)
{
	fprintf(out, "usage: romcheck [-jqv] [--def DEF] [--against OLD.def|OLD.rom] [--extract "
		     "FILE] ROM...\n"
		     "       romcheck [-j] --def DEF [--against OLD.def]\n"
		     "Checks images of VMI ROMs. Exit status 0: good, 1: faults, 2: cannot say. "
		     "See romcheck(1).\n");
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"def", required_argument, NULL, 'd'},
		{"against", required_argument, NULL, 'a'},
		{"extract", required_argument, NULL, 'x'},
		{"json", no_argument, NULL, 'j'},
		{"quiet", no_argument, NULL, 'q'},
		{"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	static struct def d;
	struct file f;
	int o, status = GOOD, s;

	while ((o = getopt_long(argc, argv, "jqvh", longs, NULL)) >= 0) {
		switch (o) {
		case 'd':
			options.def = optarg;
			break;
		case 'a':
			options.against = optarg;
			break;
		case 'x':
			options.extract = optarg;
			break;
		case 'j':
			options.json = true;
			break;
		case 'q':
			options.quiet = true;
			break;
		case 'v':
			options.verbose = true;
			break;
		case 'h':
			usage(stdout);
			return GOOD;
		default:
			usage(stderr);
			return CANNOT;
		}
	}
	if (options.def) {
		f = read_file(options.def);
		parse_def(options.def, (const char *)f.data, f.bytes, &d);
		free(f.data);
	}
	if (optind == argc) {
		if (!options.def) {
			usage(stderr);
			return CANNOT;
		}
		return only_def(&d);
	}
	for (; optind < argc; optind++) {
		f = read_file(argv[optind]);
		s = one_rom(&f, &d);
		status = s > status ? s : status;
		free(f.data);
	}
	return status;
}
