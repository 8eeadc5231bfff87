// SPDX-License-Identifier: GPL-2.0-only
/* The ways out: S5 and the reset register. */
#include "internal.h"
#include "interpreter.h"
#include "machine.h"

#define POWER_WAIT_NS 1000000000ull

static bool entered;

/* ACPICA calls this with the values for PM1 control (SLP_TYP and SLP_EN apart: ACPI 6.4, 4.8.3.2.1)
 * instead of writing them itself, because it would then wait without end for a wake-up. */
acpi_status acpi_os_enter_sleep(u8 state, u32 a, u32 b)
{
	entered = true;
	if (acpi_gbl_FADT.xpm1a_control_block.address)
		acpi_write(a, &acpi_gbl_FADT.xpm1a_control_block);
	if (acpi_gbl_FADT.xpm1b_control_block.address)
		acpi_write(b, &acpi_gbl_FADT.xpm1b_control_block);
	machine_sleep(POWER_WAIT_NS);
	return AE_CTRL_TERMINATE;
}

int interpreter_power_off(void)
{
	int ret;

	if (!interpreter_facts()->tables)
		return -ENODEV;
	ret = status_report(acpi_enter_sleep_state_prep(ACPI_STATE_S5), "preparing S5");
	if (ret)
		return ret;
	entered = false;
	ret = status_report(acpi_enter_sleep_state(ACPI_STATE_S5), "entering S5");
	if (ret)
		return ret;
	machine_log(entered ? "power-off: PM1 control was written and the machine runs on"
			    : "power-off: nothing was written");
	return -EIO;
}

int interpreter_reset(void)
{
	int ret;

	if (!interpreter_facts()->tables)
		return -ENODEV;
	ret = status_error(acpi_reset());
	/* AE_NOT_EXIST: the FADT has no reset register; the caller has other ways. */
	if (ret)
		return ret;
	machine_sleep(POWER_WAIT_NS / 10);
	machine_log("reset: the FADT's reset register was written and the machine runs on");
	return -EIO;
}
