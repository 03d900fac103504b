#include "unit/cm.h"

#include <fcntl.h>

#include "core/home.h"
#include "core/store.h"
#include "disk/img_create.h"
#include "disk/users.h"

struct world {
	char *dir;
	struct home home;
	struct err err;
	struct users *u;
};

static void setup(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->dir = cm_mkdtemp();
	setenv("HVMUX_HOME", w->dir, 1);
	assert_int_equal(home_init(&w->home, NULL, &w->err), 0);
	w->u = users_new(&w->home);
}

static void teardown(struct world *w)
{
	users_free(w->u);
	home_fini(&w->home);
	cm_rmdir(w->dir);
}

static void make(struct world *w, const char *name, const char *backing)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", w->dir, name);
	struct img_create c = {.format = "qcow2",
	    .with_size = true,
	    .backing_as_told = true,
	    .qcow2 = {
	        .size = 1 << 20, .backing = backing, .backing_format = backing ? "qcow2" : NULL}};
	if (img_create_now(path, &c, &w->err) < 0)
		fail_msg("%s", w->err.msg);
}

static void define(struct world *w, const char *name, const char *disks)
{
	CLEANUP_FREE char *xml =
	    xasprintf("<domain type='qemu'><name>%s</name><memory>65536</memory>"
	              "<os><type>hvm</type></os><devices>%s</devices></domain>",
	        name, disks);
	CLEANUP_FREE char *dir = home_domains_dir(&w->home);
	assert_int_equal(home_mkdir(&w->home, dir, &w->err), 0);
	CLEANUP_CLOSE int lock = store_lock(&w->home, &w->err);
	assert_true(lock >= 0);
	assert_int_equal(store_write(&w->home, name, xml, strlen(xml), &w->err), 0);
}

static char *disk(
    struct world *w, const char *file, const char *format, const char *target, const char *more)
{
	return xasprintf("<disk type='file'><driver name='qemu' type='%s'/><source file='%s/%s'/>"
	                 "<target dev='%s'/>%s</disk>",
	    format, w->dir, file, target, more);
}

static void expect(struct world *w, const char *file, const char *words)
{
	struct user list[8];
	CLEANUP_FREE char *path = xasprintf("%s/%s", w->dir, file);
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (users_refresh(w->u, &w->err) < 0)
		fail_msg("%s", w->err.msg);
	users_words(list, users_of(w->u, path, list, 8), &b);
	buf_addc(&b, '\0');
	assert_string_equal(b.data, words);
}

static void test_disks(void **state)
{
	(void)state;
	struct world w;
	setup(&w);
	expect(&w, "a.qcow2", "");
	make(&w, "base.qcow2", NULL);
	make(&w, "a.qcow2", "base.qcow2");
	make(&w, "b.qcow2", "a.qcow2");
	CLEANUP_FREE char *a = disk(&w, "a.qcow2", "qcow2", "vda", ""),
	                  *b = disk(&w, "b.qcow2", "qcow2", "sda", ""),
	                  *gone = disk(&w, "gone.img", "raw", "vdb", "<readonly/>"),
	                  *more = xasprintf("%s%s", b, gone);
	define(&w, "v1", a);
	define(&w, "v2", more);
	CLEANUP_FREE char *under_a =
	    xasprintf("v1 (vda), v2 (sda, as a backing file of '%s/b.qcow2')", w.dir);
	CLEANUP_FREE char *under_base = xasprintf(
	    "v1 (vda, as a backing file of '%s/a.qcow2'), v2 (sda, as a backing file of '%s/b.qcow2')",
	    w.dir, w.dir);
	expect(&w, "a.qcow2", under_a);
	expect(&w, "base.qcow2", under_base);
	expect(&w, "b.qcow2", "v2 (sda)");
	expect(&w, "gone.img", "v2 (vdb)");
	/* By another name of the same file. */
	CLEANUP_FREE char *to = xasprintf("%s/b.qcow2", w.dir),
	                  *link_name = xasprintf("%s/link", w.dir);
	assert_int_equal(symlink(to, link_name), 0);
	expect(&w, "link", "v2 (sda)");
	/* Gone again. */
	CLEANUP_FREE char *xml = home_domain_xml(&w.home, "v2");
	assert_int_equal(unlink(xml), 0);
	expect(&w, "a.qcow2", "v1 (vda)");
	expect(&w, "gone.img", "");
	teardown(&w);
}

/* A raw disk's guest may write what looks like a header. */
static void test_raw(void **state)
{
	(void)state;
	struct world w;
	setup(&w);
	make(&w, "base.qcow2", NULL);
	make(&w, "raw.img", "base.qcow2");
	CLEANUP_FREE char *a = disk(&w, "raw.img", "raw", "vda", "");
	define(&w, "v1", a);
	expect(&w, "raw.img", "v1 (vda)");
	expect(&w, "base.qcow2", "");
	teardown(&w);
}

/* The definition's own chain ends where it says. */
static void test_explicit(void **state)
{
	(void)state;
	struct world w;
	setup(&w);
	make(&w, "base.qcow2", NULL);
	make(&w, "mid.qcow2", "base.qcow2");
	make(&w, "top.qcow2", "mid.qcow2");
	CLEANUP_FREE char *more =
	    xasprintf("<backingStore type='file'><format type='qcow2'/>"
	              "<source file='%s/mid.qcow2'/><backingStore/></backingStore>",
	        w.dir);
	CLEANUP_FREE char *a = disk(&w, "top.qcow2", "qcow2", "vda", more);
	define(&w, "v1", a);
	expect(&w, "top.qcow2", "v1 (vda)");
	CLEANUP_FREE char *words =
	    xasprintf("v1 (vda, as a backing file of '%s/top.qcow2')", w.dir);
	expect(&w, "mid.qcow2", words);
	expect(&w, "base.qcow2", "");
	teardown(&w);
}

static void test_cached(void **state)
{
	(void)state;
	struct world w;
	setup(&w);
	make(&w, "a.qcow2", NULL);
	CLEANUP_FREE char *a = disk(&w, "a.qcow2", "qcow2", "vda", "");
	define(&w, "v1", a);
	/* Fresh files are read again until their times tell them from a later change: a second. */
	uint64_t reads = 0;
	for (int i = 0; i < 300; i++) {
		expect(&w, "a.qcow2", "v1 (vda)");
		if (users_reads(w.u) == reads)
			break;
		reads = users_reads(w.u);
		usleep(20000);
	}
	expect(&w, "a.qcow2", "v1 (vda)");
	assert_int_equal(users_reads(w.u), reads);
	make(&w, "base.qcow2", NULL);
	make(&w, "a.qcow2", "base.qcow2");
	CLEANUP_FREE char *words = xasprintf("v1 (vda, as a backing file of '%s/a.qcow2')", w.dir);
	expect(&w, "base.qcow2", words);
	assert_true(users_reads(w.u) > reads);
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_disks),
	    cmocka_unit_test(test_raw),
	    cmocka_unit_test(test_explicit),
	    cmocka_unit_test(test_cached),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
