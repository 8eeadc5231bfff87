// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queue: the way of a request.
 *
 *   ring --queue_fill--> busy --queue_complete--> answered
 *                         |  ^
 *             error, reset|  |queue_resume
 *                         v  |
 *                        pending --RETRIES failed--> answered with an error
 *
 * Queued commands suffer no other kind beside them: a flush or a discard is held until all are
 * done, and while it runs nothing else is taken.
 *
 * Rings take turns, a request each, and none has all slots while there are others: who has little to ask for does not wait
 * behind who has much.
 */
#include <string.h>
#include "clock.h"
#include "hw.h"
#include "log.h"

#define TURN_MAX AHCI_SLOTS /* requests in a turn: some need no slot, and who puts them may never stop */

static void answer(struct port *p, unsigned slot, int status)
{
	struct slot *s = &p->slot[slot];
	struct ring *r = s->ring;

	s->ring = NULL;
	if (!r->over) {
		blk_back_answer(&r->back, s->id, s->wire, status);
		if (s->operation == BLKIF_OP_READ)
			r->back.link->bytes_read += s->sectors * BLK_SECTOR;
		else
			r->back.link->bytes_written += s->sectors * BLK_SECTOR;
	}
	disk_command_ended(p, r);
}

/* A discard in parts has more to do. */
static bool has_more(struct port *p, unsigned slot)
{
	struct slot *s = &p->slot[slot];

	if (s->operation != BLKIF_OP_DISCARD || s->part >= s->sectors || s->ring->over)
		return false;
	s->sector += s->part;
	s->sectors -= s->part;
	command_prepare(p, slot);
	command_start(p, 1u << slot);
	return true;
}

static void complete_internal(struct port *p)
{
	internal_done done = p->internal;

	if (port_read(p, PX_CI) & 1)
		return;
	p->internal = NULL;
	done(p, true);
	queue_resume(p);
}

void queue_complete(struct port *p)
{
	uint32_t done;

	if (p->internal) {
		complete_internal(p);
		return;
	}
	if (!p->busy)
		return;
	done = p->busy & ~port_read(p, p->alone ? PX_CI : PX_SACT);
	p->busy &= ~done;
	if (done)
		p->resets = 0;
	for (; done; done &= done - 1) {
		unsigned slot = __builtin_ctz(done);

		if (!has_more(p, slot))
			answer(p, slot, 0);
	}
	if (!p->busy)
		p->alone = false;
	if (p->state == PORT_READY)
		queue_resume(p);
}

void queue_blame(struct port *p, unsigned slot)
{
	struct slot *s = &p->slot[slot];

	if (s->retries++ < RETRIES) {
		p->retries++;
		if (!s->ring->over)
			s->ring->back.link->retries++;
		return;
	}
	log_line("ahci%u: %s of %llu sectors at %llu fails, after %u tries", p->disk,
		 s->operation == BLKIF_OP_READ		    ? "reading"
		 : s->operation == BLKIF_OP_FLUSH_DISKCACHE ? "a flush"
		 : s->operation == BLKIF_OP_DISCARD	    ? "a discard"
							    : "writing",
		 (unsigned long long)s->sectors, (unsigned long long)s->sector, RETRIES + 1);
	p->pending &= ~(1u << slot);
	answer(p, slot, -EIO);
}

static void drop_over(struct port *p)
{
	for (uint32_t left = p->pending; left; left &= left - 1) {
		unsigned slot = __builtin_ctz(left);

		if (p->slot[slot].ring->over) {
			p->pending &= ~(1u << slot);
			answer(p, slot, -EIO);
		}
	}
}

static void push(struct port *p)
{
	for (struct ring *r = p->rings; r; r = r->next)
		blk_back_push(&r->back);
}

void queue_resume(struct port *p)
{
	uint32_t again;

	if (p->state != PORT_READY || p->internal)
		return;
	if (p->pending)
		drop_over(p);
	if (p->pending && !p->busy) {
		again = p->single ? p->pending & -p->pending : p->pending;
		for (uint32_t left = again; left; left &= left - 1)
			command_prepare(p, __builtin_ctz(left));
		p->pending &= ~again;
		command_start(p, again);
	}
	if (!p->pending)
		queue_fill(p);
	else
		push(p);
	if (!p->pending && !p->busy)
		p->single = false;
}

