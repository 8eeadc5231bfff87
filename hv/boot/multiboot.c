// SPDX-License-Identifier: GPL-2.0-only
// Multiboot 1 and 2 information.
#include "boot/multiboot.h"
#include "boot/text.h"
#include "lib/bytes.h"
#include <postern/errno.h>
#include <stdbool.h>

#define MB1_MEMORY (1 << 0)
#define MB1_COMMAND_LINE (1 << 2)
#define MB1_MODULES (1 << 3)
#define MB1_MEMORY_MAP (1 << 6)
#define MB1_FRAMEBUFFER (1 << 12)
#define MB1_FLAGS_AT 0
#define MB1_MEM_UPPER_AT 8
#define MB1_COMMAND_LINE_AT 16
#define MB1_MODULES_AT 20
#define MB1_MEMORY_MAP_AT 44
#define MB1_FRAMEBUFFER_AT 88
#define MB1_INFO_BYTES 116
#define MB1_INFO_MIN 52
#define MB1_MODULE_BYTES 16

#define MB2_TAG_END 0
#define MB2_TAG_COMMAND_LINE 1
#define MB2_TAG_MODULE 3
#define MB2_TAG_MEMORY_MAP 6
#define MB2_TAG_FRAMEBUFFER 8
#define MB2_TAG_RSDP_1 14
#define MB2_TAG_RSDP_2 15
#define MB2_INFO_MAX (1 << 20)

#define MEMORY_USABLE 1
#define FRAMEBUFFER_RGB 1
#define MAP_ENTRIES_MAX 1024

static void copy_text(char *out, size_t size, const char *text, size_t length)
{
	size_t n = strnlen(text, length);

	if (n > size - 1)
		n = size - 1;
	memcpy(out, text, n);
	out[n] = 0;
}

// Loaders leave C strings of unknown length behind a pointer.
static void read_string(const struct multiboot_view *v, uint64_t phys, char *out, size_t size)
{
	size_t n;

	for (n = 0; n < size - 1; n++) {
		const char *c = v->at(v->context, phys + n, 1);

		if (!c || !*c)
			break;
		out[n] = *c;
	}
	out[n] = 0;
}

static const char *word_end(const char *p)
{
	while (*p && *p != ' ')
		p++;
	return p;
}

// "path name=X rest", "path rest": the name, and what follows the first word.
static void name_module(struct boot_module *m, const char *line)
{
	const char *word = line, *end, *p;

	while (*word == ' ')
		word++;
	end = word_end(word);
	for (p = end; p > word && p[-1] != '/'; p--)
		;
	copy_text(m->name, sizeof(m->name), p, end - p);
	if (!strncmp(word, "name=", 5))
		end = word;
	while (*end == ' ')
		end++;
	copy_text(m->arguments, sizeof(m->arguments), end, strlen(end));
	for (p = m->arguments; *p; p++) {
		if (strncmp(p, "name=", 5) || (p != m->arguments && p[-1] != ' '))
			continue;
		p += 5;
		copy_text(m->name, sizeof(m->name), p, word_end(p) - p);
		break;
	}
}

static void add_module(struct multiboot_result *out, uint64_t start, uint64_t end, const char *line)
{
	struct boot_module *m = &out->info->module[out->info->modules];

	if (end <= start)
		return;
	if (out->info->modules == BOOT_MODULES_MAX) {
		out->modules_lost++;
		return;
	}
	out->info->modules++;
	m->phys = start;
	m->bytes = end - start;
	name_module(m, line);
}

static void set_framebuffer(struct boot_info *info, const uint8_t *p)
{
	uint32_t pitch = get32(p + 8), width = get32(p + 12), height = get32(p + 16), bpp = p[20];

	if (p[21] != FRAMEBUFFER_RGB || (bpp != 24 && bpp != 32) || !width || !height ||
	    width > 16384 || height > 16384 || pitch / (bpp / 8) < width || pitch > 65536 * 4)
		return;
	info->framebuffer_phys = get64(p);
	info->framebuffer_pitch = pitch;
	info->framebuffer_width = width;
	info->framebuffer_height = height;
	info->framebuffer_bpp = bpp;
}

// Two passes: usable ranges first, so that a reserved one that overlaps wins whatever the order.
static void memory_entry(struct multiboot_result *out, uint64_t base, uint64_t bytes, uint32_t type,
			 int pass)
{
	if (pass == 0 && type == MEMORY_USABLE)
		ram_add(&out->ram, base, bytes);
	if (pass == 1 && type != MEMORY_USABLE)
		ram_remove(&out->ram, base, bytes);
}

static void mb1_memory_map(const struct multiboot_view *v, uint32_t at, uint32_t length,
			   struct multiboot_result *out, int pass)
{
	uint32_t offset = 0;

	for (unsigned n = 0; n < MAP_ENTRIES_MAX && offset < length && length - offset >= 24; n++) {
		const uint8_t *p = v->at(v->context, (uint64_t)at + offset, 24);

		if (!p)
			return;
		memory_entry(out, get64(p + 4), get64(p + 12), get32(p + 20), pass);
		if (get32(p) < 20 || get32(p) > length)
			return;
		offset += get32(p) + 4;
	}
}

