// SPDX-License-Identifier: GPL-2.0-only
/* Packet: drives whose medium can be missing or exchanged. Looked at every two seconds while
 * nothing else is under way. */
#include <string.h>
#include "clock.h"
#include "hw.h"
#include "log.h"

#define ATTEMPTS 5 /* a drive may have several things to say before it answers */

static void test_unit(struct port *p);

static uint32_t big_endian(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static void looked(struct port *p, uint64_t sectors)
{
	bool changed = p->medium_sectors != sectors || p->no_medium != !sectors;

	p->no_medium = !sectors;
	p->medium_sectors = sectors;
	p->medium_due = clock_ns() + MEDIUM_POLL_NS;
	if (changed && p->connection)
		disk_medium(p);
	disk_ready(p);
}

static void unit_again(struct port *p, bool again)
{
	if (again && p->attempts++ < ATTEMPTS)
		test_unit(p);
	else
		looked(p, 0);
}

static void capacity_read(struct port *p, bool ok)
{
	uint32_t last = big_endian(p->memory->page), bytes = big_endian(p->memory->page + 4);

	if (!ok) {
		packet_failed(p, unit_again);
		return;
	}
	if (bytes != CD_SECTOR || last == ~0u) {
		log_line("ahci%u: a medium of %u bytes a sector is not read", p->disk, bytes);
		looked(p, 0);
		return;
	}
	looked(p, last + 1ull);
}

static void unit_tested(struct port *p, bool ok)
{
	static const uint8_t capacity[12] = {PACKET_READ_CAPACITY};

	if (ok)
		internal_packet(p, capacity, 8, capacity_read);
	else
		packet_failed(p, unit_again);
}

static void test_unit(struct port *p)
{
	static const uint8_t test[12] = {PACKET_TEST_UNIT_READY};

	internal_packet(p, test, 0, unit_tested);
}

void packet_look(struct port *p)
{
	p->attempts = 0;
	test_unit(p);
}

static void sense_done(struct port *p, bool ok)
{
	uint8_t key = p->memory->page[2] & 15, more = p->memory->page[12];
	internal_done then = p->then;

	p->then = NULL;
	if (!ok) {
		then(p, false);
		return;
	}
	if (more == ASC_NO_MEDIUM || more == ASC_MEDIUM_CHANGED)
		p->medium_due = 0;
	/* 2 not ready, 5 not possible, 7 protected: asking again changes nothing. */
	then(p, key != SENSE_NOT_READY && key != 5 && key != 7);
}

void packet_failed(struct port *p, internal_done then)
{
	static const uint8_t sense[12] = {PACKET_REQUEST_SENSE, 0, 0, 0, SENSE_BYTES};

	p->then = then;
	internal_packet(p, sense, SENSE_BYTES, sense_done);
}
