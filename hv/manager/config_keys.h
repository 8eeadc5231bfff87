/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys of a configuration's sections: a table for each kind of section. */
#ifndef MANAGER_CONFIG_KEYS_H
#define MANAGER_CONFIG_KEYS_H

#include "config.h"
#include "text.h"

enum key_kind {
	KEY_TEXT,    /* max = longest */
	KEY_FILE,    /* a boot file's name; KEY_REPEAT: with text behind it */
	KEY_CHOICE,  /* one of `choices` */
	KEY_NUMBER,  /* min..max */
	KEY_SIZE,    /* bytes, min..max; a bare number counts MiB */
	KEY_IO_PORT, /* an I/O port, or off */
	KEY_FEATURES, /* off, auto, or a mask of 32 bits */
};

struct key {
	const char *name;
	enum key_kind kind;
	bool repeat;
	const char *choices;
	uint64_t min, max;
	const char *otherwise; /* the value when it is not there; NULL: none */
};

extern const struct key config_postern_keys[], config_guest_keys[];

/* The key of that name or NULL. */
const struct key *key_find(const struct key *table, const char *name);
/* The key that was probably meant, or NULL. */
const struct key *key_guess(const struct key *table, const char *name);
/* Checks a value and writes it in its canonical form (numbers decimal, sizes in bytes). On error
 * false, with what is allowed in `to`. */
bool key_check(const struct key *k, const char *value, char *to, size_t size);

#endif
