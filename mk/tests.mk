# SPDX-License-Identifier: GPL-2.0-only
# Host tests. A test names the shipped files that it is compiled with in its first comment:
#	/* sources: hv/vmm/decode.c hv/vmm/emulate.c */
# unit-cflags-NAME and fuzz-cflags-NAME add flags to a test, unit-libs-NAME and fuzz-libs-NAME libraries; an archive among
# its prerequisites is linked.
# One program a test file; tests/unit/test_*.c run under CMocka, tests/fuzz/fuzz_*.c under libFuzzer.

FUZZ_SECONDS	?= 10
sources_of	= $(shell sed -n 's,^/\* sources:\(.*\)\*/.*,\1,p' $(1) | head -n 1)

host_cflags	:= -std=gnu11 -g -O1 -Wall -Wextra -Werror -Wno-unused-parameter \
		   -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
		   -Iinclude -Ihv -iquote hv/lib -I. -DUNIT_TEST -idirafter /usr/include

unit-cflags-test_ahci	:= -include tests/unit/ahci_machine.h
unit-cflags-test_ahci_rings := $(unit-cflags-test_ahci)
unit-cflags-test_broker	:= -include tests/unit/broker_machine.h

unit_tests	:= $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
fuzz_targets	:= $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

define unit_rule
$(O)/unit/$(1): tests/unit/$(1).c $(call sources_of,tests/unit/$(1).c) $(O)/autoconf.h
	@mkdir -p $$(@D)
	@echo "  UNIT    $(1)"
	$(Q)$(CC) $(host_cflags) $$(unit-cflags-$(1)) -include $(O)/autoconf.h -MMD -MP -MF $$@.d -o $$@ \
		tests/unit/$(1).c $(call sources_of,tests/unit/$(1).c) $$(filter %.a,$$^) $$(unit-libs-$(1)) -lcmocka
endef
$(foreach t,$(unit_tests),$(eval $(call unit_rule,$(t))))

define fuzz_rule
$(O)/fuzz/$(1): tests/fuzz/$(1).c $(call sources_of,tests/fuzz/$(1).c) $(O)/autoconf.h
	@mkdir -p $$(@D)
	@echo "  FUZZER  $(1)"
	$(Q)clang $(host_cflags) $$(fuzz-cflags-$(1)) -Wno-unknown-warning-option -fsanitize=fuzzer \
		-include $(O)/autoconf.h -o $$@ $$(filter %.c,$$^) $$(fuzz-libs-$(1))
endef
$(foreach t,$(fuzz_targets),$(eval $(call fuzz_rule,$(t))))

.PHONY: check-host unit-tests fuzzers do-fuzz do-test check-system
unit-tests: $(unit_tests:%=$(O)/unit/%)
fuzzers: $(fuzz_targets:%=$(O)/fuzz/%)

check-host: unit-tests check-rom
	$(Q)tests/unit/run $(unit_tests:%=$(O)/unit/%)

do-fuzz: fuzzers
	$(Q)tests/fuzz/run $(FUZZ_SECONDS) $(fuzz_targets:%=$(O)/fuzz/%)

check-system: all guests guest-programs rom
	$(Q)tests/system/run

do-test: all unit-tests fuzzers guests guest-programs rom soak-needs $(O)/bench/netpeer $(O)/bench/net.cpio
	$(Q)tests/run-all

# Long: SOAK_KILLS deaths of each module under verified load.
SOAK_KILLS	?= 1000
soak_load	:= $(wildcard tests/soak/load/*.c)
.PHONY: do-soak soak-needs
do-soak: soak-needs
	$(Q)tests/soak/run --kills $(SOAK_KILLS) $(SOAK)
soak-needs: all guests $(O)/soak/cloud.cpio $(O)/soak/amd64.cpio $(O)/soak/ahci.other $(O)/soak/e1000.other

# Another build of a module, which takes the place of the first while it runs.
$(O)/soak/other/%.o: %.c $(O)/autoconf.h
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) $(user_cflags) -O1 -c -o $@ $<
define other_rule
$(O)/soak/$(1).other: $(addprefix $(O)/soak/other/,$($(1)-y)) $(O)/libpostern.a hv/lib/module.lds
	@echo "  MODULE  $$@"
	$(Q)$(LD) -nostdlib -static --gc-sections --nmagic -z max-page-size=0x1000 -z noexecstack \
		-T hv/lib/module.lds -o $$@.debug $$(filter %.o %.a,$$^)
	$(Q)objcopy -S $$@.debug $$@
endef
$(foreach m,ahci e1000,$(eval $(call other_rule,$(m))))

$(O)/soak/load: $(soak_load) tests/soak/load/load.h
	@mkdir -p $(@D)
	@echo "  HOSTCC  $@"
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror -static -o $@ $(soak_load)
$(O)/soak/%.cpio: $(O)/soak/load $(O)/guests/initramfs-%-io.cpio
	@echo "  CPIO    $@"
	$(Q)tools/mkinitramfs amd64 $@ $(O)/guests/modules-$*:modules $(O)/soak/load:bin/load

.PHONY: loc
loc:
	$(Q)tools/count-lines
