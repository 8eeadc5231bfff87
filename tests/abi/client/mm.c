// SPDX-License-Identifier: GPL-2.0-only
/* Memory: page tables as kernels make and announce them, two-level or PAE, early or late, with NX; address spaces with a user
 * page, demand paging, write protection. */
#include "client.h"

#define PTE_USER 0x67  /* present, writable, user, accessed, dirty */
#define PTE_KERNEL 0x63
#define TABLE 0x67
#define USER_BASE 0x08048000u
#define LARGE_KERNEL 0xe3u
#define F_PT 0x01
#define F_PD 0x02
#define F_PDP 0x04
#define F_CURRENT 0x10
#define F_DEFER 0x20
#define SPACES 4
#define SCRATCH 0xe0000000u

extern u32 swapper_pg_dir[1024];
extern u32 ap_cr4, ap_nx;
extern char bss_end[];

bool pae, nx;
u32 swapper, user_code = USER_BASE, user_stack = USER_BASE + 0x3000, fixmap_apic;
static u64 *middle[4]; /* the kernel's page directories under PAE */
static u32 next_page;

struct space {
	u32 cr3;
	void *pgd, *pmd[3], *pt;
};
static struct space space[SPACES];
static void *scratch;

/* What user mode runs: +0 leave with 1; +16 write to a page that comes on demand, leave with what is read; +48 SYSENTER and
 * leave with 3; +80 write to the protected page, leave with 4. */
extern char user_blob[], user_blob_end[];
__asm__(".text\nuser_blob:\n"
	"mov $1, %eax\n int $0x80\n .org user_blob + 16\n"
	"movl $0x55, 0x804c000\n mov 0x804c000, %eax\n int $0x80\n .org user_blob + 48\n"
	"mov %esp, %ecx\n call 1f\n1: pop %edx\n lea 2f - 1b(%edx), %edx\n sysenter\n2: mov $3, %eax\n int $0x80\n .org user_blob + 80\n"
	"push %eax\n pop %eax\n mov $4, %eax\n int $0x80\nuser_blob_end:\n");

void *page_alloc(void)
{
	u8 *p;

	if (!next_page)
		next_page = ((u32)bss_end + PAGE - 1) & ~(PAGE - 1);
	p = (u8 *)next_page;
	next_page += PAGE;
	if (PA(p) >= LINEAR_MB << 20) {
		fail("out of memory");
		finish();
	}
	memset(p, 0, PAGE);
	return p;
}

static u32 pfn(const void *p)
{
	return PA(p) >> 12;
}

static void set(void *p, u64 v, u32 flags)
{
	u64 now;

	if (pae) {
		invoke(SetPxELong, (u32)v, v >> 32, (u32)p, flags, 0);
		now = *(volatile u64 *)p;
	} else {
		invoke(SetPxE, (u32)v, (u32)p, flags, 0, 0);
		now = *(volatile u32 *)p;
	}
	expect((now ^ v) == 0, "an entry is 0x%x, not 0x%x", (u32)now, (u32)v);
}

static void updated(void *p, u32 flags)
{
	invoke(pae ? UpdatePxELong : UpdatePxE, (u32)p, flags, 0, 0, 0);
}

static void announce(const void *page, bool directory)
{
	invoke(AllocatePage, pfn(page), (pae ? 0x50 : 0x40) | (directory ? 2 : 1), 0, 0, 0);
}

static void release(const void *page, bool directory)
{
	invoke(ReleasePage, pfn(page), (pae ? 0x50 : 0x40) | (directory ? 2 : 1), 0, 0, 0);
}

static u32 cr4(void)
{
	return (u32)invoke0(GetCR4);
}

static void build_pae(void)
{
	u64 *pdpt = (u64 *)swapper_pg_dir;
	u64 no_exec = nx ? 1ull << 63 : 0;

	for (unsigned i = 0; i < 4; i++)
		middle[i] = page_alloc();
	/* All of the kernel's image, and below, can be executed. */
	for (u32 i = 0; i < LINEAR_MB / 2; i++)
		middle[3][i] = (u64)i << 21 | LARGE_KERNEL | (i >= 2 ? no_exec : 0);
	middle[0][0] = 0x83; /* one to one, for a processor that turns paging on there */
	/* In two-level terms these are entries for low memory, which nobody uses any more. */
	for (unsigned i = 0; i < 4; i++)
		pdpt[i] = PA(middle[i]) | 1;
}

