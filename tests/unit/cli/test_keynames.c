/* Keys in the codesets that operators use. */
#include "unit/cm.h"

#include "cli/keynames.h"

static void expect(const char *codeset, const char *word, const char *want)
{
	struct err err = {0};
	struct json_object *v = key_value(codeset, word, &err);
	if (want == NULL) {
		assert_null(v);
		assert_int_equal(err.code, ERR_INVALID);
		return;
	}
	assert_non_null(v);
	assert_string_equal(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN), want);
	json_object_put(v);
}

static void codesets(void **state)
{
	(void)state;
	expect(NULL, "KEY_A", "{\"type\":\"qcode\",\"data\":\"a\"}");
	expect("linux", "30", "{\"type\":\"qcode\",\"data\":\"a\"}");
	expect("linux", "0x1e", "{\"type\":\"qcode\",\"data\":\"a\"}");
	expect("linux", "KEY_SYSRQ", "{\"type\":\"qcode\",\"data\":\"sysrq\"}");
	expect("usb", "4", "{\"type\":\"qcode\",\"data\":\"a\"}");
	expect("usb", "0xe0", "{\"type\":\"qcode\",\"data\":\"ctrl\"}");
	expect("xt", "0x1e", "{\"type\":\"number\",\"data\":30}");
	expect("atset1", "0xe01c", "{\"type\":\"number\",\"data\":156}"); /* Enter of the keypad */
	expect("qnum", "156", "{\"type\":\"number\",\"data\":156}");
}

static void no_keys(void **state)
{
	(void)state;
	expect("linux", "KEY_FLY", NULL);
	expect("linux", "a", NULL);
	expect("linux", "", NULL);
	expect("linux", "0", NULL);
	expect("linux", "99999999999999999999", NULL);
	expect("linux", "30x", NULL);
	expect("usb", "KEY_A", NULL);
	expect("usb", "0", NULL);
	expect("xt", "0", NULL);
	expect("xt", "256", NULL);
	expect("xt", "0xe1ff", NULL);
	expect("xt", "KEY_A", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(codesets), cmocka_unit_test(no_keys)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
