/* ring: offsets, wrapping, being overtaken, and what a file may contain. */
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
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/loop.h"
#include "core/mem.h"
#include "serial/ring.h"

#define SIZE 4096u
#define DATA                  \
	(4096u + RING_NOTES * \
	             (unsigned)sizeof(struct ring_note)) /* where the bytes begin in the file */

static char dir[64];
static char path[96];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/hvmux-ring.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/console0.ring", dir);
	return 0;
}

static int teardown(void **state)
{
	char tmp[128];

	(void)state;
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	unlink(tmp);
	unlink(path);
	return rmdir(dir);
}

/* The byte that belongs at an offset: neighbours and laps differ. */
static uint8_t byte_at(uint64_t offset)
{
	return (uint8_t)((offset * 2654435761u) >> 13);
}

static void write_run(struct ring *r, size_t n)
{
	uint8_t *p = xmalloc(n);

	for (size_t i = 0; i < n; i++)
		p[i] = byte_at(ring_end(r) + i);
	ring_write(r, p, n);
	free(p);
}

static void check_run(uint64_t offset, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p[i], byte_at(offset + i));
}

static void test_offsets(void **state)
{
	struct ring *r = ring_open(NULL, SIZE, false, NULL);
	uint8_t out[SIZE * 2];
	uint64_t at = 0;

	(void)state;
	assert_non_null(r);
	assert_int_equal(ring_end(r), 0);
	assert_int_equal(ring_read(r, &at, out, sizeof(out)), 0);
	write_run(r, 100);
	assert_int_equal(ring_start(r), 0);
	assert_int_equal(ring_end(r), 100);
	at = 40;
	assert_int_equal(ring_read(r, &at, out, 10), 10);
	assert_int_equal(at, 40);
	check_run(40, out, 10);
	at = 101; /* the future is empty */
	assert_int_equal(ring_read(r, &at, out, sizeof(out)), 0);
	ring_free(r);
}

static void test_wrap_and_gap(void **state)
{
	struct ring *r = ring_open(NULL, SIZE, false, NULL);
	uint8_t out[SIZE * 2];
	uint64_t at = 7;

	(void)state;
	for (size_t n = 1; n < 3000; n += 13) {
		write_run(r, n);
		assert_int_equal(
		    ring_end(r) - ring_start(r), ring_end(r) < SIZE ? ring_end(r) : SIZE);
	}
	size_t got = ring_read(r, &at, out, sizeof(out));
	assert_int_equal(got, SIZE);
	assert_int_equal(at, ring_end(r) - SIZE); /* the gap is [7, at) */
	check_run(at, out, got);
	write_run(r, SIZE * 5 + 3); /* larger than the ring itself */
	at = ring_start(r);
	assert_int_equal(ring_read(r, &at, out, sizeof(out)), SIZE);
	check_run(at, out, SIZE);
	ring_free(r);
}

static void test_clear(void **state)
{
	struct ring *r = ring_open(NULL, SIZE, false, NULL);
	uint64_t at = 0;
	uint8_t out[64];

	(void)state;
	write_run(r, 50);
	ring_clear(r);
	assert_int_equal(ring_start(r), 50);
	assert_int_equal(ring_read(r, &at, out, sizeof(out)), 0);
	assert_int_equal(at, 50);
	write_run(r, 5);
	assert_int_equal(ring_read(r, &at, out, sizeof(out)), 5);
	check_run(50, out, 5);
	ring_free(r);
}

static void test_reserve(void **state)
{
	struct ring *r = ring_open(NULL, SIZE, false, NULL);
	struct iovec iov[2];

	(void)state;
	write_run(r, SIZE - 10);
	assert_int_equal(ring_reserve(r, 100, iov), 2);
	assert_int_equal(iov[0].iov_len, 10);
	assert_int_equal(iov[1].iov_len, 90);
	/* What may be overwritten is not readable, and is again once nothing was written. */
	assert_int_equal(ring_start(r), 90);
	ring_commit(r, 0);
	assert_int_equal(ring_start(r), 0);
	assert_int_equal(ring_end(r), SIZE - 10);
	ring_reserve(r, 100, iov);
	memset(iov[0].iov_base, 'x', 10);
	memset(iov[1].iov_base, 'x', 2);
	ring_commit(r, 12);
	assert_int_equal(ring_end(r), SIZE + 2);
	assert_int_equal(ring_start(r), 2);
	assert_int_equal(ring_peek(r, SIZE - 5, 100, iov), 2);
	assert_int_equal(iov[0].iov_len + iov[1].iov_len, 7);
	assert_int_equal(ring_peek(r, 1, 100, iov), 0);
	assert_int_equal(ring_peek(r, SIZE + 2, 100, iov), 0);
	ring_free(r);
}

