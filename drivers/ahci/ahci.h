/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers of an AHCI host bus adapter, the memory it shares with us, and how long each wait may take.
 * Sections are of the AHCI 1.3.1 specification, "ATA" of ATA8-ACS, "MMC" of MMC-5.
 */
#ifndef AHCI_H
#define AHCI_H

#include <stdint.h>

#define AHCI_BAR 5 /* 2.1.11 */
#define AHCI_PORTS 32
#define AHCI_SLOTS 32

/* 3.1 Generic host control */
#define HBA_CAP 0x00
#define CAP_S64A (1u << 31) /* addresses of 64 bits */
#define CAP_SNCQ (1u << 30)
#define CAP_SSS (1u << 27) /* staggered spin-up */
#define CAP_SCLO (1u << 24) /* PxCMD.CLO works */
#define CAP_NCS(cap) (((cap) >> 8 & 31) + 1)
#define HBA_GHC 0x04
#define GHC_AE (1u << 31)
#define GHC_IE (1u << 1)
#define GHC_HR (1u << 0)
#define GHC_RESET_NS 1000000000ull /* 10.4.3: one second, then it hangs */
#define HBA_IS 0x08
#define HBA_PI 0x0c
#define HBA_VS 0x10
#define HBA_CAP2 0x24
#define CAP2_BOH (1u << 0)
#define HBA_BOHC 0x28 /* 10.6.3 */
#define BOHC_BB (1u << 4)
#define BOHC_OOS (1u << 1)
#define BOHC_BOS (1u << 0)
#define BOHC_NS 25000000ull	   /* within which the BIOS says busy or lets go */
#define BOHC_BUSY_NS 2000000000ull /* then it may clean up so long */
#define HBA_BYTES 0x1100

/* 3.3 Port registers, at PORT(n) + */
#define PORT(n) (0x100 + (n) * 0x80)
#define PX_CLB 0x00
#define PX_CLBU 0x04
#define PX_FB 0x08
#define PX_FBU 0x0c
#define PX_IS 0x10
#define PX_IE 0x14
#define PXI_DHRS (1u << 0)
#define PXI_PSS (1u << 1)
#define PXI_DSS (1u << 2)
#define PXI_SDBS (1u << 3)
#define PXI_UFS (1u << 4)
#define PXI_PCS (1u << 6)   /* cleared by SERR.X */
#define PXI_PRCS (1u << 22) /* cleared by SERR.N */
#define PXI_OFS (1u << 24)
#define PXI_INFS (1u << 26)
#define PXI_IFS (1u << 27)
#define PXI_HBDS (1u << 28)
#define PXI_HBFS (1u << 29)
#define PXI_TFES (1u << 30)
#define PXI_FATAL (PXI_IFS | PXI_HBDS | PXI_HBFS) /* 6.1: the port stopped */
#define PXI_HOTPLUG (PXI_PCS | PXI_PRCS)
#define PXI_USED (PXI_DHRS | PXI_PSS | PXI_SDBS | PXI_UFS | PXI_HOTPLUG | PXI_OFS | PXI_FATAL | PXI_TFES)
#define PX_CMD 0x18
#define PXC_ST (1u << 0)
#define PXC_SUD (1u << 1)
#define PXC_POD (1u << 2)
#define PXC_CLO (1u << 3)
#define PXC_FRE (1u << 4)
#define PXC_CCS(cmd) ((cmd) >> 8 & 31)
#define PXC_FR (1u << 14)
#define PXC_CR (1u << 15)
#define PXC_ATAPI (1u << 24)
#define PXC_ICC_ACTIVE (1u << 28)
#define PORT_STOP_NS 500000000ull /* 10.1.2: 500 ms for CR and for FR */
#define PX_TFD 0x20
#define TFD_ERR (1u << 0)
#define TFD_DRQ (1u << 3)
#define TFD_BSY (1u << 7)
#define TFD_ERROR(tfd) ((tfd) >> 8 & 0xff)
#define PX_SIG 0x24
#define SIG_ATA 0x00000101u
#define SIG_ATAPI 0xeb140101u
#define SIG_PORT_MULTIPLIER 0x96690101u
#define SIG_BRIDGE 0xc33c0101u
#define PX_SSTS 0x28
#define SSTS_DET(ssts) ((ssts) & 15)
#define DET_NONE 0
#define DET_NO_PHY 1
#define DET_UP 3
#define PX_SCTL 0x2c
#define SCTL_DET 15u
#define SCTL_COMRESET 1u
#define COMRESET_NS 2000000ull	      /* 10.4.2: asserted for 1 ms at least */
#define PORT_LINK_NS 200000000ull     /* until the link is up, if a device is there */
#define PORT_SPIN_UP_NS 30000000000ull /* until a disk that is there says its signature */
#define PX_SERR 0x30
#define SERR_N (1u << 16)
#define SERR_X (1u << 26)
#define PX_SACT 0x34
#define PX_CI 0x38

