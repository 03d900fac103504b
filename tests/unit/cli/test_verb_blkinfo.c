/* domblkinfo of a domain that is off: what the images' headers say. */
#include "unit/cli/run_cli.h"

#include "disk/img_create.h"

static void define(const char *format, const char *file)
{
	CLEANUP_FREE char *xml = xasprintf(
	    "<domain type='qemu'><name>b1</name><memory>65536</memory><os><type>hvm</type></os>"
	    "<devices><disk type='file'><driver name='qemu' type='%s'/><source file='%s/%s'/>"
	    "<target dev='vda' bus='virtio'/></disk></devices></domain>",
	    format, run_home, file);
	run_define("b1", xml);
}

static void put(const char *file, const void *data, size_t n)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", run_home, file);
	assert_int_equal(file_write_atomic(path, data, n, 0600, NULL), 0);
}

static void says(const char *format, const char *file, const char *capacity)
{
	struct run r;
	define(format, file);
	RUN(&r, "domblkinfo", "b1", "vda");
	if (r.status != 0 || strncmp(r.out, capacity, strlen(capacity)) != 0)
		fail_msg("%s: %s%s", format, r.out, r.err);
	run_free(&r);
}

static void test_formats(void **state)
{
	(void)state;
	struct err err = {0};
	/* The header of a qcow image: 3 MiB, clusters of 4 KiB. */
	static const unsigned char qcow[48] = {
	    'Q', 'F', 'I', 0xfb, [7] = 1, [29] = 0x30, [32] = 12};
	CLEANUP_FREE char *path = xasprintf("%s/a.qcow2", run_home);
	struct img_create c = {.format = "qcow2", .with_size = true, .qcow2 = {.size = 5 << 20}};
	assert_int_equal(img_create_now(path, &c, &err), 0);
	put("a.raw", "12345", 5);
	put("a.qcow", qcow, sizeof(qcow));
	says("qcow2", "a.qcow2", "Capacity:       5242880\n");
	says("qcow", "a.qcow", "Capacity:       3145728\n");
	says("raw", "a.raw", "Capacity:       512\n");
}

static void test_troubles(void **state)
{
	struct run r;
	(void)state;
	put("a.raw", "12345", 5);
	define("qcow2", "a.raw");
	RUN(&r, "domblkinfo", "b1", "vda");
	assert_int_equal(r.status, 1);
	assert_non_null(strstr(r.err, "a.raw"));
	run_free(&r);
	define("bochs", "a.raw");
	RUN(&r, "domblkinfo", "b1", "vda");
	assert_int_equal(r.status, 1);
	assert_non_null(strstr(r.err, "is known while its domain runs"));
	run_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_formats, run_setup, run_teardown),
	    cmocka_unit_test_setup_teardown(test_troubles, run_setup, run_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
