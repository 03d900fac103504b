#include "core/pending.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/autostart.h"
#include "core/domain.h"
#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/schedule.h"
#include "core/store.h"
#include "core/str.h"

#define NOTE_MAX 1024u /* two names and a few words */

static char *note_path(const struct home *h)
{
	return xasprintf("%s/.pending", h->conf);
}

static int sync_folder(const char *dir)
{
	CLEANUP_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : fsync(fd);
}

static void drop_note(const struct home *h)
{
	CLEANUP_FREE char *path = note_path(h);
	/* If it comes back after a power cut, settling it once more changes nothing. */
	unlink(path);
	sync_folder(h->conf);
}

/* Names hold no line ends (name_check). */
static int write_note(const struct home *h, const char *what, const char *name, const char *to,
    bool marked, struct err *err)
{
	CLEANUP_FREE char *path = note_path(h);
	CLEANUP_FREE char *text =
	    xasprintf("%s\n%s\n%s\n%s\n", what, name, to, marked ? "autostart" : "-");
	return file_write_atomic(path, text, strlen(text), 0600, err);
}

static bool is_defined(const struct home *h, const char *name)
{
	CLEANUP_FREE char *path = home_domain_xml(h, name);
	return access(path, F_OK) == 0;
}

/* --- undefine --- */
int pending_undefine(const struct home *h, const char *name, struct err *err)
{
	bool marked = autostart_get(h, name);
	if (marked && write_note(h, "undefine", name, name, true, err) < 0)
		return -1;
	int rc = store_remove(h, name, err);
	if (rc == 0 && marked)
		rc = autostart_set(h, name, false, err);
	if (marked)
		drop_note(h);
	return rc;
}

/* --- rename --- */
/* The name inside the document, for one whose file was renamed and then the power failed. */
static int rewrite_name(const struct home *h, const char *name)
{
	struct domain d;
	struct err err = {0};
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP_FREE char *text = NULL;
	if (store_read(h, name, &xml, &err) < 0 || xml.len == 0 ||
	    domain_parse(xml.data, xml.len, name, DOMAIN_PARSE_LENIENT, &d, NULL, &err) < 0) {
		log_error("renaming '%s' could not be finished: %s", name, err.msg);
		return -1;
	}
	int rc = 0;
	if (!str_eq(d.name, name)) {
		free(d.name);
		d.name = xstrdup(name);
		text = domain_format(&d, &err);
		rc = text != NULL ? store_write(h, name, text, strlen(text), &err) : -1;
	}
	if (rc < 0)
		log_error("renaming '%s' could not be finished: %s", name, err.msg);
	domain_fini(&d);
	return rc;
}

/* Fails, and shall fail, where there is something under the new name. */
static void move_folder(const char *in, char *from_take, char *to_take)
{
	CLEANUP_FREE char *from = from_take, *to = to_take;
	if (rename(from, to) == 0)
		sync_folder(in);
}

/* All that follows the one step that decides. Doing it again changes nothing. */
static int finish_rename(
    const struct home *h, const char *from, const char *to, bool marked, struct err *err)
{
	if ((marked && autostart_set(h, to, true, err) < 0) ||
	    autostart_set(h, from, false, err) < 0)
		return -1;
	CLEANUP_FREE char *snapshots = xasprintf("%s/snapshots", h->data);
	move_folder(h->log, home_log_dir(h, from), home_log_dir(h, to));
	move_folder(
	    snapshots, home_data_file(h, "snapshots", from), home_data_file(h, "snapshots", to));
	CLEANUP_FREE char *schedules = xasprintf("%s/schedules", h->conf);
	move_folder(schedules, schedules_path(h, from), schedules_path(h, to));
	return 0;
}

static int move_definition(const struct home *h, const char *from, const char *to, struct err *err)
{
	CLEANUP_FREE char *old = home_domain_xml(h, from), *fresh = home_domain_xml(h, to);
	CLEANUP_FREE char *dir = home_domains_dir(h);
	if (rename(old, fresh) < 0)
		return err_errno(err, errno, "cannot rename '%s' to '%s'", old, fresh);
	if (sync_folder(dir) < 0)
		return err_errno(err, errno, "cannot sync '%s'", dir);
	return 0;
}

int pending_rename(const struct home *h, const char *from, const char *to, const char *xml,
    size_t n, struct err *err)
{
	bool marked = autostart_get(h, from);
	if (write_note(h, "rename", from, to, marked, err) < 0)
		return -1;
	int rc = move_definition(h, from, to, err);
	if (rc == 0)
		rc = store_write(h, to, xml, n, err);
	if (rc == 0)
		rc = finish_rename(h, from, to, marked, err);
	/* With the note the next one tries again. */
	if (rc == 0 || is_defined(h, from))
		drop_note(h);
	return rc;
}

/* --- after a power cut --- */
struct note {
	char what[16], name[NAME_MAX_BYTES + 1], to[NAME_MAX_BYTES + 1];
	bool marked;
};

/* A line into out; false when it does not fit or is not there. */
static bool take_line(const char **at, char *out, size_t size)
{
	size_t n = strcspn(*at, "\n");
	if (n == 0 || n >= size || (*at)[n] != '\n')
		return false;
	memcpy(out, *at, n);
	out[n] = '\0';
	*at += n + 1;
	return true;
}

static bool read_note(const char *text, struct note *note)
{
	char mark[16];
	if (!take_line(&text, note->what, sizeof note->what) ||
	    !take_line(&text, note->name, sizeof note->name) ||
	    !take_line(&text, note->to, sizeof note->to) || !take_line(&text, mark, sizeof mark))
		return false;
	note->marked = str_eq(mark, "autostart");
	return name_check("domain", note->name, NULL) == 0 &&
	       name_check("domain", note->to, NULL) == 0;
}

static int settle(const struct home *h, const struct note *note)
{
	struct err err = {0};
	int rc = 0;
	/* The definition decides: while it is there under its old name nothing has happened. */
	if (is_defined(h, note->name))
		return 0;
	if (str_eq(note->what, "undefine"))
		rc = autostart_set(h, note->name, false, &err);
	else if (str_eq(note->what, "rename") && is_defined(h, note->to)) {
		if (rewrite_name(h, note->to) < 0)
			return -1;
		rc = finish_rename(h, note->name, note->to, note->marked, &err);
	}
	if (rc < 0)
		log_error("%s of '%s' could not be finished: %s", note->what, note->name, err.msg);
	return rc;
}

void pending_settle_locked(const struct home *h)
{
	CLEANUP_FREE char *path = note_path(h);
	CLEANUP_BUF struct buf text = BUF_INIT;
	struct note note;
	if (access(path, F_OK) < 0 || file_read(path, NOTE_MAX, &text, NULL) < 0)
		return;
	if (text.data == NULL || !read_note(text.data, &note) || settle(h, &note) == 0)
		drop_note(h);
}

void pending_settle(const struct home *h)
{
	CLEANUP_FREE char *path = note_path(h);
	if (access(path, F_OK) < 0)
		return;
	CLEANUP_CLOSE int lock = store_lock(h, NULL);
	(void)lock;
}
