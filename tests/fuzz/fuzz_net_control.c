// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/virtio_net_control.c hv/vmm/virtqueue.c hv/vmm/pci.c hv/vmm/pci_bar.c hv/vmm/pci_msix.c hv/vmm/io.c hv/vmm/ram.c */
/* Any bytes as commands to a network device, in pieces of any size: what is answered well was possible and negotiated, what is not
 * changes nothing. */
#include <stdlib.h>
#include <string.h>
#include "vmm/virtio_net_control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* The first byte says how long the pieces are. */
static void cut(struct vq_chain *c, uint8_t *command, uint32_t bytes, unsigned piece)
{
	memset(c, 0, sizeof(*c));
	for (uint32_t at = 0; at < bytes && c->count < VQ_SIZE_MAX; c->count++) {
		uint32_t n = bytes - at < piece ? bytes - at : piece;

		c->buffer[c->count] = (struct vq_buffer){command + at, n};
		c->out_bytes += n;
		at += n;
	}
	c->readable = c->count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vq_chain c;
	struct net_wishes w = {.pairs = 1}, before;
	uint8_t *command;

	if (size < 6)
		return 0;
	w.features = data[0] & 1 ? ~0ull : (uint64_t)data[1] << 17 | data[2];
	w.listens = data[0] & 2;
	w.pairs_max = 1 + (data[0] >> 2 & 7);
	net_features_agree(w.features);
	for (data += 3, size -= 3; size > 2; data += 3) {
		uint32_t bytes = data[0] < size - 3 ? data[0] : size - 3;

		size -= 3;
		before = w;
		command = malloc(bytes + 1);
		memcpy(command, data + 3, bytes);
		if (bytes > 1 && data[2] & 1) { /* one that there is */
			command[0] = (const uint8_t[]){0, 1, 1, 4}[data[2] >> 1 & 3];
			command[1] &= 1;
		}
		cut(&c, command, bytes, 1 + data[1] % 16);
		if (net_command(&w, &c) == NET_OK) {
			check(w.features >> F_CTRL_VQ & 1);
			check(w.pairs >= 1 && w.pairs <= w.pairs_max);
			check(w.pairs == before.pairs || w.features >> F_MQ & 1);
			check(!w.has_mac || (w.listens && !(w.mac[0] & 1)));
		} else {
			check(!memcmp(&w, &before, sizeof(w)));
		}
		free(command);
		data += bytes;
		size -= bytes;
	}
	return 0;
}
