// SPDX-License-Identifier: GPL-2.0-only
/* Card: reset, address, link, and the way from quiet to open and back. [SDM] 14, [574] 4.6. */
#include <stdio.h>
#include <string.h>
#include "card.h"
#include "clock.h"
#include "log.h"
#include "syscalls.h"

#define ADDRESS_WAIT_NS 20000000 /* the EEPROM is read after a reset */
#define RX_BUDGET 128
#define TX_BUDGET 128
#define SILENT_MAX 3
#define TX_INSTANT 16
#define MODERATE_NS 1000000ull
#define BULK_BYTES 12000 /* in a millisecond */
#define BULK_BUFFERS 96 /* may be filled between two interrupts: the card has three times as many, less LOW (receive.c) */

static const struct chip chips[] = {
	{0x100e8086, "82540EM", .late_report = true},
	{0x100f8086, "82545EM", .late_report = true},
	{0x10d38086, "82574L", .express = true},
};

/* Waits until the bits of mask read as wanted. False: not within ns; *value is what was read last. */
static bool wait_for(const struct card *k, unsigned reg, uint32_t mask, uint32_t wanted, uint64_t ns, uint32_t *value)
{
	uint64_t end = clock_ns() + ns;
	bool late = false;

	for (;;) {
		*value = reg_get(k, reg);
		if ((*value & mask) == wanted)
			return true;
		if (late)
			return false;
		clock_spin(1000);
		late = clock_ns() >= end; /* one more look after the last wait */
	}
}

/* The 82574 finishes what it has begun on the bus before it is reset ([574] 5.2.5.3.2). One that does not is reset all the same. */
static void stop_master(const struct card *k)
{
	uint32_t status;

	reg_put(k, CTRL, reg_get(k, CTRL) | CTRL_GIO_MASTER_DISABLE);
	if (!wait_for(k, STATUS, STATUS_GIO_MASTER, 0, MASTER_WAIT_NS, &status) && status & STATUS_LU)
		log_line("%s: bus requests do not end in %u us, STATUS 0x%08x: reset anyway", k->name,
			 (unsigned)(MASTER_WAIT_NS / 1000), status);
}

/* Off the bus before the reset, so that nothing of the card's can hang there or reach memory. The PHY stays as it is: its
 * negotiation would take the link away for seconds.
 *
 * Quirk of QEMU's e1000: its reset leaves RCTL and the rings as they are, and any write to RCTL closes the receiver for a
 * second. So a receiver that is still on after the reset is left on with an empty ring; receive_init() finds it so. */
int card_reset(struct card *k)
{
	uint32_t value;

	reg_put(k, IMC, ~0u);
	device_master(k->device, false);
	reg_put(k, TCTL, 0);
	if (reg_get(k, STATUS) == STATUS_GONE) {
		k->present = false;
		log_line("%s is gone: its registers read as ones", k->name);
		return -ENODEV;
	}
	if (k->chip->express)
		stop_master(k);
	reg_put(k, CTRL, (reg_get(k, CTRL) & ~CTRL_PHY_RST) | CTRL_RST);
	clock_spin(RESET_NO_ACCESS_NS);
	if (!wait_for(k, CTRL, CTRL_RST, 0, RESET_WAIT_NS, &value)) {
		log_line("%s: the reset does not end in %u ms, CTRL 0x%08x", k->name,
			 (unsigned)(RESET_WAIT_NS / 1000000), value);
		return -EIO;
	}
	reg_put(k, IMC, ~0u);
	reg_get(k, ICR);
	reg_put(k, RDH, 0);
	reg_put(k, RDT, 0);
	reg_put(k, MANC, reg_get(k, MANC) & ~MANC_ARP);
	return 0;
}

static int read_eeprom(const struct card *k, unsigned word, uint16_t *to)
{
	uint32_t done = k->chip->express ? EERD_DONE_82574 : EERD_DONE_8254X, value;

	reg_put(k, EERD, word << (k->chip->express ? EERD_SHIFT_82574 : EERD_SHIFT_8254X) | EERD_START);
	if (!wait_for(k, EERD, done, done, EERD_WAIT_NS, &value)) {
		log_line("%s: EEPROM word %u cannot be read, EERD 0x%08x", k->name, word, value);
		return -EIO;
	}
	*to = EERD_DATA(value);
	return 0;
}

