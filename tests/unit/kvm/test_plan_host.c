/* The operations on the host: each may be carried out twice, and taken back when it was not carried out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/file.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "disk/chain_memory.h"
#include "kvm/plan.h"
#include "kvm/plan_host.h"
#include "kvm/plan_thread.h"

/* As the kernel does it: a failure is told once. */
static unsigned sync_fails;
int fsync(int fd)
{
	if (sync_fails == 0)
		return (int)syscall(SYS_fsync, fd);
	sync_fails--;
	errno = ENOSPC;
	return -1;
}

struct room {
	char dir[64];
	struct home home;
	int fd; /* that was kept */
	struct plan_host_ctx c;
};

static void keep_fd(void *arg, const char *name, int fd)
{
	struct room *r = arg;
	assert_true(str_eq(name, "disk") || str_eq(name, "save"));
	r->fd = fd;
}

static void drop_fd(void *arg, const char *name)
{
	struct room *r = arg;
	(void)name;
	cleanup_close(&r->fd);
	r->fd = -1;
}

static int setup(void **state)
{
	struct room *r = xcalloc(1, sizeof(*r));
	struct err err;
	snprintf(r->dir, sizeof(r->dir), "/tmp/hvmux-plan-host.XXXXXX");
	if (mkdtemp(r->dir) == NULL)
		return -1;
	setenv("HVMUX_HOME", r->dir, 1);
	if (home_init(&r->home, NULL, &err) < 0)
		return -1;
	r->fd = -1;
	CLEANUP_FREE char *run = home_run_dir(&r->home, "w1");
	CLEANUP_FREE char *domains = home_domains_dir(&r->home);
	if (home_mkdir(&r->home, run, &err) < 0 || home_mkdir(&r->home, domains, &err) < 0)
		return -1;
	r->c = (struct plan_host_ctx){.home = &r->home,
	    .name = "w1",
	    .keep_fd = keep_fd,
	    .drop_fd = drop_fd,
	    .arg = r,
	    .began_ns = timestamp_ns()};
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct room *r = *state;
	if (r->fd >= 0)
		close(r->fd);
	file_remove_tree(r->dir, NULL);
	home_fini(&r->home);
	free(r);
	return 0;
}

static int run(struct room *r, const char *op, struct json_object *args, struct err *err)
{
	const struct plan_host_op *o = plan_host_find(op);
	assert_non_null(o);
	int rc = o->run(&r->c, args, err);
	json_object_put(args);
	return rc;
}

static char *path_in(const struct room *r, const char *name)
{
	return xasprintf("%s/%s", r->dir, name);
}

static void write_text(const char *path, const char *text)
{
	struct err err;
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, &err), 0);
}

static void assert_text(const char *path, const char *text)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct err err;
	assert_int_equal(file_read(path, 1u << 20, &b, &err), 0);
	buf_addc(&b, '\0');
	assert_string_equal(b.data, text);
}

