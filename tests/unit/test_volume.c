/* sources: drivers/volume/gpt.c drivers/volume/mbr.c drivers/volume/hold.c drivers/volume/name.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of the broker of disks: partition tables and what lies in them, names, who may use what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/volume/volume.h"

#define SECTORS 4096
#define ENTRIES 128

struct disk *disks[DISKS_MAX];

static uint8_t sector[512], entries[ENTRIES * 128];
static struct gpt_header header;
static struct table table;

static void put32(uint8_t *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = value >> 8 * i;
}

static void put64(uint8_t *at, uint64_t value)
{
	put32(at, value);
	put32(at + 4, value >> 32);
}

/* --- GPT ---------------------------------------------------------------------------------------- */

static void add_entry(unsigned i, uint64_t first, uint64_t last, const char *name)
{
	uint8_t *e = entries + 128 * i;

	memset(e, 0x11, 16);
	memset(e + 16, 0xa0 + i, 16);
	put64(e + 32, first);
	put64(e + 40, last);
	memset(e + 56, 0, 72);
	for (unsigned c = 0; name[c]; c++)
		e[56 + 2 * c] = name[c];
}

static void seal(void)
{
	put32(sector + 88, crc32(entries, sizeof(entries)));
	put32(sector + 16, 0);
	put32(sector + 16, crc32(sector, 92));
}

static int fresh(void **state)
{
	memset(sector, 0, sizeof(sector));
	memset(entries, 0, sizeof(entries));
	memcpy(sector, "EFI PART", 8);
	put32(sector + 12, 92);
	put64(sector + 24, 1);
	put64(sector + 32, SECTORS - 1);
	put64(sector + 40, 34);
	put64(sector + 48, SECTORS - 34);
	put64(sector + 72, 2);
	put32(sector + 80, ENTRIES);
	put32(sector + 84, 128);
	add_entry(0, 100, 199, "one");
	add_entry(4, 200, 200, "a name that is thirty-six letters lo");
	seal();
	return 0;
}

static void test_gpt(void **state)
{
	assert_null(gpt_header(sector, 512, 1, SECTORS, &header));
	assert_int_equal(gpt_entries_bytes(&header), sizeof(entries));
	assert_null(gpt_entries(entries, sizeof(entries), &header, &table));
	assert_int_equal(table.count, 2);
	assert_int_equal(table.partition[0].first, 100);
	assert_int_equal(table.partition[0].sectors, 100);
	assert_int_equal(table.partition[0].number, 1);
	assert_string_equal(table.partition[0].label, "one");
	assert_int_equal(table.partition[1].number, 5);
	assert_int_equal(table.partition[1].sectors, 1);
	assert_int_equal(strlen(table.partition[1].label), 36);
}

static void test_crc(void **state)
{
	assert_int_equal(crc32((const uint8_t *)"123456789", 9), 0xcbf43926);
}

/* Fields of a header, each with a value that must not be believed. */
static const struct {
	unsigned at, bytes;
	uint64_t value;
	const char *why;
} bad_headers[] = {
	{0, 4, 0, ""},
	{12, 4, 91, "size"},
	{12, 4, 513, "size"},
	{12, 4, ~0u, "size"},
	{24, 8, 2, "another place"},
	{72, 8, 1, "not on the disk"},
	{72, 8, SECTORS - 31, "not on the disk"},
	{72, 8, ~0ull, "not on the disk"},
	{80, 4, 0, "impossible size"},
	{80, 4, ~0u, "impossible size"},
	{84, 4, 64, "impossible size"},
	{84, 4, 192, "impossible size"},
	{84, 4, ~0u, "impossible size"},
	{40, 8, 1, "usable sectors"},
	{48, 8, SECTORS, "usable sectors"},
	{48, 8, 33, "usable sectors"},
};

static void test_bad_gpt_headers(void **state)
{
	for (unsigned i = 0; i < sizeof(bad_headers) / sizeof(bad_headers[0]); i++) {
		const char *why;

		fresh(state);
		if (bad_headers[i].bytes == 4)
			put32(sector + bad_headers[i].at, bad_headers[i].value);
		else
			put64(sector + bad_headers[i].at, bad_headers[i].value);
		seal();
		why = gpt_header(sector, 512, 1, SECTORS, &header);
		if (!why || !strstr(why, bad_headers[i].why))
			fail_msg("row %u: %s", i, why ? why : "accepted");
	}
	fresh(state);
	sector[60] ^= 1; /* a bit has rotted */
	assert_non_null(strstr(gpt_header(sector, 512, 1, SECTORS, &header), "checksum"));
}

