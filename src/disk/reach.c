#include "disk/reach.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "core/mem.h"
#include "core/str.h"

struct question {
	LIST_ENTRY(question) entry;
	char *path;
	struct stat st;
	struct statvfs fs;
	int errnum;
	bool answered;
	unsigned holders; /* those who wait, and the thread */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static LIST_HEAD(questions, question) open_questions = LIST_HEAD_INITIALIZER(open_questions);

static void prepare(void)
{
	pthread_condattr_t at;
	pthread_condattr_init(&at);
	pthread_condattr_setclock(&at, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &at);
	pthread_condattr_destroy(&at);
}

static void release(struct question *q)
{
	if (--q->holders > 0)
		return;
	free(q->path);
	free(q);
}

static void *ask(void *arg)
{
	struct question *q = arg;
	struct stat st;
	struct statvfs fs;
	int errnum = stat(q->path, &st) < 0 || statvfs(q->path, &fs) < 0 ? errno : 0;
	pthread_mutex_lock(&lock);
	q->errnum = errnum;
	if (errnum == 0) {
		q->st = st;
		q->fs = fs;
	}
	q->answered = true;
	LIST_REMOVE(q, entry);
	pthread_cond_broadcast(&changed);
	release(q);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static int start(struct question *q)
{
	pthread_t thread;
	pthread_attr_t at;
	sigset_t all, before;
	sigfillset(&all);
	pthread_attr_init(&at);
	pthread_attr_setdetachstate(&at, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&at, 65536);
	/* Signals are for the threads that know what to do with them. */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int rc = pthread_create(&thread, &at, ask, q);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&at);
	return rc;
}

/* The one that is open for this path, or a new one; NULL with errno. */
static struct question *find(const char *path)
{
	struct question *q;
	LIST_FOREACH(q, &open_questions, entry)
	if (str_eq(q->path, path)) {
		q->holders++;
		return q;
	}
	q = xcalloc(1, sizeof *q);
	q->path = xstrdup(path);
	q->holders = 2;
	int rc = start(q);
	if (rc != 0) {
		free(q->path);
		free(q);
		errno = rc;
		return NULL;
	}
	LIST_INSERT_HEAD(&open_questions, q, entry);
	return q;
}

static struct timespec deadline(int ms)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

int reach(const char *path, int ms, struct stat *st, struct statvfs *fs, struct err *err)
{
	int rc = -1;
	struct timespec end = deadline(ms);
	pthread_once(&once, prepare);
	pthread_mutex_lock(&lock);
	struct question *q = find(path);
	if (q == NULL) {
		err_errno(err, errno, "cannot look at '%s'", path);
		pthread_mutex_unlock(&lock);
		return -1;
	}
	while (!q->answered && pthread_cond_timedwait(&changed, &lock, &end) == 0)
		;
	if (!q->answered) {
		err_set(err, ERR_TIMEOUT,
		    "the file system of '%s' does not answer; is its server up?", path);
	} else if (q->errnum != 0) {
		err_errno(err, q->errnum, "cannot look at '%s'", path);
	} else {
		*st = q->st;
		*fs = q->fs;
		rc = 0;
	}
	release(q);
	pthread_mutex_unlock(&lock);
	return rc;
}
