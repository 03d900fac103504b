/* QEMU's last words, found in what it wrote. */
#include "unit/cm.h"

#include <sys/stat.h>

#include "core/buf.h"
#include "kvm/qemu_log.h"

#define HEAD "# 2026-11-21T11:41:46.682Z: start of 'w'\n/usr/bin/qemu -x\n# QEMU's own words:\n"

static void expect(const char *log, const char *want)
{
	char *words = qemu_log_words_of(log, strlen(log));
	assert_string_equal(words, want);
	free(words);
}

static void test_words(void **state)
{
	(void)state;
	expect("", "");
	expect(HEAD, "");
	expect(HEAD "qemu-system-x86_64: -nonsense: invalid option\n", "-nonsense: invalid option");
	expect(HEAD "2026-11-21T11:41:46.682Z qemu-system-x86_64: no space\n", "no space");
	expect(HEAD "qemu-system-x86_64: one\nqemu-system-x86_64: two\n", "one; two");
	expect("old\n" HEAD "first run\n" HEAD, "");
	expect(HEAD "a\nb\nc\nd\ne", "b; c; d; e");
	expect(HEAD "Could not open '/x: y'\n", "Could not open '/x: y'");
}

static void test_warnings_only_where_there_is_nothing_else(void **state)
{
	(void)state;
	expect(HEAD "qemu-system-x86_64: warning: TCG cannot do it\nqemu-system-x86_64: died\n",
	    "died");
	expect(HEAD "qemu-system-x86_64: warning: TCG cannot do it\n", "warning: TCG cannot do it");
	expect(HEAD "char device redirected to /dev/pts/3 (label a)\nqemu: died\n", "died");
}

static void test_guest_made_text_is_harmless(void **state)
{
	(void)state;
	expect(HEAD "qemu-system-x86_64: \033]0;owned\007\n", "\\x1b]0;owned\\x07");
	struct buf b = BUF_INIT;
	buf_adds(&b, HEAD);
	for (int i = 0; i < 10000; i++)
		buf_adds(&b, "xxxxxxxxxx");
	char *words = qemu_log_words_of(b.data, b.len);
	assert_in_range(strlen(words), 100, QEMU_LOG_WORDS + 8);
	free(words);
	buf_fini(&b);
}

static void test_size_is_held(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	struct err err;
	struct home h;
	setenv("HVMUX_HOME", dir, 1);
	assert_int_equal(home_init(&h, NULL, &err), 0);
	int fd = qemu_log_open(&h, "w", "qemu -x\n", &err);
	assert_true(fd >= 0);
	char line[1024];
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (int i = 0; i < 1100; i++)
		assert_int_equal(fd_write_all(fd, line, sizeof(line)), 0);
	qemu_log_limit(&h, "w");
	char *path = home_log_file(&h, "w", "qemu.log"),
	     *old = home_log_file(&h, "w", "qemu.log.1");
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(stat(old, &st), 0);
	assert_int_equal(st.st_size, QEMU_LOG_KEEP);
	assert_int_equal(
	    fd_write_all(fd, "qemu: last\n", 11), 0); /* the writer goes on at the new end */
	char *words = qemu_log_words(&h, "w");
	assert_string_equal(words, "last");
	free(words);
	close(fd);
	free(path);
	free(old);
	home_fini(&h);
	cm_rmdir(dir);
}

/* The last run's words and command line, for a crash's record; what was cut off is not made up. */
static void test_tail(void **state)
{
	(void)state;
	static const struct {
		const char *log, *words, *command;
		size_t max;
	} cases[] = {
	    {HEAD "one\ntwo\n", "one\ntwo\n", "/usr/bin/qemu -x\n", 100},
	    {HEAD "one\ntwo\n", "two\n", "/usr/bin/qemu -x\n", 4},
	    {HEAD "old\n" HEAD "new\n", "new\n", "/usr/bin/qemu -x\n", 100},
	    {HEAD, "", "/usr/bin/qemu -x\n", 100},
	    {"the head was cut off\n", "the head was cut off\n", "", 100},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *dir = cm_mkdtemp();
		struct home home;
		struct buf words = BUF_INIT, command = BUF_INIT;
		setenv("HVMUX_HOME", dir, 1);
		assert_int_equal(home_init(&home, NULL, NULL), 0);
		CLEANUP_FREE char *logs = home_log_dir(&home, "w");
		CLEANUP_FREE char *path = home_log_file(&home, "w", "qemu.log");
		assert_int_equal(home_mkdir(&home, logs, NULL), 0);
		assert_int_equal(
		    file_write_atomic(path, cases[i].log, strlen(cases[i].log), 0600, NULL), 0);
		qemu_log_tail(&home, "w", cases[i].max, &words, &command);
		assert_string_equal(words.data == NULL ? "" : words.data, cases[i].words);
		assert_string_equal(command.data == NULL ? "" : command.data, cases[i].command);
		buf_fini(&words);
		buf_fini(&command);
		home_fini(&home);
		cm_rmdir(dir);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_warnings_only_where_there_is_nothing_else),
	    cmocka_unit_test(test_guest_made_text_is_harmless),
	    cmocka_unit_test(test_size_is_held),
	    cmocka_unit_test(test_tail),
	};
	return cmocka_run_group_tests_name("qemu_log", tests, NULL, NULL);
}