void queue_fail(struct port *p)
{
	uint32_t all = p->busy | p->pending;

	p->busy = p->pending = 0;
	p->alone = p->single = false;
	p->internal = NULL;
	for (; all; all &= all - 1)
		answer(p, __builtin_ctz(all), -EIO);
	if (p->held_of)
		blk_back_answer(&p->held_of->back, p->held.id, p->held.wire, -EIO);
	p->held_of = NULL;
	push(p);
}

/* Built and in the mask, or answered, or held. False: nothing more is to be taken now. */
static bool take(struct port *p, struct ring *r, const struct blk_command *c, uint32_t *built)
{
	unsigned slot;

	if (c->operation == BLKIF_OP_FLUSH_DISKCACHE && !(r->back.limits.flags & DISK_FLUSH)) {
		blk_back_answer(&r->back, c->id, c->wire, 0);
		return true;
	}
	if (!command_is_queued(p, c->operation) && p->busy | *built) {
		if (c != &p->held)
			p->held = *c;
		p->held_of = r;
		return false;
	}
	slot = __builtin_ctz(p->depth_mask & ~(p->busy | *built));
	if (command_build(p, slot, r, c)) {
		if (!r->told)
			log_line("ahci%u: memory of %s cannot be reached by the device", p->disk, r->back.c->peer);
		r->told = true;
		blk_back_answer(&r->back, c->id, c->wire, -EIO);
		return true;
	}
	r->commands++;
	command_prepare(p, slot);
	*built |= 1u << slot;
	return command_is_queued(p, c->operation);
}

/* Slots that one ring may have: one is left for each of the others. The broker's own hardly ever asks for anything. */
static unsigned share(const struct port *p)
{
	unsigned others = p->ring_count > 2 ? p->ring_count - 2 : 0;

	return others < p->depth ? p->depth - others : 1;
}

/* The ring whose turn it is, with its request. NULL: none has one. */
static struct ring *next_request(struct port *p, struct blk_command *c)
{
	unsigned most = share(p);

	for (unsigned n = 0; n < p->ring_count; n++) {
		struct ring *r = p->turn && p->turn->next ? p->turn->next : p->rings;

		p->turn = r;
		if (r->back.ready && r->commands < most && blk_back_get(&r->back, c) > 0)
			return r;
	}
	return NULL;
}

void queue_fill(struct port *p)
{
	static struct blk_command command;
	uint32_t built = 0;
	bool more = true;

	if (p->state != PORT_READY || p->internal || p->pending)
		return;
	for (unsigned n = 0; more && !p->alone && p->depth_mask & ~(p->busy | built); n++) {
		struct ring *r = p->held_of;

		if (n == TURN_MAX) { /* the others of this module first */
			if (p->turn)
				module_signal(1ull << p->turn->back.c->bit);
			break;
		}

		if (r) {
			p->held_of = NULL;
			more = take(p, r, &p->held, &built);
		} else {
			r = next_request(p, &command);
			more = r && take(p, r, &command, &built);
		}
	}
	if (built)
		command_start(p, built);
	push(p);
}

static bool is_overdue(const struct port *p, uint64_t now)
{
	if (p->internal)
		return p->internal_deadline <= now;
	for (uint32_t left = p->busy; left; left &= left - 1)
		if (p->slot[__builtin_ctz(left)].deadline <= now)
			return true;
	return false;
}

/* Once a second while something is under way, and for a drive's medium. */
void queue_watch(struct timer *t)
{
	struct port *p = (struct port *)((char *)t - offsetof(struct port, watch));
	uint64_t now = clock_ns();

	if ((p->state == PORT_READY || p->state == PORT_IDENTIFY) && is_overdue(p, now)) {
		/* Registers that are not there may read as if all was done. */
		if (!hba_is_there(p->hba)) {
			port_lost(p);
			return;
		}
		queue_complete(p); /* an interrupt may be lost */
		if (is_overdue(p, now)) {
			p->timeouts++;
			port_report(p, "a command is overdue");
			port_stop(p, STOP_TIMEOUT);
		}
	}
	if (p->atapi && p->state == PORT_READY && !p->internal && !p->busy && !p->pending &&
	    now >= p->medium_due)
		packet_look(p);
	if (p->busy || p->internal || p->atapi)
		timer_set(&p->watch, clock_ns() + NS_PER_S, queue_watch);
}
