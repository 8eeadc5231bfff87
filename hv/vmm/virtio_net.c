// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtio network device: the guest's buffers go into the two rings of a network connection, frames are not copied here.
 *
 * The switch may write into receive buffers at any time. When the driver is reset with buffers out there, the connection
 * is given up, and the reset is done when the switch has begun the next generation: by then it has forgotten
 * the buffers of the one before (its channel keeps that order).
 *
 * Only the first of a frame's receive buffers holds a header, and which one will be first is not known when buffers are
 * handed out: the switch leaves room for it (nic_link.front_headroom).
 *
 * Source: virtio 1.2, 5.1.
 */
#include "clock.h"
#include "virtio_net.h"

static void make_slots(struct net *n)
{
	for (unsigned k = 0; k < n->wishes.pairs_max; k++) {
		struct pair *p = &n->pair[k];

		p->number = k;
		for (unsigned i = 0; i < QUEUE_SIZE; i++) {
			p->tx_slot[i] = (struct slot){.next = p->tx_free, .spare = NO_SPARE};
			p->tx_free = &p->tx_slot[i];
			p->rx_slot[i] = (struct slot){.next = p->rx_free, .spare = NO_SPARE};
			p->rx_free = &p->rx_slot[i];
		}
	}
	for (unsigned i = 0; i < SPARES; i++)
		n->spare[i] = i;
	n->spare_count = SPARES;
}

/* Frames on their way count as sent. */
static void drop_sent(struct net *n)
{
	for (unsigned k = 0; k < n->wishes.pairs_max; k++) {
		struct pair *p = &n->pair[k];

		for (unsigned i = 0; i < QUEUE_SIZE; i++)
			if (p->tx_slot[i].out)
				net_release_tx(n, p, &p->tx_slot[i]);
		virtio_told(&n->v, tx_queue(p));
	}
}

/* The switch has forgotten what it had of us. Receive buffers of queues that the driver goes on with are posted again by
 * attach(). */
static void free_slots(struct net *n)
{
	drop_sent(n);
	for (unsigned k = 0; k < n->wishes.pairs_max; k++) {
		struct pair *p = &n->pair[k];
		bool keep = virtio_live(&n->v, rx_queue(p));

		for (unsigned i = 0; i < QUEUE_SIZE; i++)
			if (p->rx_slot[i].out && !keep)
				net_release_rx(n, p, &p->rx_slot[i]);
	}
}

static bool any_out(const struct net *n)
{
	bool any = n->tx_out;

	for (unsigned k = 0; k < n->wishes.pairs_max; k++)
		any |= n->pair[k].rx_out;
	return any;
}

/* --- the connection -------------------------------------------------------------------------- */

void net_hang_up(struct net *n, const char *why)
{
	n->attached = false;
	if (!n->c || n->c->broken)
		return;
	n->c->broken = true;
	if (why)
		log_line("guest %s: the network connection %u is given up: %s", guest.name, n->c->id, why);
	connection_hang_up(n->c);
}

static bool driver_ready(const struct net *n)
{
	return n->v.status & VIRTIO_DRIVER_OK && !n->v.resetting && !(n->v.status & VIRTIO_NEEDS_RESET);
}

/* The switch may begin: both sides are there, and the driver has said what it takes. */
static void attach(struct net *n)
{
	struct nic_link *link;

	if (n->attached || n->fence || !n->ready || n->c->broken || !driver_ready(n))
		return;
	link = n->c->shared;
	/* Buffers that its life before had. */
	for (unsigned k = 0; k < n->wishes.pairs_max; k++)
		for (unsigned i = 0; i < QUEUE_SIZE; i++)
			if (n->pair[k].rx_slot[i].out)
				net_post(n, &n->pair[k], &n->pair[k].rx_slot[i]);
	link->front_flags = (virtio_has(&n->v, F_GUEST_CSUM) ? NIC_RX_CSUM_BLANK : 0) |
			    (virtio_has(&n->v, F_GUEST_TSO4) && virtio_has(&n->v, F_MRG_RXBUF) ? NIC_RX_GSO : 0) |
			    (virtio_has(&n->v, F_GUEST_TSO6) && virtio_has(&n->v, F_MRG_RXBUF) ? NIC_RX_GSO6 : 0);
	link->front_headroom = header_bytes(n);
	link->front_rings_more = pairs_known(n) - 1;
	__atomic_store_n(&link->front_state, LINK_READY, __ATOMIC_RELEASE);
	n->attached = true;
	connection_signal(n->c);
}

