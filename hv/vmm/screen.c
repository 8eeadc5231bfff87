// SPDX-License-Identifier: GPL-2.0-only
/* Screen: VGA, keyboard and mouse, and who is behind them. */
#include "clock.h"
#include "log.h"
#include "module.h"
#include <string.h>
#include "syscalls.h"
#include <postern/screen.h>
#include "guest.h"
#include "i8042.h"
#include "screen.h"
#include "virtio_devices.h"
#include "vga.h"

#define FRAMES 25
#define FRAME_NS (NS_PER_S / FRAMES)
#define STILL_FRAMES 12 /* after so many without a change it is looked at less often */
#define STILL_NS (NS_PER_S / 8)
#define SLOT 2
#define KEYBOARD_IRQ 1
#define MOUSE_IRQ 12
#define BUTTON_LEFT 0x110
#define BUTTONS 3
#define PICTURE_BYTES (VGA_WIDTH_MAX * VGA_HEIGHT_MAX * 4u)
#define MMIO_PORTS 0x400 /* of BAR 2: ports 0x3c0 to 0x3df */
#define MMIO_VBE 0x500

extern const uint8_t vga_font[];

/* Guarded by the guest's lock: registers. Of the main thread alone: connections and painting. */
static struct {
	bool exists;
	struct vga vga;
	struct i8042 i8042;
	bool reset_asked;    /* by the keyboard controller */
	uint32_t vram, text; /* memory objects */
	struct vga_window mapped;
	struct pci_function function;

	struct connection *display, *input;
	uint32_t picture; /* memory object */
	uint32_t *pixels;
	struct vga_painter painter;
	uint32_t width, height; /* as last told */
	bool resize;
	unsigned still; /* frames without a change */
	struct timer frame;
} screen;

bool screen_exists(void)
{
	return screen.exists;
}

/* --- VGA ---------------------------------------------------------------------------------------
 */

static void map(const struct vga_window *w, uint32_t memory)
{
	struct vm_mapping m = {.gpa = w->base,
			       .bytes = w->bytes,
			       .offset = memory ? w->offset : 0,
			       .memory = memory,
			       .rights = memory ? MAP_READ | MAP_WRITE : 0};

	if (sys_vm_map(guest.vm, &m, 1) < 0)
		log_line("guest %s: VGA memory at %#x is not mapped", guest.name, w->base);
}

/* A window that is not mapped works, too, by exits. */
static void remap(void)
{
	const struct vga_window *w = &screen.vga.window;

	if (screen.mapped.kind != WINDOW_TRAP)
		map(&screen.mapped, 0);
	screen.mapped = *w;
	if (w->kind != WINDOW_TRAP)
		map(w, w->kind == WINDOW_TEXT ? screen.text : screen.vram);
}

static uint32_t vga_port_read(void *device, unsigned port, unsigned size)
{
	return vga_read(&screen.vga, port);
}

static void vga_port_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	if (vga_write(&screen.vga, port, value))
		remap();
}

static uint32_t vbe_port_read(void *device, unsigned port, unsigned size)
{
	return port == VGA_VBE_INDEX ? screen.vga.vbe_index
				     : vga_vbe_read(&screen.vga, screen.vga.vbe_index);
}

static void vbe_port_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	if (port == VGA_VBE_INDEX)
		screen.vga.vbe_index = value;
	else if (vga_vbe_write(&screen.vga, screen.vga.vbe_index, value))
		remap();
}

static uint64_t memory_read(void *device, uint64_t offset, unsigned size)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)vga_memory_read(&screen.vga, offset + i) << 8 * i;
	return value;
}

static void memory_write(void *device, uint64_t offset, unsigned size, uint64_t value)
{
	for (unsigned i = 0; i < size; i++)
		vga_memory_write(&screen.vga, offset + i, value >> 8 * i);
}

/* The same registers behind BAR 2. */
static uint64_t mmio_register_read(struct pci_function *f, unsigned bar, uint64_t offset,
				   unsigned size)
{
	uint64_t value = 0;

	if (offset >= MMIO_VBE && offset < MMIO_VBE + 2 * VBE_REGISTERS)
		return vga_vbe_read(&screen.vga, (offset - MMIO_VBE) / 2) >> 8 * (offset & 1);
	if (offset < MMIO_PORTS || offset + size > MMIO_PORTS + 0x20)
		return 0;
	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)vga_read(&screen.vga, 0x3c0 + offset - MMIO_PORTS + i) << 8 * i;
	return value;
}

