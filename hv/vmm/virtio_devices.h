/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's devices: which ones it has, and which connections serve them. All calls on the main thread; those below
 * the first group with the guest's lock held.
 */
#ifndef VMM_VIRTIO_DEVICES_H
#define VMM_VIRTIO_DEVICES_H

#include "module.h"
#include "virtio.h"

/* Makes what the guest's section asks for. 0 or a negative error with *error filled. */
struct boot_error;
int devices_make(struct boot_error *error);
/* All disks have said what they are, or will not: the guest may start. */
bool devices_settled(void);
/* A connection of a class other than "console". */
int devices_connected(struct connection *c);
void devices_disconnected(struct connection *c);
void devices_readable(struct connection *c);
/* Resets all, and waits until no device touches the guest's RAM any more: what a broker that went has not answered is given
 * up after ABANDON_NS, when its driver has ended it or was ended itself. On the thread that loads, lock not held. */
void devices_quiesce(void);

/* A device settled, or changed what it is. */
void devices_changed(void);

/* Each makes a device and puts it on the bus; NULL: no memory or no room. */
struct virtio_device *virtio_blk_make(const char *serial);
bool virtio_blk_settled(struct virtio_device *d);
int virtio_blk_connected(struct virtio_device *d, struct connection *c);
void virtio_blk_disconnected(struct virtio_device *d);
/* blk_front_abandon(): for a reset that cannot wait for ever. */
bool virtio_blk_abandon(struct virtio_device *d, uint64_t after);
void virtio_blk_readable(struct virtio_device *d);

struct virtio_device *virtio_net_make(void);
bool virtio_net_settled(struct virtio_device *d);
int virtio_net_connected(struct virtio_device *d, struct connection *c);
void virtio_net_disconnected(struct virtio_device *d);
void virtio_net_readable(struct virtio_device *d);

struct virtio_device *virtio_rng_make(void);

struct virtio_device *virtio_balloon_make(void);
/* The guest is asked to do without so many bytes; BALLOON_SAY: a line about what it does without. Lock held. */
#define BALLOON_SAY (~0ull)
void virtio_balloon_ask(uint64_t bytes);
/* The guest has all of its RAM again, or gets it now. False: the machine has no room. Lock held. */
bool virtio_balloon_whole(void);

/* Bytes of the guest's console go both ways; lock held. */
struct virtio_device *virtio_console_make(void);
void virtio_console_room(void); /* the console takes bytes again */
bool virtio_console_wants(void); /* the guest has buffers for input */
unsigned virtio_console_input(const uint8_t *bytes, unsigned n); /* how many it took */

/* A keyboard and a mouse. The events are false when the driver does not run: somebody else's then. Linux's key codes. */
bool virtio_input_make(void);
bool virtio_input_key(unsigned code, bool pressed);
bool virtio_input_move(int x, int y, int wheel);

#endif
