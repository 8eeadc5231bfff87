// SPDX-License-Identifier: GPL-2.0-only
/* guest: 32 */
/*
 * The modes of an i386 processor: real mode with its interrupts (by way of a 16-bit protected
 * segment), no paging, two-level paging with and without large pages, PAE.
 */
#include "guest.h"

#define REAL_AT 0x7000
#define WINDOW 0x40000000ul

extern char real_code[], real_code_end[];
extern uint64_t gdt[];
uint32_t real_result, real_ticks, saved_esp;
uint16_t real_idt[4] = {0x3ff, 0, 0, 0};

/*
 * Copied to REAL_AT. Enters real mode with the vectors of address 0, does INT 0x60 (AX += 1), lets
 * the PIT's IRQ 0 (vector 8) interrupt a HLT three times, and comes back.
 */
__asm__(".text\n"
	".globl real_trip, real_code, real_code_end\n"
	"real_trip:\n\t"
	"pusha\n\t"
	"mov %esp, saved_esp\n\t"
	"lidt real_idt\n\t"
	"ljmp $0x20, $0x7000\n"
	"real_code:\n"
	".code16\n\t"
	"mov $0x28, %ax\n\tmov %ax, %ds\n\tmov %ax, %es\n\tmov %ax, %ss\n\t"
	"mov %cr0, %eax\n\tand $~1, %eax\n\tmov %eax, %cr0\n\t"
	"ljmp $0, $0x7000 + 1f - real_code\n"
	"1:\txor %ax, %ax\n\tmov %ax, %ds\n\tmov %ax, %es\n\tmov %ax, %ss\n\tmov $0x6ff0, %sp\n\t"
	"movw $0x7000 + 3f - real_code, 0x60 * 4\n\tmovw $0, 0x60 * 4 + 2\n\t"
	"movw $0x7000 + 4f - real_code, 8 * 4\n\tmovw $0, 8 * 4 + 2\n\t"
	"movl $0, 0x6ff8\n\t"
	"mov $0x1234, %ax\n\tint $0x60\n\tmov %ax, 0x6ff4\n\t"
	"movw $0xb800, %ax\n\tmov %ax, %gs\n\t"
	"2:\tsti\n\thlt\n\tcli\n\tcmpw $3, 0x6ff8\n\tjb 2b\n\t"
	"mov %cr0, %eax\n\tor $1, %eax\n\tmov %eax, %cr0\n\t"
	"ljmpl $8, $5f\n"
	"3:\tinc %ax\n\tiret\n"
	"4:\tpush %ax\n\tincw 0x6ff8\n\tmov $0x20, %al\n\toutb %al, $0x20\n\tpop %ax\n\tiret\n"
	"real_code_end:\n"
	".code32\n"
	"5:\tmov $0x10, %eax\n\tmov %ax, %ds\n\tmov %ax, %es\n\tmov %ax, %fs\n\tmov %ax, "
	"%gs\n\tmov %ax, %ss\n\t"
	"mov saved_esp, %esp\n\t"
	"call load_idt\n\t"
	"movzwl 0x6ff4, %eax\n\tmov %eax, real_result\n\t"
	"movzwl 0x6ff8, %eax\n\tmov %eax, real_ticks\n\t"
	"popa\n\tret\n");
void real_trip(void);

static void test_real(void)
{
	memcpy((void *)REAL_AT, real_code, (size_t)(real_code_end - real_code));
	/* The PIC as a BIOS leaves it: IRQ 0 at vector 8; the PIT at 100 Hz. */
	outb(0x20, 0x11);
	outb(0x21, 8);
	outb(0x21, 4);
	outb(0x21, 1);
	outb(0x21, 0xfe);
	outb(0xa1, 0xff);
	outb(0x43, 0x34);
	outb(0x40, 11932 & 0xff);
	outb(0x40, 11932 >> 8);
	for (unsigned int i = 0; i < 5; i++) {
		real_result = real_ticks = 0;
		real_trip();
		check(real_result == 0x1235 && real_ticks == 3, "real mode: INT gives %x, %u ticks",
		      real_result, real_ticks);
	}
	pic_mask_all();
}

static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint32_t table[1024] __attribute__((aligned(4096)));
static uint64_t pae_root[4] __attribute__((aligned(32)));
static uint64_t pae_directory[4][512] __attribute__((aligned(4096)));
static uint64_t pae_table[512] __attribute__((aligned(4096)));

static void paging_off(void)
{
	WRITE_CR(0, READ_CR(0) & ~0x80000000ul);
	WRITE_CR(3, 0);
	WRITE_CR(4, READ_CR(4) & ~0x30ul);
}

