# SPDX-License-Identifier: GPL-2.0-only
"""The live page tables of a machine, read from outside: what is writable and executable, what ring 3 reaches."""
import re

PRESENT, WRITE, USER, LARGE, NO_EXEC = 1, 2, 4, 1 << 7, 1 << 63
ADDRESS = 0x000ffffffffff000


def read(monitor, table):
    text = monitor.call("human-monitor-command", **{"command-line": "xp /512gx 0x%x" % table})
    return [int(word, 16) for line in text.splitlines() for word in line.partition(":")[2].split()]


def leaves(monitor, entries, level):
    """(entry, pages of 4 KiB) of all that maps memory below entries of a table of that level."""
    for entry in entries:
        if entry & PRESENT and (level == 0 or entry & LARGE):
            yield entry, 512 ** level
        elif entry & PRESENT:
            yield from leaves(monitor, read(monitor, entry & ADDRESS), level - 1)


def check(monitor, text):
    """What is wrong, a sentence each; `text` has the shell's answer to `tables`. And how many pages were seen."""
    wrong, pages = [], 0
    roots = {int(at, 16): name for name, at in re.findall(r"page tables of (\S+) at 0x([0-9a-f]+)", text)}
    roots.pop(0, None)
    monitor.call("stop")
    halves = [("the core", True, read(monitor, root)[256:]) for root in list(roots)[:1]]
    halves += [(name, False, read(monitor, root)[:256]) for root, name in roots.items()]
    for name, core, entries in halves:
        for entry, count in leaves(monitor, entries, 3):
            pages += count
            if entry & WRITE and not entry & NO_EXEC:
                wrong.append("%s: writable and executable: entry 0x%x" % (name, entry))
            if core == bool(entry & USER):
                wrong.append("%s: ring 3 reaches it: %s: entry 0x%x" % (name, not core, entry))
    monitor.call("cont")
    if len(roots) < 2:
        wrong.append("no page tables were found")
    return wrong, pages
