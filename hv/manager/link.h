/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Link: a connection between a client and a server of a service class, across their lives. The
 * manager itself can be either side (NULL).
 *
 * A link is up when both sides are alive and know it. A death takes it down and tells the other
 * side; when both are ready again it comes up with the next generation and fresh memory.
 *
 * A server may hand it over to another one (MSG_HAND_OVER) and becomes its home, which looks on:
 *
 *   client -- home   --link_hand_over-->   client -- server   --server dies, anybody hangs up-->   client -- home
 *                                               (home)
 */
#ifndef MANAGER_LINK_H
#define MANAGER_LINK_H

#include "instance.h"

struct link {
	bool used, up;
	bool waits; /* for room in the server's channel */
	bool owed;  /* the server has not been told yet that it is over */
	bool dying; /* deleted, but for that */
	char class_[CLASS_NAME];
	uint32_t id, generation, port;
	bool opened;	   /* by the client's MSG_OPEN */
	char argument[28]; /* of it */
	uint32_t request;  /* id of that, until the client was told the link's; 0: it was */
	unsigned given_up; /* so often */
	struct instance *client, *server; /* NULL: the manager */
	struct instance *home; /* who handed it over to `server`; NULL: nobody did */
	bool moved;	       /* handed over, to be brought up after a commit */
	uint32_t of;	       /* handed over: because of this link of server's */
	uint64_t terms[4];
	unsigned client_bit, server_bit;
	/* While it is up. */
	uint32_t memory, event; /* event: signals the other side, when the manager is one */
	union {
		void *shared; /* when the manager is one side */
		struct channel *rpc;
		struct console_link *console;
	};
	void (*changed)(struct link *l); /* manager's side: it went up or down */
	void *owner;
};

#define LINKS_MAX 128
extern struct link links[LINKS_MAX];

/* NULL: table full. The link is down. */
struct link *link_new(const char *class_, struct instance *client, struct instance *server,
		      uint32_t port);
/* Who provides the class to the manager and to outsiders; NULL: nobody. */
struct instance *link_provider(const char *class_);
/* The manager's own connection to who provides the class, kept in *l: it when it is up, else NULL. */
struct link *link_to(struct link **l, const char *class_);
void link_delete(struct link *l);
/* Brings it up if both sides can. */
void link_try(struct link *l);
void link_down(struct link *l);
/* The manager's signal to the other side. */
void link_signal(struct link *l);
/* All links of a dead instance go down; those where it was the client go away. */
void links_of_dead(struct instance *i);
/* A server became ready: its clients connect. */
void links_of_ready(struct instance *i);
/* A client that is about to start gets what its manifest requires and uses; false: a provider is
 * not ready. */
bool links_ready_for(const struct instance *i);
int links_make(struct instance *i);
/* A client asks for one more: its id or a negative error. */
int link_open(struct instance *from, const struct message *m);
/* Tells clients the ids of what they opened and connects them, brings up what was handed over: after a commit. */
void links_answer(void);
void link_close(struct instance *from, uint32_t id);
/* Memory of one side for the other. */
void link_share(struct instance *from, const struct message *m);
/* A server makes the client of another of its links the server of this one. */
void link_hand_over(struct instance *from, const struct message *m);
/* The side that wrote this gives the link up; so may its home. */
void link_hang_up(struct instance *from, uint32_t id, uint32_t generation);
/* After a recovery: what they say is possible; the manager's sides are mapped again; those that are down are
 * tried. */
bool links_in_order(void);
void links_recover(void);
void links_retry(void);
void links_handles(durable_name *mark);

#endif
