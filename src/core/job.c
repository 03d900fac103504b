#include "core/job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/detach.h"
#include "core/file.h"
#include "core/jsonl.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/progress.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "core/vm_process.h"

#define HEADING "hvmux job 1\n"
#define COMMAND_MAX \
	(4u << 20) /* bytes of "command": the kernel's own limit of a command line is near */
#define BIRTH_NS 5000000000ull /* a job without a state is this young, or lost */
#define READY_MS 10000
#define STATE_NUMBER_MAX INT64_MAX

static const char *const status_names[JOB_STATUS_COUNT] = {
    [JOB_STATUS_RUNNING] = "running",
    [JOB_STATUS_DONE] = "done",
    [JOB_STATUS_FAILED] = "failed",
    [JOB_STATUS_CANCELLED] = "cancelled",
    [JOB_STATUS_LOST] = "lost",
};

const char *job_status_name(enum job_status s)
{
	return status_names[s];
}

/* A name that no domain can have: the folder is beside theirs. */
static char *jobs_dir(const struct home *h)
{
	return xasprintf("%s/.jobs", h->run);
}

char *job_path(const struct home *h, unsigned id, const char *file)
{
	return file ? xasprintf("%s/.jobs/%u/%s", h->run, id, file)
	            : xasprintf("%s/.jobs/%u", h->run, id);
}

/* --- state --- */

void job_state_format(const struct job_info *j, char out[JOB_STATE_BYTES])
{
	char text[JOB_STATE_BYTES];
	int n = snprintf(text, sizeof(text),
	    HEADING
	    "status %s\nrunner %d %llu\ncommand %d %llu\nended %llu\nexit %d %d\nprogress %llu %llu "
	    "%llu\ntext %s\n",
	    status_names[j->status], (int)j->runner, (unsigned long long)j->runner_start,
	    (int)j->command, (unsigned long long)j->command_start, (unsigned long long)j->ended_ns,
	    j->exit, j->signal, (unsigned long long)j->done, (unsigned long long)j->total,
	    (unsigned long long)j->told_ns, j->text);
	memset(out, ' ', JOB_STATE_BYTES);
	memcpy(out, text, n < JOB_STATE_BYTES ? (size_t)n : JOB_STATE_BYTES - 1);
	out[JOB_STATE_BYTES - 1] = '\n';
}

static void state_line(const char *line, size_t n, struct job_info *j)
{
	int pid, code, sig;
	unsigned long long a, b, c;
	if (n > 5 && memcmp(line, "text ", 5) == 0) {
		size_t len = n - 5 < sizeof(j->text) ? n - 5 : sizeof(j->text) - 1;
		memcpy(j->text, line + 5, len);
		j->text[len] = '\0';
	} else if (n > 7 && memcmp(line, "status ", 7) == 0) {
		for (size_t i = 0; i < JOB_STATUS_COUNT; i++)
			if (strlen(status_names[i]) == n - 7 &&
			    memcmp(status_names[i], line + 7, n - 7) == 0)
				j->status = (enum job_status)i;
	} else if (sscanf(line, "runner %d %llu", &pid, &a) == 2) {
		j->runner = pid;
		j->runner_start = a;
	} else if (sscanf(line, "command %d %llu", &pid, &a) == 2) {
		j->command = pid;
		j->command_start = a;
	} else if (sscanf(line, "ended %llu", &a) == 1) {
		j->ended_ns = a;
	} else if (sscanf(line, "exit %d %d", &code, &sig) == 2) {
		j->exit = code;
		j->signal = sig;
	} else if (sscanf(line, "progress %llu %llu %llu", &a, &b, &c) == 3) {
		j->done = a;
		j->total = b;
		j->told_ns = c;
	}
}

bool job_state_parse(const char *text, size_t n, struct job_info *j)
{
	char copy[JOB_STATE_BYTES + 1];
	if (n != JOB_STATE_BYTES)
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	if (!str_prefix(copy, HEADING))
		return false;
	for (char *line = copy + strlen(HEADING), *nl; (nl = strchr(line, '\n')) != NULL;
	     line = nl + 1) {
		*nl = '\0';
		state_line(line, (size_t)(nl - line), j);
	}
	str_make_safe(j->text);
	return true;
}

