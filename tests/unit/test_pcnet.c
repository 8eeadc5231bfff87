// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/pcnet.c hv/vmm/pcnet_ring.c hv/vmm/pci.c hv/vmm/pci_bar.c hv/vmm/pci_msix.c hv/vmm/io.c hv/vmm/ram.c */
/* The PCnet card: how drivers find and start it, frames in all styles of descriptors, filters, nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <postern/errno.h>
#include "vmm/pcnet.h"

#define RAM_BYTES 0x200000
#define BLOCK 0x1000
#define RX 0x2000
#define TX 0x3000
#define BUFFERS 0x10000
#define RING 4

static struct io_space io;
static struct mmio_space mmio;
static struct ram ram;
static struct pci pci;
static struct pcnet n;
static uint8_t config[PCI_CONFIG_BYTES], sent[PCNET_FRAME_MAX];
static uint32_t sent_bytes;
static unsigned sends;
static bool intx;
static unsigned style;

static uint32_t nobody(void *d, unsigned port, unsigned size)
{
	return ~0u;
}

static void nothing(void *d, unsigned port, unsigned size, uint32_t value)
{
}

static void wire(void *ctx, unsigned number, bool level)
{
	intx = level;
}

static bool send(struct pcnet *c, const uint8_t *frame, uint32_t bytes)
{
	memcpy(sent, frame, bytes);
	sent_bytes = bytes;
	sends++;
	return true;
}

static uint32_t reg_read(unsigned offset, unsigned size)
{
	return n.function.bar[0].read(&n.function, 0, offset, size);
}

static void reg_write(unsigned offset, unsigned size, uint32_t value)
{
	n.function.bar[0].write(&n.function, 0, offset, size, value);
}

static uint16_t csr(unsigned index)
{
	reg_write(0x12, 2, index);
	return reg_read(0x10, 2);
}

static void set_csr(unsigned index, uint16_t value)
{
	reg_write(0x12, 2, index);
	reg_write(0x10, 2, value);
}

static void set_bcr(unsigned index, uint16_t value)
{
	reg_write(0x12, 2, index);
	reg_write(0x16, 2, value);
}

static int setup(void **state)
{
	const struct io_device none = {"nobody", nobody, nothing, NULL, IO_WIDE};

	memset(&pci, 0, sizeof(pci));
	memset(&mmio, 0, sizeof(mmio));
	memset(&n, 0, sizeof(n));
	sends = 0;
	intx = false;
	io_init(&io, &none);
	ram_init(&ram, calloc(1, RAM_BYTES), RAM_BYTES);
	pci.io = &io;
	pci.mmio = &mmio;
	pci.ram = &ram;
	pci.set_wire = wire;
	memcpy(n.mac, "\x52\x54\x00\x01\x02\x03", 6);
	n.link = true;
	n.send = send;
	pcnet_init(&n, config);
	pci_add(&pci, 8, &n.function);
	pci_reset(&pci);
	pci_set(&n.function, PCI_COMMAND, 2, PCI_ENABLE_IO | PCI_ENABLE_MASTER);
	return 0;
}

static int teardown(void **state)
{
	free(ram.base);
	return 0;
}

static uint32_t *descriptor(uint32_t ring, unsigned i)
{
	return (uint32_t *)(ram.base + ring + i * (style ? 16 : 8));
}

/* As a driver writes it. */
static void give(uint32_t ring, unsigned i, uint32_t at, unsigned bytes, uint32_t status)
{
	uint32_t *d = descriptor(ring, i);

	memset(d, 0, style ? 16 : 8);
	if (!style) {
		d[0] = at | status << 16;
		d[1] = -bytes & 0xffff;
	} else {
		d[style == 3 ? 2 : 0] = at;
		d[1] = status << 16 | (-bytes & 0xffff);
	}
}

static uint16_t status_of(uint32_t ring, unsigned i)
{
	return style ? descriptor(ring, i)[1] >> 16 : descriptor(ring, i)[0] >> 16 & 0xff00;
}

