/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of an AHCI adapter and its disks, for test_ahci.c alone, which includes it once. It moves data and keeps the
 * rules of AHCI 1.3.1 that a driver can break.
 */
static struct {
	uint32_t cap, cap2, ghc, is, pi, bohc;
	unsigned reset_reads, resets, bios_reads;
	bool master, reset_hangs, bios_stays;
} hw;

static struct model_port {
	uint32_t reg[0x80 / 4];
	bool plugged, atapi, medium, ncq, log, deaf, stuck, no_identify, no_lba48, hangs_busy, keeps_issued, no_cache;
	unsigned comresets, held, attention;
	bool hold;			/* data commands wait for finish() */
	uint64_t bad_lba, bad_once;	/* a sector that fails, always or once */
	bool fatal_once;
	uint8_t error_tag, sense;
	unsigned flushes, trims, fua, alone_violations, begun_alone;
	const char *serial;
} ports[AHCI_PORTS];

static uint8_t media[2][DISK_SECTORS * 512];
static uint8_t ram[RAM_BYTES] __attribute__((aligned(4096)));
static char page_memory[DISK_RING_SLOTS * BLK_PAGE] __attribute__((aligned(4096)));
static uint64_t now;
static char last_log[512], all_log[65536];

static uint32_t *reg(unsigned port, uint32_t offset)
{
	return &ports[port].reg[offset / 4];
}

static void raise_port(unsigned n, uint32_t bits)
{
	*reg(n, PX_IS) |= bits;
	if (*reg(n, PX_IS) & *reg(n, PX_IE))
		hw.is |= 1u << n;
}

static void link_up(unsigned n)
{
	struct model_port *p = &ports[n];

	*reg(n, PX_SSTS) = p->plugged ? 0x113 : 0;
	*reg(n, PX_TFD) = !p->plugged ? 0x7f : p->hangs_busy ? 0x80 : 0x50;
	*reg(n, PX_SIG) = p->atapi ? SIG_ATAPI : SIG_ATA;
}

static void reset_model_port(unsigned n)
{
	memset(ports[n].reg, 0, sizeof(ports[n].reg));
	ports[n].held = 0;
	link_up(n);
}

static void put_text(uint16_t *words, unsigned first, unsigned count, const char *text)
{
	char padded[41];

	snprintf(padded, sizeof(padded), "%-40s", text);
	for (unsigned i = 0; i < count; i++)
		words[first + i] = padded[2 * i] << 8 | padded[2 * i + 1];
}

static void identify(unsigned n, uint16_t *w)
{
	struct model_port *p = &ports[n];

	memset(w, 0, 512);
	w[0] = p->atapi ? 0x8580 : 0x0040;
	w[49] = 1 << 9 | 1 << 8;
	put_text(w, 27, 20, p->atapi ? "MODEL DRIVE" : "MODEL DISK");
	put_text(w, 10, 10, p->serial ? p->serial : "0001");
	put_text(w, 23, 4, "1.0");
	w[75] = 31;
	w[76] = p->ncq ? 1 << 8 : 0;
	w[83] = 1 << 14 | 1 << 13 | (p->no_lba48 ? 0 : 1 << 10);
	w[84] = 1 << 14 | 1 << 6 | (p->log ? 1 << 5 : 0);
	w[85] = p->no_cache ? 0 : 1 << 5;
	w[100] = DISK_SECTORS;
	w[169] = 1;
}

static const struct ahci_header *header_of(unsigned n, unsigned slot)
{
	uint64_t list = *reg(n, PX_CLB) | (uint64_t)*reg(n, PX_CLBU) << 32;

	assert_int_equal(list % 1024, 0);
	return &((const struct ahci_header *)list)[slot];
}

static const struct ahci_table *table_at(const struct ahci_header *h)
{
	uint64_t at = h->table | (uint64_t)h->table_high << 32;

	assert_int_equal(at % 128, 0);
	return (const struct ahci_table *)at;
}

/* Moves bytes between `data` and what the scatter list names. */
static void transfer(const struct ahci_header *h, uint8_t *data, uint32_t bytes, bool to_memory)
{
	const struct ahci_table *t = table_at(h);

	for (unsigned i = 0; i < h->prds && bytes; i++) {
		uint8_t *at = (uint8_t *)(t->prd[i].address | (uint64_t)t->prd[i].address_high << 32);
		uint32_t n = (t->prd[i].count & 0x3fffff) + 1;

		assert_int_equal(n % 2, 0);
		n = n < bytes ? n : bytes;
		memcpy(to_memory ? at : data, to_memory ? data : at, n);
		data += n;
		bytes -= n;
	}
	assert_int_equal(bytes, 0);
}

static uint64_t lba_of(const uint8_t *f)
{
	return f[4] | f[5] << 8 | f[6] << 16 | (uint64_t)f[8] << 24 | (uint64_t)f[9] << 32 | (uint64_t)f[10] << 40;
}