static void test_keep(void **state)
{
	struct ring *r = ring_open(path, SIZE, false, NULL);
	uint8_t out[SIZE];
	uint64_t at = 0;
	struct stat st;

	(void)state;
	write_run(r, 6000);
	ring_set_logged(r, 5000);
	ring_free(r);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	r = ring_open(path, SIZE, true, NULL);
	assert_int_equal(ring_end(r), 6000);
	assert_int_equal(ring_logged(r), 5000);
	assert_int_equal(ring_read(r, &at, out, SIZE), SIZE);
	check_run(at, out, SIZE);
	ring_free(r);
	r = ring_open(path, SIZE * 2, true, NULL); /* another size: a new start */
	assert_int_equal(ring_end(r), 0);
	ring_free(r);
	r = ring_open(path, SIZE, false, NULL);
	assert_int_equal(ring_end(r), 0);
	ring_free(r);
}

/* Killed between reserve and commit: what was announced is gone, the rest stays. */
static void test_killed_writer(void **state)
{
	struct ring *r = ring_open(path, SIZE, false, NULL);
	struct iovec iov[2];
	uint8_t out[SIZE];
	uint64_t at = 0;
	pid_t pid;

	(void)state;
	write_run(r, SIZE * 2);
	ring_free(r);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		r = ring_open(path, SIZE, true, NULL);
		ring_reserve(r, 1000, iov);
		memset(iov[0].iov_base, 0, 500);
		ring_free(r); /* writes nothing: the file is as a kill -9 leaves it */
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	r = ring_open(path, SIZE, true, NULL);
	assert_int_equal(ring_start(r), SIZE + 1000);
	assert_int_equal(ring_end(r), SIZE * 2);
	assert_int_equal(ring_read(r, &at, out, SIZE), SIZE - 1000);
	check_run(at, out, SIZE - 1000);
	ring_free(r);
}

static uint64_t blocks_kib(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_blocks / 2;
}

/* Blocks come with the bytes: a quiet guest costs little, and what may be written to always has them. */
static void test_grows(void **state)
{
	struct ring *r = ring_open(path, RING_SIZE_DEFAULT, false, NULL);
	uint8_t *out = xmalloc(RING_SIZE_DEFAULT);
	uint64_t at = 0, kib;
	struct iovec iov[2];

	(void)state;
	assert_false(ring_in_memory(r));
	kib = blocks_kib();
	assert_true(kib >= 64 && kib <= 128);
	for (size_t want = 100; want < RING_SIZE_DEFAULT; want += 50000) {
		write_run(r, want - (size_t)ring_end(r));
		kib = blocks_kib();
		assert_true(kib * 1024 >= ring_end(r) && kib * 1024 <= ring_end(r) + 200000);
	}
	ring_reserve(r, 200000, iov); /* round the end: all of it */
	assert_true(blocks_kib() >= RING_SIZE_DEFAULT / 1024);
	ring_commit(r, 0);
	ring_free(r);
	r = ring_open(path, RING_SIZE_DEFAULT, true, NULL);
	write_run(r, RING_SIZE_DEFAULT);
	assert_int_equal(ring_read(r, &at, out, RING_SIZE_DEFAULT), RING_SIZE_DEFAULT);
	check_run(at, out, RING_SIZE_DEFAULT);
	ring_free(r);
	free(out);
}

/* From now on every fallocate of this process fails, as on a full file system. false: the machine cannot do that. */
static bool fill_file_system(void)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSPC),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

