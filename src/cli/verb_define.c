/* Definitions: define, undefine, dumpxml, domxml-to-native. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/dispatch.h"
#include "cli/out.h"
#include "core/audit.h"
#include "core/autostart.h"
#include "core/buf.h"
#include "core/definitions.h"
#include "core/domain.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/vm.h"
#include "core/xml.h"
#include "disk/qcow2_header.h"
#include "kvm/argv.h"
#include "kvm/caps.h"

static int read_stream(int fd, const char *shown, struct buf *out, struct err *err)
{
	for (;;) {
		char *to = buf_reserve(out, 65536);
		ssize_t n = read(fd, to, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "cannot read '%s'", shown);
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		if (out->len > STORE_XML_MAX)
			return err_set(
			    err, ERR_INVALID, "'%s' is larger than %u bytes", shown, STORE_XML_MAX);
	}
}

/* A shell's <(…) is a pipe, and is read as one; of what is no file at all (a folder, a disk) file_read says so. */
static int read_document(const char *path, struct buf *out, struct err *err)
{
	struct stat st;
	if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0)
		return read_stream(STDIN_FILENO, "standard input", out, err);
	if (stat(path, &st) < 0 || !S_ISFIFO(st.st_mode))
		return file_read(path, STORE_XML_MAX, out, err);
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "cannot read '%s'", path);
	return read_stream(fd, path, out, err);
}

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

static int define_file(struct cli *c, const char *path, unsigned flags, struct err *err)
{
	CLEANUP_BUF struct buf xml = BUF_INIT, warnings = BUF_INIT;
	CLEANUP(domain_fini) struct domain d = {0};
	bool input = strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0;
	const char *shown = input ? "standard input" : path;
	if (read_document(path, &xml, err) < 0)
		return -1;
	int rc =
	    domain_parse(xml.len > 0 ? xml.data : "", xml.len, shown, flags, &d, &warnings, err);
	print_warnings(&warnings);
	if (rc < 0)
		return -1;
	CLEANUP(definitions_fini) struct definitions others = {0};
	CLEANUP_CLOSE int lock = store_lock(&c->home, err);
	if (lock < 0 || definitions_read(&c->home, &others, err) < 0 ||
	    definitions_store(&c->home, &others, &d, err) < 0)
		return -1;
	audit_write(&c->home, d.name, "uid=%u pid=%d what=define result=ok", (unsigned)getuid(),
	    (int)getpid());
	out_message(c, "Domain '%s' defined from %s", d.name, path);
	return 0;
}

int verb_define(struct cli *c)
{
	unsigned n, flags = 0;
	const char *const *files = cli_values(c, "file", &n);
	int status = CLI_DONE;
	if (cli_flag(c, "ignore-unsupported"))
		flags |= DOMAIN_PARSE_IGNORE_UNSUPPORTED;
	if (cli_flag(c, "strict") || cli_flag(c, "validate"))
		flags |= DOMAIN_PARSE_STRICT;
	for (unsigned i = 0; i < n; i++) {
		struct err err = {0};
		if (define_file(c, files[i], flags, &err) == 0)
			continue;
		out_error("Failed to define domain from %s", files[i]);
		print_lines(out_error, err.msg);
		status = CLI_FAILED;
	}
	return status;
}

/* --- undefine --- */
/* As a disk, or below one in its chain of backing files. A chain that cannot be read to its end may hold it. */
static bool file_is_used(const struct definitions *others, const char *own_name, const char *path)
{
	for (size_t i = 0; i < others->n; i++) {
		const struct domain *o = &others->domains[i];
		for (size_t k = 0; strcmp(o->name, own_name) != 0 && k < o->n_disks; k++) {
			const char *source = o->disks[k].image.path;
			if (source != NULL &&
			    (strcmp(source, path) == 0 || qcow2_chain_has(source, path, NULL) != 0))
				return true;
		}
	}
	return false;
}

/* Writable file disks that no other definition names. virsh's words. */
static int remove_storage(struct cli *c, const struct domain *d, const struct definitions *others)
{
	int status = CLI_DONE;
	for (size_t i = 0; i < d->n_disks; i++) {
		const struct domain_disk *disk = &d->disks[i];
		if (disk->image.path == NULL || disk->image.type != IMAGE_FILE)
			continue;
		if (disk->readonly) {
			out_message(c, "Volume '%s'(%s) is read only and stays.", disk->target,
			    disk->image.path);
			continue;
		}
		if (disk->shareable || file_is_used(others, d->name, disk->image.path)) {
			out_error("Volume '%s'(%s) is used by other domains too and stays",
			    disk->target, disk->image.path);
			continue;
		}
		if (unlink(disk->image.path) == 0 || errno == ENOENT) {
			out_message(c, "Volume '%s'(%s) removed.", disk->target, disk->image.path);
			continue;
		}
		out_error("Failed to remove storage volume '%s'(%s): %s", disk->target,
		    disk->image.path, strerror(errno));
		status = CLI_FAILED;
	}
	return status;
}

