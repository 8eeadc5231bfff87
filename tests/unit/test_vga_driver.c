// SPDX-License-Identifier: GPL-2.0-only
/* sources: drivers/vga/main.c drivers/vga/hw.c drivers/vga/paint.c hv/vmm/vga.c hv/vmm/vga_memory.c hv/vmm/vga_vbe.c hv/vmm/vga_view.c tests/unit/vga_model.c */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <postern/screen.h>
#include "drivers/vga/hw.h"
#include "vga_model.h"

#define PITCH 1024
#define PICTURE_BYTES (64 * 32 * 4)

/* --- what the driver is linked with ------------------------------------------------------------ */

extern const uint8_t vga_font[4096];
const uint8_t vga_font[4096] = {[16 * 'X' + 5] = 0xff};

static char said[256];
static struct device device;
static bool has_device;
static struct message frame_buffer;
static uint8_t *mapped; /* what the next space_map() gives */
static unsigned unmaps;

void log_line(const char *format, ...);

void log_line(const char *format, ...)
{
}

void module_status(const char *format, ...)
{
}

int module_fail(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
	return error;
}

struct device *module_device(unsigned index)
{
	return has_device && !index ? &device : NULL;
}

const struct message *module_framebuffer(void)
{
	return frame_buffer.kind ? &frame_buffer : NULL;
}

void *device_map(struct device *d, unsigned bar)
{
	return bar == 0 ? vga_model_memory() : NULL;
}

void *space_map(uint32_t memory, uint64_t bytes, uint32_t rights)
{
	return mapped;
}

void connection_signal(struct connection *c)
{
}

int64_t sys_unmap(uint32_t task, uint64_t va, uint64_t bytes)
{
	unmaps++;
	return 0;
}

/* --- finding and setting ----------------------------------------------------------------------- */

static int fresh(void **state)
{
	hw = (struct hw){0};
	has_device = true;
	device = (struct device){.bar = {[0] = {.bytes = VGA_MODEL_BYTES}}};
	frame_buffer = (struct message){0};
	said[0] = 0;
	vga_model_reset(true, true);
	return 0;
}

static void test_bochs(void **state)
{
	assert_int_equal(module.probe(), 0);
	assert_int_equal(hw.kind, HW_BOCHS);
	assert_int_equal(vga_model_vbe(1), 1024);
	assert_int_equal(vga_model_vbe(2), 784);
	assert_int_equal(vga_model_vbe(3), 32);
	assert_true(hw.surface.base >= vga_model_memory() + 0x40000); /* behind the text mode's planes */
	assert_int_equal(vga_model_font('X', 5), 0xff);
	module.remove();
	assert_true(vga_model_is_text());
	assert_int_equal(vga_model_font('X', 5), 0xff);
	assert_int_equal(module.probe(), 0); /* and again */
	assert_int_equal(vga_model_vbe(1), 1024);
}

static void test_modes(void **state)
{
	assert_int_equal(module.probe(), 0);
	assert_int_equal(hw_mode(0, 600), -EINVAL);
	assert_int_equal(hw_mode(801, 600), -EINVAL);
	assert_int_equal(hw_mode(8000, 600), -EINVAL);
	assert_int_equal(vga_model_vbe(1), 1024);
	assert_int_equal(hw_mode(800, 616), 0);
	assert_int_equal(vga_model_vbe(2), 616);
	assert_int_equal(hw_mode(1920, 1216), -EIO); /* this card ends at 1200 lines */
	assert_int_equal(vga_model_vbe(1), 800);
	assert_int_equal(vga_model_vbe(4) & 1, 1);
	assert_int_equal(hw.surface.height, 616);
}

static void test_frame_buffer(void **state)
{
	mapped = calloc(1, 640 * 480 * 3 + 16);
	frame_buffer = (struct message){.kind = MSG_BAR,
					.bar = {.bytes = 640 * 480 * 3 + 16, .address = 0xe0000010, .width = 640,
						.height = 480, .pitch_bpp = 1920 << 8 | 24}};
	assert_int_equal(module.probe(), 0);
	assert_int_equal(hw.kind, HW_FIXED);
	assert_ptr_equal(hw.surface.base, mapped + 16);
	assert_int_equal(hw_mode(800, 600), -EINVAL);
	module.remove();
	assert_true(vga_model_is_text()); /* nobody touched it */
	frame_buffer.bar.height = 481; /* more than there is: another way is taken */
	hw = (struct hw){0};
	assert_int_equal(module.probe(), 0);
	assert_int_equal(hw.kind, HW_BOCHS);
	frame_buffer.bar.height = 480;
	frame_buffer.bar.pitch_bpp = 1919 << 8 | 24;
	hw = (struct hw){0};
	assert_int_equal(module.probe(), 0);
	assert_int_equal(hw.kind, HW_BOCHS);
	free(mapped);
}

