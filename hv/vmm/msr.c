// SPDX-License-Identifier: GPL-2.0-only
/* MSR: those that a guest's operating system reads on its way up. */
#include <stdbool.h>
#include <string.h>
#include <postern/errno.h>
#include "msr.h"

enum kind { CONSTANT, LATCH, SINK };

struct known {
	uint32_t index;
	uint32_t kind;
	uint64_t value; /* constant, or the latch at reset */
};

/* Sorted by nothing but taste: MSR exits that get here are rare. */
static const struct known table[] = {
	{0x00000017, CONSTANT, 0},		 /* IA32_PLATFORM_ID */
	{0x0000002a, CONSTANT, 0},		 /* EBL_CR_POWERON */
	{0x00000034, CONSTANT, 0},		 /* SMI_COUNT */
	{0x0000003a, CONSTANT, 1},		 /* IA32_FEATURE_CONTROL: locked, VMX off */
	{0x00000048, CONSTANT, 0},		 /* SPEC_CTRL: not offered in CPUID */
	{0x00000079, SINK, 0},			 /* microcode update */
	{0x0000008b, CONSTANT, 0x1000065},	 /* microcode revision: none to load */
	{0x000000ce, CONSTANT, 0},		 /* PLATFORM_INFO */
	{0x000000e2, CONSTANT, 0x8000},		 /* PKG_CST_CONFIG_CONTROL: locked */
	{0x00000119, CONSTANT, 0},		 /* BBL_CR_CTL */
	{0x0000011e, CONSTANT, 0xbe702111},	 /* BBL_CR_CTL3: L2 cache present, enabled */
	{0x00000140, LATCH, 0},			 /* MISC_FEATURE_ENABLES */
	{0x00000179, CONSTANT, 0},		 /* MCG_CAP: no banks */
	{0x0000017a, LATCH, 0},			 /* MCG_STATUS */
	{0x0000017b, LATCH, 0},			 /* MCG_CTL */
	{0x00000198, CONSTANT, 0},		 /* PERF_STATUS */
	{0x000001db, CONSTANT, 0},		 /* last branches: from, to; exceptions */
	{0x000001dc, CONSTANT, 0},
	{0x000001dd, CONSTANT, 0},
	{0x000001de, CONSTANT, 0},
	{0x0000019a, LATCH, 0},			 /* CLOCK_MODULATION */
	{0x0000019b, LATCH, 0},			 /* THERM_INTERRUPT */
	{0x0000019c, CONSTANT, 0},		 /* THERM_STATUS */
	{0x000001a0, LATCH, 1},			 /* MISC_ENABLE: fast strings */
	{0x00000345, CONSTANT, 0},		 /* PERF_CAPABILITIES */
	{0x00000606, CONSTANT, 0},		 /* RAPL_POWER_UNIT */
	{0xc0000104, CONSTANT, 0x100000000},	 /* TSC_RATIO: 1.0 */
	{0xc0010000, CONSTANT, 0}, /* K7 performance event selects: there are no counters */
	{0xc0010001, CONSTANT, 0},
	{0xc0010002, CONSTANT, 0},
	{0xc0010003, CONSTANT, 0},
	{0xc0010004, CONSTANT, 0}, /* and counters */
	{0xc0010005, CONSTANT, 0},
	{0xc0010006, CONSTANT, 0},
	{0xc0010007, CONSTANT, 0},
	{0xc0010010, LATCH, 0},		 /* SYSCFG: no memory encryption, no TOM2 */
	{0xc0010015, LATCH, 0x01000010}, /* HWCR: TSC counts at P0 rate (bit 24), MonMwaitDis off */
	{0xc0010016, LATCH, 0},		 /* IORR base, mask */
	{0xc0010017, LATCH, 0},
	{0xc001001a, LATCH, 0xe0000000}, /* TOP_MEM: where the PCI hole begins */
	{0xc001001d, LATCH, 0},		 /* TOP_MEM2 */
	{0xc001001f, LATCH, 0},		 /* NB_CFG */
	{0xc0010055, LATCH, 0},		 /* interrupt pending message */
	{0xc0010058, CONSTANT, 0},	 /* MMIO configuration base: ACPI's MCFG tells */
	{0xc0010061, CONSTANT, 0},	 /* P-state limits */
	{0xc0010062, LATCH, 0},
	{0xc0010063, CONSTANT, 0},
	{0xc0010111, CONSTANT, 0}, /* SMM base, address, mask */
	{0xc0010112, CONSTANT, 0},
	{0xc0010113, CONSTANT, 0},
	{0xc0010114, CONSTANT, 0x18}, /* VM_CR: SVM disabled and locked */
	{0xc0010117, CONSTANT, 0},    /* VM_HSAVE_PA */
	{0xc0010140, CONSTANT, 0},    /* OSVW */
	{0xc0010141, CONSTANT, 0},
	{0xc0011004, SINK, 0}, /* CPUID feature overrides */
	{0xc0011005, SINK, 0},
	{0xc0011020, LATCH, 0}, /* LS_CFG */
	{0xc0011021, LATCH, 0}, /* IC_CFG */
	{0xc0011022, LATCH, 0}, /* DC_CFG */
	{0xc0011023, LATCH, 0}, /* BU_CFG, TW_CFG */
	{0xc0011028, LATCH, 0}, /* FP_CFG */
	{0xc0011029, LATCH, 2}, /* DE_CFG: LFENCE serialises */
	{0xc001102a, LATCH, 0}, /* BU_CFG2 */
	{0xc001102c, LATCH, 0}, /* EX_CFG */
	{0xc001102d, LATCH, 0}, /* LS_CFG2 */
	{0xc00110e3, LATCH, 0}, /* DE_CFG2 (family 17h) */
};

