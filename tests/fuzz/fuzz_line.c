/* sources: hv/manager/line.c hv/lib/ring.c hv/lib/format.c */
// SPDX-License-Identifier: GPL-2.0-only
/* Fuzz target: typed lines, and rings whose other side is hostile. The first byte selects. */
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "lib/ring.h"
#include "manager/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lines(const uint8_t *data, size_t size)
{
	static struct line l;
	char echo[LINE_ECHO], text[LINE_BYTES + 1], *words[WORDS_MAX];

	memset(&l, 0, sizeof(l));
	for (size_t i = 0; i < size; i++) {
		if (line_input(&l, data[i], echo) == LINE_DONE) {
			memcpy(text, l.text, sizeof(text));
			line_split(text, words);
		}
		if (strlen(echo) >= LINE_ECHO || strlen(l.text) > LINE_BYTES)
			abort();
	}
}

static void rings(const uint8_t *data, size_t size)
{
	struct console_link l;
	struct msg_ring r;
	struct message m;
	char piece[300];

	memset(&l, 0, sizeof(l));
	memset(&r, 0, sizeof(r));
	for (size_t i = 0; i + 5 <= size; i += 5) {
		uint32_t v;

		memcpy(&v, data + i + 1, 4);
		switch (data[i] & 7) {
		case 0:
			l.ring.out_prod = v;
			break;
		case 1:
			l.ring.in_cons = v;
			break;
		case 2:
			r.prod = v;
			break;
		case 3:
			console_server_read(&l, piece, v % sizeof(piece));
			break;
		case 4:
			console_server_write(&l, piece, 0);
			memset(piece, v, sizeof(piece));
			console_server_write(&l, piece, v % sizeof(piece));
			break;
		case 5:
			msg_get(&r, &m);
			break;
		case 6:
			memset(&m, v, sizeof(m));
			msg_put(&r, &m);
			break;
		case 7:
			r.cons = v;
			break;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (*data & 1)
		lines(data + 1, size - 1);
	else
		rings(data + 1, size - 1);
	return 0;
}
