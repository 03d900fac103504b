/* Definitions: define, dumpxml, domxml-to-native. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/dispatch.h"
#include "cli/document.h"
#include "cli/out.h"
#include "core/audit.h"
#include "core/buf.h"
#include "core/definitions.h"
#include "core/domain.h"
#include "core/file.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/vm.h"
#include "core/xml.h"
#include "kvm/argv.h"
#include "kvm/argv_host.h"
#include "kvm/caps.h"

/* --- define --- */
/* Each line of the text by itself. */
static void print_lines(void (*print)(const char *fmt, ...), const char *line)
{
	for (size_t n; *line != '\0'; line += n + (line[n] == '\n')) {
		n = strcspn(line, "\n");
		print("%.*s", (int)n, line);
	}
}

static void print_warnings(const struct buf *warnings)
{
	print_lines(out_warning, warnings->len > 0 ? warnings->data : "");
}

/* Many files are stored together, so that the disk is waited for once; not more of them, and not longer, than others can
 * wait for the lock. */
#define TOGETHER_MAX 128u
#define LOCKED_MS_MAX 2000u

struct defining {
	const char *file;
	char *name;
};

struct define {
	struct cli *c;
	unsigned flags; /* of domain_parse */
	int lock;       /* the store's; -1 not held: `others` is empty then */
	uint64_t locked_ms;
	struct definitions others;
	struct defining *items; /* of staged */
	struct file_staged *staged;
	size_t n;
	int status;
};

static void define_failed(struct define *w, const char *file, const struct err *err)
{
	out_error("Failed to define domain from %s", file);
	print_lines(out_error, err->msg);
	w->status = CLI_FAILED;
}

/* Writes what is staged and lets go of the lock. */
static void define_flush(struct define *w)
{
	struct err *errs = xcalloc(w->n + 1, sizeof *errs);
	if (w->n > 0)
		(void)file_commit(w->staged, w->n, errs);
	for (size_t i = 0; i < w->n; i++) {
		struct defining *item = &w->items[i];
		if (errs[i].code == ERR_NONE) {
			audit_write(&w->c->home, item->name, "uid=%u pid=%d what=define result=ok",
			    (unsigned)getuid(), (int)getpid());
			out_message(w->c, "Domain '%s' defined from %s", item->name, item->file);
		} else {
			define_failed(w, item->file, &errs[i]);
		}
		free(item->name);
	}
	free(errs);
	w->n = 0;
	definitions_fini(&w->others);
	cleanup_close(&w->lock);
	w->lock = -1;
}

static int define_lock(struct define *w, struct err *err)
{
	if (w->lock >= 0)
		return 0;
	w->lock = store_lock(&w->c->home, err);
	w->locked_ms = loop_now_ms();
	return w->lock < 0 ? -1 : definitions_read(&w->c->home, &w->others, err);
}

static int define_stage(struct define *w, const char *file, struct domain *d, struct err *err)
{
	if (define_lock(w, err) < 0)
		return -1;
	CLEANUP_FREE char *xml = definitions_prepare(&w->c->home, &w->others, d, err);
	if (xml == NULL ||
	    store_stage(&w->c->home, d->name, xml, strlen(xml), &w->staged[w->n], err) < 0)
		return -1;
	definitions_put(&w->others, d);
	w->items[w->n++] = (struct defining){file, xstrdup(d->name)};
	if (w->n == TOGETHER_MAX || loop_now_ms() - w->locked_ms > LOCKED_MS_MAX)
		define_flush(w);
	return 0;
}

static int define_file(struct define *w, const char *path, struct err *err)
{
	CLEANUP_BUF struct buf xml = BUF_INIT, warnings = BUF_INIT;
	CLEANUP(domain_fini) struct domain d = {0};
	const char *shown = document_shown(path);
	/* A pipe may take its time. */
	if (shown != path)
		define_flush(w);
	if (document_read(path, &xml, err) < 0)
		return -1;
	int rc =
	    domain_parse(xml.len > 0 ? xml.data : "", xml.len, shown, w->flags, &d, &warnings, err);
	print_warnings(&warnings);
	return rc < 0 ? -1 : define_stage(w, path, &d, err);
}

int verb_define(struct cli *c)
{
	unsigned n;
	struct define w = {.c = c, .lock = -1, .status = CLI_DONE};
	const char *const *files = cli_values(c, "file", &n);
	if (cli_flag(c, "ignore-unsupported"))
		w.flags |= DOMAIN_PARSE_IGNORE_UNSUPPORTED;
	if (cli_flag(c, "strict") || cli_flag(c, "validate"))
		w.flags |= DOMAIN_PARSE_STRICT;
	w.items = xcalloc(TOGETHER_MAX, sizeof *w.items);
	w.staged = xcalloc(TOGETHER_MAX, sizeof *w.staged);
	for (unsigned i = 0; i < n; i++) {
		struct err err = {0};
		if (define_file(&w, files[i], &err) == 0)
			continue;
		/* In the order of the files. */
		define_flush(&w);
		define_failed(&w, files[i], &err);
	}
	define_flush(&w);
	free(w.items);
	free(w.staged);
	return w.status;
}

