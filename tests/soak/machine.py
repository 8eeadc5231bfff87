# SPDX-License-Identifier: GPL-2.0-only
"""The machine that a scenario runs in, and text that comes from somewhere: waited for, never slept for."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PATIENCE = float(os.environ.get("TEST_PATIENCE", "3"))
# Four nanoseconds an instruction: about what the emulator reaches, so that counted time passes about as the host's
# does. Idle time passes as on the host (with sleep=off an idle machine jumps to its next deadline and believes that a disk took seconds).
COUNTED = ["--qemu=-icount", "--qemu=shift=2,sleep=on"]
ENDED = "\n-- it ended --\n"


class Failed(Exception):
    pass


class Stream:
    """Text that comes in; wait() goes on behind what was found last."""

    def __init__(self, read, write, log):
        self.read_some, self.write, self.log = read, write, open(log, "wb")
        self.text, self.seen, self.passed = "", 0, ""  # passed: from where the last wait began to what it found
        self.changed = threading.Condition()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        try:
            while data := self.read_some():
                self.log.write(data)
                self.log.flush()
                with self.changed:
                    self.text = self.text[self.seen:] + data.decode(errors="replace").replace("\r", "")
                    self.seen = 0
                    self.changed.notify_all()
        except OSError:
            pass
        with self.changed:
            self.text += ENDED
            self.changed.notify_all()

    def find(self, pattern):
        m = re.search(pattern, self.text[self.seen:], re.M)
        if m:
            self.passed = self.text[self.seen:self.seen + m.end()]
            self.seen += m.end()
        return m

    def wait(self, pattern, seconds=30):
        deadline = time.monotonic() + seconds * PATIENCE
        with self.changed:
            while not (m := self.find(pattern)):
                if time.monotonic() > deadline or ENDED in self.text:
                    raise Failed("waited for '%s' in vain" % pattern)
                self.changed.wait(1)
            return m

    def ask(self, line, pattern, seconds=30):
        self.write(line)
        return self.wait(pattern, seconds)


class Machine:
    """postern-run --control: `shell` is its shell and log, `guest` its guest's serial port (None: no guest)."""

    def __init__(self, folder, load, counted, files):
        memory = pathlib.Path("/dev/shm")  # so that the host's disk is not in the figures
        self.small = tempfile.mkdtemp(prefix="postern-soak.")  # sockets want short names
        self.images = pathlib.Path(tempfile.mkdtemp(prefix="postern-soak.", dir=memory if os.access(memory, os.W_OK) else None))
        self.folder, self.monitor, self.guest, self.child = folder, self.small + "/qmp", None, None
        load.prepare(self.images)
        self.command = [str(TOP / "tools/postern-run"), "--control", "--monitor", self.monitor] + (COUNTED if counted else [])
        for path, name in files:
            self.command += ["--file", "%s %s" % (path, name)]
        if load.guest:
            self.command += load.options + ["--serial", "socket:%s/com2" % self.small]
        else:
            (folder / "postern.conf").write_text("[postern]\nshell = com1\n")
            self.command += ["--config", str(folder / "postern.conf")] + load.options
        self.has_guest = load.guest

    def start(self):
        self.child = subprocess.Popen(self.command, cwd=self.images, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.shell = Stream(lambda: os.read(self.child.stdout.fileno(), 65536),
                            lambda line: os.write(self.child.stdin.fileno(), (line + "\r").encode()), self.folder / "out")
        if self.has_guest:
            self.serial = self.connect()
            self.guest = Stream(lambda: self.serial.recv(65536), lambda line: self.serial.sendall((line + "\r").encode()),
                                self.folder / "guest")
        self.shell.wait("postern> ", 60)

    def connect(self):
        deadline = time.monotonic() + 20 * PATIENCE
        while True:
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(self.small + "/com2")
                return s
            except OSError:
                s.close()
                if time.monotonic() > deadline or self.child.poll() is not None:
                    raise Failed("no serial port") from None
                time.sleep(0.05)

    def end(self):
        if self.child:
            self.child.terminate()
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.child.kill()
        shutil.rmtree(self.small, ignore_errors=True)
        shutil.rmtree(self.images, ignore_errors=True)