/* A domain that runs uses what its live document names, whatever was defined or undefined since. */
static int others_add_running(const struct home *h, struct definitions *o, struct err *err)
{
	struct vm *vms;
	size_t n;
	if (vm_list_brief(h, &vms, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		CLEANUP_BUF struct buf xml = BUF_INIT;
		CLEANUP_FREE char *path = home_run_file(h, vms[i].name, "live.xml");
		if (vms[i].live && file_read(path, STORE_XML_MAX, &xml, NULL) == 0 && xml.len > 0)
			definitions_add(o, xml.data, xml.len, path, NULL);
	}
	vm_list_free(vms, n);
	return 0;
}

/* What the last run of a domain left behind: its status page, its consoles' history. The logs stay. */
static void forget_run(const struct home *h, const char *name)
{
	struct err err = {0};
	CLEANUP_FREE char *dir = home_run_dir(h, name);
	if (file_remove_tree(dir, &err) < 0)
		out_warning("%s", err.msg);
}

/* Looks, and where the domain is not running keeps anybody from starting it until *idle is closed. */
static int undefine_check(struct cli *c, const char *name, bool storage, int *idle, struct err *err)
{
	struct vm vm = {0};
	if (vm_probe(&c->home, name, &vm, err) < 0)
		return -1;
	bool live = vm.live, defined = vm.defined;
	vm_fini(&vm);
	if (!defined)
		return err_set(err, ERR_STATE, "domain '%s' runs without a definition", name);
	if (!live && (*idle = vm_lock(&c->home, name, err)) < 0 && err->code != ERR_BUSY)
		return -1;
	if (storage && *idle < 0)
		return err_set(err, ERR_STATE,
		    "Storage volume deletion is supported only on stopped domains; '%s' is running",
		    name);
	return 0;
}

static int undefine_domain(struct cli *c, const char *name, struct err *err)
{
	bool storage = cli_flag(c, "remove-all-storage");
	CLEANUP(definitions_fini) struct definitions others = {0};
	CLEANUP_CLOSE int lock = store_lock(&c->home, err), idle = -1;
	if (lock < 0 || undefine_check(c, name, storage, &idle, err) < 0)
		return -1;
	if (storage && (definitions_read(&c->home, &others, err) < 0 ||
	                   others_add_running(&c->home, &others, err) < 0))
		return -1;
	if (autostart_set(&c->home, name, false, err) < 0 || store_remove(&c->home, name, err) < 0)
		return -1;
	if (idle >= 0)
		forget_run(&c->home, name);
	audit_write(&c->home, name, "uid=%u pid=%d what=undefine result=ok", (unsigned)getuid(),
	    (int)getpid());
	out_message(c, "Domain '%s' has been undefined", name);
	for (size_t i = 0; storage && i < others.n; i++)
		if (strcmp(others.domains[i].name, name) == 0 &&
		    remove_storage(c, &others.domains[i], &others) != CLI_DONE)
			return err_set(err, ERR_IO, "not all volumes of '%s' were removed", name);
	return 0;
}

/* --snapshots-metadata, --managed-save and --nvram need no code: there is nothing yet that could be
 * left behind of these kinds. */
int verb_undefine(struct cli *c)
{
	unsigned n;
	const char *const *words = cli_values(c, "domain", &n);
	int status = CLI_DONE;
	for (unsigned i = 0; i < n; i++) {
		struct err err = {0};
		CLEANUP_FREE char *name = vm_resolve(&c->home, words[i], &err);
		if (name != NULL && undefine_domain(c, name, &err) == 0)
			continue;
		if (name != NULL)
			out_failed("undefine", name, &err);
		else
			out_error("%s", err.msg);
		status = CLI_FAILED;
	}
	return status;
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
		*shown = xstrdup(strcmp(file, "-") == 0 ? "standard input" : file);
		return read_document(file, xml, err);
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
	const struct argv_in in = {.run_dir = run, .log_dir = log};
	if (caps_get(&c->home, d->emulator, d->arch, &caps, err) < 0)
		return -1;
	int rc = argv_build(d, &caps, &in, &out, err);
	if (rc == 0) {
		CLEANUP_FREE char *text = argv_shell(&out);
		fputs(text, stdout);
		argv_fini(&out);
	}
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
