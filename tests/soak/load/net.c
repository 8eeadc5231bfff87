// SPDX-License-Identifier: GPL-2.0-only
/*
 * Net: TCP streams both ways and datagrams, every byte compared. `load net HOST PORT STREAMS [MS]`; the peer is tests/soak/peer.py.
 *
 * STREAMS connections receive the pattern, as many send it; one that breaks is an error, and so is a count of bytes that the
 * peer did not get. Every MS milliseconds (2) a datagram goes out that the peer sends back: these may be lost, as on any
 * wire, but what comes back must be right; they keep the rings in use while TCP waits for its own timers, so that silence at a
 * ring is the silence of whoever serves it. A change of the link's state is an error.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "load.h"

#define STREAMS_MAX 16
#define PIECE 16384
#define DATAGRAM_MAX 1400
#define DATAGRAM_HEAD 8

struct stream {
	int socket;
	bool sends, ended;
	uint64_t bytes;
};

static struct stream stream[2 * STREAMS_MAX];
static struct sockaddr_in host = {.sin_family = AF_INET};
static int datagrams;
static unsigned streams, carrier_changes;
static uint64_t sent, came, total[2], period_ns = 2000000;
static bool ending;

static unsigned read_carrier(void)
{
	DIR *d = opendir("/sys/class/net");
	struct dirent *e;
	unsigned n = 0, one;
	char path[320];
	FILE *f;

	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/carrier_changes", e->d_name);
		f = e->d_name[0] == '.' || !strcmp(e->d_name, "lo") ? NULL : fopen(path, "r");
		if (f && fscanf(f, "%u", &one) == 1)
			n += one;
		if (f)
			fclose(f);
	}
	closedir(d);
	return n;
}

static void look_at_carrier(void)
{
	unsigned n = read_carrier();

	if (n != carrier_changes)
		wrong(&tally.errors, "the link changed %u times", n - carrier_changes);
	carrier_changes = n;
}

static void open_stream(struct stream *s, bool sends)
{
	const char *word = sends ? "up\n" : "down\n";

	s->sends = sends;
	s->socket = socket(AF_INET, SOCK_STREAM, 0);
	if (s->socket < 0 || connect(s->socket, (void *)&host, sizeof(host)) ||
	    write(s->socket, word, strlen(word)) != (ssize_t)strlen(word))
		die("connect");
	fcntl(s->socket, F_SETFL, O_NONBLOCK);
}

static void stream_ends(struct stream *s, const char *why)
{
	wrong(&tally.errors, "a stream that %s ended after %llu bytes: %s", s->sends ? "sends" : "receives",
	      (unsigned long long)s->bytes, why);
	s->ended = true;
}

static void send_more(struct stream *s)
{
	ssize_t n = send(s->socket, pattern + s->bytes % PATTERN_BYTES, PIECE, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		return stream_ends(s, strerror(errno));
	if (n > 0)
		s->bytes += n;
}

static void receive_more(struct stream *s)
{
	static uint8_t buffer[PIECE];
	ssize_t n = recv(s->socket, buffer, sizeof(buffer), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		if (n < 0 || !ending)
			stream_ends(s, n ? strerror(errno) : "by the peer");
		s->ended = true;
		return;
	}
	if (memcmp(buffer, pattern + s->bytes % PATTERN_BYTES, n))
		wrong(&tally.mismatches, "stream %ld: other bytes between %llu and %llu", (long)(s - stream),
		      (unsigned long long)s->bytes, (unsigned long long)s->bytes + n);
	s->bytes += n;
}

static void send_datagram(void)
{
	uint8_t buffer[DATAGRAM_MAX];
	size_t bytes = DATAGRAM_HEAD + sent * 37 % (DATAGRAM_MAX - DATAGRAM_HEAD);

	memcpy(buffer, &sent, 8);
	memcpy(buffer + DATAGRAM_HEAD, pattern + sent * 101 % PATTERN_BYTES, bytes - DATAGRAM_HEAD);
	if (send(datagrams, buffer, bytes, MSG_NOSIGNAL) == (ssize_t)bytes)
		sent++;
}

static void receive_datagrams(void)
{
	uint8_t buffer[DATAGRAM_MAX + 1];
	uint64_t number;
	ssize_t n;

	while ((n = recv(datagrams, buffer, sizeof(buffer), 0)) >= 0) {
		memcpy(&number, buffer, n < 8 ? 0 : 8);
		if (n < DATAGRAM_HEAD || number >= sent ||
		    (size_t)n != DATAGRAM_HEAD + number * 37 % (DATAGRAM_MAX - DATAGRAM_HEAD) ||
		    memcmp(buffer + DATAGRAM_HEAD, pattern + number * 101 % PATTERN_BYTES, n - DATAGRAM_HEAD))
			wrong(&tally.mismatches, "a datagram of %zd bytes", n);
		came++;
		did(1);
	}
}

static void mark(const char *what)
{
	uint64_t bytes[2] = {0};
	char more[160];

	for (unsigned i = 0; i < 2 * streams; i++)
		bytes[stream[i].sends] += stream[i].bytes;
	snprintf(more, sizeof(more), ", %llu KiB in, %llu KiB out, %llu of %llu datagrams", (unsigned long long)(bytes[0] - total[0]) / 1024,
		 (unsigned long long)(bytes[1] - total[1]) / 1024, (unsigned long long)came, (unsigned long long)sent);
	tally.done += (bytes[0] - total[0] + bytes[1] - total[1]) / 1024;
	memcpy(total, bytes, sizeof(total));
	look_at_carrier();
	report(what, more);
}

/* What the peer counted of a stream that we sent. */
static void settle(struct stream *s)
{
	char text[32] = "";
	unsigned long long n;
	size_t used = 0;
	ssize_t got;

	fcntl(s->socket, F_SETFL, 0);
	if (s->ended)
		return;
	shutdown(s->socket, SHUT_WR);
	while (used < sizeof(text) - 1 && (got = recv(s->socket, text + used, sizeof(text) - 1 - used, 0)) > 0)
		used += got;
	if (sscanf(text, "right %llu", &n) != 1 || n != s->bytes)
		wrong(&tally.mismatches, "the peer of %llu bytes says '%s'", (unsigned long long)s->bytes, text);
}

