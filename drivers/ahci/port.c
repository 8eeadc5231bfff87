// SPDX-License-Identifier: GPL-2.0-only
/* Port: its states, drawn at the top of port.h, and what happens to them when something fails. */
#include <string.h>
#include "clock.h"
#include "hw.h"
#include "log.h"

static void identified(struct port *p, bool ok);

void port_report(const struct port *p, const char *what)
{
	log_line("ahci%u: %s: TFD %08x SSTS %08x SERR %08x IS %08x CMD %08x CI %08x SACT %08x",
		 p->disk, what, port_read(p, PX_TFD), port_read(p, PX_SSTS), port_read(p, PX_SERR),
		 port_read(p, PX_IS), port_read(p, PX_CMD), port_read(p, PX_CI),
		 port_read(p, PX_SACT));
}

static void step_later(struct timer *t)
{
	port_step((struct port *)((char *)t - offsetof(struct port, timer)));
}

static void enter(struct port *p, enum port_state state, uint64_t wait)
{
	p->state = state;
	p->deadline = clock_ns() + wait;
	p->step_ns = STEP_FIRST_NS;
}

static bool is_late(const struct port *p)
{
	return clock_ns() >= p->deadline;
}

static void look_again(struct port *p)
{
	timer_set(&p->timer, clock_ns() + p->step_ns, step_later);
	if (p->step_ns < STEP_LAST_NS)
		p->step_ns *= 2;
}

static void change(struct port *p, uint32_t reg, uint32_t off, uint32_t on)
{
	port_write(p, reg, (port_read(p, reg) & ~off) | on);
}

static void wait_for_link(struct port *p)
{
	enter(p, PORT_LINK, p->identified ? 10 * PORT_LINK_NS : PORT_LINK_NS);
}

void port_begin(struct port *p)
{
	port_write(p, PX_IE, PXI_HOTPLUG);
	port_write(p, PX_SERR, port_read(p, PX_SERR));
	change(p, PX_CMD, PXC_ST, PXC_SUD | PXC_POD | PXC_ICC_ACTIVE);
	wait_for_link(p);
	port_step(p);
}

static void absent(struct port *p)
{
	p->state = PORT_ABSENT;
	if (p->identified)
		log_line("ahci%u: the device is gone", p->disk);
	disk_gone(p);
	p->identified = false;
	p->resets = 0;
	port_write(p, PX_IE, PXI_HOTPLUG);
}

static void dead(struct port *p)
{
	p->state = PORT_DEAD;
	disk_gone(p);
	p->identified = false;
	port_write(p, PX_IE, PXI_HOTPLUG);
}

void port_lost(struct port *p)
{
	log_line("ahci%u: its adapter is gone", p->disk);
	dead(p);
}

/* 10.4.2: with the engine stopped. */
static void comreset(struct port *p)
{
	p->internal = NULL;
	change(p, PX_CMD, PXC_ST, 0);
	change(p, PX_SCTL, SCTL_DET, SCTL_COMRESET);
	enter(p, PORT_RESET, COMRESET_NS);
	timer_set(&p->timer, p->deadline, step_later);
}

void port_failed(struct port *p, const char *what)
{
	port_report(p, what);
	if (++p->resets > RESETS) {
		log_line("ahci%u: given up after %u resets", p->disk, RESETS);
		dead(p);
		return;
	}
	comreset(p);
}

/* Command list and received frames, 3.3.1 and 3.3.3, once there is a device to need them. */
static bool give_memory(struct port *p)
{
	if (!p->memory) {
		p->memory = dma_alloc(p->hba->device, sizeof(*p->memory), &p->bus);
		if (p->memory && p->bus >> 32 && !(p->hba->cap & CAP_S64A))
			p->memory = NULL; /* lost: it happens once a port */
		if (!p->memory) {
			log_line("ahci%u: no memory that the adapter reaches", p->disk);
			return false;
		}
	}
	if (port_read(p, PX_CMD) & PXC_FRE)
		return true;
	port_write(p, PX_CLB, p->bus);
	port_write(p, PX_CLBU, p->bus >> 32);
	port_write(p, PX_FB, p->bus + offsetof(struct ahci_memory, received));
	port_write(p, PX_FBU, (p->bus + offsetof(struct ahci_memory, received)) >> 32);
	change(p, PX_CMD, 0, PXC_FRE);
	return true;
}

/* Quirk of QEMU before 8.1: PxCI keeps its bits over a stop and a COMRESET (it should not, 3.3.14), and those commands begin by
 * themselves when the engine starts, beside what is put again, into memory that may be somebody else's by then. They become
 * frames that mean nothing; command_prepare() gives them their meaning again. */
