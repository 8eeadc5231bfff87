// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/ide.c hv/vmm/ide_ata.c hv/vmm/ide_atapi.c hv/vmm/ide_dma.c hv/vmm/pci.c hv/vmm/pci_bar.c hv/vmm/pci_msix.c hv/vmm/io.c hv/vmm/ram.c */
/* IDE disks and CD drives: PIO, DMA, packets, resets under way, guests that write nonsense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <postern/errno.h>
#include "vmm/ide.h"

#define RAM_BYTES 0x200000
#define DISK_SECTORS 4096
#define TABLE 0x1000
#define DATA 0x10000
#define C0 (&ide.channel[0])
#define C1 (&ide.channel[1])

static struct io_space io;
static struct mmio_space mmio;
static struct ram ram;
static struct pci pci;
static struct ide ide;
static uint8_t config[PCI_CONFIG_BYTES], buffers[2][IDE_BUFFER];
static uint8_t *image, *cd_image;
static bool level[2], hold, fail;
static unsigned edges[2], flushes, trims;
static uint64_t trimmed;
static struct ide_io *held;

static uint32_t nobody(void *d, unsigned port, unsigned size)
{
	return ~0u;
}

static void nothing(void *d, unsigned port, unsigned size, uint32_t value)
{
}

static void wire(void *ctx, unsigned number, bool on)
{
	edges[number] += on && !level[number];
	level[number] = on;
}

/* The medium: an array. */
static void do_io(struct ide_medium *m, struct ide_channel *c, struct ide_io *i)
{
	uint8_t *disk = (m->cdrom ? cd_image : image) + i->sector * 512;
	uint64_t bytes = 0;

	assert_true(i->sector <= m->sectors && i->sectors <= m->sectors - i->sector);
	flushes += i->operation == IDE_FLUSH;
	trims += i->operation == IDE_TRIM;
	trimmed += i->operation == IDE_TRIM ? i->sectors : 0;
	for (unsigned n = 0; n < i->segments; n++) {
		struct ide_segment *s = &i->segment[n];
		uint8_t *at = i->buffer ? c->buffer + s->gpa : ram_at(&ram, s->gpa, s->bytes);

		assert_non_null(at);
		assert_true(!i->buffer || (s->gpa < IDE_BUFFER && s->bytes <= IDE_BUFFER - s->gpa));
		if (i->operation == IDE_READ)
			memcpy(at, disk + bytes, s->bytes);
		else
			memcpy(disk + bytes, at, s->bytes);
		bytes += s->bytes;
	}
	if (i->operation <= IDE_WRITE_FUA)
		assert_int_equal(bytes, i->sectors * 512);
}

static void submit(struct ide_medium *m, unsigned channel, struct ide_io *i)
{
	if (hold) {
		held = i;
		return;
	}
	if (!fail)
		do_io(m, &ide.channel[channel], i);
	ide_done(&ide.channel[channel], fail);
}

static struct ide_medium disk = {.submit = submit, .sectors = DISK_SECTORS, .trim = true,
				 .model = "Test disk", .serial = "S1", .firmware = "1"};
static struct ide_medium cd = {.submit = submit, .sectors = 4000, .cdrom = true, .read_only = true,
			       .model = "Test CD"};

