/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual machine control block (APM 2, appendix B). Its fields are reached by vmcb_get and
 * vmcb_set only, which is where clean bits (APM 2, 15.15) would be dropped. They are all zero for
 * now: the processor reloads everything.
 */
#ifndef ENGINE_VMCB_H
#define ENGINE_VMCB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <postern/vcpu.h>

/* Exits by intercept; those from VMEXIT_INTR on are a bit each in the words at 00C, 010 and 014h.
 */
enum vmcb_exit {
	VMEXIT_EXCEPTION = 0x40,
	VMEXIT_INTR = 0x60,
	VMEXIT_NMI = 0x61,
	VMEXIT_INIT = 0x63,
	VMEXIT_VINTR = 0x64,
	VMEXIT_RDPMC = 0x6f,
	VMEXIT_CPUID = 0x72,
	VMEXIT_RSM = 0x73,
	VMEXIT_IRET = 0x74,
	VMEXIT_INVD = 0x76,
	VMEXIT_PAUSE = 0x77,
	VMEXIT_HLT = 0x78,
	VMEXIT_INVLPGA = 0x7a,
	VMEXIT_IOIO = 0x7b,
	VMEXIT_MSR = 0x7c,
	VMEXIT_FERR_FREEZE = 0x7e,
	VMEXIT_SHUTDOWN = 0x7f,
	VMEXIT_VMRUN = 0x80,
	VMEXIT_VMMCALL = 0x81,
	VMEXIT_VMLOAD = 0x82,
	VMEXIT_VMSAVE = 0x83,
	VMEXIT_STGI = 0x84,
	VMEXIT_CLGI = 0x85,
	VMEXIT_SKINIT = 0x86,
	VMEXIT_WBINVD = 0x89,
	VMEXIT_MONITOR = 0x8a,
	VMEXIT_MWAIT = 0x8b,
	VMEXIT_XSETBV = 0x8d,
	VMEXIT_RDPRU = 0x8e,
	VMEXIT_INVLPGB = 0xa0,
	VMEXIT_MCOMMIT = 0xa3,
	VMEXIT_DIRECT = 0xa4, /* codes below have a row in the dispatcher's table */
	VMEXIT_NPF = 0x400,
};

#define INTERCEPT(code) (1u << ((code)&31))

enum { TLB_KEEP = 0, TLB_FLUSH_ALL = 1, TLB_FLUSH_ASID = 3 };

/* EXITINFO1 of an I/O intercept (APM 2, 15.10.2). */
union exit_io {
	uint64_t raw;
	struct {
		uint64_t in : 1, : 1, string : 1, repeat : 1, size : 3, address_size : 3,
			segment : 3, : 3;
		uint64_t port : 16;
	};
};

/* EXITINFO1 of a nested page fault (APM 2, 15.25.6). */
union exit_npf {
	uint64_t raw;
	struct {
		uint64_t present : 1, write : 1, user : 1, reserved : 1, fetch : 1, : 27;
		uint64_t final : 1, walk : 1;
	};
};

/* EVENTINJ and EXITINTINFO (APM 2, 15.20, 15.7.2). */
union vmcb_event {
	uint64_t raw;
	struct {
		uint64_t vector : 8, type : 3, has_error : 1, : 19, valid : 1;
		uint64_t error : 32;
	};
};

/* 060h: virtual interrupt control. */
union vmcb_vintr {
	uint64_t raw;
	struct {
		uint64_t tpr : 8, irq : 1, vgif : 1, : 6;
		uint64_t priority : 4, ignore_tpr : 1, : 3, masking : 1, vgif_on : 1, : 5, avic : 1;
		uint64_t vector : 8, : 24;
	};
};

struct vmcb {
	uint16_t f_cr_read, f_cr_write;
	uint16_t f_dr_read, f_dr_write;
	uint32_t f_exceptions;
	uint32_t f_intercept[3];
	uint8_t r018[0x3c - 0x18];
	uint16_t f_pause_threshold, f_pause_count;
	uint64_t f_iopm, f_msrpm;
	uint64_t f_tsc_offset;
	uint32_t f_asid;
	uint8_t f_tlb_control;
	uint8_t r05d[3];
	uint64_t f_vintr;
	uint64_t f_shadow; /* bit 0 */
	uint64_t f_exit_code;
	uint64_t f_exit_info1, f_exit_info2;
	uint64_t f_exit_int_info;
	uint64_t f_nested; /* bit 0: nested paging */
	uint8_t r098[0xa8 - 0x98];
	uint64_t f_event;
	uint64_t f_ncr3;
	uint8_t r0b8[0xc8 - 0xb8];
	uint64_t f_next_rip;
	uint8_t f_insn_bytes_count, f_insn_bytes[15];
	uint8_t r0e0[0x400 - 0xe0];
	/* State save area. */
	struct segment f_es, f_cs, f_ss, f_ds, f_fs, f_gs, f_gdtr, f_ldtr, f_idtr, f_tr;
	uint8_t r4a0[0x4cb - 0x4a0];
	uint8_t f_cpl;
	uint32_t r4cc;
	uint64_t f_efer;
	uint8_t r4d8[0x548 - 0x4d8];
	uint64_t f_cr4, f_cr3, f_cr0, f_dr7, f_dr6, f_rflags, f_rip;
	uint8_t r580[0x5d8 - 0x580];
	uint64_t f_rsp;
	uint8_t r5e0[0x5f8 - 0x5e0];
	uint64_t f_rax, f_star, f_lstar, f_cstar, f_sfmask, f_kernel_gs_base;
	uint64_t f_sysenter_cs, f_sysenter_esp, f_sysenter_eip, f_cr2;
	uint8_t r648[0x668 - 0x648];
	uint64_t f_pat, f_debugctl;
	uint8_t r678[0x1000 - 0x678];
} __attribute__((packed, aligned(4096)));

/* The first field behind each gap; the others follow it without one. */
#define VMCB_AT(field, offset) \
	_Static_assert(offsetof(struct vmcb, field) == (offset), "VMCB layout: " #field)
VMCB_AT(f_pause_threshold, 0x03c);
VMCB_AT(f_tsc_offset, 0x050);
VMCB_AT(f_tlb_control, 0x05c);
VMCB_AT(f_vintr, 0x060);
VMCB_AT(f_event, 0x0a8);
VMCB_AT(f_next_rip, 0x0c8);
VMCB_AT(f_es, 0x400);
VMCB_AT(f_cpl, 0x4cb);
VMCB_AT(f_efer, 0x4d0);
VMCB_AT(f_cr4, 0x548);
VMCB_AT(f_rsp, 0x5d8);
VMCB_AT(f_rax, 0x5f8);
VMCB_AT(f_pat, 0x668);
_Static_assert(sizeof(struct vmcb) == 4096, "VMCB size");
_Static_assert(sizeof(struct segment) == 16, "segments have the VMCB's form");

#define vmcb_get(v, field) (((const struct vmcb *)(v))->f_##field)
#define vmcb_set(v, field, ...) ((v)->f_##field = (__VA_ARGS__))

/* From here on this exit is wanted, or not (codes from VMEXIT_INTR on). */
static inline void vmcb_intercept(struct vmcb *v, enum vmcb_exit code, bool on)
{
	uint32_t *word = &v->f_intercept[(code - VMEXIT_INTR) / 32];

	*word = on ? *word | INTERCEPT(code) : *word & ~INTERCEPT(code);
}

#endif