static void defuse(struct port *p)
{
	uint32_t left = port_read(p, PX_CI);

	if (left & 1)
		p->memory->internal.fis[FIS_TYPE] = 0;
	for (; left; left &= left - 1)
		p->memory->table[__builtin_ctz(left)].fis[FIS_TYPE] = 0;
}

static void start_engine(struct port *p)
{
	defuse(p);
	port_write(p, PX_SERR, port_read(p, PX_SERR));
	port_write(p, PX_IS, ~0u);
	port_write(p, PX_IE, PXI_USED);
	change(p, PX_CMD, 0, PXC_ST);
}

static void signature(struct port *p)
{
	uint32_t sig = port_read(p, PX_SIG);

	if (sig != SIG_ATA && sig != SIG_ATAPI) {
		log_line("ahci%u: %s (signature %08x) is not driven", p->disk,
			 sig == SIG_PORT_MULTIPLIER ? "a port multiplier"
			 : sig == SIG_BRIDGE	    ? "an enclosure bridge"
						    : "a device of an unknown kind",
			 sig);
		dead(p);
		return;
	}
	p->atapi = sig == SIG_ATAPI;
	enter(p, PORT_IDENTIFY, 0);
	change(p, PX_CMD, PXC_ATAPI, p->atapi ? PXC_ATAPI : 0);
	start_engine(p);
	internal_ata(p, p->atapi ? ATA_IDENTIFY_PACKET : ATA_IDENTIFY, 0, 512, identified);
}

static void step_link(struct port *p)
{
	unsigned det = SSTS_DET(port_read(p, PX_SSTS));

	if (det == DET_NONE) {
		if (is_late(p))
			absent(p);
		else
			look_again(p);
		return;
	}
	if (!give_memory(p)) {
		dead(p);
		return;
	}
	if (det == DET_UP && !(port_read(p, PX_TFD) & (TFD_BSY | TFD_DRQ)))
		signature(p);
	else if (det != DET_UP && is_late(p))
		port_failed(p, "the link does not come up");
	else if (is_late(p) && clock_ns() - p->deadline >= PORT_SPIN_UP_NS)
		port_failed(p, "the device does not become ready");
	else
		look_again(p);
}

static bool is_same(const struct identity *a, const struct identity *b)
{
	return a->sectors == b->sectors && !strcmp(a->model, b->model) &&
	       !strcmp(a->serial, b->serial);
}

static uint32_t mask(unsigned n)
{
	return n >= 32 ? ~0u : (1u << n) - 1;
}

static void identified(struct port *p, bool ok)
{
	struct identity i;
	unsigned depth = 1;
	int ret;

	if (!ok) {
		port_failed(p, "IDENTIFY fails");
		return;
	}
	ret = (p->atapi ? identify_packet : identify_disk)((const uint16_t *)p->memory->page, &i);
	if (ret) {
		log_line("ahci%u: what it says about itself %s: not driven", p->disk,
			 ret == -EOPNOTSUPP ? "is of before 2003 (no DMA, or no LBA48)"
					    : "makes no sense");
		dead(p);
		return;
	}
	if (p->identified && !is_same(&i, &p->identity)) {
		log_line("ahci%u: another device, %s %s, is in its place", p->disk, i.model,
			 i.serial);
		disk_gone(p);
	}
	if (!p->identified)
		log_line("ahci%u: %s, %llu sectors of %u bytes, %s%u commands at once", p->disk,
			 i.model, (unsigned long long)i.sectors, i.sector_bytes,
			 i.trim ? "discards, " : "", i.queue_depth ? i.queue_depth : 1);
	p->identity = i;
	p->identified = true;
	if (p->hba->cap & CAP_SNCQ && i.queue_depth)
		depth = i.queue_depth < p->hba->slots ? i.queue_depth : p->hba->slots;
	else
		p->identity.queue_depth = 0;
	p->depth = depth;
	p->depth_mask = mask(depth);
	p->state = PORT_READY;
	if (p->atapi)
		packet_look(p);
	else
		disk_ready(p);
}

/* 6.2.2: what was under way ends, done or not. */
void port_stop(struct port *p, enum stop_reason why)
{
	p->reason = why;
	p->struck = p->busy;
	p->pending |= p->busy;
	p->busy = 0;
	p->alone = p->stuck = false;
	change(p, PX_CMD, PXC_ST, 0);
	enter(p, PORT_STOP, PORT_STOP_NS);
	port_step(p);
}

static void go_on(struct port *p)
{
	start_engine(p);
	p->state = PORT_READY;
	queue_resume(p);
}

