#include "unit/cm.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "core/store.h"
#include "disk/img_facts.h"
#include "disk/pool.h"
#include "disk/volume.h"
#include "disk/volume_change.h"
#include "disk/volume_create.h"
#include "disk/volume_trash.h"
#include "disk/volume_uses.h"

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

static struct pool_def def_of(struct world *w, const char *name, const char *sub)
{
	return (struct pool_def){.name = xstrdup(name),
	    .target = xasprintf("%s/%s", w->dir, sub),
	    .access = STORAGE_ACCESS_NONE};
}

static void define(struct world *w, const char *name, const char *sub)
{
	struct pool_def def = def_of(w, name, sub);
	if (pool_define(&w->home, &def, &w->err) < 0)
		fail_msg("%s", w->err.msg);
	pool_def_fini(&def);
}

/* Names of the active ones, those in parentheses that are not. */
static void check_list(struct world *w, const char *want)
{
	size_t n;
	struct pool *pools;
	struct buf got = BUF_INIT;
	assert_int_equal(pool_list(&w->home, &pools, &n, &w->err), 0);
	for (size_t i = 0; i < n; i++)
		buf_addf(&got, pools[i].active ? "%s " : "(%s) ", pools[i].def.name);
	assert_string_equal(got.data ? got.data : "", want);
	buf_fini(&got);
	pool_list_free(pools, n);
}

static void test_default(void **state)
{
	(void)state;
	struct world w;
	struct pool p = {0};
	struct pool_facts facts;
	setup(&w);
	check_list(&w, "default ");
	assert_int_equal(pool_find(&w.home, "default", &p, &w.err), 0);
	assert_true(p.persistent && p.active && p.autostart);
	assert_int_equal(pool_look(&p, &facts, &w.err), 0);
	assert_true(facts.capacity > 0 && facts.available <= facts.capacity);
	/* Who does not want it is not given it again. */
	assert_int_equal(pool_undefine(&w.home, &p, &w.err), -1);
	assert_int_equal(pool_stop(&w.home, &p, &w.err), 0);
	assert_int_equal(pool_undefine(&w.home, &p, &w.err), 0);
	pool_fini(&p);
	check_list(&w, "");
	teardown(&w);
}

/* A definition that was brought along has the folder or the name already. */
static void test_default_is_brought(void **state)
{
	(void)state;
	struct world w;
	setup(&w);
	CLEANUP_FREE char *folder = xasprintf("%s/pools", w.home.conf);
	CLEANUP_FREE char *file = xasprintf("%s/mine.xml", folder);
	CLEANUP_FREE char *xml = xasprintf(
	    "<pool type='dir'><name>mine</name><uuid>02c9b1ce-59a5-44f5-9ad4-130741b6c401</uuid>"
	    "<target><path>%s/images</path></target></pool>",
	    w.home.data);
	assert_int_equal(home_mkdir(&w.home, folder, &w.err), 0);
	assert_int_equal(file_write_atomic(file, xml, strlen(xml), 0600, &w.err), 0);
	check_list(&w, "(mine) ");
	teardown(&w);
}

static void test_boot(void **state)
{
	(void)state;
	struct world w;
	struct pool p = {0};
	setup(&w);
	define(&w, "a", "a");
	define(&w, "b", "b");
	assert_int_equal(pool_find(&w.home, "a", &p, &w.err), 0);
	assert_int_equal(pool_build(&p.def, 0, &w.err), 0);
	assert_int_equal(pool_set_autostart(&w.home, &p, true, &w.err), 0);
	check_list(&w, "(a) (b) default ");
	/* /run is empty after one. */
	assert_int_equal(file_remove_tree(w.home.run, &w.err), 0);
	check_list(&w, "a (b) default ");
	pool_fini(&p);
	teardown(&w);
}

