# SPDX-License-Identifier: GPL-2.0-only
"""The other end of tests/soak/load/net.c, on the host's side of the emulated network: compares every byte."""
import socket
import struct
import threading

PATTERN_BYTES = 1048573
PIECE = 65536


def make_pattern():
    word, words, mask = 88172645463325252, [], (1 << 64) - 1
    for _ in range(0, PATTERN_BYTES, 8):
        word ^= word << 13 & mask
        word ^= word >> 7
        word ^= word << 17 & mask
        words.append(word)
    data = struct.pack("<%dQ" % len(words), *words)[:PATTERN_BYTES]
    return memoryview(data + data[:PIECE])


class Peer:
    """Listens at `port` of 127.0.0.1, which a guest on QEMU's user network reaches as 10.0.2.2, until close()."""

    pattern = None

    def __init__(self):
        Peer.pattern = Peer.pattern or make_pattern()
        self.received = self.mismatches = 0
        self.errors = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind(("127.0.0.1", self.port))
        for what in (self.accept, self.echo):
            threading.Thread(target=what, daemon=True).start()

    def accept(self):
        try:
            while True:
                s, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(s,), daemon=True).start()
        except OSError:
            pass

    def echo(self):
        try:
            while True:
                data, address = self.datagrams.recvfrom(2048)
                self.datagrams.sendto(data, address)
        except OSError:
            pass

    def serve(self, s):
        try:
            word = b""
            while not word.endswith(b"\n"):
                data = s.recv(1)
                if not data:
                    return
                word += data
            if word == b"up\n":
                self.take(s)
            else:
                self.give(s)
        except OSError as e:
            self.errors.append(str(e))
        finally:
            s.close()

    def take(self, s):
        at, buffer, good = 0, bytearray(PIECE), True
        view = memoryview(buffer)
        while n := s.recv_into(buffer):
            if view[:n] != self.pattern[at % PATTERN_BYTES:][:n]:
                good = False
                with self.lock:
                    self.mismatches += 1
            at += n
            with self.lock:
                self.received += n
        s.sendall(b"%s %d" % (b"right" if good else b"wrong", at))

    def give(self, s):
        """Until the guest says that it will send nothing more, which it says at its end."""
        done = threading.Event()
        threading.Thread(target=lambda: (s.recv(1), done.set()), daemon=True).start()
        at = 0
        while not done.is_set():
            at += s.send(self.pattern[at % PATTERN_BYTES:][:16384])
        s.shutdown(socket.SHUT_WR)

    def close(self):
        self.listener.close()
        self.datagrams.close()
