// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/decode.c hv/vmm/decode_tables.c hv/vmm/emulate.c hv/vmm/emulate_alu.c hv/vmm/emulate_flags.c hv/vmm/emulate_string.c */
/*
 * Any bytes as an instruction, any registers, any segments, any code size; memory that answers,
 * faults or aborts as the input says. Beyond the sanitizers: the decoder gives the same answer for
 * every longer input, the cache agrees with it, only the registers that may change do, and a
 * result is always one of those that emulate.h names.
 */
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include "vmm/emulate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(x) ((x) ? (void)0 : __builtin_trap())

/* The input: this, then instruction bytes, then what memory and ports answer. */
struct head {
	uint64_t gpr[16], rip, rflags, cr0, efer;
	struct segment seg[6];
	uint8_t length;
};

struct world {
	const uint8_t *data;
	size_t size;
};

static uint64_t next(struct world *w, unsigned bytes)
{
	uint64_t value = 0;

	if (bytes > w->size)
		bytes = w->size;
	memcpy(&value, w->data, bytes);
	w->data += bytes;
	w->size -= bytes;
	return value;
}

/* Which of the three results an access has; the end of the input is plain success. */
static int verdict(struct world *w, struct emul_fault *fault, uint64_t linear)
{
	unsigned choice = next(w, 1);

	if (choice == 0xff)
		return EMUL_ABORT;
	if (choice != 0xfe)
		return EMUL_OK;
	if (fault)
		*fault = (struct emul_fault){14, true, 2, linear};
	return fault ? EMUL_FAULT : EMUL_ABORT;
}

static int do_read(void *ctx, uint64_t linear, unsigned size, unsigned flags, uint64_t *value,
		   struct emul_fault *fault)
{
	REQUIRE(size == 1 || size == 2 || size == 4 || size == 8);
	*value = next(ctx, size);
	return verdict(ctx, fault, linear);
}

static int do_write(void *ctx, uint64_t linear, unsigned size, unsigned flags, uint64_t value,
		    struct emul_fault *fault)
{
	REQUIRE(size == 1 || size == 2 || size == 4 || size == 8);
	REQUIRE(size == 8 || value >> (8 * size) == 0);
	return verdict(ctx, fault, linear);
}

static int do_probe(void *ctx, uint64_t linear, unsigned size, struct emul_fault *fault)
{
	return verdict(ctx, fault, linear);
}

static int do_in(void *ctx, uint16_t port, unsigned size, uint32_t *value)
{
	REQUIRE(size == 1 || size == 2 || size == 4);
	*value = next(ctx, size);
	return verdict(ctx, NULL, 0);
}

static int do_out(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
	REQUIRE(size == 1 || size == 2 || size == 4);
	return verdict(ctx, NULL, 0);
}

static const struct emul_ops ops = {do_read, do_write, do_probe, do_in, do_out};

static void check_decoder(const uint8_t *bytes, unsigned n, unsigned code)
{
	static struct insn_cache cache;
	uint8_t longer[INSN_MAX_LENGTH + 1] = {0};
	const struct insn *cached;
	int rc = insn_length(bytes, n, code), again;

	REQUIRE(rc >= INSN_TOO_LONG && rc <= (int)n && rc != 0);
	memcpy(longer, bytes, n);
	if (rc != INSN_TRUNCATED) {
		REQUIRE(insn_length(longer, sizeof(longer), code) == rc);
		longer[n] ^= 0xff;
		REQUIRE(insn_length(longer, sizeof(longer), code) == rc);
	}
	again = insn_decode_cached(&cache, longer, code, &cached);
	REQUIRE(again == insn_length(longer, INSN_MAX_LENGTH, code));
	REQUIRE(again == insn_decode_cached(&cache, longer, code, &cached));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct emul_fault fault = {0};
	uint8_t bytes[INSN_MAX_LENGTH];
	struct emul_cpu cpu;
	struct world w;
	struct head h;
	uint64_t rip;
	unsigned n;
	int rc;

	if (size < sizeof(h))
		return 0;
	memcpy(&h, data, sizeof(h));
	w = (struct world){data + sizeof(h), size - sizeof(h)};
	n = h.length % (INSN_MAX_LENGTH + 1);
	if (n > w.size)
		n = w.size;
	memcpy(bytes, w.data, n);
	w.data += n;
	w.size -= n;
	cpu = (struct emul_cpu){.gpr = h.gpr, .seg = h.seg, .rip = h.rip, .rflags = h.rflags};
	emul_set_mode(&cpu, h.cr0, h.efer);
	check_decoder(bytes, n, cpu.code);
	rip = cpu.rip;
	rc = emul_bytes(&cpu, bytes, n, &ops, &w, &fault);
	REQUIRE(rc == INSN_TRUNCATED || (rc >= EMUL_OK && rc <= EMUL_ABORT));
	if (rc != EMUL_OK)
		REQUIRE(cpu.rip == rip);
	if (rc == EMUL_FAULT)
		REQUIRE(fault.vector == 0 || fault.vector == 6 || fault.vector == 12 ||
			fault.vector == 13 || fault.vector == 14);
	if (rc == EMUL_UNHANDLED || rc == INSN_TRUNCATED)
		REQUIRE(!memcmp(h.gpr, data, sizeof(h.gpr)) && cpu.rflags == h.rflags);
	/* Nothing but the status flags, and RF, is ever changed. */
	REQUIRE(((cpu.rflags ^ h.rflags) & ~0x108d5ull) == 0);
	return 0;
}
