/* A sysfs of our own. Where the kernel would act upon what is written, a pipe of that name stands, and a child acts. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/file.h"
#include "core/mem.h"
#include "kvm/hostdev_pci.h"

#define CARD "0000:06:00.0"
#define DEVICE "bus/pci/devices/" CARD

static char root[64];

static char *at(const char *path)
{
	return xasprintf("%s/%s", root, path);
}

static void make_file(const char *path)
{
	CLEANUP_FREE char *full = at(path);
	int fd = open(full, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void make_link(const char *driver)
{
	CLEANUP_FREE char *full = at(DEVICE "/driver");
	CLEANUP_FREE char *to = xasprintf("../../drivers/%s", driver);
	unlink(full);
	assert_return_code(symlink(to, full), 0);
}

static int set_up(void **state)
{
	static const char *const dirs[] = {"bus", "bus/pci", "bus/pci/devices", "bus/pci/drivers",
	    "bus/pci/drivers/e1000e", "bus/pci/drivers/vfio-pci", DEVICE, DEVICE "/iommu_group"};
	(void)state;
	strcpy(root, "/tmp/hvmux-pci.XXXXXX");
	if (mkdtemp(root) == NULL)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		CLEANUP_FREE char *path = at(dirs[i]);
		if (mkdir(path, 0700) < 0)
			return -1;
	}
	make_file(DEVICE "/driver_override");
	make_link("e1000e");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return file_remove_tree(root, NULL);
}

static void expect_text(const char *path, const char *text)
{
	CLEANUP_FREE char *full = at(path);
	char got[64] = "";
	int fd = open(full, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && read(fd, got, sizeof got - 1) >= 0);
	close(fd);
	assert_string_equal(got, text);
}

/* Reads `path` until its writer is done; the words must be the card's address. */
static void swallow(const char *path)
{
	CLEANUP_FREE char *full = at(path);
	char got[64] = "";
	int fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, got, sizeof got - 1) < 0 || strcmp(got, CARD) != 0)
		_exit(1);
	close(fd);
}

/* The kernel: unbinds, then gives the device to `driver` when it is asked to look. */
static pid_t act(const char *from, const char *to)
{
	CLEANUP_FREE char *unbind = xasprintf("bus/pci/drivers/%s/unbind", from);
	CLEANUP_FREE char *one = at(unbind), *two = at("bus/pci/drivers_probe");
	unlink(one);
	unlink(two);
	assert_return_code(mkfifo(one, 0600), 0);
	assert_return_code(mkfifo(two, 0600), 0);
	pid_t pid = fork();
	if (pid == 0) {
		alarm(30);
		swallow(unbind);
		make_link(to);
		swallow("bus/pci/drivers_probe");
		_exit(0);
	}
	return pid;
}

static void ended(pid_t pid)
{
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_taken_and_back(void **state)
{
	(void)state;
	struct err err = {0};
	bool needed = false;
	assert_int_equal(hostdev_pci_check(root, CARD, true, &needed, &err), 0);
	assert_true(needed);
	pid_t kernel = act("e1000e", "vfio-pci");
	if (hostdev_pci_take(root, CARD, &err) < 0)
		fail_msg("%s", err.msg);
	ended(kernel);
	expect_text(DEVICE "/driver_override", "vfio-pci");
	/* It is there already: nothing is done, nothing is to be given back. */
	assert_int_equal(hostdev_pci_check(root, CARD, false, &needed, &err), 0);
	assert_false(needed);
	kernel = act("vfio-pci", "e1000e");
	assert_int_equal(hostdev_pci_give_back(root, CARD, &err), 0);
	ended(kernel);
}

static void test_refused(void **state)
{
	(void)state;
	struct err err = {0};
	bool needed = true;
	assert_int_equal(hostdev_pci_check(root, "0000:07:00.0", true, &needed, &err), -1);
	assert_string_equal(err.msg, "the host has no PCI device 0000:07:00.0");
	assert_int_equal(hostdev_pci_check(root, CARD, false, &needed, &err), -1);
	assert_non_null(strstr(err.msg, "is with the host's driver 'e1000e': managed='yes'"));
	CLEANUP_FREE char *group = at(DEVICE "/iommu_group");
	rmdir(group);
	assert_int_equal(hostdev_pci_check(root, CARD, true, &needed, &err), -1);
	assert_non_null(strstr(err.msg, "behind no IOMMU"));
	expect_text(DEVICE "/driver_override", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_taken_and_back, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
