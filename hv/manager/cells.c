// SPDX-License-Identifier: GPL-2.0-only
/* Cells. */
#include <string.h>
#include "cells.h"

static void blank(struct cells *c, uint32_t row, uint32_t from)
{
	for (uint32_t i = from; i < CELLS_COLUMNS; i++)
		c->cell[row * CELLS_COLUMNS + i] = CELLS_BLANK;
}

static uint32_t within(uint32_t value, uint32_t most)
{
	return value < 1 ? 1 : value > most ? most : value;
}

void cells_init(struct cells *c, uint32_t columns, uint32_t rows)
{
	*c = (struct cells){.columns = within(columns, CELLS_COLUMNS),
			    .rows = within(rows, CELLS_ROWS)};
	for (uint32_t row = 0; row < CELLS_ROWS; row++)
		blank(c, row, 0);
}

static void line_feed(struct cells *c)
{
	if (c->row + 1 < c->rows) {
		c->row++;
		return;
	}
	memmove(c->cell, c->cell + CELLS_COLUMNS,
		(c->rows - 1) * CELLS_COLUMNS * sizeof(c->cell[0]));
	blank(c, c->rows - 1, 0);
}

static void character(struct cells *c, char x)
{
	if (c->column == c->columns) {
		c->column = 0;
		line_feed(c);
	}
	c->cell[c->row * CELLS_COLUMNS + c->column++] = 0x0700 | (uint8_t)x;
}

static void escaped(struct cells *c, char x)
{
	if (c->escape == 1) {
		c->escape = x == '[' ? 2 : 0;
	} else if (x < '0' || x > ';') {
		c->escape = 0;
		if (x == 'K' && c->column < c->columns)
			blank(c, c->row, c->column);
	}
}

void cells_write(struct cells *c, const char *text, size_t bytes)
{
	for (; bytes; bytes--, text++) {
		if (c->escape)
			escaped(c, *text);
		else if (*text == 27)
			c->escape = 1;
		else if (*text == '\n')
			line_feed(c);
		else if (*text == '\r')
			c->column = 0;
		else if (*text == '\b')
			c->column -= c->column > 0;
		else if ((uint8_t)*text >= ' ')
			character(c, *text);
	}
}
