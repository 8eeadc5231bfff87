/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registers and descriptors of Intel's 8254x family (82540EM, 82545EM) and the 82574L, as byte offsets in BAR 0.
 *
 * Sources: [SDM] PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual (317453); [574] 82574 GbE
 * Controller Family Datasheet (317694). Where both agree only the first is named.
 */
#ifndef E1000_REGS_H
#define E1000_REGS_H

#include <stdint.h>

#define E1000_BAR_BYTES 0x20000

/* --- [SDM] 13.4: device control ------------------------------------------------------------- */
#define CTRL 0x0000
#define   CTRL_FD 0x00000001
#define   CTRL_GIO_MASTER_DISABLE 0x00000004 /* [574] 10.2.2.1; STATUS says when it took effect */
#define   CTRL_LRST 0x00000008
#define   CTRL_ASDE 0x00000020 /* speed as the PHY found it; 8254x */
#define   CTRL_SLU 0x00000040  /* link may come up */
#define   CTRL_ILOS 0x00000080
#define   CTRL_FRCSPD 0x00000800
#define   CTRL_FRCDPX 0x00001000
#define   CTRL_RST 0x04000000 /* clears itself */
#define   CTRL_VME 0x40000000 /* tags are taken out of frames */
#define   CTRL_PHY_RST 0x80000000u
#define RESET_NO_ACCESS_NS 10000 /* 1 us is prescribed */
#define RESET_WAIT_NS 20000000
#define MASTER_WAIT_NS 2000000

#define STATUS 0x0008
#define   STATUS_FD 0x00000001
#define   STATUS_LU 0x00000002
#define   STATUS_SPEED(v) ((v) >> 6 & 3)
#define   STATUS_GIO_MASTER 0x00080000 /* [574] 10.2.2.2: requests are outstanding, or may be made */
#define   STATUS_GONE 0xffffffffu      /* what a pulled card reads as */

/* [SDM] 5.3: words of the EEPROM, read one at a time. Where the address and DONE are differs by chip. */
#define EERD 0x0014
#define   EERD_START 0x00000001
#define   EERD_DONE_8254X 0x00000010
#define   EERD_DONE_82574 0x00000002
#define   EERD_SHIFT_8254X 8
#define   EERD_SHIFT_82574 2
#define   EERD_DATA(v) ((v) >> 16)
#define EERD_WAIT_NS 2000000
#define EEPROM_MAC 0 /* three words, low byte first */

#define CTRL_EXT 0x0018
#define   CTRL_EXT_PBA_CLEAR 0x80000000u /* [574] 10.2.2.5: pending MSI-X bits clear when an interrupt is sent */

/* Flow control: off, nothing is sent or honoured. */
#define FCAL 0x0028
#define FCAH 0x002c
#define FCT 0x0030
#define FCTTV 0x0170

/* --- [SDM] 13.4.17: interrupts -------------------------------------------------------------- */
#define ICR 0x00c0 /* reading clears; with MSI-X of the 82574 writing ones does ([574] 7.4.5) */
#define ITR 0x00c4 /* least time between two interrupts, in 256 ns */
#define   ITR_DEFAULT 195 /* 50 us */
#define   ITR_BULK 7812 /* 2 ms, at most */
#define ICS 0x00c8
#define IMS 0x00d0
#define IMC 0x00d8
#define   INT_TXDW 0x00000001
#define   INT_LSC 0x00000004
#define   INT_RXDMT0 0x00000010 /* few receive descriptors are left */
#define   INT_RXO 0x00000040    /* receive overrun */
#define   INT_RXT0 0x00000080
#define   INT_RXQ0 0x00100000 /* [574]: MSI-X only, as the next two */
#define   INT_TXQ0 0x00400000
#define   INT_OTHER 0x01000000
#define EIAC 0x00dc
#define IVAR 0x00e4 /* [574] 10.2.4.9: which MSI-X vector a cause raises */
#define   IVAR_ALL_TO_0 0x80080808u /* valid bits of receive 0, receive 1's neighbour, transmit 0 and the others */

