/* SPDX-License-Identifier: GPL-2.0-only */
/* Registers of the VGA and of the Bochs display interface. Sources: IBM VGA XGA Technical Reference
 * Manual (1992), chapter 2; QEMU docs/specs/standard-vga.txt. */
#ifndef VGA_H
#define VGA_H

#define VGA_ATTRIBUTE 0x3c0 /* index and data by turns; a read of STATUS begins with the index */
#define ATTRIBUTE_SCREEN_ON 0x20
#define VGA_MISC_WRITE 0x3c2
#define MISC_MODE3 0x67 /* CRTC at 3Dx, 28 MHz, 400 lines */
#define VGA_SEQUENCER 0x3c4
#define VGA_DAC_MASK 0x3c6
#define VGA_DAC_WRITE 0x3c8
#define VGA_DAC_DATA 0x3c9
#define VGA_GRAPHICS 0x3ce
#define VGA_CRTC 0x3d4
#define CRTC_CURSOR_LOW 0x0f
#define CRTC_RETRACE_END 0x11
#define CRTC_PROTECT 0x80
#define VGA_STATUS 0x3da

/* Bochs display interface: index and data, 16 bits each; behind BAR 2 they are words at 0x500. */
#define VBE_INDEX 0x1ce
#define VBE_DATA 0x1cf
#define VBE_IN_BAR2 0x500
#define VBE_ID 0
#define VBE_ID_FIRST 0xb0c0
#define VBE_ID_LAST 0xb0cf
#define VBE_XRES 1
#define VBE_YRES 2
#define VBE_BPP 3
#define VBE_ENABLE 4
#define VBE_ENABLED 0x01
#define VBE_LFB 0x40
#define VBE_NOCLEAR 0x80
#define VBE_BANK 5
#define VBE_VIRT_WIDTH 6
#define VBE_X_OFFSET 8
#define VBE_Y_OFFSET 9
#define VBE_MEMORY_64K 10

/* The planes of the text mode (its font is in plane 2) are the first 256 KiB of memory. */
#define VGA_PLANES_BYTES 0x40000

#define VGA_TEXT_WINDOW 0xb8000
#define VGA_TEXT_OFFSET 0x18000 /* from 0xa0000 */
#define VGA_TEXT_COLUMNS 80
#define VGA_TEXT_ROWS 25

#endif
