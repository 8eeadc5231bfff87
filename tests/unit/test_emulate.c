// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/decode.c hv/vmm/decode_tables.c hv/vmm/emulate.c hv/vmm/emulate_alu.c hv/vmm/emulate_flags.c hv/vmm/emulate_string.c */
/*
 * The emulator against the processor: every row of emulate_rows_*.h runs on this machine in a page
 * of its own and in the emulator, from the same random registers, flags and memory; afterwards
 * registers, defined flags, RIP and memory must agree. A #DE must come from both or neither.
 *
 * Code lies at CODE, data right behind it, below 4 GiB so that 32-bit addresses reach it. The
 * last register to be loaded is RSP: it points into the data too, so signals need their own stack.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <cmocka.h>
#include "vmm/emulate.h"

#define CODE 0x20000000ull
#define DATA (CODE + 0x1000)
#define DATA_SIZE 0x2000
#define STATUS 0x8d5
#define ROUNDS 48

/* How registers are prepared, beyond the usual pointers and random values. */
#define DIVIDE 0x001         /* #DE may come */
#define SMALL_DIVIDEND 0x002 /* so small that it seldom does */
#define ACC_MAYBE 0x004      /* half the time the accumulator equals the operand */
#define PAIR_MAYBE 0x008     /* likewise rDX:rAX */
#define SMALL_DX 0x010       /* rDX is a bit number that stays inside the data */
#define SPARSE 0x020         /* operands with few bits, sometimes none */
#define POP_RSP 0x040        /* the stack holds an address */
#define TARGET 0x080         /* rDX and [rbx] hold the address behind the instruction */
#define STRING 0x100         /* small count, any direction */
#define REPETITIVE 0x200     /* memory is mostly equal */

static const struct row {
	const char *name, *code;
	unsigned length, undefined, traits;
} rows[] = {
#include "emulate_rows_move.h"
#include "emulate_rows_alu.h"
};

struct machine {
	uint64_t gpr[16], rip, flags;
	uint8_t data[DATA_SIZE];
};

/* Shared with the assembly below. */
uint64_t native_gpr[16], native_flags, native_rsp, native_code, native_trapped;
void native_enter(void);
void native_leave(void);

__asm__(".text\n"
	"native_enter:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, native_rsp(%rip)\n"
	"	pushq native_flags(%rip)\n"
	"	popfq\n"
	"	mov native_gpr+0(%rip), %rax\n	mov native_gpr+8(%rip), %rcx\n"
	"	mov native_gpr+16(%rip), %rdx\n	mov native_gpr+24(%rip), %rbx\n"
	"	mov native_gpr+40(%rip), %rbp\n	mov native_gpr+48(%rip), %rsi\n"
	"	mov native_gpr+56(%rip), %rdi\n	mov native_gpr+64(%rip), %r8\n"
	"	mov native_gpr+72(%rip), %r9\n	mov native_gpr+80(%rip), %r10\n"
	"	mov native_gpr+88(%rip), %r11\n	mov native_gpr+96(%rip), %r12\n"
	"	mov native_gpr+104(%rip), %r13\n	mov native_gpr+112(%rip), %r14\n"
	"	mov native_gpr+120(%rip), %r15\n	mov native_gpr+32(%rip), %rsp\n"
	"	jmp *native_code(%rip)\n"
	"native_leave:\n"
	"	mov %rax, native_gpr+0(%rip)\n	mov %rcx, native_gpr+8(%rip)\n"
	"	mov %rdx, native_gpr+16(%rip)\n	mov %rbx, native_gpr+24(%rip)\n"
	"	mov %rsp, native_gpr+32(%rip)\n	mov %rbp, native_gpr+40(%rip)\n"
	"	mov %rsi, native_gpr+48(%rip)\n	mov %rdi, native_gpr+56(%rip)\n"
	"	mov %r8, native_gpr+64(%rip)\n	mov %r9, native_gpr+72(%rip)\n"
	"	mov %r10, native_gpr+80(%rip)\n	mov %r11, native_gpr+88(%rip)\n"
	"	mov %r12, native_gpr+96(%rip)\n	mov %r13, native_gpr+104(%rip)\n"
	"	mov %r14, native_gpr+112(%rip)\n	mov %r15, native_gpr+120(%rip)\n"
	"	mov native_rsp(%rip), %rsp\n"
	"	pushfq\n"
	"	popq native_flags(%rip)\n"
	"	cld\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n");

static uint64_t seed = 0x9e3779b97f4a7c15;

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Values at which carries, signs and zeros change, more often than chance would bring them. */
static uint64_t interesting(void)
{
	static const uint64_t values[] = {0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff,
					  0x80000000, 0xffffffff, 0x7fffffffffffffff, 1ull << 63,
					  ~0ull};
	uint64_t r = random64();

	return r & 0x300 ? random64() : values[r % (sizeof(values) / sizeof(values[0]))];
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	native_trapped = number;
	u->uc_mcontext.gregs[REG_RIP] = (greg_t)native_leave;
}

