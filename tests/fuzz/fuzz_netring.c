/* sources: hv/lib/netring.c */
// SPDX-License-Identifier: GPL-2.0-only
/* The network rings with a peer that writes any bytes into them, between any calls of both ends. */
#include "lib/netring.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *shared;
static struct net_tx_front tf;
static struct net_tx_back tb;
static struct net_rx_front rf;
static struct net_rx_back rb;

static void check(const struct net_frame *f)
{
	uint32_t bytes = 0;

	if (!f->count || f->count > NIC_FRAGMENTS_MAX || f->bytes > NIC_FRAME_MAX || f->slots < f->count)
		abort();
	for (unsigned i = 0; i < f->count; i++) {
		if (!f->fragment[i].bytes)
			abort();
		bytes += f->fragment[i].bytes;
	}
	if (bytes != f->bytes)
		abort();
}

static void back(uint8_t how)
{
	struct net_buffer buffer;
	struct net_frame f;
	int n;

	while (net_tx_back_take(&tb, &f) > 0) {
		check(&f);
		if (how & 1)
			net_tx_back_answer(&tb, f.id, f.slots, NETIF_RSP_OKAY);
	}
	net_tx_back_push(&tb);
	net_tx_back_wait(&tb);
	n = net_rx_back_ready(&rb);
	for (int i = 0; i < n; i++) {
		net_rx_back_peek(&rb, i, &buffer);
		if (!buffer.at.bytes)
			abort();
	}
	if (n > 0) {
		net_rx_back_take(&rb, n);
		while (n--)
			net_rx_back_put(&rb, 0, 100, how & 2 && n, NULL);
	}
	net_rx_back_push(&rb);
	net_rx_back_wait(&rb, 1 + (how & 63));
}

static void front(uint8_t how)
{
	struct net_fragment at = {REF(1, how), how, 2048};
	struct net_frame f = {.id = how, .count = how % 20, .offload.gso_type = how & 1, .offload.gso_size = how};
	struct net_received r;
	uint16_t id;
	int status;

	for (unsigned i = 0; i < f.count && i < NIC_FRAGMENTS_MAX; i++)
		f.fragment[i] = at;
	if (!net_tx_front_put(&tf, &f))
		check(&f);
	net_tx_front_push(&tf);
	while (net_tx_front_take(&tf, &id, &status) > 0)
		;
	net_tx_front_wait(&tf, how);
	net_rx_front_put(&rf, how, &at);
	net_rx_front_push(&rf);
	while (net_rx_front_take(&rf, &r) > 0)
		if (r.count > NIC_PARTS_MAX + 1 || !r.count || r.bytes > NIC_FRAME_MAX)
			abort();
	net_rx_front_wait(&rf);
}

/* Records of an operation and its bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	shared = aligned_alloc(4096, CONNECTION_BYTES);
	net_tx_front_init(&tf, shared);
	net_rx_front_init(&rf, shared);
	net_tx_back_init(&tb, shared);
	net_rx_back_init(&rb, shared);
	for (unsigned n = 0; size >= 4 && n < 200; n++) {
		unsigned at = (data[1] << 8 | data[2]) % 0x5000, bytes = data[3] & 63;

		size -= 4;
		data += 4;
		if (bytes > size)
			bytes = size;
		switch (data[-4] & 3) {
		case 0:
			back(data[-1]);
			break;
		case 1:
			front(data[-1]);
			break;
		default:
			memcpy(shared + (data[-4] & 4 ? 0x1000 + at % 96 : 0x1000 + at % 0x4000), data, bytes);
			data += bytes;
			size -= bytes;
		}
	}
	free(shared);
	return 0;
}
