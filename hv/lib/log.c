// SPDX-License-Identifier: GPL-2.0-only
/* Log: lines for the machine's log. */
#include "init.h"
#include "log.h"
#include "stdio.h"
#include "syscalls.h"

#define LINE 500

void log_vline(const char *format, va_list args)
{
	char line[LINE];
	int n = vsnprintf(line, sizeof(line), format, args);

	if (n >= LINE)
		n = LINE - 1;
	while (n && line[n - 1] == '\n')
		n--;
	sys_log_write(line, n);
	if (start_page()->manager) /* who shows the log, in the manager, looks */
		sys_event_signal(start_page()->manager);
}

void log_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_vline(format, args);
	va_end(args);
}
