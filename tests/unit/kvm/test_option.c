#include "unit/cm.h"

#include "kvm/option.h"

static void same(const char *text)
{
	struct option o;
	assert_true(option_parse(text, &o));
	char *again = option_format(&o);
	assert_string_equal(again, text);
	free(again);
	option_fini(&o);
}

static void there_and_back(void **state)
{
	(void)state;
	same("driver=file,node-name=vda-file,filename=/a,,b=c,auto-read-only=on");
	same("usb-host,id=h,hostdevice=/dev/bus/usb/001/002");
	same("x");
	same("a=,b=");
	same("filename=,,,,");
	same(
	    "{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"/a,b\"},\"read-only\":true,\"size\":5}");
}

static void get_and_set(void **state)
{
	struct option o;
	(void)state;
	assert_true(option_parse("raw,filename=/a,,b,file.driver=file", &o));
	assert_string_equal(option_get(&o, "filename"), "/a,b");
	assert_true(option_is(&o, "file.driver", "file"));
	assert_null(option_get(&o, "driver"));
	assert_string_equal(o.pair[0].value, "raw");
	option_set(&o, "filename", "x,y");
	option_set(&o, "backing", "b");
	char *text = option_format(&o);
	assert_string_equal(text, "raw,filename=x,,y,file.driver=file,backing=b");
	free(text);
	option_fini(&o);
}

static void in_json(void **state)
{
	struct option o;
	(void)state;
	assert_true(option_parse(
	    "{\"driver\":\"raw\",\"file\":{\"filename\":\"/a\"},\"read-only\":false}", &o));
	assert_string_equal(option_get(&o, "file.filename"), "/a");
	assert_true(option_is(&o, "read-only", "off"));
	option_set(&o, "file.filename", "/dev/fdset/1");
	option_set(&o, "backing", "b");
	char *text = option_format(&o);
	assert_string_equal(text,
	    "{\"driver\":\"raw\",\"file\":{\"filename\":\"/dev/fdset/1\"},\"read-only\":false,\"backing\":\"b\"}");
	free(text);
	option_fini(&o);
	assert_false(option_parse("{\"driver\":", &o));
	assert_false(option_parse("{", &o));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(there_and_back),
	    cmocka_unit_test(get_and_set), cmocka_unit_test(in_json)};
	return cmocka_run_group_tests_name("option", tests, NULL, NULL);
}
