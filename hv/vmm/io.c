// SPDX-License-Identifier: GPL-2.0-only
/* I/O space and memory space. */
#include <string.h>
#include <postern/errno.h>
#include "io.h"

void io_init(struct io_space *io, const struct io_device *nobody)
{
	memset(io->owner, 0, sizeof(io->owner));
	io->devices[0] = *nobody;
	io->count = 1;
}

/* The number of a device, -ENOSPC. The same device again keeps its number. */
static int number(struct io_space *io, const struct io_device *d)
{
	for (unsigned n = 1; n < io->count; n++)
		if (io->devices[n].read == d->read && io->devices[n].write == d->write &&
		    io->devices[n].device == d->device)
			return n;
	if (io->count == IO_DEVICES_MAX)
		return -ENOSPC;
	io->devices[io->count] = *d;
	return io->count++;
}

int io_fill(struct io_space *io, unsigned first, unsigned count, const struct io_device *d)
{
	int n;

	if (first >= IO_PORTS || count == 0 || count > IO_PORTS - first)
		return -EINVAL;
	n = number(io, d);
	if (n < 0)
		return n;
	for (unsigned p = first; p < first + count; p++)
		if (!io->owner[p])
			io->owner[p] = n;
	return 0;
}

int io_add(struct io_space *io, unsigned first, unsigned count, const struct io_device *d)
{
	if (first >= IO_PORTS || count == 0 || count > IO_PORTS - first)
		return -EINVAL;
	for (unsigned p = first; p < first + count; p++)
		if (io->owner[p])
			return -EEXIST;
	return io_fill(io, first, count, d);
}

void io_remove(struct io_space *io, unsigned first, unsigned count)
{
	if (first < IO_PORTS && count <= IO_PORTS - first)
		memset(io->owner + first, 0, count);
}

static const struct io_device *owner(struct io_space *io, unsigned port)
{
	return &io->devices[io->owner[port & (IO_PORTS - 1)]];
}

static uint32_t read_as_is(struct io_space *io, const struct io_device *d, unsigned port,
			   unsigned size)
{
	uint32_t value;

	if (d->flags & IO_UNLOCKED || !io->lock)
		return d->read(d->device, port, size);
	io->lock();
	value = d->read(d->device, port, size);
	io->unlock();
	return value;
}

static void write_as_is(struct io_space *io, const struct io_device *d, unsigned port,
			unsigned size, uint32_t value)
{
	if (d->flags & IO_UNLOCKED || !io->lock) {
		d->write(d->device, port, size, value);
		return;
	}
	io->lock();
	d->write(d->device, port, size, value);
	io->unlock();
}

uint32_t io_read(struct io_space *io, unsigned port, unsigned size)
{
	const struct io_device *d = owner(io, port);
	uint32_t value = 0;

	if (size == 1 || d->flags & IO_WIDE)
		return read_as_is(io, d, port, size);
	for (unsigned i = 0; i < size; i++) {
		d = owner(io, port + i);
		value |= (read_as_is(io, d, (port + i) & (IO_PORTS - 1), 1) & 0xff) << 8 * i;
	}
	return value;
}

void io_write(struct io_space *io, unsigned port, unsigned size, uint32_t value)
{
	const struct io_device *d = owner(io, port);

	if (size == 1 || d->flags & IO_WIDE) {
		write_as_is(io, d, port, size, value);
		return;
	}
	for (unsigned i = 0; i < size; i++) {
		d = owner(io, port + i);
		write_as_is(io, d, (port + i) & (IO_PORTS - 1), 1, value >> 8 * i & 0xff);
	}
}

int mmio_add(struct mmio_space *m, const struct mmio_range *r)
{
	if (r->bytes == 0 || r->first + (r->bytes - 1) < r->first)
		return -EINVAL;
	for (unsigned n = 0; n < m->count; n++) {
		const struct mmio_range *o = &m->range[n];

		if (r->first <= o->first + (o->bytes - 1) && o->first <= r->first + (r->bytes - 1))
			return -EEXIST;
	}
	if (m->count == MMIO_RANGES_MAX)
		return -ENOSPC;
	m->range[m->count++] = *r;
	return 0;
}

void mmio_remove(struct mmio_space *m, uint64_t first)
{
	for (unsigned n = 0; n < m->count; n++)
		if (m->range[n].first == first) {
			m->range[n] = m->range[--m->count];
			return;
		}
}

const struct mmio_range *mmio_find(const struct mmio_space *m, uint64_t gpa, unsigned size)
{
	for (unsigned n = 0; n < m->count; n++) {
		const struct mmio_range *r = &m->range[n];

		if (gpa >= r->first && gpa - r->first < r->bytes)
			return size <= r->bytes - (gpa - r->first) ? r : NULL;
	}
	return NULL;
}
