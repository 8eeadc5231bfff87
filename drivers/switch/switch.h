/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Switch: the broker of network cards. Guests' cards and drivers' cards are its ports.
 *
 *   guest's VMM (front) --nic--> port --\            /-- uplink --nic.driver--> driver (back)
 *                                        network, table
 *   guest's VMM (front) --nic--> port --/
 *
 * A network is a name; all ports of the name reach each other. Of the uplinks of a network one is active, the first with
 * link; the others stand by and what they receive is dropped, so that no frame comes twice or goes in circles.
 *
 * A frame from a guest: its headers are copied into a buffer of ours, checked there, and only the copy is used. To a guest
 * it is copied once, RAM to RAM; to an uplink go our copy of the headers and references to the rest, and the guest has its
 * answer when the card has sent it. A frame that has no room at its one receiver waits a little, and its sender with it.
 */
#ifndef SWITCH_SWITCH_H
#define SWITCH_SWITCH_H

#include "module.h"
#include "netframe.h"
#include "netring.h"
#include "spec.h"
#include "table.h"
#include "timer.h"
#include "train.h"

#define PORTS_MAX 32 /* guests' cards */
#define UPLINKS_MAX 8
#define NETWORKS_MAX 16

#define HEAD_BYTES 256	/* of a frame: copied before anything is believed */
#define COPY_BYTES 512	/* frames up to here go to an uplink as a copy */
#define SLOT_BYTES 2048 /* of our pages: a frame to send, or a receive buffer */
#define TX_SLOTS 256
#define RX_SLOTS 255
#define PAGES_BYTES ((uint64_t)(TX_SLOTS + RX_SLOTS + 1) * SLOT_BYTES)
#define RX_START ((uint64_t)TX_SLOTS * SLOT_BYTES)
#define TAG_OWN 0 /* our pages, at an uplink; the other tags are guests' RAM */

#define PIECES 48 /* slots that are enough for a big frame in segments of the usual size */
#define GSO_SIZE_MIN 48 /* a segment with less payload costs more than it carries */
#define FRAME_MAX (ETH_HEADER + ETH_MTU)
#define BUDGET 64		   /* frames of one port before others have their turn */
#define FLOOD_RATE 2000		   /* frames a second that one guest may send to everybody, */
#define FLOOD_BURST 512		   /* and at once */
#define WAIT_NS 100000000ull	   /* how long a frame waits for room at its receiver */
#define SHARE_NS 20000000ull	   /* memory shown to a driver is used for references after this */
#define SHARE_WAIT_NS 2000000000ull /* after a port opened its memory may still be on its way */
#define AWAY_NS 5000000000ull	   /* a driver that died may take this long to be back before guests lose their link */
#define LOOK_NS 200000ull	   /* after frames that were sent */
#define BYTES_OF_SUM 65536

_Static_assert(FRAME_MAX + ETH_VLAN_TAG <= SLOT_BYTES, "a frame fits a slot");
_Static_assert(PORTS_MAX + UPLINKS_MAX <= TABLE_PORTS, "table ports");
_Static_assert(TRAIN_MAX >= NIC_FRAGMENTS_MAX, "pieces of a frame");
_Static_assert(HEAD_BYTES >= NET_HEADERS_MAX + ETH_VLAN_TAG, "headers fit the head");

enum drop {
	DROP_MALFORMED, /* headers that contradict themselves, offload fields that fit no headers */
	DROP_OVERSIZED,
	DROP_REFERENCE, /* memory that was not shared */
	DROP_SPOOFED,	/* a sender's address that is not the guest's */
	DROP_TAGGED,	/* a VLAN tag from a port that is no trunk */
	DROP_FLOOD,	/* more to everybody than the rate allows */
	DROP_NO_BUFFER, /* the receiver had no room */
	DROP_NO_UPLINK, /* to the outside, and no card has link */
	DROP_LOOPED,	/* came back from outside with a guest's address, or from a card that stands by */
	DROP_KINDS,
};

