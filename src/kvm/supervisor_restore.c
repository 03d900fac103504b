/* A start that goes on where a saved machine, or a snapshot with its memory, stood: QEMU is made as ever, loads instead
 * of running, and runs then. A managed save is renamed before the guest's first instruction and removed after it: a
 * state that was used is never used again, and one that could not be used is not lost. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/jsonl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/save_image.h"
#include "core/str.h"
#include "kvm/restore.h"
#include "kvm/spawn.h"
#include "kvm/supervisor_impl.h"

#define FD_NAME "hvmux-restore"
#define JOB "hvmux-restore"
#define COULD_NOT "its saved state could not be loaded: "
#define SILENT_TICKS 3
#define WISH_MAX_S 120 /* from the wish to its supervisor */
#define USED ".used"   /* a managed save whose guest may run already */

struct sup_restore {
	struct restore how;
	struct save_image image; /* of a file; xml NULL: not read yet */
	bool begun, asked;
	pid_t unpacker; /* 0: there is none, or it is through */
	bool unpacked;
	unsigned silent; /* ticks that QEMU had read nothing in since */
};

static void show_job(struct supervisor *s, const char *job)
{
	struct status_page *p = status_begin(&s->page);
	snprintf(p->job, sizeof(p->job), "%s", job);
	p->job_done = p->job_total = 0;
	status_end(&s->page);
}

void sup_restore_free(struct supervisor *s)
{
	struct sup_restore *r = TAKE_PTR(s->restore);
	if (r == NULL)
		return;
	if (r->unpacker > 0) { /* what it has left nobody reads */
		kill(r->unpacker, SIGKILL);
		waitpid(r->unpacker, NULL, 0);
	}
	restore_fini(&r->how);
	save_image_fini(&r->image);
	free(r);
}

/* --- what there is to restore --- */

