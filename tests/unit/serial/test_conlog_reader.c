/* conlog_reader: everything that was written comes out again, once and in order, with its times and marks: from rotated,
 * compressed, live files and the ring, whatever happened to indexes and archives. */
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
#include <zlib.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/loop.h"
#include "core/mem.h"
#include "serial/conlog.h"
#include "serial/conlog_reader.h"

#define SIZE 65536u
#define NS 1000000000ull
#define T0 (1795258080 * NS) /* 2026-11-21 10:48:00 UTC */

static struct home home;
static char dir[64], path[128];
static struct ring *ring;
static struct conlog *conlog;
static struct ring_note_cursor notes;
static struct buf written; /* all that the guest wrote */

static int setup(void **state)
{
	struct err err = {0};
	CLEANUP_FREE char *run = NULL, *log = NULL;

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/hvmux-reader.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	setenv("HVMUX_HOME", dir, 1);
	if (home_init(&home, NULL, &err) < 0)
		return -1;
	run = home_run_dir(&home, "web1");
	log = home_log_dir(&home, "web1");
	if (home_mkdir(&home, run, &err) < 0 || home_mkdir(&home, log, &err) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/console0.log", log);
	buf_clear(&written);
	return 0;
}

static void guest_off(void)
{
	conlog_free(conlog);
	ring_free(ring);
	conlog = NULL;
	ring = NULL;
}

static int teardown(void **state)
{
	(void)state;
	guest_off();
	home_fini(&home);
	buf_fini(&written);
	return file_remove_tree(dir, NULL);
}

/* keep: the supervisor is another one, the VM the same. */
static void guest_on(bool keep, unsigned files)
{
	CLEANUP_FREE char *file = home_run_file(&home, "web1", "console0.ring");
	struct conlog_limits limits = {.size = SIZE, .files = files};
	struct conlog_place at;
	struct err err = {0};

	guest_off();
	ring = ring_open(file, SIZE, keep, &err);
	if (!ring)
		fail_msg("%s", err.msg);
	at = (struct conlog_place){
	    .run = ring_run(ring), .next = ring_logged(ring), .end = ring_end(ring)};
	conlog = conlog_new(path, &limits, &at);
	ring_notes_logged(ring, &notes);
}

/* As the hub does: notes before the bytes at their offset. */
static void flush(void)
{
	struct ring_note n;
	bool more = ring_note_next(ring, &notes, &n);

	while (more || conlog_next(conlog) < ring_end(ring)) {
		uint64_t next = conlog_next(conlog);
		struct iovec iov[2];
		int parts;

		if (more && n.offset <= next) {
			conlog_note(conlog, &n);
			more = ring_note_next(ring, &notes, &n);
			continue;
		}
		parts = ring_peek(ring, next, more ? (size_t)(n.offset - next) : SIZE, iov);
		if (conlog_write(conlog, next, iov, parts) == 0)
			break;
	}
	ring_set_logged(ring, conlog_next(conlog));
	ring_set_notes_logged(ring, &notes);
}

static void say(uint64_t ns, const char *text)
{
	ring_note(ring, RING_NOTE_TIME, 0, ns);
	ring_write(ring, text, strlen(text));
	buf_adds(&written, text);
}

static void say_lines(unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n; i++) {
		char line[64];

		snprintf(line, sizeof(line), "line %08u of the guest's output\r\n", i);
		say(T0 + i * NS, line);
		if (i % 100 == 0)
			flush();
	}
	flush();
}

static void pack(struct conlog *c)
{
	uint64_t until = loop_now_ms() + 20000;
	CLEANUP_FREE char *plain = xasprintf("%s.1", path);

	while (access(plain, F_OK) == 0 && loop_now_ms() < until)
		conlog_turn(c, -1, 20);
	assert_int_equal(access(plain, F_OK), -1);
}