static int setup(void **state)
{
	const struct io_device none = {"nobody", nobody, nothing, NULL, IO_WIDE};

	memset(&pci, 0, sizeof(pci));
	memset(&mmio, 0, sizeof(mmio));
	memset(&ide, 0, sizeof(ide));
	memset(level, 0, sizeof(level));
	memset(edges, 0, sizeof(edges));
	hold = fail = false;
	held = NULL;
	flushes = trims = trimmed = 0;
	disk.read_only = false;
	disk.sectors = DISK_SECTORS;
	cd.sectors = 4000;
	io_init(&io, &none);
	ram_init(&ram, calloc(1, RAM_BYTES), RAM_BYTES);
	image = malloc(DISK_SECTORS * 512);
	cd_image = malloc(4000 * 512);
	for (unsigned i = 0; i < DISK_SECTORS * 512; i++)
		image[i] = i / 512 + i * 7;
	for (unsigned i = 0; i < 4000 * 512; i++)
		cd_image[i] = i / 2048 + i * 3;
	pci.io = &io;
	pci.mmio = &mmio;
	pci.ram = &ram;
	ide_init(&ide, config);
	for (unsigned i = 0; i < 2; i++) {
		ide.channel[i].buffer = buffers[i];
		ide.channel[i].irq = (struct line){wire, NULL, i};
	}
	ide_connect(&ide, 0, 0, &disk);
	ide_connect(&ide, 1, 0, &cd);
	pci_add(&pci, 8, &ide.function);
	pci_reset(&pci);
	pci_set(&ide.function, PCI_COMMAND, 2, PCI_ENABLE_IO | PCI_ENABLE_MASTER);
	return 0;
}

static int teardown(void **state)
{
	free(ram.base);
	free(image);
	free(cd_image);
	return 0;
}

static void command(struct ide_channel *c, uint8_t cmd, uint64_t lba, unsigned count)
{
	ide_bm_write(&ide.function, 4, c->number * 8, 1, 0);
	ide_write(c, 6, 1, 0x40 | (lba >> 24 & 15));
	ide_write(c, 2, 1, count >> 8);
	ide_write(c, 2, 1, count);
	ide_write(c, 3, 1, lba >> 24);
	ide_write(c, 3, 1, lba);
	ide_write(c, 4, 1, lba >> 32);
	ide_write(c, 4, 1, lba >> 8);
	ide_write(c, 5, 1, lba >> 40);
	ide_write(c, 5, 1, lba >> 16);
	ide_write(c, 7, 1, cmd);
}

static uint8_t status(struct ide_channel *c)
{
	return ide_read(c, 7, 1);
}

static void words_in(struct ide_channel *c, void *to, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i += 2) {
		uint16_t w = ide_read(c, 0, 2);

		memcpy((char *)to + i, &w, 2);
	}
}

/* As an empty bay: nothing answers until the disk is there, then everything does. */
static void a_disk_that_comes_later(void **state)
{
	ide_connect(&ide, 0, 0, NULL);
	ide_reset(&ide);
	assert_int_equal(ide_read(C0, 7, 1) & 0xff, 0xff);
	ide_write(C0, 7, 1, 0xec);
	assert_int_equal(edges[0], 0);
	ide_connect(&ide, 0, 0, &disk);
	assert_int_equal(status(C0), IDE_DRDY | IDE_DSC);
	command(C0, 0xec, 0, 0);
	assert_int_equal(status(C0), IDE_DRDY | IDE_DSC | IDE_DRQ);
}

static void absent_and_identity(void **state)
{
	uint16_t w[256];

	assert_true(status(C0) & IDE_DRDY);
	ide_write(C0, 6, 1, 0x10);
	assert_int_equal(ide_read(C0, 7, 1), 0); /* no slave */
	ide_write(C0, 7, 1, 0xec);
	assert_int_equal(edges[0], 0);
	command(C0, 0xec, 0, 0);
	assert_true(level[0]);
	assert_int_equal(status(C0), IDE_DRDY | IDE_DSC | IDE_DRQ);
	assert_false(level[0]);
	words_in(C0, w, 512);
	assert_int_equal(status(C0), IDE_DRDY | IDE_DSC);
	assert_int_equal(w[60] | w[61] << 16, DISK_SECTORS);
	assert_int_equal(w[100], DISK_SECTORS);
	assert_int_equal(w[27], 'T' << 8 | 'e');
	assert_int_equal(ide_read(C0, 0, 2), 0xffffffff);
	/* The CD says what it is. */
	command(C1, 0xec, 0, 0);
	assert_true(status(C1) & IDE_ERR);
	assert_int_equal(ide_read(C1, 4, 1), 0x14);
	assert_int_equal(ide_read(C1, 5, 1), 0xeb);
	command(C1, 0xa1, 0, 0);
	words_in(C1, w, 512);
	assert_int_equal(w[0], 0x8580);
}

