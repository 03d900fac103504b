#include "disk/qcow2_layout.h"

#include <string.h>

#include "core/mem.h"

#define HEADER_V2_BYTES 72u
#define HEADER_V3_BYTES 112u
#define EXT_BACKING_FORMAT 0xe2792acau
#define EXT_DATA_FILE 0x44415441u
#define EXT_FEATURES 0x6803f857u
#define FEATURE_BYTES 48u
/* Without a table of names smaller clusters keep room for a backing file's name, as in QEMU. */
#define FEATURES_CLUSTER_MIN 4096u

static const struct {
	uint8_t kind, bit; /* 0 incompatible, 1 compatible, 2 autoclear */
	char name[46];
} features[] = {{0, 0, "dirty bit"}, {0, 1, "corrupt bit"}, {0, 2, "external data file"},
    {0, 3, "compression type"}, {0, 4, "extended L2 entries"}, {1, 0, "lazy refcounts"},
    {2, 0, "bitmaps"}, {2, 1, "raw external data"}};

static uint64_t div_up(uint64_t n, uint64_t by)
{
	return n / by + (n % by != 0);
}

static bool power_of_two(uint64_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static unsigned log2_of(uint64_t n)
{
	return 63u - (unsigned)__builtin_clzll(n);
}

/* What a version 2 header has no place for. */
static int check_version(const struct qcow2_options *o, unsigned refcount_bits, struct err *err)
{
	const struct {
		bool wanted;
		const char *what;
	} news[] = {
	    {refcount_bits != 16, "Different refcount widths than 16 bits require compatibility "
	                          "level 1.1 or above"},
	    {o->lazy_refcounts,
	        "Lazy refcounts only supported with compatibility level 1.1 and above"},
	    {o->data_file != NULL,
	        "External data files are only supported with compatibility level 1.1 and above"},
	    {o->compression != QCOW2_ZLIB,
	        "Non-zlib compression type is only supported with compatibility level 1.1 and "
	        "above"},
	    {o->extended_l2,
	        "Extended L2 entries are only supported with compatibility level 1.1 and above"},
	};
	for (size_t i = 0; o->version == 2 && i < ARRAY_LEN(news); i++)
		if (news[i].wanted)
			return err_set(
			    err, ERR_INVALID, "%s (use version=v3 or greater)", news[i].what);
	return 0;
}

static int check(
    const struct qcow2_options *o, uint64_t cluster, uint64_t refcount_bits, struct err *err)
{
	if (!power_of_two(cluster) || cluster < 1u << QCOW2_CLUSTER_BITS_MIN ||
	    cluster > 1u << QCOW2_CLUSTER_BITS_MAX)
		return err_set(err, ERR_INVALID,
		    "Cluster size must be a power of two between %u and %uk",
		    1u << QCOW2_CLUSTER_BITS_MIN, 1u << (QCOW2_CLUSTER_BITS_MAX - 10));
	if (!power_of_two(refcount_bits) || refcount_bits > 64)
		return err_set(err, ERR_INVALID,
		    "Refcount width must be a power of two and may not exceed 64 bits");
	if (check_version(o, (unsigned)refcount_bits, err) < 0)
		return -1;
	if (o->extended_l2 && cluster < QCOW2_EXTENDED_CLUSTER_MIN)
		return err_set(err, ERR_INVALID,
		    "Extended L2 entries are only supported with cluster sizes of at least %u "
		    "bytes",
		    QCOW2_EXTENDED_CLUSTER_MIN);
	if (o->data_file_raw && o->data_file == NULL)
		return err_set(err, ERR_INVALID, "data-file-raw requires data-file");
	if (o->data_file_raw && o->backing != NULL)
		return err_set(err, ERR_INVALID,
		    "Backing file and data-file-raw cannot be used at the same time");
	if (o->prealloc != IMG_PREALLOC_OFF && o->backing != NULL && !o->extended_l2)
		return err_set(err, ERR_INVALID,
		    "Backing file and preallocation can only be used at the same time if "
		    "extended_l2 is on");
	if (o->size > IMG_SIZE_MAX)
		return err_set(
		    err, ERR_INVALID, "the image size is larger than a disk of QEMU's can be");
	return 0;
}

/* The refcount blocks count themselves and their table. */
static int place_refcounts(struct qcow2_layout *l, uint64_t others, struct err *err)
{
	uint64_t per_block = l->cluster * 8 / l->refcount_bits;
	uint64_t blocks = 0, table = 1;
	for (;;) {
		uint64_t need = div_up(others + blocks + table, per_block);
		uint64_t need_table = div_up(need * 8, l->cluster);
		if (need == blocks && need_table == table)
			break;
		blocks = need;
		table = need_table;
	}
	if (table * l->cluster > QCOW2_REFTABLE_BYTES_MAX)
		return err_set(err, ERR_INVALID,
		    "its refcount table would be larger than the %u MiB that are possible (try "
		    "using a larger cluster size)",
		    QCOW2_REFTABLE_BYTES_MAX >> 20);
	l->reftable = l->cluster;
	l->reftable_clusters = table;
	l->refblocks = l->reftable + table * l->cluster;
	l->n_refblocks = blocks;
	return 0;
}

int qcow2_layout_plan_for(const struct qcow2_options *o, uint64_t n_l2, uint64_t n_data,
    struct qcow2_layout *l, struct err *err)
{
	uint64_t cluster = o->cluster != 0 ? o->cluster : QCOW2_CLUSTER_DEFAULT;
	uint64_t bits = o->refcount_bits != 0 ? o->refcount_bits : 16;
	if (check(o, cluster, bits, err) < 0)
		return -1;
	*l = (struct qcow2_layout){.cluster = cluster,
	    .cluster_bits = log2_of(cluster),
	    .version = o->version != 0 ? o->version : 3,
	    .refcount_bits = (unsigned)bits,
	    .extended_l2 = o->extended_l2,
	    .size = (o->size + IMG_SECTOR - 1) / IMG_SECTOR * IMG_SECTOR,
	    .n_l2 = n_l2,
	    .n_data = n_data,
	    .data_elsewhere = o->data_file != NULL};
	l->l2_bits = l->cluster_bits - (o->extended_l2 ? 4 : 3);
	l->l1_entries = div_up(l->size, cluster << l->l2_bits);
	if (l->l1_entries > QCOW2_L1_BYTES_MAX / 8)
		return err_set(err, ERR_INVALID,
		    "The image size is too large for file format 'qcow2' (try using a larger "
		    "cluster size)");
	uint64_t l1_clusters = div_up(l->l1_entries * 8, cluster);
	uint64_t here = l->data_elsewhere ? 0 : n_data;
	if (place_refcounts(l, 1 + l1_clusters + n_l2 + here, err) < 0)
		return -1;
	uint64_t at = l->refblocks + l->n_refblocks * cluster;
	l->l1 = l1_clusters != 0 ? at : 0;
	l->l2 = at + l1_clusters * cluster;
	l->data = l->data_elsewhere ? 0 : l->l2 + n_l2 * cluster;
	l->end = l->l2 + (n_l2 + here) * cluster;
	return 0;
}

int qcow2_layout_plan(const struct qcow2_options *o, struct qcow2_layout *l, struct err *err)
{
	if (qcow2_layout_plan_for(o, 0, 0, l, err) < 0)
		return -1;
	/* A data file that has to be the disk byte for byte is so from the beginning. */
	if (o->prealloc == IMG_PREALLOC_OFF && !o->data_file_raw)
		return 0;
	return qcow2_layout_plan_for(o, l->l1_entries, div_up(l->size, l->cluster), l, err);
}

uint64_t qcow2_layout_reftable(const struct qcow2_layout *l, uint64_t i)
{
	return i < l->n_refblocks ? l->refblocks + i * l->cluster : 0;
}

/* Entries of a byte and more are big-endian, smaller ones begin at the byte's lowest bit. */
static unsigned refcount_shift(unsigned bits, unsigned k)
{
	return bits >= 8 ? 64 - bits * (k + 1) : 56 - k * bits / 8 * 8 + k * bits % 8;
}

uint64_t qcow2_layout_refblocks(const struct qcow2_layout *l, uint64_t i)
{
	unsigned per_word = 64 / l->refcount_bits;
	uint64_t clusters = l->end >> l->cluster_bits, first = i * per_word, word = 0;
	for (unsigned k = 0; k < per_word && first + k < clusters; k++)
		word |= 1ull << refcount_shift(l->refcount_bits, k);
	return word;
}

uint64_t qcow2_layout_l1(const struct qcow2_layout *l, uint64_t i)
{
	return i < l->n_l2 ? (l->l2 + i * l->cluster) | QCOW2_COPIED : 0;
}

/* Subclusters are not yet there: their bits are zero, and what is below is seen until they are written. */
uint64_t qcow2_layout_l2(const struct qcow2_layout *l, uint64_t i)
{
	if (l->extended_l2 && i % 2 != 0)
		return 0;
	uint64_t cluster = l->extended_l2 ? i / 2 : i;
	return cluster < l->n_data ? (l->data + cluster * l->cluster) | QCOW2_COPIED : 0;
}

static void put32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

static void put64(uint8_t *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof(v));
}

