// SPDX-License-Identifier: GPL-2.0-only
/* Platform: which devices a guest has, at which ports, and how their wires run. */
#include "clock.h"
#include "log.h"
#include "module.h"
#include <string.h>
#include "syscalls.h"
#include "console.h"
#include "guest.h"
#include "screen.h"

#define COM1 0x3f8
#define COM1_IRQ 4
#define PORT_POST 0x80
#define PORT_SYSTEM 0x92
#define SYSTEM_RESET 1
#define SYSTEM_A20 2
#define PORT_RESET 0xcf9
#define RESET_CPU 4
#define I8042_COMMAND 0x64
#define I8042_PULSE_RESET 0xfe

/* An ISA interrupt reaches both controllers; the system listens to one of them. */
static void isa_line(void *ctx, unsigned irq, bool level)
{
	pic_set_line(&guest.pic, irq, level);
	ioapic_set_line(&guest.ioapic, irq == 0 ? 2 : irq, level);
}

void platform_line(unsigned irq, bool level)
{
	isa_line(NULL, irq, level);
}

/* The line stays up: the PIC forgets an edge whose line falls before it is acknowledged. */
void platform_pulse(unsigned irq)
{
	isa_line(NULL, irq, false);
	isa_line(NULL, irq, true);
}

/* Wires of the PCI bus: inputs of their own at the IO-APIC, two level-triggered ones at the PIC. */
static void pci_wire(void *ctx, unsigned wire, bool level)
{
	unsigned bit = 1u << wire, pair = 5u << wire % 2;

	guest.pci_wires = (guest.pci_wires & ~bit) | (level ? bit : 0);
	ioapic_set_line(&guest.ioapic, PCI_GSI + wire, level);
	pic_set_line(&guest.pic, PCI_PIC_IRQ + wire % 2, guest.pci_wires & pair);
}

static void pci_show(void *ctx, struct pci_bar *b, uint64_t gpa, bool on)
{
	struct vm_mapping m = {.gpa = gpa,
			       .bytes = b->bytes,
			       .memory = on ? b->memory : 0,
			       .rights = MAP_READ | MAP_WRITE};
	int64_t e = sys_vm_map(guest.vm, &m, 1);

	if (e < 0)
		log_line("guest %s: memory at %#llx is not mapped: error %lld", guest.name,
			 (unsigned long long)gpa, (long long)e);
}

static void extint_line(void *ctx, unsigned number, bool level)
{
	sys_vm_irq(guest.vm, VM_IRQ_EXTINT, level, 0);
}

static void send_message(void *ctx, uint64_t address, uint32_t data)
{
	sys_vm_irq(guest.vm, VM_IRQ_MSI, address, data);
}

static void set_eoi_bitmap(void *ctx, unsigned index, uint64_t vectors)
{
	sys_vm_irq(guest.vm, VM_IRQ_EOI_BITMAP, index, vectors);
}

static void power_off(void *ctx)
{
	/* Not guest_end(): the lock is held. */
	guest.end_how = END_POWER_OFF;
	guest.action = ACTION_END;
	strlcpy(guest.end_sentence, "powered itself off", sizeof(guest.end_sentence));
	vcpu_stop_all();
}

static uint32_t nobody_read(void *device, unsigned port, unsigned size)
{
	struct vcpu *v = vcpu_current();

	if (!report_unknown(v, guest.unknown_port, "port", port, size, false, 0))
		guest_end(END_FAULT, v ? v->number : 0, "read of port %#x, where nothing is", port);
	return 0;
}

static void nobody_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	struct vcpu *v = vcpu_current();

	if (!report_unknown(v, guest.unknown_port, "port", port, size, true, value))
		guest_end(END_FAULT, v ? v->number : 0,
			  "write of %#x to port %#x, where nothing is", value, port);
}

/* Places where a PC may have a device and this one has none: the bus floats high, nothing to
 * report. */
static uint32_t absent_read(void *device, unsigned port, unsigned size)
{
	return ~0u;
}

static void absent_write(void *device, unsigned port, unsigned size, uint32_t value)
{
}

static uint32_t pic_port_read(void *device, unsigned port, unsigned size)
{
	return pic_read(&guest.pic, port);
}

static void pic_port_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	pic_write(&guest.pic, port, value);
}

static uint32_t pit_port_read(void *device, unsigned port, unsigned size)
{
	return pit_read(&guest.pit, port, clock_ns());
}

static void pit_port_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	pit_write(&guest.pit, port, value, clock_ns());
	control_deadline(pit_deadline(&guest.pit));
}

static uint32_t rtc_port_read(void *device, unsigned port, unsigned size)
{
	return rtc_read(&guest.rtc, port, clock_ns());
}

static void rtc_port_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	rtc_write(&guest.rtc, port, value, clock_ns());
	control_deadline(rtc_deadline(&guest.rtc));
}

