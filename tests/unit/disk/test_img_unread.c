#include "unit/disk/foreign.h"

static void recognised(const char *name, const char *magic, size_t n, const char *format)
{
	struct err err = {0};
	foreign_write(name, magic, n);
	assert_null(foreign_open(name, NULL, &err));
	assert_int_equal(err.code, ERR_UNSUPPORTED);
	if (!strstr(err.msg, format))
		fail_msg("'%s' was expected, it said: %s", format, err.msg);
	/* Who says that it is raw, means it. */
	struct img *im = foreign_open(name, "raw", &err);
	assert_non_null(im);
	img_drop(&im);
}

static void test_recognised(void **state)
{
	(void)state;
	recognised("a", "LUKS\xba\xbe\0\1 and more", 18, "'luks'");
	recognised("a", "QFI\xfb\0\0\0\1", 8, "'qcow'");
	recognised("a", "WithoutFreeSpace", 16, "'parallels'");
	recognised("a", "WithouFreSpacExt", 16, "'parallels'");
	recognised("a", "Bochs Virtual HD Image and more", 31, "'bochs'");
	recognised("a", "#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0", 45, "'cloop'");
	recognised("a.dmg", "anything", 8, "'dmg'");
}

static void test_raw(void **state)
{
	(void)state;
	static const char *const heads[] = {
	    "", "LUKS", "QFI", "Without", "WithoutFreeSpac", "#!/bin/sh\n"};
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct err err = {0};
		foreign_write("a", heads[i], strlen(heads[i]));
		struct img *im = foreign_open("a", NULL, &err);
		if (!im)
			fail_msg("%s", err.msg);
		assert_ptr_equal(im->driver, &img_raw);
		img_drop(&im);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FOREIGN_TEST(test_recognised),
	    FOREIGN_TEST(test_raw),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