static void mmio_register_write(struct pci_function *f, unsigned bar, uint64_t offset,
				unsigned size, uint64_t value)
{
	bool moved = false;

	if (offset >= MMIO_VBE && offset < MMIO_VBE + 2 * VBE_REGISTERS) {
		moved = !(offset & 1) && vga_vbe_write(&screen.vga, (offset - MMIO_VBE) / 2, value);
	} else if (offset >= MMIO_PORTS && offset + size <= MMIO_PORTS + 0x20) {
		for (unsigned i = 0; i < size; i++)
			moved |= vga_write(&screen.vga, 0x3c0 + offset - MMIO_PORTS + i,
					   value >> 8 * i);
	}
	if (moved)
		remap();
}

/* --- keyboard and mouse ------------------------------------------------------------------------
 */

static uint32_t keyboard_read(void *device, unsigned port, unsigned size)
{
	uint32_t value;

	guest_lock();
	value = i8042_read(&screen.i8042, port);
	guest_unlock();
	return value;
}

/* Not under the lock of the port space: a reset takes it. */
static void keyboard_write(void *device, unsigned port, unsigned size, uint32_t value)
{
	bool reset;

	guest_lock();
	i8042_write(&screen.i8042, port, value);
	reset = screen.reset_asked;
	screen.reset_asked = false;
	guest_unlock();
	if (reset)
		guest_end(END_RESET, 0, "reset itself by the keyboard controller");
}

static void irq_line(void *ctx, unsigned irq, bool level)
{
	platform_line(irq, level);
}

static void take_event(const union xenkbd_in_event *e)
{
	uint32_t code = e->key.keycode;

	if (e->type == XENKBD_TYPE_MOTION
		    ? virtio_input_move(e->motion.rel_x, e->motion.rel_y, e->motion.rel_z)
		    : e->type == XENKBD_TYPE_KEY && virtio_input_key(code, e->key.pressed))
		return;
	if (e->type == XENKBD_TYPE_MOTION)
		i8042_move(&screen.i8042, e->motion.rel_x, e->motion.rel_y, e->motion.rel_z);
	else if (e->type == XENKBD_TYPE_KEY && code >= BUTTON_LEFT && code < BUTTON_LEFT + BUTTONS)
		i8042_button(&screen.i8042, code - BUTTON_LEFT, e->key.pressed);
	else if (e->type == XENKBD_TYPE_KEY && code < 256)
		i8042_key(&screen.i8042, code, e->key.pressed);
}

static void take_events(struct connection *c)
{
	struct xenkbd_page *page = (void *)((char *)c->shared + INPUT_RING_OFFSET);
	uint32_t prod = __atomic_load_n(&page->in_prod, __ATOMIC_ACQUIRE), cons = page->in_cons;

	if (prod - cons > XENKBD_IN_RING_LEN)
		cons = prod;
	guest_lock();
	for (; cons != prod; cons++) {
		union xenkbd_in_event e = XENKBD_IN_RING_REF(page, cons);

		take_event(&e);
	}
	guest_unlock();
	__atomic_store_n(&page->in_cons, cons, __ATOMIC_RELEASE);
}

/* On a processor's thread, the lock is held: the connection stays while it is. */
static void set_leds(void *ctx, uint8_t leds)
{
	struct connection *c = screen.input;

	if (!c)
		return;
	((struct input_link *)c->shared)->leds = leds;
	connection_signal(c);
}

static void reset_line(void *ctx)
{
	screen.reset_asked = true;
}

/* --- the picture -------------------------------------------------------------------------------
 */

static struct display_link *link(void)
{
	return screen.display->shared;
}

/* False: the ring is full, the driver is slow; the next frame tells it. */
static bool tell(const union xenfb_out_event *e)
{
	struct xenfb_page *page = (void *)((char *)screen.display->shared + DISPLAY_RING_OFFSET);
	uint32_t prod = page->out_prod;

	if (prod - __atomic_load_n(&page->out_cons, __ATOMIC_ACQUIRE) >= XENFB_OUT_RING_LEN)
		return false;
	XENFB_OUT_RING_REF(page, prod) = *e;
	__atomic_store_n(&page->out_prod, prod + 1, __ATOMIC_RELEASE);
	return true;
}

