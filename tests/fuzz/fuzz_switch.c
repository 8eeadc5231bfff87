/* sources: drivers/switch/forward.c drivers/switch/deliver.c drivers/switch/inbound.c drivers/switch/train.c drivers/switch/network.c drivers/switch/table.c drivers/switch/spec.c hv/lib/netring.c hv/lib/netframe.c */
// SPDX-License-Identifier: GPL-2.0-only
/* The switch with three guests and a driver, of whom each writes what it likes into its rings and its memory. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define LIB_SYSCALLS_H /* the real calls are for another core */
#include <postern/syscall.h>
int64_t sys_unmap(uint32_t task, uint64_t va, uint64_t bytes);
int64_t sys_mem_create(uint64_t bytes, uint32_t flags);
#define protest port_protest
#include "drivers/switch/port.c"
#undef protest
#include "drivers/switch/uplink.c"


#define GUESTS 3
#define RAM (64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct table table;
static uint64_t now;
static uint8_t *ram[GUESTS], *pages, *kept;
static struct connection c[GUESTS + 1];
static struct net_tx_front tf[GUESTS];
static struct net_rx_front rf[GUESTS][NIC_RX_RINGS_MAX];
static struct net_tx_back tb;
static struct net_rx_back rb;
static bool listened; /* trains are only for networks on which nobody listens to the others */

uint64_t clock_ns(void)
{
	return now += 1000;
}

void log_line(const char *format, ...)
{
}

int module_send(const struct message *m)
{
	return 1;
}

int module_keep(uint32_t memory, uint32_t tag)
{
	return 0;
}

uint32_t module_kept(uint32_t tag, uint64_t *bytes)
{
	return 0;
}

int module_argument(const char *key, unsigned nth, char *to, size_t size)
{
	return -ENOENT;
}

void connection_signal(struct connection *k)
{
}

void connection_signal_calmly(struct connection *k)
{
}

int connection_share(struct connection *k, uint32_t memory, uint32_t rights, uint32_t tag)
{
	return 0;
}

void run_again(void)
{
}

/* Handles: 1.. guests' RAM, 100 whatever the switch makes. */
void *space_map(uint32_t memory, uint64_t bytes, uint32_t rights)
{
	if (memory <= GUESTS)
		return ram[memory - 1];
	return bytes == PAGE_SIZE ? kept : pages;
}

int64_t sys_unmap(uint32_t task, uint64_t va, uint64_t bytes)
{
	return 0;
}

int64_t sys_mem_create(uint64_t bytes, uint32_t flags)
{
	return 100;
}

void timer_set(struct timer *t, uint64_t deadline, void (*expired)(struct timer *t))
{
	t->expired = expired;
	t->armed = true;
}

void timer_cancel(struct timer *t)
{
	t->armed = false;
}

void flush(void)
{
	port_deadlines(now);
	for (unsigned i = 0; i < PORTS_MAX; i++)
		port_flush(&ports[i]);
	for (unsigned i = 0; i < UPLINKS_MAX; i++)
		if (uplinks[i].open)
			uplink_flush(&uplinks[i]);
}

static void guest_up(unsigned i)
{
	struct net_fragment at;

	snprintf(c[i].peer, sizeof(c[i].peer), "guest g%u uplink mac=02:00:00:00:00:0%u%s", i, i + 1,
		 i == 2 && listened ? " promiscuous" : i == 1 ? " vlan=trunk" : "");
	memset(c[i].shared, 0, CONNECTION_BYTES);
	net_tx_front_init(&tf[i], c[i].shared);
	for (unsigned n = 0; n < NIC_RX_RINGS_MAX; n++)
		net_rx_front_init_at(&rf[i][n], c[i].shared, n);
	if (port_connected(&c[i]))
		return;
	((struct nic_link *)c[i].shared)->front_flags = i ? NIC_RX_GSO | NIC_RX_GSO6 | NIC_RX_CSUM_BLANK : 0;
	((struct nic_link *)c[i].shared)->front_headroom = i * 12;
	((struct nic_link *)c[i].shared)->front_rings_more = i ? 2 * i + 1 : 0; /* more than there are, too */
	((struct nic_link *)c[i].shared)->front_state = LINK_READY;
	port_shared(c[i].private_, &(struct share){i + 1, RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS | RIGHT_GRANT, 1, RAM});
	for (unsigned n = 0; n < 16; n++) {
		at = (struct net_fragment){REF(1, n / 2), n % 2 * 2048, 2048};
		net_rx_front_put(&rf[i][n % 4], n, &at);
	}
	for (unsigned n = 0; n < 4; n++)
		net_rx_front_push(&rf[i][n]);
}

