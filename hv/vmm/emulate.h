/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Emulator: executes one decoded instruction on a copy of guest registers.
 *
 * It is used where an access traps for good (MMIO, string port I/O). The emulator is pure: it
 * touches guest registers through struct emul_cpu and everything else through struct emul_ops.
 * Registers change only when the instruction (or, for REP, one whole iteration) is complete, so
 * a fault or an abort leaves a state from which the guest can take the exception or try again.
 *
 * Not done here, by design: fetching the bytes (the caller's, with PW_FETCH), paging (the
 * callbacks'), #AC alignment checks, debug breakpoints on data. TF is left to the caller: after
 * EMUL_OK with RFLAGS.TF set on entry, #DB (single step) is due. The caller also ends an
 * STI/MOV SS interrupt shadow after EMUL_OK.
 */
#ifndef VMM_EMULATE_H
#define VMM_EMULATE_H

#include <stdint.h>
#include <stdbool.h>
#include <stddef.h>
#include <postern/vcpu.h>
#include "decode.h"

/* Results of emul_run(). */
enum emul_result {
	EMUL_OK = 0,    /* executed; RIP is past it */
	EMUL_AGAIN,     /* REP: some iterations done, more to do; RIP unchanged, enter the guest */
	EMUL_FAULT,     /* the guest takes emul.fault; registers are as the exception needs them */
	EMUL_UNHANDLED, /* not an instruction the emulator executes; nothing changed */
	EMUL_ABORT,     /* a callback returned EMUL_ABORT; nothing (of this iteration) changed */
};

struct emul_fault {
	uint8_t vector;    /* 0 #DE, 6 #UD, 12 #SS, 13 #GP, 14 #PF */
	bool has_error;
	uint32_t error;
	uint64_t cr2;      /* #PF only */
};

enum emul_mode {
	EMUL_REAL,   /* CR0.PE = 0, or virtual-8086 mode: segments are bases with a limit */
	EMUL_PROT,   /* protected and compatibility mode: limits and types are checked */
	EMUL_LONG,   /* 64-bit mode: only the bases of FS and GS count */
};

struct emul_cpu {
	uint64_t *gpr;              /* 16 registers in the encoding's order */
	const struct segment *seg;  /* 6 segment registers in the encoding's order (enum seg) */
	uint64_t rip;
	uint64_t rflags;
	uint8_t mode;               /* enum emul_mode */
	uint8_t code;               /* code size in bytes: 2, 4, 8 */
	uint8_t stack;              /* stack size in bytes: 2, 4, 8 */
	uint8_t cpl;
	struct insn_cache *cache;   /* for emul_bytes(), or NULL */
};

/* Flags of the memory callbacks. */
#define EMUL_RMW  0x1 /* on read: the same location is written next; check write permission now */
#define EMUL_SOLE 0x2 /* the only memory the instruction touches: the exit's guest-physical
			 address is its address if the page offsets agree and no page is crossed */
#define EMUL_LOCKED 0x4 /* part of a locked read-modify-write */

/*
 * Memory and ports. `linear` is a linear address; the access may cross a page. `size` is 1, 2, 4
 * or 8. A callback returns EMUL_OK, EMUL_FAULT with *fault filled in, or EMUL_ABORT. A write that
 * does not return EMUL_OK must have changed nothing.
 */
struct emul_ops {
	int (*read)(void *ctx, uint64_t linear, unsigned size, unsigned flags, uint64_t *value,
		    struct emul_fault *fault);
	int (*write)(void *ctx, uint64_t linear, unsigned size, unsigned flags, uint64_t value,
		     struct emul_fault *fault);
	/* Would a write succeed? Asked before INS reads a port. May be NULL: not asked. */
	int (*probe)(void *ctx, uint64_t linear, unsigned size, struct emul_fault *fault);
	/* INS, OUTS, IN, OUT. May be NULL: then they are EMUL_UNHANDLED. */
	int (*in)(void *ctx, uint16_t port, unsigned size, uint32_t *value);
	int (*out)(void *ctx, uint16_t port, unsigned size, uint32_t value);
};

/* Iterations of one REP instruction in one call; then EMUL_AGAIN, so that interrupts get in. */
#define EMUL_REP_MAX 1024

/*
 * The mode, code size and stack size of a processor with these registers; fills cpu->mode, code,
 * stack, cpl. cpu->seg and cpu->rflags must be set.
 */
void emul_set_mode(struct emul_cpu *cpu, uint64_t cr0, uint64_t efer);

/* Aim *cpu at the registers of an exit. RIP and RFLAGS are copies: the caller puts them back. */
static inline void emul_from_run(struct emul_cpu *cpu, struct vcpu_run *run)
{
	cpu->gpr = run->gpr;
	cpu->seg = run->seg;
	cpu->rip = run->rip;
	cpu->rflags = run->rflags;
	cpu->cache = NULL;
	emul_set_mode(cpu, run->cr0, run->efer);
}

/* Linear address of the next instruction byte. */
static inline uint64_t emul_fetch_linear(const struct emul_cpu *cpu)
{
	if (cpu->mode == EMUL_LONG)
		return cpu->rip;
	return (uint32_t)(cpu->seg[SEG_CS].base + cpu->rip);
}

/*
 * Execute `insn`, decoded with cpu->code, on `cpu`. On EMUL_FAULT *fault says which exception.
 * Reads and writes may reach devices in the order the instruction makes them.
 */
int emul_run(struct emul_cpu *cpu, const struct insn *insn, const struct emul_ops *ops, void *ctx,
	     struct emul_fault *fault);

/*
 * Decode, through cpu->cache if there is one and 15 bytes are given, and execute. INSN_TRUNCATED
 * comes back as itself (negative); the processor's decode faults (#UD, #GP) as EMUL_FAULT.
 */
int emul_bytes(struct emul_cpu *cpu, const uint8_t *bytes, unsigned n, const struct emul_ops *ops,
	       void *ctx, struct emul_fault *fault);

/* Step over an instruction whose effect the caller has produced: RIP, RF. */
void emul_skip(struct emul_cpu *cpu, const struct insn *insn);

#endif
