# SPDX-License-Identifier: GPL-2.0-only
# Postern's build. `make` builds everything; `make help` lists the rest.
#
# A folder that is compiled has an objs.mk which says what belongs to it:
#   boot-y      objects of the boot stage           (hv/boot)
#   core-y      objects of the privileged core      (hv/x86, hv/core, hv/engine)
#   lib-y       objects of the ring-3 library       (hv/lib)
#   modules-y   names of modules; NAME-y their objects, NAME-cflags extra flags
# Objects are named by their path from the top. Kconfig picks: core-$(CONFIG_X) += ...

O	?= build
CC	?= gcc
# What is downloaded. Set POSTERN_CACHE to share it between clones.
CACHE	:= $(or $(POSTERN_CACHE),$(O)/cache)
export POSTERN_CACHE := $(abspath $(CACHE))
kernel_dir := $(CACHE)/kernels
Q	:= $(if $(V),,@)

.PHONY: all clean distclean
all: $(O)/postern.elf

# Goals named here install what is missing first and then call make again with the goal do-NAME, so
# that each works as the first command on a fresh machine. The others need `make deps` once.
front := run demo test fuzz bench soak
.PHONY: help deps plots $(front)

help:
	@echo "make             build everything: $(O)/postern.elf"
	@echo "make run         a Debian guest on Postern, its shell in this terminal"
	@echo "make demo        the same unattended, with a verdict"
	@echo "make test        unit tests, a short fuzz run, system tests"
	@echo "make check-host  unit tests only"
	@echo "make fuzz        all fuzz targets, FUZZ_SECONDS each (default 10)"
	@echo "make soak        modules killed a thousand times under verified load: half an hour"
	@echo "make plots       docs/*.svg and the table side by side, from the figures in docs"
	@echo "make bench       the table of docs/BENCH.md; bench-disk, bench-net  parts of it"
	@echo "make iso         bootable image (BIOS and UEFI): $(O)/postern.iso"
	@echo "make kernels     Debian's kernels for guests, into $(CACHE)"
	@echo "make rom         the VMI gateway ROMs: $(O)/rom;  make romcheck  their checker: $(O)/romcheck"
	@echo "make abi         gateway ROMs of today and before, on hypervisors of each epoch, under frozen clients"
	@echo "make menuconfig  choose what is built;  make defconfig  the default choice"
	@echo "make deps        install the Debian packages that all of this needs"
	@echo "make loc         count code lines by area"
	@echo "make clean       remove what was built (not the cache);  make distclean  everything"

deps:
	$(Q)tools/deps.sh

plots:
	$(Q)tools/plot docs

$(front): deps
	$(Q)$(MAKE) --no-print-directory do-$@

clean:
	$(Q)if [ -d $(O) ]; then find $(O) -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} +; fi
distclean:
	rm -rf $(O) .config .config.old

# Only the goals above: nothing below is needed, and perhaps its tools are not there yet.
ifneq ($(filter-out help deps plots clean distclean $(front),$(or $(MAKECMDGOALS),all)),)

# Another choice for another O: make O=folder KCONFIG=file.
KCONFIG	?= .config
.config: Kconfig
	$(Q)tools/defconfig $@
-include $(KCONFIG)

.PHONY: menuconfig defconfig
menuconfig:
	$(Q)/usr/bin/python3 -m menuconfig Kconfig
defconfig:
	$(Q)tools/defconfig .config

include $(wildcard hv/*/objs.mk drivers/*/objs.mk)

warn	:= -Wall -Wextra -Werror -Wno-unused-parameter -Wmissing-prototypes -Wstrict-prototypes -Wvla
common	:= -std=gnu11 -g -O2 $(warn) -ffreestanding -fno-common -fno-stack-protector -fno-pic \
	   -fno-asynchronous-unwind-tables -mgeneral-regs-only -mno-red-zone -fcf-protection=none \
	   -fno-strict-aliasing -fno-delete-null-pointer-checks \
	   -include $(O)/autoconf.h -Iinclude -MMD -MP
core_cflags := $(common) -mcmodel=kernel -fno-omit-frame-pointer -ffunction-sections -fdata-sections -Ihv \
	       $(if $(CONFIG_MITIGATIONS),-mindirect-branch=thunk-extern -mindirect-branch-register)
user_cflags := $(common) -mcmodel=small -fno-omit-frame-pointer -ffunction-sections -fdata-sections \
	       -Ihv/lib -idirafter /usr/include

$(O)/autoconf.h: $(KCONFIG) tools/autoconf
	@mkdir -p $(@D)
	$(Q)tools/autoconf $< $@

# --- the privileged core -------------------------------------------------------------------
core_objs := $(addprefix $(O)/core/,$(core-y))

$(O)/core/%.o: %.c $(O)/autoconf.h
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(core_cflags) -c -o $@ $<

$(O)/core/%.o: %.S $(O)/autoconf.h
	@mkdir -p $(@D)
	@echo "  AS      $<"
	$(Q)$(CC) $(core_cflags) -D__ASSEMBLY__ -c -o $@ $<

# The symbol table of the backtrace needs addresses that need the symbol table: link, list, link.
$(O)/core.pre.elf: $(core_objs) hv/x86/core.lds $(O)/modules.o $(O)/symbols.empty.o
	@echo "  LINK    $@"
	$(Q)$(LD) -nostdlib -z max-page-size=0x1000 -z noexecstack --no-warn-rwx-segments \
		-T hv/x86/core.lds -o $@ $(core_objs) $(O)/modules.o $(O)/symbols.empty.o