static void test_two_level(bool large)
{
	const char *how = large ? "two levels, 4 MiB pages" : "two levels";

	memset(directory, 0, sizeof(directory));
	memset(table, 0, sizeof(table));
	if (large) {
		for (unsigned int i = 0; i < 1024; i++)
			directory[i] = i << 22 | 0x83;
	} else {
		static uint32_t devices[1024] __attribute__((aligned(4096)));
		static uint32_t low[4][1024] __attribute__((aligned(4096)));

		for (unsigned int i = 0; i < 4096; i++)
			low[i / 1024][i % 1024] = i << 12 | 3;
		for (unsigned int i = 0; i < 4; i++)
			directory[i] = (word)low[i] | 3;
		devices[0xfec00 & 1023] = 0xfec00003;
		directory[0xfec00000 >> 22] = (word)devices | 3;
	}
	directory[WINDOW >> 22] = (word)table | 3;
	WRITE_CR(4, (READ_CR(4) & ~0x20ul) | (large ? 0x10 : 0));
	WRITE_CR(3, directory);
	WRITE_CR(0, READ_CR(0) | 0x80000000);
	check(READ_CR(0) >> 31, "%s: on", how);
}

static void map_probe(uint32_t page)
{
	table[0] = page | 3;
	table[2] = page | 1;
	pae_table[0] = page | 3;
	pae_table[2] = page | 1;
}

static void test_pae(void)
{
	memset(pae_directory, 0, sizeof(pae_directory));
	for (unsigned int i = 0; i < 4; i++) {
		pae_root[i] = (word)pae_directory[i] | 1;
		for (uint32_t j = 0; j < 512; j++)
			pae_directory[i][j] = (uint64_t)(i * 512 + j) << 21 | 0x83;
	}
	pae_directory[WINDOW >> 30][0] = (word)pae_table | 3;
	WRITE_CR(4, READ_CR(4) | 0x20);
	WRITE_CR(3, pae_root);
	WRITE_CR(0, READ_CR(0) | 0x80000000);
	check(READ_CR(0) >> 31, "PAE: on");
}

/* One page for all of them, so that the tables can be made before it is named. */
static uint32_t shared_page[1024] __attribute__((aligned(4096)));

static void probe(const char *how)
{
	volatile uint32_t *window = (volatile uint32_t *)WINDOW;

	*(volatile uint32_t *)&shared_page[3] = 0x12345678;
	check(window[3] == 0x12345678, "%s: a page at another address", how);
	window[4] = 0x9abcdef0;
	check(*(volatile uint32_t *)&shared_page[4] == 0x9abcdef0, "%s: write through it", how);
	__asm__ volatile(GUARD("movl (%0), %%eax") : : "r"(WINDOW + 0x1000) : "eax", "memory");
	check(caught() == 14 && trap_cr2 == WINDOW + 0x1000 && !(trap_error & 1),
	      "%s: #PF, not present", how);
	WRITE_CR(0, READ_CR(0) | 0x10000); /* WP */
	__asm__ volatile(GUARD("movl %%eax, (%0)") : : "r"(WINDOW + 0x2000) : "memory");
	check(caught() == 14 && (trap_error & 3) == 3, "%s: #PF, read-only (%lx)", how, trap_error);
	mmio_write(0xfec00000, 1);
	check(mmio_read(0xfec00010) >> 16 == 23, "%s: a device register", how);
}

static void test_decoding16(void)
{
	uint32_t v = 0;

	/* Address-size and operand-size prefixes against a device, as old kernels use them. */
	mmio_write(0xfec00000, 0x21);
	__asm__ volatile("movw 0xfec00000, %%ax\n\tmovzwl %%ax, %0" : "=r"(v) : : "eax");
	check(v == 0x21, "mmio: 16-bit operand");
	__asm__ volatile("movl $0xfec00000, %%eax\n\txor %0, %0\n\tmovb (%%eax), %b0"
			 : "=b"(v)
			 :
			 : "eax");
	check((v & 0xff) == 0x21, "mmio: 8-bit operand");
}

int main(void)
{
	tsc_per_ms();
	test_real();
	test_decoding16();
	test_two_level(false);
	map_probe((uint32_t)(word)shared_page);
	probe("two levels");
	paging_off();
	test_two_level(true);
	map_probe((uint32_t)(word)shared_page);
	probe("4 MiB pages");
	paging_off();
	map_probe((uint32_t)(word)shared_page);
	test_pae();
	probe("PAE");
	paging_off();
	return verdict("modes");
}
