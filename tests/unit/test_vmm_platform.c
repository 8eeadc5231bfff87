// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/pm.c hv/vmm/pci.c hv/vmm/pci_bar.c hv/vmm/pci_msix.c hv/vmm/io.c hv/vmm/msr.c hv/vmm/kvmclock.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <postern/errno.h>
#include "vmm/io.h"
#include "vmm/kvmclock.h"
#include "vmm/msr.h"
#include "vmm/pci.h"
#include "vmm/pm.h"

#define S 1000000000ull

/* --- PM -------------------------------------------------------------------------------------- */

static bool sci;
static unsigned offs;

static void set_sci(void *ctx, unsigned number, bool level)
{
	sci = level;
}

static void power_off(void *ctx)
{
	offs++;
}

static void test_pm(void **state)
{
	struct pm p = {.sci = {set_sci, NULL, 9}, .power_off = power_off};

	offs = 0;
	pm_reset(&p, 0);
	assert_int_equal(pm_timer(S), PM_HZ);
	assert_int_equal(pm_read(&p, PM_TIMER, 4, S), PM_HZ);
	assert_int_equal(pm_read(&p, PM_CONTROL, 2, 0), 1);
	pm_write(&p, PM_CONTROL, 2, 3 << 10 | 1 << 13, 0); /* some other sleep state */
	assert_int_equal(offs, 0);
	pm_write(&p, PM_CONTROL, 2, PM_S5_TYPE << 10 | 1 << 13, 0);
	assert_int_equal(offs, 1);
	assert_int_equal(pm_read(&p, PM_CONTROL, 2, 0) & 1, 1);

	pm_power_button(&p);
	assert_false(sci);
	pm_write(&p, PM_EVENT + 2, 2, 1 << 8, 0);
	assert_true(sci);
	pm_write(&p, PM_EVENT + 1, 1, 1, 0); /* the upper byte alone */
	assert_false(sci);
	assert_int_equal(pm_read(&p, PM_EVENT, 2, 0), 0);
}

static void test_pm_overflow(void **state)
{
	struct pm p = {.sci = {set_sci, NULL, 9}};
	uint64_t half = (1ull << 31) * S / PM_HZ;

	pm_reset(&p, 0);
	assert_true(pm_deadline(&p) == PM_NEVER);
	pm_write(&p, PM_EVENT + 2, 2, 1, 0);
	assert_in_range(pm_deadline(&p), half, half + 2);
	pm_tick(&p, pm_deadline(&p));
	assert_true(sci);
	assert_true(pm_deadline(&p) == PM_NEVER);
	pm_write(&p, PM_EVENT, 4, 1 << 16 | 1, half + 5);
	assert_false(sci);
	assert_in_range(pm_deadline(&p), 2 * half, 2 * half + 4);
}

/* --- PCI ------------------------------------------------------------------------------------- */

static uint8_t config[PCI_CONFIG_BYTES];
static unsigned changes;

static void changed(struct pci_function *f, unsigned reg, unsigned size)
{
	changes++;
}

static void test_pci_mechanism_1(void **state)
{
	struct pci pci = {0};
	struct pci_function f;

	pci_function_init(&f, config, 0x1b36, 8, 0x060000);
	f.changed = changed;
	assert_int_equal(pci_add(&pci, 0, &f), 0);
	assert_int_equal(pci_add(&pci, 0, &f), -EEXIST);
	assert_int_equal(pci_add(&pci, 256, &f), -EINVAL);

	assert_int_equal(pci_port_read(&pci, 0xcfc, 4), 0xffffffff); /* not enabled */
	pci_port_write(&pci, 0xcf8, 4, 0x80000000);
	assert_int_equal(pci_port_read(&pci, 0xcf8, 4), 0x80000000);
	assert_int_equal(pci_port_read(&pci, 0xcfc, 4), 0x00081b36);
	assert_int_equal(pci_port_read(&pci, 0xcfe, 2), 0x0008);
	pci_port_write(&pci, 0xcf8, 4, 0x80000808); /* device 1 */
	assert_int_equal(pci_port_read(&pci, 0xcfc, 4), 0xffffffff);
	pci_port_write(&pci, 0xcf8, 4, 0x80010000); /* bus 1 */
	assert_int_equal(pci_port_read(&pci, 0xcfc, 2), 0xffff);
	pci_port_write(&pci, 0xcf8, 4, 0x80000008);
	assert_int_equal(pci_port_read(&pci, 0xcff, 1), 6);

	/* Only what the mask allows is written. */
	changes = 0;
	pci_port_write(&pci, 0xcf8, 4, 0x80000004);
	pci_port_write(&pci, 0xcfc, 2, 0xffff);
	assert_int_equal(pci_port_read(&pci, 0xcfc, 4), 0x00000407);
	assert_int_equal(changes, 1);
	pci_port_write(&pci, 0xcf8, 4, 0x80000000);
	pci_port_write(&pci, 0xcfc, 4, 0);
	assert_int_equal(pci_port_read(&pci, 0xcfc, 4), 0x00081b36);
}

