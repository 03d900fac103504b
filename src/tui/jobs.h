/* jobs: command lines run as children, and what came of them: the events pane. A key runs `hvmux VERB …` here, so no
 * operation can block or crash the dashboard. Also holds notes: what the dashboard saw happen by itself.
 * Owner: the dashboard. A child outlives the dashboard: it has a session of its own. */
#ifndef TUI_JOBS_H
#define TUI_JOBS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/loop.h"

#define JOBS_KEPT 500
#define JOBS_OUTPUT_MAX (256u << 10) /* bytes of a child's words that are kept */

enum job_state { JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_CANCELLED, JOB_NOTE };

struct job {
	unsigned id;
	time_t when;
	enum job_state state;
	char *command; /* "hvmux start web1", quoted for a shell; a note's text */
	bool bad;      /* a note of something that went wrong */
	bool show;     /* its output is asked for: shown in a viewer when it ends */
	bool quiet;    /* a view waits for it: neither listed nor told */
	int status;    /* as waitpid gives it */
	pid_t pid;
	struct buf out, err; /* printable text of its standard output and error */
	char *progress;      /* its last word on progress; NULL none */
	uint64_t done, total;
	/* private */
	struct jobs *jobs;
	struct event *events[3];
	int fds[3];
	struct buf progress_in;
	bool reaped, dropped;
};

struct jobs;

struct jobs_ops {
	void (*changed)(void *arg, struct job *j); /* output came, or it ended */
	void (*ended)(void *arg, struct job *j);
};

/* self: the program; uri: passed on as --connect, NULL none. Both borrowed. */
struct jobs *jobs_new(
    struct loop *l, const char *self, const char *uri, const struct jobs_ops *ops, void *arg);
void jobs_free(struct jobs *jobs);
/* words: verb and arguments, NULL-terminated. NULL with err when it cannot be started (noted all the same). */
struct job *jobs_run(struct jobs *jobs, const char *const *words, bool show, struct err *err);
void jobs_note(struct jobs *jobs, bool bad, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* For a view that makes something of the output itself (a plan to look at, a list to choose from) and hears of the end by
 * view_ops.news. It is not among those that jobs_get gives; the view lets go of it by jobs_drop, running or not. */
struct job *jobs_run_quiet(struct jobs *jobs, const char *const *words, struct err *err);
void jobs_drop(struct jobs *jobs, struct job *j);
/* Asks that job to end (SIGINT); false: it has. */
bool jobs_interrupt(struct jobs *jobs, unsigned id);
/* NULL: so long ago that it was forgotten. */
const struct job *jobs_find(const struct jobs *jobs, unsigned id);
/* Ends the newest job that runs (SIGINT); NULL when none does. */
struct job *jobs_cancel(struct jobs *jobs);
unsigned jobs_count(const struct jobs *jobs);
unsigned jobs_running(const struct jobs *jobs);
/* 0 is the newest. */
const struct job *jobs_get(const struct jobs *jobs, unsigned i);
/* The one line that says most: the last line of its error, else of its output; "" none. On the heap. */
char *job_words(const struct job *j);
/* "start web1" → words as a shell would need them, joined; on the heap. */
char *jobs_quote(const char *const *words);

#endif