static struct conlog_reader *reader(void)
{
	struct err err = {0};
	struct conlog_reader *r = conlog_reader_new(&home, "web1", 0, &err);

	if (!r)
		fail_msg("%s", err.msg);
	return r;
}

struct heard {
	struct buf bytes, marks; /* marks: a letter each */
	uint64_t first_ns, last_ns;
};

static void hear(struct conlog_reader *r, struct heard *h)
{
	static const char letters[CONLOG_MARKS] = {[CONLOG_BOOT] = 'B',
	    [CONLOG_RECONNECT] = 'R',
	    [CONLOG_END] = 'E',
	    [CONLOG_HOLE] = 'H',
	    [CONLOG_REPLACED] = 'X',
	    [CONLOG_DAMAGED] = 'D'};
	struct conlog_piece p = {0};

	while (conlog_reader_next(r, &p) == 1) {
		if (p.is_mark) {
			assert_true(letters[p.mark.kind] != '\0');
			buf_addc(&h->marks, letters[p.mark.kind]);
			continue;
		}
		assert_in_range(p.n, 1, CONLOG_PIECE_MAX);
		if (h->bytes.len == 0)
			h->first_ns = conlog_piece_time(&p, 0);
		h->last_ns = conlog_piece_time(&p, p.n - 1);
		buf_add(&h->bytes, p.data, p.n);
	}
	conlog_piece_fini(&p);
	buf_add(&h->bytes, "", 0);
	buf_add(&h->marks, "", 0);
}

static void heard_fini(struct heard *h)
{
	buf_fini(&h->bytes);
	buf_fini(&h->marks);
}

static void assert_all(const char *marks)
{
	struct conlog_reader *r = reader();
	struct heard h = {0};

	hear(r, &h);
	assert_int_equal(h.bytes.len, written.len);
	assert_memory_equal(h.bytes.data, written.data, written.len);
	assert_string_equal(h.marks.data ? h.marks.data : "", marks);
	heard_fini(&h);
	conlog_reader_free(r);
}

static void test_nothing(void **state)
{
	(void)state;
	assert_all("");
}

/* Ring alone, log and ring, log alone: the same text. */
static void test_log_and_ring(void **state)
{
	CLEANUP_FREE char *file = home_run_file(&home, "web1", "console0.ring");

	(void)state;
	guest_on(false, 4);
	ring_note(ring, RING_NOTE_BOOT, 0, T0);
	say(T0, "one\r\n");
	assert_all("B");
	flush();
	assert_all("B");
	say(T0 + NS, "two\r\n[hvmux: the guest was started, 2026-11-21T10:48:00.000Z]\r\n");
	assert_all("B");
	flush();
	ring_note(ring, RING_NOTE_BOOT, 1, T0 + 2 * NS);
	say(T0 + 2 * NS, "three");
	assert_all("BB");
	flush();
	ring_note(ring, RING_NOTE_END, 0, T0 + 3 * NS);
	assert_all("BBE");
	flush();
	assert_all("BBE");
	guest_off();
	assert_all("BBE");
	/* The next run has a ring of its own. */
	guest_on(false, 4);
	assert_all("BBE");
	ring_note(ring, RING_NOTE_BOOT, 0, T0 + 4 * NS);
	say(T0 + 4 * NS, "four");
	assert_all("BBEB");
	flush();
	assert_all("BBEB");
	unlink(file);
	assert_all("BBEB");
}

static void test_rotated(void **state)
{
	(void)state;
	guest_on(false, 20);
	for (unsigned i = 0; i < 8; i++) {
		say_lines(i * 2000, 2000);
		guest_on(true, 20);
	}
	pack(conlog);
	assert_all("");
	say(T0, "in the ring alone\r\n");
	assert_all("");
}

