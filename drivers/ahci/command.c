// SPDX-License-Identifier: GPL-2.0-only
/* Command: from a request to what the adapter reads: frame, scatter list, header. */
#include <string.h>
#include "clock.h"
#include "hw.h"
#include "log.h"

static struct ahci_table *table_of(struct port *p, unsigned slot)
{
	return &p->memory->table[slot];
}

static void set_header(struct port *p, unsigned slot, const struct ahci_table *t, uint16_t flags,
		       uint16_t prds)
{
	struct ahci_header *h = &p->memory->header[slot];
	uint64_t at = p->bus + ((const char *)t - (const char *)p->memory);

	h->flags = flags | HEADER_FIS_DWORDS;
	h->prds = prds;
	h->bytes_done = 0;
	h->table = at;
	h->table_high = at >> 32;
}

bool command_is_queued(const struct port *p, uint8_t operation)
{
	return p->identity.queue_depth && operation <= BLKIF_OP_WRITE_BARRIER;
}

static void set_fis(uint8_t *fis, uint8_t command, uint64_t lba, uint16_t count)
{
	memset(fis, 0, 20);
	fis[FIS_TYPE] = FIS_H2D;
	fis[FIS_FLAGS] = FIS_COMMAND;
	fis[FIS_CMD] = command;
	fis[FIS_DEVICE] = ATA_DEVICE_LBA;
	fis[FIS_LBA0] = lba;
	fis[FIS_LBA1] = lba >> 8;
	fis[FIS_LBA2] = lba >> 16;
	fis[FIS_LBA3] = lba >> 24;
	fis[FIS_LBA4] = lba >> 32;
	fis[FIS_LBA5] = lba >> 40;
	fis[FIS_COUNT] = count;
	fis[FIS_COUNT_HIGH] = count >> 8;
}

/* 13.6.4 of Serial ATA: the count is where others have features, the tag where they have the count.
 */
static void build_queued(uint8_t *fis, const struct slot *s, unsigned tag, uint64_t lba,
			 uint32_t count)
{
	set_fis(fis, s->operation == BLKIF_OP_READ ? ATA_READ_QUEUED : ATA_WRITE_QUEUED, lba,
		tag << 3);
	fis[FIS_FEATURE] = count;
	fis[FIS_FEATURE_HIGH] = count >> 8;
	if (s->operation == BLKIF_OP_WRITE_BARRIER)
		fis[FIS_DEVICE] |= ATA_DEVICE_FUA;
}

static void build_packet(uint8_t *fis, bool data)
{
	set_fis(fis, ATA_PACKET, 0, 0);
	fis[FIS_FEATURE] = data; /* by DMA */
	fis[FIS_LBA1] = 0xfe;	 /* bytes a piece, for devices that look */
	fis[FIS_LBA2] = 0xff;
	fis[FIS_DEVICE] = 0;
}

static void build_read_10(struct ahci_table *t, uint64_t lba, uint32_t count)
{
	const uint8_t packet[16] = {PACKET_READ_10, 0,	  lba >> 24, lba >> 16, lba >> 8, lba, 0,
				    count >> 8,	    count};

	build_packet(t->fis, true);
	memcpy(t->packet, packet, sizeof(packet));
}

/* Pages that follow each other on the bus become one entry. */
static int build_list(struct port *p, struct slot *s, struct ahci_table *t,
		      const struct blk_command *c)
{
	struct ahci_prd *prd = t->prd - 1;
	uint64_t end = 0, size = 0;

	for (unsigned i = 0; i < c->segments; i++) {
		const struct blkif_request_segment *seg = &c->segment[i];
		struct dma_region *r = &s->ring->region[REF_TAG(seg->gref)];
		uint32_t bytes = (seg->last_sect - seg->first_sect + 1) * BLK_SECTOR;
		uint64_t there, at = dma_address(r,
						 (uint64_t)REF_PAGE(seg->gref) * BLK_PAGE +
							 seg->first_sect * BLK_SECTOR,
						 &there);

		if (!at || there < bytes || ((at + bytes) >> 32 && !(p->hba->cap & CAP_S64A)))
			return -EIO;
		if (prd >= t->prd && at == end && size + bytes <= PRD_BYTES_MAX) {
			size += bytes;
		} else {
			prd++;
			prd->address = at;
			prd->address_high = at >> 32;
			prd->reserved = 0;
			size = bytes;
		}
		end = at + bytes;
		prd->count = size - 1;
	}
	s->prds = prd - t->prd + 1;
	return 0;
}

