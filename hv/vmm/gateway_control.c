// SPDX-License-Identifier: GPL-2.0-only
/* The gateway's life: put there before the guest starts, replaced while it runs. */
#include "clock.h"
#include "log.h"
#include "module.h"
#include <stdio.h>
#include <string.h>
#include "syscalls.h"
#include <postern/gateway.h>
#include <postern/vmi.h>
#include "guest.h"

/*
 * The guest stands still while pages are exchanged, and for nothing else: before and after that it has a turn, because
 * on its processors the main thread comes first.
 */
#define TURN_NS NS_PER_MS

static struct {
	bool waiting; /* for the processors to park, by whatever action; lock */
	bool done;
	struct gateway_swap ready;
	struct gateway_request request;
	char name[MESSAGE_TEXT];
	uint64_t began, took; /* CLOCK ns; ns */
	struct timer turn;
} swap;

static char present_name[MESSAGE_TEXT]; /* of a replacement that is the guest's gateway now */

static struct vm_mapping read_only(uint64_t from, uint64_t to)
{
	return (struct vm_mapping){.gpa = GATEWAY_AT + from,
				   .bytes = to - from,
				   .offset = GATEWAY_AT + from,
				   .memory = guest.memory,
				   .rights = MAP_READ | MAP_EXEC};
}

/* The guest may run its gateway and not change it; the page tables behind are its own. Pages of
 * bodies to come are closed now, so that a replacement changes no mapping. */
static int protect(const struct gateway *g)
{
	uint64_t end = g->pages ? g->pages * PAGE_SIZE : g->code_bytes;
	struct vm_mapping m[2];
	unsigned n = 0;

	m[n++] = read_only(0, g->tables && g->tables < end ? g->tables : end);
	if (g->tables && g->tables + GATEWAY_TABLES_BYTES < end)
		m[n++] = read_only(g->tables + GATEWAY_TABLES_BYTES, end);
	guest.pci.no_write = GATEWAY_AT; /* nor do its devices write there */
	guest.pci.no_write_bytes = end;
	return sys_vm_map(guest.vm, m, n);
}

/* The processors' private pages, at the end of the window. */
static int share(const struct gateway *g)
{
	struct vm_mapping m[GATEWAY_PRIVATE_PAGES];

	if (!(g->features >> VMI_FEATURE_PRIVATE & 1))
		return 0;
	for (unsigned n = 0; n < guest.cpus; n++) {
		m[n] = (struct vm_mapping){.gpa = GATEWAY_AT + GATEWAY_PRIVATE + n * PAGE_SIZE,
					   .bytes = PAGE_SIZE,
					   .offset = (2 * n + 1) * PAGE_SIZE,
					   .memory = guest.run_pages,
					   .rights = MAP_READ | MAP_WRITE};
		memset((uint8_t *)guest.vcpu[n].run + PAGE_SIZE, 0, PAGE_SIZE);
	}
	return sys_vm_map(guest.vm, m, guest.cpus);
}

/* The core looks for the epoch where the processor runs. */
static void tell_epochs(void)
{
	for (unsigned n = 0; n < guest.cpus; n++)
		memcpy(guest.vcpu[n].run->epoch, guest.gateway.epochs, RUN_EPOCHS);
}

/* A ROM that will not do is said, and the guest runs without it. */
void gateway_set_up(void)
{
	const struct gateway_request *q = &guest.gateway_request;
	struct gateway *g = &guest.gateway;
	const char *wrong;

	if (!q->data)
		return;
	wrong = gateway_install(&guest.ram, q, g);
	if (!wrong && (protect(g) || share(g)))
		wrong = "the core does not map it";
	if (wrong) {
		log_line("guest %s: gateway %s is refused: %s; the guest runs without it", guest.name,
			 q->name, wrong);
		memset(g, 0, sizeof(*g));
	} else {
		log_line("guest %s: gateway %s (%s), hypercall epoch %u, features %#x, %s", guest.name,
			 q->name, g->engine, g->epoch, g->features,
			 g->virtual_top ? "above the fixmap" : "in place");
	}
	tell_epochs();
}

/* --- replacement ----------------------------------------------------------------------------- */

static void answer(int64_t result)
{
	struct message m = {.kind = MSG_GUEST_ROM_DONE, .result = result};

	module_send(&m);
}

static void refuse(const char *name, const char *why)
{
	module_sentence("gateway %s is refused: %s; the guest keeps %s", name, why,
			guest.gateway.present ? guest.gateway_request.name : "running without one");
	answer(-EINVAL);
}

static void stop_guest(struct timer *t)
{
	guest_lock();
	swap.began = clock_ns();
	if (swap.waiting)
		control_begin(ACTION_SWAP); /* a graver action brings us to gateway_parked() too */
	guest_unlock();
}

static void start_swap(void)
{
	guest_lock();
	swap.waiting = true;
	swap.began = clock_ns();
	if (guest.state == GUEST_PAUSED)
		gateway_parked();
	guest_unlock();
	if (guest.state == GUEST_PAUSED)
		gateway_report(false);
	else
		timer_set(&swap.turn, clock_ns() + TURN_NS, stop_guest);
}

void gateway_replace(const struct message *m)
{
	struct gateway_request *q = &swap.request;
	const char *wrong;
	int e = 0;

	if (swap.waiting || swap.done) {
		refuse("a second one", "one is on its way");
		return;
	}
	*q = guest.gateway_request;
	memcpy(swap.name, m->text, sizeof(swap.name));
	swap.name[sizeof(swap.name) - 1] = 0;
	q->name = swap.name;
	if (guest.state != GUEST_RUNNING && guest.state != GUEST_PAUSED) {
		refuse(swap.name, "the guest does not run");
		return;
	}
	q->data = module_open_file(swap.name, &q->bytes, &e);
	if (!q->data) {
		refuse(swap.name, e == -ENOENT ? "there is no such file" : "it cannot be opened");
		return;
	}
	wrong = gateway_swap_prepare(&guest.ram, &guest.gateway, q->data, q->bytes, &swap.ready);
	if (wrong)
		refuse(swap.name, wrong);
	else
		start_swap();
}

void gateway_parked(void)
{
	if (!swap.waiting)
		return;
	gateway_swap_commit(&guest.ram, &guest.gateway, &swap.ready);
	tell_epochs();
	/* After a reset the guest begins with this one. */
	strlcpy(present_name, swap.name, sizeof(present_name));
	guest.gateway_request = swap.request;
	guest.gateway_request.name = present_name;
	swap.waiting = false;
	swap.done = true;
	swap.took = clock_ns() - swap.began;
}

static void report(struct timer *t)
{
	const struct gateway *g = &guest.gateway;

	swap.done = false;
	module_sentence("gateway %s (%s) replaces the one before: generation %u, page %u, hypercall epoch %u, "
			"%llu us",
			swap.name, g->engine, g->generation, g->next - 1, g->epoch,
			(unsigned long long)swap.took / NS_PER_US);
	answer(0);
}

void gateway_report(bool goes_on)
{
	if (!swap.done)
		return;
	timer_cancel(&swap.turn);
	if (goes_on)
		timer_set(&swap.turn, clock_ns() + TURN_NS, report);
	else
		report(NULL);
}
