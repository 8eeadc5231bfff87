/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IDE: the two channels of a PIIX, with ATA disks and ATAPI CD drives, for guests without virtio.
 *
 * A medium is asynchronous: a command submits one transfer at a time, the channel is busy until
 * ide_done(). Data goes straight into and out of the guest's RAM when the guest's descriptors are in
 * units of 512 bytes, else through the channel's buffer.
 *
 * All functions are called with the guest's lock held. Nothing here blocks or allocates.
 *
 * Source: ATA/ATAPI-7 (T13 1532D) volumes 1 and 2; Bus Master IDE 1.0; SFF-8038i; MMC-3; 82371SB (PIIX3) data sheet.
 */
#ifndef VMM_IDE_H
#define VMM_IDE_H

#include <stdbool.h>
#include <stdint.h>
#include "line.h"
#include "pci.h"

#define IDE_SECTOR 512
#define IDE_CD_SECTOR 2048
#define IDE_BUFFER 0x10000 /* of a channel */
#define IDE_SEGMENTS 128   /* of a transfer */
#define IDE_CHANNELS 2
#define IDE_PRIMARY 0x1f0
#define IDE_SECONDARY 0x170
#define IDE_CONTROL 0x206 /* from the first port on */
#define IDE_IRQ 14	  /* of the primary; the secondary has the next */

enum ide_status {
	IDE_ERR = 0x01,
	IDE_DRQ = 0x08,
	IDE_DSC = 0x10,
	IDE_DF = 0x20,
	IDE_DRDY = 0x40,
	IDE_BSY = 0x80,
};
enum ide_error { IDE_ABRT = 0x04, IDE_IDNF = 0x10, IDE_UNC = 0x40 };

enum ide_operation { IDE_READ, IDE_WRITE, IDE_WRITE_FUA, IDE_FLUSH, IDE_TRIM };

struct ide_segment {
	uint64_t gpa; /* or offset in the channel's buffer */
	uint32_t bytes;
};

/* One transfer. It belongs to its channel, and to the medium from submit until ide_done(). */
struct ide_io {
	enum ide_operation operation;
	uint64_t sector, sectors; /* of 512 bytes */
	bool buffer;		  /* segments lie in the channel's buffer, not in guest RAM */
	unsigned segments;
	struct ide_segment segment[IDE_SEGMENTS];
};

/* What a drive reads and writes. Zero: no drive. */
struct ide_medium {
	/* ide_done() follows, perhaps before this returns. */
	void (*submit)(struct ide_medium *m, unsigned channel, struct ide_io *io);
	uint64_t sectors; /* of 512 bytes; 0: no medium in the drive */
	bool cdrom, read_only, trim;
	char model[41], serial[21], firmware[9];
	void *private_;
};

enum ide_phase {
	IDE_IDLE,
	IDE_PIO_IN,  /* the guest reads the buffer */
	IDE_PIO_OUT, /* the guest fills it */
	IDE_PACKET,  /* the guest writes the 12 bytes of a command */
	IDE_WAIT,    /* for the medium */
};

struct ide;
struct ide_channel;

struct ide_drive {
	struct ide_medium *medium; /* NULL: nothing is connected */
	uint8_t multiple;	   /* sectors an interrupt of READ and WRITE MULTIPLE, 0 off */
	uint8_t dma_mode;	   /* as SET FEATURES gave it */
	uint8_t heads, track;	   /* of the geometry that the guest set */
	uint8_t sense, asc;	   /* ATAPI */
	bool changed, write_cache_off;
};