/* Cells below the header, as long as the client says that it has text. */
static void text_of_a_client(const uint16_t *screen)
{
	struct connection boss = {.class_ = "display", .role = ROLE_SERVER, .id = 1, .peer = "manager", .shared = calloc(1, CONNECTION_BYTES)};
	struct connection c = {.class_ = "display", .role = ROLE_SERVER, .id = 7, .peer = "guest g", .shared = calloc(1, CONNECTION_BYTES)};
	struct display_link *l = c.shared;
	struct xenfb_page *page = (void *)((char *)c.shared + DISPLAY_RING_OFFSET);
	uint16_t *cells = (uint16_t *)((char *)c.shared + DISPLAY_TEXT_OFFSET);

	assert_int_equal(module.connected(&boss), 0);
	assert_int_equal(module.connected(&c), 0);
	assert_int_equal(l->text_columns, 80);
	assert_int_equal(l->text_rows, 24);
	l->width = l->height = 16;
	l->pitch = 64;
	module.shared(&c, &(struct share){.memory = 1, .bytes = 4096});
	((struct display_link *)boss.shared)->visible = 7;
	module.readable(&boss);
	assert_int_equal(l->shown, 1);
	assert_int_equal(screen[2 * 80 + 1], 0x0700 | 'T'); /* it is no text: the sentence */
	cells[0] = 0x4e00 | 'g';
	cells[23 * DISPLAY_TEXT_COLUMNS + 79] = 0x0200 | 'e';
	cells[24 * DISPLAY_TEXT_COLUMNS] = cells[80] = 0x0200 | '!';
	l->has_text = 1;
	XENFB_OUT_RING_REF(page, 0) = (union xenfb_out_event){.update = {XENFB_TYPE_UPDATE, 0, 0, 16, 16}};
	page->out_prod = 1;
	module.readable(&c);
	assert_int_equal(screen[80], 0x4e00 | 'g');
	assert_int_equal(screen[24 * 80 + 79], 0x0200 | 'e');
	assert_int_equal(screen[2 * 80 + 1], 0);
	assert_int_equal(screen[0] >> 8, 0x1f);
	l->has_text = 0;
	XENFB_OUT_RING_REF(page, 1) = XENFB_OUT_RING_REF(page, 0);
	page->out_prod = 2;
	module.readable(&c);
	assert_int_equal(screen[80], 0x0720);
	assert_int_equal(screen[2 * 80 + 1], 0x0700 | 'T');
	module.disconnected(&c);
	module.disconnected(&boss);
	free(c.shared);
	free(boss.shared);
}

static void test_text(void **state)
{
	vga_model_reset(true, false);
	mapped = calloc(1, 0x20000);
	frame_buffer = (struct message){.kind = MSG_BAR, .bar = {.bytes = 0x20000, .address = 0xa0000}};
	assert_int_equal(module.probe(), 0);
	assert_int_equal(hw.kind, HW_TEXT);
	assert_int_equal(*(uint16_t *)(mapped + 0x18000) >> 8, 0x1f); /* the header's row */
	text_of_a_client((uint16_t *)(mapped + 0x18000));
	vga_model_reset(false, false);
	hw = (struct hw){0};
	assert_int_equal(module.probe(), -ENODEV);
	assert_non_null(strstr(said, "no VGA text"));
	free(mapped);
}

/* --- the service ------------------------------------------------------------------------------- */

static struct connection manager, client;
static uint32_t *picture;

static struct display_link *link_of(struct connection *c)
{
	return c->shared;
}

static uint32_t shown(unsigned x, unsigned y)
{
	return ((uint32_t *)(hw.surface.base + y * hw.surface.pitch))[x];
}

static int connected(void **state)
{
	fresh(state);
	assert_int_equal(module.probe(), 0);
	manager = (struct connection){.class_ = "display", .role = ROLE_SERVER, .id = 1, .peer = "manager"};
	client = (struct connection){.class_ = "display", .role = ROLE_SERVER, .id = 7, .peer = "guest manager"};
	manager.shared = calloc(1, CONNECTION_BYTES);
	client.shared = calloc(1, CONNECTION_BYTES);
	mapped = calloc(1, PICTURE_BYTES);
	picture = (uint32_t *)mapped;
	assert_int_equal(module.connected(&manager), 0);
	assert_int_equal(module.connected(&client), 0);
	assert_int_equal(link_of(&manager)->text_columns, 128);
	assert_int_equal(link_of(&manager)->text_rows, 48);
	for (unsigned i = 0; i < 64 * 32; i++)
		picture[i] = 0x123456;
	link_of(&client)->width = 64;
	link_of(&client)->height = 32;
	link_of(&client)->pitch = 256;
	module.shared(&client, &(struct share){.memory = 1, .bytes = PICTURE_BYTES});
	return 0;
}

static int disconnected(void **state)
{
	module.disconnected(&client);
	module.disconnected(&manager);
	free(manager.shared);
	free(client.shared);
	free(picture);
	return 0;
}

static void look_at(uint32_t id)
{
	link_of(&manager)->visible = id;
	module.readable(&manager);
}

