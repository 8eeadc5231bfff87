// SPDX-License-Identifier: GPL-2.0-only
/*
 * The OS layer that ACPICA stands on. There is one thread, so locks are nothing and semaphores are
 * counters; what ACPICA wants done later waits in a short queue that the module's loop empties.
 */
#include "internal.h"
#include "interpreter.h"
#include "machine.h"

#define DEFERRED_MAX 32
#define NS_PER_100 100

struct deferred {
	acpi_osd_exec_callback function;
	void *context;
};

static struct deferred queue[DEFERRED_MAX];
static unsigned queue_first, queue_count;
static acpi_osd_handler sci_handler;
static void *sci_context;

acpi_status acpi_os_initialize(void)
{
	queue_count = 0;
	return AE_OK;
}

acpi_status acpi_os_terminate(void)
{
	return AE_OK;
}

acpi_physical_address acpi_os_get_root_pointer(void)
{
	acpi_physical_address rsdp = machine_rsdp();

	if (rsdp == RSDP_UNKNOWN && ACPI_FAILURE(acpi_find_root_pointer(&rsdp)))
		rsdp = 0;
	return rsdp;
}

acpi_status acpi_os_predefined_override(const struct acpi_predefined_names *name,
					acpi_string *value)
{
	*value = NULL;
	return AE_OK;
}

acpi_status acpi_os_table_override(struct acpi_table_header *table,
				   struct acpi_table_header **other)
{
	*other = NULL;
	return AE_OK;
}

acpi_status acpi_os_physical_table_override(struct acpi_table_header *table,
					    acpi_physical_address *address, u32 *length)
{
	*address = 0;
	return AE_OK;
}

/* --- memory --- */

/* The interpreter comes here every few microseconds; on a busy machine it may take seconds all the same. */
void *acpi_os_allocate(acpi_size size)
{
	machine_alive();
	return malloc(size);
}

void acpi_os_free(void *memory)
{
	free(memory);
}

void *acpi_os_map_memory(acpi_physical_address where, acpi_size length)
{
	return machine_map(where, length);
}

void acpi_os_unmap_memory(void *at, acpi_size size)
{
	machine_unmap(at, size);
}

acpi_status acpi_os_read_memory(acpi_physical_address address, u64 *value, u32 width)
{
	void *at = machine_map(address, width / 8);

	*value = ~0ull;
	if (!at)
		return AE_NO_MEMORY;
	switch (width) {
	case 8:
		*value = *(volatile uint8_t *)at;
		break;
	case 16:
		*value = *(volatile uint16_t *)at;
		break;
	case 32:
		*value = *(volatile uint32_t *)at;
		break;
	default:
		*value = *(volatile uint64_t *)at;
	}
	machine_unmap(at, width / 8);
	return AE_OK;
}

acpi_status acpi_os_write_memory(acpi_physical_address address, u64 value, u32 width)
{
	void *at = machine_map(address, width / 8);

	if (!at)
		return AE_NO_MEMORY;
	switch (width) {
	case 8:
		*(volatile uint8_t *)at = value;
		break;
	case 16:
		*(volatile uint16_t *)at = value;
		break;
	case 32:
		*(volatile uint32_t *)at = value;
		break;
	default:
		*(volatile uint64_t *)at = value;
	}
	machine_unmap(at, width / 8);
	return AE_OK;
}

/* --- ports and configuration space --- */

acpi_status acpi_os_read_port(acpi_io_address address, u32 *value, u32 width)
{
	*value = width < 32 ? (1u << width) - 1 : ~0u;
	if (address > 0xffff)
		return AE_BAD_PARAMETER;
	return machine_port_read(address, width, value) ? AE_ACCESS : AE_OK;
}

acpi_status acpi_os_write_port(acpi_io_address address, u32 value, u32 width)
{
	if (address > 0xffff)
		return AE_BAD_PARAMETER;
	return machine_port_write(address, width, value) ? AE_ACCESS : AE_OK;
}

