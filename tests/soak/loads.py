# SPDX-License-Identifier: GPL-2.0-only
"""What goes on while modules are killed. A load has
begin(machine)   brings it up and waits until it does something
prepare(folder)  makes its disks there, before the machine starts
round(kill)      called for each death; kill(f) kills, calls f, and waits until the module is ready again
mark(), end()    -> Tally since the last mark; end() after everything was verified once more
"""
import dataclasses
import os
import pathlib
import random
import subprocess
import sys
import time

from machine import PATIENCE, TOP, Failed
from peer import Peer

sys.path.insert(0, str(TOP / "tools"))
sys.path.insert(0, str(TOP / "tests/system"))
from qemumonitor import Monitor  # noqa: E402
import screen  # noqa: E402

BUILD = TOP / os.environ.get("O", "build")
CACHE = pathlib.Path(os.environ.get("POSTERN_CACHE", BUILD / "cache"))
MARK = r": (\d+) done.*?, (\d+) errors, (\d+) mismatches"


@dataclasses.dataclass
class Tally:
    done: int = 0
    errors: int = 0
    mismatches: int = 0
    silence_us: int = 0  # the longest that a guest saw


class ModuleLoad:
    """disktest or netprobe: a module of ours, told by the shell."""

    guest = False
    options = []

    def __init__(self, name, commands, disk=None, net=None):
        self.name, self.commands = name, commands
        self.disk, self.options = disk, ["--disk", "d.img"] if disk else ["--net", net]

    def begin(self, machine):
        self.machine = machine
        machine.shell.ask("module start " + self.name, self.name + ".*ready", 60)
        for command, pattern in self.commands:
            machine.shell.ask("send %s %s" % (self.name, command), pattern, 60)
        deadline = time.monotonic() + 60 * PATIENCE
        while not self.mark().done:  # a card's receiver may be closed for a second, and the like
            if time.monotonic() > deadline:
                raise Failed("the load does nothing")

    def prepare(self, folder):
        if self.disk:
            subprocess.run([str(TOP / "tests/system/mkdisk")] + self.disk.split(), cwd=folder, check=True)

    def round(self, kill):
        return kill()

    def mark(self):
        m = self.machine.shell.ask("send %s mark" % self.name, "mark" + MARK)
        return Tally(*(int(x) for x in m.groups()))

    def end(self):
        return self.mark()

    def words(self):
        """What else there is to say."""
        return ""

    def close(self):
        pass


class GuestLoad:
    """tests/soak/load in a Debian guest."""

    guest = True
    flavour, modules, load = "cloud", "", ""
    devices, guest_options = [], []

    def __init__(self):
        kernel = CACHE / "kernels" / self.flavour / "vmlinuz"
        self.options = ["--kernel", str(kernel), "--initrd", str(BUILD / "soak" / (self.flavour + ".cpio")), "--mem", "192"]

    def prepare(self, folder):
        words = "console=ttyS0 quiet mitigations=off nokaslr postern.modules=%s %s postern.run=soak postern.load=\"%s\"" % (
            self.modules, "postern.net=1" if self.devices and self.devices[0] == "--net" else "", self.load)
        self.options = self.options + self.devices + ["--append", words]

    def begin(self, machine):
        self.machine = machine
        machine.guest.wait("SOAK up: ", 120)
        deadline = time.monotonic() + 60 * PATIENCE
        while not self.mark().done:
            if time.monotonic() > deadline:
                raise Failed("the load does nothing")

    def round(self, kill):
        return kill()

    def tally(self, m):
        return Tally(*(int(x) for x in m.groups()))

    def mark(self, word="mark", seconds=60):
        m = self.machine.guest.ask(word, "SOAK (?:%s%s, longest silence (\\d+) us|died.*|wrong.*)" % (word, MARK), seconds)
        if m[1] is None:
            raise Failed("the guest says: " + m[0])
        return self.tally(m)

    def end(self):
        tally = self.mark("end", 240)
        self.machine.guest.wait("POSTERN-GUEST-DONE status 0", 60)
        return tally

    def words(self):
        """What else there is to say."""
        return ""

    def close(self):
        pass


class GuestDisk(GuestLoad):
    modules, load = "virtio_pci,virtio_blk,ext4", "disk /dev/vda 32"
    devices = ["--disk", "d.img"]
    longest = 0

    def tally(self, m):
        tally = super().tally(m)
        self.longest = max(self.longest, tally.silence_us)
        return tally

    def words(self):
        return "the guest itself waited %.0f ms at most" % (self.longest / 1000)

    def prepare(self, folder):
        super().prepare(folder)
        subprocess.run([str(TOP / "tools/mkext4"), str(folder / "d.img"), "64"], check=True)


