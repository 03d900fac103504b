/* Jobs with the real runner: this program is what it runs, and plays the command. */
#include "unit/cm.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "core/job.h"
#include "core/progress.h"
#include "core/str.h"
#include "core/vm_process.h"

#define DEADLINE_MS 30000

struct world {
	char *dir;
	struct home home;
	struct err err;
};

static void setup(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->dir = cm_mkdtemp();
	setenv("HVMUX_HOME", w->dir, 1);
	assert_int_equal(home_init(&w->home, NULL, &w->err), 0);
}

static void teardown(struct world *w)
{
	home_fini(&w->home);
	cm_rmdir(w->dir);
}

static unsigned start(struct world *w, const char *first, const char *second)
{
	const char *words[] = {first, second, NULL};
	unsigned id = 0;
	if (job_start(&w->home, words, &id, &w->err) < 0)
		fail_msg("%s", w->err.msg);
	return id;
}

static void read_job(struct world *w, unsigned id, struct job_info *j)
{
	if (job_read(&w->home, id, j, &w->err) < 0)
		fail_msg("%s", w->err.msg);
}

/* The job once it has ended. */
static void await_end(struct world *w, unsigned id, struct job_info *j)
{
	read_job(w, id, j);
	if (!job_wait(j, DEADLINE_MS))
		fail_msg("job %u runs still", id);
	job_info_fini(j);
	read_job(w, id, j);
}

static void await_text(struct world *w, unsigned id, const char *text)
{
	struct job_info j;
	for (int i = 0; i < DEADLINE_MS / 10; i++) {
		read_job(w, id, &j);
		bool there = str_eq(j.text, text);
		bool gone = !there && job_wait(&j, 10);
		job_info_fini(&j);
		if (there)
			return;
		if (gone)
			break;
	}
	fail_msg("job %u never said '%s'", id, text);
}

static void test_state(void **state)
{
	(void)state;
	char text[JOB_STATE_BYTES];
	struct job_info j = {.status = JOB_STATUS_FAILED,
	    .ended_ns = 77,
	    .done = 5,
	    .total = UINT64_MAX,
	    .told_ns = 9,
	    .exit = 130,
	    .signal = 2,
	    .runner = 4711,
	    .command = 4712,
	    .runner_start = 1234567,
	    .command_start = 1234568};
	struct job_info back = {0};
	snprintf(j.text, sizeof(j.text), "cluster 1\033[2J");
	job_state_format(&j, text);
	assert_int_equal(text[JOB_STATE_BYTES - 1], '\n');
	assert_true(job_state_parse(text, sizeof(text), &back));
	assert_int_equal(back.status, JOB_STATUS_FAILED);
	assert_int_equal(back.ended_ns, 77);
	assert_int_equal(back.done, 5);
	assert_true(back.total == UINT64_MAX);
	assert_int_equal(back.told_ns, 9);
	assert_int_equal(back.exit, 130);
	assert_int_equal(back.signal, 2);
	assert_int_equal(back.runner, 4711);
	assert_int_equal(back.command, 4712);
	assert_int_equal(back.runner_start, 1234567);
	assert_int_equal(back.command_start, 1234568);
	assert_string_equal(back.text, "cluster 1?[2J");
	assert_false(job_state_parse(text, sizeof(text) - 1, &back));
	text[0] = 'x';
	assert_false(job_state_parse(text, sizeof(text), &back));
}

/* The longest text does not reach the state's end. */
static void test_state_full(void **state)
{
	(void)state;
	char text[JOB_STATE_BYTES];
	struct job_info j = {.status = JOB_STATUS_CANCELLED,
	    .ended_ns = UINT64_MAX,
	    .done = UINT64_MAX,
	    .total = UINT64_MAX,
	    .told_ns = UINT64_MAX,
	    .runner_start = UINT64_MAX,
	    .command_start = UINT64_MAX};
	struct job_info back = {0};
	memset(j.text, 'x', sizeof(j.text) - 1);
	job_state_format(&j, text);
	assert_true(job_state_parse(text, sizeof(text), &back));
	assert_string_equal(back.text, j.text);
}

static void test_left(void **state)
{
	(void)state;
	const uint64_t s = 1000000000u;
	struct job_info j = {.status = JOB_STATUS_RUNNING,
	    .started_ns = 100 * s,
	    .told_ns = 110 * s,
	    .done = 25,
	    .total = 100};
	assert_int_equal(job_left(&j, 110 * s), 30);
	assert_int_equal(job_left(&j, 120 * s), 20);
	assert_int_equal(job_left(&j, 200 * s), 0);
	j.done = 0;
	assert_int_equal(job_left(&j, 110 * s), -1);
	j.done = 101;
	assert_int_equal(job_left(&j, 110 * s), -1);
	j.done = 25;
	j.status = JOB_STATUS_DONE;
	assert_int_equal(job_left(&j, 110 * s), -1);
	j.status = JOB_STATUS_RUNNING;
	j.done = 1;
	j.total = UINT64_MAX;
	assert_int_equal(job_left(&j, 110 * s), -1);
}

