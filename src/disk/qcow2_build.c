#include "disk/qcow2_build.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "disk/be.h"
#include "disk/qcow2.h"

#define L1_WINDOW 8192u        /* entries in memory */
#define STAGE_BYTES (1u << 20) /* compressed clusters that wait for being written together */
#define HEADER_BYTES 112u      /* of which we read fields */
#define NOTHING UINT64_MAX

struct qcow2_build {
	struct disk_io *io, *data; /* data NULL: in io */
	unsigned version, cluster_bits, l2_bits, entry_bytes, refcount_bits, compression;
	uint64_t cluster;
	uint64_t next; /* cluster of the file that is given out next */

	uint8_t *block; /* the refcount block in memory */
	uint64_t block_index, per_block;
	uint64_t *blocks; /* where they lie */
	uint64_t n_blocks, cap_blocks;
	uint64_t reftable, reftable_clusters;

	uint8_t *l2;
	uint64_t l2_index, l2_host; /* l2_index NOTHING: none in memory */
	uint8_t *l1;
	uint64_t l1_offset, l1_entries, l1_first,
	    l1_used; /* of the window: its first entry, how many are set */

	uint8_t *stage;
	uint64_t stage_at;
	size_t stage_n;
	uint64_t
	    packed_end; /* where the last compressed cluster ended; 0: the next one begins a cluster of the file */
};

/* --- refcounts --------------------------------------------------------------------------------------- */

/* Entries of less than a byte begin at its lowest bit; the others are big-endian. */
static uint64_t refcount_get(const struct qcow2_build *b, uint64_t i)
{
	const uint8_t *p = b->block + i * b->refcount_bits / 8;
	switch (b->refcount_bits) {
	case 64:
		return be64_get(p);
	case 32:
		return be32_get(p);
	case 16:
		return be16_get(p);
	case 8:
		return *p;
	default:
		return (unsigned)*p >> (i * b->refcount_bits % 8) & ((1u << b->refcount_bits) - 1);
	}
}

static void refcount_put(struct qcow2_build *b, uint64_t i, uint64_t v)
{
	uint8_t *p = b->block + i * b->refcount_bits / 8;
	unsigned shift = (unsigned)(i * b->refcount_bits % 8), mask;
	switch (b->refcount_bits) {
	case 64:
		be64_put(p, v);
		return;
	case 32:
		be32_put(p, (uint32_t)v);
		return;
	case 16:
		be16_put(p, (uint16_t)v);
		return;
	case 8:
		*p = (uint8_t)v;
		return;
	default:
		mask = ((1u << b->refcount_bits) - 1) << shift;
		*p = (uint8_t)((*p & ~mask) | (unsigned)v << shift);
	}
}

/* cluster lies in the block in memory. false: it cannot be counted higher. */
static bool refcount_add(struct qcow2_build *b, uint64_t cluster)
{
	uint64_t i = cluster % b->per_block, v = refcount_get(b, i);
	if (v == UINT64_MAX >> (64 - b->refcount_bits))
		return false;
	refcount_put(b, i, v + 1);
	return true;
}

static int block_write(struct qcow2_build *b, struct err *err)
{
	if (b->block_index == NOTHING)
		return 0;
	return disk_io_write(b->io, b->blocks[b->block_index], b->block, b->cluster, err);
}

static int blocks_add(struct qcow2_build *b, uint64_t offset, struct err *err)
{
	if ((b->n_blocks + 1) * 8 > QCOW2_REFTABLE_BYTES_MAX)
		return err_set(err, ERR_INVALID,
		    "'%s': its refcount table would be larger than the %u MiB that are possible: "
		    "use larger clusters",
		    b->io->path, QCOW2_REFTABLE_BYTES_MAX >> 20);
	if (b->n_blocks == b->cap_blocks) {
		b->cap_blocks = b->cap_blocks ? 2 * b->cap_blocks : 64;
		b->blocks = xreallocarray(b->blocks, b->cap_blocks, sizeof(*b->blocks));
	}
	b->blocks[b->n_blocks++] = offset;
	return 0;
}

/* The block that counts `next` comes into memory; a new one takes that cluster for itself. */
static int block_open(struct qcow2_build *b, struct err *err)
{
	uint64_t index = b->next / b->per_block;
	if (index == b->block_index)
		return 0;
	if (block_write(b, err) < 0)
		return -1;
	/* What was written into the last one's clusters is counted; they are not shared further. */
	b->packed_end = 0;
	b->block_index = index;
	if (index < b->n_blocks)
		return disk_io_read(b->io, b->blocks[index], b->block, b->cluster, err);
	memset(b->block, 0, b->cluster);
	if (blocks_add(b, b->next << b->cluster_bits, err) < 0)
		return -1;
	(void)refcount_add(b, b->next++);
	return 0;
}

