// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/engine/svm_inject.c */
/* The VMCB's decoded words; bringing events in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "engine/quirks.h"
#include "engine/svm.h"

struct cpu_features cpu_features;

static struct vmcb b;
static struct svm_vcpu s;
static unsigned accepted, requests;

static unsigned handed; /* and neither accepted nor taken back */

void vapic_hand(struct vcpu *v, unsigned vector)
{
	handed = vector;
}

void vapic_take_back(struct vcpu *v, unsigned vector)
{
	assert_int_equal(handed, vector);
	handed = 0;
}

void vapic_accept(struct vcpu *v, unsigned vector)
{
	assert_int_equal(handed, vector);
	handed = 0;
	accepted = vector;
}

void vcpu_request(struct vcpu *v, uint32_t r)
{
	requests |= r;
}

static int setup(void **state)
{
	memset(&b, 0, sizeof(b));
	memset(&s, 0, sizeof(s));
	s.vmcb = &b;
	s.shadow_rip = s.iret_rip = ~0ull;
	b.f_rip = 0x1000;
	accepted = requests = handed = 0;
	cpu_features.emulated = false;
	return 0;
}

static void decoded_words(void **state)
{
	union exit_io io = {.raw = 0x3f80000 | 1 << 4 | 1};
	union vmcb_event e = {.vector = 14, .type = 3, .has_error = 1, .valid = 1, .error = 5};
	union vmcb_vintr v = {.tpr = 3, .irq = 1, .priority = 5, .masking = 1, .vector = 0x51};
	union exit_npf n = {.raw = 0x100000016ull};

	assert_int_equal(io.port, 0x3f8);
	assert_int_equal(io.size, 1);
	assert_int_equal(io.in, 1);
	assert_int_equal(io.string | io.repeat, 0);
	assert_int_equal(e.raw, 5ull << 32 | 0x80000b0e);
	assert_int_equal(v.raw, 0x5101050103ull);
	assert_true(n.write && n.user && n.fetch && n.final && !n.present && !n.walk);
}

static void exceptions(void **state)
{
	struct event_info e = {.vector = 14, .type = EVENT_EXCEPTION, .has_error = 1, .error = 7};
	union vmcb_event got;

	assert_true(svm_open_to(&s.vcpu) & OPEN_EVENT);
	svm_inject(&s.vcpu, &e, 0xdead000);
	got.raw = b.f_event;
	assert_true(got.valid && got.has_error);
	assert_int_equal(got.vector, 14);
	assert_int_equal(got.error, 7);
	assert_int_equal(b.f_cr2, 0xdead000);
	assert_false(svm_open_to(&s.vcpu) & OPEN_EVENT);
	assert_true(svm_open_to(&s.vcpu) & OPEN_NMI);
}

static void virtual_interrupt(void **state)
{
	union vmcb_vintr v;

	svm_interrupt(&s.vcpu, 0x51);
	v.raw = b.f_vintr;
	assert_true(v.irq && !v.ignore_tpr);
	assert_int_equal(v.vector, 0x51);
	assert_int_equal(v.priority, 5);
	assert_int_equal(b.f_intercept[0] & INTERCEPT(VMEXIT_VINTR), 0);
	svm_sync_irq(&s); /* not taken yet */
	assert_int_equal(accepted, 0);
	svm_interrupt(&s.vcpu, 0x61); /* a better one */
	v.raw = b.f_vintr;
	assert_int_equal(v.vector, 0x61);
	v.irq = 0; /* the processor took it */
	b.f_vintr = v.raw;
	svm_sync_irq(&s);
	assert_int_equal(accepted, 0x61);
	assert_int_equal(s.irq, 0);
	svm_interrupt(&s.vcpu, 0x51);
	svm_interrupt(&s.vcpu, 0); /* withdrawn */
	v.raw = b.f_vintr;
	assert_false(v.irq);
	assert_int_equal(s.irq, 0);
}

static void windows(void **state)
{
	union vmcb_vintr v;

	svm_interrupt(&s.vcpu, 0x51);
	svm_window(&s.vcpu);
	v.raw = b.f_vintr;
	assert_true(v.irq && v.ignore_tpr);
	assert_true(b.f_intercept[0] & INTERCEPT(VMEXIT_VINTR));
	assert_int_equal(s.irq, 0);
	svm_interrupt(&s.vcpu, 0x51);
	v.raw = b.f_vintr;
	assert_true(v.irq && !v.ignore_tpr);
	assert_int_equal(b.f_intercept[0] & INTERCEPT(VMEXIT_VINTR), 0);
	assert_false(s.window);
}

static void interruptible(void **state)
{
	assert_false(svm_open_to(&s.vcpu) & OPEN_INTERRUPT);
	b.f_rflags = RFLAGS_IF;
	assert_true(svm_open_to(&s.vcpu) & OPEN_INTERRUPT);
	b.f_shadow = SHADOW;
	assert_false(svm_open_to(&s.vcpu) & OPEN_INTERRUPT);
	b.f_shadow = 0;
	b.f_event = 1ull << 31;
	assert_false(svm_open_to(&s.vcpu) & OPEN_INTERRUPT);
}