int command_build(struct port *p, unsigned slot, struct ring *r, const struct blk_command *c)
{
	struct ahci_table *t = table_of(p, slot);
	struct slot *s = &p->slot[slot];
	uint32_t unit = p->identity.sector_bytes / BLK_SECTOR;
	uint64_t lba = c->sector / unit;
	uint32_t count = c->sectors / unit;

	*s = (struct slot){.id = c->id,
			   .sector = c->sector,
			   .sectors = c->sectors,
			   .ring = r,
			   .wire = c->wire,
			   .operation = c->operation};
	if (c->operation == BLKIF_OP_FLUSH_DISKCACHE) {
		set_fis(t->fis, ATA_FLUSH_EXT, 0, 0);
		return 0;
	}
	if (c->operation == BLKIF_OP_DISCARD)
		return 0; /* at each start anew */
	if (p->atapi)
		build_read_10(t, lba, count);
	else if (command_is_queued(p, c->operation))
		build_queued(t->fis, s, slot, lba, count);
	else
		set_fis(t->fis,
			c->operation == BLKIF_OP_READ	 ? ATA_READ_DMA_EXT
			: c->operation == BLKIF_OP_WRITE ? ATA_WRITE_DMA_EXT
							 : ATA_WRITE_DMA_FUA_EXT,
			lba, count);
	return build_list(p, s, t, c);
}

/* ACS 7.10: 64 ranges of up to 65,535 sectors; what is left is for the next start. */
static void build_trim(struct port *p, struct slot *s, struct ahci_table *t)
{
	uint32_t unit = p->identity.sector_bytes / BLK_SECTOR;
	uint64_t lba = s->sector / unit, left = s->sectors / unit, all = left;
	uint64_t *range = (uint64_t *)p->memory->page;

	memset(range, 0, BLK_SECTOR);
	for (unsigned i = 0; i < TRIM_RANGES && left; i++) {
		uint64_t n = left < TRIM_RANGE_MAX ? left : TRIM_RANGE_MAX;

		range[i] = lba | n << 48;
		lba += n;
		left -= n;
	}
	s->part = (all - left) * unit;
	set_fis(t->fis, ATA_DATA_SET, 0, 1);
	t->fis[FIS_FEATURE] = ATA_DATA_SET_TRIM;
	t->prd[0] = (struct ahci_prd){.address = p->bus + offsetof(struct ahci_memory, page),
				      .address_high =
					      (p->bus + offsetof(struct ahci_memory, page)) >> 32,
				      .count = BLK_SECTOR - 1};
	s->prds = 1;
}

void command_prepare(struct port *p, unsigned slot)
{
	struct slot *s = &p->slot[slot];
	uint16_t flags = s->operation == BLKIF_OP_READ || s->operation == BLKIF_OP_FLUSH_DISKCACHE
				 ? 0
				 : HEADER_WRITE;

	if (s->operation == BLKIF_OP_DISCARD)
		build_trim(p, s, table_of(p, slot));
	table_of(p, slot)->fis[FIS_TYPE] = FIS_H2D;
	set_header(p, slot, table_of(p, slot), flags | (p->atapi ? HEADER_ATAPI : 0), s->prds);
	s->deadline = clock_ns() +
		      (s->operation == BLKIF_OP_FLUSH_DISKCACHE || s->operation == BLKIF_OP_DISCARD
			       ? FLUSH_NS
			       : IO_NS);
}

void command_start(struct port *p, uint32_t slots)
{
	unsigned first = __builtin_ctz(slots);

	p->busy |= slots;
	p->alone = !command_is_queued(p, p->slot[first].operation);
	if (!p->alone)
		port_write(p, PX_SACT, slots);
	port_write(p, PX_CI, slots);
	if (!p->watch.armed)
		timer_set(&p->watch, clock_ns() + NS_PER_S, queue_watch);
}

static void internal_start(struct port *p, uint16_t flags, uint16_t bytes, internal_done done)
{
	struct ahci_table *t = &p->memory->internal;
	uint64_t page = p->bus + offsetof(struct ahci_memory, page);

	t->prd[0] =
		(struct ahci_prd){.address = page, .address_high = page >> 32, .count = bytes - 1u};
	memset(p->memory->page, 0, bytes);
	set_header(p, 0, t, flags, bytes ? 1 : 0);
	p->internal = done;
	p->internal_deadline = clock_ns() + INTERNAL_NS;
	port_write(p, PX_CI, 1);
	if (!p->watch.armed)
		timer_set(&p->watch, clock_ns() + NS_PER_S, queue_watch);
}

void internal_ata(struct port *p, uint8_t command, uint8_t page, uint16_t bytes, internal_done done)
{
	set_fis(p->memory->internal.fis, command, page, bytes / BLK_SECTOR);
	internal_start(p, 0, bytes, done);
}

void internal_packet(struct port *p, const uint8_t *packet, uint16_t bytes, internal_done done)
{
	memset(p->memory->internal.packet, 0, 16);
	memcpy(p->memory->internal.packet, packet, 12);
	build_packet(p->memory->internal.fis, bytes > 0);
	internal_start(p, HEADER_ATAPI, bytes, done);
}
