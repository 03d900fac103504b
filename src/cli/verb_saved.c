/* The document inside of a saved machine's file: shown, replaced, edited. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/document.h"
#include "cli/editor.h"
#include "cli/out.h"
#include "cli/saved.h"
#include "core/audit.h"
#include "core/domain.h"
#include "core/mem.h"
#include "core/save_image.h"
#include "core/str.h"
#include "core/vm.h"
#include "kvm/restore.h"

/* A saved machine that a command line names: by a file, or by the domain whose managed save it is. */
struct saved {
	struct cli *c;
	char *path, *shown;
	char *domain; /* NULL: by a file */
	struct save_image image;
	int fd;
};

static void saved_fini(struct saved *s)
{
	save_image_fini(&s->image);
	cleanup_close(&s->fd);
	free(s->path);
	free(s->shown);
	free(s->domain);
}

static int saved_open(struct cli *c, struct saved *s, int flags, struct err *err)
{
	*s = (struct saved){.c = c, .fd = -1};
	if (str_prefix(c->verb->name, "managedsave")) {
		s->domain = vm_resolve(&c->home, cli_value(c, "domain"), err);
		if (s->domain == NULL)
			return -1;
		s->path = restore_managed_path(&c->home, s->domain);
		s->shown = xstrdup(s->domain);
	} else {
		s->path = xstrdup(cli_value(c, "file"));
		s->shown = xstrdup(s->path);
	}
	s->fd = open(s->path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (s->fd < 0 && errno == ENOENT && s->domain != NULL)
		return err_set(err, ERR_STATE,
		    "Requested operation is not valid: domain '%s' does not have managed save image",
		    s->domain);
	if (s->fd < 0)
		return err_errno(err, errno, "cannot open '%s'", s->path);
	return save_image_read(s->fd, s->path, &s->image, err);
}

static int failed(const char *what, const char *shown, const struct err *err)
{
	if (what != NULL)
		out_error("Failed to update %s", shown);
	out_error("%s", err->msg);
	return out_status(err);
}

/* --- dumpxml --- */

static int dumpxml(struct cli *c)
{
	struct err err = {0};
	CLEANUP(saved_fini) struct saved s;
	int rc = saved_open(c, &s, O_RDONLY, &err);
	if (rc == 0)
		rc = document_print(s.image.xml, strlen(s.image.xml), "domain",
		    cli_value(c, "xpath"), cli_flag(c, "wrap"), &err);
	return rc < 0 ? failed(NULL, NULL, &err) : CLI_DONE;
}

int verb_managedsave_dumpxml(struct cli *c)
{
	return dumpxml(c);
}

int verb_save_image_dumpxml(struct cli *c)
{
	return dumpxml(c);
}

/* --- define --- */

/* The saved memory is that of one domain: its name and uuid stay. */
static int check_document(const struct saved *s, const char *xml, const char *file, struct err *err)
{
	CLEANUP(domain_fini) struct domain is = {0}, was = {0};
	if (domain_parse(xml, strlen(xml), file, DOMAIN_PARSE_LENIENT | DOMAIN_PARSE_LIVE, &is,
	        NULL, err) < 0 ||
	    domain_parse(s->image.xml, strlen(s->image.xml), s->path,
	        DOMAIN_PARSE_LENIENT | DOMAIN_PARSE_LIVE, &was, NULL, err) < 0)
		return -1;
	if (!str_eq(is.name, was.name) || memcmp(is.uuid, was.uuid, sizeof(is.uuid)) != 0)
		return err_set(err, ERR_INVALID,
		    "%s is the document of another domain ('%s') than the saved one ('%s')", file,
		    is.name, was.name);
	if (is.n_disks != was.n_disks || is.n_nets != was.n_nets ||
	    is.memory_kib != was.memory_kib || is.vcpus_max != was.vcpus_max ||
	    !str_eq(is.machine, was.machine) || !str_eq(is.arch, was.arch))
		return err_set(err, ERR_INVALID,
		    "%s describes other hardware (machine, memory, processors, disks or network cards) than the saved memory "
		    "knows: only what is behind it may change",
		    file);
	return 0;
}

static int change(struct saved *s, const char *xml, const char *file, struct err *err)
{
	int running;
	if (saved_running(s->c, &running, err) < 0 || check_document(s, xml, file, err) < 0)
		return -1;
	bool goes_on = running < 0 ? s->image.was_running : running != 0;
	if (save_image_change(s->fd, s->path, xml, goes_on, err) < 0)
		return -1;
	if (fsync(s->fd) < 0)
		return err_errno(err, errno, "cannot write '%s'", s->path);
	audit_write(&s->c->home, s->domain != NULL ? s->domain : "-",
	    "uid=%u pid=%d what=%s result=ok file=%s", (unsigned)getuid(), (int)getpid(),
	    s->c->verb->name, s->path);
	return 0;
}

static void tell_updated(const struct saved *s)
{
	if (s->domain != NULL)
		out_message(s->c, "Managed save state file of domain '%s' updated.", s->domain);
	else
		out_message(s->c, "State file %s updated.", s->path);
}

static int define(struct cli *c)
{
	struct err err = {0};
	CLEANUP(saved_fini) struct saved s;
	CLEANUP_BUF struct buf xml = BUF_INIT;
	const char *file = cli_value(c, "xml");
	if (saved_open(c, &s, O_RDWR, &err) < 0)
		return failed(NULL, NULL, &err);
	int rc = document_read(file, &xml, &err);
	if (rc == 0) {
		buf_addc(&xml, '\0');
		rc = change(&s, xml.data, document_shown(file), &err);
	}
	if (rc < 0)
		return failed("", s.shown, &err);
	tell_updated(&s);
	return CLI_DONE;
}

int verb_managedsave_define(struct cli *c)
{
	return define(c);
}

int verb_save_image_define(struct cli *c)
{
	return define(c);
}

/* --- edit --- */

/* 1 written, 0 nothing was changed, -1 with err. */
static int edit_loop(struct saved *s, struct editor *e, struct err *err)
{
	for (;;) {
		int rc = editor_edit(e, err);
		if (rc <= 0)
			return rc;
		const struct buf *text = editor_text(e);
		CLEANUP_FREE char *xml = xstrndup(text->data, text->len);
		if (change(s, xml, "the text", err) == 0)
			return 1;
		out_error("%s", err->msg);
		if (editor_ask(e, "Failed. Try again? [y,n]: ", "yn") != 'y')
			return -1;
	}
}

static int edit(struct cli *c)
{
	struct err err = {0};
	CLEANUP(saved_fini) struct saved s;
	if (saved_open(c, &s, O_RDWR, &err) < 0)
		return failed(NULL, NULL, &err);
	const char *name = s.domain != NULL ? s.domain : "saved";
	struct editor *e =
	    editor_new(&c->home, name, ".xml", s.image.xml, strlen(s.image.xml), &err);
	int rc = e == NULL ? -1 : edit_loop(&s, e, &err);
	if (rc < 0 && e != NULL)
		editor_give_up(e, &err);
	else if (e != NULL)
		editor_done(e);
	if (rc < 0)
		return failed("", s.shown, &err);
	if (rc == 0)
		out_message(c, "Saved image %s XML configuration not changed.", s.shown);
	else
		tell_updated(&s);
	return CLI_DONE;
}

int verb_managedsave_edit(struct cli *c)
{
	return edit(c);
}

int verb_save_image_edit(struct cli *c)
{
	return edit(c);
}
