# SPDX-License-Identifier: GPL-2.0-only
"""A machine under test, whose terminal is read and typed at; and what figures need."""
import os
import pathlib
import re
import statistics
import subprocess
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = TOP / os.environ.get("O", "build")
CACHE = pathlib.Path(os.environ.get("POSTERN_CACHE", BUILD / "cache"))


class Machine:
    def __init__(self, command):
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.text, self.seen, self.ended = "", 0, False
        self.changed = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while data := os.read(self.child.stdout.fileno(), 65536):
            with self.changed:
                self.text += data.decode(errors="replace").replace("\r", "")
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self, pattern, seconds=300):
        deadline = time.monotonic() + seconds
        with self.changed:
            while not (m := re.search(pattern, self.text[self.seen:], re.M)):
                if self.ended or time.monotonic() > deadline:
                    raise RuntimeError("'%s' did not come; the end was\n%s" % (pattern, self.text[-2000:]))
                self.changed.wait(1)
            self.seen += m.end()
            return m

    def type(self, text):
        os.write(self.child.stdin.fileno(), text.encode())

    def end(self):
        self.child.terminate()
        self.child.wait(20)


def counters(machine):
    """(busy ns, the first guest's exits, {task: ns}) so far, from Postern's shell; the guest's terminal has the keys before
    and after."""
    machine.type("\x1d")
    machine.wait("postern> ")
    machine.type("exits guest1\r")
    exits = int(machine.wait(r"(\d+) exits")[1])
    machine.type("tasks\r")
    machine.wait(r"tasks\n")
    tasks = machine.wait(r"((.*\n)+?)postern> ")[1]
    machine.type("cpus\r")
    m = machine.wait(r"idle (\d+) of (\d+) us")
    busy = (int(m[2]) - int(m[1])) * 1000
    machine.wait("postern> ")
    machine.type("\x1d")
    times = {m[1]: int(m[2]) * 1000 for m in re.finditer(r"^ *\d+ (\S+).* threads +(\d+) us", tasks, re.M)}
    return busy, exits, times


def verdict(good):
    return "yes" if good else "**no**"


def interval(values):
    """Median, and the middle half."""
    values = sorted(values)
    n = len(values)
    return statistics.median(values), values[n // 4], values[(3 * n) // 4]


def write(file, mark, text):
    """Replaces what stands between the two comments of that mark."""
    path = pathlib.Path(file)
    head, begin, rest = path.read_text().partition("<!-- %s -->\n" % mark)
    _, end, tail = rest.partition("<!-- end of %s -->\n" % mark)
    if not end:
        raise RuntimeError("%s has no place for %s" % (file, mark))
    path.write_text(head + begin + "\n" + text + "\n" + end + tail)
