// SPDX-License-Identifier: GPL-2.0-only
/*
 * MMIO: exits whose instruction must be decoded: device memory, string port I/O.
 *
 * The instruction is fetched through the guest's page tables, unless the processor supplied it; its
 * memory operand needs no second walk in the usual case, because the exit says where it went.
 */
#include "log.h"
#include <string.h>
#include "syscalls.h"
#include "emulate.h"
#include "guest.h"
#include "pagewalk.h"

#define APIC_PAGE 0xfee00000ull
#define MMIO_WRITE 2
#define MMIO_FETCH 16
#define MMIO_TABLE_WALK (1ull << 33)
#define RFLAGS_AC (1 << 18)

static void *ram_callback(void *ctx, uint64_t gpa, unsigned size)
{
	return ram_at(&guest.ram, gpa, size);
}

static void walker(struct pagewalk *w, const struct vcpu_run *r)
{
	*w = (struct pagewalk){.cr0 = r->cr0,
			       .cr3 = r->cr3,
			       .cr4 = r->cr4,
			       .efer = r->efer,
			       .rflags = r->rflags,
			       .phys_bits = guest.phys_bits,
			       .low_ram = guest.ram.base,
			       .low_size = guest.ram.low,
			       .ram = ram_callback};
}

unsigned mmio_fetch(struct vcpu *v, const struct emul_cpu *cpu, uint8_t *bytes)
{
	struct vcpu_run *r = v->run;
	unsigned got = 0, access = PW_FETCH | (r->cpl == 3 ? PW_USER : 0);
	struct emul_cpu at = {.mode = cpu->mode, .seg = cpu->seg, .rip = cpu->rip};
	struct pagewalk_out out;
	struct pagewalk w;

	walker(&w, r);
	while (got < INSN_MAX_LENGTH) {
		uint64_t linear = emul_fetch_linear(&at);
		unsigned left = PAGE_SIZE - (linear & (PAGE_SIZE - 1)),
			 want = INSN_MAX_LENGTH - got;
		const uint8_t *code;

		if (pagewalk(&w, linear, access, &out) != PW_OK)
			break;
		if (want > left)
			want = left;
		code = ram_at(&guest.ram, out.gpa, want);
		if (!code)
			break;
		if (want == INSN_MAX_LENGTH) {
			__builtin_memcpy(bytes, code, INSN_MAX_LENGTH); /* inline: the usual case */
			return want;
		}
		memcpy(bytes + got, code, want);
		got += want;
		at.rip += want;
	}
	return got;
}

bool mmio_peek(struct vcpu *v, uint32_t linear, void *to, unsigned bytes)
{
	struct pagewalk_out out;
	struct pagewalk w;

	walker(&w, v->run);
	for (unsigned done = 0, part; done < bytes; done += part) {
		uint32_t at = linear + done;
		const void *from;

		part = PAGE_SIZE - at % PAGE_SIZE;
		if (part > bytes - done)
			part = bytes - done;
		if (pagewalk(&w, at, PW_IMPLICIT, &out) != PW_OK)
			return false;
		from = ram_at(&guest.ram, out.gpa, part);
		if (!from)
			return false;
		memcpy((uint8_t *)to + done, from, part);
	}
	return true;
}

static uint64_t read_device(struct vcpu *v, uint64_t gpa, unsigned size, int *result)
{
	uint64_t page = gpa & ~0xfffull, value = 0;
	const struct mmio_range *range;

	if (page == APIC_PAGE)
		return (lapic_page(&v->lapic) && !(gpa & 0xc00) ? lapic_read(&v->lapic, gpa & 0x3f0) : ~0u) >> 8 * (gpa & 3);
	if (page == IOAPIC_BASE) {
		guest_lock();
		value = ioapic_read(&guest.ioapic, gpa & 0xff0) >> 8 * (gpa & 3);
		guest_unlock();
		return value;
	}
	if (gpa >= ECAM_BASE && gpa - ECAM_BASE <= ECAM_BYTES - size) {
		guest_lock();
		for (unsigned i = 0; i < size; i += 4)
			value |= (uint64_t)pci_ecam_read(&guest.pci, gpa - ECAM_BASE + i,
							 size > 4 ? 4 : size)
				 << 8 * i;
		guest_unlock();
		return value;
	}
	guest_lock();
	range = mmio_find(&guest.mmio, gpa, size);
	if (range)
		value = range->read(range->device, gpa - range->first, size);
	guest_unlock();
	if (range)
		return value;
	if (!report_unknown(v, guest.unknown_mmio, "mmio", gpa, size, false, 0)) {
		guest_end(END_FAULT, v->number,
			  "read of device memory %#llx, where nothing is, at rip %#llx",
			  (unsigned long long)gpa, (unsigned long long)v->run->rip);
		*result = EMUL_ABORT;
	}
	return 0;
}

