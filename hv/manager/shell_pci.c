// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is on the PCI buses, as the provider of `bus.pci` tells it, for the shell: a question for each
 * line. Nobody else waits meanwhile. While the modules that know are still starting, the listing does
 * not begin; the first answer takes long (the machine's tables are read then), and from a module that
 * hangs none comes: then the shell says so.
 */
#include <stdarg.h>
#include <stdio.h>
#include "clock.h"
#include "console.h"
#include "durable.h"
#include "link.h"
#include "ring.h"
#include "shell.h"
#include "timer.h"

#define START_NS (20 * NS_PER_S)
#define ANSWER_NS (20 * NS_PER_S)
#define FUNCTIONS_MAX 512
#define LINES_MAX 9

DURABLE static struct link *pci;
static struct {
	bool begun;
	unsigned function, line;
	uint32_t asked; /* the id of the question that is out; 0: none */
	struct timer deadline;
} listing;

static bool is_starting(const char *class_)
{
	const struct instance *i = link_provider(class_);

	return i && (i->state == INST_WAITING || i->state == INST_STARTING ||
		     i->state == INST_ENDING || i->state == INST_BACKOFF);
}

/* Its expiry wakes the shell, which looks again. */
static void expired(struct timer *t)
{
}

static void patience(uint64_t ns)
{
	timer_set(&listing.deadline, clock_ns() + ns, expired);
}

static bool over(const char *format, ...) __attribute__((format(printf, 1, 2)));
static bool over(const char *format, ...)
{
	char text[96];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	timer_cancel(&listing.deadline);
	console_printf("%s", text);
	return true;
}

/* About one line of one function. */
static int ask(void)
{
	static uint32_t last_id;
	struct message m = {.kind = PCI_TEXT, .id = ++last_id,
			    .word = {listing.function, listing.line}};
	int ret = msg_put(&pci->rpc->to_server, &m);

	if (ret <= 0)
		return ret ? ret : -EAGAIN;
	listing.asked = m.id;
	link_signal(pci);
	patience(ANSWER_NS);
	return 0;
}

/* The answer to the question that is out: 1 its line, 0 no more lines, -EAGAIN not yet, errors. */
static int answer(struct message *reply)
{
	int ret;

	do {
		ret = msg_get(&pci->rpc->to_client, reply);
		if (ret <= 0)
			return ret ? ret : -EAGAIN;
	} while (reply->id != listing.asked);
	listing.asked = 0;
	reply->text[MESSAGE_TEXT - 1] = 0;
	return reply->result == -ENOENT ? 0 : reply->result < 0 ? reply->result : 1;
}

static bool step(void)
{
	struct message reply;
	int ret = 0;

	if (!listing.begun) {
		if (listing.deadline.armed && (is_starting("bus.pci") || is_starting("acpi")))
			return false;
		if (!link_to(&pci, "bus.pci"))
			return over("nobody provides bus.pci; `modules` says why\n");
		listing.begun = true;
	}
	while (pci->up && listing.function < FUNCTIONS_MAX) {
		ret = listing.asked ? 0 : ask();
		if (!ret)
			ret = answer(&reply);
		if (ret == -EAGAIN && listing.deadline.armed)
			return false;
		if (ret < 0)
			return over("the pci module does not answer (error %d)\n", -ret);
		if (ret > 0)
			console_printf("%s\n", reply.text);
		else if (!listing.line)
			return over("%s", "");
		if (ret > 0 && ++listing.line < LINES_MAX)
			continue;
		listing.line = 0;
		listing.function++;
	}
	return over("%s", pci->up ? "" : "the pci module died\n");
}

static void pci_command(int count, char **words)
{
	listing.begun = false;
	listing.function = listing.line = listing.asked = 0;
	patience(START_NS);
	shell_wait(step);
}

const struct command shell_pci_commands[] = {
	{"pci", "", "functions on the PCI buses and their BARs", 0, 0, pci_command},
	{NULL, NULL, NULL, 0, 0, NULL},
};
