#include "unit/cm.h"

#include "core/buf.h"
#include "core/log.h"

static void test_one_line(void **state)
{
	(void)state;
	struct buf text = BUF_INIT;
	char *dir = cm_mkdtemp(), *path = xasprintf("%s/log", dir);
	log_open(path);
	log_warn("QEMU says: %s", "a\nb\033]0;x\007");
	log_debug("not without HVMUX_DEBUG");
	log_open(NULL);
	assert_int_equal(file_read(path, 1u << 16, &text, NULL), 0);
	assert_non_null(strstr(text.data, "Z warning: QEMU says: a\\x0ab\\x1b]0;x\\x07\n"));
	assert_ptr_equal(strchr(text.data, '\n') + 1, text.data + text.len);
	buf_fini(&text);
	free(path);
	cm_rmdir(dir);
}

static void test_rotates(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp(), *path = xasprintf("%s/log", dir), *old = xasprintf("%s.1", path);
	char *words = xmalloc(4001);
	memset(words, 'x', 4000);
	words[4000] = '\0';
	log_open(path);
	for (int i = 0; i < 300; i++)
		log_info("%s", words);
	log_open(NULL);
	assert_int_equal(access(old, F_OK), 0);
	assert_int_equal(access(path, F_OK), 0);
	free(words);
	free(old);
	free(path);
	cm_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_line), cmocka_unit_test(test_rotates)};
	unsetenv("HVMUX_DEBUG");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
