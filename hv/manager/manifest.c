// SPDX-License-Identifier: GPL-2.0-only
/* Manifest: the parser of a module's manifest text. */
#include <stdio.h>
#include <string.h>
#include <postern/errno.h>
#include "manifest.h"
#include "text.h"

static const struct {
	const char *name;
	uint32_t right;
} right_names[] = {
	{"log", RIGHT_LOG}, {"tasks", RIGHT_TASKS}, {"physmem", RIGHT_PHYSMEM},
	{"ports", RIGHT_PORTS}, {"irqs", RIGHT_IRQS}, {"pci", RIGHT_PCI},
	{"vms", RIGHT_VMS}, {"info", RIGHT_INFO}, {"power", RIGHT_POWER},
};
#define RIGHTS (sizeof(right_names) / sizeof(right_names[0]))

void manifest_rights_text(uint32_t rights, char *to, size_t size)
{
	size_t n = 0;

	to[0] = 0;
	for (unsigned i = 0; i < RIGHTS; i++)
		if (rights & right_names[i].right && n < size)
			n += snprintf(to + n, size - n, "%s%s", n ? " " : "", right_names[i].name);
}

bool manifest_has(const struct manifest_list *list, const char *class_)
{
	for (unsigned i = 0; i < list->count; i++)
		if (!strcmp(list->name[i], class_))
			return true;
	return false;
}

static bool all_taken(const char *rest)
{
	return rest[strspn(rest, " \t")] == 0;
}

static bool read_classes(const char *s, struct manifest_list *list)
{
	char word[CLASS_NAME];

	while (list->count < MANIFEST_CLASSES_MAX && text_word(&s, word, sizeof(word)))
		memcpy(list->name[list->count++], word, sizeof(word));
	return all_taken(s);
}

/* "first+count" with both inside `limit`. */
static bool read_range(char *word, uint64_t limit, struct manifest_range *r)
{
	char *plus = strchr(word, '+');

	r->count = 1;
	if (plus) {
		*plus = 0;
		if (!text_size(plus + 1, 1, &r->count))
			return false;
	}
	return text_number(word, &r->first) && r->count && r->first < limit &&
	       r->count <= limit - r->first;
}

static bool read_ranges(const char *s, uint64_t limit, struct manifest_range *r, unsigned max,
			unsigned *count)
{
	char word[48];

	while (*count < max && text_word(&s, word, sizeof(word)))
		if (!read_range(word, limit, &r[(*count)++]))
			return false;
	return all_taken(s);
}

static bool read_irq(char *word, struct manifest_irq *irq)
{
	char *slash = strchr(word, '/');
	uint64_t n;

	irq->flags = 0;
	if (slash) {
		*slash = 0;
		if (!strcmp(slash + 1, "level/low"))
			irq->flags = IRQ_LEVEL | IRQ_LOW;
		else if (!strcmp(slash + 1, "level"))
			irq->flags = IRQ_LEVEL;
		else
			return false;
	}
	if (!text_number(word, &n) || n > 255)
		return false;
	irq->gsi = n;
	return true;
}

static bool read_irqs(const char *s, struct manifest *m)
{
	char word[32];

	while (m->irqs < MODULE_IRQS_MAX && text_word(&s, word, sizeof(word)))
		if (!read_irq(word, &m->irq[m->irqs++]))
			return false;
	return all_taken(s);
}

static bool read_hex16(const char *s, size_t digits, uint16_t *n)
{
	char text[8] = "0x";
	uint64_t value;

	if (digits != 4)
		return false;
	memcpy(text + 2, s, 4);
	text[6] = 0;
	if (!text_number(text, &value))
		return false;
	*n = value;
	return true;
}

static bool read_pci(const char *s, struct manifest *m)
{
	char word[16];

	while (m->pci < MANIFEST_PCI_MAX && text_word(&s, word, sizeof(word))) {
		struct manifest_pci *p = &m->device[m->pci++];
		char *colon = strchr(word, ':');

		if (!colon || !read_hex16(colon + 1, strlen(colon + 1), &p->device))
			return false;
		p->by_class = !strncmp(word, "class:", 6);
		if (!p->by_class && !read_hex16(word, colon - word, &p->vendor))
			return false;
	}
	return all_taken(s);
}

