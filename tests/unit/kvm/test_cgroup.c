#include "unit/cm.h"

#include <sys/stat.h>

#include "core/buf.h"
#include "kvm/cgroup.h"
#include "kvm/cgroup_limits.h"
#include "kvm/cgroup_threads.h"

static char *root;

static void put(const char *path, const char *text)
{
	CLEANUP_FREE char *whole = xasprintf("%s%s", root, path);
	for (char *p = whole + strlen(root) + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		mkdir(whole, 0755);
		*p = '/';
	}
	assert_int_equal(file_write_atomic(whole, text, strlen(text), 0644, NULL), 0);
}

static void holds(const char *path, const char *text)
{
	CLEANUP_FREE char *whole = xasprintf("%s%s", root, path);
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct err err;
	if (file_read(whole, 4096, &b, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(b.data, text);
}

static void find(struct cgroup *g, enum home_mode mode, const char *partition)
{
	static char run[] = "/h/run";
	const struct home h = {.mode = mode, .run = run};
	struct err err = {0};
	if (cgroup_find(g, root, &h, "web1", partition, &err) < 0)
		fail_msg("%s", err.msg);
}

static void dir_is(const struct cgroup *g, enum cgroup_controller c, const char *want)
{
	CLEANUP_FREE char *whole = xasprintf("%s%s", root, want);
	assert_string_equal(g->at[c].dir, whole);
}

#define V2 "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"

static void version_2(void **state)
{
	struct cgroup g;
	struct buf notes = BUF_INIT;
	struct err err;
	(void)state;
	put("/proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" V2);
	put("/proc/self/cgroup", "0::/user.slice/user-0.slice/session-3.scope\n");
	put("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
	/* As the kernel would: the files of a group come with it. */
	put("/sys/fs/cgroup/cgroup.subtree_control", "");
	put("/sys/fs/cgroup/hvmux/cgroup.subtree_control", "");
	put("/sys/fs/cgroup/hvmux/web1.vm/cgroup.subtree_control", "");
	put("/sys/fs/cgroup/hvmux/web1.vm/cgroup.procs", "");
	put("/sys/fs/cgroup/hvmux/web1.vm/memory.max", "max\n");
	put("/sys/fs/cgroup/hvmux/web1.vm/vcpu0/cgroup.type", "domain\n");
	put("/sys/fs/cgroup/hvmux/web1.vm/vcpu0/cpu.max", "max 100000\n");
	put("/sys/fs/cgroup/hvmux/web1.vm/vcpu0/cgroup.threads", "");
	find(&g, HOME_SYSTEM, "/machine");
	assert_null(g.unit);
	for (unsigned c = 0; c < CGROUP_CONTROLLERS; c++) {
		assert_true(g.at[c].v2);
		dir_is(&g, c, "/sys/fs/cgroup/hvmux/web1.vm");
	}
	cgroup_make(&g, &notes);
	assert_int_equal(notes.len, 0);
	holds("/sys/fs/cgroup/cgroup.subtree_control", "+io");
	holds("/sys/fs/cgroup/hvmux/cgroup.subtree_control", "+io");
	assert_int_equal(cgroup_write(&g, CGROUP_MEMORY, NULL, "memory.max", "1", &err), 0);
	holds("/sys/fs/cgroup/hvmux/web1.vm/memory.max", "1");
	assert_int_equal(cgroup_write(&g, CGROUP_MEMORY, NULL, "memory.high", "1", &err), -1);
	int fds[CGROUP_CONTROLLERS];
	assert_int_equal(cgroup_doors(&g, fds), 1);
	close(fds[0]);
	const struct domain_tune t = {.cpu.vcpu = {.quota = 5000, .period = 10000}};
	thread_place(&g, &t, THREAD_VCPU, 0, getpid(), &notes);
	assert_int_equal(notes.len, 0);
	holds("/sys/fs/cgroup/hvmux/web1.vm/vcpu0/cgroup.type", "threaded");
	holds("/sys/fs/cgroup/hvmux/web1.vm/cgroup.subtree_control", "+cpu");
	holds("/sys/fs/cgroup/hvmux/web1.vm/vcpu0/cpu.max", "5000 10000");
	cgroup_fini(&g);
	find(&g, HOME_PRIVATE, NULL);
	assert_non_null(strstr(g.at[0].dir, "/hvmux/web1-"));
	cgroup_fini(&g);
}

static void under_systemd(void **state)
{
	struct cgroup g;
	struct buf notes = BUF_INIT;
	int fds[CGROUP_CONTROLLERS];
	(void)state;
	put("/proc/self/mountinfo", V2);
	put("/proc/self/cgroup", "0::/system.slice/system-hvmux.slice/hvmux@web1.service\n");
	put("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory\n");
	find(&g, HOME_SYSTEM, NULL);
	assert_string_equal(g.unit, "hvmux@web1.service");
	dir_is(&g, CGROUP_CPU, "/sys/fs/cgroup/system.slice/system-hvmux.slice/hvmux@web1.service");
	cgroup_make(&g, &notes);
	assert_int_equal(notes.len, 0);
	assert_int_equal(cgroup_doors(&g, fds), 0);
	cgroup_fini(&g);
}

/* Without limits nothing of version 1 is moved into, but what has to be left. */
static void without_limits(void **state)
{
	struct cgroup g;
	int fds[CGROUP_CONTROLLERS];
	(void)state;
	put("/proc/self/mountinfo",
	    "31 23 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
	    "32 23 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	    "33 23 0:29 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio\n");
	put("/proc/self/cgroup",
	    "5:cpu:/\n4:memory:/user.slice/user-0.slice/session-3.scope\n3:blkio:/docker/6b3c0ade\n");
	find(&g, HOME_SYSTEM, NULL);
	assert_non_null(g.at[CGROUP_CPU].dir);
	cgroup_without_limits(&g);
	assert_null(g.at[CGROUP_CPU].dir);
	assert_null(g.at[CGROUP_IO].dir);
	dir_is(&g, CGROUP_MEMORY, "/sys/fs/cgroup/memory/hvmux/web1.vm");
	cgroup_fini(&g);
	put("/proc/self/cgroup", "5:cpu:/\n4:memory:/\n3:blkio:/\n");
	find(&g, HOME_SYSTEM, NULL);
	cgroup_without_limits(&g);
	assert_int_equal(cgroup_doors(&g, fds), 0);
	cgroup_fini(&g);
}

/* One controller is of version 1, the others are not to be had. */
static void hybrid(void **state)
{
	struct cgroup g;
	struct buf notes = BUF_INIT;
	struct err err;
	(void)state;
	put("/proc/self/mountinfo",
	    "31 23 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
	    "32 23 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	    "33 23 0:29 / /sys/fs/cgroup/broken rw - cgroup\nrubbish\n");
	put("/proc/self/cgroup", "5:cpu,cpuacct:/box\n0::/\n");
	put("/sys/fs/cgroup/unified/cgroup.controllers", "hugetlb\n");
	put("/sys/fs/cgroup/cpu,cpuacct/box/hvmux/web1.vm/cpu.shares", "1024\n");
	find(&g, HOME_SYSTEM, NULL);
	dir_is(&g, CGROUP_CPU, "/sys/fs/cgroup/cpu,cpuacct/box/hvmux/web1.vm");
	assert_false(g.at[CGROUP_CPU].v2);
	assert_null(g.at[CGROUP_MEMORY].dir);
	cgroup_make(&g, &notes);
	assert_int_equal(notes.len, 0);
	assert_int_equal(cgroup_write(&g, CGROUP_CPU, NULL, "cpu.shares", "5", &err), 0);
	holds("/sys/fs/cgroup/cpu,cpuacct/box/hvmux/web1.vm/cpu.shares", "5");
	assert_int_equal(cgroup_write(&g, CGROUP_MEMORY, NULL, "x", "5", &err), -1);
	assert_string_equal(err.msg, "this host has no controller 'memory' for us");
	cgroup_fini(&g);
	const struct home h = {.mode = HOME_SYSTEM};
	assert_int_equal(cgroup_find(&g, root, &h, "web1", "/gold", &err), -1);
	assert_non_null(strstr(err.msg, "<resource>: cannot use the partition"));
}

/* Groups of threads below go with it; what holds something stays. */
static void removal(void **state)
{
	char *dir = cm_mkdtemp();
	CLEANUP_FREE char *run = xasprintf("%s/run", dir), *vm = xasprintf("%s/run/x", dir);
	CLEANUP_FREE char *a = xasprintf("%s/a", dir), *below = xasprintf("%s/a/vcpu0", dir);
	CLEANUP_FREE char *list = xasprintf("%s/run/x/cgroups", dir);
	CLEANUP_FREE char *text = xasprintf("ours %s/a\nours relative\nunit %s/run/x\n", dir, dir);
	const struct home h = {.mode = HOME_PRIVATE, .run = run};
	(void)state;
	mkdir(run, 0700);
	mkdir(vm, 0700);
	mkdir(a, 0700);
	mkdir(below, 0700);
	assert_int_equal(file_write_atomic(list, text, strlen(text), 0600, NULL), 0);
	cgroup_remove(&h, "x");
	assert_int_equal(access(a, F_OK), -1);
	assert_int_equal(access(vm, F_OK), 0);
	assert_int_equal(access(list, F_OK), -1);
	cgroup_remove(&h, "x");
	cm_rmdir(dir);
}

static int set_up(void **state)
{
	(void)state;
	root = cm_mkdtemp();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	cm_rmdir(root);
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(version_2), TEST(under_systemd),
	    TEST(without_limits), TEST(hybrid), TEST(removal)};
	return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
