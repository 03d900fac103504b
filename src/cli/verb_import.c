/* import: a libvirt host's definitions become ours. Three passes: every document is read and judged;
 * under the store's lock they are written; what was written is tried on this host's QEMU. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "cli/dispatch.h"
#include "cli/import_report.h"
#include "cli/out.h"
#include "core/audit.h"
#include "core/autostart.h"
#include "core/definitions.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/vm.h"
#include "core/xml.h"
#include "kvm/argv.h"
#include "kvm/argv_host.h"
#include "kvm/caps.h"

struct import {
	struct cli *c;
	struct import_tree tree;
	struct import_report report;
	struct definitions all; /* ours, and those of this import */
	bool overwrite, ignore_unsupported;
	/* the last QEMU that was asked */
	struct caps caps;
	struct caps_kvm kvm;
	char *caps_of; /* its path, "" the host's own; NULL none was asked */
	struct err caps_err;
	struct home asked; /* where caches are kept: in a dry run not with us */
	char *scratch;
};

/* --- first pass: the documents --- */
static void fail(struct import_vm *vm, const struct err *err)
{
	import_note_lines(&vm->notes, IMPORT_FAILS, err->msg);
}

/* The parser's warnings say what it did: here nothing is left out unless that was wished. */
static void note_unsupported(struct import_vm *vm, const char *warnings, bool leave_out)
{
	static const char did[] = "; ignored";
	size_t before = vm->notes.n;
	import_note_lines(&vm->notes, leave_out ? IMPORT_DIFFERS : IMPORT_FAILS, warnings);
	for (size_t i = before; !leave_out && i < vm->notes.n; i++) {
		char *text = vm->notes.notes[i].text;
		size_t n = strlen(text), end = sizeof did - 1;
		if (n > end && strcmp(text + n - end, did) == 0)
			text[n - end] = '\0';
	}
}

static void judge_unsupported(
    struct import *m, struct import_vm *vm, const char *xml, size_t n, const struct err *why)
{
	struct err err = {0};
	CLEANUP_BUF struct buf warnings = BUF_INIT;
	bool leave_out = m->ignore_unsupported;
	int rc = domain_parse(
	    xml, n, vm->file->path, DOMAIN_PARSE_IGNORE_UNSUPPORTED, &vm->d, &warnings, &err);
	if (warnings.len > 0)
		note_unsupported(vm, warnings.data, leave_out);
	if (rc < 0 || warnings.len == 0)
		fail(vm, rc < 0 ? &err : why);
	if (rc == 0 && !leave_out)
		domain_fini(&vm->d);
	vm->parsed = rc == 0 && leave_out;
}

/* The element as it will be in our definition; its errors name libvirt's file. */
static void judge_text(struct import *m, struct import_vm *vm, const char *xml, size_t n)
{
	struct err err = {0};
	CLEANUP_BUF struct buf warnings = BUF_INIT;
	if (domain_parse(xml, n, vm->file->path, 0, &vm->d, &warnings, &err) == 0) {
		vm->parsed = true;
		import_note_lines(&vm->notes, IMPORT_DIFFERS, warnings.data);
	} else if (err.code == ERR_UNSUPPORTED) {
		judge_unsupported(m, vm, xml, n, &err);
	} else {
		fail(vm, &err);
	}
}

static void note_running(struct import *m, struct import_vm *vm)
{
	struct vm ours = {0};
	bool live = vm_probe(&m->c->home, vm->name, &ours, NULL) == 0 && ours.live;
	vm_fini(&ours);
	pid_t pid =
	    live ? 0 : import_running(&m->tree, vm->name, vm->uuid[0] != '\0' ? vm->uuid : NULL);
	if (pid > 0)
		import_note(&vm->notes, IMPORT_DIFFERS,
		    "it runs under libvirt now (process %d): shut it down there before it is started here, two "
		    "QEMUs on the same disks destroy them",
		    (int)pid);
}

static void read_identity(struct import_vm *vm, const xmlDoc *doc)
{
	const xmlNode *root = xmlDocGetRootElement(doc);
	CLEANUP_FREE char *name = xml_child_text(root, "name"),
	                  *uuid = xml_child_text(root, "uuid");
	uuid_t parsed;
	if (name != NULL && name[0] != '\0') {
		free(vm->name);
		vm->name = TAKE_PTR(name);
	}
	if (uuid != NULL && uuid_parse(uuid, parsed) == 0)
		uuid_unparse_lower(parsed, vm->uuid);
	if (strcmp(vm->name, vm->file->stem) != 0)
		import_note(&vm->notes, IMPORT_SAYS, "it is named '%s' in the file %s", vm->name,
		    vm->file->path);
}

