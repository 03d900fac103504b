/* img_facts: images looked at once, and again when they are others. */
#include "unit/cm.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "disk/img_create.h"
#include "disk/img_facts.h"

struct rig {
	char *dir;
	struct img_facts *facts;
};

static char *path_of(const struct rig *r, const char *name)
{
	return xasprintf("%s/%s", r->dir, name);
}

static void make(const struct rig *r, const char *name, const char *backing, const char *format)
{
	CLEANUP_FREE char *path = path_of(r, name);
	struct err err = {0};
	struct img_create c = {.format = "qcow2",
	    .with_size = true,
	    .qcow2 = {.size = 4 << 20, .backing = backing, .backing_format = format}};
	if (img_create_now(path, &c, &err) < 0)
		fail_msg("%s", err.msg);
}

static int open_rig(void **state)
{
	struct rig *r = *state = xcalloc(1, sizeof(*r));
	r->dir = cm_mkdtemp();
	r->facts = img_facts_new();
	return 0;
}

static int close_rig(void **state)
{
	struct rig *r = *state;
	img_facts_free(r->facts);
	cm_rmdir(r->dir);
	free(r);
	return 0;
}

static const struct img_fact *get(struct rig *r, const char *name, const char *format)
{
	CLEANUP_FREE char *path = path_of(r, name);
	return img_facts_get(r->facts, path, format);
}

static void what_did_not_change_is_not_read_again(void **state)
{
	struct rig *r = *state;
	const struct img_fact *f;
	CLEANUP_FREE char *path = path_of(r, "a.qcow2");
	make(r, "a.qcow2", NULL, NULL);
	f = get(r, "a.qcow2", NULL);
	assert_int_equal(f->state, IMG_FACT_KNOWN);
	assert_int_equal(f->format, DISK_QCOW2);
	assert_int_equal(f->virtual_size, 4 << 20);
	assert_true(f->allocated > 0 && f->cluster > 0);
	for (int i = 0; i < 100; i++)
		assert_ptr_equal(get(r, "a.qcow2", NULL), f);
	assert_int_equal(img_facts_reads(r->facts), 1);
	/* Another file of the same name. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(get(r, "a.qcow2", NULL)->state, IMG_FACT_MISSING);
	make(r, "a.qcow2", NULL, NULL);
	assert_int_equal(get(r, "a.qcow2", NULL)->state, IMG_FACT_KNOWN);
	assert_int_equal(img_facts_reads(r->facts), 2);
	/* The same one, cut off. */
	assert_int_equal(truncate(path, 50), 0);
	f = get(r, "a.qcow2", "qcow2");
	assert_int_equal(f->state, IMG_FACT_BROKEN);
	assert_non_null(strstr(f->why, "a.qcow2"));
	assert_int_equal(f->file_size, 50);
}

static void formats_are_told_or_found_out(void **state)
{
	struct rig *r = *state;
	make(r, "a.qcow2", NULL, NULL);
	assert_int_equal(get(r, "a.qcow2", "raw")->format, DISK_RAW);
	assert_int_equal(get(r, "a.qcow2", NULL)->format, DISK_QCOW2);
	assert_int_equal(get(r, "a.qcow2", "nonsense")->state, IMG_FACT_BROKEN);
}

static void what_is_no_file_says_so(void **state)
{
	struct rig *r = *state;
	CLEANUP_FREE char *fifo = path_of(r, "fifo");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(get(r, "fifo", "raw")->state, IMG_FACT_BROKEN); /* and does not hang */
	assert_int_equal(img_facts_get(r->facts, r->dir, "raw")->state, IMG_FACT_BROKEN);
	assert_int_equal(
	    img_facts_get(r->facts, "nbd://host/export", NULL)->state, IMG_FACT_REMOTE);
	assert_int_equal(get(r, "none/below", NULL)->state, IMG_FACT_MISSING);
}

static void chains(void **state)
{
	struct rig *r = *state;
	CLEANUP_FREE char *top = path_of(r, "c.qcow2"), *base = path_of(r, "a.qcow2");
	const struct img_fact *out[8];
	bool ring;
	make(r, "a.qcow2", NULL, NULL);
	make(r, "b.qcow2", "a.qcow2", "qcow2");
	make(r, "c.qcow2", "b.qcow2", "qcow2");
	assert_int_equal(img_facts_chain(r->facts, top, "qcow2", out, 8, &ring), 3);
	assert_false(ring);
	assert_string_equal(out[2]->path, base);
	assert_string_equal(out[0]->backing, "b.qcow2");
	assert_int_equal(img_facts_chain(r->facts, top, "qcow2", out, 2, &ring), 2);
	assert_int_equal(unlink(base), 0);
	assert_int_equal(img_facts_chain(r->facts, top, "qcow2", out, 8, &ring), 3);
	assert_int_equal(out[2]->state, IMG_FACT_MISSING);
	/* The base is now a link to the top. */
	assert_int_equal(symlink("c.qcow2", base), 0);
	assert_int_equal(img_facts_chain(r->facts, top, "qcow2", out, 8, &ring), 3);
	assert_true(ring);
}

static void a_sweep_forgets_what_nobody_asked_for(void **state)
{
	struct rig *r = *state;
	make(r, "a.qcow2", NULL, NULL);
	make(r, "b.qcow2", NULL, NULL);
	get(r, "a.qcow2", NULL);
	get(r, "b.qcow2", NULL);
	img_facts_sweep(r->facts);
	get(r, "b.qcow2", NULL);
	img_facts_sweep(r->facts);
	assert_int_equal(img_facts_reads(r->facts), 2);
	get(r, "b.qcow2", NULL);
	assert_int_equal(img_facts_reads(r->facts), 2);
	get(r, "a.qcow2", NULL);
	assert_int_equal(img_facts_reads(r->facts), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        what_did_not_change_is_not_read_again, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(formats_are_told_or_found_out, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(what_is_no_file_says_so, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(chains, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(
	        a_sweep_forgets_what_nobody_asked_for, open_rig, close_rig),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