struct ide_channel {
	struct ide *ide;
	unsigned number;
	struct line irq;
	struct ide_drive drive[2];
	/* The command block. Registers of 48 bits have a previous value. */
	uint8_t features, old_features, count, old_count, lba[3], old_lba[3];
	uint8_t device, status, error, control;
	/* The bus master. */
	uint8_t bm_command, bm_status;
	uint32_t bm_table;
	/* The command under way. */
	enum ide_phase phase;
	uint8_t command;
	bool dma, in_flight, dropped; /* dropped: a reset came, its answer is nothing */
	void (*fetched)(struct ide_channel *c, bool failed);
	void (*next)(struct ide_channel *c, bool failed); /* after the medium's answer, or the last byte of PIO */
	uint64_t sector, left;	   /* of 512 bytes, not yet transferred */
	uint32_t at, end, block;   /* in the buffer: position, end of the data, bytes up to the next interrupt */
	uint32_t block_end;
	uint8_t packet[12];
	uint32_t prd_entry, prd_used; /* of the table: the entry, and how much of it is done */
	struct ide_io io;
	uint8_t *buffer; /* IDE_BUFFER bytes */
};

struct ide {
	struct pci_function function;
	struct ide_channel channel[IDE_CHANNELS];
};

/* The PCI function's identity and bus master registers; the caller sets buffers, lines and media, and adds it. */
void ide_init(struct ide *ide, uint8_t *config);
void ide_connect(struct ide *ide, unsigned channel, unsigned drive, struct ide_medium *m);
void ide_reset(struct ide *ide);
/* Transfers that media still work at. */
unsigned ide_in_flight(const struct ide *ide);
/* The medium's answer. */
void ide_done(struct ide_channel *c, bool failed);
/* Its size changed: another medium, or none. */
void ide_medium_changed(struct ide_medium *m, struct ide *ide);
/* offset 0..7 of the command block (data: sizes 1, 2, 4), or IDE_CONTROL. */
uint32_t ide_read(struct ide_channel *c, unsigned offset, unsigned size);
void ide_write(struct ide_channel *c, unsigned offset, unsigned size, uint32_t value);

/* --- between the files of the device ----------------------------------------------------------- */

static inline struct ide_drive *ide_drive(struct ide_channel *c)
{
	return &c->drive[c->device >> 4 & 1];
}

static inline bool ide_is_cd(const struct ide_drive *d)
{
	return d->medium && d->medium->cdrom;
}

/* ide.c: the end of a command, with an interrupt. */
void ide_finish(struct ide_channel *c, uint8_t error);
void ide_interrupt(struct ide_channel *c);
/* `bytes` of the buffer to the guest by PIO, an interrupt for each `block` of them; then next. */
void ide_pio_in(struct ide_channel *c, uint32_t bytes, uint32_t block,
		void (*next)(struct ide_channel *c, bool failed));
/* `bytes` from the guest into the buffer, then next. */
void ide_pio_out(struct ide_channel *c, uint32_t bytes, bool interrupt,
		 void (*next)(struct ide_channel *c, bool failed));
/* Gives c->io to the medium. */
void ide_submit(struct ide_channel *c, void (*next)(struct ide_channel *c, bool failed));
/* All of [sector, sector + sectors) through the buffer. */
void ide_submit_buffer(struct ide_channel *c, enum ide_operation operation, uint64_t sector,
		       uint32_t bytes, void (*next)(struct ide_channel *c, bool failed));
void ide_signature(struct ide_channel *c);

/* ide_ata.c, ide_atapi.c */
void ide_ata_command(struct ide_channel *c);
void ide_atapi_command(struct ide_channel *c);
void ide_identify_packet(struct ide_channel *c);

/* ide_dma.c: a DMA command was given: it waits for the guest's start bit. */
void ide_dma_begin(struct ide_channel *c, uint64_t sector, uint64_t sectors);
void ide_dma_start(struct ide_channel *c); /* the start bit is set */
/* `bytes` of the buffer to the guest by DMA, then the command ends. */
void ide_dma_buffer(struct ide_channel *c, uint32_t bytes);
/* `bytes` from the guest into the buffer by DMA, then next. */
void ide_dma_fetch(struct ide_channel *c, uint32_t bytes, void (*next)(struct ide_channel *c, bool failed));
uint64_t ide_bm_read(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size);
void ide_bm_write(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size, uint64_t value);

#endif
