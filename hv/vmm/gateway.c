// SPDX-License-Identifier: GPL-2.0-only
/* Gateway: checks and installs the VMI ROM. Nothing in the file is believed before it is checked;
 * what goes wrong costs the guest its acceleration, never its life. */
#include <string.h>
#include <postern/gateway.h>
#include <postern/hypercall.h>
#include <postern/vmi.h>
#include "gateway.h"
#include "gateway_priv.h"

/* What this hypervisor serves. */
#define SERVED                                                                              \
	(1u << VMI_FEATURE_PROBE | 1u << VMI_FEATURE_INTERRUPTS | 1u << VMI_FEATURE_CPUID | \
	 1u << VMI_FEATURE_HALT | 1u << VMI_FEATURE_APIC | 1u << VMI_FEATURE_TIMER |        \
	 1u << VMI_FEATURE_AP_START |                                                       \
	 1u << VMI_FEATURE_MMU | 1u << VMI_FEATURE_LAZY | 1u << VMI_FEATURE_NATIVE |        \
	 1u << VMI_FEATURE_IPI | 1u << VMI_FEATURE_YIELD | 1u << VMI_FEATURE_TRACE |        \
	 1u << VMI_FEATURE_PRIVATE)
#define ALWAYS (1u << VMI_FEATURE_PROBE | 1u << VMI_FEATURE_INTERRUPTS)
#define ROM_BYTES_MAX (RAM_TABLES - GATEWAY_AT)

uint8_t gateway_sum(const uint8_t *p, size_t n)
{
	const uint64_t every_second = 0x00ff00ff00ff00ff, ones = 0x0001000100010001;
	uint64_t word;
	uint8_t s = 0;

	for (; n >= sizeof(word); n -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		s += ((word & every_second) + (word >> 8 & every_second)) * ones >> 48;
	}
	while (n--)
		s += *p++;
	return s;
}

static bool text_at(const uint8_t *data, size_t bytes, unsigned at)
{
	return at >= VMI_VROM_HEADER_BYTES && at < bytes && memchr(data + at, 0, bytes - at);
}

const char *gateway_check(const uint8_t *data, size_t bytes)
{
	unsigned length, tables, epoch;
	const char *licence;

	if (bytes < GATEWAY_CODE_BYTES || bytes > ROM_BYTES_MAX)
		return "its size is not that of a gateway ROM";
	if (get16(data) != VMI_SIGNATURE_00 || get32(data + 8) != VMI_SIGNATURE_08)
		return "it is no VMI ROM";
	length = data[VMI_VROM_HEADER_ROM_LENGTH] * 512;
	if (length < GATEWAY_CODE_BYTES || length > bytes)
		return "it is not as long as it says";
	if (gateway_sum(data, length))
		return "its checksum is wrong";
	if (data[VMI_VROM_HEADER_API_VERSION_MAJ] != VMI_API_MAJOR)
		return "it is for another VMI version";
	if (get32(data + GATEWAY_AT_MAGIC) != GATEWAY_MAGIC ||
	    get16(data + GATEWAY_AT_BYTES) < GATEWAY_BLOCK_BYTES_1_0)
		return "it is not one of Postern's";
	if (!text_at(data, length, get16(data + VMI_VROM_HEADER_LICENSE_OFFS)) ||
	    !text_at(data, length, get16(data + GATEWAY_AT_ENGINE)))
		return "its header is damaged";
	licence = (const char *)data + get16(data + VMI_VROM_HEADER_LICENSE_OFFS);
	if (strcmp(licence, "GPL") && strcmp(licence, "GPL v2"))
		return "its licence is one that kernels refuse";
	tables = get16(data + GATEWAY_AT_TABLES);
	if (get16(data + GATEWAY_AT_CODE_BYTES) != GATEWAY_CODE_BYTES ||
	    (tables && (tables != GATEWAY_TABLES || length - tables < GATEWAY_TABLES_BYTES)))
		return "its layout is not ours";
	epoch = get16(data + GATEWAY_AT_EPOCH);
	if (epoch && !HYPERCALL_SPOKEN(epoch))
		return "it speaks a hypercall epoch that this hypervisor does not";
	return NULL;
}

/* Offsets in the body's page, of a ROM that says them. */
struct gateway_exits gateway_exits(const uint8_t *data)
{
	struct gateway_exits e = {0};