$(O)/symbols.empty.S: tools/symbols
	@mkdir -p $(@D)
	$(Q)tools/symbols /dev/null > $@
$(O)/symbols.S: $(O)/core.pre.elf tools/symbols
	$(Q)nm -n $< | tools/symbols > $@
$(O)/symbols.o $(O)/symbols.empty.o: %.o: %.S
	$(Q)$(CC) $(core_cflags) -D__ASSEMBLY__ -c -o $@ $<

$(O)/core.elf: $(O)/core.pre.elf $(O)/symbols.o
	@echo "  LINK    $@"
	$(Q)$(LD) -nostdlib -z max-page-size=0x1000 -z noexecstack --no-warn-rwx-segments \
		-T hv/x86/core.lds -o $@ $(core_objs) $(O)/modules.o $(O)/symbols.o

# --- the boot stage: linked on its own, the core inside as a block of bytes ----------------------
boot_cflags := $(common) -fno-omit-frame-pointer -Ihv -Wa,-I$(O) --param=min-pagesize=0 -DBOOT_RETPOLINES=$(if $(CONFIG_MITIGATIONS),1,0)
boot_objs := $(addprefix $(O)/boot/,$(boot-y))

$(O)/boot/%.o: %.c $(O)/autoconf.h
	@mkdir -p $(@D)
	@echo "  CC      $< (boot stage)"
	$(Q)$(CC) $(boot_cflags) -c -o $@ $<

$(O)/boot/%.o: %.S $(O)/autoconf.h
	@mkdir -p $(@D)
	@echo "  AS      $<"
	$(Q)$(CC) $(boot_cflags) -D__ASSEMBLY__ -c -o $@ $<

$(O)/core.bin: $(O)/core.elf
	$(Q)objcopy -O binary $< $@

$(O)/stage.elf: $(boot_objs) hv/boot/stage.lds
	@echo "  LINK    $@"
	$(Q)at() { nm $(O)/core.elf | sed -n "s/^ffffffff\(.*\) [A-Za-z] $$1\$$/0x\1 - 0x80000000/p"; }; \
	$(LD) -nostdlib -z max-page-size=0x1000 -z noexecstack --no-warn-rwx-segments \
		--defsym=CORE_AT="$$(at _image_start)" --defsym=CORE_END="$$(at _image_end)" \
		-T hv/boot/stage.lds -o $@ $(boot_objs)

# Boot loaders want a 32-bit ELF; gdb wants core.elf and stage.elf, which keep the symbols.
$(O)/postern.elf: $(O)/stage.elf
	@echo "  IMAGE   $@"
	$(Q)objcopy -S -O elf32-i386 $< $@

# --- ring 3: the library, the modules, the archive of modules --------------------------------
lib_objs := $(addprefix $(O)/user/,$(lib-y))

$(O)/user/%.o: %.c $(O)/autoconf.h
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(user_cflags) $(cflags-$(firstword $(subst /, ,$(patsubst drivers/%,%,$(patsubst hv/%,%,$<))))) -c -o $@ $<

$(O)/user/%.o: %.S $(O)/autoconf.h
	@mkdir -p $(@D)
	@echo "  AS      $<"
	$(Q)$(CC) $(user_cflags) -D__ASSEMBLY__ -c -o $@ $<

$(O)/libpostern.a: $(lib_objs)
	$(Q)rm -f $@
	$(Q)$(AR) rcsD $@ $^

define module_rule
$(O)/modules/$(1): $(addprefix $(O)/user/,$($(1)-y)) $(O)/libpostern.a hv/lib/module.lds
	@mkdir -p $$(@D)
	@echo "  MODULE  $(1)"
	$(Q)$(LD) -nostdlib -static --gc-sections --nmagic -z max-page-size=0x1000 -z noexecstack \
		-T hv/lib/module.lds -o $$@.debug $(addprefix $(O)/user/,$($(1)-y)) $(O)/libpostern.a
	$(Q)objcopy -S $$@.debug $$@
endef
$(foreach m,$(modules-y),$(eval $(call module_rule,$(m))))

modules := $(addprefix $(O)/modules/,$(modules-y))
.PHONY: modules
modules: $(modules)

$(O)/modules.cpio: $(modules)
	$(Q)cd $(O)/modules && printf '%s\n' $(sort $(modules-y)) | cpio --quiet -o -H newc -R 0:0 --reproducible > ../modules.cpio

# The first task is read out of the archive while the image is built, so that the core need not.
$(O)/first-task: tools/first-task.c hv/lib/elf64.c hv/manager/archive.c hv/lib/elf64.h hv/manager/archive.h \
		 include/postern/syscall.h include/postern/start.h
	@mkdir -p $(@D)
	@echo "  HOSTCC  $@"
	$(Q)$(CC) -std=gnu11 -O1 -g -Wall -Wextra -Werror -Iinclude -iquote hv/lib -iquote hv/manager -o $@ $(filter %.c,$^)
$(O)/first-task.s: $(O)/first-task $(O)/modules.cpio
	$(Q)$< $(O)/modules.cpio keeper modules_archive > $@.new && mv $@.new $@

$(O)/modules.o: tools/modules.S $(O)/modules.cpio $(O)/first-task.s
	$(Q)$(CC) $(core_cflags) -D__ASSEMBLY__ -Wa,-I$(O) -c -o $@ $<

-include $(shell find $(O) -path $(O)/cache -prune -o -name '*.d' -print 2>/dev/null)
include $(wildcard mk/*.mk)

endif
