// SPDX-License-Identifier: GPL-2.0-only
// Memory objects: extents of frames. Their frames are set aside when they are made and come at
// first touch.
//
// Three kinds: RAM in pieces (chunks of 2 MiB, each whole or a table of frames), RAM in one
// contiguous piece, and foreign ranges (device registers, firmware tables, boot files), whose
// frames are not ours.
#include "core/memory.h"
#include "core/frame.h"
#include "core/boot.h"
#include "core/task.h"
#include <postern/errno.h>

#define CHUNK_PAGES 512
#define CHUNK_ORDER 9
#define CHUNK_WHOLE 1ull
#define CHUNK_PINNED 2ull /* somebody beside page tables knows its addresses: it stays */
#define CHUNK_BLANK 4ull  /* given back: one frame, again and again */
#define CHUNK_FLAGS 7ull
#define GIVEN (LARGE_PAGE_SIZE - PAGE_SIZE) /* of 2 MiB */
#define MEMORY_MAX (1ull << 39)
#define MEMORY_FLAGS (MEM_POPULATE | MEM_CONTIGUOUS | MEM_GUEST)
#define PHYS_FLAGS (MEM_UNCACHED | MEM_WRITECOMB)
#define MEMORY_RIGHTS \
	(RIGHT_READ | RIGHT_WRITE | RIGHT_EXEC | RIGHT_CONTROL | RIGHT_GRANT | RIGHT_PHYS)

/* Drivers and brokers together with all they hold must leave room for guests. */
#define DRIVER_RAM_SHARE 8

static void account(struct memory *m, int64_t bytes)
{
	m->populated += bytes;
	__atomic_add_fetch(m->flags & MEM_GUEST ? &m->owner->guest_memory : &m->owner->memory, bytes,
			   __ATOMIC_RELAXED);
}

static uint64_t chunk_count(const struct memory *m)
{
	return (m->bytes + LARGE_PAGE_SIZE - 1) / LARGE_PAGE_SIZE;
}

// Pages of the object in its chunk `index`: 512 but for the last.
static unsigned chunk_pages(const struct memory *m, uint64_t index)
{
	uint64_t left = m->bytes - index * LARGE_PAGE_SIZE;

	return left >= LARGE_PAGE_SIZE ? CHUNK_PAGES : left / PAGE_SIZE;
}

// m->lock held. Give an empty chunk its whole frame or its table.
static void chunk_begin(struct memory *m, uint64_t index, bool want_large)
{
	unsigned pages = chunk_pages(m, index);
	uint64_t frame =
		want_large && pages == CHUNK_PAGES ? frame_alloc(CHUNK_ORDER, FRAME_RESERVED) : 0;

	account(m, frame ? LARGE_PAGE_SIZE : 0);
	m->chunks[index] =
		frame ? frame | CHUNK_WHOLE : (uint64_t)core_alloc(pages * sizeof(uint64_t));
}

static uint64_t *chunk_table(uint64_t chunk)
{
	return (uint64_t *)(chunk & ~CHUNK_FLAGS);
}

// One contiguous piece, ours or foreign: large when it is aligned in the object as it is in memory.
static uint64_t piece_frame(const struct memory *m, uint64_t offset, uint64_t *span)
{
	uint64_t start = offset & ~(LARGE_PAGE_SIZE - 1ull);

	*span = m->phys % LARGE_PAGE_SIZE == 0 && m->bytes - start >= LARGE_PAGE_SIZE
			? LARGE_PAGE_SIZE
			: PAGE_SIZE;
	return m->phys + offset;
}

static uint64_t chunk_frame(struct memory *m, uint64_t offset, enum memory_want want,
			    uint64_t *span)
{
	uint64_t *chunk = &m->chunks[offset / LARGE_PAGE_SIZE], *frame;

	if (!*chunk && want != FRAME_PRESENT)
		chunk_begin(m, offset / LARGE_PAGE_SIZE, want >= FRAME_LARGE);
	if (!*chunk || (*chunk & CHUNK_BLANK && want == FRAME_PINNED))
		return 0;
	*chunk |= want == FRAME_PINNED ? CHUNK_PINNED : 0;
	if (*chunk & (CHUNK_WHOLE | CHUNK_BLANK)) {
		*span = *chunk & CHUNK_WHOLE ? LARGE_PAGE_SIZE : PAGE_SIZE;
		return (*chunk & ~CHUNK_FLAGS) + offset % *span;
	}
	frame = &chunk_table(*chunk)[offset / PAGE_SIZE % CHUNK_PAGES];
	if (!*frame && want != FRAME_PRESENT) {
		*frame = frame_alloc(0, FRAME_RESERVED);
		account(m, *frame ? PAGE_SIZE : 0);
	}
	if (!*frame)
		return 0;
	*span = PAGE_SIZE;
	return *frame + offset % PAGE_SIZE;
}