/* A runner that is not there any more has not written the end. */
static void judge(struct job_info *j, bool has_state)
{
	if (!has_state)
		j->status = timestamp_ns() < j->started_ns + BIRTH_NS ? JOB_STATUS_RUNNING
		                                                      : JOB_STATUS_LOST;
	else if (j->status == JOB_STATUS_RUNNING && !vm_process_exists(j->runner, j->runner_start))
		j->status = JOB_STATUS_LOST;
}

static bool read_state(const struct home *h, struct job_info *j)
{
	CLEANUP_FREE char *path = job_path(h, j->id, "state");
	char text[JOB_STATE_BYTES];
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text), 0);
	return n > 0 && job_state_parse(text, (size_t)n, j);
}

/* What core/progress writes by itself, where the command uses that: no process wakes up for it. */
static void read_progress(const struct home *h, struct job_info *j)
{
	CLEANUP_FREE char *path = job_path(h, j->id, "progress");
	struct stat st;
	if (progress_read(path, &j->done, &j->total) < 0 || stat(path, &st) < 0)
		return;
	j->told_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
	/* The kernel's stamps of files lag behind the clock by a tick. */
	if (j->told_ns < j->started_ns)
		j->told_ns = j->started_ns;
}

/* --- command --- */

static int write_command(
    const struct home *h, unsigned id, const char *const *words, struct err *err)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	struct passwd *pw = getpwuid(getuid());
	const char *sudo = getenv("SUDO_USER");
	CLEANUP_FREE char *folder = getcwd(NULL, 0);
	CLEANUP_FREE char *path = job_path(h, id, "command");
	for (size_t i = 0; words[i]; i++)
		json_object_array_add(list, json_object_new_string(words[i]));
	json_object_object_add(o, "words", list);
	json_object_object_add(o, "folder", json_object_new_string(folder ? folder : "/"));
	json_object_object_add(o, "who",
	    json_object_new_string(sudo && *sudo ? sudo
	                           : pw          ? pw->pw_name
	                                         : "?"));
	json_object_object_add(o, "started", json_object_new_int64((int64_t)timestamp_ns()));
	const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	int rc = strlen(text) > COMMAND_MAX
	             ? err_set(err, ERR_INVALID, "the job's command line is too long")
	             : file_write_atomic(path, text, strlen(text), 0600, err);
	if (rc == 0)
		home_share(h, path, 0640);
	json_object_put(o);
	return rc;
}

static int take_command(struct json_object *o, struct job_info *j)
{
	struct json_object *list = json_get_arr(o, "words");
	size_t n = list ? json_object_array_length(list) : 0;
	if (n == 0)
		return -1;
	j->words = xcalloc(n + 1, sizeof(*j->words));
	for (size_t i = 0; i < n; i++) {
		const char *word = json_object_get_string(json_object_array_get_idx(list, i));
		j->words[i] = xstrdup(word ? word : "");
	}
	const char *folder = json_get_str(o, "folder"), *who = json_get_str(o, "who");
	int64_t started = json_get_int(o, "started", 0);
	j->folder = xstrdup(folder ? folder : "/");
	j->who = xstrdup(who ? who : "?");
	j->started_ns = started > 0 ? (uint64_t)started : 0;
	return 0;
}

int job_read(const struct home *h, unsigned id, struct job_info *j, struct err *err)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	struct err why = {0};
	*j = (struct job_info){.id = id};
	CLEANUP_FREE char *path = job_path(h, id, "command");
	if (file_read(path, COMMAND_MAX, &b, &why) < 0)
		return why.code == ERR_NOT_FOUND
		           ? err_set(err, ERR_NOT_FOUND, "there is no job %u", id)
		           : err_set(err, why.code, "%s", why.msg);
	buf_addc(&b, '\0');
	struct json_object *o = json_tokener_parse(b.data);
	int rc = take_command(o, j);
	json_object_put(o);
	if (rc < 0)
		return err_set(err, ERR_INVALID, "'%s' holds no command", path);
	judge(j, read_state(h, j));
	read_progress(h, j);
	return 0;
}