static bool is_address(const uint8_t *mac)
{
	static const uint8_t none[6];

	return !(mac[0] & 1) && memcmp(mac, none, 6);
}

/* The card reads its EEPROM after a reset and says so in the first receive address. */
static int read_mac(struct card *k)
{
	uint32_t low, high;
	uint16_t word;
	int ret;

	if (wait_for(k, RAH, RAH_VALID, RAH_VALID, ADDRESS_WAIT_NS, &high)) {
		low = reg_get(k, RAL);
		memcpy(k->mac, &low, 4);
		memcpy(k->mac + 4, &high, 2);
		if (is_address(k->mac))
			return 0;
	}
	for (unsigned i = 0; i < 3; i++) {
		ret = read_eeprom(k, EEPROM_MAC + i, &word);
		if (ret)
			return ret;
		k->mac[2 * i] = word;
		k->mac[2 * i + 1] = word >> 8;
	}
	if (is_address(k->mac))
		return 0;
	log_line("%s: neither RAH 0x%08x nor the EEPROM has an address", k->name, high);
	return -EIO;
}

static int make_rings(struct card *k)
{
	k->tx_ring = dma_alloc(k->device, CARD_TX_COUNT * sizeof(*k->tx_ring), &k->tx_ring_address);
	if (!k->tx_ring)
		return -ENOMEM;
	k->rx_ring = dma_alloc(k->device, CARD_RX_COUNT * sizeof(*k->rx_ring), &k->rx_ring_address);
	return k->rx_ring ? 0 : -ENOMEM;
}

int card_probe(struct card *k, struct device *d, unsigned number)
{
	int ret;

	k->device = d;
	snprintf(k->name, sizeof(k->name), "e1000-%u", number);
	for (unsigned i = 0; i < sizeof(chips) / sizeof(chips[0]); i++)
		if (chips[i].vendor_device == d->vendor_device)
			k->chip = &chips[i];
	if (!k->chip)
		return -ENODEV;
	k->registers = d->bar[0].bytes >= E1000_BAR_BYTES ? device_map(d, 0) : NULL;
	if (!k->registers) {
		log_line("%s: BAR 0 of %llu bytes cannot be used", k->name, (unsigned long long)d->bar[0].bytes);
		return -EIO;
	}
	k->present = true;
	ret = card_reset(k);
	if (!ret)
		ret = read_mac(k);
	if (!ret)
		ret = make_rings(k);
	k->msix = k->chip->express && d->flags & DEVICE_MSIX;
	k->present = !ret;
	return ret;
}

static void enable_interrupts(const struct card *k)
{
	uint32_t mask = INT_RXT0 | INT_RXO | INT_RXDMT0 | INT_LSC | INT_TXDW;

	reg_put(k, ITR, k->moderation);
	if (k->msix) {
		reg_put(k, IVAR, IVAR_ALL_TO_0);
		reg_put(k, EIAC, 0);
		reg_put(k, CTRL_EXT, reg_get(k, CTRL_EXT) | CTRL_EXT_PBA_CLEAR);
		mask = INT_RXQ0 | INT_TXQ0 | INT_OTHER | INT_LSC | INT_RXO;
	}
	reg_get(k, ICR);
	reg_put(k, IMS, mask);
}

/* Emulated cards have sent a frame when the tail was written. Their interrupts for it, one a frame when frames are few, are switched
 * off as long as that is so. */
static void watch_sent(struct card *k, bool sent)
{
	uint32_t cause = k->msix ? INT_TXQ0 : INT_TXDW;

	if (k->tx_oldest != k->tx_next) {
		if (k->tx_instant >= TX_INSTANT)
			reg_put(k, IMS, cause);
		k->tx_instant = 0;
	} else if (sent && k->tx_instant < TX_INSTANT && ++k->tx_instant == TX_INSTANT) {
		reg_put(k, IMC, cause);
	}
}

