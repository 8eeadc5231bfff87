/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The manifest: what a module is, needs and may do, as text in an ELF note of its program.
 *
 * Lines `key = value`, as in the configuration file. The manager reads it before it starts the
 * module and gives it exactly that, the core enforces it. Lists are separated by blanks.
 *
 *   name     = uart              the module's name, <= 15 characters
 *   version  = 1.0
 *   licence  = GPL-2.0-only
 *   about    = one line for `modules`
 *   provides = console           service classes it offers
 *   requires = bus.pci acpi      service classes it cannot do without
 *   uses     = log               service classes that it connects to when somebody provides them
 *   opens    = disk.driver       service classes to which it opens connections itself (MSG_OPEN)
 *   ports    = 0x3f8+8 0x2f8+8   I/O ports, first+count
 *   irqs     = 4 3 9/level/low   interrupts (GSI numbers; default edge, active high)
 *   pci      = 8086:100e class:0106   devices it drives: each that the machine has comes by MSG_DEVICE. Without any
 *                                the module is not started, unless it has other hardware (ports, framebuffer)
 *   framebuffer = yes            the boot loader's frame buffer, if there is one; else the memory of VGA text
 *   physmem  = 0xfed00000+0x1000      physical ranges, if they are known beforehand
 *   dma      = 64M               size of its DMA window
 *   rights   = vms pci           powers on the system handle: log tasks physmem ports irqs pci vms
 *   info power
 *   class    = driver | guest    scheduling class (default driver)
 *   start    = boot | guest | demand | never
 *                                boot: with the system. guest: once per guest (the VMM). demand:
 *                                when
 *                                something requires it (default). never: only by the shell
 *   safe     = yes               belongs to the set that the boot option `safe` starts (default no)
 *
 * Unknown keys, malformed values and values out of range are errors that name the line.
 */
#ifndef POSTERN_MANIFEST_H
#define POSTERN_MANIFEST_H

#include <stdint.h>

#define MANIFEST_OWNER "Postern"
#define MANIFEST_TYPE 1
#define MANIFEST_SECTION ".note.postern"

/* Once in a module: MODULE_MANIFEST("name = uart\n" "version = 1.0\n" ...); */
#define MODULE_MANIFEST(text_)                                                                     \
	static const struct {                                                                      \
		uint32_t owner_bytes, text_bytes, type;                                            \
		char owner[sizeof(MANIFEST_OWNER)];                                                \
		char text[sizeof(text_)];                                                          \
	} manifest_note __attribute__((section(MANIFEST_SECTION), used, aligned(4))) = {           \
		sizeof(MANIFEST_OWNER), sizeof(text_), MANIFEST_TYPE, MANIFEST_OWNER, text_}

#endif
