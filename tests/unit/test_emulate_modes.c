// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/decode.c hv/vmm/decode_tables.c hv/vmm/emulate.c hv/vmm/emulate_alu.c hv/vmm/emulate_flags.c hv/vmm/emulate_string.c */
/*
 * The emulator where this machine cannot be the judge: real, virtual-8086, 16-bit and 32-bit
 * code, segment limits and types, faults, ports, the limits of REP, and what the callbacks are
 * told. Rows say what changes; everything they do not name must stay.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "vmm/emulate.h"

#define BYTES(s) s, sizeof(s) - 1
#define MEMORY 0x100000
#define RIP 0x7000
#define VM (1 << 17)
#define DF (1 << 10)
#define RF (1 << 16)

enum mode { REAL, V86, PROT16, PROT32, LONG };

struct row {
	const char *name;
	enum mode mode;
	const char *code;
	unsigned size;
	/* before */
	struct { unsigned reg; uint64_t value; } in[2];    /* nonzero values */
	struct { uint32_t at; uint64_t value; } poke;      /* 8 bytes */
	struct { unsigned index, attr, limit, base; } seg; /* nonzero attr or limit */
	uint32_t flags;
	/* after */
	int result;
	int vector;
	uint32_t error;
	bool no_error;
	struct { unsigned reg; uint64_t value; bool set; } out[3];
	struct { uint32_t at; unsigned size; uint64_t value; } mem;
	uint64_t rip;                                      /* 0: behind the instruction */
};

#define FAULT(v) .result = EMUL_FAULT, .vector = (v)
#define SET(r, v) {.reg = (r), .value = (v), .set = true}

/*
 * Registers at the start: eax 44332211, ecx 3, edx 3f8, ebx 100, esp 200, ebp 300, esi 400,
 * edi 500, r8.. 0; in 16-bit modes ES 1000, DS 2000, SS 3000, FS 4000, GS 5000, CS f000; in
 * 32-bit code everything flat but FS (base 40000, limit fff), GS null.
 */