/* On the heap; NULL when it cannot be read. */
static xmlDoc *open_document(const char *path, struct err *err)
{
	CLEANUP_BUF struct buf text = BUF_INIT;
	if (file_read(path, STORE_XML_MAX, &text, err) < 0)
		return NULL;
	return xml_read(text.len > 0 ? text.data : "", text.len, path, "domain", err);
}

static void judge(struct import *m, struct import_vm *vm)
{
	struct err err = {0};
	size_t n;
	CLEANUP_XML xmlDoc *doc = open_document(vm->file->path, &err);
	if (doc == NULL) {
		fail(vm, &err);
		return;
	}
	read_identity(vm, doc);
	import_adapt(&m->tree, doc, vm->name, &vm->notes);
	CLEANUP_FREE char *xml = xml_format(doc, &n);
	judge_text(m, vm, xml, n);
	import_check_files(&m->tree, doc, vm->name, &vm->notes);
	import_check_nets(&m->tree, doc, &vm->notes);
	note_running(m, vm);
}

static bool wanted(const struct cli *c, const char *name)
{
	unsigned n;
	const char *const *names = cli_values(c, "domain", &n);
	for (unsigned i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return n == 0;
}

static void judge_all(struct import *m)
{
	struct import_report *r = &m->report;
	r->vms = xcalloc(m->tree.n + 1, sizeof *r->vms);
	for (size_t i = 0; i < m->tree.n; i++) {
		const struct import_file *f = &m->tree.files[i];
		struct import_vm *vm = &r->vms[r->n_vms];
		if (f->kind != IMPORT_DOMAIN || !wanted(m->c, f->stem))
			continue;
		*vm = (struct import_vm){.file = f, .name = xstrdup(f->stem)};
		r->n_vms++;
		judge(m, vm);
	}
}

/* --- caches --- */
/* A dry run asks QEMU and indexes the definitions, too; its caches go to a folder that is removed. */
static int open_cache(struct import *m, struct err *err)
{
	m->asked = m->c->home;
	if (!m->report.dry_run)
		return 0;
	const char *tmp = getenv("TMPDIR");
	m->scratch =
	    xasprintf("%s/hvmux-import.XXXXXX", tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
	if (mkdtemp(m->scratch) == NULL)
		return err_set(err, ERR_IO, "cannot make a folder like '%s'", m->scratch);
	m->asked.data = m->asked.run = m->asked.log = m->scratch;
	return 0;
}

static void close_cache(struct import *m)
{
	if (m->scratch != NULL)
		file_remove_tree(m->scratch, NULL);
	free(m->scratch);
	caps_fini(&m->caps);
	free(m->caps_of);
}

/* --- second pass: under the lock --- */
static const struct domain *find_ours(const struct import *m, const char *name)
{
	for (size_t i = 0; i < m->all.n; i++)
		if (strcmp(m->all.domains[i].name, name) == 0)
			return &m->all.domains[i];
	return NULL;
}

static bool is_here(const struct import *m, const struct import_vm *vm)
{
	char uuid[37];
	const struct domain *o = find_ours(m, vm->name);
	if (o == NULL)
		return false;
	uuid_unparse_lower(o->uuid, uuid);
	return vm->uuid[0] == '\0' || strcmp(uuid, vm->uuid) == 0;
}

static bool store_taken(void *arg, const char *mac)
{
	const struct import *m = arg;
	return definitions_mac_owner(&m->all, "", mac) != NULL;
}

static int store_one(struct import *m, struct import_vm *vm, struct err *err)
{
	const struct home *h = &m->c->home;
	if (!m->report.dry_run)
		return definitions_store(h, &m->all, &vm->d, err);
	if (definitions_check(h, &m->all, &vm->d, err) < 0)
		return -1;
	return domain_complete(&vm->d, store_taken, m, err);
}

/* Also of one that is here: an import that was cut short may have ended before this. */
static void take_autostart(struct import *m, struct import_vm *vm)
{
	struct err err = {0};
	const struct home *h = &m->c->home;
	if (!vm->file->autostart || m->report.dry_run || autostart_get(h, vm->name))
		return;
	if (autostart_set(h, vm->name, true, &err) < 0) {
		import_note(&vm->notes, IMPORT_DIFFERS, "%s", err.msg);
		m->report.failed = true;
	} else if (vm->fate == FATE_HERE) {
		import_note(&vm->notes, IMPORT_SAYS, "marked for autostart, as it is in libvirt");
	}
}

static void take_domain(struct import *m, struct import_vm *vm)
{
	struct err err = {0};
	bool here = is_here(m, vm);
	if (here && !m->overwrite) {
		vm->fate = FATE_HERE;
		import_notes_fini(&vm->notes);
		take_autostart(m, vm);
		return;
	}
	if (!vm->parsed)
		return;
	if (store_one(m, vm, &err) < 0) {
		fail(vm, &err);
		return;
	}
	vm->fate = here ? FATE_REPLACED : FATE_IMPORTED;
	take_autostart(m, vm);
	definitions_put(&m->all, &vm->d);
	if (!m->report.dry_run)
		audit_write(&m->c->home, vm->name, "uid=%u pid=%d what=import from=%s result=ok",
		    (unsigned)getuid(), (int)getpid(), vm->file->path);
}

static int take_domains(struct import *m, struct err *err)
{
	struct import_report *r = &m->report;
	CLEANUP_CLOSE int lock = -1;
	if (!r->dry_run && (lock = store_lock(&m->c->home, err)) < 0)
		return -1;
	if (definitions_read(&m->asked, &m->all, err) < 0)
		return -1;
	for (size_t i = 0; i < r->n_vms; i++) {
		take_domain(m, &r->vms[i]);
		out_progress(m->c, (unsigned)i + 1, (unsigned)r->n_vms, r->vms[i].name);
	}
	return 0;
}

/* --- third pass: would it start? --- */
/* Neighbours mostly run on the same QEMU: the last one's answers are kept. */
static int ask_qemu(struct import *m, const struct domain *d, struct err *err)
{
	CLEANUP_FREE char *which =
	    xasprintf("%s %s", d->emulator != NULL ? d->emulator : "", d->arch);
	if (!str_eq(m->caps_of, which)) {
		caps_fini(&m->caps);
		free(m->caps_of);
		m->caps = (struct caps){0};
		m->kvm = (struct caps_kvm){0};
		m->caps_err = (struct err){0};
		m->caps_of = TAKE_PTR(which);
		if (caps_get(&m->asked, d->emulator, d->arch, &m->caps, &m->caps_err) == 0)
			caps_kvm_get(&m->asked, &m->caps, &m->kvm, NULL);
	}
	if (m->caps_err.code != ERR_NONE)
		*err = m->caps_err;
	return m->caps_err.code == ERR_NONE ? 0 : -1;
}

static void try_start(struct import *m, struct import_vm *vm)
{
	struct err err = {0};
	struct argv_out out;
	CLEANUP_FREE char *run = home_run_dir(&m->c->home, vm->name);
	CLEANUP_FREE char *log = home_log_dir(&m->c->home, vm->name);
	struct argv_host host = {0};
	struct argv_in in = {.run_dir = run, .log_dir = log};
	if (ask_qemu(m, &vm->d, &err) == 0) {
		in.kvm = vm->d.type == DOMAIN_KVM ? &m->kvm : NULL;
		if (argv_host_init(&host, &m->c->home, &vm->d, &m->caps, &in, &err) == 0 &&
		    argv_build(&vm->d, &m->caps, &in, &out, &err) == 0) {
			import_note_lines(&vm->notes, IMPORT_DIFFERS, out.notes);
			argv_fini(&out);
		}
		argv_host_fini(&host);
	}
	if (err.code != ERR_NONE)
		import_note_lines(&vm->notes, IMPORT_WAITS, err.msg);
}

/* --- networks, pools, snapshots --- */
static void take_thing(struct import *m, const struct import_file *f)
{
	struct import_report *r = &m->report;
	struct import_thing *t = &r->things[r->n_things++];
	struct err err = {0};
	enum import_kept kept;
	*t = (struct import_thing){.file = f};
	if (import_keep(&m->c->home, f, m->overwrite, r->dry_run, &kept, &err) < 0) {
		t->words = xstrdup(err.msg);
		r->failed = true;
		return;
	}
	t->fate = kept == IMPORT_KEPT_NEW        ? FATE_IMPORTED
	          : kept == IMPORT_KEPT_REPLACED ? FATE_REPLACED
	                                         : FATE_HERE;
	if (kept == IMPORT_KEPT_OTHER)
		t->words =
		    xstrdup("another one of that name is here and stays; --overwrite replaces it");
}

static struct import_vm *find_vm(struct import_report *r, const char *name)
{
	for (size_t i = 0; i < r->n_vms; i++)
		if (r->vms[i].fate != FATE_FAILED && strcmp(r->vms[i].name, name) == 0)
			return &r->vms[i];
	return NULL;
}

static void take_snapshot(struct import *m, const struct import_file *f)
{
	struct import_report *r = &m->report;
	struct import_vm *vm = find_vm(r, f->domain);
	struct err err = {0};
	enum import_kept kept;
	if (vm == NULL)
		return;
	if (import_keep(&m->c->home, f, m->overwrite, r->dry_run, &kept, &err) < 0) {
		import_note(&vm->notes, IMPORT_DIFFERS, "snapshot '%s' is not taken over: %s",
		    f->stem, err.msg);
		r->failed = true;
		return;
	}
	vm->snapshots++;
	if (kept == IMPORT_KEPT_OTHER)
		import_note(&vm->notes, IMPORT_DIFFERS,
		    "another snapshot '%s' is here and stays; --overwrite replaces it", f->stem);
}

static void take_rest(struct import *m)
{
	struct import_report *r = &m->report;
	unsigned only;
	cli_values(m->c, "domain", &only);
	r->things = xcalloc(m->tree.n + 1, sizeof *r->things);
	for (size_t i = 0; i < m->tree.n; i++) {
		const struct import_file *f = &m->tree.files[i];
		if (f->kind == IMPORT_SNAPSHOT)
			take_snapshot(m, f);
		else if (only == 0 && (f->kind == IMPORT_NETWORK || f->kind == IMPORT_POOL))
			take_thing(m, f);
	}
}

/* --- the verb --- */
static char *default_dir(const struct home *h)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *user = getenv("HOME");
	if (strcmp(home_uri(h), "qemu:///system") == 0)
		return xstrdup("/etc/libvirt");
	if (config != NULL && config[0] == '/')
		return xasprintf("%s/libvirt", config);
	return xasprintf("%s/.config/libvirt", user != NULL ? user : "");
}

/* A name that nothing was found for is a mistake in the command line. */
static void check_wanted(struct import *m)
{
	unsigned n;
	const char *const *names = cli_values(m->c, "domain", &n);
	for (unsigned i = 0; i < n; i++) {
		bool found = false;
		for (size_t k = 0; k < m->report.n_vms; k++)
			found = found || strcmp(m->report.vms[k].file->stem, names[i]) == 0;
		if (found)
			continue;
		out_error("failed to get domain '%s': there is no '%s/%s.xml'", names[i],
		    m->tree.qemu, names[i]);
		m->report.failed = true;
	}
}

static int run(struct import *m, struct err *err)
{
	struct import_report *r = &m->report;
	judge_all(m);
	check_wanted(m);
	if (open_cache(m, err) < 0 || take_domains(m, err) < 0)
		return -1;
	for (size_t i = 0; i < r->n_vms; i++) {
		struct import_vm *vm = &r->vms[i];
		if (vm->fate == FATE_IMPORTED || vm->fate == FATE_REPLACED)
			try_start(m, vm);
		r->failed = r->failed || vm->fate == FATE_FAILED;
	}
	take_rest(m);
	r->failed = r->failed || m->tree.incomplete;
	import_report_print(m->c, r);
	return 0;
}

int verb_import(struct cli *c)
{
	struct err err = {0};
	struct import m = {.c = c,
	    .overwrite = cli_flag(c, "overwrite"),
	    .ignore_unsupported = cli_flag(c, "ignore-unsupported"),
	    .report.dry_run = cli_flag(c, "dry-run")};
	const char *from = cli_value(c, "from");
	CLEANUP_FREE char *dir = from != NULL ? xstrdup(from) : default_dir(&c->home);
	m.report.tree = &m.tree;
	int rc = import_tree_read(dir, &m.tree, &err);
	if (rc == 0 && m.tree.notes.len > 0)
		out_warning("%s", m.tree.notes.data);
	if (rc == 0)
		rc = run(&m, &err);
	if (rc < 0)
		out_error("%s", err.msg);
	int status = rc < 0 ? out_status(&err) : m.report.failed ? CLI_FAILED : CLI_DONE;
	close_cache(&m);
	import_report_fini(&m.report);
	definitions_fini(&m.all);
	import_tree_fini(&m.tree);
	return status;
}
