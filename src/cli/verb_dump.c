/* dump: the guest's memory into a file. QEMU writes into a pipe of ours, so that a full disk, Ctrl-C and even our own death end
 * the dump in QEMU, too (it cannot be told to stop otherwise), and the guest goes on. The file has no name until it is whole. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/live.h"
#include "cli/out.h"
#include "core/whole_file.h"
#include "core/file.h"
#include "core/jsonl.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/str.h"

#define PIPE_BYTES (1 << 20)
#define ASK_MS 500    /* between questions of how far it is */
#define STOP_MS 10000 /* for QEMU to notice that nobody reads */
#define FD_NAME "hvmux-dump-verb"

static volatile sig_atomic_t interrupted;

static void note_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* Ctrl-Z would keep the guest paused for as long as we are. */
static void catch_signals(void)
{
	struct sigaction stop = {.sa_handler = note_interrupt}, ignore = {.sa_handler = SIG_IGN};
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
	sigaction(SIGTSTP, &ignore, NULL);
}

/* --- what QEMU says --- */

struct dump_state {
	bool active, failed;
	uint64_t done, total;
};

static int ask_state(struct live *l, struct dump_state *s, struct err *err)
{
	struct json_object *o = NULL;
	if (live_qmp(l, "query-dump", NULL, &o, err) < 0)
		return -1;
	const char *status = json_get_str(o, "status");
	int64_t done = json_get_int(o, "completed", 0), total = json_get_int(o, "total", 0);
	s->active = str_eq(status, "active");
	s->failed = !s->active && !str_eq(status, "completed");
	s->done = done > 0 ? (uint64_t)done : 0;
	s->total = total > 0 ? (uint64_t)total : 0;
	json_object_put(o);
	return 0;
}

/* The end of the file came; QEMU settles the dump a moment later. A supervisor that was replaced meanwhile is found again. */
static int final_state(struct live *l, struct dump_state *s, struct err *err)
{
	struct cli *c = l->c;
	uint64_t end = loop_now_ms() + STOP_MS;
	*s = (struct dump_state){.active = true};
	while (s->active && loop_now_ms() < end) {
		if (ask_state(l, s, err) < 0) {
			live_fini(l);
			if (live_open(c, l, err) < 0)
				return -1;
		}
		if (s->active)
			poll(NULL, 0, 20);
	}
	return s->active ? err_set(err, ERR_TIMEOUT, "QEMU does not end the dump") : 0;
}

static void tell_progress(const struct cli *c, const struct dump_state *s, bool last)
{
	unsigned percent = s->total ? (unsigned)((double)s->done * 100 / (double)s->total) : 0;
	percent = last ? 100 : percent > 99 ? 99 : percent;
	out_progress(c, percent, 100, "dump");
	if (cli_flag(c, "verbose"))
		fprintf(stderr, "\rDump: [%3u %%]%s", percent, last ? "\n" : "");
}

/* --- bytes --- */

/* As read(2) and write(2) do it, where the file cannot take a pipe's pages. */
static ssize_t carry(int from, int to)
{
	char bytes[65536];
	ssize_t n = read(from, bytes, sizeof(bytes));
	return n > 0 && fd_write_all(to, bytes, (size_t)n) < 0 ? -1 : n;
}

static ssize_t move(int from, int to)
{
	ssize_t n = splice(from, NULL, to, NULL, PIPE_BYTES, SPLICE_F_MOVE);
	return n < 0 && errno == EINVAL ? carry(from, to) : n;
}