static const struct row rows[] = {
	/* real mode: addressing, segments */
	{"mov [bx+si], ax", REAL, BYTES("\x89\x00"), .mem = {0x20500, 2, 0x2211}},
	{"mov [bx+di], ax", REAL, BYTES("\x89\x01"), .mem = {0x20600, 2, 0x2211}},
	{"mov [bp+si], ax", REAL, BYTES("\x89\x02"), .mem = {0x30700, 2, 0x2211}},
	{"mov [bp+di], al", REAL, BYTES("\x88\x03"), .mem = {0x30800, 1, 0x11}},
	{"mov [si], ah", REAL, BYTES("\x88\x24"), .mem = {0x20400, 1, 0x22}},
	{"mov [di+2], ax", REAL, BYTES("\x89\x45\x02"), .mem = {0x20502, 2, 0x2211}},
	{"mov [bp-2], ax", REAL, BYTES("\x89\x46\xfe"), .mem = {0x302fe, 2, 0x2211}},
	{"mov [1234h], ax", REAL, BYTES("\x89\x06\x34\x12"), .mem = {0x21234, 2, 0x2211}},
	{"mov [bx+8000h], eax", REAL, BYTES("\x66\x89\x87\x00\x80"), .mem = {0x28100, 4, 0x44332211}},
	{"mov es:[bx], ax", REAL, BYTES("\x26\x89\x07"), .mem = {0x10100, 2, 0x2211}},
	{"mov gs:[bp], ax", REAL, BYTES("\x65\x89\x46\x00"), .mem = {0x50300, 2, 0x2211}},
	{"mov cs:[bx], ax", REAL, BYTES("\x2e\x89\x07"), .mem = {0xf0100, 2, 0x2211}},
	{"mov [ebx+ecx*4], ax by 67", REAL, BYTES("\x67\x89\x04\x8b"), .mem = {0x2010c, 2, 0x2211}},
	{"the offset wraps at 64 KiB", REAL, BYTES("\x89\x87\x00\xff"), .in = {{GPR_RBX, 0x1180}},
	 .mem = {0x21080, 2, 0x2211}},
	{"mov ax, [ffffh]: limit", REAL, BYTES("\x8b\x06\xff\xff"), FAULT(13), .no_error = true},
	{"mov al, [ffffh]", REAL, BYTES("\x8a\x06\xff\xff"), .poke = {0x2fff8, 0xabull << 56},
	 .out = {SET(GPR_RAX, 0x443322ab)}},
	{"67 beyond 64 KiB: limit", REAL, BYTES("\x67\x8b\x03"), .in = {{GPR_RBX, 0x10000}}, FAULT(13),
	 .no_error = true},
	{"unreal mode: the same, wide limit", REAL, BYTES("\x67\x8b\x03"), .in = {{GPR_RBX, 0x10000}},
	 .seg = {SEG_DS, 0x93, 0xffffffff, 0x20000}, .poke = {0x30000, 0x1234},
	 .out = {SET(GPR_RAX, 0x44331234)}},
	{"mov ax, [bp+ffffh] off the stack: #SS", REAL, BYTES("\x8b\x46\xff"), .in = {{GPR_RBP, 0x10000}},
	 FAULT(12), .no_error = true},
	{"mov ax, moffs", REAL, BYTES("\xa1\x00\x04"), .poke = {0x20400, 0xbeef},
	 .out = {SET(GPR_RAX, 0x4433beef)}},
	{"push [bx]", REAL, BYTES("\xff\x37"), .poke = {0x20100, 0xcafe}, .mem = {0x301fe, 2, 0xcafe},
	 .out = {SET(GPR_RSP, 0x1fe)}},
	{"push dword [bx]", REAL, BYTES("\x66\xff\x37"), .poke = {0x20100, 0xcafebabe},
	 .mem = {0x301fc, 4, 0xcafebabe}, .out = {SET(GPR_RSP, 0x1fc)}},
	{"pop [di]", REAL, BYTES("\x8f\x05"), .poke = {0x30200, 0x7777}, .mem = {0x20500, 2, 0x7777},
	 .out = {SET(GPR_RSP, 0x202)}},
	{"push with sp 0 wraps", REAL, BYTES("\x50"), .in = {{GPR_RSP, 0x10000}},
	 .mem = {0x3fffe, 2, 0x2211}, .out = {SET(GPR_RSP, 0x1fffe)}},
	{"call [bx]", REAL, BYTES("\xff\x17"), .poke = {0x20100, 0x1234}, .mem = {0x301fe, 2, 0x7002},
	 .out = {SET(GPR_RSP, 0x1fe)}, .rip = 0x1234},
	{"jmp [bx]", REAL, BYTES("\xff\x27"), .poke = {0x20100, 0xff001234}, .rip = 0x1234},
	{"stosw", REAL, BYTES("\xab"), .mem = {0x10500, 2, 0x2211}, .out = {SET(GPR_RDI, 0x502)}},
	{"stosb backwards", REAL, BYTES("\xaa"), .flags = DF, .mem = {0x10500, 1, 0x11},
	 .out = {SET(GPR_RDI, 0x4ff)}},
	{"di wraps, its upper half stays", REAL, BYTES("\xaa"), .in = {{GPR_RDI, 0x1ffff}},
	 .mem = {0x1ffff, 1, 0x11}, .out = {SET(GPR_RDI, 0x10000)}},
	{"rep stosd", REAL, BYTES("\xf3\x66\xab"), .mem = {0x10508, 4, 0x44332211},
	 .out = {SET(GPR_RDI, 0x50c), {GPR_RCX, 0, true}}},
	{"rep with cx 0, ecx not", REAL, BYTES("\xf3\xab"), .in = {{GPR_RCX, 0x10000}}},
	{"rep movsb es, fs", REAL, BYTES("\x64\xf3\xa4"), .poke = {0x40400, 0x332211},
	 .mem = {0x10500, 4, 0x332211},
	 .out = {SET(GPR_RDI, 0x503), SET(GPR_RSI, 0x403), {GPR_RCX, 0, true}}},
	{"lodsb cs:", REAL, BYTES("\x2e\xac"), .poke = {0xf0400, 0x5a},
	 .out = {SET(GPR_RAX, 0x4433225a), SET(GPR_RSI, 0x401)}},
	{"mov [bx], ds", REAL, BYTES("\x8c\x1f"), .mem = {0x20100, 2, 0x2000}},
	{"mov eax, es", REAL, BYTES("\x66\x8c\xc0"), .out = {SET(GPR_RAX, 0x1000)}},
	{"add word [bx], -1", REAL, BYTES("\x83\x07\xff"), .poke = {0x20100, 0x10001},
	 .mem = {0x20100, 4, 0x10000}},
	{"inc ax", REAL, BYTES("\x40"), .out = {SET(GPR_RAX, 0x44332212)}},
	{"movzx eax, byte [bx]", REAL, BYTES("\x66\x0f\xb6\x07"), .poke = {0x20100, 0xfe},
	 .out = {SET(GPR_RAX, 0xfe)}},
	/* real mode: ports */
	{"insb", REAL, BYTES("\x6c"), .mem = {0x10500, 1, 0xd4}, .out = {SET(GPR_RDI, 0x501)}},
	{"rep insw", REAL, BYTES("\xf3\x6d"), .mem = {0x10504, 2, 0xc3d4},
	 .out = {SET(GPR_RDI, 0x506), {GPR_RCX, 0, true}}},
	{"rep outsd", REAL, BYTES("\xf3\x66\x6f"), .poke = {0x20408, 0x99},
	 .out = {SET(GPR_RSI, 0x40c), {GPR_RCX, 0, true}}},
	{"in ax, dx", REAL, BYTES("\xed"), .out = {SET(GPR_RAX, 0x4433c3d4)}},
	{"in al, 71h", REAL, BYTES("\xe4\x71"), .out = {SET(GPR_RAX, 0x443322d4)}},
	{"out 80h, eax", REAL, BYTES("\x66\xe7\x80"), .result = EMUL_OK},
	/* virtual-8086 mode: the same addresses, but an error code */
	{"V86 mov [bx+si], ax", V86, BYTES("\x89\x00"), .mem = {0x20500, 2, 0x2211}},
	{"V86 limit", V86, BYTES("\x8b\x06\xff\xff"), FAULT(13)},
	/* 16-bit protected mode */
	{"P16 mov [bx+si], ax", PROT16, BYTES("\x89\x00"), .mem = {0x20500, 2, 0x2211}},
	{"P16 mov ax, [800h]: limit 7ff", PROT16, BYTES("\xa1\x00\x08"), .seg = {SEG_DS, 0x93, 0x7ff, 0x20000},
	 FAULT(13)},
	{"P16 mov ax, [7feh]", PROT16, BYTES("\xa1\xfe\x07"), .seg = {SEG_DS, 0x93, 0x7ff, 0x20000},
	 .poke = {0x207fe, 0x1357}, .out = {SET(GPR_RAX, 0x44331357)}},
	{"P16 dword by 66", PROT16, BYTES("\x66\xa3\x00\x04"), .mem = {0x20400, 4, 0x44332211}},
	{"P16 32-bit stack", PROT16, BYTES("\x50"), .seg = {SEG_SS, 0x493, 0xffff, 0x30000},
	 .mem = {0x301fe, 2, 0x2211}, .out = {SET(GPR_RSP, 0x1fe)}},
	/* 32-bit code */
	{"mov [ebx+esi*2+8], eax", PROT32, BYTES("\x89\x44\x73\x08"), .mem = {0x908, 4, 0x44332211}},
	{"mov [1000h], eax", PROT32, BYTES("\x89\x05\x00\x10\x00\x00"), .mem = {0x1000, 4, 0x44332211}},
	{"mov [si], ax by 66 67", PROT32, BYTES("\x66\x67\x89\x04"), .mem = {0x400, 2, 0x2211}},
	{"address wraps at 4 GiB", PROT32, BYTES("\x8b\x43\x80"), .in = {{GPR_RBX, 0x100000070}},
	 .seg = {SEG_DS, 0xc93, 0xffffffff, 0x110}, .poke = {0x100, 0x1234},
	 .out = {SET(GPR_RAX, 0x1234)}},
	{"fs base", PROT32, BYTES("\x64\x8b\x03"), .poke = {0x40100, 0x87654321},
	 .out = {SET(GPR_RAX, 0x87654321)}},
	{"fs limit", PROT32, BYTES("\x64\x8b\x83\xfd\x0e\x00\x00"), FAULT(13)},
	{"fs last word", PROT32, BYTES("\x64\x8b\x83\xfc\x0e\x00\x00"), .poke = {0x40ffc, 7},
	 .out = {SET(GPR_RAX, 7)}},
	{"null segment", PROT32, BYTES("\x65\x8b\x03"), FAULT(13)},
	{"read-only data: write", PROT32, BYTES("\x89\x03"), .seg = {SEG_DS, 0xc91, 0xffffffff}, FAULT(13)},
	{"read-only data: read", PROT32, BYTES("\x8b\x03"), .seg = {SEG_DS, 0xc91, 0xffffffff},
	 .poke = {0x100, 5}, .out = {SET(GPR_RAX, 5)}},
	{"read-only data: rmw", PROT32, BYTES("\xff\x03"), .seg = {SEG_DS, 0xc91, 0xffffffff}, FAULT(13)},
	{"code: write", PROT32, BYTES("\x2e\x89\x03"), FAULT(13)},
	{"code: read", PROT32, BYTES("\x2e\x8b\x03"), .poke = {0x100, 6}, .out = {SET(GPR_RAX, 6)}},
	{"execute-only code: read", PROT32, BYTES("\x2e\x8b\x03"), .seg = {SEG_CS, 0xc99, 0xffffffff},
	 FAULT(13)},
	{"expand-down: below", PROT32, BYTES("\x8b\x03"), .seg = {SEG_DS, 0xc97, 0x100}, FAULT(13)},
	{"expand-down: above", PROT32, BYTES("\x8b\x03"), .seg = {SEG_DS, 0xc97, 0xff}, .poke = {0x100, 9},
	 .out = {SET(GPR_RAX, 9)}},
	{"expand-down: past the top", PROT32, BYTES("\x8b\x03"), .in = {{GPR_RBX, 0xfffe}},
	 .seg = {SEG_DS, 0x97, 0x100}, FAULT(13)},
	{"stack limit", PROT32, BYTES("\x8b\x04\x24"), .seg = {SEG_SS, 0x493, 0x202}, FAULT(12)},
	{"push off the stack", PROT32, BYTES("\xff\x33"), .seg = {SEG_SS, 0x493, 0x1fe}, FAULT(12)},
	{"push [ebx]", PROT32, BYTES("\xff\x33"), .poke = {0x100, 0x55667788},
	 .mem = {0x1fc, 4, 0x55667788}, .out = {SET(GPR_RSP, 0x1fc)}},
	{"push imm8", PROT32, BYTES("\x6a\xfe"), .mem = {0x1fc, 4, 0xfffffffe},
	 .out = {SET(GPR_RSP, 0x1fc)}},
	{"pop [esp+4]", PROT32, BYTES("\x8f\x44\x24\x04"), .poke = {0x200, 0x99}, .mem = {0x208, 4, 0x99},
	 .out = {SET(GPR_RSP, 0x204)}},
	{"pop, destination read-only", PROT32, BYTES("\x8f\x03"), .seg = {SEG_DS, 0xc91, 0xffffffff},
	 FAULT(13)},
	{"call [ebx]", PROT32, BYTES("\xff\x13"), .poke = {0x100, 0x9000}, .mem = {0x1fc, 4, 0x7002},
	 .out = {SET(GPR_RSP, 0x1fc)}, .rip = 0x9000},
	{"jmp past the limit", PROT32, BYTES("\xff\x23"), .poke = {0x100, 0x10000},
	 .seg = {SEG_CS, 0x49b, 0xffff}, FAULT(13)},
	{"dec edx", PROT32, BYTES("\x4a"), .out = {SET(GPR_RDX, 0x3f7)}},
	{"xchg [ebx], eax", PROT32, BYTES("\x87\x03"), .poke = {0x100, 0x12345678},
	 .mem = {0x100, 4, 0x44332211}, .out = {SET(GPR_RAX, 0x12345678)}},
	{"lock cmpxchg [ebx], ecx: equal", PROT32, BYTES("\xf0\x0f\xb1\x0b"), .poke = {0x100, 0x44332211},
	 .mem = {0x100, 4, 3}},
	{"lock cmpxchg [ebx], ecx: not", PROT32, BYTES("\xf0\x0f\xb1\x0b"), .poke = {0x100, 0x44332212},
	 .mem = {0x100, 4, 0x44332212}, .out = {SET(GPR_RAX, 0x44332212)}},
	{"cmpxchg8b", PROT32, BYTES("\x0f\xc7\x0e"), .in = {{GPR_RDX, 0x1}},
	 .poke = {0x400, 0x144332211}, .mem = {0x400, 8, 0x300000100}},
	{"bts [ebx], eax, far away", PROT32, BYTES("\x0f\xab\x03"), .in = {{GPR_RAX, 0x1003}},
	 .mem = {0x300, 4, 8}},
	{"btr word [ebx], -1", PROT32, BYTES("\x66\x0f\xb3\x03"), .in = {{GPR_RAX, 0xffff}},
	 .poke = {0xfe, 0xffff}, .mem = {0xfe, 2, 0x7fff}},
	{"movsd", PROT32, BYTES("\xa5"), .poke = {0x400, 0xaabbccdd}, .mem = {0x500, 4, 0xaabbccdd},
	 .out = {SET(GPR_RSI, 0x404), SET(GPR_RDI, 0x504)}},
	{"stos to read-only", PROT32, BYTES("\xaa"), .seg = {SEG_ES, 0xc91, 0xffffffff}, FAULT(13)},
	{"rep stosd, ES limit after two", PROT32, BYTES("\xf3\xab"), .seg = {SEG_ES, 0x493, 0x507},
	 FAULT(13), .mem = {0x504, 8, 0x44332211}, .out = {SET(GPR_RDI, 0x508), SET(GPR_RCX, 1)}},
	{"rep stosb of many", PROT32, BYTES("\xf3\xaa"), .in = {{GPR_RCX, EMUL_REP_MAX + 5}},
	 .result = EMUL_AGAIN, .mem = {0x500 + EMUL_REP_MAX - 1, 2, 0x11},
	 .out = {SET(GPR_RDI, 0x500 + EMUL_REP_MAX), SET(GPR_RCX, 5)}},
	{"rep stosb of just so many", PROT32, BYTES("\xf3\xaa"), .in = {{GPR_RCX, EMUL_REP_MAX}},
	 .mem = {0x500 + EMUL_REP_MAX - 1, 2, 0x11},
	 .out = {SET(GPR_RDI, 0x500 + EMUL_REP_MAX), {GPR_RCX, 0, true}}},
	{"repne scasb", PROT32, BYTES("\xf2\xae"), .poke = {0x500, 0x1100}, .in = {{GPR_RCX, 9}},
	 .out = {SET(GPR_RDI, 0x502), SET(GPR_RCX, 7)}},
	{"repe cmpsb", PROT32, BYTES("\xf3\xa6"), .poke = {0x402, 1}, .in = {{GPR_RCX, 9}},
	 .out = {SET(GPR_RSI, 0x403), SET(GPR_RDI, 0x503), SET(GPR_RCX, 6)}},
	{"page fault", PROT32, BYTES("\x8b\x83\x00\x00\x0f\x00"), FAULT(14), .error = 2},
	{"page fault on the second half of movs", PROT32, BYTES("\xa5"), .in = {{GPR_RDI, 0xf0010}},
	 FAULT(14), .error = 2},
	{"page fault on the push of a call", PROT32, BYTES("\xff\x13"), .in = {{GPR_RSP, 0xf0008}},
	 .poke = {0x100, 0x9000}, FAULT(14), .error = 2},
	{"page fault on xadd", PROT32, BYTES("\x0f\xc1\x83\x00\x00\x0f\x00"), FAULT(14), .error = 2},
	{"page fault on ins: nothing read", PROT32, BYTES("\x6d"), .in = {{GPR_RDI, 0xf0000}}, FAULT(14),
	 .error = 2},
	{"abort", PROT32, BYTES("\x89\x83\x00\x00\x0e\x00"), .result = EMUL_ABORT},
	{"rep insd", PROT32, BYTES("\xf3\x6d"), .mem = {0x508, 4, 0xa1b2c3d4},
	 .out = {SET(GPR_RDI, 0x50c), {GPR_RCX, 0, true}}},
	{"cmovb not taken still reads", PROT32, BYTES("\x0f\x42\x83\x00\x00\x0f\x00"), FAULT(14), .error = 2},
	/* #UD and what is not emulated */
	{"lock mov", PROT32, BYTES("\xf0\x89\x03"), FAULT(6)},
	{"lock add eax, [ebx]", PROT32, BYTES("\xf0\x03\x03"), FAULT(6)},
	{"lock cmp", PROT32, BYTES("\xf0\x39\x03"), FAULT(6)},
	{"lock inc eax", PROT32, BYTES("\xf0\xff\xc0"), FAULT(6)},
	{"lock bt", PROT32, BYTES("\xf0\x0f\xa3\x03"), FAULT(6)},
	{"lock push", PROT32, BYTES("\xf0\xff\x33"), FAULT(6)},
	{"lock test", PROT32, BYTES("\xf0\xf6\x03\x01"), FAULT(6)},
	{"c7 /1", PROT32, BYTES("\xc7\x0b\0\0\0\0"), FAULT(6)},
	{"8f /1", PROT32, BYTES("\x66\x8f\x4b\x00"), FAULT(6)},
	{"fe /2", PROT32, BYTES("\xfe\x13"), FAULT(6)},
	{"ff /7", PROT32, BYTES("\xff\x3b"), FAULT(6)},
	{"0f ba /3", PROT32, BYTES("\x0f\xba\x1b\x01"), FAULT(6)},
	{"mov [ebx], sreg 6", PROT32, BYTES("\x8c\x33"), FAULT(6)},
	{"movnti eax, ecx", PROT32, BYTES("\x0f\xc3\xc8"), FAULT(6)},
	{"movbe eax, ecx", PROT32, BYTES("\x0f\x38\xf0\xc1"), FAULT(6)},
	{"0f b8 without f3", PROT32, BYTES("\x0f\xb8\x03"), FAULT(6)},
	{"0f 0a", PROT32, BYTES("\x0f\x0a"), FAULT(6)},
	{"15 prefixes", PROT32, BYTES("\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e"),
	 FAULT(13)},
	{"arpl", PROT32, BYTES("\x63\x03"), .result = EMUL_UNHANDLED},
	{"call far", PROT32, BYTES("\xff\x1b"), .result = EMUL_UNHANDLED},
	{"movaps", PROT32, BYTES("\x0f\x28\x03"), .result = EMUL_UNHANDLED},
	{"mov ss, [ebx]", PROT32, BYTES("\x8e\x13"), .result = EMUL_UNHANDLED},
	{"rdrand", PROT32, BYTES("\x0f\xc7\xf0"), .result = EMUL_UNHANDLED},
	{"div by zero", PROT32, BYTES("\xf7\x33"), FAULT(0), .no_error = true},
	{"div overflow", PROT32, BYTES("\xf7\x33"), .poke = {0x100, 0x3f8}, FAULT(0), .no_error = true},
	{"div", PROT32, BYTES("\xf7\x33"), .poke = {0x100, 0x3f9},
	 .out = {SET(GPR_RAX, 0xffd0ba0e), SET(GPR_RDX, 0x73)}},
	/* 64-bit code */
	{"not canonical", LONG, BYTES("\x48\x8b\x03"), .in = {{GPR_RBX, 0x800000000000}}, FAULT(13)},
	{"last byte not canonical", LONG, BYTES("\x48\x8b\x03"), .in = {{GPR_RBX, 0x7ffffffffff9}}, FAULT(13)},
	{"not canonical below", LONG, BYTES("\x48\x8b\x03"), .in = {{GPR_RBX, 0xffff7fffffffffff}}, FAULT(13)},
	{"stack not canonical", LONG, BYTES("\x48\x8b\x45\x00"), .in = {{GPR_RBP, 1ull << 63}}, FAULT(12)},
	{"push, stack not canonical", LONG, BYTES("\xff\x33"), .in = {{GPR_RSP, 1ull << 62}}, FAULT(12)},
	{"ds base and limit ignored", LONG, BYTES("\x8b\x03"), .seg = {SEG_DS, 0x1, 0x10, 0x66600},
	 .poke = {0x100, 4}, .out = {SET(GPR_RAX, 4)}},
	{"fs base of 64 bits", LONG, BYTES("\x64\x8b\x03"), .poke = {0x40100, 8}, .out = {SET(GPR_RAX, 8)}},
	{"jmp not canonical", LONG, BYTES("\xff\x23"), .poke = {0x100, 1ull << 50}, FAULT(13)},
	{"cmpxchg16b unaligned", LONG, BYTES("\x48\x0f\xc7\x4b\x08"), FAULT(13)},
	{"67: address of 32 bits", LONG, BYTES("\x67\x8b\x03"), .in = {{GPR_RBX, 0xff00000100}},
	 .poke = {0x100, 4}, .out = {SET(GPR_RAX, 4)}},
	{"67 rep stosb: count of 32 bits", LONG, BYTES("\x67\xf3\xaa"), .in = {{GPR_RCX, 0xff00000001}},
	 .mem = {0x500, 2, 0x11}, .out = {SET(GPR_RDI, 0x501), {GPR_RCX, 0, true}}},
};

