// SPDX-License-Identifier: GPL-2.0-only
/*
 * Network load for Linux, in a guest and on the plain machine, against bench/netpeer.c or another guest's `net serve`.
 *
 *	net serve                      the services of netpeer.c for another guest, for ever
 *	net ADDRESS TEST:SIZE:COUNT|MSms ...
 *
 * TEST: tcp-out, tcp-in (COUNT packets of 1,460 bytes, SIZE bytes a call), udp-out, udp-in (packets of SIZE), rr (questions
 * of SIZE, one at a time). COUNT packets, or as many as there are in MS milliseconds. `pause` instead of one prints PAUSE
 * and waits for a line. Each prints
 *	BENCH-NET TEST-SIZE packets nanoseconds busy-nanoseconds lost
 * where busy is all time that the processor was not idle, by the kernel's own clock.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "netpeer.h"

#define WINDOW 128 /* packets on their way in */
#define STEP 32	   /* asked for at a time */
#define SILENCE_MS 50
#define ATTEMPTS 200
#define UDP_MAX 1472

struct test {
	const char *name;
	unsigned size;
	uint64_t count, ms; /* one of them is 0 */
	uint64_t begin, end, done, lost;
};

static char buffer[1 << 16];
static struct sockaddr_in server = {.sin_family = AF_INET};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* /proc/stat has steps of 10 ms only. */
static uint64_t idle_ns(void)
{
	unsigned long long value, sum = 0;
	char line[256];
	FILE *f = fopen("/proc/timer_list", "r");

	if (!f)
		die("timer_list");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " .idle_sleeptime : %llu", &value) == 1 || sscanf(line, " .iowait_sleeptime : %llu", &value) == 1)
			sum += value;
	fclose(f);
	return sum;
}

static bool go_on(const struct test *t)
{
	return t->count ? t->done < t->count : now_ns() < t->end;
}

static int open_socket(int type, unsigned port)
{
	int s = socket(AF_INET, type, 0), bytes = 4 << 20;

	server.sin_port = htons(port);
	if (type == SOCK_DGRAM)
		setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	if (s < 0 || connect(s, (struct sockaddr *)&server, sizeof(server)))
		die("connect");
	return s;
}

static void tcp(struct test *t, bool out)
{
	uint64_t bytes = 0, all = t->count * PEER_MSS;
	int s = open_socket(SOCK_STREAM, out ? PEER_SINK : PEER_SOURCE);
	unsigned most = t->size < sizeof(buffer) ? t->size : sizeof(buffer);
	ssize_t n;

	while (go_on(t)) {
		uint64_t left = all && all - bytes < most ? all - bytes : most;

		n = out ? send(s, buffer, left, 0) : recv(s, buffer, left, 0);
		if (n <= 0)
			die("stream");
		bytes += n;
		t->done = bytes / PEER_MSS;
	}
	if (out) {
		shutdown(s, SHUT_WR);
		while (recv(s, buffer, sizeof(buffer), 0) > 0)
			;
	}
	close(s);
}

/* Asks until there is an answer. Bytes of it. */
static ssize_t ask(int s, const void *question, size_t bytes, void *answer, size_t room)
{
	struct pollfd p = {.fd = s, .events = POLLIN};

	for (unsigned i = 0; i < ATTEMPTS; i++) {
		send(s, question, bytes, 0);
		if (poll(&p, 1, SILENCE_MS) > 0)
			return recv(s, answer, room, 0);
	}
	errno = ETIMEDOUT;
	die("question");
	return -1;
}

/* What came there since it was asked last. */
static uint64_t arrived(void)
{
	struct peer_count c;
	int s = open_socket(SOCK_DGRAM, PEER_COUNT);

	if (ask(s, "?", 1, &c, sizeof(c)) != sizeof(c))
		die("count");
	close(s);
	if (c.bad) {
		fprintf(stderr, "%llu frames were malformed or had wrong checksums\n", (unsigned long long)c.bad);
		exit(1);
	}
	return c.packets;
}

static void udp_out(struct test *t)
{
	int s = open_socket(SOCK_DGRAM, PEER_SINK);
	uint64_t sent = 0, there;

	while (go_on(t)) {
		if (send(s, buffer, t->size, 0) != (ssize_t)t->size)
			die("send");
		t->done = ++sent;
	}
	there = arrived();
	t->lost = sent - there;
	t->done = there;
	close(s);
}