static void drain(struct stream *s)
{
	ending = true;
	fcntl(s->socket, F_SETFL, 0);
	shutdown(s->socket, SHUT_WR); /* the peer ends then */
	while (!s->ended)
		receive_more(s);
}

static void run(void)
{
	struct pollfd p[2 * STREAMS_MAX + 2];
	uint64_t next = now_ns();
	const char *line;

	for (;;) {
		uint64_t now = now_ns();
		struct timespec wait = {.tv_nsec = next > now ? next - now : 0};

		for (unsigned i = 0; i < 2 * streams; i++)
			p[i] = (struct pollfd){stream[i].ended ? -1 : stream[i].socket, stream[i].sends ? POLLOUT : POLLIN, 0};
		p[2 * streams] = (struct pollfd){datagrams, POLLIN, 0};
		p[2 * streams + 1] = (struct pollfd){0, POLLIN, 0};
		if (ppoll(p, 2 * streams + 2, &wait, NULL) < 0 && errno != EINTR)
			die("poll");
		for (unsigned i = 0; i < 2 * streams; i++)
			if (p[i].revents)
				stream[i].sends ? send_more(&stream[i]) : receive_more(&stream[i]);
		receive_datagrams();
		if (now_ns() >= next) {
			send_datagram();
			next = now_ns() + period_ns;
		}
		line = p[2 * streams + 1].revents ? command() : NULL;
		if (line && !strcmp(line, "mark"))
			mark("mark");
		if (line && !strcmp(line, "end"))
			return;
	}
}

int load_net(int argc, char **argv)
{
	if (argc < 3 || inet_pton(AF_INET, argv[0], &host.sin_addr) != 1)
		return 2;
	host.sin_port = htons(atoi(argv[1]));
	streams = atoi(argv[2]);
	if (argc > 3)
		period_ns = strtoull(argv[3], NULL, 10) * 1000000;
	if (streams > STREAMS_MAX)
		return 2;
	make_pattern();
	datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (datagrams < 0 || connect(datagrams, (void *)&host, sizeof(host)))
		die("datagrams");
	for (unsigned i = 0; i < 2 * streams; i++)
		open_stream(&stream[i], i % 2);
	carrier_changes = read_carrier();
	watch_kernel();
	printf("SOAK up: %u streams each way\n", streams);
	fflush(stdout);
	run();
	for (unsigned i = 0; i < 2 * streams; i++)
		stream[i].sends ? settle(&stream[i]) : drain(&stream[i]);
	mark("end");
	return tally.errors || tally.mismatches;
}