static int read_image(struct sup_restore *r, int *out, struct err *err)
{
	CLEANUP_CLOSE int fd = open(r->how.path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return err_errno(err, errno, "cannot open '%s'", r->how.path);
	save_image_fini(&r->image);
	if (save_image_read(fd, r->how.path, &r->image, err) < 0)
		return -1;
	if (out != NULL)
		*out = TAKE_FD(fd);
	return 0;
}

static int find_managed(struct supervisor *s, struct restore *how)
{
	CLEANUP_FREE char *path = restore_managed_path(s->home, s->name);
	CLEANUP_FREE char *used = xasprintf("%s" USED, path);
	if (unlink(used) == 0)
		log_warn("'%s' was used before, and its guest has run since: removed", used);
	if (access(path, F_OK) < 0)
		return -1;
	*how = (struct restore){.path = TAKE_PTR(path), .managed = true, .running = -1};
	return 0;
}

/* What is wrong with a managed save is said with the way out. */
static int explain(struct supervisor *s, const struct restore *how, struct err *err)
{
	if (!how->managed)
		return -1;
	struct err why = *err;
	return err_set(err, why.code,
	    "%s; 'hvmux start --force-boot %s' discards the saved state and boots the guest",
	    why.msg, s->name);
}

int sup_restore_find(struct supervisor *s, bool throwaway, struct err *err)
{
	struct restore how;
	struct err none;
	/* Whoever left it and was killed does not want it for a start of somebody else's. */
	if (restore_age_s(s->home, s->name) > WISH_MAX_S)
		restore_forget(s->home, s->name);
	if (restore_read(s->home, s->name, &how, &none) < 0 && find_managed(s, &how) < 0)
		return 0;
	s->restore = xcalloc(1, sizeof(*s->restore));
	s->restore->how = how;
	if (throwaway)
		return err_set(err, ERR_STATE,
		    "domain '%s' has a saved state, which would be used up by a run whose writes are discarded: restore it "
		    "first, or discard it with 'hvmux managedsave-remove %s'",
		    s->name, s->name);
	if (how.path != NULL && read_image(s->restore, NULL, err) < 0)
		return explain(s, &s->restore->how, err);
	return restore_write(s->home, s->name, &how, err);
}

int sup_restore_domain(struct supervisor *s, struct domain *d, struct err *err)
{
	struct sup_restore *r = s->restore;
	const char *xml = r->how.xml != NULL ? r->how.xml : r->image.xml;
	const char *from = r->how.path != NULL ? r->how.path : r->how.tag;
	if (domain_parse(
	        xml, strlen(xml), from, DOMAIN_PARSE_LENIENT | DOMAIN_PARSE_LIVE, d, NULL, err) < 0)
		return explain(s, &r->how, err);
	if (!str_eq(d->name, s->name)) {
		err_set(err, ERR_INVALID, "'%s' is the saved state of a domain named '%s'", from,
		    d->name);
		domain_fini(d);
		return explain(s, &r->how, err);
	}
	bool runs = r->how.running >= 0   ? r->how.running != 0
	            : r->how.path != NULL ? r->image.was_running
	                                  : true;
	s->machine.restoring = true;
	s->machine.reason = r->how.from_snapshot ? VM_REASON_FROM_SNAPSHOT : VM_REASON_RESTORED;
	s->machine.start_paused = s->machine.start_paused || !runs;
	return 0;
}

bool sup_restore_is_stream(const struct supervisor *s)
{
	return s->restore != NULL && s->restore->how.path != NULL;
}

/* --- the end of it --- */

static void fail(struct supervisor *s, const char *why)
{
	CLEANUP_FREE char *words = xstrdup(why);
	sup_detail(s, COULD_NOT "%s", words);
	show_job(s, "");
	if (s->pidfd >= 0)
		spawn_signal(s->pidfd, SIGKILL);
}

static void loaded(struct supervisor *s)
{
	struct sup_restore *r = s->restore;
	if (r == NULL || !s->machine.restoring)
		return;
	show_job(s, "");
	CLEANUP_FREE char *used = r->how.managed ? xasprintf("%s" USED, r->how.path) : NULL;
	if (used != NULL && rename(r->how.path, used) < 0 && errno != ENOENT)
		log_warn("cannot rename '%s': %s", r->how.path, strerror(errno));
	machine_handle(&s->machine, EV_RESTORED, NULL);
}

void sup_restore_describe(struct supervisor *s)
{
	CLEANUP_FREE char *words = xstrdup(s->detail);
	if (!s->machine.restoring || s->restore == NULL || s->machine.state != MACHINE_STARTING)
		return;
	bool told = str_prefix(words, COULD_NOT);
	sup_detail(s, "%s%s%s", told ? "" : COULD_NOT, words,
	    s->restore->how.managed
	        ? "; it is kept: 'hvmux start --force-boot' discards it and boots the guest"
	        : "");
}

/* The guest runs, or stands where it was wished to. */
void sup_restore_started(struct supervisor *s)
{
	CLEANUP_FREE char *path = restore_managed_path(s->home, s->name);
	CLEANUP_FREE char *used = xasprintf("%s" USED, path);
	unlink(used);
	restore_forget(s->home, s->name);
	sup_restore_free(s);
}

void sup_restore_ended(struct supervisor *s)
{
	CLEANUP_FREE char *path = restore_managed_path(s->home, s->name);
	CLEANUP_FREE char *used = xasprintf("%s" USED, path);
	if (access(used, F_OK) == 0 && rename(used, path) < 0)
		log_warn("cannot rename '%s': %s", used, strerror(errno));
	restore_forget(s->home, s->name);
	sup_restore_free(s);
}

/* --- a stream from a file --- */

/* libvirt's compressed files: read through the program that wrote them. fd: the file at its stream; what comes out of a pipe
 * then. The program ends with the pipe. */
static int unpack(const char *program, int *fd, pid_t *pid, struct err *err)
{
	int ends[2];
	char *argv[] = {(char *)program, (char *)"-dc", NULL};
	extern char **environ;
	posix_spawn_file_actions_t a;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, errno, "cannot make a pipe");
	posix_spawn_file_actions_init(&a);
	posix_spawn_file_actions_adddup2(&a, *fd, 0);
	posix_spawn_file_actions_adddup2(&a, ends[1], 1);
	int rc = posix_spawnp(pid, program, &a, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&a);
	close(ends[1]);
	if (rc != 0) {
		*pid = 0;
		close(ends[0]);
		return err_errno(
		    err, rc, "the saved state is compressed, and '%s' cannot be run", program);
	}
	close(*fd);
	*fd = ends[0];
	return 0;
}

