# SPDX-License-Identifier: GPL-2.0-only
# The VMI gateway ROMs (vmi-rom has its own Makefile), the checker, their tests.

# All epochs are built, so that all are checked; build/rom/*.rom are those of CONFIG_HYPERCALL_EPOCH, made last.
rom_epochs	:= $(filter-out $(CONFIG_HYPERCALL_EPOCH),1 2) $(CONFIG_HYPERCALL_EPOCH)
rom_defs	:= $(sort $(wildcard vmi-rom/abi/vmi-*.def))

.PHONY: rom romcheck check-rom
rom:
	$(Q)for e in $(rom_epochs); do \
		$(MAKE) --no-print-directory -C vmi-rom O=$(abspath $(O)) EPOCH=$$e URL=$(CONFIG_ROM_URL) || exit 1; \
	done

# What everything else includes as <postern/vmi.h>.
$(O)/include/postern/vmi.h: vmi-rom/abi/vmi-3.1.def vmi-rom/gen
	@mkdir -p $(@D)
	$(Q)vmi-rom/gen $< > $@.new && mv $@.new $@

$(O)/romcheck-defs.c: $(rom_defs) vmi-rom/gen
	@mkdir -p $(@D)
	$(Q)vmi-rom/gen --text romcheck_defs $(rom_defs) > $@.new && mv $@.new $@

romcheck: $(O)/romcheck
$(O)/romcheck: $(wildcard tools/romcheck/*.c tools/romcheck/*.h) $(O)/romcheck-defs.c include/postern/gateway.h
	@echo "  HOSTCC  $@"
	$(Q)$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Werror -Iinclude -o $@ $(filter %.c,$^) -lcapstone

check-rom: rom $(O)/romcheck
	$(Q)tests/romcheck/run $(O)/romcheck $(O)/rom vmi-rom/abi

unit-cflags-test_romcheck := -DVMI_ABI='"$(abspath vmi-rom/abi)"'
unit-libs-test_romcheck := -lcapstone
fuzz-cflags-fuzz_rom := $(unit-cflags-test_romcheck)
fuzz-libs-fuzz_rom := -lcapstone
unit-cflags-test_gateway := -I$(O)/include
unit-cflags-test_vmm_ap_start := -I$(O)/include
unit-cflags-test_gateway_fault := -I$(O)/include
fuzz-cflags-fuzz_gateway := -I$(O)/include
$(O)/unit/test_gateway $(O)/unit/test_gateway_fault $(O)/unit/test_vmm_ap_start $(O)/fuzz/fuzz_gateway: | $(O)/include/postern/vmi.h

# --- the ABI matrix: hypervisors of each epoch (without the modules it does not need) x ROMs x frozen clients ------------
abi_epochs	:= 1 2
abi_older_1	:= n
abi_older_2	:= y

.PHONY: abi abi-images
$(O)/abi/epoch%/config: .config mk/rom.mk
	@mkdir -p $(@D)
	$(Q)sed -e '/^CONFIG_HYPERCALL_/d; /CONFIG_MODULE_ACPI/d' .config > $@
	$(Q)echo 'CONFIG_HYPERCALL_EPOCH=$*' >> $@
	$(Q)echo '$(if $(filter y,$(abi_older_$*)),CONFIG_HYPERCALL_OLDER=y)' >> $@

# The image of the choice that stands is one of them.
abi_stands	:= $(if $(and $(filter y,$(CONFIG_HYPERCALL_OLDER)),$(filter 2,$(CONFIG_HYPERCALL_EPOCH))),2)
abi-images: $(O)/postern.elf $(abi_epochs:%=$(O)/abi/epoch%/config)
	$(Q)for e in $(filter-out $(abi_stands),$(abi_epochs)); do \
		$(MAKE) --no-print-directory -s O=$(O)/abi/epoch$$e KCONFIG=$(O)/abi/epoch$$e/config $(O)/abi/epoch$$e/postern.elf || exit 1; \
	done
	$(Q)$(if $(abi_stands),cp $(O)/postern.elf $(O)/abi/epoch$(abi_stands)/postern.elf)

abi: rom abi-images
	$(Q)tests/abi/run $(ABI)
