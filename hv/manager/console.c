// SPDX-License-Identifier: GPL-2.0-only
/* Console: the multiplexer between terminals, shell, guests and log. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "clock.h"
#include "console.h"
#include "durable.h"
#include "init.h"
#include "line.h"
#include "log.h"
#include "ring.h"
#include "screen.h"
#include "shell.h"
#include "syscalls.h"
#include "timer.h"

#define LOG_ROOM 4096
#define PIECE 512
#define LOG_DELAY (5 * NS_PER_MS)
#define INPUT_AT_ONCE 2048

static struct terminal *shell_terminal, *log_terminal;
static bool quiet, interactive, prompt_shown;
static bool busy;	 /* a command waits for somebody */
static uint64_t heard_until;
static bool prompt_due; /* the first one, behind the lines of the start */
DURABLE static struct guest *attached, *last_attached;
/* Positions in the core's log: what we have shown; what the core has shown at a port itself, while no
 * driver had it. */
DURABLE static uint64_t log_position;
DURABLE static struct log_range {
	uint64_t begin, end;
} shown_by_core[TERMINALS];
static struct timer log_timer; /* armed: lines wait to be shown */
DURABLE static struct line line;
DURABLE static struct {
	char text[64];
	size_t at, length;
} typed;

/* --- the shell's side -------------------------------------------------------------------------- */

void console_printf(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!screen_printf_here(text) && shell_terminal)
		terminal_puts(shell_terminal, text);
}

bool console_room(void)
{
	return !shell_terminal || terminal_room(shell_terminal) > LOG_ROOM;
}

static void prompt(void)
{
	prompt_due = false;
	console_printf("%s%s", LINE_PROMPT, line.text);
	prompt_shown = true;
}

struct guest *console_attached(void)
{
	return attached;
}

/* The oldest bytes make room: who attaches wants to see the end. */
static void keep_unseen(struct guest *g, const char *from, size_t bytes)
{
	struct kept_unseen *u = g->unseen;

	for (; bytes; bytes--, from++) {
		u->text[(u->at + u->length) % GUEST_UNSEEN] = *from;
		if (u->length < GUEST_UNSEEN)
			u->length++;
		else
			u->at = (u->at + 1) % GUEST_UNSEEN;
	}
}

static void show_unseen(struct guest *g)
{
	struct kept_unseen *u = g->unseen;
	uint32_t first = GUEST_UNSEEN - u->at;

	if (first > u->length)
		first = u->length;
	terminal_write(shell_terminal, u->text + u->at, first);
	terminal_write(shell_terminal, u->text, u->length - first);
	u->length = u->at = 0;
}

void console_attach(struct guest *g)
{
	if (!shell_terminal || g == attached)
		return;
	attached = g;
	durable_touch();
	if (g) {
		last_attached = g;
		prompt_shown = false;
		console_printf("[guest %s; Ctrl-] goes to the shell]\n", g->config->name);
		show_unseen(g);
		return;
	}
	console_printf("\n[Postern's shell; Ctrl-] goes back to guest %s; `help` lists commands]\n",
		       last_attached->config->name);
	prompt();
}

/* With the command that runs, then with the next. */
static void go_on(void)
{
	if (!busy || !shell_step())
		return;
	busy = false;
	if (!attached)
		prompt();
}

static void shell_byte(char c)
{
	char echo[LINE_ECHO], command[LINE_BYTES + 1];

	interactive = true;
	if (c == CONSOLE_ESCAPE) {
		if (last_attached) {
			console_printf("\n");
			console_attach(last_attached);
		}
		return;
	}
	durable_changed(&line, offsetof(struct line, history));
	switch (line_input(&line, c, echo)) {
	case LINE_NOTHING:
		terminal_write(shell_terminal, echo, strlen(echo));
		break;
	case LINE_DONE:
		terminal_write(shell_terminal, echo, strlen(echo));
		prompt_shown = false;
		memcpy(command, line.text, sizeof(command));
		line_input(&line, 0, echo); /* begins the next line */
		durable_changed(&line, sizeof(line));
		shell_run(command);
		busy = true;
		go_on();
		break;
	case LINE_CANCEL:
		terminal_write(shell_terminal, echo, strlen(echo));
		prompt();
		break;
	}
}

/* --- guests ------------------------------------------------------------------------------------ */

static struct terminal *terminal_of(const struct guest *g)
{
	int port = g->config->console;

	if (port >= 0 && &terminals[port] != shell_terminal)
		return &terminals[port];
	return g == attached ? shell_terminal : NULL;
}