static int write_while_full(void)
{
	struct ring *r = ring_open(path, RING_SIZE_DEFAULT, false, NULL), *reader;
	uint8_t *out = xmalloc(RING_SIZE_DEFAULT);
	uint64_t at = 0;
	size_t n;

	write_run(r, 60000);
	reader = ring_open_reader(path, NULL);
	if (!fill_file_system())
		return 77;
	write_run(r, 2000); /* still within what it has */
	if (ring_in_memory(r) || ring_end(reader) != 62000)
		return 1;
	write_run(r, 90000);
	if (!ring_in_memory(r) || access(path, F_OK) == 0 || ring_end(r) != 152000)
		return 2;
	write_run(r, RING_SIZE_DEFAULT);
	n = ring_read(r, &at, out, RING_SIZE_DEFAULT);
	for (size_t i = 0; i < n; i++)
		if (out[i] != byte_at(at + i))
			return 3;
	if (n != RING_SIZE_DEFAULT)
		return 4;
	at = 0; /* who had opened it reads what it last held */
	if (ring_read(reader, &at, out, RING_SIZE_DEFAULT) != 62000)
		return 5;
	ring_free(reader);
	ring_free(r);
	free(out);
	return 0;
}

static void test_full_file_system(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(write_while_full());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip(); /* no seccomp here */
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void put_file(const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), (ssize_t)n);
	close(fd);
}

