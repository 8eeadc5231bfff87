/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * I/O space: which device answers a port. One byte a port leads to the device in a single look-up,
 * because every port access of the guest passes here.
 *
 * An access that is wider than its device's registers is split into bytes, each at its own port, as
 * the ISA bus does.
 */
#ifndef VMM_IO_H
#define VMM_IO_H

#include <stdint.h>

#define IO_DEVICES_MAX 128
#define IO_PORTS 65536

enum io_flag {
	IO_WIDE = 1,	 /* takes 2- and 4-byte accesses as they are */
	IO_UNLOCKED = 2, /* needs no lock: it has no state that two processors share */
};

struct io_device {
	const char *name;
	uint32_t (*read)(void *device, unsigned port, unsigned size);
	void (*write)(void *device, unsigned port, unsigned size, uint32_t value);
	void *device;
	unsigned flags; /* enum io_flag */
};

struct io_space {
	struct io_device devices[IO_DEVICES_MAX]; /* 0 answers where nobody else does */
	unsigned count;
	void (*lock)(void), (*unlock)(void); /* NULL: none needed */
	uint8_t owner[IO_PORTS];
};

void io_init(struct io_space *io, const struct io_device *nobody);
/* Ports [first, first + count) are the device's. 0, -EINVAL, -EEXIST (taken), -ENOSPC. */
int io_add(struct io_space *io, unsigned first, unsigned count, const struct io_device *d);
/* Nobody's again. The device's calls may still come once, from a processor that was on its way. */
void io_remove(struct io_space *io, unsigned first, unsigned count);
/* The same for those of the ports that nobody owns yet. */
int io_fill(struct io_space *io, unsigned first, unsigned count, const struct io_device *d);
uint32_t io_read(struct io_space *io, unsigned port, unsigned size);
void io_write(struct io_space *io, unsigned port, unsigned size, uint32_t value);

/*
 * Memory space: device registers at guest-physical addresses that are not RAM. Few ranges, searched in order.
 */
#define MMIO_RANGES_MAX 64

struct mmio_range {
	uint64_t first, bytes;
	/* offset in the range, size 1, 2, 4, 8; the lock is held. */
	uint64_t (*read)(void *device, uint64_t offset, unsigned size);
	void (*write)(void *device, uint64_t offset, unsigned size, uint64_t value);
	void *device;
};

struct mmio_space {
	struct mmio_range range[MMIO_RANGES_MAX];
	unsigned count;
};

/* 0, -EINVAL (empty or wraps), -EEXIST (overlaps), -ENOSPC. */
int mmio_add(struct mmio_space *m, const struct mmio_range *r);
void mmio_remove(struct mmio_space *m, uint64_t first);
/* The range that holds all of the access, NULL: nobody. */
const struct mmio_range *mmio_find(const struct mmio_space *m, uint64_t gpa, unsigned size);

#endif