static const char *entries_of(uint64_t first, uint64_t last)
{
	add_entry(9, first, last, "bad");
	seal();
	assert_null(gpt_header(sector, 512, 1, SECTORS, &header));
	return gpt_entries(entries, sizeof(entries), &header, &table);
}

static void test_bad_gpt_entries(void **state)
{
	assert_non_null(strstr(entries_of(199, 300), "overlap"));
	assert_non_null(strstr(entries_of(50, 100), "overlap"));
	assert_non_null(strstr(entries_of(150, 160), "overlap"));
	assert_non_null(strstr(entries_of(40, 400), "overlap"));
	assert_non_null(strstr(entries_of(300, 299), "outside"));
	assert_non_null(strstr(entries_of(33, 40), "outside"));
	assert_non_null(strstr(entries_of(300, SECTORS), "outside"));
	assert_non_null(strstr(entries_of(300, ~0ull), "outside"));
	assert_null(entries_of(300, SECTORS - 34));
	entries[200] ^= 1;
	assert_non_null(strstr(gpt_entries(entries, sizeof(entries), &header, &table), "checksum"));
	assert_non_null(strstr(gpt_entries(entries, 100, &header, &table), "checksum"));
}

/* --- MBR ---------------------------------------------------------------------------------------- */

static void mbr_entry(unsigned i, uint8_t type, uint32_t first, uint32_t count)
{
	sector[446 + 16 * i + 4] = type;
	put32(sector + 446 + 16 * i + 8, first);
	put32(sector + 446 + 16 * i + 12, count);
}

static int fresh_mbr(void **state)
{
	memset(sector, 0, sizeof(sector));
	sector[510] = 0x55;
	sector[511] = 0xaa;
	sector[446] = 0x80;
	mbr_entry(0, 0x83, 100, 100);
	mbr_entry(2, 0x0f, 1000, 1000);
	return 0;
}

static const char *primary(uint64_t *extended)
{
	bool protective;

	return mbr_primary(sector, SECTORS, &table, extended, &protective);
}

static void test_mbr(void **state)
{
	uint64_t chain, next;

	assert_null(primary(&chain));
	assert_int_equal(table.count, 1);
	assert_int_equal(chain, 1000);
	memset(sector + 446, 0, 64);
	mbr_entry(0, 0x83, 10, 90);
	mbr_entry(1, 0x05, 200, 100);
	assert_null(mbr_logical(sector, SECTORS, chain, chain, &table, &next));
	assert_int_equal(next, 1200);
	assert_int_equal(table.partition[1].number, 5);
	assert_int_equal(table.partition[1].first, 1010);
	mbr_entry(1, 0, 0, 0);
	assert_null(mbr_logical(sector, SECTORS, chain, next, &table, &next));
	assert_int_equal(next, 0);
	assert_int_equal(table.partition[2].number, 6);
	assert_int_equal(table.partition[2].first, 1210);
}

static void test_bad_mbr(void **state)
{
	uint64_t chain;

	mbr_entry(1, 0x83, 150, 10);
	assert_non_null(strstr(primary(&chain), "overlap"));
	fresh_mbr(state);
	mbr_entry(3, 0x83, 1500, 10); /* inside the extended one */
	assert_non_null(strstr(primary(&chain), "overlap"));
	fresh_mbr(state);
	mbr_entry(1, 0x83, SECTORS - 1, 2);
	assert_non_null(strstr(primary(&chain), "not on the disk"));
	fresh_mbr(state);
	mbr_entry(1, 0x83, 3000, ~0u);
	assert_non_null(strstr(primary(&chain), "not on the disk"));
	fresh_mbr(state);
	mbr_entry(1, 0x83, 0, 10);
	assert_non_null(strstr(primary(&chain), "not on the disk"));
	fresh_mbr(state);
	mbr_entry(3, 0x05, 3000, 10);
	assert_non_null(strstr(primary(&chain), "two extended"));
	fresh_mbr(state);
	sector[446 + 32] = 1; /* not a table: a boot sector */
	assert_string_equal(primary(&chain), "");
	fresh_mbr(state);
	sector[511] = 0;
	assert_string_equal(primary(&chain), "");
}

static void test_bad_chains(void **state)
{
	uint64_t chain, next;

	assert_null(primary(&chain));
	memset(sector + 446, 0, 64);
	mbr_entry(1, 0x05, 0, 100); /* back to its start */
	assert_non_null(strstr(mbr_logical(sector, SECTORS, 1000, 1200, &table, &next), "forward"));
	mbr_entry(1, 0x05, 200, 100); /* to itself */
	assert_non_null(strstr(mbr_logical(sector, SECTORS, 1000, 1200, &table, &next), "forward"));
	mbr_entry(1, 0x05, SECTORS, 100);
	assert_non_null(strstr(mbr_logical(sector, SECTORS, 1000, 1200, &table, &next), "forward"));
	sector[511] = 0;
	assert_non_null(strstr(mbr_logical(sector, SECTORS, 1000, 1200, &table, &next), "broken"));
}