static void test_open(void **state)
{
	struct room *r = *state;
	struct err err;
	CLEANUP_FREE char *path = path_in(r, "a.raw"), *none = path_in(r, "none.raw");
	write_text(path, "a");
	struct json_object *args = plan_args("name", "disk", "path", path, NULL);
	json_object_object_add(args, "write", json_object_new_boolean(1));
	assert_int_equal(run(r, "open", args, &err), 0);
	assert_int_equal(fcntl(r->fd, F_GETFL) & O_ACCMODE, O_RDWR);
	assert_int_equal(run(r, "close", plan_args("name", "disk", NULL), &err), 0);
	assert_int_equal(run(r, "close", plan_args("name", "disk", NULL), &err), 0);
	assert_int_equal(run(r, "open", plan_args("name", "disk", "path", none, NULL), &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(run(r, "open", plan_args("name", "disk", "path", "a", NULL), &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
}

static void test_copy_never_over_another(void **state)
{
	struct room *r = *state;
	struct err err;
	CLEANUP_FREE char *from = path_in(r, "from"), *to = path_in(r, "to");
	write_text(from, "variables");
	assert_int_equal(run(r, "copy", plan_args("from", from, "to", to, NULL), &err), 0);
	assert_text(to, "variables");
	write_text(from, "others");
	assert_int_equal(run(r, "copy", plan_args("from", from, "to", to, NULL), &err), -1);
	assert_int_equal(err.code, ERR_EXISTS);
	assert_text(to, "variables");
}

/* A plan's undo finds the file of somebody else, which had been there before: it stays. */
static void remove_only_new(struct room *r, const char *op)
{
	struct err err;
	CLEANUP_FREE char *path = path_in(r, "file");
	write_text(path, "mine");
	for (unsigned old = 0; old < 2; old++) {
		struct json_object *args = plan_args("path", path, NULL);
		json_object_object_add(args, "only_new", json_object_new_boolean(1));
		r->c.began_ns = old == 0 ? timestamp_ns() + 3600000000000u : 1;
		assert_int_equal(run(r, op, args, &err), 0);
		assert_int_equal(access(path, F_OK), old == 0 ? 0 : -1);
	}
	assert_int_equal(run(r, op, plan_args("path", path, NULL), &err), 0);
}

static void test_remove_only_new(void **state)
{
	remove_only_new(*state, "remove");
	remove_only_new(*state, "overlay-drop");
}

static void make_overlay(struct room *r, const char *path, const char *backing)
{
	struct err err;
	struct json_object *args =
	    plan_args("path", path, "backing", backing, "backing_format", "raw", NULL);
	unlink(path);
	json_object_object_add(args, "size", json_object_new_int(65536));
	assert_int_equal(run(r, "overlay", args, &err), 0);
}

static void assert_remembered(struct room *r, const char *path, const char *below)
{
	struct chain c;
	struct err err;
	char *who = NULL;
	assert_int_equal(chain_recall(&r->home, path, &c, &who, &err), below != NULL);
	if (below != NULL)
		assert_string_equal(c.links[1].path, below);
	chain_fini(&c);
	free(who);
}

/* The guest has the first disk already and may have written its header: what that names now is not what is remembered. */
static void test_chains_of_one_disk(void **state)
{
	struct room *r = *state;
	struct err err;
	CLEANUP_FREE char *a = path_in(r, "a.qcow2"), *b = path_in(r, "b.qcow2");
	CLEANUP_FREE char *base = path_in(r, "base"), *evil = path_in(r, "evil");
	CLEANUP_FREE char *live = home_run_file(&r->home, "w1", "live.xml");
	CLEANUP_FREE char *xml = xasprintf(
	    "<domain type='kvm'><name>w1</name><memory>65536</memory><os><type>hvm</type></os><devices>"
	    "<disk type='file'><driver type='qcow2'/><source file='%s'/><target dev='vda'/></disk>"
	    "<disk type='file'><driver type='qcow2'/><source file='%s'/><target dev='vdb'/></disk>"
	    "</devices></domain>",
	    a, b);
	write_text(live, xml);
	write_text(base, "base");
	write_text(evil, "evil");
	make_overlay(r, a, base);
	make_overlay(r, b, base);
	assert_int_equal(run(r, "chains", plan_args("target", "vda", NULL), &err), 0);
	assert_remembered(r, a, base);
	assert_remembered(r, b, NULL);
	make_overlay(r, a, evil);
	assert_int_equal(run(r, "chains", plan_args("target", "vdb", NULL), &err), 0);
	assert_remembered(r, a, base);
	assert_remembered(r, b, base);
	assert_int_equal(run(r, "chains", json_object_new_object(), &err), -1);
}

static void test_rename(void **state)
{
	struct room *r = *state;
	struct err err;
	CLEANUP_FREE char *from = path_in(r, "from"), *to = path_in(r, "to");
	write_text(from, "one");
	assert_int_equal(run(r, "rename", plan_args("from", from, "to", to, NULL), &err), 0);
	assert_int_equal(run(r, "rename", plan_args("from", from, "to", to, NULL), &err), 0);
	write_text(from, "two");
	assert_int_equal(run(r, "rename", plan_args("from", from, "to", to, NULL), &err), -1);
	assert_text(to, "one");
}

#define HEAD "<domain type=\"kvm\">\n  <name>w1</name>\n"
#define TAIL "</domain>\n"

/* A tag that somebody set while the plan went on is not lost, whichever way it ends. */
static void test_live_keeps_what_others_write(void **state)
{
	struct room *r = *state;
	struct err err;
	CLEANUP_FREE char *path = home_run_file(&r->home, "w1", "live.xml");
	static const char was[] = HEAD "  <title>old</title>\n" TAIL;
	static const char xml[] = HEAD "  <title>old</title>\n  <vcpu>2</vcpu>\n" TAIL;
	write_text(path, was);
	assert_int_equal(run(r, "live", plan_args("xml", xml, "was", was, NULL), &err), 0);
	assert_text(path, xml);
	write_text(path,
	    HEAD "  <title>new</title>\n  <metadata><a/></metadata>\n  <vcpu>2</vcpu>\n" TAIL);
	assert_int_equal(run(r, "live", plan_args("xml", was, "was", xml, NULL), &err), 0);
	CLEANUP_BUF struct buf b = BUF_INIT;
	assert_int_equal(file_read(path, 1u << 20, &b, &err), 0);
	buf_addc(&b, '\0');
	assert_non_null(strstr(b.data, "<title>new</title>"));
	assert_non_null(strstr(b.data, "<metadata><a/></metadata>"));
	assert_null(strstr(b.data, "<vcpu>"));
}

/* What others have tuned since the plan was made stays; what the plan changes is as the plan has it. */
static void test_live_keeps_what_others_tuned(void **state)
{
	struct room *r = *state;
	struct err err;
	CLEANUP_FREE char *path = home_run_file(&r->home, "w1", "live.xml");
	CLEANUP_BUF struct buf b = BUF_INIT;
	static const char was[] =
	    HEAD "  <vcpu>1</vcpu>\n  <blkiotune><weight>100</weight></blkiotune>\n" TAIL;
	static const char xml[] =
	    HEAD "  <vcpu>2</vcpu>\n  <blkiotune><weight>100</weight></blkiotune>\n" TAIL;
	write_text(path, HEAD "  <vcpu>7</vcpu>\n  <cputune><shares>5</shares></cputune>\n" TAIL);
	assert_int_equal(run(r, "live", plan_args("xml", xml, "was", was, NULL), &err), 0);
	assert_int_equal(file_read(path, 1u << 20, &b, &err), 0);
	buf_addc(&b, '\0');
	assert_non_null(strstr(b.data, "<vcpu>2</vcpu>"));
	assert_non_null(strstr(b.data, "<shares>5</shares>"));
	assert_null(strstr(b.data, "blkiotune"));
}

/* A machine that has ended gets no live document back. */
static void test_live_of_the_ended(void **state)
{
	struct room *r = *state;
	struct err err;
	CLEANUP_FREE char *path = home_run_file(&r->home, "w1", "live.xml");
	assert_int_equal(run(r, "live", plan_args("xml", HEAD TAIL, NULL), &err), 0);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_define(void **state)
{
	struct room *r = *state;
	struct err err;
	static const char one[] = HEAD TAIL, two[] = HEAD "<vcpu>2</vcpu>" TAIL;
	CLEANUP_FREE char *path = home_domain_xml(&r->home, "w1");
	write_text(path, one);
	assert_int_equal(run(r, "define", plan_args("xml", two, "was", one, NULL), &err), 0);
	assert_text(path, two);
	assert_int_equal(run(r, "define", plan_args("xml", two, "was", one, NULL), &err), 0);
	write_text(path, HEAD "<vcpu>3</vcpu>" TAIL);
	assert_int_equal(run(r, "define", plan_args("xml", one, "was", two, NULL), &err), -1);
	assert_int_equal(err.code, ERR_BUSY);
	assert_text(path, HEAD "<vcpu>3</vcpu>" TAIL);
}

/* --- in a thread --- */

struct done {
	struct loop *loop;
	unsigned n;
	struct err err;
};

static void on_done(void *arg, const struct err *err)
{
	struct done *d = arg;
	d->n++;
	d->err = err == NULL ? (struct err){0} : *err;
	loop_stop(d->loop);
}

static void test_thread(void **state)
{
	struct room *r = *state;
	struct done d = {.loop = loop_new()};
	CLEANUP_FREE char *from = path_in(r, "from"), *to = path_in(r, "to");
	write_text(from, "text");
	for (unsigned i = 0; i < 2; i++) {
		struct json_object *args = plan_args("from", from, "to", to, NULL);
		struct plan_thread *t =
		    plan_thread_new(d.loop, plan_host_find("copy"), &r->c, args, on_done, &d);
		json_object_put(args); /* the thread has its own */
		assert_non_null(t);
		loop_run(d.loop);
		plan_thread_free(t);
		assert_int_equal(d.n, i + 1);
		assert_int_equal(d.err.code, i == 0 ? ERR_NONE : ERR_EXISTS);
	}
	assert_text(to, "text");
	loop_free(d.loop);
}

static void test_save_not_written(void **state)
{
	struct room *r = *state;
	struct err err = {0};
	CLEANUP_FREE char *part = path_in(r, "w1.save.part"), *path = path_in(r, "w1.save");
	struct json_object *args =
	    plan_args("name", "save", "part", part, "path", path, "xml", "<domain/>", NULL);
	assert_int_equal(plan_host_find("save-begin")->run(&r->c, args, &err), 0);
	sync_fails = 1;
	assert_int_equal(plan_host_find("save-finish")->run(&r->c, args, &err), -1);
	assert_non_null(strstr(err.msg, "No space left"));
	assert_int_equal(sync_fails, 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(plan_host_find("save-finish")->run(&r->c, args, &err), 0);
	assert_int_equal(access(path, F_OK), 0);
	json_object_put(args);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_open, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_copy_never_over_another, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_remove_only_new, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_chains_of_one_disk, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rename, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_live_keeps_what_others_write, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_live_keeps_what_others_tuned, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_live_of_the_ended, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_define, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_thread, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_save_not_written, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
