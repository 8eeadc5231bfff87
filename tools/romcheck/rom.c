// SPDX-License-Identifier: GPL-2.0-only
/* Rom: structure of the image. Offsets: vmi-rom/abi/vmi-3.0.def and postern/gateway.h. */
#include <string.h>
#include <postern/gateway.h>
#include "rom.h"

#define ROM_MAX (0xffu * 512)
#define CODE_MAX 8192

static uint8_t u8(const struct rom *r, size_t at)
{
	return at < r->bytes ? r->data[at] : 0;
}

static uint16_t u16(const struct rom *r, size_t at)
{
	return u8(r, at) | u8(r, at + 1) << 8;
}

static uint32_t u32(const struct rom *r, size_t at)
{
	return u16(r, at) | (uint32_t)u16(r, at + 2) << 16;
}

static bool inside(const struct rom *r, uint32_t at, uint32_t n)
{
	return at <= r->length && n <= r->length - at;
}

static uint8_t sum(const struct rom *r, size_t at, size_t n)
{
	uint8_t s = 0;

	for (size_t i = 0; i < n; i++)
		s += u8(r, at + i);
	return s;
}

/* A printable, terminated string of 1 to 255 bytes at `at`, or NULL. */
static const char *string(const struct rom *r, uint32_t at)
{
	for (uint32_t i = 0; i < 256 && inside(r, at, i + 1); i++) {
		uint8_t c = r->data[at + i];

		if (!c)
			return i ? (const char *)r->data + at : NULL;
		if (c < 0x20 || c > 0x7e)
			return NULL;
	}
	return NULL;
}

static void length(struct rom *r, struct findings *f)
{
	r->length = u8(r, 2) * 512;
	if (!r->length || r->length > r->bytes) {
		finding(f, "length", NO_CALL, 2, "rom_length says %u bytes, the file has %zu",
			r->length, r->bytes);
		r->length = r->bytes;
	} else if (r->length < r->bytes) {
		finding(f, "trailing", NO_CALL, r->length, "%zu bytes after rom_length's end",
			r->bytes - r->length);
	}
	if (sum(r, 0, r->length))
		finding(f, "checksum", NO_CALL, 7, "the bytes sum to 0x%02x, not 0",
			sum(r, 0, r->length));
}

static void header(struct rom *r, struct findings *f)
{
	r->major = u8(r, 0x0d);
	r->minor = u8(r, 0x0c);
	r->virtual_top = u32(r, 0x10);
	if (r->major != 3)
		finding(f, "api-version", NO_CALL, 0x0d, "API version %u.%u: guests take 3 alone",
			r->major, r->minor);
	/* Firmware calls offset 3 in 16-bit mode: RETF, or a jump to code that romcheck does not
	 * read. */
	if (u8(r, 3) != 0xcb && u8(r, 3) != 0xeb && u8(r, 3) != 0xe9)
		finding(f, "firmware-entry", NO_CALL, 3,
			"byte 0x%02x at firmware's entry: neither a far return nor a jump",
			u8(r, 3));
	if (r->virtual_top & 0x3fffff)
		finding(f, "virtual-top", NO_CALL, 0x10,
			"virtual_top 0x%08x is no multiple of 4 MiB", r->virtual_top);
	if (r->virtual_top && r->virtual_top < 0xf0000000)
		finding(f, "virtual-top", NO_CALL, 0x10,
			"virtual_top 0x%08x leaves the guest too little", r->virtual_top);
	if (u8(r, 0x0f) || u16(r, 0x14) || u32(r, 0x1c))
		finding(f, "reserved", NO_CALL, 0x0f, "reserved bytes of the header are not 0");
	r->licence = u16(r, 0x16) ? string(r, u16(r, 0x16)) : NULL;
	if (!r->licence) {
		finding(f, "licence", NO_CALL, 0x16, "no licence at offset 0x%x", u16(r, 0x16));
		r->licence = "";
	} else if (strcmp(r->licence, "GPL") && strcmp(r->licence, "GPL v2")) {
		finding(f, "licence", NO_CALL, u16(r, 0x16),
			"licence `%s': guests take `GPL' and `GPL v2' alone", r->licence);
	}
}

static void pci(struct rom *r, struct findings *f)
{
	uint32_t at = u16(r, 0x18);

	if (at < ROM_HEADER_BYTES || !inside(r, at, 0x18)) {
		finding(f, "pci-offset", NO_CALL, 0x18, "no PCI header at offset 0x%x", at);
		return;
	}
	if (memcmp(r->data + at, "PCIR", 4))
		finding(f, "pci-signature", NO_CALL, at, "the PCI header does not begin with PCIR");
	if (u16(r, at + 4) != 0x15ad || u16(r, at + 6) != 0x0801)
		finding(f, "pci-id", NO_CALL, at + 4, "PCI id %04x:%04x: guests know 15ad:0801",
			u16(r, at + 4), u16(r, at + 6));
	if (u16(r, at + 10) != 0x18)
		finding(f, "pci-size", NO_CALL, at + 10,
			"the PCI header says that it has %u bytes, not 24", u16(r, at + 10));
	if (u16(r, at + 16) != u8(r, 2))
		finding(f, "pci-length", NO_CALL, at + 16,
			"the PCI header says %u units, rom_length %u", u16(r, at + 16), u8(r, 2));
	if (u8(r, at + 20))
		finding(f, "pci-code-type", NO_CALL, at + 20, "code type %u, not 0",
			u8(r, at + 20));
	if (!(u8(r, at + 21) & 0x80))
		finding(f, "pci-last", NO_CALL, at + 21,
			"another image is announced and not there");
	r->version_major = u8(r, at + 19);
	r->version_minor = u8(r, at + 18);
}

