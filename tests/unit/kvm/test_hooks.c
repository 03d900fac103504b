#include "unit/cm.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "core/buf.h"
#include "core/log.h"
#include "kvm/hooks.h"

struct world {
	char *dir, *folder, *out;
	struct home home;
	struct loop *loop;
	struct hooks *hooks;
	struct buf results;
	unsigned waiting;
};

static void setup(struct world *w, unsigned timeout_s)
{
	struct err err;
	memset(w, 0, sizeof(*w));
	w->dir = cm_mkdtemp();
	setenv("HVMUX_HOME", w->dir, 1);
	assert_int_equal(home_init(&w->home, NULL, &err), 0);
	w->folder = xasprintf("%s/etc/hooks.d", w->dir);
	w->out = xasprintf("%s/out", w->dir);
	assert_int_equal(home_mkdir(&w->home, w->folder, &err), 0);
	CLEANUP_FREE char *log = xasprintf("%s/log.txt", w->dir);
	log_open(log);
	w->loop = loop_new();
	w->hooks = hooks_new(w->loop, &w->home, "web1", timeout_s);
}

static void teardown(struct world *w)
{
	hooks_free(w->hooks);
	loop_free(w->loop);
	log_open(NULL);
	home_fini(&w->home);
	buf_fini(&w->results);
	free(w->folder);
	free(w->out);
	cm_rmdir(w->dir);
}

