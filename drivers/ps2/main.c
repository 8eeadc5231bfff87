// SPDX-License-Identifier: GPL-2.0-only
/*
 * PS2: keyboard and mouse behind the PC's keyboard controller; server of the class `input`.
 *
 * Its one client is the manager, who gives the events to whoever is on the screen. Without a
 * client they stay in the device; while the ring is full they are dropped. What was typed while no life of this driver
 * was there waits in the device for the next: in which state that is, is kept in memory that outlives a life. A life
 * that ended while something was under way (a byte between device and ring, a command) leaves it unknown: then
 * all is reset, what waited is dropped, and the log says so. The lights follow the client's wish: a
 * command of two bytes, each acknowledged among the keys, so it is a small state machine.
 *
 *   IDLE --wish differs--> COMMAND --ack--> VALUE --ack--> IDLE;  no answer: IDLE, at most
 * LED_TRIES times
 */
#include <string.h>
#include <postern/manifest.h>
#include <postern/screen.h>
#include "clock.h"
#include "i8042.h"
#include "keys.h"
#include "log.h"
#include "module.h"
#include "mouse.h"
#include "syscalls.h"

MODULE_MANIFEST("name = ps2\n"
		"version = 1.0\n"
		"licence = GPL-2.0-only\n"
		"about = keyboard and mouse at the 8042 controller\n"
		"provides = input\n"
		"ports = 0x60+1 0x64+1\n"
		"irqs = 1 12\n"
		"start = boot\n"
		"safe = yes\n");

#define BYTES_MAX 256 /* in a row, before the others have their turn */
#define BUTTON_LEFT 0x110
#define LED_TRIES 3
#define LEDS 7

#define KEPT_MAGIC (0x3273702e70737400 + sizeof(struct kept))

/* What the next life goes on from. */
static struct kept {
	uint64_t magic;
	uint32_t settled; /* nothing is under way: the rest is true */
	uint8_t buttons, leds;
	struct i8042 device;
	struct key_parser keys;
	struct mouse_parser mouse;
} of_this_life, *kept = &of_this_life;

static struct connection *client;

static enum { LED_IDLE, LED_COMMAND, LED_VALUE } led_state;
static uint8_t led_wish;
static unsigned led_tries;
static struct timer led_timer;