static void got_incoming(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	(void)result;
	/* Begun by a supervisor that was killed: it goes on. */
	if (err == NULL || strstr(err->msg, "already") != NULL || s->restore == NULL)
		return;
	fail(s, err->msg);
}

static void got_fd(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	(void)result;
	if (s->restore == NULL || s->qmp == NULL)
		return;
	if (err != NULL) {
		fail(s, err->msg);
		return;
	}
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "uri", json_object_new_string("fd:" FD_NAME));
	qmp_send(s->qmp, "migrate-incoming", args, 0, got_incoming, s);
}

static void want_events(struct supervisor *s)
{
	struct json_object *args = json_object_new_object(), *list = json_object_new_array();
	struct json_object *events = json_object_new_object();
	json_object_object_add(events, "capability", json_object_new_string("events"));
	json_object_object_add(events, "state", json_object_new_boolean(1));
	json_object_array_add(list, events);
	json_object_object_add(args, "capabilities", list);
	qmp_send(s->qmp, "migrate-set-capabilities", args, 0, NULL, NULL);
}

static void begin_stream(struct supervisor *s)
{
	struct sup_restore *r = s->restore;
	struct err err;
	CLEANUP_CLOSE int fd = -1;
	if (read_image(r, &fd, &err) < 0 ||
	    (r->image.compression != SAVE_RAW &&
	        unpack(save_compression_program(r->image.compression), &fd, &r->unpacker, &err) <
	            0)) {
		fail(s, err.msg);
		return;
	}
	want_events(s);
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "fdname", json_object_new_string(FD_NAME));
	qmp_send_fd(s->qmp, "getfd", args, fd, 0, got_fd, s);
}

/* --- a snapshot inside of the images --- */

static void got_load(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	(void)result;
	if (err != NULL && s->restore != NULL)
		fail(s, err->msg);
}

/* A fresh QEMU's nodes have the names that its command line gave them. */
static void send_load(struct supervisor *s)
{
	char **disks = s->restore->how.disks;
	struct json_object *args = json_object_new_object(), *list = json_object_new_array();
	for (size_t i = 0; disks[i] != NULL; i++) {
		CLEANUP_FREE char *node = xasprintf("%s-format", disks[i]);
		json_object_array_add(list, json_object_new_string(node));
		if (i == 0)
			json_object_object_add(args, "vmstate", json_object_new_string(node));
	}
	json_object_object_add(args, "job-id", json_object_new_string(JOB));
	json_object_object_add(args, "tag", json_object_new_string(s->restore->how.tag));
	json_object_object_add(args, "devices", list);
	qmp_send(s->qmp, "snapshot-load", args, 0, got_load, s);
}

static struct json_object *find_job(struct json_object *list)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		if (str_eq(json_get_str(o, "id"), JOB))
			return o;
	}
	return NULL;
}