/* False: nobody is there. */
static bool write_range(uint64_t gpa, unsigned size, uint64_t value)
{
	const struct mmio_range *range;

	guest_lock();
	range = mmio_find(&guest.mmio, gpa, size);
	if (range)
		range->write(range->device, gpa - range->first, size, value);
	guest_unlock();
	return range;
}

static int write_device(struct vcpu *v, uint64_t gpa, unsigned size, uint64_t value)
{
	uint64_t page = gpa & ~0xfffull;

	if (page == APIC_PAGE) {
		if (lapic_page(&v->lapic) && !(gpa & 0xc00))
			lapic_write(&v->lapic, gpa & 0x3f0, value);
	} else if (page == IOAPIC_BASE) {
		guest_lock();
		ioapic_write(&guest.ioapic, gpa & 0xff0, value);
		guest_unlock();
	} else if (gpa >= ECAM_BASE && gpa - ECAM_BASE <= ECAM_BYTES - size) {
		guest_lock();
		for (unsigned i = 0; i < size; i += 4)
			pci_ecam_write(&guest.pci, gpa - ECAM_BASE + i, size > 4 ? 4 : size,
				       value >> 8 * i);
		guest_unlock();
	} else if (!write_range(gpa, size, value) &&
		   !report_unknown(v, guest.unknown_mmio, "mmio", gpa, size, true, value)) {
		guest_end(END_FAULT, v->number,
			  "write to device memory %#llx, where nothing is, at rip %#llx",
			  (unsigned long long)gpa, (unsigned long long)v->run->rip);
		return EMUL_ABORT;
	}
	return EMUL_OK;
}

/* Linear to guest-physical. */
static int translate(struct vcpu *v, uint64_t linear, unsigned access, uint64_t *gpa,
		     struct emul_fault *fault)
{
	struct pagewalk_out out;
	struct pagewalk w;

	walker(&w, v->run);
	if (v->run->cpl == 3)
		access |= PW_USER;
	switch (pagewalk(&w, linear, access, &out)) {
	case PW_OK:
		*gpa = out.gpa;
		return EMUL_OK;
	case PW_FAULT:
		*fault = (struct emul_fault){14, true, out.error, linear};
		return EMUL_FAULT;
	default:
		return EMUL_ABORT;
	}
}

/* The same, with the exit's own address where it must be the operand's. */
static int operand(struct vcpu *v, uint64_t linear, unsigned flags, unsigned access, uint64_t *gpa,
		   struct emul_fault *fault)
{
	const struct vcpu_run *r = v->run;

	/* Once an exit: a later iteration of REP may have the same offset in another page. */
	if (flags & EMUL_SOLE && r->reason == EXIT_MMIO && !v->gpa_used &&
	    !((linear ^ r->mmio.gpa) & (PAGE_SIZE - 1))) {
		v->gpa_used = true;
		*gpa = r->mmio.gpa;
		return EMUL_OK;
	}
	return translate(v, linear, access, gpa, fault);
}

static bool crosses(uint64_t linear, unsigned size)
{
	return (linear & (PAGE_SIZE - 1)) + size > PAGE_SIZE;
}

static int read_one(struct vcpu *v, uint64_t gpa, unsigned size, uint64_t *value)
{
	const void *ram = ram_at(&guest.ram, gpa, size);
	int result = EMUL_OK;

	*value = 0;
	if (ram)
		memcpy(value, ram, size);
	else
		*value = read_device(v, gpa, size, &result);
	return result;
}

static int write_one(struct vcpu *v, uint64_t gpa, unsigned size, uint64_t value)
{
	void *ram = ram_at(&guest.ram, gpa, size);

	if (!ram || (guest.gateway.present && gpa >= GATEWAY_AT &&
		     gpa - GATEWAY_AT < guest.gateway.code_bytes))
		return write_device(v, gpa, size, value);
	/* One store, so that other processors never see half of it. */
	switch (size) {
	case 1:
		*(volatile uint8_t *)ram = value;
		break;
	case 2:
		*(volatile uint16_t *)ram = value;
		break;
	case 4:
		*(volatile uint32_t *)ram = value;
		break;
	default:
		*(volatile uint64_t *)ram = value;
	}
	return EMUL_OK;
}

static int op_read(void *ctx, uint64_t linear, unsigned size, unsigned flags, uint64_t *value,
		   struct emul_fault *fault)
{
	unsigned access = flags & EMUL_RMW ? PW_WRITE : 0;
	uint64_t gpa, part;
	int e;

	if (!crosses(linear, size)) {
		e = operand(ctx, linear, flags, access, &gpa, fault);
		return e ? e : read_one(ctx, gpa, size, value);
	}
	*value = 0;
	for (unsigned i = 0; i < size; i++) {
		e = translate(ctx, linear + i, access, &gpa, fault);
		if (!e)
			e = read_one(ctx, gpa, 1, &part);
		if (e)
			return e;
		*value |= (part & 0xff) << 8 * i;
	}
	return EMUL_OK;
}

