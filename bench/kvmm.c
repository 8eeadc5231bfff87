// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmm: the smallest VMM on /dev/kvm that runs what `make bench` runs, as the measure to compare
 * Postern with. It loads a Multiboot 1 ELF or a Linux ELF with a PVH note, has a 16550 and the
 * debug-exit port, and leaves all other ports and addresses to answer with ones or zero.
 *
 *	kvmm [-m MIB] [-c CPUS] [-i INITRD] [-a TEXT] [-f] [-t] FILE
 *
 * -f: the whole interrupt controller and the PIT in KVM (for Linux); else KVM's split form, as
 *     Postern's: the local APIC in the kernel, the others in user space.
 * -t: print the exits to user space by reason, and KVM's counters, at the end.
 */
#include <dirent.h>
#include <elf.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CPUS_MAX 16
#define COM1 0x3f8
#define DEBUG_EXIT 0xf4
#define CMOS_DATA 0x71 /* zero: the clock is not in the middle of an update */
#define INFO_AT 0x9000 /* start information of the guest, in its memory */
#define TEXT_AT 0x9800
#define TEXT_BYTES 2048
#define PVH_MAGIC 0x336ec578
#define MULTIBOOT_MAGIC 0x2badb002

static int kvm, vm;
static uint8_t *ram;
static uint64_t ram_bytes = 512 << 20;
static unsigned int cpus = 1;
static int full_irqchip, tell;
static unsigned long exits[64];
static int vcpu_fd[CPUS_MAX];
static int run_bytes;

struct start {
	uint32_t ip, ax, bx;
};

/* --- files -------------------------------------------------------------------------------------
 */
static uint8_t *map_file(const char *name, size_t *bytes)
{
	int fd = open(name, O_RDONLY);
	struct stat st;
	uint8_t *p;

	if (fd < 0 || fstat(fd, &st))
		err(2, "%s", name);
	*bytes = (size_t)st.st_size;
	p = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		err(2, "%s", name);
	close(fd);
	return p;
}

static void place(uint64_t at, const void *from, uint64_t bytes)
{
	if (at > ram_bytes || bytes > ram_bytes - at)
		errx(2, "does not fit: %#lx bytes at %#lx", (long)bytes, (long)at);
	memcpy(ram + at, from, bytes);
}

static uint64_t load32(const uint8_t *file, size_t bytes, uint32_t *entry)
{
	const Elf32_Ehdr *e = (const void *)file;
	const Elf32_Phdr *p = (const void *)(file + e->e_phoff);
	uint64_t end = 0;

	for (unsigned int i = 0; i < e->e_phnum; i++) {
		if (p[i].p_type != PT_LOAD)
			continue;
		if (p[i].p_offset > bytes || p[i].p_filesz > bytes - p[i].p_offset)
			errx(2, "truncated");
		place(p[i].p_paddr, file + p[i].p_offset, p[i].p_filesz);
		if (p[i].p_paddr + (uint64_t)p[i].p_memsz > end)
			end = p[i].p_paddr + (uint64_t)p[i].p_memsz;
	}
	*entry = e->e_entry;
	return end;
}

static uint32_t pvh_entry(const uint8_t *notes, uint64_t bytes)
{
	for (uint64_t at = 0; at + sizeof(Elf64_Nhdr) <= bytes;) {
		const Elf64_Nhdr *n = (const void *)(notes + at);
		uint64_t desc = at + sizeof(*n) + ((n->n_namesz + 3u) & ~3u);

		if (n->n_type == 18 && n->n_namesz == 4 && !memcmp(n + 1, "Xen", 4))
			return *(const uint32_t *)(notes + desc);
		at = desc + ((n->n_descsz + 3u) & ~3u);
	}
	return 0;
}

static uint64_t load64(const uint8_t *file, size_t bytes, uint32_t *entry)
{
	const Elf64_Ehdr *e = (const void *)file;
	const Elf64_Phdr *p = (const void *)(file + e->e_phoff);
	uint64_t end = 0;

	*entry = 0;
	for (unsigned int i = 0; i < e->e_phnum; i++) {
		if (p[i].p_offset > bytes || p[i].p_filesz > bytes - p[i].p_offset)
			errx(2, "truncated");
		if (p[i].p_type == PT_NOTE && !*entry)
			*entry = pvh_entry(file + p[i].p_offset, p[i].p_filesz);
		if (p[i].p_type != PT_LOAD)
			continue;
		place(p[i].p_paddr, file + p[i].p_offset, p[i].p_filesz);
		if (p[i].p_paddr + p[i].p_memsz > end)
			end = p[i].p_paddr + p[i].p_memsz;
	}
	if (!*entry)
		errx(2, "no PVH note");
	return end;
}

