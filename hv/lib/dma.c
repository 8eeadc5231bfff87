// SPDX-License-Identifier: GPL-2.0-only
/* DMA: bus addresses of shared memory, asked of the core once for each 2 MiB. */
#include "dma.h"
#include "clock.h"
#include "log.h"
#include "stdlib.h"
#include "syscalls.h"

#define CHUNK LARGE_PAGE_SIZE
#define CHUNK_PAGES (CHUNK / PAGE_SIZE)
#define WHOLE 1ull
#define TABLE 2ull
#define KIND 3ull

static struct dma_region *regions;

static uint64_t ask(struct dma_region *r, uint64_t index);

int dma_region_init(struct dma_region *r, struct device *d, uint32_t memory, uint64_t bytes)
{
	int64_t own;

	*r = (struct dma_region){.device = d, .memory = memory, .bytes = bytes};
	r->chunk = calloc((bytes + CHUNK - 1) / CHUNK, sizeof(*r->chunk));
	if (!r->chunk)
		return -ENOMEM;
	own = sys_handle_grant(HANDLE_SELF, memory, RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS, 0);
	if (own > 0) {
		r->memory = own;
		r->own = true;
	}
	/* So that regions of the same memory can be told: frames belong to one object. Who shows memory whose beginning
	 * nobody gets (SYS_MEM_GIVE) would leave it with the device for good. */
	if (bytes)
		r->chunk[0] = ask(r, 0);
	if (bytes && !r->chunk[0]) {
		if (r->own)
			sys_device_control(d->handle, DEVICE_RELEASE, r->memory);
		dma_region_free(r);
		return -ENOMEM;
	}
	r->next = regions;
	regions = r;
	return 0;
}

void dma_region_free(struct dma_region *r)
{
	for (uint64_t i = 0; r->chunk && i < (r->bytes + CHUNK - 1) / CHUNK; i++)
		if ((r->chunk[i] & KIND) == TABLE)
			free((void *)(r->chunk[i] & ~KIND));
	free(r->chunk);
	for (struct dma_region **at = &regions; *at; at = &(*at)->next)
		if (*at == r) {
			*at = r->next;
			break;
		}
	if (r->own)
		sys_handle_close(r->memory);
	*r = (struct dma_region){0};
}

static uint64_t first_address(const struct dma_region *r)
{
	uint64_t c = r->chunk && r->bytes ? r->chunk[0] : 0;

	return (c & KIND) == TABLE ? *(uint64_t *)(c & ~KIND) : c & ~KIND;
}

/* Two guests' disks, or two disks of a guest, at one adapter. */
static bool is_shared(const struct dma_region *r)
{
	for (const struct dma_region *o = regions; o; o = o->next)
		if (o != r && o->device == r->device && first_address(o) == first_address(r))
			return true;
	return false;
}

void dma_region_release(struct dma_region *r)
{
	if (r->own && first_address(r) && !is_shared(r))
		sys_device_control(r->device->handle, DEVICE_RELEASE, r->memory);
	dma_region_free(r);
}

/* A chunk whose frames are not in one piece: an address a page. */
static uint64_t make_table(const struct dma_extent *e, unsigned count)
{
	uint64_t *table = calloc(CHUNK_PAGES, sizeof(*table));
	unsigned page = 0;

	for (unsigned i = 0; table && i < count; i++)
		for (uint64_t at = 0; at < e[i].bytes && page < CHUNK_PAGES; at += PAGE_SIZE)
			table[page++] = e[i].address + at;
	return table ? (uintptr_t)table | TABLE : 0;
}

static uint64_t ask(struct dma_region *r, uint64_t index)
{
	static struct dma_extent extent[CHUNK_PAGES];
	uint64_t start = index * CHUNK, left = r->bytes - start;
	int64_t n = sys_device_dma(r->device->handle, r->memory, start, left < CHUNK ? left : CHUNK,
				   extent, CHUNK_PAGES);

	if (n <= 0) {
		static unsigned lines; /* a guest's disk may be asked for such memory again and again */

		if (lines++ < 16)
			log_line("device %02x:%02x.%x gets no address for offset 0x%llx: error %d",
				 r->device->bdf >> 8, r->device->bdf >> 3 & 31, r->device->bdf & 7,
				 (unsigned long long)start, (int)-n);
		return 0;
	}
	if (n == 1 && !(extent[0].address & KIND))
		return extent[0].address | WHOLE;
	return make_table(extent, n);
}

uint64_t dma_address(struct dma_region *r, uint64_t offset, uint64_t *contiguous)
{
	uint64_t *chunk, in = offset % CHUNK, left;

	if (offset >= r->bytes)
		return 0;
	chunk = &r->chunk[offset / CHUNK];
	if (!*chunk)
		*chunk = ask(r, offset / CHUNK);
	if (!*chunk)
		return 0;
	if ((*chunk & KIND) == TABLE) {
		*contiguous = PAGE_SIZE - offset % PAGE_SIZE;
		return ((uint64_t *)(*chunk & ~KIND))[in / PAGE_SIZE] + offset % PAGE_SIZE;
	}
	left = r->bytes - offset;
	*contiguous = CHUNK - in < left ? CHUNK - in : left;
	return (*chunk & ~KIND) + in;
}

void *dma_alloc(struct device *d, uint64_t bytes, uint64_t *address)
{
	int64_t memory;
	struct dma_extent e;
	void *at;

	bytes = PAGE_ROUND_UP(bytes);
	memory = sys_mem_create(bytes, MEM_POPULATE | MEM_CONTIGUOUS);
	if (memory < 0)
		return NULL;
	at = sys_device_dma(d->handle, memory, 0, bytes, &e, 1) == 1
		     ? space_map(memory, bytes, MAP_READ | MAP_WRITE)
		     : NULL;
	sys_handle_close(memory); /* the mapping and the device keep it */
	*address = e.address;
	return at;
}

int device_master(struct device *d, bool on)
{
	return sys_device_control(d->handle, DEVICE_MASTER, on);
}
