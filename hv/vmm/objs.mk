# SPDX-License-Identifier: GPL-2.0-only
vmm-y += hv/vmm/decode.o hv/vmm/decode_tables.o
vmm-y += hv/vmm/emulate.o hv/vmm/emulate_alu.o hv/vmm/emulate_flags.o hv/vmm/emulate_string.o
vmm-y += hv/vmm/pagewalk.o
vmm-y += hv/vmm/image.o hv/vmm/image_bzimage.o hv/vmm/image_elf.o hv/vmm/image_multiboot.o
