# SPDX-License-Identifier: GPL-2.0-only
"""What postern-run refuses before anything starts, each with a sentence that names the file or the word."""
import os
import re

SECTOR = 512
KEY = re.compile(r"[a-z0-9-]+=")
NET_WORDS = {
    "model": (r"virtio|pcnet", "virtio or pcnet"),
    "mac": (r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}", "six bytes, as 52:54:00:12:34:56"),
    "vlan": (r"trunk|[1-9][0-9]{0,3}", "1 to 4094, or trunk"),
}
DISK_WORDS = {
    "ro": (r"", "no value"),
    "snapshot": (r"", "no value"),
    "bus": (r"virtio|ide", "virtio or ide"),
    "part": (r"[1-9][0-9]{0,2}", "a partition's number, from 1"),
    "via": (r"ahci", "ahci: Postern has no driver of another adapter"),
}
# Kinds of QEMU's -netdev that need more than a word, or rights on the host.
OTHER_NETDEVS = ("tap", "bridge", "l2tpv3", "dgram", "netmap", "passt", "vde", "vhost-user", "vhost-vdpa", "af-xdp")
APPEND_MAX = 1023
OWN_OPTION = {"kernel": "kernel", "multiboot": "multiboot", "initrd": "initrd", "append": "append", "memory": "mem",
              "cpus": "cpus", "vmi-rom": "rom"}
TROUBLE = (r"guest \S+ (crashed|died|is refused)|guest \S+: (its disk \d+ has not|gateway \S+ is refused)"
           r"|volume: guest \S+ (may not use|waits for)")
NEVER_STARTED = r"guest \S+ (is refused|died before it started)"


class Usage(Exception):
    pass


def need_file(path, what, empty=False):
    """A file that can be read, with something in it."""
    if os.path.isdir(path):
        raise Usage("%s %s: is a folder, not a file" % (what, path))
    if not os.path.exists(path):
        raise Usage("%s %s: no such file" % (what, path))
    if not os.access(path, os.R_OK):
        raise Usage("%s %s: may not be read by you" % (what, path))
    if os.path.isfile(path) and os.path.getsize(path) == 0 and not empty:
        raise Usage("%s %s: is empty" % (what, path))
    return path


def need_disk(path, writes):
    need_file(path, "--disk")
    size = os.path.getsize(path)
    if os.path.isfile(path) and not path.endswith(".qcow2") and size % SECTOR:
        raise Usage("--disk %s: %d bytes are no whole number of sectors; `truncate -s %%%d %s` fills the last one"
                    % (path, size, SECTOR, path))
    if writes and not os.access(path, os.W_OK):
        raise Usage("--disk %s: may not be written by you; say %s,ro or %s,snapshot" % (path, path, path))


def need_disk_words(text, words):
    for n, word in enumerate(words):
        key, equals, value = word.partition("=")
        if key not in DISK_WORDS:
            raise Usage("--disk %s: `%s` is none of ro, snapshot, bus=virtio, bus=ide, part=N, via=ahci" % (text, word))
        pattern, what = DISK_WORDS[key]
        if not re.fullmatch(pattern, value) or bool(equals) != bool(pattern):
            raise Usage("--disk %s: %s is %s" % (text, key, what) if pattern else "--disk %s: %s takes no value" % (text, key))
        if key in [w.partition("=")[0] for w in words[:n]]:
            raise Usage("--disk %s: %s is said twice" % (text, key))


def need_place(path, what):
    """Where a file can be made."""
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise Usage("%s %s: there is no folder %s" % (what, path, folder))
    if os.path.isdir(path):
        raise Usage("%s %s: is a folder" % (what, path))
    if not os.access(path if os.path.exists(path) else folder, os.W_OK):
        raise Usage("%s %s: may not be written by you" % (what, path))


def need_pair(text, what):
    """KEY=VALUE, of one line."""
    if not KEY.match(text) or not one_line(text):
        raise Usage("%s %s: KEY=VALUE; include/postern/config.h has the keys" % (what, text))


def need_key(text):
    """A --set that says nothing an option says already."""
    need_pair(text, "--set")
    key = text.partition("=")[0]
    if key in OWN_OPTION:
        raise Usage("--set %s: say it with --%s" % (text, OWN_OPTION[key]))


def need_image(path, named):
    if not named and not os.path.exists(path):
        raise Usage("%s: no such file; `make` builds it" % path)
    need_file(path, "--image")
    with open(path, "rb") as f:
        if f.read(4) != b"\x7fELF":
            raise Usage("--image %s: is no ELF program; `make` builds one, build/postern.elf" % path)


def need_one_writer(guests):
    """Each disk, or each part of one, has one writer or only readers."""
    seen = []  # (path, part or "" for all of it, does somebody write it)
    for guest in guests:
        for text in guest.get("disk", []):
            path, *words = text.split(",")
            path, writes = os.path.realpath(path), "ro" not in words
            part = "".join(w for w in words if w.startswith("part="))
            for p, other, written in seen:
                if p == path and (other == part or not other or not part) and (writes or written):
                    raise Usage("--disk %s: is given twice, and one writer excludes all others; say ,ro each time" % text)
            seen.append((path, part, writes))


def one_line(text):
    return not re.search(r"[\n\r\0]", text)


def need_append(text):
    if not one_line(text):
        raise Usage("--append: a command line is one line")
    if len(os.fsencode(text)) > APPEND_MAX:
        raise Usage("--append: %d bytes; at most %d" % (len(os.fsencode(text)), APPEND_MAX))


def need_net_words(text, words):
    for word in words:
        key, _, value = word.partition("=")
        if key in NET_WORDS and not re.fullmatch(NET_WORDS[key][0], value):
            raise Usage("--net %s: %s is %s" % (text, key, NET_WORDS[key][1]))


def need_no_netdev(text, kind):
    """A network of guests does not have the name of something that was meant to leave the machine."""
    if kind in OTHER_NETDEVS:
        raise Usage("--net %s: of QEMU's kinds user, socket, stream and hubport; others by --qemu" % text)


def need_outputs(options, guests):
    """Files that the run writes, looked at before it starts."""
    if "log" in options:
        need_place(options["log"], "--log")
    if "monitor" in options:
        need_place(options["monitor"], "--monitor")
    if "screenshot" in options:
        path = re.sub(r"@[0-9.]+$", "", options["screenshot"])
        if not path.endswith(".png"):
            raise Usage("--screenshot %s: FILE.png, or FILE.png@SECONDS" % options["screenshot"])
        need_place(path, "--screenshot")
    for guest in guests:
        if "serial" in guest:
            need_place(re.sub("^socket:", "", guest["serial"]), "--serial")


def sentences(log, conf):
    """What Postern's log says went wrong, the line of the configuration with it."""
    found, panic = [], False
    for line in log.replace("\r", "").splitlines():
        line = re.sub(r"^\[ *[0-9.]+\] ((manager|\w+): (?=guest |postern))?", "", line)
        at = re.match(r"postern\.conf:([0-9]+): ", line)
        if at and int(at[1]) <= len(conf):
            line += " (the line is `%s`)" % conf[int(at[1]) - 1].strip()
        if (at or panic or "PANIC" in line or re.match(TROUBLE, line)) and line.strip() and line not in found:
            found.append(line.strip())
        panic = line.endswith(":") and "PANIC" in line
    return found
