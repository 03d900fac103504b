/* The cache of what identifies definitions is only a cache. */
#include "unit/cm.h"

#include <sys/stat.h>
#include <time.h>

#include "core/definition_index.h"
#include "core/definitions.h"
#include "core/store.h"

#define COUNT 40u /* more than are read anew without the cache being written */

static struct home home;
static char *dir;

static char *document(unsigned i, unsigned mac)
{
	return xasprintf("<domain type='qemu'><name>d%02u</name>"
	                 "<uuid>00000000-0000-0000-0000-0000000000%02u</uuid><memory>65536</memory>"
	                 "<os><type>hvm</type></os><devices><interface type='user'>"
	                 "<mac address='52:54:00:00:00:%02u'/></interface></devices></domain>",
	    i, i, mac);
}

static void put(unsigned i, unsigned mac)
{
	CLEANUP_FREE char *xml = document(i, mac), *name = xasprintf("d%02u", i);
	assert_int_equal(store_write(&home, name, xml, strlen(xml), NULL), 0);
}

static char *cache(void)
{
	return home_data_file(&home, "caches", "definitions");
}

static size_t fresh(void)
{
	struct definition_index index;
	assert_int_equal(definition_index_read(&home, true, &index, NULL), 0);
	size_t n = index.fresh;
	assert_int_equal(index.n, COUNT);
	assert_string_equal(index.facts[7].name, "d07");
	assert_string_equal(index.facts[7].inside, "d07");
	assert_true(index.facts[7].has_uuid);
	assert_int_equal(index.facts[7].n_macs, 1);
	definition_index_fini(&index);
	return n;
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Files that have been as they are for so long that a cache may speak for them: change times cannot be set, so the clock
 * has to go on. */
static int group_setup(void **state)
{
	(void)state;
	dir = cm_mkdtemp();
	setenv("HVMUX_HOME", dir, 1);
	assert_int_equal(home_init(&home, NULL, NULL), 0);
	for (unsigned i = 0; i < COUNT; i++)
		put(i, i);
	for (double end = now() + 1.1; now() < end;)
		usleep(10000);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	home_fini(&home);
	cm_rmdir(dir);
	return 0;
}

static int new_cache(void **state)
{
	(void)state;
	CLEANUP_FREE char *path = cache();
	unlink(path);
	assert_int_equal(fresh(), COUNT);
	assert_int_equal(fresh(), 0);
	return 0;
}

static void test_cache(void **state)
{
	(void)state;
	/* One more, one changed, one gone. */
	put(3, 93);
	assert_int_equal(fresh(), 1);
	struct definitions all;
	assert_int_equal(definitions_read(&home, &all, NULL), 0);
	assert_string_equal(definitions_mac_owner(&all, "", "52:54:00:00:00:93"), "d03");
	assert_null(definitions_mac_owner(&all, "", "52:54:00:00:00:03"));
	definitions_fini(&all);
}

static void test_torn(void **state)
{
	(void)state;
	CLEANUP_FREE char *path = cache();
	CLEANUP_BUF struct buf text = BUF_INIT;
	assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
	for (size_t n = 0; n < text.len; n += 97) {
		struct definition_index index;
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fwrite(text.data, 1, n, f);
		fclose(f);
		assert_int_equal(definition_index_read(&home, true, &index, NULL), 0);
		assert_int_equal(index.n, COUNT);
		assert_int_equal(index.fresh, COUNT);
		definition_index_fini(&index);
	}
	/* A byte that fell over, the length as it was. */
	text.data[text.len / 2] ^= 1;
	FILE *f = fopen(path, "w");
	fwrite(text.data, 1, text.len, f);
	fclose(f);
	assert_int_equal(fresh(), COUNT);
}

/* A cache that lies with a right sum: nobody is refused for it, and no uuid comes from it. */
static void test_lies(void **state)
{
	(void)state;
	CLEANUP_FREE char *path = cache();
	CLEANUP_BUF struct buf text = BUF_INIT;
	struct err err = {0};
	assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
	for (char *at; (at = strstr(text.data, "52:54:00:00:00:05"));)
		memcpy(at, "52:54:00:00:00:77", 17);
	for (char *at; (at = strstr(text.data, "-000000000006 "));)
		memcpy(at, "-000000000077 ", 14);
	char *last = strstr(text.data, "\nsum ") + 1;
	uint64_t hash = 14695981039346656037ull;
	for (const char *s = text.data; s < last; s++)
		hash = (hash ^ (unsigned char)*s) * 1099511628211ull;
	CLEANUP_FREE char *lie = xasprintf(
	    "%.*ssum %llu\n", (int)(last - text.data), text.data, (unsigned long long)hash);
	FILE *f = fopen(path, "w");
	fputs(lie, f);
	fclose(f);
	struct definitions all;
	assert_int_equal(definitions_read(&home, &all, NULL), 0);
	assert_string_equal(definitions_mac_owner(&all, "", "52:54:00:00:00:77"), "d05");
	struct domain d;
	CLEANUP_FREE char *xml = document(77, 77);
	assert_int_equal(domain_parse(xml, strlen(xml), "f", 0, &d, NULL, &err), 0);
	assert_int_equal(definitions_check(&home, &all, &d, &err), 0);
	domain_fini(&d);
	/* Without a uuid of its own it keeps the true one. */
	static const char bare[] =
	    "<domain type='qemu'><name>d06</name><memory>65536</memory><os><type>hvm"
	    "</type></os></domain>";
	assert_int_equal(domain_parse(bare, sizeof bare - 1, "f", 0, &d, NULL, &err), 0);
	assert_int_equal(definitions_check(&home, &all, &d, &err), 0);
	assert_int_equal(d.uuid[15], 6);
	domain_fini(&d);
	definitions_fini(&all);
}

/* What was stored in this very command counts beside the cache. */
static void test_put(void **state)
{
	(void)state;
	struct definitions all;
	struct domain d;
	struct err err = {0};
	assert_int_equal(definitions_read(&home, &all, NULL), 0);
	CLEANUP_FREE char *moved = document(9, 88), *fresh_one = document(50, 51);
	assert_int_equal(domain_parse(moved, strlen(moved), "f", 0, &d, NULL, &err), 0);
	definitions_put(&all, &d);
	domain_fini(&d);
	assert_int_equal(domain_parse(fresh_one, strlen(fresh_one), "f", 0, &d, NULL, &err), 0);
	definitions_put(&all, &d);
	domain_fini(&d);
	assert_int_equal(all.n, COUNT + 1);
	CLEANUP_FREE char *again = document(60, 51), *freed = document(61, 9);
	assert_int_equal(domain_parse(again, strlen(again), "f", 0, &d, NULL, &err), 0);
	assert_int_equal(definitions_check(&home, &all, &d, &err), -1);
	assert_int_equal(err.code, ERR_EXISTS);
	domain_fini(&d);
	assert_int_equal(domain_parse(freed, strlen(freed), "f", 0, &d, NULL, &err), 0);
	assert_int_equal(definitions_check(&home, &all, &d, &err), 0);
	domain_fini(&d);
	definitions_fini(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_torn, new_cache),
	    cmocka_unit_test_setup(test_lies, new_cache),
	    cmocka_unit_test_setup(test_put, new_cache),
	    cmocka_unit_test_setup(test_cache, new_cache)};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