static void run_native(struct machine *m)
{
	memcpy(native_gpr, m->gpr, sizeof(native_gpr));
	memcpy((void *)DATA, m->data, DATA_SIZE);
	native_flags = m->flags;
	native_code = m->rip;
	native_trapped = 0;
	native_enter();
	memcpy(m->gpr, native_gpr, sizeof(native_gpr));
	memcpy(m->data, (void *)DATA, DATA_SIZE);
	m->flags = native_flags;
}

/* --- the emulator's side --- */
static const struct row *current;

static uint8_t *place(struct machine *m, uint64_t linear, unsigned size)
{
	if (linear < DATA || linear - DATA > DATA_SIZE - size)
		fail_msg("%s: address %#lx", current->name, linear);
	return m->data + (linear - DATA);
}

static int do_read(void *ctx, uint64_t linear, unsigned size, unsigned flags, uint64_t *value,
		   struct emul_fault *fault)
{
	*value = 0xdeadbeefdeadbeef; /* the upper part must not matter */
	memcpy(value, place(ctx, linear, size), size);
	return EMUL_OK;
}

static int do_write(void *ctx, uint64_t linear, unsigned size, unsigned flags, uint64_t value,
		    struct emul_fault *fault)
{
	memcpy(place(ctx, linear, size), &value, size);
	return EMUL_OK;
}

static struct segment segments[6];

static int run_emulated(struct machine *m, const struct row *row, struct emul_fault *fault)
{
	static const struct emul_ops ops = {.read = do_read, .write = do_write};
	struct emul_cpu cpu = {.gpr = m->gpr, .seg = segments, .rip = m->rip, .rflags = m->flags};
	uint8_t bytes[INSN_MAX_LENGTH] = {0};
	int rc;

	memcpy(bytes, row->code, row->length);
	emul_set_mode(&cpu, 1, 1 << 10);
	assert_int_equal(cpu.code, 8);
	rc = emul_bytes(&cpu, bytes, sizeof(bytes), &ops, m, fault);
	m->rip = cpu.rip;
	m->flags = cpu.rflags;
	return rc;
}

static void apply_traits(struct machine *m, const struct row *row)
{
	uint64_t after = CODE + row->length, small;
	unsigned i;

	m->gpr[GPR_RCX] &= 15;
	m->gpr[GPR_R8] &= 15;
	if (row->traits & SMALL_DIVIDEND) {
		m->gpr[GPR_RDX] = 0;
		m->gpr[GPR_RAX] &= 0x7f;
		if (random64() & 1)
			m->gpr[GPR_RAX] = m->gpr[GPR_RDX] = ~0ull;
	}
	if (row->traits & (ACC_MAYBE | PAIR_MAYBE) && random64() & 1) {
		memcpy(&m->gpr[GPR_RAX], m->data + 0x800, 8);
		if (row->traits & PAIR_MAYBE)
			m->data[0x808] = m->data[0xa08] = m->data[0xa00] = m->data[0xa10];
	}
	if (row->traits & PAIR_MAYBE && random64() & 1) {
		uint64_t base = random64() & 1 ? 0xa00 : 0xa08;

		memcpy(&m->gpr[GPR_RAX], m->data + base, 8);
		memcpy(&m->gpr[GPR_RDX], m->data + base + (base == 0xa00 ? 8 : 4), 8);
	}
	if (row->traits & SMALL_DX)
		m->gpr[GPR_RDX] = (m->gpr[GPR_RDX] & ~0xffffull) | ((random64() & 0x1fff) - 0x1000);
	if (row->traits & SMALL_DX && row->code[0] != 0x66)
		m->gpr[GPR_RDX] = (int64_t)(int16_t)m->gpr[GPR_RDX];
	if (row->traits & SPARSE) {
		small = random64() & 1 ? 1ull << (random64() & 63) : 0;
		memcpy(m->data + 0x800, &small, 8);
	}
	if (row->traits & POP_RSP)
		memcpy(m->data + 0x200, &(uint64_t){DATA + 0x300}, 8);
	if (row->traits & TARGET) {
		memcpy(m->data + 0x800, &after, 8);
		m->gpr[GPR_RDX] = after;
	}
	if (row->traits & STRING) {
		m->flags |= random64() & 0x400;
		memcpy(&small, m->data + 0xc00, 8);
		for (i = 0; row->traits & REPETITIVE && i < DATA_SIZE; i += 8)
			memcpy(m->data + i, &small, 8);
		if (row->traits & REPETITIVE) {
			m->gpr[GPR_RAX] = random64() & 1 ? small : 0;
			m->data[0x400 + random64() % 64] ^= 1;
		}
	}
}