static void driver_up(void)
{
	struct connection *k = &c[GUESTS];

	snprintf(k->peer, sizeof(k->peer), "module e1000 e1000-0");
	memset(k->shared, 0, CONNECTION_BYTES);
	if (uplink_connected(k))
		return;
	((struct nic_link *)k->shared)->flags = NIC_LINK_UP | NIC_CSUM_TX | NIC_TSO4;
	((struct nic_link *)k->shared)->back_state = LINK_READY;
	net_tx_back_init(&tb, k->shared);
	net_rx_back_init(&rb, k->shared);
	uplink_serve(k->private_);
}

/* A frame that looks like one, with some of its bytes from the input. */
static void send_frame(unsigned i, const uint8_t *data, size_t size)
{
	static const uint8_t head[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 4, 0, 0, 0, 0x40, 0, 64, 6};
	uint8_t *at = ram[i] + 40000;
	struct net_frame f = {.id = data[0], .count = 1 + data[1] % 3};
	unsigned bytes = (data[2] & 15) * 700 + data[3];

	memset(at, 0, 54);
	memcpy(at, head, sizeof(head));
	at[11] = i + 1;
	at[5] = data[4] % 6;
	at[46] = 0x50;
	net_put16(at + 16, bytes * f.count - ETH_HEADER);
	for (size_t n = 6; n + 1 < size; n += 2)
		at[data[n] % 64] = data[n + 1];
	f.offload.csum_blank = data[5] & 1;
	f.offload.gso_type = data[5] >> 1 & 3;
	f.offload.gso_size = 48 + (data[5] >> 3) * 60;
	for (unsigned n = 0; n < f.count; n++)
		f.fragment[n] = (struct net_fragment){REF(data[5] & 0x80 ? 3 : 1, 9 + (40000 - 9 * 4096 + n * bytes) / 4096),
						      (40000 - 9 * 4096 + n * bytes) % 4096, bytes};
	net_tx_front_put(&tf[i], &f);
	net_tx_front_push(&tf[i]);
	port_serve(c[i].private_);
}

static void driver_acts(const uint8_t *data)
{
	struct net_buffer b;
	struct net_frame f;

	while (net_tx_back_take(&tb, &f) > 0)
		net_tx_back_answer(&tb, f.id, f.slots, data[1] & 1 ? NETIF_RSP_OKAY : NETIF_RSP_DROPPED);
	net_tx_back_push(&tb);
	if (net_rx_back_ready(&rb) > 0) {
		net_rx_back_peek(&rb, 0, &b);
		net_rx_back_take(&rb, 1);
		memcpy(pages + RX_START + (uint64_t)(b.id % RX_SLOTS) * SLOT_BYTES, data, 8);
		net_rx_back_put(&rb, data[2], (data[3] << 4) - 16, data[2] & 0x80, NULL);
		net_rx_back_push(&rb);
	}
	if (c[GUESTS].private_ && uplinks[0].c)
		uplink_serve(&uplinks[0]);
}

