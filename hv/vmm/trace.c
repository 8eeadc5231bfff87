// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trace: the VMI calls that a trace ROM reports, counted, and the first ones kept in order: how a kernel starts is what
 * people want to know. Those that it makes by the million are only counted.
 */
#include "module.h"
#include "syscalls.h"
#include <postern/gateway.h>
#include <postern/vmi.h>
#include "guest.h"

#define RECORDS 65536u

struct record {
	uint8_t call, cpu;
	uint32_t eax, edx, ecx, stack;
};

static uint64_t counts[GATEWAY_TRACE_CALLS]; /* guest_lock */
static struct record *records;
static unsigned used;
static uint64_t lost;

static bool is_frequent(unsigned call)
{
	return (call >= VMI_CALL_EnableInterrupts && call <= VMI_CALL_SetInterruptMask) ||
	       call == VMI_CALL_RDTSC || call == VMI_CALL_GetCycleCounter;
}

static struct record *make_records(void)
{
	int64_t memory = sys_mem_create(RECORDS * sizeof(*records), 0);

	return memory < 0 ? NULL : space_map(memory, RECORDS * sizeof(*records), MAP_READ | MAP_WRITE);
}

void trace_call(unsigned cpu, const uint32_t *a)
{
	unsigned call = a[0] % GATEWAY_TRACE_CALLS;

	guest_lock();
	counts[call]++;
	if (!is_frequent(call)) {
		if (!records)
			records = make_records();
		if (records && used < RECORDS)
			records[used++] = (struct record){call, cpu, a[1], a[2], a[3], a[4]};
		else
			lost++;
	}
	guest_unlock();
}

static bool fill_count(struct message *m, unsigned from)
{
	while (from < GATEWAY_TRACE_CALLS && !counts[from])
		from++;
	if (from == GATEWAY_TRACE_CALLS)
		return false;
	m->trace.index = m->trace.call = from;
	m->trace.count = counts[from];
	return true;
}

static bool fill_record(struct message *m, unsigned index)
{
	const struct record *r = &records[index];

	if (index >= used)
		return false;
	m->trace.index = index;
	m->trace.call = r->call;
	m->trace.cpu = r->cpu;
	m->trace.eax = r->eax;
	m->trace.edx = r->edx;
	m->trace.ecx = r->ecx;
	m->trace.stack = r->stack;
	return true;
}

void trace_answer(const struct message *question)
{
	unsigned next = question->trace.index;

	guest_lock();
	for (unsigned n = 0; n < TRACE_AT_ONCE; n++) {
		struct message m = {.kind = MSG_GUEST_TRACED};
		bool more;

		m.trace.what = question->trace.what;
		more = m.trace.what == TRACE_RECORDS ? fill_record(&m, next) : fill_count(&m, next);
		if (!more) {
			m.trace.what = TRACE_END;
			m.trace.count = lost;
		}
		if (module_send(&m) < 0 || !more)
			break;
		next = m.trace.index + 1;
	}
	guest_unlock();
}
