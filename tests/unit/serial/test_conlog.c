/* conlog: rotation, compression that does not hold the loop up, a full disk, and files that others
 * touch. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/timestamp.h"
#include "serial/conlog.h"

#define SIZE 65536u
#define FILES 4u

static char dir[64];
static char path[96];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/hvmux-conlog.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/console0.log", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return file_remove_tree(dir, NULL);
}

static struct conlog *log_new(const char *where, uint64_t run, uint64_t next)
{
	struct conlog_limits limits = {.size = SIZE, .files = FILES};
	struct conlog_place at = {.run = run, .next = next, .end = next};

	return conlog_new(where, &limits, &at);
}

static size_t put(struct conlog *c, uint64_t offset, const void *p, size_t n)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};

	return conlog_write(c, offset, &iov, 1);
}

/* Lines that compress, and in which a lost or doubled one shows. */
static size_t put_lines(struct conlog *c, unsigned first, unsigned n)
{
	struct buf b = BUF_INIT;
	size_t taken;

	for (unsigned i = first; i < first + n; i++)
		buf_addf(&b, "line %08u of the guest's output\n", i);
	taken = put(c, conlog_next(c), b.data, b.len);
	assert_int_equal(taken, b.len);
	buf_fini(&b);
	return taken;
}

static bool there(const char *suffix)
{
	CLEANUP_FREE char *p = xasprintf("%s%s", path, suffix);

	return access(p, F_OK) == 0;
}

static void slurp(const char *suffix, struct buf *out)
{
	CLEANUP_FREE char *p = xasprintf("%s%s", path, suffix);
	struct err err = {0};

	if (file_read(p, 64u << 20, out, &err) < 0)
		fail_msg("%s", err.msg);
}

static void gunzip(const char *suffix, struct buf *out)
{
	CLEANUP_FREE char *p = xasprintf("%s%s", path, suffix);
	gzFile g = gzopen(p, "rb");
	int n;

	assert_non_null(g);
	while ((n = gzread(g, buf_reserve(out, 65536), 65536)) > 0)
		out->len += (unsigned)n;
	assert_int_equal(n, 0);
	assert_int_equal(gzclose(g), Z_OK);
}

/* Until the file is there (wanted) or not, 20 s at most. */
static void wait_file(struct conlog *c, const char *suffix, bool wanted)
{
	uint64_t until = loop_now_ms() + 20000;

	while (there(suffix) != wanted && loop_now_ms() < until)
		conlog_turn(c, -1, 20);
	assert_int_equal(there(suffix), wanted);
}

static void test_appends(void **state)
{
	struct conlog *c = log_new(path, 0, 0);
	struct buf b = BUF_INIT;
	struct stat st;

	(void)state;
	assert_int_equal(put(c, 0, "one\n", 4), 4);
	conlog_free(c);
	c = log_new(path, 0, 4);
	assert_int_equal(put(c, 4, "two\n", 4), 4);
	assert_int_equal(conlog_next(c), 8);
	assert_null(conlog_trouble(c));
	conlog_free(c);
	slurp("", &b);
	assert_string_equal(b.data, "one\ntwo\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	buf_fini(&b);
}

static void test_gap(void **state)
{
	struct conlog *c = log_new(path, 0, 100);
	struct buf b = BUF_INIT;

	(void)state;
	put(c, 100, "before", 6);
	put(c, 1106, "after", 5);
	conlog_free(c);
	slurp("", &b);
	assert_string_equal(b.data, "before\n[hvmux: 1000 bytes are missing here]\nafter");
	buf_fini(&b);
}

static void note(struct conlog *c, uint64_t offset, enum ring_note_kind kind, unsigned value)
{
	struct ring_note n = {
	    .offset = offset, .time_ns = 1795258080123456789ull, .kind = kind, .value = value};

	conlog_note(c, &n);
}

static void test_notes(void **state)
{
	struct conlog *c = log_new(path, 0, 0);
	struct buf b = BUF_INIT;

	(void)state;
	note(c, 0, RING_NOTE_BOOT, 0);
	note(c, 0, RING_NOTE_TIME, 0);
	put(c, 0, "no line end", 11);
	note(c, 20, RING_NOTE_BOOT, 1);
	put(c, 20, "after\n", 6);
	note(c, 26, RING_NOTE_END, 0);
	slurp("", &b);
	assert_string_equal(b.data,
	    "[hvmux: the guest was started, 2026-11-21T10:48:00.123Z]\n"
	    "no line end\n[hvmux: 9 bytes are missing here]\n"
	    "[hvmux: the guest was reset, 2026-11-21T10:48:00.123Z]\nafter\n"
	    "[hvmux: the guest ended, 2026-11-21T10:48:00.123Z]\n");
	buf_fini(&b);
	conlog_free(c);
}

static void test_rotates_and_compresses(void **state)
{
	struct conlog *c = log_new(path, 0, 0);
	struct buf all = BUF_INIT;
	unsigned line = 0;

	(void)state;
	while (!there(".2") || line % 2000)
		put_lines(c, line, 100), line += 100;
	wait_file(c, ".2", false);
	wait_file(c, ".1", false);
	gunzip(".2.gz", &all);
	gunzip(".1.gz", &all);
	slurp("", &all);
	/* Nothing lost, nothing doubled, in order. */
	for (unsigned i = 0; i < line; i++) {
		char want[64];
		int n = snprintf(want, sizeof(want), "line %08u of the guest's output\n", i);
		assert_true((size_t)n * (i + 1) <= all.len);
		assert_memory_equal(all.data + (size_t)n * i, want, (size_t)n);
	}
	assert_false(there(".gz.tmp"));
	buf_fini(&all);
	conlog_free(c);
}

static unsigned files_in_dir(void)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

/* In a storm old files fall off, compressed or not, and what is kept stays bounded. */
static void test_storm(void **state)
{
	struct conlog *c = log_new(path, 0, 0);
	unsigned most = 0;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		put_lines(c, i * 1000, 1000);
		/* At 100 a compression is under way when its file falls off. */
		conlog_turn(c, -1, i == 100 ? CONLOG_CALM_MS + 1 : 0);
		if (files_in_dir() > most)
			most = files_in_dir();
	}
	assert_true(most <= 2 * FILES + 1); /* with indexes, and the one being compressed */
	conlog_free(c);
	assert_false(there(".gz.tmp"));
	assert_false(there(".4"));
	assert_false(there(".4.gz"));
}

