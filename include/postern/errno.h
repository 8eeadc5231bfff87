/* SPDX-License-Identifier: GPL-2.0-only */
/* Error numbers: every call that can fail returns one of these negated. Values are Linux's, so
 * that host tests and hypervisor agree. */
#ifndef POSTERN_ERRNO_H
#define POSTERN_ERRNO_H

#define EPERM 1	     /* the handle lacks the right that the call needs */
#define ENOENT 2     /* no such object, leaf, or entry */
#define ESRCH 3	     /* the task or thread has ended */
#define EINTR 4	     /* interrupted; call again */
#define EIO 5	     /* the hardware said no */
#define ENXIO 6	     /* no such device */
#define E2BIG 7	     /* longer than the call takes */
#define ENOEXEC 8    /* not a program of the kind that is needed */
#define EBADF 9	     /* not a handle of this task, or of another kind */
#define EAGAIN 11    /* nothing now; try later */
#define ENOMEM 12    /* out of frames, or beyond a limit */
#define EACCES 13    /* not with the rights that came along */
#define EFAULT 14    /* a pointer argument is not mapped as the call needs */
#define EBUSY 16     /* in use */
#define EEXIST 17    /* overlaps what is there */
#define ENODEV 19    /* the machine lacks it */
#define EINVAL 22    /* an argument is out of range or malformed */
#define ENOSPC 28    /* table full */
#define EROFS 30     /* read-only */
#define ERANGE 34    /* a number does not fit */
#define ENOSYS 38    /* no such call */
#define ELOOP 40     /* a cycle */
#define EOPNOTSUPP 95 /* this one cannot do it */
#define ETIMEDOUT 110

#endif