static void test_protective(void **state)
{
	uint64_t chain;
	bool protective;

	mbr_entry(0, 0xee, 1, SECTORS - 1);
	mbr_entry(2, 0, 0, 0);
	assert_null(mbr_primary(sector, SECTORS, &table, &chain, &protective));
	assert_true(protective);
}

/* --- names -------------------------------------------------------------------------------------- */

static void test_file_system_labels(void **state)
{
	static uint8_t start[4096];
	char label[LABEL_BYTES];

	memset(start, 0, sizeof(start));
	assert_false(filesystem_label(start, label));
	start[1024 + 56] = 0x53;
	start[1024 + 57] = 0xef;
	assert_false(filesystem_label(start, label));
	memcpy(start + 1024 + 120, "sixteen letters!", 16);
	assert_true(filesystem_label(start, label));
	assert_string_equal(label, "sixteen_letters!");
	memset(start, 0, sizeof(start));
	start[510] = 0x55;
	start[511] = 0xaa;
	memcpy(start + 82, "FAT32   ", 8);
	memcpy(start + 71, "STICK      ", 11);
	assert_true(filesystem_label(start, label));
	assert_string_equal(label, "STICK");
}

static void test_names(void **state)
{
	static struct disk a, b;
	struct disk *where = NULL;
	const char *why;

	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	disks[0] = &a;
	disks[3] = &b;
	a.known = b.known = true;
	a.volumes = 3;
	strcpy(a.identity.serial, "S1");
	strcpy(a.volume[0].name, "ahci0");
	strcpy(a.volume[1].name, "ahci0p1");
	strcpy(a.volume[1].label, "root");
	strcpy(a.volume[1].filesystem, "debian");
	memset(a.volume[2].guid, 0x12, 16);
	strcpy(a.volume[2].name, "ahci0p2");
	strcpy(a.volume[2].label, "twice");
	b.volumes = 1;
	strcpy(b.volume[0].name, "ahci4");
	strcpy(b.volume[0].filesystem, "twice");
	assert_ptr_equal(volume_find("ahci0", &where, &why), &a.volume[0]);
	assert_ptr_equal(where, &a);
	assert_ptr_equal(volume_find("ahci0p2", &where, &why), &a.volume[2]);
	assert_ptr_equal(volume_find("label:root", &where, &why), &a.volume[1]);
	assert_ptr_equal(volume_find("label:debian", &where, &why), &a.volume[1]);
	assert_ptr_equal(volume_find("guid:12121212-1212-1212-1212-121212121212", &where, &why), &a.volume[2]);
	assert_ptr_equal(volume_find("serial:S1", &where, &why), &a.volume[0]);
	assert_null(volume_find("label:twice", &where, &why));
	assert_non_null(why);
	assert_null(volume_find("label:", &where, &why));
	assert_null(volume_find("serial:", &where, &why));
	assert_null(volume_find("guid:00000000-0000-0000-0000-000000000000", &where, &why));
	assert_null(volume_find("", &where, &why));
	assert_null(volume_find("ahci0p", &where, &why));
	assert_null(why);
	b.known = false;
	assert_ptr_equal(volume_find("label:twice", &where, &why), &a.volume[2]);
	assert_null(volume_find("ahci4", &where, &why));
	assert_null(why);
	b.removed = true;
	assert_ptr_equal(volume_find("label:twice", &where, &why), &a.volume[2]);
	assert_null(volume_find("ahci4", &where, &why));
	assert_non_null(why);
}

/* --- holds -------------------------------------------------------------------------------------- */

enum act { CLAIM, RELEASE, NEW_LIFE, LATER };