static void script(struct world *w, const char *name, mode_t mode, const char *text)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", w->folder, name);
	CLEANUP_FREE char *all = xasprintf("#!/bin/sh\nout=$HVMUX_HOME/out\n%s\n", text);
	assert_int_equal(file_write_atomic(path, all, strlen(all), 0700, NULL), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void done(void *arg, enum hook_op op, const struct err *err)
{
	struct world *w = arg;
	buf_addf(&w->results, "%s %s; ", hook_op_name(op), err == NULL ? "ok" : err->msg);
	if (--w->waiting == 0)
		loop_stop(w->loop);
}

static void ask(struct world *w, enum hook_op op)
{
	w->waiting++;
	hooks_run(w->hooks, op, "<domain/>", 9, done, w);
}

static void expect(struct buf *b, const char *want)
{
	char *got = buf_take(b);
	assert_string_equal(got, want);
	free(got);
}

static void expect_out(struct world *w, const char *want)
{
	struct buf b = BUF_INIT;
	file_read(w->out, 65536, &b, NULL);
	expect(&b, want);
	unlink(w->out);
}

static bool any(const struct world *w)
{
	char *idle;
	bool yes = hooks_any(&w->home, &idle);
	free(idle);
	return yes;
}

static void test_called(void **state)
{
	(void)state;
	struct world w;
	setup(&w, 10);
	char *idle;
	assert_false(hooks_any(&w.home, &idle));
	assert_null(idle);
	script(&w, "20-b", 0755, "echo b \"$@\" >>\"$out\"");
	script(&w, "10-a", 0700,
	    "echo a \"$1 $2 $3 $4 $#\" \"$(cat)\" >>\"$out\"; env | grep -c . >>\"$out\"");
	script(&w, "README", 0644, "echo never >>\"$out\"");
	script(&w, "10-a~", 0755, "echo never >>\"$out\"");
	assert_true(hooks_any(&w.home, &idle));
	CLEANUP_FREE char *readme = xasprintf("%s/README", w.folder);
	assert_string_equal(idle, readme);
	free(idle);
	ask(&w, HOOK_PREPARE);
	expect(&w.results, ""); /* never at once */
	loop_run(w.loop);
	expect(&w.results, "prepare ok; ");
	/* PATH, LC_ALL, HOME, HVMUX_URI, HVMUX_HOME and the shell's own PWD. */
	expect_out(&w, "a web1 prepare begin - 4 <domain/>\n6\nb web1 prepare begin -\n");
	ask(&w, HOOK_STOPPED);
	ask(&w, HOOK_RELEASED);
	loop_run(w.loop);
	expect(&w.results, "stopped ok; released ok; ");
	expect_out(&w, "a web1 stopped end - 4 <domain/>\n6\nb web1 stopped end -\n"
	               "a web1 released end - 4 <domain/>\n6\nb web1 released end -\n");
	teardown(&w);
}

static void test_failures(void **state)
{
	(void)state;
	struct world w;
	setup(&w, 10);
	script(&w, "a", 0755, "echo hello; echo 'no such bridge: br7' >&2; exit 3");
	script(&w, "b", 0755, "echo b $2 >>\"$out\"");
	ask(&w, HOOK_PREPARE);
	loop_run(w.loop);
	CLEANUP_FREE char *says =
	    xasprintf("prepare the hook '%s/a' says: no such bridge: br7; ", w.folder);
	expect(&w.results, says);
	expect_out(&w, ""); /* what follows would stand on it */
	/* Nothing is refused by what comes after the fact: every other hook still hears of it. */
	script(&w, "a", 0755, "kill -9 $$");
	ask(&w, HOOK_RELEASED);
	loop_run(w.loop);
	CLEANUP_FREE char *killed =
	    xasprintf("released the hook '%s/a' was killed by signal 9; ", w.folder);
	expect(&w.results, killed);
	expect_out(&w, "b released\n");
	script(&w, "a", 0755, "exit 4");
	ask(&w, HOOK_PREPARE);
	loop_run(w.loop);
	CLEANUP_FREE char *silent =
	    xasprintf("prepare the hook '%s/a' failed with exit status 4; ", w.folder);
	expect(&w.results, silent);
	CLEANUP_FREE char *path = xasprintf("%s/a", w.folder);
	assert_int_equal(file_write_atomic(path, "#!/no/such/shell\n", 17, 0755, NULL), 0);
	ask(&w, HOOK_PREPARE);
	loop_run(w.loop);
	CLEANUP_FREE char *cannot = xasprintf(
	    "prepare the hook '%s/a' says: cannot run it: No such file or directory; ", w.folder);
	expect(&w.results, cannot);
	teardown(&w);
}

/* The whole group: a shell's child would else go on. */
static void test_timeout(void **state)
{
	(void)state;
	struct world w;
	setup(&w, 1);
	script(&w, "a", 0755, "echo started; sleep 60 & echo $! >\"$out\"; wait");
	ask(&w, HOOK_PREPARE);
	uint64_t began = loop_now_ms();
	loop_run(w.loop);
	assert_in_range(loop_now_ms() - began, 900, 20000);
	CLEANUP_FREE char *late =
	    xasprintf("prepare the hook '%s/a' was not done after 1 s and was killed; ", w.folder);
	expect(&w.results, late);
	struct buf b = BUF_INIT;
	assert_int_equal(file_read(w.out, 100, &b, NULL), 0);
	pid_t child = atoi(b.data);
	buf_fini(&b);
	assert_true(child > 1);
	for (int i = 0; i < 1000 && kill(child, 0) == 0; i++) {
		char path[48];
		struct buf stat = BUF_INIT;
		snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
		bool zombie = file_read(path, 4096, &stat, NULL) < 0 || strstr(stat.data, ") Z ");
		buf_fini(&stat);
		if (zombie)
			break;
		assert_int_not_equal(i, 999);
		usleep(10000);
	}
	teardown(&w);
}

static void test_abort(void **state)
{
	(void)state;
	struct world w;
	setup(&w, 60);
	script(&w, "a", 0755, "case $2 in prepare) exec sleep 60 ;; esac; echo $2 >>\"$out\"");
	ask(&w, HOOK_PREPARE);
	ask(&w, HOOK_PREPARE);
	ask(&w, HOOK_RELEASED);
	event_base_loop(loop_base(w.loop), EVLOOP_ONCE | EVLOOP_NONBLOCK);
	assert_true(hooks_abort_prepare(w.hooks));
	assert_false(hooks_abort_prepare(w.hooks));
	loop_run(w.loop);
	const char *got = w.results.data;
	assert_non_null(
	    strstr(got, "prepare ended before its hooks had prepared it; released ok; "));
	expect_out(&w, "released\n");
	teardown(&w);
}

/* Output without end, a background child that keeps the pipe, a program that does not read its input. */
static void test_bad_manners(void **state)
{
	(void)state;
	struct world w;
	setup(&w, 20);
	script(&w, "a", 0755,
	    "yes $(printf 'x\\033[31m') | head -c 3000000; sleep 60 & echo $! >\"$out\"");
	w.waiting = 1;
	size_t n = 4u << 20;
	char *xml = xcalloc(n, 1);
	memset(xml, 'x', n);
	hooks_run(w.hooks, HOOK_STARTED, xml, n, done, &w);
	free(xml);
	loop_run(w.loop);
	expect(&w.results, "started ok; ");
	struct buf b = BUF_INIT;
	CLEANUP_FREE char *log = xasprintf("%s/log.txt", w.dir);
	assert_int_equal(file_read(log, 16u << 20, &b, NULL), 0);
	assert_true(b.len < 2 * HOOKS_OUTPUT_MAX);
	assert_non_null(strstr(b.data, "hook a started: x\\x1b[31m"));
	assert_non_null(strstr(b.data, "says more than is kept"));
	assert_null(strchr(b.data, '\033'));
	buf_fini(&b);
	assert_int_equal(file_read(w.out, 100, &b, NULL), 0);
	assert_int_equal(kill(atoi(b.data), SIGKILL), 0);
	buf_fini(&b);
	teardown(&w);
}

static void test_not_safe(void **state)
{
	(void)state;
	struct world w;
	setup(&w, 10);
	script(&w, "group", 0775, "echo never >>\"$out\"");
	script(&w, "others", 0757, "echo never >>\"$out\"");
	CLEANUP_FREE char *link = xasprintf("%s/link", w.folder);
	assert_int_equal(symlink("/bin/false", link), 0);
	assert_false(any(&w));
	ask(&w, HOOK_PREPARE);
	loop_run(w.loop);
	expect(&w.results, "prepare ok; ");
	script(&w, "good", 0755, "exit 1");
	assert_true(any(&w));
	assert_int_equal(chmod(w.folder, 0777), 0);
	assert_false(any(&w));
	expect_out(&w, "");
	teardown(&w);
}

/* Given up with one at work: nothing of it stays. */
static void test_free_while_running(void **state)
{
	(void)state;
	struct world w;
	setup(&w, 60);
	script(&w, "a", 0755, "exec sleep 60");
	hooks_run(w.hooks, HOOK_STARTED, "", 0, done, &w);
	hooks_run(w.hooks, HOOK_STARTED, "", 0, done, &w);
	event_base_loop(loop_base(w.loop), EVLOOP_ONCE | EVLOOP_NONBLOCK);
	teardown(&w);
}

/* A prepare behind them says that they are through. */
static void settle(struct world *w)
{
	ask(w, HOOK_RELEASED);
	loop_run(w->loop);
	buf_clear(&w->results);
}

static void test_match(void **state)
{
	(void)state;
	struct world w;
	setup(&w, 10);
	script(&w, ".page", 0755,
	    "echo \"$# $1 $2 $3 $4 $HVMUX_DOMAIN $HVMUX_TRIGGER $HVMUX_PORT: $(cat)\" >>\"$out\"");
	CLEANUP_FREE char *made = xasprintf("%s/.page", w.folder);
	CLEANUP_FREE char *plain = xasprintf("%s/page", w.dir);
	assert_int_equal(rename(made, plain), 0);
	/* Whatever the guest says: no word of it is a command, and none an argument. */
	assert_int_equal(
	    hooks_run_match(w.hooks, plain, "kernel panic", "serial0", "$(id); `id` | x"), 0);
	settle(&w);
	expect_out(&w,
	    "4 web1 console-match kernel panic serial0 web1 kernel panic serial0: $(id); `id` | x\n");
	/* A flood of them does not queue up. */
	int rc = 0;
	for (unsigned i = 0; i < 20; i++)
		rc |= hooks_run_match(w.hooks, plain, "t", "p", "line");
	assert_int_equal(rc, -1);
	settle(&w);
	unlink(w.out);
	/* Others may write to it, or to its folder; it is not there. */
	assert_int_equal(chmod(plain, 0777), 0);
	hooks_run_match(w.hooks, plain, "t", "p", "line");
	hooks_run_match(w.hooks, "/nowhere/at/all", "t", "p", "line");
	settle(&w);
	assert_int_equal(access(w.out, F_OK), -1);
	/* What was asked for before the end is told after it. */
	assert_int_equal(chmod(plain, 0755), 0);
	hooks_run_match(w.hooks, plain, "t", "p", "last");
	hooks_free(w.hooks);
	w.hooks = hooks_new(w.loop, &w.home, "web1", 10);
	for (unsigned i = 0; i < 1000 && access(w.out, F_OK) < 0; i++)
		nanosleep(&(struct timespec){0, 10000000}, NULL);
	settle(&w);
	assert_int_equal(access(w.out, F_OK), 0);
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_match),
	    cmocka_unit_test(test_called),
	    cmocka_unit_test(test_failures),
	    cmocka_unit_test(test_timeout),
	    cmocka_unit_test(test_abort),
	    cmocka_unit_test(test_bad_manners),
	    cmocka_unit_test(test_not_safe),
	    cmocka_unit_test(test_free_while_running),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