struct machine {
	uint8_t memory[MEMORY];
	uint64_t gpr[16];
	struct segment seg[6];
	unsigned ins, outs, accesses, last_flags;
	uint32_t out_value;
};

static struct machine machine;

/* Linear f0000 up faults in 32-bit code, e0000 up aborts; in 16-bit code it is all memory. */
static int trap(struct machine *m, uint64_t linear, struct emul_fault *fault)
{
	if (m->seg[SEG_CS].base == 0 && linear >= 0xf0000) {
		*fault = (struct emul_fault){14, true, 2, linear};
		return EMUL_FAULT;
	}
	return m->seg[SEG_CS].base == 0 && linear >= 0xe0000 ? EMUL_ABORT : EMUL_OK;
}

static int do_read(void *ctx, uint64_t linear, unsigned size, unsigned flags, uint64_t *value,
		   struct emul_fault *fault)
{
	struct machine *m = ctx;
	int rc = trap(m, linear, fault);

	m->accesses++;
	m->last_flags = flags;
	*value = 0;
	if (rc)
		return rc;
	assert_true(linear <= MEMORY - size);
	memcpy(value, m->memory + linear, size);
	return EMUL_OK;
}

static int do_write(void *ctx, uint64_t linear, unsigned size, unsigned flags, uint64_t value,
		    struct emul_fault *fault)
{
	struct machine *m = ctx;
	int rc = trap(m, linear, fault);

