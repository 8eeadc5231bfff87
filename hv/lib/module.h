/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A module: a table of verbs and hardware code. The library owns the loop.
 *
 * A program that links the library and has no main() of its own defines
 *
 *	const struct module_ops module = { .probe = ..., };
 *	MODULE_MANIFEST("name = ...\n" ...);
 *
 * The loop answers the manager's heartbeat between verbs, so a verb that does not return within the
 * heartbeat's deadline (3 s) makes the manager kill and restart the module: bound every wait (but
 * connection_call() and module_open_file() answer it while they wait). All
 * verbs run on the main thread; other threads use module_signal() to get the main thread's
 * attention.
 *
 * A life:  probe -> (connected, message, readable, interrupt, event, disconnected ...) -> remove
 */
#ifndef LIB_MODULE_H
#define LIB_MODULE_H

#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>
#include <postern/errno.h>
#include <postern/channel.h>
#include <postern/start.h>

/* One end of a connection. Lives in the library from connected() to disconnected(). */
struct connection {
	char class_[CLASS_NAME];
	uint32_t id, generation, port, bit;
	enum connection_role role;
	uint32_t memory, event;
	bool messages; /* of its class, and the module takes them; else it reads the ring itself */
	uint32_t of;	   /* the connection of this module's because of which it was handed over; 0: it was not */
	uint64_t terms[4]; /* then */
	bool broken; /* the peer wrote nonsense: no more messages are taken */
	char peer[128]; /* who is at the other end, from the manager: "guest NAME VALUE", "module NAME ARGUMENT" */
	union {
		void *shared;		/* CONNECTION_BYTES, mapped read-write, for a witness to read */
		struct channel *rpc;	/* classes with messages */
		struct console_link *link; /* class "console" */
	};
	void *private_; /* the module's own */
};

struct share {
	uint32_t memory, rights, tag;
	uint64_t bytes;
};

struct device_bar {
	uint64_t bytes, address; /* address: first port of an I/O BAR, else physical */
	uint32_t memory;	 /* handle, 0 for I/O */
	uint32_t flags;		 /* enum pci_bar_flag */
	void *va;		 /* device_map() */
};

/* A PCI function that the manifest's `pci` names and the machine has. */
struct device {
	uint32_t index, bdf, vendor_device, class_revision, subsystem;
	uint32_t handle, irq, flags; /* SYS_DEVICE_*; SYS_IRQ_ACK; enum device_flag */
	uint64_t irq_bit;	     /* of event() */
	struct device_bar bar[6];
};

struct module_ops {
	/* Find the device, reset it, make it work. All services that the manifest requires are
	 * connected before (connected() was called). 0 or a negative error after module_fail().
	 * NULL: succeeds. */
	int (*probe)(void);
	/* Put the device to rest: it is dirty for the next life otherwise. The program ends
	 * afterwards. */
	void (*remove)(void);
	/* A connection begins. An error refuses it. */
	int (*connected)(struct connection *c);
	/* It is over; its memory vanishes when this returns. */
	void (*disconnected)(struct connection *c);
	/* The peer signalled (classes without messages). */
	void (*readable)(struct connection *c);
	/* A message arrived on an RPC connection: a request at the server's, a reply at the
	 * client's end. With this verb set, the library empties the message ring of every
	 * connection but "console". */
	void (*message)(struct connection *c, const struct message *m);
	/* The other side shared memory on this connection; the handle is this module's, and the library
	 * closes it after disconnected(), or when other memory was shared under its tag (0..15). */
	void (*shared)(struct connection *c, const struct share *s);
	/* Interrupt `index` of the manifest's list: serve the device, then sys_irq_ack(irq). */
	void (*interrupt)(unsigned index, uint32_t irq);
	/* Messages from the manager that the library does not answer itself: COMMAND, GUEST_*. */
	void (*control)(const struct message *m);
	/* Bits EVENT_BIT_OWN.. of the main event: own interrupts (MSI), module_signal(). */
	void (*event)(uint64_t bits);
};

extern const struct module_ops module;

/* The start page: name, arguments, handles. */
const struct start_info *module_start(void);
/* The value of a key in the arguments, copied to `to` (size bytes, terminated); the nth one (from
 * 0) when a key may come several times. Its length or -ENOENT. */