static void got_jobs(void *arg, struct json_object *list, const struct err *err)
{
	struct supervisor *s = arg;
	struct sup_restore *r = s->restore;
	if (r == NULL || s->qmp == NULL)
		return;
	r->asked = false;
	struct json_object *job = find_job(list);
	if (err != NULL || (job == NULL && r->begun))
		return;
	r->begun = true;
	if (job == NULL) {
		send_load(s);
	} else if (str_eq(json_get_str(job, "status"), "concluded")) {
		CLEANUP_FREE char *why = xstrdup0(json_get_str(job, "error"));
		struct json_object *args = json_object_new_object();
		json_object_object_add(args, "id", json_object_new_string(JOB));
		qmp_send(s->qmp, "job-dismiss", args, 0, NULL, NULL);
		if (why != NULL)
			fail(s, why);
		else
			loaded(s);
	}
}

static void ask_jobs(struct supervisor *s)
{
	if (s->restore->asked)
		return;
	s->restore->asked = true;
	qmp_send(s->qmp, "query-jobs", NULL, 0, got_jobs, s);
}

/* --- from outside --- */

/* A supervisor that adopts a QEMU which loads reads what it was told to. */
static int inherit(struct supervisor *s)
{
	struct restore how;
	struct err err;
	if (s->restore != NULL)
		return 0;
	if (restore_read(s->home, s->name, &how, &err) < 0) {
		fail(s, err.msg);
		return -1;
	}
	s->restore = xcalloc(1, sizeof(*s->restore));
	s->restore->how = how;
	return 0;
}

void sup_restore(struct supervisor *s)
{
	if (s->qmp == NULL || !s->qmp_ready || inherit(s) < 0 || s->restore->begun)
		return;
	show_job(s, s->machine.reason == VM_REASON_FROM_SNAPSHOT ? "snapshot revert" : "restore");
	if (s->restore->how.path == NULL) {
		ask_jobs(s);
		return;
	}
	s->restore->begun = true;
	begin_stream(s);
}

static void got_status(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	const char *status = json_get_str(result, "status");
	if (s->restore == NULL)
		return;
	s->restore->asked = false;
	if (err == NULL && status != NULL && !str_eq(status, "inmigrate"))
		loaded(s);
}

/* QEMU waits for the first byte of a pipe for ever, also when nobody can write one any more. From that byte on it judges
 * itself what comes. */
static void got_migrate(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	struct sup_restore *r = s->restore;
	if (r == NULL || !s->machine.restoring || err != NULL ||
	    json_get_str(result, "status") != NULL || ++r->silent < SILENT_TICKS)
		return;
	r->unpacked = false;
	CLEANUP_FREE char *why = xasprintf("'%s' could unpack nothing of '%s': it is damaged",
	    save_compression_program(r->image.compression), r->how.path);
	fail(s, why);
}

static void watch_unpacker(struct supervisor *s)
{
	struct sup_restore *r = s->restore;
	if (r->unpacker > 0 && waitpid(r->unpacker, NULL, WNOHANG) == r->unpacker) {
		r->unpacker = 0;
		r->unpacked = true;
	}
	if (r->unpacked)
		qmp_send(s->qmp, "query-migrate", NULL, 0, got_migrate, s);
}

void sup_restore_tick(struct supervisor *s)
{
	struct sup_restore *r = s->restore;
	if (r == NULL || !s->machine.restoring || !r->begun || r->asked || !s->qmp_ready)
		return;
	watch_unpacker(s);
	if (r->how.path == NULL) {
		ask_jobs(s);
		return;
	}
	r->asked = true;
	qmp_send(s->qmp, "query-status", NULL, 0, got_status, s);
}

void sup_restore_event(struct supervisor *s, const char *event, struct json_object *data)
{
	struct sup_restore *r = s->restore;
	const char *status = json_get_str(data, "status");
	if (r == NULL || !s->machine.restoring || !r->begun)
		return;
	if (r->how.path != NULL && str_eq(event, "MIGRATION") && str_eq(status, "completed"))
		loaded(s);
	else if (r->how.path == NULL && str_eq(event, "JOB_STATUS_CHANGE") &&
	         str_eq(json_get_str(data, "id"), JOB) && str_eq(status, "concluded"))
		ask_jobs(s);
}