#define KNOWN (sizeof(table) / sizeof(*table))

#define MTRR_CAP 0xfe
#define MTRR_CAP_VALUE (MTRR_VARIABLE | 1 << 8 | 1 << 10) /* fixed ranges, write combining */
#define MTRR_BASE 0x200
#define MTRR_DEFAULT 0x2ff
#define MTRR_DEFAULT_BITS 0xcffull
#define WRITE_BACK 0x0606060606060606ull

static const uint32_t fixed_index[11] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
					 0x26b, 0x26c, 0x26d, 0x26e, 0x26f};

/* The latch of row n: latches are numbered in the table's order. */
static int find(uint32_t index, unsigned *latch)
{
	*latch = 0;
	for (unsigned n = 0; n < KNOWN; n++) {
		if (table[n].index == index)
			return n;
		*latch += table[n].kind == LATCH;
	}
	return -1;
}

void msr_reset(struct msr_set *m)
{
	unsigned latch = 0;

	memset(m, 0, sizeof(*m));
	for (unsigned n = 0; n < KNOWN; n++)
		if (table[n].kind == LATCH && latch < MSR_LATCHES)
			m->latch[latch++] = table[n].value;
	for (unsigned i = 0; i < 11; i++)
		m->mtrr_fixed[i] = i == 2 ? 0 : WRITE_BACK; /* 0xa0000..0xbffff: uncached */
	m->mtrr_default = 0xc06;			    /* enabled, fixed enabled, write-back */
}

static bool type_ok(uint8_t type)
{
	return type == 0 || type == 1 || (type >= 4 && type <= 6);
}

/* The MTRR's storage, NULL if it is none of them. */
static uint64_t *mtrr(struct msr_set *m, uint32_t index)
{
	if (index == MTRR_DEFAULT)
		return &m->mtrr_default;
	if (index >= MTRR_BASE && index < MTRR_BASE + 2 * MTRR_VARIABLE)
		return index & 1 ? &m->mtrr_mask[(index - MTRR_BASE) / 2]
				 : &m->mtrr_base[(index - MTRR_BASE) / 2];
	for (unsigned i = 0; i < 11; i++)
		if (fixed_index[i] == index)
			return &m->mtrr_fixed[i];
	return NULL;
}

int msr_read(const struct msr_set *m, uint32_t index, uint64_t *value)
{
	const uint64_t *where = mtrr((struct msr_set *)m, index);
	unsigned latch;
	int n;

	if (where) {
		*value = *where;
		return 0;
	}
	if (index == MTRR_CAP) {
		*value = MTRR_CAP_VALUE;
		return 0;
	}
	n = find(index, &latch);
	if (n < 0)
		return -ENOENT;
	*value = table[n].kind == LATCH && latch < MSR_LATCHES ? m->latch[latch] : table[n].value;
	return 0;
}

static int write_mtrr(uint64_t *where, uint32_t index, uint64_t value)
{
	if (index == MTRR_DEFAULT) {
		if (value & ~MTRR_DEFAULT_BITS || !type_ok(value))
			return -EINVAL;
	} else if (index < MTRR_BASE + 2 * MTRR_VARIABLE) {
		if (!(index & 1) && (value & 0xf00 || !type_ok(value)))
			return -EINVAL;
	} else {
		for (unsigned i = 0; i < 8; i++)
			if (!type_ok(value >> 8 * i & 0x1f)) /* AMD: bits 3, 4 are RdMem, WrMem */
				return -EINVAL;
	}
	*where = value;
	return 0;
}

int msr_write(struct msr_set *m, uint32_t index, uint64_t value)
{
	uint64_t *where = mtrr(m, index);
	unsigned latch;
	int n;

	if (where)
		return write_mtrr(where, index, value);
	if (index == MTRR_CAP)
		return -EINVAL;
	n = find(index, &latch);
	if (n < 0)
		return -ENOENT;
	if (table[n].kind == LATCH && latch < MSR_LATCHES)
		m->latch[latch] = value;
	/* A constant ignores writes: what Linux writes to these, it writes "just in case". */
	return 0;
}