/* From the pipe into the file until QEMU closes its end. */
static int copy(struct live *l, int from, int to, struct err *err)
{
	uint64_t asked = loop_now_ms();
	struct dump_state s = {0};
	struct err ignored;
	while (!interrupted) {
		struct pollfd p = {from, POLLIN, 0};
		int ready = poll(&p, 1, ASK_MS);
		if (ready > 0) {
			ssize_t n = move(from, to);
			if (n == 0)
				return 0;
			if (n < 0 && errno != EINTR && errno != EAGAIN)
				return err_errno(err, errno, "cannot write the dump");
		}
		if (loop_now_ms() - asked >= ASK_MS) {
			/* A silent supervisor does not stop the bytes: those decide. */
			if (l->rpc && ask_state(l, &s, &ignored) == 0)
				tell_progress(l->c, &s, false);
			asked = loop_now_ms();
		}
	}
	return err_set(err, ERR_FAIL, "interrupted");
}

static int begin(struct live *l, int pipe_in, struct err *err)
{
	const char *format = cli_value(l->c, "format");
	struct json_object *args = json_object_new_object();
	out_add_str(args, "fdname", FD_NAME);
	if (live_qmp_fd(l, "getfd", args, pipe_in, NULL, err) < 0)
		return -1;
	args = json_object_new_object();
	out_add_bool(args, "paging", false);
	out_add_str(args, "protocol", "fd:" FD_NAME);
	out_add_bool(args, "detach", true);
	if (format)
		out_add_str(args, "format", format);
	if (live_qmp(l, "dump-guest-memory", args, NULL, err) == 0)
		return 0;
	args = json_object_new_object();
	out_add_str(args, "fdname", FD_NAME);
	(void)live_qmp(l, "closefd", args, NULL, NULL);
	return -1;
}

/* The pipe is closed whatever happens: that is what ends QEMU's side. */
static int dump_into(struct live *l, int file, struct err *err)
{
	int ends[2];
	struct dump_state s;
	struct err why;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, errno, "cannot make a pipe");
	(void)fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES);
	CLEANUP_CLOSE int out = ends[0], in = ends[1];
	if (begin(l, in, err) < 0)
		return -1;
	close(TAKE_FD(in));
	int rc = copy(l, out, file, err);
	close(TAKE_FD(out));
	/* Of a dump that failed here only its end is waited for: the guest runs again then. */
	if (final_state(l, &s, rc < 0 ? &why : err) < 0)
		return -1;
	if (rc < 0)
		return -1;
	if (s.failed)
		return err_set(err, ERR_FAIL, "QEMU could not write the dump");
	tell_progress(l->c, &s, true);
	return 0;
}

/* --- the verb --- */

static int afterwards(struct live *l, struct err *err)
{
	const char *method = cli_flag(l->c, "crash")   ? "destroy"
	                     : cli_flag(l->c, "reset") ? "reset"
	                                               : NULL;
	return method ? live_call(l, method, NULL, 2 * RPC_TIMEOUT_MS, NULL, err) : 0;
}

static int dump(struct live *l, struct err *err)
{
	const char *path = cli_value(l->c, "file");
	struct whole_file f;
	if (whole_file_open(&f, path, 0600, err) < 0)
		return -1;
	int rc = dump_into(l, f.fd, err);
	if (rc == 0)
		rc = whole_file_keep(&f, err);
	whole_file_close(&f);
	if (rc < 0)
		return -1;
	out_message(l->c, "\nDomain '%s' dumped to %s", l->name, path);
	return afterwards(l, err);
}

int verb_dump(struct cli *c)
{
	struct err err = {0};
	struct live l;
	if (cli_flag(c, "crash") && cli_flag(c, "reset")) {
		out_error("Options --crash and --reset are mutually exclusive");
		return CLI_FAILED;
	}
	if (cli_value(c, "format") && !cli_flag(c, "memory-only")) {
		out_error("'format' is used only with 'memory-only'");
		return CLI_FAILED;
	}
	catch_signals();
	int rc = live_open(c, &l, &err);
	if (rc == 0)
		rc = dump(&l, &err);
	CLEANUP_FREE char *what = xasprintf("Failed to core dump domain '%s' to %s",
	    l.name ? l.name : cli_value(c, "domain"), cli_value(c, "file"));
	live_fini(&l);
	return rc == 0 ? CLI_DONE : live_failed(what, &err);
}
