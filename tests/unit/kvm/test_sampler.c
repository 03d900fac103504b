/* Figures of a real process (this test), and QMP's answers, honest and not. */
#include "unit/cm.h"

#include <signal.h>
#include <sys/wait.h>

#include "core/loop.h"
#include "kvm/sampler.h"

#define S 1000000000ull

struct fixture {
	char *dir, *status, *watch;
	struct status_writer page;
	struct sampler s;
};

static int setup(void **state)
{
	struct fixture *x = xcalloc(1, sizeof(*x));
	struct err err;
	x->dir = cm_mkdtemp();
	x->status = xasprintf("%s/status", x->dir);
	x->watch = xasprintf("%s/watch", x->dir);
	if (status_writer_open(&x->page, x->status, false, &err) < 0)
		return -1;
	sampler_init(&x->s, &x->page, x->watch);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;
	sampler_fini(&x->s);
	status_writer_close(&x->page);
	free(x->status);
	free(x->watch);
	cm_rmdir(x->dir);
	free(x);
	return 0;
}

static void test_own_process(void **state)
{
	struct fixture *x = *state;
	const struct status_page *p = x->page.page;
	uint64_t now = loop_now_ns();
	sampler_attach(&x->s, getpid());
	sampler_tick(&x->s, now, 0);
	volatile unsigned spin = 0;
	while (loop_now_ns() - now < 50000000u)
		spin++;
	sampler_tick(&x->s, loop_now_ns(), 0);
	assert_int_not_equal(p->cpu_ns, 0);
	assert_in_range(p->rss_kib, 100, 1u << 30);
	assert_int_equal(p->seconds_count, 2);
	assert_in_range(p->seconds[1].cpu_permille, 1, 2000);
	assert_int_not_equal(p->beat_ns, 0);
	assert_int_equal(p->qmp_wait_ns, 0);
}

/* A process that sleeps is looked at less, and nothing that it did before or does later is missed. */
static void test_sleeping_process(void **state)
{
	struct fixture *x = *state;
	const struct status_page *p = x->page.page;
	enum { GROWTH = 32u << 20 };
	int go[2], done[2];
	char c;
	assert_int_equal(pipe(go) | pipe(done), 0);
	pid_t pid = fork();
	if (pid == 0) {
		while (read(go[0], &c, 1) == 1) {
			volatile char *m = xmalloc(GROWTH);
			for (size_t i = 0; i < GROWTH; i += 512)
				m[i] = 1;
			for (uint64_t end = loop_now_ns() + 50000000u; loop_now_ns() < end;)
				;
			if (write(done[1], &c, 1) != 1)
				break;
		}
		_exit(0);
	}
	sampler_attach(&x->s, pid);
	sampler_tick(&x->s, 10 * S, 0);
	uint64_t rss = p->rss_kib, busy = p->user_ns + p->system_ns;
	assert_in_range(rss, 100, 1u << 30);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(write(go[1], "x", 1), 1);
		assert_int_equal(read(done[0], &c, 1), 1);
		sampler_tick(&x->s, (20 + 10 * i) * S, 0);
		assert_in_range(p->rss_kib, rss + GROWTH / 1024 / 2, 1u << 30);
		rss = p->rss_kib;
		/* Nothing of it is left out by the ticks at which it slept. */
		for (unsigned k = 1; k < 4; k++)
			sampler_tick(&x->s, (20 + 10 * i + k) * S, 0);
		assert_true(p->rss_kib >= rss);
		assert_in_range(p->user_ns + p->system_ns, busy + 10000000u, UINT64_MAX);
		busy = p->user_ns + p->system_ns;
		assert_int_equal(p->seconds[p->seconds_count - 1].mem_mib, p->rss_kib / 1024);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (unsigned i = 0; i < 2; i++) {
		close(go[i]);
		close(done[i]);
	}
}

static void test_history_by_the_minute(void **state)
{
	struct fixture *x = *state;
	for (unsigned i = 0; i < STATUS_SECONDS + 10; i++)
		sampler_tick(&x->s, (i + 1) * S, 0);
	assert_int_equal(x->page.page->seconds_count, STATUS_SECONDS + 10);
	assert_int_equal(x->page.page->minutes_count, (STATUS_SECONDS + 10) / 60);
}