uint64_t memory_frame(struct memory *m, uint64_t offset, enum memory_want want, uint64_t *span)
{
	uint64_t phys;

	*span = 0;
	if (offset >= m->bytes)
		return 0;
	if (!m->chunks)
		return piece_frame(m, offset, span);
	spin_lock(&m->lock);
	phys = chunk_frame(m, offset, want, span);
	spin_unlock(&m->lock);
	return phys;
}

int memory_use(struct memory *m, unsigned rights)
{
	int error = 0;

	spin_lock(&m->lock);
	if ((rights & MAP_EXEC && (m->writers || m->foreign)) ||
	    (rights & MAP_WRITE && m->executors)) {
		error = -EPERM;
	} else {
		m->mappings++;
		m->writers += rights & MAP_WRITE ? 1 : 0;
		m->executors += rights & MAP_EXEC ? 1 : 0;
	}
	spin_unlock(&m->lock);
	return error;
}

void memory_unuse(struct memory *m, unsigned rights)
{
	spin_lock(&m->lock);
	m->mappings--;
	m->writers -= rights & MAP_WRITE ? 1 : 0;
	m->executors -= rights & MAP_EXEC ? 1 : 0;
	spin_unlock(&m->lock);
}

static unsigned piece_order(const struct memory *m)
{
	unsigned order = 0;

	while ((uint64_t)PAGE_SIZE << order < m->bytes)
		order++;
	return order;
}

// How many frames it had.
static unsigned chunk_free(uint64_t chunk, unsigned pages)
{
	unsigned had = 0;

	if (chunk & (CHUNK_WHOLE | CHUNK_BLANK)) {
		frame_free(chunk & ~CHUNK_FLAGS, chunk & CHUNK_WHOLE ? CHUNK_ORDER : 0);
		return chunk & CHUNK_WHOLE ? CHUNK_PAGES : 1;
	}
	for (unsigned p = 0; chunk && p < pages; p++)
		if (chunk_table(chunk)[p]) {
			frame_free(chunk_table(chunk)[p], 0);
			had++;
		}
	core_free(chunk_table(chunk), pages * sizeof(uint64_t));
	return had;
}

// Also of one that was never finished: what it has goes.
static void memory_destroy(struct object *o)
{
	struct memory *m = (struct memory *)o;

	if (m->phys && !m->foreign)
		frame_free(m->phys, piece_order(m));
	for (uint64_t i = 0; m->chunks && i < chunk_count(m); i++)
		chunk_free(m->chunks[i], chunk_pages(m, i));
	core_free(m->chunks, chunk_count(m) * sizeof(*m->chunks));
	if (m->reserved)
		frame_unreserve((m->bytes - m->given - m->populated) / PAGE_SIZE);
	__atomic_sub_fetch(&m->owner->promised, m->promised, __ATOMIC_RELAXED);
	account(m, -(int64_t)m->populated);
	object_put(&m->owner->object);
	core_free(m, sizeof(*m));
}
OBJECT_TYPE(OBJ_MEMORY, memory_destroy);

static struct memory *memory_new(struct task *owner, uint64_t bytes, uint32_t flags)
{
	struct memory *m = core_alloc(sizeof(*m));

	if (!m)
		return NULL;
	object_init(&m->object, OBJ_MEMORY);
	m->bytes = bytes;
	m->flags = flags;
	m->owner = owner;
	object_get(&owner->object);
	return m;
}

// A driver that asks for everything gets a share, a guest's VMM what its guest may have.
static int promise(struct memory *m)
{
	struct task *t = m->owner;
	uint64_t limit = t->class_ == CLASS_DRIVER ? boot_info.ram_bytes / DRIVER_RAM_SHARE : ~0ull;

	limit = t->limit ?: limit;
	m->promised = m->bytes;
	return __atomic_add_fetch(&t->promised, m->bytes, __ATOMIC_RELAXED) <= limit ? 0 : -ENOMEM;
}

static int fill_piece(struct memory *m)
{
	m->phys = frame_alloc(piece_order(m), 0);
	account(m, m->phys ? (uint64_t)PAGE_SIZE << piece_order(m) : 0);
	return m->phys ? 0 : -ENOMEM;
}

static int fill_chunks(struct memory *m)
{
	uint64_t last = chunk_count(m) - 1, span;
	int error = frame_reserve(m->bytes / PAGE_SIZE);

	if (error)
		return error;
	m->reserved = true;
	m->chunks = core_alloc((last + 1) * sizeof(*m->chunks));
	if (m->chunks && chunk_pages(m, last) < CHUNK_PAGES)
		chunk_begin(m, last, false);
	if (!m->chunks || (chunk_pages(m, last) < CHUNK_PAGES && !m->chunks[last]))
		return -ENOMEM;
	for (uint64_t at = 0; m->flags & MEM_POPULATE && at < m->bytes; at += span) {
		if (!memory_frame(m, at, FRAME_LARGE, &span))
			return -ENOMEM;
		sched_relax();
	}
	return 0;
}

struct memory *memory_create(struct task *owner, uint64_t bytes, uint32_t flags, int *error)
{
	struct memory *m;

