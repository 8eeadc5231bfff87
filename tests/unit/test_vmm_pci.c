// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/pci.c hv/vmm/pci_bar.c hv/vmm/pci_msix.c hv/vmm/io.c hv/vmm/ram.c */
/* The guest's PCI bus: base address registers, interrupts, DMA. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <postern/errno.h>
#include "vmm/pci.h"

#define SLOT(n) ((n) << 3)

static struct io_space io;
static struct mmio_space mmio;
static struct ram ram;
static struct pci pci;
static struct pci_function a, b;
static uint8_t pages[2][PCI_CONFIG_BYTES];
static uint64_t written, written_at, moves;
static unsigned levels, messages;
static uint64_t last_address;
static uint32_t last_data;

static uint64_t bar_read(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size)
{
	return f == &a && bar == 1 && offset >= 0x800 ? pci_msix_read(f, offset, size) : 0x11 * (bar + 1) + offset;
}

static void bar_write(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size, uint64_t value)
{
	if (f == &a && bar == 1 && offset >= 0x800)
		pci_msix_write(f, offset, size, value);
	written = value;
	written_at = offset;
}

static void moved(struct pci_function *f, unsigned n, uint64_t old)
{
	moves++;
}

static void wire(void *ctx, unsigned n, bool level)
{
	levels = (levels & ~(1u << n)) | (unsigned)level << n;
}

static void message(void *ctx, uint64_t address, uint32_t data)
{
	messages++;
	last_address = address;
	last_data = data;
}

static uint32_t nobody(void *d, unsigned port, unsigned size)
{
	return 0xdeadbeef;
}

static void nothing(void *d, unsigned port, unsigned size, uint32_t value)
{
}

static int setup(void **state)
{
	const struct io_device none = {"nobody", nobody, nothing, NULL, IO_WIDE};

	memset(&pci, 0, sizeof(pci));
	memset(&mmio, 0, sizeof(mmio));
	io_init(&io, &none);
	ram_init(&ram, calloc(1, 0x200000), 0x200000);
	pci.io = &io;
	pci.mmio = &mmio;
	pci.ram = &ram;
	pci.set_wire = wire;
	pci.send = message;
	levels = messages = moves = 0;
	pci_function_init(&a, pages[0], 0x1af4, 0x1001, 0x010000);
	a.bar[0] = (struct pci_bar){.bytes = 64, .flags = PCI_BAR_IO, .read = bar_read, .write = bar_write};
	a.bar[1] = (struct pci_bar){.bytes = 0x1000, .read = bar_read, .write = bar_write};
	a.bar[2] = (struct pci_bar){.bytes = 0x10000, .flags = PCI_BAR_64, .read = bar_read, .write = bar_write};
	a.config[PCI_INTERRUPT_PIN] = 1;
	a.moved = moved;
	pci_add_msix(&a, 1, 3, 0x800, 0xc00);
	pci_function_init(&b, pages[1], 0x8086, 0x7010, 0x010180);
	b.bar[4] = (struct pci_bar){.bytes = 16, .flags = PCI_BAR_IO, .read = bar_read, .write = bar_write};
	b.config[PCI_INTERRUPT_PIN] = 4;
	assert_int_equal(pci_add(&pci, SLOT(2), &a), 0);
	assert_int_equal(pci_add(&pci, SLOT(3), &b), 0);
	pci_reset(&pci);
	return 0;
}

static int teardown(void **state)
{
	free(ram.base);
	return 0;
}

static uint32_t config(unsigned devfn, unsigned reg)
{
	return pci_config_read(&pci, 0, devfn, reg, 4);
}

static void set(unsigned devfn, unsigned reg, uint32_t value)
{
	pci_config_write(&pci, 0, devfn, reg, 4, value);
}

static void test_assigned(void **state)
{
	assert_int_equal(config(SLOT(2), PCI_BAR0), PCI_FIRST_IO | 1);
	assert_int_equal(config(SLOT(3), PCI_BAR0 + 16), (PCI_FIRST_IO + 64) | 1);
	assert_int_equal(config(SLOT(2), PCI_BAR0 + 4), PCI_HOLE);
	assert_int_equal(config(SLOT(2), PCI_BAR0 + 8), (PCI_HOLE + 0x10000) | 4);
	assert_int_equal(config(SLOT(2), PCI_COMMAND) & 0xffff, PCI_ENABLE_IO | PCI_ENABLE_MEMORY);
	assert_int_equal(a.config[PCI_INTERRUPT_LINE], PCI_PIC_IRQ);	 /* slot 2, INTA: wire 2 */
	assert_int_equal(b.config[PCI_INTERRUPT_LINE], PCI_PIC_IRQ); /* slot 3, INTD: wire 2 */
	assert_int_equal(io_read(&io, PCI_FIRST_IO + 4, 2), 0x11 + 4);
	assert_int_equal(io_read(&io, PCI_FIRST_IO + 62, 4), ~0u); /* crosses the end */
	assert_non_null(mmio_find(&mmio, PCI_HOLE + 0xff8, 8));
	assert_null(mmio_find(&mmio, PCI_HOLE + 0xffc, 8));
}

