// SPDX-License-Identifier: GPL-2.0-only
/*
 * VGA: the machine's screen, and server of the class `display`.
 *
 * The manager's connection has the header (the first row of the screen, which nobody else reaches),
 * the shell's text, and says what is shown below the header: that text, or the picture of one
 * client. Clients share their pictures and tell of damage; what is not shown is not drawn. Nothing
 * that a client writes is trusted: its picture's measures are copied, and checked against the
 * memory that it shared.
 */
#include <string.h>
#include <postern/manifest.h>
#include <postern/screen.h>
#include "hw.h"
#include "log.h"
#include "module.h"
#include "syscalls.h"
#include "vga.h"

MODULE_MANIFEST("name = vga\n"
		"version = 1.0\n"
		"licence = GPL-2.0-only\n"
		"about = the screen: frame buffer, Bochs display interface or VGA text\n"
		"provides = display\n"
		"ports = 0x3c0+32 0x1ce+3\n"
		"pci = class:0300\n"
		"framebuffer = yes\n"
		"start = boot\n"
		"safe = yes\n");

#define DEFAULT_WIDTH 1024
#define DEFAULT_HEIGHT 784 /* 768 and the header */
#define CLIENTS_MAX 24
#define HEADER_ATTRIBUTE 0x1f00 /* white on blue */
#define PERMISSION 1		/* map to read */

extern const uint8_t vga_font[];

struct client {
	struct connection *c; /* NULL: free */
	const uint8_t *memory;
	uint64_t bytes;
	struct picture picture; /* checked; width 0: none */
};

static struct client clients[CLIENTS_MAX];
static struct connection *manager;
static struct client *shown; /* NULL: the shell's text */
static uint32_t visible;     /* id of the connection that shall be shown */
static uint16_t last[DISPLAY_TEXT_ROWS * DISPLAY_TEXT_COLUMNS]; /* text as painted */
static char header[sizeof(((struct display_link *)0)->header)];
static bool painted; /* `last` and `header` are on the screen */

static struct display_link *link_of(const struct connection *c)
{
	return c->shared;
}

/* Of the shell's text, which has the default mode. */
static uint32_t columns(void)
{
	uint32_t width = hw.kind == HW_BOCHS ? DEFAULT_WIDTH : hw.surface.width;
	uint32_t n = hw.kind == HW_TEXT ? VGA_TEXT_COLUMNS : width / CELL_WIDTH;

	return n > DISPLAY_TEXT_COLUMNS ? DISPLAY_TEXT_COLUMNS : n;
}

/* Below the header. */
static uint32_t rows(void)
{
	uint32_t height = hw.kind == HW_BOCHS ? DEFAULT_HEIGHT : hw.surface.height;
	uint32_t n = hw.kind == HW_TEXT ? VGA_TEXT_ROWS : height / CELL_HEIGHT;

	n = n ? n - 1 : 0;
	return n > DISPLAY_TEXT_ROWS ? DISPLAY_TEXT_ROWS : n;
}

static struct rect below_header(void)
{
	uint32_t top = hw.surface.height < CELL_HEIGHT ? hw.surface.height : CELL_HEIGHT;

	return (struct rect){0, top, hw.surface.width, hw.surface.height - top};
}

/* --- painting ----------------------------------------------------------------------------------
 */

static void put_cell(uint32_t column, uint32_t row, uint16_t cell)
{
	if (hw.kind == HW_TEXT)
		hw.cells[row * VGA_TEXT_COLUMNS + column] = cell;
	else
		paint_cell(&hw.surface, column * CELL_WIDTH, row * CELL_HEIGHT, cell, vga_font);
}

static void paint_header(void)
{
	uint32_t width = hw.kind == HW_TEXT ? VGA_TEXT_COLUMNS : hw.surface.width / CELL_WIDTH;
	bool ended = false;

	for (uint32_t i = 0; i < width; i++) {
		uint8_t c = i < sizeof(header) && !ended ? header[i] : 0;

		ended |= !c;
		put_cell(i, 0, HEADER_ATTRIBUTE | (ended ? ' ' : c));
	}
}

/* The manager's, or on a screen of nothing but text that of the client that is shown. */
static void paint_text(const struct connection *c)
{
	const volatile uint16_t *cells = (void *)((char *)c->shared + DISPLAY_TEXT_OFFSET);
	uint32_t height = rows(), width = columns();

	for (uint32_t row = 0; row < height; row++)
		for (uint32_t column = 0; column < width; column++) {
			uint32_t n = row * DISPLAY_TEXT_COLUMNS + column;
			uint16_t cell = cells[n];

			if (painted && last[n] == cell)
				continue;
			last[n] = cell;
			put_cell(column, row + 1, cell);
		}
}