struct region {
	uint32_t memory, rights; /* handle; 0: none */
	uint64_t bytes;
	uint8_t *va; /* mapped at first use */
	bool unmappable;
	struct {
		uint8_t tag; /* 0: not shown to that uplink */
		uint64_t usable_ns;
	} at[UPLINKS_MAX];
};

struct network {
	char name[NETWORK_NAME];
	unsigned uplinks; /* configured to it, whether there or not */
	unsigned listeners; /* guests' cards that are promiscuous */
	int active;	  /* uplink, -1 none */
	bool link_up;	  /* as its guests see it */
};

struct port {
	struct connection *c; /* NULL: free */
	struct nic_link *link;
	struct spec spec;
	unsigned card; /* the guest's nth */
	uint8_t network, index;
	uint8_t mac[6];
	unsigned headroom; /* before a frame in its first buffer */
	uint32_t life; /* frames on their way belong to a port's life */
	bool open, again, tell, stalled, broken;
	bool urgent; /* what it has to be told of does not come in masses */
	unsigned rings; /* for receive */
	unsigned ring;	/* for the frame that deliver() has or had; */
	uint32_t deaf;	/* a bit for each that nobody takes frames from */
	struct net_tx_back tx;
	struct net_rx_back rx[NIC_RX_RINGS_MAX];
	struct region region[REF_TAGS];
	/* A frame taken whose receiver has no room. */
	bool waiting;
	int waits_for; /* port; TABLE_NONE: memory that its VMM shares in these moments */
	uint64_t wait_until, shares_until;
	unsigned delivered; /* segments of it */
	struct net_frame frame;

	uint32_t flood_left;
	uint64_t flood_ns;
	uint64_t dropped[DROP_KINDS], to_guests, to_uplink, copied, segmented, coalesced;
};

struct sent {
	bool used, held; /* held: a guest waits for the answer */
	uint8_t port;
	uint32_t life;
	uint16_t id, slots;
	uint8_t tag; /* of the memory it refers to, 0: ours only */
};

struct uplink {
	struct connection *c;
	struct nic_link *link;
	char name[16];
	uint8_t network, index;
	bool known, configured, open, link_up, again, tell;
	uint64_t away_ns; /* since when its driver is gone; 0: it is there */
	uint64_t done_ns; /* when a frame was sent or came last */
	bool reborn;	  /* none since the driver is back */
	uint32_t changes;
	struct timer look; /* for frames that were sent: few signals are asked for that, */
	bool big;	   /* but when there were some to be segmented: their senders send few at a time */
	struct net_tx_front tx;
	struct net_rx_front rx;
	uint32_t memory;
	uint8_t *pages;
	bool segments; /* frames are cut here, which the card cannot */
	unsigned free_count;
	uint16_t free[TX_SLOTS];
	struct sent sent[TX_SLOTS];
	struct {
		struct region *owner; /* NULL: free, when in_flight is 0 */
		unsigned in_flight;
	} tag[REF_TAGS];
	uint64_t dropped[DROP_KINDS], sent_frames, received;
};

/* A piece of a frame, mapped here. */
struct piece {
	const uint8_t *at;
	uint32_t bytes;
};

/* A frame on its way. */
struct cargo {
	struct port *from;   /* NULL: from outside */
	const struct net_frame *frame; /* as the guest gave it; NULL from outside */
	uint8_t head[HEAD_BYTES + ETH_VLAN_TAG];
	unsigned head_bytes, pieces;
	struct piece piece[1 + TRAIN_MAX]; /* the first is the head */
	uint32_t bytes;
	uint16_t vlan;
	unsigned untagged; /* bytes of the tag that was taken out of the head */
	struct net_headers headers;
	struct net_offload offload;
	unsigned delivered; /* segments that its one receiver has already */
};

