/* sources: drivers/pci/bus.c drivers/pci/config.c drivers/pci/service.c drivers/pci/text.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Enumeration, sizing and the service on a simulated bus that watches how it is treated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/pci/bus.h"
#include "drivers/pci/service.h"
#include "drivers/pci/text.h"
#include <postern/errno.h>

#define BDF(b, d, f) ((b) << 8 | (d) << 3 | (f))

static struct {
	uint32_t bdf;
	uint8_t space[CONFIG_BYTES];
	uint32_t settable[BARS_MAX]; /* bits of the BARs that can be written */
} cards[700];
static unsigned card_count, reads, misuses;
static uint8_t *everywhere; /* one function that answers at every address */

uint32_t hw_read(uint32_t bdf, uint32_t reg, unsigned width)
{
	uint32_t value = ~0u >> (32 - 8 * width);

	reads++;
	for (unsigned i = 0; i < card_count; i++) {
		if (cards[i].bdf == bdf) {
			value = 0;
			memcpy(&value, cards[i].space + reg, width);
			return value;
		}
	}
	if (everywhere) {
		value = 0;
		memcpy(&value, everywhere + reg, width);
	}
	return value;
}

void hw_write(uint32_t bdf, uint32_t reg, unsigned width, uint32_t value)
{
	for (unsigned i = 0; i < card_count; i++) {
		uint8_t *s = cards[i].space;
		uint32_t old, may;

		if (cards[i].bdf != bdf)
			continue;
		if (reg == REG_COMMAND) {
			assert_int_equal(width, 2);
			memcpy(s + reg, &value, 2);
		} else if (reg >= REG_BAR && reg < REG_BAR + 4 * BARS_MAX) {
			may = cards[i].settable[(reg - REG_BAR) / 4];
			/* Moving a BAR that decodes would take addresses from somebody. */
			misuses += (s[REG_COMMAND] & 3) != 0;
			memcpy(&old, s + reg, 4);
			value = (old & ~may) | (value & may);
			memcpy(s + reg, &value, 4);
		} else if (reg >= 0x40) {
			memcpy(s + reg, &value, width);
		} else {
			misuses++;
		}
	}
}

int service_route(uint32_t bdf, uint32_t pin, uint32_t *gsi, uint32_t *flags)
{
	*gsi = 16 + pin;
	*flags = 1;
	return bdf == BDF(0, 4, 0) ? -ENODEV : 0;
}

static uint8_t *card(uint32_t bdf, uint32_t class_, bool multi)
{
	uint8_t *s = cards[card_count].space;

	memset(&cards[card_count], 0, sizeof(cards[0]));
	cards[card_count++].bdf = bdf;
	memcpy(s, "\x86\x80\x0e\x10", 4);
	class_ <<= 8;
	memcpy(s + REG_REVISION, &class_, 4);
	s[REG_HEADER] = multi ? HEADER_MULTI : 0;
	s[REG_PIN] = 1;
	return s;
}

static void bridge(uint32_t bdf, uint8_t to)
{
	uint8_t *s = card(bdf, 0x060400, false);

	s[REG_HEADER] |= HEADER_BRIDGE;
	s[REG_SECONDARY - 1] = bdf >> 8;
	s[REG_SECONDARY] = to;
	s[REG_SECONDARY + 1] = 255;
}

static void bar(unsigned index, unsigned n, uint32_t value, uint32_t settable)
{
	memcpy(cards[index].space + REG_BAR + 4 * n, &value, 4);
	cards[index].settable[n] = settable;
}

static int empty(void **state)
{
	bus_forget();
	card_count = reads = misuses = 0;
	everywhere = NULL;
	return 0;
}

static int check(void **state)
{
	bus_forget();
	return misuses ? -1 : 0;
}

