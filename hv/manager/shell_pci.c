// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is on the PCI buses, as the provider of `bus.pci` tells it, for the shell. A question is
 * answered in microseconds (the first one, for which the machine's tables are read, in up to 100
 * ms) or, when its module hangs, not at all: then the shell says so and stops asking.
 */
#include "clock.h"
#include "console.h"
#include "link.h"
#include "ring.h"
#include "shell.h"

#define ANSWER_NS NS_PER_S
#define LOOK_NS (20 * NS_PER_US)
#define FUNCTIONS_MAX 512
#define LINES_MAX 8

static struct link *pci;

static struct link *connect(void)
{
	int p = graph_provider(&graph, "bus.pci", -1);
	struct instance *i = p < 0 ? NULL : instance_of(&programs[p]);

	if (!i || i->state != INST_READY)
		return NULL;
	if (!pci)
		pci = link_new("bus.pci", NULL, i, 0);
	if (pci)
		link_try(pci);
	return pci && pci->up ? pci : NULL;
}

/* One line about a function into reply->text. 0, its error, or -ETIMEDOUT. */
static int ask(struct link *l, uint64_t function, uint64_t line, struct message *reply)
{
	static uint32_t last_id;
	struct message m = {.kind = PCI_TEXT, .id = ++last_id, .word = {function, line}};
	uint64_t deadline = clock_ns() + ANSWER_NS;
	int ret = msg_put(&l->rpc->to_server, &m);

	if (ret <= 0)
		return ret ? ret : -EAGAIN;
	link_signal(l);
	while (clock_ns() < deadline) {
		ret = msg_get(&l->rpc->to_client, reply);
		if (ret < 0)
			return ret;
		if (ret > 0 && reply->id == last_id) {
			reply->text[MESSAGE_TEXT - 1] = 0;
			return reply->result;
		}
		if (!ret)
			clock_sleep(LOOK_NS);
	}
	return -ETIMEDOUT;
}

static void pci_command(int count, char **words)
{
	struct link *l = connect();
	struct message reply;
	int ret = 0;

	if (!l) {
		console_printf("nobody provides bus.pci; `modules` says why\n");
		return;
	}
	for (unsigned f = 0; f < FUNCTIONS_MAX && ret != -ETIMEDOUT; f++) {
		unsigned line = 0;

		while (line < LINES_MAX && !(ret = ask(l, f, line, &reply))) {
			console_printf("%s\n", reply.text);
			line++;
		}
		if (!line)
			break;
	}
	if (ret != -ENOENT)
		console_printf("the pci module does not answer (error %d)\n", -ret);
}

const struct command shell_pci_commands[] = {
	{"pci", "", "functions on the PCI buses and their BARs", 0, 0, pci_command},
	{NULL, NULL, NULL, 0, 0, NULL},
};