/* first 100 of 100: a volume of the disk "d"; who, for writing, expected. */
static const struct {
	const char *what;
	enum act act;
	const char *who;
	unsigned first, sectors;
	bool writes, ok;
} actions[] = {
	{"a writer", CLAIM, "a", 0, 100, true, true},
	{"no second writer", CLAIM, "b", 0, 100, true, false},
	{"no reader beside it", CLAIM, "b", 0, 100, false, false},
	{"nor of a part", CLAIM, "b", 99, 1, false, false},
	{"nor of what it is a part of", CLAIM, "b", 0, 1000, false, false},
	{"not even the same one", CLAIM, "a", 0, 100, true, false},
	{"beside it", CLAIM, "b", 100, 100, true, true},
	{"it goes", RELEASE, "a", 0, 0, false, true},
	{"a reader", CLAIM, "c", 0, 100, false, true},
	{"and another", CLAIM, "d", 0, 100, false, true},
	{"no writer beside readers", CLAIM, "a", 50, 1, true, false},
	{"the broker dies", NEW_LIFE, NULL, 0, 0, false, true},
	{"b's is kept", CLAIM, "a", 100, 100, true, false},
	{"for b", CLAIM, "b", 100, 100, true, true},
	{"readers' too", CLAIM, "a", 0, 100, true, false},
	{"c reads again", CLAIM, "c", 0, 100, false, true},
	{"time passes", LATER, NULL, 0, 0, false, true},
	{"c is still there", CLAIM, "a", 0, 100, true, false},
	{"it goes", RELEASE, "c", 0, 0, false, true},
	{"d did not come back", CLAIM, "a", 0, 100, true, true},
	{"b is still there", CLAIM, "d", 100, 1, true, false},
};

static void test_holds(void **state)
{
	static struct hold_table t;
	static struct hold *of[128];
	const struct hold *against;
	uint64_t now = 1000;

	memset(&t, 0x5a, sizeof(t));
	hold_begin(&t, now); /* nonsense from a former life */
	for (unsigned i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		const char *who = actions[i].who;
		struct hold *h;

		switch (actions[i].act) {
		case CLAIM:
			h = hold_claim(&t, who, "d", actions[i].first, actions[i].sectors, actions[i].writes, now, &against);
			if (!!h != actions[i].ok)
				fail_msg("%s: %s", actions[i].what, h ? "allowed" : "refused");
			assert_true(h || against);
			if (h)
				of[(unsigned)*who] = h;
			break;
		case RELEASE:
			hold_release(of[(unsigned)*who]);
			break;
		case NEW_LIFE:
			hold_begin(&t, now);
			break;
		case LATER:
			now += HOLD_KEPT_NS + 1;
			break;
		}
	}
	assert_non_null(hold_claim(&t, "x", "another disk", 0, 100, true, now, &against));
}

static void test_holds_are_many(void **state)
{
	static struct hold_table t;
	const struct hold *against;
	char who[8];

	memset(&t, 0, sizeof(t));
	hold_begin(&t, 0);
	for (unsigned i = 0; i < HOLDS_MAX; i++) {
		who[0] = 'a' + i;
		who[1] = 0;
		assert_non_null(hold_claim(&t, who, "d", 0, 100, false, 1, &against));
	}
	assert_null(hold_claim(&t, "one more", "d", 0, 100, false, 1, &against));
	assert_null(against);
}

/* On its way to a driver, across a life of the broker, and when nobody shows it. */
static void test_holds_handed_over(void **state)
{
	static struct hold_table t;
	const struct hold *against;
	struct hold *h;

	memset(&t, 0, sizeof(t));
	hold_begin(&t, 0);
	assert_null(hold_adopt(&t, 0));
	h = hold_claim(&t, "a", "d", 0, 100, true, 1, &against);
	assert_null(hold_adopt(&t, 0));
	hold_hand_over(h, 7, 1);
	assert_null(hold_claim(&t, "b", "d", 0, 100, true, HOLD_GIVEN_NS, &against));
	assert_null(hold_adopt(&t, 8));
	assert_ptr_equal(hold_adopt(&t, 7), h);
	assert_null(hold_claim(&t, "b", "d", 0, 100, true, 2 * HOLD_GIVEN_NS, &against));
	hold_begin(&t, 1000);
	assert_ptr_equal(hold_adopt(&t, 7), h);
	assert_null(hold_claim(&t, "b", "d", 0, 100, true, 2 * HOLD_GIVEN_NS, &against));
	hold_release(h);
	assert_null(hold_adopt(&t, 7));
	h = hold_claim(&t, "a", "d", 0, 100, true, 1, &against);
	hold_hand_over(h, 9, 1);
	assert_non_null(hold_claim(&t, "b", "d", 0, 100, true, 2 + HOLD_GIVEN_NS, &against));
	assert_null(hold_adopt(&t, 9));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_gpt, fresh),
		cmocka_unit_test(test_crc),
		cmocka_unit_test_setup(test_bad_gpt_headers, fresh),
		cmocka_unit_test_setup(test_bad_gpt_entries, fresh),
		cmocka_unit_test_setup(test_mbr, fresh_mbr),
		cmocka_unit_test_setup(test_bad_mbr, fresh_mbr),
		cmocka_unit_test_setup(test_bad_chains, fresh_mbr),
		cmocka_unit_test_setup(test_protective, fresh_mbr),
		cmocka_unit_test(test_file_system_labels),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_holds_are_many),
		cmocka_unit_test(test_holds_handed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
