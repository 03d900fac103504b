/* model: the VMs from two folders and their status pages, in the order in which they are shown. */
#include "unit/cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "tui/model.h"

struct rig {
	char dir[64];
	struct home home;
	struct model *m;
};

static void define(struct rig *r, const char *name)
{
	struct err err = {0};
	CLEANUP_FREE char *dir = home_domains_dir(&r->home);
	assert_int_equal(home_mkdir(&r->home, dir, &err), 0);
	assert_int_equal(store_write(&r->home, name, "<domain/>", 9, &err), 0);
}

/* A supervisor's page: alive as long as the beat is young. */
static void publish(
    struct rig *r, const char *name, enum vm_state state, uint32_t cpu, uint64_t beat_ago_ns)
{
	struct err err = {0};
	struct status_writer w;
	struct status_page *p;
	CLEANUP_FREE char *dir = home_run_dir(&r->home, name),
	                  *path = home_run_file(&r->home, name, "status");
	assert_int_equal(home_mkdir(&r->home, dir, &err), 0);
	assert_int_equal(status_writer_open(&w, path, true, &err), 0);
	p = status_begin(&w);
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->state = state;
	p->vcpus = 1;
	p->memory_kib = 1 << 20;
	p->rss_kib = 3 << 20;
	p->beat_ns = loop_now_ns() - beat_ago_ns;
	p->seconds[p->seconds_count++ % STATUS_SECONDS] =
	    (struct status_sample){.cpu_permille = cpu};
	p->consoles = 1;
	snprintf(p->console[0].line, sizeof(p->console[0].line), "Login of %s", name);
	status_end(&w);
	status_writer_close(&w);
}