static void clear_below(void)
{
	static const char sentence[] =
		" This guest's picture is no text; the machine has nothing but VGA text.";

	if (hw.kind != HW_TEXT) {
		paint_fill(&hw.surface, below_header(), 0);
		return;
	}
	for (uint32_t n = VGA_TEXT_COLUMNS; n < VGA_TEXT_COLUMNS * VGA_TEXT_ROWS; n++)
		hw.cells[n] = 0x0720;
	for (const char *c = sentence; shown && *c; c++)
		put_cell(c - sentence, 2, 0x0700 | *c);
}

static void paint_client(const struct client *k, struct rect damage)
{
	if (hw.kind == HW_TEXT && *(volatile uint32_t *)&link_of(k->c)->has_text) {
		paint_text(k->c);
		painted = true;
	} else if (hw.kind == HW_TEXT && painted) {
		painted = false;
		clear_below();
	}
	if (hw.kind == HW_TEXT || !k->picture.width)
		return;
	paint_picture(&hw.surface, &k->picture, paint_place(&k->picture, below_header()), damage);
}

/* A mode in which the picture fits, if there is one; else it is made smaller. */
static void choose_mode(void)
{
	uint32_t width = DEFAULT_WIDTH, height = DEFAULT_HEIGHT;

	if (hw.kind != HW_BOCHS)
		return;
	if (shown && shown->picture.width > width)
		width = (shown->picture.width + 7) & ~7u;
	if (shown && shown->picture.height + CELL_HEIGHT > height)
		height = shown->picture.height + CELL_HEIGHT;
	if (hw.surface.width == width && hw.surface.height == height)
		return;
	hw_mode(width, height); /* where it is not taken the picture is made smaller */
}

static void paint_all(void)
{
	choose_mode();
	painted = false;
	if (hw.kind == HW_NONE)
		return;
	clear_below();
	paint_header();
	if (shown) {
		paint_client(shown,
			     (struct rect){0, 0, shown->picture.width, shown->picture.height});
	} else if (manager && !visible) {
		paint_text(manager);
		painted = true;
	}
}

static void tell_size(void)
{
	if (!manager)
		return;
	link_of(manager)->text_columns = columns();
	link_of(manager)->text_rows = rows();
}

/* --- who is shown ------------------------------------------------------------------------------
 */

static struct client *client_of(const struct connection *c)
{
	for (unsigned i = 0; i < CLIENTS_MAX; i++)
		if (clients[i].c == c)
			return &clients[i];
	return NULL;
}

static struct client *client_by_id(uint32_t id)
{
	for (unsigned i = 0; id && i < CLIENTS_MAX; i++)
		if (clients[i].c && clients[i].c->id == id)
			return &clients[i];
	return NULL;
}

static void set_shown(struct client *k, bool on)
{
	if (!k || !k->c)
		return;
	link_of(k->c)->shown = on;
	connection_signal(k->c);
}

/* The client may not be there: nothing is shown for it until it comes. */
static void choose_shown(void)
{
	struct client *next = client_by_id(visible);

	if (next != shown) {
		set_shown(shown, false);
		shown = next;
		set_shown(shown, true);
	}
	paint_all();
	tell_size();
}

/* --- the manager's connection ------------------------------------------------------------------
 */

static void serve_manager(void)
{
	struct display_link *l = link_of(manager);
	uint32_t now = __atomic_load_n(&l->visible, __ATOMIC_ACQUIRE);
	bool same_header = !memcmp(header, l->header, sizeof(header));

	if (!same_header)
		memcpy(header, l->header, sizeof(header));
	if (now != visible) {
		visible = now;
		choose_shown();
		return;
	}
	if (!same_header)
		paint_header();
	if (!visible)
		paint_text(manager);
}

/* --- clients -----------------------------------------------------------------------------------
 */

/* What the client says of its picture, if it is true. */
static void read_geometry(struct client *k)
{
	const volatile struct display_link *l = k->c->shared;
	uint64_t width = l->width, height = l->height, pitch = l->pitch, offset = l->offset;

	k->picture = (struct picture){0};
	if (!k->memory || !width || !height || width > DISPLAY_WIDTH_MAX ||
	    height > DISPLAY_HEIGHT_MAX || pitch < 4 * width || pitch % 4 || offset % 4)
		return;
	if (offset > k->bytes || (height - 1) * pitch + 4 * width > k->bytes - offset)
		return;
	k->picture = (struct picture){k->memory + offset, width, height, pitch};
}

