// SPDX-License-Identifier: GPL-2.0-only
/* Lapic: registers and modes. */
#include "lapic.h"
#include <postern/syscall.h>

enum {
	ID = 0x20,
	VERSION = 0x30,
	TPR = 0x80,
	APR = 0x90,
	PPR = 0xa0,
	END = 0xb0, /* EOI */
	RRD = 0xc0,
	LDR = 0xd0,
	DFR = 0xe0,
	SVR = 0xf0,
	ISR = 0x100,
	IRR = 0x200,
	ESR = 0x280,
	ICR = 0x300,
	ICR2 = 0x310,
	LVT_FIRST = 0x320,
	LVT_LAST = 0x370,
	INITIAL = 0x380,
	CURRENT = 0x390,
	DIVIDE = 0x3e0,
	SELF_IPI = 0x3f0,
};

#define VERSION_VALUE 0x50014 /* 6 LVT entries; no EOI-broadcast suppression */
#define SVR_ON 0x100
#define LVT_MASKED (1u << 16)
#define ESR_REGISTER (1u << 7)

/* Sets of registers, a bit for each offset / 16. */
#define BIT(offset) (1ull << (offset) / 16)
#define BITS(from, to) (BIT((to) + 16) - BIT(from))
/* ISR, TMR, IRR. */
#define WORDS BITS(ISR, IRR + 0x70)
#define LVT BITS(LVT_FIRST, LVT_LAST)
#define TIMER (BIT(INITIAL) | BIT(DIVIDE))
/* Read and written as the core has them. */
#define CORE_READ                                                                                                       \
	(BIT(ID) | BIT(TPR) | BIT(DFR) | BIT(SVR) | WORDS | BIT(ESR) | BIT(ICR) | BIT(ICR2) | LVT | TIMER | BIT(CURRENT))
#define CORE_WRITE (BIT(TPR) | BIT(END) | BIT(ESR) | BIT(ICR) | BIT(ICR2) | BIT(INITIAL))
#define READ_ZERO (BIT(END) | BIT(APR) | BIT(RRD))
/* ID, too, as on all processors with x2APIC. */
#define READ_ONLY (BIT(ID) | BIT(VERSION) | BIT(APR) | BIT(PPR) | BIT(RRD) | WORDS | BIT(CURRENT))
/* What x2APIC mode has (SDM 3, table 11-6); the core has answered ICR and those that it knows. */
#define X2_WRITABLE (BIT(TPR) | BIT(SVR) | LVT | TIMER)
#define X2_READABLE                                                                                                     \
	(X2_WRITABLE | WORDS | BIT(ID) | BIT(VERSION) | BIT(PPR) | BIT(LDR) | BIT(ESR) | BIT(CURRENT))

static bool x2(const struct lapic *a)
{
	return (a->base & (LAPIC_ON | LAPIC_X2)) == (LAPIC_ON | LAPIC_X2);
}

/* The highest vector in service, 0 none. */
static uint32_t in_service(const struct lapic *a)
{
	for (int i = 7; i >= 0; i--) {
		uint32_t word = lapic_core_read(a, ISR + 16 * i);

		if (word)
			return 32 * i + 31 - __builtin_clz(word);
	}
	return 0;
}

static uint32_t priority(const struct lapic *a)
{
	uint32_t task = lapic_core_read(a, TPR), service = in_service(a);

	return task >> 4 >= service >> 4 ? task : service & 0xf0;
}

uint32_t lapic_read(const struct lapic *a, unsigned offset)
{
	if (CORE_READ & BIT(offset))
		return lapic_core_read(a, offset);
	if (offset == VERSION)
		return VERSION_VALUE;
	if (offset == PPR)
		return priority(a);
	if (offset == LDR) /* Logical x2APIC ids derive from the id (SDM 3, 11.12.10.2). */
		return x2(a) ? a->number >> 4 << 16 | 1u << (a->number & 15) : lapic_core_read(a, LDR);
	if (!(READ_ZERO & BIT(offset)))
		lapic_core_write(a, APIC_RAISE, ESR_REGISTER);
	return 0;
}

/* What a guest can set, from LVT_FIRST on. */
static const uint32_t lvt_bits[] = {
	0xff | LVT_MASKED | 3 << 17,			/* timer */
	0xff | 7 << 8 | LVT_MASKED,			/* thermal */
	0xff | 7 << 8 | LVT_MASKED,			/* performance counters */
	0xff | 7 << 8 | 1 << 13 | 1 << 15 | LVT_MASKED, /* LINT0 */
	0xff | 7 << 8 | 1 << 13 | 1 << 15 | LVT_MASKED, /* LINT1 */
	0xff | LVT_MASKED,				/* error */
};

static void write_svr(const struct lapic *a, uint32_t value)
{
	lapic_core_write(a, SVR, value & 0x3ff);
	for (unsigned offset = LVT_FIRST; offset <= LVT_LAST && !(value & SVR_ON); offset += 16)
		lapic_core_write(a, offset, lapic_core_read(a, offset) | LVT_MASKED);
}

void lapic_write(const struct lapic *a, unsigned offset, uint32_t value)
{
	if (CORE_WRITE & BIT(offset)) {
		lapic_core_write(a, offset, value);
		return;
	}
	switch (offset) {
	case LDR:
		if (!x2(a))
			lapic_core_write(a, LDR, value & 0xff000000);
		break;
	case DFR:
		lapic_core_write(a, DFR, value | 0x0fffffff);
		break;
	case SVR:
		write_svr(a, value);
		break;
	case LVT_FIRST ... LVT_LAST:
		value &= lvt_bits[(offset - LVT_FIRST) / 16];
		if (!(lapic_core_read(a, SVR) & SVR_ON))
			value |= LVT_MASKED;
		lapic_core_write(a, offset, value);
		break;
	case DIVIDE:
		lapic_core_write(a, DIVIDE, value & 11);
		break;
	default:
		if (!(READ_ONLY & BIT(offset)))
			lapic_core_write(a, APIC_RAISE, ESR_REGISTER);
	}
}

bool lapic_msr(const struct lapic *a, uint32_t index, bool write, uint64_t *value)
{
	unsigned offset = (index - 0x800) << 4;

	if (!x2(a) || index - 0x800 > 0x3f)
		return false;
	if (!write) {
		if (!(X2_READABLE & BIT(offset)))
			return false;
		*value = lapic_read(a, offset);
		return true;
	}
	if (*value >> 32 || !((X2_WRITABLE | BIT(ESR)) & BIT(offset)) || (offset == ESR && *value))
		return false;
	lapic_write(a, offset, *value);
	return true;
}
