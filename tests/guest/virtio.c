// SPDX-License-Identifier: GPL-2.0-only
/* guest: 64 */
/*
 * A virtio disk by its legacy registers: requests that are good, requests that are wrong (answered with the error that the
 * standard names), queues that break the rules (the device needs a reset, and works after it), resets in mid-flight, and
 * count=N random ones, seed=N.
 */
#include "guest.h"

#define FEATURES 4
#define QUEUE_PFN 8
#define QUEUE_SIZE 12
#define QUEUE_SELECT 14
#define NOTIFY 16
#define STATUS 18
#define CONFIG 20

#define ACKNOWLEDGE 1
#define DRIVER 2
#define DRIVER_OK 4
#define NEEDS_RESET 0x40

#define NEXT 1
#define WRITE 2
#define INDIRECT 4

#define RING 0x1000000 /* and what it points to */
#define HEADERS 0x1100000
#define STATUSES 0x1110000
#define DATA 0x1200000
#define DATA_BYTES 0x200000
#define SECTOR 512
#define PATIENCE 20000 /* ms */

struct descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags, next;
};

struct header {
	uint32_t type, reserved;
	uint64_t sector;
};

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13, T_NONSENSE = 77 };
enum { S_OK, S_IOERR, S_UNSUPP, S_UNTOUCHED = 0xee };

static uint16_t base;
static unsigned int size;
static uint64_t sectors;
static volatile struct descriptor *desc = (void *)RING;
static volatile uint16_t *avail, *used;
static uint16_t seen;

static uint32_t pci_read(unsigned int device, unsigned int reg)
{
	outl(0xcf8, 0x80000000 | device << 8 | reg);
	return inl(0xcfc);
}

static bool find(void)
{
	for (unsigned int devfn = 0; devfn < 256; devfn++)
		if (pci_read(devfn, 0) == 0x10011af4) {
			base = pci_read(devfn, 0x10) & 0xfffc;
			outl(0xcf8, 0x80000000 | devfn << 8 | 4);
			outw(0xcfc, 7);
			return base != 0;
		}
	return false;
}

static void reset(void)
{
	outb(base + STATUS, 0);
	for (unsigned int ms = 0; inb(base + STATUS) && ms < PATIENCE; ms++)
		delay_ms(1);
}

static void start(void)
{
	reset();
	memset((void *)RING, 0, 0x10000);
	outb(base + STATUS, ACKNOWLEDGE | DRIVER);
	outl(base + FEATURES, 1u << 28); /* indirect descriptors */
	outw(base + QUEUE_SELECT, 0);
	size = inw(base + QUEUE_SIZE);
	avail = (void *)(RING + 16ul * size);
	used = (void *)(((word)avail + 6 + 2 * size + 4095) & ~4095ul);
	outl(base + QUEUE_PFN, RING >> 12);
	outb(base + STATUS, ACKNOWLEDGE | DRIVER | DRIVER_OK);
	seen = 0;
}

static void kick(void)
{
	outw(base + NOTIFY, 0);
}

static void offer(uint16_t head)
{
	avail[2 + avail[1] % size] = head;
	__asm__ volatile("" : : : "memory");
	avail[1]++;
}

/* Three descriptors from 3 * n on. */
static void prepare(unsigned int n, uint32_t type, uint64_t sector, word data, uint32_t bytes)
{
	struct header *h = (struct header *)(HEADERS + 16ul * n);
	volatile uint8_t *status = (uint8_t *)(STATUSES + (word)n);
	unsigned int d = 3 * n;

	*h = (struct header){type, 0, sector};
	*status = S_UNTOUCHED;
	desc[d].address = (word)h;
	desc[d].length = sizeof(*h);
	desc[d].flags = NEXT;
	desc[d].next = bytes ? d + 1 : d + 2;
	desc[d + 1].address = data;
	desc[d + 1].length = bytes;
	desc[d + 1].flags = NEXT | (type == T_OUT || type >= T_DISCARD ? 0 : WRITE);
	desc[d + 1].next = d + 2;
	desc[d + 2].address = (word)status;
	desc[d + 2].length = 1;
	desc[d + 2].flags = WRITE;
}

/* The answer in the status byte; S_UNTOUCHED: none came. */
static unsigned int wait(unsigned int n)
{
	volatile uint8_t *status = (uint8_t *)(STATUSES + (word)n);

	for (unsigned int ms = 0; ms < PATIENCE && used[1] == seen; ms++) {
		if (inb(base + STATUS) & NEEDS_RESET)
			return S_UNTOUCHED;
		delay_ms(1);
	}
	if (used[1] != seen)
		seen++;
	return *status;
}

