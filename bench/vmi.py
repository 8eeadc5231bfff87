# SPDX-License-Identifier: GPL-2.0-only
"""The part `vmi` of bench/run: the VMI gateway against the same guest without it.

bench/vmi.c makes what Linux 2.6.32 makes; VMI_KERNEL=BZIMAGE adds a kernel of that time, with tests/guest/linux/old-init.c as
its first program. `tools` is bench/run.
"""
import os
import re

GUEST = "bench/vmi.elf"
ROM = "rom/svm.rom"
INITRD = "guests/old.cpio"
COSTS = (("timer", "timer programmed"), ("ipi", "IPI sent: ICR read, both halves written"), ("eoi", "end of an interrupt"))
IDLE = (50, 250)
MIX = "mark,fork:200,exec:100,pipe:1000,syscall:20000,mark"


def exits(tools, guest):
    """Exits of a guest that has said READY on its debug console, and now waits."""
    shell = tools.Shell(guest + ["--set", "debug-con=0xe9"], ["--icount"])
    try:
        if not shell.wait("shell", "READY", 150):
            return None
        text = shell.command("exits guest", r"^guest guest:.*exits", 30)
    finally:
        shell.end()
    m = re.search(r"(\d+) exits$", text, re.M)
    return int(m[1]) if m else None


def per_expiry(tools, guest):
    """GUEST(n) gives the arguments of a guest that takes n expiries."""
    few, many = (exits(tools, guest(n)) for n in IDLE)
    return (many - few) / (IDLE[1] - IDLE[0]) if few and many else None


def both(tools, one):
    rom = ["--rom", str(tools.BUILD / ROM)]
    return [one("native", []), one("rom", rom)]


def ours(tools):
    def cost(how, rom):
        return tools.values(tools.output(
            [tools.RUN, "--icount", "--timeout", "60", "--multiboot", str(tools.BUILD / GUEST), "--append", "how=" + how] + rom,
            90, "VMI guest, " + how))

    def idle(how, rom):
        return per_expiry(tools, lambda n: ["--multiboot", str(tools.BUILD / GUEST), "--append",
                                            "how=%s idle=%d" % (how, n)] + rom)

    native, rom = both(tools, cost)
    rows = [(title, tools.number(native.get(name)), tools.number(rom.get(name)), "") for name, title in COSTS]
    without, with_rom = both(tools, idle)
    rows.append(("exits of a timer expiry when idle", decimal(without), decimal(with_rom),
                 tools.against(rounded(with_rom), 2.0)))
    stop = swap(tools)
    rows.append(("us that a guest stands still while its ROM is replaced", "", tools.number(stop), tools.against(stop, 1000)))
    return rows


def swap(tools):
    """The longest gap in a guest while its ROM is replaced, in microseconds; None: it did not work."""
    shell = tools.Shell(["--multiboot", str(tools.BUILD / "tests/guest/swap.elf"), "--append", "rounds=1 paging=2 limit=1000", "--rom",
                         str(tools.BUILD / ROM), "--set", "gateway=fixmap", "--set", "debug-con=0xe9"],
                        ["--icount", "--file", "%s other.rom" % (tools.BUILD / "rom/epoch1/svm.rom")])
    try:
        if not shell.wait("shell", "READY 00", 120):
            return None
        shell.command("rom swap guest other.rom", "replaces the one before", 120)
        found = shell.wait("serial", r"stopped for (\d+) us", 120)
    finally:
        shell.end()
    return int(found[1]) if found else None


def rounded(value):
    """One interrupt of the machine among hundreds of expiries is not the guest's."""
    return None if value is None else round(value, 1)


def decimal(value):
    return "-" if value is None else "%.2f" % value


def kernel(tools, image):
    """Boot, idle and a mix of work of a real kernel."""
    base = ["--kernel", image, "--initrd", str(tools.BUILD / INITRD)]
    append = "console=ttyS0 quiet " + os.environ.get("VMI_APPEND", "")
    silent = append.replace("ttyS0", "ttyS1")  # which is not there

    def boot(how, rom):
        return exits(tools, base + ["--append", silent + " postern.run=ready"] + rom)

    def idle(how, rom):
        return per_expiry(tools, lambda n: base + ["--append", silent + " postern.run=sleep:%d,ready" % n] + rom)

    def mix(how, rom):
        text = tools.output([tools.RUN, "--icount", "--timeout", "150"] + base + ["--append", append + " postern.run=" + MIX] + rom,
                            180, "kernel, " + how)
        marks = [int(x, 16) for x in re.findall(r"BENCH user-space 0x(\w+)", text)]
        return (marks[0], marks[1] - marks[0]) if len(marks) == 2 else (None, None)

    without, with_rom = both(tools, boot)
    ratio = with_rom / without if with_rom and without else None
    rows = [("exits to the first program", tools.number(without), tools.number(with_rom),
             "1/3: %s" % ("-" if ratio is None else "%.2f, %s" % (ratio, "met" if ratio <= 1 / 3 else "**missed**")))]
    without, with_rom = both(tools, idle)
    rows.append(("exits of a sleep of 10 ms", decimal(without), decimal(with_rom), tools.against(with_rom, 2.0)))
    (boot_without, without), (boot_rom, with_rom) = both(tools, mix)
    rows.append(("instructions to the first program", tools.number(boot_without), tools.number(boot_rom),
                 tools.against(boot_rom, boot_without)))
    rows.append(("instructions of the mix `%s`" % MIX, tools.number(without), tools.number(with_rom),
                 tools.against(with_rom, without)))
    return rows


def lines(tools):
    head = ("what", "without ROM", "with ROM", "target")
    out = tools.table("VMI gateway: instructions, and exits, of a guest that does what 2.6.32 does (`bench/vmi.c`)", head, ours(tools))
    image = os.environ.get("VMI_KERNEL")
    if image:
        out += tools.table("VMI gateway under a kernel: %s" % os.path.basename(os.path.dirname(image) or image), head, kernel(tools, image))
    return out
