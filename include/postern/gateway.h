/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gateway: what Postern's VMI ROMs say about themselves, in the 96 bytes at offset 0x20 of the ROM's header that the VMI
 * leaves to the ROM (vmi-rom/abi/vmi-3.0.def). Read by the VMM, which may set `features`, `virtual_top` and
 * the checksum byte in its copy, by tools/romcheck, and by nobody else: guests never look at it. Little endian.
 *
 *	0x0000	header, strings; jumps to vmi_init, get_reloc and the body of each call	the entry page
 *	0x1000	all code							the body page
 *	0x2000	two pages for page tables, when `tables` is not 0: the first for two-level, the second for PAE
 *		tables; the guest's, writable
 *	then	the source, gzip'd tar, when `source` is not 0
 *
 * Usable from assembler.
 */
#ifndef POSTERN_GATEWAY_H
#define POSTERN_GATEWAY_H

#define GATEWAY_MAGIC 0x6e747350 /* "Pstn" */
#define GATEWAY_BLOCK 0x20
#define GATEWAY_BLOCK_BYTES 0x46
#define GATEWAY_BLOCK_BYTES_1_0 0x40 /* of ROMs up to 1.0, which cannot be replaced under a running guest */

#define GATEWAY_AT_MAGIC 0x20
#define GATEWAY_AT_BYTES 0x24	     /* u16, GATEWAY_BLOCK_BYTES_1_0 or more */
#define GATEWAY_AT_EPOCH 0x26	     /* u16, hypercall epoch; 0: makes no hypercalls */
#define GATEWAY_AT_FEATURES 0x28     /* u32, GATEWAY_FEATURE bits that are on */
#define GATEWAY_AT_POSSIBLE 0x2c     /* u32, those that may be on */
#define GATEWAY_AT_SLOTS 0x30	     /* u16, offset of slot 0 */
#define GATEWAY_AT_SLOT_BYTES 0x32   /* u8, from slot to slot */
#define GATEWAY_AT_SLOT_COUNT 0x33   /* u8 */
#define GATEWAY_AT_CODE_BYTES 0x34   /* u16, bytes from 0 on that are code and constants */
#define GATEWAY_AT_BODY 0x36	     /* u16, offset of the body page */
#define GATEWAY_AT_TABLES 0x38	     /* u16, offset of the two pages for page tables, 0 none */
#define GATEWAY_AT_BUILD_ID 0x3a     /* u16, offset of GATEWAY_BUILD_ID_BYTES bytes */
#define GATEWAY_AT_URL 0x3c	     /* u16, offset of a string: where the source is */
#define GATEWAY_AT_ENGINE 0x3e	     /* u16, offset of a string: svm, native, .. */
#define GATEWAY_AT_SOURCE 0x40	     /* u32, offset of the source in this image, 0 none */
#define GATEWAY_AT_SOURCE_BYTES 0x44 /* u32 */

#define GATEWAY_AT_PAGES 0x60	     /* u16: pages from the ROM's start on that it maps above the fixmap, where bodies to
					come have their place; 0 in a ROM that cannot be replaced */

/* Where a fault belongs to the guest's site of the call: offsets of the IRET, with the return address right below ESP, and of
 * the SYSEXIT, with it on the stack; 0: not said. */
#define GATEWAY_AT_IRET 0x62	/* u16 */
#define GATEWAY_AT_SYSEXIT 0x64 /* u16 */

#define GATEWAY_AT_CHECKSUM 0x07 /* u8, makes the sum 0 */

/*
 * What a replacement under a running guest rests on. The entry page holds nothing but data and jumps: at these two
 * places, and ENDBR32 and a jump or a RET in each slot. A body's page refers to nothing outside, and finds the entry
 * page by its last word: how many bytes before it that lies. So a VMM can give a body any page of the window.
 */
#define GATEWAY_INIT_JUMP 0x90
#define GATEWAY_RELOC_JUMP 0x95
#define GATEWAY_BODY_LINK 0xffc /* u32 in the body's page */
#define GATEWAY_WINDOW_PAGES 32
/* The last pages of the window are not for bodies: one for each processor (TSC_AUX is its number), writable. With more processors
 * than these, feature `private` is off. postern/hypercall.h says what lies there. */
#define GATEWAY_BODY_PAGES 24
#define GATEWAY_PRIVATE 0x18000
#define GATEWAY_PRIVATE_PAGES 8

#define GATEWAY_SLOTS 0x200
#define GATEWAY_SLOT_BYTES 16
#define GATEWAY_BODY 0x1000
#define GATEWAY_CODE_BYTES 0x2000
#define GATEWAY_TABLES 0x2000
#define GATEWAY_TABLES_BYTES 0x2000
#define GATEWAY_BUILD_ID_BYTES 20

/* What a trace ROM records beside the calls, as if they were some (operation TRACE, postern/hypercall.h). */
#define GATEWAY_TRACE_INIT 126	/* vmi_init */
#define GATEWAY_TRACE_RELOC 127 /* get_reloc, of the call in EAX */
#define GATEWAY_TRACE_CALLS 128

/* Where a gateway above the fixmap begins: multiple of 4 MiB, because the guest's fixmap lies right below. */
#define GATEWAY_TOP 0xffc00000

#endif
