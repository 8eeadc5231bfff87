/* SPDX-License-Identifier: GPL-2.0-only */
/* The system control interrupt between the machine seam and the module's loop. */
#ifndef ACPI_SCI_H
#define ACPI_SCI_H

#include <postern/channel.h>

#define SCI_EVENT (1ull << EVENT_BIT_OWN)

/* After the interpreter served it: the line may interrupt again. */
void sci_acknowledge(void);

#endif