static void prepare(struct machine *m, const struct row *row)
{
	unsigned i;

	for (i = 0; i < DATA_SIZE; i += 8)
		memcpy(m->data + i, &(uint64_t){interesting()}, 8);
	for (i = 0; i < 16; i++)
		m->gpr[i] = interesting();
	m->gpr[GPR_RBX] = DATA + 0x800;
	m->gpr[GPR_RSP] = DATA + 0x200;
	m->gpr[GPR_RBP] = DATA + 0x600;
	m->gpr[GPR_RSI] = DATA + 0x400;
	m->gpr[GPR_RDI] = DATA + 0xc00;
	m->gpr[12] = DATA + 0xa00;
	m->gpr[13] = DATA + 0xb00;
	m->rip = CODE;
	m->flags = 0x202 | (random64() & STATUS);
	apply_traits(m, row);
}

static void load_code(const struct row *row)
{
	static const uint8_t jump[6] = {0xff, 0x25, 0, 0, 0, 0}; /* jmp *0(%rip) */
	uint64_t leave = (uint64_t)native_leave;

	memcpy((void *)CODE, row->code, row->length);
	memcpy((void *)(CODE + row->length), jump, sizeof(jump));
	memcpy((void *)(CODE + row->length + sizeof(jump)), &leave, 8);
}

static void compare(const struct row *row, const struct machine *before, const struct machine *cpu,
		    const struct machine *our)
{
	uint64_t defined = (STATUS & ~(uint64_t)row->undefined) | 0x400;
	unsigned i;

	for (i = 0; i < 16; i++)
		if (cpu->gpr[i] != our->gpr[i])
			fail_msg("%s: register %u was %#lx: processor %#lx, emulator %#lx", row->name, i,
				 before->gpr[i], cpu->gpr[i], our->gpr[i]);
	if ((cpu->flags ^ our->flags) & defined)
		fail_msg("%s: flags were %#lx: processor %#lx, emulator %#lx", row->name,
			 before->flags, cpu->flags & defined, our->flags & defined);
	for (i = 0; i < DATA_SIZE; i++)
		if (cpu->data[i] != our->data[i])
			fail_msg("%s: memory %#x: processor %#x, emulator %#x", row->name, i,
				 cpu->data[i], our->data[i]);
}

/* In the test and not before it: CMocka sets handlers of its own around each test. */
static void catch_signals(void)
{
	static uint8_t stack[65536];
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};

	assert_int_equal(sigaltstack(&alternate, NULL), 0);
	assert_int_equal(sigaction(SIGFPE, &action, NULL), 0);
	assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
	assert_int_equal(sigaction(SIGILL, &action, NULL), 0);
}

static void test_against_processor(void **state)
{
	static struct machine before, cpu, our;
	struct emul_fault fault;
	unsigned i, round, faults = 0, skipped = 0;
	int rc;

	catch_signals();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		current = &rows[i];
		load_code(current);
		for (round = 0; round < ROUNDS; round++) {
			prepare(&before, &rows[i]);
			cpu = before;
			our = before;
			run_native(&cpu);
			if (native_trapped == SIGILL) { /* not on this processor */
				skipped++;
				break;
			}
			rc = run_emulated(&our, &rows[i], &fault);
			if (native_trapped) {
				if (native_trapped != SIGFPE || rc != EMUL_FAULT || fault.vector != 0)
					fail_msg("%s: signal %lu, result %d", rows[i].name,
						 native_trapped, rc);
				our.flags = cpu.flags;
				faults++;
			} else if (rc != EMUL_OK || our.rip != CODE + rows[i].length) {
				fail_msg("%s: result %d, rip %#lx", rows[i].name, rc, our.rip);
			}
			compare(&rows[i], &before, &cpu, &our);
		}
	}
	print_message("%zu encodings, %u rounds each, %u divide errors, %u not on this processor\n",
		      sizeof(rows) / sizeof(rows[0]), ROUNDS, faults, skipped);
	assert_true(faults);
}

static int set_up(void **state)
{
	uint16_t selectors[6];
	unsigned i;

	if (mmap((void *)CODE, DATA - CODE + DATA_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)CODE)
		return -1;
	__asm__("mov %%es, %0" : "=m"(selectors[SEG_ES]));
	__asm__("mov %%cs, %0" : "=m"(selectors[SEG_CS]));
	__asm__("mov %%ss, %0" : "=m"(selectors[SEG_SS]));
	__asm__("mov %%ds, %0" : "=m"(selectors[SEG_DS]));
	__asm__("mov %%fs, %0" : "=m"(selectors[SEG_FS]));
	__asm__("mov %%gs, %0" : "=m"(selectors[SEG_GS]));
	for (i = 0; i < 6; i++)
		segments[i] = (struct segment){selectors[i], 0xc93, 0xffffffff, 0x666000};
	segments[SEG_CS].attributes = 0xa9b;
	segments[SEG_GS].base = DATA;
	if (syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, DATA))
		return -1;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_processor),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
