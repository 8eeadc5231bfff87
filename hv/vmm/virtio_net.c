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

/* Forgets what the switch had. */
static void free_slots(struct net *n)
{
	n->tx_free = n->rx_free = NULL;
	for (unsigned i = 0; i < QUEUE_SIZE; i++) {
		free(n->rx_slot[i].rest);
		n->tx_slot[i] = (struct slot){.next = n->tx_free, .spare = NO_SPARE};
		n->tx_free = &n->tx_slot[i];
		n->rx_slot[i] = (struct slot){.next = n->rx_free, .spare = NO_SPARE};
		n->rx_free = &n->rx_slot[i];
	}
	for (unsigned i = 0; i < SPARES; i++)
		n->spare[i] = i;
	n->spare_count = SPARES;
	n->tx_out = n->rx_out = 0;
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
	for (unsigned i = 0; i < QUEUE_SIZE; i++)
		if (n->rx_slot[i].out)
			net_post(n, &n->rx_slot[i]);
	link->front_flags = (virtio_has(&n->v, F_GUEST_CSUM) ? NIC_RX_CSUM_BLANK : 0) |
			    (virtio_has(&n->v, F_GUEST_TSO4) && virtio_has(&n->v, F_MRG_RXBUF) ? NIC_RX_GSO : 0);
	link->front_headroom = header_bytes(n);
	__atomic_store_n(&link->front_state, LINK_READY, __ATOMIC_RELEASE);
	n->attached = true;
	connection_signal(n->c);
}

static void describe(struct net *n, const struct nic_link *link)
{
	struct config c = {.status = link->flags & NIC_LINK_UP ? 1 : 0, .pairs = 1, .mtu = link->mtu};

	if (c.mtu < 68 || c.mtu > 65521)
		c.mtu = ETH_MTU;
	memcpy(c.mac, link->mac, 6);
	n->v.offered |= 1ull << F_MAC | 1ull << F_STATUS | 1ull << F_MTU | 1ull << F_MRG_RXBUF | 1ull << F_GUEST_CSUM |
			1ull << F_GUEST_TSO4 | 1ull << F_CTRL_VQ | 1ull << F_CTRL_RX;
	if (link->flags & NIC_CSUM_TX)
		n->v.offered |= 1ull << F_CSUM | (link->flags & NIC_TSO4 ? 1ull << F_HOST_TSO4 : 0);
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

enum { CTRL_RX = 0, CTRL_MAC = 1 };
enum { MAC_TABLE_SET = 0 };
enum { CTRL_OK, CTRL_ERROR };

/* What the guest wants to receive: the switch decides by the configuration; asking is not wrong. */
static void control(struct net *n)
{
	struct virtqueue *q = &n->v.queue[CONTROL].q;

	do {
		while (virtio_pop(&n->v, CONTROL, &n->chain)) {
			uint8_t command[2] = {0xff}, ack;

			vq_read(&n->chain, 0, command, 2);
			ack = command[0] == CTRL_RX || (command[0] == CTRL_MAC && command[1] == MAC_TABLE_SET)
				      ? CTRL_OK
				      : CTRL_ERROR;
			vq_push(q, n->chain.head, vq_write(&n->chain, 0, &ack, 1));
		}
	} while (!virtio_drained(&n->v, CONTROL));
	virtio_told(&n->v, CONTROL);
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

static void work(struct virtio_device *d)
{
	struct net *n = net_of(d);
	uint32_t answers = n->tx.rsp_cons + n->rx.rsp_cons;

	attach(n);
	control(n);
	net_transmit(n);
	net_receive(n);
	if (n->tx.rsp_cons + n->rx.rsp_cons != answers)
		note_done(n);
}

/* The switch has buffers of the driver that goes: it must forget them first. The rings begin again with the next driver, whose
 * flags may differ. */
static void stop(struct virtio_device *d, unsigned queue)
{
	struct net *n = net_of(d);

	if (queue == CONTROL)
		return;
	if (n->tx_out + n->rx_out && !n->fence)
		n->fence = clock_ns() + FENCE_NS;
	if (n->attached)
		net_hang_up(n, NULL);
}

static bool busy(struct virtio_device *d, unsigned queue)
{
	struct net *n = net_of(d);

	if (queue == CONTROL || !n->fence)
		return false;
	if (clock_ns() < n->fence)
		return true;
	/* A switch that is not there any more writes nothing. */
	n->fence = 0;
	free_slots(n);
	return false;
}

static const struct virtio_ops ops = {.work = work, .stop = stop, .busy = busy};

struct virtio_device *virtio_net_make(void)
{
	struct net *n = calloc(1, sizeof(*n));
	int64_t memory = sys_mem_create(SPARES * SPARE_BYTES, 0);

	if (!n || memory < 0)
		return NULL;
	n->spares = space_map(memory, SPARES * SPARE_BYTES, MAP_READ | MAP_WRITE);
	n->spare_memory = memory;
	free_slots(n);
	n->v = (struct virtio_device){.ops = &ops, .name = "network", .type = VIRTIO_NET, .private_ = n, .queues = QUEUES};
	n->v.config_bytes = sizeof(struct config);
	n->v.queue[RX].size_max = n->v.queue[TX].size_max = QUEUE_SIZE;
	n->v.queue[CONTROL].size_max = CONTROL_SIZE;
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
	net_rx_front_init(&n->rx, c->shared);
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
	for (unsigned i = 0; i < QUEUE_SIZE && !n->fence; i++)
		if (n->tx_slot[i].out)
			net_release_tx(n, &n->tx_slot[i]);
	virtio_told(d, TX);
}

void virtio_net_readable(struct virtio_device *d)
{
	struct net *n = net_of(d);

	if (!n->c || n->c->broken)
		return;
	watch(n);
	work(d);
}
