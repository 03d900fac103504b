/* conlog_writer: a disk that hangs holds up neither the guest nor the loop; what the ring loses meanwhile is a marked hole,
 * and when it answers again everything goes on. */
#include <poll.h>
#include <pthread.h>

#include "unit/serial/rig.h"
#include "serial/conlog_writer.h"

#define MIB (1u << 20)

/* The disk: everything that the writer's thread does waits while it hangs. */
static pthread_mutex_t disk_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t disk_mended = PTHREAD_COND_INITIALIZER;
static bool disk_hangs;
static unsigned disk_waiting, disk_ops;

static void disk(void)
{
	pthread_mutex_lock(&disk_lock);
	disk_ops++;
	disk_waiting++;
	while (disk_hangs)
		pthread_cond_wait(&disk_mended, &disk_lock);
	disk_waiting--;
	pthread_mutex_unlock(&disk_lock);
}

static void disk_set(bool hangs)
{
	pthread_mutex_lock(&disk_lock);
	disk_hangs = hangs;
	pthread_cond_broadcast(&disk_mended);
	pthread_mutex_unlock(&disk_lock);
}

static bool disk_waited_for(void)
{
	bool yes;

	pthread_mutex_lock(&disk_lock);
	yes = disk_hangs && disk_waiting > 0;
	pthread_mutex_unlock(&disk_lock);
	return yes;
}

static int setup(void **state)
{
	__atomic_store_n(&conlog_writer_hook, disk, __ATOMIC_RELEASE);
	return rig_setup(state);
}

static int teardown(void **state)
{
	disk_set(false);
	return rig_teardown(state);
}

static bool log_there(struct rig *r, struct buf *b)
{
	CLEANUP_FREE char *path = home_log_file(&r->home, "web1", "console0.log");

	buf_clear(b);
	return file_read(path, 64u << 20, b, NULL) == 0;
}

static void log_read(struct rig *r, struct buf *b)
{
	assert_true(log_there(r, b));
}

/* `n` lines of 16 bytes. */
static void lines(struct buf *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_addf(b, "%015u\n", i);
}

static uint64_t seen(const struct rig *r)
{
	struct hub_facts f;

	hub_facts(r->hub, &f);
	return f.bytes;
}

static void test_hangs(void **state)
{
	struct rig *r = *state;
	struct buf said = BUF_INIT, log = BUF_INIT;
	CLEANUP_FREE char *mark = NULL;
	uint64_t began, told;
	const char *hole;
	struct hub_facts f;

	lines(&said, 3 * MIB / 16); /* log files are of 4 MiB: this is one */
	rig_say(r, "before\n");
	RIG_UNTIL(r, seen(r) == 7);
	disk_set(true);
	began = loop_now_ms();
	for (unsigned i = 0; i < 3; i++) /* 9 MiB while it hangs */
		rig_say_n(r, said.data, said.len);
	RIG_UNTIL(r, seen(r) == 7 + 3 * said.len);
	assert_true(loop_now_ms() - began < CONLOG_LATE_MS);
	assert_true(disk_waited_for());
	assert_int_equal(r->troubles, 0);
	RIG_UNTIL(r, r->troubles == 1);
	told = loop_now_ms();
	assert_in_range(told - began, CONLOG_LATE_MS - 100, CONLOG_LATE_MS + 10000);
	assert_string_equal(r->trouble, "the disk does not answer");
	hub_facts(r->hub, &f);
	assert_string_equal(f.log_trouble, "the disk does not answer");
	assert_in_range(f.log_missing, 7 * MIB, 9 * MIB);
	disk_set(false);
	RIG_UNTIL(r, r->mended == 1);
	hub_facts(r->hub, &f);
	assert_string_equal(f.log_trouble, "");
	assert_int_equal(r->missing, f.log_missing);
	rig_say(r, "after\n");
	RIG_UNTIL(r, seen(r) == 13 + 3 * said.len);
	hub_free(r->hub);
	r->hub = NULL;
	log_read(r, &log);
	mark = xasprintf("[hvmux: %llu bytes are missing here: the disk does not answer]\n",
	    (unsigned long long)f.log_missing);
	hole = strstr(log.data, mark);
	assert_non_null(hole);
	assert_null(strstr(hole + 1, "[hvmux: "));
	assert_int_equal(strncmp(log.data + log.len - 6, "after\n", 6), 0);
	/* The ring's last MiB is there, and nothing twice: all that was said is in the log or counted. */
	assert_in_range(
	    log.len + f.log_missing - strlen(mark), 13 + 3 * said.len, 14 + 3 * said.len);
	assert_memory_equal(
	    log.data + log.len - 6 - MIB / 2, said.data + said.len - MIB / 2, MIB / 2);
	buf_fini(&said);
	buf_fini(&log);
}