/* Where the next one goes; 0 when there is no room for it and the end's mark. */
static size_t put_extension(
    uint8_t *room, size_t cluster, size_t at, uint32_t type, const void *data, size_t n)
{
	size_t next = at + 8 + (n + 7) / 8 * 8;
	if (at == 0 || next + 8 > cluster)
		return 0;
	put32(room + at, type);
	put32(room + at + 4, (uint32_t)n);
	if (n > 0)
		memcpy(room + at + 8, data, n);
	return next;
}

static size_t put_features(uint8_t *room, size_t cluster, size_t at)
{
	uint8_t table[ARRAY_LEN(features) * FEATURE_BYTES] = {0};
	for (size_t i = 0; i < ARRAY_LEN(features); i++) {
		uint8_t *f = table + i * FEATURE_BYTES;
		f[0] = features[i].kind;
		f[1] = features[i].bit;
		memcpy(f + 2, features[i].name, strlen(features[i].name));
	}
	return put_extension(room, cluster, at, EXT_FEATURES, table, sizeof(table));
}

static size_t put_extensions(
    const struct qcow2_options *o, const struct qcow2_layout *l, uint8_t *room)
{
	size_t at = l->version >= 3 ? HEADER_V3_BYTES : HEADER_V2_BYTES;
	size_t cluster = l->cluster;
	if (o->backing_format != NULL)
		at = put_extension(room, cluster, at, EXT_BACKING_FORMAT, o->backing_format,
		    strlen(o->backing_format));
	if (o->data_file != NULL)
		at = put_extension(
		    room, cluster, at, EXT_DATA_FILE, o->data_file, strlen(o->data_file));
	if (l->version >= 3 && cluster >= FEATURES_CLUSTER_MIN)
		at = put_features(room, cluster, at);
	return at == 0 ? 0 : at + 8; /* the end's mark is zeroes */
}