extern struct port ports[PORTS_MAX];
extern unsigned ports_end; /* no port is used from here on */
extern struct uplink uplinks[UPLINKS_MAX];
extern struct network networks[NETWORKS_MAX];
extern struct table table;

/* --- network.c --- */
/* The network of that name, made if needed; -1: no room. */
int network_get(const char *name);
/* Chooses the active uplink and tells guests of link changes. */
void network_update(uint8_t network, uint64_t now);

/* --- port.c --- */
int port_connected(struct connection *c);
void port_disconnected(struct port *p);
void port_shared(struct port *p, const struct share *s);
/* Frames from this guest. */
void port_serve(struct port *p);
/* Mapped bytes of a fragment, NULL: they lie nowhere. `write`: to receive into. */
uint8_t *port_bytes(struct port *p, const struct net_fragment *at, bool write);
/* Memory of that tag was not shared, and the port is so young that it may still come. */
bool port_awaits_memory(const struct port *p, const struct net_fragment *at);
void port_set_link(struct port *p, bool up);
/* Answers one of its frames, if it is still the same life. */
void port_answer(struct port *p, uint32_t life, uint16_t id, unsigned slots, int status);
void port_flush(struct port *p);
/* Looks after frames that wait: gives up what waits too long. The next deadline, or ~0. */
uint64_t port_deadlines(uint64_t now);
/* Addresses that outlive this life. */
int identity_init(void);

/* --- forward.c --- */
/* Takes the headers of a guest's frame and judges it: 0, or enum drop + 1. */
int cargo_load(struct cargo *g, struct port *p, const struct net_frame *f);
enum verdict { DONE, HELD, WAIT };
/* Where it goes. DONE: the guest may be answered; HELD: an uplink will; WAIT: *port has no room. */
enum verdict forward(struct cargo *g, uint64_t now, int *port);
/* The guest's card is on that network. */
bool is_peer(const struct port *to, const struct port *from, uint8_t network, uint16_t vlan);
/* To all guests that want it: all, or of frames to one address those that listen to everything; not to `but`, whom it is for. */
void to_guests(struct cargo *g, uint8_t network, bool everybody, const struct port *but);

/* --- inbound.c --- */
/* What the driver received. False: it lies. *more: some are left. */
bool inbound(struct uplink *u, uint64_t now, bool *more);

/* --- deliver.c --- */
/* Flags of a front that takes frames with these offload fields as they are. */
static inline uint32_t rx_flags(uint8_t gso_type)
{
	return NIC_RX_CSUM_BLANK | (gso_type == XEN_NETIF_GSO_TYPE_TCPV4 ? NIC_RX_GSO : NIC_RX_GSO6);
}

/* Copies to a guest. 0, -ENOSPC: no buffers (nothing was delivered, but for segments that g->delivered counts). */
int deliver(struct port *to, struct cargo *g);
/* The whole frame in one piece, as it is; valid until the next call. */
uint8_t *gather(const struct cargo *g);
/* The same, its checksum filled in when its offload says blank and it need not be segmented. */
uint8_t *linearize(const struct cargo *g);

/* --- uplink.c --- */
int uplink_connected(struct connection *c);
void uplink_disconnected(struct uplink *u);
void uplink_serve(struct uplink *u);
/* Room for one more frame, in the worst case. */
bool uplink_has_room(const struct uplink *u);
enum verdict uplink_send(struct uplink *u, struct cargo *g, uint64_t now);
/* Answers who waits for frames that were sent. */
void uplink_look(struct uplink *u);
void uplink_flush(struct uplink *u);
/* Gives a receive buffer to the driver (again). */
void uplink_post(struct uplink *u, unsigned slot);
/* Something was sent, or came. */
void uplink_done(struct uplink *u);
/* A guest's memory goes. */
void uplink_forget(struct region *r);

/* --- text.c --- */
void text_networks(void);
void text_nics(void);

/* --- main.c --- */
void run_again(void);
/* Answers and frames are shown to the others. */
void flush(void);

#endif
