/* SPDX-License-Identifier: GPL-2.0-only */
/* System calls for programs that are free of any C library, so that they build for i386 and amd64 without their development packages. */
#ifndef GUEST_SYS_H
#define GUEST_SYS_H

static inline long sys(long nr, long a, long b, long c)
{
	long ret;
#ifdef __x86_64__
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
#else
	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
#endif
	return ret;
}

#ifdef __x86_64__
enum { nr_write = 1, nr_ioctl = 16, nr_exit = 60 };
/* FUNCTION gets what lies at the stack pointer at the start (System V ABI): argc, argv. */
#define START(function) __asm__(".globl _start\n_start:\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall " #function "\n")
#else
enum { nr_exit = 1, nr_write = 4, nr_ioctl = 54 };
#define START(function) __asm__(".globl _start\n_start:\tmov %esp, %eax\n\tpush %eax\n\tcall " #function "\n")
#endif

#endif