/* The peer sends what it is asked for, so many at a time that they fit into queues of usual length. */
static void udp_in(struct test *t)
{
	int s = open_socket(SOCK_DGRAM, PEER_SOURCE);
	struct pollfd p = {.fd = s, .events = POLLIN};
	struct peer_wish wish = {.size = t->size, .count = WINDOW};
	uint64_t waiting = WINDOW;
	unsigned taken = 0;

	send(s, &wish, sizeof(wish), 0);
	wish.count = STEP;
	while (go_on(t)) {
		if (recv(s, buffer, sizeof(buffer), MSG_DONTWAIT) > 0) {
			t->done++;
			waiting -= waiting > 0;
			if (++taken < STEP)
				continue;
			taken = 0;
		} else if (poll(&p, 1, SILENCE_MS) > 0) {
			continue;
		} else {
			t->lost += waiting;
			waiting = taken = 0;
			wish.count = WINDOW;
		}
		send(s, &wish, sizeof(wish), 0);
		waiting += wish.count;
		wish.count = STEP;
	}
	close(s);
}

static void questions(struct test *t)
{
	int s = open_socket(SOCK_DGRAM, PEER_ECHO);

	for (; go_on(t); t->done++)
		ask(s, buffer, t->size, buffer, sizeof(buffer));
	close(s);
}

static void run(struct test *t)
{
	uint64_t idle = idle_ns(), took;

	t->begin = now_ns();
	t->end = t->begin + t->ms * 1000000;
	if (!strncmp(t->name, "tcp", 3))
		tcp(t, !strcmp(t->name, "tcp-out"));
	else if (!strcmp(t->name, "udp-out"))
		udp_out(t);
	else if (!strcmp(t->name, "udp-in"))
		udp_in(t);
	else
		questions(t);
	took = now_ns() - t->begin;
	idle = idle_ns() - idle;
	printf("BENCH-NET %s-%u %llu %llu %llu %llu\n", t->name, t->size, (unsigned long long)t->done,
	       (unsigned long long)took, (unsigned long long)(took > idle ? took - idle : 0), (unsigned long long)t->lost);
	fflush(stdout);
}

static void serve_stream(unsigned port, bool source)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int s = socket(AF_INET, SOCK_STREAM, 0), c;

	if (bind(s, (struct sockaddr *)&at, sizeof(at)) || listen(s, 4))
		die("listen");
	while ((c = accept(s, NULL, NULL)) >= 0) {
		while ((source ? send(c, buffer, sizeof(buffer), MSG_NOSIGNAL) : recv(c, buffer, sizeof(buffer), 0)) > 0)
			;
		close(c);
	}
}

static void serve_echo(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PEER_ECHO)}, from;
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t n = sizeof(from);
	ssize_t bytes;

	if (bind(s, (struct sockaddr *)&at, sizeof(at)))
		die("bind");
	while ((bytes = recvfrom(s, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &n)) >= 0)
		sendto(s, buffer, bytes, 0, (struct sockaddr *)&from, n);
}

static int serve(void)
{
	signal(SIGCHLD, SIG_IGN);
	if (!fork())
		serve_stream(PEER_SINK, false);
	else if (!fork())
		serve_stream(PEER_SOURCE, true);
	printf("BENCH-NET-SERVES\n");
	fflush(stdout);
	serve_echo();
	return 1;
}

int main(int argc, char **argv)
{
	char line[80], empty[1] = "";

	if (argc == 2 && !strcmp(argv[1], "serve"))
		return serve();
	if (argc < 3)
		return 2;
	server.sin_addr.s_addr = inet_addr(argv[1]);
	/* Both know each other's addresses before anything is measured. */
	server.sin_port = htons(PEER_ECHO);
	ask(open_socket(SOCK_DGRAM, PEER_ECHO), empty, 1, buffer, sizeof(buffer));
	for (int i = 2; i < argc; i++) {
		char *name = strtok(argv[i], ":"), *size = strtok(NULL, ":"), *count = strtok(NULL, ":");
		struct test t = {.name = name};

		if (!strcmp(name, "pause")) {
			printf("BENCH-NET-PAUSE\n");
			fflush(stdout);
			if (!fgets(line, sizeof(line), stdin))
				return 1;
		} else if (count) {
			t.size = atoi(size);
			if (!t.size || (name[0] != 't' && t.size > UDP_MAX))
				return 2;
			*(strstr(count, "ms") ? &t.ms : &t.count) = strtoull(count, NULL, 10);
			run(&t);
		}
	}
	return 0;
}