	if (get16(data + GATEWAY_AT_BYTES) < GATEWAY_BLOCK_BYTES)
		return e;
	e.iret = get16(data + GATEWAY_AT_IRET) % 4096;
	e.sysexit = get16(data + GATEWAY_AT_SYSEXIT) % 4096;
	return e;
}

/* Kernels that cannot give the top away: 2.6.21 may hold its vDSO there (COMPAT_VDSO), 2.6.27 has
 * early mappings there already. */
static bool top_is_free(const struct gateway_request *q)
{
	return q->linux_kernel && q->major == 2 && q->minor == 6 && q->patch > 21 && q->patch != 27;
}

static uint32_t top_for(const struct gateway_request *q)
{
	bool top = q->place == GATEWAY_FIXMAP || (q->place == GATEWAY_AUTO && top_is_free(q));

	return top && get16(q->data + GATEWAY_AT_TABLES) ? GATEWAY_TOP : 0;
}

unsigned gateway_pages(const uint8_t *data)
{
	unsigned pages = 0;

	if (get16(data + GATEWAY_AT_BYTES) >= GATEWAY_BLOCK_BYTES)
		pages = get16(data + GATEWAY_AT_PAGES);
	return pages > GATEWAY_WINDOW_PAGES ? 0 : pages;
}

/* Where replacements have their place, if they can have one. */
static void measure_window(const struct ram *ram, const uint8_t *rom, size_t length,
			   struct gateway *g)
{
	unsigned pages = gateway_pages(rom);

	if (pages && ram_at(ram, GATEWAY_AT, pages * 4096))
		g->pages = pages;
	g->next = (length + 4095) / 4096;
}

const char *gateway_install(const struct ram *ram, const struct gateway_request *q,
			    struct gateway *g)
{
	const char *wrong;
	uint8_t *to;
	size_t length;

	memset(g, 0, sizeof(*g));
	wrong = gateway_check(q->data, q->bytes);
	if (wrong)
		return wrong;
	length = q->data[VMI_VROM_HEADER_ROM_LENGTH] * 512;
	to = ram_at(ram, GATEWAY_AT, length);
	if (!to)
		return "the guest has no memory at 0xc0000";
	memcpy(to, q->data, length);
	g->features = q->masked ? q->mask : get32(to + GATEWAY_AT_FEATURES);
	g->features = (g->features & get32(to + GATEWAY_AT_POSSIBLE) & SERVED) | ALWAYS;
	if (!q->private_pages || gateway_pages(to) != GATEWAY_BODY_PAGES)
		g->features &= ~(1u << VMI_FEATURE_PRIVATE);
	g->virtual_top = top_for(q);
	put32(to + GATEWAY_AT_FEATURES, g->features);
	put32(to + VMI_VROM_HEADER_VIRTUAL_TOP, g->virtual_top);
	to[GATEWAY_AT_CHECKSUM] -= gateway_sum(to, length);
	g->present = true;
	g->code_bytes = GATEWAY_CODE_BYTES;
	g->tables = get16(to + GATEWAY_AT_TABLES);
	g->epoch = get16(to + GATEWAY_AT_EPOCH);
	memset(g->epochs, g->epoch, GATEWAY_CODE_BYTES / 4096);
	g->exits[GATEWAY_BODY / 4096] = gateway_exits(to);
	measure_window(ram, to, length, g);
	g->engine = (const char *)q->data + get16(q->data + GATEWAY_AT_ENGINE);
	return NULL;
}

/* A decimal number at *at, moved past it. */
static bool number(const uint8_t *data, size_t bytes, size_t *at, unsigned *v)
{
	size_t from = *at;

	*v = 0;
	while (*at < bytes && data[*at] >= '0' && data[*at] <= '9' && *v < 10000)
		*v = *v * 10 + data[(*at)++] - '0';
	return *at > from;
}

bool gateway_kernel_version(const uint8_t *data, size_t bytes, struct gateway_request *q)
{
	size_t at;

	/* Linux Documentation/x86/boot.rst: "HdrS" at 0x202, kernel_version at 0x20e, less 0x200 */
	if (bytes < 0x210 || memcmp(data + 0x202, "HdrS", 4))
		return false;
	q->linux_kernel = true;
	at = get16(data + 0x20e) + 0x200u;
	if (at == 0x200 || !number(data, bytes, &at, &q->major) || at >= bytes ||
	    data[at++] != '.' || !number(data, bytes, &at, &q->minor)) {
		q->major = q->minor = 0;
		return false;
	}
	if (at < bytes && data[at] == '.') {
		at++;
		number(data, bytes, &at, &q->patch);
	}
	return true;
}