/* ACS, NCQ command error log: byte 0 the tag, unless bit 7 says that it was no queued command. */
static void log_read(struct port *p, bool ok)
{
	uint8_t tag = ok ? p->memory->page[0] : 0x80;

	if (!(tag & 0x80) && p->pending & 1u << (tag & 31))
		queue_blame(p, tag & 31);
	else
		p->single = true;
	queue_resume(p);
}

static void sense_read(struct port *p, bool again)
{
	if (p->pending && !again)
		p->slot[__builtin_ctz(p->pending)].retries = RETRIES;
	if (p->pending)
		queue_blame(p, __builtin_ctz(p->pending));
	queue_resume(p);
}

/* The device said that a command failed: which? A queued one can be asked for, else each is tried
 * alone. */
static void find_failed(struct port *p)
{
	uint32_t struck = p->struck & p->pending;

	if (p->atapi && struck) {
		start_engine(p);
		p->state = PORT_READY;
		packet_failed(p, sense_read);
		return;
	}
	if (struck && !(struck & (struck - 1))) {
		queue_blame(p, __builtin_ctz(struck));
		go_on(p);
	} else if (struck && p->identity.logs) {
		start_engine(p);
		p->state = PORT_READY;
		internal_ata(p, ATA_READ_LOG_EXT, ATA_LOG_NCQ, 512, log_read);
	} else {
		/* A device that has no log may not know either that an error ends all queued ones
		 * (it should; QEMU's goes on with the others): after a reset none of them is under
		 * way. */
		p->single = true;
		comreset(p);
	}
}

static void stopped(struct port *p)
{
	bool reset = p->stuck || p->reason != STOP_TASK_FILE ||
		     port_read(p, PX_TFD) & (TFD_BSY | TFD_DRQ);
	internal_done internal = p->internal;
	uint64_t now = clock_ns();

	p->internal = NULL;
	for (uint32_t left = p->struck & p->pending; left; left &= left - 1) {
		unsigned slot = __builtin_ctz(left);

		if (p->reason == STOP_FATAL ||
		    (p->reason == STOP_TIMEOUT && p->slot[slot].deadline <= now))
			queue_blame(p, slot);
	}
	if (reset && p->reason == STOP_LINK) {
		comreset(p);
	} else if (reset) {
		port_failed(p, "it is reset");
	} else if (internal) {
		start_engine(p);
		p->state = p->identified ? PORT_READY : PORT_IDENTIFY;
		internal(p, false);
	} else {
		find_failed(p);
	}
}

static void step_stop(struct port *p)
{
	if (!(port_read(p, PX_CMD) & PXC_CR)) {
		stopped(p);
	} else if (is_late(p)) {
		port_report(p, "the engine does not stop");
		p->stuck = true;
		stopped(p);
	} else {
		look_again(p);
	}
}

static void step_reset(struct port *p)
{
	if (!is_late(p)) {
		timer_set(&p->timer, p->deadline, step_later);
		return;
	}
	change(p, PX_SCTL, SCTL_DET, 0);
	port_write(p, PX_SERR, port_read(p, PX_SERR));
	wait_for_link(p);
	look_again(p);
}

void port_step(struct port *p)
{
	switch (p->state) {
	case PORT_LINK:
		step_link(p);
		break;
	case PORT_STOP:
		step_stop(p);
		break;
	case PORT_RESET:
		step_reset(p);
		break;
	case PORT_READY:
		disk_ready(p);
		break;
	default:
		break;
	}
}

/* Bits X and N say that the link changed: the same or another device may be there now. */
static void hot_plug(struct port *p)
{
	port_write(p, PX_SERR, port_read(p, PX_SERR));
	switch (p->state) {
	case PORT_ABSENT:
	case PORT_DEAD:
		p->resets = 0;
		port_begin(p);
		break;
	case PORT_READY:
	case PORT_IDENTIFY:
		port_report(p, "the link changed");
		port_stop(p, STOP_LINK);
		break;
	default:
		break; /* somebody is looking */
	}
}

void port_interrupt(struct port *p, uint32_t is)
{
	if (is & PXI_HOTPLUG) {
		hot_plug(p);
		return;
	}
	if (p->state != PORT_READY && p->state != PORT_IDENTIFY)
		return;
	if (!(is & (PXI_TFES | PXI_FATAL | PXI_OFS))) {
		queue_complete(p);
		return;
	}
	if (!p->internal && p->identity.queue_depth && !p->alone)
		queue_complete(p); /* what was done before is done */
	p->errors++;
	if (!p->atapi)
		port_report(p, is & PXI_TFES ? "a command failed" : "a fatal error");
	port_stop(p, is & PXI_TFES ? STOP_TASK_FILE : STOP_FATAL);
}