static void test_start_stop(void **state)
{
	(void)state;
	struct world w;
	struct pool p = {0};
	setup(&w);
	define(&w, "a", "deep/er/a");
	assert_int_equal(pool_find(&w.home, "a", &p, &w.err), 0);
	assert_int_equal(pool_start(&w.home, &p, &w.err), -1);
	assert_int_equal(w.err.code, ERR_NOT_FOUND);
	assert_int_equal(pool_build(&p.def, 0, &w.err), 0);
	assert_int_equal(pool_start(&w.home, &p, &w.err), 0);
	/* By who has not seen it. */
	assert_int_equal(pool_start(&w.home, &p, &w.err), -1);
	assert_int_equal(w.err.code, ERR_STATE);
	assert_int_equal(pool_stop(&w.home, &p, &w.err), 0);
	assert_int_equal(pool_stop(&w.home, &p, &w.err), -1);
	assert_int_equal(pool_delete(&p, &w.err), 0);
	assert_int_equal(access(p.def.target, F_OK), -1);
	pool_fini(&p);
	teardown(&w);
}

static void test_names_and_uuids(void **state)
{
	(void)state;
	struct world w;
	struct pool p = {0};
	setup(&w);
	define(&w, "a", "a");
	assert_int_equal(pool_find(&w.home, "a", &p, &w.err), 0);
	unsigned char uuid[16];
	memcpy(uuid, p.def.uuid, 16);
	pool_fini(&p);
	/* Defined anew it keeps its uuid. */
	define(&w, "a", "elsewhere");
	assert_int_equal(pool_find(&w.home, "a", &p, &w.err), 0);
	assert_memory_equal(uuid, p.def.uuid, 16);
	pool_fini(&p);
	struct pool_def def = def_of(&w, "b", "b");
	memcpy(def.uuid, uuid, 16);
	def.has_uuid = true;
	assert_int_equal(pool_define(&w.home, &def, &w.err), -1);
	assert_int_equal(w.err.code, ERR_EXISTS);
	pool_def_fini(&def);
	def = def_of(&w, "c", "elsewhere");
	assert_int_equal(pool_define(&w.home, &def, &w.err), -1);
	assert_non_null(strstr(w.err.msg, "Storage source conflict with pool: 'a'"));
	pool_def_fini(&def);
	teardown(&w);
}

static void test_transient(void **state)
{
	(void)state;
	struct world w;
	struct pool p = {0};
	setup(&w);
	struct pool_def def = def_of(&w, "t", "t");
	assert_int_equal(pool_build(&def, 0, &w.err), 0);
	assert_int_equal(pool_create(&w.home, &def, &w.err), 0);
	check_list(&w, "default t ");
	assert_int_equal(pool_find(&w.home, "t", &p, &w.err), 0);
	assert_false(p.persistent);
	assert_int_equal(pool_set_autostart(&w.home, &p, true, &w.err), -1);
	assert_int_equal(pool_stop(&w.home, &p, &w.err), 0);
	check_list(&w, "default ");
	pool_fini(&p);
	pool_def_fini(&def);
	teardown(&w);
}

/* --- volumes --- */
static int create(struct world *w, const struct pool *p, const char *name, const char *format,
    uint64_t size, const char *backing)
{
	struct volume_spec spec = {.name = xstrdup(name),
	    .has_capacity = true,
	    .capacity = size,
	    .allocation = 0,
	    .format = xstrdup(format),
	    .backing = xstrdup0(backing),
	    .access = STORAGE_ACCESS_NONE};
	w->err = (struct err){0};
	int rc = volume_create(&w->home, p, &spec, &w->err);
	volume_spec_fini(&spec);
	return rc;
}