	m->accesses++;
	m->last_flags = flags;
	if (rc)
		return rc;
	assert_true(linear <= MEMORY - size);
	memcpy(m->memory + linear, &value, size);
	return EMUL_OK;
}

static int do_probe(void *ctx, uint64_t linear, unsigned size, struct emul_fault *fault)
{
	return trap(ctx, linear, fault);
}

static int do_in(void *ctx, uint16_t port, unsigned size, uint32_t *value)
{
	struct machine *m = ctx;

	assert_true(port == 0x3f8 || port == 0x71);
	m->ins++;
	*value = 0xa1b2c3d4;
	return EMUL_OK;
}

static int do_out(void *ctx, uint16_t port, unsigned size, uint32_t value)
{
	struct machine *m = ctx;

	assert_true(port == 0x3f8 || port == 0x80);
	m->outs++;
	m->out_value = value;
	return EMUL_OK;
}

static const struct emul_ops ops = {do_read, do_write, do_probe, do_in, do_out};

static void make_segments(struct machine *m, enum mode mode)
{
	static const uint16_t selectors[6] = {0x1000, 0xf000, 0x3000, 0x2000, 0x4000, 0x5000};
	unsigned i;

	for (i = 0; i < 6; i++) {
		if (mode <= PROT16)
			m->seg[i] = (struct segment){selectors[i], mode == V86 ? 0xf3 : 0x93, 0xffff,
						     selectors[i] << 4};
		else
			m->seg[i] = (struct segment){0x10, 0xc93, 0xffffffff, 0};
	}
	m->seg[SEG_CS].attributes |= 8;
	if (mode > PROT16) {
		m->seg[SEG_FS] = (struct segment){0x18, 0x493, 0xfff, 0x40000};
		m->seg[SEG_GS] = (struct segment){0};
	}
	if (mode == LONG)
		m->seg[SEG_CS].attributes = 0xa9b;
}