void job_info_fini(struct job_info *j)
{
	for (size_t i = 0; j->words && j->words[i]; i++)
		free(j->words[i]);
	free(j->words);
	free(j->folder);
	free(j->who);
	*j = (struct job_info){0};
}

/* --- all of them --- */

static int newest_first(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
	return x < y ? 1 : x > y ? -1 : 0;
}

/* Ids of the folders that are there, the newest first; on the heap. */
static int read_ids(const struct home *h, unsigned **ids, size_t *n, struct err *err)
{
	CLEANUP_FREE char *dir = jobs_dir(h);
	DIR *d = opendir(dir);
	*ids = NULL;
	*n = 0;
	if (!d)
		return errno == ENOENT ? 0
		                       : err_errno(err, errno, "cannot read the folder '%s'", dir);
	for (struct dirent *e; (e = readdir(d));) {
		uint64_t id;
		if (str_u64(e->d_name, JOB_ID_MAX, &id) < 0 || id == 0)
			continue;
		*ids = xreallocarray(*ids, *n + 1, sizeof(**ids));
		(*ids)[(*n)++] = (unsigned)id;
	}
	closedir(d);
	if (*n)
		qsort(*ids, *n, sizeof(**ids), newest_first);
	return 0;
}

int job_list(const struct home *h, struct job_info **jobs, size_t *n, struct err *err)
{
	CLEANUP_FREE unsigned *ids = NULL;
	size_t n_ids;
	*jobs = NULL;
	*n = 0;
	if (read_ids(h, &ids, &n_ids, err) < 0)
		return -1;
	*jobs = xcalloc(n_ids + 1, sizeof(**jobs));
	for (size_t i = 0; i < n_ids; i++) {
		/* One that is being made or removed is none. */
		if (job_read(h, ids[i], &(*jobs)[*n], NULL) == 0)
			(*n)++;
		else
			job_info_fini(&(*jobs)[*n]);
	}
	return 0;
}

void job_list_free(struct job_info *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		job_info_fini(&jobs[i]);
	free(jobs);
}

/* What ended long ago goes; a folder that never became a job goes with them. */
static void forget_old(const struct home *h, const unsigned *ids, size_t n)
{
	size_t ended = 0;
	for (size_t i = 0; i < n; i++) {
		struct job_info j;
		CLEANUP_FREE char *dir = job_path(h, ids[i], NULL);
		bool runs = job_read(h, ids[i], &j, NULL) == 0 && j.status == JOB_STATUS_RUNNING;
		job_info_fini(&j);
		if (!runs && ++ended > JOB_KEPT)
			file_remove_tree(dir, NULL);
	}
}

/* --- starting --- */

static int make_folder(const struct home *h, unsigned *id, struct err *err)
{
	CLEANUP_FREE char *dir = jobs_dir(h);
	CLEANUP_FREE unsigned *ids = NULL;
	size_t n;
	if (home_mkdir(h, dir, err) < 0 || read_ids(h, &ids, &n, err) < 0)
		return -1;
	forget_old(h, ids, n);
	for (*id = n ? ids[0] + 1 : 1; *id <= JOB_ID_MAX; ++*id) {
		CLEANUP_FREE char *path = job_path(h, *id, NULL);
		if (mkdir(path, 0700) == 0) {
			home_share_dir(h, path);
			return 0;
		}
		if (errno != EEXIST)
			return err_errno(err, errno, "cannot make the folder '%s'", path);
	}
	return err_set(err, ERR_FAIL, "no numbers are left for jobs: empty '%s'", dir);
}