static void pnp(struct rom *r, struct findings *f)
{
	uint32_t at = u16(r, 0x1a);
	const char *s;

	r->manufacturer = r->product = "";
	if (!at)
		return;
	if (at < ROM_HEADER_BYTES || !inside(r, at, 0x20)) {
		finding(f, "pnp-offset", NO_CALL, 0x1a, "no PnP header at offset 0x%x", at);
		return;
	}
	if (memcmp(r->data + at, "$PnP", 4))
		finding(f, "pnp-signature", NO_CALL, at, "the PnP header does not begin with $PnP");
	if (u8(r, at + 5) != 2)
		finding(f, "pnp-size", NO_CALL, at + 5,
			"the PnP header says %u units of 16 bytes, not 2", u8(r, at + 5));
	if (sum(r, at, 32))
		finding(f, "pnp-checksum", NO_CALL, at + 9, "the PnP header sums to 0x%02x, not 0",
			sum(r, at, 32));
	if (u16(r, at + 0x16) || u16(r, at + 0x1a))
		finding(f, "pnp-boot", NO_CALL, at + 0x16,
			"firmware would try to boot from this ROM");
	for (unsigned i = 0; i < 2; i++) {
		s = u16(r, at + 0x0e + 2 * i) ? string(r, u16(r, at + 0x0e + 2 * i)) : "";
		if (!s)
			finding(f, "pnp-string", NO_CALL, at + 0x0e + 2 * i,
				"no string at offset 0x%x", u16(r, at + 0x0e + 2 * i));
		*(i ? &r->product : &r->manufacturer) = s ? s : "";
	}
}

static void code_layout(struct rom *r, struct findings *f)
{
	unsigned body = u16(r, GATEWAY_AT_BODY), tables = u16(r, GATEWAY_AT_TABLES),
		 code = u16(r, GATEWAY_AT_CODE_BYTES);

	if (code < ROM_HEADER_BYTES || code > CODE_MAX || !inside(r, 0, code))
		finding(f, "code-size", NO_CALL, GATEWAY_AT_CODE_BYTES,
			"%u bytes of code: at most %u, and in the ROM", code, CODE_MAX);
	else
		r->code_bytes = code;
	r->body = body;
	if (!body || body & 0xfff || body >= r->code_bytes)
		finding(f, "body", NO_CALL, GATEWAY_AT_BODY,
			"the body at 0x%x is no page of the code", body);
	r->tables = tables;
	if (tables &&
	    (tables & 0xfff || tables < r->code_bytes || !inside(r, tables, GATEWAY_TABLES_BYTES)))
		finding(f, "tables", NO_CALL, GATEWAY_AT_TABLES,
			"page tables at 0x%x are not two pages behind the code", tables);
	if (r->virtual_top && !tables)
		finding(f, "tables", NO_CALL, GATEWAY_AT_TABLES, "virtual_top without page tables");
	r->slots_at = u16(r, GATEWAY_AT_SLOTS);
	r->slot_bytes = u8(r, GATEWAY_AT_SLOT_BYTES);
	r->slot_count = u8(r, GATEWAY_AT_SLOT_COUNT);
	if (r->slots_at < ROM_HEADER_BYTES || r->slot_bytes < 9 || !r->slot_count ||
	    r->slots_at + r->slot_count * r->slot_bytes > (body ? body : r->code_bytes)) {
		finding(f, "slots", NO_CALL, GATEWAY_AT_SLOTS,
			"%u slots of %u bytes from 0x%x on are not in the entry page",
			r->slot_count, r->slot_bytes, r->slots_at);
		r->slot_count = 0;
	}
	if (r->slot_count != u8(r, 0x0e))
		finding(f, "jump-slots", NO_CALL, 0x0e, "the header says %u calls, the block %u",
			u8(r, 0x0e), r->slot_count);
}

