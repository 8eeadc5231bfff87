// SPDX-License-Identifier: GPL-2.0-only
/* Virtqueue. */
#include <string.h>
#include <postern/errno.h>
#include "virtqueue.h"

#define AVAIL_NO_INTERRUPT 1
#define USED_NO_NOTIFY 1
#define USED_ELEMENT 8

void vq_reset(struct virtqueue *q)
{
	struct pci_function *f = q->f;

	*q = (struct virtqueue){.f = f};
}

static int broken(struct virtqueue *q, const char *why)
{
	if (!q->wrong)
		q->wrong = why;
	return -EINVAL;
}

bool vq_start(struct virtqueue *q)
{
	unsigned extra = q->event_idx ? 2 : 0;

	if (!q->size || q->size > VQ_SIZE_MAX || q->size & (q->size - 1)) {
		broken(q, "a queue's size is impossible");
		return false;
	}
	if (q->desc & 15 || q->avail & 1 || q->used & 3) {
		broken(q, "a queue is not aligned");
		return false;
	}
	q->d = pci_dma(q->f, q->desc, 16 * q->size, false);
	q->a = pci_dma(q->f, q->avail, 4 + 2 * q->size + extra, false);
	q->u = pci_dma(q->f, q->used, 4 + USED_ELEMENT * q->size + extra, true);
	q->started = q->d && q->a && q->u;
	if (!q->started)
		broken(q, "a queue does not lie in RAM");
	return q->started;
}

/* --- taking requests ------------------------------------------------------------------------- */

bool vq_pending(struct virtqueue *q)
{
	return q->started && !q->wrong && q->a[1] != q->last_avail;
}

static struct vq_descriptor copy(const volatile struct vq_descriptor *d)
{
	struct vq_descriptor c;

	c.address = d->address;
	c.length = d->length;
	c.flags = d->flags;
	c.next = d->next;
	return c;
}

/* One descriptor's memory into the chain. */
static int add(struct virtqueue *q, struct vq_chain *c, const struct vq_descriptor *d)
{
	bool write = d->flags & VQ_WRITE;
	uint8_t *at;

	if (!write && c->readable < c->count)
		return broken(q, "a buffer to read follows one to write");
	if (d->length == 0)
		return 0;
	if (c->count == VQ_SIZE_MAX)
		return broken(q, "a chain is longer than its queue");
	at = pci_dma(q->f, d->address, d->length, write);
	if (!at)
		return broken(q, "a buffer does not lie in RAM");
	c->buffer[c->count++] = (struct vq_buffer){at, d->length};
	if (write) {
		c->in_bytes += d->length;
	} else {
		c->readable = c->count;
		c->out_bytes += d->length;
	}
	return 0;
}

/* The chain from `first` on in a table of `size`. Descriptors of an indirect table are followed one level deep. */
static int follow(struct virtqueue *q, struct vq_chain *c, const volatile struct vq_descriptor *table, unsigned size,
		  unsigned first, bool inside)
{
	unsigned n = first;

	/* No descriptor comes twice in a chain without a loop. */
	for (unsigned steps = 0; steps < size; steps++) {
		struct vq_descriptor d = copy(&table[n]);
		int e;

		if (d.flags & VQ_INDIRECT) {
			if (inside || !q->indirect || d.flags & VQ_NEXT)
				return broken(q, "an indirect descriptor where none may be");
			if (!d.length || d.length % 16 || d.length / 16 > VQ_SIZE_MAX || d.address & 15)
				return broken(q, "an indirect table has an impossible size");
			table = pci_dma(q->f, d.address, d.length, false);
			if (!table)
				return broken(q, "an indirect table does not lie in RAM");
			return follow(q, c, table, d.length / 16, 0, true);
		}
		e = add(q, c, &d);
		if (e || !(d.flags & VQ_NEXT))
			return e;
		n = d.next;
		if (n >= size)
			return broken(q, "a descriptor's successor is out of range");
	}
	return broken(q, "a chain has a loop");
}

int vq_pop(struct virtqueue *q, struct vq_chain *c)
{
	uint16_t idx, head;
	int e;

	if (!q->started || q->wrong)
		return q->wrong ? -EINVAL : 0;
	idx = q->a[1];
	if (idx == q->last_avail)
		return 0;
	if ((uint16_t)(idx - q->last_avail) > q->size)
		return broken(q, "the available index is out of range");
	__atomic_thread_fence(__ATOMIC_ACQUIRE); /* the entry, after the index that announced it */
	head = q->a[2 + (q->last_avail & (q->size - 1))];
	if (head >= q->size)
		return broken(q, "an available entry is out of range");
	c->head = head;
	c->count = c->readable = 0;
	c->in_bytes = c->out_bytes = 0;
	e = follow(q, c, q->d, q->size, head, false);
	if (e)
		return e;
	q->last_avail++;
	return 1;
}

/* --- giving them back ------------------------------------------------------------------------ */

void vq_push(struct virtqueue *q, uint16_t head, uint32_t written)
{
	volatile uint32_t *element;

	if (!q->started || q->wrong)
		return;
	element = (volatile uint32_t *)(q->u + 2) + 2 * (q->used_idx & (q->size - 1));
	element[0] = head;
	element[1] = written;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	q->u[1] = ++q->used_idx;
}

/* Did `event` lie among the elements (before, now]? virtio 1.2, 2.7.7.2. */
static bool passed(uint16_t event, uint16_t now, uint16_t before)
{
	return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

bool vq_wants_interrupt(struct virtqueue *q)
{
	uint16_t before = q->told;

	if (!q->started || q->wrong || before == q->used_idx)
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* our index, then the driver's wish */
	q->told = q->used_idx;
	if (q->event_idx)
		return passed(q->a[2 + q->size], q->used_idx, before);
	return !(q->a[0] & AVAIL_NO_INTERRUPT);
}

void vq_kicks_off(struct virtqueue *q)
{
	if (q->started && !q->event_idx)
		q->u[0] = USED_NO_NOTIFY;
}

bool vq_kicks_on(struct virtqueue *q)
{
	return vq_kicks_after(q, 0);
}

bool vq_kicks_after(struct virtqueue *q, uint16_t more)
{
	if (!q->started || q->wrong)
		return false;
	if (q->event_idx)
		q->u[2 + 4 * q->size] = q->last_avail + more;
	else
		q->u[0] = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return (uint16_t)(q->a[1] - q->last_avail) > (q->event_idx ? more : 0);
}

/* --- copies ---------------------------------------------------------------------------------- */

static uint32_t transfer(const struct vq_chain *c, unsigned n, unsigned end, uint64_t offset, uint8_t *ours,
			 uint32_t bytes, bool to_guest)
{
	uint32_t done = 0;

	for (; n < end && done < bytes; n++) {
		const struct vq_buffer *b = &c->buffer[n];
		uint32_t part;

		if (offset >= b->bytes) {
			offset -= b->bytes;
			continue;
		}
		part = b->bytes - offset;
		if (part > bytes - done)
			part = bytes - done;
		if (to_guest)
			memcpy(b->at + offset, ours + done, part);
		else
			memcpy(ours + done, b->at + offset, part);
		done += part;
		offset = 0;
	}
	return done;
}

uint32_t vq_read(const struct vq_chain *c, uint64_t offset, void *to, uint32_t bytes)
{
	return transfer(c, 0, c->readable, offset, to, bytes, false);
}

uint32_t vq_write(const struct vq_chain *c, uint64_t offset, const void *from, uint32_t bytes)
{
	return transfer(c, c->readable, c->count, offset, (uint8_t *)from, bytes, true);
}
