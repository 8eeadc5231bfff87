// SPDX-License-Identifier: GPL-2.0-only
/*
 * PS2: keyboard and mouse behind the PC's keyboard controller; server of the class `input`.
 *
 * Its one client is the manager, who gives the events to whoever is on the screen. Without a
 * client they stay in the device; while the ring is full they are dropped. What was typed while no life of this driver
 * was there is dropped, too, and the log says so. The lights follow the client's wish: a
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

static struct i8042 device;
static struct key_parser keys;
static struct mouse_parser mouse;
static uint8_t buttons;
static struct connection *client;

static enum { LED_IDLE, LED_COMMAND, LED_VALUE } led_state;
static uint8_t leds, led_wish;
static unsigned led_tries;
static struct timer led_timer;

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

	if (!mouse_parse(&mouse, byte, &e)) {
		if (mouse.restarted)
			i8042_send_mouse(DEVICE_ENABLE);
		mouse.restarted = false;
		return;
	}
	for (unsigned n = 0; n < 3; n++)
		if ((e.buttons ^ buttons) & 1u << n)
			emit_key(BUTTON_LEFT + n, e.buttons & 1u << n);
	buttons = e.buttons;
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
	if (led_state != LED_IDLE || led_wish == leds || !device.keyboard)
		return;
	led_tries++;
	led_state = LED_COMMAND;
	timer_set(&led_timer, clock_ns() + WAIT_DEVICE_NS, led_late);
	i8042_send_keyboard(DEVICE_LEDS);
}

static void led_acknowledged(void)
{
	if (led_state == LED_COMMAND) {
		led_state = LED_VALUE;
		leds = led_wish;
		i8042_send_keyboard(leds);
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
	if (key_parse(&keys, byte, &e))
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
	for (n = 0; n < BYTES_MAX && i8042_take(&byte, &from_mouse); n++) {
		if (from_mouse)
			mouse_byte(byte);
		else
			keyboard_byte(byte);
	}
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

static int ps2_probe(void)
{
	int ret = i8042_probe(&device);

	if (ret)
		return ret;
	if (device.left)
		log_line("%u bytes of keyboard and mouse, typed before this life, are dropped", device.left);
	keys.set2 = device.set2;
	mouse.wheel = device.wheel;
	module_status("%s%s%s", device.keyboard ? "keyboard" : "no keyboard",
		      device.mouse ? ", mouse" : "", device.wheel ? " with wheel" : "");
	return 0;
}

static void ps2_remove(void)
{
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
