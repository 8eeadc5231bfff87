// SPDX-License-Identifier: GPL-2.0-only
/* PCnet: registers and interrupts. Rings and frames are in pcnet_ring.c. */
#include <string.h>
#include "pcnet.h"

#define VENDOR 0x1022
#define DEVICE 0x2000
#define CLASS 0x020000
#define REVISION 0x16
#define CHIP_LOW 0x1003 /* part 2621h, manufacturer of AMD */
#define CHIP_HIGH 0x0262

#define CSR0_CLEARS 0x7f00 /* written as 1 they go */
#define CSR4_CLEARS 0x022a
#define CSR4_UINT 0x0040
#define CSR4_UINTCMD 0x0080
#define CSR5_SPND 0x0001
#define STYLE_32 0x0100
#define STYLE_PCNET 0x0200
#define BCR18_DWIO 0x0080
#define LED_LINK 0x00c0
#define LED_ON 0x8000

/* Registers behind the address PROM, 16 or 32 bits apart. */
enum { RDP, RAP, RESET, BDP, NONE };

void pcnet_update(struct pcnet *n)
{
	uint16_t *c = n->csr;
	uint16_t flags = c[0] & 0x5f00 & ~c[3];
	/* CSR4: each flag has its mask one bit below; UINT has none. */
	uint16_t more = c[4] & 0x022a & ~(c[4] << 1);

	c[0] &= ~(CSR0_INTR | CSR0_ERR);
	if (c[0] & (CSR0_BABL | CSR0_CERR | CSR0_MISS | CSR0_MERR))
		c[0] |= CSR0_ERR;
	if (flags || more || c[4] & CSR4_UINT)
		c[0] |= CSR0_INTR;
	pci_set_intx(&n->function, c[0] & CSR0_INTR && c[0] & CSR0_IENA);
}

static void stop(struct pcnet *n)
{
	n->csr[0] = CSR0_STOP;
	n->csr[4] &= ~(CSR4_CLEARS | CSR4_UINT);
	n->csr[5] &= ~CSR5_SPND;
	n->gathering = false;
	pcnet_update(n);
}

/* H_RESET and S_RESET: the second leaves the bus configuration registers alone. */
static void soft_reset(struct pcnet *n)
{
	memset(n->csr, 0, sizeof(n->csr));
	n->csr[4] = 0x0115;
	n->csr[76] = n->csr[78] = 1;
	n->csr[80] = 0x1410;
	n->csr[88] = CHIP_LOW;
	n->csr[89] = CHIP_HIGH;
	memcpy(&n->csr[12], n->mac, 6);
	n->rx_length = n->tx_length = 0;
	n->rap = 0;
	stop(n);
}

void pcnet_reset(struct pcnet *n)
{
	uint8_t sum = 0x57 + 0x57;

	memset(n->prom, 0, sizeof(n->prom));
	memcpy(n->prom, n->mac, 6);
	n->prom[14] = n->prom[15] = 0x57;
	for (unsigned i = 0; i < 6; i++)
		sum += n->mac[i];
	n->prom[12] = sum;
	memset(n->bcr, 0, sizeof(n->bcr));
	n->bcr[0] = n->bcr[1] = 5;
	n->bcr[2] = 2; /* selects its medium itself */
	n->bcr[4] = LED_LINK;
	n->bcr[5] = 0x0084;
	n->bcr[6] = 0x0088;
	n->bcr[7] = 0x0090;
	n->bcr[18] = 0x9001;
	n->bcr[19] = 2;
	n->bcr[PCNET_STYLE] = STYLE_PCNET;
	n->dword = false;
	pcnet_set_link(n, n->link);
	soft_reset(n);
}

void pcnet_set_link(struct pcnet *n, bool up)
{
	n->link = up;
	n->bcr[4] = LED_LINK | (up ? LED_ON : 0);
}

/* --- CSR --------------------------------------------------------------------------------------- */

static void start(struct pcnet *n)
{
	uint16_t mode = n->csr[PCNET_MODE];

	n->csr[0] = (n->csr[0] & ~CSR0_STOP) | CSR0_STRT | (mode & MODE_DTX ? 0 : CSR0_TXON) |
		    (mode & MODE_DRX ? 0 : CSR0_RXON);
}

static void initialize(struct pcnet *n)
{
	n->csr[0] &= ~CSR0_STOP;
	n->csr[0] |= CSR0_INIT | (pcnet_load_init(n) ? CSR0_IDON : CSR0_MERR);
}

static void write_csr0(struct pcnet *n, uint16_t value)
{
	n->csr[0] &= ~(value & CSR0_CLEARS);
	n->csr[0] = (n->csr[0] & ~CSR0_IENA) | (value & CSR0_IENA);
	if (value & CSR0_STOP) {
		stop(n);
		return;
	}
	if (value & CSR0_INIT && !(n->csr[0] & CSR0_INIT))
		initialize(n);
	if (value & CSR0_STRT && !(n->csr[0] & CSR0_STRT))
		start(n);
	if (value & (CSR0_TDMD | CSR0_STRT))
		pcnet_transmit(n);
	pcnet_update(n);
}

static void write_csr4(struct pcnet *n, uint16_t value)
{
	uint16_t flags = n->csr[4] & (CSR4_CLEARS | CSR4_UINT) & ~value;

	n->csr[4] = (value & ~(CSR4_CLEARS | CSR4_UINT | CSR4_UINTCMD)) | flags |
		    (value & CSR4_UINTCMD ? CSR4_UINT : 0);
	pcnet_update(n);
}

