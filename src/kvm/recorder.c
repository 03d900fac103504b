#include "kvm/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/access.h"
#include "core/crashes.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "kvm/qemu_log.h"
#include "serial/hub_text.h"

#define STACK (256u * 1024) /* scandir and the formatting of messages; sanitizers want more */
#define SAME_SECOND 100     /* crashes of one reason in one second that get a name */

struct recorder {
	struct recording *what;
	pthread_t thread;
	int wake; /* eventfd, written when the thread is through */
	struct event *ev;
	char *path; /* the thread's until wake */
	struct err err;
	void (*done)(void *arg, const char *path, const struct err *err);
	void *arg;
};

/* --- what is written --- */

struct recording *recording_new(const struct home *h, const char *name)
{
	struct recording *r = xcalloc(1, sizeof(*r));
	r->home = h;
	r->name = xstrdup(name);
	return r;
}

void recording_add(struct recording *r, const char *name, struct buf *data)
{
	if (r->n_files == RECORDING_FILES_MAX) {
		buf_fini(data);
		return;
	}
	snprintf(r->file[r->n_files].name, sizeof(r->file[0].name), "%s", name);
	r->file[r->n_files++].data = *data;
	*data = BUF_INIT;
}

void recording_free(struct recording *r)
{
	if (r == NULL)
		return;
	for (unsigned i = 0; i < r->n_files; i++)
		buf_fini(&r->file[i].data);
	free(r->seconds);
	free(r->minutes);
	free(r->name);
	free(r->id);
	free(r);
}

/* --- the thread --- */

static int write_file(int dir, const char *name, const void *data, size_t n, struct err *err)
{
	CLEANUP_CLOSE int fd =
	    openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fd_write_all(fd, data, n) < 0 || fdatasync(fd) < 0)
		return err_errno(err, errno, "cannot write '%s' of a crash's record", name);
	return 0;
}

/* Whoever opens it with `less` or `cat` sees text; escape sequences stay in NAME.raw alone. */
static int write_text(int dir, const char *raw_name, const struct buf *raw, struct err *err)
{
	char name[48];
	CLEANUP_BUF struct buf text = BUF_INIT;
	snprintf(
	    name, sizeof(name), "%.*s.txt", (int)(strlen(raw_name) - strlen(".raw")), raw_name);
	hub_text_clean((const uint8_t *)raw->data, raw->len, &text);
	return write_file(dir, name, text.data, text.len, err);
}

static int write_files(const struct recording *r, int dir, struct err *err)
{
	for (unsigned i = 0; i < r->n_files; i++) {
		const struct buf *b = &r->file[i].data;
		const char *name = r->file[i].name;
		size_t n = strlen(name);
		if (write_file(dir, name, b->data == NULL ? "" : b->data, b->len, err) < 0)
			return -1;
		if (n > 4 && str_eq(name + n - 4, ".raw") && b->len > 0 &&
		    write_text(dir, name, b, err) < 0)
			return -1;
	}
	return 0;
}

static int write_samples(int dir, const char *name, const struct status_sample *s, unsigned n,
    uint64_t end_ns, uint64_t step_ns, struct err *err)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	buf_adds(&b, "time,cpu_permille,rss_mib,disk_read_kib_s,disk_write_kib_s,net_rx_kib_s,"
	             "net_tx_kib_s\n");
	for (unsigned i = 0; i < n; i++) {
		char when[TIMESTAMP_MAX];
		timestamp_format(end_ns - (n - 1 - i) * step_ns, when);
		buf_addf(&b, "%s,%u,%u,%u,%u,%u,%u\n", when, s[i].cpu_permille, s[i].mem_mib,
		    s[i].rd_kib, s[i].wr_kib, s[i].rx_kib, s[i].tx_kib);
	}
	return write_file(dir, name, b.data, b.len, err);
}

static int write_history(const struct recording *r, int dir, struct err *err)
{
	if (r->n_seconds > 0 && write_samples(dir, "stats-seconds.csv", r->seconds, r->n_seconds,
	                            r->seconds_ns, 1000000000ull, err) < 0)
		return -1;
	if (r->n_minutes > 0 && write_samples(dir, "stats-minutes.csv", r->minutes, r->n_minutes,
	                            r->seconds_ns, 60000000000ull, err) < 0)
		return -1;
	return 0;
}

