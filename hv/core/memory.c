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

#define CHUNK_SHIFT 21
#define CHUNK_PAGES 512
#define CHUNK_WHOLE 1ull
#define CHUNK_TABLE 2ull
#define CHUNK_MASK 3ull
#define MEMORY_MAX (1ull << 40)
#define MEMORY_FLAGS (MEM_POPULATE | MEM_CONTIGUOUS | MEM_BELOW_4G | MEM_GUEST)
#define PHYS_FLAGS (MEM_UNCACHED | MEM_WRITECOMB)
#define MEMORY_RIGHTS \
	(RIGHT_READ | RIGHT_WRITE | RIGHT_EXEC | RIGHT_CONTROL | RIGHT_GRANT | RIGHT_PHYS)

/* Local APIC and IO-APIC registers: whoever reaches them has every CPU (AMD APM 2, 16.3; chipsets
 * agree). */
#define APIC_WINDOW_FIRST 0xfec00000ull
#define APIC_WINDOW_BYTES 0x100000ull
#define LAPIC_WINDOW_FIRST 0xfee00000ull

/* Drivers and brokers together with all they hold must leave room for guests. */
#define DRIVER_RAM_SHARE 8

uint64_t memory_user_bytes, memory_guest_bytes;

static void account(struct memory *m, int64_t bytes)
{
	bool guest = m->flags & MEM_GUEST;

	m->populated += bytes;
	__atomic_add_fetch(guest ? &memory_guest_bytes : &memory_user_bytes, bytes,
			   __ATOMIC_RELAXED);
	__atomic_add_fetch(guest ? &m->owner->guest_memory : &m->owner->memory, bytes,
			   __ATOMIC_RELAXED);
}

static uint64_t *chunk_slot(struct memory *m, uint64_t index)
{
	return &m->chunks[index / CHUNK_PAGES][index % CHUNK_PAGES];
}

// Pages of the object in its chunk `index`: 512 but for the last.
static unsigned chunk_pages(const struct memory *m, uint64_t index)
{
	uint64_t left = m->bytes - (index << CHUNK_SHIFT);

	return left >= LARGE_PAGE_SIZE ? CHUNK_PAGES : left / PAGE_SIZE;
}

static uint64_t directory_entries(const struct memory *m)
{
	return (m->chunk_count + CHUNK_PAGES - 1) / CHUNK_PAGES;
}

// Bytes of the directory's table i: a page but for the last.
static uint64_t slots_bytes(const struct memory *m, uint64_t i)
{
	uint64_t left = m->chunk_count - i * CHUNK_PAGES;

	return (left < CHUNK_PAGES ? left : CHUNK_PAGES) * sizeof(uint64_t);
}

static void chunks_free(struct memory *m)
{
	for (uint64_t i = 0; m->chunks && i < directory_entries(m); i++)
		core_free(m->chunks[i], slots_bytes(m, i));
	core_free(m->chunks, directory_entries(m) * sizeof(*m->chunks));
}

static int chunks_alloc(struct memory *m)
{
	m->chunk_count = (m->bytes + LARGE_PAGE_SIZE - 1) >> CHUNK_SHIFT;
	m->chunks = core_alloc(directory_entries(m) * sizeof(*m->chunks));
	if (!m->chunks)
		return -ENOMEM;
	for (uint64_t i = 0; i < directory_entries(m); i++) {
		m->chunks[i] = core_alloc(slots_bytes(m, i));
		if (!m->chunks[i])
			return -ENOMEM;
	}
	return 0;
}

// m->lock held. Give an empty chunk its whole frame or its table.
static void chunk_begin(struct memory *m, uint64_t index, bool want_large)
{
	uint64_t *slot = chunk_slot(m, index), frame;
	unsigned pages = chunk_pages(m, index);
	void *table;

	if (want_large && pages == CHUNK_PAGES) {
		frame = frame_alloc(9, FRAME_RESERVED);
		if (frame) {
			*slot = frame | CHUNK_WHOLE;
			account(m, LARGE_PAGE_SIZE);
			return;
		}
	}
	table = core_alloc(pages * sizeof(uint64_t));
	if (table)
		*slot = (uint64_t)table | CHUNK_TABLE;
}

