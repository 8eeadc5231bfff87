# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's monitor (QMP): keys and pictures of the machine. For postern-run and the system tests."""
import json
import pathlib
import socket
import time


class Monitor:
    """OSError when QEMU is not there, or not any more."""

    def __init__(self, path, patience=10):
        deadline = time.monotonic() + patience
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(str(path))
                break
            except OSError:
                self.socket.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self.socket.settimeout(60)
        self.stream = self.socket.makefile("rw")
        self.stream.readline()
        self.call("qmp_capabilities")

    def call(self, name, /, **arguments):
        try:
            self.stream.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
            self.stream.flush()
            while True:
                line = self.stream.readline()
                if not line:
                    raise OSError("QEMU has ended")
                answer = json.loads(line)
                if "error" in answer:
                    raise OSError("QEMU: %s" % answer["error"]["desc"])
                if "return" in answer:
                    return answer["return"]
        except ValueError as e:
            raise OSError("QEMU has ended") from e

    def key(self, name):
        """A key or chord as QEMU's sendkey takes it: ret, shift-a, ctrl-alt-f2."""
        codes = [{"type": "qcode", "data": part} for part in name.split("-")]
        self.call("send-key", keys=codes, **{"hold-time": 20})

    def mouse(self, x, y, button=None):
        """A movement, then a click."""
        events = [{"type": "rel", "data": {"axis": a, "value": v}} for a, v in (("x", x), ("y", y)) if v]
        if events:
            self.call("input-send-event", events=events)
        for down in (True, False) if button else ():
            self.call("input-send-event", events=[{"type": "btn", "data": {"down": down, "button": button}}])

    def picture(self, path, form="png"):
        """Replaces the file whole; form: png or ppm."""
        new = pathlib.Path(str(path) + ".new")
        self.call("screendump", filename=str(new.absolute()), format=form)
        new.replace(path)