static uint32_t pm_port_read(void *device, unsigned port, unsigned size)
{
	return pm_read(&guest.pm, port, size, clock_ns());
}

static void pm_port_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	pm_write(&guest.pm, port, size, value, clock_ns());
	control_deadline(pm_deadline(&guest.pm));
}

/* The timer alone: a pure function of the clock. */
static uint32_t pm_timer_read(void *device, unsigned port, unsigned size)
{
	uint32_t value = pm_timer(clock_ns()) >> 8 * (port & 3);

	return size == 4 ? value : value & ((1u << 8 * size) - 1);
}

static uint32_t uart_port_read(void *device, unsigned port, unsigned size)
{
	uint32_t value = uart_read(&guest.uart, port & 7);

	if ((port & 7) == 0)
		console_pump();
	if (guest.uart.unheard && uart_doubts(&guest.uart, clock_ns()))
		control_deadline(uart_deadline(&guest.uart));
	return value;
}

static void uart_port_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	uart_write(&guest.uart, port & 7, value);
}

static uint32_t pci_io_read(void *device, unsigned port, unsigned size)
{
	return pci_port_read(&guest.pci, port, size);
}

static void pci_io_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	pci_port_write(&guest.pci, port, size, value);
}

/* Reset control register of the PIIX: a rising bit 2 resets (82371SB, RC). */
static uint32_t reset_read(void *device, unsigned port, unsigned size)
{
	return guest.reset_control;
}

static void reset_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	guest.reset_control = value & 0x0a;
	if (value & RESET_CPU)
		guest_end(END_RESET, 0, "reset itself by port 0xcf9");
}

static uint32_t system_read(void *device, unsigned port, unsigned size)
{
	return guest.system_control | SYSTEM_A20;
}

static void system_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	guest.system_control = value & ~SYSTEM_RESET;
	if (value & SYSTEM_RESET)
		guest_end(END_RESET, 0, "reset itself by port 0x92");
}

static void i8042_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	if ((value & 0xff) == I8042_PULSE_RESET)
		guest_end(END_RESET, 0, "reset itself by the keyboard controller");
}

static uint32_t post_read(void *device, unsigned port, unsigned size)
{
	return guest.post_code;
}

static void post_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	guest.post_code = value;
}

static void debug_exit_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	guest_end(END_DEBUG_EXIT, value & 0xff, "ended by debug-exit with %u", value & 0xff);
}

static uint32_t debug_con_read(void *device, unsigned port, unsigned size)
{
	return 0xe9;
}

static void debug_con_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	static char line[128];
	static unsigned used;

	if ((char)value != '\n' && used < sizeof(line) - 1) {
		line[used++] = value;
		return;
	}
	line[used] = 0;
	log_line("guest %s: %s", guest.name, line);
	used = 0;
}

struct row {
	unsigned first, count;
	struct io_device device;
};

static const struct row rows[] = {
	{PIC_MASTER, 2, {"pic", pic_port_read, pic_port_write, NULL, 0}},
	{PIC_SLAVE, 2, {"pic", pic_port_read, pic_port_write, NULL, 0}},
	{PIC_ELCR, 2, {"pic", pic_port_read, pic_port_write, NULL, 0}},
	{PIT_BASE, 4, {"pit", pit_port_read, pit_port_write, NULL, 0}},
	{PIT_PORT61, 1, {"pit", pit_port_read, pit_port_write, NULL, 0}},
	{RTC_BASE, 2, {"rtc", rtc_port_read, rtc_port_write, NULL, 0}},
	{PM_TIMER, 4, {"pm timer", pm_timer_read, absent_write, NULL, IO_WIDE | IO_UNLOCKED}},
	{PM_BASE, PM_TIMER - PM_BASE, {"pm", pm_port_read, pm_port_write, NULL, IO_WIDE}},
	{COM1, 8, {"uart", uart_port_read, uart_port_write, NULL, 0}},
	{PCI_ADDRESS, 1, {"pci", pci_io_read, pci_io_write, NULL, IO_WIDE}},
	{PCI_ADDRESS + 2, 2, {"pci", pci_io_read, pci_io_write, NULL, IO_WIDE}},
	{PCI_DATA, 4, {"pci", pci_io_read, pci_io_write, NULL, IO_WIDE}},
	{PORT_RESET, 1, {"reset", reset_read, reset_write, NULL, IO_UNLOCKED}},
	{PORT_SYSTEM, 1, {"system", system_read, system_write, NULL, IO_UNLOCKED}},
	{PORT_POST, 1, {"post", post_read, post_write, NULL, IO_UNLOCKED}},
	{I8042_COMMAND, 1, {"i8042", absent_read, i8042_write, NULL, IO_UNLOCKED}},
};