/* The start information that Multiboot 1 or PVH wants; see their specifications. */
static void start_info(struct start *s, int pvh, const char *text, uint64_t initrd, uint64_t bytes)
{
	uint32_t *info = (uint32_t *)(ram + INFO_AT);

	if (strlen(text) >= TEXT_BYTES)
		errx(2, "command line too long");
	strcpy((char *)ram + TEXT_AT, text);
	s->bx = INFO_AT;
	memset(info, 0, 256);
	if (!pvh) {
		s->ax = MULTIBOOT_MAGIC;
		info[0] = 5; /* memory, command line */
		info[1] = 639;
		info[2] = (uint32_t)((ram_bytes - (1 << 20)) >> 10);
		info[4] = TEXT_AT;
		return;
	}
	info[0] = PVH_MAGIC;
	info[1] = 1;
	info[3] = initrd ? 1 : 0;
	*(uint64_t *)(info + 4) = INFO_AT + 128;
	*(uint64_t *)(info + 6) = TEXT_AT;
	*(uint64_t *)(info + 10) = INFO_AT + 192;
	info[12] = 2;
	*(uint64_t *)(info + 32) = initrd;
	*(uint64_t *)(info + 34) = bytes;
	*(uint64_t *)(info + 48) = 0;
	*(uint64_t *)(info + 50) = 0x9fc00;
	info[52] = 1;
	*(uint64_t *)(info + 54) = 1 << 20;
	*(uint64_t *)(info + 56) = ram_bytes - (1 << 20);
	info[58] = 1;
}

static struct start load(const char *name, const char *initrd, const char *text)
{
	struct start s = {0, 0, 0};
	size_t bytes, initrd_bytes = 0;
	uint8_t *file = map_file(name, &bytes);
	uint64_t end, at = 0;
	int wide;

	if (bytes < sizeof(Elf64_Ehdr) || memcmp(file, ELFMAG, SELFMAG))
		errx(2, "%s: not an ELF", name);
	wide = file[EI_CLASS] == ELFCLASS64;
	end = wide ? load64(file, bytes, &s.ip) : load32(file, bytes, &s.ip);
	if (initrd) {
		uint8_t *p = map_file(initrd, &initrd_bytes);

		at = (ram_bytes - initrd_bytes) & ~0xfffull;
		if (initrd_bytes > ram_bytes || at < end)
			errx(2, "%s: no room", initrd);
		place(at, p, initrd_bytes);
	}
	start_info(&s, wide, text, at, initrd_bytes);
	return s;
}

/* --- the 16550, as far as Linux's driver needs
 * ---------------------------------------------------- */
static struct {
	uint8_t ier, lcr, mcr, scratch;
	int thri;
} uart;
static pthread_mutex_t uart_lock = PTHREAD_MUTEX_INITIALIZER;

static void uart_irq(void)
{
	struct kvm_irq_level l = {.irq = 4, .level = uart.thri && uart.ier & 2};

	if (full_irqchip)
		ioctl(vm, KVM_IRQ_LINE, &l);
}

static uint8_t uart_read(unsigned int reg)
{
	uint8_t v = 0;

	switch (reg) {
	case 1:
		v = uart.ier;
		break;
	case 2:
		v = uart.thri && uart.ier & 2 ? 2 : 1;
		uart.thri = 0;
		uart_irq();
		break;
	case 3:
		v = uart.lcr;
		break;
	case 4:
		v = uart.mcr;
		break;
	case 5:
		v = 0x60;
		break;
	case 6:
		v = 0xb0;
		break;
	case 7:
		v = uart.scratch;
		break;
	}
	return v;
}

