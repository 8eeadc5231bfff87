/* SPDX-License-Identifier: GPL-2.0-only */
/* A model of the cards' registers for test_e1000.c, in the place of drivers/e1000/hw.c, and what the driver needs of the library. The
 * model sends what the transmit ring describes (segmented and summed as the descriptors say) and receives into the receive ring. */
#ifndef E1000_MODEL_H
#define E1000_MODEL_H

/* --- the model --------------------------------------------------------------------------------- */

static struct {
	uint32_t reg[0x20000 / 4];
	bool gone, zeros /* when gone */, stuck_reset, no_eeprom, no_address, keeps_rctl, keeps_counters, stuck_transmit, express, master_stuck;
	uint16_t eeprom[8];
	uint32_t ims, icr, resets, rctl_writes;
	bool master;
	/* What went out. */
	uint8_t sent[64][2048];
	size_t sent_bytes[64];
	unsigned sent_count, descriptors;
	uint64_t context_offsets;
	uint32_t context_command, context_mss;
	uint8_t frame[70000];
	size_t frame_bytes;
} m;

static uint8_t memory[2][1 << 20]; /* by tag: the switch's pages, a guest's RAM */
static _Alignas(4096) char shared[CONNECTION_BYTES];
static uint64_t now;
static unsigned signals, hangups, acks, opened;
static char last_log[600];
static struct device device;
static struct connection connection;
static struct net_tx_front tf;
static struct net_rx_front rf;
static const uint8_t own_mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};

#define R(at) m.reg[(at) / 4]

static void power_on(void)
{
	uint32_t low;

	memcpy(&low, own_mac, 4);
	R(RAL) = m.no_address ? 0 : low;
	R(RAH) = m.no_address ? 0 : (own_mac[4] | own_mac[5] << 8 | RAH_VALID);
	R(STATUS) = STATUS_LU | STATUS_FD | 2 << 6;
}

static void model_reset(void)
{
	uint32_t rctl = R(RCTL), rdh = R(RDH), rdt = R(RDT);

	m.resets++;
	memset(m.reg, 0, sizeof(m.reg));
	m.ims = m.icr = 0;
	power_on();
	if (m.keeps_rctl)
		R(RCTL) = rctl, R(RDH) = rdh, R(RDT) = rdt;
	if (m.stuck_reset)
		R(CTRL) = CTRL_RST;
}

/* A whole frame has come together: cut and summed as its context says. */
static void emit(uint32_t command, uint32_t options)
{
	unsigned header = m.context_mss >> 8 & 0xff, mss = m.context_mss >> 16, checksum = m.context_offsets >> 40 & 0xff;
	unsigned l4 = m.context_offsets >> 32 & 0xff, l3 = m.context_offsets & 0xff;
	struct net_headers h;
	uint8_t *out;

	if (!(command & TX_TSE) || !(command & TX_DEXT)) {
		if (command & TX_DEXT && options & TX_POPTS_TCP)
			net_put16(m.frame + checksum,
				  ~net_fold(net_sum(m.frame + l4, m.frame_bytes - l4, 0, false)));
		assert_in_range(m.frame_bytes, 1, 2048);
		memcpy(m.sent[m.sent_count % 64], m.frame, m.frame_bytes);
		m.sent_bytes[m.sent_count++ % 64] = m.frame_bytes;
		return;
	}
	assert_int_equal(net_get16(m.frame + l3 + 2), 0);
	assert_int_equal(net_get16(m.frame + l3 + 10), 0);
	assert_int_equal(m.context_command & 0xfffff, m.frame_bytes - header);
	/* The pseudo header's sum without a length: what is left of it is the segment's. */
	net_put16(m.frame + l3 + 2, m.frame_bytes - l3);
	assert_int_equal(net_parse(m.frame, m.frame_bytes, m.frame_bytes, &h), 0);
	assert_int_equal(net_get16(m.frame + checksum), net_fold(net_pseudo_sum(m.frame, &h, 0)));
	for (unsigned i = 0; i < net_segments(&h, mss); i++) {
		out = m.sent[m.sent_count % 64];
		m.sent_bytes[m.sent_count++ % 64] = net_segment(m.frame, &h, mss, i, out);
	}
}

static void model_transmit(void)
{
	while (!m.stuck_transmit && m.master && R(TCTL) & TCTL_EN && R(TDH) != R(TDT)) {
		struct tx_descriptor *d = (void *)(((uint64_t)R(TDBAH) << 32 | R(TDBAL)) + R(TDH) * 16ull);

		m.descriptors++;
		if (d->command & TX_DEXT && !(d->command & TX_TYPE_DATA)) {
			m.context_offsets = d->address;
			m.context_command = d->command;
			m.context_mss = d->status;
		} else {
			memcpy(m.frame + m.frame_bytes, (void *)d->address, d->command & 0xfffff);
			m.frame_bytes += d->command & 0xfffff;
			if (d->command & TX_EOP) {
				emit(d->command, d->status);
				m.frame_bytes = 0;
			}
		}
		if (d->command & TX_RS)
			d->status |= TX_DD;
		R(TDH) = (R(TDH) + 1) % (R(TDLEN) / 16);
	}
}

