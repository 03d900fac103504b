/* The verbs of background jobs. */
#include "cli/table_impl.h"

#define JOB_ONE                                                                               \
	{                                                                                     \
		"job", OPT_WORD, .required = true, .value = "JOB", .help = "the job's number" \
	}

OPTS(jobs) = {
    FLAG("running", "only those that have not ended"),
    JSON,
    {0},
};
OPTS(job_info) = {
    JOB_ONE,
    FLAG("wait", "until it has ended; the exit status is then that of its command"),
    FLAG("output", "print what its command printed instead"),
    JSON,
    {0},
};
OPTS(job_start) = {
    {"words", OPT_REST, .required = true, .value = "WORD",
        .help = "the command and its words, as they would stand behind hvmux"},
    JSON,
    {0},
};
OPTS(job_cancel) = {
    {"job", OPT_WORD, .required = true, .many = true, .value = "JOB",
        .help = "the job's number; several may be given"},
    JSON,
    {0},
};
OPTS(job_run) = {
    JOB_ONE,
    {"ready-fd", OPT_NUMBER, .value = "N", .help = "descriptor that is told that it runs"},
    {0},
};

VERB(jobs) = {NAMES(jobs, "jobs"), .family = "Jobs", .summary = "list background jobs",
    .flags = VERB_READS,
    .text =
        "The newest first: those that run, and the last 100 that have ended, until the host's next boot. Status is "
        "running, done, failed, cancelled, or lost when something killed the job from outside."};

VERB(job_info) = {NAMES(job_info, "job-info"), .family = "Jobs",
    .summary = "what became of a background job", .flags = VERB_READS,
    .text =
        "Its command line, where and when it was started and by whom, how far it is, and the last line that its "
        "command printed. Of what a command prints the last 256 KiB are kept."};

VERB(job_start) = {NAMES(job_start, "job-start"), .family = "Jobs",
    .summary = "run a command in the background", .flags = VERB_CHANGES,
    .text =
        "The command goes on when the terminal or the dashboard that started it is closed. It runs in the present "
        "folder, so its words may name files relative to it, and cannot be asked anything.\n\n"
        "  hvmux job-start img convert -O qcow2 -c old.vmdk new.qcow2"};

VERB(job_cancel) = {NAMES(job_cancel, "job-cancel"), .family = "Jobs",
    .summary = "end a background job", .flags = VERB_DISRUPTS,
    .losses = "what the job has done so far",
    .text =
        "The command gets SIGINT, as by Ctrl+C, and cleans up behind itself; SIGTERM when it is there still after 10 "
        "seconds, SIGKILL after 10 more. Asking again takes the next step at once. Does not wait: see job-info "
        "--wait."};

VERB(job_run) = {NAMES(job_run, "job-run"), .family = "Jobs",
    .summary = "be the runner of a background job", .flags = VERB_CHANGES | VERB_HIDDEN};