static void uart_write(unsigned int reg, uint8_t v)
{
	switch (reg) {
	case 0:
		if (uart.lcr & 0x80)
			break;
		(void)!write(1, &v, 1);
		uart.thri = 1;
		break;
	case 1:
		if (uart.lcr & 0x80)
			break;
		if (v & 2 && !(uart.ier & 2))
			uart.thri = 1;
		uart.ier = v & 15;
		break;
	case 3:
		uart.lcr = v;
		break;
	case 4:
		uart.mcr = v;
		break;
	case 7:
		uart.scratch = v;
		break;
	}
	uart_irq();
}

/* KVM's own counters, from debugfs: gone when this process is. */
static void print_counters(void)
{
	static const char folder[] = "/sys/kernel/debug/kvm";
	DIR *d = opendir(folder);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char path[512], text[32];
		int fd;
		ssize_t n;

		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		fd = open(path, O_RDONLY);
		n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
		close(fd);
		if (n <= 0)
			continue;
		text[n] = 0;
		if (strtoul(text, NULL, 10))
			printf("KVMSTAT %s %lu\n", e->d_name, strtoul(text, NULL, 10));
	}
}

/* --- running -------------------------------------------------------------------------------------
 */
static void end(int status)
{
	static const char *const name[] = {[KVM_EXIT_IO] = "io",
					   [KVM_EXIT_MMIO] = "mmio",
					   [KVM_EXIT_HLT] = "hlt",
					   [KVM_EXIT_INTR] = "intr"};

	for (unsigned int i = 0; tell && i < 64; i++)
		if (exits[i])
			printf("KVMM user-space exits, %s: %lu\n",
			       i <= KVM_EXIT_INTR && name[i] ? name[i] : "other", exits[i]);
	if (tell)
		print_counters();
	fflush(stdout);
	_exit(status);
}

static void port(struct kvm_run *run)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	uint16_t n = run->io.port;

	if (n >= COM1 && n < COM1 + 8) {
		pthread_mutex_lock(&uart_lock);
		for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size)
			if (run->io.direction == KVM_EXIT_IO_IN)
				*data = uart_read(n - COM1);
			else
				uart_write(n - COM1, *data);
		pthread_mutex_unlock(&uart_lock);
		return;
	}
	if (n == DEBUG_EXIT && run->io.direction == KVM_EXIT_IO_OUT)
		end(*data << 1 | 1);
	if (n == 0xcf9 || (n == 0x64 && run->io.direction == KVM_EXIT_IO_OUT && *data == 0xfe))
		end(0);
	if (run->io.direction == KVM_EXIT_IO_IN)
		memset(data, n == CMOS_DATA ? 0 : 0xff, run->io.size * run->io.count);
}

static void *run_vcpu(void *arg)
{
	unsigned int n = (unsigned int)(uintptr_t)arg;
	struct kvm_run *run =
		mmap(NULL, (size_t)run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_fd[n], 0);

	if (run == MAP_FAILED)
		err(2, "vcpu");
	for (;;) {
		if (ioctl(vcpu_fd[n], KVM_RUN, 0) < 0) {
			if (errno == EINTR || errno == EAGAIN)
				continue;
			err(2, "KVM_RUN");
		}
		exits[run->exit_reason & 63]++;
		switch (run->exit_reason) {
		case KVM_EXIT_IO:
			port(run);
			break;
		case KVM_EXIT_MMIO:
			if (!run->mmio.is_write)
				memset(run->mmio.data, 0, sizeof(run->mmio.data));
			break;
		case KVM_EXIT_IOAPIC_EOI:
			break;
		case KVM_EXIT_HLT:
			break;
		case KVM_EXIT_SHUTDOWN:
			end(0);
			break;
		default:
			printf("KVMM: exit reason %u\n", run->exit_reason);
			end(2);
		}
	}
	return NULL;
}

static void set_cpuid(unsigned int n)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + 256 * sizeof(c->entries[0]));

	c->nent = 256;
	if (ioctl(kvm, KVM_GET_SUPPORTED_CPUID, c) < 0)
		err(2, "KVM_GET_SUPPORTED_CPUID");
	for (unsigned int i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == 1) {
			e->ebx = (e->ebx & 0xffff) | n << 24 | cpus << 16;
			e->ecx |= 1u << 31 | 1u << 24 | 1u << 21;
		} else if (e->function == 0xb) {
			e->edx = n;
		}
	}
	if (ioctl(vcpu_fd[n], KVM_SET_CPUID2, c) < 0)
		err(2, "KVM_SET_CPUID2");
	free(c);
}