static bool config_address(const struct acpi_pci_id *id, u32 reg, u32 width, uint32_t *bdf)
{
	*bdf = (uint32_t)id->bus << 8 | (uint32_t)id->device << 3 | id->function;
	return id->segment == 0 && id->bus < 256 && id->device < 32 && id->function < 8 &&
	       reg < 4096 && (width == 8 || width == 16 || width == 32) && reg % (width / 8) == 0;
}

acpi_status acpi_os_read_pci_configuration(struct acpi_pci_id *id, u32 reg, u64 *value, u32 width)
{
	uint32_t bdf, word;

	*value = width < 64 ? (1ull << width) - 1 : ~0ull;
	if (!config_address(id, reg, width, &bdf))
		return AE_SUPPORT;
	if (machine_config_read(bdf, reg, width / 8, &word))
		return AE_ERROR;
	*value = word;
	return AE_OK;
}

acpi_status acpi_os_write_pci_configuration(struct acpi_pci_id *id, u32 reg, u64 value, u32 width)
{
	uint32_t bdf;

	if (!config_address(id, reg, width, &bdf))
		return AE_SUPPORT;
	return machine_config_write(bdf, reg, width / 8, value) ? AE_ERROR : AE_OK;
}

/* --- the system control interrupt --- */

void osl_isa_irq(uint32_t irq, uint32_t *gsi, uint32_t *flags)
{
	struct acpi_table_header *table;
	const uint8_t *at, *end;

	*gsi = irq;
	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_MADT, 1, &table)))
		return;
	at = (const uint8_t *)table + sizeof(struct acpi_table_madt);
	end = (const uint8_t *)table + table->length;
	while (end - at >= 2 && at[1] >= 2 && at[1] <= end - at) {
		const struct acpi_madt_interrupt_override *o = (const void *)at;

		if (at[0] == ACPI_MADT_TYPE_INTERRUPT_OVERRIDE && at[1] >= sizeof(*o) &&
		    o->source_irq == irq) {
			unsigned polarity = o->inti_flags & ACPI_MADT_POLARITY_MASK;
			unsigned trigger = o->inti_flags & ACPI_MADT_TRIGGER_MASK;

			*gsi = o->global_irq;
			if (polarity == ACPI_MADT_POLARITY_ACTIVE_HIGH)
				*flags &= ~IRQ_LOW;
			if (polarity == ACPI_MADT_POLARITY_ACTIVE_LOW)
				*flags |= IRQ_LOW;
			if (trigger == ACPI_MADT_TRIGGER_EDGE)
				*flags &= ~IRQ_LEVEL;
			if (trigger == ACPI_MADT_TRIGGER_LEVEL)
				*flags |= IRQ_LEVEL;
		}
		at += at[1];
	}
	acpi_put_table(table);
}

acpi_status acpi_os_install_interrupt_handler(u32 irq, acpi_osd_handler handler, void *context)
{
	/* ACPI 6.4, 5.2.9 SCI_INT: level and active low unless an override says otherwise. */
	uint32_t gsi, flags = IRQ_LEVEL | IRQ_LOW;

	if (sci_handler)
		return AE_ALREADY_EXISTS;
	osl_isa_irq(irq, &gsi, &flags);
	if (machine_interrupt_attach(gsi, flags))
		return AE_NOT_ACQUIRED;
	sci_handler = handler;
	sci_context = context;
	return AE_OK;
}

acpi_status acpi_os_remove_interrupt_handler(u32 irq, acpi_osd_handler handler)
{
	if (!sci_handler)
		return AE_NOT_EXIST;
	machine_interrupt_detach();
	sci_handler = NULL;
	return AE_OK;
}

void osl_interrupt(void)
{
	if (sci_handler)
		sci_handler(sci_context);
}

/* --- one thread: later work, locks, semaphores --- */

acpi_thread_id acpi_os_get_thread_id(void)
{
	return 1;
}

acpi_status acpi_os_execute(acpi_execute_type type, acpi_osd_exec_callback function, void *context)
{
	if (queue_count == DEFERRED_MAX)
		return AE_NO_MEMORY;
	queue[(queue_first + queue_count++) % DEFERRED_MAX] = (struct deferred){function, context};
	return AE_OK;
}