static void test_stopped_process(void **state)
{
	struct fixture *x = *state;
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	sampler_attach(&x->s, pid);
	sampler_tick(&x->s, 10 * S, 0);
	assert_int_equal(x->page.page->qmp_wait_ns, 0);
	assert_false(sampler_stopped(&x->s));
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	assert_true(sampler_stopped(&x->s));
	assert_int_equal(sampler_tick(&x->s, 15 * S, 0), 0); /* nothing is asked of it */
	assert_int_equal(x->page.page->qmp_wait_ns, 15 * S);
	sampler_tick(&x->s, 20 * S, 12 * S); /* an answer owed for longer counts from there */
	assert_int_equal(x->page.page->qmp_wait_ns, 12 * S);
	kill(pid, SIGCONT);
	waitpid(pid, NULL, WCONTINUED);
	sampler_tick(&x->s, 25 * S, 0);
	assert_int_equal(x->page.page->qmp_wait_ns, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	sampler_tick(&x->s, 30 * S, 0); /* gone: figures stay, nothing breaks */
}

static void test_counters_when_watched(void **state)
{
	struct fixture *x = *state;
	uint64_t now = loop_now_ns();
	unsigned asked = 0;
	sampler_attach(&x->s, getpid());
	for (unsigned i = 0; i < 60; i++)
		asked += (sampler_tick(&x->s, now + i * S, 0) & SAMPLER_WANT_COUNTERS) != 0;
	assert_in_range(asked, 2, 7); /* every 10 or 30 s */
	now += 100 * S;
	asked = 0;
	status_watch_touch(x->watch);
	now = loop_now_ns();
	for (unsigned i = 0; i < 5; i++)
		asked +=
		    (sampler_tick(&x->s, now + i * S + S / 10, 0) & SAMPLER_WANT_COUNTERS) != 0;
	assert_in_range(asked, 0, 5);
	assert_true(sampler_watched(&x->s, now + S));
	assert_false(sampler_watched(&x->s, now + STATUS_WATCH_NS + S));
}

static void give_blocks(struct fixture *x, uint64_t now, const char *text)
{
	struct json_object *o = json_tokener_parse(text);
	assert_non_null(o);
	sampler_blocks(&x->s, now, o);
	json_object_put(o);
}

static void test_blocks(void **state)
{
	struct fixture *x = *state;
	struct status_page *p = x->page.page;
	p->disks = 2;
	sampler_disk(&x->s, 0, "virtio-disk1");
	sampler_disk(&x->s, 1, "virtio-disk10");
	give_blocks(x, 10 * S,
	    "[{\"qdev\":\"/machine/peripheral/virtio-disk1/virtio-backend\",\"stats\":{\"rd_bytes\":1024,\"wr_bytes\":7,"
	    "\"failed_rd_operations\":2,\"failed_wr_operations\":3,\"failed_flush_operations\":-1}},"
	    "{\"qdev\":\"virtio-disk10\",\"stats\":{\"rd_bytes\":5}}]");
	assert_int_equal(p->disk[0].rd_bytes, 1024);
	assert_int_equal(p->disk[0].rd_failed, 2);
	assert_int_equal(p->disk[0].wr_failed, 3);
	assert_int_equal(p->disk[0].fl_failed, 0);
	assert_int_equal(p->disk[1].rd_bytes, 5);
	give_blocks(x, 12 * S,
	    "[{\"device\":\"virtio-disk1\",\"stats\":{\"rd_bytes\":2098176,\"wr_bytes\":7}},"
	    "{\"qdev\":\"virtio-disk10\",\"stats\":{\"rd_bytes\":5}}]");
	assert_int_equal(x->s.rd_kib, 1024);
	assert_int_equal(x->s.wr_kib, 0);
	sampler_tick(&x->s, 13 * S, 0);
	assert_int_equal(p->seconds[0].rd_kib, 1024);
}

static void test_hostile_answers(void **state)
{
	static const char *const texts[] = {"{}", "[]", "[1,null,{}]", "null",
	    "[{\"stats\":[],\"qdev\":5},{\"stats\":{\"rd_bytes\":-1,\"wr_bytes\":1e300}}]",
	    "[{\"thread-id\":1},{\"thread-id\":-1},{\"thread-id\":99999999999}]",
	    "{\"actual\":-5,\"stats\":{\"stat-free-memory\":-1},\"last-update\":1}"};
	struct fixture *x = *state;
	sampler_attach(&x->s, getpid());
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct json_object *o = json_tokener_parse(texts[i]);
		sampler_blocks(&x->s, (i + 1) * S, o);
		sampler_cpus(&x->s, o);
		sampler_balloon(&x->s, o);
		sampler_guest_stats(&x->s, o);
		json_object_put(o);
	}
	/* pid 1 is no thread of ours: its figures are not shown as a vCPU's */
	assert_int_equal(x->s.n_vcpus, 0);
	assert_int_equal(x->page.page->balloon_kib, 0);
	assert_int_equal(x->page.page->guest_free_kib, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_own_process),
	    T(test_sleeping_process),
	    T(test_history_by_the_minute),
	    T(test_stopped_process),
	    T(test_counters_when_watched),
	    T(test_blocks),
	    T(test_hostile_answers),
	};
	return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