/* By time: the right line is the first one in time, and little before it is read. */
static void test_since(void **state)
{
	(void)state;
	guest_on(false, 100);
	for (unsigned i = 0; i < 20; i++)
		say_lines(i * 2000, 2000);
	pack(conlog);
	for (unsigned want = 0; want < 40000; want += 1777) {
		struct conlog_reader *r = reader();
		struct heard h = {0};
		char line[64];
		const char *at;

		conlog_reader_seek_time(r, T0 + want * NS);
		conlog_reader_until(r, T0 + (want + 3) * NS);
		hear(r, &h);
		snprintf(line, sizeof(line), "line %08u of", want);
		at = strstr(h.bytes.data, line);
		assert_non_null(at);
		assert_in_range(at - h.bytes.data, 0, 200);
		snprintf(line, sizeof(line), "line %08u of", want + 3);
		assert_non_null(strstr(h.bytes.data, line));
		assert_in_range(h.bytes.len, 100, 1000);
		/* 40,000 lines are 1.5 MB; one file's index and one member of it are read. */
		assert_in_range(conlog_reader_bytes_read(r), 100, 2 * SIZE);
		heard_fini(&h);
		conlog_reader_free(r);
	}
}

/* A clock that was set back hides nothing that was written after the time asked for, by either clock. */
static void test_clock_set_back(void **state)
{
	struct conlog_reader *r;
	struct heard h = {0};

	(void)state;
	guest_on(false, 100);
	say(T0 + 100 * NS, "before\n");
	say(T0 + 200 * NS, "late\n");
	flush();
	say(T0 + 50 * NS, "set back\n");
	say(T0 + 150 * NS, "again late\n");
	flush();
	r = reader();
	conlog_reader_seek_time(r, T0 + 140 * NS);
	hear(r, &h);
	assert_string_equal(h.bytes.data, "before\nlate\nset back\nagain late\n");
	heard_fini(&h);
	conlog_reader_free(r);
	r = reader();
	h = (struct heard){0};
	conlog_reader_until(r, T0 + 120 * NS);
	hear(r, &h);
	assert_string_equal(h.bytes.data, "before\nlate\nset back\n");
	heard_fini(&h);
	conlog_reader_free(r);
}

static void test_boots(void **state)
{
	struct conlog_boot *boots;
	struct conlog_reader *r;
	struct heard h = {0};

	(void)state;
	guest_on(false, 100);
	say(T0, "no boot is known of this\n");
	flush();
	ring_note(ring, RING_NOTE_BOOT, 0, T0 + 10 * NS);
	say(T0 + 11 * NS, "first\n");
	say_lines(100, 3000);
	ring_note(ring, RING_NOTE_BOOT, 1, T0 + 5000 * NS);
	say(T0 + 5001 * NS, "second\n");
	flush();
	ring_note(ring, RING_NOTE_BOOT, 1, T0 + 6000 * NS);
	say(T0 + 6001 * NS, "third\n");
	r = reader();
	assert_int_equal(conlog_reader_boots(r, &boots), 4);
	assert_int_equal(boots[0].how, CONLOG_BOOT_CUT);
	assert_int_equal(boots[1].how, CONLOG_BOOT_STARTED);
	assert_int_equal(boots[1].number, 1);
	assert_true(boots[1].begin_ns == T0 + 10 * NS);
	assert_true(boots[1].end_ns == T0 + 3099 * NS);
	assert_int_equal(boots[3].how, CONLOG_BOOT_RESET);
	assert_int_equal(boots[3].number, 3);
	assert_true(boots[3].end_ns == T0 + 6001 * NS);
	conlog_reader_seek_boot(r, boots, 4, 2);
	hear(r, &h);
	assert_string_equal(h.marks.data, "B");
	assert_string_equal(h.bytes.data, "second\n");
	heard_fini(&h);
	h = (struct heard){0};
	conlog_reader_seek_boot(r, boots, 4, 3);
	hear(r, &h);
	assert_string_equal(h.marks.data, "B");
	assert_string_equal(h.bytes.data, "third\n");
	heard_fini(&h);
	h = (struct heard){0};
	conlog_reader_seek_boot(r, boots, 4, 0);
	hear(r, &h);
	assert_string_equal(h.bytes.data, "no boot is known of this\n");
	heard_fini(&h);
	h = (struct heard){0};
	conlog_reader_seek_boot(r, boots, 4, 1);
	hear(r, &h);
	assert_int_equal(h.bytes.len, 6 + 3000 * 37);
	heard_fini(&h);
	free(boots);
	conlog_reader_free(r);
}

