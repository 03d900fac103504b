/* progress: how far a long piece of work is, for whoever waits for it: a bar on a terminal, qemu-img's percentage, a job's
 * file. What works calls progress_add and knows nothing of who looks. Owner: the command that began the work, on its stack;
 * one at a time in a process, because of its signals. */
#ifndef CORE_PROGRESS_H
#define CORE_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

/* The environment's name for a file that a job's parent reads: set, every progress writes itself there, too. */
#define PROGRESS_FILE_ENV "HVMUX_PROGRESS"
#define PROGRESS_FILE_BYTES 64 /* of it, always: one line, padded with blanks, written at once */

enum progress_form {
	PROGRESS_SILENT, /* SIGUSR1 still makes it tell, as it does dd and qemu-img */
	PROGRESS_BAR, /* "[=====>    ]  52%  1.2 GiB  310 MiB/s  0:12 left", redrawn, gone at the end */
	PROGRESS_PERCENT, /* "    (52.10/100%)\r", a line's end at the end: qemu-img's -p */
};

struct progress {
	enum progress_form form;
	int fd;   /* borrowed */
	int file; /* of PROGRESS_FILE_ENV; -1 none */
	_Atomic uint64_t done, total;
	uint64_t start_ns;
	_Atomic uint64_t next_ns; /* nothing is shown before */
	atomic_flag busy;         /* somebody is showing */
	double shown;             /* percent; PROGRESS_PERCENT */
	bool drawn;               /* a bar stands on the terminal */
};

/* total: in bytes; 0 is unknown yet. fd: for the bar and the percentage. Catches SIGUSR1, and SIGINT, SIGTERM and SIGHUP for
 * progress_interrupted: the first one is remembered, the second ends the process as ever. */
void progress_start(struct progress *p, enum progress_form form, int fd, uint64_t total);
/* Any thread. Both pass NULL through: nobody looks. Shows at most five times a second. */
void progress_add(struct progress *p, uint64_t bytes);
void progress_total(struct progress *p, uint64_t total);
/* whole: it is at its end, whatever was added. Puts the terminal and the signals back. */
void progress_stop(struct progress *p, bool whole);

/* The signal that asked to stop, 0 none. Work with something to clean up asks between two pieces. */
int progress_interrupted(void);
/* The same as an error ("interrupted"), or 0. */
int progress_check(struct err *err);
/* After progress_stop and the cleaning up: ends the process by the signal that asked for it, so that a shell's loop ends, too.
 * Returns when there was none. */
void progress_die(void);

/* The form for a command that was not told: a bar when both standard output and standard error are a terminal. */
enum progress_form progress_form_of(bool percent, bool quiet);

/* A job's file, read back: -1 there is none yet, or nothing that makes sense. total 0: unknown. */
int progress_read(const char *path, uint64_t *done, uint64_t *total);

/* The bar as text of at most `width` columns, ASCII. For the dashboard's jobs, too. */
#define PROGRESS_BAR_MAX 256
void progress_bar(
    uint64_t done, uint64_t total, uint64_t elapsed_ns, unsigned width, char out[PROGRESS_BAR_MAX]);

#endif