/* A ring full at most. While its terminal is full the ring stays full, and the VMM sees that.
 * Returns bytes moved or -EIO. */
static int move_output(struct guest *g)
{
	struct terminal *t = terminal_of(g);
	char piece[PIECE];
	int n = 0, moved = 0;

	while (moved < (int)sizeof(g->console->console->ring.out)) {
		if (t && terminal_room(t) < sizeof(piece))
			break;
		n = console_server_read(g->console->console, piece, sizeof(piece));
		if (n <= 0)
			break;
		moved += n;
		if (t)
			terminal_write(t, piece, n);
		else
			keep_unseen(g, piece, n);
	}
	return n < 0 ? n : moved;
}

static void guest_output(struct guest *g)
{
	int moved;

	if (!g->console || !g->console->up)
		return;
	moved = move_output(g);
	if (moved < 0) {
		log_line("guest %s: its console ring is garbage", g->config->name);
		link_down(g->console);
	} else if (moved) {
		link_signal(g->console);
	}
}

/* The last words of a VMM that has ended. */
void console_guest_changed(struct link *l)
{
	if (!l->up)
		move_output(l->owner);
}

static size_t guest_room(const struct guest *g)
{
	struct xencons_interface *r;

	if (!g->console || !g->console->up) /* for a guest that ended it is dropped, one to come finds it */
		return g->ended || g->refused ? PIECE : 0;
	r = &g->console->console->ring;
	return bytes_room(sizeof(r->in), &r->in_prod, &r->in_cons);
}

static void guest_input(struct guest *g, const char *from, size_t bytes)
{
	if (!g->console || !g->console->up || !bytes)
		return;
	console_server_write(g->console->console, from, bytes);
	link_signal(g->console);
}

/* Takes no more than the receiver has room for: the rest waits in the driver. */
static void own_port_input(struct guest *g, struct terminal *t)
{
	char piece[PIECE];
	size_t room = guest_room(g);

	guest_input(g, piece, terminal_read(t, piece, room < PIECE ? room : PIECE));
}

/* What was typed and waits: for the command that runs, or for room in the guest's ring. */
static bool more_typed(void)
{
	if (typed.at < typed.length)
		return true;
	typed.at = 0;
	typed.length = terminal_read(shell_terminal, typed.text, sizeof(typed.text));
	return typed.length;
}

/* The guest takes nothing now. The key that leads away from it works all the same. */
static bool escape_typed(void)
{
	size_t length = typed.length - typed.at;
	const char *found;

	memmove(typed.text, typed.text + typed.at, length);
	typed.at = 0;
	typed.length = length + terminal_read(shell_terminal, typed.text + length,
					      sizeof(typed.text) - length);
	found = memchr(typed.text, CONSOLE_ESCAPE, typed.length);
	if (found)
		typed.at = found - typed.text;
	else if (typed.length == sizeof(typed.text))
		typed.at = typed.length; /* too much: lost, as at a port that nobody reads */
	durable_changed(&typed, sizeof(typed));
	return found;
}

static void shell_terminal_input(void)
{
	for (unsigned n = 0; n < INPUT_AT_ONCE && !busy && more_typed(); n++) {
		if (attached ? !guest_room(attached) && !escape_typed() : shell_waits())
			break;

		char c = typed.text[typed.at];

		typed.at++;
		durable_changed(&typed, sizeof(typed));
		if (!attached)
			shell_byte(c);
		else if (c == CONSOLE_ESCAPE)
			console_attach(NULL);
		else
			guest_input(attached, &c, 1);
	}
}

/* --- the log ----------------------------------------------------------------------------------- */

static void log_text(const char *from, size_t bytes)
{
	bool at_shell = log_terminal == shell_terminal && prompt_shown;

	if (at_shell)
		terminal_puts(log_terminal, interactive ? "\r\033[K" : "\n");
	for (size_t i = 0; i < bytes; i++) {
		if (from[i] == '\n')
			terminal_write(log_terminal, "\r", 1);
		terminal_write(log_terminal, from + i, 1);
	}
	if (!at_shell)
		return;
	prompt_shown = interactive;
	if (interactive)
		console_printf("%s%s", LINE_PROMPT, line.text);
}

void console_port_switched(unsigned n, bool to_driver, int64_t position)
{
	if (n >= TERMINALS)
		return;
	if (to_driver)
		shown_by_core[n].end = position < 0 ? 0 : position;
	else if (position >= 0)
		shown_by_core[n] = (struct log_range){position, ~0ull};
}