static int op_write(void *ctx, uint64_t linear, unsigned size, unsigned flags, uint64_t value,
		    struct emul_fault *fault)
{
	uint64_t gpa[8];
	int e;

	if (!crosses(linear, size)) {
		e = operand(ctx, linear, flags, PW_WRITE, gpa, fault);
		return e ? e : write_one(ctx, gpa[0], size, value);
	}
	for (unsigned i = 0; i < size; i++) {
		e = translate(ctx, linear + i, PW_WRITE, &gpa[i], fault);
		if (e)
			return e;
	}
	for (unsigned i = 0; i < size; i++) {
		e = write_one(ctx, gpa[i], 1, value >> 8 * i & 0xff);
		if (e)
			return e;
	}
	return EMUL_OK;
}

static int op_probe(void *ctx, uint64_t linear, unsigned size, struct emul_fault *fault)
{
	uint64_t gpa;
	int e = translate(ctx, linear, PW_WRITE, &gpa, fault);

	if (!e && crosses(linear, size))
		e = translate(ctx, linear + size - 1, PW_WRITE, &gpa, fault);
	return e;
}

static int op_in(void *ctx, uint16_t port, unsigned size, uint32_t *value)
{
	*value = io_read(&guest.io, port, size);
	return EMUL_OK;
}

static int op_out(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
	io_write(&guest.io, port, size, value);
	return EMUL_OK;
}

static const struct emul_ops ops = {op_read, op_write, op_probe, op_in, op_out};

static void give_up(struct vcpu *v, const char *why, const uint8_t *bytes, unsigned n)
{
	const struct vcpu_run *r = v->run;
	char hex[3 * INSN_MAX_LENGTH + 1] = "";

	for (unsigned i = 0; i < n && i < INSN_MAX_LENGTH; i++) {
		hex[3 * i] = "0123456789abcdef"[bytes[i] >> 4];
		hex[3 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
		hex[3 * i + 2] = ' ';
		hex[3 * i + 3] = 0;
	}
	guest_end(END_FAULT, v->number,
		  "%s: address %#llx (error %#llx) at rip %#llx on cpu %u, code %s", why,
		  (unsigned long long)r->mmio.gpa, (unsigned long long)r->mmio.error,
		  (unsigned long long)r->rip, v->number, hex);
}

/* As emul_bytes(), by the cache of decoded instructions where all 15 bytes are there. */
static int decode_and_run(struct vcpu *v, struct emul_cpu *cpu, const uint8_t *bytes, unsigned n,
			  struct emul_fault *fault)
{
	const struct insn *insn;

	if (n < INSN_MAX_LENGTH || insn_decode_cached(&v->cache, bytes, cpu->code, &insn) < 0)
		return emul_bytes(cpu, bytes, n, &ops, v, fault);
	return emul_run(cpu, insn, &ops, v, fault);
}

static void execute(struct vcpu *v, struct emul_cpu *cpu, const uint8_t *bytes, unsigned n)
{
	struct vcpu_run *r = v->run;
	struct emul_fault fault = {0};
	int e;

	v->gpa_used = false;
	e = decode_and_run(v, cpu, bytes, n, &fault);
	switch (e) {
	case EMUL_FAULT:
		vcpu_inject(v, fault.vector, fault.has_error, fault.error, fault.cr2);
		/* fall through */
	case EMUL_OK:
	case EMUL_AGAIN:
		r->rip = cpu->rip;
		r->rflags = cpu->rflags;
		r->flags |= RUN_SET_RIP;
		break;
	case EMUL_ABORT:
		if (!__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE))
			give_up(v, "the guest's page tables do not lie in its RAM", bytes, n);
		break;
	case EMUL_UNHANDLED:
		give_up(v, "an instruction that the emulator does not know touches a device", bytes,
			n);
		break;
	default:
		give_up(v, "the instruction cannot be read", bytes, n);
	}
}

static void fetch_and_execute(struct vcpu *v)
{
	uint8_t bytes[INSN_MAX_LENGTH];
	struct emul_cpu cpu;
	unsigned n;

	emul_from_run(&cpu, v->run);
	if (v->run->reason == EXIT_MMIO && v->run->mmio.bytes_count) {
		execute(v, &cpu, v->run->mmio.bytes, v->run->mmio.bytes_count);
		return;
	}
	n = mmio_fetch(v, &cpu, bytes);
	if (n == 0)
		give_up(v, "the instruction cannot be read", bytes, 0);
	else
		execute(v, &cpu, bytes, n);
}

void mmio_exit(struct vcpu *v)
{
	struct vcpu_run *r = v->run;

	if (r->mmio.error & MMIO_FETCH)
		give_up(v, "the guest executes where it has no memory", NULL, 0);
	else if (r->mmio.error & MMIO_TABLE_WALK)
		give_up(v, "the guest's page tables do not lie in its RAM", NULL, 0);
	else
		fetch_and_execute(v);
}

void mmio_string_io(struct vcpu *v)
{
	fetch_and_execute(v);
}
