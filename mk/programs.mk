# SPDX-License-Identifier: GPL-2.0-only
# Tiny guests: tests/guest/*.c and bench/*.c whose second line is `/* guest: 64 */` or
# `/* guest: 32 */`. One file each, linked with tests/guest/lib; a Multiboot 1 ELF of 32 bits.

guest_srcs	:= $(shell grep -lE '^/\* guest: (32|64) \*/' tests/guest/*.c bench/*.c 2>/dev/null)
guest_bits	= $(shell sed -n '2s,^/\* guest: \([0-9]*\) \*/,\1,p' $(1))
guest_cflags	:= -std=gnu11 -g -O2 -Wall -Wextra -Werror -Wno-unused-parameter -ffreestanding -fno-pic \
		   -fno-stack-protector -mgeneral-regs-only -mno-red-zone -fcf-protection=none \
		   -fno-asynchronous-unwind-tables -fno-strict-aliasing -fno-builtin -Itests/guest/lib -Iinclude -I$(O)/include -MMD -MP
guest_lib	:= start.S lib.c time.c apic.c

guest-programs:	$(guest_srcs:%.c=$(O)/%.elf)
.PHONY: guest-programs

define guest_lib_rule
$(O)/tests/guest/lib$(1)/%.o: tests/guest/lib/%
	@mkdir -p $$(@D)
	$(Q)$(CC) -m$(1) $(guest_cflags) -c -o $$@ $$<
endef
$(foreach b,32 64,$(eval $(call guest_lib_rule,$(b))))

define guest_rule
$(O)/$(1:%.c=%).elf: $(1) tests/guest/lib/guest.lds \
		$(guest_lib:%=$(O)/tests/guest/lib$(call guest_bits,$(1))/%.o)
	@mkdir -p $$(@D)
	@echo "  GUEST   $$@"
	$(Q)$(CC) -m$(call guest_bits,$(1)) $(guest_cflags) -c -o $$@.o $(1)
	$(Q)$(LD) $(if $(filter 32,$(call guest_bits,$(1))),-m elf_i386) -nostdlib -z max-page-size=0x1000 \
		-z noexecstack --no-warn-rwx-segments -T tests/guest/lib/guest.lds -o $$@.debug \
		$$@.o $$(filter %.o,$$^)
	$(Q)objcopy -S -O elf32-i386 $$@.debug $$@
endef
$(foreach g,$(guest_srcs),$(eval $(call guest_rule,$(g))))
$(O)/tests/guest/vmi.elf $(O)/tests/guest/swap.elf $(O)/bench/vmi.elf: | $(O)/include/postern/vmi.h
