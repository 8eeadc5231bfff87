// SPDX-License-Identifier: GPL-2.0-only
/* Device: PCI functions, frame buffer and kept memory, as the manager hands them over. */
#include "device.h"
#include "log.h"
#include "syscalls.h"

#define KEPT_MAX 8

static struct device table[MODULE_DEVICES_MAX];
static unsigned count;
static struct message framebuffer;
static struct share kept[KEPT_MAX];

struct device *module_device(unsigned index)
{
	return index < count ? &table[index] : NULL;
}

const struct message *module_framebuffer(void)
{
	return framebuffer.kind ? &framebuffer : NULL;
}

void device_given(const struct message *m)
{
	if (count == MODULE_DEVICES_MAX || m->device.bit >= 64)
		return;
	table[count] = (struct device){.index = m->device.index,
				       .bdf = m->device.bdf,
				       .vendor_device = m->device.vendor_device,
				       .class_revision = m->device.class_revision,
				       .subsystem = m->device.subsystem,
				       .handle = m->device.device,
				       .irq = m->device.irq,
				       .flags = m->device.flags,
				       .irq_bit = m->device.irq ? 1ull << m->device.bit : 0};
	count++;
}

void device_bar_given(const struct message *m)
{
	if (m->bar.device == NO_DEVICE)
		framebuffer = *m;
	else if (m->bar.device < count && m->bar.number < 6)
		table[m->bar.device].bar[m->bar.number] =
			(struct device_bar){.bytes = m->bar.bytes,
					    .address = m->bar.address,
					    .memory = m->bar.memory,
					    .flags = m->bar.flags};
}

uint64_t device_irq_bits(void)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < count; i++)
		bits |= table[i].irq_bit;
	return bits;
}

void *device_map(struct device *d, unsigned bar)
{
	struct device_bar *b = &d->bar[bar];

	if (!b->va && b->memory)
		b->va = space_map(b->memory, b->bytes, MAP_READ | MAP_WRITE);
	return b->va;
}

void memory_given(const struct message *m)
{
	if (m->share.tag < KEPT_MAX)
		kept[m->share.tag] = (struct share){.memory = m->share.memory,
						    .tag = m->share.tag,
						    .rights = m->share.rights,
						    .bytes = m->share.bytes};
}

uint32_t module_kept(uint32_t tag, uint64_t *bytes)
{
	if (tag >= KEPT_MAX)
		return 0;
	*bytes = kept[tag].bytes;
	return kept[tag].memory;
}

int module_keep(uint32_t memory, uint32_t tag)
{
	struct message m = {.kind = MSG_KEEP, .share = {.memory = memory, .tag = tag}};

	return module_send(&m) > 0 ? 0 : -EIO;
}