static void test_walk(void **state)
{
	card(BDF(0, 0, 0), 0x060000, false);
	card(BDF(0, 1, 0), 0x020000, true);
	card(BDF(0, 1, 3), 0x020000, true);
	card(BDF(0, 2, 1), 0x020000, true); /* no function 0: not there */
	card(BDF(0, 3, 0), 0x020000, false);
	card(BDF(0, 3, 1), 0x020000, false); /* function 0 has no others */
	bridge(BDF(0, 5, 0), 1);
	bridge(BDF(1, 0, 0), 2);
	card(BDF(2, 31, 0), 0x010601, false);
	bus_scan(0, false);
	assert_int_equal(bus_count(), 7);
	assert_int_equal(bus_buses(), 3);
	assert_non_null(bus_find(BDF(2, 31, 0)));
	assert_null(bus_find(BDF(0, 2, 1)));
	assert_null(bus_function(7));
	/* Again, and from a bus that is known already: nothing new. */
	bus_scan(0, false);
	bus_scan(2, false);
	assert_int_equal(bus_count(), 7);
	card(BDF(9, 0, 0), 0x020000, false);
	bus_scan(9, false);
	assert_int_equal(bus_count(), 8);
}

static void test_circle(void **state)
{
	bridge(BDF(0, 1, 0), 1);
	bridge(BDF(0, 2, 0), 1);
	bridge(BDF(1, 0, 0), 0);
	bridge(BDF(1, 1, 0), 1);
	bridge(BDF(1, 2, 0), 2);
	bridge(BDF(2, 0, 0), 1);
	bus_scan(0, false);
	assert_int_equal(bus_buses(), 3);
	assert_int_equal(bus_count(), 6);
}

/* A bus that answers everywhere with a bridge to anywhere: the walk ends, the list is cut. */
static void test_everywhere(void **state)
{
	static uint8_t space[CONFIG_BYTES];

	for (unsigned to = 1; to < 3; to++) {
		empty(NULL);
		memset(space, 0, sizeof(space));
		memcpy(space, "\x86\x80\x0e\x10", 4);
		space[REG_HEADER] = HEADER_BRIDGE | HEADER_MULTI;
		space[REG_SECONDARY] = to;
		everywhere = space;
		bus_scan(0, false);
		assert_int_equal(bus_buses(), 2);
		assert_int_equal(bus_count(), 512);
	}
	card(BDF(9, 0, 0), 0x020000, false);
	bus_scan(9, false);
	assert_true(bus_full());
	assert_int_equal(bus_count(), FUNCTIONS_MAX);
}

static void test_sizing(void **state)
{
	const struct function *f;

	card(BDF(0, 3, 0), 0x020000, false);
	bar(0, 0, 0xfebc0000, 0xfffe0000);
	bar(0, 1, 0xc001, 0xffffffc0);
	bar(0, 2, 0x0000000c, 0xfffff000);
	bar(0, 3, 0x00000001, 0xffffffff);
	cards[0].space[REG_COMMAND] = COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER;
	bus_scan(0, false);
	f = bus_find(BDF(0, 3, 0));
	assert_true(f->sized);
	assert_int_equal(f->faults, 0);
	assert_int_equal(f->bar[0].bytes, 0x20000);
	assert_int_equal(f->bar[1].bytes, 64);
	assert_int_equal(f->bar[2].bytes, 0x1000);
	assert_int_equal(f->bar[2].address, 0x100000000);
	assert_false(f->bar[3].present);
	/* All as it was, but for firmware's bus mastering. */
	assert_int_equal(hw_read(BDF(0, 3, 0), REG_COMMAND, 2), COMMAND_IO | COMMAND_MEMORY);
	assert_int_equal(hw_read(BDF(0, 3, 0), REG_BAR, 4), 0xfebc0000);
	assert_int_equal(hw_read(BDF(0, 3, 0), REG_BAR + 4, 4), 0xc001);
	assert_int_equal(hw_read(BDF(0, 3, 0), REG_BAR + 12, 4), 1);
}

