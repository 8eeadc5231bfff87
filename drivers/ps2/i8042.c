// SPDX-License-Identifier: GPL-2.0-only
/*
 * i8042: bringing the controller and its devices to a known state, whatever they were left in.
 *
 *   take what is left of before -> both ports off, flush -> self-test -> test and count the ports -> reset and set up each
 * device -> interrupts on
 *
 * After a death of the driver the controller is as it was, and nothing is reset: what was typed meanwhile waits there.
 */
#include "clock.h"
#include "i8042.h"
#include "log.h"
#include "module.h"

#define LOOK_NS (50 * NS_PER_US)
#define NOBODY 0xff
#define PORTS_OFF (CONFIG_KEYBOARD_OFF | CONFIG_AUX_OFF)

static struct {
	uint8_t byte;
	bool from_mouse;
} aside[FLUSH_MAX];
static unsigned aside_count, aside_taken;

static bool wait_input(void)
{
	uint64_t deadline = clock_ns() + WAIT_NS;

	while (port_in8(I8042_STATUS) & STATUS_INPUT) {
		if (clock_ns() >= deadline)
			return false;
		clock_sleep(clock_ns() + LOOK_NS);
	}
	return true;
}

/* A byte, or -1 after `ns`. */
static int read_marked(uint64_t ns, bool *from_mouse)
{
	uint64_t deadline = clock_ns() + ns;
	uint8_t status;

	while (!((status = port_in8(I8042_STATUS)) & STATUS_OUTPUT)) {
		if (clock_ns() >= deadline)
			return -1;
		clock_sleep(clock_ns() + LOOK_NS);
	}
	*from_mouse = status & STATUS_AUX;
	return port_in8(I8042_DATA);
}

static int read_byte(uint64_t ns)
{
	bool from_mouse;

	return read_marked(ns, &from_mouse);
}

static bool command(uint8_t value)
{
	if (!wait_input())
		return false;
	port_out8(I8042_COMMAND, value);
	return true;
}

static bool data(uint8_t value)
{
	if (!wait_input())
		return false;
	port_out8(I8042_DATA, value);
	return true;
}

static bool set_config(uint8_t value)
{
	return command(COMMAND_WRITE_CONFIG) && data(value);
}

/* An answer of the controller: what the mouse still had to say is marked. */
static int ask(uint8_t value, uint64_t ns)
{
	if (!command(value))
		return -1;
	for (unsigned i = 0; i < FLUSH_MAX; i++) {
		bool from_mouse = false;
		int byte = read_marked(ns, &from_mouse);

		if (byte < 0 || !from_mouse)
			return byte;
	}
	return -1;
}

/* How many bytes there were; FLUSH_MAX: they may never end. */
static unsigned drain(void)
{
	unsigned n = 0;

	for (; n < FLUSH_MAX && port_in8(I8042_STATUS) & STATUS_OUTPUT; n++) {
		port_in8(I8042_DATA);
		clock_sleep(clock_ns() + LOOK_NS);
	}
	return n;
}

/* False: bytes never end. */
static bool flush(void)
{
	drain();
	return !(port_in8(I8042_STATUS) & STATUS_OUTPUT);
}

/* What was in the controller when we came, with both ports off: these and nothing else. False: they never end. */
static bool set_aside(void)
{
	uint8_t status;

	while ((status = port_in8(I8042_STATUS)) & STATUS_OUTPUT) {
		if (aside_count == FLUSH_MAX)
			return false;
		aside[aside_count].from_mouse = status & STATUS_AUX;
		aside[aside_count++].byte = port_in8(I8042_DATA);
		clock_sleep(clock_ns() + LOOK_NS);
	}
	return true;
}

bool i8042_send_keyboard(uint8_t byte)
{
	return data(byte);
}

bool i8042_send_mouse(uint8_t byte)
{
	return command(COMMAND_TO_AUX) && data(byte);
}

/* A command to a device until it acknowledges; other bytes in between are of before. */
static bool device(bool mouse, uint8_t byte)
{
	for (unsigned tries = 0; tries < 3; tries++) {
		int answer;

		if (!(mouse ? i8042_send_mouse(byte) : i8042_send_keyboard(byte)))
			return false;
		for (unsigned n = 0; n < 8; n++) {
			answer = read_byte(WAIT_DEVICE_NS);
			if (answer == DEVICE_ACK)
				return true;
			if (answer < 0 || answer == DEVICE_RESEND)
				break;
		}
		if (answer < 0)
			return false;
	}
	return false;
}

static bool reset_device(bool mouse)
{
	if (!device(mouse, DEVICE_RESET) || read_byte(WAIT_RESET_NS) != DEVICE_PASSED)
		return false;
	if (mouse)
		read_byte(WAIT_DEVICE_NS); /* its identity: 0 */
	return true;
}

static bool set_up_keyboard(struct i8042 *p)
{
	if (!reset_device(false))
		return false;
	device(false, DEVICE_DISABLE);
	if (!device(false, DEVICE_SCAN_SET) || !device(false, 2))
		log_line("ps2: the keyboard does not take scan code set 2, its default");
	return device(false, DEVICE_ENABLE);
}

