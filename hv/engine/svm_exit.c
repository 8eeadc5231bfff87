// SPDX-License-Identifier: GPL-2.0-only
// AMD-V: what a #VMEXIT means (APM 2, appendix C). The dispatcher counts and routes; each handler
// says what happens next.
#include "engine/quirks.h"
#include "engine/svm.h"

typedef enum verdict handler(struct svm_vcpu *s);

/* Past the instruction. Without the next RIP from the processor, `length` is that of the form
 * without prefixes. */
static uint64_t next_rip(struct svm_vcpu *s, unsigned length)
{
	return s->has_next_rip ? vmcb_get(s->vmcb, next_rip) : vmcb_get(s->vmcb, rip) + length;
}

static void advance(struct svm_vcpu *s, unsigned length)
{
	vmcb_set(s->vmcb, rip, next_rip(s, length));
	vmcb_set(s->vmcb, shadow, 0);
}

static enum verdict fault(struct svm_vcpu *s, unsigned vector, bool has_error)
{
	struct event_info e = {
		.vector = (uint8_t)vector, .type = EVENT_EXCEPTION, .has_error = has_error};

	svm_inject(&s->vcpu, &e, 0);
	return RUN_AGAIN;
}

static enum verdict raw_exit(struct svm_vcpu *s, enum exit_reason reason)
{
	struct vcpu_run *run = s->vcpu.run;

	run->raw.code = vmcb_get(s->vmcb, exit_code);
	run->raw.info1 = vmcb_get(s->vmcb, exit_info1);
	run->raw.info2 = vmcb_get(s->vmcb, exit_info2);
	vcpu_fill_exit(&s->vcpu, reason, true);
	return RUN_TO_VMM;
}

/*
 * A kernel that patches itself, thousands of times while it starts, executes CPUID after each patch to
 * synchronize, and never looks at the result: those that look call the gateway. So it may have the
 * machine's own until anything at all makes an exit. Not once it has waited for something: then
 * there may be programs.
 */
static __attribute__((noinline)) void open_cpuid(struct svm_vcpu *s)
{
	uint64_t page = vmcb_get(s->vmcb, rip) >> 12;

	if ((uint32_t)vmcb_get(s->vmcb, rax) != 1 || s->vcpu.run->epoch[page % RUN_EPOCHS])
		return;
	vmcb_intercept(s->vmcb, VMEXIT_CPUID, false);
	s->vcpu.private->cpuid = 1;
	s->cpuid_open = s->watch = true;
}

static enum verdict exit_cpuid(struct svm_vcpu *s)
{
	uint64_t *gpr = s->vcpu.run->gpr;
	struct cpuid_result r;

	if (s->patches)
		open_cpuid(s);
	cpuid_answer(&s->vcpu, (uint32_t)vmcb_get(s->vmcb, rax), (uint32_t)gpr[GPR_RCX], &r);
	vmcb_set(s->vmcb, rax, r.eax);
	gpr[GPR_RBX] = r.ebx;
	gpr[GPR_RCX] = r.ecx;
	gpr[GPR_RDX] = r.edx;
	advance(s, 2);
	return RUN_AGAIN;
}

/* A guest that spins gives the CPU away if others want it. */
static enum verdict exit_pause(struct svm_vcpu *s)
{
	s->vcpu.cpu->resched = 1;
	return RUN_LOOK;
}

/* STI and HLT in one. */
static enum verdict halt_with_interrupts(struct svm_vcpu *s)
{
	vmcb_set(s->vmcb, rflags, vmcb_get(s->vmcb, rflags) | RFLAGS_IF);
	s->patches = false;
	s->vcpu.activity = VCPU_HALTED;
	return RUN_HALT;
}

static enum verdict exit_vmmcall(struct svm_vcpu *s)
{
	enum hypercall_answer answer;
	uint64_t result;

	if (vmcb_get(s->vmcb, cpl))
		return fault(s, VECTOR_UD, false);
	answer = hypercall(&s->vcpu, vmcb_get(s->vmcb, rip), vmcb_get(s->vmcb, rax), &result);
	if (answer != HYPERCALL_TO_VMM) {
		vmcb_set(s->vmcb, rax, result);
		advance(s, 3);
		if (answer == HYPERCALL_DONE)
			return RUN_AGAIN;
		if (answer == HYPERCALL_HALT)
			return halt_with_interrupts(s);
		if (answer == HYPERCALL_OPENED)
			s->patches = true;
		if (answer == HYPERCALL_YIELD)
			return exit_pause(s);
		return RUN_AGAIN;
	}
	s->vcpu.run->msr.next_rip = next_rip(s, 3);
	vcpu_fill_exit(&s->vcpu, EXIT_HYPERCALL, true);
	return RUN_TO_VMM;
}