static bool read_rights(const char *s, uint32_t *rights)
{
	char word[16];
	unsigned i;

	while (text_word(&s, word, sizeof(word))) {
		for (i = 0; i < RIGHTS && strcmp(word, right_names[i].name); i++)
			;
		if (i == RIGHTS)
			return false;
		*rights |= right_names[i].right;
	}
	return all_taken(s);
}

static bool copy(const char *value, char *to, size_t size)
{
	return (size_t)snprintf(to, size, "%s", value) < size;
}

static bool read_choice(const char *value, const char *choices, unsigned *to)
{
	int n = text_choice(value, choices);

	*to = n;
	return n >= 0;
}

/* What the value must be, or NULL when it is. */
static const char *read_pair(struct manifest *m, const char *key, const char *value)
{
	unsigned n = 0;

	switch (text_choice(key, "name|version|licence|about|provides|requires|uses|ports|irqs|pci|"
				 "physmem|dma|rights|class|start|safe")) {
	case 0:
		return text_is_name(value, MODULE_NAME_MAX) && copy(value, m->name, sizeof(m->name))
			       ? NULL : "a name of 1 to 15 letters, digits, - or _";
	case 1:
		return copy(value, m->version, sizeof(m->version)) ? NULL : "at most 15 bytes";
	case 2:
		return copy(value, m->licence, sizeof(m->licence)) ? NULL : "at most 31 bytes";
	case 3:
		return copy(value, m->about, sizeof(m->about)) ? NULL : "at most 79 bytes";
	case 4:
		return read_classes(value, &m->provides) ? NULL : "at most 6 service classes";
	case 5:
		return read_classes(value, &m->requires) ? NULL : "at most 6 service classes";
	case 6:
		return read_classes(value, &m->uses) ? NULL : "at most 6 service classes";
	case 7:
		return read_ranges(value, 0x10000, m->port, MANIFEST_PORTS_MAX, &m->ports)
			       ? NULL : "at most 16 I/O port ranges first+count below 0x10000";
	case 8:
		return read_irqs(value, m) ? NULL : "at most 16 of GSI, GSI/level, GSI/level/low";
	case 9:
		return read_pci(value, m) ? NULL : "at most 8 of vvvv:dddd or class:cccc";
	case 10:
		return read_ranges(value, 1ull << 52, m->range, MANIFEST_PHYSMEM_MAX, &m->physmem)
			       ? NULL : "at most 4 physical ranges first+bytes";
	case 11:
		return text_size(value, 1, &m->dma) ? NULL : "a size";
	case 12:
		return read_rights(value, &m->rights) ? NULL : "names of system rights";
	case 13:
		if (!read_choice(value, "driver|guest", &n))
			return "driver or guest";
		m->class_ = n ? CLASS_GUEST : CLASS_DRIVER;
		return NULL;
	case 14:
		if (!read_choice(value, "demand|boot|guest|never", &n))
			return "boot, guest, demand or never";
		m->start = n;
		return NULL;
	case 15:
		if (!read_choice(value, "no|yes", &n))
			return "yes or no";
		m->safe = n;
		return NULL;
	}
	return "a known key";
}

int manifest_parse(const char *text, size_t bytes, struct manifest *m, char *error, size_t size)
{
	struct text_line l;
	struct text t;
	const char *must;

	memset(m, 0, sizeof(*m));
	m->class_ = CLASS_DRIVER;
	if (bytes && !text[bytes - 1])
		bytes--; /* the note's text is a C string */
	text_open(&t, text, bytes);
	while (text_next(&t, &l) != TEXT_END) {
		if (l.kind != TEXT_PAIR) {
			snprintf(error, size, "manifest line %u: %s", l.number,
				 l.kind == TEXT_BAD ? l.error : "a manifest has no sections");
			return -EINVAL;
		}
		must = read_pair(m, l.key, l.value);
		if (must) {
			snprintf(error, size, "manifest line %u: %s = %.40s: must be %s", l.number,
				 l.key, l.value, must);
			return -EINVAL;
		}
	}
	if (m->name[0])
		return 0;
	snprintf(error, size, "the manifest has no name");
	return -EINVAL;
}