static void test_not_sized(void **state)
{
	card(BDF(0, 1, 0), 0x080620, false); /* an IOMMU */
	bar(0, 0, 0xfed90000, 0xfffff000);
	card(BDF(0, 2, 0), 0x060100, false);
	bar(1, 0, 0xfed80000, 0xfffff000);
	card(BDF(0, 3, 0), 0x020000, false);
	bar(2, 0, 0xfebc0000, 0xfffe0000);
	cards[2].space[REG_COMMAND] = COMMAND_MEMORY | COMMAND_MASTER;
	card(BDF(0, 4, 0), 0x020000, false);
	bar(3, 0, 0xfeba0000, 0xfffe0000);
	bus_scan(0, true); /* in a later life */
	assert_false(bus_find(BDF(0, 1, 0))->sized);
	assert_false(bus_find(BDF(0, 2, 0))->sized);
	assert_false(bus_find(BDF(0, 3, 0))->sized); /* in use */
	assert_true(bus_find(BDF(0, 3, 0))->bar[0].present);
	assert_int_equal(bus_find(BDF(0, 3, 0))->bar[0].bytes, 0);
	assert_true(bus_find(BDF(0, 4, 0))->sized);
}

static struct message ask(const void *client, uint16_t kind, uint64_t a, uint64_t b, uint64_t c,
			  uint64_t d)
{
	struct message m = {.kind = kind, .id = 77, .word = {a, b, c, d}}, reply;

	memset(&reply, 0xff, sizeof(reply));
	service_answer(client, &m, &reply);
	assert_int_equal(reply.kind, kind | MSG_REPLY);
	assert_int_equal(reply.id, 77);
	return reply;
}

static void fill_bus(void)
{
	card(BDF(0, 0, 0), 0x060000, false);
	card(BDF(0, 3, 0), 0x020000, false);
	bar(1, 0, 0xfebc0000, 0xfffe0000);
	card(BDF(0, 4, 0), 0x010601, false);
	bridge(BDF(0, 5, 0), 1);
	bus_scan(0, false);
}

static void test_questions(void **state)
{
	static const char me;
	struct message r;

	fill_bus();
	assert_int_equal(ask(&me, PCI_COUNT, 0, 0, 0, 0).word[0], 4);
	r = ask(&me, PCI_FUNCTION, 1, 0, 0, 0);
	assert_int_equal(r.result, 0);
	assert_int_equal(r.pci.bdf, BDF(0, 3, 0));
	assert_int_equal(r.pci.vendor_device, 0x100e8086);
	assert_int_equal(r.pci.class_revision, 0x02000000);
	assert_int_equal(ask(&me, PCI_FUNCTION, 4, 0, 0, 0).result, -ENOENT);
	assert_int_equal(ask(&me, PCI_FUNCTION, ~0ull, 0, 0, 0).result, -ENOENT);
	assert_int_equal(ask(&me, PCI_FUNCTION, 1ull << 32, 0, 0, 0).result, -ENOENT);
	/* By class, by ids, by index. */
	assert_int_equal(ask(&me, PCI_FIND, 0xffffffff, 0x010600, 0xffff00, 0).result, 2);
	assert_int_equal(ask(&me, PCI_FIND, 0x100e8086, 0, 0, 1).result, 1);
	assert_int_equal(ask(&me, PCI_FIND, 0x100f8086, 0, 0, 0).result, -ENOENT);
	assert_int_equal(ask(&me, PCI_FIND, 0xffffffff, 0, 0, 4).result, -ENOENT);
	assert_int_equal(ask(&me, PCI_FIND, 0xffffffff, 0, 0, 1ull << 32).result, -ENOENT);
	r = ask(&me, PCI_BAR, BDF(0, 3, 0), 0, 0, 0);
	assert_int_equal(r.word[0], 0xfebc0000);
	assert_int_equal(r.word[1], 0x20000);
	assert_int_equal(ask(&me, PCI_BAR, BDF(0, 3, 0), 6, 0, 0).result, -ENOENT);
	assert_int_equal(ask(&me, PCI_BAR, BDF(0, 3, 0), ~0ull, 0, 0).result, -ENOENT);
	assert_int_equal(ask(&me, PCI_BAR, BDF(0, 9, 0), 0, 0, 0).result, -ENOENT);
	r = ask(&me, PCI_INTERRUPT, BDF(0, 3, 0), 0, 0, 0);
	assert_int_equal(r.result, 0);
	assert_int_equal(r.route.gsi, 16);
	assert_int_equal(ask(&me, PCI_INTERRUPT, BDF(0, 4, 0), 0, 0, 0).result, -ENODEV);
	assert_string_equal(ask(&me, PCI_TEXT, 1, 0, 0, 0).text, "00:03.0 8086:100e ethernet");
	assert_string_equal(ask(&me, PCI_TEXT, 1, 1, 0, 0).text,
			    "  BAR 0 0xfebc0000 128 KiB memory");
	assert_string_equal(ask(&me, PCI_TEXT, 1, 2, 0, 0).text,
			    "  INTA is interrupt 16, level, active high");
	assert_int_equal(ask(&me, PCI_TEXT, 1, 3, 0, 0).result, -ENOENT);
	assert_string_equal(ask(&me, PCI_TEXT, 2, 1, 0, 0).text,
			    "  INTA has no known interrupt: there is no ACPI");
	assert_int_equal(ask(&me, PCI_TEXT, 2, 2, 0, 0).result, -ENOENT);
	assert_int_equal(ask(&me, PCI_TEXT, 4, 0, 0, 0).result, -ENOENT);
	assert_int_equal(ask(&me, PCI_TEXT, 1, ~0ull, 0, 0).result, -ENOENT);
	assert_int_equal(ask(&me, 0x1ff, 0, 0, 0, 0).result, -ENOSYS);
}