static void make_machine(struct emul_cpu *cpu, enum mode mode)
{
	static const uint64_t start[8] = {0x44332211, 3, 0x3f8, 0x100, 0x200, 0x300, 0x400, 0x500};

	memset(&machine, 0, sizeof(machine));
	memcpy(machine.gpr, start, sizeof(start));
	make_segments(&machine, mode);
	*cpu = (struct emul_cpu){.gpr = machine.gpr, .seg = machine.seg, .rip = RIP,
				 .rflags = 2 | RF | (mode == V86 ? VM : 0)};
}

static void set_mode(struct emul_cpu *cpu, enum mode mode)
{
	emul_set_mode(cpu, mode == REAL ? 0 : 1, mode == LONG ? 1 << 10 : 0);
}

static void check_result(const struct row *row, const struct emul_cpu *cpu, int rc,
			 const struct emul_fault *fault)
{
	uint64_t rip = row->rip ? row->rip : rc == EMUL_OK ? RIP + row->size : RIP;

	if (rc != row->result)
		fail_msg("%s: result %d, expected %d", row->name, rc, row->result);
	if (cpu->rip != rip)
		fail_msg("%s: rip %#lx", row->name, cpu->rip);
	if (!(cpu->rflags & RF) != (rc == EMUL_OK))
		fail_msg("%s: RF", row->name);
	if (rc != EMUL_FAULT)
		return;
	if (fault->vector != row->vector || fault->error != row->error ||
	    fault->has_error != (row->vector >= 10 && !row->no_error))
		fail_msg("%s: vector %u error %#x %d", row->name, fault->vector, fault->error,
			 fault->has_error);
	if (fault->vector == 14 && fault->cr2 < 0xf0000)
		fail_msg("%s: cr2 %#lx", row->name, fault->cr2);
}

