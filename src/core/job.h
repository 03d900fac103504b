/* job: background jobs: a command line of this program that is run by a process of its own, the runner, and so outlives
 * whoever started it: a dashboard, a login. run/.jobs/ID/ holds
 *
 *	command  JSON, written once: {"words": ["img", "convert", …], "folder": …, "who": …, "started": ns}
 *	state    how far it is; only the runner writes it, always JOB_STATE_BYTES, padded with blanks, in one pwrite
 *	output   what the command printed, on either descriptor; of more than JOB_OUTPUT_MAX the end
 *	progress how far it is, of a command that tells by core/progress; written by that, read here
 *
 * Others tell by lines on the descriptor of --progress-fd (cli/out.h). None needs to know of jobs. Ids count from 1 in a folder that a reboot empties, like the jobs themselves.
 * Reading waits for nobody; a job whose runner died is known by that. Owner of a list: whoever called job_list. */
#ifndef CORE_JOB_H
#define CORE_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/home.h"

#define JOB_STATE_BYTES 1024
#define JOB_OUTPUT_MAX (256u << 10)
#define JOB_KEPT 100 /* that have ended; older ones go when another starts */
#define JOB_TEXT_MAX 400
#define JOB_ID_MAX 999999999u

enum job_status {
	JOB_STATUS_RUNNING,
	JOB_STATUS_DONE,
	JOB_STATUS_FAILED,    /* exit says how, or signal */
	JOB_STATUS_CANCELLED, /* by job_cancel */
	JOB_STATUS_LOST,      /* its runner was killed, or did not come to life */
	JOB_STATUS_COUNT
};
const char *job_status_name(enum job_status s); /* "running" … */

struct job_info {
	unsigned id;
	enum job_status status;
	char **words; /* of the command line, behind "hvmux"; NULL-terminated, never NULL */
	char *folder; /* where it was started */
	char *who;
	uint64_t started_ns,
	    ended_ns;            /* CLOCK_REALTIME; ended: 0 it has not, or nobody knows when */
	uint64_t done, total;    /* progress in its own unit; total 0: not known */
	uint64_t told_ns;        /* when that was, CLOCK_REALTIME; 0 never */
	char text[JOB_TEXT_MAX]; /* the last word on progress, printable */
	int exit, signal;        /* of the command, once it has ended; signal 0: it exited */
	pid_t runner, command;   /* 0 none */
	uint64_t runner_start, command_start; /* core/vm_process.h */
};

/* Starts `hvmux WORDS` (NULL-terminated) in the present folder; *id is its name. For a process of one thread. */
int job_start(const struct home *h, const char *const *words, unsigned *id, struct err *err);
/* One job; ERR_NOT_FOUND. job_info_fini in every case. */
int job_read(const struct home *h, unsigned id, struct job_info *j, struct err *err);
/* All of them, the newest first; none when there is no folder. */
int job_list(const struct home *h, struct job_info **jobs, size_t *n, struct err *err);
void job_info_fini(struct job_info *j);
void job_list_free(struct job_info *jobs, size_t n);
/* What it printed, appended to out; escape sequences and all. */
int job_output(const struct home *h, unsigned id, struct buf *out, struct err *err);
/* Asks the command to end: SIGINT, after JOB_PATIENCE_MS SIGTERM, after as long again SIGKILL; asking again is the next of
 * these at once. Does not wait. ERR_STATE when it does not run. */
#define JOB_PATIENCE_MS 10000
int job_cancel(const struct home *h, unsigned id, struct err *err);
/* Waits until the job's runner has gone, ms at most (-1: for ever): false it runs still. */
bool job_wait(const struct job_info *j, int ms);
/* Seconds until the end, by the mean of its speed so far; -1 nobody knows. Pure. */
int64_t job_left(const struct job_info *j, uint64_t now_ns);

/* --- core/job_run.c --- */
/* The runner's whole life: the command's exit status, 1 when it could not be run. ready: told "ok" or what failed; closed. */
int job_run(const struct home *h, unsigned id, int ready);

/* --- between the two --- */
char *job_path(const struct home *h, unsigned id, const char *file); /* file NULL: the folder */
/* state's text from *j, JOB_STATE_BYTES bytes; and back into the members that it holds. false: it is none. */
void job_state_format(const struct job_info *j, char out[JOB_STATE_BYTES]);
bool job_state_parse(const char *text, size_t n, struct job_info *j);

#endif