/* A reader that waits hears each byte once, across flushes, rotations, a ring that was faster, and the next run. */
static void test_follow(void **state)
{
	struct heard h = {0};
	struct conlog_reader *r;

	(void)state;
	guest_on(false, 100);
	say(T0, "begin\n");
	r = reader();
	hear(r, &h);
	for (unsigned i = 0; i < 10; i++) {
		say_lines(i * 300, 300);
		hear(r, &h);
		assert_true(conlog_reader_watch(r) >= 0);
	}
	assert_int_equal(h.bytes.len, written.len);
	/* More than the ring holds, between two looks. */
	say_lines(10000, 9000);
	say(T0 + 20000 * NS, "and this");
	hear(r, &h);
	guest_on(true, 100);
	say(T0 + 20001 * NS, ", adopted\n");
	hear(r, &h);
	flush();
	guest_on(false, 100);
	ring_note(ring, RING_NOTE_BOOT, 0, T0 + 20002 * NS);
	say(T0 + 20002 * NS, "the next run\n");
	hear(r, &h);
	assert_int_equal(h.bytes.len, written.len);
	assert_memory_equal(h.bytes.data, written.data, written.len);
	assert_string_equal(h.marks.data, "B");
	heard_fini(&h);
	conlog_reader_free(r);
}

/* What neither log nor ring has is told as a hole. */
static void test_hole(void **state)
{
	struct conlog_reader *r;
	struct heard h = {0};

	(void)state;
	guest_on(false, 100);
	say(T0, "begin\n");
	flush();
	r = reader();
	hear(r, &h);
	for (unsigned i = 0; i < 3000; i++)
		say(T0 + NS, "nobody writes this down, as the disk is full\n");
	hear(r, &h);
	assert_string_equal(h.marks.data, "H");
	assert_memory_equal(h.bytes.data, "begin\n", 6);
	assert_int_equal(h.bytes.len, 6 + SIZE);
	heard_fini(&h);
	conlog_reader_free(r);
}

static void patch(const char *suffix, off_t at, const void *p, size_t n)
{
	CLEANUP_FREE char *file = xasprintf("%s%s", path, suffix);
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, at), n);
	close(fd);
}

/* A compressed log that is damaged in its middle: that is told, and what is behind it is there. */
static void test_damaged(void **state)
{
	struct conlog_limits limits = {.size = 1u << 19, .files = 4};
	struct conlog_place at = {.run = 1};
	struct conlog *c = conlog_new(path, &limits, &at);
	struct conlog_reader *r = NULL;
	struct heard h = {0};
	struct buf b = BUF_INIT;
	struct iovec iov;

	(void)state;
	for (unsigned i = 0; i < 40000; i++)
		buf_addf(&b, "line %08u %08x\n", i, i * 2654435761u);
	iov = (struct iovec){.iov_base = b.data, .iov_len = b.len};
	conlog_write(c, 0, &iov, 1);
	iov = (struct iovec){.iov_base = (char *)(uintptr_t) "end\n", .iov_len = 4};
	conlog_write(c, b.len, &iov, 1);
	pack(c);
	conlog_free(c);
	patch(".1.gz", 100000, "damaged here, and here", 22);
	r = reader();
	hear(r, &h);
	assert_string_equal(h.marks.data, "D");
	/* One member of 256 KiB is lost at most. */
	assert_in_range(h.bytes.len, b.len - (256u << 10), b.len + 4);
	assert_memory_equal(h.bytes.data + h.bytes.len - 404, b.data + b.len - 400, 400);
	assert_memory_equal(h.bytes.data, b.data, 100000);
	heard_fini(&h);
	conlog_reader_free(r);
	buf_fini(&b);
}

