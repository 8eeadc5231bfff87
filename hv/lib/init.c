// SPDX-License-Identifier: GPL-2.0-only
/* Init: the first C code of a program. */
#include "init.h"
#include "log.h"
#include "syscalls.h"

static const struct start_info *start;

const struct start_info *start_page(void)
{
	return start;
}

void lib_start(const struct start_info *page)
{
	start = page;
	if (page->magic != START_MAGIC) {
		log_line("start page has magic 0x%x instead of 0x%x: built for another core?",
			 page->magic, START_MAGIC);
		sys_thread_exit(-1);
	}
	sys_thread_exit(main());
}
