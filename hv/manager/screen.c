// SPDX-License-Identifier: GPL-2.0-only
/* Screen: who has the physical screen and keyboard. */
#include <stdio.h>
#include <string.h>
#include <postern/screen.h>
#include "cells.h"
#include "console.h"
#include "durable.h"
#include "init.h"
#include "keymap.h"
#include "line.h"
#include "link.h"
#include "log.h"
#include "resource.h"
#include "screen.h"
#include "shell.h"
#include "syscalls.h"

#define NOTHING 0xfffffffe /* `visible`: no picture, a guest without a screen has it */
#define LOG_PIECE 512
#define CODES 768 /* of linux/input-event-codes.h */
#define HOT_KEYS 12

DURABLE static struct link *display, *input;
DURABLE static struct guest *shown; /* NULL: the shell */
static struct cells cells;
static bool changed; /* cells or header differ from what the driver has */
static bool here;    /* the shell runs a line that was typed here */
static bool busy;    /* and it waits for somebody */
static bool quiet;
static struct line line;
static struct keymap keymap;
DURABLE static uint8_t down[CODES / 8]; /* keys that the shown guest takes for pressed */
DURABLE static uint32_t swallowed; /* the hot key, until it is released */
static uint64_t log_position;

/* --- text --------------------------------------------------------------------------------------
 */

static void put(const char *text, size_t bytes)
{
	for (; bytes; bytes--, text++) {
		if (*text == '\n')
			cells_write(&cells, "\r", 1);
		cells_write(&cells, text, 1);
	}
	changed = true;
}

static void puts_here(const char *text)
{
	put(text, strlen(text));
}

bool screen_printf_here(const char *text)
{
	if (here)
		puts_here(text);
	return here;
}

static void prompt(void)
{
	puts_here(LINE_PROMPT);
	puts_here(line.back == ~0u ? "" : line.text);
}

/* The log goes on above the line that is being typed. */
static void follow_log(void)
{
	char piece[LOG_PIECE];
	bool any = false;
	int64_t n;

	for (unsigned rounds = 0; rounds < 64; rounds++) {
		uint64_t before = log_position;

		n = sys_log_read(start_page()->system, piece, sizeof(piece), &log_position);
		if (n <= 0 || log_position == before)
			break;
		if (quiet && before && !console_hears())
			continue;
		if (!any)
			puts_here("\r\033[K");
		any = true;
		put(piece, n);
	}
	if (any)
		prompt();
}

/* --- the driver's side -------------------------------------------------------------------------
 */

static struct display_link *display_shared(void)
{
	return display && display->up ? display->shared : NULL;
}

static const struct link *picture_of(const struct guest *g)
{
	for (unsigned n = 0; n < LINKS_MAX; n++)
		if (links[n].used && links[n].client == g->instance &&
		    !strcmp(links[n].class_, "display"))
			return &links[n];
	return NULL;
}

static void write_header(char *to, size_t size)
{
	const struct link *picture = shown ? picture_of(shown) : NULL;
	const char *lacks = !shown || (picture && picture->up) ? ""
			    : shown->phase == PHASE_OFF	       ? " (off)"
							       : " (no screen)";
	size_t n = snprintf(to, size, " Postern: %s%s%s  |  Ctrl+Alt+F1 shell",
			    shown ? "guest " : "shell", shown ? shown->config->name : "", lacks);

	for (unsigned i = 0; i < guest_count && i + 2 <= HOT_KEYS && n < size; i++)
		n += snprintf(to + n, size - n, "  F%u %s", i + 2, guests[i].config->name);
}

static void copy_cells(struct display_link *l)
{
	uint16_t *to = (uint16_t *)((char *)l + DISPLAY_TEXT_OFFSET);
	uint32_t at = cells.row * CELLS_COLUMNS +
		      (cells.column < cells.columns ? cells.column : cells.columns - 1);

	_Static_assert(CELLS_COLUMNS == DISPLAY_TEXT_COLUMNS && CELLS_ROWS == DISPLAY_TEXT_ROWS,
		       "cells");
	memcpy(to, cells.cell, sizeof(cells.cell));
	to[at] = (to[at] & 0xff) | 0x7000; /* the cursor */
}