/* Segments of a stream to a guest, with bytes of the input in the third. */
static void stream(const uint8_t *data, size_t size)
{
	static const uint8_t head[54] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 9, 8, 0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6};
	const struct net_offload good = {.csum_good = true};
	unsigned bytes = 54 + data[1] * 5, count = 2 + data[2] % 40;
	struct net_buffer b;

	for (unsigned n = 0; n < count && net_rx_back_ready(&rb) > 0; n++) {
		uint8_t *at;

		net_rx_back_peek(&rb, 0, &b);
		net_rx_back_take(&rb, 1);
		at = pages + RX_START + (uint64_t)(b.id % RX_SLOTS) * SLOT_BYTES;
		memcpy(at, head, sizeof(head));
		at[5] = 1 + data[3] % 3;
		net_put16(at + 16, bytes - ETH_HEADER);
		net_put16(at + 40, n * (bytes - 54));
		net_put16(at + 44, bytes == 54 ? n : 0);
		at[46] = 0x50;
		at[47] = 0x10;
		for (size_t i = 4; n == 2 && i + 1 < size; i += 2)
			at[data[i] % 64] = data[i + 1];
		net_put16(at + 24, ~net_fold(net_sum(at + ETH_HEADER, 20, 0, false)));
		net_rx_back_put(&rb, 0, bytes, false, &good);
	}
	net_rx_back_push(&rb);
	if (c[GUESTS].private_ && uplinks[0].c)
		uplink_serve(&uplinks[0]);
}

static void act(const uint8_t *data, size_t size)
{
	unsigned i = data[0] >> 4 & 3, at = (data[1] << 8 | data[2]) % 0xe000;

	switch (data[0] & 7) {
	case 0 ... 2:
		if (i < GUESTS && ports[i].c)
			send_frame(i, data + 1, size - 1);
		break;
	case 3:
		if (data[0] & 8)
			stream(data, size);
		else
			driver_acts(data);
		break;
	case 4:
		if (data[3] & 2) /* which ring gets what */
			memcpy(((struct nic_link *)c[i].shared)->front_steer + at % (NIC_STEER_ENTRIES - 16), data + 4, size - 4);
		else
			memcpy((char *)c[i].shared + 0x1000 + (data[3] & 1 ? at : at % 64), data + 4, size - 4);
		break;
	case 5:
		if (i == GUESTS && uplinks[0].c)
			uplink_disconnected(&uplinks[0]), driver_up();
		else if (i < GUESTS && ports[i].c)
			port_disconnected(&ports[i]), guest_up(i);
		break;
	case 6:
		now += (uint64_t)data[1] * 1000000;
		for (unsigned k = 0; k < UPLINKS_MAX; k++)
			if (uplinks[k].look.armed) {
				uplinks[k].look.armed = false;
				uplinks[k].look.expired(&uplinks[k].look);
			}
		break;
	case 7:
		if (i < GUESTS && ports[i].c)
			port_serve(&ports[i]);
	}
	flush();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	listened = *data++ & 1;
	size--;
	now = 0;
	table_init(&table);
	memset(ports, 0, sizeof(ports));
	memset(uplinks, 0, sizeof(uplinks));
	memset(networks, 0, sizeof(networks));
	pages = calloc(1, PAGES_BYTES);
	kept = calloc(1, PAGE_SIZE);
	for (unsigned i = 0; i <= GUESTS; i++) {
		c[i] = (struct connection){.shared = aligned_alloc(4096, CONNECTION_BYTES)};
		if (i < GUESTS)
			ram[i] = calloc(1, RAM);
	}
	driver_up();
	for (unsigned i = 0; i < GUESTS; i++)
		guest_up(i);
	for (unsigned n = 0; size >= 16 && n < 60; n++, data += 16, size -= 16)
		act(data, 16);
	for (unsigned i = 0; i <= GUESTS; i++) {
		free(c[i].shared);
		if (i < GUESTS)
			free(ram[i]);
	}
	free(pages);
	free(kept);
	return 0;
}
