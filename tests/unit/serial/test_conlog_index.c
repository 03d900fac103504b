/* conlog_index: whatever a crash, a full disk or somebody's editor leaves of an index, its reader gets records that fit
 * the file, and its writer goes on. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "serial/conlog_index.h"

#define NS 1000000000ull
#define INODE 4711u
#define RECORDS 20u
#define LOG_BYTES (RECORDS * 100u)

static char dir[64], path[96];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/hvmux-index.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/console0.log.idx", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return file_remove_tree(dir, NULL);
}

static struct conlog_record record(unsigned i)
{
	struct conlog_record r = {.pos = i * 100u,
	    .offset = 5000 + i * 100u,
	    .time_ns = (100 + i) * NS,
	    .kind = i == 0       ? CONLOG_BEGIN
	            : i % 5 == 4 ? CONLOG_BOOT
	                         : CONLOG_TIME};

	r.number = i == 0 ? 77 : r.kind == CONLOG_BOOT ? 10 + i : 0;
	return r;
}

static void write_all(struct conlog_index_writer *w)
{
	w->boots = 3;
	assert_int_equal(conlog_index_begin(w, path, INODE), 0);
	for (unsigned i = 0; i < RECORDS; i++) {
		struct conlog_record r = record(i);

		assert_int_equal(conlog_index_add(w, &r), 0);
	}
	conlog_index_close(w);
}

static void read_all(uint64_t size, struct conlog_index *x)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	conlog_index_read(fd, size, x);
}

static void assert_same(const struct conlog_record *got, const struct conlog_record *want)
{
	assert_true(got->pos == want->pos && got->offset == want->offset &&
	            got->time_ns == want->time_ns && got->number == want->number &&
	            got->kind == want->kind && got->value == want->value &&
	            got->length == want->length);
}

static void assert_record(const struct conlog_record *got, unsigned i)
{
	struct conlog_record r = record(i);

	assert_same(got, &r);
}

static void test_round_trip(void **state)
{
	struct conlog_index_writer w = CONLOG_INDEX_WRITER_INIT;
	struct conlog_index x;
	uint64_t run, offset;

	(void)state;
	write_all(&w);
	read_all(LOG_BYTES, &x);
	assert_int_equal(x.n, RECORDS);
	assert_int_equal(x.boots, 3);
	for (unsigned i = 0; i < RECORDS; i++)
		assert_record(&x.records[i], i);
	assert_int_equal(conlog_index_at(&x, 0), 0);
	assert_int_equal(conlog_index_at(&x, 199), 1);
	assert_int_equal(conlog_index_at(&x, UINT64_MAX), RECORDS - 1);
	assert_true(conlog_index_offset(&x, 250, &run, &offset));
	assert_int_equal(run, 77);
	assert_int_equal(offset, 5250);
	conlog_index_fini(&x);
}

/* A time that says nothing new is left out; where a guest trickles the index stays smaller than its log. */
static void test_times(void **state)
{
	struct conlog_index_writer w = CONLOG_INDEX_WRITER_INIT;
	struct conlog_record r = {.kind = CONLOG_TIME, .time_ns = NS};
	uint64_t bytes;

	(void)state;
	conlog_index_begin(&w, path, INODE);
	conlog_index_add(&w, &r);
	bytes = w.bytes;
	r.pos = 10;
	r.time_ns += NS - 1;
	conlog_index_add(&w, &r);
	assert_int_equal(w.bytes, bytes);
	r.time_ns += 1;
	conlog_index_add(&w, &r);
	assert_int_equal(w.bytes, bytes + CONLOG_INDEX_RECORD);
	for (unsigned i = 0; i < 100000; i++) {
		r.pos += 10;
		r.time_ns += NS;
		conlog_index_add(&w, &r);
	}
	assert_in_range(w.bytes, 100000 / 30 * CONLOG_INDEX_RECORD, 65536 + r.pos / 2 + 80);
	/* A clock that was set back is news. */
	bytes = w.bytes;
	r.time_ns -= 3600 * NS;
	conlog_index_add(&w, &r);
	assert_int_equal(w.bytes, bytes + CONLOG_INDEX_RECORD);
	conlog_index_close(&w);
}

