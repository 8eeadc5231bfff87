# SPDX-License-Identifier: GPL-2.0-only
modules-y += vga
vga-y := $(addprefix drivers/vga/,main.o hw.o paint.o font.o)

unit-cflags-test_vga_driver := -include tests/unit/ports.h

$(O)/font437.bin: /usr/share/grub/unicode.pf2 tools/font
	@mkdir -p $(@D)
	$(Q)tools/font $< $@ cp437
$(O)/user/drivers/vga/font.o: $(O)/font437.bin
$(O)/user/drivers/vga/font.o: user_cflags += -Wa,-I$(O)