static void test_ends(void **state)
{
	(void)state;
	struct world w;
	struct job_info j;
	CLEANUP_BUF struct buf out = BUF_INIT;
	setup(&w);
	assert_int_equal(start(&w, "good", "a b"), 1);
	await_end(&w, 1, &j);
	assert_int_equal(j.status, JOB_STATUS_DONE);
	assert_string_equal(j.words[0], "good");
	assert_string_equal(j.words[1], "a b");
	assert_int_equal(j.done, 7);
	assert_int_equal(j.total, 9);
	assert_string_equal(j.text, "almost");
	assert_true(j.ended_ns >= j.started_ns);
	job_info_fini(&j);
	assert_int_equal(job_output(&w.home, 1, &out, &w.err), 0);
	assert_int_equal(out.len, strlen("words\nmore words\n"));
	assert_memory_equal(out.data, "words\nmore words\n", out.len);

	assert_int_equal(start(&w, "bad", NULL), 2);
	await_end(&w, 2, &j);
	assert_int_equal(j.status, JOB_STATUS_FAILED);
	assert_int_equal(j.exit, 3);
	job_info_fini(&j);
	assert_int_equal(job_cancel(&w.home, 2, &w.err), -1);
	assert_int_equal(w.err.code, ERR_STATE);
	assert_int_equal(job_read(&w.home, 3, &j, &w.err), -1);
	assert_int_equal(w.err.code, ERR_NOT_FOUND);
	teardown(&w);
}

/* A command that tells by core/progress. */
static void test_progress(void **state)
{
	(void)state;
	struct world w;
	struct job_info j;
	setup(&w);
	start(&w, "bulk", NULL);
	await_end(&w, 1, &j);
	assert_int_equal(j.status, JOB_STATUS_DONE);
	assert_int_equal(j.done, 4096);
	assert_int_equal(j.total, 4096);
	assert_true(j.told_ns >= j.started_ns);
	job_info_fini(&j);
	teardown(&w);
}

static void test_much_output(void **state)
{
	(void)state;
	struct world w;
	struct job_info j;
	CLEANUP_BUF struct buf out = BUF_INIT;
	setup(&w);
	start(&w, "loud", NULL);
	await_end(&w, 1, &j);
	assert_int_equal(j.status, JOB_STATUS_DONE);
	job_info_fini(&j);
	assert_int_equal(job_output(&w.home, 1, &out, &w.err), 0);
	assert_true(out.len > JOB_OUTPUT_MAX / 4);
	assert_memory_equal(out.data, "line ", 5);
	assert_memory_equal(out.data + out.len - strlen("line 99999\n"), "line 99999\n", 11);
	teardown(&w);
}

static void test_cancel(void **state)
{
	(void)state;
	struct world w;
	struct job_info j;
	setup(&w);
	start(&w, "sleepy", NULL);
	await_text(&w, 1, "asleep");
	read_job(&w, 1, &j);
	assert_int_equal(j.status, JOB_STATUS_RUNNING);
	job_info_fini(&j);
	assert_int_equal(job_cancel(&w.home, 1, &w.err), 0);
	await_end(&w, 1, &j);
	assert_int_equal(j.status, JOB_STATUS_CANCELLED);
	assert_int_equal(j.signal, SIGINT);
	job_info_fini(&j);
	teardown(&w);
}

/* It hears neither SIGINT nor SIGTERM; who asks thrice does not wait. */
static void test_cancel_deaf(void **state)
{
	(void)state;
	struct world w;
	struct job_info j;
	setup(&w);
	start(&w, "deaf", NULL);
	await_text(&w, 1, "deaf");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(job_cancel(&w.home, 1, &w.err), 0);
		read_job(&w, 1, &j);
		/* Signals that are the same become one while they wait to be taken. */
		assert_int_equal(job_wait(&j, i < 2 ? 200 : DEADLINE_MS), i == 2);
		job_info_fini(&j);
	}
	read_job(&w, 1, &j);
	assert_int_equal(j.status, JOB_STATUS_CANCELLED);
	assert_int_equal(j.signal, SIGKILL);
	job_info_fini(&j);
	teardown(&w);
}