/* --- [SDM] 13.4.22: receive ----------------------------------------------------------------- */
#define RCTL 0x0100
#define   RCTL_EN 0x00000002
#define   RCTL_UPE 0x00000008 /* all unicast */
#define   RCTL_MPE 0x00000010 /* all multicast */
#define   RCTL_BAM 0x00008000 /* broadcast */
#define   RCTL_SIZE_2048 0
#define   RCTL_SECRC 0x04000000 /* the check sequence does not reach memory */
#define RX_BUFFER 2048
#define RDBAL 0x2800
#define RDBAH 0x2804
#define RDLEN 0x2808
#define RDH 0x2810
#define RDT 0x2818
#define RDTR 0x2820
#define RADV 0x282c
#define RXCSUM 0x5000
#define   RXCSUM_IPOFL 0x00000100
#define   RXCSUM_TUOFL 0x00000200

/* --- [SDM] 13.4.33: transmit ---------------------------------------------------------------- */
#define TCTL 0x0400
#define   TCTL_EN 0x00000002
#define   TCTL_PSP 0x00000008 /* short frames are padded */
#define   TCTL_CT (0x0f << 4)
#define   TCTL_COLD (0x40 << 12) /* full duplex */
#define   TCTL_RTLC 0x01000000
#define   TCTL_MULR 0x10000000 /* [574] 10.2.6.1 */
#define TIPG 0x0410
#define   TIPG_COPPER (10 | 8 << 10 | 6 << 20)
#define TDBAL 0x3800
#define TDBAH 0x3804
#define TDLEN 0x3808
#define TDH 0x3810
#define TDT 0x3818
#define TIDV 0x3820
#define TXDCTL 0x3828
#define   TXDCTL_COUNT_DESC 0x00400000 /* [574] 10.2.6.11: must be set */
#define TADV 0x382c
#define TX_DELAY 32 /* in 1.024 us: how long a sent frame's interrupt may wait for others */
#define TX_DELAY_MAX 64

/* --- [SDM] 13.5, 13.7: filters, management, statistics --------------------------------------- */
#define MTA 0x5200 /* 128 words */
#define RAL 0x5400 /* 16 pairs */
#define RAH 0x5404
#define   RAH_VALID 0x80000000u
#define RECEIVE_ADDRESSES 16
#define MULTICAST_WORDS 128
#define MANC 0x5820
#define   MANC_ARP 0x00002000 /* firmware answers ARP */
#define CRCERRS 0x4000 /* counters clear when read */
#define RXERRC 0x400c
#define MPC 0x4010
#define RNBC 0x40a0
#define RLEC 0x4040

/* --- [SDM] 3.2.3: receive descriptor ---------------------------------------------------------- */
struct rx_descriptor {
	uint64_t address;
	uint16_t length;
	uint16_t checksum;
	uint8_t status;
	uint8_t errors;
	uint16_t special;
};
#define RX_DD 0x01
#define RX_EOP 0x02
#define RX_IXSM 0x04  /* the checksum bits mean nothing */
#define RX_TCPCS 0x20 /* TCP or UDP checksum was looked at */
#define RX_ERROR_TCP 0x20
#define RX_ERROR_FRAME 0x97 /* CRC, symbol, sequence, carrier extension, data */

/* --- [SDM] 3.3.3, 3.3.6, 3.3.7: transmit descriptors: legacy, context, data -------------------- */
struct tx_descriptor {
	uint64_t address; /* context: checksum offsets */
	uint32_t command; /* length | type and command bits */
	uint32_t status;  /* DD | options; context: header length, segment size */
};
#define TX_LENGTH_MAX 8192 /* 16 KiB - 1 would be allowed */
#define TX_EOP (1u << 24)
#define TX_IFCS (1u << 25)
#define TX_TSE (1u << 26)
#define TX_RS (1u << 27)
#define TX_DEXT (1u << 29)
#define TX_IDE (1u << 31)
#define TX_TYPE_CONTEXT (0u << 20)
#define TX_TYPE_DATA (1u << 20)
#define TX_CONTEXT_TCP (1u << 24)
#define TX_CONTEXT_IPV4 (1u << 25)
#define TX_DD 1u
#define TX_POPTS_IP (1u << 8)
#define TX_POPTS_TCP (2u << 8)

_Static_assert(sizeof(struct rx_descriptor) == 16, "receive descriptor");
_Static_assert(sizeof(struct tx_descriptor) == 16, "transmit descriptor");

#endif