/* Where operating systems look without being told: DMA, keyboard, game port, IDE, parallel and
 * serial ports, floppy, VGA, PCI mechanism 2, ACPI by convention, ISA plug and play. */
static const struct {
	uint16_t first, count;
} absent[] = {
	{0x00, 0x10}, {0x2e, 2},    {0x4e, 2},	   {0x60, 1},  {0x62, 2},  {0x66, 1},
	{0x81, 0x0f}, {0xc0, 0x20}, {0xe9, 1},	   {0xed, 1},  {0xf0, 2},  {0x170, 8},
	{0x1f0, 8},   {0x200, 8},   {0x278, 3},	   {0xa79, 1}, {0x2e8, 8}, {0x2f8, 8},
	{0x376, 1},   {0x378, 3},   {0x3b0, 0x30}, {0x3e8, 8}, {0x3f0, 8},
};

static void add(unsigned first, unsigned count, const struct io_device *d)
{
	int e = io_add(&guest.io, first, count, d);

	if (e)
		log_line("guest %s: port %#x of %s is taken or impossible: left out", guest.name,
			 first, d->name);
}

void platform_connect(struct line *l, unsigned irq)
{
	*l = (struct line){isa_line, NULL, irq};
}

void platform_init(void)
{
	static const struct io_device nobody = {"nobody", nobody_read, nobody_write, NULL,
						IO_WIDE | IO_UNLOCKED};
	static const struct io_device nothing = {"absent", absent_read, absent_write, NULL,
						 IO_WIDE | IO_UNLOCKED};
	static const struct io_device debug_exit = {"debug-exit", absent_read, debug_exit_write,
						    NULL, IO_WIDE | IO_UNLOCKED};
	static const struct io_device debug_con = {"debug-con", debug_con_read, debug_con_write,
						   NULL, 0};

	io_init(&guest.io, &nobody);
	guest.io.lock = guest_lock;
	guest.io.unlock = guest_unlock;
	/* The configured ones first: they may lie where else an absent device is. */
	if (guest.debug_exit >= 0)
		add(guest.debug_exit, 1, &debug_exit);
	if (guest.debug_con >= 0)
		add(guest.debug_con, 1, &debug_con);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		add(rows[i].first, rows[i].count, &rows[i].device);
	for (unsigned i = 0; i < sizeof(absent) / sizeof(*absent); i++)
		io_fill(&guest.io, absent[i].first, absent[i].count, &nothing);

	guest.pci.io = &guest.io;
	guest.pci.mmio = &guest.mmio;
	guest.pci.ram = &guest.ram;
	guest.pci.set_wire = pci_wire;
	guest.pci.send = send_message;
	guest.pci.show = pci_show;

	guest.pic.output = (struct line){extint_line, NULL, 0};
	guest.ioapic.send = send_message;
	guest.ioapic.eoi_changed = set_eoi_bitmap;
	platform_connect(&guest.pit.irq, 0);
	platform_connect(&guest.uart.irq, COM1_IRQ);
	platform_connect(&guest.rtc.irq, 8);
	platform_connect(&guest.pm.sci, PM_SCI);
	guest.pm.power_off = power_off;
	guest.uart.send = console_send;
	rtc_init(&guest.rtc, module_argument_number("wall", 0), guest.ram.low, guest.ram.high);
}

void platform_reset(void)
{
	uint64_t now = clock_ns();

	pit_reset(&guest.pit, now);
	rtc_reset(&guest.rtc);
	uart_reset(&guest.uart);
	pm_reset(&guest.pm, now);
	screen_reset();
	pci_reset(&guest.pci);
	msr_reset(&guest.msr);
	/* After those whose lines end here, so that no edge of theirs is left. */
	ioapic_reset(&guest.ioapic);
	pic_reset(&guest.pic);
	guest.reset_control = guest.system_control = guest.post_code = 0;
	/* As a BIOS leaves it: the SCI and the wires of PCI are level lines. */
	pic_write(&guest.pic, PIC_ELCR + 1, 1 << (PM_SCI - 8) | 3 << (PCI_PIC_IRQ - 8));
}

void platform_tick(void)
{
	uint64_t now = clock_ns();

	pit_tick(&guest.pit, now);
	if (now >= rtc_deadline(&guest.rtc))
		rtc_tick(&guest.rtc, now);
	if (now >= pm_deadline(&guest.pm))
		pm_tick(&guest.pm, now);
	uart_tick(&guest.uart, now);
}

uint64_t platform_deadline(void)
{
	uint64_t next = pit_deadline(&guest.pit);

	if (rtc_deadline(&guest.rtc) < next)
		next = rtc_deadline(&guest.rtc);
	if (pm_deadline(&guest.pm) < next)
		next = pm_deadline(&guest.pm);
	if (uart_deadline(&guest.uart) < next)
		next = uart_deadline(&guest.uart);
	return next;
}