static void test_pci_ecam(void **state)
{
	struct pci pci = {0};
	struct pci_function f;

	pci_function_init(&f, config, 0x1b36, 8, 0x060000);
	pci_add(&pci, 8, &f);
	assert_int_equal(pci_ecam_read(&pci, 0x8000, 4), 0x00081b36);
	assert_int_equal(pci_ecam_read(&pci, 0, 4), 0xffffffff);
	pci_ecam_write(&pci, 0x803c, 1, 11);
	assert_int_equal(pci_ecam_read(&pci, 0x803c, 1), 11);
	pci_ecam_write(&pci, 0x8ffc, 4, 1); /* beyond 256: read-only */
	assert_int_equal(pci_ecam_read(&pci, 0x8ffc, 4), 0);
	assert_int_equal(pci_ecam_read(&pci, 0x8fff, 4), 0xffffffff); /* crosses a dword */
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t r = i * 2654435761u;

		pci_ecam_read(&pci, r >> 4 & 0xfffff, 1 << (r & 3));
		pci_ecam_write(&pci, r >> 4 & 0xfffff, 1 << (r & 3), r);
		pci_port_write(&pci, 0xcf8 + (r & 7), 1 << (r >> 3 & 1), r * 7);
		pci_port_read(&pci, 0xcf8 + (r & 7), 1 << (r >> 3 & 1));
	}
}

/* --- IO space ----------------------------------------------------------------------------------
 */

static uint32_t port_number(void *device, unsigned port, unsigned size)
{
	return port & 0xff;
}

static uint32_t constant(void *device, unsigned port, unsigned size)
{
	return 0x11223344;
}

static uint32_t last_value, last_size, writes;

static void record(void *device, unsigned port, unsigned size, uint32_t value)
{
	last_value = value;
	last_size = size;
	writes++;
}

static unsigned locks;

static void lock(void)
{
	locks++;
}

static void unlock(void)
{
	locks += 0x100;
}

static void test_io(void **state)
{
	static struct io_space io;
	static const struct io_device nobody = {"nobody", constant, record, NULL,
						IO_WIDE | IO_UNLOCKED};
	static const struct io_device bytes = {"bytes", port_number, record, NULL, 0};
	static const struct io_device wide = {"wide", constant, record, NULL,
					      IO_WIDE | IO_UNLOCKED};

	io_init(&io, &nobody);
	io.lock = lock;
	io.unlock = unlock;
	assert_int_equal(io_add(&io, 0x40, 4, &bytes), 0);
	assert_int_equal(io_add(&io, 0x43, 4, &wide), -EEXIST);
	assert_int_equal(io_add(&io, 0x44, 4, &wide), 0);
	assert_int_equal(io_add(&io, 0xfffe, 4, &wide), -EINVAL);
	assert_int_equal(io_add(&io, 0x10000, 1, &wide), -EINVAL);
	assert_int_equal(io_add(&io, 5, 0, &wide), -EINVAL);
	assert_int_equal(io_fill(&io, 0x40, 0x10, &wide), 0);

	assert_int_equal(io_read(&io, 0x41, 1), 0x41);
	assert_int_equal(locks, 0x101);
	assert_int_equal(io_read(&io, 0x40, 4), 0x43424140);
	assert_int_equal(io_read(&io, 0x43, 2), 0x4443); /* the second byte is the next device's */
	assert_int_equal(io_read(&io, 0x44, 4), 0x11223344);
	writes = 0;
	io_write(&io, 0x40, 4, 0xaabbccdd);
	assert_int_equal(writes, 4);
	assert_int_equal(last_value, 0xaa);
	io_write(&io, 0x44, 2, 0xbeef);
	assert_int_equal(last_size, 2);
	io_read(&io, 0xffff, 4); /* past the end */
	io_write(&io, 0xffff, 4, 0);
	for (unsigned n = 0; n < IO_DEVICES_MAX; n++)
		io_add(&io, 0x1000 + n, 1,
		       &(struct io_device){"n", port_number, record, (void *)(uintptr_t)(n + 1),
					   0});
	assert_int_equal(
		io_add(&io, 0x2000, 1, &(struct io_device){"n", constant, record, (void *)1000, 0}),
		-ENOSPC);
}