/* How long a command may take. */
#define IO_NS 10000000000ull
#define FLUSH_NS 60000000000ull
#define INTERNAL_NS 10000000000ull

/* 4.2.2 Command header */
struct ahci_header {
	uint16_t flags; /* dwords of the FIS, and */
#define HEADER_ATAPI (1u << 5)
#define HEADER_WRITE (1u << 6)
#define HEADER_FIS_DWORDS 5
	uint16_t prds;
	uint32_t bytes_done; /* PRDBC; not valid for queued commands */
	uint32_t table, table_high;
	uint32_t reserved[4];
};

/* 4.2.3.3 */
struct ahci_prd {
	uint32_t address, address_high;
	uint32_t reserved;
	uint32_t count; /* bytes - 1, bit 0 set */
};
#define PRD_BYTES_MAX 0x400000u
#define PRDS_MAX 256 /* a page each */

/* 4.2.3 Command table */
struct ahci_table {
	uint8_t fis[64];
	uint8_t packet[16];
	uint8_t reserved[48];
	struct ahci_prd prd[PRDS_MAX];
};

/* One port's memory: what every port has, then a table a slot. */
struct ahci_memory {
	struct ahci_header header[AHCI_SLOTS]; /* 1 KiB-aligned */
	uint8_t received[256];		       /* 256-byte-aligned, 4.2.1 */
	uint8_t pad[0x300];
	uint8_t page[0x800]; /* data of internal commands; ranges to trim */
	struct ahci_table internal;
	struct ahci_table table[AHCI_SLOTS];
};
_Static_assert(sizeof(struct ahci_header) == 32 && sizeof(struct ahci_table) == 0x1080, "4.2.2, 4.2.3");
_Static_assert(__builtin_offsetof(struct ahci_memory, received) == 0x400 &&
	       __builtin_offsetof(struct ahci_memory, internal) % 128 == 0, "alignment");

/* Frame "register, host to device", Serial ATA 10.5.5 */
#define FIS_H2D 0x27
#define FIS_COMMAND 0x80 /* in byte 1 */
enum fis_byte { FIS_TYPE, FIS_FLAGS, FIS_CMD, FIS_FEATURE, FIS_LBA0, FIS_LBA1, FIS_LBA2, FIS_DEVICE, FIS_LBA3, FIS_LBA4,
		FIS_LBA5, FIS_FEATURE_HIGH, FIS_COUNT, FIS_COUNT_HIGH };

/* ATA 7: commands */
#define ATA_READ_DMA_EXT 0x25
#define ATA_READ_LOG_EXT 0x2f
#define ATA_WRITE_DMA_EXT 0x35
#define ATA_WRITE_DMA_FUA_EXT 0x3d
#define ATA_READ_QUEUED 0x60
#define ATA_WRITE_QUEUED 0x61
#define ATA_DATA_SET 0x06
#define ATA_DATA_SET_TRIM 1
#define ATA_PACKET 0xa0
#define ATA_IDENTIFY_PACKET 0xa1
#define ATA_FLUSH_EXT 0xea
#define ATA_IDENTIFY 0xec
#define ATA_DEVICE_LBA 0x40
#define ATA_DEVICE_FUA 0x80 /* of queued writes */
#define ATA_LOG_NCQ 0x10
#define TRIM_RANGE_MAX 0xffffu
#define TRIM_RANGES 64 /* in 512 bytes */

/* MMC, SPC: packets and what went wrong */
#define PACKET_TEST_UNIT_READY 0x00
#define PACKET_REQUEST_SENSE 0x03
#define PACKET_READ_CAPACITY 0x25
#define PACKET_READ_10 0x28
#define SENSE_BYTES 18
#define SENSE_NOT_READY 2
#define SENSE_UNIT_ATTENTION 6
#define ASC_NO_MEDIUM 0x3a
#define ASC_MEDIUM_CHANGED 0x28
#define CD_SECTOR 2048

#endif
