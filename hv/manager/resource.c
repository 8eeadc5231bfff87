// SPDX-License-Identifier: GPL-2.0-only
/* Resource: boot files, boot options, and the hand-over of serial ports. */
#include <stdio.h>
#include <string.h>
#include "console.h"
#include "durable.h"
#include "guest.h"
#include "init.h"
#include "log.h"
#include "resource.h"
#include "syscalls.h"
#include "text.h"

DURABLE static uint32_t
	file_memory[BOOT_MODULES_MAX]; /* memory objects over boot files, made when asked for */
static const uint16_t console_ports[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};

const struct boot_info *boot(void)
{
	return (const struct boot_info *)BOOT_VA;
}

bool boot_option(const char *key, unsigned nth, char *to, size_t size)
{
	const char *at = boot()->command_line;
	size_t n = strlen(key);
	char word[128];

	while (text_word(&at, word, sizeof(word))) {
		if (strncmp(word, key, n) || (word[n] && word[n] != '=') || nth--)
			continue;
		snprintf(to, size, "%s", word[n] ? word + n + 1 : "");
		return true;
	}
	return false;
}

static unsigned file_count(void)
{
	return boot()->modules < BOOT_MODULES_MAX ? boot()->modules : BOOT_MODULES_MAX;
}

const struct boot_module *resource_file(const char *name)
{
	for (unsigned n = 0; n < file_count(); n++)
		if (!strcmp(boot()->module[n].name, name))
			return &boot()->module[n];
	return NULL;
}

static int64_t memory_of(const struct boot_module *f)
{
	uint32_t *memory = &file_memory[f - boot()->module];
	uint64_t skip = f->phys & (PAGE_SIZE - 1);
	int64_t made;

	if (*memory)
		return *memory;
	made = sys_mem_create_phys(start_page()->system, f->phys - skip,
				   PAGE_ROUND_UP(skip + f->bytes), 0);
	if (made > 0) {
		*memory = made;
		durable_changed(memory, sizeof(*memory));
	}
	return made;
}

const void *resource_map_file(const struct boot_module *f)
{
	uint64_t skip = f->phys & (PAGE_SIZE - 1);
	int64_t memory = memory_of(f);
	const char *at = memory < 0 ? NULL : space_map(memory, skip + f->bytes, MAP_READ);

	return at ? at + skip : NULL;
}

int resource_open_file(struct instance *i, const char *name, struct message *reply)
{
	const struct boot_module *f = resource_file(name);
	int64_t memory, theirs;

	if (!f)
		return -ENOENT;
	if (i->guest && !guest_may_open(i->guest, name))
		return -EPERM;
	memory = memory_of(f);
	if (memory < 0)
		return memory;
	theirs = sys_handle_grant(i->task, memory, RIGHT_READ, 0);
	if (theirs < 0)
		return theirs;
	memset(reply->text, 0, sizeof(reply->text));
	reply->file.memory = theirs;
	reply->file.offset = f->phys & (PAGE_SIZE - 1);
	reply->file.bytes = f->bytes;
	return 0;
}

static void switch_console(const struct instance *i, uint32_t op)
{
	const struct manifest *m = &i->program->manifest;

	for (unsigned n = 0; n < sizeof(console_ports) / sizeof(console_ports[0]); n++)
		for (unsigned p = 0; p < m->ports; p++)
			if (console_ports[n] >= m->port[p].first &&
			    console_ports[n] - m->port[p].first < m->port[p].count)
				console_port_switched(n, op == CTL_CONSOLE_RELEASE,
						      sys_system_control(start_page()->system, op,
									 console_ports[n]));
}

void resource_claimed(struct instance *i)
{
	switch_console(i, CTL_CONSOLE_RELEASE);
	i->owns_ports = true;
}

void resource_released(struct instance *i)
{
	if (i->owns_ports)
		switch_console(i, CTL_CONSOLE_TAKE);
	i->owns_ports = false;
}

void resource_handles(durable_name *mark)
{
	for (unsigned n = 0; n < BOOT_MODULES_MAX; n++)
		mark(file_memory[n]);
}