static void flat(struct kvm_segment *s, uint8_t type, uint16_t selector)
{
	*s = (struct kvm_segment){.limit = 0xffffffff,
				  .selector = selector,
				  .type = type,
				  .present = 1,
				  .db = 1,
				  .s = 1,
				  .g = 1};
}

static void make_vcpu(unsigned int n, const struct start *start)
{
	struct kvm_sregs s;
	struct kvm_regs r = {.rflags = 2, .rip = start->ip, .rax = start->ax, .rbx = start->bx};

	vcpu_fd[n] = ioctl(vm, KVM_CREATE_VCPU, n);
	if (vcpu_fd[n] < 0)
		err(2, "KVM_CREATE_VCPU");
	set_cpuid(n);
	if (n)
		return;
	if (ioctl(vcpu_fd[n], KVM_GET_SREGS, &s))
		err(2, "KVM_GET_SREGS");
	flat(&s.cs, 11, 8);
	flat(&s.ds, 3, 16);
	s.es = s.fs = s.gs = s.ss = s.ds;
	s.cr0 = 0x11;
	if (ioctl(vcpu_fd[n], KVM_SET_SREGS, &s) || ioctl(vcpu_fd[n], KVM_SET_REGS, &r))
		err(2, "registers");
}

static void make_vm(void)
{
	struct kvm_userspace_memory_region region;

	kvm = open("/dev/kvm", O_RDWR);
	if (kvm < 0)
		err(2, "/dev/kvm");
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	run_bytes = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (vm < 0 || run_bytes < 0)
		err(2, "KVM_CREATE_VM");
	ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000);
	if (full_irqchip) {
		struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};

		if (ioctl(vm, KVM_CREATE_IRQCHIP, 0) || ioctl(vm, KVM_CREATE_PIT2, &pit))
			err(2, "interrupt controller");
	} else {
		struct kvm_enable_cap cap = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {24}};

		if (ioctl(vm, KVM_ENABLE_CAP, &cap))
			err(2, "KVM_CAP_SPLIT_IRQCHIP");
	}
	/* 2 MiB aligned; the bench guest's row "4 KiB" touches 64..128 MiB, its row "2 MiB" what
	 * follows. */
	ram = mmap(NULL, ram_bytes + (2 << 20), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ram == MAP_FAILED)
		err(2, "memory");
	ram = (uint8_t *)(((uintptr_t)ram + (2 << 20) - 1) & ~((uintptr_t)(2 << 20) - 1));
	madvise(ram, ram_bytes, MADV_HUGEPAGE);
	if (!full_irqchip && ram_bytes >= 128 << 20)
		madvise(ram + (64 << 20), 64 << 20, MADV_NOHUGEPAGE);
	region = (struct kvm_userspace_memory_region){
		.slot = 0, .memory_size = ram_bytes, .userspace_addr = (uintptr_t)ram};
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		err(2, "KVM_SET_USER_MEMORY_REGION");
}

int main(int argc, char **argv)
{
	const char *initrd = NULL, *text = "";
	struct start start;
	pthread_t thread;
	int c;

	while ((c = getopt(argc, argv, "m:c:i:a:ft")) >= 0) {
		switch (c) {
		case 'm':
			ram_bytes = strtoull(optarg, NULL, 0) << 20;
			break;
		case 'c':
			cpus = (unsigned int)atoi(optarg);
			break;
		case 'i':
			initrd = optarg;
			break;
		case 'a':
			text = optarg;
			break;
		case 'f':
			full_irqchip = 1;
			break;
		case 't':
			tell = 1;
			break;
		default:
			return 2;
		}
	}
	if (optind + 1 != argc || !cpus || cpus > CPUS_MAX || ram_bytes > 3ull << 30)
		errx(2, "usage: kvmm [-m MIB] [-c CPUS] [-i INITRD] [-a TEXT] [-f] [-t] FILE");
	make_vm();
	start = load(argv[optind], initrd, text);
	for (unsigned int i = 0; i < cpus; i++)
		make_vcpu(i, &start);
	for (unsigned int i = 1; i < cpus; i++)
		if (pthread_create(&thread, NULL, run_vcpu, (void *)(uintptr_t)i))
			errx(2, "thread");
	run_vcpu(NULL);
	return 0;
}
