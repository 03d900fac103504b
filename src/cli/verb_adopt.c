/* adopt: a supervisor for a QEMU that somebody else started. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/dispatch.h"
#include "cli/out.h"
#include "core/audit.h"
#include "core/definitions.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/vm.h"
#include "kvm/adopt.h"

static void print_notes(const struct buf *notes)
{
	const char *line = notes->len > 0 ? notes->data : "";
	for (size_t n; *line != '\0'; line += n + (line[n] == '\n')) {
		n = strcspn(line, "\n");
		out_warning("%.*s", (int)n, line);
	}
}

/* Ours already? */
static int check_strange(const struct home *h, pid_t pid, struct err *err)
{
	struct vm *vms;
	size_t n;
	int rc = 0;
	if (vm_list_brief(h, &vms, &n, err) < 0)
		return -1;
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (vms[i].live && vms[i].head != NULL && vms[i].head->qemu_pid == pid)
			rc = err_set(err, ERR_EXISTS, "process %d is domain '%s' already", (int)pid,
			    vms[i].name);
	vm_list_free(vms, n);
	return rc;
}

/* The name may be that of a definition, when it is the same machine: one that was imported, say. */
static int check_name(
    const struct home *h, const struct adopt *a, const struct domain *d, struct err *err)
{
	struct vm vm = {0};
	if (vm_probe(h, a->name, &vm, NULL) < 0)
		return 0;
	bool live = vm.live, defined = vm.defined;
	vm_fini(&vm);
	if (live)
		return err_set(err, ERR_BUSY,
		    "domain '%s' is running: choose another name by --name", a->name);
	if (!defined)
		return 0;
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP(domain_fini) struct domain there = {0};
	if (store_read(h, a->name, &xml, err) < 0 ||
	    domain_parse(xml.data, xml.len, a->name, DOMAIN_PARSE_LENIENT, &there, NULL, err) < 0)
		return -1;
	if (!d->has_uuid || memcmp(d->uuid, there.uuid, sizeof d->uuid) != 0)
		return err_set(err, ERR_EXISTS,
		    "domain '%s' is defined, and is another machine by its uuid: choose another name by --name",
		    a->name);
	return 0;
}

static int define(struct cli *c, const struct adopt *a, struct err *err)
{
	CLEANUP(domain_fini) struct domain d = {0};
	CLEANUP(definitions_fini) struct definitions all = {0};
	CLEANUP_BUF struct buf warnings = BUF_INIT;
	if (domain_parse(a->definition, strlen(a->definition), a->name, 0, &d, &warnings, err) < 0)
		return err_wrap(err,
		    "its definition cannot be kept (without --define it is adopted for this run only)");
	print_notes(&warnings);
	CLEANUP_CLOSE int lock = store_lock(&c->home, err);
	if (lock < 0 || definitions_read(&c->home, &all, err) < 0)
		return -1;
	return definitions_store(&c->home, &all, &d, err);
}

/* Under the domain's lock nobody starts it meanwhile; given back for the supervisor to take. */
static int take(struct cli *c, const struct adopt *a, struct err *err)
{
	CLEANUP_CLOSE int lock = vm_lock(&c->home, a->name, err);
	if (lock < 0)
		return -1;
	if (cli_flag(c, "define") && define(c, a, err) < 0)
		return -1;
	return adopt_take(&c->home, a, err);
}

static int adopt(struct cli *c, pid_t pid, struct err *err)
{
	CLEANUP(adopt_fini) struct adopt a = {0};
	CLEANUP(domain_fini) struct domain d = {0};
	if (check_strange(&c->home, pid, err) < 0 ||
	    adopt_look(pid, cli_value(c, "name"), &a, err) < 0)
		return -1;
	if (domain_parse(a.live, strlen(a.live), "the command line", DOMAIN_PARSE_LENIENT, &d, NULL,
	        err) < 0 ||
	    check_name(&c->home, &a, &d, err) < 0)
		return -1;
	print_notes(&a.notes);
	if (take(c, &a, err) < 0 || vm_spawn_supervisor(&c->home, a.name, VM_SPAWN_ADOPT, err) < 0)
		return -1;
	audit_write(&c->home, a.name, "uid=%u pid=%d what=adopt qemu=%d result=ok",
	    (unsigned)getuid(), (int)getpid(), (int)pid);
	out_message(c, "Domain '%s' adopted, process %d, %u console%s", a.name, (int)pid,
	    a.consoles, a.consoles == 1 ? "" : "s");
	return 0;
}

int verb_adopt(struct cli *c)
{
	struct err err = {0};
	uint64_t pid;
	const char *word = cli_value(c, "pid");
	if (str_u64(word, CLI_NUMBER_MAX, &pid) < 0 || pid == 0)
		err_set(&err, ERR_USAGE, "'%s' is no process number", word);
	else if (adopt(c, (pid_t)pid, &err) == 0)
		return CLI_DONE;
	out_error("%s", err.msg);
	return out_status(&err);
}