static bool model_receive(const void *bytes, uint16_t length, uint8_t status, uint8_t errors)
{
	struct rx_descriptor *d = (void *)(((uint64_t)R(RDBAH) << 32 | R(RDBAL)) + R(RDH) * 16ull);

	if (!m.master || !(R(RCTL) & RCTL_EN) || R(RDH) == R(RDT)) {
		R(MPC)++;
		return false;
	}
	memcpy((void *)d->address, bytes, length < 2048 ? length : 2048);
	d->length = length;
	d->errors = errors;
	d->status = status | RX_DD;
	R(RDH) = (R(RDH) + 1) % (R(RDLEN) / 16);
	m.icr |= INT_RXT0;
	return true;
}

uint32_t reg_get(const struct card *k, unsigned reg)
{
	uint32_t value = R(reg);

	if (m.gone)
		return m.zeros ? 0 : ~0u;
	if (reg == ICR) {
		value = m.icr;
		m.icr = k->msix ? m.icr : 0;
	}
	if (reg == STATUS && m.express && (!(R(CTRL) & CTRL_GIO_MASTER_DISABLE) || m.master_stuck))
		value |= STATUS_GIO_MASTER;
	if ((reg == MPC || reg == CRCERRS) && !m.keeps_counters)
		R(reg) = 0;
	return value;
}

void reg_put(const struct card *k, unsigned reg, uint32_t value)
{
	R(reg) = value;
	switch (reg) {
	case CTRL:
		if (value & CTRL_RST)
			model_reset();
		break;
	case EERD:
		if (m.no_eeprom)
			break;
		value >>= m.express ? EERD_SHIFT_82574 : EERD_SHIFT_8254X;
		R(EERD) = (uint32_t)m.eeprom[value & 7] << 16 | (m.express ? EERD_DONE_82574 : EERD_DONE_8254X);
		break;
	case RCTL:
		m.rctl_writes++;
		break;
	case ICR:
		m.icr &= ~value;
		break;
	case IMS:
		m.ims |= value;
		break;
	case IMC:
		m.ims &= ~value;
		break;
	case TDT:
		model_transmit();
	}
}

/* --- the library ------------------------------------------------------------------------------- */

uint64_t clock_ns(void)
{
	return now += 100;
}

void clock_spin(uint64_t ns)
{
	now += ns;
}

void log_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_log, sizeof(last_log), format, args);
	va_end(args);
}

int module_fail(int error, const char *format, ...)
{
	return error;
}

void module_status(const char *format, ...)
{
}

int module_send(const struct message *msg)
{
	assert_int_equal(msg->kind, MSG_HANGUP);
	hangups++;
	return 1;
}

int module_open(const char *class_, uint32_t port, const char *argument)
{
	assert_string_equal(class_, "nic.driver");
	opened++;
	return 7;
}

void module_signal(uint64_t bits)
{
}

void connection_signal(struct connection *c)
{
	signals++;
}

struct device *module_device(unsigned index)
{
	return index ? NULL : &device;
}

void *device_map(struct device *d, unsigned bar)
{
	return m.reg;
}

int device_master(struct device *d, bool on)
{
	m.master = on;
	return 0;
}

void *dma_alloc(struct device *d, uint64_t bytes, uint64_t *address)
{
	static _Alignas(16) char rings[2][16384];
	static unsigned next;
	void *at = rings[next++ % 2];

	assert_true(bytes <= sizeof(rings[0]));
	*address = (uintptr_t)at;
	return at;
}

int dma_region_init(struct dma_region *r, struct device *d, uint32_t handle, uint64_t bytes)
{
	*r = (struct dma_region){.device = d, .memory = handle, .bytes = bytes, .chunk = (uint64_t *)memory[handle - 1]};
	return 0;
}

void dma_region_free(struct dma_region *r)
{
	*r = (struct dma_region){0};
}

void dma_region_release(struct dma_region *r)
{
	dma_region_free(r);
}

/* Contiguous for 64 KiB at a time. */
uint64_t dma_address(struct dma_region *r, uint64_t offset, uint64_t *contiguous)
{
	if (offset >= r->bytes)
		return 0;
	*contiguous = 65536 - offset % 65536;
	return (uintptr_t)r->chunk + offset;
}

void *space_map(uint32_t handle, uint64_t bytes, uint32_t rights)
{
	return memory[handle - 1];
}

int64_t sys_unmap(uint32_t task, uint64_t va, uint64_t bytes)
{
	return 0;
}

int64_t sys_irq_ack(uint32_t irq)
{
	acks++;
	return 0;
}

void timer_set(struct timer *t, uint64_t deadline, void (*expired)(struct timer *t))
{
}

#endif
