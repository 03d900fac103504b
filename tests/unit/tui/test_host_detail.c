/* host_detail: a machine of files. */
#include "unit/cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/file.h"
#include "core/mem.h"
#include "tui/host_detail.h"

static char root[] = "/tmp/hvmux-host.XXXXXX";

static void put(const char *path, const char *text)
{
	CLEANUP_FREE char *whole = xasprintf("%s%s", root, path);
	CLEANUP_FREE char *dir = xstrndup(whole, (size_t)(strrchr(whole, '/') - whole));
	CLEANUP_FREE char *make = xasprintf("mkdir -p '%s'", dir);
	assert_int_equal(system(make), 0);
	assert_int_equal(file_write_atomic(whole, text, strlen(text), 0600, NULL), 0);
}

static void reads_all(void **state)
{
	struct host_detail h;
	(void)state;
	put("/proc/cpuinfo", "processor\t: 0\nmodel name\t: Fast \x1b[1m One\n");
	put("/proc/meminfo", "MemTotal: 100 kB\nSwapTotal: 2048 kB\nSwapFree: 1024 kB\n");
	put("/proc/pressure/cpu", "some avg10=12.34 avg60=1.00 avg300=0.00 total=5\n");
	put("/proc/pressure/io",
	    "some avg10=1.00 avg60=0.00\nfull avg10=0.50 avg60=0.00 avg300=0.00 total=5\n");
	put("/sys/devices/system/node/node0/meminfo",
	    "Node 0 MemTotal: 1000 kB\nNode 0 MemFree: 400 kB\n");
	put("/sys/devices/system/node/node0/cpulist", "0-3\n");
	put("/sys/devices/system/node/node2/meminfo",
	    "Node 2 MemTotal: 500 kB\nNode 2 MemFree: 500 kB\n");
	put("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "8\n");
	put("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "3\n");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	host_detail_read(&h, root);
	assert_string_equal(h.model, "Fast \\x1b[1m One");
	assert_true(h.cpus > 0);
	assert_int_equal(h.swap_kib, 2048);
	assert_int_equal(h.swap_free_kib, 1024);
	assert_true(h.cpu.known && h.io.known);
	assert_false(h.memory.known);
	assert_int_equal(h.cpu.some, 1234);
	assert_int_equal(h.io.full, 50);
	assert_int_equal(h.n_nodes, 2);
	assert_int_equal(h.nodes[0].free_kib, 400);
	assert_string_equal(h.nodes[0].cpus, "0-3");
	assert_int_equal(h.nodes[1].id, 2);
	assert_int_equal(h.n_pages, 1);
	assert_int_equal(h.pages[0].total, 8);
	assert_int_equal(h.pages[0].free, 3);
	assert_string_equal(h.thp, "madvise");
	assert_non_null(strstr(h.kvm, "/dev/kvm: "));
}

static void an_empty_machine(void **state)
{
	struct host_detail h;
	(void)state;
	host_detail_read(&h, "/nonexistent");
	assert_int_equal(h.n_nodes, 0);
	assert_int_equal(h.n_pages, 0);
	assert_false(h.cpu.known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_all),
	    cmocka_unit_test(an_empty_machine),
	};
	if (!mkdtemp(root))
		return 1;
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	file_remove_tree(root, NULL);
	return rc;
}