int module_argument(const char *key, unsigned nth, char *to, size_t size);
/* The same as a number; `otherwise` when it is missing or malformed. */
uint64_t module_argument_number(const char *key, uint64_t otherwise);

/* To the manager. 1 sent, 0 ring full for 10 s (the manager is dead, too), -EIO. Any thread. */
int module_send(const struct message *m);
/* A line for `modules`, as a printf. */
void module_status(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The sentence for people, logged and left in channel.sentence: before probe() fails or a guest
 * ends. */
void module_sentence(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Logs the sentence, and returns `error` for `return module_fail(-EIO, "...")`. */
int module_fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A boot file, mapped read-only. Only on the main thread, blocks up to 20 s (the manager may be between two lives). NULL: *error says
 * why. */
const void *module_open_file(const char *name, uint64_t *bytes, int *error);

/* Connections. */
int connection_send(struct connection *c, const struct message *m); /* puts and signals */
void connection_signal(struct connection *c);
void connection_signal_calmly(struct connection *c); /* SIGNAL_CALM */
/* Request and wait for its reply, up to timeout ns; on the main thread. Other messages that come
 * meanwhile are delivered to message() as usual. 0 or an error; *m becomes the reply. */
int connection_call(struct connection *c, struct message *m, uint64_t timeout);
struct connection *connection_find(const char *class_, unsigned nth);
/* Gives it up, this side for the other: its end follows. */
static inline void connection_hang_up(const struct connection *c)
{
	struct message m = {.kind = MSG_HANGUP};

	m.connect.connection = c->id;
	m.connect.generation = c->generation;
	module_send(&m);
}

/* The client of connection `to` shall serve this one, a server's: it ends, and comes back for us to look on (ROLE_WITNESS). */
void connection_hand_over(struct connection *c, const struct connection *to, const void *terms);

/* Asks for one more connection of a class that the manifest `opens`: its id, which connected() will
 * bring when the server is ready, or an error (-ENODEV: nobody provides it). Main thread. */
int module_open(const char *class_, uint32_t port, const char *argument);
void module_close(uint32_t connection);
/* Shows a memory object to the other side, with these of the rights that our handle has. */
int connection_share(struct connection *c, uint32_t memory, uint32_t rights, uint32_t tag);
/* Memory that outlives this life: 0 or an error. module_kept: the handle from earlier lives, 0 none. */
int module_keep(uint32_t memory, uint32_t tag);
uint32_t module_kept(uint32_t tag, uint64_t *bytes);

/* Devices, in the order of their bdf; NULL past the last. Interrupts arrive in event() as d->irq_bit. */
#define MODULE_DEVICES_MAX 8
struct device *module_device(unsigned index);
/* The boot loader's frame buffer (manifest `framebuffer`), NULL: none. Its size is in `m->bar`; width 0: what is there is the
 * window of VGA memory at 0xa0000. */
const struct message *module_framebuffer(void);
/* Maps a memory BAR, uncached; NULL on error. The same pointer at each call. */
void *device_map(struct device *d, unsigned bar);

/* Timers of the main loop. Zeroed memory is a timer that is off. */
struct timer {
	uint64_t deadline; /* CLOCK ns */
	void (*expired)(struct timer *t);
	struct timer *next;
	bool armed;
};
void timer_set(struct timer *t, uint64_t deadline, void (*expired)(struct timer *t));
void timer_cancel(struct timer *t);

/* For long work on the main thread: the heartbeat is answered now. */
void module_alive(void);
/* From any thread: the main loop calls event() with these bits. */
void module_signal(uint64_t bits);

/* Address space: `bytes` (rounded up to pages, 2 MiB-aligned from 2 MiB up) of unused addresses,
 * with a hole behind. */
uint64_t space_reserve(uint64_t bytes);
/* Maps a whole memory object somewhere; NULL on error. */
void *space_map(uint32_t memory, uint64_t bytes, uint32_t rights);
/* Physical memory, read only, at any address, for whoever's system handle has PHYSMEM; NULL with
 * *error negative. */
const void *space_map_phys(uint64_t phys, uint64_t bytes, int *error);

/* Port I/O, for ports of the manifest. */
static inline void port_out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t port_in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void port_out16(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint16_t port_in16(uint16_t port)
{
	uint16_t value;

	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void port_out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint32_t port_in32(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

#endif
