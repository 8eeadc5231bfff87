/* SPDX-License-Identifier: GPL-2.0-only */
/* What virtio_net.c and its neighbours stand on, in a few lines each, for their test and their fuzz target. */
#ifndef TESTS_VIRTIO_NET_HOST_H
#define TESTS_VIRTIO_NET_HOST_H

#define LIB_SYSCALLS_H /* the real calls are for another core */
#include <postern/syscall.h>
int64_t sys_mem_create(uint64_t bytes, uint32_t flags);
#define answers tx_answers
#include "hv/vmm/virtio_net_tx.c"
#undef answers
#include "hv/vmm/virtio_net_rx.c"
#include "hv/vmm/virtio_net.c"

struct guest guest;
static _Alignas(4096) uint8_t pages[ECAM_DEVICE_BYTES], spares[SPARES * SPARE_BYTES];
static _Alignas(4096) char shared[CONNECTION_BYTES];
static struct connection connection;
static struct net_tx_back tb;
static struct net_rx_back rb[PAIRS_MAX];
static struct virtio_device *d;
static unsigned hang_ups, changes;
static uint64_t now;

uint64_t clock_ns(void)
{
	return now += 1000;
}

void log_line(const char *format, ...)
{
}

void guest_lock(void)
{
}

void guest_unlock(void)
{
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

void connection_signal(struct connection *c)
{
}

int module_send(const struct message *m)
{
	hang_ups++;
	return 1;
}

int connection_share(struct connection *c, uint32_t memory_, uint32_t rights, uint32_t tag)
{
	return 0;
}

void *space_map(uint32_t handle, uint64_t bytes, uint32_t rights)
{
	return spares;
}

int64_t sys_mem_create(uint64_t bytes, uint32_t flags)
{
	return 5;
}

void devices_changed(void)
{
	changes++;
}

void virtio_host_ring(struct virtio_device *v)
{
}

int virtio_host_doorbell(unsigned port, uint64_t bit)
{
	return 0;
}

bool virtio_host_wait(void)
{
	return false;
}

void virtio_host_settled(void)
{
}

void virtio_host_halts(struct virtio_device *d, bool ring)
{
}

void virtio_host_log(const struct virtio_device *v, const char *what)
{
}

static uint32_t none_read(void *device, unsigned port, unsigned size)
{
	return ~0u;
}

static void none_write(void *device, unsigned port, unsigned size, uint32_t value)
{
}

#endif