static void fail_command(unsigned n, unsigned slot, uint8_t error)
{
	ports[n].error_tag = slot;
	*reg(n, PX_TFD) = error << 8 | 0x51;
	raise_port(n, PXI_TFES);
}

static void succeed(unsigned n, unsigned slot)
{
	*reg(n, PX_CI) &= ~(1u << slot);
	*reg(n, PX_SACT) &= ~(1u << slot);
	*reg(n, PX_TFD) = 0x50;
	raise_port(n, PXI_DHRS | PXI_SDBS);
}

static bool is_bad(struct model_port *p, uint64_t lba, uint32_t count)
{
	if (p->bad_once - lba < count) {
		p->bad_once = NOWHERE;
		return true;
	}
	return p->bad_lba - lba < count;
}

static void finish_data(unsigned n, unsigned slot)
{
	const struct ahci_header *h = header_of(n, slot);
	const uint8_t *f = table_at(h)->fis;
	struct model_port *p = &ports[n];
	bool queued = f[2] == ATA_READ_QUEUED || f[2] == ATA_WRITE_QUEUED;
	bool writes = f[2] == ATA_WRITE_QUEUED || f[2] == ATA_WRITE_DMA_EXT || f[2] == ATA_WRITE_DMA_FUA_EXT;
	uint32_t count = queued ? f[3] | f[11] << 8 : f[12] | f[13] << 8;
	uint64_t lba = lba_of(f);

	p->held &= ~(1u << slot);
	assert_int_equal(!!(h->flags & HEADER_WRITE), writes);
	assert_int_equal(h->flags & 31, 5);
	if (queued)
		assert_int_equal(f[12], slot << 3);
	assert_true(lba + count <= DISK_SECTORS && count);
	if (p->fatal_once) {
		p->fatal_once = false;
		raise_port(n, PXI_HBFS);
		return;
	}
	if (is_bad(p, lba, count)) {
		fail_command(n, slot, 0x40);
		return;
	}
	p->fua += f[2] == ATA_WRITE_DMA_FUA_EXT || (f[2] == ATA_WRITE_QUEUED && f[7] & 0x80);
	transfer(h, media[n & 1] + lba * 512, count * 512, !writes);
	succeed(n, slot);
}

static void run_packet(unsigned n, unsigned slot)
{
	const struct ahci_header *h = header_of(n, slot);
	const uint8_t *c = table_at(h)->packet;
	struct model_port *p = &ports[n];
	uint8_t answer[SENSE_BYTES] = {0};

	assert_true(h->flags & HEADER_ATAPI);
	if (c[0] == PACKET_REQUEST_SENSE) {
		answer[2] = p->sense >> 4;
		answer[12] = p->sense == 0x20 ? ASC_NO_MEDIUM : p->sense == 0x60 ? ASC_MEDIUM_CHANGED : 0x11;
		p->sense = 0;
		transfer(h, answer, SENSE_BYTES, true);
		succeed(n, slot);
		return;
	}
	if (p->attention)
		p->sense = 0x60, p->attention--;
	else if (!p->medium)
		p->sense = 0x20;
	else if (c[0] == PACKET_READ_10 && is_bad(p, c[4] << 8 | c[5], 1))
		p->sense = 0x30;
	else
		p->sense = 0;
	if (p->sense) {
		fail_command(n, slot, p->sense);
		return;
	}
	if (c[0] == PACKET_READ_CAPACITY) {
		const uint8_t capacity[8] = {0, 0, (DISK_SECTORS / 4 - 1) >> 8, (DISK_SECTORS / 4 - 1) & 255, 0, 0, 8, 0};

		memcpy(answer, capacity, 8);
		transfer(h, answer, 8, true);
	} else if (c[0] == PACKET_READ_10) {
		transfer(h, media[n & 1] + (c[4] << 8 | c[5]) * 2048, (c[7] << 8 | c[8]) * 2048, true);
	}
	succeed(n, slot);
}

static void run_trim(unsigned n, unsigned slot)
{
	const struct ahci_header *h = header_of(n, slot);
	uint64_t ranges[64];

	transfer(h, (uint8_t *)ranges, 512, false);
	for (unsigned i = 0; i < 64; i++) {
		uint64_t lba = ranges[i] & 0xffffffffffffull, count = ranges[i] >> 48;

		assert_true(lba + count <= DISK_SECTORS);
		memset(media[n & 1] + lba * 512, 0, count * 512);
	}
	ports[n].trims++;
	succeed(n, slot);
}

