// SPDX-License-Identifier: GPL-2.0-only
/* sources: hv/vmm/virtio_net_control.c hv/vmm/virtqueue.c hv/vmm/ram.c */
/* Commands of a network device's control queue. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "vmm/virtio_net_control.h"

#define ALL (1ull << F_MQ | 1ull << F_CTRL_VQ | 1ull << F_CTRL_RX | 1ull << F_CTRL_MAC_ADDR)

/* What each command is answered, with everything negotiated and with less. */
static void test_commands(void **state)
{
	static const struct {
		const char *bytes;
		unsigned count;
		bool listens;
		uint64_t without; /* a feature */
		enum net_answer answer;
	} row[] = {
		{"", 0, false, 0, NET_ERROR},
		{"\4", 1, false, 0, NET_ERROR},
		{"\0\0\0", 3, false, 0, NET_OK}, /* not promiscuous */
		{"\0\0\1", 3, false, 0, NET_ERROR},
		{"\0\0\1", 3, true, 0, NET_OK},
		{"\0\0\2", 3, true, 0, NET_ERROR},
		{"\0\1\1", 3, false, 0, NET_OK}, /* all multicasts */
		{"\0\1\1", 3, false, 1 << F_CTRL_RX, NET_ERROR},
		{"\0\1", 2, false, 0, NET_ERROR},
		{"\0\1\1\0", 4, false, 0, NET_ERROR},
		{"\0\2\1", 3, true, 0, NET_ERROR}, /* extra modes were not offered */
		{"\1\0\0\0\0\0\1\0\0\0\1\0\136\0\0\1", 16, false, 0, NET_OK}, /* one multicast address */
		{"\1\0\1\0\0\0\2\0\0\0\0\7\0\0\0\0", 16, false, 0, NET_ERROR}, /* one of its own beside the first */
		{"\1\0\1\0\0\0\2\0\0\0\0\7\0\0\0\0", 16, true, 0, NET_OK},
		{"\1\0\0\0\0\0\2\0\0\0\1\0\136\0\0\1", 16, false, 0, NET_ERROR}, /* fewer than it says */
		{"\1\0\377\377\377\377\0\0\0\0", 10, true, 0, NET_ERROR},
		{"\1\0\0\0\0\0", 6, true, 0, NET_ERROR},
		{"\1\0\0\0\0\0\0\0\0\0\0", 11, true, 0, NET_ERROR},
		{"\1\0\0\0\0\0\0\0\0\0", 10, true, 1 << F_CTRL_RX, NET_ERROR},
		{"\1\1\2\0\0\0\0\11", 8, true, 0, NET_OK},
		{"\1\1\2\0\0\0\0\11", 8, false, 0, NET_ERROR},
		{"\1\1\3\0\0\0\0\11", 8, true, 0, NET_ERROR}, /* a group's */
		{"\1\1\2\0\0\0\0", 7, true, 0, NET_ERROR},
		{"\1\1\2\0\0\0\0\11", 8, true, 1 << F_CTRL_MAC_ADDR, NET_ERROR},
		{"\1\2", 2, true, 0, NET_ERROR},
		{"\2\0\1\0", 4, true, 0, NET_ERROR}, /* VLAN filters */
		{"\3\0", 2, true, 0, NET_ERROR},     /* announcements */
		{"\4\0\1\0", 4, false, 0, NET_OK},
		{"\4\0\4\0", 4, false, 0, NET_OK},
		{"\4\0\5\0", 4, false, 0, NET_ERROR},
		{"\4\0\0\0", 4, false, 0, NET_ERROR},
		{"\4\0\0\200", 4, false, 0, NET_ERROR},
		{"\4\0\2", 3, false, 0, NET_ERROR},
		{"\4\0\2\0\0", 5, false, 0, NET_ERROR},
		{"\4\1\2\0", 4, false, 0, NET_ERROR}, /* hashes */
		{"\4\0\2\0", 4, false, 1 << F_MQ, NET_ERROR},
		{"\4\0\2\0", 4, false, 1 << F_CTRL_VQ, NET_ERROR},
		{"\5\0\2\0", 4, true, 0, NET_ERROR},
		{"\377\0\2\0", 4, true, 0, NET_ERROR},
	};

	for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		for (unsigned cut = 0; cut <= row[i].count; cut++) {
			struct net_wishes w = {.features = ALL & ~row[i].without, .listens = row[i].listens, .pairs_max = 4, .pairs = 2};
			struct net_wishes before = w;
			uint8_t bytes[16];
			static struct vq_chain c;

			/* In two pieces, cut everywhere. */
			memcpy(bytes, row[i].bytes, row[i].count);
			c = (struct vq_chain){.out_bytes = row[i].count, .count = 2, .readable = 2};
			c.buffer[0] = (struct vq_buffer){bytes, cut};
			c.buffer[1] = (struct vq_buffer){bytes + cut, row[i].count - cut};
			if (net_command(&w, &c) != row[i].answer)
				fail_msg("row %u", i);
			if (row[i].answer != NET_OK)
				assert_memory_equal(&w, &before, sizeof(w));
		}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(test_commands)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