static void test_volumes(void **state)
{
	(void)state;
	struct world w;
	struct pool p = {0}, in;
	struct volume v;
	setup(&w);
	assert_int_equal(pool_find(&w.home, "default", &p, &w.err), 0);
	assert_int_equal(create(&w, &p, "base", "qcow2", 1 << 20, NULL), 0);
	CLEANUP_FREE char *base = volume_path(&p, "base");
	assert_int_equal(create(&w, &p, "clone", "qcow2", 2 << 20, base), 0);
	assert_int_equal(create(&w, &p, "raw", "raw", 1 << 20, NULL), 0);
	assert_int_equal(create(&w, &p, "raw", "raw", 1 << 20, NULL), -1);
	assert_int_equal(w.err.code, ERR_EXISTS);
	assert_int_equal(volume_find(&w.home, "default", "clone", &in, &v, &w.err), 0);
	assert_int_equal(v.format, DISK_QCOW2);
	assert_int_equal(v.capacity, 2 << 20);
	assert_string_equal(v.backing, base);
	assert_string_equal(v.backing_format, "qcow2");
	assert_int_equal(v.access.mode, 0600);
	volume_fini(&v);
	pool_fini(&in);
	/* By its path, in whatever pool. */
	assert_int_equal(volume_find(&w.home, NULL, base, &in, &v, &w.err), 0);
	assert_string_equal(in.def.name, "default");
	volume_fini(&v);
	pool_fini(&in);
	assert_int_equal(volume_find(&w.home, NULL, "/etc/passwd", &in, &v, &w.err), -1);
	assert_int_equal(w.err.code, ERR_NOT_FOUND);
	pool_fini(&p);
	teardown(&w);
}

/* Looking again reads what changed, and nothing else. */
static void test_again(void **state)
{
	(void)state;
	struct world w;
	struct pool p = {0};
	struct volume *vols;
	size_t n;
	struct img_facts *facts = img_facts_new();
	setup(&w);
	assert_int_equal(pool_find(&w.home, "default", &p, &w.err), 0);
	assert_int_equal(create(&w, &p, "a", "qcow2", 1 << 20, NULL), 0);
	CLEANUP_FREE char *a = volume_path(&p, "a"), *c = volume_path(&p, "c");
	assert_int_equal(create(&w, &p, "b", "qcow2", 2 << 20, a), 0);
	assert_int_equal(create(&w, &p, "c", "raw", 1 << 20, NULL), 0);
	assert_int_equal(volume_list_again(&p, facts, &vols, &n, &w.err), 0);
	assert_int_equal(n, 3);
	volume_list_free(vols, n);
	assert_int_equal(img_facts_reads(facts), 3);
	assert_int_equal(volume_list_again(&p, facts, &vols, &n, &w.err), 0);
	assert_int_equal(img_facts_reads(facts), 3);
	assert_int_equal(n, 3);
	assert_int_equal(vols[1].capacity, 2 << 20);
	assert_string_equal(vols[1].backing, a);
	volume_list_free(vols, n);
	assert_int_equal(truncate(c, 3 << 20), 0);
	assert_int_equal(volume_list_again(&p, facts, &vols, &n, &w.err), 0);
	assert_int_equal(img_facts_reads(facts), 4);
	assert_int_equal(vols[2].capacity, 3 << 20);
	volume_list_free(vols, n);
	/* What is gone is forgotten: a new one of its name is read. */
	assert_int_equal(unlink(c), 0);
	assert_int_equal(volume_list_again(&p, facts, &vols, &n, &w.err), 0);
	assert_int_equal(n, 2);
	volume_list_free(vols, n);
	assert_int_equal(file_write_atomic(c, "now text", 8, 0600, &w.err), 0);
	assert_int_equal(volume_list_again(&p, facts, &vols, &n, &w.err), 0);
	assert_int_equal(img_facts_reads(facts), 5);
	assert_int_equal(vols[2].capacity, 8);
	volume_list_free(vols, n);
	img_facts_free(facts);
	pool_fini(&p);
	teardown(&w);
}

static void test_bad_names(void **state)
{
	(void)state;
	static const char *const names[] = {"../x", "a/b", "..", ".", ".x", "", "-x", "a\nb", " a"};
	struct world w;
	struct pool p = {0};
	setup(&w);
	assert_int_equal(pool_find(&w.home, "default", &p, &w.err), 0);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(create(&w, &p, names[i], "raw", 512, NULL), -1);
	size_t n;
	struct volume *vols;
	assert_int_equal(volume_list(&p, &vols, &n, &w.err), 0);
	assert_int_equal(n, 0);
	volume_list_free(vols, n);
	pool_fini(&p);
	teardown(&w);
}

