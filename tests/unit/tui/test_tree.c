/* tree: groups as folders over the rows. */
#include "unit/cm.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "tui/tree.h"

struct rig {
	struct tree *tree;
	struct vm_entry *vms[16], *rows[64];
	unsigned n, n_rows;
};

static void add(struct rig *r, const char *name, const char *group, bool live)
{
	struct vm_entry *e = r->vms[r->n++] = vm_entry_new(name);
	free(e->group);
	e->group = xstrdup(group);
	e->live = live;
	e->cpu_shown = live ? 100 : 0;
}

static void build(struct rig *r, bool unfold)
{
	assert_true(tree_room(r->tree, r->vms, r->n) <= 64);
	r->n_rows = tree_build(r->tree, r->vms, r->n, unfold, r->rows);
}

static void see(struct rig *r, const char *const *want)
{
	unsigned i = 0;
	for (; want[i] && i < r->n_rows; i++)
		assert_string_equal(r->rows[i]->name, want[i]);
	assert_null(want[i]);
	assert_int_equal(i, r->n_rows);
}

static int rig_open(void **state)
{
	struct rig *r = *state = xcalloc(1, sizeof(*r));
	r->tree = tree_new();
	add(r, "lonely", "", true);
	add(r, "web2", "prod/web", true);
	add(r, "db", "prod", false);
	add(r, "web1", "prod/web", true);
	add(r, "other", "prod-old", true);
	build(r, false);
	return 0;
}

static int rig_close(void **state)
{
	struct rig *r = *state;
	for (unsigned i = 0; i < r->n; i++)
		vm_entry_free(r->vms[i]);
	tree_free(r->tree);
	free(r);
	return 0;
}

static void groups_then_the_rest(void **state)
{
	struct rig *r = *state;
	see(r, (const char *const[]){"prod/", "db", "prod/web/", "web2", "web1", "prod-old/",
	           "other", "lonely", NULL});
	assert_int_equal(r->rows[0]->members, 3);
	assert_int_equal(r->rows[0]->members_live, 2);
	assert_int_equal(r->rows[0]->cpu_shown, 200);
	assert_int_equal(r->rows[2]->members, 2);
	assert_int_equal(r->rows[2]->depth, 1);
	assert_int_equal(r->rows[3]->depth, 2);
	assert_int_equal(r->rows[7]->depth, 0);
}

static void folded_stays_folded(void **state)
{
	struct rig *r = *state;
	tree_find(r->tree, "prod/")->folded = true;
	build(r, false);
	see(r, (const char *const[]){"prod/", "prod-old/", "other", "lonely", NULL});
	assert_int_equal(r->rows[0]->members, 3); /* counted all the same, and once */
	build(r, true);
	assert_int_equal(r->n_rows, 8);
	build(r, false);
	assert_int_equal(r->n_rows, 4);
}

static void belongs_to(void **state)
{
	struct rig *r = *state;
	const struct vm_entry *prod = tree_find(r->tree, "prod/"),
	                      *web = tree_find(r->tree, "prod/web/");
	assert_true(vm_entry_in(r->vms[1], prod));
	assert_true(vm_entry_in(r->vms[1], web));
	assert_false(vm_entry_in(r->vms[2], web));
	assert_false(vm_entry_in(r->vms[4], prod)); /* prod-old is another group */
	assert_false(vm_entry_in(r->vms[0], prod));
	assert_false(vm_entry_in(web, prod));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(groups_then_the_rest, rig_open, rig_close),
	    cmocka_unit_test_setup_teardown(folded_stays_folded, rig_open, rig_close),
	    cmocka_unit_test_setup_teardown(belongs_to, rig_open, rig_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
