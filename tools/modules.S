/* SPDX-License-Identifier: GPL-2.0-only */
/* The archive of modules (cpio, newc) that travels inside the image, and the table of what the core
 * starts out of it. */
	.section .modules, "a"
	.balign 4096
	.globl modules_archive, modules_archive_end
modules_archive:
	.incbin "modules.cpio"
modules_archive_end:
	.balign 4096
	.include "first-task.s"
	.section .note.GNU-stack, "", @progbits