static int allocate(struct qcow2_build *b, uint64_t *host, struct err *err)
{
	if (block_open(b, err) < 0)
		return -1;
	(void)refcount_add(b, b->next);
	*host = b->next++ << b->cluster_bits;
	return 0;
}

/* --- tables ------------------------------------------------------------------------------------------ */

static int l1_write(struct qcow2_build *b, struct err *err)
{
	if (b->l1_used == 0)
		return 0;
	return disk_io_write(b->io, b->l1_offset + b->l1_first * 8, b->l1, b->l1_used * 8, err);
}

static int l1_set(struct qcow2_build *b, uint64_t i, uint64_t value, struct err *err)
{
	if (i < b->l1_first || i >= b->l1_first + L1_WINDOW) {
		if (l1_write(b, err) < 0)
			return -1;
		memset(b->l1, 0, L1_WINDOW * 8);
		b->l1_first = i / L1_WINDOW * L1_WINDOW;
		b->l1_used = 0;
	}
	be64_put(b->l1 + (i - b->l1_first) * 8, value);
	b->l1_used = i - b->l1_first + 1;
	return 0;
}

static int l2_write(struct qcow2_build *b, struct err *err)
{
	if (b->l2_index == NOTHING)
		return 0;
	if (disk_io_write(b->io, b->l2_host, b->l2, b->cluster, err) < 0)
		return -1;
	return l1_set(b, b->l2_index, b->l2_host | QCOW2_COPIED, err);
}

static int l2_open(struct qcow2_build *b, uint64_t guest, struct err *err)
{
	uint64_t index = guest >> (b->cluster_bits + b->l2_bits);
	if (index == b->l2_index)
		return 0;
	if (index >= b->l1_entries)
		return err_set(err, ERR_INVALID, "'%s': offset %" PRIu64 " is behind its end",
		    b->io->path, guest);
	if (l2_write(b, err) < 0)
		return -1;
	b->l2_index = NOTHING;
	if (allocate(b, &b->l2_host, err) < 0)
		return -1;
	memset(b->l2, 0, b->cluster);
	b->l2_index = index;
	return 0;
}

/* subclusters: the second word of an extended entry. */
static void l2_set(struct qcow2_build *b, uint64_t guest, uint64_t entry, uint64_t subclusters)
{
	uint64_t i = guest >> b->cluster_bits & ((1ull << b->l2_bits) - 1);
	uint8_t *p = b->l2 + i * b->entry_bytes;
	be64_put(p, entry);
	if (b->entry_bytes == 16)
		be64_put(p + 8, subclusters);
}

/* --- the guest's clusters ---------------------------------------------------------------------------- */

int qcow2_build_data(struct qcow2_build *b, uint64_t guest, uint64_t *host, struct err *err)
{
	if (l2_open(b, guest, err) < 0)
		return -1;
	if (b->data)
		*host = guest;
	else if (allocate(b, host, err) < 0)
		return -1;
	l2_set(b, guest, *host | QCOW2_COPIED, UINT32_MAX);
	return 0;
}

/* Version 2 has no mark for zeroes. */
static int zero_by_data(struct qcow2_build *b, uint64_t guest, struct err *err)
{
	uint64_t host;
	if (qcow2_build_data(b, guest, &host, err) < 0)
		return -1;
	return disk_io_zero(qcow2_build_file(b), host, b->cluster, true, err);
}

int qcow2_build_zero(struct qcow2_build *b, uint64_t guest, uint64_t clusters, struct err *err)
{
	for (; clusters > 0; clusters--, guest += b->cluster) {
		if (b->version < 3) {
			if (zero_by_data(b, guest, err) < 0)
				return -1;
			continue;
		}
		if (l2_open(b, guest, err) < 0)
			return -1;
		if (b->entry_bytes == 16)
			l2_set(b, guest, 0, (uint64_t)UINT32_MAX << 32);
		else
			l2_set(b, guest, QCOW2_ZERO, 0);
	}
	return 0;
}

static int stage_write(struct qcow2_build *b, struct err *err)
{
	size_t n = b->stage_n;
	b->stage_n = 0;
	return n == 0 ? 0 : disk_io_write(b->io, b->stage_at, b->stage, n, err);
}

