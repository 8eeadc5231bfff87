// SPDX-License-Identifier: GPL-2.0-only
/* ACPICA's statuses in our error numbers. */
#include "internal.h"
#include "machine.h"

int status_error(acpi_status status)
{
	switch (status) {
	case AE_OK:
		return 0;
	case AE_NOT_FOUND:
	case AE_NOT_EXIST:
		return -ENOENT;
	case AE_NO_MEMORY:
		return -ENOMEM;
	case AE_NO_ACPI_TABLES:
	case AE_SUPPORT:
		return -ENODEV;
	case AE_BAD_PARAMETER:
	case AE_TYPE:
		return -EINVAL;
	case AE_ACCESS:
		return -EPERM;
	case AE_TIME:
		return -ETIMEDOUT;
	default:
		return -EIO;
	}
}

int status_report(acpi_status status, const char *what)
{
	char line[160];

	if (ACPI_SUCCESS(status))
		return 0;
	snprintf(line, sizeof(line), "%s: %s", what, acpi_format_exception(status));
	machine_log(line);
	return status_error(status);
}