bool osl_run_deferred(void)
{
	bool any = queue_count > 0;

	/* A job may put off another one, which runs in the next round. */
	for (unsigned n = queue_count; n; n--) {
		struct deferred job = queue[queue_first];

		queue_first = (queue_first + 1) % DEFERRED_MAX;
		queue_count--;
		job.function(job.context);
	}
	return any;
}

void acpi_os_wait_events_complete(void)
{
	for (int i = 0; i < DEFERRED_MAX && osl_run_deferred(); i++)
		;
}

acpi_status acpi_os_create_lock(acpi_spinlock *out)
{
	static char token;

	*out = &token;
	return AE_OK;
}

void acpi_os_delete_lock(acpi_spinlock lock)
{
}

acpi_cpu_flags acpi_os_acquire_lock(acpi_spinlock lock)
{
	return 0;
}

void acpi_os_release_lock(acpi_spinlock lock, acpi_cpu_flags flags)
{
}

struct semaphore {
	uint32_t units, max;
};

acpi_status acpi_os_create_semaphore(u32 max, u32 initial, acpi_semaphore *out)
{
	struct semaphore *s = malloc(sizeof(*s));

	if (!s)
		return AE_NO_MEMORY;
	*s = (struct semaphore){initial, max};
	*out = s;
	return AE_OK;
}

acpi_status acpi_os_delete_semaphore(acpi_semaphore semaphore)
{
	free(semaphore);
	return AE_OK;
}

acpi_status acpi_os_wait_semaphore(acpi_semaphore semaphore, u32 units, u16 timeout)
{
	struct semaphore *s = semaphore;

	if (!s)
		return AE_BAD_PARAMETER;
	/* Nobody else runs, so units that are missing now will not come. */
	if (s->units < units)
		return AE_TIME;
	s->units -= units;
	return AE_OK;
}

acpi_status acpi_os_signal_semaphore(acpi_semaphore semaphore, u32 units)
{
	struct semaphore *s = semaphore;

	if (!s)
		return AE_BAD_PARAMETER;
	if (units > s->max - s->units)
		return AE_LIMIT;
	s->units += units;
	return AE_OK;
}

/* --- time --- */

void acpi_os_sleep(u64 milliseconds)
{
	machine_sleep(milliseconds * 1000000);
}

void acpi_os_stall(u32 microseconds)
{
	/* AML may stall for 100 us at most; the one longer caller waits for S5 to happen. */
	if (microseconds > 1000)
		machine_sleep(microseconds > 1000000 ? 1000000000ull : microseconds * 1000ull);
	else
		machine_spin(microseconds * 1000ull);
}

u64 acpi_os_get_timer(void)
{
	return machine_clock() / NS_PER_100;
}

/* --- the rest --- */

acpi_status acpi_os_signal(u32 function, void *info)
{
	if (function == ACPI_SIGNAL_FATAL) {
		struct acpi_signal_fatal_info *f = info;

		acpi_os_printf("AML says Fatal: type %x, code %x, argument %x\n", f->type, f->code,
			       f->argument);
	}
	return AE_OK;
}

/* ACPICA prints pieces of lines. */
void acpi_os_vprintf(const char *format, va_list args)
{
	static char line[240];
	static size_t used;
	int n = vsnprintf(line + used, sizeof(line) - used, format, args);
	char *end;

	used = n < 0 || (size_t)n >= sizeof(line) - used ? sizeof(line) - 1 : used + n;
	while ((end = memchr(line, '\n', used)) || used == sizeof(line) - 1) {
		size_t length = end ? (size_t)(end - line) + 1 : used;

		line[length - (end ? 1 : 0)] = '\0';
		if (line[0] && line[0] != ACPI_MSG_INFO[0])
			machine_log(line);
		used -= length;
		memmove(line, line + length, used + 1);
		if (!end)
			break;
	}
}

void acpi_os_printf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	acpi_os_vprintf(format, args);
	va_end(args);
}
