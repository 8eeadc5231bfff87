/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI function's configuration space, read as a picture: pure functions that trust no byte of it.
 * PCI Local Bus 3.0 chapter 6, PCI-to-PCI Bridge 1.2 chapter 3.
 */
#ifndef PCI_CONFIG_H
#define PCI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_BYTES 256 /* of a picture */

#define REG_VENDOR 0x00
#define REG_COMMAND 0x04
#define   COMMAND_IO 0x0001
#define   COMMAND_MEMORY 0x0002
#define   COMMAND_MASTER 0x0004
#define   COMMAND_NO_INTX 0x0400
#define REG_STATUS 0x06
#define   STATUS_CAPABILITIES 0x0010
#define REG_REVISION 0x08 /* and the class code in the upper 24 bits */
#define REG_HEADER 0x0e
#define   HEADER_MULTI 0x80
#define   HEADER_DEVICE 0
#define   HEADER_BRIDGE 1
#define   HEADER_CARDBUS 2
#define REG_BAR 0x10
#define   BAR_IO 0x1
#define   BAR_TYPE 0x6
#define   BAR_TYPE_32 0x0
#define   BAR_TYPE_1M 0x2
#define   BAR_TYPE_64 0x4
#define   BAR_PREFETCH 0x8
#define REG_SECONDARY 0x19
#define REG_SUBSYSTEM 0x2c
#define REG_CAPABILITIES 0x34
#define REG_CAPABILITIES_CARDBUS 0x14
#define REG_PIN 0x3d

/* In the capabilities of messages: PCI 3.0, 6.8.1 and 6.8.2. */
#define MSI_CONTROL 2
#define   MSI_ENABLE 0x0001
#define   MSI_COUNT 0x0070
#define   MSI_64BIT 0x0080
#define   MSIX_MASK_ALL 0x4000
#define   MSIX_ENABLE 0x8000
#define MSI_ADDRESS 4
#define MSI_DATA 8
#define MSI_DATA_64 12

enum capability {
	CAP_POWER = 0x01,
	CAP_MSI = 0x05,
	CAP_VENDOR = 0x09,
	CAP_SUBSYSTEM = 0x0d,
	CAP_EXPRESS = 0x10,
	CAP_MSIX = 0x11,
};

/* 48 dwords lie behind the header, so a list cannot be longer. */
#define CAPABILITIES_MAX 48
#define BARS_MAX 6

/* What is wrong with a function; it is listed all the same. */
enum fault {
	FAULT_HEADER = 1 << 0,	 /* unknown header type: only ids and class are known */
	FAULT_CAP_RANGE = 1 << 1, /* a capability lies in the header or past the end */
	FAULT_CAP_LOOP = 1 << 2,
	FAULT_MSIX_BAR = 1 << 3, /* MSI-X table outside the BARs there are */
	FAULT_BAR_TYPE = 1 << 4, /* reserved type, or a 64-bit BAR without its second half */
	FAULT_BAR_SIZE = 1 << 5, /* the address bits that can be set are no power of two */
	FAULT_BUS = 1 << 6,	 /* a bridge whose buses are not in order */
};

struct description {
	uint16_t vendor, device;
	uint16_t subsystem_vendor, subsystem;
	uint32_t class_; /* 24 bits: base, sub, interface */
	uint8_t revision;
	uint8_t header; /* type, without HEADER_MULTI */
	bool multifunction;
	uint8_t pin;			  /* 0 none, 1 INTA .. 4 INTD */
	uint8_t secondary, subordinate;	  /* bridges */
	uint8_t bars;			  /* registers that there are */
	uint8_t power, msi, msix, express; /* offset of the capability, 0: none */
	uint8_t express_type;
	uint8_t capabilities; /* in the list */
	uint16_t msi_vectors, msix_vectors;
	uint8_t msix_bar;
	uint32_t msix_offset;
	uint16_t faults; /* enum fault */
};

/* 0; -ENODEV when nobody answers there (vendor 0xffff or 0); -EINVAL when bytes < 64. The list of
 * capabilities is read as far as `bytes` go. */
int config_describe(const uint8_t *picture, size_t bytes, struct description *d);

struct bar {
	uint64_t address;
	uint64_t bytes; /* 0: unknown */
	uint8_t flags;	/* enum pci_bar_flag of channel.h */
	bool present;
};

/* value: the registers as they are; probed: as they read back after all ones were written, or NULL
 * when the function was not probed (sizes stay 0). count <= BARS_MAX. Returns faults. */
unsigned config_bars(const uint32_t *value, const uint32_t *probed, unsigned count,
		     struct bar bars[BARS_MAX]);

#endif