/* The magic rates that turn a wheel on (Microsoft IntelliMouse). */
static bool set_up_mouse(struct i8042 *p)
{
	static const uint8_t rates[] = {200, 100, 80};

	if (!reset_device(true))
		return false;
	for (unsigned i = 0; i < sizeof(rates); i++)
		if (!device(true, MOUSE_RATE) || !device(true, rates[i]))
			return false;
	if (device(true, MOUSE_IDENTITY))
		p->wheel = read_byte(WAIT_DEVICE_NS) == MOUSE_IS_WHEEL;
	return device(true, MOUSE_RATE) && device(true, 60) && device(true, DEVICE_ENABLE);
}

/* With the port off its bit is set in the configuration, unless there is no port. */
static bool has_aux(void)
{
	int off, on;

	if (!command(COMMAND_AUX_OFF))
		return false;
	off = ask(COMMAND_READ_CONFIG, WAIT_NS);
	if (!command(COMMAND_AUX_ON))
		return false;
	on = ask(COMMAND_READ_CONFIG, WAIT_NS);
	if (!command(COMMAND_AUX_OFF) || off < 0 || on < 0)
		return false;
	return off & CONFIG_AUX_OFF && !(on & CONFIG_AUX_OFF);
}

/* A reset of the device forgets what it has not sent yet. */
static bool keyboard_on(struct i8042 *p)
{
	if (!command(COMMAND_KEYBOARD_ON))
		return false;
	p->left += drain();
	return true;
}

static int reset_controller(struct i8042 *p)
{
	int answer;

	if (port_in8(I8042_STATUS) == NOBODY)
		return module_fail(-ENODEV, "no keyboard controller: status reads 0xff");
	p->left += drain();
	if (!command(COMMAND_KEYBOARD_OFF) || !command(COMMAND_AUX_OFF))
		return module_fail(-EIO, "the keyboard controller takes no command: status %#x",
				   port_in8(I8042_STATUS));
	if (!flush())
		return module_fail(-EIO, "the keyboard controller's output never ends: status %#x",
				   port_in8(I8042_STATUS));
	answer = ask(COMMAND_SELF_TEST, WAIT_RESET_NS);
	if (answer != SELF_TEST_OK)
		return module_fail(
			-EIO, "the keyboard controller's self-test answers %#x, not 0x55", answer);
	return 0;
}

int i8042_probe(struct i8042 *p)
{
	uint8_t config = CONFIG_SYSTEM | CONFIG_TRANSLATE;
	bool aux;
	int ret, seen;

	*p = (struct i8042){.left = aside_count - aside_taken};
	aside_count = aside_taken = 0;
	ret = reset_controller(p);
	if (ret)
		return ret;
	aux = has_aux();
	flush();
	if (!set_config(config | CONFIG_KEYBOARD_OFF | CONFIG_AUX_OFF))
		return module_fail(-EIO, "the keyboard controller takes no configuration");
	seen = ask(COMMAND_READ_CONFIG, WAIT_NS);
	p->set2 = seen >= 0 && !(seen & CONFIG_TRANSLATE); /* some do not translate */
	if (!ask(COMMAND_KEYBOARD_TEST, WAIT_NS) && keyboard_on(p))
		p->keyboard = set_up_keyboard(p);
	flush();
	if (aux && !ask(COMMAND_AUX_TEST, WAIT_NS) && command(COMMAND_AUX_ON))
		p->mouse = set_up_mouse(p);
	config |= (p->keyboard ? CONFIG_KEYBOARD_IRQ : CONFIG_KEYBOARD_OFF) |
		  (p->mouse ? CONFIG_AUX_IRQ : CONFIG_AUX_OFF);
	if (!p->keyboard && !p->mouse)
		return module_fail(-ENODEV,
				   "neither keyboard nor mouse answers at the keyboard controller");
	p->config = config;
	return set_config(config)
		       ? 0
		       : module_fail(-EIO, "the keyboard controller takes no configuration");
}

bool i8042_resume(struct i8042 *p)
{
	int seen;

	p->left = aside_count = aside_taken = 0;
	if (port_in8(I8042_STATUS) == NOBODY || !command(COMMAND_KEYBOARD_OFF) || !command(COMMAND_AUX_OFF) ||
	    !set_aside())
		return false;
	seen = ask(COMMAND_READ_CONFIG, WAIT_NS);
	if (seen < 0 || (seen ^ p->config) & ~PORTS_OFF)
		return false;
	return (!p->keyboard || command(COMMAND_KEYBOARD_ON)) && (!p->mouse || command(COMMAND_AUX_ON));
}

void i8042_rest(void)
{
	command(COMMAND_KEYBOARD_OFF);
	command(COMMAND_AUX_OFF);
	flush();
	set_config(CONFIG_SYSTEM | CONFIG_TRANSLATE | CONFIG_AUX_OFF);
	command(COMMAND_KEYBOARD_ON);
}

int i8042_take(uint8_t *byte, bool *from_mouse)
{
	uint8_t status;

	if (aside_taken < aside_count) {
		*byte = aside[aside_taken].byte;
		*from_mouse = aside[aside_taken++].from_mouse;
		return 1;
	}
	status = port_in8(I8042_STATUS);
	if (status == NOBODY || !(status & STATUS_OUTPUT))
		return 0;
	*byte = port_in8(I8042_DATA);
	*from_mouse = status & STATUS_AUX;
	return 1;
}