/* gzip(1)'s own files have no sizes in them. */
static void test_foreign_gzip(void **state)
{
	CLEANUP_FREE char *file = xasprintf("%s.1.gz", path);
	gzFile g = gzopen(file, "wb");
	struct conlog_reader *r;
	struct heard h = {0};

	(void)state;
	for (unsigned i = 0; i < 20000; i++)
		buf_addf(&written, "line %08u\n", i);
	assert_int_equal(gzwrite(g, written.data, (unsigned)written.len), written.len);
	gzclose(g);
	assert_all("");
	assert_int_equal(truncate(file, 20000), 0);
	r = reader();
	hear(r, &h);
	assert_string_equal(h.marks.data, "D");
	assert_memory_equal(h.bytes.data, written.data, h.bytes.len);
	assert_in_range(h.bytes.len, 1000, written.len - 1);
	heard_fini(&h);
	conlog_reader_free(r);
}

/* The property: whatever an index holds, every byte of the guest's comes out; only marks may turn into text. */
static void test_any_index(void **state)
{
	CLEANUP_FREE char *file = xasprintf("%s.idx", path);
	CLEANUP_FREE char *ring_file = home_run_file(&home, "web1", "console0.ring");
	struct buf index = BUF_INIT, log = BUF_INIT;
	uint64_t seed = 4711;

	(void)state;
	guest_on(false, 4);
	ring_note(ring, RING_NOTE_BOOT, 0, T0);
	say_lines(0, 20);
	ring_note(ring, RING_NOTE_BOOT, 1, T0 + 30 * NS);
	say_lines(40, 20);
	guest_off();
	unlink(ring_file);
	assert_int_equal(file_read(file, 1u << 20, &index, NULL), 0);
	assert_int_equal(file_read(path, 1u << 20, &log, NULL), 0);
	for (size_t i = 0; i < 3 * index.len; i++) {
		struct conlog_reader *r;
		struct heard h = {0};
		size_t cut = i < index.len ? i : index.len;

		assert_int_equal(truncate(file, 0), 0);
		patch(".idx", 0, index.data, cut);
		for (unsigned k = 0; i >= index.len && k < 3; k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			patch(".idx", (off_t)(seed >> 33) % (off_t)index.len, &seed, 1 + k);
		}
		r = reader();
		hear(r, &h);
		assert_in_range(h.bytes.len, written.len, log.len);
		assert_int_equal(h.bytes.len == written.len, strlen(h.marks.data) == 2);
		heard_fini(&h);
		conlog_reader_free(r);
	}
	buf_fini(&index);
	buf_fini(&log);
}

static void test_back(void **state)
{
	struct conlog_reader *r;
	struct heard h = {0};

	(void)state;
	guest_on(false, 100);
	say_lines(0, 10000);
	pack(conlog);
	r = reader();
	assert_false(conlog_reader_seek_back(r, 100000));
	hear(r, &h);
	assert_in_range(h.bytes.len, 90000, 110000);
	assert_memory_equal(
	    h.bytes.data + h.bytes.len - 100, written.data + written.len - 100, 100);
	assert_in_range(conlog_reader_bytes_read(r), 100000, 300000);
	assert_true(conlog_reader_seek_back(r, 1u << 30));
	heard_fini(&h);
	conlog_reader_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_log_and_ring, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rotated, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_since, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_clock_set_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_boots, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_follow, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_hole, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_foreign_gzip, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_any_index, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_back, setup, teardown),
	};
	return cmocka_run_group_tests_name("conlog_reader", tests, NULL, NULL);
}