static int await_ready(int fd, struct err *err)
{
	char line[ERR_MSG_MAX] = "";
	size_t n = 0;
	while (n < sizeof(line) - 1 && !strchr(line, '\n')) {
		if (!fd_wait(fd, READY_MS))
			return err_set(err, ERR_TIMEOUT, "the job's process does not answer");
		ssize_t got = read(fd, line + n, sizeof(line) - 1 - n);
		if (got <= 0)
			break;
		n += (size_t)got;
		line[n] = '\0';
	}
	line[strcspn(line, "\n")] = '\0';
	if (str_eq(line, "ok"))
		return 0;
	return err_set(
	    err, ERR_FAIL, "%s", line[0] ? line : "the job's process ended without a word");
}

static int start_runner(const struct home *h, unsigned id, struct err *err)
{
	int fds[2];
	char word[16];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "cannot make a pipe");
	CLEANUP_CLOSE int in = fds[0], out = fds[1];
	snprintf(word, sizeof(word), "%u", id);
	char *argv[] = {(char *)"hvmux", (char *)"-c", (char *)(uintptr_t)home_uri(h),
	    (char *)"job-run", word, (char *)"--ready-fd", (char *)"3", NULL};
	const struct detach d = {
	    .what = "a job", .h = h, .argv = argv, .ready = out, .keep_folder = true};
	if (detach(&d, err) < 0)
		return -1;
	close(TAKE_FD(out));
	return await_ready(in, err);
}

int job_start(const struct home *h, const char *const *words, unsigned *id, struct err *err)
{
	if (make_folder(h, id, err) < 0)
		return -1;
	if (write_command(h, *id, words, err) == 0 && start_runner(h, *id, err) == 0)
		return 0;
	CLEANUP_FREE char *dir = job_path(h, *id, NULL);
	file_remove_tree(dir, NULL);
	return -1;
}

/* --- asking --- */

int job_output(const struct home *h, unsigned id, struct buf *out, struct err *err)
{
	struct err why = {0};
	CLEANUP_FREE char *path = job_path(h, id, "output");
	if (file_read(path, JOB_OUTPUT_MAX, out, &why) == 0 || why.code == ERR_NOT_FOUND)
		return 0;
	return err_set(err, why.code, "%s", why.msg);
}

static int open_runner(const struct job_info *j)
{
	int fd = j->runner > 0 ? (int)syscall(SYS_pidfd_open, j->runner, 0) : -1;
	/* The number may be another's by now; what is open is one process for good. */
	if (fd >= 0 && !vm_process_exists(j->runner, j->runner_start)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int job_cancel(const struct home *h, unsigned id, struct err *err)
{
	struct job_info j;
	int rc = job_read(h, id, &j, err);
	if (rc == 0) {
		CLEANUP_CLOSE int fd = j.status == JOB_STATUS_RUNNING ? open_runner(&j) : -1;
		if (fd < 0)
			rc = err_set(err, ERR_STATE, "job %u does not run: it is %s", id,
			    job_status_name(j.status));
		else if (syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0) < 0)
			rc = err_errno(err, errno, "cannot cancel job %u", id);
	}
	job_info_fini(&j);
	return rc;
}

bool job_wait(const struct job_info *j, int ms)
{
	CLEANUP_CLOSE int fd = open_runner(j);
	struct pollfd p = {fd, POLLIN, 0};
	uint64_t end = loop_now_ms() + (uint64_t)(ms < 0 ? 0 : ms);
	while (fd >= 0) {
		uint64_t now = loop_now_ms();
		int left = ms < 0 ? -1 : now < end ? (int)(end - now) : 0;
		int rc = poll(&p, 1, left);
		if (rc > 0 || (rc < 0 && errno != EINTR))
			return rc > 0;
		if (rc == 0)
			return false;
	}
	return true;
}

int64_t job_left(const struct job_info *j, uint64_t now_ns)
{
	if (j->status != JOB_STATUS_RUNNING || j->done == 0 || j->done > j->total ||
	    j->told_ns <= j->started_ns)
		return -1;
	double took = (double)(j->told_ns - j->started_ns) / 1e9;
	double left = took * (double)(j->total - j->done) / (double)j->done;
	double since = now_ns > j->told_ns ? (double)(now_ns - j->told_ns) / 1e9 : 0;
	left = left > since ? left - since : 0;
	return left < (double)INT32_MAX ? (int64_t)(left + 0.5) : -1;
}
