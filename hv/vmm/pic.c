// SPDX-License-Identifier: GPL-2.0-only
/* PIC: the pair of 8259A. */
#include "pic.h"

#define ICW1_INIT 0x10
#define ICW1_LEVEL 0x08
#define ICW1_SINGLE 0x02
#define ICW1_ICW4 0x01
#define ICW4_AUTO_EOI 0x02
#define ICW4_NESTED 0x10
#define OCW3 0x08
#define CASCADE 2

/* Inputs in the order of priority, best first; 8: none is set. */
static unsigned best(const struct pic_chip *c, uint8_t mask)
{
	for (unsigned n = 0; n < 8; n++) {
		unsigned input = (c->lowest + 1 + n) & 7;

		if (mask & 1 << input)
			return n;
	}
	return 8;
}

/* The input that would be acknowledged now, or -1. */
static int pending(const struct pic_chip *c, bool master)
{
	unsigned request = best(c, c->irr & ~c->imr);
	uint8_t service = c->isr;

	if (request == 8)
		return -1;
	if (c->special_mask)
		service &= ~c->imr;
	/* In special fully nested mode the slave may interrupt its own service. */
	if (c->special_nested && master)
		service &= ~(1 << CASCADE);
	if (request >= best(c, service))
		return -1;
	return (c->lowest + 1 + request) & 7;
}

static void chip_line(struct pic_chip *c, unsigned input, bool level)
{
	uint8_t bit = 1 << input;

	if (c->elcr & bit) {
		c->irr = level ? c->irr | bit : c->irr & ~bit;
	} else if (level) {
		if (!(c->lines & bit))
			c->irr |= bit;
	} else {
		/* The request latch follows the input down until it is acknowledged. */
		c->irr &= ~bit;
	}
	c->lines = level ? c->lines | bit : c->lines & ~bit;
}

static void update(struct pic *p)
{
	bool level;

	chip_line(&p->chip[0], CASCADE, pending(&p->chip[1], false) >= 0);
	level = pending(&p->chip[0], true) >= 0;
	if (level != p->level) {
		p->level = level;
		line_set(&p->output, level);
	}
}

void pic_reset(struct pic *p)
{
	for (unsigned i = 0; i < 2; i++) {
		struct pic_chip *c = &p->chip[i];
		uint8_t lines = c->lines;

		*c = (struct pic_chip){.lowest = 7, .imr = 0xff, .lines = lines};
		c->elcr_mask = i ? 0xde : 0xf8;
	}
	p->chip[0].lines &= ~(1 << CASCADE);
	update(p);
}

void pic_set_line(struct pic *p, unsigned irq, bool level)
{
	if (irq > 15 || irq == CASCADE)
		return;
	chip_line(&p->chip[irq >> 3], irq & 7, level);
	update(p);
}

static void take(struct pic_chip *c, unsigned input)
{
	if (!(c->elcr & 1 << input))
		c->irr &= ~(1 << input);
	if (c->auto_eoi) {
		if (c->rotate_on_auto_eoi)
			c->lowest = input;
	} else {
		c->isr |= 1 << input;
	}
}

uint8_t pic_acknowledge(struct pic *p)
{
	struct pic_chip *m = &p->chip[0], *s = &p->chip[1];
	int input = pending(m, true), slave;
	uint8_t vector;

	if (input < 0) {
		vector = m->base + 7;
	} else if (input == CASCADE) {
		slave = pending(s, false);
		take(m, CASCADE);
		if (slave >= 0)
			take(s, slave);
		vector = s->base + (slave >= 0 ? slave : 7);
	} else {
		take(m, input);
		vector = m->base + input;
	}
	update(p);
	return vector;
}

static void end_of_interrupt(struct pic_chip *c, uint8_t command)
{
	unsigned input, which = command & 7;

	switch (command >> 5) {
	case 0: /* rotate in auto EOI mode: clear */
	case 4: /* set */
		c->rotate_on_auto_eoi = command >> 7;
		break;
	case 1: /* non-specific EOI */
	case 5: /* and rotate */
		input = best(c, c->isr);
		if (input == 8)
			break;
		input = (c->lowest + 1 + input) & 7;
		c->isr &= ~(1 << input);
		if (command >> 5 == 5)
			c->lowest = input;
		break;
	case 3: /* specific EOI */
	case 7:
		c->isr &= ~(1 << which);
		if (command >> 5 == 7)
			c->lowest = which;
		break;
	case 6: /* set priority */
		c->lowest = which;
		break;
	}
}

static void command(struct pic_chip *c, uint8_t value)
{
	if (value & ICW1_INIT) {
		/* ICW1 clears the edge latch, the mask and the modes; 8259A data sheet,
		 * "Initialization". */
		*c = (struct pic_chip){.lowest = 7,
				       .base = c->base,
				       .lines = c->lines,
				       .elcr = c->elcr,
				       .elcr_mask = c->elcr_mask,
				       .icw4 = value & ICW1_ICW4,
				       .init = 2};
		c->irr = c->lines & c->elcr;
	} else if (value & OCW3) {
		if (value & 0x04)
			c->poll = true;
		if (value & 0x02)
			c->read_isr = value & 1;
		if (value & 0x40)
			c->special_mask = value >> 5 & 1;
	} else {
		end_of_interrupt(c, value);
	}
}

static void data(struct pic_chip *c, uint8_t value)
{
	switch (c->init) {
	case 2:
		c->base = value & 0xf8;
		c->init = 3;
		break;
	case 3: /* the wiring is fixed: ICW3 is taken as given */
		c->init = c->icw4 ? 4 : 0;
		break;
	case 4:
		c->auto_eoi = value & ICW4_AUTO_EOI;
		c->special_nested = value & ICW4_NESTED;
		c->init = 0;
		break;
	default:
		c->imr = value;
	}
}

void pic_write(struct pic *p, unsigned port, uint8_t value)
{
	struct pic_chip *c = &p->chip[port >= PIC_SLAVE];

	switch (port) {
	case PIC_MASTER:
	case PIC_SLAVE:
		command(c, value);
		break;
	case PIC_MASTER + 1:
	case PIC_SLAVE + 1:
		data(c, value);
		break;
	case PIC_ELCR:
	case PIC_ELCR + 1:
		c = &p->chip[port & 1];
		c->elcr = value & c->elcr_mask;
		break;
	}
	update(p);
}

/* A poll acknowledges what is pending, as INTA does, and names it. */
static uint8_t poll_chip(struct pic *p, unsigned i)
{
	struct pic_chip *c = &p->chip[i];
	int input = pending(c, i == 0);

	c->poll = false;
	if (input < 0)
		return 0;
	take(c, input);
	update(p);
	return 0x80 | input;
}

uint8_t pic_read(struct pic *p, unsigned port)
{
	struct pic_chip *c = &p->chip[port >= PIC_SLAVE && port < PIC_ELCR];

	switch (port) {
	case PIC_MASTER:
	case PIC_SLAVE:
		if (c->poll)
			return poll_chip(p, c - p->chip);
		return c->read_isr ? c->isr : c->irr;
	case PIC_MASTER + 1:
	case PIC_SLAVE + 1:
		if (c->poll)
			return poll_chip(p, c - p->chip);
		return c->imr;
	case PIC_ELCR:
	case PIC_ELCR + 1:
		return p->chip[port & 1].elcr;
	}
	return 0xff;
}