static void resized(struct client *k)
{
	read_geometry(k);
	if (k == shown)
		paint_all();
}

/* Events of a client; what all of them ask for is painted once. */
static void serve_client(struct client *k)
{
	struct xenfb_page *page = (void *)((char *)k->c->shared + DISPLAY_RING_OFFSET);
	uint32_t prod = __atomic_load_n(&page->out_prod, __ATOMIC_ACQUIRE), cons = page->out_cons;
	struct rect damage = {0};
	bool resize = false;

	if (prod - cons > XENFB_OUT_RING_LEN) {
		cons = prod; /* nonsense: all of it is damaged */
		damage = (struct rect){0, 0, k->picture.width, k->picture.height};
	}
	for (; cons != prod; cons++) {
		union xenfb_out_event e = XENFB_OUT_RING_REF(page, cons);

		resize |= e.type == XENFB_TYPE_RESIZE;
		if (e.type == XENFB_TYPE_UPDATE)
			damage = rect_union(damage, rect_cut(e.update.x, e.update.y, e.update.width,
							     e.update.height, k->picture.width,
							     k->picture.height));
	}
	__atomic_store_n(&page->out_cons, cons, __ATOMIC_RELEASE);
	if (resize) /* once, however often it says so: all is painted then */
		resized(k);
	else if (k == shown && damage.width && damage.height)
		paint_client(k, damage);
}

static void display_shared(struct connection *c, const struct share *s)
{
	struct client *k = client_of(c);

	if (!k || k->memory || s->tag || s->bytes > (uint64_t)64 << 20)
		return;
	k->memory = space_map(s->memory, s->bytes, PERMISSION);
	k->bytes = s->bytes;
	resized(k);
}

static int display_connected(struct connection *c)
{
	struct client *k;

	if (strcmp(c->class_, "display") || c->role != ROLE_SERVER)
		return -EINVAL;
	link_of(c)->screen_width = hw.width_max;
	link_of(c)->screen_height = hw.height_max;
	if (!strcmp(c->peer, "manager")) {
		manager = c;
		tell_size();
		__atomic_store_n(&link_of(c)->back_state, 1, __ATOMIC_RELEASE);
		connection_signal(c);
		return 0;
	}
	k = client_of(NULL);
	if (!k)
		return -ENOSPC;
	*k = (struct client){.c = c};
	link_of(c)->text_columns = hw.kind == HW_TEXT ? columns() : 0;
	link_of(c)->text_rows = hw.kind == HW_TEXT ? rows() : 0;
	__atomic_store_n(&link_of(c)->back_state, 1, __ATOMIC_RELEASE);
	if (c->id == visible)
		choose_shown();
	connection_signal(c);
	return 0;
}

static void display_disconnected(struct connection *c)
{
	struct client *k = client_of(c);

	if (c == manager) {
		manager = NULL;
		visible = 0;
		shown = NULL;
		return; /* the last picture stays until the manager is back */
	}
	if (!k)
		return;
	if (k->memory)
		sys_unmap(HANDLE_SELF, (uintptr_t)k->memory, (k->bytes + 4095) & ~4095ull);
	k->c = NULL;
	k->memory = NULL;
	if (k == shown) {
		shown = NULL;
		clear_below();
		painted = false;
	}
}

static void display_readable(struct connection *c)
{
	struct client *k = client_of(c);

	if (c == manager)
		serve_manager();
	else if (k)
		serve_client(k);
}

static int display_probe(void)
{
	int ret = hw_find();

	if (ret)
		return ret;
	if (hw.kind == HW_BOCHS)
		hw_load_font(vga_font);
	if (hw.kind == HW_BOCHS && hw_mode(DEFAULT_WIDTH, DEFAULT_HEIGHT))
		return module_fail(-EIO, "the display takes no mode");
	module_status(hw.kind == HW_TEXT ? "VGA text 80x25" : "%s %ux%u, %u bits",
		      hw.kind == HW_FIXED ? "the boot loader's frame buffer" : "Bochs display",
		      hw.surface.width, hw.surface.height, hw.surface.bits);
	paint_all();
	return 0;
}

static void display_remove(void)
{
	hw_rest(vga_font);
}

const struct module_ops module = {
	.probe = display_probe,
	.remove = display_remove,
	.connected = display_connected,
	.disconnected = display_disconnected,
	.shared = display_shared,
	.readable = display_readable,
};