static enum verdict exit_msr(struct svm_vcpu *s)
{
	struct vcpu *v = &s->vcpu;
	uint32_t index = (uint32_t)v->run->gpr[GPR_RCX];
	bool write = vmcb_get(s->vmcb, exit_info1) & 1;
	uint64_t value = (uint32_t)vmcb_get(s->vmcb, rax) | v->run->gpr[GPR_RDX] << 32;

	if (vapic_msr(v, index, write, &value)) {
		if (!write) {
			vmcb_set(s->vmcb, rax, (uint32_t)value);
			v->run->gpr[GPR_RDX] = value >> 32;
		}
		advance(s, 2);
		return RUN_AGAIN;
	}
	v->run->msr.index = index;
	v->run->msr.write = write;
	v->run->msr.value = value;
	v->run->msr.next_rip = next_rip(s, 2);
	vcpu_fill_exit(v, EXIT_MSR, false);
	return RUN_TO_VMM;
}

static inline enum verdict io_to_vmm(struct svm_vcpu *s)
{
	struct vcpu_run *run = s->vcpu.run;
	union exit_io io = {vmcb_get(s->vmcb, exit_info1)};

	run->io.port = io.port;
	run->io.size = io.size;
	run->io.in = io.in;
	run->io.string = io.string;
	run->io.repeat = io.repeat;
	run->io.next_rip = vmcb_get(s->vmcb, exit_info2);
	s->vcpu.exits[io.string ? COUNT_IO_STRING : COUNT_IO]++;
	vcpu_fill_exit(&s->vcpu, EXIT_IO, io.string);
	return RUN_TO_VMM;
}

/* Not inline: other accesses need no stack frame. */
static __attribute__((noinline)) enum verdict near_doorbell(struct svm_vcpu *s, union exit_io io)
{
	if (io.in || io.string || !vm_doorbell(s->vcpu.vm, io.port))
		return io_to_vmm(s);
	vmcb_set(s->vmcb, rip, vmcb_get(s->vmcb, exit_info2));
	vmcb_set(s->vmcb, shadow, 0);
	s->vcpu.exits[COUNT_DOORBELL]++;
	return RUN_LOOK;
}

static enum verdict exit_io(struct svm_vcpu *s)
{
	const struct vm *vm = s->vcpu.vm;
	union exit_io io = {vmcb_get(s->vmcb, exit_info1)};

	return vm->doorbell_ports >> io.port % 64 & 1 ? near_doorbell(s, io) : io_to_vmm(s);
}

static enum verdict exit_npf(struct svm_vcpu *s)
{
	struct vcpu *v = &s->vcpu;
	struct vcpu_run *run = v->run;
	union exit_npf error = {vmcb_get(s->vmcb, exit_info1)};

	switch (vm_fault(v->vm, 0, vmcb_get(s->vmcb, exit_info2), error.write, error.fetch)) {
	case FAULT_4K:
		v->exits[COUNT_FAULT_4K]++;
		return RUN_AGAIN;
	case FAULT_2M:
		v->exits[COUNT_FAULT_2M]++;
		return RUN_AGAIN;
	case FAULT_NO_MEMORY:
		v->exits[COUNT_OTHER]++;
		return raw_exit(s, EXIT_UNKNOWN);
	default:
		break;
	}
	v->exits[COUNT_MMIO]++;
	run->mmio.gpa = vmcb_get(s->vmcb, exit_info2);
	run->mmio.error = error.raw;
	run->mmio.bytes_count = 0;
	if (cpu_features.svm.decode_assists) {
		unsigned count = s->vmcb->f_insn_bytes_count;

		run->mmio.bytes_count = count <= 15 ? count : 15;
		__builtin_memcpy(run->mmio.bytes, s->vmcb->f_insn_bytes, 15);
	}
	vcpu_fill_exit(v, EXIT_MMIO, true);
	return RUN_TO_VMM;
}

/* The interrupt is still pending: let it in through the IDT as if it had come in ring 3. An NMI has, at STGI. */
static enum verdict exit_intr(struct svm_vcpu *s)
{
	__asm__ volatile("sti; nop; cli" : : : "memory");
	return RUN_LOOK;
}

static enum verdict exit_vintr(struct svm_vcpu *s)
{
	svm_withdraw(s);
	vcpu_request(&s->vcpu, REQ_EVENT);
	return RUN_AGAIN;
}

