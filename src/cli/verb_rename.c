/* domrename. */
#include <string.h>
#include <unistd.h>

#include "cli/dispatch.h"
#include "cli/out.h"
#include "core/audit.h"
#include "core/definitions.h"
#include "core/domain.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/pending.h"
#include "core/store.h"
#include "core/str.h"
#include "core/vm.h"
#include "kvm/restore.h"

struct rename {
	struct cli *c;
	const char *from, *to;
	int lock, from_idle, to_idle; /* the store's; and nobody starts either domain */
};

static void rename_fini(struct rename *r)
{
	cleanup_close(&r->from_idle);
	cleanup_close(&r->to_idle);
	cleanup_close(&r->lock);
}

static int check_old(struct rename *r, struct err *err)
{
	struct vm vm;
	if (vm_probe(&r->c->home, r->from, &vm, err) < 0)
		return -1;
	bool live = vm.live;
	vm_fini(&vm);
	if (live)
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: cannot rename active domain");
	if (restore_is_managed(&r->c->home, r->from))
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: the memory of '%s' is saved under its name: start it, or take that away with "
		    "'hvmux managedsave-remove %s'",
		    r->from, r->from);
	r->from_idle = vm_lock(&r->c->home, r->from, err);
	return r->from_idle < 0 ? -1 : 0;
}

static int check_new(struct rename *r, struct err *err)
{
	struct vm vm;
	if (name_check("domain", r->to, err) < 0)
		return -1;
	if (strcmp(r->from, r->to) == 0)
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: Can't rename domain to itself");
	if (vm_probe(&r->c->home, r->to, &vm, NULL) == 0) {
		vm_fini(&vm);
		return err_set(err, ERR_EXISTS,
		    "operation failed: domain with name '%s' already exists", r->to);
	}
	r->to_idle = vm_lock(&r->c->home, r->to, err);
	return r->to_idle < 0 ? -1 : 0;
}

static char *renamed_document(struct rename *r, struct err *err)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP(domain_fini) struct domain d = {0};
	if (store_read(&r->c->home, r->from, &xml, err) < 0)
		return NULL;
	if (domain_parse(xml.data ? xml.data : "", xml.len, r->from, DOMAIN_PARSE_LENIENT, &d, NULL,
	        err) < 0)
		return NULL;
	free(d.name);
	d.name = xstrdup(r->to);
	return domain_format(&d, err);
}

/* What the last run left behind bears the old name. */
static void forget_runs(struct rename *r)
{
	CLEANUP_FREE char *from = home_run_dir(&r->c->home, r->from);
	CLEANUP_FREE char *to = home_run_dir(&r->c->home, r->to);
	struct err err = {0};
	if (file_remove_tree(from, &err) < 0 || file_remove_tree(to, &err) < 0)
		out_warning("%s", err.msg);
}

static int rename_domain(struct rename *r, struct err *err)
{
	r->lock = store_lock(&r->c->home, err);
	if (r->lock < 0 || check_old(r, err) < 0 || check_new(r, err) < 0)
		return -1;
	CLEANUP_FREE char *xml = renamed_document(r, err);
	if (xml == NULL || pending_rename(&r->c->home, r->from, r->to, xml, strlen(xml), err) < 0)
		return -1;
	forget_runs(r);
	audit_write(&r->c->home, r->to, "uid=%u pid=%d what=domrename from=%s result=ok",
	    (unsigned)getuid(), (int)getpid(), r->from);
	return 0;
}

static void tell_logs(struct rename *r)
{
	CLEANUP_FREE char *logs = home_log_dir(&r->c->home, r->from);
	if (access(logs, F_OK) == 0)
		out_warning(
		    "the logs of an earlier '%s' are there already; those of '%s' stay in %s",
		    r->to, r->from, logs);
}

int verb_domrename(struct cli *c)
{
	struct err err = {0};
	CLEANUP_FREE char *from = vm_resolve(&c->home, cli_value(c, "domain"), &err);
	CLEANUP(rename_fini) struct rename r = {c, from, cli_value(c, "new-name"), -1, -1, -1};
	if (from == NULL || rename_domain(&r, &err) < 0) {
		out_error("%s", err.msg);
		return CLI_FAILED;
	}
	tell_logs(&r);
	out_message(c, "Domain successfully renamed");
	return CLI_DONE;
}