static void pio_reads_and_writes(void **state)
{
	static uint8_t data[200 * 512];

	command(C0, 0x24, 17, 200); /* more than the buffer holds */
	words_in(C0, data, sizeof(data));
	assert_memory_equal(data, image + 17 * 512, sizeof(data));
	assert_int_equal(edges[0], 1); /* the status was not read between blocks: the line stayed up */
	assert_false(status(C0) & IDE_DRQ);
	command(C0, 0xc6, 0, 16);
	assert_false(status(C0) & IDE_ERR);
	command(C0, 0xc5, 100, 20);
	for (unsigned i = 0; i < 20 * 256; i++)
		ide_write(C0, 0, 2, i);
	assert_int_equal(status(C0), IDE_DRDY | IDE_DSC);
	for (unsigned i = 0; i < 20 * 256; i++)
		assert_int_equal(image[100 * 512 + 2 * i] | image[100 * 512 + 2 * i + 1] << 8, i);
	command(C0, 0xc6, 0, 3);
	assert_true(status(C0) & IDE_ERR);
	disk.read_only = true;
	command(C0, 0x30, 0, 1);
	assert_int_equal(ide_read(C0, 1, 1), IDE_ABRT);
}

static void addresses_are_checked(void **state)
{
	command(C0, 0x24, DISK_SECTORS, 1);
	assert_int_equal(ide_read(C0, 1, 1), IDE_IDNF | IDE_ABRT);
	command(C0, 0x24, DISK_SECTORS - 1, 2);
	assert_true(status(C0) & IDE_ERR);
	command(C0, 0x24, ~0ull >> 16, 0);
	assert_true(status(C0) & IDE_ERR);
	/* CHS sector 0 does not exist; 0/0/1 is the first. */
	ide_write(C0, 6, 1, 0);
	ide_write(C0, 2, 1, 1);
	for (unsigned i = 3; i < 6; i++)
		ide_write(C0, i, 1, 0);
	ide_write(C0, 7, 1, 0x20);
	assert_true(status(C0) & IDE_ERR);
	ide_write(C0, 3, 1, 1);
	ide_write(C0, 7, 1, 0x20);
	assert_true(status(C0) & IDE_DRQ);
	assert_int_equal(ide_read(C0, 0, 2), image[0] | image[1] << 8);
	command(C0, 0x99, 0, 0);
	assert_true(status(C0) & IDE_DRQ); /* busy with data: ignored */
}

static void prd(unsigned n, uint32_t at, uint32_t bytes, bool last)
{
	uint32_t e[2] = {at, (bytes & 0xffff) | (last ? 0x80000000 : 0)};

	memcpy(ram.base + TABLE + 8 * n, e, 8);
}

static void start(unsigned channel, bool read)
{
	ide_bm_write(&ide.function, 4, channel * 8 + 4, 4, TABLE);
	ide_bm_write(&ide.function, 4, channel * 8 + 2, 1, 6);
	ide_bm_write(&ide.function, 4, channel * 8, 1, read ? 8 : 0);
	ide_bm_write(&ide.function, 4, channel * 8, 1, read ? 9 : 1);
}

static uint8_t bm_status(unsigned channel)
{
	return ide_bm_read(&ide.function, 4, channel * 8 + 2, 1);
}

static void dma_straight_and_through_the_buffer(void **state)
{
	for (unsigned odd = 0; odd <= 2; odd += 2) {
		prd(0, DATA + odd, 0x10000 - odd, false);
		prd(1, DATA + 0x20000, 0x8000 + odd, true);
		command(C0, 0x25, 5, 192);
		assert_int_equal(status(C0) & IDE_BSY, 0);
		start(0, true);
		assert_int_equal(bm_status(0), 4);
		assert_false(status(C0) & IDE_ERR);
		assert_memory_equal(ram.base + DATA + odd, image + 5 * 512, 0x10000 - odd);
		assert_memory_equal(ram.base + DATA + 0x20000, image + 5 * 512 + 0x10000 - odd, 0x8000 + odd);
		start(0, false); /* no command: nothing */
		memset(ram.base + DATA, 0x5a + odd, 0x10000);
		command(C0, 0x35, 300, 128);
		prd(0, DATA + odd, 0, true);
		memset(ram.base + DATA + 0x10000, 0x5a + odd, 2);
		start(0, false);
		assert_false(status(C0) & IDE_ERR);
		for (unsigned i = 0; i < 0x10000; i++)
			assert_int_equal(image[300 * 512 + i], 0x5a + odd);
	}
}

