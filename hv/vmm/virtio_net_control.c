// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control queue of the network device.
 *
 * What is promised is kept: the switch shows each card broadcasts, multicasts and its own address, so asking for all
 * multicasts is right and asking for everything, or for more addresses, only where the configuration says `promiscuous`.
 */
#include <string.h>
#include "virtio_net_control.h"

enum class_ { CLASS_RX = 0, CLASS_MAC = 1, CLASS_MQ = 4 };
enum { RX_PROMISCUOUS = 0, RX_ALL_MULTICAST = 1 };
enum { MAC_TABLE_SET = 0, MAC_ADDRESS_SET = 1 };
enum { MQ_PAIRS_SET = 0 };

#define HEAD_BYTES 2
#define MAC_BYTES 6

static bool has(const struct net_wishes *w, enum net_feature f)
{
	return w->features >> f & 1;
}

bool net_features_agree(uint64_t features)
{
	static const struct {
		uint8_t feature, needs;
	} rule[] = {
		{F_GUEST_TSO4, F_GUEST_CSUM}, {F_GUEST_TSO6, F_GUEST_CSUM}, {F_HOST_TSO4, F_CSUM},
		{F_HOST_TSO6, F_CSUM},	      {F_CTRL_RX, F_CTRL_VQ},	    {F_MQ, F_CTRL_VQ},
		{F_CTRL_MAC_ADDR, F_CTRL_VQ},
	};

	for (unsigned i = 0; i < sizeof(rule) / sizeof(rule[0]); i++)
		if (features >> rule[i].feature & 1 && !(features >> rule[i].needs & 1))
			return false;
	return true;
}

static enum net_answer set_receive(const struct net_wishes *w, const struct vq_chain *c, uint8_t command)
{
	uint8_t on;

	if (!has(w, F_CTRL_RX) || command > RX_ALL_MULTICAST || c->out_bytes != HEAD_BYTES + 1)
		return NET_ERROR;
	vq_read(c, HEAD_BYTES, &on, 1);
	if (on > 1)
		return NET_ERROR;
	return on && command == RX_PROMISCUOUS && !w->listens ? NET_ERROR : NET_OK;
}

/* Two lists, of unicast and of multicast addresses, each with their number before it. */
static enum net_answer set_table(const struct net_wishes *w, const struct vq_chain *c)
{
	uint64_t at = HEAD_BYTES;
	uint32_t count[2];

	if (!has(w, F_CTRL_RX))
		return NET_ERROR;
	for (unsigned i = 0; i < 2; i++) {
		if (vq_read(c, at, &count[i], 4) != 4)
			return NET_ERROR;
		at += 4 + (uint64_t)MAC_BYTES * count[i];
	}
	if (at != c->out_bytes)
		return NET_ERROR;
	return count[0] && !w->listens ? NET_ERROR : NET_OK;
}

static enum net_answer set_address(struct net_wishes *w, const struct vq_chain *c)
{
	uint8_t mac[MAC_BYTES];

	if (!has(w, F_CTRL_MAC_ADDR) || !w->listens || c->out_bytes != HEAD_BYTES + MAC_BYTES)
		return NET_ERROR;
	vq_read(c, HEAD_BYTES, mac, MAC_BYTES);
	if (mac[0] & 1)
		return NET_ERROR;
	memcpy(w->mac, mac, MAC_BYTES);
	w->has_mac = true;
	return NET_OK;
}

static enum net_answer set_pairs(struct net_wishes *w, const struct vq_chain *c)
{
	uint16_t pairs;

	if (!has(w, F_MQ) || c->out_bytes != HEAD_BYTES + sizeof(pairs))
		return NET_ERROR;
	vq_read(c, HEAD_BYTES, &pairs, sizeof(pairs));
	if (!pairs || pairs > w->pairs_max)
		return NET_ERROR;
	w->pairs = pairs;
	return NET_OK;
}

enum net_answer net_command(struct net_wishes *w, const struct vq_chain *c)
{
	uint8_t head[HEAD_BYTES];

	if (!has(w, F_CTRL_VQ) || vq_read(c, 0, head, HEAD_BYTES) != HEAD_BYTES)
		return NET_ERROR;
	switch (head[0]) {
	case CLASS_RX:
		return set_receive(w, c, head[1]);
	case CLASS_MAC:
		if (head[1] == MAC_TABLE_SET)
			return set_table(w, c);
		return head[1] == MAC_ADDRESS_SET ? set_address(w, c) : NET_ERROR;
	case CLASS_MQ:
		return head[1] == MQ_PAIRS_SET ? set_pairs(w, c) : NET_ERROR;
	default:
		return NET_ERROR;
	}
}