static void event(union xenfb_out_event e)
{
	struct xenfb_page *page = (void *)((char *)client.shared + DISPLAY_RING_OFFSET);

	XENFB_OUT_RING_REF(page, page->out_prod) = e;
	page->out_prod++;
	module.readable(&client);
}

static void test_header_and_text(void **state)
{
	uint16_t *cells = (uint16_t *)((char *)manager.shared + DISPLAY_TEXT_OFFSET);

	strcpy(link_of(&manager)->header, "X");
	cells[0] = 0x0700 | 'X';
	module.readable(&manager);
	assert_int_equal(shown(0, 5), 0xffffff);
	assert_int_equal(shown(0, 4), 0x0000aa);
	assert_int_equal(shown(1000, 5), 0x0000aa);
	assert_int_equal(shown(0, 16 + 5), 0xaaaaaa);
	/* What a client writes there is nobody's. */
	strcpy(link_of(&client)->header, "XXXXXX");
	link_of(&client)->visible = 7;
	module.readable(&client);
	module.readable(&manager);
	assert_int_equal(shown(8, 5), 0x0000aa);
	assert_int_equal(link_of(&client)->shown, 0);
}

static void test_picture_shown(void **state)
{
	unsigned left = (1024 - 64) / 2, top = 16 + (768 - 32) / 2;

	look_at(7);
	assert_int_equal(link_of(&client)->shown, 1);
	assert_int_equal(shown(left, top), 0x123456);
	assert_int_equal(shown(left - 1, top), 0);
	picture[64 * 31 + 63] = 0xabcdef;
	picture[0] = 0xabcdef;
	event((union xenfb_out_event){.update = {XENFB_TYPE_UPDATE, 60, 30, 4, 2}});
	assert_int_equal(shown(left + 63, top + 31), 0xabcdef);
	assert_int_equal(shown(left, top), 0x123456); /* was not said */
	event((union xenfb_out_event){.update = {XENFB_TYPE_UPDATE, -5, INT32_MIN, INT32_MAX, -1}});
	event((union xenfb_out_event){.update = {XENFB_TYPE_UPDATE, 0, 0, INT32_MAX, INT32_MAX}});
	assert_int_equal(shown(left, top), 0xabcdef);
	look_at(99); /* somebody who is not there */
	assert_int_equal(shown(left, top), 0);
	assert_int_equal(link_of(&client)->shown, 0);
	look_at(0);
	assert_int_equal(shown(left, top), 0);
}

static void test_lies(void **state)
{
	static const uint32_t rows[][4] = {{65, 32, 256, 0}, {64, 33, 256, 0}, {64, 32, 255, 0}, {64, 32, 256, 4},
					   {64, 32, 0xfffffffc, 0}, {64, 32, 256, 0xfffffffc}, {0, 32, 256, 0},
					   {64, 32, 256, 2}, {1921, 1, 7684, 0}, {1, 1201, 4, 0}};
	struct xenfb_page *page = (void *)((char *)client.shared + DISPLAY_RING_OFFSET);
	unsigned left = (1024 - 64) / 2, top = 16 + (768 - 32) / 2;

	look_at(7);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		link_of(&client)->width = rows[i][0];
		link_of(&client)->height = rows[i][1];
		link_of(&client)->pitch = rows[i][2];
		link_of(&client)->offset = rows[i][3];
		event((union xenfb_out_event){.type = XENFB_TYPE_RESIZE});
		assert_int_equal(shown(left, top), 0);
		event((union xenfb_out_event){.update = {XENFB_TYPE_UPDATE, 0, 0, 64, 32}});
		assert_int_equal(shown(left, top), 0);
	}
	page->out_prod += 1000; /* a ring that is longer than it is */
	module.readable(&client);
	assert_int_equal(page->out_cons, page->out_prod);
	module.shared(&client, &(struct share){.memory = 2, .bytes = PICTURE_BYTES}); /* a second picture: no */
}

static void test_death(void **state)
{
	unsigned left = (1024 - 64) / 2, top = 16 + (768 - 32) / 2, before = unmaps;

	look_at(7);
	module.disconnected(&client);
	assert_int_equal(unmaps, before + 1);
	assert_int_equal(shown(left, top), 0);
	assert_int_equal(module.connected(&client), 0); /* the next life, the same connection */
	assert_int_equal(link_of(&client)->shown, 1);
	module.shared(&client, &(struct share){.memory = 1, .bytes = PICTURE_BYTES});
	assert_int_equal(shown(left, top), 0x123456);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_bochs, fresh),
		cmocka_unit_test_setup(test_modes, fresh),
		cmocka_unit_test_setup(test_frame_buffer, fresh),
		cmocka_unit_test_setup(test_text, fresh),
		cmocka_unit_test_setup_teardown(test_header_and_text, connected, disconnected),
		cmocka_unit_test_setup_teardown(test_picture_shown, connected, disconnected),
		cmocka_unit_test_setup_teardown(test_lies, connected, disconnected),
		cmocka_unit_test_setup_teardown(test_death, connected, disconnected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