static void under_way(void)
{
	kept->settled = false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void settle(void)
{
	__atomic_store_n(&kept->settled, led_state == LED_IDLE, __ATOMIC_SEQ_CST);
}

/* --- events ------------------------------------------------------------------------------------
 */

static void emit(const union xenkbd_in_event *e)
{
	struct xenkbd_page *page;
	uint32_t prod;

	page = (void *)((char *)client->shared + INPUT_RING_OFFSET);
	prod = page->in_prod;
	if (prod - __atomic_load_n(&page->in_cons, __ATOMIC_ACQUIRE) >= XENKBD_IN_RING_LEN)
		return;
	XENKBD_IN_RING_REF(page, prod) = *e;
	__atomic_store_n(&page->in_prod, prod + 1, __ATOMIC_RELEASE);
}

static void emit_key(uint32_t code, bool pressed)
{
	emit(&(union xenkbd_in_event){.key = {XENKBD_TYPE_KEY, pressed, code}});
}

static void mouse_byte(uint8_t byte)
{
	struct mouse_event e;

	if (!mouse_parse(&kept->mouse, byte, &e)) {
		if (kept->mouse.restarted)
			i8042_send_mouse(DEVICE_ENABLE);
		kept->mouse.restarted = false;
		return;
	}
	for (unsigned n = 0; n < 3; n++)
		if ((e.buttons ^ kept->buttons) & 1u << n)
			emit_key(BUTTON_LEFT + n, e.buttons & 1u << n);
	kept->buttons = e.buttons;
	if (e.x || e.y || e.z)
		emit(&(union xenkbd_in_event){.motion = {XENKBD_TYPE_MOTION, e.x, e.y, e.z}});
}

/* --- lights ------------------------------------------------------------------------------------
 */

static void led_begin(void);

static void led_late(struct timer *t)
{
	led_state = LED_IDLE;
	if (led_tries < LED_TRIES)
		led_begin();
}

static void led_begin(void)
{
	if (led_state != LED_IDLE || led_wish == kept->leds || !kept->device.keyboard)
		return;
	under_way();
	led_tries++;
	led_state = LED_COMMAND;
	timer_set(&led_timer, clock_ns() + WAIT_DEVICE_NS, led_late);
	i8042_send_keyboard(DEVICE_LEDS);
}

static void led_acknowledged(void)
{
	if (led_state == LED_COMMAND) {
		led_state = LED_VALUE;
		kept->leds = led_wish;
		i8042_send_keyboard(kept->leds);
		return;
	}
	timer_cancel(&led_timer);
	led_state = LED_IDLE;
	led_tries = 0;
	led_begin();
}

static void keyboard_byte(uint8_t byte)
{
	struct key_event e;

	if (byte == DEVICE_ACK && led_state != LED_IDLE) {
		led_acknowledged();
		return;
	}
	if (byte == DEVICE_RESEND && led_state != LED_IDLE)
		return; /* the timer tries again */
	if (key_parse(&kept->keys, byte, &e))
		emit_key(e.code, e.pressed);
}

/* --- the module's verbs ------------------------------------------------------------------------
 */

/* Edge-triggered: everything that is there is taken, or no edge follows. */
static void take_all(void)
{
	bool from_mouse;
	unsigned n;
	uint8_t byte;

	if (!client)
		return;
	under_way();
	for (n = 0; n < BYTES_MAX && i8042_take(&byte, &from_mouse); n++) {
		if (from_mouse)
			mouse_byte(byte);
		else
			keyboard_byte(byte);
	}
	settle();
	if (n)
		connection_signal(client);
	if (n == BYTES_MAX)
		module_signal(1ull << EVENT_BIT_OWN);
}

static void ps2_interrupt(unsigned index, uint32_t irq)
{
	sys_irq_ack(irq);
	take_all();
}

static void ps2_event(uint64_t bits)
{
	take_all();
}

static int find_kept(void)
{
	uint64_t bytes = 0;
	int64_t memory = module_kept(0, &bytes);
	int ret = 0;
	void *at;

	if (!memory || bytes < sizeof(*kept)) {
		memory = sys_mem_create(PAGE_SIZE, 0);
		ret = memory < 0 ? memory : module_keep(memory, 0);
	}
	at = ret ? NULL : space_map(memory, PAGE_SIZE, MAP_READ | MAP_WRITE);
	if (at)
		kept = at;
	return ret;
}

/* It may be what a life left that went astray. */
static bool is_in_order(const struct kept *k)
{
	return k->magic == KEPT_MAGIC && k->settled && k->mouse.count < sizeof(k->mouse.bytes) && k->keys.skip <= 2;
}

static int reset(void)
{
	int ret = i8042_probe(&kept->device);

	if (ret)
		return ret;
	if (kept->device.left)
		log_line("%u bytes of keyboard and mouse, typed before this life, are dropped", kept->device.left);
	kept->keys = (struct key_parser){.set2 = kept->device.set2};
	kept->mouse = (struct mouse_parser){.wheel = kept->device.wheel};
	kept->buttons = kept->leds = 0;
	kept->magic = KEPT_MAGIC;
	return 0;
}

static int ps2_probe(void)
{
	const struct i8042 *device;
	bool known;
	int ret = find_kept();

	if (ret)
		return module_fail(ret, "no memory for what outlives it: error %d", -ret);
	known = is_in_order(kept);
	under_way(); /* until a client has taken what waits */
	if (!known || !i8042_resume(&kept->device))
		ret = reset();
	if (ret)
		return ret;
	device = &kept->device;
	module_status("%s%s%s", device->keyboard ? "keyboard" : "no keyboard",
		      device->mouse ? ", mouse" : "", device->wheel ? " with wheel" : "");
	return 0;
}

static void ps2_remove(void)
{
	under_way();
	i8042_rest();
}

static int ps2_connected(struct connection *c)
{
	if (strcmp(c->class_, "input") || c->role != ROLE_SERVER)
		return -EINVAL;
	if (client)
		return -EBUSY;
	client = c;
	take_all();
	return 0;
}

static void ps2_disconnected(struct connection *c)
{
	if (c == client)
		client = NULL;
}

static void ps2_readable(struct connection *c)
{
	const volatile struct input_link *l = c->shared;

	if (c != client)
		return;
	led_wish = l->leds & LEDS;
	led_tries = 0;
	led_begin();
}

const struct module_ops module = {
	.probe = ps2_probe,
	.remove = ps2_remove,
	.connected = ps2_connected,
	.disconnected = ps2_disconnected,
	.readable = ps2_readable,
	.interrupt = ps2_interrupt,
	.event = ps2_event,
};