static void set_style(struct pcnet *n, uint16_t value)
{
	static const uint16_t wide[4] = {0, STYLE_32, STYLE_32, STYLE_32};

	if ((value & 0xff) > 3)
		return; /* there is no such style */
	n->bcr[PCNET_STYLE] = (value & 0xff) | wide[value & 3] | ((value & 0xff) == 1 ? 0 : STYLE_PCNET);
}

/* Most registers may be written only while it is stopped or suspended. */
static bool writable(const struct pcnet *n, unsigned index)
{
	return n->csr[0] & CSR0_STOP || n->csr[5] & CSR5_SPND || index == 3;
}

static void write_csr(struct pcnet *n, unsigned index, uint16_t value)
{
	switch (index) {
	case 0:
		write_csr0(n, value);
		break;
	case 4:
		write_csr4(n, value);
		break;
	case 5:
		n->csr[5] = value & ~0x0a3a; /* its flags are never set here */
		break;
	case 58:
		if (writable(n, index))
			set_style(n, value);
		break;
	case 3:
		n->csr[3] = value & 0x5f7c;
		pcnet_update(n);
		break;
	case 1:
	case 2:
	case 8 ... 15:
	case 47:
	case 82:
	case 112:
	case 114:
		if (writable(n, index))
			n->csr[index] = value;
		break;
	}
}

static uint16_t read_csr(const struct pcnet *n, unsigned index)
{
	switch (index) {
	case 16: /* the address of the initialization block, once more */
	case 17:
		return n->csr[index - 15];
	case 58:
		return n->bcr[PCNET_STYLE];
	case 76: /* ring lengths, as two's complement */
		return -n->rx_length;
	case 78:
		return -n->tx_length;
	default:
		return index < PCNET_CSRS ? n->csr[index] : 0;
	}
}

static void write_bcr(struct pcnet *n, unsigned index, uint16_t value)
{
	switch (index) {
	case PCNET_STYLE:
		if (writable(n, index))
			set_style(n, value);
		break;
	case 4 ... 7:
		n->bcr[index] = (n->bcr[index] & LED_ON) | (value & ~LED_ON);
		break;
	case 2:
	case 9:
	case 16:
	case 17:
	case 18:
	case 19:
	case 21:
		n->bcr[index] = value;
		break;
	}
}

static uint16_t read_bcr(const struct pcnet *n, unsigned index)
{
	if (index == 18)
		return (n->bcr[18] & ~BCR18_DWIO) | (n->dword ? BCR18_DWIO : 0);
	return index < PCNET_BCRS ? n->bcr[index] : 0;
}

/* --- registers of the BARs --------------------------------------------------------------------- */

/* Which register lies there; the size of an access must be their distance. NONE: no register. */
static unsigned register_at(const struct pcnet *n, uint64_t offset, unsigned size)
{
	unsigned step = n->dword ? 4 : 2;

	return size == step && offset % step == 0 ? (offset - sizeof(n->prom)) / step : NONE;
}

static uint32_t read_register(struct pcnet *n, unsigned reg)
{
	switch (reg) {
	case RDP:
		return read_csr(n, n->rap);
	case RAP:
		return n->rap;
	case RESET:
		soft_reset(n);
		return 0;
	case BDP:
		return read_bcr(n, n->rap);
	default:
		return ~0u;
	}
}

static uint64_t bar_read(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size)
{
	struct pcnet *n = f->device;
	uint32_t value = 0;

	if (offset < sizeof(n->prom)) {
		size = size < sizeof(n->prom) - offset ? size : sizeof(n->prom) - offset;
		memcpy(&value, n->prom + offset, size < sizeof(value) ? size : sizeof(value));
		return value;
	}
	return read_register(n, register_at(n, offset, size));
}

static void write_register(struct pcnet *n, unsigned reg, uint32_t value)
{
	if (reg == RDP)
		write_csr(n, n->rap, value);
	else if (reg == RAP)
		n->rap = value & 0x7f;
	else if (reg == BDP)
		write_bcr(n, n->rap, value);
}

static void bar_write(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size,
		      uint64_t value)
{
	struct pcnet *n = f->device;

	if (offset < sizeof(n->prom))
		return;
	if (!n->dword && size == 4 && offset == sizeof(n->prom))
		n->dword = true; /* how software asks for it (data sheet, I/O resources) */
	write_register(n, register_at(n, offset, size), value);
}

static void function_reset(struct pci_function *f)
{
	pcnet_reset(f->device);
}

void pcnet_init(struct pcnet *n, uint8_t *config)
{
	struct pci_function *f = &n->function;

	pci_function_init(f, config, VENDOR, DEVICE, CLASS);
	pci_set(f, PCI_REVISION, 1, REVISION);
	pci_set(f, PCI_INTERRUPT_PIN, 1, 1);
	pci_set(f, PCI_INTERRUPT_PIN + 1, 2, 0xff06); /* MIN_GNT, MAX_LAT */
	f->device = n;
	f->reset = function_reset;
	f->bar[0] = (struct pci_bar){
		.bytes = PCNET_REGISTERS, .flags = PCI_BAR_IO, .read = bar_read, .write = bar_write};
	f->bar[1] = (struct pci_bar){.bytes = PCNET_REGISTERS, .read = bar_read, .write = bar_write};
}