static void bad_tables(void **state)
{
	prd(0, DATA, 512, true);
	command(C0, 0x25, 0, 2); /* the table is too short */
	start(0, true);
	assert_true(status(C0) & IDE_ERR);
	assert_int_equal(bm_status(0), 6);
	prd(0, RAM_BYTES - 512, 1024, true);
	command(C0, 0x25, 0, 2);
	start(0, true);
	assert_true(status(C0) & IDE_ERR);
	prd(0, 0xfffffffe, 0, true);
	command(C0, 0x35, 0, 2);
	start(0, false);
	assert_true(status(C0) & IDE_ERR);
	prd(0, DATA, 1024, true);
	command(C0, 0x35, 0, 2); /* the wrong way round */
	start(0, true);
	assert_true(status(C0) & IDE_ERR);
	pci_set(&ide.function, PCI_COMMAND, 2, PCI_ENABLE_IO);
	command(C0, 0x25, 0, 2);
	start(0, true);
	assert_true(status(C0) & IDE_ERR);
	ide_bm_write(&ide.function, 4, 4, 4, 0xfffffffc);
	command(C0, 0x25, 0, 2);
	ide_bm_write(&ide.function, 4, 0, 1, 9);
	assert_true(status(C0) & IDE_ERR);
}

static void media_errors_flush_trim(void **state)
{
	uint64_t ranges[64] = {3ull << 48 | 10, 0, 5ull << 48 | 20};

	fail = true;
	command(C0, 0x24, 0, 1);
	assert_int_equal(ide_read(C0, 1, 1), IDE_UNC);
	prd(0, DATA, 512, true);
	command(C0, 0x25, 0, 1);
	start(0, true);
	assert_int_equal(bm_status(0), 6);
	fail = false;
	command(C0, 0xea, 0, 0);
	assert_int_equal(flushes, 1);
	memcpy(ram.base + DATA, ranges, 512);
	ide_write(C0, 1, 1, 1);
	command(C0, 0x06, 0, 1);
	start(0, false);
	assert_false(status(C0) & IDE_ERR);
	assert_int_equal(trims, 2);
	assert_int_equal(trimmed, 8);
	ranges[2] = 5ull << 48 | (DISK_SECTORS - 2);
	memcpy(ram.base + DATA, ranges, 512);
	ide_write(C0, 1, 1, 1);
	command(C0, 0x06, 0, 1);
	start(0, false);
	assert_true(status(C0) & IDE_ERR);
}

static void reset_under_way(void **state)
{
	hold = true;
	command(C0, 0x24, 0, 1);
	assert_int_equal(ide_in_flight(&ide), 1);
	assert_int_equal(status(C0), IDE_BSY);
	command(C0, 0xec, 0, 0); /* ignored */
	ide_write(C0, IDE_CONTROL, 1, 4);
	ide_write(C0, IDE_CONTROL, 1, 0);
	assert_int_equal(status(C0), IDE_BSY); /* until its memory is free again */
	ide_done(C0, false);
	assert_int_equal(status(C0), IDE_DRDY | IDE_DSC);
	assert_int_equal(edges[0], 0);
	ide_done(C0, false);
	hold = false;
	command(C0, 0x24, 0, 1);
	assert_true(status(C0) & IDE_DRQ);
}

static void packet(const uint8_t *p, unsigned limit, bool dma)
{
	ide_write(C1, 6, 1, 0);
	ide_write(C1, 1, 1, dma);
	ide_write(C1, 4, 1, limit);
	ide_write(C1, 5, 1, limit >> 8);
	ide_write(C1, 7, 1, 0xa0);
	assert_true(status(C1) & IDE_DRQ);
	for (unsigned i = 0; i < 12; i += 2)
		ide_write(C1, 0, 2, p[i] | p[i + 1] << 8);
}