static void run_row(const struct row *row)
{
	struct emul_fault fault = {0};
	uint8_t code[INSN_MAX_LENGTH] = {0};
	uint64_t expected[16], value = 0;
	struct emul_cpu cpu;
	unsigned i;
	int rc;

	make_machine(&cpu, row->mode);
	for (i = 0; i < 2; i++)
		if (row->in[i].value)
			machine.gpr[row->in[i].reg] = row->in[i].value;
	if (row->poke.value)
		memcpy(machine.memory + row->poke.at, &row->poke.value, 8);
	if (row->seg.attr || row->seg.limit)
		machine.seg[row->seg.index] = (struct segment){0x10, row->seg.attr, row->seg.limit,
							       row->seg.base};
	cpu.rflags |= row->flags;
	set_mode(&cpu, row->mode);
	memcpy(expected, machine.gpr, sizeof(expected));
	for (i = 0; i < 3; i++)
		if (row->out[i].set)
			expected[row->out[i].reg] = row->out[i].value;
	memcpy(code, row->code, row->size);
	rc = emul_bytes(&cpu, code, sizeof(code), &ops, &machine, &fault);
	check_result(row, &cpu, rc, &fault);
	for (i = 0; i < 16; i++)
		if (machine.gpr[i] != expected[i])
			fail_msg("%s: register %u is %#lx", row->name, i, machine.gpr[i]);
	if (row->mem.size) {
		memcpy(&value, machine.memory + row->mem.at, row->mem.size);
		if (value != row->mem.value)
			fail_msg("%s: memory holds %#lx", row->name, value);
	}
	if (rc == EMUL_FAULT)
		assert_int_equal(machine.ins, 0);
}