static void update(struct display_link *l)
{
	static char header[sizeof(l->header)];
	const struct link *picture = shown ? picture_of(shown) : NULL;
	uint32_t visible = !shown ? 0 : picture && picture->up ? picture->id : NOTHING;
	char now[sizeof(header)] = "";

	write_header(now, sizeof(now));
	if (!changed && l->visible == visible && !memcmp(header, now, sizeof(now)))
		return;
	memcpy(header, now, sizeof(now));
	memcpy(l->header, now, sizeof(now));
	if (!shown)
		copy_cells(l);
	__atomic_store_n(&l->visible, visible, __ATOMIC_RELEASE);
	__atomic_fetch_add(&l->text_changes, 1, __ATOMIC_RELEASE);
	changed = false;
	link_signal(display);
}

/* A driver that was reborn may have another size; what was written is kept if it has not. */
static void display_changed(struct link *l)
{
	if (!l->up)
		return;
	changed = true;
}

static void fit(const struct display_link *l)
{
	uint32_t columns = l->text_columns, rows = l->text_rows;

	if (!columns || !rows || (columns == cells.columns && rows == cells.rows))
		return;
	cells_init(&cells, columns, rows);
	log_position = 0;
	changed = true;
}

/* --- who is shown ------------------------------------------------------------------------------
 */

static void to_guest(struct guest *g, const union xenkbd_in_event *e)
{
	struct xenkbd_page *page;
	uint32_t prod;

	if (!g->input || !g->input->up)
		return;
	page = (void *)((char *)g->input->shared + INPUT_RING_OFFSET);
	prod = page->in_prod;
	if (prod - __atomic_load_n(&page->in_cons, __ATOMIC_ACQUIRE) >= XENKBD_IN_RING_LEN)
		return;
	XENKBD_IN_RING_REF(page, prod) = *e;
	__atomic_store_n(&page->in_prod, prod + 1, __ATOMIC_RELEASE);
	link_signal(g->input);
}

/* Ctrl and Alt of the hot key at least are down, and their release will go elsewhere. */
static void release_all(void)
{
	for (uint32_t code = 0; code < CODES; code++)
		if (down[code / 8] & 1 << code % 8)
			to_guest(shown,
				 &(union xenkbd_in_event){.key = {XENKBD_TYPE_KEY, 0, code}});
	memset(down, 0, sizeof(down));
}

void screen_show(struct guest *g)
{
	if (shown == g)
		return;
	if (shown)
		release_all();
	shown = g;
	changed = true;
	durable_touch();
}

static void hot_key(unsigned n)
{
	if (n == 1)
		screen_show(NULL);
	else if (n - 2 < guest_count)
		screen_show(&guests[n - 2]);
}

/* With the command that runs. */
static void go_on(void)
{
	here = true;
	busy = busy && !shell_step();
	here = false;
	if (!busy)
		prompt();
}

/* --- keys --------------------------------------------------------------------------------------
 */

static void shell_byte(char c)
{
	char echo[LINE_ECHO];
	enum line_event event;

	if (c == CONSOLE_ESCAPE || shell_waits())
		return;
	event = line_input(&line, c, echo);
	cells_write(&cells, echo, strlen(echo));
	changed = true;
	if (event == LINE_NOTHING)
		return;
	if (event == LINE_DONE) {
		here = true;
		shell_run(line.text);
		here = false;
		line_input(&line, 0, echo); /* begins the next line */
		busy = true;
		go_on();
		return;
	}
	prompt();
}

static void key(const struct xenkbd_key *k)
{
	unsigned hot = k->pressed ? keymap_hot_key(&keymap, k->keycode) : 0;
	char bytes[KEYMAP_BYTES];

	if (hot) {
		swallowed = k->keycode;
		hot_key(hot);
		return;
	}
	if (k->keycode == swallowed && !k->pressed) {
		swallowed = 0;
		return;
	}
	keymap_key(&keymap, k->keycode, k->pressed, bytes);
	if (!shown) {
		for (const char *c = bytes; *c; c++)
			shell_byte(*c);
		return;
	}
	if (k->keycode >= CODES)
		return;
	durable_mark(down, sizeof(down));
	if (k->pressed)
		down[k->keycode / 8] |= 1 << k->keycode % 8;
	else
		down[k->keycode / 8] &= ~(1 << k->keycode % 8);
	to_guest(shown, &(union xenkbd_in_event){.key = *k});
}