static void test_bad_files(void **state)
{
	struct err err = {0};
	uint8_t *image = xmalloc(DATA + SIZE), *bad = xmalloc(DATA + SIZE);
	int fd;

	(void)state;
	assert_null(ring_open_reader(path, &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
	put_file("", 0);
	assert_null(ring_open_reader(path, &err));
	struct ring *r = ring_open(path, SIZE, false, NULL);
	write_run(r, 10000);
	ring_free(r);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, image, DATA + SIZE), DATA + SIZE);
	close(fd);
	put_file(image, DATA + 100);
	assert_null(ring_open_reader(path, &err));
	/* Every byte of the header that matters, broken. */
	for (size_t at = 0; at < 112; at++) {
		struct ring_note notes[8];

		memcpy(bad, image, DATA + SIZE);
		bad[at] = 0xff;
		put_file(bad, DATA + SIZE);
		r = ring_open_reader(path, &err);
		if (at < 24) {
			assert_null(r);
			assert_int_equal(err.code, ERR_INVALID);
		}
		if (r) { /* offsets that still make sense: readable without a fault */
			uint64_t o = 0;
			ring_read(r, &o, bad, SIZE);
			ring_notes(r, 0, notes, 8);
			ring_free(r);
		}
	}
	/* Adoption over a damaged file starts anew rather than failing. */
	r = ring_open(path, SIZE, true, &err);
	assert_non_null(r);
	ring_free(r);
	assert_null(ring_open(NULL, 5000, false, &err));
	assert_null(ring_open(NULL, RING_SIZE_MAX * 2ul, false, &err));
	assert_null(ring_open("/nonexistent/x.ring", SIZE, false, &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
	free(image);
	free(bad);
}

/* A writer process laps a reader process all the time: what is read is always what belongs there.
 */
static void test_overtaking(void **state)
{
	struct ring *w = ring_open(path, SIZE, false, NULL), *r;
	uint64_t at = 0, gaps = 0, total = 0, until = loop_now_ms() + 15000;
	uint8_t out[SIZE];
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		for (size_t i = 0; i < 100000 && getppid() != 1; i++)
			write_run(w, 1 + i % 997);
		ring_free(w);
		_exit(0);
	}
	r = ring_open_reader(path, NULL);
	assert_non_null(r);
	for (int status = 0, done = 0; !done && loop_now_ms() < until;) {
		done = waitpid(pid, &status, WNOHANG) == pid;
		uint64_t want = at;
		size_t n = ring_read(r, &at, out, 1 + total % SIZE);
		gaps += at != want;
		check_run(at, out, n);
		at += n;
		total += n;
		if (done)
			assert_int_equal(status, 0);
	}
	if (kill(pid, 0) == 0 && loop_now_ms() >= until)
		kill(pid, SIGKILL);
	assert_true(total > SIZE * 10);
	assert_true(gaps > 0);
	ring_free(r);
	ring_free(w);
}

/* --- notes --- */

static struct ring_note all[RING_NOTES];

static void test_notes(void **state)
{
	struct ring *r = ring_open(path, SIZE, false, NULL);
	struct ring_note_cursor c;
	uint64_t run = ring_run(r);

	(void)state;
	assert_true(run != 0);
	assert_int_equal(ring_notes(r, 0, all, RING_NOTES), 0);
	ring_note(r, RING_NOTE_BOOT, 0, 10);
	ring_note(r, RING_NOTE_TIME, 0, 11);
	write_run(r, 100);
	ring_note(r, RING_NOTE_TIME, 0, 12);
	write_run(r, 100);
	ring_note(r, RING_NOTE_BOOT, 1, 13);
	assert_int_equal(ring_notes(r, 0, all, RING_NOTES), 4);
	assert_int_equal(all[0].kind, RING_NOTE_BOOT); /* a mark before the time of its bytes */
	assert_int_equal(all[1].kind, RING_NOTE_TIME);
	assert_int_equal(all[2].offset, 100);
	assert_int_equal(all[3].offset, 200);
	assert_int_equal(all[3].value, 1);
	assert_int_equal(all[3].time_ns, 13);
	assert_int_equal(ring_notes(r, 101, all, RING_NOTES), 1);
	assert_int_equal(ring_notes(r, 0, all, 2), 2);
	/* A follower begins with the time that its first byte came at. */
	ring_note_seek(r, &c, 150);
	assert_true(ring_note_next(r, &c, all));
	assert_int_equal(all[0].time_ns, 12);
	assert_true(ring_note_next(r, &c, all));
	assert_int_equal(all[0].time_ns, 13);
	assert_false(ring_note_next(r, &c, all));
	ring_note(r, RING_NOTE_END, 0, 14);
	assert_true(ring_note_next(r, &c, all));
	assert_int_equal(all[0].kind, RING_NOTE_END);
	ring_set_notes_logged(r, &c);
	ring_free(r);
	r = ring_open(path, SIZE, true, NULL); /* kept with the file */
	assert_true(ring_run(r) == run);
	assert_int_equal(ring_notes(r, 0, all, RING_NOTES), 5);
	ring_notes_logged(r, &c);
	assert_false(ring_note_next(r, &c, all));
	ring_free(r);
	r = ring_open(path, SIZE, false, NULL); /* another run */
	assert_true(ring_run(r) != run);
	assert_int_equal(ring_notes(r, 0, all, RING_NOTES), 0);
	ring_free(r);
}

/* However many times a chatty guest makes, its boots stay. */
static void test_notes_lap(void **state)
{
	struct ring *r = ring_open(path, SIZE, false, NULL);
	struct ring_note_cursor c;
	size_t n;

	(void)state;
	ring_note_seek(r, &c, 0);
	ring_note(r, RING_NOTE_BOOT, 0, 1);
	for (uint64_t i = 0; i < RING_NOTES * 3; i++) {
		ring_note(r, RING_NOTE_TIME, 0, 2 + i);
		write_run(r, 3);
	}
	n = ring_notes(r, 0, all, RING_NOTES);
	assert_true(n > 3000 && n <= RING_NOTES);
	assert_int_equal(all[0].kind, RING_NOTE_BOOT);
	for (size_t i = 2; i < n; i++) {
		assert_int_equal(all[i].offset, all[i - 1].offset + 3);
		assert_int_equal(all[i].time_ns, all[i].offset / 3 + 2);
	}
	assert_int_equal(all[n - 1].offset, ring_end(r) - 3);
	/* A follower that was lapped goes on with what there is; bytes that were skipped take their times along. */
	assert_true(ring_note_next(r, &c, all));
	assert_int_equal(all[0].kind, RING_NOTE_BOOT);
	ring_note_skip_times(r, &c, ring_start(r));
	assert_true(ring_note_next(r, &c, all));
	assert_true(all[0].offset <= ring_start(r) && all[0].offset + 3 > ring_start(r));
	for (n = 1; ring_note_next(r, &c, all); n++)
		;
	assert_true(n >= SIZE / 3 && n <= SIZE / 3 + 2);
	for (uint64_t i = 0; i < 300; i++) /* as many boots as it takes to lose the first ones */
		ring_note(r, RING_NOTE_BOOT, 1, i);
	n = ring_notes(r, ring_end(r), all, RING_NOTES);
	assert_int_equal(n, 256);
	assert_int_equal(all[0].time_ns, 44);
	ring_free(r);
}

/* A file that somebody else wrote: only notes that can be are told. */
static void test_notes_damaged(void **state)
{
	struct ring *r = ring_open(path, SIZE, false, NULL);
	struct ring_note bad[] = {{.offset = 5, .kind = RING_NOTE_TIME},
	    {.offset = 1ull << 60, .kind = RING_NOTE_BOOT}, {.offset = 3, .kind = 99},
	    {.offset = 8, .kind = RING_NOTE_END}, {.offset = 2, .kind = RING_NOTE_BOOT}};
	int fd;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		ring_note(r, RING_NOTE_BOOT, 0, 1);
	write_run(r, 10);
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, bad, sizeof(bad), 4096), sizeof(bad));
	close(fd);
	assert_int_equal(ring_notes(r, 0, all, RING_NOTES), 1);
	assert_int_equal(all[0].offset, 8);
	ring_free(r);
}