/* Streams gain by fewer interrupts with more in each; a question's answer should not wait. */
static void moderate(struct card *k)
{
	uint64_t now = clock_ns(), took = now - k->moderated_ns, bytes, frames;
	uint32_t wanted = ITR_DEFAULT;

	if (took < MODERATE_NS)
		return;
	bytes = k->link->tx_bytes + k->link->rx_bytes - k->moderated_bytes;
	frames = k->link->rx_frames - k->moderated_frames;
	if (bytes / BULK_BYTES >= took / MODERATE_NS)
		for (wanted = ITR_BULK; wanted > ITR_DEFAULT && frames * (wanted * 256ull) > took * BULK_BUFFERS; wanted /= 2)
			;
	wanted = wanted > ITR_DEFAULT ? wanted : ITR_DEFAULT;
	k->moderated_ns = now;
	k->moderated_bytes += bytes;
	k->moderated_frames += frames;
	if (wanted == k->moderation)
		return;
	k->moderation = wanted;
	reg_put(k, ITR, wanted);
}

static void set_control(const struct card *k)
{
	uint32_t control = reg_get(k, CTRL);

	control &= ~(CTRL_LRST | CTRL_ILOS | CTRL_FRCSPD | CTRL_FRCDPX | CTRL_VME | CTRL_PHY_RST |
		     CTRL_GIO_MASTER_DISABLE);
	reg_put(k, CTRL, control | CTRL_SLU | (k->chip->express ? 0 : CTRL_ASDE));
	reg_put(k, FCAL, 0);
	reg_put(k, FCAH, 0);
	reg_put(k, FCT, 0);
	reg_put(k, FCTTV, 0);
}

static void set_address(const struct card *k)
{
	uint32_t low, high = 0;

	memcpy(&low, k->mac, 4);
	memcpy(&high, k->mac + 4, 2);
	for (unsigned i = 0; i < RECEIVE_ADDRESSES; i++) {
		reg_put(k, RAL + 8 * i, i ? 0 : low);
		reg_put(k, RAH + 8 * i, i ? 0 : high | RAH_VALID);
	}
}

int card_open(struct card *k)
{
	int ret;

	set_control(k);
	set_address(k);
	transmit_init(k);
	receive_init(k);
	ret = device_master(k->device, true);
	if (ret < 0) {
		log_line("%s: bus mastering cannot be switched on: error %d", k->name, -ret);
		return ret;
	}
	k->open = true;
	k->rx_silent = 0;
	k->tx_instant = 0;
	k->moderation = ITR_DEFAULT;
	k->moderated_ns = clock_ns();
	k->moderated_bytes = k->link->tx_bytes + k->link->rx_bytes;
	k->moderated_frames = k->link->rx_frames;
	card_link(k);
	receive_fill(k);
	enable_interrupts(k);
	return 0;
}

void card_close(struct card *k)
{
	k->open = false;
	k->rx_oldest = k->rx_next;
	k->tx_oldest = k->tx_next;
	if (k->present)
		card_reset(k);
	else
		device_master(k->device, false);
}

void card_protest(struct card *k, const char *why)
{
	if (k->protested)
		return;
	k->protested = true;
	log_line("%s gives the switch up: %s", k->name, why);
	connection_hang_up(k->c);
}

bool card_link(struct card *k)
{
	static const uint16_t speeds[4] = {10, 100, 1000, 1000};
	uint32_t status = reg_get(k, STATUS);
	bool up = status != STATUS_GONE && status & STATUS_LU, changed = up != k->link_up;

	k->link_up = up;
	k->speed = up ? speeds[STATUS_SPEED(status)] : 0;
	if (changed)
		log_line("%s: link %s%s", k->name, up ? "up" : "down",
			 !up ? "" : k->speed == 1000 ? ", 1000 Mbit/s" : k->speed == 100 ? ", 100 Mbit/s" : ", 10 Mbit/s");
	if (k->link && (k->link->flags & NIC_LINK_UP) != (up ? NIC_LINK_UP : 0)) {
		k->link->speed = k->speed;
		k->link->flags = up ? k->link->flags | NIC_LINK_UP : k->link->flags & ~NIC_LINK_UP;
		k->link->changes++;
		connection_signal(k->c);
	}
	return changed;
}

