/* SPDX-License-Identifier: GPL-2.0-only */
/* What the service class `bus.pci` answers. */
#ifndef PCI_SERVICE_H
#define PCI_SERVICE_H

#include <postern/channel.h>

/* Fills the reply to a request of `client` (compared, never followed). */
void service_answer(const void *client, const struct message *request, struct message *reply);
/* The client is gone: its functions stop mastering the bus and are free again. */
void service_drop(const void *client);

/* The seam: the interrupt behind a pin (0 = INTA), by the acpi module. 0 or an error. */
int service_route(uint32_t bdf, uint32_t pin, uint32_t *gsi, uint32_t *flags);

#endif
