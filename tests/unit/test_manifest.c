/* sources: hv/manager/manifest.c hv/manager/text.c hv/manager/graph.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests: manifests and the graph of modules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <postern/errno.h>
#include "manager/graph.h"

static char error[200];

static int parse(const char *text, struct manifest *m)
{
	return manifest_parse(text, strlen(text), m, error, sizeof(error));
}

static void whole(void **state)
{
	char rights[80];
	struct manifest m;

	assert_int_equal(
		parse("name = ahci\nversion = 1.2\nlicence = GPL-2.0-only\nabout = disks\n"
		      "provides = disk\nrequires = bus.pci acpi\nuses = log\n"
		      "ports = 0x1f0+8 0x3f6\nirqs = 14 9/level/low 11/level\n"
		      "pci = 8086:2922 class:0106\nphysmem = 0xfed00000+0x1000\ndma = 64M\n"
		      "rights = pci irqs\nclass = guest\nstart = boot\nsafe = yes\n",
		      &m),
		0);
	assert_string_equal(m.name, "ahci");
	assert_int_equal(m.requires.count, 2);
	assert_string_equal(m.requires.name[1], "acpi");
	assert_int_equal(m.ports, 2);
	assert_int_equal(m.port[0].count, 8);
	assert_int_equal(m.port[1].first, 0x3f6);
	assert_int_equal(m.irq[1].flags, IRQ_LEVEL | IRQ_LOW);
	assert_int_equal(m.irq[2].flags, IRQ_LEVEL);
	assert_int_equal(m.device[0].vendor, 0x8086);
	assert_true(m.device[1].by_class);
	assert_int_equal(m.device[1].device, 0x0106);
	assert_int_equal(m.dma, 64 << 20);
	assert_int_equal(m.rights, RIGHT_PCI | RIGHT_IRQS);
	assert_int_equal(m.class_, CLASS_GUEST);
	assert_int_equal(m.start, START_BOOT);
	assert_true(m.safe);
	manifest_rights_text(m.rights, rights, sizeof(rights));
	assert_string_equal(rights, "irqs pci");
}

static void defaults(void **state)
{
	struct manifest m;

	assert_int_equal(manifest_parse("name = x\n", 10, &m, error, sizeof(error)),
			 0); /* with NUL */
	assert_int_equal(m.start, START_DEMAND);
	assert_int_equal(m.class_, CLASS_DRIVER);
	assert_int_equal(m.rights, 0);
}

static void errors(void **state)
{
	static const char *const rows[] = {
		"",
		"version = 1\n",
		"name = a b\n",
		"name = x\ncolour = red\n",
		"[x]\n",
		"name\n",
		"name = x\nports = 0x10000\n",
		"name = x\nports = 0xfff0+0x11\n",
		"name = x\nports = 5+0\n",
		"name = x\nports = a\n",
		"name = x\nports = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
		"name = x\nirqs = 256\n",
		"name = x\nirqs = 4/edge\n",
		"name = x\npci = 80:1\n",
		"name = x\npci = 80861234\n",
		"name = x\nrights = root\n",
		"name = x\nclass = king\n",
		"name = x\nprovides = a b c d e f g\n",
		"name = x\nprovides = averyverylongclassname\n",
		"name = x\nstart = later\n",
		"name = x\nsafe = maybe\n",
		"name = x\ndma = big\n",
		"name = x\nversion = 1234567890123456\n",
		"name = x\nphysmem = 0+0xffffffffffffffff\n",
	};
	struct manifest m;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(parse(rows[i], &m), -EINVAL);
}

/* --- graph ----------------------------------------------------------------------------------- */

static struct manifest ms[8];
static struct graph g;

static void begin(void)
{
	memset(&g, 0, sizeof(g));
	memset(ms, 0, sizeof(ms));
}

static unsigned add(const char *name, const char *provides, const char *requires, int wanted)
{
	char text[256];
	unsigned i = g.nodes++;

	snprintf(text, sizeof(text), "name = %s\nprovides = %s\nrequires = %s\n", name, provides,
		 requires);
	assert_int_equal(parse(text, &ms[i]), 0);
	g.node[i].manifest = &ms[i];
	g.node[i].wanted = wanted;
	return i;
}