/* A name that is taken while the volume is being made stays what it is, and no draft is left. */
static void test_publish_never_replaces(void **state)
{
	(void)state;
	struct world w;
	struct pool p = {0};
	const struct storage_access none = STORAGE_ACCESS_NONE;
	struct buf text = BUF_INIT;
	setup(&w);
	assert_int_equal(pool_find(&w.home, "default", &p, &w.err), 0);
	CLEANUP_FREE char *draft = volume_draft(&p, "v", &w.err), *path = volume_path(&p, "v");
	assert_int_equal(file_write_atomic(draft, "new", 3, 0600, &w.err), 0);
	assert_int_equal(file_write_atomic(path, "old", 3, 0600, &w.err), 0);
	assert_int_equal(volume_publish(&p, draft, "v", &none, &w.err), -1);
	assert_int_equal(w.err.code, ERR_EXISTS);
	assert_int_equal(access(draft, F_OK), -1);
	assert_int_equal(file_read(path, 10, &text, &w.err), 0);
	assert_string_equal(text.data, "old");
	buf_fini(&text);
	pool_fini(&p);
	teardown(&w);
}

static void test_trash(void **state)
{
	(void)state;
	struct world w;
	struct pool p = {0}, in;
	struct volume v;
	struct trashed *items;
	size_t n;
	setup(&w);
	assert_int_equal(pool_find(&w.home, "default", &p, &w.err), 0);
	/* Twice the same name: both are kept. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(create(&w, &p, "v", "raw", 512u << i, NULL), 0);
		assert_int_equal(volume_find(&w.home, "default", "v", &in, &v, &w.err), 0);
		assert_int_equal(volume_trash_put(&p, &v, &w.err), 0);
		assert_int_equal(access(v.path, F_OK), -1);
		volume_fini(&v);
		pool_fini(&in);
	}
	assert_int_equal(volume_trash_list(&p, &items, &n, &w.err), 0);
	assert_int_equal(n, 2);
	assert_string_equal(items[0].name, "v");
	assert_int_equal(items[0].size, 1024);
	assert_true(items[0].deleted >= items[1].deleted);
	assert_int_equal(volume_trash_take(&p, &items[0], NULL, &w.err), 0);
	assert_int_equal(volume_trash_take(&p, &items[1], NULL, &w.err), -1);
	assert_int_equal(w.err.code, ERR_EXISTS);
	assert_int_equal(volume_trash_take(&p, &items[1], "../v", &w.err), -1);
	assert_int_equal(volume_trash_take(&p, &items[1], "v2", &w.err), 0);
	volume_trash_list_free(items, n);
	pool_fini(&p);
	teardown(&w);
}

/* Who may write to a pool's folder could lead us elsewhere by what he puts in the trash's place. */
static void test_trash_of_another(void **state)
{
	(void)state;
	struct world w;
	struct pool p = {0}, in;
	struct volume v;
	struct trashed *items;
	size_t n;
	setup(&w);
	assert_int_equal(pool_find(&w.home, "default", &p, &w.err), 0);
	CLEANUP_FREE char *trash = xasprintf("%s/" VOLUME_TRASH, p.def.target);
	CLEANUP_FREE char *away = xasprintf("%s/away", w.dir);
	CLEANUP_FREE char *victim = xasprintf("%s/20200101T000000Z-x", away);
	assert_int_equal(create(&w, &p, "v", "raw", 512, NULL), 0);
	assert_int_equal(rmdir(trash), 0);
	assert_int_equal(mkdir(away, 0700), 0);
	assert_int_equal(file_write_atomic(victim, "x", 1, 0600, NULL), 0);
	assert_int_equal(symlink(away, trash), 0);
	assert_int_equal(volume_find(&w.home, "default", "v", &in, &v, &w.err), 0);
	assert_int_equal(volume_trash_put(&p, &v, &w.err), -1);
	assert_int_equal(w.err.code, ERR_DENIED);
	assert_int_equal(access(v.path, F_OK), 0);
	assert_int_equal(create(&w, &p, "w", "raw", 512, NULL), -1);
	assert_int_equal(w.err.code, ERR_DENIED);
	assert_int_equal(volume_trash_list(&p, &items, &n, &w.err), -1);
	assert_int_equal(volume_trash_expire(&w.home, &p, &w.err), -1);
	assert_int_equal(access(victim, F_OK), 0);
	/* A folder, but one that others may write to. */
	assert_int_equal(unlink(trash), 0);
	assert_int_equal(mkdir(trash, 0700), 0);
	assert_int_equal(chmod(trash, 0777), 0);
	assert_int_equal(volume_trash_put(&p, &v, &w.err), -1);
	assert_int_equal(chmod(trash, 0700), 0);
	assert_int_equal(volume_trash_put(&p, &v, &w.err), 0);
	volume_fini(&v);
	pool_fini(&in);
	pool_fini(&p);
	teardown(&w);
}

/* A guest writes a header of qcow2 into its raw disk: no file of the host is read for that. */
static void test_format_of_a_guest(void **state)
{
	(void)state;
	struct world w;
	struct pool p = {0}, in;
	struct volume v;
	setup(&w);
	assert_int_equal(pool_find(&w.home, "default", &p, &w.err), 0);
	assert_int_equal(create(&w, &p, "disk", "qcow2", 1 << 20, NULL), 0);
	assert_int_equal(volume_find(&w.home, "default", "disk", &in, &v, &w.err), 0);
	assert_int_equal(v.format, DISK_QCOW2);
	assert_int_equal(volume_uses_check_format(&w.home, v.path, v.format, &w.err), 0);
	CLEANUP_FREE char *dir = home_domains_dir(&w.home);
	for (int raw = 0; raw < 2; raw++) {
		CLEANUP_FREE char *xml = xasprintf(
		    "<domain type='qemu'><name>g</name><memory>65536</memory><os><type>hvm</type></os><devices>"
		    "<disk type='file'><driver name='qemu' type='%s'/><source file='%s'/><target dev='vda'/></disk>"
		    "</devices></domain>",
		    raw ? "raw" : "qcow2", v.path);
		assert_int_equal(home_mkdir(&w.home, dir, &w.err), 0);
		CLEANUP_CLOSE int lock = store_lock(&w.home, &w.err);
		assert_int_equal(store_write(&w.home, "g", xml, strlen(xml), &w.err), 0);
		close(TAKE_FD(lock));
		int want = raw ? -1 : 0;
		if (volume_uses_check_format(&w.home, v.path, v.format, &w.err) != want)
			fail_msg("%s: %s", raw ? "raw" : "qcow2", w.err.msg);
		assert_int_equal(volume_uses_check_format(&w.home, v.path, DISK_RAW, &w.err), 0);
	}
	assert_int_equal(w.err.code, ERR_DENIED);
	struct volume_spec spec = {.name = xstrdup("copy"), .access = STORAGE_ACCESS_NONE};
	assert_int_equal(volume_copy(&w.home, &v, &p, &spec, false, NULL, &w.err), -1);
	assert_int_equal(w.err.code, ERR_DENIED);
	assert_int_equal(volume_resize(&w.home, &p, &v, 2 << 20, 0, &w.err), -1);
	assert_int_equal(w.err.code, ERR_DENIED);
	volume_spec_fini(&spec);
	w.err = (struct err){0};
	assert_int_equal(create(&w, &p, "overlay", "qcow2", 1 << 20, v.path), -1);
	assert_int_equal(w.err.code, ERR_DENIED);
	volume_fini(&v);
	pool_fini(&in);
	pool_fini(&p);
	teardown(&w);
}

/* Looking opens no other file than the volume, and needs no key: it is known for what it is, not taken for raw. */
static void test_looks_at_headers_alone(void **state)
{
	(void)state;
	static const uint8_t luks[4] = {0, 0, 0, 2}, data_file[8] = {0, 0, 0, 0, 0, 0, 0, 4};
	struct world w;
	struct pool p = {0}, in;
	struct volume v;
	setup(&w);
	assert_int_equal(pool_find(&w.home, "default", &p, &w.err), 0);
	for (int i = 0; i < 2; i++) {
		const char *name = i ? "elsewhere" : "encrypted";
		CLEANUP_FREE char *path = volume_path(&p, name);
		assert_int_equal(create(&w, &p, name, "qcow2", 1 << 20, NULL), 0);
		CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);
		assert_true(i ? pwrite(fd, data_file, 8, 72) == 8 : pwrite(fd, luks, 4, 32) == 4);
		assert_int_equal(volume_find(&w.home, "default", name, &in, &v, &w.err), 0);
		assert_null(v.trouble);
		assert_int_equal(v.format, DISK_QCOW2);
		assert_int_equal(v.capacity, 1 << 20);
		assert_int_equal(v.encrypted, i == 0);
		volume_fini(&v);
		pool_fini(&in);
	}
	pool_fini(&p);
	teardown(&w);
}