static void tell_size(const struct vga_view *v)
{
	struct display_link *l = link();

	if (!screen.resize && v->width == screen.width && v->height == screen.height)
		return;
	l->width = v->width;
	l->height = v->height;
	l->pitch = VGA_WIDTH_MAX * 4;
	l->offset = 0;
	screen.resize = !tell(&(union xenfb_out_event){.type = XENFB_TYPE_RESIZE});
	screen.width = v->width;
	screen.height = v->height;
}

/* For a screen that has nothing but text. What the driver says of it is bounded here. */
static void tell_text(const struct vga_view *v)
{
	volatile struct display_link *l = link();
	uint32_t columns = l->text_columns, rows = l->text_rows;

	if (!columns || columns > DISPLAY_TEXT_COLUMNS || !rows || rows > DISPLAY_TEXT_ROWS)
		return;
	l->has_text = v->picture == PICTURE_TEXT;
	if (l->has_text)
		vga_text(&screen.vga, v, (uint16_t *)((char *)screen.display->shared + DISPLAY_TEXT_OFFSET), columns, rows,
			 DISPLAY_TEXT_COLUMNS);
}

static void draw(struct timer *t)
{
	struct vga_damage d;
	struct vga_view view;

	if (!screen.display || !__atomic_load_n(&link()->shown, __ATOMIC_ACQUIRE))
		return;
	timer_set(&screen.frame, clock_ns() + (screen.still > STILL_FRAMES ? STILL_NS : FRAME_NS),
		  draw);
	screen.still++;
	guest_lock();
	vga_view(&screen.vga, &view);
	guest_unlock();
	if (!view.width || !view.height)
		return;
	tell_size(&view);
	if (!vga_paint(&screen.painter, &screen.vga, &view, screen.pixels, VGA_WIDTH_MAX, &d))
		return;
	screen.still = 0;
	tell_text(&view);
	screen.painter.drawn = tell(&(union xenfb_out_event){
		.update = {XENFB_TYPE_UPDATE, d.x, d.y, d.width, d.height}});
	connection_signal(screen.display);
}

/* When somebody looks at it for the first time. */
static int make_picture(void)
{
	int64_t picture = sys_mem_create(PICTURE_BYTES, 0),
		last = sys_mem_create(VGA_LAST_BYTES, 0);

	if (picture < 0 || last < 0)
		return -ENOMEM;
	screen.picture = picture;
	screen.pixels = space_map(picture, PICTURE_BYTES, MAP_READ | MAP_WRITE);
	screen.painter.last = space_map(last, VGA_LAST_BYTES, MAP_READ | MAP_WRITE);
	return screen.pixels && screen.painter.last ? 0 : -ENOMEM;
}

static int display_connected(struct connection *c)
{
	int e = screen.pixels && screen.painter.last ? 0 : make_picture();

	if (e) {
		log_line("guest %s: no memory for its picture", guest.name);
		return e;
	}
	screen.display = c;
	screen.painter.drawn = false;
	screen.resize = true;
	e = connection_share(c, screen.picture, RIGHT_READ, 0);
	__atomic_store_n(&link()->front_state, 1, __ATOMIC_RELEASE);
	draw(NULL);
	return e;
}

static bool wanted(void)
{
	char text[16];

	if (module_argument("screen", 0, text, sizeof(text)) < 0 || !strcmp(text, "none"))
		return false;
	return !strcmp(text, "vga") || module_argument("display", 0, text, sizeof(text)) >= 0;
}

/* The keys come before the screen is made. */
int screen_connected(struct connection *c)
{
	if (!wanted() || c->role != ROLE_CLIENT)
		return -EINVAL;
	if (!strcmp(c->class_, "display") && screen.exists)
		return display_connected(c);
	if (strcmp(c->class_, "input"))
		return -EINVAL;
	guest_lock();
	screen.input = c;
	guest_unlock();
	return 0;
}

bool screen_disconnected(struct connection *c)
{
	bool ours = c == screen.display || c == screen.input;

	guest_lock();
	if (c == screen.display)
		screen.display = NULL;
	if (c == screen.input)
		screen.input = NULL;
	guest_unlock();
	return ours;
}

