/* What plans of devices do on the host. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/file.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/vm_process.h"
#include "kvm/hostdev_pci.h"
#include "kvm/plan_host.h"
#include "kvm/supervisor_gone.h"

#define TAKEN_MAX 65536 /* bytes of the list */

static int op_leaving(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	const char *alias = json_get_str(args, "alias");
	if (alias == NULL)
		return err_set(err, ERR_INVALID, "a step on the host lacks its 'alias'");
	return gone_note(c->home, c->name, alias, json_get_bool(args, "on", 0) != 0, err);
}

/* --- PCI devices --- */

static const char *address_of(struct json_object *args, struct err *err)
{
	const char *address = json_get_str(args, "address");
	if (address == NULL || strlen(address) > 16 ||
	    address[strspn(address, "0123456789abcdef:.")] != '\0') {
		err_set(err, ERR_INVALID, "a step on the host lacks its PCI 'address'");
		return NULL;
	}
	return address;
}

/* What the guest's memory is mapped for must stay where it is: QEMU locks it. */
static int allow_locks(const struct plan_host_ctx *c, struct err *err)
{
	static const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	struct vm_process p;
	if (!vm_process_read(c->home, c->name, &p) || !vm_process_qemu_exists(&p))
		return err_set(err, ERR_STATE, "domain '%s' has no QEMU", c->name);
	return prlimit(p.qemu, RLIMIT_MEMLOCK, &all, NULL) == 0
	           ? 0
	           : err_errno(err, errno, "cannot let QEMU lock its guest's memory");
}

static int op_pci_take(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	const char *address = address_of(args, err);
	bool needed;
	if (address == NULL || allow_locks(c, err) < 0 ||
	    hostdev_pci_check(
	        HOSTDEV_SYSFS, address, json_get_bool(args, "managed", 0) != 0, &needed, err) < 0)
		return -1;
	if (!needed)
		return 0;
	CLEANUP_FREE char *path = home_run_file(c->home, c->name, HOSTDEV_TAKEN);
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || dprintf(fd, "%s\n", address) < 0)
		return err_errno(err, errno, "cannot write '%s'", path);
	return hostdev_pci_take(HOSTDEV_SYSFS, address, err);
}

/* One that was not taken is not given back. It stays in the list until it is. */
static int op_pci_give(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	const char *address = address_of(args, err);
	CLEANUP_FREE char *path = home_run_file(c->home, c->name, HOSTDEV_TAKEN);
	CLEANUP_BUF struct buf text = BUF_INIT, rest = BUF_INIT;
	bool taken = false;
	char *save = NULL;
	if (address == NULL)
		return -1;
	if (access(path, F_OK) < 0 || file_read(path, TAKEN_MAX, &text, err) < 0)
		return 0;
	buf_addc(&text, '\0');
	for (char *l = strtok_r(text.data, "\n", &save); l != NULL;
	     l = strtok_r(NULL, "\n", &save)) {
		bool it = strcmp(l, address) == 0;
		taken = taken || it;
		if (!it)
			buf_addf(&rest, "%s\n", l);
	}
	if (!taken)
		return 0;
	if (hostdev_pci_give_back(HOSTDEV_SYSFS, address, err) < 0)
		return -1;
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0 || fd_write_all(fd, rest.len > 0 ? rest.data : "", rest.len) < 0)
		return err_errno(err, errno, "cannot write '%s'", path);
	return 0;
}

const struct plan_host_op plan_host_ops_device[] = {
    {"pci-take", true, op_pci_take},
    {"pci-give", true, op_pci_give},
    {"leaving", false, op_leaving},
    {0},
};