static void test_size_and_move(void **state)
{
	set(SLOT(2), PCI_BAR0, ~0u);
	assert_int_equal(config(SLOT(2), PCI_BAR0), 0xffffffc1);
	assert_true(a.bar[0].at == PCI_NOWHERE);
	assert_int_equal(io_read(&io, PCI_FIRST_IO, 1), 0xdeadbeef);
	set(SLOT(2), PCI_BAR0, 0x1234);
	assert_int_equal(config(SLOT(2), PCI_BAR0), 0x1201);
	io_write(&io, 0x1202, 2, 0xabcd);
	assert_int_equal(written, 0xabcd);
	assert_int_equal(written_at, 2);
	assert_int_equal(a.bar[0].at, 0x1200);

	set(SLOT(2), PCI_BAR0 + 8, ~0u);
	set(SLOT(2), PCI_BAR0 + 12, ~0u);
	assert_int_equal(config(SLOT(2), PCI_BAR0 + 8), 0xffff0004);
	assert_int_equal(config(SLOT(2), PCI_BAR0 + 12), ~0u);
	assert_true(a.bar[2].at == PCI_NOWHERE);
	set(SLOT(2), PCI_BAR0 + 8, 0);
	set(SLOT(2), PCI_BAR0 + 12, 8);
	assert_true(a.bar[2].at == 0x800000000ull);
	assert_ptr_equal(mmio_find(&mmio, 0x80000fffcull, 4)->device, &a.bar[2]);

	/* Over RAM, over the APICs, over another: nowhere. */
	set(SLOT(2), PCI_BAR0 + 4, 0x100000);
	assert_true(a.bar[1].at == PCI_NOWHERE);
	set(SLOT(2), PCI_BAR0 + 4, 0xfec00000);
	assert_true(a.bar[1].at == PCI_NOWHERE);
	set(SLOT(2), PCI_BAR0 + 4, 0xf0000000);
	assert_true(a.bar[1].at == 0xf0000000);
	set(SLOT(3), PCI_BAR0 + 16, 0x1210);
	assert_true(b.bar[4].at == PCI_NOWHERE);
	set(SLOT(3), PCI_BAR0 + 16, 0x1240);
	assert_int_equal(b.bar[4].at, 0x1240);
}

static void test_command(void **state)
{
	moves = 0;
	set(SLOT(2), PCI_COMMAND, PCI_ENABLE_MEMORY);
	assert_true(a.bar[0].at == PCI_NOWHERE);
	assert_true(a.bar[1].at == PCI_HOLE);
	assert_int_equal(moves, 1);
	set(SLOT(2), PCI_COMMAND, 0);
	assert_null(mmio_find(&mmio, PCI_HOLE, 4));
	assert_int_equal(mmio.count, 0);
	set(SLOT(2), PCI_COMMAND, 7);
	assert_int_equal(io_read(&io, PCI_FIRST_IO, 1), 0x11);
	assert_int_equal(mmio.count, 2);
}

static void test_dma(void **state)
{
	assert_null(pci_dma(&a, 0x1000, 16, false));
	set(SLOT(2), PCI_COMMAND, 7);
	assert_ptr_equal(pci_dma(&a, 0x1000, 16, true), ram.base + 0x1000);
	assert_null(pci_dma(&a, 0x1ffff8, 16, false));
	assert_null(pci_dma(&a, ~0ull - 7, 16, false));
	assert_null(pci_dma(&a, 0x9fff8, 16, false)); /* into VGA's window */
	pci.no_write = 0xc0000;
	pci.no_write_bytes = 0x2000;
	assert_non_null(pci_dma(&a, 0xc1000, 16, false));
	assert_null(pci_dma(&a, 0xc1000, 16, true));
	assert_null(pci_dma(&a, 0xc1ff8, 16, true));
	assert_non_null(pci_dma(&a, 0xc2000, 16, true));
}