/* The log from log_position on, without what the core itself has shown at this port. */
static int64_t read_log(char *to, size_t bytes)
{
	const struct log_range *core = &shown_by_core[log_terminal->port];
	uint64_t before;
	int64_t n;

	if (log_position >= core->begin && log_position < core->end)
		log_position = core->end;
	durable_mark(&log_position, sizeof(log_position));
	if (log_position < core->begin && core->begin - log_position < bytes)
		bytes = core->begin - log_position;
	before = log_position;
	n = sys_log_read(start_page()->system, to, bytes, &log_position);
	return log_position == before ? 0 : n;
}

void console_hear(void)
{
	heard_until = clock_ns() + NS_PER_S;
}

bool console_hears(void)
{
	return clock_ns() < heard_until;
}

/* Only whole lines are shown while somebody may be typing. */
static void follow_log(void)
{
	DURABLE static char kept[PIECE];
	DURABLE static size_t length;
	int64_t n;

	while (log_terminal->link && log_terminal->link->up && terminal_room(log_terminal) > LOG_ROOM) {
		n = read_log(kept + length, sizeof(kept) - length);
		if (n <= 0)
			break;
		length += n;
		durable_changed(&log_position, sizeof(log_position));
		durable_changed(&length, sizeof(length));
		durable_changed(kept, sizeof(kept));
		if ((quiet && !console_hears()) || (attached && log_terminal == shell_terminal)) {
			length = 0;
			continue;
		}
		n = length;
		while (n && kept[n - 1] != '\n')
			n--;
		if (!n && length == sizeof(kept))
			n = length;
		log_text(kept, n);
		memmove(kept, kept + n, length - n);
		length -= n;
	}
}

static bool log_waits(void)
{
	uint64_t position = log_position;
	char c;

	return log_terminal->link && log_terminal->link->up &&
	       sys_log_read(start_page()->system, &c, 1, &position) > 0 && position != log_position;
}

/* Whoever wrote the line goes on before it is shown. */
static void log_due(struct timer *t)
{
	follow_log();
}

/* --- all together ------------------------------------------------------------------------------ */

void console_setup(const struct config *c)
{
	quiet = c->quiet;
	for (unsigned n = 0; n < TERMINALS; n++)
		shown_by_core[n].end = ~0ull;
	if (c->shell >= 0)
		shell_terminal = terminal_open(c->shell);
	if (c->log >= 0)
		log_terminal = terminal_open(c->log);
	for (unsigned n = 0; n < guest_count; n++)
		if (guests[n].config->console >= 0)
			terminal_open(guests[n].config->console);
	if (!shell_terminal)
		return;
	if (c->attach[0])
		attached = last_attached = guest_find(c->attach);
	prompt_due = !attached;
}

static void leave_ended_guest(void)
{
	if (!attached || attached->phase != PHASE_OFF || !attached->ended)
		return;
	console_printf("\n[guest %s ended: %s]", attached->config->name, attached->ending);
	console_attach(NULL);
}

void console_pump(void)
{
	for (unsigned n = 0; n < guest_count; n++) {
		struct guest *g = &guests[n];
		struct terminal *t = terminal_of(g);

		guest_output(g);
		if (t && t != shell_terminal)
			own_port_input(g, t);
	}
	leave_ended_guest();
	if (shell_terminal) {
		go_on();
		shell_terminal_input();
	}
	screen_pump();
	if (log_terminal && !log_timer.armed && !(busy && log_terminal == shell_terminal) && log_waits())
		timer_set(&log_timer, clock_ns() + LOG_DELAY, log_due);
	if (prompt_due && !log_timer.armed && shell_terminal->link && shell_terminal->link->up)
		prompt();
	for (unsigned n = 0; n < TERMINALS; n++)
		if (terminals[n].used)
			terminal_pump(&terminals[n]);
}

bool console_drained(void)
{
	bool drained = !log_timer.armed;

	for (unsigned n = 0; n < TERMINALS; n++)
		drained &= terminal_drained(&terminals[n]);
	return drained;
}

void console_recover(void)
{
	terminals_recover();
	if (typed.at > typed.length || typed.length > sizeof(typed.text))
		typed.at = typed.length = 0;
	interactive = true; /* somebody may have been */
	prompt_due = !attached;
	if (prompt_due)
		console_printf("\n");
	shell_recover(log_line);
	console_hear(); /* also where the log is not shown otherwise */
}
