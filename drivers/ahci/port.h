/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A port of the adapter, the device on it, and its commands.
 *
 *               link is down, or never came up
 *        +------------------------------------------------+
 *        v                                                |
 *     ABSENT --port_begin--> LINK --signature--> IDENTIFY --> READY <--+
 *        ^                    ^  ^                  |          |       |
 *        |                    |  +--- RESET <-------+--error-- STOP ---+ what is unfinished is put again
 *     DEAD <-- 3rd failure ---+       (COMRESET)
 *
 * ABSENT  nothing runs; an interrupt says when a device comes.
 * LINK    waits for the link and for the device to say what it is.
 * IDENTIFY, READY  the engine runs. In READY commands of the front are taken; `internal` is one of our own, alone.
 * STOP    waits for the engine to end. All commands are pending then.
 * RESET   COMRESET is asserted.
 * DEAD    given up: every request fails, until something is plugged in anew.
 *
 * port_step() goes as far as it can; a timer calls it again when something must be waited for.
 */
#ifndef AHCI_PORT_H
#define AHCI_PORT_H

#include "ahci.h"
#include "blk.h"
#include "dma.h"
#include "identify.h"

enum port_state { PORT_ABSENT, PORT_LINK, PORT_IDENTIFY, PORT_READY, PORT_STOP, PORT_RESET, PORT_DEAD };

enum stop_reason { STOP_TASK_FILE, STOP_TIMEOUT, STOP_FATAL, STOP_LINK };

#define RETRIES 3	 /* of one request */
#define RESETS 3	 /* of a port without one command done between them */
#define MEDIUM_POLL_NS 2000000000ull
#define STEP_FIRST_NS 1000000ull /* between two looks, doubled up to */
#define STEP_LAST_NS 64000000ull

/* A connection that puts requests, the broker's own or one that it handed over, until its last command is done. */
struct ring {
	struct ring *next;
	struct port *port;
	struct blk_back back;
	bool whole; /* the broker's own */
	struct disk_terms terms;
	struct dma_region region[REF_TAGS];
	bool shared[REF_TAGS];
	bool gone; /* given up, its end is under way */
	bool over; /* answers go nowhere */
	bool told; /* that its memory is out of reach */
	unsigned commands;
};

struct slot {
	uint64_t id;	 /* of the front's request */
	uint64_t sector; /* of 512 bytes; what is left of a discard */
	uint64_t sectors;
	uint64_t deadline;
	struct ring *ring;
	uint32_t part; /* sectors of a discard that the device has at the moment */
	uint8_t wire, operation, retries;
	uint16_t prds;
};

struct port;
typedef void (*internal_done)(struct port *p, bool ok);

struct port {
	struct hba *hba;
	unsigned number; /* at its adapter */
	unsigned disk;	 /* of all adapters: the number in its name */
	enum port_state state;
	enum stop_reason reason;
	uint64_t deadline, step_ns; /* of the state; between looks */
	struct timer timer;	    /* steps */
	struct timer watch;	    /* commands that take too long; a drive's medium */
	struct ahci_memory *memory;
	uint64_t bus; /* its address */
	struct identity identity;
	bool atapi, identified;
	unsigned resets; /* since the last success */
	bool stuck;	 /* the engine does not end */

	/* Commands: slots in use are in exactly one of these. */
	unsigned depth;		/* slots that may be used, */
	uint32_t depth_mask;	/* and which */
	uint32_t busy, pending; /* the device has it; it waits to be put again */
	uint32_t struck;	/* busy when the engine was stopped */
	bool alone;		/* what is busy suffers no other beside it */
	bool single;		/* one at a time, until one that failed is found */
	struct ring *held_of;	/* `held` of that ring waits until it can be alone; NULL: nothing is held */
	struct blk_command held;
	struct slot slot[AHCI_SLOTS];
	internal_done internal, then; /* `then`: behind a sequence of them */
	uint64_t internal_deadline;
	unsigned attempts;

	/* Who puts requests. */
	uint32_t connection; /* the broker's own; 0: not asked for yet */
	struct ring *rings, *turn; /* that live; whose request was taken last */
	unsigned ring_count;
	bool no_medium;
	uint64_t medium_sectors, medium_due;
	unsigned old_commands; /* of rings that are over */
	uint64_t errors, retries, timeouts;
};

struct hba {
	struct device *device;
	char *registers;
	uint32_t cap;
	unsigned slots;
	uint32_t ports; /* implemented */
	unsigned index;
	struct port *port[AHCI_PORTS];
};

static inline unsigned count_bits(uint32_t bits)
{
	unsigned n = 0;

	for (; bits; bits &= bits - 1)
		n++;
	return n;
}

/* hba.c: the adapter */
int hba_start(struct hba *h); /* reset, ports begun. 0 or an error with its sentence */
void hba_stop(struct hba *h);
void hba_interrupt(struct hba *h);
bool hba_is_there(const struct hba *h); /* false: pulled out; its registers say nothing then */
uint32_t port_read(const struct port *p, uint32_t reg);
void port_write(const struct port *p, uint32_t reg, uint32_t value);

/* port.c: states */
void port_begin(struct port *p);
void port_step(struct port *p);
void port_interrupt(struct port *p, uint32_t is);
void port_stop(struct port *p, enum stop_reason why);
void port_failed(struct port *p, const char *what); /* COMRESET, or given up */
void port_report(const struct port *p, const char *what);
void port_lost(struct port *p); /* with its adapter: everything fails */

/* command.c: what is put to the device */
bool command_is_queued(const struct port *p, uint8_t operation);
/* 0, -EIO: its memory is not for this device. */
int command_build(struct port *p, unsigned slot, struct ring *r, const struct blk_command *c);
/* The header, and the ranges of a discard: before each start. */
void command_prepare(struct port *p, unsigned slot);
void command_start(struct port *p, uint32_t slots);
/* Data to or from memory->page. Only on an idle port whose engine runs. */
void internal_ata(struct port *p, uint8_t command, uint8_t page, uint16_t bytes, internal_done done);
void internal_packet(struct port *p, const uint8_t *packet, uint16_t bytes, internal_done done);

/* queue.c: the way of a request */
void queue_fill(struct port *p);		 /* takes requests as long as there are slots */
void queue_complete(struct port *p);		 /* what the device has done */
void queue_blame(struct port *p, unsigned slot); /* a failed try: it stays pending, or is answered */
void queue_resume(struct port *p);		 /* pending ones are put again */
void queue_fail(struct port *p);		 /* all end with an error */
void queue_watch(struct timer *t);

/* disk.c: the connections */
void disk_ready(struct port *p);  /* the port works: ask for a connection, or go on */
void disk_gone(struct port *p);	  /* and does not come back */
void disk_medium(struct port *p); /* no_medium, medium_sectors changed */
void disk_settle(struct port *p); /* perhaps a new ring may begin */
void disk_command_ended(struct port *p, struct ring *r);
int disk_connected(struct port *p, struct connection *c);
void disk_disconnected(struct ring *r);
int disk_shared(struct ring *r, const struct share *s);

/* packet.c: drives with a medium that can be missing */
void packet_look(struct port *p); /* is there a medium, how large is it */
void packet_failed(struct port *p, internal_done then); /* asks why; then: ok = it may be tried again */

#endif
