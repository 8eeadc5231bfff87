/* SPDX-License-Identifier: GPL-2.0-only */
/* Cells: a terminal of characters, as much of one as the shell writes to: text, CR, LF, backspace,
 * "erase to the end of the line". Pure. */
#ifndef MANAGER_CELLS_H
#define MANAGER_CELLS_H

#include <stddef.h>
#include <stdint.h>

#define CELLS_COLUMNS 160
#define CELLS_ROWS 64
#define CELLS_BLANK 0x0720

struct cells {
	uint32_t columns, rows; /* at least 1, at most the above */
	uint32_t column, row; /* of the cursor; column may be `columns`: the next character wraps */
	unsigned escape;      /* 1 after ESC, 2 after ESC [ */
	uint16_t cell[CELLS_ROWS * CELLS_COLUMNS]; /* CELLS_COLUMNS a row */
};

/* Empty, of that size, cut to what there is. */
void cells_init(struct cells *c, uint32_t columns, uint32_t rows);
void cells_write(struct cells *c, const char *text, size_t bytes);

#endif