/* A disk that is merely slower than the guest loses nothing. */
static void slow_disk(void)
{
	poll(NULL, 0, 3);
}

static void test_slow(void **state)
{
	struct rig *r = *state;
	struct buf said = BUF_INIT, log = BUF_INIT;

	__atomic_store_n(&conlog_writer_hook, slow_disk, __ATOMIC_RELEASE);
	lines(&said, 3 * MIB / 16);
	rig_say_n(r, said.data, said.len);
	RIG_UNTIL(r, seen(r) == said.len);
	hub_free(r->hub);
	r->hub = NULL;
	log_read(r, &log);
	assert_int_equal(log.len, said.len);
	assert_memory_equal(log.data, said.data, said.len);
	assert_int_equal(r->troubles, 0);
	buf_fini(&said);
	buf_fini(&log);
}

/* The end waits for a disk that hangs, but not for long; and what was left writes nothing that it should not. */
static void test_ends(void **state)
{
	struct rig *r = *state;
	struct buf log = BUF_INIT;
	uint64_t began;

	rig_say(r, "one\n");
	RIG_UNTIL(r, log_there(r, &log) && log.len == 4);
	disk_set(true);
	rig_say(r, "two\n");
	RIG_UNTIL(r, seen(r) == 8);
	began = loop_now_ms();
	hub_free(r->hub);
	r->hub = NULL;
	assert_in_range(loop_now_ms() - began, CONLOG_PATIENCE_MS - 200, CONLOG_PATIENCE_MS + 3000);
	disk_set(false);
	/* The thread ends by itself: its last act is the piece. */
	for (uint64_t until = loop_now_ms() + DEADLINE_MS; loop_now_ms() < until; rig_turn(r)) {
		log_read(r, &log);
		if (log.len >= 8)
			break;
	}
	assert_string_equal(log.data, "one\ntwo\n");
	buf_fini(&log);
}

/* It hangs when the log is opened: the guest is drained all the same, and all is written in the end. */
static void test_opening(void **state)
{
	struct rig *r = *state;
	struct buf log = BUF_INIT;

	hub_free(r->hub);
	close(r->guest);
	disk_set(true);
	rig_hub(r, false);
	hub_note(r->hub, RING_NOTE_BOOT, 0);
	rig_say(r, "hello\n");
	RIG_UNTIL(r, seen(r) == 6);
	RIG_UNTIL(r, r->troubles == 1);
	disk_set(false);
	RIG_UNTIL(r, r->mended == 1);
	assert_int_equal(r->missing, 0);
	hub_free(r->hub);
	r->hub = NULL;
	log_read(r, &log);
	assert_non_null(strstr(log.data, "[hvmux: the guest was started, "));
	assert_non_null(strstr(log.data, "Z]\nhello\n"));
	buf_fini(&log);
}

/* More notes between the bytes than a piece takes: each is there once, in its place. */
static void test_many_notes(void **state)
{
	struct rig *r = *state;
	struct buf log = BUF_INIT;
	const char *at;

	disk_set(true);
	for (unsigned i = 0; i < 3 * CONLOG_PIECE_NOTES; i++) {
		char line[32];

		snprintf(line, sizeof(line), "boot %u\n", i);
		hub_note(r->hub, RING_NOTE_BOOT, 0);
		rig_say(r, line);
		hub_drain(r->hub);
	}
	disk_set(false);
	hub_free(r->hub);
	r->hub = NULL;
	log_read(r, &log);
	at = log.data;
	for (unsigned i = 0; i < 3 * CONLOG_PIECE_NOTES; i++) {
		CLEANUP_FREE char *line = xasprintf("Z]\nboot %u\n", i);
		const char *next = strstr(at, line);

		assert_non_null(next);
		assert_true(next - at < 80); /* one mark and no other bytes before it */
		at = next + strlen(line);
	}
	assert_string_equal(at, "");
	buf_fini(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_hangs, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_slow, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_ends, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_opening, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_many_notes, setup, teardown),
	};
	return cmocka_run_group_tests_name("conlog_writer", tests, NULL, NULL);
}