static void order(void **state)
{
	begin();
	add("ahci", "disk", "bus.pci acpi", 1);
	add("pci", "bus.pci", "acpi", 0);
	add("acpi", "acpi", "", 0);
	add("idle", "other", "", 0);
	graph_resolve(&g);
	assert_int_equal(g.chosen, 3);
	assert_int_equal(g.order[0], 2);
	assert_int_equal(g.order[1], 1);
	assert_int_equal(g.order[2], 0);
	assert_int_equal(g.node[0].provider[0], 1);
	assert_int_equal(g.node[0].provider[1], 2);
	assert_false(g.node[3].chosen);
	assert_int_equal(graph_find(&g, "acpi"), 2);
	assert_int_equal(graph_find(&g, "none"), -1);
}

static void missing(void **state)
{
	begin();
	add("ahci", "disk", "bus.pci", 1);
	add("well", "x", "", 1);
	add("user", "y", "disk", 1);
	graph_resolve(&g);
	assert_true(g.node[0].failed);
	assert_non_null(strstr(g.node[0].reason, "requires 'bus.pci', which no module provides"));
	assert_true(g.node[1].chosen);
	assert_true(g.node[2].failed);
}

static void left_out(void **state)
{
	begin();
	add("ahci", "disk", "bus.pci", 1);
	unsigned pci = add("pci", "bus.pci", "", 0);
	g.node[pci].excluded = true;
	strcpy(g.node[pci].reason, "left out by `without`");
	graph_resolve(&g);
	assert_true(g.node[0].failed);
	assert_non_null(strstr(g.node[0].reason, "whose provider 'pci' is left out"));
}

static void cycle(void **state)
{
	begin();
	add("a", "ca", "cb", 1);
	add("b", "cb", "cc", 0);
	add("c", "cc", "ca", 0);
	add("d", "cd", "", 1);
	graph_resolve(&g);
	assert_true(g.node[0].failed);
	assert_non_null(strstr(g.node[0].reason, "a -> b -> c -> a"));
	assert_int_equal(g.chosen, 1);
}

static void two_providers(void **state)
{
	begin();
	add("u1", "console", "", 0);
	add("u2", "console", "", 0);
	add("x", "x", "console", 1);
	graph_resolve(&g);
	assert_true(g.node[2].failed);
	assert_non_null(strstr(g.node[2].reason, "both 'u1' and 'u2'"));
	g.node[1].excluded = true;
	graph_resolve(&g);
	assert_true(g.node[2].chosen);
}

static void specialist(void **state)
{
	begin();
	add("ahci", "disk", "", 0);
	add("volume", "disk", "disk", 0);
	add("user", "x", "disk", 1);
	graph_resolve(&g);
	assert_int_equal(g.node[2].provider[0], 1);
	assert_int_equal(g.node[1].provider[0], 0);
	assert_int_equal(g.order[0], 0);
	assert_int_equal(graph_provider(&g, "disk", -1), 1);
}

static void rights(void **state)
{
	const struct manifest *held[2] = {&ms[0], &ms[1]};
	char reason[GRAPH_REASON];
	struct manifest m;

	begin();
	assert_int_equal(parse("name = uart\nports = 0x3f8+8\nirqs = 4\n", &ms[0]), 0);
	assert_int_equal(parse("name = rtc\nphysmem = 0x1000+0x1000\n", &ms[1]), 0);
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"name = x\nrights = tasks\n", "'tasks'"},
		{"name = x\nports = 0x20\n", "the core owns the interrupt controller"},
		{"name = x\nports = 0+0x10000\n", "the core owns"},
		{"name = x\nports = 0xcfc+4\n", "PCI configuration space"},
		{"name = x\nports = 0x3ff\n", "which 'uart' has"},
		{"name = x\nirqs = 4\n", "interrupt 4, which 'uart' has"},
		{"name = x\nphysmem = 0x1fff+1\n", "which 'rtc' has"},
		{"name = x\nports = 0x400 0xcf9\nirqs = 5\nrights = pci\n", NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why;

		assert_int_equal(parse(rows[i].text, &m), 0);
		why = graph_refused(&m, held, 2, reason, sizeof(reason));
		if (rows[i].says)
			assert_non_null(strstr(why, rows[i].says));
		else
			assert_null(why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),	 cmocka_unit_test(defaults),
		cmocka_unit_test(errors),	 cmocka_unit_test(order),
		cmocka_unit_test(missing),	 cmocka_unit_test(left_out),
		cmocka_unit_test(cycle),	 cmocka_unit_test(two_providers),
		cmocka_unit_test(specialist),	 cmocka_unit_test(rights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