class GuestNet(GuestLoad):
    modules = "virtio_pci,virtio_net"

    def __init__(self, card="e1000", streams=4):
        super().__init__()
        self.peer = Peer()
        self.devices = ["--net", "user,via=" + card]
        self.load = "net 10.0.2.2 %d %d" % (self.peer.port, streams)

    def end(self):
        tally = super().end()
        tally.mismatches += self.peer.mismatches
        tally.errors += len(self.peer.errors)
        return tally

    def close(self):
        self.peer.close()


class GuestScreen(GuestLoad):
    """Pages of text that the guest draws are read off the machine's screen, keys typed on its keyboard."""

    flavour, load = "amd64", "screen /dev/tty1"
    COLUMNS, ROWS = 79, 24
    # QEMU's names and Linux's codes.
    KEYS = dict(zip("qwertyuiop", range(16, 26))) | dict(zip("asdfghjkl", range(30, 39))) | dict(zip("zxcvbnm", range(44, 51)))

    def __init__(self, seed=1):
        super().__init__()
        self.options += ["--vga", "std"]
        self.dice = random.Random(seed)

    def begin(self, machine):
        self.monitor = Monitor(machine.monitor)
        self.font = screen.Font(BUILD / "font437.bin")
        super().begin(machine)
        machine.shell.write("screen guest1")
        self.look()

    def page(self, n):
        return ["".join(chr(33 + (n * 31 + row * 17 + column * (1 + (n + row) % 7)) % 94) for column in range(self.COLUMNS))
                for row in range(self.ROWS)]

    def look(self):
        """The guest stops drawing; what it drew last is what the screen shows."""
        number = int(self.machine.guest.ask("hold", r"SOAK held (\d+)\n")[1])
        want, deadline = self.page(number), time.monotonic() + 30 * PATIENCE
        while True:
            self.monitor.picture(self.machine.folder / "picture.ppm", "ppm")
            lines = screen.text(screen.Picture(self.machine.folder / "picture.ppm"), self.font).split("\n")[1:]
            if [line[:self.COLUMNS] for line in lines[:self.ROWS]] == want:
                break
            if time.monotonic() > deadline:
                raise Failed("the screen does not show page %d" % number)
        self.machine.guest.write("go")


    def round(self, kill):
        kill()
        self.look()


class GuestKeys(GuestScreen):
    """Keys typed while their driver dies. Those that come must be those that were typed, in order, and those typed after it is
    ready must all come."""

    def __init__(self):
        super().__init__()
        self.away = self.lost = self.keys = 0

    def tally(self, m):
        tally = super().tally(m)
        tally.done += self.keys  # beside the pages
        self.keys = 0
        return tally

    def type(self, n):
        names = [self.dice.choice(sorted(self.KEYS)) for _ in range(n)]
        for name in names:
            for down in (True, False):
                self.monitor.call("input-send-event", events=[
                    {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": name}}}])
            time.sleep(self.dice.uniform(0, 0.01))
        return [self.KEYS[name] for name in names]

    def came(self):
        m = self.machine.guest.ask("mark", r"SOAK mark.* (\d+) keys down, keys:([ \d]*)\.")
        return int(m[1]), [int(k) for k in m[2].split()]

    def round(self, kill):
        early, during = self.type(self.dice.randrange(3)), []
        kill(lambda: during.extend(self.type(self.dice.randrange(3))))
        said = "bytes of keyboard and mouse, typed before this life" in self.machine.shell.passed
        late = self.type(3)
        typed = "typed %s, killed, %s, ready, %s: " % (early, during, late)
        got, down, deadline = [], 1, time.monotonic() + 20 * PATIENCE
        while (got[-3:] != late or down) and time.monotonic() < deadline:
            down, more = self.came()
            got += more
        if down or got[-3:] != late or not is_part(got[:-3], early + during):
            raise Failed("%scame %s, %d down" % (typed, got, down))
        # What waited in the controller is dropped with a word. What is typed while the keyboard itself is reset it forgets.
        lost = len(early) + len(during) + 3 - len(got)
        if lost > len(during) and not said:
            raise Failed("%scame %s, and nobody said so" % (typed, got))
        self.keys += len(got)
        self.away += len(early) + len(during)
        self.lost += lost

    def words(self):
        return "of %d keys typed while it died %d were lost" % (self.away, self.lost)


def is_part(some, all_):
    rest = iter(all_)
    return all(x in rest for x in some)
