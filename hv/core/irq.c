// SPDX-License-Identifier: GPL-2.0-only
// Device interrupts: a vector each line or MSI, an event for each user.
//
// A level line is masked when it fires and stays so until all who share it and were told have
// acknowledged. An irq belongs to the task that it was granted to last; with that task's end it is
// silenced, and so it is when its device is revoked. Granting it again wakes it up.
//
// A message is a write of the device's to an address of ours. Which one is said here, and written into
// the device by who makes the irq; the core only switches them off and on again. Without an IOMMU a
// device that masters the bus can write any message by DMA, whatever its registers say; with one it
// sends only what was routed for it here.
//
// Edges and messages wait for nobody. Of a device that sends too many, they are held for a while again
// and again; its driver is told when they are let through, as it may have missed one.
#include "core/event.h"
#include "core/frame.h"
#include "core/list.h"
#include "core/log.h"
#include "core/string.h"
#include "core/task.h"
#include "x86/iommu.h"
#include "x86/pci.h"
#include "x86/trap.h"
#include <postern/errno.h>

struct irq {
	struct object object;
	struct irq *next; /* of the same vector */
	struct event *event;
	uint64_t bits, count;
	uint32_t vector, gsi, flags, bdf;
	uint32_t capability, address, data; /* of messages */
	uint32_t owner; /* task id */
	char owner_name[16];
	bool waits; /* told, and not acknowledged yet (level) */
	bool silent;
	/* Edges and messages: how many since when, and whether they are held. */
	uint32_t recent, storms;
	uint64_t since;
	bool held;
};

#define STORM_COUNT 4000 /* so many within */
#define STORM_NS 10000000ull /* this: they are held as long */

#define VECTORS 256
#define CPU_OF_DEVICES                                                             \
	0 /* devices interrupt the boot processor; drivers run where there is room \
	   */
#define BDF_NONE 0xffffffffu

static struct spinlock irq_lock; /* taken inside task->lock or core_lock; event->lock inside */
static struct irq *vectors[VECTORS];
static uint64_t unexpected[VECTORS];

static bool is_msi(const struct irq *i)
{
	return i->gsi == (uint32_t)IRQ_MSI;
}

static int message_route(struct irq *i)
{
	return iommu_message(i->bdf, i->vector, CPU_OF_DEVICES, &i->address, &i->data);
}

// MSI-X is masked as a whole, not switched off: QEMU's e1000e ends QEMU when its throttling timer finds
// it off.
static void message_gate(struct irq *i, bool open)
{
	unsigned at = i->capability + PCI_MSI_CONTROL;
	bool x = pci_get(i->bdf, i->capability, 1) == PCI_CAP_MSIX;
	uint32_t bit = x ? PCI_MSIX_MASK_ALL : PCI_MSI_ENABLE, control = pci_get(i->bdf, at, 2);

	if (open)
		message_route(i);
	pci_config_write(i->bdf, at, 2, open == x ? control & ~bit : control | bit);
	if (!open)
		iommu_silence(i->bdf);
}

// irq_lock held: may the line, or the messages, of this vector come?
static void update(struct irq *first)
{
	bool masked = false, wanted = false;

	for (struct irq *i = first; i; i = i->next) {
		masked |= (i->waits || i->held) && !i->silent;
		wanted |= !i->silent;
	}
	if (is_msi(first))
		message_gate(first, !masked && wanted);
	else
		ioapic_mask(first->gsi, masked || !wanted);
}

// irq_lock held.
static void let_through(struct irq *i)
{
	i->held = false;
	i->recent = 0;
	i->since = clock_ns();
	if (i->silent)
		return;
	update(i);
	event_signal(i->event, i->bits);
}

static void storms_over(struct timer *t)
{
	spin_lock(&irq_lock);
	for (unsigned v = VECTOR_DEVICE_FIRST; v <= VECTOR_DEVICE_LAST; v++)
		if (vectors[v] && vectors[v]->held)
			let_through(vectors[v]);
	spin_unlock(&irq_lock);
}