/* EXITINTINFO: what comes again, and what the guest's instruction repeats by itself. */
static void reinjection(void **state)
{
	static const struct {
		uint64_t info, expect;
	} rows[] = {
		{0x80000b0e | 2ull << 32, 0x80000b0e | 2ull << 32}, /* #PF with its error code */
		{0x80000202, 0x80000202},			    /* NMI */
		{0x80000030, 0x80000030},			    /* interrupt */
		{0x80000330, 0x80000030}, /* the same as the emulator reports it */
		{0x80000480, 0},	  /* INT 0x80 */
		{0x80000303, 0},	  /* INT3 */
		{0x80000304, 0},	  /* INTO */
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		b.f_event = 0;
		b.f_exit_int_info = rows[i].info;
		svm_reinject(&s);
		assert_int_equal(b.f_event, rows[i].expect);
		assert_int_equal(accepted, 0);
	}
	/* Cut short while the processor delivered V_IRQ: it counts as taken. */
	svm_interrupt(&s.vcpu, 0x30);
	b.f_exit_int_info = 0x80000330;
	svm_reinject(&s);
	assert_int_equal(accepted, 0x30);
	assert_false(((union vmcb_vintr){b.f_vintr}).irq);
	assert_int_equal(b.f_event, 0x80000030);
}

static void nmi_until_iret(void **state)
{
	struct event_info e = {.vector = 2, .type = EVENT_NMI};

	svm_inject(&s.vcpu, &e, 0);
	assert_false(svm_open_to(&s.vcpu) & OPEN_NMI);
	assert_true(b.f_intercept[0] & INTERCEPT(VMEXIT_IRET));
	svm_nmi_window(&s.vcpu); /* nothing to do before the IRET */
	assert_false(s.stepping);
	s.vcpu.nmi_pending = true;
	svm_iret(&s);
	assert_int_equal(requests, REQ_EVENT);
	assert_false(svm_open_to(&s.vcpu) & OPEN_NMI);
	svm_nmi_window(&s.vcpu);
	assert_true(b.f_rflags & RFLAGS_TF);
	/* An exit before it ran (a fault on its stack, say): still blocked, stepped again. */
	b.f_exit_code = VMEXIT_NPF;
	svm_watched_exit(&s);
	assert_false(b.f_rflags & RFLAGS_TF);
	assert_false(svm_open_to(&s.vcpu) & OPEN_NMI);
	svm_nmi_window(&s.vcpu);
	b.f_rip = 0x2000;
	b.f_exit_code = VMEXIT_EXCEPTION + VECTOR_DB;
	b.f_dr6 = 1 << 14;
	svm_watched_exit(&s);
	assert_true(s.stepped);
	assert_int_equal(b.f_dr6, 0);
	assert_true(svm_open_to(&s.vcpu) & OPEN_NMI);
	assert_false(s.watch);
}

/* Quirk 1: a pending interrupt does not come between STI and HLT. */
static void lost_shadow(void **state)
{
	b.f_rflags = RFLAGS_IF;
	b.f_shadow = SHADOW;
	svm_interrupt(&s.vcpu, 0x51);
	svm_shadow_entry(&s); /* a real processor keeps the shadow: nothing to do */
	assert_false(s.stepping);
	cpu_features.emulated = true;
	svm_shadow_entry(&s);
	assert_true(s.stepping && b.f_rflags & RFLAGS_TF);
	assert_false(((union vmcb_vintr){b.f_vintr}).irq);
	assert_int_equal(requests, REQ_EVENT);
	b.f_shadow = 0; /* lost */
	b.f_exit_code = VMEXIT_INTR;
	svm_watched_exit(&s);
	assert_int_equal(b.f_shadow, SHADOW);
	assert_false(b.f_rflags & RFLAGS_TF);
	svm_shadow_entry(&s);
	b.f_shadow = 0;
	b.f_rip++;
	svm_watched_exit(&s);
	assert_int_equal(b.f_shadow, 0);
	/* A guest that steps itself keeps its TF. */
	b.f_rflags |= RFLAGS_TF;
	b.f_shadow = SHADOW;
	svm_interrupt(&s.vcpu, 0x51);
	svm_shadow_entry(&s);
	assert_false(s.stepping);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(decoded_words, setup),
		cmocka_unit_test_setup(exceptions, setup),
		cmocka_unit_test_setup(virtual_interrupt, setup),
		cmocka_unit_test_setup(windows, setup),
		cmocka_unit_test_setup(interruptible, setup),
		cmocka_unit_test_setup(reinjection, setup),
		cmocka_unit_test_setup(nmi_until_iret, setup),
		cmocka_unit_test_setup(lost_shadow, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