static void native_pae(void)
{
	u32 v;

	if (nx)
		wrmsr(0xc0000080, rdmsr(0xc0000080) | 0x800);
	__asm__ volatile("mov %%cr4, %0" : "=r"(v));
	__asm__ volatile("mov %0, %%cr4" : : "r"(v | 0x20) : "memory");
	__asm__ volatile("mov %%cr3, %0\n\tmov %0, %%cr3" : "=r"(v) : : "memory");
}

static bool has_nx(void)
{
	u32 a = 0x80000001, d;

	__asm__ volatile("cpuid" : "+a"(a), "=d"(d) : : "ebx", "ecx");
	return d >> 20 & 1;
}

void mm_early(void)
{
	swapper = PA(swapper_pg_dir);
	nx = option("nx") && has_nx() && !kernel.late_pae;
	pae = option("pae") || option("nx");
	ap_nx = nx;
	if (pae && !kernel.late_pae) {
		build_pae();
		native_pae();
	}
}

/* A place for one more entry below the top. */
static void *fix_slot(u32 va)
{
	u32 at = va >> (pae ? 21 : 22);
	void *table, *upper = pae ? (void *)&middle[3][at & 511] : (void *)&swapper_pg_dir[at];
	u32 now = *(u32 *)upper;

	if (!(now & 1)) {
		table = page_alloc();
		announce(table, false);
		set(upper, PA(table) | TABLE, F_PD);
		now = PA(table);
	}
	table = VA(now & ~0xfffu);
	return pae ? (void *)((u64 *)table + (va >> 12 & 511)) : (void *)((u32 *)table + (va >> 12 & 1023));
}

void mm_paging_init(void)
{
	if (pae && kernel.late_pae) {
		build_pae();
		for (unsigned i = 0; i < 4; i++)
			announce(middle[i], true);
		invoke1(SetCR3, swapper);
		invoke1(SetCR4, cr4() | 0x20);
		expect(cr4() & 0x20, "PAE does not come on");
		invoke1(FlushTLB, 3);
	}
	invoke1(SetCR4, cr4() | 0x80);
	ap_cr4 = cr4();
	fixmap_apic = fixaddr_top - 2 * PAGE;
	set(fix_slot(fixmap_apic), 0xfee00000 | PTE_KERNEL | 0x18, F_PT);
	invoke1(InvalPage, fixmap_apic);
	scratch = page_alloc();
	announce(scratch, false);
	set(pae ? (void *)&middle[3][SCRATCH >> 21 & 511] : (void *)&swapper_pg_dir[SCRATCH >> 22], PA(scratch) | TABLE, F_PD);
}

void mm_touch(u32 low, u32 high, u32 flags)
{
	static unsigned at;
	u64 entry = low & 1 ? (low & 0xfff) | 0x300000 | (nx ? (u64)(high & 0x80000000) << 32 : 0) : 0;

	at = (at + 1) & 511;
	set((u8 *)scratch + at * (pae ? 8 : 4), entry,
	    (flags & 0x2f) | (flags & F_CURRENT ? F_CURRENT | (SCRATCH + at * PAGE) : 0));
}

static void *user_pte(struct space *s, u32 va)
{
	return (u8 *)s->pt + (pae ? (va >> 12 & 511) * 8 : (va >> 12 & 1023) * 4);
}

static void map_user(struct space *s, u32 va, const void *page, u32 bits, u32 flags)
{
	set(user_pte(s, va), PA(page) | bits, flags);
}

static void fill_directory(struct space *s)
{
	u32 at = USER_BASE >> (pae ? 21 : 22);

	s->pt = page_alloc();
	announce(s->pt, false);
	set(pae ? (void *)((u64 *)s->pmd[0] + (at & 511)) : (void *)((u32 *)s->pgd + at), PA(s->pt) | TABLE, F_PD);
}