static unsigned length_of(unsigned i)
{
	if (!style)
		return descriptor(RX, i)[1] >> 16 & 0xfff;
	return descriptor(RX, i)[style == 3 ? 0 : 2] & 0xfff;
}

static void start(unsigned s, uint16_t mode)
{
	uint8_t *b = ram.base + BLOCK;
	uint32_t rx = RX | (s ? 0 : 2u << 29), tx = TX | (s ? 0 : 2u << 29);

	style = s;
	set_csr(0, CSR0_STOP);
	set_bcr(20, s);
	memcpy(b, &mode, 2);
	if (s)
		b[2] = b[3] = 2 << 4;
	memcpy(b + (s ? 4 : 2), n.mac, 6);
	memset(b + (s ? 12 : 8), 0, 8);
	memcpy(b + (s ? 20 : 16), &rx, 4);
	memcpy(b + (s ? 24 : 20), &tx, 4);
	for (unsigned i = 0; i < RING; i++) {
		give(RX, i, BUFFERS + i * 0x1000, 1536, 0x8000);
		give(TX, i, 0, 0, 0);
	}
	set_csr(1, BLOCK);
	set_csr(2, 0);
	set_csr(0, CSR0_INIT);
	assert_true(csr(0) & CSR0_IDON);
	set_csr(0, CSR0_IDON | CSR0_STRT | CSR0_IENA);
	assert_false(intx);
}

static void as_drivers_find_it(void **state)
{
	assert_int_equal(reg_read(0, 4), 0x00005452 | 0x01 << 24);
	assert_int_equal(reg_read(14, 2), 0x5757);
	reg_read(0x14, 2);
	assert_int_equal(csr(0), CSR0_STOP);
	reg_write(0x12, 2, 88);
	assert_int_equal(reg_read(0x12, 2), 88);
	assert_int_equal(csr(88) | (uint32_t)csr(89) << 16, 0x02621003);
	reg_write(0x12, 2, 4);
	assert_int_equal(reg_read(0x16, 2), 0x80c0);
	/* A wide write makes registers wide. */
	reg_write(0x10, 4, 0);
	reg_write(0x14, 4, 88);
	assert_int_equal(reg_read(0x10, 4), 0x1003);
	assert_int_equal(reg_read(0x10, 2), ~0u);
}

static void frames_both_ways(void **state)
{
	static const unsigned styles[] = {0, 2, 3};
	uint8_t frame[1514];

	for (unsigned s = 0; s < 3; s++) {
		start(styles[s], 0);
		for (unsigned i = 0; i < sizeof(frame); i++)
			frame[i] = i * 3 + s;
		memcpy(frame, n.mac, 6);
		memcpy(ram.base + 0x20001, frame, 100);
		memcpy(ram.base + 0x30000, frame + 100, 900);
		give(TX, 1, 0x30000, 900, 0x8100);
		give(TX, 0, 0x20001, 100, 0x8200);
		set_csr(0, CSR0_TDMD | CSR0_IENA);
		assert_int_equal(sent_bytes, 1000);
		assert_memory_equal(sent, frame, 1000);
		assert_int_equal(status_of(TX, 0) & 0xc000, 0);
		assert_int_equal(status_of(TX, 1) & 0xc000, 0);
		assert_true(intx && csr(0) & CSR0_TINT);
		set_csr(0, CSR0_TINT | CSR0_IENA);
		assert_false(intx);
		assert_true(pcnet_receive(&n, frame, sizeof(frame)));
		assert_int_equal(status_of(RX, 0) & 0xff00, 0x0300);
		assert_int_equal(length_of(0), 1518);
		assert_memory_equal(ram.base + BUFFERS, frame, sizeof(frame));
		assert_true(pcnet_receive(&n, frame, 20)); /* padded */
		assert_int_equal(length_of(1), 64);
		assert_true(intx);
		set_csr(0, CSR0_STOP);
		assert_false(intx);
	}
}

