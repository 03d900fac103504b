/* Images that the real qemu-img made read back as what they were made of, and so do what it says of their size. */
#include "unit/disk/foreign.h"

#include <sys/wait.h>

#define MIB (1ull << 20)
#define SOURCE "source.raw"

static int run(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *words = xvasprintf(fmt, ap);
	va_end(ap);
	CLEANUP_FREE char *line = xasprintf("cd '%s' && %s >/dev/null 2>&1", foreign_dir, words);
	int status = system(line);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool has_qemu_img(void)
{
	if (run("qemu-img --version") == 0)
		return true;
	print_message("# SKIP no qemu-img here\n");
	return false;
}

/* xorshift: nothing that deflate could make smaller. */
static void fill_random(uint8_t *p, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		p[i] = (uint8_t)(seed >> 32);
	}
}

/* Pieces on both sides of what the formats cut at: grains and blocks, grain tables (32 MiB), files of a split disk (2 GiB). */
static void make_source(uint64_t size)
{
	const uint64_t places[] = {0, 3 * MIB - 700, 8 * MIB - 4096, 32 * MIB - 65536 - 512,
	    100 * MIB + 512, 2048 * MIB - 4096, 2048 * MIB + 70000, size - 5000};
	CLEANUP_FREE char *path = foreign_path(SOURCE);
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t n = 200000;
	CLEANUP_FREE uint8_t *data = xmalloc(n);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		size_t part = size - places[i] < n ? (size_t)(size - places[i]) : n;
		if (places[i] >= size)
			continue;
		fill_random(data, part, i + 1);
		memset(data + part / 4, (int)i + 'a', part / 4);
		memset(data + part / 2, 0, part / 8);
		assert_int_equal(pwrite(fd, data, part, (off_t)places[i]), part);
	}
}

/* In both directions: the data of a are in b. What lies behind a's end is zeroes. */
static void compare(struct img *a, struct img *b)
{
	size_t n = MIB;
	CLEANUP_FREE uint8_t *one = xmalloc(n), *two = xmalloc(n);
	struct img_extent e;
	struct err err = {0};
	uint64_t common = a->size < b->size ? a->size : b->size;
	for (uint64_t at = 0; at < common; at += e.bytes) {
		if (img_map_chain(a, at, common - at, &e, &err) < 0)
			fail_msg("%s", err.msg);
		if (e.kind == IMG_ABSENT || e.kind == IMG_ZERO)
			continue;
		e.bytes = e.bytes < n ? e.bytes : n;
		if (img_read_extent(&e, at, one, (size_t)e.bytes, &err) < 0 ||
		    img_read(b, at, two, (size_t)e.bytes, &err) < 0)
			fail_msg("%s", err.msg);
		if (memcmp(one, two, (size_t)e.bytes) != 0)
			fail_msg("%s and %s differ between %" PRIu64 " and %" PRIu64, a->name,
			    b->name, at, at + e.bytes);
	}
}

