// SPDX-License-Identifier: GPL-2.0-only
/* Names: ahci0, ahci0p2, label:NAME, guid:GUID, serial:TEXT. What is not unique is refused. */
#include <string.h>
#include "volume.h"

static bool is_guid(const uint8_t *guid, const char *text)
{
	static const uint8_t none[16];
	char ours[37];

	guid_text(guid, ours);
	return memcmp(guid, none, 16) && !strcasecmp(ours, text);
}

static bool matches(const struct disk *d, const struct volume *v, const char *want)
{
	if (!strncmp(want, "label:", 6))
		return want[6] && (!strcmp(v->label, want + 6) || !strcmp(v->filesystem, want + 6));
	if (!strncmp(want, "guid:", 5))
		return is_guid(v->guid, want + 5);
	if (!strncmp(want, "serial:", 7))
		return v == d->volume && want[7] && !strcmp(d->identity.serial, want + 7);
	return !strcmp(v->name, want);
}

const struct volume *volume_find(const char *want, struct disk **where, const char **why)
{
	const struct volume *found = NULL;
	bool removed = false;

	*why = NULL;
	for (unsigned i = 0; i < DISKS_MAX; i++) {
		struct disk *d = disks[i];

		for (unsigned v = 0; d && (d->known || d->removed) && v < d->volumes; v++) {
			if (!matches(d, &d->volume[v], want))
				continue;
			if (d->removed) {
				removed = true;
				continue;
			}
			if (found) {
				*why = "more than one volume has that name";
				return NULL;
			}
			found = &d->volume[v];
			*where = d;
		}
	}
	if (!found && removed)
		*why = "the disk was removed";
	return found;
}
