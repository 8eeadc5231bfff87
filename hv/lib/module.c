// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module: the main loop of a program that has verbs instead of a main().
 *
 * Three sources wake it: bits of the main event, messages from the manager, deadlines. PING is
 * answered wherever control messages are read, also while a verb waits for a file; the others keep
 * their order.
 */
#include <string.h>
#include <stdarg.h>
#include "argument.h"
#include "clock.h"
#include "connection.h"
#include "device.h"
#include "init.h"
#include "log.h"
#include "module.h"
#include "ring.h"
#include "stdio.h"
#include "stdlib.h"
#include "syscalls.h"
#include "thread.h"
#include "timer.h"

#define WAKE_ALL (~0ull >> 1)
#define WAKE_IRQS (((1ull << MODULE_IRQS_MAX) - 1) << EVENT_BIT_IRQ)
#define DEFERRED_MAX 64
/* The manager may die, and its next life begin after a pause: answers come late, and nobody empties the ring. */
#define ANSWER_WAIT (20 * NS_PER_S)
#define ROOM_WAIT (20 * NS_PER_MS)
#define ROOM_WAITS 500

static struct channel *const control = (struct channel *)CHANNEL_VA;
static struct mutex send_lock;
static uint32_t irq_handle[MODULE_IRQS_MAX], irq_bit[MODULE_IRQS_MAX];
static struct message deferred[DEFERRED_MAX];
static unsigned deferred_count;
static uint32_t own_event[64]; /* handles with one bit each, for module_signal */
static bool stopping, started;

const struct start_info *module_start(void)
{
	return start_page();
}

int module_argument(const char *key, unsigned nth, char *to, size_t size)
{
	const struct start_info *s = start_page();

	return argument_find(s->arguments, sizeof(s->arguments), key, nth, to, size);
}

uint64_t module_argument_number(const char *key, uint64_t otherwise)
{
	char text[32], *end;
	uint64_t n;
	int length = module_argument(key, 0, text, sizeof(text));

	if (length <= 0 || length >= (int)sizeof(text))
		return otherwise;
	n = strtoull(text, &end, 0);
	return *end ? otherwise : n;
}

int module_send(const struct message *m)
{
	unsigned waits = m->kind == MSG_PONG || m->kind == MSG_STATUS ? 0 : ROOM_WAITS;
	int ret;

	for (;;) {
		mutex_lock(&send_lock);
		ret = msg_put(&control->to_client, m);
		mutex_unlock(&send_lock);
		if (ret || !waits--)
			break;
		clock_sleep(clock_ns() + ROOM_WAIT);
	}
	if (ret > 0)
		sys_event_signal(start_page()->manager);
	return ret;
}

void module_status(const char *format, ...)
{
	struct message m = {.kind = MSG_STATUS};
	va_list args;

	va_start(args, format);
	vsnprintf(m.text, sizeof(m.text), format, args);
	va_end(args);
	if (control->to_client.prod - control->to_client.cons < MSG_RING_SLOTS / 2) /* the rest is for what counts */
		module_send(&m);
}

static void sentence(const char *format, va_list args)
{
	char text[sizeof(control->sentence)];

	vsnprintf(text, sizeof(text), format, args);
	memcpy(control->sentence, text, sizeof(text));
	log_line("%s", text);
}

void module_sentence(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	sentence(format, args);
	va_end(args);
}

int module_fail(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	sentence(format, args);
	va_end(args);
	return error;
}

void module_signal(uint64_t bits)
{
	for (; bits; bits &= bits - 1) {
		unsigned bit = __builtin_ctzll(bits);
		uint32_t event = __atomic_load_n(&own_event[bit], __ATOMIC_ACQUIRE);
		int64_t made;

		if (!event) {
			made = sys_handle_grant(HANDLE_SELF, start_page()->event, RIGHT_SIGNAL,
						1ull << bit);
			if (made < 0)
				return;
			event = made;
			__atomic_store_n(&own_event[bit], event, __ATOMIC_RELEASE);
		}
		sys_event_signal(event);
	}
}

/* One message from the manager that is not a PING. 1, 0 none, -EIO. */
static int receive(struct message *m)
{
	int ret;

	while ((ret = msg_get(&control->to_server, m)) > 0) {
		if (m->kind != MSG_PING)
			return 1;
		m->kind = MSG_PONG;
		module_send(m);
	}
	return ret;
}

static void start_module(void)
{
	struct message m = {.kind = MSG_READY};
	int ret = module.probe ? module.probe() : 0;

	if (ret < 0) {
		m.kind = MSG_FAILED;
		m.word[0] = ret;
		if (!control->sentence[0])
			module_sentence("probe failed: error %d", -ret);
	}
	started = ret >= 0;
	module_send(&m);
}