/* for_guest: not for the shell, whose commands must not run just now. */
static void take_keys(bool for_guest)
{
	struct xenkbd_page *page = (void *)((char *)input->shared + INPUT_RING_OFFSET);
	uint32_t prod = __atomic_load_n(&page->in_prod, __ATOMIC_ACQUIRE), cons = page->in_cons;

	if (prod - cons > XENKBD_IN_RING_LEN) {
		log_line("the input driver's ring is garbage");
		link_down(input); /* nothing, when it is down already */
		return;
	}
	while (cons != prod && (shown || !for_guest)) {
		union xenkbd_in_event e = XENKBD_IN_RING_REF(page, cons);

		/* Before: a line that ends the manager is not typed again for the next. */
		__atomic_store_n(&page->in_cons, ++cons, __ATOMIC_RELEASE);
		if (e.type == XENKBD_TYPE_KEY)
			key(&e.key);
		else if (shown)
			to_guest(shown, &e);
	}
}

/* What the driver said before it died counts; keys that were down then have no release. */
static void input_changed(struct link *l)
{
	if (l->up)
		return;
	take_keys(true);
	if (shown)
		release_all();
	keymap = (struct keymap){.caps = keymap.caps};
	swallowed = 0;
}

/* As on the serial port: nothing is to be seen there any more. */
static void leave_ended_guest(void)
{
	if (!shown || shown->phase != PHASE_OFF || !shown->ended || shown->restarting)
		return;
	puts_here("\r\033[K[guest ");
	puts_here(shown->config->name);
	puts_here(" ended: ");
	puts_here(shown->ending);
	puts_here("]\n");
	if (!busy)
		prompt();
	screen_show(NULL);
}

static void set_leds(void)
{
	struct input_link *l = input->shared, *of = NULL;
	uint32_t leds;

	if (shown && shown->input && shown->input->up)
		of = shown->input->shared;
	leds = of ? of->leds & 7 : keymap.caps ? KEYMAP_CAPS_LED : 0;
	if (l->leds == leds)
		return;
	l->leds = leds;
	link_signal(input);
}

/* --- all together ------------------------------------------------------------------------------
 */

static struct link *new_link(const char *class_)
{
	struct instance *i = link_provider(class_);
	struct link *l = i ? link_new(class_, NULL, i, 0) : NULL;

	if (!l)
		return NULL;
	l->opened = true; /* so that the driver is told who we are */
	return l;
}

void screen_setup(bool is_quiet)
{
	quiet = is_quiet;
	display = new_link("display");
	input = new_link("input");
	if (display) {
		display->changed = display_changed;
		link_try(display);
	}
	if (input) {
		input->changed = input_changed;
		link_try(input);
	}
}

bool screen_possible(void)
{
	return boot()->screen && graph_provider(&graph, "display", -1) >= 0;
}

void screen_connect_guest(struct guest *g)
{
	if (!g->input)
		g->input = link_new("input", g->instance, NULL, 0);
	if (g->input)
		link_try(g->input);
}

void screen_pump(void)
{
	struct display_link *l;

	if (input && input->up)
		take_keys(false);
	if (input && input->up)
		set_leds();
	l = display_shared();
	if (!l || !__atomic_load_n(&l->back_state, __ATOMIC_ACQUIRE))
		return;
	fit(l);
	leave_ended_guest();
	if (busy)
		go_on();
	if (cells.rows) {
		if (!busy)
			follow_log();
		update(l);
	}
}

void screen_status(void)
{
	const struct display_link *l = display_shared();

	if (!l) {
		console_printf("no screen: no provider of 'display' runs\n");
		return;
	}
	console_printf("screen %ux%u shows %s%s; keyboard: %s\n", l->screen_width, l->screen_height,
		       shown ? "guest " : "the shell", shown ? shown->config->name : "",
		       input && input->up ? "yes" : "none");
	console_printf("  Ctrl+Alt+F1 the shell\n");
	for (unsigned n = 0; n < guest_count && n + 2 <= HOT_KEYS; n++) {
		const struct link *p = picture_of(&guests[n]);

		console_printf("  Ctrl+Alt+F%u %s%s\n", n + 2, guests[n].config->name,
			       p && p->up		      ? ""
			       : guests[n].phase == PHASE_OFF ? " (off)"
							      : " (no screen)");
	}
}

void screen_recover(bool is_quiet)
{
	quiet = is_quiet;
	changed = true;
}