static void long_frames_take_several_buffers(void **state)
{
	uint8_t frame[1400] = {0};

	start(2, MODE_PROM);
	for (unsigned i = 0; i < RING; i++)
		give(RX, i, BUFFERS + i * 0x1000, 512, 0x8000);
	for (unsigned i = 0; i < sizeof(frame); i++)
		frame[i] = i;
	assert_true(pcnet_receive(&n, frame, sizeof(frame)));
	assert_int_equal(status_of(RX, 0), 0x0200);
	assert_int_equal(status_of(RX, 1), 0);
	assert_int_equal(status_of(RX, 2), 0x0100);
	assert_int_equal(length_of(2), 1404);
	assert_memory_equal(ram.base + BUFFERS + 0x1000, frame + 512, 512);
	/* Only one is left. */
	assert_true(pcnet_receive(&n, frame, sizeof(frame)));
	assert_false(pcnet_receive(&n, frame, sizeof(frame)));
	assert_true(csr(0) & CSR0_MISS);
	assert_int_equal(n.missed, 1);
}

static void filters(void **state)
{
	uint8_t frame[60] = {0x52, 0x54, 0, 1, 2, 4};

	start(2, 0);
	pcnet_receive(&n, frame, 60);
	assert_int_equal(n.received, 0);
	memset(frame, 0xff, 6);
	pcnet_receive(&n, frame, 60);
	assert_int_equal(n.received, 1);
	memcpy(frame, "\x01\x00\x5e\x00\x00\x01", 6);
	pcnet_receive(&n, frame, 60);
	assert_int_equal(n.received, 1);
	set_csr(0, CSR0_STOP);
	for (unsigned i = 8; i < 12; i++)
		set_csr(i, 0xffff);
	set_csr(0, CSR0_STRT);
	pcnet_receive(&n, frame, 60);
	assert_int_equal(n.received, 2);
}

static void nonsense(void **state)
{
	uint8_t frame[60] = {0};

	set_csr(1, 0xfff0);
	set_csr(2, 0xffff);
	set_csr(0, CSR0_INIT | CSR0_STRT);
	assert_true(csr(0) & CSR0_MERR);
	assert_false(pcnet_receive(&n, frame, 60) && n.received);
	start(2, MODE_PROM);
	give(TX, 0, RAM_BYTES - 10, 100, 0x8300); /* outside RAM */
	give(TX, 1, 0, 0, 0x8300); /* 4096 bytes */
	give(TX, 2, 0, 0, 0x8000); /* no beginning */
	give(TX, 3, 0, 10, 0x8300); /* too short */
	set_csr(0, CSR0_TDMD);
	assert_int_equal(sends, 1);
	assert_int_equal(n.errors, 2);
	give(RX, 0, 0xfffffff0, 1536, 0x8000);
	pcnet_receive(&n, frame, 60);
	assert_true(status_of(RX, 0) & 0x4000);
	/* A ring without end: the guest gives everything back at once. */
	for (unsigned i = 0; i < RING; i++)
		give(TX, i, 0x20000, 60, 0x8300);
	set_csr(0, CSR0_TDMD);
	n.link = false;
	give(TX, 0, 0x20000, 60, 0x8300);
	set_csr(0, CSR0_TDMD);
	pci_set(&n.function, PCI_COMMAND, 2, PCI_ENABLE_IO);
	pcnet_receive(&n, frame, 60);
	set_csr(0, CSR0_TDMD);
	set_bcr(20, 0x77);
	for (unsigned i = 0; i < 256; i++) {
		set_csr(i, 0xffff);
		set_bcr(i, 0xffff);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(as_drivers_find_it, setup, teardown),
		cmocka_unit_test_setup_teardown(frames_both_ways, setup, teardown),
		cmocka_unit_test_setup_teardown(long_frames_take_several_buffers, setup, teardown),
		cmocka_unit_test_setup_teardown(filters, setup, teardown),
		cmocka_unit_test_setup_teardown(nonsense, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
