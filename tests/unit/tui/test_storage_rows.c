/* storage_rows: what is shown of a pool's volumes, in which order. */
#include "unit/cm.h"

#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "tui/storage_rows.h"

static struct storage_user someone = {.domain = (char *)"Web1"};
static struct storage_volume vols[] = {
    {.name = (char *)"disk10", .path = (char *)"/disk10", .format = "qcow2", .capacity = 5},
    {.name = (char *)"disk2",
        .path = (char *)"/disk2",
        .format = "raw",
        .capacity = 9,
        .changed_s = 7,
        .users_known = true,
        .users = &someone,
        .n_users = 1},
    {.name = (char *)"gone",
        .path = (char *)"/gone",
        .format = "",
        .trashed = true,
        .trashed_s = 1},
    {.name = (char *)"gone",
        .path = (char *)"/gone",
        .format = "",
        .trashed = true,
        .trashed_s = 2},
    {.name = (char *)"a",
        .path = (char *)"/a",
        .format = "raw",
        .allocation = 3,
        .users_known = true},
};
static const struct storage_pool pool = {.volumes = vols, .n_volumes = ARRAY_LEN(vols)};

static void check(const char *filter, enum storage_sort sort, bool inverted, const char *want)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	unsigned n;
	CLEANUP_FREE const struct storage_volume **rows =
	    storage_rows(&pool, filter, sort, inverted, &n);
	buf_adds(&b, "");
	for (unsigned i = 0; i < n; i++)
		buf_addf(
		    &b, "%s%s%s", i ? " " : "", rows[i]->name, rows[i]->trashed_s == 2 ? "!" : "");
	assert_string_equal(b.data, want);
}

static void orders(void **state)
{
	(void)state;
	check("", STORAGE_SORT_NAME, false, "a disk2 disk10 gone! gone");
	check("", STORAGE_SORT_NAME, true, "disk10 disk2 a gone! gone");
	check("", STORAGE_SORT_SIZE, false, "disk2 disk10 a gone! gone");
	check("", STORAGE_SORT_USED, false, "a disk2 disk10 gone! gone");
	check("", STORAGE_SORT_CHANGED, true, "a disk10 disk2 gone! gone");
}

static void filters(void **state)
{
	unsigned n = 1;
	(void)state;
	check("DISK", STORAGE_SORT_NAME, false, "disk2 disk10");
	check("raw", STORAGE_SORT_NAME, false, "a disk2");
	check("web1", STORAGE_SORT_NAME, false, "disk2");
	check("trash", STORAGE_SORT_NAME, false, "gone! gone");
	check("nobody", STORAGE_SORT_NAME, false, "a");
	check("zzz", STORAGE_SORT_NAME, false, "");
	free(storage_rows(NULL, "", STORAGE_SORT_NAME, false, &n));
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(orders), cmocka_unit_test(filters)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
