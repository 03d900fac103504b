/* foreign: images made byte by byte, opened by the readers of other programs' formats; header fields made hostile. */
#ifndef UNIT_DISK_FOREIGN_H
#define UNIT_DISK_FOREIGN_H

#include "unit/cm.h"

#include <fcntl.h>
#include <inttypes.h>

#include "core/buf.h"
#include "disk/be.h"
#include "disk/img.h"
#include "disk/img_info.h"
#include "disk/le.h"

static char *foreign_dir;

static inline int foreign_setup(void **state)
{
	(void)state;
	foreign_dir = cm_mkdtemp();
	return 0;
}

static inline int foreign_teardown(void **state)
{
	(void)state;
	cm_rmdir(foreign_dir);
	return 0;
}

/* An image in memory; it grows where it is written to. */
struct image {
	uint8_t *data;
	size_t size;
};

static inline uint8_t *image_at(struct image *m, size_t at, size_t n)
{
	if (at > SIZE_MAX - n || at + n > SIZE_MAX / 2)
		abort();
	if (at + n > m->size) {
		m->data = xrealloc(m->data, at + n);
		memset(m->data + m->size, 0, at + n - m->size);
		m->size = at + n;
	}
	return m->data + at;
}

static inline void image_put(struct image *m, size_t at, const void *data, size_t n)
{
	memcpy(image_at(m, at, n), data, n);
}

static inline void image_fill(struct image *m, size_t at, int byte, size_t n)
{
	memset(image_at(m, at, n), byte, n);
}

static inline void image_le16(struct image *m, size_t at, uint16_t v)
{
	v = htole16(v);
	image_put(m, at, &v, 2);
}

static inline void image_le32(struct image *m, size_t at, uint32_t v)
{
	le32_put(image_at(m, at, 4), v);
}

static inline void image_le64(struct image *m, size_t at, uint64_t v)
{
	le64_put(image_at(m, at, 8), v);
}

static inline void image_be16(struct image *m, size_t at, uint16_t v)
{
	be16_put(image_at(m, at, 2), v);
}

static inline void image_be32(struct image *m, size_t at, uint32_t v)
{
	be32_put(image_at(m, at, 4), v);
}

static inline void image_be64(struct image *m, size_t at, uint64_t v)
{
	be64_put(image_at(m, at, 8), v);
}

static inline struct image image_copy(const struct image *m)
{
	struct image copy = {xmalloc(m->size), m->size};
	memcpy(copy.data, m->data, m->size);
	return copy;
}

static inline char *foreign_path(const char *name)
{
	return xasprintf("%s/%s", foreign_dir, name);
}

/* Holes where there are zeroes: VHDX images are large and empty. */
static inline void foreign_write(const char *name, const void *data, size_t n)
{
	static const uint8_t zeroes[4096];
	CLEANUP_FREE char *path = foreign_path(name);
	unlink(path); /* to empty it instead would have some file systems write it out at once */
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)n), 0);
	for (size_t at = 0; at < n; at += sizeof(zeroes)) {
		size_t part = n - at < sizeof(zeroes) ? n - at : sizeof(zeroes);
		const uint8_t *p = (const uint8_t *)data + at;
		if (memcmp(p, zeroes, part) != 0)
			assert_int_equal(pwrite(fd, p, part, (off_t)at), part);
	}
}

static inline struct img *foreign_open(const char *name, const char *format, struct err *err)
{
	CLEANUP_FREE char *path = foreign_path(name);
	return img_open(path, format, 0, err);
}

static inline struct img *foreign_open_image(
    const struct image *m, const char *format, struct err *err)
{
	foreign_write("image", m->data, m->size);
	return foreign_open("image", format, err);
}

/* Opens it; the test fails when that fails. */
static inline struct img *foreign_must_open(const struct image *m, const char *format)
{
	struct err err = {0};
	struct img *im = foreign_open_image(m, format, &err);
	if (!im)
		fail_msg("%s", err.msg);
	return im;
}

/* Looks at the first extents, and reads the beginning of each. */
#define FOREIGN_EXTENTS 64
static inline int foreign_walk(struct img *im, struct err *err)
{
	uint8_t buf[4096];
	struct img_extent e;
	uint64_t at = 0;
	for (int i = 0; i < FOREIGN_EXTENTS && at < im->size; i++) {
		if (img_map_chain(im, at, im->size - at, &e, err) < 0)
			return -1;
		assert_int_equal(e.offset, at);
		assert_true(e.bytes > 0 && e.bytes <= im->size - at);
		size_t n = e.bytes < sizeof(buf) ? (size_t)e.bytes : sizeof(buf);
		if (img_read_extent(&e, at, buf, n, err) < 0)
			return -1;
		at += e.bytes;
	}
	return 0;
}

