/* The memory of a guest that crashed, or whose watchdog expired, into a file: data/dump/ID-NAME-DATE-TIME, as libvirt names
 * an automatic dump. QEMU gets the file as a descriptor, so it need not be able to open it. What follows the dump follows
 * also when it fails: a full disk must not keep a server down. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/hostconf.h"
#include "core/jsonl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "kvm/dump_files.h"
#include "kvm/supervisor_impl.h"
#include "kvm/supervisor_plan.h"

#define FD_NAME "hvmux-dump"

/* The file that is being written; also run/NAME/dump, a link to it, so that the next supervisor finds it. */
struct sup_dump {
	char *path;
	bool sent;  /* QEMU has taken the command */
	bool asked; /* query-dump is on its way */
	struct err err;
	bool over; /* well, or by err */
};

static char *link_path(const struct supervisor *s)
{
	return home_run_file(s->home, s->name, "dump");
}

static void show_job(struct supervisor *s, const char *job, uint64_t done, uint64_t total)
{
	struct status_page *p = status_begin(&s->page);
	snprintf(p->job, sizeof(p->job), "%s", job);
	p->job_done = done;
	p->job_total = total;
	status_end(&s->page);
}

/* --- the end --- */

static void append_detail(struct supervisor *s, const char *words)
{
	CLEANUP_FREE char *before = xstrdup(s->detail);
	sup_detail(s, "%.280s%s%s", before, before[0] != '\0' ? "; " : "", words);
}

static void forget(struct supervisor *s)
{
	CLEANUP_FREE char *link = link_path(s);
	struct sup_dump *d = TAKE_PTR(s->dump);
	unlink(link);
	show_job(s, "", 0, 0);
	free(d->path);
	free(d);
	sup_plan_next(s);
}

/* With the one that was just written. */
static void prune(const struct supervisor *s)
{
	struct hostconf conf;
	struct err err;
	CLEANUP_FREE char *dir = xasprintf("%s/dump", s->home->data);
	if (hostconf_load(s->home, &conf, &err) < 0) {
		log_warn("no dump is removed: %s", err.msg);
		return;
	}
	dump_files_prune(dir, s->name, (unsigned)conf.crash_dumps);
	hostconf_fini(&conf);
}

static void conclude(struct supervisor *s, const struct err *err)
{
	CLEANUP_FREE char *words =
	    err == NULL ? xasprintf("memory written to %s", s->dump->path)
	                : xasprintf("its memory could not be written to a file: %s", err->msg);
	/* Half a dump says nothing, and its room is what others need. */
	if (err != NULL && s->dump->path != NULL)
		unlink(s->dump->path);
	else if (err == NULL)
		prune(s);
	append_detail(s, words);
	sup_tell(s, "dump", words, NULL);
	forget(s);
}

/* Not inside of what asked for the dump. */
static void over(void *arg)
{
	struct supervisor *s = arg;
	if (s->dump == NULL || !s->dump->over)
		return;
	struct err err = s->dump->err;
	conclude(s, err.code == ERR_NONE ? NULL : &err);
	machine_handle(&s->machine, EV_DUMPED, NULL);
}

static void end_later(struct supervisor *s, const struct err *err)
{
	if (s->dump->over)
		return;
	s->dump->over = true;
	if (err != NULL)
		s->dump->err = *err;
	loop_defer(s->loop, over, s);
}

void sup_dump_abandon(struct supervisor *s)
{
	struct err err;
	if (s->dump == NULL)
		return;
	err_set(&err, ERR_IO, "QEMU ended before it was done");
	conclude(s, &err);
}

/* --- what QEMU says of it --- */

/* DumpQueryResult of QEMU's qapi/dump.json. */
static void take_status(struct supervisor *s, struct json_object *result, const char *error)
{
	const char *status = json_get_str(result, "status");
	struct err err;
	if (str_eq(status, "completed")) {
		end_later(s, NULL);
	} else if (str_eq(status, "failed")) {
		err_set(&err, ERR_IO, "%s",
		    error != NULL ? error : "QEMU does not say why; is the disk full?");
		end_later(s, &err);
	} else if (str_eq(status, "active")) {
		show_job(s, "core dump", (uint64_t)json_get_int(result, "completed", 0),
		    (uint64_t)json_get_int(result, "total", 0));
	}
}

