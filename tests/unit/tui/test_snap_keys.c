/* snap_keys: one table that keeps its own rules. */
#include "unit/cm.h"

#include <ctype.h>
#include <string.h>

#include "cli/table.h"
#include "tui/input.h"
#include "tui/snap_keys.h"

static void every_key_is_found_and_only_once(void **state)
{
	struct vt_key k;
	(void)state;
	for (unsigned i = 0; i < snap_key_count; i++)
		for (unsigned n = 0; n < 3 && snap_keys[i].keys[n]; n++) {
			const struct snap_binding *b = &snap_keys[i];
			assert_int_equal(input_key_parse(b->keys[n], &k), 0);
			if (!b->verb || verb_find(b->verb))
				assert_ptr_equal(snap_keys_find(&k), b);
			else
				assert_null(snap_keys_find(&k));
		}
}

/* As on the list: lower case is reversible, upper case makes the dashboard ask. */
static void case_tells_what_a_key_does(void **state)
{
	(void)state;
	for (unsigned i = 0; i < snap_key_count; i++) {
		const struct snap_binding *b = &snap_keys[i];
		const struct verb *v = b->verb ? verb_find(b->verb) : NULL;
		if (v)
			assert_int_equal((v->flags & (VERB_DISRUPTS | VERB_DELETES)) != 0,
			    isupper((unsigned char)b->keys[0][0]) && b->keys[0][1] == '\0');
	}
}

static void help_and_footer_name_the_keys(void **state)
{
	struct buf b = BUF_INIT;
	struct sheet s = {0};
	(void)state;
	snap_keys_help(&b);
	for (unsigned i = 0; i < snap_key_count; i++)
		if (!snap_keys[i].verb || verb_find(snap_keys[i].verb))
			assert_non_null(strstr(b.data, snap_keys[i].help));
	for (int cols = 1; cols < 200; cols++) {
		sheet_init(&s, 1, cols, true);
		snap_keys_footer(&s, 0);
		CLEANUP_FREE char *text = sheet_dump(&s, false);
		if (cols >= 40) {
			assert_non_null(strstr(text, "? help"));
			assert_non_null(strstr(text, "q back"));
		}
	}
	sheet_fini(&s);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_key_is_found_and_only_once),
	    cmocka_unit_test(case_tells_what_a_key_does),
	    cmocka_unit_test(help_and_footer_name_the_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
