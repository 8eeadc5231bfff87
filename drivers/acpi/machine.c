// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine seam on Postern's system calls.
 *
 * Physical memory is shown in a window of fixed size, so that a table that maps and unmaps all day
 * uses up neither addresses nor page tables. Ports are granted at their first use; the ones that
 * the core itself drives stay closed to AML.
 */
#include "machine.h"
#include "sci.h"
#include <clock.h>
#include <log.h>
#include <module.h>
#include <string.h>
#include <syscalls.h>

#define ALIVE_NS (200 * NS_PER_MS)
#define WINDOW_PAGES 1024
#define MAPPINGS_MAX 64

struct mapping {
	uint32_t memory; /* handle; 0: slot is free */
	uint32_t users;
	uint32_t first, pages; /* in the window */
	uint64_t phys;	       /* of the first page */
};

/* Ports of the core: interrupt controllers, timer, configuration space with the reset register in
 * its middle (SYS_SYSTEM_CONTROL is the way to that one). */
static const struct {
	uint16_t first, last;
} closed[] = {
	{0x20, 0x21}, {0x40, 0x43}, {0xa0, 0xa1}, {0xcf8, 0xcff},
};

static uint64_t window;
static uint8_t used[WINDOW_PAGES];
static struct mapping mappings[MAPPINGS_MAX];
static uint8_t granted[65536 / 8];
static uint32_t sci_irq;

uint64_t machine_rsdp(void)
{
	return module_argument_number("rsdp", RSDP_UNKNOWN);
}

/* First fit; pages on success. */
static uint32_t window_find(uint32_t pages)
{
	uint32_t run = 0;

	for (uint32_t i = 0; i < WINDOW_PAGES; i++) {
		run = used[i] ? 0 : run + 1;
		if (run == pages)
			return i + 1 - pages;
	}
	return WINDOW_PAGES;
}

static struct mapping *mapping_make(uint64_t phys, uint32_t pages)
{
	struct mapping *m = mappings;
	uint32_t first = window_find(pages);
	int64_t memory;

	while (m < mappings + MAPPINGS_MAX && m->memory)
		m++;
	if (m == mappings + MAPPINGS_MAX || first == WINDOW_PAGES) {
		log_line("out of room to map %#llx", (unsigned long long)phys);
		return NULL;
	}
	memory = sys_mem_create_phys(module_start()->system, phys, (uint64_t)pages * PAGE_SIZE, 0);
	if (memory < 0) {
		log_line("cannot have memory at %#llx, %u pages: error %d",
			 (unsigned long long)phys, pages, (int)memory);
		return NULL;
	}
	if (sys_map(HANDLE_SELF, memory, 0, window + (uint64_t)first * PAGE_SIZE,
		    (uint64_t)pages * PAGE_SIZE, MAP_READ | MAP_WRITE) < 0) {
		sys_handle_close(memory);
		return NULL;
	}
	*m = (struct mapping){memory, 0, first, pages, phys};
	memset(used + first, 1, pages);
	return m;
}

void *machine_map(uint64_t phys, size_t bytes)
{
	uint64_t base = phys & ~(uint64_t)(PAGE_SIZE - 1);
	uint64_t offset = phys - base;
	struct mapping *m;

	if (!bytes || bytes > (uint64_t)WINDOW_PAGES * PAGE_SIZE - offset || phys + bytes < phys)
		return NULL;
	if (!window)
		window = space_reserve((uint64_t)WINDOW_PAGES * PAGE_SIZE);
	if (!window)
		return NULL;
	for (m = mappings; m < mappings + MAPPINGS_MAX; m++) {
		if (m->memory && base >= m->phys &&
		    base - m->phys < (uint64_t)m->pages * PAGE_SIZE &&
		    offset + bytes <= (uint64_t)m->pages * PAGE_SIZE - (base - m->phys))
			break;
	}
	if (m == mappings + MAPPINGS_MAX)
		m = mapping_make(base, (offset + bytes + PAGE_SIZE - 1) / PAGE_SIZE);
	if (!m)
		return NULL;
	m->users++;
	return (void *)(window + (uint64_t)m->first * PAGE_SIZE + (phys - m->phys));
}