/* The image is refused, when it is opened or when it is read, with these words. */
static inline void foreign_refused(const struct image *m, const char *format, const char *words)
{
	struct err err = {0};
	struct img *im = foreign_open_image(m, format, &err);
	if (im && foreign_walk(im, &err) == 0)
		fail_msg("not refused; '%s' was expected", words);
	if (!strstr(err.msg, words))
		fail_msg("'%s' was expected, it said: %s", words, err.msg);
	if (im)
		img_drop(&im);
}

static inline void foreign_refused_le32(
    const struct image *m, const char *format, size_t at, uint32_t v, const char *words)
{
	struct image bad = image_copy(m);
	image_le32(&bad, at, v);
	foreign_refused(&bad, format, words);
	free(bad.data);
}

static inline void foreign_refused_le64(
    const struct image *m, const char *format, size_t at, uint64_t v, const char *words)
{
	struct image bad = image_copy(m);
	image_le64(&bad, at, v);
	foreign_refused(&bad, format, words);
	free(bad.data);
}

static inline void foreign_refused_be32(
    const struct image *m, const char *format, size_t at, uint32_t v, const char *words)
{
	struct image bad = image_copy(m);
	image_be32(&bad, at, v);
	foreign_refused(&bad, format, words);
	free(bad.data);
}

static inline void foreign_refused_be64(
    const struct image *m, const char *format, size_t at, uint64_t v, const char *words)
{
	struct image bad = image_copy(m);
	image_be64(&bad, at, v);
	foreign_refused(&bad, format, words);
	free(bad.data);
}

static inline void foreign_try(const struct image *m, const char *format, size_t at)
{
	struct err err = {0};
	struct img *im = foreign_open_image(m, format, &err);
	int r = im ? foreign_walk(im, &err) : -1;
	if (r < 0 && (err.code == ERR_NONE || !*err.msg))
		fail_msg("an error without words, %zu was changed", at);
	if (im)
		img_drop(&im);
}

/* Every place of the header gets every hostile value, in both byte orders. What comes of it is an image that can be looked
 * through, or an error with words; never a crash (the sanitizers look on). */
static inline void foreign_sweep(struct image *m, const char *format, size_t from, size_t to)
{
	static const uint64_t values[] = {0, 1, 2, 511, 512, 513, 4096, 0x7fffffff, 0x80000000,
	    0xfffffffe, 0xffffffff, 0x100000000, 0x7ffffffffffffe00, 0x7fffffffffffffff,
	    0x8000000000000000, UINT64_MAX - 511, UINT64_MAX};
	uint8_t kept[8];
	for (size_t at = from; at + 8 <= to; at += 4) {
		memcpy(kept, m->data + at, 8);
		for (size_t i = 0; i < ARRAY_LEN(values) * 4; i++) {
			uint64_t v = values[i / 4];
			if (i % 4 == 0)
				image_le32(m, at, (uint32_t)v);
			else if (i % 4 == 1)
				image_be32(m, at, (uint32_t)v);
			else if (i % 4 == 2)
				image_le64(m, at, v);
			else
				image_be64(m, at, v);
			foreign_try(m, format, at);
			memcpy(m->data + at, kept, 8);
		}
	}
}

/* n bytes from there are all `byte`. */
static inline void foreign_all(struct img *im, uint64_t at, int byte, size_t n)
{
	struct err err = {0};
	CLEANUP_FREE uint8_t *buf = xmalloc(n);
	if (img_read(im, at, buf, n, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < n; i++)
		if (buf[i] != byte)
			fail_msg(
			    "byte %" PRIu64 " is %#x, not %#x", at + i, buf[i], (unsigned)byte);
}

static inline struct img_extent foreign_map(struct img *im, uint64_t at)
{
	struct err err = {0};
	struct img_extent e;
	if (img_map_chain(im, at, im->size - at, &e, &err) < 0)
		fail_msg("%s", err.msg);
	return e;
}

/* The seeds of the fuzz target of that name are made here: compared, or written anew with UPDATE=1. */
static inline void foreign_seed(const char *target, const char *name, const void *data, size_t n)
{
	const char *src = getenv("HVMUX_SRC");
	CLEANUP_FREE char *path =
	    xasprintf("%s/tests/fuzz/corpus/%s/%s", src ? src : ".", target, name);
	CLEANUP_BUF struct buf have = BUF_INIT;
	struct err err = {0};
	if (getenv("UPDATE"))
		assert_int_equal(file_write_atomic(path, data, n, 0644, NULL), 0);
	if (file_read(path, 64 << 10, &have, &err) < 0)
		fail_msg("%s", err.msg);
	if (have.len != n || memcmp(have.data, data, n) != 0)
		fail_msg("%s is not what this test makes; run it with UPDATE=1", path);
}

#define FOREIGN_TEST(f) cmocka_unit_test_setup_teardown(f, foreign_setup, foreign_teardown)

#endif
