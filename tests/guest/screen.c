// SPDX-License-Identifier: GPL-2.0-only
/* guest: 32 */
/*
 * Screen and keyboard, by hand: text at 0xb8000; each key that comes over interrupt 1 is told on the serial port, and some
 * do something:
 *   v  640x480, 32 bits, by the Bochs display interface: colors, and a forged header of Postern's in the first rows
 *   d  in 640x480 a few rectangles more
 *   w  800x600, 16 bits         g  mode 13h         p  mode 12h (planes)         t  text again
 *   m  the mouse reports; movements are told         q  ends
 */
#include "guest.h"

#define TEXT ((volatile uint16_t *)0xb8000)
#define VBE_INDEX 0x1ce
#define VBE_DATA 0x1cf
#define SCAN_CODES 0x3a

static volatile unsigned int head, tail;
static volatile uint8_t codes[64];
static volatile bool from_mouse[64];

static void on_keyboard(struct regs *regs)
{
	while (inb(0x64) & 1) {
		from_mouse[head % 64] = inb(0x64) & 0x20;
		codes[head % 64] = inb(0x60);
		head++;
	}
	if (regs->vector >= 0x28)
		outb(0xa0, 0x20);
	outb(0x20, 0x20);
}

static void pic_setup(void)
{
	static const uint8_t master[] = {0x20, 4, 1}, slave[] = {0x28, 2, 1};

	outb(0x20, 0x11);
	outb(0xa0, 0x11);
	for (unsigned int i = 0; i < 3; i++) {
		outb(0x21, master[i]);
		outb(0xa1, slave[i]);
	}
	outb(0x21, (uint8_t)~(1 << 1 | 1 << 2));
	outb(0xa1, (uint8_t)~(1 << 4));
	on_vector(0x21, on_keyboard);
	on_vector(0x2c, on_keyboard);
}

static void text(unsigned int row, uint8_t attribute, const char *s)
{
	for (unsigned int column = 0; *s; column++, s++)
		TEXT[80 * row + column] = (uint16_t)(attribute << 8 | (uint8_t)*s);
}

static void vbe(uint16_t index, uint16_t value)
{
	outw(VBE_INDEX, index);
	outw(VBE_DATA, value);
}

static void vbe_mode(uint16_t width, uint16_t height, uint16_t bits)
{
	vbe(4, 0);
	vbe(1, width);
	vbe(2, height);
	vbe(3, bits);
	vbe(4, width ? 0x41 : 0);
}

/* BAR 0 of the first display controller on the bus. */
static uint32_t frame_buffer(void)
{
	for (uint32_t slot = 0; slot < 32; slot++) {
		outl(0xcf8, 0x80000008 | slot << 11);
		if (inl(0xcfc) >> 16 != 0x0300)
			continue;
		outl(0xcf8, 0x80000010 | slot << 11);
		return inl(0xcfc) & ~0xfu;
	}
	return 0;
}

static void mode_32(void)
{
	static const uint32_t bars[4] = {0xff0000, 0x00ff00, 0x0000ff, 0xffffff};
	volatile uint32_t *to = (uint32_t *)frame_buffer();

	vbe_mode(640, 480, 32);
	for (unsigned int y = 0; y < 480; y++)
		for (unsigned int x = 0; x < 640; x++)
			*to++ = y < 16 ? 0x0000aa : bars[x / 160];
}

/* Far from each other, one pixel, and across the border of two colors. */
static void rectangles(void)
{
	static const struct {
		unsigned int x, y, width, height;
		uint32_t color;
	} all[] = {{3, 17, 40, 30, 0xffff00}, {600, 440, 39, 39, 0x00ffff}, {320, 100, 1, 1, 0xff00ff}, {150, 240, 30, 2, 0}};
	volatile uint32_t *to = (uint32_t *)frame_buffer();

	for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (unsigned int y = all[i].y; y < all[i].y + all[i].height; y++)
			for (unsigned int x = all[i].x; x < all[i].x + all[i].width; x++)
				to[640 * y + x] = all[i].color;
}