static void make_space(struct space *s)
{
	void *code = page_alloc(), *stack = page_alloc();

	s->pgd = page_alloc();
	s->cr3 = PA(s->pgd);
	if (pae) {
		for (unsigned i = 0; i < 3; i++) {
			s->pmd[i] = page_alloc();
			announce(s->pmd[i], true);
			set((u64 *)s->pgd + i, PA(s->pmd[i]) | 1, F_PDP);
		}
		((u64 *)s->pgd)[3] = ((u64 *)swapper_pg_dir)[3];
		if (kernel.pae_clone)
			invoke(AllocatePage, pfn(s->pgd), 0x72, swapper >> 12, 3, 1);
	} else {
		for (unsigned i = 768; i < 1024; i++)
			((u32 *)s->pgd)[i] = swapper_pg_dir[i];
		invoke(AllocatePage, pfn(s->pgd), 0x62, swapper >> 12, 768, 256);
	}
	invoke1(SetLazyMode, 1);
	fill_directory(s);
	memcpy(code, user_blob, user_blob_end - user_blob);
	map_user(s, user_code, code, PTE_USER & ~2u, F_PT);
	map_user(s, user_stack - PAGE, stack, PTE_USER, F_PT);
	invoke1(SetLazyMode, 0);
}

u32 mm_space(unsigned n)
{
	if (!(n %= SPACES))
		return swapper;
	if (!space[n].cr3)
		make_space(&space[n]);
	return space[n].cr3;
}

static struct space *current_space(void)
{
	u32 cr3 = (u32)invoke0(GetCR3);

	for (unsigned n = 1; n < SPACES; n++)
		if (space[n].cr3 == cr3)
			return &space[n];
	return NULL;
}

static unsigned faults;

/* From user mode: a page on demand, or one that was write-protected. False: nobody's. */
bool mm_fault(u32 error);
bool mm_fault(u32 error)
{
	u32 va = (u32)invoke0(GetCR2) & ~0xfffu;
	struct space *s = current_space();

	if (!s || va < USER_BASE || va >= USER_BASE + 16 * PAGE || faults++ > 8)
		return false;
	if (error & 1)
		set(user_pte(s, va), *(u32 *)user_pte(s, va) | 2, F_PT | F_CURRENT | va);
	else
		map_user(s, va, page_alloc(), PTE_USER, F_PT | F_CURRENT | F_DEFER | va);
	invoke1(InvalPage, va);
	return true;
}

static void switch_to(u32 cr3)
{
	extern u32 tss[];

	invoke1(SetLazyMode, 2);
	invoke1(SetCR3, cr3);
	invoke2(UpdateKernelStack, KERNEL_DS, tss[1]);
	invoke1(SetLazyMode, 0);
	expect((u32)invoke0(GetCR3) == cr3, "CR3 is 0x%x, not 0x%x", (u32)invoke0(GetCR3), cr3);
}

static void run_user(unsigned offset, u32 wanted)
{
	u32 got = enter_user(user_code + offset, USER_CS, 0x202, user_stack, USER_DS);

	expect(got == wanted, "user mode at +%u gives 0x%x, not 0x%x", offset, got, wanted);
}

/* fork: the parent's page becomes read-only, without the hypervisor first. */
static void protect_stack(struct space *s)
{
	u32 va = user_stack - PAGE;
	volatile u32 *p = user_pte(s, va);

	invoke1(SetLazyMode, 1);
	__asm__ volatile("lock btrl $1, %0" : "+m"(*p));
	updated((void *)p, F_PT | F_CURRENT | va);
	invoke1(SetLazyMode, 0);
	invoke1(FlushTLB, 1);
}

static void end_space(struct space *s)
{
	switch_to(swapper);
	invoke1(SetLazyMode, 1);
	for (u32 va = user_code; va < user_code + 5 * PAGE; va += PAGE)
		set(user_pte(s, va), 0, F_PT);
	if (!pae)
		set((u32 *)s->pgd + (USER_BASE >> 22), 0, F_PD);
	else
		set((u64 *)s->pmd[0] + (USER_BASE >> 21 & 511), 0, F_PD);
	release(s->pt, false);
	invoke1(SetLazyMode, 0);
	invoke1(FlushTLB, 1);
	for (unsigned i = 0; pae && i < 3; i++)
		release(s->pmd[i], true);
	if (kernel.pgd_released && !pae)
		release(s->pgd, true);
	memset(s, 0, sizeof(*s));
}

void mm_test(void)
{
	for (unsigned n = 1; n < 3; n++) {
		switch_to(mm_space(n));
		run_user(0, 1);
		run_user(16, 0x55);
		run_user(48, 3);
		protect_stack(&space[n]);
		run_user(80, 4);
	}
	expect(sysenters == 2, "%u SYSENTERs, not 2", sysenters);
	expect(faults == 4, "%u faults of user mode, not 4", faults);
	end_space(&space[1]);
	end_space(&space[2]);
}
