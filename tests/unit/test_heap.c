/* sources: */
// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests: the heap of ring-3 programs, and the main loop's timers; under other names than the C
 * library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include <postern/start.h>

#undef HEAP_VA
#define HEAP_VA 0x300000000000 /* the sanitizer has its shadow at the real one */
#define malloc heap_malloc
#define calloc heap_calloc
#define realloc heap_realloc
#define free heap_free
void *heap_malloc(size_t bytes);
void *heap_calloc(size_t count, size_t bytes);
void *heap_realloc(void *old, size_t bytes);
void heap_free(void *memory);
_Noreturn void assert_failed(const char *what, const char *file, int line);
#include "hv/lib/heap.c"
#include "hv/lib/timer.c"
#undef malloc
#undef calloc
#undef realloc
#undef free

static uint64_t limit, mapped;

bool heap_map(uint64_t at, uint64_t bytes)
{
	assert_true(at == HEAP_VA + mapped && bytes % 4096 == 0);
	if (mapped + bytes > limit)
		return false;
	mapped += bytes;
	return mmap((void *)at, bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

void assert_failed(const char *what, const char *file, int line)
{
	fail_msg("%s", what);
	abort();
}

void mutex_lock(struct mutex *m)
{
	assert_int_equal(m->state, 0);
	m->state = 1;
}

void mutex_unlock(struct mutex *m)
{
	m->state = 0;
}

/* Every block from the heap's beginning to its end: sizes add up, neighbours know each other, no
 * two free ones in a row. Returns the bytes in use. */
static uint64_t check(void)
{
	uint64_t before = 0, used = 0;
	bool free_before = false;

	if (!top)
		return 0;
	for (struct block *b = (struct block *)HEAP_VA; b != top; b = after(b)) {
		bool is_free = !(b->size & IN_USE);

		assert_true(size_of(b) >= BLOCK_MIN && size_of(b) % ALIGN == 0);
		assert_int_equal(b->before, before);
		assert_false(is_free && free_before);
		free_before = is_free;
		before = size_of(b);
		used += is_free ? 0 : before;
	}
	assert_int_equal(top->before, before);
	return used;
}

static uint32_t seed = 12345;

static uint32_t random_number(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

static void storm(void **state)
{
	struct {
		uint8_t *at;
		size_t bytes;
	} slot[200] = {{NULL, 0}};

	limit = 64 << 20;
	for (unsigned n = 0; n < 40000; n++) {
		unsigned i = random_number() % 200;
		size_t bytes = random_number() % (n % 50 ? 700 : 100000);

		if (slot[i].at) {
			for (size_t k = 0; k < slot[i].bytes; k += 97)
				assert_int_equal(slot[i].at[k], (uint8_t)i);
			if (n % 7 == 0) {
				slot[i].at = heap_realloc(slot[i].at, bytes);
				if (bytes < slot[i].bytes)
					slot[i].bytes = bytes;
				for (size_t k = 0; k < slot[i].bytes; k += 97)
					assert_int_equal(slot[i].at[k], (uint8_t)i);
			} else {
				heap_free(slot[i].at);
				slot[i].at = heap_malloc(bytes);
			}
		} else {
			slot[i].at = heap_calloc(1, bytes);
			for (size_t k = 0; k < bytes; k++)
				assert_int_equal(slot[i].at[k], 0);
		}
		assert_non_null(slot[i].at);
		assert_int_equal((uintptr_t)slot[i].at % 16, 0);
		slot[i].bytes = bytes;
		memset(slot[i].at, i, bytes);
		if (n % 1000 == 0)
			check();
	}
	for (unsigned i = 0; i < 200; i++)
		heap_free(slot[i].at);
	assert_int_equal(check(), 0);
}

static void exhausted(void **state)
{
	limit = mapped;
	assert_null(heap_malloc(1ull << 40));
	assert_null(heap_malloc(~0ull));
	assert_null(heap_calloc(1ull << 33, 1ull << 33));
	assert_null(heap_malloc(mapped + 4096));
	heap_free(NULL);
	assert_int_equal(check(), 0);
}

static unsigned fired[4], fires;

static void fire(struct timer *t)
{
	fired[fires++] = t->deadline;
}

static void again(struct timer *t)
{
	fires++;
	timer_set(t, t->deadline, again);
}

static void timers(void **state)
{
	struct timer a = {0}, b = {0}, c = {0};

	assert_true(timer_next() == ~0ull);
	timer_cancel(&a);
	timer_set(&b, 20, fire);
	timer_set(&a, 10, fire);
	timer_set(&c, 30, fire);
	assert_int_equal(timer_next(), 10);
	timer_set(&a, 40, fire); /* moves it */
	assert_int_equal(timer_next(), 20);
	timer_run(19);
	assert_int_equal(fires, 0);
	timer_run(30);
	assert_int_equal(fires, 2);
	assert_int_equal(fired[0], 20);
	assert_int_equal(fired[1], 30);
	timer_cancel(&a);
	assert_true(timer_next() == ~0ull);
	fires = 0;
	timer_set(&a, 1, again);
	timer_run(100); /* ends, although the timer is always due */
	assert_true(fires > 0);
	timer_cancel(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(storm),
		cmocka_unit_test(exhausted),
		cmocka_unit_test(timers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
