# SPDX-License-Identifier: GPL-2.0-only
"""What is on the machine's screen: text, read off the pixels by the font that we draw with, and colors."""
import pathlib
import re
import zlib

WIDTH, HEIGHT = 8, 16
BRIGHT = 288  # of the sum of the three colors: text is brighter than what it stands on


class Picture:
    def __init__(self, path):
        data = pathlib.Path(path).read_bytes()
        m = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
        self.width, self.height, self.data = int(m[1]), int(m[2]), data[m.end():]

    def pixel(self, x, y):
        at = 3 * (y * self.width + x)
        return self.data[at:at + 3].hex()

    def below_header(self, x, y, width, height):
        """A pixel of a centred picture of that size."""
        return self.pixel((self.width - width) // 2 + x, HEIGHT + (self.height - HEIGHT - height) // 2 + y)

    def crc(self, width, height):
        """Of a centred picture of that size below the header."""
        left, top = (self.width - width) // 2, HEIGHT + (self.height - HEIGHT - height) // 2
        if left < 0 or top < HEIGHT:
            return None
        crc = 0
        for y in range(top, top + height):
            at = 3 * (y * self.width + left)
            crc = zlib.crc32(self.data[at:at + 3 * width], crc)
        return "%08x" % crc


def bios_font():
    """The 8x16 font of a VGA BIOS, which text mode shows where nobody loads another. SeaBIOS's is the usual one."""
    rom = pathlib.Path("/usr/share/seabios/vgabios-cirrus.bin").read_bytes()
    bracket = b"\0\0\x3c" + b"\x30" * 8 + b"\x3c" + bytes(4)
    return rom[rom.index(bracket) - HEIGHT * ord("["):][:HEIGHT * 256]


class Font:
    def __init__(self, source):
        data = source if isinstance(source, bytes) else pathlib.Path(source).read_bytes()
        self.glyphs = {}
        for code in list(range(255, -1, -1)):  # so that the lowest of equal ones stays
            glyph = data[HEIGHT * code:HEIGHT * (code + 1)]
            character = chr(code) if 32 <= code < 127 else " " if code in (0, 255) else "\u00a4"
            self.glyphs[glyph] = character
            self.glyphs[bytes(b ^ 0xff for b in glyph)] = "_" if character == " " else character  # the cursor
        self.glyphs[bytes(HEIGHT)] = " "
        self.cache = {}

    def bits(self, pixels):
        if pixels not in self.cache:
            self.cache[pixels] = sum(0x80 >> x for x in range(WIDTH)
                                     if sum(pixels[3 * x:3 * x + 3]) >= BRIGHT)
        return self.cache[pixels]

    def line(self, picture, left, top, columns, step):
        rows = [picture.data[3 * ((top + y) * picture.width + left):][:3 * columns * step] for y in range(HEIGHT)]
        return "".join(self.glyphs.get(bytes(self.bits(row[3 * c * step:3 * (c * step + WIDTH)]) for row in rows), "?")
                       for c in range(columns)).rstrip()

    def grid(self, picture, left, top, columns, rows, step=WIDTH):
        return [self.line(picture, left, top + HEIGHT * r, columns, step) for r in range(rows)]


def text(picture, font):
    """The header, then the rows below it, read as the shell's or, where that gives none, as a guest's text mode."""
    if (picture.width, picture.height) == (720, 400):  # the core's own screen, or a card that has text only
        grids = ["\n".join(f.grid(picture, 0, 0, 80, 25, 9)) for f in (font, Font(bios_font()))]
        return min(grids, key=lambda grid: grid.count("?"))
    head = font.grid(picture, 0, 0, picture.width // WIDTH, 1)
    rows = (picture.height - HEIGHT) // HEIGHT
    shell = font.grid(picture, 0, HEIGHT, picture.width // WIDTH, rows)
    if sum(line.count("?") for line in shell) < 8 and any(shell):
        return "\n".join(head + shell)
    left, top = (picture.width - 720) // 2, HEIGHT + (picture.height - HEIGHT - 400) // 2
    if left < 0 or top < HEIGHT:
        return "\n".join(head + shell)
    return "\n".join(head + font.grid(picture, left, top, 80, 25, 9))