/* Killed while it wrote a note: the note is nobody's, and the next one is whole. */
static void test_note_killed(void **state)
{
	struct ring *r = ring_open(path, SIZE, false, NULL);
	uint64_t claim = 0;
	int fd;

	(void)state;
	ring_note(r, RING_NOTE_BOOT, 0, 1);
	ring_free(r);
	fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &claim, 8, 64), 8); /* of the lane of marks */
	assert_int_equal(claim, 1);
	claim = 2;
	assert_int_equal(pwrite(fd, &claim, 8, 64), 8);
	close(fd);
	r = ring_open(path, SIZE, true, NULL);
	assert_non_null(r);
	ring_note(r, RING_NOTE_END, 0, 3);
	assert_int_equal(ring_notes(r, 0, all, RING_NOTES), 2);
	assert_int_equal(all[0].time_ns, 1);
	assert_int_equal(all[1].time_ns, 3);
	ring_free(r);
}

/* A writer laps a reader: what is read is whole, in order, and of its own offset. */
static void test_notes_overtaking(void **state)
{
	struct ring *w = ring_open(path, SIZE, false, NULL), *r;
	uint64_t until = loop_now_ms() + 15000, total = 0;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		for (uint64_t i = 0; i < 400000 && getppid() != 1; i++) {
			ring_note(w, i % 7 ? RING_NOTE_TIME : RING_NOTE_BOOT, (uint32_t)ring_end(w),
			    ring_end(w) * 2654435761u);
			write_run(w, 1);
		}
		_exit(0);
	}
	r = ring_open_reader(path, NULL);
	assert_non_null(r);
	for (int status = 0, done = 0; !done && loop_now_ms() < until;) {
		done = waitpid(pid, &status, WNOHANG) == pid;
		size_t n = ring_notes(r, 0, all, RING_NOTES);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(all[i].value, (uint32_t)all[i].offset);
			assert_true(all[i].time_ns == all[i].offset * 2654435761u);
			assert_true(i == 0 || all[i].offset > all[i - 1].offset);
		}
		total += n;
		if (done)
			assert_int_equal(status, 0);
	}
	if (kill(pid, 0) == 0 && loop_now_ms() >= until)
		kill(pid, SIGKILL);
	assert_true(total > 0);
	ring_free(r);
	ring_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_offsets),
	    cmocka_unit_test(test_wrap_and_gap),
	    cmocka_unit_test(test_clear),
	    cmocka_unit_test(test_reserve),
	    cmocka_unit_test_setup_teardown(test_keep, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_killed_writer, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_grows, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_full_file_system, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_bad_files, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_overtaking, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_notes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_notes_lap, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_notes_damaged, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_note_killed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_notes_overtaking, setup, teardown),
	};
	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