static void describe(struct net *n, const struct nic_link *link)
{
	struct config c = {.status = link->flags & NIC_LINK_UP ? 1 : 0, .pairs = n->wishes.pairs_max, .mtu = link->mtu};

	if (c.mtu < 68 || c.mtu > 65521)
		c.mtu = ETH_MTU;
	memcpy(c.mac, n->wishes.has_mac ? n->wishes.mac : link->mac, 6);
	n->wishes.listens = link->flags & NIC_PROMISCUOUS;
	n->v.offered |= 1ull << F_MAC | 1ull << F_STATUS | 1ull << F_MTU | 1ull << F_MRG_RXBUF | 1ull << F_GUEST_CSUM |
			1ull << F_GUEST_TSO4 | 1ull << F_GUEST_TSO6 | 1ull << F_CTRL_VQ | 1ull << F_CTRL_RX;
	if (n->wishes.pairs_max > 1)
		n->v.offered |= 1ull << F_MQ;
	if (n->wishes.listens)
		n->v.offered |= 1ull << F_CTRL_MAC_ADDR;
	if (link->flags & NIC_CSUM_TX)
		n->v.offered |= 1ull << F_CSUM | (link->flags & NIC_TSO4 ? 1ull << F_HOST_TSO4 : 0) |
				(link->flags & NIC_TSO6 ? 1ull << F_HOST_TSO6 : 0);
	if (!memcmp(n->v.config, &c, sizeof(c)))
		return;
	memcpy(n->v.config, &c, sizeof(c));
	virtio_config_changed(&n->v);
}

static void end_fence(struct net *n)
{
	if (!n->fence)
		return;
	n->fence = 0;
	free_slots(n);
	virtio_settled(&n->v);
}

/* What the switch's page says now. */
static void watch(struct net *n)
{
	struct nic_link *link = n->c->shared;
	uint32_t changes = __atomic_load_n(&link->changes, __ATOMIC_ACQUIRE);

	if ((n->ready && changes == n->changes) || __atomic_load_n(&link->back_state, __ATOMIC_ACQUIRE) != LINK_READY)
		return;
	n->changes = changes;
	n->ready = true;
	describe(n, link);
	end_fence(n);
	devices_changed();
}

bool virtio_net_settled(struct virtio_device *d)
{
	return d->offered >> F_MAC & 1;
}

/* --- control queue --------------------------------------------------------------------------- */

/* Flows that were never sent are spread over the pairs in use. */
static void use_pairs(struct net *n, unsigned pairs)
{
	n->wishes.pairs = pairs;
	for (unsigned i = 0; i < NIC_STEER_ENTRIES; i++)
		n->steer[i] = i % pairs;
	if (n->c)
		memcpy(((struct nic_link *)n->c->shared)->front_steer, n->steer, sizeof(n->steer));
}

static uint8_t command(struct net *n)
{
	struct net_wishes *w = &n->wishes;
	unsigned pairs = w->pairs;
	uint8_t ack;

	w->features = n->v.features;
	ack = net_command(w, &n->chain);
	if (w->pairs != pairs)
		use_pairs(n, w->pairs);
	if (w->has_mac)
		memcpy(n->v.config, w->mac, sizeof(w->mac));
	return ack;
}

static void control(struct net *n)
{
	unsigned queue = control_queue(n);

	do {
		while (virtio_pop(&n->v, queue, &n->chain)) {
			uint8_t ack = command(n);

			vq_push(&n->v.queue[queue].q, n->chain.head, vq_write(&n->chain, 0, &ack, 1));
		}
	} while (!virtio_drained(&n->v, queue));
	virtio_told(&n->v, queue);
}

/* --- the device's life ----------------------------------------------------------------------- */

static void note_done(struct net *n)
{
	uint64_t now = clock_ns();

	if (n->reborn)
		log_line("guest %s: the switch is back: blackout %llu us", guest.name,
			 (unsigned long long)(now - n->done_ns) / 1000);
	n->reborn = false;
	n->done_ns = now;
}