static int stage_add(
    struct qcow2_build *b, uint64_t at, const void *bytes, size_t n, struct err *err)
{
	if ((b->stage_at + b->stage_n != at || b->stage_n + n > STAGE_BYTES) &&
	    stage_write(b, err) < 0)
		return -1;
	if (b->stage_n == 0)
		b->stage_at = at;
	memcpy(b->stage + b->stage_n, bytes, n);
	b->stage_n += n;
	return 0;
}

/* Where n bytes go: behind the last ones if they fit into their cluster or the next one is ours, too. */
static int place_packed(struct qcow2_build *b, size_t n, uint64_t *at, struct err *err)
{
	uint64_t host, last = b->packed_end;
	uint64_t room = last ? -last & (b->cluster - 1) : 0;
	bool next_is_ours =
	    b->next << b->cluster_bits == last + room && b->next / b->per_block == b->block_index;
	bool share =
	    room > 0 && (n <= room || next_is_ours) && refcount_add(b, last >> b->cluster_bits);
	*at = last;
	if (share && n <= room)
		return 0;
	if (allocate(b, &host, err) < 0)
		return -1;
	if (!share)
		*at = host;
	return 0;
}

int qcow2_build_packed(
    struct qcow2_build *b, uint64_t guest, const void *bytes, size_t n, struct err *err)
{
	unsigned shift = 62 - (b->cluster_bits - 8); /* of the number of sectors */
	uint64_t at;
	if (n == 0 || n >= b->cluster || b->data)
		return err_set(err, ERR_INVALID, "'%s': %zu bytes are no compressed cluster for it",
		    b->io->path, n);
	if (l2_open(b, guest, err) < 0 || place_packed(b, n, &at, err) < 0)
		return -1;
	if (at >> shift != 0)
		return err_set(err, ERR_INVALID,
		    "'%s': too large for compressed clusters of this size", b->io->path);
	uint64_t more = (at + n - 1) / IMG_SECTOR - at / IMG_SECTOR;
	l2_set(b, guest, QCOW2_COMPRESSED | more << shift | at, 0);
	b->packed_end = at + n;
	return stage_add(b, at, bytes, n, err);
}

/* --- begin and end ----------------------------------------------------------------------------------- */

static void take_header(struct qcow2_build *b, const uint8_t *h)
{
	b->version = be32_get(h + 4);
	b->cluster_bits = be32_get(h + 20);
	b->cluster = 1ull << b->cluster_bits;
	b->l1_entries = be32_get(h + 36);
	b->l1_offset = be64_get(h + 40);
	b->reftable = be64_get(h + 48);
	b->reftable_clusters = be32_get(h + 56);
	uint64_t incompatible = b->version >= 3 ? be64_get(h + 72) : 0;
	b->refcount_bits = b->version >= 3 ? 1u << be32_get(h + 96) : 16;
	b->compression = incompatible & QCOW2_COMPRESSION ? h[104] : QCOW2_ZLIB;
	b->entry_bytes = incompatible & QCOW2_EXTENDED_L2 ? 16 : 8;
	b->l2_bits = b->cluster_bits - (b->entry_bytes == 16 ? 4 : 3);
	b->per_block = b->cluster * 8 / b->refcount_bits;
}

static uint64_t clusters(const struct qcow2_build *b, uint64_t bytes)
{
	return (bytes + b->cluster - 1) >> b->cluster_bits;
}

static void reach(struct qcow2_build *b, uint64_t offset, uint64_t bytes)
{
	uint64_t end = clusters(b, offset + bytes);
	b->next = end > b->next ? end : b->next;
}

/* Where the tables that exist lie; what is free begins behind all of them. */
static int take_tables(struct qcow2_build *b, struct err *err)
{
	uint64_t bytes = b->reftable_clusters << b->cluster_bits;
	CLEANUP_FREE uint8_t *table = xmalloc(bytes + 1);
	if (disk_io_read(b->io, b->reftable, table, bytes, err) < 0)
		return -1;
	for (uint64_t i = 0; i < bytes / 8 && be64_get(table + i * 8) != 0; i++) {
		if (blocks_add(b, be64_get(table + i * 8), err) < 0)
			return -1;
		reach(b, b->blocks[i], b->cluster);
	}
	reach(b, 0, b->cluster);
	reach(b, b->reftable, bytes);
	reach(b, b->l1_offset, b->l1_entries * 8);
	return 0;
}

struct qcow2_build *qcow2_build_new(struct disk_io *io, struct disk_io *data, struct err *err)
{
	uint8_t h[HEADER_BYTES];
	if (disk_io_read(io, 0, h, sizeof(h), err) < 0)
		return NULL;
	struct qcow2_build *b = xcalloc(1, sizeof(*b));
	b->io = io;
	b->data = data;
	take_header(b, h);
	b->block = xcalloc(1, b->cluster);
	b->l2 = xcalloc(1, b->cluster);
	b->l1 = xcalloc(L1_WINDOW, 8);
	b->stage = xmalloc(STAGE_BYTES + b->cluster);
	b->block_index = b->l2_index = NOTHING;
	if (take_tables(b, err) == 0)
		return b;
	qcow2_build_free(b);
	return NULL;
}