static void dispatch(const struct message *m)
{
	switch (m->kind) {
	case MSG_IRQ:
		if (m->irq.index < MODULE_IRQS_MAX && m->irq.bit < 64) {
			irq_handle[m->irq.index] = m->irq.handle;
			irq_bit[m->irq.index] = m->irq.bit;
		}
		break;
	case MSG_CONNECT:
		connection_open(m);
		break;
	case MSG_DISCONNECT:
		connection_close(m);
		break;
	case MSG_PEER:
		connection_peer(m);
		break;
	case MSG_TERMS:
		connection_terms(m);
		break;
	case MSG_SHARED:
		if (m->share.connection)
			connection_shared(m);
		else
			memory_given(m);
		break;
	case MSG_DEVICE:
		device_given(m);
		break;
	case MSG_BAR:
		device_bar_given(m);
		break;
	case MSG_START:
		start_module();
		break;
	case MSG_STOP:
		stopping = true;
		break;
	default:
		if (module.control)
			module.control(m);
	}
}

static int next_control(struct message *m)
{
	if (!deferred_count)
		return receive(m);
	*m = deferred[0];
	deferred_count--;
	memmove(deferred, deferred + 1, deferred_count * sizeof(*m));
	return 1;
}

static void serve_control(void)
{
	struct message m;

	while (!stopping && next_control(&m) > 0)
		dispatch(&m);
}

static int defer(const struct message *m)
{
	if (deferred_count == DEFERRED_MAX)
		return -ENOSPC;
	deferred[deferred_count++] = *m;
	return 0;
}

int module_defer_control(void)
{
	struct message m;
	int ret;

	while (deferred_count < DEFERRED_MAX && (ret = receive(&m)) > 0)
		defer(&m);
	return deferred_count;
}

void module_alive(void)
{
	if (module_defer_control())
		module_signal(1ull << EVENT_BIT_CONTROL);
}

static int wait_reply(struct message *m, uint16_t kind, uint32_t id, uint64_t deadline)
{
	int ret;

	for (;;) {
		while ((ret = receive(m)) > 0) {
			if (m->kind == kind && m->id == id)
				return 0;
			ret = defer(m);
			if (ret)
				return ret;
		}
		if (ret < 0)
			return ret;
		if (clock_ns() >= deadline)
			return -ETIMEDOUT;
		sys_event_wait(start_page()->event, 1ull << EVENT_BIT_CONTROL, deadline);
	}
}

const void *module_open_file(const char *name, uint64_t *bytes, int *error)
{
	static uint32_t last_id;
	struct message m = {.kind = MSG_OPEN_FILE, .id = ++last_id};
	struct mem_info info;
	char *at;
	int ret;

	if (strlcpy(m.text, name, sizeof(m.text)) >= sizeof(m.text)) {
		*error = -E2BIG;
		return NULL;
	}
	ret = module_send(&m) > 0 ? wait_reply(&m, MSG_OPEN_FILE | MSG_REPLY, m.id,
					       clock_ns() + ANSWER_WAIT) : -EIO;
	if (!ret)
		ret = m.result < 0 ? m.result : sys_mem_info(m.file.memory, &info);
	if (ret) {
		*error = ret;
		return NULL;
	}
	at = space_map(m.file.memory, info.bytes, MAP_READ);
	sys_handle_close(m.file.memory);
	*error = at ? 0 : -ENOMEM;
	*bytes = m.file.bytes;
	return at ? at + m.file.offset : NULL;
}

int module_open(const char *class_, uint32_t port, const char *argument)
{
	static uint32_t last_id;
	struct message m = {.kind = MSG_OPEN, .id = ++last_id, .open = {.port = port}};
	int ret;

	if (strlcpy(m.open.class_, class_, CLASS_NAME) >= CLASS_NAME ||
	    strlcpy(m.open.argument, argument, sizeof(m.open.argument)) >= sizeof(m.open.argument))
		return -E2BIG;
	if (module_send(&m) <= 0)
		return -EIO;
	ret = wait_reply(&m, MSG_OPEN | MSG_REPLY, m.id, clock_ns() + ANSWER_WAIT);
	module_alive(); /* what came behind the reply is waited for by nobody else */
	return ret ? ret : m.result;
}

void module_close(uint32_t connection)
{
	struct message m = {.kind = MSG_CLOSE, .connect = {.connection = connection}};

	module_send(&m);
}

static void serve_interrupts(uint64_t bits)
{
	if (!(bits >> EVENT_BIT_IRQ))
		return;
	for (unsigned i = 0; i < MODULE_IRQS_MAX; i++)
		if (irq_handle[i] && bits & 1ull << irq_bit[i] && started && module.interrupt)
			module.interrupt(i, irq_handle[i]);
}

int main(void)
{
	uint64_t own;
	int64_t bits;

	while (!stopping) {
		/* A line that the last life left raised fires at once; it is the driver's to acknowledge, so it waits for probe(). */
		bits = sys_event_wait(start_page()->event, started ? WAKE_ALL : WAKE_ALL & ~WAKE_IRQS, timer_next());
		if (bits < 0) {
			log_line("the main event cannot be waited for: error %d", (int)-bits);
			return 1;
		}
		serve_control();
		connection_serve(bits);
		serve_interrupts(bits);
		own = WAKE_ALL & (~0ull << EVENT_BIT_OWN | device_irq_bits());
		if (bits & own && module.event)
			module.event(bits & own);
		timer_run(clock_ns());
	}
	if (started && module.remove)
		module.remove();
	return 0;
}