/* The command line of the last run, and what QEMU said. */
static int write_qemu(const struct recording *r, int dir, struct err *err)
{
	CLEANUP_BUF struct buf tail = BUF_INIT;
	CLEANUP_BUF struct buf argv = BUF_INIT;
	qemu_log_tail(r->home, r->name, RECORDING_TAIL, &tail, &argv);
	if (argv.len > 0 && write_file(dir, "command-line.txt", argv.data, argv.len, err) < 0)
		return -1;
	return tail.len > 0 ? write_file(dir, "qemu.log", tail.data, tail.len, err) : 0;
}

/* A name that nobody has; a folder in the place is no file to be replaced. */
static char *give_name(const char *folder, const char *tmp, const char *id, struct err *err)
{
	for (unsigned i = 1; i <= SAME_SECOND; i++) {
		char *path =
		    i == 1 ? xasprintf("%s/%s", folder, id) : xasprintf("%s/%s-%u", folder, id, i);
		if (renameat2(AT_FDCWD, tmp, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
			return path;
		bool taken = errno == EEXIST;
		if (!taken)
			err_errno(err, errno, "cannot make '%s'", path);
		free(path);
		if (!taken)
			return NULL;
	}
	err_set(err, ERR_EXISTS, "cannot make another '%s/%s'", folder, id);
	return NULL;
}

static void share(const struct recording *r, const char *folder, const char *path)
{
	static const char *const open_to_group[] = {CRASHES_SUMMARY, CRASHES_STORY};
	home_share_dir(r->home, folder);
	home_share_dir(r->home, path);
	for (size_t i = 0; i < ARRAY_LEN(open_to_group); i++) {
		CLEANUP_FREE char *file = xasprintf("%s/%s", path, open_to_group[i]);
		home_share(r->home, file, 0640);
	}
}

static char *record(const struct recording *r, struct err *err)
{
	CLEANUP_FREE char *folder = home_log_file(r->home, r->name, CRASHES_DIR);
	CLEANUP_FREE char *tmp = xasprintf("%s/.new.%d.XXXXXX", folder, (int)getpid());
	if (home_mkdir(r->home, folder, err) < 0)
		return NULL;
	if (mkdtemp(tmp) == NULL) {
		err_errno(err, errno, "cannot make a folder in '%s'", folder);
		return NULL;
	}
	CLEANUP_CLOSE int dir = open(tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *path = NULL;
	if (dir >= 0 && write_files(r, dir, err) == 0 && write_history(r, dir, err) == 0 &&
	    write_qemu(r, dir, err) == 0 && fsync(dir) == 0) {
		share(r, folder, tmp);
		path = give_name(folder, tmp, r->id, err);
	}
	if (path == NULL)
		file_remove_tree(tmp, NULL);
	else
		crashes_prune(folder, r->keep, r->keep_bytes);
	return path;
}

static void *recorder_main(void *arg)
{
	struct recorder *r = arg;
	uint64_t one = 1;
	r->path = record(r->what, &r->err);
	if (write(r->wake, &one, sizeof(one)) < 0)
		abort(); /* an eventfd at 0 takes a 1 */
	return NULL;
}

/* --- the loop's side --- */

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct recorder *r = arg;
	(void)fd, (void)what;
	r->done(r->arg, r->path, &r->err);
}

/* Signals are the loop's: the thread takes none. */
static int thread_start(struct recorder *r)
{
	pthread_attr_t attr;
	sigset_t all, old;
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int e = pthread_create(&r->thread, &attr, recorder_main, r);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return e == 0 ? 0 : -1;
}

struct recorder *recorder_new(struct loop *l, struct recording *what,
    void (*done)(void *arg, const char *path, const struct err *err), void *arg)
{
	struct recorder *r = xcalloc(1, sizeof(*r));
	access_get(what->home); /* read once, here: two threads would read it twice */
	r->what = what;
	r->done = done;
	r->arg = arg;
	r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->wake >= 0)
		r->ev = event_new(loop_base(l), r->wake, EV_READ, on_wake, r);
	if (r->ev != NULL && event_add(r->ev, NULL) == 0 && thread_start(r) == 0)
		return r;
	if (r->ev != NULL)
		event_free(r->ev);
	cleanup_close(&r->wake);
	recording_free(what);
	free(r);
	return NULL;
}

bool recorder_free(struct recorder *r)
{
	if (r == NULL)
		return false;
	pthread_join(r->thread, NULL);
	bool written = r->path != NULL;
	event_free(r->ev);
	close(r->wake);
	recording_free(r->what);
	free(r->path);
	free(r);
	return written;
}
