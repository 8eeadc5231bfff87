/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration: one text file for guests, modules and options.
 *
 * It is the boot module named `postern.conf` (or the one given with `config=NAME` on Postern's
 * command line). Sections `[postern]`, `[guest NAME]`, `[module NAME]`; lines `key = value`; `#`
 * starts a comment at a line's beginning or after a blank; a value may stand in double quotes, in
 * which \" and \\ are escapes. Unknown keys, values out of range, missing files and duplicate
 * sections are errors that name file, line and remedy; a guest with an error is left out, the
 * others start.
 *
 * [postern]
 *   shell   = com1 | com2 | com3 | com4 | none   port of the shell                      (com1)
 *   log     = com1 | .. | none                   port that shows the log                (the
 *   shell's)
 *   log-level = quiet | normal                   quiet: the log is kept, not shown      (normal)
 *   attach  = GUEST                              the shell's port starts attached to it
 *   end     = never | first-guest | all-guests   when the machine ends by itself: power-off, or the
 *                                                guest's debug-exit status (debug-exit-end)
 *                                                (never)
 *   safe    = MODULE ..                          more modules for the boot option `safe`
 *   without = MODULE ..                          modules that are left out
 *   dma     = any | strict                       strict: no module gets a PCI function whose DMA no IOMMU
 *                                                confines; any: it does, and the log says `unconfined` (any)
 *   heartbeat = MILLISECONDS                     how long a module may be silent, 100..60000 (3000)
 *
 * [module NAME]
 *   autostart = yes | no                         overrides the manifest's `start`
 *   any other key is passed to the module
 *
 * [guest NAME]                                   NAME: letters, digits, - and _; at most 15
 *   kernel    = FILE         Linux bzImage, or ELF with a PVH note       one of kernel, multiboot
 *   multiboot = FILE         Multiboot 1 ELF
 *   module    = FILE [TEXT]  of a Multiboot kernel; repeatable, in order
 *   initrd    = FILE
 *   append    = TEXT         command line, <= 1023 bytes
 *   vmi-rom   = FILE         VMI gateway ROM, for i386 Linux 2.6.21 to 2.6.36. One that does not suit this
 *                            hypervisor is refused in the log and the guest runs without it
 *   paravirt  = off | auto | MASK                 off: no gateway; MASK: only these features of it
 *                            (vmi-rom/abi/vmi-3.1.def, `const feature`)   (auto)
 *   gateway   = auto | fixmap | rom               where it is called: above the guest's fixmap, or in the ROM
 *                            itself; auto: by the kernel's version         (auto)
 *   entry     = auto | 64 | 32 | pvh                                     (auto)
 *   memory    = 64K .. 1T    RAM; suffix K, M, G, T, none: MiB            (256M)
 *   cpus      = 1 .. 64                                                   (1)
 *   disk      = VOLUME [ro] [bus=virtio|ide] [serial=TEXT]
 *                            a disk; repeatable. VOLUME names what the volume module offers (`volumes` in the
 *                            shell): ahci0, ahci0p2, label:NAME, guid:GUID, file:NAME         (none)
 *   cdrom     = VOLUME       an ATAPI CD drive on the IDE bus; repeatable
 *   nic       = NETWORK [model=virtio|pcnet] [mac=AA:..] [vlan=N|trunk] [promiscuous]
 *                            a network card; repeatable. NETWORK: a name; cards of the same name are on one switch.
 *                            vlan: 1..4094, kept apart from the others; trunk: all of them, with their tags.
 *                            promiscuous: sees frames for others, and may send with others' addresses.
 *                            `uplink` is the one that the machine's own cards belong to       (none)
 *   screen    = auto | none | vga              a VGA card, keyboard and mouse. auto: with a `display` provider (auto)
 *   virtio    = LIST of console rng balloon input   further virtio devices                  (rng)
 *   console   = shell | com1 | com2 | com3 | com4 | none
 *                            where the guest's COM1 goes: the shell's port, by `attach`; a port of
 *                            its own; nowhere                             (shell)
 *   autostart = yes | no                                                  (yes)
 *   on-poweroff = stop | restart | end                                    (stop)
 *   on-reset    = stop | restart | end                                    (restart)
 *   on-crash    = stop | restart | end                                    (stop)
 *                            end: the machine ends too. restart after a crash: at once, then
 *                            after 1, 2, 4 .. 32 s
 *   debug-exit  = PORT | off  I/O port whose write ends the guest          (off)
 *   debug-exit-end = no | machine
 *                            machine: the value written there is passed on to the machine's own
 *                            isa-debug-exit device at port 0xf4           (no)
 *   unknown-msr, unknown-port, unknown-mmio = fault | zero | ignore
 *                            fault: the guest gets the fault the architecture has for it, or ends;
 *                            zero: reads as zero, writes are logged; ignore: the same without a
 *                            line
 *                                                                         (fault, zero, zero)
 *   x2apic    = auto | on | off                                           (auto)
 *   debug-con = PORT | off   a port whose bytes go to Postern's log       (off)
 *   tsc-khz, seed, option-*  = passed to the VMM as they are
 *
 * A VMM finds its guest's section in start_info.arguments as `key=value` lines, after the defaults
 * were filled in and memory turned into bytes; numbers are decimal. `module` comes once for each,
 * as module=FILE TEXT.
 */
#ifndef POSTERN_CONFIG_H
#define POSTERN_CONFIG_H

#define CONFIG_FILE "postern.conf"
#define CONFIG_BYTES_MAX 65536
#define GUESTS_MAX 16
#define GUEST_NAME_MAX 15

#endif