// irq_lock held: one more has come.
static void bound_rate(struct irq *i)
{
	static struct timer timer = {.fn = storms_over};
	uint64_t now;

	if (++i->recent < STORM_COUNT)
		return;
	now = clock_ns();
	i->recent = 0;
	if (now - i->since >= STORM_NS) {
		i->since = now;
		return;
	}
	i->held = true;
	if (!i->storms++)
		log_printf("interrupt %u of %s comes more than %u times in %u ms: held as long each time", i->vector,
			   i->owner_name, STORM_COUNT, (unsigned)(STORM_NS / 1000000));
	update(i);
	if (!timer.expiry)
		timer_arm(&timer, now + STORM_NS);
}

void irq_vector(unsigned vector)
{
	struct irq *i;

	spin_lock(&irq_lock);
	i = vectors[vector % VECTORS];
	if (!i && !unexpected[vector % VECTORS]++)
		log_printf("interrupt %u came for nobody", vector);
	if (i && i->flags & IRQ_LEVEL)
		ioapic_mask(i->gsi, 1);
	for (; i; i = i->next) {
		if (i->silent)
			continue;
		i->count++;
		i->waits = i->flags & IRQ_LEVEL;
		event_signal(i->event, i->bits);
		if (!(i->flags & IRQ_LEVEL))
			bound_rate(i);
	}
	spin_unlock(&irq_lock);
}

// irq_lock held.
static void silence(struct irq *i)
{
	if (i->silent)
		return;
	i->silent = true;
	i->waits = i->held = false;
	update(vectors[i->vector]);
}

static void silence_all(uint32_t owner, uint32_t bdf)
{
	spin_lock(&irq_lock);
	for (unsigned v = 0; v < VECTORS; v++)
		for (struct irq *i = vectors[v]; i; i = i->next)
			if (i->owner == owner || i->bdf == bdf)
				silence(i);
	spin_unlock(&irq_lock);
}

void irq_task_ended(struct task *t)
{
	silence_all(t->id, BDF_NONE - 1);
}

void irq_device_silence(uint32_t bdf)
{
	silence_all(0, bdf);
}

static void owned_by(struct irq *i, struct task *t)
{
	i->owner = t->id;
	memcpy(i->owner_name, t->name, sizeof(i->owner_name));
}

void irq_granted(struct object *o, struct task *t)
{
	struct irq *i = (struct irq *)o;

	spin_lock(&irq_lock);
	owned_by(i, t);
	if (i->silent) {
		i->silent = false;
		update(vectors[i->vector]);
	}
	spin_unlock(&irq_lock);
}

static void irq_destroy(struct object *o)
{
	struct irq *i = (struct irq *)o;

	spin_lock(&irq_lock);
	silence(i);
	list_unlink(vectors[i->vector], i, next);
	spin_unlock(&irq_lock);
	object_put(&i->event->object);
	core_free(i, sizeof(*i));
}
OBJECT_TYPE(OBJ_IRQ, irq_destroy);

// irq_lock held. 0: none left.
static unsigned free_vector(void)
{
	for (unsigned v = VECTOR_DEVICE_FIRST; v <= VECTOR_DEVICE_LAST; v++)
		if (!vectors[v])
			return v;
	return 0;
}

// Who has i's line, or its device's MSI, already.
static struct irq *find_same(const struct irq *i)
{
	for (unsigned v = VECTOR_DEVICE_FIRST; v <= VECTOR_DEVICE_LAST; v++)
		if (vectors[v] && vectors[v]->gsi == i->gsi &&
		    (!is_msi(i) || vectors[v]->bdf == i->bdf))
			return vectors[v];
	return NULL;
}

// irq_lock held. Give it a vector and open its way to the CPU.
static int connect(struct irq *i)
{
	struct irq *line = find_same(i);
	int error;

	if (line && (is_msi(i) || !(i->flags & IRQ_LEVEL) || line->flags != i->flags))
		return -EBUSY;
	i->vector = line ? line->vector : free_vector();
	if (!i->vector)
		return -ENOSPC;
	if (!line) {
		error = is_msi(i) ? message_route(i)
				  : ioapic_route(i->gsi, i->vector, CPU_OF_DEVICES, i->flags);
		if (error)
			return error;
	}
	i->next = line;
	vectors[i->vector] = i;
	// Messages begin when they are written into the device.
	if (!is_msi(i))
		update(i);
	return 0;
}

