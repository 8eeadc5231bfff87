// SPDX-License-Identifier: GPL-2.0-only
/*
 * Edu: QEMU's device for teaching (docs/specs/edu.rst there). Copies by DMA on command, inside its window
 * and outside of it, to show what the core makes of that.
 *
 *	IDLE --copy--> OUT --interrupt--> BACK --interrupt--> IDLE
 */
#include <string.h>
#include <postern/manifest.h>
#include "dma.h"
#include "log.h"
#include "module.h"
#include "syscalls.h"

MODULE_MANIFEST("name = edu\n"
		"version = 1.0\n"
		"licence = GPL-2.0-only\n"
		"about = QEMU's teaching device; for tests of DMA\n"
		"pci = 1234:11e8\n"
		"dma = 1M\n"
		"start = boot\n");

#define REG_IRQ_STATUS 0x24
#define REG_IRQ_ACK 0x64
#define REG_SOURCE 0x80
#define REG_TARGET 0x88
#define REG_COUNT 0x90
#define REG_COMMAND 0x98
#define COMMAND_START 1
#define COMMAND_TO_MEMORY 2
#define COMMAND_INTERRUPT 4
#define BUFFER 0x40000 /* the device's own, as it calls it */
#define BYTES 2048 /* this emulator takes the last byte of its buffer for one too many */

#define CORE_IMAGE 0x100000 /* nobody's to read or write */

static struct device *device;
static volatile uint8_t *registers;
static uint8_t *memory; /* what goes, and what comes back */
static uint64_t memory_bus;
static enum { IDLE, OUT, BACK } state;

static void start(uint64_t address, unsigned command)
{
	bool in = command & COMMAND_TO_MEMORY;

	*(volatile uint64_t *)(registers + REG_SOURCE) = in ? BUFFER : address;
	*(volatile uint64_t *)(registers + REG_TARGET) = in ? address : BUFFER;
	*(volatile uint64_t *)(registers + REG_COUNT) = BYTES;
	*(volatile uint64_t *)(registers + REG_COMMAND) = command | COMMAND_START;
}

static void copy(void)
{
	for (unsigned i = 0; i < BYTES; i++)
		memory[i] = (uint8_t)(i * 7 + 1);
	memset(memory + BYTES, 0, BYTES);
	state = OUT;
	start(memory_bus, COMMAND_INTERRUPT);
}

static void edu_event(uint64_t bits)
{
	uint32_t status = *(volatile uint32_t *)(registers + REG_IRQ_STATUS);

	if (!(bits & device->irq_bit))
		return;
	*(volatile uint32_t *)(registers + REG_IRQ_ACK) = status;
	sys_irq_ack(device->irq);
	if (state == OUT) {
		state = BACK;
		start(memory_bus + BYTES, COMMAND_TO_MEMORY | COMMAND_INTERRUPT);
	} else if (state == BACK) {
		state = IDLE;
		log_line("copy: %s", memcmp(memory, memory + BYTES, BYTES) ? "differs" : "the same");
	}
}

static void outside(unsigned command)
{
	if (!(device->flags & DEVICE_IS_CONFINED))
		log_line("DMA is unconfined here: not done");
	else
		start(CORE_IMAGE, command);
}

static void edu_control(const struct message *m)
{
	if (m->kind != MSG_COMMAND)
		return;
	if (!strncmp(m->text, "copy", 5))
		copy();
	else if (!strncmp(m->text, "read", 5))
		outside(0);
	else if (!strncmp(m->text, "write", 6))
		outside(COMMAND_TO_MEMORY);
	else
		log_line("knows copy, read and write");
}

static int edu_probe(void)
{
	device = module_device(0);
	registers = device ? device_map(device, 0) : NULL;
	if (!registers)
		return module_fail(-ENODEV, "edu: no device");
	memory = dma_alloc(device, 2 * BYTES, &memory_bus);
	if (!memory || device_master(device, true))
		return module_fail(-ENOMEM, "edu: no memory for DMA");
	module_status("waits for commands; DMA %s",
		      device->flags & DEVICE_IS_CONFINED ? "confined" : "unconfined");
	return 0;
}

static void edu_remove(void)
{
	device_master(device, false);
}

const struct module_ops module = {
	.probe = edu_probe,
	.remove = edu_remove,
	.control = edu_control,
	.event = edu_event,
};
