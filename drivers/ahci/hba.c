// SPDX-License-Identifier: GPL-2.0-only
/* HBA: the adapter as a whole: taken from the BIOS, reset, its ports begun, its interrupt passed
 * on. */
#include <string.h>
#include "clock.h"
#include "hw.h"
#include "log.h"
#include "stdlib.h"

#define LOOK_NS 20000ull /* between two looks at a register during a wait */

uint32_t port_read(const struct port *p, uint32_t reg)
{
	return hba_read(p->hba, PORT(p->number) + reg);
}

void port_write(const struct port *p, uint32_t reg, uint32_t value)
{
	hba_write(p->hba, PORT(p->number) + reg, value);
}

/* Waits until (register & mask) == value. 0, or -ETIMEDOUT. */
static int wait_for(struct hba *h, uint32_t reg, uint32_t mask, uint32_t value, uint64_t ns)
{
	uint64_t end = clock_ns() + ns;

	while ((hba_read(h, reg) & mask) != value) {
		if (clock_ns() >= end)
			return -ETIMEDOUT;
		clock_sleep(clock_ns() + LOOK_NS);
	}
	return 0;
}

/* 10.6.3. A BIOS that does not let go is told to by the reset; it is dirty, not fatal. */
static void take_from_bios(struct hba *h)
{
	if (!(hba_read(h, HBA_CAP2) & CAP2_BOH))
		return;
	hba_write(h, HBA_BOHC, hba_read(h, HBA_BOHC) | BOHC_OOS);
	if (!wait_for(h, HBA_BOHC, BOHC_BOS, 0, BOHC_NS))
		return;
	if (!(hba_read(h, HBA_BOHC) & BOHC_BB) || wait_for(h, HBA_BOHC, BOHC_BOS, 0, BOHC_BUSY_NS))
		log_line("the BIOS does not let go of the adapter (BOHC %08x): taken",
			 hba_read(h, HBA_BOHC));
}

/* 10.4.3 */
static int reset(struct hba *h)
{
	hba_write(h, HBA_GHC, GHC_AE);
	hba_write(h, HBA_GHC, GHC_AE | GHC_HR);
	if (wait_for(h, HBA_GHC, GHC_HR, 0, GHC_RESET_NS))
		return -ETIMEDOUT;
	hba_write(h, HBA_GHC, GHC_AE);
	return 0;
}

static struct port *port_new(struct hba *h, unsigned number)
{
	struct port *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->hba = h;
	p->number = number;
	p->disk = h->index * AHCI_PORTS + number;
	return p;
}

int hba_start(struct hba *h)
{
	int ret;

	h->registers = device_map(h->device, AHCI_BAR);
	if (!h->registers || h->device->bar[AHCI_BAR].bytes < HBA_BYTES - 0x1000)
		return module_fail(-ENXIO, "the adapter has no registers (BAR %u)", AHCI_BAR);
	if (hba_read(h, HBA_CAP) == ~0u)
		return module_fail(-EIO, "the adapter does not answer");
	take_from_bios(h);
	ret = reset(h);
	if (ret)
		return module_fail(ret, "the adapter does not end its reset: GHC %08x",
				   hba_read(h, HBA_GHC));
	h->cap = hba_read(h, HBA_CAP);
	if (!(h->cap & CAP_S64A))
		log_line("the adapter has addresses of 32 bits: requests with memory above 4 GiB will fail");
	h->slots = CAP_NCS(h->cap);
	h->ports = hba_read(h, HBA_PI);
	ret = device_master(h->device, true);
	if (ret)
		return module_fail(ret, "the adapter may not become bus master: error %d", -ret);
	for (unsigned i = 0; i < AHCI_PORTS; i++) {
		if (!(h->ports & 1u << i))
			continue;
		/* Not all of them have registers when the window is short. */
		if (PORT(i) + 0x80 > h->device->bar[AHCI_BAR].bytes) {
			h->ports &= ~(1u << i);
			continue;
		}
		h->port[i] = port_new(h, i);
		if (!h->port[i])
			return module_fail(-ENOMEM, "no memory for port %u", i);
	}
	hba_write(h, HBA_IS, hba_read(h, HBA_IS));
	hba_write(h, HBA_GHC, GHC_AE | GHC_IE);
	for (unsigned i = 0; i < AHCI_PORTS; i++)
		if (h->port[i])
			port_begin(h->port[i]);
	return 0;
}

void hba_stop(struct hba *h)
{
	if (!h->registers)
		return;
	hba_write(h, HBA_GHC, GHC_AE);
	for (unsigned i = 0; i < AHCI_PORTS; i++)
		if (h->port[i])
			port_write(h->port[i], PX_CMD, port_read(h->port[i], PX_CMD) & ~PXC_ST);
	for (unsigned i = 0; i < AHCI_PORTS; i++)
		if (h->port[i] && wait_for(h, PORT(i) + PX_CMD, PXC_CR, 0, PORT_STOP_NS))
			port_report(h->port[i], "the engine does not stop");
	if (reset(h))
		log_line("the adapter does not end its reset: GHC %08x", hba_read(h, HBA_GHC));
	device_master(h->device, false);
}

/* 10.7.2.1: ports' registers first, the bit here last. */
bool hba_is_there(const struct hba *h)
{
	return hba_read(h, HBA_CAP) == h->cap;
}

void hba_interrupt(struct hba *h)
{
	uint32_t all = hba_read(h, HBA_IS);

	if (!all)
		return;
	for (uint32_t left = all & h->ports; left; left &= left - 1) {
		struct port *p = h->port[__builtin_ctz(left)];
		uint32_t is = port_read(p, PX_IS);

		port_write(p, PX_IS, is);
		port_interrupt(p, is);
	}
	hba_write(h, HBA_IS, all);
}
