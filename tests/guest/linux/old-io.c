// SPDX-License-Identifier: GPL-2.0-only
/*
 * Disk and network works of old-init. `disk`: an ext2 file system on the first disk (virtio or IDE): so many 64 KiB
 * are written, unmounted, and compared after it was mounted again. `net`: eth0 as QEMU's user network expects it; pings
 * to the gateway, then a page from 10.0.2.100 (tests/system/page), whose last line says whether it is whole.
 */
#include "old-init.h"

enum { SOCKET = 1, CONNECT = 3, SEND = 9, RECV = 10 }; /* socketcall */
enum { IFUP = 0x8914, IFADDR = 0x8916, IFMASK = 0x891c };
#define NET(a, b, c, d) ((d) << 24 | (c) << 16 | (b) << 8 | (a))
#define CHUNK 65536

static unsigned char chunk[CHUNK], back[CHUNK];

static void fill(unsigned seed)
{
	for (unsigned i = 0; i < CHUNK; i++) {
		seed = seed * 1664525 + 1013904223;
		chunk[i] = seed >> 24;
	}
}

/* Makes /disk from what sysfs says of a disk of this name. */
static int make_node(const char *dev)
{
	char text[16];
	long fd = sys(NR_open, (long)dev, 0, 0, 0, 0), n, number[2] = {0, 0};
	unsigned at = 0;

	if (fd < 0)
		return -1;
	n = sys(NR_read, fd, (long)text, sizeof(text), 0, 0);
	sys(NR_close, fd, 0, 0, 0, 0);
	for (long i = 0; i < n && text[i] != '\n'; i++) {
		if (text[i] == ':')
			at = 1;
		else
			number[at] = number[at] * 10 + text[i] - '0';
	}
	return sys(NR_mknod, (long)"/disk", 060600, number[0] << 8 | number[1], 0, 0);
}

static int transfer(long fd, unsigned n, int writes)
{
	for (unsigned i = 0; i < n; i++) {
		fill(i);
		if (sys(writes ? NR_write : NR_read, fd, (long)(writes ? chunk : back), CHUNK, 0, 0) != CHUNK)
			return 1;
		for (unsigned k = 0; !writes && k < CHUNK; k++)
			if (chunk[k] != back[k])
				return 1;
	}
	return 0;
}

int do_disk(unsigned n)
{
	long fd, bad = 0;

	if (make_node("/sys/block/vda/dev") && make_node("/sys/block/hda/dev") && make_node("/sys/block/sda/dev"))
		return 1;
	sys(NR_mkdir, (long)"/mnt", 0755, 0, 0, 0);
	for (unsigned round = 0; round < 2; round++) {
		if (sys(NR_mount, (long)"/disk", (long)"/mnt", (long)"ext2", 0, 0))
			return 1;
		fd = sys(NR_open, (long)"/mnt/data", round ? 0 : 01102, 0600, 0, 0);
		bad |= fd < 0 || transfer(fd, n, !round);
		sys(NR_close, fd, 0, 0, 0, 0);
		bad |= sys(NR_umount, (long)"/mnt", 0, 0, 0, 0);
	}
	return bad != 0;
}

static long net(long call, long a, long b, long c, long d)
{
	long arguments[] = {a, b, c, d};

	return sys(NR_socketcall, call, (long)arguments, 0, 0, 0);
}

/* ifreq: a name of 16 bytes, then a sockaddr or flags. */
static int interface(long fd, long what, unsigned value, unsigned at)
{
	unsigned request[8] = {'e' | 't' << 8 | 'h' << 16 | '0' << 24, 0, 0, 0, 2};

	request[at] = value;
	return sys(NR_ioctl, fd, what, (long)request, 0, 0);
}

static unsigned short sum16(const unsigned short *p, unsigned n)
{
	unsigned sum = 0;

	while (n--)
		sum += *p++;
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

static int ping(unsigned n)
{
	long fd = net(SOCKET, 2, 3, 1, 0), timeout[2] = {10, 0}, option[] = {0, 1, 20, (long)timeout, sizeof(timeout)};
	unsigned to[4] = {2, NET(10, 0, 2, 2)};

	option[0] = fd;
	sys(NR_socketcall, 14, (long)option, 0, 0, 0); /* setsockopt: RCVTIMEO */
	if (fd < 0 || net(CONNECT, fd, (long)to, sizeof(to), 0))
		return 1;
	for (unsigned i = 0; i < n; i++) {
		unsigned short echo[32] = {8, 0, 0x1234, i};

		echo[1] = sum16(echo, 32);
		if (net(SEND, fd, (long)echo, sizeof(echo), 0) != sizeof(echo) || net(RECV, fd, (long)back, CHUNK, 0) < 84 ||
		    back[20] != 0 || back[26] != (i & 255))
			return 1;
	}
	return sys(NR_close, fd, 0, 0, 0, 0) != 0;
}

static int page(void)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n", last[] = "\n200000\n";
	long fd = net(SOCKET, 2, 1, 0, 0), n;
	unsigned to[4] = {2 | 80 << 24, NET(10, 0, 2, 100)}, total = 0;

	if (fd < 0 || net(CONNECT, fd, (long)to, sizeof(to), 0) || net(SEND, fd, (long)request, sizeof(request) - 1, 0) < 0)
		return 1;
	/* The end of what came last stays in front of what comes next. */
	while ((n = net(RECV, fd, (long)back + 8, CHUNK - 8, 0)) > 0) {
		total += n;
		for (unsigned i = 0; i < 8; i++)
			back[i] = back[n + i];
	}
	sys(NR_close, fd, 0, 0, 0, 0);
	for (unsigned i = 0; i < 8; i++)
		if (back[i] != (unsigned char)last[i])
			return 1;
	return total < 1288894;
}

int do_net(unsigned n)
{
	long fd = net(SOCKET, 2, 2, 0, 0);

	if (interface(fd, IFADDR, NET(10, 0, 2, 15), 5) || interface(fd, IFMASK, NET(255, 255, 255, 0), 5) ||
	    interface(fd, IFUP, 0x1043, 4))
		return 1;
	while (n--)
		if (ping(5) || page())
			return 1;
	return 0;
}