static void packets(void **state)
{
	static uint8_t data[40 * 2048];
	uint8_t small[36];

	packet((uint8_t[12]){0x12, 0, 0, 0, 36}, 36, false);
	assert_int_equal(ide_read(C1, 4, 1), 36);
	words_in(C1, small, 36);
	assert_memory_equal(small + 8, "POSTERN ", 8);
	assert_int_equal(ide_read(C1, 2, 1), 3);
	packet((uint8_t[12]){0x25}, 8, false);
	words_in(C1, small, 8);
	assert_int_equal(small[2] << 8 | small[3], 999);
	packet((uint8_t[12]){0x28, 0, 0, 0, 0, 7, 0, 0, 40}, 2048, false);
	for (unsigned n = 0; n < 40; n++) {
		assert_int_equal(ide_read(C1, 5, 1), 8);
		words_in(C1, data + n * 2048, 2048);
	}
	assert_memory_equal(data, cd_image + 7 * 2048, sizeof(data));
	prd(0, DATA, 40 * 2048 & 0xffff, false);
	prd(0, DATA, 0, false);
	prd(1, DATA + 0x10000, 40 * 2048 - 0x10000, true);
	packet((uint8_t[12]){0xa8, 0, 0, 0, 0, 7, 0, 0, 0, 40}, 0, true);
	start(1, true);
	assert_memory_equal(ram.base + DATA, cd_image + 7 * 2048, sizeof(data));
	packet((uint8_t[12]){0x43, 2, 0, 0, 0, 0, 0, 0, 20}, 20, false);
	words_in(C1, small, 20);
	assert_int_equal(small[1], 18);
	packet((uint8_t[12]){0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 7}, 7, false); /* odd */
	words_in(C1, small, 8);
	assert_false(status(C1) & IDE_DRQ);
}

static void packets_that_fail(void **state)
{
	uint8_t sense[18];

	packet((uint8_t[12]){0x28, 0, 0, 0, 3, 0xe8, 0, 0, 1}, 2048, false);
	assert_int_equal(ide_read(C1, 1, 1) >> 4, 5);
	packet((uint8_t[12]){0x03, 0, 0, 0, 18}, 18, false);
	words_in(C1, sense, 18);
	assert_int_equal(sense[2], 5);
	assert_int_equal(sense[12], 0x21);
	packet((uint8_t[12]){0x2a}, 2048, false);
	assert_int_equal(ide_read(C1, 1, 1) >> 4, 5);
	cd.sectors = 0;
	packet((uint8_t[12]){0x00}, 0, false);
	assert_int_equal(ide_read(C1, 1, 1) >> 4, 2);
	cd.sectors = 4000;
	ide_medium_changed(&cd, &ide);
	packet((uint8_t[12]){0x00}, 0, false);
	assert_int_equal(ide_read(C1, 1, 1) >> 4, 6);
	packet((uint8_t[12]){0x00}, 0, false);
	assert_false(status(C1) & IDE_ERR);
	fail = true;
	packet((uint8_t[12]){0x28, 0, 0, 0, 0, 0, 0, 0, 1}, 2048, false);
	assert_int_equal(ide_read(C1, 1, 1) >> 4, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(absent_and_identity, setup, teardown),
		cmocka_unit_test_setup_teardown(a_disk_that_comes_later, setup, teardown),
		cmocka_unit_test_setup_teardown(pio_reads_and_writes, setup, teardown),
		cmocka_unit_test_setup_teardown(addresses_are_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(dma_straight_and_through_the_buffer, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(media_errors_flush_trim, setup, teardown),
		cmocka_unit_test_setup_teardown(reset_under_way, setup, teardown),
		cmocka_unit_test_setup_teardown(packets, setup, teardown),
		cmocka_unit_test_setup_teardown(packets_that_fail, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