static int rig_open(void **state)
{
	struct rig *r = xcalloc(1, sizeof(*r));
	struct err err = {0};
	snprintf(r->dir, sizeof(r->dir), "/tmp/hvmux-model.XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	setenv("HVMUX_HOME", r->dir, 1);
	assert_int_equal(home_init(&r->home, NULL, &err), 0);
	r->m = model_new(&r->home, true);
	*state = r;
	return 0;
}

static int rig_close(void **state)
{
	struct rig *r = *state;
	model_free(r->m);
	home_fini(&r->home);
	file_remove_tree(r->dir, NULL);
	free(r);
	return 0;
}

static void check_rows(struct rig *r, const char *want)
{
	unsigned n;
	struct vm_entry **rows = model_rows(r->m, &n);
	struct buf b = BUF_INIT;
	for (unsigned i = 0; i < n; i++)
		buf_addf(&b, "%s%s", i ? " " : "", rows[i]->name);
	assert_string_equal(b.data ? b.data : "", want);
	buf_fini(&b);
}

static void refresh(struct rig *r)
{
	struct err err = {0};
	assert_int_equal(model_refresh(r->m, &err), 0);
}

static void nothing_there_is_an_empty_list(void **state)
{
	refresh(*state);
	check_rows(*state, "");
}

static void names_come_and_go(void **state)
{
	struct rig *r = *state;
	define(r, "web10");
	define(r, "web2");
	refresh(r);
	check_rows(r, "web2 web10");
	publish(r, "transient", VM_RUNNING, 5, 0);
	refresh(r);
	check_rows(r, "transient web2 web10");
	store_remove(&r->home, "web2", NULL);
	publish(r, "transient", VM_OFF, 0, 0);
	refresh(r);
	check_rows(r, "web10");
	assert_null(model_find(r->m, "web2"));
}

static void states_are_told_from_the_page(void **state)
{
	struct rig *r = *state;
	struct model_counts c;
	struct vm_entry *e;
	define(r, "a");
	define(r, "b");
	define(r, "c");
	define(r, "d");
	publish(r, "a", VM_RUNNING, 500, 0);
	publish(r, "b", VM_CRASHED, 0, 0);
	publish(r, "c", VM_RUNNING, 0, 60000000000ull); /* no beat, no process: it is gone */
	refresh(r);
	e = model_find(r->m, "a");
	assert_true(e->live);
	assert_int_equal(e->now.cpu_permille, 500);
	assert_int_equal(e->used_kib, e->memory_kib); /* never more than it has */
	assert_string_equal(vm_entry_state(model_find(r->m, "b")), "crashed");
	assert_false(model_find(r->m, "c")->live);
	assert_string_equal(vm_entry_state(model_find(r->m, "d")), "shut off");
	model_counts(r->m, &c);
	assert_int_equal(c.all, 4);
	assert_int_equal(c.running, 1);
	assert_int_equal(c.crashed, 1);
	assert_int_equal(c.off, 2);
}

static void order_and_filter(void **state)
{
	struct rig *r = *state;
	publish(r, "idle", VM_RUNNING, 0, 0);
	publish(r, "busy", VM_RUNNING, 900, 0);
	publish(r, "half", VM_PAUSED, 500, 0);
	define(r, "off");
	refresh(r);
	check_rows(r, "busy half idle off");
	model_sort(r->m, SORT_NAME, true);
	check_rows(r, "off idle half busy");
	model_sort(r->m, SORT_CPU, false);
	check_rows(r, "busy half idle off");
	model_sort(r->m, SORT_STATE, false);
	check_rows(r, "half busy idle off");
	model_sort(r->m, SORT_NAME, false);
	model_filter(r->m, "LOGIN OF b");
	check_rows(r, "busy");
	model_filter(r->m, "paused");
	check_rows(r, "half");
	model_filter(r->m, "");
	check_rows(r, "busy half idle off");
	assert_int_equal(model_index(r->m, "idle"), 2);
	assert_int_equal(model_index(r->m, "none"), -1);
}

static void marks_stay_with_the_name(void **state)
{
	struct rig *r = *state;
	struct model_counts c;
	define(r, "m");
	define(r, "z");
	refresh(r);
	model_find(r->m, "z")->marked = true;
	define(r, "a");
	refresh(r);
	model_sort(r->m, SORT_NAME, true);
	assert_true(model_find(r->m, "z")->marked);
	model_counts(r->m, &c);
	assert_int_equal(c.marked, 1);
}

static unsigned changes;
static void on_change(void *arg, const struct vm_entry *e, const char *before)
{
	(void)arg;
	changes++;
	assert_string_equal(before, "running");
	assert_string_equal(vm_entry_state(e), "paused");
}

static void changes_are_told_once(void **state)
{
	struct rig *r = *state;
	model_on_change(r->m, on_change, NULL);
	publish(r, "a", VM_RUNNING, 0, 0);
	refresh(r);
	refresh(r);
	assert_int_equal(changes, 0);
	publish(r, "a", VM_PAUSED, 0, 0);
	refresh(r);
	refresh(r);
	assert_int_equal(changes, 1);
}

static void shown_rows_have_history(void **state)
{
	struct rig *r = *state;
	struct vm_entry *e;
	for (uint32_t i = 1; i <= 5; i++)
		publish(r, "a", VM_RUNNING, i * 100, 0);
	refresh(r);
	model_window(r->m, 0, 10);
	e = model_find(r->m, "a");
	assert_int_equal(e->have, 5);
	assert_int_equal(e->history[MODEL_HISTORY - 1], 500);
	publish(r, "a", VM_RUNNING, 600, 0);
	refresh(r);
	assert_int_equal(e->have, 6);
	assert_int_equal(e->history[MODEL_HISTORY - 1], 600);
	CLEANUP_FREE char *watch = home_run_file(&r->home, "a", "watch");
	assert_int_equal(access(watch, F_OK), 0);
}

/* A log that stands still is said before the last line, whichever console's it is, and as long as it does. */
static void a_log_in_trouble(void **state)
{
	struct rig *r = *state;
	struct status_writer w;
	struct status_page *p;
	CLEANUP_FREE char *path = home_run_file(&r->home, "web1", "status");
	struct err err = {0};
	unsigned n;

	define(r, "web1");
	for (int trouble = 1; trouble >= 0; trouble--) {
		publish(r, "web1", VM_RUNNING, 0, 0);
		assert_int_equal(status_writer_open(&w, path, true, &err), 0);
		p = status_begin(&w);
		p->consoles = 2;
		snprintf(p->console[1].log_trouble, sizeof(p->console[1].log_trouble), "%s",
		    trouble ? "No space left on device" : "");
		status_end(&w);
		status_writer_close(&w);
		model_refresh(r->m, &err);
		assert_string_equal(model_rows(r->m, &n)[0]->line,
		    trouble ? "log stands still: No space left on device | Login of web1"
		            : "Login of web1");
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_open, rig_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(nothing_there_is_an_empty_list),
	    T(names_come_and_go),
	    T(states_are_told_from_the_page),
	    T(order_and_filter),
	    T(marks_stay_with_the_name),
	    T(changes_are_told_once),
	    T(shown_rows_have_history),
	    T(a_log_in_trouble),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
