/* keys: one table that keeps its own rules. */
#include "unit/cm.h"

#include <ctype.h>
#include <string.h>

#include "cli/table.h"
#include "tui/input.h"
#include "tui/keys.h"

static void every_key_is_found_and_only_once(void **state)
{
	struct vt_key k;
	(void)state;
	for (unsigned i = 0; i < key_count; i++) {
		for (unsigned n = 0; n < 3 && key_table[i].keys[n]; n++) {
			assert_int_equal(input_key_parse(key_table[i].keys[n], &k), 0);
			assert_ptr_equal(keys_find(&k, NULL), &key_table[i]);
		}
		assert_non_null(key_table[i].help);
		assert_non_null(key_table[i].group);
		assert_int_not_equal(key_table[i].action, ACT_NONE);
	}
}

/* Lower case is reversible, upper case disrupts: and the verb's flags make the dashboard ask. */
static void case_tells_what_a_key_does(void **state)
{
	(void)state;
	for (unsigned i = 0; i < key_count; i++) {
		const struct key_binding *b = &key_table[i];
		const struct verb *v = b->verb ? verb_find(b->verb) : NULL;
		bool asks;
		if (!b->verb)
			continue;
		assert_non_null(v);
		asks = (v->flags & (VERB_DISRUPTS | VERB_DELETES)) != 0;
		if (strlen(b->keys[0]) == 1)
			assert_int_equal(asks, isupper((unsigned char)b->keys[0][0]) != 0);
		if (asks)
			assert_non_null(v->losses);
	}
}

/* y confirms, n and q cancel: none of them may ask. */
static void no_confirmation_key_asks(void **state)
{
	struct vt_key y = {.cp = 'y'};
	(void)state;
	assert_null(keys_find(&y, NULL));
}

static void help_names_every_key(void **state)
{
	struct buf b = BUF_INIT;
	(void)state;
	const struct console_keys console = {.has_prefix = true,
	    .escape_name = "Ctrl+]",
	    .detach_name = "F10",
	    .prefix_name = "Ctrl+A"};
	keys_help(&b, &console);
	assert_non_null(strstr(b.data, "so does F10"));
	assert_non_null(strstr(b.data, "The menu: Ctrl+A, then"));
	for (unsigned i = 0; i < key_count; i++) {
		assert_non_null(strstr(b.data, key_table[i].keys[0]));
		assert_non_null(strstr(b.data, key_table[i].help));
	}
	assert_non_null(strstr(b.data, "domxml-to-native"));
	assert_null(strstr(b.data, "supervise"));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_key_is_found_and_only_once),
	    cmocka_unit_test(case_tells_what_a_key_does),
	    cmocka_unit_test(no_confirmation_key_asks),
	    cmocka_unit_test(help_names_every_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
