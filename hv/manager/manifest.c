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

static bool read_irqs(struct manifest *m, const char *s)
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

static bool read_pci(struct manifest *m, const char *s)
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

static bool read_rights(struct manifest *m, const char *s)
{
	char word[16];
	unsigned i;

	while (text_word(&s, word, sizeof(word))) {
		for (i = 0; i < RIGHTS && strcmp(word, right_names[i].name); i++)
			;
		if (i == RIGHTS)
			return false;
		m->rights |= right_names[i].right;
	}
	return all_taken(s);
}

static bool copy(const char *value, char *to, size_t size)
{
	return (size_t)snprintf(to, size, "%s", value) < size;
}

/* --- the keys ---------------------------------------------------------------------------------- */

static bool read_name(struct manifest *m, const char *value)
{
	return text_is_name(value, MODULE_NAME_MAX) && copy(value, m->name, sizeof(m->name));
}

static bool read_version(struct manifest *m, const char *value)
{
	return copy(value, m->version, sizeof(m->version));
}

static bool read_licence(struct manifest *m, const char *value)
{
	return copy(value, m->licence, sizeof(m->licence));
}

static bool read_about(struct manifest *m, const char *value)
{
	return copy(value, m->about, sizeof(m->about));
}

static bool read_provides(struct manifest *m, const char *value)
{
	return read_classes(value, &m->provides);
}

static bool read_requires(struct manifest *m, const char *value)
{
	return read_classes(value, &m->requires);
}

static bool read_uses(struct manifest *m, const char *value)
{
	return read_classes(value, &m->uses);
}

static bool read_opens(struct manifest *m, const char *value)
{
	return read_classes(value, &m->opens);
}

static bool read_framebuffer(struct manifest *m, const char *value)
{
	int n = text_choice(value, "no|yes");

	m->framebuffer = n == 1;
	return n >= 0;
}

static bool read_ports(struct manifest *m, const char *value)
{
	return read_ranges(value, 0x10000, m->port, MANIFEST_PORTS_MAX, &m->ports);
}

static bool read_physmem(struct manifest *m, const char *value)
{
	return read_ranges(value, 1ull << 52, m->range, MANIFEST_PHYSMEM_MAX, &m->physmem);
}

static bool read_dma(struct manifest *m, const char *value)
{
	return text_size(value, 1, &m->dma);
}

static bool read_class(struct manifest *m, const char *value)
{
	int n = text_choice(value, "driver|guest");

	m->class_ = n ? CLASS_GUEST : CLASS_DRIVER;
	return n >= 0;
}

static bool read_start(struct manifest *m, const char *value)
{
	int n = text_choice(value, "demand|boot|guest|never"); /* in the order of the enum */

	m->start = n < 0 ? START_NEVER : (enum manifest_start)n;
	return n >= 0;
}

static bool read_safe(struct manifest *m, const char *value)
{
	int n = text_choice(value, "no|yes");

	m->safe = n == 1;
	return n >= 0;
}

static const struct {
	const char *key;
	bool (*read)(struct manifest *m, const char *value);
	const char *must; /* what a value has to be */
} keys[] = {
	{"name", read_name, "1 to 15 letters, digits, - or _"},
	{"version", read_version, "at most 15 bytes"},
	{"licence", read_licence, "at most 31 bytes"},
	{"about", read_about, "at most 79 bytes"},
	{"provides", read_provides, "at most 6 service classes"},
	{"requires", read_requires, "at most 6 service classes"},
	{"uses", read_uses, "at most 6 service classes"},
	{"opens", read_opens, "at most 6 service classes"},
	{"framebuffer", read_framebuffer, "yes or no"},
	{"ports", read_ports, "at most 16 I/O port ranges first+count below 0x10000"},
	{"irqs", read_irqs, "at most 16 of GSI, GSI/level, GSI/level/low"},
	{"pci", read_pci, "at most 8 of vvvv:dddd or class:cccc"},
	{"physmem", read_physmem, "at most 4 physical ranges first+bytes"},
	{"dma", read_dma, "a size"},
	{"rights", read_rights, "names of system rights"},
	{"class", read_class, "driver or guest"},
	{"start", read_start, "boot, guest, demand or never"},
	{"safe", read_safe, "yes or no"},
};

/* What the value must be, or NULL when it is. */
static const char *read_pair(struct manifest *m, const char *key, const char *value)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(keys[i].key, key))
			return keys[i].read(m, value) ? NULL : keys[i].must;
	return "of a known key";
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