static void mode_16(void)
{
	volatile uint16_t *to = (uint16_t *)frame_buffer();

	vbe_mode(800, 600, 16);
	for (unsigned int i = 0; i < 800 * 600; i++)
		to[i] = i % 800 < 400 ? 0xf800 : 0x07e0;
}

static void indexed(uint16_t port, uint8_t index, uint8_t value)
{
	outb(port, index);
	outb(port + 1, value);
}

/* What differs from mode 3 in the tables of the VGA's BIOS modes. */
static void legacy_mode(bool planes)
{
	static const uint8_t crtc[2][25] = {
		{0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0, 0x41, 0, 0, 0, 0, 0, 0, 0x9c, 0x0e, 0x8f, 0x28, 0x40,
		 0x96, 0xb9, 0xa3, 0xff},
		{0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0, 0x40, 0, 0, 0, 0, 0, 0, 0xea, 0x0c, 0xdf, 0x28, 0,
		 0xe7, 4, 0xe3, 0xff}};

	vbe_mode(0, 0, 0);
	indexed(0x3d4, 0x11, 0);
	for (uint8_t i = 0; i < 25; i++)
		indexed(0x3d4, i, crtc[planes][i]);
	indexed(0x3c4, 1, 1);
	indexed(0x3c4, 2, 0xf);
	indexed(0x3c4, 4, planes ? 6 : 0xe);
	indexed(0x3ce, 5, planes ? 0 : 0x40);
	indexed(0x3ce, 6, 5);
	indexed(0x3ce, 8, 0xff);
}

static void color(uint8_t index, uint8_t r, uint8_t g, uint8_t b)
{
	outb(0x3c8, index);
	outb(0x3c9, r);
	outb(0x3c9, g);
	outb(0x3c9, b);
}

static void mode_13(void)
{
	volatile uint8_t *to = (uint8_t *)0xa0000;

	legacy_mode(false);
	color(100, 0x3f, 0x2a, 0);
	for (unsigned int i = 0; i < 64000; i++)
		to[i] = i % 320 < 160 ? 100 : 4;
}

static void mode_12(void)
{
	volatile uint8_t *to = (uint8_t *)0xa0000;

	legacy_mode(true);
	indexed(0x3c4, 2, 0xf);
	for (unsigned int i = 0; i < 80 * 480; i++)
		to[i] = 0;
	indexed(0x3c4, 2, 0x4); /* red alone, the left half of each tenth row */
	for (unsigned int i = 0; i < 80 * 480; i++)
		if (i / 80 % 10 == 0 && i % 80 < 40)
			to[i] = 0xff;
}

static void mouse_on(void)
{
	outb(0x64, 0xa8);
	outb(0x64, 0x60);
	outb(0x60, 0x47);
	outb(0x64, 0xd4);
	outb(0x60, 0xf4);
}

static bool act(uint8_t code)
{
	switch (code) {
	case 0x2f:
		mode_32();
		print("MODE 640x480x32 at %x\n", (unsigned int)frame_buffer());
		break;
	case 0x20:
		rectangles();
		print("DRAWN\n");
		break;
	case 0x11:
		mode_16();
		print("MODE 800x600x16\n");
		break;
	case 0x22:
		mode_13();
		print("MODE 13h\n");
		break;
	case 0x19:
		mode_12();
		print("MODE 12h\n");
		break;
	case 0x32:
		mouse_on();
		break;
	case 0x10:
		return false;
	}
	return true;
}

int main(void)
{
	bool go_on = true;

	load_idt();
	pic_setup();
	outw(0x3d4, 0x200a); /* no cursor */
	text(0, 0x1e, "Screen of a tiny guest");
	text(24, 0x07, "The last line");
	text(3, 0x1f, " Postern: shell  |  Ctrl+Alt+F1 shell");
	print("SCREEN up\n");
	while (go_on) {
		uint8_t code;

		cli();
		if (head == tail) {
			sti_hlt();
			continue;
		}
		sti();
		code = codes[tail % 64];
		print(from_mouse[tail % 64] ? "MOUSE %x\n" : "KEY %x\n", code);
		if (!from_mouse[tail++ % 64])
			go_on = act(code);
	}
	return GUEST_PASS;
}
