# SPDX-License-Identifier: GPL-2.0-only
# ACPICA (the interpreter of ACPI's tables) for the module drivers/acpi: fetched once by
# tools/fetch-acpica, compiled unchanged under our host configuration, drivers/acpi/acpostern.h.
# Left out: debugger, disassembler, resource dumps. The linker drops what is not called.

acpica_dir	:= $(CACHE)/acpica
acpica_got	:= $(acpica_dir)/version
acpica_names	:= \
	dsargs dscontrol dsdebug dsfield dsinit dsmethod dsmthdat dsobject dsopcode dspkginit dsutils \
	dswexec dswload dswload2 dswscope dswstate \
	evevent evglock evgpe evgpeblk evgpeinit evgpeutil evhandler evmisc evregion evrgnini evsci \
	evxface evxfevnt evxfgpe evxfregn \
	exconcat exconfig exconvrt excreate exdebug exdump exfield exfldio exmisc exmutex exnames \
	exoparg1 exoparg2 exoparg3 exoparg6 exprep exregion exresnte exresolv exresop exserial exstore \
	exstoren exstorob exsystem extrace exutils \
	hwacpi hwesleep hwgpe hwpci hwregs hwsleep hwvalid hwxface hwxfsleep \
	nsaccess nsalloc nsarguments nsconvert nsdump nseval nsinit nsload nsnames nsobject nsparse \
	nspredef nsprepkg nsrepair nsrepair2 nssearch nsutils nswalk nsxfeval nsxfname nsxfobj \
	psargs psloop psobject psopcode psopinfo psparse psscope pstree psutils pswalk psxface \
	rsaddr rscalc rscreate rsdumpinfo rsinfo rsio rsirq rslist rsmemory rsmisc rsserial rsutils \
	rsxface \
	tbdata tbfadt tbfind tbinstal tbprint tbutils tbxface tbxfload tbxfroot \
	utaddress utalloc utascii utbuffer utcache utcopy utdebug utdecode utdelete uterror uteval \
	utexcep utglobal uthex utids utinit utlock utmath utmisc utmutex utnonansi utobject utosi \
	utownerid utpredef utresdecode utresrc utstate utstring utstrsuppt utstrtoul64 utxface \
	utxfinit utxferror utxfmutex

acpica_flags	:= -D_LINUX -DBUILDING_ACPICA -include drivers/acpi/acpostern.h \
		   -Idrivers/acpi/include -I$(acpica_dir)/include
# Not ours, so not under our warnings.
acpica_cflags	= $(filter-out $(warn) -O2,$(user_cflags)) -Os -w $(acpica_flags)
cflags-acpi	:= -Os $(acpica_flags) -isystem $(acpica_dir)/include

acpica_objs	:= $(acpica_names:%=$(O)/user/acpica/%.o)

$(acpica_got): | tools/fetch-acpica
	$(Q)tools/fetch-acpica

$(acpica_objs): $(O)/user/acpica/%.o: $(acpica_got) drivers/acpi/acpostern.h $(O)/autoconf.h
	@mkdir -p $(@D)
	@echo "  CC      acpica/$*.c"
	$(Q)$(CC) $(acpica_cflags) -c -o $@ $(acpica_dir)/acpica/$*.c

$(O)/user/drivers/acpi/acpica.o: $(acpica_objs)
	@mkdir -p $(@D)
	$(Q)$(LD) -r -o $@ $^

$(filter-out %/acpica.o,$(addprefix $(O)/user/,$(acpi-y))): | $(acpica_got)

# --- the same for the host, under the address sanitizer: tests/unit/test_acpi.c --------------------------
acpica_host	:= $(acpica_names:%=$(O)/host/acpica/%.o)

$(acpica_host): $(O)/host/acpica/%.o: $(acpica_got) drivers/acpi/acpostern.h
	@mkdir -p $(@D)
	@echo "  HOSTCC  acpica/$*.c"
	$(Q)$(CC) -std=gnu11 -g -O1 -w -fno-strict-aliasing -fsanitize=address $(acpica_flags) \
		-c -o $@ $(acpica_dir)/acpica/$*.c
$(O)/host/libacpica.a: $(acpica_host)
	$(Q)rm -f $@
	$(Q)$(AR) rcsD $@ $^

$(O)/unit/acpi_test.hex: tests/unit/acpi_test.asl
	@mkdir -p $(@D)
	@echo "  IASL    $<"
	$(Q)iasl -tc -p $(O)/unit/acpi_test $< > $@.log || { cat $@.log; exit 1; }

unit-cflags-test_acpi := $(acpica_flags) -isystem $(acpica_dir)/include -I$(O)/unit
$(O)/unit/test_acpi: $(O)/host/libacpica.a | $(O)/unit/acpi_test.hex