static unsigned int request(uint32_t type, uint64_t sector, word data, uint32_t bytes)
{
	prepare(0, type, sector, data, bytes);
	offer(0);
	kick();
	return wait(0);
}

static void test_good(void)
{
	uint8_t *a = (uint8_t *)DATA, *b = (uint8_t *)DATA + 0x10000;

	for (unsigned int i = 0; i < 8 * SECTOR; i++)
		a[i] = i * 7 + i / 256;
	check(request(T_OUT, 4, (word)a, 8 * SECTOR) == S_OK, "write");
	check(request(T_FLUSH, 0, 0, 0) == S_OK, "flush");
	memset(b, 0, 8 * SECTOR);
	check(request(T_IN, 4, (word)b, 8 * SECTOR) == S_OK && !memcmp(a, b, 8 * SECTOR), "read");
	memset(b, 0, 9 * SECTOR);
	check(request(T_IN, 4, (word)b + 3, 8 * SECTOR) == S_OK && !memcmp(a, b + 3, 8 * SECTOR) && !b[2] &&
		      !b[3 + 8 * SECTOR],
	      "read to an odd address");
	check(request(T_OUT, 20, (word)b + 3, 8 * SECTOR) == S_OK, "write from an odd address");
	memset(b, 0, 9 * SECTOR);
	check(request(T_IN, 20, (word)b, 8 * SECTOR) == S_OK && !memcmp(a, b, 8 * SECTOR), "read that back");
	check(request(T_IN, 0, DATA, DATA_BYTES) == S_OK && !memcmp((uint8_t *)DATA + 4 * SECTOR, (uint8_t *)DATA + 20 * SECTOR,
								     8 * SECTOR),
	      "read of 2 MiB");
	check(request(T_GET_ID, 0, (word)b, 20) == S_OK && b[0], "identity");
}

struct range {
	uint64_t sector;
	uint32_t sectors, flags;
};

static void test_ranges(void)
{
	struct range *r = (struct range *)(DATA + 0x20000);
	uint8_t *b = (uint8_t *)DATA;
	bool zero = true;

	*r = (struct range){4, 3, 0};
	check(request(T_WRITE_ZEROES, 0, (word)r, sizeof(*r)) == S_OK, "write zeroes");
	check(request(T_IN, 3, DATA, 6 * SECTOR) == S_OK, "read them");
	for (unsigned int i = SECTOR; i < 4 * SECTOR; i++)
		zero &= !b[i];
	check(zero && b[4 * SECTOR + 1], "these three sectors are zero, the next one is not");
	*r = (struct range){4096, 0x4000, 0};
	check(request(T_WRITE_ZEROES, 0, (word)r, sizeof(*r)) == S_OK, "write 8 MiB of zeroes");
	*r = (struct range){4096, 256, 0};
	check(request(T_DISCARD, 0, (word)r, sizeof(*r)) == S_OK, "discard");
	*r = (struct range){sectors - 1, 2, 0};
	check(request(T_WRITE_ZEROES, 0, (word)r, sizeof(*r)) == S_IOERR, "zeroes across the disk's end");
	check(request(T_DISCARD, 0, (word)r, sizeof(*r)) == S_IOERR, "discard across the disk's end");
	r->sector = ~0ull;
	check(request(T_DISCARD, 0, (word)r, sizeof(*r)) == S_IOERR, "discard of sectors that wrap");
	check(request(T_DISCARD, 0, (word)r, 7) == S_UNSUPP, "discard of half a range");
}

static void test_refused(void)
{
	check(request(T_IN, sectors, DATA, SECTOR) == S_IOERR, "read behind the disk's end");
	check(request(T_IN, sectors - 1, DATA, 2 * SECTOR) == S_IOERR, "read across the disk's end");
	check(request(T_OUT, ~0ull, DATA, SECTOR) == S_IOERR, "write to the last sector there could be");
	check(request(T_IN, ~0ull / 512, DATA, SECTOR) == S_IOERR, "read of a sector whose byte wraps");
	check(request(T_IN, 0, DATA, 100) == S_IOERR, "read of a part of a sector");
	check(request(T_NONSENSE, 0, DATA, SECTOR) == S_UNSUPP, "a type that does not exist");
	check(request(T_IN, 0, DATA, SECTOR) == S_OK, "and a good one behind them");
}

static void needs_reset(const char *what)
{
	bool needs = false;

	kick();
	for (unsigned int ms = 0; ms < PATIENCE && !needs; ms++) {
		needs = inb(base + STATUS) & NEEDS_RESET;
		if (!needs)
			delay_ms(1);
	}
	start();
	check(needs && request(T_IN, 0, DATA, SECTOR) == S_OK, "%s: needs a reset, and works after it", what);
}