static void test_claims(void **state)
{
	static const char me, other;
	const uint32_t nic = BDF(0, 3, 0);
	struct message r;

	fill_bus();
	assert_int_equal(ask(&me, PCI_ENABLE, nic, 6, 0, 0).result, -EPERM);
	assert_int_equal(ask(&me, PCI_RELEASE, nic, 0, 0, 0).result, -EPERM);
	assert_int_equal(ask(&me, PCI_REGISTER, nic, 0x40, 4, 0).result, -EPERM);
	assert_int_equal(ask(&me, PCI_REGISTER, nic, 0, 4, 0).word[0], 0x100e8086);
	assert_int_equal(ask(&me, PCI_CLAIM, BDF(0, 5, 0), 0, 0, 0).result, -EINVAL);
	r = ask(&me, PCI_CLAIM, nic, 0, 0, 0);
	assert_int_equal(r.result, 0);
	assert_int_equal(r.claim.bars, 1);
	assert_int_equal(r.claim.gsi, 16);
	assert_int_equal(ask(&other, PCI_CLAIM, nic, 0, 0, 0).result, -EBUSY);
	assert_int_equal(ask(&me, PCI_CLAIM, nic, 0, 0, 0).result, 0);
	assert_int_equal(ask(&me, PCI_REGISTER, nic, 0x40, 4, 0).result, 0);
	assert_int_equal(ask(&me, PCI_REGISTER, nic, 0x100, 4, 0).result, -EINVAL);
	assert_int_equal(ask(&me, PCI_REGISTER, nic, 2, 4, 0).result, -EINVAL);
	assert_int_equal(ask(&me, PCI_REGISTER, nic, 0, 3, 0).result, -EINVAL);
	assert_int_equal(ask(&me, PCI_REGISTER, nic, 0, 0, 0).result, -EINVAL);
	/* Only the bits that are for it. */
	assert_int_equal(ask(&me, PCI_ENABLE, nic, ~0ull, 0, 0).word[0], 0x407);
	assert_int_equal(
		ask(&me, PCI_ENABLE, nic, PCI_ENABLE_MEMORY | PCI_ENABLE_MASTER, 0, 0).word[0], 6);
	assert_int_equal(ask(&other, PCI_ENABLE, nic, 0, 0, 0).result, -EPERM);
	/* Its driver dies: off the bus, free for the next. */
	service_drop(&me);
	assert_int_equal(hw_read(nic, REG_COMMAND, 2), COMMAND_MEMORY);
	assert_int_equal(ask(&other, PCI_CLAIM, nic, 0, 0, 0).result, 0);
	assert_int_equal(ask(&other, PCI_RELEASE, nic, 0, 0, 0).result, 0);
	/* No interrupt for this one; the claim stands. */
	r = ask(&other, PCI_CLAIM, BDF(0, 4, 0), 0, 0, 0);
	assert_int_equal(r.result, 0);
	assert_int_equal(r.claim.gsi, ~0u);
}

