// SPDX-License-Identifier: GPL-2.0-only
/* Obituary: puts a task's end into words. Exception names: AMD64 manual, volume 2, chapter 8. */
#include <stdio.h>
#include "obituary.h"

static const char *const exceptions[] = {
	"division error", "debug exception", "NMI", "breakpoint", "overflow", "bound exceeded",
	"invalid instruction", "use of the FPU", "double fault", "coprocessor overrun",
	"invalid TSS", "segment not present", "stack fault", "general protection fault",
	"page fault", NULL, "x87 error", "misaligned access", "machine check", "SIMD error",
};

void obituary(const struct task_info *info, char *to, size_t size)
{
	const char *name = NULL;

	switch (info->end) {
	case TASK_ALIVE:
		snprintf(to, size, "alive");
		return;
	case TASK_EXITED:
		snprintf(to, size, "ended by itself with status %lld", (long long)info->detail);
		return;
	case TASK_KILLED:
		snprintf(to, size, "killed");
		return;
	case TASK_MISUSED:
		snprintf(to, size, "too many bad system calls, the last of number %lld",
			 (long long)info->detail);
		return;
	case TASK_FAULTED:
		if (info->detail >= 0 && info->detail < (int)(sizeof(exceptions) / sizeof(char *)))
			name = exceptions[info->detail];
		if (!name)
			name = "processor exception";
		if (info->detail == 14)
			snprintf(to, size, "%s at address 0x%llx, instruction 0x%llx", name,
				 (unsigned long long)info->address, (unsigned long long)info->rip);
		else
			snprintf(to, size, "%s (vector %lld), instruction 0x%llx", name,
				 (long long)info->detail, (unsigned long long)info->rip);
		return;
	}
	if (info->end == TASK_DMA) {
		snprintf(to, size, "DMA outside of what it was given, by pci %02llx:%02llx.%llx",
			 (long long)info->detail >> 8, (long long)info->detail >> 3 & 31,
			 (long long)info->detail & 7);
		return;
	}
	snprintf(to, size, "ended in an unknown way (%u)", info->end);
}