static uint32_t answers(const struct net *n)
{
	uint32_t sum = n->tx.rsp_cons;

	for (unsigned k = 0; k < n->wishes.pairs_max; k++)
		sum += n->pair[k].rx.rsp_cons;
	return sum;
}

static void work(struct virtio_device *d)
{
	struct net *n = net_of(d);
	uint32_t before;

	attach(n);
	control(n);
	before = answers(n);
	net_transmit(n);
	net_receive(n);
	if (answers(n) != before)
		note_done(n);
}

/* The switch has buffers of the driver that goes: it must forget them first. The rings begin again with the next driver, whose
 * flags may differ. */
static void stop(struct virtio_device *d, unsigned queue)
{
	struct net *n = net_of(d);

	if (d->resetting) {
		n->wishes.has_mac = false;
		use_pairs(n, 1);
	}
	if (queue == control_queue(n))
		return;
	if (any_out(n) && !n->fence)
		n->fence = clock_ns() + FENCE_NS;
	if (n->attached)
		net_hang_up(n, NULL);
}

static bool busy(struct virtio_device *d, unsigned queue)
{
	struct net *n = net_of(d);

	if (queue == control_queue(n) || !n->fence)
		return false;
	if (clock_ns() < n->fence)
		return true;
	/* A switch that is not there any more writes nothing. */
	n->fence = 0;
	free_slots(n);
	return false;
}

static bool agreed(const struct virtio_device *d)
{
	return net_features_agree(d->features);
}

static const struct virtio_ops ops = {.work = work, .stop = stop, .busy = busy, .agreed = agreed};

struct virtio_device *virtio_net_make(void)
{
	unsigned pairs = guest.cpus < PAIRS_MAX ? guest.cpus : PAIRS_MAX;
	struct net *n = calloc(1, sizeof(*n) + pairs * sizeof(n->pair[0]));
	int64_t memory = sys_mem_create(SPARES * SPARE_BYTES, 0);

	if (!n || memory < 0)
		return NULL;
	n->spares = space_map(memory, SPARES * SPARE_BYTES, MAP_READ | MAP_WRITE);
	n->spare_memory = memory;
	n->wishes.pairs_max = pairs;
	make_slots(n);
	use_pairs(n, 1);
	n->v = (struct virtio_device){.ops = &ops, .name = "network", .type = VIRTIO_NET, .private_ = n, .queues = 2 * pairs + 1};
	n->v.config_bytes = sizeof(struct config);
	for (unsigned i = 0; i < 2 * pairs; i++)
		n->v.queue[i].size_max = QUEUE_SIZE;
	n->v.queue[2 * pairs].size_max = CONTROL_SIZE;
	return n->spares && !virtio_add(&n->v, 0x020000, &guest.pci) ? &n->v : NULL;
}

int virtio_net_connected(struct virtio_device *d, struct connection *c)
{
	struct net *n = net_of(d);
	const uint32_t all = RIGHT_READ | RIGHT_WRITE | RIGHT_PHYS | RIGHT_GRANT;
	int e = connection_share(c, guest.memory, all, TAG_RAM);

	if (!e)
		e = connection_share(c, n->spare_memory, all, TAG_SPARE);
	if (e)
		return e;
	n->c = c;
	n->attached = n->ready = false;
	net_tx_front_init(&n->tx, c->shared);
	for (unsigned k = 0; k < n->wishes.pairs_max; k++)
		net_rx_front_init_at(&n->pair[k].rx, c->shared, k);
	memcpy(((struct nic_link *)c->shared)->front_steer, n->steer, sizeof(n->steer));
	virtio_net_readable(d);
	return 0;
}

/* Frames on their way are lost, as on a wire; receive buffers go to the switch's next life. */
void virtio_net_disconnected(struct virtio_device *d)
{
	struct net *n = net_of(d);

	n->c = NULL;
	n->reborn |= n->attached && n->done_ns;
	n->attached = n->ready = false;
	if (!n->fence)
		drop_sent(n);
}

void virtio_net_readable(struct virtio_device *d)
{
	struct net *n = net_of(d);

	if (!n->c || n->c->broken)
		return;
	watch(n);
	work(d);
}