/* Can it be replaced while its guest runs? Nothing but jumps before the body, which finds the way back by its link. */
static void replacement(struct rom *r, struct findings *f)
{
	static const uint16_t jump[] = {GATEWAY_INIT_JUMP, GATEWAY_RELOC_JUMP};
	uint32_t link;

	r->pages = u16(r, GATEWAY_AT_BYTES) < GATEWAY_BLOCK_BYTES ? 0 : u16(r, GATEWAY_AT_PAGES);
	if (!r->pages)
		return;
	if (r->pages > GATEWAY_WINDOW_PAGES || r->pages * 0x1000 < r->code_bytes)
		finding(f, "pages", NO_CALL, GATEWAY_AT_PAGES,
			"%u pages are to be mapped: at most %u, and all of the code", r->pages,
			GATEWAY_WINDOW_PAGES);
	link = u32(r, r->body + GATEWAY_BODY_LINK);
	if (link != r->body)
		finding(f, "link", NO_CALL, r->body + GATEWAY_BODY_LINK,
			"the body looks for the entry page 0x%x bytes before it, not 0x%x", link, r->body);
	for (unsigned i = 0; i < 2; i++)
		if (u8(r, jump[i]) != 0xe9 ||
		    jump[i] + 5 + u32(r, jump[i] + 1) - r->body >= 0x1000)
			finding(f, "entry-jump", NO_CALL, jump[i],
				"no jump to the body at 0x%x, where a replacement looks for one", jump[i]);
}

/* Postern's block in the header. */
static void block(struct rom *r, struct findings *f)
{
	uint32_t at, n;

	r->url = r->engine = "";
	r->code_bytes = r->length < CODE_MAX ? r->length : CODE_MAX;
	r->ours = u32(r, GATEWAY_AT_MAGIC) == GATEWAY_MAGIC;
	if (!r->ours)
		return;
	if (u16(r, GATEWAY_AT_BYTES) < GATEWAY_BLOCK_BYTES_1_0)
		finding(f, "block-size", NO_CALL, GATEWAY_AT_BYTES,
			"Postern's block has %u bytes, fewer than %u", u16(r, GATEWAY_AT_BYTES),
			GATEWAY_BLOCK_BYTES_1_0);
	r->epoch = u16(r, GATEWAY_AT_EPOCH);
	r->features = u32(r, GATEWAY_AT_FEATURES);
	r->possible = u32(r, GATEWAY_AT_POSSIBLE);
	if (r->features & ~r->possible)
		finding(f, "features", NO_CALL, GATEWAY_AT_FEATURES,
			"features 0x%x are on that this ROM cannot have",
			r->features & ~r->possible);
	if ((r->features & 3) != 3)
		finding(f, "features", NO_CALL, GATEWAY_AT_FEATURES,
			"`probe' and `interrupts' cannot be off");
	code_layout(r, f);
	replacement(r, f);
	at = u16(r, GATEWAY_AT_BUILD_ID);
	if (at < ROM_HEADER_BYTES || !inside(r, at, GATEWAY_BUILD_ID_BYTES) ||
	    at + GATEWAY_BUILD_ID_BYTES > r->code_bytes)
		finding(f, "build-id", NO_CALL, GATEWAY_AT_BUILD_ID, "no build id at offset 0x%x",
			at);
	else
		r->build_id = r->data + at;
	r->url = string(r, u16(r, GATEWAY_AT_URL));
	if (!r->url || !strstr(r->url, "://")) {
		finding(f, "url", NO_CALL, GATEWAY_AT_URL,
			"no address of the source at offset 0x%x", u16(r, GATEWAY_AT_URL));
		r->url = "";
	}
	r->engine = string(r, u16(r, GATEWAY_AT_ENGINE));
	if (!r->engine) {
		finding(f, "engine", NO_CALL, GATEWAY_AT_ENGINE,
			"no name of the engine at offset 0x%x", u16(r, GATEWAY_AT_ENGINE));
		r->engine = "";
	}
	at = u32(r, GATEWAY_AT_SOURCE);
	n = u32(r, GATEWAY_AT_SOURCE_BYTES);
	if (!at && !n)
		return;
	if (at < r->code_bytes || !inside(r, at, n) || n < 18 || r->data[at] != 0x1f ||
	    r->data[at + 1] != 0x8b) {
		finding(f, "source", NO_CALL, GATEWAY_AT_SOURCE,
			"no compressed source of %u bytes at 0x%x", n, at);
		return;
	}
	r->source = r->data + at;
	r->source_bytes = n;
}

bool rom_parse(const uint8_t *data, size_t bytes, struct rom *rom, struct findings *f)
{
	memset(rom, 0, sizeof(*rom));
	rom->data = data;
	rom->bytes = bytes;
	rom->licence = rom->manufacturer = rom->product = rom->url = rom->engine = "";
	if (bytes < ROM_HEADER_BYTES || bytes > ROM_MAX) {
		finding(f, "size", NO_CALL, NO_OFFSET, "%zu bytes: a VMI ROM has %u to %u", bytes,
			ROM_HEADER_BYTES, ROM_MAX);
		return false;
	}
	if (u16(rom, 0) != 0xaa55)
		finding(f, "signature", NO_CALL, 0, "no option ROM: it begins with %04x, not aa55",
			u16(rom, 0));
	if (u32(rom, 8) != 0x696d5663)
		finding(f, "vmi-signature", NO_CALL, 8, "no VMI ROM: no cVmi at offset 8");
	if (u16(rom, 0) != 0xaa55 || u32(rom, 8) != 0x696d5663)
		return false;
	length(rom, f);
	header(rom, f);
	pci(rom, f);
	pnp(rom, f);
	block(rom, f);
	return true;
}
