# SPDX-License-Identifier: GPL-2.0-only
"""The scenarios: what goes on, who is killed."""
import dataclasses
import typing

from loads import GuestDisk, GuestKeys, GuestNet, GuestScreen, ModuleLoad

READY = "ready"
DRIVER = r"driver is back.* blackout (\d+) us"
DISK = r"disk is back: blackout (\d+) us"


@dataclasses.dataclass
class Scenario:
    title: str
    load: typing.Callable
    victims: list  # killed in turn
    blackout: typing.Optional[str] = DRIVER  # in the log, microseconds; READY: from death to ready; None: not measured
    targets: bool = False  # those of the drivers: report.TARGETS
    swap: bool = False  # replaced by another build of the same, not killed
    pause: tuple = (0.01, 0.15)  # seconds between two
    weight: float = 1  # how long it takes beside the others: the longest begin first
    command: str = "module kill %s"  # "%d" in it: milliseconds from then, by the dice
    killed: str = r"([\d.]+)\] manager: module %s is (?:killed|replaced|swapped)"
    ready: str = r"([\d.]+)\] manager: module %s [\d.]+ is ready"


def disk_module(volume, disk):
    return lambda: ModuleLoad("disktest", [("open " + volume, "volume %s: " % volume), ("run 16 64", "")], disk=disk)


def net_module(net):
    return lambda: ModuleLoad("netprobe", [("stream 1000000", "")], net=net)


def manager(what, load, **more):
    return Scenario("manager killed under a guest's " + what, load, ["manager"], READY, command="module kill %s %%d", **more,
                    killed=r"([\d.]+)\] \w+: the %s died in life", ready=r"([\d.]+)\] \w+: life \d+ of the %s")


SWITCH = r"the switch is back: blackout (\d+) us"
SPACED = {"pause": (0.05, 0.35), "weight": 2.5}  # TCP sends a lost segment again after 0.2 s at the earliest

# Disks and cards of a guest, which is what a user has; then loads of our own, which are nothing but requests.
SCENARIOS = {
    "guest-ahci": Scenario("ahci killed under a guest's disk", GuestDisk, ["ahci"], DISK, targets=True),
    "guest-ahci-swap": Scenario("ahci replaced under a guest's disk", GuestDisk, ["ahci"], DISK, targets=True, swap=True),
    "guest-e1000": Scenario("e1000 killed under a guest's TCP", GuestNet, ["e1000"], targets=True, **SPACED),
    "guest-e1000-swap": Scenario("e1000 replaced under a guest's TCP", GuestNet, ["e1000"], targets=True, swap=True, **SPACED),
    "guest-volume": Scenario("volume killed under a guest's disk, which goes on", GuestDisk, ["volume"], READY),
    "guest-switch": Scenario("switch killed under a guest's TCP", GuestNet, ["switch"], SWITCH, **SPACED),
    "guest-vga": Scenario("vga killed while a guest draws", GuestScreen, ["vga"], READY, weight=4),
    "guest-ps2": Scenario("ps2 killed while keys are typed", GuestKeys, ["ps2"], READY, weight=2),
    "guest-manager-disk": manager("disk", GuestDisk),
    "guest-manager-net": manager("TCP", GuestNet, **SPACED),
    "guest-pci-disk": Scenario("pci killed under a guest's disk", GuestDisk, ["pci"], READY),
    "ahci": Scenario("ahci killed, 16 requests at a time", disk_module("ahci0", "d.img 64 none"), ["ahci"], DISK, targets=True),
    "volume": Scenario("volume killed, which 16 requests at a time do not notice", disk_module("ahci0p2", "d.img 64 gpt alpha:8 beta:48"), ["volume"], READY),
    "disk-both": Scenario("ahci, volume, pci in turn, 16 requests at a time", disk_module("ahci0", "d.img 64 none"),
                         ["ahci", "volume", "pci"], None),
    "e1000": Scenario("e1000 killed, echoes", net_module("user"), ["e1000"], targets=True),
    "e1000e": Scenario("e1000 killed on a 82574L, echoes", net_module("user,via=e1000e"), ["e1000"], targets=True),
    "switch": Scenario("switch killed, echoes", net_module("user"), ["switch"], SWITCH),
    "net-both": Scenario("e1000, switch, pci in turn, echoes", net_module("user"), ["e1000", "switch", "pci"], None),
}