static void test_broken(void)
{
	prepare(0, T_IN, 0, DATA, SECTOR);
	desc[1].next = 0;
	offer(0);
	needs_reset("a loop");
	prepare(0, T_IN, 0, DATA, SECTOR);
	desc[1].next = size;
	offer(0);
	needs_reset("a successor out of range");
	offer(size);
	needs_reset("a head out of range");
	avail[1] += size + 1;
	needs_reset("an index too far ahead");
	prepare(0, T_IN, 0, 0xf0000000, SECTOR);
	offer(0);
	needs_reset("a buffer outside RAM");
	prepare(0, T_IN, 0, ~0ul - 100, SECTOR);
	offer(0);
	needs_reset("a buffer that wraps");
	prepare(0, T_IN, 0, DATA, 0xfffffe00);
	offer(0);
	needs_reset("a huge buffer");
	desc[0].address = HEADERS;
	desc[0].length = 8;
	desc[0].flags = 0;
	offer(0);
	needs_reset("half a header");
	desc[0].address = DATA;
	desc[0].length = 16;
	desc[0].flags = INDIRECT;
	((struct descriptor *)DATA)[0] = (struct descriptor){DATA, 16, INDIRECT, 0};
	offer(0);
	needs_reset("a table in a table");
	outl(base + QUEUE_PFN, 0);
	outl(base + QUEUE_PFN, 0xfffffff0);
	needs_reset("a queue outside RAM");
}

#define FLIGHT 16
#define FLIGHT_BYTES 0x20000

static void test_reset_in_flight(void)
{
	bool quiet = true;

	for (unsigned int round = 0; round < 8; round++) {
		for (unsigned int n = 0; n < FLIGHT; n++) {
			prepare(n, T_IN, n * 64, DATA + (word)n * FLIGHT_BYTES, FLIGHT_BYTES);
			offer(3 * n);
		}
		kick();
		if (round & 1)
			delay_ms(1);
		reset();
		memset((void *)DATA, 0x5a, DATA_BYTES);
		memset((void *)STATUSES, S_UNTOUCHED, FLIGHT);
		delay_ms(20);
		for (unsigned int i = 0; i < DATA_BYTES; i += 64)
			quiet &= *(volatile uint8_t *)(DATA + (word)i) == 0x5a;
		for (unsigned int n = 0; n < FLIGHT; n++)
			quiet &= *(volatile uint8_t *)(STATUSES + (word)n) == S_UNTOUCHED;
		start();
	}
	check(quiet, "after a reset nothing of before it arrives");
	check(request(T_IN, 0, DATA, SECTOR) == S_OK, "and the disk works");
}

/* Descriptors, rings and headers at random; what the device writes goes to DATA or nowhere. */
static void storm(unsigned int count)
{
	unsigned int resets = 0;

	for (unsigned int i = 0; i < count; i++) {
		for (unsigned int n = 0; n < 16; n++) {
			uint32_t r = random32();

			desc[n].address = r & 0x30 ? DATA + (random32() & 0xfffff) : (uint64_t)random32() << (r >> 8 & 31);
			if (desc[n].address < DATA)
				desc[n].address += DATA_BYTES + DATA;
			desc[n].length = r & 0x40 ? random32() & 0xfff : random32() >> (r >> 16 & 31);
			desc[n].flags = r & 3;
			desc[n].next = random32() & (r & 0x80 ? 15 : 0xffff);
		}
		for (unsigned int n = 0; n < 64; n++)
			((uint32_t *)DATA)[n * 512] = random32() & 15;
		offer(random32() & 15);
		if (!(random32() & 15))
			avail[1] += random32();
		outw(base + (random32() & 7 ? NOTIFY : random32() & 0x1e), random32());
		if (inb(base + STATUS) != (ACKNOWLEDGE | DRIVER | DRIVER_OK)) {
			resets++;
			start();
		}
	}
	start();
	check(request(T_IN, 0, DATA, SECTOR) == S_OK, "the disk works after %u random rounds and %u resets", count, resets);
}

int main(void)
{
	random_seed(option("seed", 1));
	if (!find()) {
		skip("virtio", "there is no virtio disk");
		return verdict("virtio");
	}
	sectors = inl(base + CONFIG) | (uint64_t)inl(base + CONFIG + 4) << 32;
	start();
	print("virtio disk of %u sectors at port %x, %u descriptors\n", (unsigned int)sectors, base, size);
	test_good();
	test_ranges();
	test_refused();
	test_broken();
	test_reset_in_flight();
	storm(option("count", 2000));
	return verdict("virtio");
}