void machine_unmap(void *at, size_t bytes)
{
	uint64_t page = ((uint64_t)at - window) / PAGE_SIZE;

	for (struct mapping *m = mappings; m < mappings + MAPPINGS_MAX; m++) {
		if (!m->memory || page < m->first || page - m->first >= m->pages)
			continue;
		if (--m->users)
			return;
		sys_unmap(HANDLE_SELF, window + (uint64_t)m->first * PAGE_SIZE,
			  (uint64_t)m->pages * PAGE_SIZE);
		sys_handle_close(m->memory);
		memset(used + m->first, 0, m->pages);
		m->memory = 0;
		return;
	}
}

static int port_open(uint32_t port, unsigned bytes)
{
	bool missing = false;

	if (bytes > 0x10000 || port > 0x10000 - bytes)
		return -EINVAL;
	for (unsigned i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		if (port <= closed[i].last && port + bytes > closed[i].first) {
			log_line("the tables may not touch port %#x", port);
			return -EPERM;
		}
	}
	for (uint32_t p = port; p < port + bytes; p++)
		missing |= !(granted[p / 8] >> p % 8 & 1);
	if (!missing)
		return 0;
	if (sys_port_grant(module_start()->system, HANDLE_SELF, port, bytes) < 0) {
		log_line("port %#x was not granted", port);
		return -EPERM;
	}
	for (uint32_t p = port; p < port + bytes; p++)
		granted[p / 8] |= 1 << p % 8;
	return 0;
}

int machine_port_read(uint32_t port, unsigned bits, uint32_t *value)
{
	int ret = port_open(port, bits / 8);

	*value = ~0u;
	if (ret)
		return ret;
	*value = bits == 8 ? port_in8(port) : bits == 16 ? port_in16(port) : port_in32(port);
	return 0;
}

int machine_port_write(uint32_t port, unsigned bits, uint32_t value)
{
	int ret = port_open(port, bits / 8);

	if (ret)
		return ret;
	if (bits == 8)
		port_out8(port, value);
	else if (bits == 16)
		port_out16(port, value);
	else
		port_out32(port, value);
	return 0;
}

int machine_config_read(uint32_t bdf, uint32_t reg, unsigned width, uint32_t *value)
{
	int64_t ret = sys_pci_read(module_start()->system, bdf, reg, width);

	*value = ret < 0 ? ~0u : ret;
	return ret < 0 ? ret : 0;
}

int machine_config_write(uint32_t bdf, uint32_t reg, unsigned width, uint32_t value)
{
	return sys_pci_write(module_start()->system, bdf, reg, width, value);
}

int machine_interrupt_attach(uint32_t gsi, uint32_t flags)
{
	int64_t irq = sys_irq_create(module_start()->system, gsi, flags, module_start()->event,
				     SCI_EVENT);

	if (irq < 0) {
		log_line("no interrupt %u for events: error %d", gsi, (int)irq);
		return irq;
	}
	sci_irq = irq;
	return 0;
}

void machine_interrupt_detach(void)
{
	sys_handle_close(sci_irq);
	sci_irq = 0;
}

void sci_acknowledge(void)
{
	if (sci_irq)
		sys_irq_ack(sci_irq);
}

void machine_alive(void)
{
	static uint64_t last;
	uint64_t now = clock_ns();

	if (now - last < ALIVE_NS)
		return;
	last = now;
	module_alive();
}

uint64_t machine_clock(void)
{
	return clock_ns();
}

void machine_sleep(uint64_t ns)
{
	clock_sleep(clock_ns() + ns);
}

void machine_spin(uint64_t ns)
{
	clock_spin(ns);
}

void machine_log(const char *line)
{
	log_line("%s", line);
}