static void put_fields(const struct qcow2_options *o, const struct qcow2_layout *l, uint8_t *h)
{
	put32(h, QCOW2_MAGIC);
	put32(h + 4, l->version);
	put32(h + 20, l->cluster_bits);
	put64(h + 24, l->size);
	put32(h + 36, (uint32_t)l->l1_entries);
	put64(h + 40, l->l1);
	put64(h + 48, l->reftable);
	put32(h + 56, (uint32_t)l->reftable_clusters);
	if (l->version < 3)
		return;
	put64(h + 72, (o->data_file != NULL ? QCOW2_DATA_FILE : 0u) |
	                  (o->compression != QCOW2_ZLIB ? QCOW2_COMPRESSION : 0u) |
	                  (o->extended_l2 ? QCOW2_EXTENDED_L2 : 0u));
	put64(h + 80, o->lazy_refcounts ? QCOW2_LAZY_REFCOUNTS : 0);
	put64(h + 88, o->data_file_raw ? QCOW2_AUTOCLEAR_RAW : 0);
	put32(h + 96, log2_of(l->refcount_bits));
	put32(h + 100, HEADER_V3_BYTES);
	h[104] = (uint8_t)o->compression;
}

int qcow2_layout_header(
    const struct qcow2_options *o, const struct qcow2_layout *l, uint8_t *room, struct err *err)
{
	memset(room, 0, l->cluster);
	put_fields(o, l, room);
	size_t at = put_extensions(o, l, room);
	size_t name = o->backing != NULL ? strlen(o->backing) : 0;
	if (name > QCOW2_BACKING_NAME_MAX)
		return err_set(err, ERR_INVALID,
		    "the backing file's name is longer than the %u bytes that an image can tell",
		    QCOW2_BACKING_NAME_MAX);
	if (at == 0 || at + name > l->cluster)
		return err_set(err, ERR_INVALID,
		    "the names of its other files do not fit into a header of %llu bytes: use "
		    "larger clusters or shorter names",
		    (unsigned long long)l->cluster);
	if (name == 0)
		return 0;
	memcpy(room + at, o->backing, name);
	put64(room + 8, at);
	put32(room + 16, (uint32_t)name);
	return 0;
}
