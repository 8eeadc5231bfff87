/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Channels: how the manager and the modules, and modules among themselves, talk.
 *
 * A channel is shared memory with two rings of 64-byte messages, each with one producer and one
 * consumer. Every module has one to the manager, its control channel, at CHANNEL_VA. A connection
 * to a service is another piece of shared memory, made by the manager and given to both sides with
 * MSG_CONNECT. What lies in it depends on the service class:
 *
 *   "acpi", "bus.pci"   struct channel: requests and replies (kinds from MSG_SERVICE up)
 *   "console"           struct console_link: a byte stream in both directions (Xen's console ring)
 *   "disk"              struct disk_link (disk.h): Xen's block ring
 *   "disk.driver"       the same; the driver is the client and serves the requests
 *   "nic", "nic.driver" struct nic_link (nic.h): Xen's network rings
 *   "display", "input"  struct display_link, struct input_link (screen.h): Xen's frame buffer and keyboard rings
 *
 * A new class needs no change here: the manager passes class names on and gives each connection
 * CONNECTION_BYTES, and the two sides agree.
 *
 * Connections of `requires` and `uses` are made by the manager before START, one each, port 0. Those
 * of `opens` are asked for by the client, as many as it likes, with MSG_OPEN. When a server is reborn the
 * manager connects its clients again, with the next generation and empty memory; a client that is
 * reborn asks again. Of guests the server learns the value of the configuration's key of the class's name
 * (`disk = ...`, the port-th; of class "disk" the ports from 64 up are `cdrom`), which nobody but the configuration can set.
 *
 * A server that only decides who gets what (`volume`) hands a connection over to the one that has it, the client of another of
 * its connections, and looks on: MSG_HAND_OVER. Client and new server get the next generation, with empty memory, and the terms
 * (MSG_TERMS), which the class defines. Who handed it over gets it with ROLE_WITNESS: memory to read, nothing to signal; his death
 * changes nothing, his next life is told again. When the new server dies or gives the connection up, or the witness does, it is
 * the first server's again, in the next generation.
 *
 * Memory of one side reaches the other by MSG_SHARE: the manager copies the handle, because neither
 * side can name the other's task. It lasts as long as the connection does.
 *
 * Whoever wrote into a ring signals the peer's event (the badge of the handle selects its bit). The
 * other side of a ring is not trusted: a consumer copies a message out before it looks at it, and
 * an index that is further ahead than the ring is long breaks the connection (-EIO), nothing else.
 *
 * Bits of a module's main event: 0 control channel, 1..31 connections (MSG_CONNECT says which),
 * 32..47 interrupts of its manifest in their order, 48..62 the module's own.
 */
#ifndef POSTERN_CHANNEL_H
#define POSTERN_CHANNEL_H

#include <stdint.h>
/* The oldest interface, Xen's default, takes its barriers from the includer under other names. */
#define __XEN_INTERFACE_VERSION__ 0x00040e00
#include <xen/io/console.h>

#define EVENT_BIT_CONTROL 0
#define EVENT_BIT_CONNECTION 1 /* .. 31, by turns for more connections than that */
#define EVENT_BIT_IRQ 32       /* .. 47 */
#define EVENT_BIT_OWN 48       /* .. 62 */
#define CONNECTIONS_MAX 63
#define MODULE_IRQS_MAX 16

/* Kinds of message. Numbers are never reused. A reply has MSG_REPLY ORed into the kind of its
 * request and the request's id. */
#define MSG_REPLY 0x8000
enum message_kind {
	MSG_NONE = 0,

	/* From the manager to a module, in this order: IRQ and CONNECT of what it requires,
	 * START. */
	MSG_IRQ = 1,	    /* .irq: an interrupt of the manifest */
	MSG_CONNECT = 2,    /* .connect: a connection begins */
	MSG_DISCONNECT = 3, /* .connect: (connection, generation) is over; the memory may be unmapped */
	MSG_START = 4,	    /* probe the device, begin; answer READY or FAILED */
	MSG_STOP = 5,	    /* put the device to rest and end (THREAD_EXIT) */
	MSG_PING = 6,	    /* .word[0] = sequence; answer PONG with the same */
	MSG_COMMAND = 7,    /* .text: a line from the shell's `send` */
	MSG_DEVICE = 8,	    /* .device: a PCI function that the manifest's `pci` names, before START */
	MSG_BAR = 9,	    /* .bar: of the device named; its BARs follow it. Device NO_DEVICE: the boot loader's frame buffer */
	MSG_PEER = 10,	    /* .peer: who is at the other end, in pieces, before the CONNECT it belongs to */
	MSG_SHARED = 11,    /* .share: memory of the other side, on this connection */
	MSG_TERMS = 12,	    /* .hand: before the CONNECT of a connection that was handed over, to its server and its witness */

	/* From a module to the manager. */
	MSG_READY = 16,	 /* the device works; its services may be used */
	MSG_FAILED = 17, /* .word[0] = negative error; the sentence in channel.sentence */
	MSG_PONG = 18,
	MSG_STATUS = 19,    /* .text: one line for `modules` */
	MSG_OPEN_FILE = 20, /* .text = name of a boot file. Reply .file */
	MSG_HANGUP = 21,    /* .connect: this side gives the connection up; of MSG_OPEN's a new generation follows at once */
	MSG_POWER_BUTTON = 22, /* from the provider of "acpi": the machine's power button was pressed */
	MSG_OPEN = 23,	    /* .open: one more connection as client; reply .result = its id. It comes by CONNECT when the
			     * server is ready */
	MSG_CLOSE = 24,	    /* .connect.connection: the client gives a connection of MSG_OPEN back */
	MSG_SHARE = 25,	    /* .share: to the other side of the connection. `memory` is a handle of the sender with GRANT */
	MSG_KEEP = 26,	    /* .share, connection 0: keep this memory beyond this life, under `tag` (0..7); the next life gets it
			     * by SHARED with connection 0 before START. Identity and tables of brokers live there */
	MSG_HAND_OVER = 27, /* .hand: of the server of both connections; nothing happens if one of them is over by then */

	/* Manager to VMM. The VMM reports the new state with GUEST_STATE. */
	MSG_GUEST_PAUSE = 32,
	MSG_GUEST_RESUME = 33,
	MSG_GUEST_RESET = 34,
	MSG_GUEST_STOP = 35,  /* end at once, as by pulling the plug; answer GUEST_ENDED(END_STOPPED) */
	MSG_GUEST_QUERY = 36, /* answer GUEST_STATE */
	MSG_GUEST_POWER_BUTTON = 37,
	MSG_GUEST_ROM = 38, /* .text: the boot file that replaces its gateway; answer GUEST_ROM_DONE */

	MSG_GUEST_BALLOON = 40, /* .text: bytes that it shall do without, in decimal; empty: a line in the log about that */
	MSG_GUEST_TRACE = 39, /* .trace: what, index; answers GUEST_TRACED, TRACE_AT_ONCE of them or as many as there are */

	/* VMM to manager. */
	MSG_GUEST_STATE = 48, /* .guest; also sent unasked at every change */
	MSG_GUEST_ENDED = 49, /* .ended; the sentence in channel.sentence. The VMM stays until STOP or RESET */

	MSG_GUEST_ROM_DONE = 50, /* .result; the sentence in channel.sentence */
	MSG_GUEST_TRACED = 51,	 /* .trace; what = TRACE_END past the last one */

	/* Kinds of service classes. The requester picks the id. */
	MSG_SERVICE = 0x100,
	ACPI_POWER_OFF = 0x100, /* -> reply .result, only on failure */
	ACPI_REBOOT = 0x101,	/* -> reply .result, only on failure */
	ACPI_ROUTE = 0x102,	/* .route: bdf, pin -> reply .route with gsi, flags */
	ACPI_ROOT = 0x103,	/* .word[0] = index -> reply .word[0] = bus of that PCI root bridge; -ENOENT past the end */
	PCI_COUNT = 0x110,	/* -> reply .word[0] = functions found */
	PCI_FUNCTION = 0x111,	/* .word[0] = index -> reply .pci */
	PCI_BAR = 0x112,	/* .word[0] = bdf, [1] = BAR number -> reply .word[0] = address, [1] = bytes (0: not
				 * sized, because it is in use), [2] = enum pci_bar_flag; -ENOENT:
				 * not there */
	PCI_FIND = 0x113,	/* .word[0] = vendor | device << 16 (0xffff: any), [1] = class code (24 bits), [2] = mask
				 * on it, [3] = first index -> reply .pci, .result = its index;
				 * -ENOENT */
	PCI_REGISTER = 0x114,	/* .word[0] = bdf, [1] = register, [2] = 1, 2, 4 -> reply .word[0] = value. Registers of
				 * the header (below 0x40), and all below 0x100 for who claimed the
				 * function */
	PCI_CLAIM = 0x115,	/* .word[0] = bdf -> reply .claim. One connection owns it then; over when that ends */
	PCI_RELEASE = 0x116,	/* .word[0] = bdf */
	PCI_ENABLE = 0x117,	/* owner: .word[0] = bdf, [1] = enum pci_enable, all others off -> reply .word[0] = command
				 * register read back */
	PCI_INTERRUPT = 0x118,	/* .word[0] = bdf -> reply .route; -ENOENT: it has no pin */
	PCI_MESSAGE = 0x11a,	/* owner: .word[0] = bdf, [1] = address | data << 32: what its interrupts are from now on. Entry 0 of
				 * an MSI-X table has been written by then */
	PCI_TEXT = 0x119,	/* .word[0] = index, [1] = line -> reply .text; line 0 the function, its BARs, its interrupt */
};

enum pci_bar_flag { PCI_BAR_IO = 1, PCI_BAR_64 = 2, PCI_BAR_PREFETCH = 4 };
/* Bits of the command register. */
enum pci_enable { PCI_ENABLE_IO = 1, PCI_ENABLE_MEMORY = 2, PCI_ENABLE_MASTER = 4, PCI_ENABLE_NO_INTX = 0x400 };

#define NO_TABLE 0xffffffffu

enum device_flag { DEVICE_MSI = 1, DEVICE_IS_CONFINED = 2, DEVICE_MSIX = 4 /* then MSI, too */ };
#define NO_DEVICE 0xffffffffu

/* Of VMI calls that a trace ROM reported: how often each was made; or each call, in order. */
enum trace_what { TRACE_COUNTS, TRACE_RECORDS, TRACE_END };
#define TRACE_AT_ONCE 16

enum connection_role { ROLE_CLIENT, ROLE_SERVER, ROLE_WITNESS };

#define CLASS_NAME 16
#define MESSAGE_TEXT 48

struct message {
	uint16_t kind;
	uint16_t pad;
	uint32_t id; /* of a request; its reply carries the same */
	int64_t result; /* of replies: 0 or more, or a negated error */
	union {
		uint64_t word[6];
		char text[MESSAGE_TEXT]; /* NUL-terminated; a reader cuts at the end */
		struct {
			char class_[CLASS_NAME];
			uint32_t connection, generation; /* generation counts up when a side was reborn */
			uint32_t memory; /* handle in the receiver's table, CONNECTION_BYTES long */
			uint32_t event;	 /* handle: signals the peer */
			uint32_t role;	 /* enum connection_role of the receiver */
			uint32_t bit;	 /* of the receiver's main event: the peer signals it */
			uint32_t port;	 /* which of the service's ports (console: 0 = COM1, ...) */
			uint32_t spare;
		} connect;
		struct {
			uint32_t index; /* in the manifest's list */
			uint32_t gsi;
			uint32_t handle; /* for SYS_IRQ_ACK */
			uint32_t bit;
		} irq;
		struct {
			char class_[CLASS_NAME];
			uint32_t port;
			char argument[28]; /* what the client asks for, to the server's `peer` text */
		} open;
		struct {
			uint32_t connection;
			uint32_t piece; /* 0, 1, ...: text goes on with this one */
			char text[40];	/* "module NAME ARGUMENT" or "guest NAME VALUE"; NUL in the last piece */
		} peer;
		struct {
			uint32_t connection, generation;
			uint32_t memory; /* handle; of the receiver's table in SHARED */
			uint32_t rights; /* enum right: READ, WRITE, PHYS, GRANT */
			uint32_t tag;	 /* the class says what it means */
			uint32_t spare;
			uint64_t bytes; /* SHARED: of the object */
		} share;
		struct {
			uint32_t connection, generation;
			uint32_t to; /* its client serves the first one from now on */
			uint32_t spare;
			uint64_t terms[4];
		} hand;
		struct {
			uint32_t index; /* 0, 1, ...: of this module's devices */
			uint32_t bdf, vendor_device, class_revision, subsystem;
			uint32_t device; /* handle for SYS_DEVICE_*: CONTROL */
			uint32_t irq;	 /* handle for SYS_IRQ_ACK, 0: none could be had */
			uint32_t bit;	 /* of the main event */
			uint32_t flags;	 /* enum device_flag */
			uint32_t bars;	 /* bit n: BAR n follows */
		} device;
		struct {
			uint32_t device, number;
			uint64_t bytes;
			uint64_t address; /* I/O: the first port, granted; else physical address */
			uint32_t memory;  /* handle, mappable READ and WRITE; 0 for I/O */
			uint32_t flags;	  /* enum pci_bar_flag */
			uint32_t width, height, pitch_bpp, spare; /* frame buffer: pitch << 8 | bits a pixel */
		} bar;
		struct {
			uint32_t memory; /* handle, mappable READ; the file starts at `offset` in it */
			uint32_t offset;
			uint64_t bytes;
		} file;
		struct {
			uint32_t state; /* enum guest_state */
			uint32_t cpus;
			uint64_t memory;   /* bytes of its RAM */
			uint64_t first_ns; /* CLOCK at its first instruction, 0 not yet */
			uint32_t resets, spare;
		} guest;
		struct {
			uint32_t what, index; /* enum trace_what; of the call or the record */
			uint32_t call, cpu;   /* numbers of postern/gateway.h's GATEWAY_TRACE, too */
			uint32_t eax, edx, ecx, stack;
			uint64_t count; /* COUNTS: of this call; END: records that found no place */
		} trace;
		struct {
			uint32_t how; /* enum guest_end */
			uint32_t value; /* DEBUG_EXIT: the byte written; FAULT: vcpu number */
			uint32_t pass_on; /* DEBUG_EXIT: 1 when the machine shall end with it */
		} ended;
		struct {
			uint32_t bdf, pin;   /* pin 0 = INTA */
			uint32_t gsi, flags; /* enum irq_flag of syscall.h */
		} route;
		struct {
			uint32_t bdf, vendor_device, class_revision, subsystem;
			uint32_t header, pin;
		} pci;
		struct {
			uint32_t bdf, bars; /* bit n: BAR n is there */
			uint32_t gsi, flags; /* of its pin; gsi ~0: none */
			uint32_t message; /* place of its MSI-X or MSI capability, 0: none */
			uint32_t table;	  /* MSI-X: of its table, offset | BAR; else NO_TABLE */
			uint32_t express; /* place of its PCI Express capability, 0: none */
		} claim;
	};
};

enum guest_state { GUEST_STARTING, GUEST_RUNNING, GUEST_PAUSED, GUEST_ENDED_STATE };

enum guest_end {
	END_POWER_OFF,	/* ACPI S5 */
	END_DEBUG_EXIT, /* wrote its debug-exit port */
	END_RESET,	/* reset itself and its configuration says that a reset ends it */
	END_FAULT,	/* triple fault, or an access that its policy refuses */
	END_STOPPED,	/* by MSG_GUEST_STOP */
	END_REFUSED,	/* never started: image, memory, configuration */
};

#define MSG_RING_SLOTS 32 /* a power of two */

/* prod and cons count messages since the beginning and wrap at 2^32. */
struct msg_ring {
	uint32_t prod;
	uint32_t pad0[15];
	uint32_t cons;
	uint32_t pad1[15];
	struct message slot[MSG_RING_SLOTS];
};

/* Of a control channel the module is the server. */
struct channel {
	struct msg_ring to_server;
	struct msg_ring to_client;
	char sentence[512]; /* written by the server before FAILED and GUEST_ENDED */
};

/* Of a console the server is who has the terminal; `in` flows to the client, `out` to the server,
 * as in Xen between backend (server) and guest (client). */
struct console_link {
	struct xencons_interface ring;
};

#define CHANNEL_BYTES 0x2000
#define CONNECTION_BYTES 0x10000 /* frames come at first touch */

_Static_assert(sizeof(struct message) == 64, "a message is one cache line");
_Static_assert(sizeof(struct channel) <= CHANNEL_BYTES, "channel size");
_Static_assert(sizeof(struct console_link) <= CONNECTION_BYTES, "console link size");

#endif