static enum verdict exit_hlt(struct svm_vcpu *s)
{
	advance(s, 1);
	s->patches = false;
	s->vcpu.activity = VCPU_HALTED;
	return RUN_HALT;
}

static enum verdict exit_shutdown(struct svm_vcpu *s)
{
	s->vcpu.activity = VCPU_SHUTDOWN;
	return raw_exit(s, EXIT_SHUTDOWN);
}

/* The VMM knows whether it is the gateway's, and what it becomes while another event was being delivered. */
static enum verdict exit_watched(struct svm_vcpu *s, unsigned vector)
{
	raw_exit(s, EXIT_GATEWAY);
	s->vcpu.run->raw.code = vector;
	s->vcpu.run->raw.info2 = vmcb_get(s->vmcb, exit_int_info);
	return RUN_TO_VMM;
}

static enum verdict exit_exception(struct svm_vcpu *s)
{
	unsigned vector = (unsigned)vmcb_get(s->vmcb, exit_code) - VMEXIT_EXCEPTION;

	if (vector == VECTOR_DB && s->stepped) {
		s->stepped = false;
		return RUN_AGAIN;
	}
	if (vector >= VECTOR_NP && vector <= VECTOR_GP)
		return exit_watched(s, vector);
	if (vector == VECTOR_DB || vector == VECTOR_AC)
		return fault(s, vector, vector == VECTOR_AC);
	return raw_exit(s, EXIT_UNKNOWN);
}

/* Codes that are not directly a row's number. Other intercepted instructions are undefined for guests, or their
 * decoder's business: ROW_INSN. */
enum { ROW_NPF = VMEXIT_DIRECT, ROW_INSN, ROW_INVALID, ROW_UNKNOWN, ROWS };

#define ELSEWHERE COUNT_KINDS /* the handler counts, knowing more */

static handler exit_raw;

static const struct row {
	handler *handler;
	uint32_t count, reason; /* exit_raw's */
} rows[ROWS] = {
	[VMEXIT_EXCEPTION... VMEXIT_EXCEPTION + 31] = {exit_exception, COUNT_EXCEPTION},
	[VMEXIT_INTR] = {exit_intr, COUNT_INTR},
	[VMEXIT_NMI] = {exit_intr, COUNT_NMI},
	[VMEXIT_VINTR] = {exit_vintr, COUNT_WINDOW},
	[VMEXIT_IRET] = {svm_iret, COUNT_WINDOW},
	[VMEXIT_PAUSE] = {exit_pause, COUNT_PAUSE},
	[VMEXIT_HLT] = {exit_hlt, COUNT_HLT},
	[VMEXIT_IOIO] = {exit_io, ELSEWHERE},
	[VMEXIT_MSR] = {exit_msr, ELSEWHERE},
	[VMEXIT_SHUTDOWN] = {exit_shutdown, COUNT_SHUTDOWN},
	[VMEXIT_VMMCALL] = {exit_vmmcall, COUNT_HYPERCALL},
	[ROW_INSN] = {exit_raw, COUNT_INSN, EXIT_INSN},
	[ROW_NPF] = {exit_npf, ELSEWHERE},
	[ROW_INVALID] = {exit_raw, COUNT_INVALID, EXIT_INVALID},
	[ROW_UNKNOWN] = {exit_raw, COUNT_OTHER, EXIT_UNKNOWN},
};

static const struct row *row_of(uint64_t code)
{
	if (code < VMEXIT_DIRECT && rows[code].handler)
		return &rows[code];
	return &rows[code == VMEXIT_NPF						 ? ROW_NPF
		     : quirk_is_invalid(code)					 ? ROW_INVALID
		     : code >= VMEXIT_RDPMC && code < VMEXIT_DIRECT		 ? ROW_INSN
										 : ROW_UNKNOWN];
}

static enum verdict exit_raw(struct svm_vcpu *s)
{
	return raw_exit(s, row_of(vmcb_get(s->vmcb, exit_code))->reason);
}

enum verdict svm_exit(struct svm_vcpu *s)
{
	uint64_t code = vmcb_get(s->vmcb, exit_code);
	const struct row *row;

	if (s->irq)
		svm_sync_irq(s);
	if (((union vmcb_event){vmcb_get(s->vmcb, exit_int_info)}).valid)
		svm_reinject(s);
	if (s->watch)
		svm_watched_exit(s);
	/* Without the table's page and the retpoline: what a guest does most where every cycle
	 * shows. */
	if (code == VMEXIT_CPUID) {
		s->vcpu.exits[COUNT_CPUID]++;
		return exit_cpuid(s);
	}
	row = row_of(code);
	s->vcpu.exits[row->count]++;
	return row->handler(s);
}