void sup_dump_completed(struct supervisor *s, struct json_object *data)
{
	if (s->dump != NULL)
		take_status(s, json_get_obj(data, "result"), json_get_str(data, "error"));
}

static void got_progress(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	(void)err;
	if (s->dump == NULL)
		return;
	s->dump->asked = false;
	if (s->dump->sent)
		take_status(s, result, NULL);
}

void sup_dump_tick(struct supervisor *s)
{
	if (s->dump == NULL || !s->dump->sent || s->dump->asked || !s->qmp_ready)
		return;
	s->dump->asked = true;
	qmp_send(s->qmp, "query-dump", NULL, 0, got_progress, s);
}

/* --- the beginning --- */

static void got_begun(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	(void)result;
	if (s->dump == NULL)
		return;
	s->dump->sent = true;
	if (err != NULL)
		end_later(s, err);
}

static void got_fd(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	(void)result;
	if (s->dump == NULL)
		return;
	if (err != NULL) {
		end_later(s, err);
		return;
	}
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "paging", json_object_new_boolean(0));
	json_object_object_add(args, "protocol", json_object_new_string("fd:" FD_NAME));
	json_object_object_add(args, "detach", json_object_new_boolean(1));
	qmp_send(s->qmp, "dump-guest-memory", args, 0, got_begun, s);
}

/* libvirt's ID-NAME-%Y-%m-%d-%H:%M:%S. */
static char *new_path(const struct supervisor *s)
{
	char when[32];
	timestamp_local((uint64_t)time(NULL), "%Y-%m-%d-%H:%M:%S", when, sizeof(when));
	CLEANUP_FREE char *file = xasprintf("%u-%.180s-%s", s->process.id, s->name, when);
	return home_data_file(s->home, "dump", file);
}

static int open_file(struct supervisor *s, struct err *err)
{
	CLEANUP_FREE char *dir = xasprintf("%s/dump", s->home->data), *link = link_path(s);
	if (home_mkdir(s->home, dir, err) < 0)
		return -1;
	s->dump->path = new_path(s);
	int fd = open(s->dump->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		err_errno(err, errno, "cannot make '%s'", s->dump->path);
		free(TAKE_PTR(s->dump->path)); /* not ours to remove */
		return -1;
	}
	if (symlink(s->dump->path, link) < 0)
		log_warn("cannot make the link '%s': %s", link, strerror(errno));
	return fd;
}

static void begin(struct supervisor *s)
{
	struct err err;
	if (s->qmp == NULL || !s->qmp_ready) {
		err_set(&err, ERR_STATE, "QEMU's monitor is not connected");
		end_later(s, &err);
		return;
	}
	CLEANUP_CLOSE int fd = open_file(s, &err);
	if (fd < 0) {
		end_later(s, &err);
		return;
	}
	show_job(s, "core dump", 0, 0);
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "fdname", json_object_new_string(FD_NAME));
	qmp_send_fd(s->qmp, "getfd", args, fd, 0, got_fd, s);
}

/* A killed supervisor had begun it: how far is it? One that was never sent is begun anew. */
static void got_inherited(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	const char *status = json_get_str(result, "status");
	if (s->dump == NULL)
		return;
	s->dump->asked = false;
	if (err == NULL && status != NULL && !str_eq(status, "none")) {
		s->dump->sent = true;
		take_status(s, result, NULL);
		return;
	}
	CLEANUP_FREE char *link = link_path(s);
	unlink(s->dump->path);
	unlink(link);
	free(TAKE_PTR(s->dump->path));
	begin(s);
}

void sup_dump(struct supervisor *s)
{
	char target[PATH_MAX];
	CLEANUP_FREE char *link = link_path(s);
	if (s->dump != NULL)
		return;
	s->dump = xcalloc(1, sizeof(*s->dump));
	ssize_t n = readlink(link, target, sizeof(target) - 1);
	if (n <= 0 || s->qmp == NULL || !s->qmp_ready) {
		begin(s);
		return;
	}
	s->dump->path = xstrndup(target, (size_t)n);
	s->dump->asked = true;
	qmp_send(s->qmp, "query-dump", NULL, 0, got_inherited, s);
}
