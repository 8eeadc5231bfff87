/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtio over PCI: what all virtio devices of a guest have in common, for drivers of version 1 and for those before
 * it (transitional): both see the same device, the registers differ.
 *
 *   BAR 0  I/O, 256 bytes      legacy registers; port VIRTIO_NOTIFY is the doorbell of both
 *   BAR 1  memory, 8 KiB       common configuration, ISR, device configuration, MSI-X
 *
 * Work is done on the main thread, with the guest's lock held: a doorbell makes the core signal the main event,
 * virtio_event() then calls work() of the devices whose bit is set. Register accesses come from the virtual
 * processors' threads, with the lock held too.
 *
 * A driver that breaks the rules of a queue finds DEVICE_NEEDS_RESET in the status (virtio 1.2, 2.1.2), and the device
 * does nothing until it was reset. A reset takes effect when nothing that the device was told before can touch the
 * guest's RAM any more: until then a version 1 driver reads the old status, and a legacy driver's write of 0 waits.
 *
 * Source: virtio 1.2, chapter 4.1.
 */
#ifndef VMM_VIRTIO_H
#define VMM_VIRTIO_H

#include <stdbool.h>
#include <stdint.h>
#include "pci.h"
#include "virtqueue.h"

#define VIRTIO_QUEUES_MAX 18
#define VIRTIO_DEVICES_MAX 32
#define VIRTIO_CONFIG_BYTES 0xa0 /* the legacy BAR has no more */
#define VIRTIO_NOTIFY 16
#define VIRTIO_SLOT 3 /* from here on; those before hold what a PC has there */

enum virtio_type {
	VIRTIO_NET = 1,
	VIRTIO_BLK = 2,
	VIRTIO_CONSOLE = 3,
	VIRTIO_RNG = 4,
	VIRTIO_BALLOON = 5,
	VIRTIO_INPUT = 18,
};

enum virtio_status {
	VIRTIO_ACKNOWLEDGE = 1,
	VIRTIO_DRIVER = 2,
	VIRTIO_DRIVER_OK = 4,
	VIRTIO_FEATURES_OK = 8,
	VIRTIO_NEEDS_RESET = 0x40,
	VIRTIO_FAILED = 0x80,
};

/* Bit numbers of features that all devices have. */
enum virtio_feature {
	VIRTIO_F_ANY_LAYOUT = 27,
	VIRTIO_F_INDIRECT = 28,
	VIRTIO_F_EVENT_IDX = 29,
	VIRTIO_F_VERSION_1 = 32,
	VIRTIO_F_RING_RESET = 40,
};

struct virtio_device;

struct virtio_ops {
	/* The driver rang, or may have: take what is in the queues. */
	void (*work)(struct virtio_device *d);
	/* The driver is ready (DRIVER_OK; legacy ones may have queued before). NULL: nothing to do. */
	void (*started)(struct virtio_device *d);
	/* Forget all of the queue's requests; those on their way are dropped when they end. NULL: there are none. */
	void (*stop)(struct virtio_device *d, unsigned queue);
	/* Requests of the queue are on their way that may still touch the guest's RAM. NULL: never. */
	bool (*busy)(struct virtio_device *d, unsigned queue);
	/* The driver wrote the device's configuration [offset, offset + size). NULL: it is read-only. */
	void (*configure)(struct virtio_device *d, unsigned offset, unsigned size, uint32_t value);
	/* The features the driver chose go together. NULL: all that were offered do. */
	bool (*agreed)(const struct virtio_device *d);
};

struct virtio_queue {
	struct virtqueue q;
	uint16_t vector;
	uint16_t size_max;
	bool enabled, resetting;
};

struct virtio_device {
	struct pci_function pci;
	const struct virtio_ops *ops;
	const char *name; /* for messages */
	void *private_;
	enum virtio_type type;
	unsigned queues;
	uint64_t offered; /* features */
	unsigned config_bytes;
	uint8_t config[VIRTIO_CONFIG_BYTES];

	/* What the driver did. */
	uint64_t features;
	uint32_t offered_select, features_select;
	uint16_t selected, config_vector;
	uint8_t status, isr, generation;
	bool legacy, resetting;
	uint64_t bit;	  /* of the main event: its doorbell */
	uint64_t notified; /* doorbells that came here as exits */
	struct virtio_queue queue[VIRTIO_QUEUES_MAX];
};

/* --- for devices ------------------------------------------------------------------------------ */

/* On zeroed memory with ops, name, type, queues, offered (without the common ones), config and sizes of queues set
 * (queue[n].size_max): on the bus. 0 or an error. class_: of PCI. */
int virtio_add(struct virtio_device *d, uint32_t class_, struct pci *bus);
static inline bool virtio_has(const struct virtio_device *d, unsigned feature)
{
	return d->features >> feature & 1;
}

/* The queue, when the driver has made it usable; NULL: not, or it is broken, or being reset. */
struct virtqueue *virtio_live(struct virtio_device *d, unsigned queue);
/* The next request of a queue: 1 and *c filled, 0: none. What is broken is dealt with. */
int virtio_pop(struct virtio_device *d, unsigned queue, struct vq_chain *c);
/* Nothing is left, and the driver rings for the next one. False: look again. */
bool virtio_drained(struct virtio_device *d, unsigned queue);
/* After pushes: the interrupt, if the driver wants one. */
void virtio_told(struct virtio_device *d, unsigned queue);
/* The configuration changed. */
void virtio_config_changed(struct virtio_device *d);
/* The driver broke a rule: `why` is logged. */
void virtio_broken(struct virtio_device *d, unsigned queue, const char *why);
/* A request of the past ended: a reset that waited for it may be done. */
void virtio_settled(struct virtio_device *d);

/* --- for control.c --------------------------------------------------------------------------- */

#define EVENT_VIRTIO_FIRST 54
#define EVENT_VIRTIO (0x1ffull << EVENT_VIRTIO_FIRST)

/* Bits of the main event, lock held. */
void virtio_event(uint64_t bits);
/* Resets all devices as far as that goes at once; true: none touches the guest's RAM any more. Lock held. */
bool virtio_quiet(void);

/* virtio_pci.c and virtio.c, for each other */
int virtio_pci_init(struct virtio_device *d, uint32_t class_, struct pci *bus);
void virtio_interrupt(struct virtio_device *d, uint16_t vector, unsigned isr);
void virtio_set_status(struct virtio_device *d, uint8_t status);
bool virtio_enable_queue(struct virtio_device *d, unsigned queue);
void virtio_reset_queue(struct virtio_device *d, unsigned queue);
uint32_t virtio_config_read(const struct virtio_device *d, unsigned offset, unsigned size);
void virtio_config_write(struct virtio_device *d, unsigned offset, unsigned size, uint32_t value);

/* devices.c: what the process around does for them. */
void virtio_host_ring(struct virtio_device *d); /* the main thread shall call virtio_event(d->bit) */
/* An OUT to this port does the same without an exit to us (bit 0: no longer). An error: it comes to us. */
int virtio_host_doorbell(unsigned port, uint64_t bit);
/* Lock held: a processor that halts rings this device's doorbell, too. For one device at a time, the last that asked. */
void virtio_host_halts(struct virtio_device *d, bool ring);
/* Lock held, but not meanwhile: a virtual processor's thread sleeps a little, until virtio_host_settled(). False: stop
 * waiting, the guest is being stopped. */
bool virtio_host_wait(void);
void virtio_host_settled(void);
void virtio_host_log(const struct virtio_device *d, const char *what);

#endif
