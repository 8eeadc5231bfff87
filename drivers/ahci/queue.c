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
 */
#include <string.h>
#include "clock.h"
#include "hw.h"
#include "log.h"

static void answer(struct port *p, unsigned slot, int status)
{
	struct slot *s = &p->slot[slot];
	struct session *session = s->session;

	s->session = NULL;
	if (!session->over) {
		blk_back_answer(&p->back, s->id, s->wire, status);
		if (s->operation == BLKIF_OP_READ)
			p->back.link->bytes_read += s->sectors * BLK_SECTOR;
		else
			p->back.link->bytes_written += s->sectors * BLK_SECTOR;
	}
	disk_command_ended(p, session);
}

/* A discard in parts has more to do. */
static bool has_more(struct port *p, unsigned slot)
{
	struct slot *s = &p->slot[slot];

	if (s->operation != BLKIF_OP_DISCARD || s->part >= s->sectors || s->session->over)
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
		if (!s->session->over)
			p->back.link->retries++;
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

		if (p->slot[slot].session->over) {
			p->pending &= ~(1u << slot);
			answer(p, slot, -EIO);
		}
	}
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
		blk_back_push(&p->back);
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
	if (p->held_valid)
		blk_back_answer(&p->back, p->held.id, p->held.wire, -EIO);
	p->held_valid = false;
	blk_back_push(&p->back);
}

/* Built and in the mask, or answered, or held. False: nothing more is to be taken now. */
static bool take(struct port *p, const struct blk_command *c, uint32_t *built)
{
	unsigned slot;

	if (c->operation == BLKIF_OP_FLUSH_DISKCACHE && !(p->back.limits.flags & DISK_FLUSH)) {
		blk_back_answer(&p->back, c->id, c->wire, 0);
		return true;
	}
	if (!command_is_queued(p, c->operation) && p->busy | *built) {
		if (c != &p->held)
			p->held = *c;
		p->held_valid = true;
		return false;
	}
	slot = __builtin_ctz(p->depth_mask & ~(p->busy | *built));
	if (command_build(p, slot, c)) {
		log_line("ahci%u: memory of %s cannot be reached by the device", p->disk,
			 p->back.c->peer);
		blk_back_answer(&p->back, c->id, c->wire, -EIO);
		return true;
	}
	p->session->commands++;
	command_prepare(p, slot);
	*built |= 1u << slot;
	return command_is_queued(p, c->operation);
}

void queue_fill(struct port *p)
{
	static struct blk_command command;
	uint32_t built = 0;
	bool more = true;

	if (p->state != PORT_READY || p->internal || p->pending || !p->back.ready)
		return;
	while (more && !p->alone && p->depth_mask & ~(p->busy | built)) {
		if (p->held_valid) {
			p->held_valid = false;
			more = take(p, &p->held, &built);
		} else {
			more = blk_back_get(&p->back, &command) > 0 && take(p, &command, &built);
		}
	}
	if (built)
		command_start(p, built);
	blk_back_push(&p->back);
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