/* --- dumpxml --- */
/* A VNC password is for those who ask for it. */
static int print_document(const struct buf *xml, const char *name, bool secrets, struct err *err)
{
	CLEANUP_XML xmlDoc *doc = xml_read(xml->data, xml->len, name, "domain", err);
	if (doc == NULL)
		return -1;
	const xmlNode *devices = xml_child(xmlDocGetRootElement(doc), "devices");
	for (xmlNode *n = xml_first(devices); !secrets && n != NULL; n = xml_next(n))
		if (xml_is(n, "graphics"))
			xmlUnsetProp(n, (const xmlChar *)"passwd");
	size_t n;
	CLEANUP_FREE char *text = xml_format(doc, &n);
	fwrite(text, 1, n, stdout);
	putchar('\n');
	return 0;
}

static int dump_domain(struct cli *c, const char *name, struct err *err)
{
	struct vm vm = {0};
	CLEANUP_BUF struct buf xml = BUF_INIT;
	if (vm_probe(&c->home, name, &vm, err) < 0)
		return -1;
	bool live = vm.live;
	vm_fini(&vm);
	int rc = -1;
	if (live && !cli_flag(c, "inactive")) {
		CLEANUP_FREE char *path = home_run_file(&c->home, name, "live.xml");
		rc = file_read(path, STORE_XML_MAX, &xml, err);
	}
	/* A domain that is just starting or ending has no live document. */
	if (rc < 0) {
		buf_clear(&xml);
		if (store_read(&c->home, name, &xml, err) < 0)
			return -1;
	}
	if (xml.len == 0)
		return err_set(err, ERR_INVALID, "the definition of '%s' is empty", name);
	return print_document(&xml, name, cli_flag(c, "security-info"), err);
}

int verb_dumpxml(struct cli *c)
{
	struct err err = {0};
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), &err);
	if (name != NULL && dump_domain(c, name, &err) == 0)
		return CLI_DONE;
	out_error("%s", err.msg);
	return out_status(&err);
}

/* --- domxml-to-native --- */
static int read_either(struct cli *c, struct buf *xml, char **shown, struct err *err)
{
	const char *file = cli_value(c, "xml"), *word = cli_value(c, "domain");
	if ((file == NULL) == (word == NULL))
		return err_set(err, ERR_USAGE, "either a domain or --xml FILE is needed");
	if (file != NULL) {
		*shown = xstrdup(document_shown(file));
		return document_read(file, xml, err);
	}
	*shown = vm_resolve(&c->home, word, err);
	return *shown != NULL ? store_read(&c->home, *shown, xml, err) : -1;
}

static int print_native(struct cli *c, const struct domain *d, struct err *err)
{
	struct caps caps = {0};
	struct argv_out out;
	CLEANUP_FREE char *run = home_run_dir(&c->home, d->name);
	CLEANUP_FREE char *log = home_log_dir(&c->home, d->name);
	struct argv_host host;
	struct argv_in in = {.run_dir = run, .log_dir = log};
	if (caps_get(&c->home, d->emulator, d->arch, &caps, err) < 0)
		return -1;
	int rc = argv_host_init(&host, &c->home, d, &caps, &in, err);
	if (rc == 0)
		rc = argv_build(d, &caps, &in, &out, err);
	if (rc == 0) {
		CLEANUP_FREE char *text = argv_shell(&out);
		fputs(text, stdout);
		argv_fini(&out);
	}
	argv_host_fini(&host);
	caps_fini(&caps);
	return rc;
}

int verb_domxml_to_native(struct cli *c)
{
	struct err err = {0};
	CLEANUP_BUF struct buf xml = BUF_INIT, warnings = BUF_INIT;
	CLEANUP_FREE char *shown = NULL;
	CLEANUP(domain_fini) struct domain d = {0};
	int rc = 0;
	if (strcmp(cli_value(c, "format"), "qemu-argv") != 0)
		rc = err_set(&err, ERR_USAGE, "unsupported format '%s', only qemu-argv is there",
		    cli_value(c, "format"));
	if (rc == 0)
		rc = read_either(c, &xml, &shown, &err);
	if (rc == 0)
		rc = domain_parse(
		    xml.len > 0 ? xml.data : "", xml.len, shown, 0, &d, &warnings, &err);
	print_warnings(&warnings);
	if (rc == 0)
		rc = domain_complete(&d, NULL, NULL, &err);
	if (rc == 0)
		rc = print_native(c, &d, &err);
	if (rc == 0)
		return CLI_DONE;
	print_lines(out_error, err.msg);
	return out_status(&err);
}