static void test_rows(void **state)
{
	unsigned i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run_row(&rows[i]);
	print_message("%zu rows\n", sizeof(rows) / sizeof(rows[0]));
}

/* What the callbacks learn about each access. */
static void test_access_flags(void **state)
{
	static const struct {
		const char *code;
		unsigned size, flags;
	} table[] = {
		{BYTES("\x89\x03"), EMUL_SOLE},
		{BYTES("\x8b\x03"), EMUL_SOLE},
		{BYTES("\xa1\x00\x04\x00\x00"), EMUL_SOLE},
		{BYTES("\x39\x03"), EMUL_SOLE},
		{BYTES("\x01\x03"), EMUL_SOLE},
		{BYTES("\xf0\x01\x03"), EMUL_SOLE | EMUL_LOCKED},
		{BYTES("\x87\x03"), EMUL_SOLE | EMUL_LOCKED},
		{BYTES("\xf0\x0f\xab\x03"), EMUL_SOLE | EMUL_LOCKED},
		{BYTES("\xab"), EMUL_SOLE},
		{BYTES("\xad"), EMUL_SOLE},
		{BYTES("\xf3\xab"), 0},
		{BYTES("\xa5"), 0},
		{BYTES("\xff\x33"), 0},
		{BYTES("\x8f\x03"), 0},
	};
	struct emul_fault fault;
	struct emul_cpu cpu;
	unsigned i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t code[INSN_MAX_LENGTH] = {0};

		make_machine(&cpu, PROT32);
		set_mode(&cpu, PROT32);
		machine.gpr[GPR_RAX] = 5;
		memcpy(code, table[i].code, table[i].size);
		assert_int_equal(emul_bytes(&cpu, code, sizeof(code), &ops, &machine, &fault), 0);
		assert_int_equal(machine.last_flags, table[i].flags);
	}
}

