// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/pic.c hv/vmm/pit.c hv/vmm/rtc.c hv/vmm/ioapic.c hv/vmm/uart.c hv/vmm/pm.c hv/vmm/pci.c hv/vmm/pci_bar.c hv/vmm/pci_msix.c hv/vmm/io.c hv/vmm/msr.c */
/*
 * A guest that does what it likes to all devices: records of 8 bytes, each a register access, a
 * line change or a step of time. What has to hold: no undefined behaviour, and deadlines lie in the
 * future.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "vmm/ioapic.h"
#include "vmm/msr.h"
#include "vmm/pci.h"
#include "vmm/pic.h"
#include "vmm/pit.h"
#include "vmm/pm.h"
#include "vmm/rtc.h"
#include "vmm/uart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pic pic;
static struct ioapic ioapic;

static void wire(void *ctx, unsigned irq, bool level)
{
	pic_set_line(&pic, irq, level);
	ioapic_set_line(&ioapic, irq, level);
}

static unsigned sink(void *ctx, const uint8_t *bytes, unsigned n)
{
	return n & 3;
}

static void message(void *ctx, uint64_t address, uint32_t data)
{
}

struct record {
	uint8_t what, reg;
	uint16_t time;
	uint32_t value;
};

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t config[PCI_CONFIG_BYTES];
	struct pit pit = {.irq = {wire, NULL, 0}};
	struct rtc rtc = {.irq = {wire, NULL, 8}};
	struct uart uart = {.irq = {wire, NULL, 4}, .send = sink};
	struct pm pm = {.sci = {wire, NULL, 9}};
	struct pci pci = {0};
	struct pci_function bridge;
	struct msr_set msr;
	struct record r;
	uint64_t now = 0, v;

	memset(&pic, 0, sizeof(pic));
	memset(&ioapic, 0, sizeof(ioapic));
	ioapic.send = message;
	pic_reset(&pic);
	ioapic_reset(&ioapic);
	pit_reset(&pit, 0);
	rtc_init(&rtc, 1704067200, 1 << 30, 0);
	uart_reset(&uart);
	pm_reset(&pm, 0);
	msr_reset(&msr);
	pci_function_init(&bridge, config, 1, 2, 3);
	pci_add(&pci, 0, &bridge);

	for (; size >= sizeof(r); data += sizeof(r), size -= sizeof(r)) {
		unsigned width;

		memcpy(&r, data, sizeof(r));
		width = 1 << (r.what >> 6) % 3;
		now += (uint64_t)r.time * r.time;
		switch (r.what & 15) {
		case 0:
			pic_write(&pic,
				  (uint16_t[]){0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1}[r.reg % 6],
				  r.value);
			break;
		case 1:
			pic_read(&pic,
				 (uint16_t[]){0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1}[r.reg % 6]);
			break;
		case 2:
			pic_acknowledge(&pic);
			break;
		case 3:
			wire(NULL, r.reg, r.value & 1);
			break;
		case 4:
			pit_write(&pit, r.reg % 5 == 4 ? 0x61 : 0x40 + r.reg % 5, r.value, now);
			break;
		case 5:
			pit_read(&pit, r.reg % 5 == 4 ? 0x61 : 0x40 + r.reg % 5, now);
			break;
		case 6:
			rtc_write(&rtc, 0x70 + (r.reg & 1), r.value, now);
			break;
		case 7:
			rtc_read(&rtc, 0x71, now);
			break;
		case 8:
			ioapic_write(&ioapic, r.reg & 0xf0, r.value);
			ioapic_read(&ioapic, r.reg & 0xf0);
			break;
		case 9:
			ioapic_eoi(&ioapic, r.value);
			break;
		case 10:
			uart_write(&uart, r.reg & 7, r.value);
			break;
		case 11:
			uart_read(&uart, r.reg & 7);
			uart_receive(&uart, r.value);
			uart_flush(&uart);
			break;
		case 12:
			pm_write(&pm, PM_BASE + (r.reg % 8 & ~(width - 1)), width, r.value, now);
			pm_read(&pm, PM_BASE + (r.reg % 12 & ~(width - 1)), width, now);
			break;
		case 13:
			pci_port_write(&pci, 0xcf8 + (r.reg & 7), width, r.value);
			pci_port_read(&pci, 0xcf8 + (r.reg & 7), width);
			break;
		case 14:
			pci_ecam_write(&pci, r.value & (ECAM_BYTES - 1), width, r.time);
			pci_ecam_read(&pci, r.value & (ECAM_BYTES - 1), width);
			break;
		case 15:
			msr_write(&msr, r.value, r.time * 0x100010001ull);
			msr_read(&msr, r.value, &v);
			break;
		}
		pit_tick(&pit, now);
		check(pit_deadline(&pit) > now);
		if (now >= rtc_deadline(&rtc))
			rtc_tick(&rtc, now);
		check(rtc_deadline(&rtc) > now);
		if (now >= pm_deadline(&pm))
			pm_tick(&pm, now);
		check(pm_deadline(&pm) > now);
	}
	return 0;
}