static void mb1_modules(const struct multiboot_view *v, uint32_t count, uint32_t at,
			struct multiboot_result *out)
{
	char line[sizeof(out->info->module[0].arguments) + sizeof(out->info->module[0].name)];

	for (uint32_t i = 0; i < count && i < 2 * BOOT_MODULES_MAX; i++) {
		const uint8_t *p =
			v->at(v->context, (uint64_t)at + i * MB1_MODULE_BYTES, MB1_MODULE_BYTES);

		if (!p)
			return;
		line[0] = 0;
		if (get32(p + 8))
			read_string(v, get32(p + 8), line, sizeof(line));
		add_module(out, get32(p), get32(p + 4), line);
	}
}

static int mb1_parse(uint64_t info, const struct multiboot_view *v, struct multiboot_result *out)
{
	const uint8_t *p = v->at(v->context, info, MB1_INFO_MIN);
	uint32_t flags;

	if (!p)
		return -EFAULT;
	flags = get32(p + MB1_FLAGS_AT);
	if (flags & MB1_COMMAND_LINE)
		read_string(v, get32(p + MB1_COMMAND_LINE_AT), out->info->command_line,
			    sizeof(out->info->command_line));
	if (flags & MB1_MODULES)
		mb1_modules(v, get32(p + MB1_MODULES_AT), get32(p + MB1_MODULES_AT + 4), out);
	for (int pass = 0; flags & MB1_MEMORY_MAP && pass < 2; pass++)
		mb1_memory_map(v, get32(p + MB1_MEMORY_MAP_AT + 4), get32(p + MB1_MEMORY_MAP_AT),
			       out, pass);
	if (!(flags & MB1_MEMORY_MAP) && flags & MB1_MEMORY)
		ram_add(&out->ram, 1 << 20, (uint64_t)get32(p + MB1_MEM_UPPER_AT) << 10);
	if (flags & MB1_FRAMEBUFFER && v->at(v->context, info, MB1_INFO_BYTES))
		set_framebuffer(out->info, p + MB1_FRAMEBUFFER_AT);
	return 0;
}

static void mb2_module(const uint8_t *tag, uint32_t size, struct multiboot_result *out)
{
	char line[sizeof(out->info->module[0].arguments) + sizeof(out->info->module[0].name)];

	if (size < 16)
		return;
	copy_text(line, sizeof(line), (const char *)tag + 16, size - 16);
	add_module(out, get32(tag + 8), get32(tag + 12), line);
}

static void mb2_memory_map(const uint8_t *tag, uint32_t size, struct multiboot_result *out)
{
	uint32_t entry = size >= 16 ? get32(tag + 8) : 0;

	if (entry < 24)
		return;
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t at = 16; at <= size && size - at >= entry; at += entry)
			memory_entry(out, get64(tag + at), get64(tag + at + 8),
				     get32(tag + at + 16), pass);
}

static void mb2_tag(uint32_t type, const uint8_t *tag, uint32_t size, struct multiboot_result *out)
{
	switch (type) {
	case MB2_TAG_COMMAND_LINE:
		copy_text(out->info->command_line, sizeof(out->info->command_line),
			  (const char *)tag + 8, size - 8);
		break;
	case MB2_TAG_MODULE:
		mb2_module(tag, size, out);
		break;
	case MB2_TAG_MEMORY_MAP:
		mb2_memory_map(tag, size, out);
		break;
	case MB2_TAG_FRAMEBUFFER:
		if (size >= 30)
			set_framebuffer(out->info, tag + 8);
		break;
	case MB2_TAG_RSDP_1:
	case MB2_TAG_RSDP_2:
		if (size - 8 < out->rsdp_bytes || size < 8 + 20)
			break;
		out->rsdp_bytes = size - 8 < sizeof(out->rsdp) ? size - 8 : sizeof(out->rsdp);
		memcpy(out->rsdp, tag + 8, out->rsdp_bytes);
		break;
	}
}

static int mb2_parse(uint64_t info, const struct multiboot_view *v, struct multiboot_result *out)
{
	const uint8_t *head = v->at(v->context, info, 8), *p;
	uint32_t total, at, size;

	if (!head)
		return -EFAULT;
	total = get32(head);
	if (total < 16 || total > MB2_INFO_MAX)
		return -EINVAL;
	p = v->at(v->context, info, total);
	if (!p)
		return -EFAULT;
	for (at = 8; total - at >= 8; at += (size + 7) & ~7u) {
		size = get32(p + at + 4);
		if (get32(p + at) == MB2_TAG_END || size < 8 || size > total - at)
			break;
		mb2_tag(get32(p + at), p + at, size, out);
		if (((size + 7) & ~7u) > total - at)
			break;
	}
	return 0;
}

int multiboot_parse(uint32_t magic, uint64_t info, const struct multiboot_view *v,
		    struct multiboot_result *out)
{
	switch (magic) {
	case MULTIBOOT1_MAGIC:
		return mb1_parse(info, v, out);
	case MULTIBOOT2_MAGIC:
		return mb2_parse(info, v, out);
	default:
		return -EINVAL;
	}
}
