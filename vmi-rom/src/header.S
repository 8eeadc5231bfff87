/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Header: what firmware, guest, VMM and romcheck find at fixed places. rom_length, chunks, the source's place and
 * the two checksums are filled in by mkrom, when the size is known.
 */
#include "rom.h"
#include "flavour.h"

	.section .entry.header, "ax", @progbits
	.globl rom_start
rom_start:
rom:
	.word VMI_SIGNATURE_00
	.byte 0			/* rom_length */
	lret			/* firmware's 16-bit entry: RETF is the same byte there */
	.byte 0, 0, 0
	.byte 0			/* GATEWAY_AT_CHECKSUM */
	.long VMI_SIGNATURE_08
	.byte VMI_API_MINOR, VMI_API_MAJOR
	.byte VMI_CALLS
	.byte 0
	.long 0			/* virtual_top: the VMM's choice */
	.word 0
	.word licence - rom
	.word pci - rom
	.word pnp - rom
	.long 0

	.org rom + GATEWAY_BLOCK
	.long GATEWAY_MAGIC
	.word GATEWAY_BLOCK_BYTES
	.word FLAVOUR_EPOCH
	.long FLAVOUR_FEATURES | TRACE_FEATURES
	.long FLAVOUR_POSSIBLE | TRACE_FEATURES
	.word GATEWAY_SLOTS
	.byte GATEWAY_SLOT_BYTES
	.byte VMI_CALLS
	.word GATEWAY_CODE_BYTES
	.word GATEWAY_BODY
	.word FLAVOUR_TABLES
	.word build_id
	.word url - rom
	.word engine - rom
	.long 0, 0		/* source */
	.org rom + GATEWAY_AT_PAGES
	.word GATEWAY_BODY_PAGES
	.word iret_insn
	.word sysexit_insn

	.org rom + VMI_VROM_HEADER_VMI_INIT
	.globl vmi_init_entry
vmi_init_entry:
	endbr32
	jmp 1f
	.org rom + VMI_VROM_HEADER_GET_RELOC
get_reloc_entry:
	endbr32
	jmp 2f
	.org rom + GATEWAY_INIT_JUMP
1:	jmp vmi_init
	.org rom + GATEWAY_RELOC_JUMP
2:	jmp get_reloc

	.balign 4
pci:
	.ascii "PCIR"
	.word 0x15ad, 0x0801, 0
	.word VMI_PCI_HEADER_BYTES
	.byte 0
	.byte 0, 0x80, 0x05	/* memory controller, other */
	.word 0			/* chunks */
	.byte ROM_VERSION_MINOR, ROM_VERSION_MAJOR
	.byte 0, 0x80
	.word 0

	.balign 16
pnp:
	.ascii "$PnP"
	.byte 1, VMI_PNP_HEADER_BYTES / 16
	.word 0
	.byte 0, 0		/* checksum */
	.long 0
	.word manufacturer - rom
	.word product - rom
	.byte 0, 0x80, 0x05
	.byte 0
	.word 0, 0, 0, 0, 0

	.section .entry.strings, "ax", @progbits
	.globl build_id_end
build_id_end:
licence:
	.asciz "GPL v2"
manufacturer:
	.asciz "Postern"
product:
	.ascii "VMI gateway ("
	.ascii FLAVOUR_NAME
	.ascii TRACE_SUFFIX
	.asciz ")"
engine:
	.ascii FLAVOUR_NAME
	.asciz TRACE_SUFFIX
url:
	.asciz ROM_URL
	.section .note.GNU-stack, "", @progbits
