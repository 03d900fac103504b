/* storage_keys: one table that keeps its own rules. */
#include "unit/cm.h"

#include <ctype.h>
#include <string.h>

#include "cli/table.h"
#include "tui/input.h"
#include "tui/storage_keys.h"

static void every_key_is_found_and_only_once(void **state)
{
	struct vt_key k;
	(void)state;
	for (unsigned i = 0; i < storage_key_count; i++)
		for (unsigned n = 0; n < 3 && storage_keys[i].keys[n]; n++)
			for (int part = 0; part < STORAGE_PARTS; part++) {
				const struct storage_binding *b = &storage_keys[i], *found;
				assert_int_equal(input_key_parse(b->keys[n], &k), 0);
				found = storage_keys_find((enum storage_part)part, &k);
				if (b->in & STORAGE_IN(part))
					assert_ptr_equal(found, b);
			}
}

/* As on the list: lower case is reversible, upper case makes the dashboard ask. */
static void case_tells_what_a_key_does(void **state)
{
	(void)state;
	for (unsigned i = 0; i < storage_key_count; i++) {
		const struct storage_binding *b = &storage_keys[i];
		const struct verb *v = b->verb ? verb_find(b->verb) : NULL;
		bool asks;
		if (!b->verb)
			continue;
		assert_non_null(v);
		asks = (v->flags & (VERB_DISRUPTS | VERB_DELETES)) != 0;
		/* What is only begun in the palette is asked about there. */
		if (b->action == STORAGE_ACT_RESIZE)
			continue;
		assert_int_equal(asks, isupper((unsigned char)b->keys[0][0]) != 0);
	}
}

static void no_confirmation_key_asks(void **state)
{
	struct vt_key y = {.cp = 'y'};
	(void)state;
	for (int part = 0; part < STORAGE_PARTS; part++)
		assert_null(storage_keys_find((enum storage_part)part, &y));
}

static void help_and_footer_name_the_keys(void **state)
{
	struct buf b = BUF_INIT;
	struct sheet s = {0};
	(void)state;
	storage_keys_help(&b);
	for (unsigned i = 0; i < storage_key_count; i++)
		assert_non_null(strstr(b.data, storage_keys[i].help));
	buf_fini(&b);
	for (int cols = 0; cols < 200; cols += 20) {
		sheet_init(&s, 1, cols, true);
		storage_keys_footer(STORAGE_VOLUMES, &s, 0);
		char *text = sheet_dump(&s, false);
		if (cols >= 20)
			assert_non_null(strstr(text, "? help"));
		free(text);
	}
	sheet_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_key_is_found_and_only_once),
	    cmocka_unit_test(case_tells_what_a_key_does),
	    cmocka_unit_test(no_confirmation_key_asks),
	    cmocka_unit_test(help_and_footer_name_the_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