static void test_killed_before_compressing(void **state)
{
	struct conlog *c = log_new(path, 0, 0);

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		put_lines(c, i * 2000, 2000);
	assert_true(there(".1"));
	conlog_free(c);
	CLEANUP_FREE char *tmp = xasprintf("%s.gz.tmp", path);
	int fd = open(tmp, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	c = log_new(path, 0, 0);
	assert_false(there(".gz.tmp"));
	wait_file(c, ".1", false);
	wait_file(c, ".1.gz", true);
	conlog_free(c);
}

#define REPLACED "[hvmux: what was in this file before was removed by somebody]\n"

static void test_removed_and_cut(void **state)
{
	struct conlog *c = log_new(path, 0, 0);
	struct buf b = BUF_INIT;
	CLEANUP_FREE char *aside = xasprintf("%s/aside", dir);

	(void)state;
	put(c, 0, "gone", 4);
	unlink(path);
	put(c, 4, "kept", 4);
	slurp("", &b);
	assert_string_equal(b.data, REPLACED "kept");
	assert_int_equal(truncate(path, 0), 0);
	put(c, 8, "more", 4);
	buf_clear(&b);
	slurp("", &b);
	assert_string_equal(b.data, REPLACED "more");
	/* Moved away: not written to any more. */
	assert_int_equal(rename(path, aside), 0);
	put(c, 12, "new", 3);
	buf_clear(&b);
	slurp("", &b);
	assert_string_equal(b.data, REPLACED "new");
	buf_fini(&b);
	conlog_free(c);
}

/* A link in the log's place is not followed. */
static void test_link(void **state)
{
	struct conlog *c = log_new(path, 0, 0);
	CLEANUP_FREE char *victim = xasprintf("%s/victim", dir);
	struct buf b = BUF_INIT;
	struct stat st;

	(void)state;
	put(c, 0, "gone", 4);
	unlink(path);
	assert_int_equal(symlink(victim, path), 0);
	put(c, 4, "kept", 4);
	assert_int_equal(access(victim, F_OK), -1);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	slurp("", &b);
	assert_string_equal(b.data, REPLACED "kept");
	buf_fini(&b);
	conlog_free(c);
}

/* Killed between the bytes and the word that they are logged: neither doubled nor lost. */
static void test_adoption(void **state)
{
	struct conlog_limits limits = {.size = SIZE, .files = FILES};
	struct conlog_place at = {.run = 7, .next = 0, .end = 0};
	struct conlog *c = conlog_new(path, &limits, &at);
	struct buf b = BUF_INIT;

	(void)state;
	note(c, 0, RING_NOTE_BOOT, 0);
	put(c, 0, "one\ntwo\n", 8);
	conlog_free(c);
	at.next = 4;
	at.end = 12;
	c = conlog_new(path, &limits, &at);
	assert_int_equal(conlog_next(c), 8);
	note(c, 8, RING_NOTE_BOOT, 1);
	conlog_free(c);
	/* A note that is told again is written once. */
	c = conlog_new(path, &limits, &at);
	note(c, 8, RING_NOTE_BOOT, 1);
	put(c, 8, "x", 1);
	conlog_free(c);
	/* Another run, and a log that holds more than the ring ever did. */
	at.run = 9;
	c = conlog_new(path, &limits, &at);
	assert_int_equal(conlog_next(c), 4);
	conlog_free(c);
	at.run = 7;
	at.end = 8;
	c = conlog_new(path, &limits, &at);
	assert_int_equal(conlog_next(c), 4);
	conlog_free(c);
	slurp("", &b);
	assert_string_equal(b.data, "[hvmux: the guest was started, 2026-11-21T10:48:00.123Z]\n"
	                            "one\ntwo\n"
	                            "[hvmux: the guest was reset, 2026-11-21T10:48:00.123Z]\nx");
	buf_fini(&b);
}

/* Killed with a piece in its hands: all of its bytes and notes are told again, and none is written twice. */
static void test_killed_in_a_piece(void **state)
{
	struct conlog_limits limits = {.size = SIZE, .files = FILES};
	struct conlog_place at = {.run = 7, .next = 0, .end = 0};
	struct conlog *c = conlog_new(path, &limits, &at);
	struct buf b = BUF_INIT;

	(void)state;
	for (unsigned again = 0; again < 2; again++) {
		note(c, 0, RING_NOTE_BOOT, 0);
		note(c, 0, RING_NOTE_TIME, 0);
		if (!again)
			put(c, 0, "one\n", 4);
		note(c, 4, RING_NOTE_BOOT, 1);
		note(c, 4, RING_NOTE_TIME, 0);
		if (!again)
			put(c, 4, "two\n", 4);
		note(c, 8, RING_NOTE_RECONNECT, 0);
		note(c, 8, RING_NOTE_END, 0);
		if (again)
			break;
		conlog_free(c);
		at.end = 8;
		c = conlog_new(path, &limits, &at);
		assert_int_equal(conlog_next(c), 8);
	}
	conlog_free(c);
	slurp("", &b);
	assert_string_equal(b.data,
	    "[hvmux: the guest was started, 2026-11-21T10:48:00.123Z]\none\n"
	    "[hvmux: the guest was reset, 2026-11-21T10:48:00.123Z]\ntwo\n"
	    "[hvmux: connected to the guest anew, something may be missing here, 2026-11-21T10:48:00.123Z]\n"
	    "[hvmux: the guest ended, 2026-11-21T10:48:00.123Z]\n");
	buf_fini(&b);
}

static void test_age(void **state)
{
	struct conlog_limits limits = {.size = SIZE, .files = FILES, .age = 60};
	struct conlog_place at = {.run = 7};
	struct conlog *c = conlog_new(path, &limits, &at);
	struct ring_note old = {
	    .kind = RING_NOTE_TIME, .time_ns = timestamp_ns() - 61 * 1000000000ull};

	(void)state;
	conlog_note(c, &old);
	put(c, 0, "old\n", 4);
	assert_false(there(".1"));
	put(c, 4, "new\n", 4);
	conlog_free(c);
	assert_true(there(".1"));
	assert_true(there(".1.idx"));
}

/* The cap holds over the consoles of a VM; what is written to now stays. */
static void test_total(void **state)
{
	struct conlog_limits limits = {.size = SIZE, .files = 50, .total = 5 * SIZE};
	struct conlog_place at = {0};
	CLEANUP_FREE char *other = xasprintf("%s/console1.log", dir);
	struct conlog *a = conlog_new(path, &limits, &at);
	struct conlog *b = conlog_new(other, &limits, &at);
	uint64_t sum = 0;
	DIR *d;

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		put_lines(i % 2 ? a : b, i * 1000, 1000);
	d = opendir(dir);
	for (struct dirent *e; (e = readdir(d));) {
		struct stat st;
		CLEANUP_FREE char *file = xasprintf("%s/%s", dir, e->d_name);

		if (e->d_name[0] != '.' && stat(file, &st) == 0)
			sum += (uint64_t)st.st_size;
	}
	closedir(d);
	assert_true(sum <= limits.total + SIZE);
	assert_true(sum >= 3 * SIZE);
	assert_true(there(""));
	assert_int_equal(access(other, F_OK), 0);
	conlog_free(a);
	conlog_free(b);
}

static void limit_files(rlim_t n)
{
	struct rlimit r;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
	r.rlim_cur = n;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

/* A disk that takes no more: nothing is taken, nobody waits; later one mark says what is missing.
 */
static void test_full(void **state)
{
	struct conlog *c = log_new(path, 0, 0);
	char block[1000];
	struct buf b = BUF_INIT;
	uint64_t until = loop_now_ms() + 20000;
	size_t n = 0;

	(void)state;
	memset(block, 'a', sizeof(block));
	signal(SIGXFSZ, SIG_IGN);
	limit_files(4500);
	for (unsigned i = 0; i < 10 && !conlog_trouble(c); i++)
		n += put(c, conlog_next(c), block, sizeof(block));
	assert_int_equal(n, 4500);
	assert_int_equal(put(c, conlog_next(c), block, 1000), 0);
	assert_non_null(conlog_trouble(c));
	/* Still full at the next try: no half of a mark is left behind. */
	memset(block, 'b', sizeof(block));
	limit_files(4520);
	while (loop_now_ms() < until && put(c, 7000, block, 1000) == 0) {
		conlog_turn(c, -1, 50);
		if (loop_now_ms() > until - 20000 + CONLOG_RETRY_MS + 500)
			limit_files(RLIM_INFINITY);
	}
	assert_null(conlog_trouble(c));
	assert_int_equal(conlog_next(c), 8000);
	put(c, 8000, "end", 3);
	slurp("", &b);
	const char *mark = "\n[hvmux: 2500 bytes are missing here: File too large]\n";
	assert_int_equal(b.len, 4500 + strlen(mark) + 1003);
	assert_memory_equal(b.data + 4500, mark, strlen(mark));
	assert_string_equal(b.data + b.len - 4, "bend");
	buf_fini(&b);
	conlog_free(c);
}

/* Neither an index nor an archive can be made: the log itself goes on, and they are made when they can be. */
static void test_no_index_no_archive(void **state)
{
	CLEANUP_FREE char *index = xasprintf("%s.idx", path);
	CLEANUP_FREE char *tmp = xasprintf("%s.gz.tmp", path);
	struct conlog *c;
	struct stat st;

	(void)state;
	assert_int_equal(mkdir(index, 0700), 0);
	assert_int_equal(mkdir(tmp, 0700), 0);
	c = log_new(path, 7, 0);
	put_lines(c, 0, 100);
	assert_null(conlog_trouble(c));
	assert_int_equal(rmdir(index), 0);
	conlog_turn(c, -1, CONLOG_RETRY_MS + 50);
	put_lines(c, 100, 100);
	assert_int_equal(stat(index, &st), 0);
	assert_int_equal(st.st_size, 80); /* it begins here */
	put_lines(c, 200, 2000);
	put_lines(c, 2200, 100);
	conlog_turn(c, -1, CONLOG_CALM_MS + 50);
	assert_true(there(".1"));
	assert_false(there(".1.gz"));
	assert_int_equal(rmdir(tmp), 0);
	put_lines(c, 2300, 2000);
	put_lines(c, 4300, 100);
	wait_file(c, ".1", false);
	wait_file(c, ".2", false);
	assert_true(there(".1.gz"));
	assert_true(there(".2.gz"));
	conlog_free(c);
}

/* A disk that is full while a file is compressed: what was written stays, as it was, and no half archive. */
static void test_full_while_compressing(void **state)
{
	struct conlog *c = log_new(path, 7, 0);
	struct buf noise = BUF_INIT, kept = BUF_INIT;
	unsigned seed = 1;

	(void)state;
	for (unsigned i = 0; i < SIZE; i++)
		buf_addc(&noise, (char)((seed = seed * 1103515245u + 12345u) >> 16));
	assert_int_equal(put(c, 0, noise.data, noise.len), SIZE);
	assert_int_equal(put(c, SIZE, "x", 1), 1);
	signal(SIGXFSZ, SIG_IGN);
	limit_files(SIZE / 2);
	conlog_turn(c, -1, CONLOG_CALM_MS + 500);
	limit_files(RLIM_INFINITY);
	assert_false(there(".1.gz"));
	assert_false(there(".gz.tmp"));
	slurp(".1", &kept);
	assert_int_equal(kept.len, SIZE);
	assert_memory_equal(kept.data, noise.data, SIZE);
	buf_fini(&noise);
	buf_fini(&kept);
	conlog_free(c);
}

/* No directory, no permission: the same. */
static void test_nowhere(void **state)
{
	struct conlog *c = log_new("/nonexistent/console0.log", 0, 0);

	(void)state;
	assert_int_equal(put(c, 0, "x", 1), 0);
	assert_string_equal(conlog_trouble(c), "No such file or directory");
	conlog_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_appends, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_gap, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_notes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rotates_and_compresses, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_storm, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_killed_before_compressing, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_removed_and_cut, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_link, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_adoption, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_killed_in_a_piece, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_age, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_total, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_full, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_no_index_no_archive, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_full_while_compressing, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_nowhere, setup, teardown),
	};
	return cmocka_run_group_tests_name("conlog", tests, NULL, NULL);
}
