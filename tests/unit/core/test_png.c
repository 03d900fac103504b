/* PPM in, PNG out: decoded again here, chunk by chunk. */
#include "unit/cm.h"

#include <zlib.h>

#include "core/png.h"

static uint32_t u32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Checks the chunk at p and returns the next one's place. */
static const unsigned char *chunk(
    const unsigned char *p, const char *type, const unsigned char **data, size_t *n)
{
	*n = u32(p);
	*data = p + 8;
	assert_memory_equal(p + 4, type, 4);
	assert_int_equal(u32(p + 8 + *n), crc32(0, p + 4, (uInt)(*n + 4)));
	return p + 12 + *n;
}

static void round_trip(void **state)
{
	static const char ppm[] = "P6\n# made by hand\n3 2\n255\n"
	                          "\x00\x01\x02\x10\x11\x12\xff\xfe\xfd"
	                          "\x00\x01\x03\x00\x00\x00\x01\x02\x03";
	static const unsigned char want[] = {
	    2, 0, 1, 2, 0x10, 0x11, 0x12, 0xff, 0xfe, 0xfd, 2, 0, 0, 1, 0xf0, 0xef, 0xee, 2, 4, 6};
	struct picture p;
	struct err err;
	CLEANUP_BUF struct buf png = BUF_INIT;
	const unsigned char *data;
	unsigned char raw[64];
	uLongf raw_len = sizeof(raw);
	size_t n;
	(void)state;
	assert_int_equal(picture_from_ppm(ppm, sizeof(ppm) - 1, &p, &err), 0);
	assert_int_equal(p.width, 3);
	assert_int_equal(p.height, 2);
	assert_int_equal(picture_to_png(&p, &png, &err), 0);
	assert_memory_equal(png.data, "\x89PNG\r\n\x1a\n", 8);
	const unsigned char *at = (const unsigned char *)png.data + 8;
	at = chunk(at, "IHDR", &data, &n);
	assert_int_equal(n, 13);
	assert_int_equal(u32(data), 3);
	assert_int_equal(u32(data + 4), 2);
	assert_memory_equal(data + 8, "\x08\x02\x00\x00\x00", 5);
	at = chunk(at, "IDAT", &data, &n);
	assert_int_equal(uncompress(raw, &raw_len, data, n), Z_OK);
	assert_int_equal(raw_len, sizeof(want));
	assert_memory_equal(raw, want, sizeof(want));
	at = chunk(at, "IEND", &data, &n);
	assert_int_equal(n, 0);
	assert_ptr_equal(at, (const unsigned char *)png.data + png.len);
}

static void what_is_no_picture(void **state)
{
	static const char *const bad[] = {"", "P", "P5\n1 1\n255\nx", "P6", "P6\n", "P6\n1",
	    "P6\n1 1\n255", "P6\n0 1\n255\nxxx", "P6\n1 1\n65535\nxxxxxx",
	    "P6\n99999999999999999999 1\n255\nxxx", "P6\n16385 1\n255\nxxx", "P6\n-1 1\n255\nxxx",
	    "P6\n2 2\n255\nxxxxxxxxxxx", "P6#", "P6 1#2 3"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct picture p;
		struct err err = {0};
		assert_int_equal(picture_from_ppm(bad[i], strlen(bad[i]), &p, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(round_trip), cmocka_unit_test(what_is_no_picture)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
