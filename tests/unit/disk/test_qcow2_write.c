#include "unit/disk/qcow2_lab.h"

#include "core/str.h"
#include "disk/qcow2_snapshot.h"
#include "disk/qcow2_write.h"

static char *dir;

static char *at(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

/* --- a disk in memory beside the image -------------------------------------------------------------- */
#define SNAPSHOTS 4
#define SIZE_MOST (3u << 20)

struct model {
	uint8_t *bytes;
	uint64_t size;
	struct {
		char name[16];
		uint8_t *bytes;
		uint64_t size;
	} snapshots[SNAPSHOTS];
	size_t n;
};

static uint32_t seed;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

static void compare(struct img *im, const struct model *m, const char *when)
{
	CLEANUP_FREE uint8_t *all = lab_read(im);
	assert_int_equal(im->size, m->size);
	for (uint64_t i = 0; i < m->size; i++)
		if (all[i] != m->bytes[i])
			fail_msg("%s: byte %llu is %02x, should be %02x", when,
			    (unsigned long long)i, all[i], m->bytes[i]);
}

/* Small ones mostly, some over many clusters. */
static void draw_range(const struct model *m, uint64_t *offset, uint64_t *n)
{
	uint32_t most = draw(4) == 0 ? 600000 : 20000;
	*offset = draw((uint32_t)m->size);
	*n = 1 + draw(most);
	if (draw(3) == 0) {
		*offset &= ~(uint64_t)4095;
		*n = (*n + 4095) & ~(uint64_t)4095;
	}
	if (*n > m->size - *offset)
		*n = m->size - *offset;
}

static void do_write(struct img *im, struct model *m)
{
	struct err err = {0};
	uint64_t offset, n;
	draw_range(m, &offset, &n);
	uint8_t c = (uint8_t)(1 + draw(255));
	for (uint64_t i = 0; i < n; i++)
		m->bytes[offset + i] = (uint8_t)(c + i / 512);
	lab_ok(img_write(im, offset, m->bytes + offset, n, &err), &err);
}

static void do_zero(struct img *im, struct model *m)
{
	struct err err = {0};
	uint64_t offset, n;
	draw_range(m, &offset, &n);
	memset(m->bytes + offset, 0, n);
	lab_ok(img_zero(im, offset, n, draw(2), &err), &err);
}

/* What a discard leaves is not told: the image says. */
static void do_discard(struct img *im, struct model *m)
{
	struct err err = {0};
	uint64_t offset, n;
	draw_range(m, &offset, &n);
	lab_ok(img_discard(im, offset, n, &err), &err);
	CLEANUP_FREE uint8_t *now = xmalloc(n);
	lab_ok(img_read(im, offset, now, n, &err), &err);
	for (uint64_t i = 0; i < n; i++)
		if (now[i] != m->bytes[offset + i])
			assert_int_equal(now[i], 0);
	memcpy(m->bytes + offset, now, n);
}

static void do_resize(struct img *im, struct model *m)
{
	struct err err = {0};
	uint64_t size = (uint64_t)(1 + draw(SIZE_MOST / 512)) * 512;
	lab_ok(img_resize(im, size, &err), &err);
	if (size > m->size)
		memset(m->bytes + m->size, 0, size - m->size);
	m->size = size;
}

static void do_snapshot(struct img *im, struct model *m)
{
	struct err err = {0};
	struct qcow2 *q = qcow2_of(im);
	uint32_t which = draw(SNAPSHOTS);
	if (m->n < SNAPSHOTS && draw(2)) {
		static unsigned serial;
		snprintf(m->snapshots[m->n].name, sizeof(m->snapshots[0].name), "s%u", ++serial);
		lab_ok(qcow2_snapshot_create(q, m->snapshots[m->n].name, &err), &err);
		m->snapshots[m->n].bytes = xmalloc(SIZE_MOST);
		memcpy(m->snapshots[m->n].bytes, m->bytes, m->size);
		m->snapshots[m->n++].size = m->size;
	} else if (which < m->n && draw(2)) {
		lab_ok(qcow2_snapshot_apply(
		           q, qcow2_snapshot_find(q, m->snapshots[which].name, false), &err),
		    &err);
		m->size = m->snapshots[which].size;
		memcpy(m->bytes, m->snapshots[which].bytes, m->size);
	} else if (which < m->n) {
		lab_ok(qcow2_snapshot_delete(
		           q, qcow2_snapshot_find(q, m->snapshots[which].name, false), &err),
		    &err);
		free(m->snapshots[which].bytes);
		m->snapshots[which] = m->snapshots[--m->n];
	}
}

static void do_one(struct img *im, struct model *m, bool snapshots, bool resize)
{
	switch (draw(12)) {
	case 0:
	case 1:
		do_zero(im, m);
		break;
	case 2:
		do_discard(im, m);
		break;
	case 3:
		if (resize)
			do_resize(im, m);
		break;
	case 4:
	case 5:
		if (snapshots)
			do_snapshot(im, m);
		break;
	default:
		do_write(im, m);
	}
}

/* qemu-img reads the same, and finds nothing wrong. */
static void judge(const char *path, const struct model *m)
{
	if (!lab_has_qemu())
		return;
	CLEANUP_FREE char *raw = at("raw");
	assert_int_equal(lab_check(path), 0);
	assert_int_equal(file_write_atomic(raw, m->bytes, m->size, 0600, NULL), 0);
	assert_int_equal(lab_run((const char *[]){
	                     "qemu-img", "compare", "-f", "raw", "-F", "qcow2", raw, path, NULL}),
	    0);
}

static void run_random(const struct qcow2_options *o, unsigned rounds, bool snapshots, bool resize)
{
	CLEANUP_FREE char *path = at("random");
	struct model m = {.size = o->size};
	m.bytes = xcalloc(1, SIZE_MOST);
	if (o->backing) {
		CLEANUP_FREE char *raw = at(o->backing);
		size_t n = 700 * 512;
		for (size_t i = 0; i < n; i++)
			m.bytes[i] = (uint8_t)(7 + i / 512);
		assert_int_equal(file_write_atomic(raw, m.bytes, n, 0600, NULL), 0);
		if (n > m.size)
			memset(m.bytes + m.size, 0, n - m.size);
	}
	lab_make(path, o);
	for (unsigned i = 0; i < rounds; i++) {
		struct img *im = lab_open(path, IMG_WRITE);
		for (unsigned k = 0; k < 12; k++)
			do_one(im, &m, snapshots, resize);
		compare(im, &m, "before it is closed");
		lab_close(im);
		im = lab_open(path, 0);
		compare(im, &m, "opened again");
		lab_close(im);
		judge(path, &m);
	}
	for (size_t i = 0; i < m.n; i++)
		free(m.snapshots[i].bytes);
	free(m.bytes);
}

static void test_random(void **state)
{
	(void)state;
	static const struct {
		struct qcow2_options o;
		bool snapshots, resize;
	} all[] = {
	    {{.size = 1 << 20}, true, true},
	    {{.size = 1 << 20, .cluster = 512}, true, true},
	    {{.size = 1000 * 512, .cluster = 4096, .backing = "base", .backing_format = "raw"},
	        true, true},
	    {{.size = 1000 * 512, .cluster = 4096, .version = 2}, true, false},
	    {{.size = 1000 * 512,
	         .cluster = 1024,
	         .version = 2,
	         .backing = "base",
	         .backing_format = "raw"},
	        true, false},
	    {{.size = 1 << 20, .cluster = 2 << 20}, true, true},
	    {{.size = 1 << 20, .cluster = 512, .refcount_bits = 1}, false, true},
	    {{.size = 1 << 20, .cluster = 512, .refcount_bits = 4}, true, true},
	    {{.size = 1 << 20, .cluster = 4096, .refcount_bits = 8}, true, true},
	    {{.size = 1 << 20, .cluster = 512, .refcount_bits = 32}, true, true},
	    {{.size = 1 << 20, .cluster = 512, .refcount_bits = 64}, true, true},
	    {{.size = 1 << 20, .cluster = 16384, .extended_l2 = true}, true, true},
	    {{.size = 1 << 20,
	         .cluster = 65536,
	         .extended_l2 = true,
	         .backing = "base",
	         .backing_format = "raw"},
	        true, true},
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		for (uint32_t s = 1; s <= 2; s++) {
			seed = s + 100 * (uint32_t)i;
			run_random(&all[i].o, 5, all[i].snapshots, all[i].resize);
		}
}

/* --- what compressed clusters and data files add ------------------------------------------------------ */
static void test_packed(void **state)
{
	(void)state;
	if (!lab_has_qemu())
		skip();
	CLEANUP_FREE char *raw = at("plain"), *path = at("packed");
	struct model m = {.size = 1 << 20};
	m.bytes = xcalloc(1, SIZE_MOST);
	for (size_t i = 0; i < m.size; i++)
		m.bytes[i] = (uint8_t)(i / 300 * 7);
	assert_int_equal(file_write_atomic(raw, m.bytes, m.size, 0600, NULL), 0);
	for (unsigned sub = 0; sub < 2; sub++) {
		assert_int_equal(
		    lab_run((const char *[]){"qemu-img", "convert", "-c", "-f", "raw", "-O",
		        "qcow2", "-o", sub ? "extended_l2=on,cluster_size=16k" : "cluster_size=4k",
		        raw, path, NULL}),
		    0);
		seed = 77 + sub;
		struct model n = {.size = m.size, .bytes = xmalloc(SIZE_MOST)};
		memcpy(n.bytes, m.bytes, m.size);
		for (unsigned i = 0; i < 4; i++) {
			struct img *im = lab_open(path, IMG_WRITE);
			for (unsigned k = 0; k < 8; k++)
				do_one(im, &n, true, true);
			compare(im, &n, "compressed");
			lab_close(im);
			judge(path, &n);
		}
		for (size_t i = 0; i < n.n; i++)
			free(n.snapshots[i].bytes);
		free(n.bytes);
	}
	free(m.bytes);
}

static void test_data_file(void **state)
{
	(void)state;
	CLEANUP_FREE char *data = at("data");
	struct qcow2_options o = {
	    .size = 1 << 20, .cluster = 4096, .data_file = data, .data_file_raw = false};
	for (unsigned i = 0; i < 4; i++) {
		o.data_file_raw = i & 1;
		o.extended_l2 = i & 2;
		o.cluster = o.extended_l2 ? 16384 : 4096;
		seed = i;
		run_random(&o, 4, false, true);
	}
}

/* --- crashes ---------------------------------------------------------------------------------------- */
/* Clean, or clusters that are lost to a later check: nothing else may be seen. */
static void judge_prefix(const char *path, size_t calls)
{
	int status = lab_check(path);
	if (status != 0 && status != 3)
		fail_msg("after %zu calls qemu-img check ends with %d", calls, status);
}

static void crash_at_each_call(const struct qcow2_options *o, bool snapshots)
{
	CLEANUP_FREE char *path = at("crash"), *before = at("before"), *scratch = at("scratch");
	struct model m = {.size = o->size, .bytes = xcalloc(1, SIZE_MOST)};
	lab_make(path, o);
	for (unsigned round = 0; round < 3; round++) {
		lab_copy(path, before);
		lab_record(path);
		struct img *im = lab_open(path, IMG_WRITE);
		for (unsigned k = 0; k < 10; k++)
			do_one(im, &m, snapshots, true);
		lab_close(im);
		assert_true(lab_tape.n > 0);
		lab_each_prefix(before, scratch, judge_prefix);
		lab_erase_tape();
	}
	for (size_t i = 0; i < m.n; i++)
		free(m.snapshots[i].bytes);
	free(m.bytes);
}

static void test_crash(void **state)
{
	(void)state;
	if (!lab_has_qemu())
		skip();
	static const struct {
		struct qcow2_options o;
		bool snapshots;
	} all[] = {
	    {{.size = 1 << 20}, true},
	    {{.size = 1 << 19, .cluster = 512}, true},
	    {{.size = 1 << 20, .cluster = 16384, .extended_l2 = true}, true},
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		seed = 9 + (uint32_t)i;
		crash_at_each_call(&all[i].o, all[i].snapshots);
	}
}

static int setup(void **state)
{
	(void)state;
	dir = cm_mkdtemp();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cm_rmdir(dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_packed),
	    cmocka_unit_test(test_data_file),
	    cmocka_unit_test(test_crash),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
