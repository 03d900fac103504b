/* edit: a definition in the operator's editor. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "cli/dispatch.h"
#include "cli/editor.h"
#include "cli/out.h"
#include "core/audit.h"
#include "core/definitions.h"
#include "core/domain.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/vm.h"

struct edit {
	struct cli *c;
	const char *name;
	struct buf base; /* the definition that the typed text came from */
	struct editor *editor;
	unsigned flags; /* of domain_parse */
	bool force;     /* over what somebody else stored meanwhile */
	bool conflict;  /* that is what failed */
};

static int check_same_domain(const struct edit *e, const struct domain *d, struct err *err)
{
	struct domain old;
	if (!str_eq(d->name, e->name))
		return err_set(err, ERR_INVALID,
		    "<name> is '%s' now; a domain is renamed by: hvmux domrename '%s' '%s'",
		    d->name, e->name, d->name);
	if (domain_parse(
	        e->base.data, e->base.len, e->name, DOMAIN_PARSE_LENIENT, &old, NULL, NULL) < 0)
		return 0;
	int rc = 0;
	if (old.has_uuid && d->has_uuid && memcmp(old.uuid, d->uuid, sizeof(d->uuid)) != 0) {
		char uuid[37];
		uuid_unparse_lower(old.uuid, uuid);
		rc = err_set(err, ERR_INVALID, "<uuid> is another one now; that of '%s' is %s",
		    e->name, uuid);
	}
	domain_fini(&old);
	return rc;
}

/* Under the store's lock: has somebody else been here? */
static int check_base(struct edit *e, struct err *err)
{
	CLEANUP_BUF struct buf now = BUF_INIT;
	int rc = store_read(&e->c->home, e->name, &now, err);
	if (e->force && (rc == 0 || err->code == ERR_NOT_FOUND))
		return 0;
	e->conflict = rc == 0
	                  ? now.len != e->base.len || memcmp(now.data, e->base.data, now.len) != 0
	                  : err->code == ERR_NOT_FOUND;
	if (rc == 0 && e->conflict)
		return err_set(err, ERR_EXISTS,
		    "the definition of '%s' was changed by somebody else meanwhile", e->name);
	if (e->conflict)
		return err_set(
		    err, ERR_NOT_FOUND, "'%s' was undefined by somebody else meanwhile", e->name);
	return rc;
}

static void print_lines(void (*print)(const char *fmt, ...), const char *line)
{
	for (size_t n; *line != '\0'; line += n + (line[n] == '\n')) {
		n = strcspn(line, "\n");
		print("%.*s", (int)n, line);
	}
}

static int store_text(struct edit *e, struct err *err)
{
	const struct buf *text = editor_text(e->editor);
	CLEANUP(domain_fini) struct domain d = {0};
	CLEANUP_BUF struct buf warnings = BUF_INIT;
	e->conflict = false;
	int rc = domain_parse(
	    text->data ? text->data : "", text->len, e->name, e->flags, &d, &warnings, err);
	if (rc < 0 || check_same_domain(e, &d, err) < 0)
		return -1;
	CLEANUP(definitions_fini) struct definitions others = {0};
	CLEANUP_CLOSE int lock = store_lock(&e->c->home, err);
	if (lock < 0 || check_base(e, err) < 0 || definitions_read(&e->c->home, &others, err) < 0 ||
	    definitions_store(&e->c->home, &others, &d, err) < 0)
		return -1;
	print_lines(out_warning, warnings.data ? warnings.data : "");
	audit_write(&e->c->home, e->name, "uid=%u pid=%d what=edit result=ok", (unsigned)getuid(),
	    (int)getpid());
	return 0;
}

static const char help[] = "y - yes, start editor again\n"
                           "n - no, leave the domain as it is; the text stays in a file\n"
                           "i - ignore hardware that cannot be provided, and try to store again\n"
                           "f - force: store over what somebody else has changed, and try again\n"
                           "? - print this help\n";

/* What to do about a refused text: -1 give up, 0 store again, 1 edit again. */
static int ask(struct edit *e)
{
	for (;;) {
		switch (editor_ask(e->editor, "Failed. Try again? [y,n,i,f,?]: ", "ynif?")) {
		case 'y':
			return 1;
		case 'i':
			e->flags |= DOMAIN_PARSE_IGNORE_UNSUPPORTED;
			return 0;
		case 'f':
			e->force = true;
			return 0;
		case '?':
			fputs(help, stderr);
			break;
		default:
			return -1;
		}
	}
}

/* 1 stored, 0 nothing was changed, -1 with *err told already but for where the text is. */
static int edit_loop(struct edit *e, struct err *err)
{
	bool typed = false;
	for (int again = 1;;) {
		int rc = again ? editor_edit(e->editor, err) : 1;
		typed |= rc > 0;
		if (rc == 0 && !typed)
			return 0;
		if (rc >= 0 && store_text(e, err) == 0)
			return 1;
		/* A failing editor would fail again. */
		if (rc < 0)
			return -1;
		print_lines(out_error, err->msg);
		again = ask(e);
		if (again < 0)
			return err_set(err, ERR_FAIL, "Failed to edit domain '%s'", e->name);
	}
}

static void tell_running(const struct edit *e)
{
	struct vm vm;
	if (vm_probe(&e->c->home, e->name, &vm, NULL) < 0)
		return;
	if (vm.live)
		out_message(e->c, "The running domain goes on as it is until its next start.");
	vm_fini(&vm);
}

static int read_base(struct edit *e, struct err *err)
{
	struct vm vm;
	if (vm_probe(&e->c->home, e->name, &vm, err) < 0)
		return -1;
	bool defined = vm.defined;
	vm_fini(&vm);
	if (!defined)
		return err_set(err, ERR_STATE,
		    "domain '%s' runs without a definition; make one: hvmux dumpxml '%s' >FILE, hvmux define FILE",
		    e->name, e->name);
	return store_read(&e->c->home, e->name, &e->base, err);
}

static int edit_domain(struct edit *e, struct err *err)
{
	CLEANUP_BUF struct buf left = BUF_INIT;
	if (read_base(e, err) < 0)
		return -1;
	editor_leftovers(&e->c->home, e->name, &left);
	if (left.len)
		out_warning(
		    "an earlier edit of '%s', or one that goes on elsewhere, has its text in\n%.*s",
		    e->name, (int)left.len - 1, left.data);
	e->editor = editor_new(
	    &e->c->home, e->name, ".xml", e->base.data ? e->base.data : "", e->base.len, err);
	if (!e->editor)
		return -1;
	int rc = edit_loop(e, err);
	if (rc < 0) {
		editor_give_up(e->editor, err);
		return -1;
	}
	editor_done(e->editor);
	if (rc == 0)
		out_message(e->c, "Domain '%s' XML configuration not changed.", e->name);
	else
		out_message(e->c, "Domain '%s' XML configuration edited.", e->name);
	if (rc > 0)
		tell_running(e);
	return 0;
}

int verb_edit(struct cli *c)
{
	struct err err = {0};
	struct edit e = {.c = c};
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), &err);
	e.name = name;
	if (cli_flag(c, "ignore-unsupported"))
		e.flags |= DOMAIN_PARSE_IGNORE_UNSUPPORTED;
	int rc = name != NULL ? edit_domain(&e, &err) : -1;
	buf_fini(&e.base);
	if (rc == 0)
		return CLI_DONE;
	print_lines(out_error, err.msg);
	return out_status(&err);
}