static uint64_t qemu_size(const char *name, const char *format)
{
	CLEANUP_FREE char *line =
	    xasprintf("cd '%s' && qemu-img info -f %s --output=json %s | sed -n "
	              "'s/.*\"virtual-size\": *\\([0-9]*\\),*/\\1/p' | head -n 1",
	        foreign_dir, format, name);
	unsigned long long size = 0;
	FILE *f = popen(line, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%llu", &size), 1);
	pclose(f);
	return size;
}

static void check(const char *format, const char *options, uint64_t size)
{
	struct err err = {0};
	make_source(size);
	if (run("qemu-img convert -f raw -O %s %s%s " SOURCE " disk.%s", format,
	        *options ? "-o " : "", options, format) != 0) {
		print_message("# SKIP this qemu-img makes no %s %s\n", format, options);
		return;
	}
	CLEANUP_FREE char *name = xasprintf("disk.%s", format);
	/* A fixed VHD looks like a raw image to everybody who is not told. */
	struct img *im = foreign_open(name, format, &err);
	if (!im)
		fail_msg("%s", err.msg);
	struct img *source = foreign_open(SOURCE, "raw", &err);
	assert_int_equal(im->size, qemu_size(name, format));
	assert_true(im->size >= size);
	compare(source, im);
	compare(im, source);
	img_drop(&im);
	img_drop(&source);
}

static void test_vdi(void **state)
{
	(void)state;
	if (!has_qemu_img())
		return;
	check("vdi", "", 150 * MIB);
	check("vdi", "static=on", 20 * MIB + 512);
	check("vdi", "", 512);
}

static void test_vpc(void **state)
{
	(void)state;
	if (!has_qemu_img())
		return;
	check("vpc", "", 150 * MIB);
	check("vpc", "force_size=on", 150 * MIB + 512);
	check("vpc", "subformat=fixed", 40 * MIB);
	check("vpc", "subformat=fixed,force_size=on", 40 * MIB + 1536);
}

static void test_vhdx(void **state)
{
	(void)state;
	if (!has_qemu_img())
		return;
	check("vhdx", "", 150 * MIB);
	check("vhdx", "block_size=1M", 4200 * MIB);
	check("vhdx", "subformat=fixed", 40 * MIB);
}

static void test_qed(void **state)
{
	(void)state;
	if (!has_qemu_img())
		return;
	check("qed", "", 150 * MIB);
	check("qed", "cluster_size=65536,table_size=1", 150 * MIB);
}

static void test_vmdk(void **state)
{
	(void)state;
	if (!has_qemu_img())
		return;
	check("vmdk", "", 150 * MIB + 512);
	check("vmdk", "zeroed_grain=on", 150 * MIB);
	check("vmdk", "subformat=streamOptimized", 150 * MIB);
	check("vmdk", "subformat=monolithicFlat", 40 * MIB);
	check("vmdk", "subformat=twoGbMaxExtentSparse", 2300 * MIB);
	check("vmdk", "subformat=twoGbMaxExtentFlat", 2300 * MIB);
}

/* A chain of two, the upper one with a piece of its own. */
static void test_vmdk_parent(void **state)
{
	(void)state;
	struct err err = {0};
	if (!has_qemu_img())
		return;
	make_source(40 * MIB);
	assert_int_equal(run("qemu-img convert -f raw -O vmdk " SOURCE " base.vmdk"), 0);
	assert_int_equal(run("qemu-img create -f vmdk -b base.vmdk -F vmdk top.vmdk"), 0);
	if (run("qemu-io -f vmdk -c 'write -P 9 1M 100k' top.vmdk") != 0) {
		print_message("# SKIP no qemu-io here\n");
		return;
	}
	struct img *im = foreign_open("top.vmdk", NULL, &err);
	if (!im)
		fail_msg("%s", err.msg);
	struct img *source = foreign_open(SOURCE, "raw", &err);
	foreign_all(im, MIB, 9, 100 << 10);
	uint8_t a[512], b[512];
	assert_int_equal(img_read(im, 3 * MIB, a, 512, &err), 0);
	assert_int_equal(img_read(source, 3 * MIB, b, 512, &err), 0);
	assert_memory_equal(a, b, 512);
	img_drop(&im);
	img_drop(&source);
}

/* What QEMU knows and we do not is told apart from raw ones. */
static void test_unread(void **state)
{
	(void)state;
	static const char *const formats[] = {"qcow", "parallels"};
	if (!has_qemu_img())
		return;
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		struct err err = {0};
		if (run("qemu-img create -f %s unread 4M", formats[i]) != 0)
			continue;
		assert_null(foreign_open("unread", NULL, &err));
		assert_int_equal(err.code, ERR_UNSUPPORTED);
		assert_non_null(strstr(err.msg, formats[i]));
	}
	struct err err = {0};
	struct img_info info;
	if (run("qemu-img create -f qcow -b base.raw -F raw old 5M") == 0) {
		CLEANUP(img_drop) struct img *im = img_look("old", NULL, &err);
		assert_non_null(im);
		assert_int_equal(img_info(im, &info, &err), 0);
		assert_int_equal(info.virtual_size, 5 << 20);
		assert_string_equal(info.backing, "base.raw");
		img_info_fini(&info);
	}
	if (run("qemu-img create -f luks --object secret,id=s,data=x -o key-secret=s,iter-time=10 unread 4M") !=
	    0)
		return;
	assert_null(foreign_open("unread", NULL, &err));
	assert_int_equal(err.code, ERR_UNSUPPORTED);
	assert_non_null(strstr(err.msg, "luks"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FOREIGN_TEST(test_vdi),
	    FOREIGN_TEST(test_vpc),
	    FOREIGN_TEST(test_vhdx),
	    FOREIGN_TEST(test_qed),
	    FOREIGN_TEST(test_vmdk),
	    FOREIGN_TEST(test_vmdk_parent),
	    FOREIGN_TEST(test_unread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