static void test_intx(void **state)
{
	pci_set_intx(&a, true);
	assert_int_equal(levels, 1 << 2);
	pci_set_intx(&b, true);
	pci_set_intx(&a, false);
	assert_int_equal(levels, 1 << 2); /* shared */
	set(SLOT(3), PCI_COMMAND, PCI_ENABLE_NO_INTX);
	assert_int_equal(levels, 0);
	assert_int_equal(b.config[PCI_STATUS] & 8, 8);
	set(SLOT(3), PCI_COMMAND, 0);
	assert_int_equal(levels, 1 << 2);
	pci_reset(&pci);
	assert_int_equal(levels, 0);
	assert_int_equal(pci.asserted[2], 0);
}

static void test_msix(void **state)
{
	unsigned cap = a.msix.capability;
	const struct mmio_range *r = mmio_find(&mmio, PCI_HOLE + 0x800, 8);

	assert_int_equal(config(SLOT(2), cap), 2 << 16 | 0x11);
	assert_int_equal(config(SLOT(2), cap + 4), 0x801);
	assert_int_equal(a.config[PCI_STATUS] & 0x10, 0x10);
	pci_msix_notify(&a, 1); /* off */
	set(SLOT(2), cap, 0x8000u << 16);
	assert_true(pci_msix_enabled(&a));
	r->write(r->device, 0x810, 8, 0xfee01003);
	r->write(r->device, 0x818, 4, 0x41);
	pci_msix_notify(&a, 1); /* masked by the entry: pending */
	assert_int_equal(messages, 0);
	assert_int_equal(r->read(r->device, 0xc00, 4), 2);
	r->write(r->device, 0x81c, 4, 0);
	assert_int_equal(messages, 1);
	assert_int_equal(last_address, 0xfee01000);
	assert_int_equal(last_data, 0x41);
	assert_int_equal(r->read(r->device, 0xc00, 4), 0);
	set(SLOT(2), cap, 0xc000u << 16); /* masked as a whole */
	pci_msix_notify(&a, 1);
	assert_int_equal(messages, 1);
	set(SLOT(2), cap, 0x8000u << 16);
	assert_int_equal(messages, 2);
	pci_msix_notify(&a, 3);
	pci_msix_notify(&a, PCI_MSIX_NONE);
	assert_int_equal(messages, 2);
	assert_int_equal(r->read(r->device, 0x830, 4), 0); /* behind the table */
	r->write(r->device, 0x82c, 8, ~0ull);		   /* across its end */
	r->write(r->device, 0x811, 1, 5);
	assert_int_equal(r->read(r->device, 0x810, 8), 0xfee01000);
	pci_reset(&pci);
	assert_false(pci_msix_enabled(&a));
	assert_int_equal(a.msix.entry[1].control, 1);
}

static void test_slots(void **state)
{
	static uint8_t all[ECAM_DEVICE_BYTES];
	static struct pci_function f[64];
	int devfn, count = 0;

	pci.pages = all;
	assert_null(pci_page(&pci, 64));
	while ((devfn = pci_free_devfn(&pci, 1)) >= 0) {
		pci_function_init(&f[devfn], pci_page(&pci, devfn), 1, 2, 3);
		assert_int_equal(pci_add(&pci, devfn, &f[devfn]), 0);
		count++;
	}
	assert_int_equal(count, 7 * 8 - 2);
	assert_int_equal(a.config[PCI_HEADER_TYPE], 0x80);
}

static void test_mmio_space(void **state)
{
	struct mmio_space m = {.count = 0};

	assert_int_equal(mmio_add(&m, &(struct mmio_range){.first = 0xa0000, .bytes = 0x20000}), 0);
	assert_int_equal(mmio_add(&m, &(struct mmio_range){.first = 0xbffff, .bytes = 1}), -EEXIST);
	assert_int_equal(mmio_add(&m, &(struct mmio_range){.first = 0x9ffff, .bytes = 2}), -EEXIST);
	assert_int_equal(mmio_add(&m, &(struct mmio_range){.first = 0xc0000, .bytes = 0}), -EINVAL);
	assert_int_equal(mmio_add(&m, &(struct mmio_range){.first = ~0ull, .bytes = 2}), -EINVAL);
	assert_int_equal(mmio_add(&m, &(struct mmio_range){.first = 0xc0000, .bytes = 1}), 0);
	mmio_remove(&m, 0xa0000);
	assert_null(mmio_find(&m, 0xa0000, 1));
	assert_non_null(mmio_find(&m, 0xc0000, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_assigned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_size_and_move, setup, teardown),
		cmocka_unit_test_setup_teardown(test_command, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dma, setup, teardown),
		cmocka_unit_test_setup_teardown(test_intx, setup, teardown),
		cmocka_unit_test_setup_teardown(test_msix, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slots, setup, teardown),
		cmocka_unit_test(test_mmio_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