bool screen_readable(struct connection *c)
{
	if (c == screen.input) {
		take_events(c);
		if (screen.frame.armed && screen.still > STILL_FRAMES) /* an answer is likely */
			timer_set(&screen.frame, clock_ns() + FRAME_NS, draw);
		screen.still = 0;
		return true;
	}
	if (c != screen.display)
		return false;
	if (link()->shown && !screen.frame.armed)
		draw(NULL);
	return true;
}

/* --- making it ---------------------------------------------------------------------------------
 */

static int make_memory(void)
{
	int64_t vram = sys_mem_create(VGA_VRAM_BYTES, 0),
		text = sys_mem_create(VGA_TEXT_BYTES, 0);

	if (vram < 0 || text < 0)
		return -ENOMEM;
	screen.vram = vram;
	screen.text = text;
	screen.vga.vram = space_map(vram, VGA_VRAM_BYTES, MAP_READ | MAP_WRITE);
	screen.vga.text = space_map(text, VGA_TEXT_BYTES, MAP_READ | MAP_WRITE);
	return screen.vga.vram && screen.vga.text ? 0 : -ENOMEM;
}

/* Where platform.c has said that nothing is. */
static int own_ports(unsigned first, unsigned count, const struct io_device *d)
{
	io_remove(&guest.io, first, count);
	return io_add(&guest.io, first, count, d);
}

static int add_ports(void)
{
	static const struct io_device registers = {"vga", vga_port_read, vga_port_write, NULL, 0};
	static const struct io_device vbe = {"vbe", vbe_port_read, vbe_port_write, NULL, IO_WIDE};
	static const uint16_t places[][2] = {
		{0x3b4, 2}, {0x3ba, 1}, {0x3c0, 16}, {0x3d4, 2}, {0x3da, 1}};
	struct mmio_range memory = {VGA_MEMORY, VGA_MEMORY_BYTES, memory_read, memory_write, NULL};
	static const struct io_device keyboard = {"i8042", keyboard_read, keyboard_write, NULL,
						  IO_UNLOCKED};
	int e = mmio_add(&guest.mmio, &memory);

	for (unsigned i = 0; !e && i < sizeof(places) / sizeof(*places); i++)
		e = own_ports(places[i][0], places[i][1], &registers);
	if (!e)
		e = own_ports(VGA_VBE_INDEX, 3, &vbe);
	if (!e)
		e = own_ports(I8042_DATA, 1, &keyboard);
	return e ? e : own_ports(I8042_COMMAND, 1, &keyboard);
}

static int add_function(void)
{
	struct pci_function *f = &screen.function;
	int devfn = pci_free_devfn(&guest.pci, SLOT);

	if (devfn < 0)
		return devfn;
	pci_function_init(f, pci_page(&guest.pci, devfn), 0x1234, 0x1111, 0x030000);
	f->bar[0] = (struct pci_bar){
		.bytes = VGA_VRAM_BYTES, .flags = PCI_BAR_PREFETCH, .memory = screen.vram};
	f->bar[2] = (struct pci_bar){
		.bytes = 4096, .read = mmio_register_read, .write = mmio_register_write};
	return pci_add(&guest.pci, devfn, f);
}

int screen_make(struct boot_error *error)
{
	int e;

	if (!wanted())
		return 0;
	e = make_memory();
	guest_lock();
	if (!e)
		e = add_ports();
	if (!e)
		e = add_function();
	screen.exists = !e;
	guest_unlock();
	if (e)
		return boot_fail(error, e, "its VGA cannot be made: error %d", e);
	screen.i8042.keyboard_irq = (struct line){irq_line, NULL, KEYBOARD_IRQ};
	screen.i8042.mouse_irq = (struct line){irq_line, NULL, MOUSE_IRQ};
	screen.i8042.reset = reset_line;
	screen.i8042.leds = set_leds;
	e = module_open("display", 0, "");
	if (e < 0 && e != -ENODEV)
		log_line("guest %s: its screen has no way out: error %d", guest.name, e);
	return 0;
}

void screen_reset(void)
{
	if (!screen.exists)
		return;
	vga_reset(&screen.vga, vga_font);
	remap();
	i8042_reset(&screen.i8042);
}
