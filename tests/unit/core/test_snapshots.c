#include "unit/cm.h"

#include <sys/stat.h>

#include "core/snapshots.h"
#include "core/str.h"

struct rig {
	char *dir;
	struct home h;
};

static void rig_open(struct rig *r)
{
	struct err err = {0};
	r->dir = cm_mkdtemp();
	setenv("HVMUX_HOME", r->dir, 1);
	assert_int_equal(home_init(&r->h, NULL, &err), 0);
}

static void rig_close(struct rig *r)
{
	home_fini(&r->h);
	cm_rmdir(r->dir);
}

static void make(struct rig *r, const char *name, const char *parent, bool current)
{
	struct err err = {0};
	struct snapshot s = {.name = (char *)name,
	    .parent = (char *)parent,
	    .created = 1,
	    .state = SNAPSHOT_SHUTOFF};
	if (snapshots_write(&r->h, "vm", &s, true, current, &err) < 0)
		fail_msg("%s", err.msg);
}

static const char *parent_of(const struct snapshots *s, const char *name)
{
	size_t p = s->parent[snapshots_find(s, name)];
	return p != SNAPSHOTS_NONE ? s->v[p].name : "-";
}

/* The current one's name on the heap; NULL: none is. */
static char *current_of(const struct rig *r)
{
	struct snapshots s;
	struct err err;
	assert_int_equal(snapshots_load(&r->h, "vm", &s, &err), 0);
	char *name = s.current == SNAPSHOTS_NONE ? NULL : xstrdup(s.v[s.current].name);
	snapshots_fini(&s);
	return name;
}

static void test_life(void **state)
{
	(void)state;
	struct rig r;
	struct snapshots s;
	struct err err = {0};
	size_t i;
	rig_open(&r);
	assert_int_equal(snapshots_load(&r.h, "vm", &s, &err), 0);
	assert_int_equal(s.n, 0);
	assert_int_equal(snapshots_need(&s, "x", &i, &err), -1);
	assert_string_equal(
	    err.msg, "Domain snapshot not found: no domain snapshot with matching name 'x'");
	snapshots_fini(&s);
	make(&r, "a", NULL, true);
	make(&r, "b", "a", true);
	make(&r, "c", "b", false);
	make(&r, "d", "b", true);
	struct snapshot again = {.name = (char *)"d"};
	assert_int_equal(snapshots_write(&r.h, "vm", &again, true, true, &err), -1);
	assert_int_equal(err.code, ERR_EXISTS);
	assert_int_equal(snapshots_count(&r.h, "vm"), 4);
	CLEANUP_FREE char *current = current_of(&r);
	assert_string_equal(current, "d");
	/* In the middle: the children move up. */
	assert_int_equal(snapshots_set_current(&r.h, "vm", "b", &err), 0);
	assert_int_equal(snapshots_remove(&r.h, "vm", "b", &err), 0);
	assert_int_equal(snapshots_remove(&r.h, "vm", "b", &err), 0);
	assert_int_equal(snapshots_load(&r.h, "vm", &s, &err), 0);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.trouble.len, 0);
	assert_string_equal(parent_of(&s, "c"), "a");
	assert_string_equal(parent_of(&s, "d"), "a");
	assert_string_equal(s.v[s.current].name, "a");
	assert_int_equal(snapshots_children(&s, snapshots_find(&s, "a")), 2);
	assert_true(snapshots_is_below(&s, snapshots_find(&s, "d"), snapshots_find(&s, "a")));
	assert_false(snapshots_is_below(&s, snapshots_find(&s, "a"), snapshots_find(&s, "d")));
	snapshots_fini(&s);
	/* A root that was current: none is. */
	assert_int_equal(snapshots_remove(&r.h, "vm", "a", &err), 0);
	assert_null(current_of(&r));
	assert_int_equal(snapshots_remove(&r.h, "vm", "c", &err), 0);
	assert_int_equal(snapshots_remove(&r.h, "vm", "d", &err), 0);
	CLEANUP_FREE char *dir = snapshots_dir(&r.h, "vm");
	assert_int_equal(access(dir, F_OK), -1);
	rig_close(&r);
}

static void put(struct rig *r, const char *file, const char *text)
{
	CLEANUP_FREE char *dir = snapshots_dir(&r->h, "vm");
	CLEANUP_FREE char *path = xasprintf("%s/%s", dir, file);
	struct err err = {0};
	assert_int_equal(home_mkdir(&r->h, dir, &err), 0);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, &err), 0);
}

/* What libvirt left, and what somebody broke. */
static void test_foreign(void **state)
{
	(void)state;
	struct rig r;
	struct snapshots s;
	struct err err = {0};
	rig_open(&r);
	put(&r, "old.xml", "<domainsnapshot><name>old</name><active>0</active></domainsnapshot>");
	put(&r, "new.xml",
	    "<domainsnapshot><name>new</name><parent><name>old</name></parent><active>1</active></domainsnapshot>");
	put(&r, "broken.xml", "<domainsnapshot");
	put(&r, "other.xml", "<domainsnapshot><name>new</name></domainsnapshot>");
	put(&r, "x.xml",
	    "<domainsnapshot><name>x</name><parent><name>y</name></parent></domainsnapshot>");
	put(&r, "y.xml",
	    "<domainsnapshot><name>y</name><parent><name>x</name></parent></domainsnapshot>");
	put(&r, "w.xml",
	    "<domainsnapshot><name>w</name><parent><name>x</name></parent></domainsnapshot>");
	put(&r, "orphan.xml",
	    "<domainsnapshot><name>orphan</name><parent><name>gone</name></parent></domainsnapshot>");
	assert_int_equal(snapshots_load(&r.h, "vm", &s, &err), 0);
	assert_int_equal(s.n, 6);
	assert_string_equal(s.v[s.current].name, "new");
	assert_non_null(strstr(s.trouble.data, "broken.xml"));
	assert_non_null(strstr(s.trouble.data, "it says 'new', the file says 'other'"));
	assert_non_null(strstr(s.trouble.data, "snapshot 'x': its parents go round"));
	assert_null(strstr(s.trouble.data, "snapshot 'w'"));
	assert_string_equal(parent_of(&s, "orphan"), "-");
	assert_string_equal(parent_of(&s, "y"), "x");
	CLEANUP_FREE size_t *all = snapshots_topological(&s);
	struct buf names = BUF_INIT;
	for (size_t i = 0; i < s.n; i++)
		buf_addf(&names, "%s ", s.v[all[i]].name);
	assert_string_equal(names.data, "old new orphan x w y ");
	buf_fini(&names);
	snapshots_fini(&s);
	CLEANUP_FREE char *current = current_of(&r);
	assert_string_equal(current, "new");
	assert_int_equal(snapshots_set_current(&r.h, "vm", NULL, &err), 0);
	assert_null(current_of(&r));
	struct snapshot one;
	assert_int_equal(snapshots_read(&r.h, "vm", "../vm/old", &one, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(snapshots_read(&r.h, "vm", "old", &one, &err), 0);
	snapshot_fini(&one);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_life),
	    cmocka_unit_test(test_foreign),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