static uint64_t *chunk_table(uint64_t slot)
{
	return (uint64_t *)(slot & ~CHUNK_MASK);
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

static uint64_t chunk_frame(struct memory *m, uint64_t offset, bool populate, bool want_large,
			    uint64_t *span)
{
	uint64_t index = offset >> CHUNK_SHIFT, *slot = chunk_slot(m, index), *entry;

	if (!*slot && populate)
		chunk_begin(m, index, want_large);
	if (!*slot)
		return 0;
	if (*slot & CHUNK_WHOLE) {
		*span = LARGE_PAGE_SIZE;
		return (*slot & ~CHUNK_MASK) + (offset & (LARGE_PAGE_SIZE - 1));
	}
	entry = &chunk_table(*slot)[offset / PAGE_SIZE % CHUNK_PAGES];
	if (!*entry && populate) {
		*entry = frame_alloc(0, FRAME_RESERVED);
		account(m, *entry ? PAGE_SIZE : 0);
	}
	if (!*entry)
		return 0;
	*span = PAGE_SIZE;
	return *entry + (offset & (PAGE_SIZE - 1));
}

static uint64_t find_frame(struct memory *m, uint64_t offset, bool populate, bool want_large,
			   uint64_t *span)
{
	uint64_t phys;

	*span = 0;
	if (offset >= m->bytes)
		return 0;
	if (m->foreign || m->flags & MEM_CONTIGUOUS)
		return piece_frame(m, offset, span);
	spin_lock(&m->lock);
	phys = chunk_frame(m, offset, populate, want_large, span);
	spin_unlock(&m->lock);
	return phys;
}

uint64_t memory_frame(struct memory *m, uint64_t offset, bool want_large, uint64_t *span)
{
	return find_frame(m, offset, true, want_large, span);
}

uint64_t memory_frame_present(struct memory *m, uint64_t offset, uint64_t *span)
{
	return find_frame(m, offset, false, false, span);
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

static void frames_free(struct memory *m)
{
	if (m->foreign)
		return;
	if (m->flags & MEM_CONTIGUOUS) {
		if (m->phys)
			frame_free(m->phys, m->order);
		return;
	}
	for (uint64_t i = 0; m->chunks && i < m->chunk_count; i++) {
		uint64_t slot;

		if (!m->chunks[i / CHUNK_PAGES])
			continue;
		slot = *chunk_slot(m, i);
		if (slot & CHUNK_WHOLE) {
			frame_free(slot & ~CHUNK_MASK, 9);
		} else if (slot) {
			unsigned pages = chunk_pages(m, i);

			for (unsigned p = 0; p < pages; p++)
				if (chunk_table(slot)[p])
					frame_free(chunk_table(slot)[p], 0);
			core_free(chunk_table(slot), pages * sizeof(uint64_t));
		}
	}
	frame_unreserve((m->bytes - m->populated) / PAGE_SIZE);
}

// A driver that asks for everything gets a share. 0: taken from it.
static int allowance_take(struct task *t, uint64_t bytes)
{
	uint64_t limit = t->class_ == CLASS_DRIVER ? boot_info.ram_bytes / DRIVER_RAM_SHARE
						   : MEMORY_MAX * 16;

	if (__atomic_add_fetch(&t->promised, bytes, __ATOMIC_RELAXED) <= limit)
		return 0;
	__atomic_sub_fetch(&t->promised, bytes, __ATOMIC_RELAXED);
	return -ENOMEM;
}

static void allowance_give(struct task *t, uint64_t bytes)
{
	__atomic_sub_fetch(&t->promised, bytes, __ATOMIC_RELAXED);
}

static void memory_destroy(struct object *o)
{
	struct memory *m = (struct memory *)o;

	frames_free(m);
	if (!m->foreign) {
		account(m, -(int64_t)m->populated);
		allowance_give(m->owner, m->bytes);
	}
	chunks_free(m);
	object_put(&m->owner->object);
	core_free(m, sizeof(*m));
}
OBJECT_TYPE(OBJ_MEMORY, "memory", memory_destroy);

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

static int contiguous_init(struct memory *m)
{
	uint64_t pages = m->bytes / PAGE_SIZE;

	while (1ull << m->order < pages)
		m->order++;
	m->phys = frame_alloc(m->order, m->flags & MEM_BELOW_4G ? FRAME_BELOW_4G : 0);
	if (!m->phys)
		return -ENOMEM;
	account(m, (uint64_t)PAGE_SIZE << m->order);
	return 0;
}

static int populate(struct memory *m)
{
	uint64_t span;

	for (uint64_t at = 0; at < m->bytes; at += span) {
		if (!memory_frame(m, at, true, &span))
			return -ENOMEM;
		sched_relax();
	}
	return 0;
}

// Frames and tables of an object that has nothing yet.
static int memory_fill(struct memory *m)
{
	int error;

	if (m->flags & MEM_CONTIGUOUS)
		return contiguous_init(m);
	error = frame_reserve(m->bytes / PAGE_SIZE);
	if (error)
		return error;
	error = chunks_alloc(m);
	if (!error && chunk_pages(m, m->chunk_count - 1) < CHUNK_PAGES) {
		chunk_begin(m, m->chunk_count - 1, false);
		if (!*chunk_slot(m, m->chunk_count - 1))
			error = -ENOMEM;
	}
	if (!error && m->flags & MEM_POPULATE)
		error = populate(m);
	if (error) {
		frames_free(m); /* gives the reservation back, too */
		account(m, -(int64_t)m->populated);
		chunks_free(m);
	}
	return error;
}

struct memory *memory_create(struct task *owner, uint64_t bytes, uint32_t flags, int *error)
{
	struct memory *m;

	*error = -EINVAL;
	if (flags & ~MEMORY_FLAGS || !bytes || bytes % PAGE_SIZE || bytes > MEMORY_MAX)
		return NULL;
	if (flags & MEM_CONTIGUOUS ? bytes > LARGE_PAGE_SIZE : flags & MEM_BELOW_4G)
		return NULL;
	*error = allowance_take(owner, bytes);
	if (*error)
		return NULL;
	m = memory_new(owner, bytes, flags);
	*error = m ? memory_fill(m) : -ENOMEM;
	if (!*error)
		return m;
	allowance_give(owner, bytes);
	if (m) {
		object_put_unlocked(&owner->object);
		core_free(m, sizeof(*m));
	}
	return NULL;
}

static int64_t sys_mem_create(struct syscall_args *a)
{
	int result;
	struct memory *m;
	uint64_t phys;

	if (a->b >> 32)
		return -EINVAL;
	m = memory_create(current_task(), a->a, a->b, &result);
	if (!m)
		return result;
	phys = m->phys;
	if (a->c && copy_to_user(a->c, &phys, sizeof(phys))) {
		object_put_unlocked(&m->object);
		return -EFAULT;
	}
	return handle_new(&m->object, MEMORY_RIGHTS, 0);
}
SYSCALL(SYS_MEM_CREATE, sys_mem_create);

static bool overlaps(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes)
{
	return a < b + b_bytes && b < a + a_bytes;
}

// Inside the archive of modules, which is in the core's image and read-only for everybody.
static bool in_archive(uint64_t phys, uint64_t bytes)
{
	uint64_t first = boot_info.archive_phys & ~(PAGE_SIZE - 1ull);
	uint64_t end = (boot_info.archive_phys + boot_info.archive_bytes + PAGE_SIZE - 1) &
		       ~(PAGE_SIZE - 1ull);

	return phys >= first && phys < end && bytes <= end - phys;
}

// Rights to a physical range, 0: none.
static uint32_t phys_rights(uint64_t phys, uint64_t bytes)
{
	if (in_archive(phys, bytes))
		return RIGHT_READ | RIGHT_GRANT;
	if (!frame_is_foreign(phys, bytes) ||
	    overlaps(phys, bytes, LAPIC_WINDOW_FIRST, APIC_WINDOW_BYTES) ||
	    overlaps(phys, bytes, APIC_WINDOW_FIRST, APIC_WINDOW_BYTES / 16))
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