static void test_messages(void **state)
{
	static const char me;
	const uint32_t nic = BDF(0, 3, 0);
	struct function *f;
	struct message r;

	fill_bus();
	f = bus_find(nic);
	assert_int_equal(ask(&me, PCI_CLAIM, nic, 0, 0, 0).claim.message, 0);
	assert_int_equal(ask(&me, PCI_MESSAGE, nic, 0xfee00000, 0, 0).result, -ENODEV);
	for (unsigned wide = 0; wide < 2; wide++) {
		f->is.msi = 0x80;
		hw_write(nic, 0x82, 2, wide ? 0x00d0 : 0x0050);
		hw_write(nic, 0x88, 4, ~0u);
		r = ask(&me, PCI_CLAIM, nic, 0, 0, 0);
		assert_int_equal(r.claim.message, 0x80);
		assert_int_equal(r.claim.table, NO_TABLE);
		assert_int_equal(ask(&me, PCI_MESSAGE, nic, 0xfee03000 | 0x41ull << 32, 0, 0).result, 0);
		assert_int_equal(hw_read(nic, 0x84, 4), 0xfee03000);
		assert_int_equal(hw_read(nic, 0x88, wide ? 4 : 2), wide ? 0 : 0x41);
		assert_int_equal(hw_read(nic, 0x8c, 2), wide ? 0x41 : 0);
		assert_int_equal(hw_read(nic, 0x82, 2), wide ? 0x81 : 1); /* one of them */
	}
	f->is.msix = 0xa0;
	f->is.msix_bar = 0;
	f->is.msix_offset = 0x3000;
	hw_write(nic, 0xa2, 2, 0x4004);
	r = ask(&me, PCI_CLAIM, nic, 0, 0, 0);
	assert_int_equal(r.claim.message, 0xa0);
	assert_int_equal(r.claim.table, 0x3000);
	assert_int_equal(ask(&me, PCI_MESSAGE, nic, 0xfee03000, 0, 0).result, 0);
	assert_int_equal(hw_read(nic, 0xa2, 2), 0x8004);
	f->is.msix_bar = 3; /* which is not there */
	assert_int_equal(ask(&me, PCI_CLAIM, nic, 0, 0, 0).claim.message, 0x80);
}

static void test_lines(void **state)
{
	struct function f = {.bdf = BDF(255, 31, 7)};
	char line[200];

	/* The longest first line fits a message. */
	f.is = (struct description){
		.vendor = 0xffff, .device = 0xffff, .class_ = 0x070300, .msix = 1};
	f.owner = &f;
	assert_int_equal(text_line(&f, 0, line, sizeof(line)), 0);
	assert_true(strlen(line) < MESSAGE_TEXT);
	assert_string_equal(text_class(0x010601), "SATA");
	assert_string_equal(text_class(0x018000), "storage");
	assert_string_equal(text_class(0xff0000), "device");
	f.faults = FAULT_BAR_SIZE;
	f.is.faults = FAULT_CAP_LOOP;
	text_faults(&f, line, sizeof(line));
	assert_string_equal(line, "a loop of capabilities, a BAR of impossible size");
	f.faults = ~0;
	text_faults(&f, line, 30);
	assert_int_equal(strlen(line), 29);
	text_faults(&f, line, sizeof(line));
	assert_int_equal(text_line(&f, 1, line, sizeof(line)), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_walk, empty, check),
		cmocka_unit_test_setup_teardown(test_circle, empty, check),
		cmocka_unit_test_setup_teardown(test_everywhere, empty, check),
		cmocka_unit_test_setup_teardown(test_sizing, empty, check),
		cmocka_unit_test_setup_teardown(test_not_sized, empty, check),
		cmocka_unit_test_setup_teardown(test_questions, empty, check),
		cmocka_unit_test_setup_teardown(test_claims, empty, check),
		cmocka_unit_test_setup_teardown(test_messages, empty, check),
		cmocka_unit_test_setup_teardown(test_lines, empty, check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