/* Cut at each byte: what is whole is read, and the next writer goes on behind it. */
static void test_cut_anywhere(void **state)
{
	struct conlog_index_writer w = CONLOG_INDEX_WRITER_INIT;
	struct conlog_record more = {
	    .pos = LOG_BYTES, .offset = 9000, .time_ns = 1000 * NS, .kind = CONLOG_END};

	(void)state;
	for (size_t cut = 0; cut <= (RECORDS + 1) * CONLOG_INDEX_RECORD; cut++) {
		size_t whole = cut < 40 ? 0 : cut / CONLOG_INDEX_RECORD - 1;
		struct conlog_index x;

		write_all(&w);
		assert_int_equal(truncate(path, (off_t)cut), 0);
		read_all(LOG_BYTES, &x);
		assert_int_equal(x.n, whole);
		for (unsigned i = 0; i < whole; i++)
			assert_record(&x.records[i], i);
		conlog_index_fini(&x);
		assert_int_equal(conlog_index_resume(&w, path, INODE, LOG_BYTES), whole ? 0 : -1);
		if (!whole)
			continue;
		assert_int_equal(w.run, 77);
		assert_int_equal(w.boots, whole > 4 ? 10 + (whole / 5 * 5 - 1) : 3);
		assert_int_equal(conlog_index_add(&w, &more), 0);
		conlog_index_close(&w);
		read_all(LOG_BYTES, &x);
		assert_int_equal(x.n, whole + 1);
		assert_same(&x.records[whole], &more);
		conlog_index_fini(&x);
	}
}

/* One bit turned anywhere costs one record at most; the header's all of them. */
static void test_flipped_bits(void **state)
{
	struct conlog_index_writer w = CONLOG_INDEX_WRITER_INIT;

	(void)state;
	write_all(&w);
	for (size_t bit = 0; bit < (RECORDS + 1) * CONLOG_INDEX_RECORD * 8; bit++) {
		int fd = open(path, O_RDWR | O_CLOEXEC);
		struct conlog_index x;
		uint8_t byte;

		assert_int_equal(pread(fd, &byte, 1, (off_t)(bit / 8)), 1);
		byte ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
		conlog_index_read(fd, LOG_BYTES, &x);
		assert_int_equal(x.n, bit / 8 < CONLOG_INDEX_RECORD ? 0 : RECORDS - 1);
		conlog_index_fini(&x);
		byte ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
		close(fd);
	}
}

/* An index that lies: of another file, beyond the end, out of order. */
static void test_lies(void **state)
{
	struct conlog_index_writer w = CONLOG_INDEX_WRITER_INIT;
	struct conlog_record back = {.pos = 50, .kind = CONLOG_END};
	struct conlog_record ends = {.pos = 1950, .length = 100, .kind = CONLOG_END};
	struct conlog_index x;

	(void)state;
	write_all(&w);
	assert_int_equal(conlog_index_resume(&w, path, INODE + 1, LOG_BYTES), -1);
	read_all(LOG_BYTES / 2, &x);
	assert_int_equal(x.n, RECORDS / 2 + 1);
	conlog_index_fini(&x);
	assert_int_equal(conlog_index_resume(&w, path, INODE, LOG_BYTES), 0);
	conlog_index_add(&w, &back);
	conlog_index_add(&w, &ends);
	conlog_index_close(&w);
	read_all(LOG_BYTES, &x);
	assert_int_equal(x.n, RECORDS);
	conlog_index_fini(&x);
	/* The writer does not go on behind lies. */
	assert_int_equal(conlog_index_resume(&w, path, INODE, LOG_BYTES), 0);
	assert_int_equal(w.bytes, (RECORDS + 1) * CONLOG_INDEX_RECORD);
	assert_int_equal(w.last.pos, record(RECORDS - 1).pos);
	conlog_index_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_times, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_cut_anywhere, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_flipped_bits, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_lies, setup, teardown),
	};
	return cmocka_run_group_tests_name("conlog_index", tests, NULL, NULL);
}