static struct irq *irq_new(struct event *e, uint64_t bits, uint64_t gsi, uint64_t flags)
{
	struct irq *i = core_alloc(sizeof(*i));

	if (!i)
		return NULL;
	object_init(&i->object, OBJ_IRQ);
	i->gsi = gsi;
	i->flags = gsi == IRQ_MSI ? 0 : (uint32_t)flags;
	i->capability = (uint8_t)flags;
	i->bdf = flags >> 32 || gsi == IRQ_MSI ? flags >> 32 : BDF_NONE;
	i->event = e;
	i->bits = bits;
	owned_by(i, current_task());
	return i;
}

static int64_t irq_create(struct event *e, uint64_t bits, uint64_t gsi, uint64_t flags)
{
	struct irq *i = irq_new(e, bits, gsi, flags);
	int result;

	if (!i)
		return -ENOMEM;
	spin_lock(&irq_lock);
	result = connect(i);
	spin_unlock(&irq_lock);
	if (result) {
		core_free(i, sizeof(*i));
		return result;
	}
	object_get(&e->object);
	return handle_new(&i->object, RIGHT_CONTROL | RIGHT_GRANT, 0);
}

static bool has_messages(uint32_t bdf, uint32_t capability)
{
	uint32_t id = pci_get(bdf, capability, 1);

	return capability >= PCI_CAPABILITY_FIRST && (id == PCI_CAP_MSI || id == PCI_CAP_MSIX);
}

static int64_t sys_irq_create(void *system, struct syscall_args *a)
{
	uint64_t bits = a->e;
	int64_t result;
	int error = 0;
	struct event *e;

	if (a->b > IRQ_MSI || a->c >> 48 ||
	    (a->b != IRQ_MSI && (uint32_t)a->c & ~(uint32_t)(IRQ_LEVEL | IRQ_LOW)))
		return -EINVAL;
	if (a->b == IRQ_MSI && !has_messages(a->c >> 32, (uint32_t)a->c))
		return -ENODEV;
	e = event_get(a->d, &bits, &error);
	if (!e)
		return error;
	result = irq_create(e, bits, a->b, a->c);
	object_put_unlocked(&e->object);
	return result;
}
SYSCALL_ON(SYS_IRQ_CREATE, OBJ_SYSTEM, RIGHT_IRQS, sys_irq_create);

static int64_t sys_irq_ack(void *object, struct syscall_args *a)
{
	struct irq *i = object;

	spin_lock(&irq_lock);
	if (i->waits) {
		i->waits = false;
		update(vectors[i->vector]);
	}
	spin_unlock(&irq_lock);
	return 0;
}
SYSCALL_ON(SYS_IRQ_ACK, OBJ_IRQ, RIGHT_CONTROL, sys_irq_ack);

static int64_t sys_irq_message(void *object, struct syscall_args *a)
{
	const struct irq *i = object;

	return is_msi(i) ? i->address | (int64_t)i->data << 32 : -ENODEV;
}
SYSCALL_ON(SYS_IRQ_MESSAGE, OBJ_IRQ, RIGHT_GRANT, sys_irq_message);

int irq_info(unsigned index, struct info_irq *out)
{
	int result = -ENOENT;

	spin_lock(&irq_lock);
	for (unsigned v = 0; v < VECTORS && result; v++)
		for (struct irq *i = vectors[v]; i && result; i = i->next) {
			if (index--)
				continue;
			*out = (struct info_irq){v,	   i->gsi,	  i->bdf, CPU_OF_DEVICES,
						 i->count, unexpected[v], ""};
			memcpy(out->task, i->owner_name, sizeof(out->task));
			result = 0;
		}
	spin_unlock(&irq_lock);
	return result;
}