static void put_trash(const struct pool *p, const char *file)
{
	CLEANUP_FREE char *path = xasprintf("%s/" VOLUME_TRASH "/%s", p->def.target, file);
	assert_int_equal(file_write_atomic(path, "x", 1, 0600, NULL), 0);
}

static void test_trash_expires(void **state)
{
	(void)state;
	struct world w;
	struct pool p = {0};
	struct trashed *items;
	size_t n;
	setup(&w);
	assert_int_equal(pool_find(&w.home, "default", &p, &w.err), 0);
	CLEANUP_FREE char *folder = xasprintf("%s/" VOLUME_TRASH, p.def.target);
	assert_int_equal(mkdir(folder, 0700), 0);
	put_trash(&p, "20200101T000000Z-old");
	put_trash(&p, "29990101T000000Z-new");
	/* Names that are not ours stay. */
	put_trash(&p, "20200101T00000+Z-mine");
	put_trash(&p, "README");
	put_trash(&p, VOLUME_DRAFT "1-left");
	put_trash(&p, VOLUME_DRAFT "1-young");
	CLEANUP_FREE char *left = xasprintf("%s/" VOLUME_DRAFT "1-left", folder);
	CLEANUP_FREE char *young = xasprintf("%s/" VOLUME_DRAFT "1-young", folder);
	const struct timespec old[2] = {{1, 0}, {1, 0}};
	assert_int_equal(utimensat(AT_FDCWD, left, old, 0), 0);
	assert_int_equal(volume_trash_expire(&w.home, &p, &w.err), 0);
	assert_int_equal(volume_trash_list(&p, &items, &n, &w.err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(items[0].name, "new");
	volume_trash_list_free(items, n);
	CLEANUP_FREE char *mine = xasprintf("%s/README", folder);
	assert_int_equal(access(mine, F_OK), 0);
	assert_int_equal(access(left, F_OK), -1);
	assert_int_equal(access(young, F_OK), 0);
	pool_fini(&p);
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_default),
	    cmocka_unit_test(test_default_is_brought),
	    cmocka_unit_test(test_boot),
	    cmocka_unit_test(test_start_stop),
	    cmocka_unit_test(test_names_and_uuids),
	    cmocka_unit_test(test_transient),
	    cmocka_unit_test(test_volumes),
	    cmocka_unit_test(test_again),
	    cmocka_unit_test(test_bad_names),
	    cmocka_unit_test(test_publish_never_replaces),
	    cmocka_unit_test(test_trash),
	    cmocka_unit_test(test_trash_expires),
	    cmocka_unit_test(test_trash_of_another),
	    cmocka_unit_test(test_format_of_a_guest),
	    cmocka_unit_test(test_looks_at_headers_alone),
	};
	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
