/* SPDX-License-Identifier: GPL-2.0-only */
/* Manifest: the note of a module, parsed. The format is documented in postern/manifest.h. Pure. */
#ifndef MANAGER_MANIFEST_H
#define MANAGER_MANIFEST_H

#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>
#include <postern/channel.h>
#include <postern/syscall.h>

#define MANIFEST_CLASSES_MAX 6
#define MANIFEST_PORTS_MAX 16
#define MANIFEST_PHYSMEM_MAX 4
#define MANIFEST_PCI_MAX 8
#define MODULE_NAME_MAX 15

enum manifest_start { START_DEMAND, START_BOOT, START_GUEST, START_NEVER };

struct manifest_range {
	uint64_t first, count;
};

struct manifest_irq {
	uint32_t gsi, flags; /* enum irq_flag */
};

struct manifest_pci {
	bool by_class;
	uint16_t vendor, device; /* or class: base and sub class in `device` */
};

struct manifest_list {
	unsigned count;
	char name[MANIFEST_CLASSES_MAX][CLASS_NAME];
};

struct manifest {
	char name[MODULE_NAME_MAX + 1];
	char version[16], licence[32], about[80];
	struct manifest_list provides, requires, uses, opens;
	unsigned ports, irqs, physmem, pci;
	struct manifest_range port[MANIFEST_PORTS_MAX];
	struct manifest_irq irq[MODULE_IRQS_MAX];
	struct manifest_range range[MANIFEST_PHYSMEM_MAX];
	struct manifest_pci device[MANIFEST_PCI_MAX];
	uint64_t dma;
	uint32_t rights; /* system rights, enum right */
	uint32_t class_; /* enum sched_class */
	enum manifest_start start;
	bool safe, framebuffer;
};

/* 0 or -EINVAL with a sentence (with the line) in error. */
int manifest_parse(const char *text, size_t bytes, struct manifest *m, char *error, size_t size);
bool manifest_has(const struct manifest_list *list, const char *class_);
/* Names of system rights, blank-separated, for people. */
void manifest_rights_text(uint32_t rights, char *to, size_t size);

#endif