uint64_t qcow2_build_cluster(const struct qcow2_build *b)
{
	return b->cluster;
}

unsigned qcow2_build_compression(const struct qcow2_build *b)
{
	return b->compression;
}

struct disk_io *qcow2_build_file(const struct qcow2_build *b)
{
	return b->data ? b->data : b->io;
}

/* Counts [from, to) as far as the block in memory goes. */
static void count_range(struct qcow2_build *b, uint64_t from, uint64_t to)
{
	uint64_t first = b->block_index * b->per_block, end = first + b->per_block;
	for (uint64_t c = from > first ? from : first; c < to && c < end; c++)
		refcount_put(b, c % b->per_block, 1);
}

/* A table that no longer fits moves to the end, with the blocks that it takes to count all of that. */
static int move_reftable(struct qcow2_build *b, struct err *err)
{
	uint64_t first = b->n_blocks, table = 1, blocks = b->n_blocks, end;
	for (;;) {
		end = b->next + (blocks - first) + table;
		uint64_t need = (end + b->per_block - 1) / b->per_block;
		uint64_t need_table = clusters(b, need * 8);
		if (need <= blocks && need_table <= table)
			break;
		blocks = need > blocks ? need : blocks;
		table = need_table > table ? need_table : table;
	}
	count_range(b, b->next, end);
	for (uint64_t i = first; i < blocks; i++) {
		if (block_write(b, err) < 0 ||
		    blocks_add(b, (b->next + i - first) << b->cluster_bits, err) < 0)
			return -1;
		memset(b->block, 0, b->cluster);
		b->block_index = i;
		count_range(b, b->next, end);
	}
	b->reftable = (b->next + blocks - first) << b->cluster_bits;
	b->reftable_clusters = table;
	b->next = end;
	return 0;
}

static int write_reftable(struct qcow2_build *b, struct err *err)
{
	uint64_t bytes = b->reftable_clusters << b->cluster_bits;
	CLEANUP_FREE uint8_t *table = xcalloc(1, bytes);
	for (uint64_t i = 0; i < b->n_blocks; i++)
		be64_put(table + i * 8, b->blocks[i]);
	return disk_io_write(b->io, b->reftable, table, bytes, err);
}

/* The clusters of the old table are free again. */
static int forget(struct qcow2_build *b, uint64_t offset, uint64_t count, struct err *err)
{
	for (uint64_t c = offset >> b->cluster_bits; count > 0; c++, count--) {
		if (c / b->per_block != b->block_index) {
			if (block_write(b, err) < 0)
				return -1;
			b->block_index = c / b->per_block;
			if (disk_io_read(
			        b->io, b->blocks[b->block_index], b->block, b->cluster, err) < 0)
				return -1;
		}
		refcount_put(b, c % b->per_block, 0);
	}
	return 0;
}

static int end_refcounts(struct qcow2_build *b, struct err *err)
{
	uint64_t old = b->reftable, old_clusters = b->reftable_clusters;
	uint8_t fields[12];
	if (clusters(b, b->n_blocks * 8) > old_clusters &&
	    (move_reftable(b, err) < 0 || forget(b, old, old_clusters, err) < 0))
		return -1;
	if (block_write(b, err) < 0 || write_reftable(b, err) < 0)
		return -1;
	if (b->reftable == old)
		return 0;
	be64_put(fields, b->reftable);
	be32_put(fields + 8, (uint32_t)b->reftable_clusters);
	return disk_io_write(b->io, 48, fields, sizeof(fields), err);
}

int qcow2_build_end(struct qcow2_build *b, struct err *err)
{
	if (stage_write(b, err) < 0 || l2_write(b, err) < 0 || l1_write(b, err) < 0 ||
	    end_refcounts(b, err) < 0)
		return -1;
	/* The last compressed cluster, or data that are a hole, end before their cluster does. */
	uint64_t end = b->next << b->cluster_bits;
	return b->io->block || b->io->size >= end ? 0 : disk_io_resize(b->io, end, err);
}

void qcow2_build_free(struct qcow2_build *b)
{
	if (!b)
		return;
	free(b->block);
	free(b->blocks);
	free(b->l2);
	free(b->l1);
	free(b->stage);
	free(b);
}
