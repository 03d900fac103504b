/* recorder: a folder that is there whole or not at all; names that are taken; limits; a disk that refuses. */
#include "unit/cm.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/crashes.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/recorder.h"

struct world {
	char *dir;
	struct home home;
	struct loop *loop;
	struct buf said;
};

static void setup(struct world *w)
{
	struct err err;
	memset(w, 0, sizeof(*w));
	w->dir = cm_mkdtemp();
	setenv("HVMUX_HOME", w->dir, 1);
	assert_int_equal(home_init(&w->home, NULL, &err), 0);
	w->loop = loop_new();
}

static void teardown(struct world *w)
{
	loop_free(w->loop);
	home_fini(&w->home);
	buf_fini(&w->said);
	cm_rmdir(w->dir);
}

static void on_done(void *arg, const char *path, const struct err *err)
{
	struct world *w = arg;
	buf_clear(&w->said);
	buf_adds(&w->said, path != NULL ? path : err->msg);
	loop_stop(w->loop);
}

static void add(struct recording *r, const char *name, const char *text)
{
	struct buf b = BUF_INIT;
	buf_adds(&b, text);
	recording_add(r, name, &b);
}

static struct recording *make(struct world *w, const char *id)
{
	struct recording *r = recording_new(&w->home, "web1");
	r->id = xstrdup(id);
	r->keep = 3;
	r->keep_bytes = 1u << 20;
	r->seconds_ns = 1795258080000000000ull;
	r->seconds = xcalloc(2, sizeof(*r->seconds));
	r->seconds[1].cpu_permille = 990;
	r->n_seconds = 2;
	add(r, CRASHES_SUMMARY, "{\"reason\":\"panic\",\"detail\":\"it\"}\n");
	add(r, CRASHES_STORY, "Domain: web1\n");
	add(r, "serial0.raw", "one\r\n\033[31mtwo\033]0;evil\007\xff\r\n");
	return r;
}

static void write_one(struct world *w, struct recording *r)
{
	struct recorder *rec = recorder_new(w->loop, r, on_done, w);
	assert_non_null(rec);
	loop_run(w->loop);
	recorder_free(rec);
}

static void expect_file(const char *dir, const char *name, const char *want)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", dir, name);
	struct buf b = BUF_INIT;
	struct stat st;
	assert_int_equal(file_read(path, 65536, &b, NULL), 0);
	assert_string_equal(b.data, want);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07, 0);
	buf_fini(&b);
}

static void test_written(void **state)
{
	struct world w;
	struct crashes c;
	(void)state;
	setup(&w);
	CLEANUP_FREE char *want =
	    xasprintf("%s/log/web1/crashes/2026-11-21T10:48:00Z-panic", w.dir);
	CLEANUP_FREE char *second = xasprintf("%s-2", want);
	write_one(&w, make(&w, "2026-11-21T10:48:00Z-panic"));
	assert_string_equal(w.said.data, want);
	expect_file(want, "serial0.raw", "one\r\n\033[31mtwo\033]0;evil\007\xff\r\n");
	expect_file(want, "serial0.txt", "one\ntwo\xef\xbf\xbd\n");
	expect_file(want, "stats-seconds.csv",
	    "time,cpu_permille,rss_mib,disk_read_kib_s,disk_write_kib_s,net_rx_kib_s,net_tx_kib_s\n"
	    "2026-11-21T10:47:59.000Z,0,0,0,0,0,0\n2026-11-21T10:48:00.000Z,990,0,0,0,0,0\n");
	/* The same second and reason once more: nothing is replaced. */
	write_one(&w, make(&w, "2026-11-21T10:48:00Z-panic"));
	assert_string_equal(w.said.data, second);
	assert_int_equal(crashes_list(&w.home, "web1", &c, NULL), 0);
	assert_int_equal(c.n, 2);
	assert_string_equal(c.all[0].detail, "it");
	crashes_fini(&c);
	teardown(&w);
}

/* Limits hold from the first one on, and nothing that is half done stays. */
static void test_kept(void **state)
{
	struct world w;
	struct crashes c;
	(void)state;
	setup(&w);
	for (unsigned i = 0; i < 6; i++) {
		char id[40];
		snprintf(id, sizeof(id), "2026-11-21T10:48:0%uZ-crash", i);
		write_one(&w, make(&w, id));
	}
	assert_int_equal(crashes_list(&w.home, "web1", &c, NULL), 0);
	assert_int_equal(c.n, 3);
	assert_string_equal(c.all[0].id, "2026-11-21T10:48:05Z-crash");
	crashes_fini(&c);
	teardown(&w);
}

/* The domain's log folder is a file: it cannot be written, is said, and nobody waits for ever. */
static void test_refused(void **state)
{
	struct world w;
	(void)state;
	setup(&w);
	CLEANUP_FREE char *log = xasprintf("%s/log", w.dir);
	CLEANUP_FREE char *folder = xasprintf("%s/log/web1", w.dir);
	assert_int_equal(home_mkdir(&w.home, log, NULL), 0);
	assert_int_equal(file_write_atomic(folder, "", 0, 0600, NULL), 0);
	write_one(&w, make(&w, "2026-11-21T10:48:00Z-panic"));
	assert_non_null(strstr(w.said.data, "log/web1"));
	assert_null(strstr(w.said.data, "-panic"));
	teardown(&w);
}

/* Whoever ends waits for the thread, and what it was writing is there. */
static void test_freed_at_once(void **state)
{
	struct world w;
	struct crashes c;
	(void)state;
	setup(&w);
	assert_true(recorder_free(
	    recorder_new(w.loop, make(&w, "2026-11-21T10:48:00Z-crash"), on_done, &w)));
	assert_null(w.said.data);
	assert_int_equal(crashes_list(&w.home, "web1", &c, NULL), 0);
	assert_int_equal(c.n, 1);
	crashes_fini(&c);
	assert_false(recorder_free(NULL));
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_written),
	    cmocka_unit_test(test_kept),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_freed_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
