/* A host made of files. */
#include "unit/cm.h"

#include "core/home.h"
#include "core/node.h"

static char *root;
static struct home nobody = {.mode = HOME_PRIVATE};

static void put(const char *path, const char *text)
{
	CLEANUP_FREE char *full = xasprintf("%s%s", root, path);
	CLEANUP_FREE char *dir = xstrdup(full);
	*strrchr(dir, '/') = '\0';
	assert_int_equal(home_mkdir(&nobody, dir, NULL), 0);
	assert_int_equal(file_write_atomic(full, text, strlen(text), 0600, NULL), 0);
}

static void put_cpu(unsigned i, unsigned socket, unsigned core, const char *siblings)
{
	static const char *const names[] = {"physical_package_id", "core_id", "die_id"};
	const unsigned values[] = {socket, core, 0};
	for (size_t k = 0; k < 3; k++) {
		CLEANUP_FREE char *path =
		    xasprintf("/sys/devices/system/cpu/cpu%u/topology/%s", i, names[k]);
		CLEANUP_FREE char *text = xasprintf("%u\n", values[k]);
		put(path, text);
	}
	CLEANUP_FREE char *path =
	    xasprintf("/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", i);
	put(path, siblings);
}

/* Two cells, each a socket of two cores with two threads. */
static int setup(void **state)
{
	(void)state;
	root = cm_mkdtemp();
	put("/proc/meminfo",
	    "MemTotal: 8388608 kB\nMemFree: 4194304 kB\nBuffers: 11 kB\nCached: 22 kB\n"
	    "SwapCached: 33 kB\n");
	put("/proc/cpuinfo",
	    "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: A \x1b[31m CPU\n"
	    "microcode\t: 0x10\ncpu MHz\t\t: 2400.123\nflags\t\t: fpu vmx aes\n\n"
	    "processor\t: 1\nflags\t\t: svm\n");
	put("/proc/stat", "cpu  100 20 30 400 50 6 7 0 0 0\ncpu0 1 2 3 4 5 6 7 0 0 0\n");
	put("/sys/devices/system/cpu/present", "0-7\n");
	put("/sys/devices/system/cpu/online", "0-7\n");
	for (unsigned i = 0; i < 8; i++) {
		CLEANUP_FREE char *siblings = xasprintf("%u-%u\n", i / 2 * 2, i / 2 * 2 + 1);
		put_cpu(i, i / 4, i / 2 % 2, siblings);
	}
	put("/sys/devices/system/node/online", "0-1\n");
	put("/sys/devices/system/node/node0/cpulist", "0-3\n");
	put("/sys/devices/system/node/node1/cpulist", "4-7\n");
	put("/sys/devices/system/node/node0/meminfo",
	    "Node 0 MemTotal: 4194304 kB\nNode 0 MemFree: 1000 kB\n");
	put("/sys/devices/system/node/node1/meminfo",
	    "Node 1 MemTotal: 4194304 kB\nNode 1 MemFree: 2000 kB\n");
	put("/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages", "512\n");
	put("/sys/devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages", "100\n");
	put("/sys/devices/system/node/node0/hugepages/hugepages-1048576kB/nr_hugepages", "0\n");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cm_rmdir(root);
	return 0;
}

static void test_two_cells(void **state)
{
	(void)state;
	struct node n;
	struct err err = {0};
	assert_int_equal(node_read(root, &n, &err), 0);
	assert_string_equal(n.vendor, "GenuineIntel");
	assert_string_equal(n.model, "A \\x1b[31m CPU");
	assert_int_equal(n.mhz, 2400);
	assert_true(
	    node_has_flag(&n, "vmx") && !node_has_flag(&n, "svm") && !node_has_flag(&n, "vm"));
	struct node_topology t = node_topology(&n);
	assert_int_equal(t.cpus, 8);
	assert_int_equal(t.cells, 2);
	assert_int_equal(t.sockets, 1);
	assert_int_equal(t.cores, 2);
	assert_int_equal(t.threads, 2);
	assert_int_equal(n.cached_kib, 22);
	assert_int_equal(n.cells[1].free_kib, 2000);
	assert_int_equal(n.cells[0].n_pages, 3);
	assert_int_equal(n.cells[0].pages[0].size_kib, 4);
	assert_int_equal(n.cells[0].pages[0].total, (4194304 - 512 * 2048) / 4);
	assert_int_equal(n.cells[0].pages[1].total, 512);
	assert_int_equal(n.cells[0].pages[1].free, 100);
	assert_int_equal(n.cells[0].pages[2].size_kib, 1048576);
	assert_string_equal(n.cpus[5].siblings, "4-5");
	assert_int_equal(n.cpus[5].cell, 1);
	node_fini(&n);
}

/* A processor that is off: the rest is no regular topology. */
static void test_uneven(void **state)
{
	(void)state;
	struct node n;
	put("/sys/devices/system/cpu/online", "0-6\n");
	assert_int_equal(node_read(root, &n, NULL), 0);
	struct node_topology t = node_topology(&n);
	assert_int_equal(t.cpus, 7);
	assert_int_equal(t.cells, 1);
	assert_int_equal(t.sockets, 1);
	assert_int_equal(t.cores, 7);
	assert_int_equal(t.threads, 1);
	assert_false(n.cpus[7].online);
	assert_true(n.cpus[7].present);
	node_fini(&n);
}

/* No NUMA, no topology, lists that nobody should have written. */
static void test_bare(void **state)
{
	(void)state;
	CLEANUP_FREE char *sys = xasprintf("%s/sys", root);
	struct node n;
	file_remove_tree(sys, NULL);
	put("/sys/devices/system/cpu/present", "0-4294967295,x,-1\n");
	put("/sys/devices/system/cpu/online", "1,99999999999999999999-3\n");
	assert_int_equal(node_read(root, &n, NULL), 0);
	assert_int_equal(n.n_cpus, NODE_CPUS_MAX);
	assert_int_equal(n.n_cells, 1);
	assert_int_equal(n.cells[0].memory_kib, 8388608);
	assert_int_equal(node_topology(&n).cpus, 1);
	node_fini(&n);
}

static void test_times(void **state)
{
	(void)state;
	struct node_times t;
	struct err err = {0};
	uint64_t tick = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	assert_int_equal(node_times(root, -1, &t, &err), 0);
	assert_int_equal(t.user_ns, 120 * tick);
	assert_int_equal(t.system_ns, 43 * tick);
	assert_int_equal(t.iowait_ns, 50 * tick);
	assert_int_equal(node_times(root, 0, &t, &err), 0);
	assert_int_equal(t.idle_ns, 4 * tick);
	assert_int_equal(node_times(root, 1, &t, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_two_cells, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_uneven, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_bare, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_times, setup, teardown)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