/* kill -9 of the runner: the job is known to be lost, and its command does not go on unseen. */
static void test_lost(void **state)
{
	(void)state;
	struct world w;
	struct job_info j;
	setup(&w);
	start(&w, "sleepy", NULL);
	await_text(&w, 1, "asleep");
	read_job(&w, 1, &j);
	assert_int_equal(kill(j.runner, SIGKILL), 0);
	assert_true(job_wait(&j, DEADLINE_MS));
	for (int i = 0; i < DEADLINE_MS / 10 && vm_process_exists(j.command, j.command_start); i++)
		usleep(10000);
	assert_false(vm_process_exists(j.command, j.command_start));
	job_info_fini(&j);
	read_job(&w, 1, &j);
	assert_int_equal(j.status, JOB_STATUS_LOST);
	job_info_fini(&j);
	teardown(&w);
}

static void make_job(const struct world *w, unsigned id)
{
	char text[JOB_STATE_BYTES];
	static const char command[] = "{\"words\":[\"x\"],\"started\":1}";
	struct job_info j = {.status = JOB_STATUS_DONE, .ended_ns = 2};
	CLEANUP_FREE char *dir = job_path(&w->home, id, NULL);
	CLEANUP_FREE char *c = job_path(&w->home, id, "command");
	CLEANUP_FREE char *s = job_path(&w->home, id, "state");
	job_state_format(&j, text);
	assert_int_equal(home_mkdir(&w->home, dir, NULL), 0);
	assert_int_equal(file_write_atomic(c, command, sizeof(command) - 1, 0600, NULL), 0);
	assert_int_equal(file_write_atomic(s, text, sizeof(text), 0600, NULL), 0);
}

static void test_list(void **state)
{
	(void)state;
	struct world w;
	struct job_info *jobs, j;
	size_t n;
	setup(&w);
	assert_int_equal(job_list(&w.home, &jobs, &n, &w.err), 0);
	assert_int_equal(n, 0);
	job_list_free(jobs, n);
	for (unsigned id = 1; id <= JOB_KEPT + 20; id++)
		make_job(&w, id);
	CLEANUP_FREE char *odd = job_path(&w.home, 7777, NULL);
	assert_int_equal(mkdir(odd, 0700), 0);
	assert_int_equal(start(&w, "good", NULL), 7778);
	await_end(&w, 7778, &j);
	job_info_fini(&j);
	assert_int_equal(job_list(&w.home, &jobs, &n, &w.err), 0);
	assert_int_equal(n, JOB_KEPT);
	assert_int_equal(jobs[0].id, 7778);
	assert_int_equal(jobs[1].id, JOB_KEPT + 20);
	assert_int_equal(jobs[n - 1].id, 22);
	job_list_free(jobs, n);
	teardown(&w);
}

/* --- the command --- */

static void say(const char *progress)
{
	(void)fd_write_all(3, progress, strlen(progress));
}

static int command(const char *what)
{
	if (str_eq(what, "good")) {
		puts("words");
		fflush(stdout);
		fputs("more words\n", stderr);
		say("{\"done\":1,\"total\":9,\"text\":\"first\"}\n{\"done\":7,\"tot");
		say("al\":9,\"text\":\"almost\"}\n");
		return 0;
	}
	if (str_eq(what, "bad"))
		return 3;
	if (str_eq(what, "bulk")) {
		struct progress p;
		progress_start(&p, PROGRESS_SILENT, 2, 4096);
		progress_add(&p, 4096);
		progress_stop(&p, true);
		return 0;
	}
	if (str_eq(what, "loud")) {
		for (int i = 0; i < 100000; i++)
			printf("line %d\n", i);
		return 0;
	}
	if (str_eq(what, "deaf")) {
		signal(SIGINT, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
	}
	say(str_eq(what, "deaf") ? "{\"text\":\"deaf\"}\n" : "{\"text\":\"asleep\"}\n");
	for (;;)
		pause();
}

/* hvmux -c URI job-run ID --ready-fd 3, and hvmux -c URI --progress-fd 3 WORDS */
int main(int argc, char **argv)
{
	if (argc > 5 && str_eq(argv[3], "job-run")) {
		struct home h;
		uint64_t id = 0;
		if (home_init(&h, NULL, NULL) < 0 || str_u64(argv[4], JOB_ID_MAX, &id) < 0)
			return 1;
		int rc = job_run(&h, (unsigned)id, 3);
		home_fini(&h);
		return rc;
	}
	if (argc > 5 && str_eq(argv[3], "--progress-fd"))
		return command(argv[5]);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_state),
	    cmocka_unit_test(test_state_full),
	    cmocka_unit_test(test_left),
	    cmocka_unit_test(test_ends),
	    cmocka_unit_test(test_progress),
	    cmocka_unit_test(test_much_output),
	    cmocka_unit_test(test_cancel),
	    cmocka_unit_test(test_cancel_deaf),
	    cmocka_unit_test(test_lost),
	    cmocka_unit_test(test_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