/* An open card has a ring. Quirk of QEMU: what is not there reads as zeros. */
static bool is_gone(const struct card *k)
{
	return reg_get(k, STATUS) == STATUS_GONE || !reg_get(k, RDLEN);
}

/* It was pulled out: the switch hears that the link is down, and has what is in flight back. */
static void leave(struct card *k)
{
	k->present = false;
	card_link(k);
	card_protest(k, "its card is gone");
}

/* All over again, with the same connection: what is in flight is lost, as on a wire. */
static void restart(struct card *k, const char *why)
{
	log_line("%s: %s; TDH %u, TDT %u, RDH %u, RDT %u, STATUS 0x%08x: reset", k->name, why, reg_get(k, TDH),
		 reg_get(k, TDT), reg_get(k, RDH), reg_get(k, RDT), reg_get(k, STATUS));
	k->hangs++;
	card_reset(k);
	transmit_drop(k);
	receive_drop(k);
	if (k->present)
		card_open(k);
	else
		leave(k);
}

/* Counters clear when they are read. Quirk of QEMU's e1000: some do not. */
static uint32_t read_counter(struct card *k, unsigned reg, uint32_t *last)
{
	uint32_t value = reg_get(k, reg), before = *last;

	if (!value || reg_get(k, reg) < value) {
		*last = 0;
		return value;
	}
	*last = value;
	return value - before;
}

static void count_errors(struct card *k)
{
	uint32_t missed = read_counter(k, MPC, &k->counted[0]);

	k->link->errors += read_counter(k, CRCERRS, &k->counted[1]) + read_counter(k, RXERRC, &k->counted[2]) +
			   read_counter(k, RLEC, &k->counted[3]);
	k->link->rx_dropped += missed;
	k->rx_silent = missed && k->link->rx_frames == k->rx_frames_before && k->rx_next != k->rx_oldest
			       ? k->rx_silent + 1 : 0;
	k->rx_frames_before = k->link->rx_frames;
}

void card_watch(struct card *k, uint64_t now)
{
	if (!k->open || !k->present)
		return;
	if (is_gone(k)) {
		leave(k);
		return;
	}
	card_link(k);
	count_errors(k);
	if (k->link_up && k->tx_oldest != k->tx_next && now > k->tx_progress_ns + CARD_HANG_NS)
		restart(k, "the transmitter hangs");
	else if (k->rx_silent >= SILENT_MAX)
		restart(k, "the receiver takes no buffers");
}

uint32_t card_causes(struct card *k)
{
	uint32_t causes = reg_get(k, ICR);

	if (causes == ~0u)
		return 0;
	if (k->msix)
		reg_put(k, ICR, causes);
	return causes;
}

bool card_serve(struct card *k)
{
	uint32_t before = k->tx_next;
	bool more, tell;

	if (!k->open || k->protested)
		return false;
	/* What is found here needs no interrupt any more. */
	if (k->moderation != ITR_DEFAULT && !k->msix && card_causes(k) & INT_LSC)
		card_link(k);
	more = receive_frames(k, RX_BUDGET);
	receive_fill(k);
	transmit_reap(k);
	more |= transmit_send(k, TX_BUDGET);
	transmit_reap(k); /* some cards, and all emulated ones, are done already */
	watch_sent(k, k->tx_next != before);
	moderate(k);
	tell = net_rx_back_push(&k->rx);
	tell |= net_tx_back_push(&k->tx);
	if (tell)
		connection_signal(k->c);
	/* Without room the transmit interrupt comes before more can be sent. */
	return more || (transmit_has_room(k) && net_tx_back_wait(&k->tx));
}