static void test_ports(void **state)
{
	static const struct emul_ops none = {.read = do_read, .write = do_write};
	uint8_t code[INSN_MAX_LENGTH] = {0xf3, 0x6f};
	struct emul_fault fault;
	struct emul_cpu cpu;

	make_machine(&cpu, PROT32);
	set_mode(&cpu, PROT32);
	machine.memory[0x408] = 0x42;
	assert_int_equal(emul_bytes(&cpu, code, 15, &ops, &machine, &fault), EMUL_OK);
	assert_int_equal(machine.outs, 3);
	assert_int_equal(machine.out_value, 0x42);
	assert_int_equal(emul_bytes(&cpu, code, 15, &none, &machine, &fault), EMUL_UNHANDLED);
	code[1] = 0xef;
	assert_int_equal(emul_bytes(&cpu, code, 15, &none, &machine, &fault), EMUL_UNHANDLED);
}

static void test_modes(void **state)
{
	struct emul_cpu cpu;

	make_machine(&cpu, LONG);
	emul_set_mode(&cpu, 1, 1 << 10);
	assert_true(cpu.mode == EMUL_LONG && cpu.code == 8 && cpu.stack == 8 && cpu.cpl == 0);
	machine.seg[SEG_CS].attributes = 0xcfb; /* compatibility mode */
	machine.seg[SEG_SS].attributes = 0xcf3;
	emul_set_mode(&cpu, 1, 1 << 10);
	assert_true(cpu.mode == EMUL_PROT && cpu.code == 4 && cpu.stack == 4 && cpu.cpl == 3);
	machine.seg[SEG_CS].attributes = 0x29b; /* L means nothing outside long mode */
	emul_set_mode(&cpu, 1, 0);
	assert_true(cpu.mode == EMUL_PROT && cpu.code == 2);
	make_machine(&cpu, V86);
	emul_set_mode(&cpu, 1, 0);
	assert_true(cpu.mode == EMUL_REAL && cpu.code == 2 && cpu.cpl == 3);
	assert_int_equal(emul_fetch_linear(&cpu), 0xf7000);
	make_machine(&cpu, REAL);
	emul_set_mode(&cpu, 0, 0);
	assert_true(cpu.mode == EMUL_REAL && cpu.code == 2 && cpu.stack == 2 && cpu.cpl == 0);
}

static void test_skip(void **state)
{
	uint8_t code[INSN_MAX_LENGTH] = {0x0f, 0x01, 0xf9};
	struct emul_cpu cpu;
	struct insn insn;

	make_machine(&cpu, PROT32);
	set_mode(&cpu, PROT32);
	cpu.rip = 0xfffffffe;
	assert_int_equal(insn_decode(&insn, code, sizeof(code), cpu.code), 3);
	emul_skip(&cpu, &insn);
	assert_int_equal(cpu.rip, 1);
	assert_false(cpu.rflags & RF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_access_flags),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_skip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
