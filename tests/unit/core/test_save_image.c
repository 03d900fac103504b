#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/save_image.h"

#define XML "<domain><name>web1</name></domain>"
#define HEADER 92

/* A file of the given bytes; its descriptor. */
static int file_of(const void *data, size_t n)
{
	int fd = memfd_create("saved", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, n, 0), n);
	return fd;
}

struct words {
	char magic[16];
	uint32_t word[19];
};

/* As libvirt writes one: document, cookie, room, stream. */
static size_t libvirts(char *out, bool swapped)
{
	static const char data[64] = XML "\0<cookie/>";
	const uint32_t words[] = {2, sizeof(data), 1, 3, sizeof(XML)};
	struct words h = {.magic = {0}};
	memcpy(h.magic, "LibvirtQemudSave", 16);
	for (size_t i = 0; i < 5; i++)
		h.word[i] = swapped ? __builtin_bswap32(words[i]) : words[i];
	memcpy(out, &h, sizeof(h));
	memcpy(out + sizeof(h), data, sizeof(data));
	memcpy(out + sizeof(h) + sizeof(data), "QEVM", 4);
	return sizeof(h) + sizeof(data) + 4;
}

static void test_libvirts(void **state)
{
	(void)state;
	for (int swapped = 0; swapped < 2; swapped++) {
		char text[512];
		struct save_image s;
		struct err err;
		int fd = file_of(text, libvirts(text, swapped));
		assert_int_equal(save_image_read(fd, "x", &s, &err), 0);
		assert_string_equal(s.xml, XML);
		assert_string_equal(s.cookie, "<cookie/>");
		assert_true(s.was_running);
		assert_int_equal(s.compression, SAVE_XZ);
		assert_int_equal(s.swapped, swapped);
		char magic[4];
		assert_int_equal(read(fd, magic, 4), 4);
		assert_memory_equal(magic, "QEVM", 4);
		save_image_fini(&s);
		close(fd);
	}
}

static void test_written(void **state)
{
	(void)state;
	struct save_image s, out = {.xml = (char *)XML, .was_running = true};
	struct err err;
	int fd = file_of("", 0);
	assert_int_equal(save_image_begin(fd, "x", &out, &err), 0);
	assert_int_equal(write(fd, "QEVM", 4), 4);
	assert_int_equal(save_image_read(fd, "x", &s, &err), -1);
	assert_non_null(strstr(err.msg, "not whole"));
	assert_int_equal(save_image_finish(fd, "x", &err), 0);
	assert_int_equal(save_image_read(fd, "x", &s, &err), 0);
	assert_string_equal(s.xml, XML);
	assert_null(s.cookie);
	assert_int_equal(s.compression, SAVE_RAW);
	uint64_t stream = s.stream;
	assert_int_equal(stream % 4096, 0);
	save_image_fini(&s);
	assert_int_equal(save_image_change(fd, "x", "<domain/>", false, &err), 0);
	assert_int_equal(save_image_read(fd, "x", &s, &err), 0);
	assert_string_equal(s.xml, "<domain/>");
	assert_false(s.was_running);
	assert_int_equal(s.stream, stream);
	save_image_fini(&s);
	char *longer = malloc(20001);
	memset(longer, 'x', 20000);
	longer[20000] = '\0';
	assert_int_equal(save_image_change(fd, "x", longer, false, &err), -1);
	assert_non_null(strstr(err.msg, "has room for"));
	free(longer);
	close(fd);
}

/* The cookie stays behind a document that has grown. */
static void test_cookie(void **state)
{
	(void)state;
	char text[512];
	struct save_image s;
	struct err err;
	int fd = file_of(text, libvirts(text, false));
	assert_int_equal(
	    save_image_change(fd, "x", "<domain>longer than it was</domain>    ", true, &err), 0);
	assert_int_equal(save_image_read(fd, "x", &s, &err), 0);
	assert_string_equal(s.cookie, "<cookie/>");
	assert_string_equal(s.xml, "<domain>longer than it was</domain>    ");
	save_image_fini(&s);
	assert_int_equal(
	    save_image_change(fd, "x",
	        "<domain>much longer than it was, and than there is room for</domain>", true, &err),
	    -1);
	close(fd);
}

static void refused(const char *bytes, size_t n, const char *words)
{
	struct save_image s;
	struct err err = {0};
	int fd = file_of(bytes, n);
	if (save_image_read(fd, "x", &s, &err) == 0)
		fail_msg("taken, but is to be refused: %s", words);
	if (strstr(err.msg, words) == NULL)
		fail_msg("'%s' is not in: %s", words, err.msg);
	close(fd);
}

static void test_damaged(void **state)
{
	(void)state;
	char text[512], bad[512];
	size_t n = libvirts(text, false);
	refused(text, 0, "cut off");
	refused(text, HEADER - 1, "cut off");
	refused(text, HEADER + 10, "cut off");
	refused(text, n - 4, "memory is not in it");
	memcpy(bad, text, n);
	bad[0] = 'X';
	refused(bad, n, "no file of a saved machine");
	static const struct {
		size_t word;
		uint32_t value;
		const char *words;
	} cases[] = {{0, 3, "version 3"}, {0, 0, "version 0"}, {1, 0, "make no sense"},
	    {1, UINT32_MAX, "make no sense"}, {1, 34, "make no sense"}, {3, 9, "compressed"},
	    {4, 64, "make no sense"}, {4, 3, "does not end"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(bad, text, n);
		memcpy(bad + 16 + 4 * cases[i].word, &cases[i].value, 4);
		refused(bad, n, cases[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_libvirts),
	    cmocka_unit_test(test_written),
	    cmocka_unit_test(test_cookie),
	    cmocka_unit_test(test_damaged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