/* --- MSRs ---------------------------------------------------------------------------------------
 */

static void test_msr(void **state)
{
	struct msr_set m;
	uint64_t v;

	msr_reset(&m);
	assert_int_equal(msr_read(&m, 0x12345678, &v), -ENOENT);
	assert_int_equal(msr_write(&m, 0x12345678, 1), -ENOENT);
	assert_int_equal(msr_read(&m, 0xc0011029, &v), 0);
	assert_int_equal(v, 2);
	assert_int_equal(msr_write(&m, 0xc0011029, 0x102), 0);
	assert_int_equal(msr_read(&m, 0xc0011029, &v), 0);
	assert_int_equal(v, 0x102);
	/* The last row: all latches before it found a place. */
	assert_int_equal(msr_write(&m, 0xc00110e3, 5), 0);
	assert_int_equal(msr_read(&m, 0xc00110e3, &v), 0);
	assert_int_equal(v, 5);
	assert_int_equal(msr_write(&m, 0x179, 5), 0); /* constants ignore writes */
	assert_int_equal(msr_read(&m, 0x179, &v), 0);
	assert_int_equal(v, 0);
}

static void test_mtrr(void **state)
{
	struct msr_set m;
	uint64_t v;

	msr_reset(&m);
	assert_int_equal(msr_read(&m, 0xfe, &v), 0);
	assert_int_equal(v & 0xff, MTRR_VARIABLE);
	assert_int_equal(msr_read(&m, 0x2ff, &v), 0);
	assert_int_equal(v, 0xc06);
	assert_int_equal(msr_write(&m, 0x200, 0xe0000000), 0);
	assert_int_equal(msr_write(&m, 0x201, 0xfffe0000800), 0);
	assert_int_equal(msr_read(&m, 0x201, &v), 0);
	assert_true(v == 0xfffe0000800);
	assert_int_equal(msr_write(&m, 0x200, 2), -EINVAL); /* no such type */
	assert_int_equal(msr_write(&m, 0x2ff, 0x1000), -EINVAL);
	assert_int_equal(msr_write(&m, 0xfe, 0), -EINVAL);
	assert_int_equal(msr_write(&m, 0x250, 0x0202020202020202), -EINVAL);
	assert_int_equal(msr_read(&m, 0x200 + 2 * MTRR_VARIABLE, &v), -ENOENT);
}

/* --- kvmclock ------------------------------------------------------------------------------------
 */

static uint64_t scaled(uint64_t ticks, uint32_t mul, int8_t shift)
{
	ticks = shift < 0 ? ticks >> -shift : ticks << shift;
	return (unsigned __int128)ticks * mul >> 32;
}

static void test_kvmclock(void **state)
{
	static const uint64_t rates[] = {1,	  999,	   1000,    32768,   999999, 1000000,
					 1000001, 2000000, 2600000, 4294967, 9000000};
	struct pvclock_time t = {.version = 7};
	struct pvclock_wall w = {.version = 2};
	struct kvmclock k = {.tsc_khz = 2600000, .tsc = 5, .ns = 6, .wall_ns = 1704067200500000000};

	for (unsigned i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		uint64_t ns;
		uint32_t mul;
		int8_t shift;

		kvmclock_scale(rates[i], &mul, &shift);
		ns = scaled(rates[i] * 1000, mul, shift); /* a second */
		assert_in_range(ns, S - S / 100000, S);
		assert_true(mul >> 31);
	}
	kvmclock_time(&k, &t);
	assert_int_equal(t.version, 8);
	assert_int_equal(t.tsc_timestamp, 5);
	assert_int_equal(t.system_time, 6);
	assert_int_equal(t.flags, 1);
	kvmclock_wall(&k, &w);
	assert_int_equal(w.version, 4);
	assert_int_equal(w.sec, 1704067200);
	assert_int_equal(w.nsec, 500000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pm),
		cmocka_unit_test(test_pm_overflow),
		cmocka_unit_test(test_pci_mechanism_1),
		cmocka_unit_test(test_pci_ecam),
		cmocka_unit_test(test_io),
		cmocka_unit_test(test_msr),
		cmocka_unit_test(test_mtrr),
		cmocka_unit_test(test_kvmclock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
