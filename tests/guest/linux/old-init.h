/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of old-init share. Numbers are those of i386 Linux. */
#ifndef OLD_INIT_H
#define OLD_INIT_H

enum {
	NR_exit = 1, NR_fork = 2, NR_read = 3, NR_write = 4, NR_open = 5, NR_close = 6, NR_waitpid = 7, NR_execve = 11,
	NR_mknod = 14, NR_lseek = 19, NR_getpid = 20, NR_mount = 21, NR_pause = 29, NR_sync = 36, NR_kill = 37, NR_mkdir = 39,
	NR_pipe = 42, NR_umount = 52, NR_ioctl = 54, NR_sigaction = 67, NR_gettimeofday = 78, NR_swapon = 87, NR_reboot = 88, NR_mmap = 90, NR_munmap = 91,
	NR_ioperm = 101, NR_socketcall = 102, NR_iopl = 110, NR_uname = 122, NR_modify_ldt = 123, NR_mprotect = 125, NR_init_module = 128,
	NR_delete_module = 129, NR_sched_yield = 158, NR_nanosleep = 162, NR_mremap = 163, NR_set_thread_area = 243,
	NR_kexec_load = 283,
};

long sys(long nr, long a, long b, long c, long d, long e);
unsigned length(const char *s);
void print(const char *s);

int do_disk(unsigned n);
int do_net(unsigned n);

#endif