static void run_command(unsigned n, unsigned slot)
{
	const struct ahci_header *h = header_of(n, slot);
	const uint8_t *f = table_at(h)->fis;
	struct model_port *p = &ports[n];
	uint16_t words[256] = {0};
	bool queued = f[2] == ATA_READ_QUEUED || f[2] == ATA_WRITE_QUEUED;

	assert_int_equal(f[0], FIS_H2D);
	assert_int_equal(f[1], FIS_COMMAND);
	if (!queued && *reg(n, PX_SACT))
		p->alone_violations++;
	if (queued && (*reg(n, PX_CI) & ~*reg(n, PX_SACT)))
		p->alone_violations++;
	if (p->deaf)
		return;
	switch (f[2]) {
	case ATA_IDENTIFY:
	case ATA_IDENTIFY_PACKET:
		if (p->no_identify || (f[2] == ATA_IDENTIFY) == p->atapi) {
			fail_command(n, slot, 4);
			return;
		}
		identify(n, words);
		transfer(h, (uint8_t *)words, 512, true);
		succeed(n, slot);
		break;
	case ATA_READ_LOG_EXT:
		assert_int_equal(f[4], ATA_LOG_NCQ);
		((uint8_t *)words)[0] = p->error_tag;
		transfer(h, (uint8_t *)words, 512, true);
		succeed(n, slot);
		break;
	case ATA_FLUSH_EXT:
		p->flushes++;
		succeed(n, slot);
		break;
	case ATA_DATA_SET:
		run_trim(n, slot);
		break;
	case ATA_PACKET:
		run_packet(n, slot);
		break;
	default:
		p->held |= 1u << slot;
		if (!p->hold)
			finish_data(n, slot);
	}
}

/* QEMU's before 8.1: what was issued and not begun when the engine stopped begins when it starts. */
static void begin_left(unsigned n)
{
	for (uint32_t left = *reg(n, PX_CI); left; left &= left - 1)
		ports[n].begun_alone += table_at(header_of(n, __builtin_ctz(left)))->fis[0] == FIS_H2D;
	*reg(n, PX_CI) = 0;
}

static void write_port(unsigned n, uint32_t r, uint32_t value)
{
	uint32_t old = *reg(n, r);

	switch (r) {
	case PX_IS:
		*reg(n, r) &= ~value;
		return;
	case PX_SERR:
		*reg(n, r) &= ~value;
		*reg(n, PX_IS) &= ~PXI_HOTPLUG;
		return;
	case PX_SACT:
		assert_true(old == 0 || !(old & value));
		*reg(n, r) |= value;
		return;
	case PX_CI:
		assert_true(*reg(n, PX_CMD) & PXC_ST);
		assert_false(old & value);
		*reg(n, r) |= value;
		for (unsigned slot = 0; slot < 32; slot++)
			if (value & 1u << slot && !(*reg(n, PX_TFD) & TFD_ERR))
				run_command(n, slot);
		return;
	case PX_CMD:
		value &= ~(PXC_CR | PXC_FR);
		if (value & PXC_ST) {
			assert_true(old & PXC_FRE); /* 10.3.1 */
			value |= PXC_CR;
			if (!(old & PXC_ST)) {
				*reg(n, PX_TFD) &= ~0xff01u;
				begin_left(n);
			}
		} else {
			value |= ports[n].stuck ? old & PXC_CR : 0;
			*reg(n, PX_CI) &= ports[n].keeps_issued ? ~ports[n].held : 0;
			*reg(n, PX_SACT) = 0;
			ports[n].held = 0;
		}
		*reg(n, r) = value | (value & PXC_FRE ? PXC_FR : 0);
		return;
	case PX_SCTL:
		if ((value & 15) == 1) {
			ports[n].comresets++;
			ports[n].stuck = false;
			*reg(n, PX_CMD) &= ~PXC_CR;
		}
		if ((old & 15) == 1 && !(value & 15))
			link_up(n);
		*reg(n, r) = value;
		return;
	default:
		*reg(n, r) = value;
	}
}

uint32_t hba_read(const struct hba *h, uint32_t r)
{
	if (r >= PORT(0))
		return *reg((r - PORT(0)) / 0x80, (r - PORT(0)) % 0x80);
	switch (r) {
	case HBA_GHC:
		if (hw.ghc & GHC_HR && !hw.reset_hangs && !hw.reset_reads--)
			hw.ghc = GHC_AE;
		return hw.ghc;
	case HBA_BOHC:
		if (hw.bohc & BOHC_OOS && !hw.bios_stays && !hw.bios_reads--)
			hw.bohc &= ~BOHC_BOS;
		return hw.bohc;
	default:
		return r == HBA_CAP ? hw.cap : r == HBA_CAP2 ? hw.cap2 : r == HBA_IS ? hw.is : r == HBA_PI ? hw.pi : 0;
	}
}

void hba_write(const struct hba *h, uint32_t r, uint32_t value)
{
	if (r >= PORT(0)) {
		write_port((r - PORT(0)) / 0x80, (r - PORT(0)) % 0x80, value);
	} else if (r == HBA_GHC) {
		hw.ghc = value;
		if (!(value & GHC_HR))
			return;
		hw.resets++;
		hw.reset_reads = 3;
		for (unsigned n = 0; n < AHCI_PORTS; n++)
			reset_model_port(n);
	} else if (r == HBA_IS) {
		hw.is &= ~value;
		for (unsigned n = 0; n < AHCI_PORTS; n++)
			raise_port(n, 0);
	} else if (r == HBA_BOHC) {
		hw.bohc = value;
	}
}