	*error = -EINVAL;
	if (flags & ~MEMORY_FLAGS || !bytes || bytes % PAGE_SIZE || bytes > MEMORY_MAX ||
	    (flags & MEM_CONTIGUOUS && bytes > LARGE_PAGE_SIZE))
		return NULL;
	*error = -ENOMEM;
	m = memory_new(owner, bytes, flags);
	if (!m)
		return NULL;
	*error = promise(m);
	if (!*error)
		*error = flags & MEM_CONTIGUOUS ? fill_piece(m) : fill_chunks(m);
	if (!*error)
		return m;
	object_put_unlocked(&m->object);
	return NULL;
}

static int64_t sys_mem_create(struct syscall_args *a)
{
	int error = -EINVAL;
	struct memory *m = a->b >> 32 ? NULL : memory_create(current_task(), a->a, a->b, &error);

	return m ? handle_new(&m->object, MEMORY_RIGHTS, 0) : error;
}
SYSCALL(SYS_MEM_CREATE, sys_mem_create);

// Inside the archive of modules, which is in the core's image and read-only for everybody.
static bool in_archive(uint64_t phys, uint64_t bytes)
{
	uint64_t first = boot_info.archive_phys & ~(PAGE_SIZE - 1ull);
	uint64_t end = PAGE_ROUND_UP(boot_info.archive_phys + boot_info.archive_bytes);

	return phys >= first && phys < end && bytes <= end - phys;
}

// Rights to a physical range, 0: none.
static uint32_t phys_rights(uint64_t phys, uint64_t bytes)
{
	if (in_archive(phys, bytes))
		return RIGHT_READ | RIGHT_GRANT;
	if (!frame_is_foreign(phys, bytes))
		return 0;
	return RIGHT_READ | RIGHT_WRITE | RIGHT_CONTROL | RIGHT_GRANT | RIGHT_PHYS;
}

static int64_t sys_mem_create_phys(void *system, struct syscall_args *a)
{
	uint64_t limit = 1ull << cpu_features.phys_bits;
	uint32_t rights;
	struct memory *m;

	if (a->d & ~(uint64_t)PHYS_FLAGS || a->b % PAGE_SIZE || !a->c || a->c % PAGE_SIZE ||
	    a->b >= limit || a->c > limit - a->b)
		return -EINVAL;
	rights = phys_rights(a->b, a->c);
	if (!rights)
		return -EPERM;
	m = memory_new(current_task(), a->c, a->d);
	if (!m)
		return -ENOMEM;
	m->foreign = true;
	m->phys = a->b;
	return handle_new(&m->object, rights, 0);
}
SYSCALL_ON(SYS_MEM_CREATE_PHYS, OBJ_SYSTEM, RIGHT_PHYSMEM, sys_mem_create_phys);

// A touch of what was given back never fails, whoever it is that was not told: it shows one page.
// Whatever is not put into its place, or comes out of it, is freed.
static int64_t sys_mem_give(void *object, struct syscall_args *a)
{
	struct memory *m = object;
	uint64_t index = a->b / LARGE_PAGE_SIZE, new = 0, old;
	bool give = a->c, refused;
	int64_t had;

	if (!m->chunks || !(m->flags & MEM_GUEST) || a->b % LARGE_PAGE_SIZE ||
	    index >= m->bytes / LARGE_PAGE_SIZE)
		return -EINVAL;
	if (give ? !(new = frame_alloc(0, 0)) : frame_reserve(CHUNK_PAGES))
		return -ENOMEM;
	new |= give ? CHUNK_BLANK : 0;
	spin_lock(&core_lock);
	spin_lock(&m->lock);
	old = m->chunks[index];
	refused = old & CHUNK_PINNED || give == !!(old & CHUNK_BLANK);
	*(refused ? &old : &m->chunks[index]) = new;
	spin_unlock(&m->lock);
	if (!refused)
		tasks_forget(m);
	had = chunk_free(old, CHUNK_PAGES);
	if (give != refused)
		frame_unreserve(CHUNK_PAGES - had);
	spin_lock(&m->lock);
	account(m, refused ? 0 : (give - had) * PAGE_SIZE);
	m->given += refused ? 0 : give ? GIVEN : -GIVEN;
	spin_unlock(&m->lock);
	spin_unlock(&core_lock);
	return refused ? -EBUSY : 0;
}
SYSCALL_ON(SYS_MEM_GIVE, OBJ_MEMORY, RIGHT_CONTROL, sys_mem_give);

static int64_t sys_mem_info(void *object, struct syscall_args *a)
{
	struct memory *m = object;
	struct object *o;
	struct mem_info info;
	int error;

	info = (struct mem_info){m->bytes, m->foreign ? m->bytes : m->populated, 0, m->flags,
				 m->mappings};
	o = m->phys ? handle_get(a->a, OBJ_MEMORY, RIGHT_PHYS, &error) : NULL;
	if (o == &m->object)
		info.phys = m->phys;
	if (o)
		object_put_unlocked(o);
	return copy_to_user(a->b, &info, sizeof(info));
}
SYSCALL_ON(SYS_MEM_INFO, OBJ_MEMORY, 0, sys_mem_info);
